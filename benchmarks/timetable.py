"""Lateness of scheduled runs: start minus due, by the records of the runs themselves."""

from __future__ import annotations

import threading
import time

from app.history import RunFilter
from app.runs import RunState, Trigger
from app.tasks import TaskContext, TaskParams, TaskResult
from app.timetable import Timetable
from benchmarks.figures import Figure, distribution, single
from benchmarks.house import House, house

SECONDS = 60
MANY = 10_000


def run() -> list[Figure]:
    """Measure."""
    return [
        _lateness("lateness of a 1 s task, 8 tasks", 8, "*/5 * * * *", 2.0),
        _lateness(f"lateness of a 1 s task, {MANY:,} tasks", MANY, None, 5.0),
        *_together(),
        *_stall(),
    ]


def _nothing(ctx: TaskContext, params: TaskParams) -> TaskResult:
    return TaskResult()


def _open(made: House) -> Timetable:
    timetable = Timetable(made.registry, made.runner, made.history, made.store, made.clock)
    timetable.start()
    return timetable


def _lateness(name: str, count: int, schedule: str | None, target_ms: float) -> Figure:
    with house() as made:
        made.add("second", _nothing, schedule="every 1 s")
        for number in range(count - 1):
            # Without a given schedule: spread over the hours of the day, some due within the measuring.
            made.add(f"task{number}", _nothing, schedule=schedule or f"{number % 60} {number // 60 % 24} * * *")
        timetable = _open(made)
        opened = made.clock.now()
        time.sleep(SECONDS + 1.5)
        timetable.stop()
        made.runner.wait_idle(10)
        runs = made.history.page(RunFilter(task="second"), SECONDS + 10)
        # What came due while the start still planned the other tasks is late by the start, not by the timetable.
        late = [
            run.lateness_s * 1e3 for run in runs if run.lateness_s is not None and run.due_at and run.due_at > opened
        ]
        if len(late) < SECONDS - 1:
            raise RuntimeError(f"only {len(late)} of {SECONDS} runs")
        return distribution(name, "ms", late, {"p99": target_ms})


def _together() -> list[Figure]:
    """200 tasks due at the same instant."""
    with house() as made:
        for number in range(200):
            made.add(f"task{number}", _nothing, schedule="every 2 s")
        ended = threading.Semaphore(0)
        made.runner.subscribe(lambda run: ended.release())
        timetable = _open(made)
        for _ in range(200):
            ended.acquire(timeout=10)
        timetable.stop()
        made.runner.wait_idle(10)
        runs = made.history.page(RunFilter(states=(RunState.SUCCEEDED,)), 1000)
        first_due = min(run.due_at for run in runs if run.due_at)
        together = [run for run in runs if run.due_at == first_due]
        late = [run.lateness_s * 1e3 for run in together if run.lateness_s is not None]
        return [
            single("200 tasks due together: runs", "runs", len({run.task for run in together}), 200, at_least=True),
            distribution("200 tasks due together: lateness", "ms", late),
        ]


def _stall() -> list[Figure]:
    """A stall of 4 s of the scheduler's thread: every due time is either run or recorded as missed."""
    with house() as made:
        made.add("second", _nothing, schedule="every 1 s")
        timetable = _open(made)
        stalled = threading.Event()

        def stall() -> None:
            if not stalled.is_set():
                stalled.set()
                time.sleep(4)

        time.sleep(1.5)
        timetable.subscribe(stall)  # called on the scheduler's thread when a task comes due
        stalled.wait(5)
        time.sleep(6.5)
        timetable.stop()
        made.runner.wait_idle(10)
        runs = made.history.page(RunFilter(task="second"), 100)
        dues = sorted(run.due_at.timestamp() for run in runs if run.due_at and run.trigger is Trigger.SCHEDULE)
        told = sum(run.result["missed"] if run.state is RunState.MISSED else 1 for run in runs)
        expected = round(dues[-1] - dues[0]) + 1
        return [single("4 s stall: due times not accounted for", "due times", abs(expected - told), 0)]
