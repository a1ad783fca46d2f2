"""Heavy work in a spawned process: results, errors, progress, cancel and the hard kill."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable

import pytest
from lent import Lent

from app.errors import Cancelled, UserAction, WorkerCrashed
from app.runs import Progress
from app.tasks import CancelFlag, TaskContext
from app.workprocess import Report, run_in_process


@pytest.fixture
def seen() -> list[Progress]:
    return []


@pytest.fixture
def flag() -> CancelFlag:
    return CancelFlag()


@pytest.fixture
def ctx(seen: list[Progress], flag: CancelFlag) -> TaskContext:
    return TaskContext("0000000000000a", "probe", Lent(), logging.getLogger("task.probe"), flag, seen.append)


def add_up(report: Report, numbers: list[int]) -> dict[str, int]:
    for done, _ in enumerate(numbers, 1):
        report.progress(done, len(numbers), "adding")
    return {"sum": sum(numbers), "pid": os.getpid()}


def refuse(report: Report) -> None:
    error = UserAction("The file is empty.", advice="Choose another.")
    error.findings = {"rows": 0}
    raise error


def divide(report: Report) -> float:
    return 1 / 0


def vanish(report: Report) -> None:
    os._exit(7)


def go_on(report: Report) -> None:
    report.progress(0, 1)
    while True:
        time.sleep(0.01)
        report.check_cancelled()


def ignore(report: Report) -> None:
    report.progress(0, 1)
    while True:
        time.sleep(0.01)


def test_result_and_progress_come_back_from_another_process(ctx: TaskContext, seen: list[Progress]) -> None:
    result = run_in_process(ctx, add_up, [1, 2, 3])
    assert result["sum"] == 6
    assert result["pid"] != os.getpid()
    assert seen[-1] == Progress(3, 3, "adding")


def test_what_the_work_raises_is_judged_as_if_raised_here(ctx: TaskContext) -> None:
    with pytest.raises(UserAction, match="empty") as caught:
        run_in_process(ctx, refuse)
    assert caught.value.advice == "Choose another."
    assert caught.value.findings == {"rows": 0}


def test_a_bug_brings_its_traceback(ctx: TaskContext) -> None:
    with pytest.raises(WorkerCrashed, match="ZeroDivisionError") as caught:
        run_in_process(ctx, divide)
    assert "in divide" in caught.value.details


def test_a_process_that_dies_is_named_with_its_exit_code(ctx: TaskContext) -> None:
    with pytest.raises(WorkerCrashed, match="exit code 7"):
        run_in_process(ctx, vanish)


@pytest.mark.parametrize("work", [go_on, ignore])
def test_cancel_ends_the_process_even_when_it_does_not_listen(
    ctx: TaskContext, flag: CancelFlag, work: Callable[[Report], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.workprocess.GRACE_S", 0.05)
    ctx._publish = lambda progress: flag.set()  # as soon as it has begun
    with pytest.raises(Cancelled):
        run_in_process(ctx, work)


def test_work_that_may_be_ended_at_once_has_less_time_to_end_by_itself(ctx: TaskContext, flag: CancelFlag) -> None:
    ctx._publish = lambda progress: flag.set()
    with pytest.raises(Cancelled):
        run_in_process(ctx, ignore, grace_s=0.01)


def test_the_limit_kills(ctx: TaskContext) -> None:
    with pytest.raises(WorkerCrashed, match=r"limit of 0\.2 s"):
        run_in_process(ctx, ignore, limit_s=0.2)


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="Linux has the class of processes that wait for a free core")
def test_a_worker_uses_a_core_only_when_nobody_else_wants_it(ctx: TaskContext, monkeypatch: pytest.MonkeyPatch) -> None:
    stepped: list[int] = []
    chosen = os.sched_setscheduler

    def watch(pid: int, policy: int, param: os.sched_param) -> None:
        chosen(pid, policy, param)
        stepped.append(os.sched_getscheduler(pid))

    monkeypatch.setattr(os, "sched_setscheduler", watch)
    assert run_in_process(ctx, add_up, [1, 2])["sum"] == 3
    assert stepped == [os.SCHED_IDLE]
