"""``update_symbol_info`` and a pass of ``collect_market_data`` on a simulated server with thousands of symbols.

Each host is measured in a process of its own: time of the run, its peak memory and that of its child, and how late a
10 ms timer of the window's thread is meanwhile.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from benchmarks.figures import Figure, distribution, single

if TYPE_CHECKING:
    from app.engine import Engine
    from app.runs import Run

ROOT = Path(__file__).resolve().parent.parent
SYMBOLS, QUOTED = 5000, 1000
REPEATS = 5
PERIOD_MS = 10
_PATIENCE_S = 300


def run() -> list[Figure]:
    """Measure."""
    figures = []
    for host in ("child", "in_process"):
        found = _in_process_of_its_own(host)
        label = f"{SYMBOLS:,} symbols, host {host}"
        figures += [
            single(f"update_symbol_info, {label}", "s", max(found["updates_s"]), 2),
            single(f"peak memory of the window's process, {label}", "MB", found["peak_mb"], 150),
            single(f"peak memory of the child, {label}", "MB", found["child_mb"], 150),
            distribution(f"timer lateness, {label}", "ms", found["late_ms"], {"p99": 5} if host == "child" else None),
            single(f"{QUOTED:,} symbols quoted and stored, host {host}", "s", max(found["passes_s"]), 1),
            distribution(
                f"timer lateness, {QUOTED:,} quotes, host {host}", "ms", found["quotes_late_ms"],
                {"p99": 5} if host == "child" else None,
            ),
        ]  # fmt: skip
    return figures


def _in_process_of_its_own(host: str) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.symbols", folder, host],
            cwd=ROOT, capture_output=True, text=True, check=False, timeout=_PATIENCE_S,
        )  # fmt: skip
    if done.returncode:
        raise RuntimeError(f"measuring with host {host} failed: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(home: Path, host: str) -> dict[str, Any]:
    """Run the tasks in this process while a timer ticks in the thread of the event loop."""
    from app.cli_session import CommandSession
    from app.engine import Engine
    from workers import registry

    overrides = {
        "timetable.paused": "true",
        "terminal.simulated.symbols": str(SYMBOLS),
        "terminal.host": host,
        "market.timeframes": "",
    }
    session = CommandSession.open(str(home), overrides, registry, as_json=True)
    engine = Engine(session.paths, session.settings, session.load_registry())
    with timed_runs(engine) as timed:
        updates, updates_late = timed("update_symbol_info", None, REPEATS)
        own = psutil.Process()
        peak, child = _peak_mb(own), sum(_peak_mb(process) for process in own.children(recursive=True))
        names = [item["name"] for item in _stored(session.paths.cache / "symbol_info.json")][:QUOTED]
        params = {"symbols": names}
        timed("collect_market_data", params, 1)  # the first pass of a day begins the files
        passes, passes_late = timed("collect_market_data", params, REPEATS)
    return {
        "updates_s": updates,
        "late_ms": updates_late,
        "peak_mb": peak,
        "child_mb": child,
        "passes_s": passes,
        "quotes_late_ms": passes_late,
    }


#: Runs a task with these parameters so many times: seconds of each run, and how late (ms) each tick of the timer was.
Timed = Callable[[str, dict[str, Any] | None, int], tuple[list[float], list[float]]]


@contextmanager
def timed_runs(engine: Engine) -> Iterator[Timed]:
    """Start the engine and time its runs while a timer ticks in the thread of the event loop."""
    from PySide6.QtCore import QCoreApplication, Qt, QTimer

    from app.interpreter import keep_what_is_loaded

    application = QCoreApplication.instance() or QCoreApplication([])
    engine.start(schedule=False)
    keep_what_is_loaded()  # as the program does when its window is there
    late: list[float] = []
    due = [time.perf_counter()]

    def tick() -> None:
        now = time.perf_counter()
        late.append(max(0.0, (now - due[0]) * 1000))
        due[0] = now + PERIOD_MS / 1000

    timer = QTimer()
    timer.setTimerType(Qt.TimerType.PreciseTimer)
    timer.timeout.connect(tick)

    def timed(task: str, params: dict[str, Any] | None, times: int) -> tuple[list[float], list[float]]:
        ended: list[Run] = []
        late.clear()
        due[0] = time.perf_counter() + PERIOD_MS / 1000
        timer.start(PERIOD_MS)
        for number in range(times):
            engine.runner.submit(task, params, on_done=ended.append)
            _turn(lambda wanted=number + 1: len(ended) == wanted)
        timer.stop()
        seconds = [float(run.as_json()["duration_s"]) for run in ended]
        failed = [run for run in ended if not run.state.is_success]
        if failed:
            raise RuntimeError(failed[0].reason)
        return seconds, list(late)

    try:
        yield timed
    finally:
        engine.stop()
        application.quit()


def _stored(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))["symbols"]
    return found


def _peak_mb(process: psutil.Process) -> float:
    info = process.memory_info()
    if hasattr(info, "peak_wset"):
        return float(info.peak_wset / 1e6)
    status = Path(f"/proc/{process.pid}/status")
    if status.exists():
        peak = next(line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(peak.split()[1]) * 1024 / 1e6
    return float(info.rss / 1e6)  # macOS tells no peak of another process


def _turn(done: Callable[[], bool]) -> None:
    """Turn the event loop until ``done()``; it sleeps between events, as a window's does."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop, poll, give_up = QEventLoop(), QTimer(), time.monotonic() + _PATIENCE_S

    def look() -> None:
        if done() or time.monotonic() > give_up:
            loop.quit()

    poll.timeout.connect(look)
    poll.start(50)
    loop.exec()
    poll.stop()
    if not done():
        raise RuntimeError("the run does not end")


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), sys.argv[2])))
