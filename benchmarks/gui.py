"""Lateness of a 10 ms timer in the GUI thread of the real window while all tasks run over and over."""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from PySide6.QtCore import QEventLoop, Qt, QTimer

from app.cli import WindowStart
from app.cli_session import CommandSession
from app.engine import Engine
from app.runs import Run
from benchmarks.figures import Figure, distribution, single
from workers import registry

SECONDS = 20.0
PERIOD_MS = 10
PARAMETERS = {"evaluate_single_symbol": {"symbol": "EURUSD"}}


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
    _turn(lambda: program.link.ready, 30)
    runs = _keep_all_tasks_running(engines[0])
    _turn(lambda: len(runs) > 20, 30)  # the first collection of bars is over
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
    _turn(lambda: False, SECONDS)
    timer.stop()
    count = len(runs)
    runs.append(None)
    program.window.quitting = True
    program.window.hide()
    program.close()
    failed = [run for run in runs if run is not None and not run.state.is_success]
    if failed:
        raise RuntimeError(f"{len(failed)} runs did not succeed, the first: {failed[0].reason}")
    return [
        distribution("lateness of a 10 ms timer while all tasks run", "ms", late, {"p99": 5, "max": 16}),
        single("runs meanwhile", "runs/s", count / SECONDS),
    ]


def _keep_all_tasks_running(engine: Engine) -> list[Run | None]:
    """Ask for each task again as soon as it has ended, until the list ends with None."""
    runs: list[Run | None] = []

    def again(run: Run) -> None:
        if not runs or runs[-1] is not None:
            runs.append(run)
            engine.runner.submit(run.task, PARAMETERS.get(run.task), on_done=again)

    for spec in engine.registry:
        engine.runner.submit(spec.id, PARAMETERS.get(spec.id), on_done=again)
    return runs


def _turn(done: object, seconds: float) -> None:
    """Turn the event loop until ``done()`` or for ``seconds``."""
    loop = QEventLoop()
    poll = QTimer()
    poll.timeout.connect(lambda: done() and loop.quit())  # type: ignore[operator]
    poll.start(100)
    QTimer.singleShot(int(seconds * 1000), loop.quit)
    loop.exec()
    poll.stop()


if __name__ == "__main__":
    sys.exit("Start it with: python -m benchmarks gui")
