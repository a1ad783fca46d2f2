"""The self-test: what it finds when a part of the installation does not work."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app import self_test, workprocess
from app.cli_session import CommandSession
from app.tasks import Registry


@pytest.fixture
def session(home: Path) -> CommandSession:
    return CommandSession.open(str(home), {}, lambda: Registry(()), as_json=True)


def test_work_is_done_by_another_process(session: CommandSession) -> None:
    found = self_test.outcome("worker process", self_test.check_worker_process, session)
    assert found["ok"], found
    assert found["detail"].endswith("answered with 6")
    assert found["detail"] != f"process {os.getpid()} answered with 6"


@pytest.mark.allow_warnings("answered with", "spawn_worker")
def test_work_that_was_not_done_elsewhere_is_no_success(
    session: CommandSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*_args: object, **_options: object) -> tuple[int, int]:
        return os.getpid(), sum(self_test.PROBE_NUMBERS)

    monkeypatch.setattr(workprocess, "run_in_process", here)
    found = self_test.outcome("worker process", self_test.check_worker_process, session)
    assert not found["ok"]
    assert str(os.getpid()) in found["detail"]


def test_the_terminal_can_have_a_process_of_its_own(session: CommandSession) -> None:
    found = self_test.outcome("terminal process", self_test.check_terminal_process, session)
    assert found["ok"], found
    assert found["detail"].endswith("symbols")
    assert str(os.getpid()) not in found["detail"]
