"""Laws of the guard against clocks, over any course of time."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hand_terminal import Bench
from hypothesis import given
from hypothesis import strategies as st

from workers.maintenance import clock_guard
from workers.maintenance.clock_guard import DAY_S, GAP_S, Memory

START = datetime(2025, 6, 3, 2, tzinfo=UTC).timestamp()
JUMPS = st.sampled_from([0.0, 0.0, 0.0, 0.0, 365 * DAY_S, -365 * DAY_S, 40 * DAY_S, -2 * DAY_S, 5 * DAY_S])


@given(st.lists(st.tuples(st.floats(0.2, 2.0), JUMPS), max_size=60), st.integers(1, 60))
def test_what_is_there_never_looks_more_than_the_gaps_older_than_it_is(
    looks: list[tuple[float, float]], days: int
) -> None:
    """A file that is there at the first look is deleted after its days at the earliest, but for three days a leap."""
    memory, wall, true, leaps = Memory.begun(START), START, START, 0
    for passed_days, jump in looks:
        true += passed_days * DAY_S
        wall += passed_days * DAY_S + jump
        leaps += jump != 0
        memory = memory.look(wall, days)
        assert memory.trusted <= wall
        seen_as_old = not memory.set_back_s and not memory.wrong and memory.trusted - START > days * DAY_S
        if seen_as_old:
            assert true - START > days * DAY_S - (leaps + 1) * (GAP_S + 2 * DAY_S)


def test_a_year_ahead_changes_nothing_for_what_is_there() -> None:
    memory = Memory.begun(START)
    for day in range(1, 10):
        memory = memory.look(START + day * DAY_S, 30)
    memory = memory.look(START + (10 + 365) * DAY_S, 30)
    assert memory.trusted == START + 9 * DAY_S
    assert memory.ahead_s == 366 * DAY_S
    for day in range(11, 40):
        memory = memory.look(START + (day + 365) * DAY_S, 30)
        assert memory.trusted == START + (day - 1) * DAY_S
    # After thirty steady days whatever was there has its age by itself.
    memory = memory.look(START + (40 + 365) * DAY_S, 30)
    assert memory.ahead_s == 0


@pytest.mark.parametrize("leap", [9, 20, 29, 365])
def test_trust_of_months_does_not_cover_a_leap(leap: int) -> None:
    memory = Memory.begun(START)
    for day in range(1, 100):
        memory = memory.look(START + day * DAY_S, 30)
    assert memory.look(START + (99 + leap) * DAY_S, 30).ahead_s == leap * DAY_S


def test_a_run_that_keeps_less_does_not_end_the_doubts_of_the_others() -> None:
    memory = Memory.begun(START).look(START + DAY_S, 365).look(START + 2 * DAY_S, 30)
    assert memory.days == 30
    memory = memory.look(START + 400 * DAY_S, 30)
    for day in range(401, 420):
        memory = memory.look(START + day * DAY_S, 1)
        assert memory.ahead_s


def test_weeks_between_looks_are_no_leaps() -> None:
    memory = Memory.begun(START)
    for week in range(1, 30):
        memory = memory.look(START + 7 * week * DAY_S, 7)
        assert memory.ahead_s == 0


def test_a_year_back_and_forth() -> None:
    memory = Memory.begun(START).look(START + DAY_S, 30)
    back = START + 2 * DAY_S - 365 * DAY_S
    memory = memory.look(back, 30)
    assert memory.set_back_s > 360 * DAY_S
    memory = memory.look(back + DAY_S, 30)
    assert memory.set_back_s
    memory = memory.look(START + 4 * DAY_S, 30)  # put right
    assert memory.set_back_s == 0
    assert memory.trusted == START + 4 * DAY_S
    assert memory.doubts(back + 3600, named=False)
    assert memory.doubts(back - 2 * DAY_S, named=True)
    assert not memory.doubts(START - 20 * DAY_S, named=False)
    for day in range(5, 40):
        memory = memory.look(START + day * DAY_S, 30)
    assert not memory.wrong  # by now all that was written then is old in truth


def test_a_word_of_the_user_ends_all_doubt() -> None:
    memory = Memory.begun(START).look(START + 400 * DAY_S, 30).with_question("?", 3, 5, datetime.now(UTC))
    memory = memory.confirmed(START + 400 * DAY_S)
    assert (memory.ahead_s, memory.set_back_s, memory.asked) == (0, 0, None)


def test_many_leaps_take_no_room() -> None:
    memory = Memory.begun(START)
    for number in range(200):
        memory = memory.look(START - (number % 2) * 100 * DAY_S + number, 30)
        memory = memory.with_share(1, 2)
    assert len(memory.wrong) <= 20
    assert len(memory.shares) <= 30


def test_usual_share() -> None:
    memory = Memory.begun(START)
    assert memory.usual_share() == 0.5
    for _ in range(6):
        memory = memory.with_share(3, 100)
    assert memory.usual_share() == 0.25
    for _ in range(20):
        memory = memory.with_share(15, 100)
    assert memory.usual_share() == pytest.approx(0.45)


def test_the_memory_is_kept(bench: Bench) -> None:
    memory = Memory.begun(START).look(START - 50 * DAY_S, 30).with_share(1, 4)
    memory = memory.with_question("Is it?", 3, 17, bench.clock.now())
    clock_guard.remember(bench.storage, "a_task", memory)
    assert clock_guard.recall(bench.storage, "a_task") == memory
    assert clock_guard.recall(bench.storage, "another") is None


@pytest.mark.allow_warnings("is damaged")
@pytest.mark.parametrize("text", ["{", "{}", '{"wall": 3, "trusted": "x", "highest": null}', "[]"])
def test_a_damaged_memory_is_none(bench: Bench, text: str) -> None:
    path = clock_guard.memory_file(bench.paths, "a_task")
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    assert clock_guard.recall(bench.storage, "a_task") is None


@pytest.mark.parametrize(
    ("days", "highest"),
    [
        ([], None),
        ([date(2025, 6, 3)], None),
        ([date(2025, 6, 2), date(2025, 6, 3)], datetime(2025, 6, 3, tzinfo=UTC)),
        ([date(2024, 5, 1), date(2025, 6, 3)], datetime(2024, 5, 2, tzinfo=UTC)),
        ([date(2026, 5, 1), date(2025, 6, 3)], datetime(2026, 5, 1, tzinfo=UTC)),
    ],
)
def test_the_first_look_knows_from_the_health_checks_when_the_home_was_in_use(
    bench: Bench, days: list[date], highest: datetime | None
) -> None:
    for day in days:
        (bench.paths.health_checks / f"health_{day:%Y%m%d}.json").write_text("{}")
    now = bench.clock.now()
    assert clock_guard.first_memory(bench.paths, now.timestamp()).highest == (highest or now).timestamp()
