"""Many jobs on several processes: all of them done, whatever dies on the way."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from lent import Lent

from app.errors import Cancelled, UserAction, WorkerCrashed
from app.runs import Progress
from app.tasks import CancelFlag, TaskContext
from app.workpool import run_jobs
from app.workprocess import Report


@pytest.fixture
def flag() -> CancelFlag:
    return CancelFlag()


@pytest.fixture
def ctx(flag: CancelFlag) -> TaskContext:
    told: list[Progress] = []
    return TaskContext("0000000000000a", "probe", Lent(), logging.getLogger("task.probe"), flag, told.append)


def squares(_report: Report, folder: str) -> Callable[[int], tuple[int, int, int]]:
    """Squares; the process that meets a number with a file of its name in the folder takes the file and dies."""

    def work(number: int) -> tuple[int, int, int]:
        mark = Path(folder) / str(number)
        if mark.exists():
            mark.unlink()
            os._exit(9)
        return number, number * number, os.getpid()

    return work


def doomed(_report: Report) -> Callable[[int], int]:
    def work(number: int) -> int:
        os._exit(number)

    return work


def refusing(_report: Report) -> Callable[[int], int]:
    raise UserAction("There are no bars.", advice="Import some.")


def faulty(_report: Report) -> Callable[[int], float]:
    return lambda number: number / 0


def endless(_report: Report) -> Callable[[int], int]:
    def work(number: int) -> int:
        while True:
            time.sleep(0.01)

    return work


def test_all_jobs_are_done_by_more_than_one_process(ctx: TaskContext, tmp_path: Path) -> None:
    found: list[tuple[int, int, int]] = []
    run_jobs(ctx, squares, (str(tmp_path),), range(40), found.append, processes=2, limit_s=60)
    assert sorted(item[:2] for item in found) == [(number, number * number) for number in range(40)]
    assert os.getpid() not in {item[2] for item in found}


@pytest.mark.allow_warnings("a worker process of probe died")
def test_a_killed_process_costs_no_job(ctx: TaskContext, tmp_path: Path) -> None:
    for number in (3, 11):
        (tmp_path / str(number)).touch()
    found: list[tuple[int, int, int]] = []
    run_jobs(ctx, squares, (str(tmp_path),), range(20), found.append, processes=2, limit_s=60)
    assert sorted(item[0] for item in found) == list(range(20))
    assert len({item[2] for item in found}) >= 2


@pytest.mark.allow_warnings("a worker process of probe died")
def test_processes_that_die_again_and_again_are_an_error(ctx: TaskContext) -> None:
    with pytest.raises(WorkerCrashed, match="exit code 5"):
        run_jobs(ctx, doomed, (), [5] * 9, print, processes=2, limit_s=60)


def test_what_the_work_refuses_and_its_faults_are_told(ctx: TaskContext) -> None:
    with pytest.raises(UserAction, match="There are no bars") as caught:
        run_jobs(ctx, refusing, (), [1], print, processes=1, limit_s=60)
    assert caught.value.advice == "Import some."
    with pytest.raises(WorkerCrashed, match="ZeroDivisionError"):
        run_jobs(ctx, faulty, (), [1, 2], print, processes=1, limit_s=60)


def test_a_request_to_stop_ends_all_processes(ctx: TaskContext, flag: CancelFlag) -> None:
    flag.set()
    with pytest.raises(Cancelled):
        run_jobs(ctx, endless, (), [1, 2, 3], print, processes=2, limit_s=60)


def test_the_limit_ends_all_processes(ctx: TaskContext) -> None:
    with pytest.raises(WorkerCrashed, match=r"limit of 0\.2 s"):
        run_jobs(ctx, endless, (), [1, 2], print, processes=1, limit_s=0.2)


def test_no_jobs_start_nothing(ctx: TaskContext) -> None:
    run_jobs(ctx, refusing, (), [], print, processes=2, limit_s=1)
