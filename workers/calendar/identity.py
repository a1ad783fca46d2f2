"""The new events beside the known ones: which is which, what moved, what came, what went.

Calendars give no identity of their own (or one of the series, not of the release), repeat titles within a week, and
move events between two captures. So events are matched: by the provider's own id where it is unique, then by currency,
title and equal time, then the nearest in time within ``MOVE_LIMIT``. Weekly releases are seven days apart, so this
week's is never taken for next week's.

A source moves and takes away what it has itself. An event that two sources have is one, and it stays until neither has
it any more. What only another source has is moved by a document that is plainly the same calendar (most titles of each
are in the other), not by one that holds another part of it.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from app.runs import iso
from workers.calendar import readings
from workers.calendar.missing import judge
from workers.calendar.values import Change, Event, Parsed
from workers.calendar.vocabulary import title_key

#: How far an event may move and still be the same one: below seven days, the step of weekly releases.
MOVE_LIMIT: Final = timedelta(days=6)
#: Two documents with more than this share of their events in common are the same calendar.
SAME_CALENDAR: Final = 0.5
_VALUES: Final = ("title", "impact", "forecast", "previous", "actual", "all_day", "tentative")


@dataclass(slots=True)
class Merged:
    """What a fetch made of the calendar.

    Attributes:
        events: All events of the provider from now on.
        changes: What is other than before; empty when its span was not known before (``first``).
        added, removed, moved, changed: Counts of events.
        kept: Events that are missing from the fetch and were kept all the same, because it is only a part.
        lost: Values that could not be read, in words; the known ones stay.
        why: Why events were kept, in words.
        cut: The document looks as if it were cut off.
    """

    events: list[Event] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    added: int = 0
    removed: int = 0
    moved: int = 0
    changed: int = 0
    kept: int = 0
    lost: tuple[str, ...] = ()
    why: str = ""
    cut: bool = False
    first: bool = False


def merge(known: Sequence[Event], parsed: Parsed, source: str, now: datetime, *, gone: Collection[str] = ()) -> Merged:
    """Put a parsed document into the known events of its provider.

    Args:
        known: The stored events of the same provider.
        source: Where the document was read, as it is shown.
        gone: Sources that there are no more; what only they had is taken over.
    """
    since, until = span(parsed)
    # By its own id an event is known again outside of the span too; only inside of it can one be missing.
    near = [event for event in known if since - MOVE_LIMIT <= event.time < until + MOVE_LIMIT]
    within = [event for event in near if since <= event.time < until]
    inside = {event.id for event in within if source in event.sources or set(event.sources) <= set(gone)}
    near.sort(key=lambda event: event.id not in inside)  # of two at the same time, the source's own first
    movable = inside | _of_same_calendar(within, parsed.events, inside)
    pairs = _paired(near, parsed.events, movable)
    merged = Merged(first=not inside)
    matched = set()
    read = readings.kept(parsed, pairs)
    merged.lost = read.words()
    taken = {event.id for event in known}
    for event, old in zip(read.events, pairs, strict=True):
        if old is None:
            identity = _identity(event, taken)
            fresh = replace(event, id=identity, source=source, sources=(source,), fetched=now, first_seen=now)
            merged.added += 1
            if not merged.first:
                merged.changes.append(_change(now, "added", fresh))
        else:
            matched.add(old.id)
            held = (name for name in old.sources if name != source and name not in gone)
            fresh = replace(
                event,
                id=old.id,
                source=source,
                sources=(*held, source),
                fetched=now,
                first_seen=old.first_seen or now,
            )
            _compare(merged, old, fresh, now)
        merged.events.append(fresh)
    missing = [event for event in near if event.id in inside and event.id not in matched]
    verdict = judge(parsed, missing, len(inside))
    merged.why, merged.cut, merged.kept = verdict.why, verdict.cut, len(missing) - len(verdict.gone)
    for event in known:
        if event.id in matched:
            continue
        if event.id in verdict.gone:
            others = tuple(name for name in event.sources if name != source and name not in gone)
            if not others:
                merged.removed += 1
                merged.changes.append(_change(now, "removed", event))
                continue
            event = replace(event, sources=others)
        merged.events.append(event)
    merged.events.sort(key=lambda event: (event.time, event.currency, event.title))
    return merged


def span(parsed: Parsed) -> tuple[datetime, datetime]:
    """The span that a document speaks for: its whole week, or its first to its last day (UTC)."""
    times = [event.time for event in parsed.events]
    first, last = min(times), max(times)
    if not parsed.week:
        start = datetime.combine(first.date(), time(0, 0), UTC)
        return start, datetime.combine(last.date() + timedelta(days=1), time(0, 0), UTC)
    york = ZoneInfo("America/New_York")
    local = first.astimezone(york)
    sunday = local.date() - timedelta(days=(local.weekday() + 1) % 7)
    start = datetime.combine(sunday, time(0, 0), york).astimezone(UTC)
    end = datetime.combine(sunday + timedelta(days=7), time(0, 0), york).astimezone(UTC)
    return min(start, first), max(end, last + timedelta(minutes=1))


def _compare(merged: Merged, old: Event, new: Event, now: datetime) -> None:
    if old.time != new.time:
        merged.moved += 1
        merged.changes.append(
            replace(_change(now, "moved", new), field="time", before=iso(old.time) or "", after=iso(new.time) or "")
        )
    others = [name for name in _VALUES if getattr(old, name) != getattr(new, name)]
    merged.changed += bool(others)
    for name in others:
        before, after = (str(getattr(event, name)) for event in (old, new))
        merged.changes.append(replace(_change(now, "values", new), field=name, before=before, after=after))


def _change(now: datetime, kind: str, event: Event) -> Change:
    return Change(now, kind, event.id, event.title, event.currency, event.time)


def _identity(event: Event, taken: set[str]) -> str:
    """A new identity, from what the event is when it is first seen; counted on while another event has it."""
    seed = "|".join((event.provider, event.currency, title_key(event.title), iso(event.time) or ""))
    number = 0
    while True:
        identity = hashlib.sha256(f"{seed}|{number}".encode("utf-8", "backslashreplace")).hexdigest()[:16]
        if identity not in taken:
            taken.add(identity)
            return identity
        number += 1


# -- matching ----------------------------------------------------------------------------------------------------------


def _of_same_calendar(within: Sequence[Event], fresh: Sequence[Event], own: set[str]) -> set[str]:
    """Events that only other sources have, as far as those are the same calendar as the document."""
    held: defaultdict[str, list[Event]] = defaultdict(list)
    for event in within:
        if event.id not in own:
            for source in event.sources:
                held[source].append(event)
    wanted = Counter(map(_key, fresh))
    found: set[str] = set()
    for events in held.values():
        common = (wanted & Counter(map(_key, events))).total()
        if common > SAME_CALENDAR * max(len(events), len(fresh)):
            found |= {event.id for event in events}
    return found


def _key(event: Event) -> tuple[str, str]:
    return event.currency, title_key(event.title)


def _paired(known: Sequence[Event], fresh: Sequence[Event], inside: set[str]) -> list[Event | None]:
    """For each new event the known one that it is, or None."""
    pairs: list[Event | None] = [None] * len(fresh)
    free = {event.id: event for event in known}
    _by_own_id(known, fresh, pairs, free)
    groups: defaultdict[tuple[str, str], list[Event]] = defaultdict(list)
    for event in free.values():
        groups[_key(event)].append(event)
    places: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for place, event in enumerate(fresh):
        if pairs[place] is None:
            places[_key(event)].append(place)
    for key, wanted in places.items():
        if key in groups:
            _by_time(groups[key], fresh, wanted, pairs, inside)
    return pairs


def _by_own_id(
    known: Sequence[Event], fresh: Sequence[Event], pairs: list[Event | None], free: dict[str, Event]
) -> None:
    """Match by the provider's id where it names one release on both sides, not a series."""
    olds, news = _unique(known), _unique(fresh)
    for place, event in enumerate(fresh):
        old = olds.get(event.own_id)
        if old is not None and event.own_id in news:
            pairs[place] = old
            del free[old.id]


