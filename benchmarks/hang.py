"""A terminal that hangs for two minutes under the real window, with the host ``child``.

First one call hangs and the next process finds the terminal well again; then the whole terminal hangs. Measured is
the lateness of a 10 ms timer in the GUI thread all the while, when the run that hung ended, and how long the session
took to connect again by itself. ``METRONOME_HANG_S`` shortens the hang.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop, Qt, QTimer

from app.cli_session import CommandSession
from app.cli_values import WindowStart
from app.engine import Engine
from app.runs import Run, Trigger
from benchmarks.figures import Figure, distribution, single
from workers import registry

HANG_S = float(os.environ.get("METRONOME_HANG_S", "120"))
PERIOD_MS = 10
LIMIT_S = 10.0
HEALTH_EVERY_MS = 5000


class Lateness:
    """How late a timer of 10 ms is, in ms."""

    def __init__(self) -> None:
        self.samples: list[float] = []
        self._due = 0.0
        self._timer = QTimer()
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self._tick)

    def start(self) -> None:
        self._due = time.perf_counter() + PERIOD_MS / 1000
        self._timer.start(PERIOD_MS)

    def stop(self) -> None:
        self._timer.stop()

    def _tick(self) -> None:
        now = time.perf_counter()
        self.samples.append(max(0.0, (now - self._due) * 1000))
        self._due = now + PERIOD_MS / 1000


def run() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        return _measure(Path(folder))


def _measure(home: Path) -> list[Figure]:
    from ui.application import WindowProgram, make_application

    app = make_application()
    settings = {
        "timetable.paused": "true",
        "terminal.host": "child",
        "terminal.call_timeout_s": f"{LIMIT_S:g}",
        "terminal.simulated.now": "2025-06-03T12:00:00Z",
    }
    session = CommandSession.open(str(home), settings, registry, as_json=False)
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
    _turn(lambda: program.link.ready and engines[0].terminal.status.connected, 30)
    try:
        return _hang(engines[0])
    finally:
        program.window.quitting = True
        program.window.hide()
        program.close()


def _hang(engine: Engine) -> list[Figure]:
    first = engine.runner.submit("collect_market_data", None, Trigger.MANUAL).run_id
    _turn(lambda: engine.history.get(first) is not None, 30)
    health: list[Run] = []
    asking = QTimer()
    asking.timeout.connect(lambda: engine.runner.submit("system_health_check", None, on_done=health.append))
    asking.start(HEALTH_EVERY_MS)
    late = Lateness()
    late.start()

    began, run_id = _begin(engine)
    ended_s = _until(lambda: engine.history.get(run_id) is not None, began, LIMIT_S * 4)
    killed = time.monotonic()
    engine.terminal.set_faults(hang_s=0.0)
    one_s = _until(lambda: engine.terminal.status.connected, killed, 60)

    began, _ = _begin(engine)
    _turn(lambda: False, HANG_S)
    over = time.monotonic()
    engine.terminal.set_faults(hang_s=0.0)
    whole_s = _until(lambda: engine.terminal.status.connected, over, 60)

    late.stop()
    asking.stop()
    after = engine.runner.submit("collect_market_data", None, Trigger.MANUAL).run_id
    _turn(lambda: engine.history.get(after) is not None, 30)
    found = engine.history.get(after)
    if found is None or not found.state.is_success:
        raise RuntimeError(f"the run after the hang did not succeed: {found}")
    good = sum(item.state.is_success for item in health)
    return [
        distribution(f"lateness of a 10 ms timer, {HANG_S:g} s hang", "ms", late.samples, {"p99": 5}),
        single(f"run ended after the hang began (limit {LIMIT_S:g} s)", "s", ended_s, LIMIT_S + 1),
        single("connected again after one hung call was ended", "s", one_s, 5),
        single("connected again after the whole terminal came back", "s", whole_s, LIMIT_S * 2 + 5),
        single("runs of another queue meanwhile", "runs", good, 0.8 * len(health), at_least=True),
    ]


def _begin(engine: Engine) -> tuple[float, str]:
    """Let every call hang from now on, with a run under way."""
    engine.terminal.set_faults(hang_s=HANG_S)
    began = time.monotonic()
    return began, engine.runner.submit("collect_market_data", None, Trigger.MANUAL).run_id


def _until(condition: Callable[[], bool], since: float, patience_s: float) -> float:
    """Seconds from ``since`` until the condition held.

    Raises:
        RuntimeError: It never did.
    """
    _turn(condition, patience_s)
    if not condition():
        raise RuntimeError("it did not happen in time")
    return time.monotonic() - since


def _turn(done: Callable[[], bool], seconds: float) -> None:
    """Turn the event loop until ``done()`` or for ``seconds``."""
    loop = QEventLoop()
    poll = QTimer()
    poll.timeout.connect(lambda: loop.quit() if done() else None)
    poll.start(50)
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()
    poll.stop()


if __name__ == "__main__":
    sys.exit("Start it with: python -m benchmarks hang")
