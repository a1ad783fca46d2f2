"""What others ask: what is next, and whether news forbid a trade; in doubt they do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workers.calendar.query import embargo, following, upcoming
from workers.calendar.values import Calendar, Event, Impact, SourceState

NOW = datetime(2026, 8, 12, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
WINDOW = {"before": timedelta(minutes=30), "after": timedelta(minutes=15)}


def event(minutes: int, currency: str = "USD", impact: Impact = Impact.HIGH, **more: bool) -> Event:
    return Event(f"{minutes}{currency}", NOW + timedelta(minutes=minutes), currency, impact, f"E{minutes}", **more)  # type: ignore[arg-type]


def calendar(*events: Event, age: timedelta = HOUR, until: timedelta = 48 * HOUR) -> Calendar:
    state = SourceState("s", succeeded=NOW - age, covers_from=NOW - 72 * HOUR, covers_until=NOW + until)
    return Calendar(tuple(sorted(events, key=lambda found: found.time)), (state,))


def test_upcoming_by_window_currency_and_impact() -> None:
    events = calendar(
        event(-10), event(0), event(29, "EUR"), event(30, "ALL"), event(20, impact=Impact.LOW), event(31)
    ).events
    titles = [found.title for found in upcoming(events, {"USD"}, NOW, WINDOW["before"], impacts={Impact.HIGH})]
    assert titles == ["E0", "E30"]
    assert len(upcoming(events, (), NOW, WINDOW["before"], back=WINDOW["after"])) == 5
    assert upcoming((), (), NOW, HOUR) == ()


@pytest.mark.parametrize(("minutes", "blocked"), [(31, False), (30, True), (0, True), (-15, True), (-16, False)])
def test_an_embargo_begins_before_and_ends_after(minutes: int, blocked: bool) -> None:
    found = embargo(calendar(event(minutes)), {"USD"}, NOW, **WINDOW)
    assert found.blocked is blocked
    assert found.age == HOUR
    if blocked:
        assert found.until == NOW + timedelta(minutes=minutes) + WINDOW["after"]
        assert "USD" in found.reason


def test_it_ends_with_the_last_of_several() -> None:
    assert embargo(calendar(event(5), event(25)), {"USD"}, NOW, **WINDOW).until == NOW + timedelta(minutes=40)


def test_other_currencies_and_weak_events_do_not_block() -> None:
    found = calendar(event(5, "JPY"), event(5, impact=Impact.MEDIUM))
    assert not embargo(found, {"USD", "EUR"}, NOW, **WINDOW).blocked
    assert embargo(found, {"USD"}, NOW, impacts={Impact.MEDIUM}, **WINDOW).blocked


def test_in_doubt_it_blocks() -> None:
    for unknown in (None, Calendar(), Calendar((event(500),), (SourceState("s"),))):
        assert "no economic calendar" in embargo(unknown, {"USD"}, NOW, **WINDOW).reason
    old = embargo(calendar(age=25 * HOUR), {"USD"}, NOW, **WINDOW)
    assert (old.blocked, old.until, old.reason) == (
        True, None, "The economic calendar is 25 h old; at most 24 h is relied on.",
    )  # fmt: skip
    short = embargo(calendar(until=timedelta(minutes=20)), {"USD"}, NOW, **WINDOW)
    assert short.blocked
    assert "does not reach to the present" in short.reason


def test_a_fresh_file_of_another_year_does_not_make_the_calendar_fresh() -> None:
    year_ago = SourceState("old", succeeded=NOW, covers_from=NOW - 9000 * HOUR, covers_until=NOW - 8000 * HOUR)
    both = calendar(event(500), age=30 * HOUR)
    both = Calendar(both.events, (*both.sources, year_ago))
    assert "30 h old" in embargo(both, {"USD"}, NOW, **WINDOW).reason


def test_events_without_a_clock_time_are_told_and_do_not_block() -> None:
    day = Event("1", NOW.replace(hour=0), "USD", Impact.HIGH, "Summit", all_day=True)
    open_time = Event("2", NOW.replace(hour=0), "USD", Impact.HIGH, "Vote", tentative=True)
    found = embargo(calendar(day, open_time), {"USD"}, NOW, **WINDOW)
    assert (found.blocked, len(found.unplaced)) == (False, 2)
    assert following(calendar(day, open_time, event(5)).events, NOW - 24 * HOUR) == event(5)
    assert following((), NOW) is None
