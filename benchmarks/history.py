"""Filtered paging over a million stored runs."""

from __future__ import annotations

import sqlite3
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.clock import SystemClock
from app.history import RunFilter, RunHistory
from app.runs import Run, RunState, Trigger
from benchmarks.figures import Figure, distribution

ROWS = 1_000_000
TASKS = 13
REPEATS = 50


def run() -> list[Figure]:
    """Measure."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "metronome.db"
        history = RunHistory(path, SystemClock(), keep_rows=2 * ROWS)
        start = datetime.now(UTC) - timedelta(days=300)
        history.add(_run(0, start))
        history.close()
        _fill(path, start)
        history = RunHistory(path, SystemClock(), keep_rows=2 * ROWS)
        middle = start + timedelta(seconds=ROWS * 10)
        rare = (RunState.FAILED, RunState.TIMED_OUT)
        filters = {
            "all": RunFilter(),
            "one task": RunFilter(task="task7"),
            "rare states": RunFilter(states=rare),
            "one task, rare states": RunFilter(task="task7", states=rare),
            "a day in the middle": RunFilter(since=middle, until=middle + timedelta(days=1)),
            "one task, rare states, before the middle": RunFilter(task="task3", states=rare, until=middle),
            "no match": RunFilter(task="task3", states=(RunState.MISSED,)),
        }
        figures = []
        for name, wanted in filters.items():
            before, taken = None, []
            for _ in range(REPEATS):
                begun = time.perf_counter()
                page = history.page(wanted, 100, before)
                taken.append((time.perf_counter() - begun) * 1e3)
                before = page[-1] if page else None
            figures.append(distribution(f"page of 100 of {ROWS:,}: {name}", "ms", taken, {"p99": 20}))
        history.close()
        return figures


def _run(number: int, start: datetime) -> Run:
    at = start + timedelta(seconds=number * 20)
    state = RunState.FAILED if number % 997 == 0 else RunState.SUCCEEDED
    return Run(f"{number + 1:014x}", f"task{number % TASKS}", state, Trigger.SCHEDULE, at, "why", finished_at=at)


def _fill(path: Path, start: datetime) -> None:
    """Copy the first row a million times, with other ids, tasks, states and times."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "INSERT INTO runs SELECT n + 2, 'task' || (n % ?),"
            " CASE WHEN n % 997 = 0 THEN 'failed' ELSE 'succeeded' END, trigger, reason, advice,"
            " queued_at + n * 20000000, started_at, finished_at, due_at, duration_s, lateness_s,"
            " attempt, params, result, summary, warnings, files, error"
            " FROM runs, (WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT n FROM c)"
            " WHERE id = 1",
            (TASKS, ROWS - 1),
        )
    connection.close()
