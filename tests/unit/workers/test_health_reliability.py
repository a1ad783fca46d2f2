"""Success rates and durations, reckoned by hand."""

from __future__ import annotations

from array import array
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import FakeClock
from app.history import RunHistory
from app.history_rows import to_us
from app.paths import Paths
from app.runs import Run, RunState, Trigger
from workers.health.reliability import WEEK, Rate, ranks, reliability

NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)


def outcome(
    number: int, task: str, state: RunState, hours_ago: float, seconds: float | None = None
) -> tuple[int, str, str, int, float | None]:
    return number, task, state.value, to_us(NOW - timedelta(hours=hours_ago)), seconds


def test_rates_and_durations_by_hand() -> None:
    rows = [
        outcome(1, "collect", RunState.FAILED, 100, 9.0),
        outcome(2, "collect", RunState.SUCCEEDED, 50, 1.0),
        outcome(3, "collect", RunState.SUCCEEDED_WITH_WARNINGS, 30, 2.0),
        outcome(4, "collect", RunState.TIMED_OUT, 23, 60.0),
        outcome(5, "collect", RunState.SUCCEEDED, 22, 3.0),
        outcome(6, "collect", RunState.SUCCEEDED, 21, 10.0),
        outcome(7, "collect", RunState.SKIPPED, 20, 0.1),
        outcome(8, "collect", RunState.MISSED, 19),
        outcome(9, "collect", RunState.CANCELLED, 18, 4.0),
        outcome(10, "gone", RunState.INTERRUPTED, 1, 5.0),
    ]
    never, collect, gone = reliability(rows, ["never", "collect"], NOW)
    assert (never.task, never.day, never.week.share, never.p50_s) == ("never", Rate(), None, None)
    assert collect.day == Rate(worked=2, failed=1, idle=3)
    assert collect.day.share == pytest.approx(2 / 3)
    assert collect.week == Rate(worked=4, failed=2, idle=3)
    assert (collect.p50_s, collect.p95_s) == (2.0, 10.0)  # of 1, 2, 3, 10: the second and the last
    assert (collect.last_failure, collect.last_failure_id) == (NOW - timedelta(hours=23), 4)
    assert (gone.task, gone.week.share, gone.last_failure_id) == ("gone", 0.0, 10)


def test_runs_of_a_clock_that_was_ahead_do_not_count() -> None:
    (found,) = reliability([outcome(1, "t", RunState.FAILED, -5, 1.0)], ["t"], NOW)
    assert found.week == Rate()


@given(values=st.lists(st.floats(0, 1e5), min_size=1), share=st.sampled_from([0.5, 0.95, 1.0]))
def test_a_rank_is_the_least_value_that_covers_its_share(values: list[float], share: float) -> None:
    (found,) = ranks(array("d", values), (share,))
    assert found in values
    covered = sum(value <= found for value in values) / len(values)
    below = sum(value < found for value in values) / len(values)
    assert covered >= share - 1e-12
    assert below < share


def test_from_the_stored_runs(paths: Paths, fake_clock: FakeClock) -> None:
    now = fake_clock.now()
    history = RunHistory(paths.database, fake_clock)
    try:
        run = Run(history.new_run_id(), "t", RunState.SUCCEEDED, Trigger.MANUAL, now, duration_s=0.5, finished_at=now)
        failed = replace(run, run_id=history.new_run_id(), state=RunState.FAILED, queued_at=now - timedelta(hours=30))
        old = replace(run, run_id=history.new_run_id(), queued_at=now - timedelta(days=8))
        for one in (run, failed, old):
            history.add(one)
        (found,) = reliability(history.outcomes(now - WEEK), [], now)
    finally:
        history.close()
    assert (found.day, found.week) == (Rate(worked=1), Rate(worked=1, failed=1))
    assert found.last_failure_id == int(failed.run_id, 16)
