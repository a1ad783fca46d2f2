"""The check of the history of runs: a history that was lost is told, and nothing is said of a file not looked at."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from hand_terminal import Bench

from app.clock import FakeClock
from app.history import RunHistory
from app.runs import Run, RunState, Trigger
from app.tasks import NoParams
from workers.health.checks import Verdict
from workers.health.report import Check
from workers.maintenance_tasks import system_health_check

DAY_S = 86_400.0


@pytest.fixture
def history(bench: Bench) -> Any:
    opened: list[RunHistory] = []

    def open_again() -> RunHistory:
        if opened:
            opened.pop().close()
        opened.append(RunHistory(bench.paths.database, bench.clock))
        return opened[0]

    yield open_again
    for item in opened:
        item.close()


def check(bench: Bench, history: RunHistory) -> Check:
    facts = history.facts()
    timetable = {"heartbeat": None, "paused": False, "lateness_p99_s": None, "jobs": 0, "problems": []}
    bench.facts = {
        "lanes": [],
        "timetable": timetable,
        "history": {
            "rows": facts.rows,
            "bytes": facts.bytes,
            "ok": not facts.problem,
            "problem": facts.problem,
            "file_id": facts.file_id,
            "aside": [{"file": name, "at": at.isoformat()} for name, at in facts.aside],
            "check_integrity": history.check_integrity,
        },
    }
    report = system_health_check(bench.context("system_health_check"), NoParams())
    return next(item for item in report.checks if item.name == "history")


def fill(history: RunHistory, clock: FakeClock, runs: int = 200) -> None:
    for _ in range(runs):
        now = clock.now()
        run = Run(history.new_run_id(), "x", RunState.SUCCEEDED, Trigger.MANUAL, now, finished_at=now, summary="y" * 99)
        history.add(run)


def damage(bench: Bench) -> None:
    """What ``dd if=/dev/urandom bs=1k seek=2 count=12 conv=notrunc`` leaves."""
    with bench.paths.database.open("r+b") as file:
        file.seek(2048)
        file.write(b"\xa5\x17" * 6 * 1024)


@pytest.mark.allow_warnings("is damaged")
def test_a_history_that_was_lost_is_told_for_a_week_while_the_damaged_file_lies_there(
    bench: Bench, history: Any
) -> None:
    first = history()
    fill(first, bench.clock)
    assert check(bench, first).value.endswith("intact 0.0 s ago")
    first.close()
    damage(bench)
    bench.clock.advance(8)
    second = history()
    found = check(bench, second)
    assert found.verdict is Verdict.WARNING
    aside = bench.paths.database.name + ".damaged-20250603T120008Z"
    assert found.value.startswith(f"damaged on 2025-06-03 12:00 UTC and moved to {aside}; a new one")
    assert found.value.endswith("intact 0.0 s ago")  # the new file was looked through itself, not "8 s ago"
    assert "0 runs" in found.value
    assert str(bench.paths.data / aside) in found.advice
    assert "delete it" in found.advice
    bench.clock.advance(6 * DAY_S)
    assert check(bench, second).verdict is Verdict.WARNING
    bench.clock.advance(DAY_S)
    late = check(bench, second)
    assert late.verdict is Verdict.OK
    assert late.value.endswith(f"; {aside} still lies beside it")
    (bench.paths.data / aside).unlink()
    assert "damaged" not in check(bench, second).value


@pytest.mark.allow_warnings("is damaged")
def test_the_warning_goes_with_the_file(bench: Bench, history: Any) -> None:
    first = history()
    fill(first, bench.clock)
    first.close()
    damage(bench)
    second = history()
    (found,) = second.facts().aside
    assert found[1] == datetime.fromisoformat("2025-06-03T12:00:00+00:00")
    assert check(bench, second).verdict is Verdict.WARNING
    (bench.paths.data / found[0]).unlink()
    assert check(bench, second).verdict is Verdict.OK


def test_nothing_is_said_of_another_file(bench: Bench, history: Any) -> None:
    """Somebody deleted the file, or put another one in its place: what was found in the former one does not count."""
    first = history()
    assert check(bench, first).value.endswith("intact 0.0 s ago")
    known = first.facts().file_id
    assert history().facts().file_id == known  # opened again, it is the same
    history().close()
    bench.paths.database.unlink()
    bench.clock.advance(3600)
    other = history()
    assert other.facts().file_id not in ("", known)
    assert check(bench, other).value.endswith("intact 0.0 s ago")
    bench.clock.advance(60)
    assert check(bench, other).value.endswith("intact 60 s ago")
