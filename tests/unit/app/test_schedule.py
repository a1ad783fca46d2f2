"""Due times, above all on the days when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.schedule import Schedule, ScheduleError


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "zone", "after", "expected"),
    [
        ("*/15 * * * *", "UTC", "2025-06-03T12:00:00", "2025-06-03T12:15:00"),
        ("*/15 * * * *", "UTC", "2025-06-03T12:14:59.999999", "2025-06-03T12:15:00"),
        ("0 9 * * mon-fri", "UTC", "2025-06-06T09:00:00", "2025-06-09T09:00:00"),
        ("30 4 1,15 * 5", "UTC", "2025-06-02T00:00:00", "2025-06-06T04:30:00"),  # Friday or the 15th
        ("0 0 29 2 *", "UTC", "2025-01-01T00:00:00", "2028-02-29T00:00:00"),
        ("0 12 * jan,jul sun", "UTC", "2025-02-01T00:00:00", "2025-07-06T12:00:00"),
        ("5/20 * * * *", "UTC", "2025-06-03T12:06:00", "2025-06-03T12:25:00"),
        ("daily 02:00", "Asia/Tokyo", "2025-06-03T12:00:00", "2025-06-03T17:00:00"),
        ("weekly sun 05:00", "UTC", "2025-06-03T12:00:00", "2025-06-08T05:00:00"),
        ("weekly Sunday 05:00", "UTC", "2025-06-08T05:00:00", "2025-06-15T05:00:00"),
        ("every 30 s", "UTC", "2025-06-03T12:00:00", "2025-06-03T12:00:30"),
        ("every 2 h", "UTC", "2025-06-03T12:59:00", "2025-06-03T14:00:00"),
    ],
)
def test_next_due_time(text: str, zone: str, after: str, expected: str) -> None:
    assert Schedule.parse(text, zone).next_after(at(after)) == at(expected)


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca"])
@pytest.mark.parametrize("time", ["00:00", "01:30", "02:00", "02:30", "03:00"])
def test_a_daily_task_is_due_exactly_once_on_each_local_day_of_a_year(zone: str, time: str) -> None:
    schedule = Schedule.parse(f"daily {time}", zone)
    start = datetime(2025, 1, 1, tzinfo=ZoneInfo(zone)).astimezone(UTC) - timedelta(seconds=1)
    due = schedule.upcoming(start, 365)
    days = [moment.astimezone(ZoneInfo(zone)).date() for moment in due]
    assert len(set(days)) == 365
    assert all(later > earlier for earlier, later in pairwise(due))


def test_a_skipped_local_time_moves_on_by_as_much_as_the_clock_did() -> None:
    # 2025-03-30 in Berlin: 02:00 -> 03:00, so 02:30 does not exist and is taken as 03:30 (01:30 UTC).
    assert Schedule.parse("daily 02:30", "Europe/Berlin").next_after(at("2025-03-29T12:00:00")) == at(
        "2025-03-30T01:30:00"
    )


def test_of_a_repeated_local_time_the_first_counts() -> None:
    # 2025-10-26 in Berlin: 03:00 -> 02:00; 02:30 is at 00:30 and at 01:30 UTC.
    schedule = Schedule.parse("30 2 * * *", "Europe/Berlin")
    assert schedule.upcoming(at("2025-10-25T12:00:00"), 2) == (at("2025-10-26T00:30:00"), at("2025-10-27T01:30:00"))


def test_a_quarter_hourly_task_runs_through_both_equal_hours() -> None:
    due = Schedule.parse("*/15 * * * *", "Europe/Berlin").upcoming(at("2025-10-25T23:59:00"), 12)
    assert {later - earlier for earlier, later in pairwise(due)} == {timedelta(minutes=15)}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("*/15 * * * *", "every 15 min"),
        ("0 * * * *", "hourly"),
        ("5 * * * *", "hourly at :05"),
        ("* * * * *", "every minute"),
        ("0 2 * * *", "daily 02:00"),
        ("daily 02:00", "daily 02:00"),
        ("weekly sun 05:00", "Sun 05:00"),
        ("0 5 * * 0", "Sun 05:00"),
        ("every 90 s", "every 90 s"),
        ("every 120 s", "every 2 min"),
        ("1,7 3 * * *", "1,7 3 * * *"),
        ("manual", "manual"),
    ],
)
def test_words_for_a_schedule(text: str, words: str) -> None:
    assert Schedule.parse(text).describe() == words


@pytest.mark.parametrize(
    "text",
    ["", "sometimes", "* * * *", "60 * * * *", "* 24 * * *", "*/0 * * * *", "5-1 * * * *", "every 0 s", "daily 25:00",
     "weekly xyz 05:00", "0 0 30 2 *", "a * * * *", "every 400 d", "٣ * * * *"],
)  # fmt: skip
def test_nonsense_is_refused_with_the_forms_to_use(text: str) -> None:
    with pytest.raises(ScheduleError) as caught:
        Schedule.parse(text)
    assert caught.value.advice


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(ScheduleError, match="Mars/Olympus"):
        Schedule.parse("daily 02:00", "Mars/Olympus")


def test_a_naive_time_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        Schedule.parse("every 1 s").next_after(datetime(2025, 1, 1))  # noqa: DTZ001 - the point of the test


def test_seventy_two_hours_of_a_one_second_schedule_are_counted_not_walked() -> None:
    schedule = Schedule.parse("every 1 s")
    start = at("2025-06-03T12:00:00")
    assert schedule.count_between(start, start + timedelta(hours=72)) == 259_200


schedules = st.sampled_from(
    ["*/5 * * * *", "7 */3 * * *", "daily 02:30", "weekly wed 23:59", "every 7 s", "15 10 1 * mon", "0 0 31 * *"]
)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata"])
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds


@given(schedules, zones, moments)
def test_laws_of_due_times(text: str, zone: str, moment: datetime) -> None:
    schedule = Schedule.parse(text, zone)
    following = schedule.next_after(moment)
    assert following is not None
    assert following > moment
    assert schedule.latest_until(following) == following
    latest = schedule.latest_until(moment)
    assert latest is not None
    assert latest <= moment
    assert schedule.next_after(latest) == following
    assert schedule.count_between(latest, following) == 1
