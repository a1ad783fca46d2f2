"""Cut documents and events that were taken away: on the real files, cut at every place that a cut may have."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from workers.calendar.identity import Merged, merge
from workers.calendar.values import Event, Impact, Parsed

Read = Callable[..., Parsed]
NOW = datetime(2026, 8, 14, 13, 0, tzinfo=UTC)
MONDAY = datetime(2026, 8, 10, 12, tzinfo=UTC)


def event(title: str, when: datetime, currency: str = "USD") -> Event:
    return Event("", when, currency, Impact.LOW, title, provider="p")


def hourly(number: int) -> list[Event]:
    return [event(f"E{n}", MONDAY + timedelta(hours=n)) for n in range(number)]


def after(known: list[Event], rest: list[Event]) -> Merged:
    """The rest of a week, when the whole of it is known."""
    begun = merge([], Parsed("l", "p", "l", "UTC", tuple(known), week=True), "s", NOW)
    return merge(begun.events, Parsed("l", "p", "l", "UTC", tuple(rest), week=True), "s", NOW)


def test_a_tail_is_kept_and_the_midst_is_taken_away() -> None:
    many = hourly(20)
    for left in range(1, 11):
        cut = after(many, many[:-left])
        assert (cut.removed, cut.kept, len(cut.events), cut.cut) == (0, left, 20, left > 2)
        assert "the document may be cut off" in cut.why
    for place in range(1, 19):
        taken = after(many, many[:place] + many[place + 1 :])
        assert (taken.removed, taken.kept, taken.why) == (1, 0, "")


def test_a_cut_may_go_through_the_events_of_one_time() -> None:
    many = [event(f"E{n}", MONDAY + timedelta(hours=n // 4)) for n in range(40)]
    cut = after(many, many[:30])
    assert (cut.removed, cut.kept) == (0, 10)


def test_a_stretch_is_kept_and_what_was_called_off_together_is_not() -> None:
    many = hourly(30)
    stretch = after(many, many[:8] + many[16:])
    assert (stretch.removed, stretch.kept, stretch.cut) == (0, 8, True)
    assert "8 known events in a row from 2026-08-10 20:00 UTC on" in stretch.why
    beginning = after(many, many[8:])
    assert (beginning.removed, beginning.kept) == (0, 8)
    scattered = after(many, [found for n, found in enumerate(many) if n % 3 or n == 0])
    assert (scattered.removed, scattered.kept) == (9, 0)
    release = [event(f"Part {n}", MONDAY + timedelta(hours=5)) for n in range(8)]
    called_off = after([*many, *release], many)
    assert (called_off.removed, called_off.kept) == (8, 0)


@pytest.mark.shared
@pytest.mark.parametrize("lines", [47, 60, 75, 85, 88])
def test_the_first_lines_of_the_csv_remove_nothing(files: Path, read: Read, lines: int) -> None:
    text = (files / "ff/ff_2026-02-08.csv").read_bytes()
    known = merge([], read(text), "s", NOW).events
    part = merge(known, read(b"\n".join(text.split(b"\n")[:lines]) + b"\n"), "s", NOW)
    assert (part.removed, part.changed, part.moved, len(part.events)) == (0, 0, 0, len(known))
    assert part.kept == len(known) - lines + 1


@pytest.mark.shared
@pytest.mark.parametrize("name", ["ff_2026-02-08.csv", "ff_2026-08-09_cap0814T1242.json", "ff_2024-09-15.xml"])
def test_a_document_cut_at_any_byte_removes_and_changes_nothing(files: Path, read: Read, name: str) -> None:
    data = (files / "ff" / name).read_bytes()
    known = merge([], read(data), "s", NOW).events
    for end in range(len(data) // 2, len(data), 701):
        part = merge(known, read(data[:end]), "s", NOW)
        assert (part.removed, part.moved, part.changed, part.added) == (0, 0, 0, 0), end
        assert len(part.events) == len(known)


@pytest.mark.shared
def test_a_json_document_of_the_first_events_removes_nothing(files: Path, read: Read) -> None:
    found = json.loads((files / "ff/ff_2026-08-09_cap0814T1242.json").read_bytes())
    known = merge([], read(json.dumps(found)), "s", NOW).events
    part = merge(known, read(json.dumps(found[:44])), "s", NOW)
    assert (part.removed, part.kept, part.cut, len(part.events)) == (0, 30, True, 74)
    one = merge(known, read(json.dumps(found[:20] + found[21:])), "s", NOW)
    assert (one.removed, one.kept) == (1, 0)


def test_a_last_line_without_its_end(read: Read) -> None:
    head = "Title,Country,Date,Time,Impact,Forecast,Previous\n"
    rows = [f"E{n},USD,08-1{n}-2026,1:30pm,High,0.{n}%,0.3%" for n in range(4)]
    whole = read(head + "\n".join(rows))
    assert (whole.complete, len(whole.events), whole.refused) == (True, 4, 0)
    for cut in (rows[3][:-5], rows[3][:20]):
        part = read(head + "\n".join([*rows[:3], cut]))
        assert (part.complete, len(part.events), part.refused) == (False, 3, 1)
        assert "it ends within line 5" in part.warnings[0]
