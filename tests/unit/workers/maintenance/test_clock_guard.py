"""Laws of the guard against clocks, over any course of time."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hand_terminal import Bench
from hypothesis import given
from hypothesis import strategies as st
from upkeep import put

from app.paths import Paths
from workers.maintenance import clock_guard
from workers.maintenance.clock_guard import DAY_S, GAP_S, NIGHT_S, Memory, gap_s
from workers.maintenance.first_look import first_memory, process_age

START = datetime(2025, 6, 3, 2, tzinfo=UTC).timestamp()
JUMPS = st.sampled_from([0.0, 0.0, 0.0, 0.0, 365 * DAY_S, -365 * DAY_S, 40 * DAY_S, -2 * DAY_S, 5 * DAY_S])


@given(st.lists(st.tuples(st.floats(0.2, 2.0), JUMPS), max_size=60), st.integers(1, 60), st.booleans())
def test_what_is_there_never_looks_more_than_the_gaps_older_than_it_is(
    looks: list[tuple[float, float]], days: int, lived_through: bool
) -> None:
    """A file that is there at the first look is deleted after its days at the earliest, but for a gap for each leap."""
    memory, wall, true, leaps = Memory.begun(START), START, START, 0
    gap = max(NIGHT_S, 0.0 if lived_through else gap_s(days))
    for passed_days, jump in looks:
        true += passed_days * DAY_S
        wall += passed_days * DAY_S + jump
        leaps += jump != 0
        memory = memory.look(wall, days, passed_days * DAY_S if lived_through else None)
        assert memory.trusted <= wall
        age = wall - memory.unseen_s(START) - START
        if not memory.set_back_s and not memory.wrong and age > days * DAY_S:
            assert true - START > days * DAY_S - leaps * gap - 1


@given(st.integers(1, 30), st.lists(st.floats(0.1, 40.0), min_size=1, max_size=40))
def test_an_honest_clock_leaves_nothing_for_ever(days: int, steps: list[float]) -> None:
    """However rarely somebody is here: after some more looks each file has its age."""
    memory, wall = Memory.begun(START), START
    for step in steps:
        wall += step * DAY_S
        memory = memory.look(wall, days)
    for _ in range(2 * days + 1):
        wall += DAY_S
        memory = memory.look(wall, days)
    assert memory.unseen_s(START) < wall - START - days * DAY_S
    assert not memory.leaps or days == 1  # a day is half as long again as what is plausible for files of one day


@pytest.mark.parametrize("days", range(1, 40))
def test_no_step_that_is_plausible_makes_a_new_file_old(days: int) -> None:
    assert gap_s(days) < days * DAY_S
    assert gap_s(days) <= GAP_S


def test_a_process_that_lived_through_a_span_has_seen_it(bench: Bench) -> None:
    memory = Memory.begun(bench.clock.now().timestamp()).look_of(bench.clock, 1)
    for _ in range(5):
        bench.clock.advance(DAY_S)
        memory = memory.look_of(bench.clock, 1)
        assert not memory.leaps
    bench.clock.advance(DAY_S)
    bench.clock.jump(2 * DAY_S)
    memory = memory.look_of(bench.clock, 7)
    assert memory.ahead_s == 2 * DAY_S
    now = bench.clock.now().timestamp()
    assert memory.unseen_s(now - 5 * DAY_S) == 2 * DAY_S
    assert memory.unseen_s(now - DAY_S) == DAY_S
    # Another process has not seen the two days, but they are few beside seven.
    again = replace(memory, process=("another", 5.0))
    bench.clock.jump(2 * DAY_S)
    assert again.look_of(bench.clock, 7).ahead_s == memory.ahead_s


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
        memory = memory.look(START + 7 * week * DAY_S, 30)
        assert memory.ahead_s == 0


def test_weeks_between_looks_only_delay_what_is_kept_for_one() -> None:
    memory = Memory.begun(START)
    for week in range(1, 30):
        now = START + 7 * week * DAY_S
        memory = memory.look(now, 7)
        assert memory.ahead_s <= 14 * DAY_S
        assert now - memory.unseen_s(now - 22 * DAY_S) > now - 22 * DAY_S + 7 * DAY_S


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
    assert memory.leaps == ()
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
    memory = Memory.begun(START)
    for number in range(200):
        memory = memory.look(START + (100 * number + 1) * DAY_S, 3000)
        assert memory.ahead_s == pytest.approx(100 * DAY_S * number, abs=2 * DAY_S)
    assert len(memory.leaps) == 20


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
    bench.clock.jump(40 * DAY_S)
    memory = Memory.begun(START).look(START - 50 * DAY_S, 30).with_share(1, 4)
    memory = memory.look(START, 30).look_of(bench.clock, 30)
    assert memory.leaps
    assert memory.wrong
    memory = memory.with_question("Is it?", 3, 17, bench.clock.now())
    clock_guard.remember(bench.storage, "a_task", memory)
    assert clock_guard.recall(bench.storage, "a_task") == memory
    assert clock_guard.recall(bench.storage, "another") is None


def test_the_memory_of_before_leaps_were_kept_is_understood(bench: Bench) -> None:
    path = clock_guard.memory_file(bench.paths, "a_task")
    path.parent.mkdir(parents=True)
    path.write_text(
        '{"wall": "2026-06-10T02:00:00.000Z", "trusted": "2025-06-10T02:00:00.000Z", "days": 30, "steady_s": 5.0,'
        ' "highest": "2025-06-10T02:00:00.000Z", "wrong": [], "shares": [0.1], "asked": null}'
    )
    memory = clock_guard.recall(bench.storage, "a_task")
    assert memory is not None
    assert memory.ahead_s == 365 * DAY_S


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
    assert first_memory(bench.paths, now.timestamp(), 30).highest == (highest or now).timestamp()


def test_the_first_look_sees_a_leap_of_some_days_ago(bench: Bench) -> None:
    """Sessions under the wrong clock do not hide it."""
    today = bench.clock.now().date()
    for day in (403, 402, 401, 3, 2, 1, 0):
        (bench.paths.health_checks / f"health_{today - timedelta(days=day):%Y%m%d}.json").write_text("{}")
    now = bench.clock.now().timestamp()
    assert first_memory(bench.paths, now, 7).look(now, 7).ahead_s == pytest.approx(398 * DAY_S)


@pytest.mark.parametrize("days", [1, 7, 30])
def test_the_first_look_compares_the_clock_with_what_is_in_the_home(bench: Bench, days: int) -> None:
    now = bench.clock.now()
    assert first_memory(bench.paths, now.timestamp(), days).highest == now.timestamp()
    put(bench.paths.logs / "a.log", at=now - timedelta(days=400))
    put(bench.paths.cache / "b.json", at=now - timedelta(days=365))
    put(bench.paths.cache / "this_session.json", at=now)
    found = first_memory(bench.paths, now.timestamp(), days).look(now.timestamp(), days)
    assert found.ahead_s == 365 * DAY_S
    put(bench.paths.market_data / "c.json", at=now - timedelta(hours=15))
    assert first_memory(bench.paths, now.timestamp(), days).highest == now.timestamp()


def test_a_file_that_was_just_put_there_speaks_for_the_clock(tmp_path: Path) -> None:
    """By the real clock: an old file copied with its time says nothing against it."""
    paths = Paths(tmp_path)
    paths.create()
    now = time.time() + process_age() + 60
    put(paths.logs / "a.log", at=datetime.fromtimestamp(now - 40 * DAY_S, UTC))
    assert first_memory(paths, now, 7).highest == now
