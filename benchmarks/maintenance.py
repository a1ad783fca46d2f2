"""Maintenance: 100,000 log files of which half are old, ten million bars to put in order, the health check and page.

``python -m benchmarks maintenance [PART ...]``: cleanup, optimise, conflicts, plots, health, reliability; each tells on
stderr how far it is. They run through an engine of their own, as in the product; memory is watched from outside in a
thread, that of the spawned process too.
"""

from __future__ import annotations

import gc
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
import psutil

from app.clock import SystemClock
from app.paths import Paths
from app.settings import Settings
from app.storage import Storage
from app.tasks import CancelFlag, NoParams, TaskContext
from app.terminal.values import RATES_DTYPE, Rates
from benchmarks.figures import Figure, distribution, single
from benchmarks.house import Lent
from workers.maintenance import clock_guard
from workers.maintenance.clock_guard import Memory
from workers.maintenance.results import LogsParams
from workers.maintenance_tasks import cleanup_old_logs, optimize_csv_files
from workers.market import bar_text

FILES = 100_000
BARS = 10_000_000
_CONFLICTS = 500_000
_PIECE = 250_000
_CHECKS = 30
_RUNS = 1_000_000
_DAY_S = 86_400


def run(parts: Sequence[str] = ()) -> list[Figure]:
    """Measure these parts, or all of them."""
    figures: list[Figure] = []
    # In this order: an application with windows cannot follow one without.
    for part in [part for part in PARTS if not parts or part in parts]:
        began = time.perf_counter()
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
            figures += PARTS[part](Path(folder))
        told(f"{part} took {time.perf_counter() - began:.0f} s")
    return figures


def told(text: str) -> None:
    """How far it is, beside the report."""
    print(f"maintenance: {text}", file=sys.stderr, flush=True)


def _context(home: Path, task: str) -> TaskContext:
    import logging

    paths, clock = Paths(home), SystemClock()
    paths.create()
    services: Any = Lent(clock, Settings(), Storage(paths, clock))
    return TaskContext("run", task, services, logging.getLogger("benchmarks"), CancelFlag(), lambda _: None)


def _cleanup(home: Path) -> list[Figure]:
    ctx = _context(home, "cleanup_old_logs")
    logs, now = ctx.storage.paths.logs, time.time()
    for number in range(FILES):
        path = os.path.join(logs, f"worker-{number}.log")  # noqa: PTH118 - 100,000 of them
        with open(path, "wb") as file:  # noqa: PTH123
            file.write(b"a line\n")
        age = (20 if number % 2 else 40) * _DAY_S
        os.utime(path, (now - age, now - age))
    told(f"{FILES:,} files written")
    # Of a home that is in use: else its first look at files this old would ask.
    clock_guard.remember(ctx.storage, ctx.task_id, Memory.begun(now - 3600))
    gc.collect()
    with _peak(psutil.Process()) as peak:
        before = psutil.Process().memory_info().rss
        began = time.perf_counter()
        result = cleanup_old_logs(ctx, LogsParams())
        took = time.perf_counter() - began
    if result.files != FILES // 2:
        raise RuntimeError(f"{result.files} files were deleted")
    name = f"{FILES:,} files looked at, {FILES // 2:,} deleted"
    return [
        single(name, "s", took, 10.0),
        single(f"{name}: memory beyond that of before", "MB", max(0, peak[0] - before) / 1e6, 100.0),
    ]


def _optimise(home: Path) -> list[Figure]:
    ctx = _context(home, "optimize_csv_files")
    path = ctx.storage.paths.bars / "EURUSD_M1.csv"
    places = _write(path)
    told(f"{BARS:,} bars written")
    figures = _optimised(ctx, f"{BARS:,} bars in order", BARS, changed=0, memory=500.0)
    _spoil(path, places)
    name = f"{BARS:,} bars out of order, with duplicates and torn lines"
    return figures + _optimised(ctx, name, BARS, changed=1, memory=500.0)


