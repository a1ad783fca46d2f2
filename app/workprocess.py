"""CPU-heavy work in a spawned worker process, with progress, cancel and a hard kill.

Backtests, sweeps and table work would hold the interpreter lock for hundreds of milliseconds and keep their memory
for good. They are plain module-level functions ``work(report, *args)`` that a fresh process runs; arguments and
result travel by pickle between us and our own child only.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import traceback
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Final

from app import errors
from app.errors import Cancelled, MetronomeError, WorkerCrashed
from app.tasks import TaskContext

#: After a request to stop the worker has this long before it is killed.
GRACE_S: Final = 2.0
_LOOK_S: Final = 0.05
_POLICIES: Final = ("Retryable", "Blocked", "NothingToDo", "UserAction", "Cancelled")


class Report:
    """What the work may say to the run it belongs to."""

    def __init__(self, channel: Connection[Any, Any]) -> None:
        self._channel = channel

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Tell how far the work has come.

        Raises:
            Cancelled: the run was asked to stop.
        """
        self._channel.send(("progress", (done, total, text)))
        self.check_cancelled()

    def check_cancelled(self) -> None:
        """Stop here if the run was asked to.

        Raises:
            Cancelled: the run was asked to stop.
        """
        if self._channel.poll():
            raise Cancelled(TaskContext.STOPPED)


def run_in_process(
    ctx: TaskContext, work: Callable[..., Any], *args: Any, limit_s: float = 3600.0, grace_s: float | None = None
) -> Any:
    """Run ``work(report, *args)`` in a spawned process and return its result.

    Args:
        work: A function at module level, so that the other process can import it.
        limit_s: After this long the process is killed.
        grace_s: After a request to stop the process has this long to end by itself; None: ``GRACE_S``.

    Raises:
        Cancelled: the run was asked to stop; the process has ended.
        WorkerCrashed: the process died, failed by a fault, or was killed at its limit.
        MetronomeError: what the work itself raised, as the same class of the policy.
    """
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_child, args=(theirs, work, args), name=f"metronome-{ctx.task_id}", daemon=True)
    process.start()
    step_back(process)
    theirs.close()
    try:
        return _attend(ctx, process, ours, limit_s, GRACE_S if grace_s is None else grace_s)
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        ours.close()
        process.close()


def step_back(process: BaseProcess) -> None:
    """Let the window and everything else on this computer go before a process."""
    import psutil

    if hasattr(os, "SCHED_IDLE") and process.pid is not None:
        # A number is not enough: Linux lets a process of any number finish its slice, three milliseconds in which
        # the window, or whoever holds the interpreter, waits for a core.
        with suppress(OSError):
            os.sched_setscheduler(process.pid, os.SCHED_IDLE, os.sched_param(0))
            return
    with suppress(psutil.Error):
        found = psutil.Process(process.pid)
        # Windows has classes, other systems a number.
        found.nice(getattr(psutil, "BELOW_NORMAL_PRIORITY_CLASS", None) or min(found.nice() + 10, 19))


def _attend(ctx: TaskContext, process: Any, ours: Connection[Any, Any], limit_s: float, grace_s: float) -> Any:
    deadline = ctx.clock.monotonic() + limit_s
    asked_at: float | None = None
    while True:
        wait([ours, process.sentinel], _LOOK_S)
        now = ctx.clock.monotonic()
        if ours.poll():
            try:
                kind, content = ours.recv()
            except EOFError:
                raise _died(process) from None
            if kind == "result":
                return content
            if kind == "error":
                raise rebuilt(*content)
            if asked_at is None and not ctx.cancelled:
                ctx.progress(*content)
        elif not process.is_alive():
            raise _died(process)
        if ctx.cancelled and asked_at is None:
            asked_at = now
            ours.send("stop")
        if asked_at is not None and now - asked_at > grace_s:
            raise Cancelled(TaskContext.STOPPED)
        if now > deadline:
            raise WorkerCrashed(
                f"The worker process of {ctx.task_id} was ended at its limit of {limit_s:g} s.",
                advice="Give it less to do at once, or raise the limit in the settings.",
            )


def _died(process: Any) -> WorkerCrashed:
    process.join(1.0)
    return WorkerCrashed(
        f"The worker process ended without a result (exit code {process.exitcode}).",
        advice="It may have run out of memory or been ended by another program. The next run starts a new one.",
    )


def rebuilt(name: str, message: str, advice: str, details: str, findings: dict[str, Any]) -> MetronomeError:
    """What a process told of its failure, as an error of the same policy."""
    if name in _POLICIES:
        error: MetronomeError = getattr(errors, name)(message, advice=advice)
        error.findings = findings
        return error
    return WorkerCrashed(message, advice=advice, details=details)


def _child(channel: Connection[Any, Any], work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    """The life of the spawned process."""
    serve(channel, lambda report: ("result", work(report, *args)))


def serve(channel: Connection[Any, Any], life: Callable[[Report], tuple[str, Any]]) -> None:
    """Live in a spawned process and send what comes of it, or how it failed, to the parent."""
    _end_with_parent()
    try:
        answer = life(Report(channel))
    except MetronomeError as error:
        policy = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in _POLICIES), "")
        answer = ("error", (policy, error.message, error.advice, traceback.format_exc(), dict(error.findings)))
    except Exception as error:  # noqa: BLE001 - the border of the process: the parent judges it
        answer = ("error", ("", f"{type(error).__name__}: {error}", "", traceback.format_exc(), {}))
    channel.send(answer)
    channel.close()


def _end_with_parent() -> None:
    """Do not outlive a parent that was killed."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
