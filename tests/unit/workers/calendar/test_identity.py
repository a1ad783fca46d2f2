"""Which event is which between two captures: on five real captures of one week, and by law."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.calendar.identity import merge
from workers.calendar.values import Event, Impact, Parsed

Read = Callable[..., Parsed]
NOW = datetime(2026, 8, 14, 13, 0, tzinfo=UTC)
CAPTURES = ("0809T0443", "0809T2356", "0813T2135", "0814T0651", "0814T1242")


def captures(files: Path, read: Read) -> list[Parsed]:
    return [read((files / f"ff/ff_2026-08-09_cap{name}.json").read_bytes()) for name in CAPTURES]


@pytest.mark.shared
def test_five_captures_of_one_week(files: Path, read: Read) -> None:
    # Added, removed, moved, with other values: compared with a listing of the differences made by hand.
    known: list[Event] = []
    counts = []
    for number, parsed in enumerate(captures(files, read)):
        merged = merge(known, parsed, "there", NOW + timedelta(hours=number))
        counts.append((merged.added, merged.removed, merged.moved, merged.changed))
        known = merged.events
        assert len(known) == len(parsed.events)
        assert len({event.id for event in known}) == len(known)
    assert counts == [(73, 0, 0, 0), (1, 0, 0, 0), (1, 0, 8, 15), (0, 2, 0, 0), (1, 0, 2, 0)]


@pytest.mark.shared
def test_an_event_keeps_its_identity_when_it_moves_and_when_its_values_change(files: Path, read: Read) -> None:
    first, second, third, fourth, fifth = captures(files, read)
    begun = merge([], first, "there", NOW)
    loans = next(event for event in begun.events if event.title == "New Loans")
    later = merge(merge(begun.events, second, "there", NOW).events, third, "there", NOW)
    moved = next(event for event in later.events if event.id == loans.id)
    # 13 August 08:03 UTC to the 14th 09:03, and a forecast of 350B became -50B.
    assert (loans.time, moved.time) == (
        datetime(2026, 8, 13, 8, 3, tzinfo=UTC),
        datetime(2026, 8, 14, 9, 3, tzinfo=UTC),
    )
    changes = [
        (change.kind, change.field, change.before, change.after) for change in later.changes if change.id == loans.id
    ]
    assert changes == [
        ("moved", "time", "2026-08-13T08:03:00.000Z", "2026-08-14T09:03:00.000Z"),
        ("values", "forecast", "350B", "-50B"),
    ]
    last = merge(merge(later.events, fourth, "there", NOW).events, fifth, "there", NOW)
    assert next(event for event in last.events if event.id == loans.id).time == datetime(2026, 8, 14, 8, 2, tzinfo=UTC)


@pytest.mark.shared
def test_two_events_of_one_title_are_told_apart(files: Path, read: Read) -> None:
    _, second, third, *_ = captures(files, read)
    before = merge([], second, "there", NOW).events
    after = merge(before, third, "there", NOW).events
    title = "ADP Weekly Employment Change"
    olds = {event.id: event for event in before if event.title == title}
    news = {event.id: event for event in after if event.title == title}
    assert olds.keys() == news.keys()
    # The one at 12:15 stays and gets its value; the one of 15.0K moves from 12:16 to 12:14.
    times = {olds[i].time.minute: (news[i].time.minute, olds[i].previous, news[i].previous) for i in olds}
    assert times == {15: (15, "", "11.0K"), 16: (14, "15.0K", "15.0K")}


@pytest.mark.shared
def test_json_and_xml_of_one_week_are_the_same_events(files: Path, read: Read) -> None:
    parsed = captures(files, read)[0]
    known = merge([], parsed, "json", NOW).events
    again = merge(known, replace(parsed, layout="ff_weekly_xml"), "xml", NOW)
    assert (again.added, again.removed, again.moved, again.changed, again.changes) == (0, 0, 0, 0, [])


def event(title: str, when: datetime, **more: str) -> Event:
    return Event("", when, "USD", Impact.LOW, title, provider="p", **more)  # type: ignore[arg-type]


def parsed_of(events: list[Event], **more: object) -> Parsed:
    return Parsed("l", "p", "l", "UTC", tuple(events), **more)  # type: ignore[arg-type]


MONDAY = datetime(2026, 8, 10, 12, tzinfo=UTC)


def test_weekly_releases_are_never_taken_for_one_another() -> None:
    weeks = [event("Claims", MONDAY + timedelta(days=7 * n)) for n in range(3)]
    known = merge([], parsed_of(weeks[:2]), "s", NOW).events
    later = merge(known, parsed_of(weeks[1:]), "s", NOW)
    assert (later.added, later.moved, later.removed) == (1, 0, 0)
    assert later.events[1].id == known[1].id
    assert len(later.events) == 3  # the week that the source no longer shows is kept


def test_the_providers_own_id_finds_an_event_however_far_it_moved() -> None:
    known = merge([], parsed_of([event("A", MONDAY, own_id="7"), event("B", MONDAY)]), "s", NOW).events
    moved = event("A renamed", MONDAY + timedelta(days=20), own_id="7")
    later = merge(known, parsed_of([event("B", MONDAY), moved]), "s", NOW)
    assert (later.added, later.moved, later.changed) == (0, 1, 1)


def test_a_part_of_a_calendar_removes_nothing() -> None:
    many = [event(f"E{n}", MONDAY + timedelta(hours=n)) for n in range(20)]
    known = merge([], parsed_of(many), "s", NOW).events
    part = merge(known, parsed_of([many[0], many[19]]), "s", NOW)
    assert (part.removed, part.kept, len(part.events)) == (0, 18, 20)
    cut = merge(known, parsed_of([*many[:18], many[19]], complete=False), "s", NOW)
    assert (cut.removed, cut.kept) == (0, 1)
    refused = merge(known, parsed_of([*many[:18], many[19]], refused_titles=frozenset({"e18"})), "s", NOW)
    assert (refused.removed, refused.kept) == (0, 1)
    whole = merge(known, parsed_of([*many[:18], many[19]]), "s", NOW)
    assert (whole.removed, whole.kept, whole.changes[0].kind) == (1, 0, "removed")


schedules = st.lists(
    st.tuples(st.sampled_from(["A", "B", "C"]), st.integers(0, 6 * 24 * 60)), min_size=1, max_size=25, unique=True
)


@given(schedules, schedules, st.randoms(use_true_random=False))
def test_laws_of_merging(before: list[tuple[str, int]], after: list[tuple[str, int]], dice: random.Random) -> None:
    olds, news = (
        [event(title, MONDAY + timedelta(minutes=minutes)) for title, minutes in found] for found in (before, after)
    )
    known = merge([], parsed_of(olds), "s", NOW).events
    merged = merge(known, parsed_of(news, week=True), "s", NOW)
    assert len({found.id for found in merged.events}) == len(merged.events)
    assert merged.added + len(known) - merged.removed == len(merged.events)
    assert [found.time for found in merged.events] == sorted(found.time for found in merged.events)
    # The same again changes nothing, in whatever order it comes.
    dice.shuffle(news)
    again = merge(merged.events, parsed_of(news, week=True), "s", NOW)
    assert (again.added, again.moved, again.changed) == (0, 0, 0)
    assert {found.id for found in merged.events} >= {found.id for found in again.events}
