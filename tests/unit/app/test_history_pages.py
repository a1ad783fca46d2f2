"""Pages of the stored runs: the same as sorting and filtering all of them, and found without a walk over the rest."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.clock import FakeClock
from app.history import RunFilter, RunHistory
from app.history_pages import keys_of_page
from app.history_rows import place
from app.runs import Run, RunState, Trigger

START = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)
STATES = (RunState.SUCCEEDED, RunState.FAILED, RunState.SKIPPED)
TIMES = st.integers(0, 8).map(lambda minutes: START + timedelta(minutes=minutes))
FILTERS = st.builds(
    RunFilter,
    task=st.sampled_from(("", "one", "two", "nobody")),
    states=st.one_of(st.lists(st.sampled_from(STATES), max_size=4).map(tuple), st.just(tuple(RunState))),
    since=st.none() | TIMES,
    until=st.none() | TIMES,
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Run]]:
    """120 runs, many at the same instant."""
    path = tmp_path_factory.mktemp("pages") / "metronome.db"
    history = RunHistory(path, FakeClock(START))
    runs = [
        Run(
            f"{n + 1:014x}",
            ("one", "two")[n % 2],
            STATES[n % 7 % 3],
            Trigger.SCHEDULE,
            START + timedelta(minutes=n * 5 % 8),
        )
        for n in range(120)
    ]
    for run in runs:
        history.add(run, at_once=False)
    history.close()
    return path, runs


@given(wanted=FILTERS, limit=st.integers(1, 50), cursor=st.none() | st.integers(0, 119))
@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_page_is_what_sorting_and_filtering_everything_gives(
    stored: tuple[Path, list[Run]], wanted: RunFilter, limit: int, cursor: int | None
) -> None:
    path, runs = stored
    before = None if cursor is None else place(runs[cursor])
    expected = sorted((run for run in runs if wanted.matches(run)), key=place, reverse=True)
    expected = [run for run in expected if before is None or place(run) < before][:limit]
    with closing(sqlite3.connect(path)) as connection:
        found = keys_of_page(
            lambda sql, values: connection.execute(sql, values).fetchall(),
            wanted,
            limit,
            before,
            lambda: ("one", "two"),
        )
    assert [f"{key:014x}" for key in found] == [run.run_id for run in expected]


@pytest.mark.parametrize("task", ["", "one"])
@pytest.mark.parametrize("states", [(), (RunState.FAILED,), (RunState.FAILED, RunState.MISSED)])
@pytest.mark.parametrize("bounds", [{}, {"until": START}, {"since": START}, {"since": START, "until": START}])
@pytest.mark.parametrize("before", [None, (0, 5)])
def test_every_page_is_a_seek_in_an_index(
    stored: tuple[Path, list[Run]],
    task: str,
    states: tuple[RunState, ...],
    bounds: dict[str, datetime],
    before: tuple[int, int] | None,
) -> None:
    path, _ = stored
    plans: list[str] = []
    with closing(sqlite3.connect(path)) as connection:

        def read(sql: str, values: object) -> list[tuple[object, ...]]:
            plans.extend(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {sql}", values))
            assert sql.count("queued_at <= ?") <= max(sql.count(" UNION ALL ") + 1, 1)
            return []

        keys_of_page(read, RunFilter(task, states, **bounds), 10, before, lambda: ("one", "two"))
    steps = [plan for plan in plans if "runs" in plan]
    assert steps
    assert all("USING COVERING INDEX" in step for step in steps)
    assert not any("TEMP B-TREE" in plan for plan in plans)
    if before or bounds or task or states:
        assert all(step.startswith("SEARCH") for step in steps)
