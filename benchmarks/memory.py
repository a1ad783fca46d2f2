"""Memory, processor time and wake-ups of the idle program on the simulated terminal (Linux: /proc).

The window's memory is its proportional set size some seconds after the start-up runs. Processor time and wake-ups
(voluntary context switches of all threads) are counted while the window is hidden.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import psutil

from benchmarks.figures import Figure, single
from benchmarks.window_process import WindowProcess, window

SETTLE_S = 12.0
IDLE_S = 40.0


def run() -> list[Figure]:
    """Measure.

    Raises:
        RuntimeError: this is not Linux.
    """
    if not Path("/proc/self/smaps_rollup").exists():
        raise RuntimeError("proportional set size is measured on Linux only")
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        with window(home) as first:  # the first start of a home collects bars; an ordinary day does not
            _settle(first)
        with window(home) as shown:
            _settle(shown)
            visible = _pss_mb(shown)
        with window(home, "--minimized") as hidden:
            _settle(hidden)
            busy, wakes = _idle(hidden)
            minimized = _pss_mb(hidden)
    return [
        single("PSS of the idle window", "MB", visible, 115),
        single("PSS with the window hidden", "MB", minimized, 115),
        single("processor time with the window hidden", "% of a core", busy, 0.1),
        single("wake-ups with the window hidden", "1/s", wakes, 4),
    ]


def _settle(started: WindowProcess) -> None:
    for task in ("system_health_check", "collect_market_data", "evaluate_all_strategies"):
        started.seconds_until(f"{task} (startup) succeeded")
    time.sleep(SETTLE_S)


def _pss_mb(started: WindowProcess) -> float:
    text = Path(f"/proc/{started.process.pid}/smaps_rollup").read_text(encoding="ascii")
    line = next(line for line in text.splitlines() if line.startswith("Pss:"))
    return int(line.split()[1]) / 1024


def _idle(started: WindowProcess) -> tuple[float, float]:
    """Percent of a core and wake-ups a second over ``IDLE_S`` seconds in which no task is due."""
    # Tasks are due on minutes that five divides: count between them.
    while not 10 <= time.time() % 300 <= 290 - IDLE_S:
        time.sleep(1)
    process = psutil.Process(started.process.pid)
    before, switches = process.cpu_times(), _switches(started)
    time.sleep(IDLE_S)
    after = process.cpu_times()
    used = (after.user + after.system) - (before.user + before.system)
    return 100 * used / IDLE_S, (_switches(started) - switches) / IDLE_S


def _switches(started: WindowProcess) -> int:
    total = 0
    for status in Path(f"/proc/{started.process.pid}/task").glob("*/status"):
        for line in status.read_text(encoding="ascii").splitlines():
            if line.startswith("voluntary_ctxt_switches:"):
                total += int(line.split()[1])
    return total
