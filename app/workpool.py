"""Many jobs of one kind on several spawned processes: each is made ready once and then takes one job after the other.

A process that dies costs its job nothing: a new one takes it up. Results are handed over one by one as they come, so
that whoever keeps them loses none when everything is killed.
"""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, Final

from app.errors import Cancelled, WorkerCrashed
from app.tasks import TaskContext
from app.workprocess import Report, rebuilt, serve, step_back

#: So many processes may die in one run; more is no accident.
_MOST_DEATHS: Final = 3
_LOOK_S: Final = 0.05


@dataclass(slots=True, eq=False)
class _Worker:
    process: Any
    channel: Connection[Any, Any]
    job: Any = None

    def end(self) -> None:
        """Take the process away; it holds nothing that is worth keeping."""
        if self.process.is_alive():
            self.process.kill()
        self.process.join()
        self.channel.close()
        self.process.close()


def run_jobs(
    ctx: TaskContext,
    start: Callable[..., Callable[[Any], Any]],
    args: tuple[Any, ...],
    jobs: Sequence[Any],
    done: Callable[[Any], None],
    *,
    processes: int,
    limit_s: float,
) -> None:
    """Have all jobs worked on; ``done(result)`` is called on this thread for each, in the order in which they end.

    Args:
        start: ``start(report, *args)``, a function at module level, makes a process ready and returns what takes a job
            and returns its result. It is called once in each process.
        jobs: None of them is None.
        limit_s: After this long all processes are killed.

    Raises:
        Cancelled: the run was asked to stop; no process is left.
        WorkerCrashed: processes died again and again, the work failed by a fault, or took too long.
        MetronomeError: what the work or ``done`` raised.
    """
    waiting, workers, left, deaths = deque(jobs), list[_Worker](), len(jobs), 0
    deadline = ctx.clock.monotonic() + limit_s
    try:
        while left:
            while len(workers) < min(processes, left):
                workers.append(_spawned(ctx, start, args))
            wait([*(one.channel for one in workers), *(one.process.sentinel for one in workers)], _LOOK_S)
            if ctx.cancelled:
                raise Cancelled(TaskContext.STOPPED)
            if ctx.clock.monotonic() > deadline:
                raise WorkerCrashed(
                    f"The worker processes of {ctx.task_id} were ended at their limit of {limit_s:g} s.",
                    advice="Start it again: it goes on where it was ended. Or raise the limit, or give it less to do.",
                )
            for worker in list(workers):
                try:
                    left -= _attend(ctx, worker, waiting, done)
                except (EOFError, OSError) as error:
                    if (deaths := deaths + 1) > _MOST_DEATHS:
                        raise _died_often(worker) from error
                    ctx.log.warning("a worker process of %s died; a new one takes up its work", ctx.task_id)
                    waiting.extendleft([] if worker.job is None else [worker.job])
                    workers.remove(worker)
                    worker.end()
    finally:
        for worker in workers:
            worker.end()


def _spawned(ctx: TaskContext, start: Callable[..., Any], args: tuple[Any, ...]) -> _Worker:
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_child, args=(theirs, start, args), name=f"metronome-{ctx.task_id}", daemon=True)
    process.start()
    step_back(process)
    theirs.close()
    return _Worker(process, ours)


def _attend(ctx: TaskContext, worker: _Worker, waiting: deque[Any], done: Callable[[Any], None]) -> int:
    """Hear what a process has to say and give it its next job; how many jobs it has finished.

    Raises:
        EOFError, OSError: the process is dead.
    """
    finished = 0
    while worker.channel.poll():
        kind, content = worker.channel.recv()
        if kind == "error":
            raise rebuilt(*content)
        if kind == "progress":
            ctx.progress(*content)
            continue
        if kind == "result":
            worker.job = None
            done(content)
            finished += 1
        if waiting:
            worker.job = waiting.popleft()
            worker.channel.send(worker.job)
    if not worker.process.is_alive() and not worker.channel.poll():
        raise EOFError
    return finished


def _died_often(worker: _Worker) -> WorkerCrashed:
    worker.process.join(1.0)
    return WorkerCrashed(
        f"Worker processes ended without a result, the last one with exit code {worker.process.exitcode}.",
        advice="They may have run out of memory or been ended by another program. What was finished is kept.",
    )


def _child(channel: Connection[Any, Any], start: Callable[..., Callable[[Any], Any]], args: tuple[Any, ...]) -> None:
    """The life of a spawned process."""

    def life(report: Report) -> tuple[str, Any]:
        work = start(report, *args)
        channel.send(("ready", None))
        while True:
            channel.send(("result", work(channel.recv())))

    with suppress(EOFError, OSError):  # the parent has all it wanted
        serve(channel, life)