def _unique(events: Iterable[Event]) -> dict[str, Event]:
    found: dict[str, Event] = {}
    twice = set()
    for event in events:
        if event.own_id in found:
            twice.add(event.own_id)
        elif event.own_id:
            found[event.own_id] = event
    return {own_id: event for own_id, event in found.items() if own_id not in twice}


def _by_time(
    olds: list[Event], fresh: Sequence[Event], wanted: Sequence[int], pairs: list[Event | None], inside: set[str]
) -> None:
    """Equal times first, then the nearest pairs."""
    at: defaultdict[datetime, list[Event]] = defaultdict(list)
    for old in olds:
        at[old.time].append(old)
    rest = []
    for place in wanted:
        same = at[fresh[place].time]
        if same:
            pairs[place] = same.pop(0)
        else:
            rest.append(place)
    left = [old for events in at.values() for old in events if old.id in inside]
    # A title that comes hundreds of times is no release that moves; matching them all would take too long.
    if len(left) * len(rest) > 40_000:
        return
    near = sorted(
        (abs(fresh[place].time - old.time), place, number)
        for place in rest
        for number, old in enumerate(left)
        if abs(fresh[place].time - old.time) <= MOVE_LIMIT
    )
    used: set[int] = set()
    for _, place, number in near:
        if pairs[place] is None and number not in used:
            pairs[place] = left[number]
            used.add(number)
