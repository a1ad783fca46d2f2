"""From run-now to the first line of the task, and to the result with its history row.

A result counts as readable when ``Runner.wait`` returns it: its row is committed by then, which is checked for every
run after the measuring.
"""

from __future__ import annotations

import threading
import time

from app.runs import RunState
from app.tasks import Queue, TaskContext, TaskParams, TaskResult
from benchmarks.figures import Figure, distribution, single
from benchmarks.house import House, house

CLICKS = 5_000
CLICKS_WHILE_COMPUTING = 2_000
BULK_TASKS = 200
BULK_ROUNDS = 250
PAUSE_S = 0.0005  # between clicks: nobody clicks back to back, and a busy thread gets its share


def run() -> list[Figure]:
    """Measure."""
    with house() as made:
        begun: list[float] = [0.0]

        def no_op(ctx: TaskContext, params: TaskParams) -> TaskResult:
            begun[0] = time.perf_counter()
            return TaskResult()

        made.add("no_op", no_op)
        _click(made, begun, 200)
        idle = _click(made, begun, CLICKS)
        busy = _while_computing(made, begun)
        return [
            distribution("run-now to first line", "ms", idle[0], {"p50": 0.10, "p99": 0.5}),
            distribution("run-now to result with its row", "ms", idle[1], {"p50": 0.2, "p99": 1.0}),
            distribution("first line while a Python task computes", "ms", busy[0], {"p50": 0.7, "p99": 1.5}),
            distribution("result with its row while a Python task computes", "ms", busy[1], {"p50": 0.7, "p99": 1.5}),
            single("no-op runs with history", "runs/s", _bulk(made), 20_000, at_least=True),
        ]


def _click(made: House, begun: list[float], count: int) -> tuple[list[float], list[float]]:
    first, result, ids = [], [], []
    for _ in range(count):
        clicked = time.perf_counter()
        asked = made.runner.submit("no_op")
        finished = made.runner.wait(asked.run_id)
        ended = time.perf_counter()
        if finished is None or finished.state is not RunState.SUCCEEDED:
            raise RuntimeError(f"the run {asked.run_id} did not succeed: {finished}")
        first.append((begun[0] - clicked) * 1e3)
        result.append((ended - clicked) * 1e3)
        ids.append(asked.run_id)
        time.sleep(PAUSE_S)
    lost = [run_id for run_id in ids if made.history.get(run_id) is None]
    if lost:
        raise RuntimeError(f"{len(lost)} runs have no row")
    return first, result


def _while_computing(made: House, begun: list[float]) -> tuple[list[float], list[float]]:
    stop = threading.Event()

    def compute(ctx: TaskContext, params: TaskParams) -> TaskResult:
        number = 1
        while not stop.is_set():
            for _ in range(10_000):
                number = (number * 31 + 7) % 1_000_003
        return TaskResult()

    made.add("compute", compute, Queue.AI_EVALUATION)
    computing = made.runner.submit("compute")
    try:
        return _click(made, begun, CLICKS_WHILE_COMPUTING)
    finally:
        stop.set()
        made.runner.wait(computing.run_id)


def _bulk(made: House) -> float:
    """Runs a second when many are asked for, each with its row in the history."""
    tasks = [f"bulk{number}" for number in range(BULK_TASKS)]
    for task in tasks:
        made.add(task, lambda ctx, params: TaskResult())
    made.runner.set_widths({Queue.MONITORING: 1})
    before = made.history.count()
    done = threading.Semaphore(0)
    started = time.perf_counter()
    for _ in range(BULK_ROUNDS):
        for task in tasks:
            made.runner.submit(task, on_done=lambda run: done.release())
        for _ in tasks:
            done.acquire()
    seconds = time.perf_counter() - started
    stored = made.history.count() - before
    if stored != BULK_TASKS * BULK_ROUNDS:
        raise RuntimeError(f"{stored} rows for {BULK_TASKS * BULK_ROUNDS} runs")
    return stored / seconds