def _conflicts(home: Path) -> list[Figure]:
    """A third of the bars tell otherwise of a time that is there already: all of them go to the side file."""
    ctx = _context(home, "optimize_csv_files")
    rows = _CONFLICTS * 2
    with (ctx.storage.paths.bars / "EURUSD_M1.csv").open("wb") as file:
        file.write(bar_text.header())
        for first in range(0, rows, _PIECE):
            rates = _bars(first)
            file.write(bar_text.lines(rates, 5))
            rates["tick_volume"] += 1
            file.write(bar_text.lines(rates[::2], 5))
    name = f"{rows + _CONFLICTS:,} bars, of which {_CONFLICTS:,} conflict"
    with _peak(psutil.Process()) as peak:
        before = psutil.Process().memory_info().rss
        figures = _optimised(ctx, name, rows, changed=1, memory=300.0)
    held = max(0, peak[0] - before) / 1e6
    return [*figures, single(f"{name}: memory of the main process beyond that of before", "MB", held, 30.0)]


def _optimised(ctx: TaskContext, name: str, rows: int, *, changed: int, memory: float) -> list[Figure]:
    with _peak() as peak:
        began = time.perf_counter()
        result = optimize_csv_files(ctx, NoParams())
        took = time.perf_counter() - began
    if (result.rows, result.changed) != (rows, changed):
        raise RuntimeError(f"{result.rows} rows are left, {result.changed} files were changed")
    told(f"{name}: {took:.1f} s")
    return [
        single(name, "s", took, 30.0),
        single(f"{name}: memory of the worker", "MB", peak[0] / 1e6, memory),
    ]


def _write(path: Path) -> list[int]:
    """A history; where each of its pieces begins, and the end."""
    places = []
    with path.open("wb") as file:
        file.write(bar_text.header())
        for first in range(0, BARS, _PIECE):
            places.append(file.tell())
            file.write(bar_text.lines(_bars(first), 5))
        return [*places, file.tell()]


def _spoil(path: Path, places: list[int]) -> None:
    """Put a piece at the wrong place, and into each piece a repeated and a torn line."""
    pieces = list(pairwise(places))
    pieces[3], pieces[-1] = pieces[-1], pieces[3]
    spoiled = path.with_name("spoiled")
    with path.open("rb") as old, spoiled.open("wb") as new:
        new.write(bar_text.header())
        for begin, end in pieces:
            old.seek(begin)
            text = old.read(end - begin)
            last = text[-400:].split(b"\n")[-2]
            new.write(text + last + b"\n" + last[:30] + b"\n")
    spoiled.replace(path)


def _bars(first: int) -> Rates:
    places = np.arange(first, first + _PIECE)
    rates: Rates = np.zeros(_PIECE, dtype=RATES_DTYPE)
    rates["time"] = 1_104_710_400 + 60 * places
    close = 1.1 + 0.05 * np.sin(places / 5_000)
    rates["open"] = rates["close"] = close
    rates["high"], rates["low"] = close + 0.0003, close - 0.0003
    rates["tick_volume"] = 10 + places % 90
    return rates


