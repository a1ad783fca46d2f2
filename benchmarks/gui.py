"""Lateness of a 10 ms timer in the GUI thread of the real window while all tasks run.

Three loads, one after the other: the first pass of every task in a new home (thousands of bars to store); each task
asked for again a tenth of a second after it ended, ten times what the shortest schedule can ask for; and each asked for
again at once, so that no lane ever rests. Only the second has targets: in the first the libraries of the tasks are
loaded, in the third even a thread that shows nothing is 5 ms late.
"""

from __future__ import annotations

import json
import queue
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path

from PySide6.QtCore import QEventLoop, Qt, QTimer

from app.cli_session import CommandSession
from app.cli_values import WindowStart
from app.engine import Engine
from app.runs import Run, RunState
from benchmarks.figures import Figure, distribution, single
from workers import registry

SECONDS = 20.0
FIRST_S = 10.0
PAUSE_S = 0.1
PERIOD_MS = 10
# A task that finds nothing new, such as closed deals, is skipped.
GOOD = (RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_WARNINGS, RunState.SKIPPED)
EVENTS = 100
ARTICLES = 50


def run() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return _measure(Path(folder))


def _measure(home: Path) -> list[Figure]:
    from ui.application import WindowProgram, make_application

    app = make_application()
    # Paused: a scheduled run between two of ours would be refused by the overlap guard and asked for again at once.
    session = CommandSession.open(str(home), {"timetable.paused": "true"}, registry, as_json=False)
    engines: list[Engine] = []

    def start(_on_show: object, _window_lag_ms: object) -> Engine:
        engine = Engine(session.paths, session.settings, session.load_registry())
        engine.start()
        engines.append(engine)
        return engine

    def stop() -> None:
        for engine in engines:
            engine.stop()

    program = WindowProgram(app, WindowStart(session, start, stop, minimized=False), tray=False)
    program.leave_collections_short()
    program.open()
    _turn_until(lambda: program.link.ready)
    load = Load(engines[0], _parameters(home))
    try:
        figures = _lateness(engines[0], load)
    finally:
        load.stop()
        program.window.quitting = True
        program.window.hide()
        program.close()
    failed = [run for run in load.runs if run.state not in (*GOOD, RunState.INTERRUPTED)]
    if failed:
        first = failed[0]
        raise RuntimeError(
            f"{len(failed)} runs did not succeed, the first: {first.task}: {first.reason}\n{first.error}"
        )
    return figures


def _lateness(engine: Engine, load: Load) -> list[Figure]:
    late: list[float] = []
    due = [time.perf_counter() + PERIOD_MS / 1000]

    def tick() -> None:
        now = time.perf_counter()
        late.append(max(0.0, (now - due[0]) * 1000))
        due[0] = now + PERIOD_MS / 1000

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)
    timer.start(PERIOD_MS)
    targets = {"p99": 5, "max": 16}
    figures = []
    load.start()
    for name, pause_s, seconds, wanted in (
        ("first pass in a new home", PAUSE_S, FIRST_S, {}),
        ("all tasks, again after 0.1 s", PAUSE_S, SECONDS, targets),
        ("all tasks, again at once", 0.0, SECONDS, {}),
    ):
        load.pause_s = pause_s
        late.clear()
        before = len(load.runs)
        _turn(seconds)
        figures.append(distribution(f"lateness of a 10 ms timer: {name}", "ms", list(late), wanted))
        seen = {run.task for run in load.runs[before:]} | {run.task for run in engine.runner.snapshot().running}
        if not load.is_alive() or len(seen) < len(engine.registry):
            raise RuntimeError(f"not every task was at work, only: {sorted(seen)}")
        figures.append(single(f"runs meanwhile: {name}", "runs/s", (len(load.runs) - before) / seconds))
    timer.stop()
    return figures


class Load(threading.Thread):
    """Asks for every task again and again, each ``pause_s`` after it ended.

    Attributes:
        runs: All runs that ended.
    """

    def __init__(self, engine: Engine, parameters: dict[str, dict[str, object]]) -> None:
        super().__init__(name="benchmark-load", daemon=True)
        self.pause_s = 0.0
        self.runs: list[Run] = []
        self._engine = engine
        self._parameters = parameters
        self._ended: queue.SimpleQueue[tuple[float, str] | None] = queue.SimpleQueue()

    def run(self) -> None:
        for spec in self._engine.registry:
            self._ask(spec.id)
        while (item := self._ended.get()) is not None:
            ended_at, task = item
            time.sleep(max(0.0, ended_at + self.pause_s - time.perf_counter()))
            self._ask(task)

    def stop(self) -> None:
        """Ask for nothing more."""
        self._ended.put(None)
        self.join()

    def _ask(self, task: str) -> None:
        self._engine.runner.submit(task, self._parameters.get(task), on_done=self._on_done)

    def _on_done(self, run: Run) -> None:
        self.runs.append(run)
        self._ended.put((time.perf_counter(), run.task))


def _parameters(home: Path) -> dict[str, dict[str, object]]:
    """What the tasks need to work without a network: a week's calendar and a feed, as files."""
    calendar, feed = home / "calendar.json", home / "feed.xml"
    first = datetime(2026, 8, 10, tzinfo=timezone(timedelta(hours=-4)))
    events = [
        {
            "title": f"Release {number}",
            "country": ("USD", "EUR", "GBP", "JPY")[number % 4],
            "date": (first + timedelta(hours=number)).isoformat(),
            "impact": ("High", "Medium", "Low")[number % 3],
            "forecast": f"{number / 10}%",
            "previous": "0.1%",
        }
        for number in range(EVENTS)
    ]
    calendar.write_text(json.dumps(events), encoding="utf-8")
    items = "".join(
        f"<item><title>Bank {number} decides</title><link>https://example.org/{number}</link>"
        f"<guid>{number}</guid><pubDate>Mon, 10 Aug 2026 {number % 24:02d}:00:00 GMT</pubDate></item>"
        for number in range(ARTICLES)
    )
    feed.write_text(f"<rss version='2.0'><channel><title>Banks</title>{items}</channel></rss>", encoding="utf-8")
    return {
        "evaluate_single_symbol": {"symbol": "EURUSD"},
        "update_economic_calendar": {"source": str(calendar)},
        "collect_rss_news": {"source": str(feed)},
        "backtest_strategy": {"strategy": "EURUSD_H1_breakout", "days": 365, "force": True, "walk_forward": "5"},
        # Long enough that its workers compute all the time; of three points one would see little but their start.
        "sweep_strategy": {
            "strategy": "EURUSD_H1_breakout",
            "vary": "indicators.atr.multiplier=1..3/0.02",
            "days": 365,
            "force": True,
        },
    }


def _turn(seconds: float) -> None:
    """Turn the event loop for ``seconds``."""
    loop = QEventLoop()
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()


def _turn_until(done: Callable[[], bool]) -> None:
    """Turn the event loop until ``done()``, for half a minute at most."""
    for _ in range(300):
        if done():
            return
        _turn(0.1)


if __name__ == "__main__":
    sys.exit("Start it with: python -m benchmarks gui")
