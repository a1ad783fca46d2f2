"""Maintenance: 100,000 log files of which half are old, ten million bars to put in order, the health check and page.

Each part runs through an engine of its own, as in the product; memory is watched from outside in a thread, that of the
spawned process too.
"""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
import threading
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

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
from workers.maintenance.results import LogsParams
from workers.maintenance_tasks import cleanup_old_logs, optimize_csv_files
from workers.market import bar_text

FILES = 100_000
BARS = 10_000_000
_PIECE = 250_000
_CHECKS = 30
_RUNS = 1_000_000
_DAY_S = 86_400


def run() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        figures = [*_cleanup(place / "logs"), *_optimise(place / "bars")]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        return [*figures, *_plots(place / "plots"), *_health(place / "health"), *_reliability(place / "runs")]


def _context(home: Path, task: str) -> TaskContext:
    import logging

    paths, clock = Paths(home), SystemClock()
    paths.create()
    services: Any = Lent(clock, Settings(), Storage(paths, clock))
    return TaskContext("run", task, services, logging.getLogger("benchmarks"), CancelFlag(), lambda _: None)


def _cleanup(home: Path) -> list[Figure]:
    took, peaks = [], []
    for watched in (False, True):
        ctx = _context(home, "cleanup_old_logs")
        logs, now = ctx.storage.paths.logs, time.time()
        for number in range(FILES):
            path = logs / f"worker-{number}.log"
            path.write_bytes(b"a line\n")
            age = (20 if number % 2 else 40) * _DAY_S
            os.utime(path, (now - age, now - age))
        gc.collect()
        if watched:
            tracemalloc.start()
        began = time.perf_counter()
        result = cleanup_old_logs(ctx, LogsParams())
        took.append(time.perf_counter() - began)
        if watched:
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        if result.files != FILES // 2:
            raise RuntimeError(f"{result.files} files were deleted")
        shutil.rmtree(home)
    name = f"{FILES:,} files looked at, {FILES // 2:,} deleted"
    return [single(name, "s", took[0], 10.0), single(f"{name}: memory at most", "MB", peaks[0] / 1e6, 100.0)]


def _optimise(home: Path) -> list[Figure]:
    ctx = _context(home, "optimize_csv_files")
    bars = ctx.storage.paths.bars
    figures = []
    for name, spoiled in (("in order", False), ("out of order, with duplicates and torn lines", True)):
        path = bars / "EURUSD_M1.csv"
        _write(path, spoiled=spoiled)
        with _peak_of_children() as peak:
            began = time.perf_counter()
            result = optimize_csv_files(ctx, NoParams())
            took = time.perf_counter() - began
        if result.rows != BARS or bool(result.changed) is not spoiled:
            raise RuntimeError(f"{result.rows} rows are left, {result.changed} files were changed")
        figures += [
            single(f"{BARS:,} bars {name}", "s", took, 30.0),
            single(f"{BARS:,} bars {name}: memory of the worker", "MB", peak[0] / 1e6, 500.0),
        ]
    return figures


def _write(path: Path, *, spoiled: bool) -> None:
    """A history; a spoiled one has a piece at the wrong place and in each piece a repeated and a torn line."""
    pieces = list(range(0, BARS, _PIECE))
    if spoiled:
        pieces[3], pieces[-1] = pieces[-1], pieces[3]
    with path.open("wb") as file:
        file.write(bar_text.header())
        for first in pieces:
            text = bar_text.lines(_bars(first), 5)
            file.write(text)
            if spoiled:
                end = text[-400:].split(b"\n")[-2]
                file.write(end + b"\n" + end[:30] + b"\n")


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
def _peak_of_children() -> Iterator[list[int]]:
    """The most memory that a spawned process held, in bytes."""
    peak, over = [0], threading.Event()

    def watch() -> None:
        me = psutil.Process()
        while not over.wait(0.05):
            for child in me.children(recursive=True):
                with suppress(psutil.Error):
                    peak[0] = max(peak[0], child.memory_info().rss)

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

    known = trend.load(paths)
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
