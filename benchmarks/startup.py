"""From the start of the process to the painted window and to the first finished run, by the log's times.

Warm: the first start of a home, which also copies examples and collects the first bars, is measured apart.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from benchmarks.figures import Figure, distribution, single
from benchmarks.window_process import window

STARTS = 15


def run() -> list[Figure]:
    """Measure."""
    painted, finished = [], []
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        with window(home) as first:
            first_run = first.seconds_until("(startup) succeeded")
            first_all = max(
                first.seconds_until(f"{task} (startup) succeeded")
                for task in ("system_health_check", "collect_market_data", "evaluate_all_strategies")
            )
        for _ in range(STARTS):
            with window(home) as started:
                painted.append(started.seconds_until("the window is painted"))
                finished.append(started.seconds_until("(startup) succeeded"))
    return [
        distribution("process start to window painted, warm", "s", painted, {"p50": 0.5}),
        distribution("process start to first finished run, warm", "s", finished, {"p50": 1.0}),
        single("new home: first finished run", "s", first_run),
        single("new home: all three first results", "s", first_all, 5.0),
    ]
