"""Dates, clock times and zones, on both sides of the changes of clocks."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone

import pytest

from workers.calendar.anchors import Zone, evidence
from workers.calendar.times import (
    Clock,
    Kind,
    Numeric,
    TimeProblem,
    Yearless,
    read_clock,
    read_date,
    read_epoch,
    split,
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2025-09-21", date(2025, 9, 21)),
        ("2025.09.21", date(2025, 9, 21)),
        ("20250921", date(2025, 9, 21)),
        ("Sunday, September 21, 2025", date(2025, 9, 21)),
        ("21-Sep-2025", date(2025, 9, 21)),
        ("Sept 21st 2025", date(2025, 9, 21)),
        ("09-21-2025", Numeric(9, 21, 2025)),
        ("21.9.2025", Numeric(21, 9, 2025)),
        ("Sun Aug 2", Yearless(8, 2, 6)),
        ("Jan 2", Yearless(1, 2, None)),
        ("", None),
    ],
)
def test_dates(text: str, found: object) -> None:
    assert read_date(text) == found


@pytest.mark.parametrize("text", ["2025-02-30", "1025-01-01", "Maytember 3", "3", "Jan Feb 3", "Mon Sep 21 2025", "x"])
def test_what_is_no_date(text: str) -> None:
    with pytest.raises(TimeProblem):
        read_date(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("3:15am", Clock(time(3, 15))),
        ("12:00am", Clock(time(0, 0))),
        ("12:30 PM", Clock(time(12, 30))),
        ("8pm", Clock(time(20, 0))),
        ("15:30:59", Clock(time(15, 30, 59))),
        ("07:00 GMT", Clock(time(7), UTC)),
        ("07:00Z", Clock(time(7), UTC)),
        ("07:00+05:30", Clock(time(7), timezone(timedelta(hours=5, minutes=30)))),
        ("07:00 GMT+2", Clock(time(7), timezone(timedelta(hours=2)))),
        ("8:30 am ET", Clock(time(8, 30), eastern=True)),
        ("All Day", Kind.ALL_DAY),
        ("Day 2", Kind.ALL_DAY),
        ("Tentative", Kind.TENTATIVE),
        ("Jul 18th", Kind.TENTATIVE),
        ("Sep Data", Kind.TENTATIVE),
        ("19th-23rd", Kind.ALL_DAY),
        ("", None),
    ],
)
def test_clock_times(text: str, found: object) -> None:
    assert read_clock(text) == found


@pytest.mark.parametrize("text", ["24:00", "13:00pm", "0:10am", "7:65", "soon", "44 min", "07:00 +2", "07:00+15:00"])
def test_what_is_no_clock_time(text: str) -> None:
    with pytest.raises(TimeProblem):
        read_clock(text)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("2024-01-15 23:50:00", ("2024-01-15", "23:50:00")),
        ("2024-01-15T23:50:00.000Z", ("2024-01-15", "23:50:00.000Z")),
        ("Sun, 21 Sep 2025 08:30:00 GMT", ("Sun, 21 Sep 2025", "08:30:00 GMT")),
        ("08:30 21/09/2025", ("21/09/2025", "08:30")),
        ("2024-01-15", ("2024-01-15", "")),
    ],
)
def test_one_text_with_both(text: str, found: tuple[str, str]) -> None:
    assert split(text) == found


def test_epochs() -> None:
    moment = datetime(2026, 8, 3, 13, 45, tzinfo=UTC)
    assert {read_epoch(value) for value in (1785764700, 1785764700000, "1785764700")} == {moment}
    assert [read_epoch(value) for value in (None, True, 20250921, "20250921", -5, float("nan"))] == [None] * 6


def local(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("zone", "when", "utc"),
    [
        # The United States change on 9 March and 2 November 2025, Europe on 30 March and 26 October.
        ("America/New_York", "2025-03-07T08:30", "2025-03-07T13:30"),
        ("America/New_York", "2025-03-10T08:30", "2025-03-10T12:30"),
        ("America/New_York", "2025-10-31T08:30", "2025-10-31T12:30"),
        ("America/New_York", "2025-11-03T08:30", "2025-11-03T13:30"),
        ("Europe/London", "2025-03-28T07:00", "2025-03-28T07:00"),
        ("Europe/London", "2025-03-31T07:00", "2025-03-31T06:00"),
        ("Europe/London", "2025-10-24T07:00", "2025-10-24T06:00"),
        ("Europe/London", "2025-10-27T07:00", "2025-10-27T07:00"),
        ("Australia/Sydney", "2025-04-04T11:30", "2025-04-04T00:30"),
        ("Australia/Sydney", "2025-04-07T11:30", "2025-04-07T01:30"),
    ],
)
def test_both_sides_of_a_change_of_clocks(zone: str, when: str, utc: str) -> None:
    assert Zone(zone).utc(local(when)) == local(utc).replace(tzinfo=UTC)


def test_hours_that_do_not_exist_or_come_twice_are_none() -> None:
    york = Zone("America/New_York")
    assert york.utc(local("2025-03-09T02:30")) is None
    assert york.utc(local("2025-11-02T01:30")) is None
    assert Zone("America/New_York", timedelta(hours=7)).utc(local("2025-03-09T09:30")) is None


def weeks(zone: Zone, days: list[str]) -> list[tuple[str, str, datetime]]:
    """Releases of New York and London as a calendar in another zone shows them."""
    rows = []
    for day in days:
        for currency, title, where, clock in (
            ("USD", "Unemployment Claims", "America/New_York", "08:30"),
            ("USD", "ISM Services PMI", "America/New_York", "10:00"),
            ("GBP", "Claimant Count Change", "Europe/London", "07:00"),
        ):
            utc = Zone(where).utc(local(f"{day}T{clock}"))
            assert utc is not None
            shown = _shown(zone, utc)
            rows.append((currency, title, shown))
    return rows


def _shown(zone: Zone, utc: datetime) -> datetime:
    from zoneinfo import ZoneInfo

    return utc.astimezone(ZoneInfo(zone.name)).replace(tzinfo=None) + zone.shift


ALL_YEAR = ["2025-01-09", "2025-03-13", "2025-04-03", "2025-07-10", "2025-10-30", "2025-11-06"]


@pytest.mark.parametrize(
    "zone",
    [Zone(name) for name in ("UTC", "America/New_York", "Europe/London", "Europe/Berlin", "Asia/Tokyo",
                             "Pacific/Auckland", "America/Los_Angeles", "Asia/Kolkata")]
    + [Zone("America/New_York", timedelta(hours=7)), Zone("UTC", timedelta(hours=3)), Zone("UTC", timedelta(hours=-3))],
)  # fmt: skip
def test_releases_tell_the_zone_over_a_year(zone: Zone) -> None:
    rows = weeks(zone, ALL_YEAR)
    found = evidence(rows)
    assert found is not None
    for currency, title, shown in rows:
        utc = found.utc(shown)
        assert utc == zone.utc(shown), (currency, title)


def test_zones_that_differ_on_a_day_without_releases_decide_nothing() -> None:
    found = evidence(weeks(Zone("Europe/London"), ["2025-07-10"]))
    assert found is not None
    assert found.utc(local("2025-07-11T12:00")) == datetime(2025, 7, 11, 11, tzinfo=UTC)
    assert found.utc(local("2025-12-11T12:00")) is None  # London, or a fixed UTC+1?


def test_too_little_or_contradicting_evidence_is_none() -> None:
    rows = weeks(Zone("UTC"), ["2025-07-10"])
    assert evidence(rows[:2]) is None
    assert evidence([(currency, "Speech", when) for currency, _, when in rows * 9]) is None
    assert evidence(weeks(Zone("UTC"), ALL_YEAR) + weeks(Zone("Asia/Tokyo"), ALL_YEAR)) is None
