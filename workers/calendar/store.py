"""``data/cache/economic_calendar.json``: read whole or with what is damaged left out, written whole."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar

from app.paths import Paths
from app.runs import iso
from app.storage import Storage
from workers.calendar.values import Calendar, Change, Event, SourceState
from workers.wording import count

#: Events of the past are kept this long, so that week views and evaluations can look back.
KEEP: Final = timedelta(days=60)
MAX_STORED: Final = 40_000
MAX_CHANGES: Final = 500
MAX_SOURCES: Final = 50

log = logging.getLogger(__name__)
T = TypeVar("T")


def path_of(paths: Paths) -> Path:
    """Where the calendar is kept."""
    return paths.cache / "economic_calendar.json"


def load(storage: Storage) -> Calendar:
    """The stored calendar; an empty one when there is none or it was damaged (then it is kept aside).

    Its ``damage`` says when events of it may be missing, until an update has succeeded.

    Raises:
        StorageError: it is there but cannot be read.
        UserAction: it was written by a newer Metronome.
    """
    path = path_of(storage.paths)
    document = storage.read_json(path)
    if document is None:
        return Calendar(damage=_kept_aside(path))
    lost: list[str] = []
    calendar = Calendar(
        events=tuple(_read(document, "events", Event.from_json, lost)),
        sources=tuple(_read(document, "sources", SourceState.from_json, lost)),
    )
    if lost:
        damage = f"The economic calendar is damaged: {count(len(lost), 'entry', 'entries')} of it cannot be used."
    else:
        damage = _kept_aside(path) if calendar.fetched is None else ""
    calendar = replace(calendar, changes=tuple(_read(document, "changes", Change.from_json, lost)), damage=damage)
    if lost:
        log.warning(
            "%d entries of %s cannot be used and were left out; first: %s.", len(lost), storage.relative(path), lost[0]
        )
    return calendar


def _kept_aside(path: Path) -> str:
    """What to say of a calendar that was damaged and is no more; empty when there never was one."""
    aside = sorted(item.name for item in path.parent.glob(f"{path.name}.damaged-*"))
    return f"The economic calendar is damaged: it was kept as {aside[-1]}." if aside else ""


def save(storage: Storage, calendar: Calendar, now: datetime) -> Path:
    """Write the calendar, within its bounds.

    Raises:
        StorageError: it cannot be written; what was there before is untouched.
    """
    path = path_of(storage.paths)
    kept = bounded(calendar, now)
    storage.write_json(
        path,
        {
            "updated": iso(now),
            "fetched": iso(kept.fetched),
            "sources": [state.as_json() for state in kept.sources],
            "changes": [change.as_json() for change in kept.changes],
            "events": [event.as_json() for event in kept.events],
        },
    )
    return path


def bounded(calendar: Calendar, now: datetime) -> Calendar:
    """Without events that are long past, unless the newest document of a source speaks for them; bounded in number."""
    recent = [state for state in calendar.sources if state.attempted is None or state.attempted >= now - KEEP]
    recent.sort(key=lambda state: iso(state.attempted) or "", reverse=True)
    sources = tuple(recent[:MAX_SOURCES])
    spans = [
        (state.provider, state.covers_from, state.covers_until)
        for state in sources
        if state.covers_from is not None and state.covers_until is not None and state.covers_from < now - KEEP
    ]
    events = [
        event
        for event in calendar.events
        if event.time >= now - KEEP
        or any(event.provider == provider and since <= event.time < until for provider, since, until in spans)
    ]
    return Calendar(tuple(events[-MAX_STORED:]), sources, calendar.changes[:MAX_CHANGES])


def _read(document: Mapping[str, Any], name: str, make: Callable[[Any], T], lost: list[str]) -> list[T]:
    listed = document.get(name)
    found: list[T] = []
    if not isinstance(listed, list):
        if listed is not None:
            lost.append(f"{name} is no list")
        return found
    for number, item in enumerate(listed):
        try:
            found.append(make(item))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            lost.append(f"{name}[{number}] ({type(error).__name__}: {error})")
    return found
