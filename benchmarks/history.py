"""Filtered paging over a million stored runs, at every depth."""

from __future__ import annotations

import itertools
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
REPEATS = 30
EVERY_S = 20
#: How far back a page begins, as parts of the whole history; 0 is the newest end.
DEPTHS = (0.0, 0.08, 0.3, 0.5, 0.8, 0.999)


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
        figures = []
        for name, wanted in _filters(start).items():
            taken = [ms for depth in DEPTHS for ms in _pages(history, wanted, depth, start)]
            figures.append(distribution(f"page of 100 of {ROWS:,} at any depth: {name}", "ms", taken, {"p99": 20}))
        history.close()
        return figures


def _pages(history: RunHistory, wanted: RunFilter, depth: float, start: datetime) -> list[float]:
    """How long each of some pages took that follow each other from ``depth`` on, in milliseconds."""
    begin = _run(int(ROWS * (1 - depth)), start) if depth else None
    before, taken = begin, []
    for _ in range(REPEATS):
        begun = time.perf_counter()
        page = history.page(wanted, 100, before)
        taken.append((time.perf_counter() - begun) * 1e3)
        before = page[-1] if page else begin
    return taken


def _filters(start: datetime) -> dict[str, RunFilter]:
    """Every combination that differs in how it is looked up."""
    middle = start + timedelta(seconds=ROWS * EVERY_S / 2)
    times = {
        "": {},
        ", since the middle": {"since": middle},
        ", until the middle": {"until": middle},
        ", a day in the middle": {"since": middle, "until": middle + timedelta(days=1)},
    }
    tasks = {"all tasks": "", "one task": "task7"}
    states = {
        "": (),
        ", rare states": (RunState.FAILED, RunState.TIMED_OUT),
        ", a common state": (RunState.SUCCEEDED,),
        ", every state": tuple(RunState),
        ", all states but one": tuple(state for state in RunState if state is not RunState.FAILED),
        ", a state without runs": (RunState.MISSED,),
    }
    return {
        task + state + period: RunFilter(task=tasks[task], states=states[state], **times[period])
        for task, state, period in itertools.product(tasks, states, times)
    }


def _run(number: int, start: datetime) -> Run:
    at = start + timedelta(seconds=number * EVERY_S)
    state = RunState.FAILED if number % 997 == 0 else RunState.SUCCEEDED
    return Run(f"{number + 1:014x}", f"task{number % TASKS}", state, Trigger.SCHEDULE, at, "why", finished_at=at)


def _fill(path: Path, start: datetime) -> None:
    """Copy the first row a million times, with other ids, tasks, states and times."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute(
            "INSERT INTO runs SELECT n + 2, 'task' || (n % ?),"
            " CASE WHEN n % 997 = 0 THEN 'failed' ELSE 'succeeded' END, trigger, reason, advice,"
            " queued_at + n * ?, started_at, finished_at, due_at, duration_s, lateness_s,"
            " attempt, params, result, summary, warnings, files, error"
            " FROM runs, (WITH RECURSIVE c(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < ?) SELECT n FROM c)"
            " WHERE id = 1",
            (TASKS, EVERY_S * 1_000_000, ROWS - 1),
        )
    connection.close()