@contextmanager
def _peak(process: psutil.Process | None = None) -> Iterator[list[int]]:
    """The most memory in bytes that a process held, or any that this one spawned."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not over.wait(0.02):
            for found in [process] if process else me.children(recursive=True):
                with suppress(psutil.Error):
                    peak[0] = max(peak[0], found.memory_info().rss)

    thread = threading.Thread(target=watch, name="memory-watch")
    thread.start()
    try:
        yield peak
    finally:
        over.set()
        thread.join()


def _fill_trend(paths: Paths) -> None:
    """Eight days of checks by this process, as after that time."""
    from workers.health import trend

    known = trend.load(Storage(paths, SystemClock()))
    last = known.points[-1]
    points = tuple(trend.Point(last.at_s - 1_800.0 * back, last.process, last.figures) for back in range(400, -1, -1))
    trend.store(paths, trend.Trend(points, known.integrity_at, known.integrity))


def _health(home: Path) -> list[Figure]:
    from app.cli_session import CommandSession
    from app.engine import Engine
    from benchmarks.symbols import timed_runs
    from workers import registry

    overrides = {"timetable.paused": "true"}
    session = CommandSession.open(str(home), overrides, registry, as_json=True)
    engine = Engine(session.paths, session.settings, session.load_registry())
    with timed_runs(engine) as timed:
        timed("system_health_check", None, 1)
        _fill_trend(session.paths)
        taken, _late = timed("system_health_check", None, _CHECKS)
    return [distribution("health check on the worker", "ms", [value * 1e3 for value in taken], {"p95": 50.0})]


def _month(paths: Paths) -> None:
    """A month of samples every 20 s, with a night off each day."""
    from app.samples import FIGURES, RECORD

    now = time.time()
    at = np.arange(now - 30 * _DAY_S, now, 20.0)
    at = at[(at % _DAY_S) < 0.7 * _DAY_S]
    dice = np.random.default_rng(1)
    found = np.zeros(at.size, dtype=RECORD)
    found["at"], found["process"] = at, at // _DAY_S
    for name in FIGURES:
        found[name] = 100 + np.cumsum(dice.normal(0, 1, at.size))
    for day in np.unique(at // _DAY_S):
        name = time.strftime("samples_%Y%m%d.bin", time.gmtime(float(day) * _DAY_S))
        found[at // _DAY_S == day].tofile(paths.health_checks / name)


def _plots(home: Path) -> list[Figure]:
    """Thirty days: read and thinned on the pool, then six plots at the size of a large window painted anew."""
    from datetime import timedelta

    from app.samples import FIGURES, Sample, Sampler
    from ui.application import make_application
    from ui.theme import Theme
    from ui.widgets.trend_plot import TrendPlot
    from workers.health.series import EVENTS, course

    app, theme, paths, clock = make_application(), Theme("dark"), Paths(home), SystemClock()
    paths.create()
    _month(paths)
    sampler = Sampler(paths.health_checks, clock, lambda _passed: Sample())
    plots = {name: TrendPlot(theme, "running", from_zero=False, dotted=name in EVENTS) for name in FIGURES}
    for plot in plots.values():
        plot.resize(430, 130)
        plot.show()
    app.processEvents()
    read, painted = [], []
    for _ in range(_CHECKS):
        now = clock.now()
        began = time.perf_counter()
        records = sampler.read(now - timedelta(days=30), now)
        found = course(records, (now - timedelta(days=30)).timestamp(), now.timestamp(), 360)
        between = time.perf_counter()
        for name, plot in plots.items():
            plot.show_line(found.lines[name], found.begin, found.end)
            plot.viewport().repaint()
        read.append((between - began) * 1e3)
        painted.append((time.perf_counter() - between) * 1e3)
    return [
        distribution(f"30 days ({records.size:,} samples) read and thinned", "ms", read),
        distribution("six plots of 30 days painted", "ms", painted, {"p95": 30.0}),
    ]


def _reliability(home: Path) -> list[Figure]:
    """A million runs of a year, and a million of one week: the longest that the history keeps."""
    import sqlite3

    from app.history import RunHistory
    from app.history_rows import to_us
    from workers.health.reliability import WEEK, reliability

    figures = []
    for name, days in (("a year", 365), ("a week", 7)):
        paths, clock = Paths(home / name.replace(" ", "_")), SystemClock()
        paths.create()
        history = RunHistory(paths.database, clock)
        now_us, step = to_us(clock.now()), int(days * _DAY_S * 1e6 / _RUNS)
        rows = (
            (now_us - place * step, f"task_{place % 14}", "failed" if place % 97 == 0 else "succeeded", 0.1 + place % 9)
            for place in range(_RUNS)
        )
        with sqlite3.connect(paths.database) as connection:
            connection.execute("PRAGMA synchronous = OFF")  # a database for this measurement only
            connection.executemany(
                "INSERT INTO runs SELECT ?1, ?2, ?3, 'schedule', '', '', ?1, ?1, ?1, ?1, ?4, 0.001, 1, '{}',"
                " '{\"files\": 3}', 'Done', '[]', '[]', ''",
                rows,
            )
        taken = []
        for _ in range(3):
            now = clock.now()
            began = time.perf_counter()
            found = reliability(history.outcomes(now - WEEK), [], now)
            taken.append(time.perf_counter() - began)
        history.close()
        if len(found) != 14:
            raise RuntimeError(f"{len(found)} tasks were found")
        figures.append(distribution(f"reliability of the tasks, {_RUNS:,} runs of {name}", "s", taken))
    return figures


PARTS: Final[Mapping[str, Callable[[Path], list[Figure]]]] = {
    "cleanup": _cleanup,
    "optimise": _optimise,
    "conflicts": _conflicts,
    "plots": _plots,
    "health": _health,
    "reliability": _reliability,
}
