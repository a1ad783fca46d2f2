"""What the calendar is made of: events, refused rows, what a source was recognised as, and what changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from app.runs import iso

#: Most events taken from one document; a year of every country's releases has some 13,000.
MAX_EVENTS: Final = 20_000
#: Refused rows that are listed; the others are counted.
MAX_LISTED: Final = 50

#: The currency of events that concern every market (a meeting of OPEC, say).
EVERY_CURRENCY: Final = "ALL"


class Impact(StrEnum):
    """How much an event is expected to move its currency."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"
    HOLIDAY = "holiday"  # banks are closed
    NONE = "none"  # the source says that it moves nothing
    UNKNOWN = "unknown"  # the source does not say


@dataclass(frozen=True, slots=True)
class Event:
    """One event of the calendar.

    Attributes:
        id: Stays with the event when it is moved and when its values change; 16 hexadecimal figures.
        time: Aware UTC. An event without a clock time (``all_day`` or ``tentative``) carries 00:00 UTC of its day.
        currency: ISO 4217 code, or ``ALL``.
        forecast, previous, actual: As the source writes them, with their unit; empty when it says nothing.
        all_day: The source gives a day and no clock time.
        tentative: The source says that the time is not fixed yet.
        provider: Whose calendar it is: ``forexfactory``, ``investing``, ``fxstreet``, ``fmp``, ``finnhub``, ``table``.
        own_id: The identity that the provider gives the event, when it gives one.
        source: Where it was read last, with no secret in it.
        sources: All sources that have it; it is there as long as one of them has it.
        fetched: When it was last seen there.
    """

    id: str
    time: datetime
    currency: str
    impact: Impact
    title: str
    forecast: str = ""
    previous: str = ""
    actual: str = ""
    all_day: bool = False
    tentative: bool = False
    provider: str = ""
    own_id: str = ""
    source: str = ""
    fetched: datetime | None = None
    first_seen: datetime | None = None
    sources: tuple[str, ...] = ()

    @property
    def timed(self) -> bool:
        """Whether the clock time means something."""
        return not self.all_day and not (self.tentative and self.time.hour == self.time.minute == 0)

    def as_json(self) -> dict[str, Any]:
        """The event as plain values."""
        return {
            "id": self.id,
            "time": iso(self.time),
            "currency": self.currency,
            "impact": self.impact.value,
            "title": self.title,
            "forecast": self.forecast,
            "previous": self.previous,
            "actual": self.actual,
            "all_day": self.all_day,
            "tentative": self.tentative,
            "provider": self.provider,
            "own_id": self.own_id,
            "source": self.source,
            "sources": list(self.sources),
            "fetched": iso(self.fetched),
            "first_seen": iso(self.first_seen),
        }

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Event:
        """An event from plain values.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        texts: dict[str, Any] = {
            name: _text(item.get(name, ""))
            for name in ("forecast", "previous", "actual", "provider", "own_id", "source")
        }
        return cls(
            id=_filled(item["id"]),
            time=_moment(item["time"]),
            currency=_filled(item["currency"]),
            impact=Impact(item["impact"]),
            title=_filled(item["title"]),
            all_day=item.get("all_day") is True,
            tentative=item.get("tentative") is True,
            fetched=_moment(item["fetched"]) if item.get("fetched") else None,
            first_seen=_moment(item["first_seen"]) if item.get("first_seen") else None,
            sources=tuple(_filled(source) for source in item.get("sources") or (texts["source"],) if source),
            **texts,
        )


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that was not taken.

    Attributes:
        place: ``line 12``, ``event 3`` or a path such as ``days[2].events[5]``.
        reason: Why, in a sentence without its full stop.
        title: What the row calls its event, when that could be read.
    """

    place: str
    reason: str
    title: str = ""

    def as_json(self) -> dict[str, str]:
        """The refusal as plain values."""
        return {"place": self.place, "reason": self.reason, "title": self.title}


@dataclass(frozen=True, slots=True)
class Options:
    """What the user says about documents that do not say it themselves; empty: nothing.

    Attributes:
        time_zone: IANA name of the zone in which times without one are meant.
        date_order: ``month_first`` or ``day_first`` for dates such as 03/04/2025.
        now: The present, for dates without a year.
    """

    now: datetime
    time_zone: str = ""
    date_order: str = ""


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a document holds.

    Attributes:
        recognised: The layout in words, for example ``Forex Factory weekly XML``.
        time_zone: In which zone its times are, and how that is known: one sentence.
        events: Without identity yet (``id`` is empty), in the order of the document.
        refused: How many rows were not taken; ``refusals`` lists the first of them.
        untitled: Whether a refused row may have been any event: then none may be taken for removed.
        complete: False when the document breaks off or was cut at the limit.
        notes, warnings: What was assumed; what needs a look.
        week: The document always holds a whole week, Sunday to Saturday.
        unread, unnamed: By the place of an event: its fields that cannot be read, and those that its row does not
            name; see ``readings``.
    """

    layout: str
    provider: str
    recognised: str
    time_zone: str
    events: tuple[Event, ...]
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    refused_titles: frozenset[str] = frozenset()
    untitled: bool = False
    complete: bool = True
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    week: bool = False
    unread: Mapping[int, frozenset[str]] = field(default_factory=dict)
    unnamed: Mapping[int, frozenset[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """Something that is other than at the fetch before.

    Attributes:
        at: When it was noticed.
        kind: ``added``, ``removed``, ``moved`` or ``values``.
        field: For ``values``: which of them.
        before, after: Texts; for ``moved`` the times in ISO 8601, UTC.
    """

    at: datetime
    kind: str
    id: str
    title: str
    currency: str
    time: datetime
    field: str = ""
    before: str = ""
    after: str = ""

    def as_json(self) -> dict[str, Any]:
        """The change as plain values."""
        return {
            "at": iso(self.at),
            "kind": self.kind,
            "id": self.id,
            "title": self.title,
            "currency": self.currency,
            "time": iso(self.time),
            "field": self.field,
            "before": self.before,
            "after": self.after,
        }

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Change:
        """A change from plain values.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        texts: dict[str, Any] = {
            name: _text(item.get(name, "")) for name in ("field", "before", "after", "title", "currency")
        }
        return cls(
            at=_moment(item["at"]),
            kind=_filled(item["kind"]),
            id=_filled(item["id"]),
            time=_moment(item["time"]),
            **texts,
        )


@dataclass(frozen=True, slots=True)
class SourceState:
    """What is remembered of one source over restarts.

    Attributes:
        source: Address or path, with no secret in it; the key.
        succeeded: When its calendar was last known to be right (an unchanged answer counts).
        attempted: When it was last asked.
        etag, modified: For conditional requests.
        failures: How often in a row it failed.
        next_try: Not before this, after a failure.
        problem: Why the last attempt failed; empty after a success.
        covers_from, covers_until: The span of its newest document.
        digest: Of its newest document, when all of it could be read: the same once more says nothing new.
    """

    source: str
    provider: str = ""
    recognised: str = ""
    time_zone: str = ""
    notes: tuple[str, ...] = ()
    events: int = 0
    refused: int = 0
    refusals: tuple[Refusal, ...] = ()
    succeeded: datetime | None = None
    attempted: datetime | None = None
    etag: str = ""
    modified: str = ""
    failures: int = 0
    next_try: datetime | None = None
    problem: str = ""
    covers_from: datetime | None = None
    covers_until: datetime | None = None
    digest: str = ""

    _TEXTS = ("provider", "recognised", "time_zone", "etag", "modified", "problem", "digest")
    _TIMES = ("succeeded", "attempted", "next_try", "covers_from", "covers_until")

    def as_json(self) -> dict[str, Any]:
        """The state as plain values."""
        return {
            "source": self.source,
            **{name: getattr(self, name) for name in self._TEXTS},
            **{name: iso(getattr(self, name)) for name in self._TIMES},
            "notes": list(self.notes),
            "events": self.events,
            "refused": self.refused,
            "refusals": [refusal.as_json() for refusal in self.refusals],
            "failures": self.failures,
        }

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> SourceState:
        """A state from plain values.

        Raises:
            ValueError, KeyError, TypeError: it is none.
        """
        named: dict[str, Any] = {name: _moment(item[name]) if item.get(name) else None for name in cls._TIMES}
        named |= {name: _text(item.get(name, "")) for name in cls._TEXTS}
        listed = [
            Refusal(_text(found["place"]), _text(found["reason"]), _text(found.get("title", "")))
            for found in item.get("refusals", ())
        ]
        return cls(
            source=_filled(item["source"]),
            notes=tuple(_text(note) for note in item.get("notes", ())),
            events=int(item.get("events", 0)),
            refused=int(item.get("refused", 0)),
            refusals=tuple(listed),
            failures=int(item.get("failures", 0)),
            **named,
        )


@dataclass(frozen=True, slots=True)
class Calendar:
    """The stored calendar: events by time, its sources, and the newest changes first.

    Attributes:
        damage: What of it could not be read, as a sentence; empty when nothing is missing.
    """

    events: tuple[Event, ...] = ()
    sources: tuple[SourceState, ...] = ()
    changes: tuple[Change, ...] = field(default=())
    damage: str = ""

    @property
    def fetched(self) -> datetime | None:
        """When the calendar was last known to be right: of several sources the one that succeeded last."""
        return max((state.succeeded for state in self.sources if state.succeeded), default=None)

    def state_of(self, source: str) -> SourceState:
        """What is remembered of a source; an empty state when nothing."""
        return next((state for state in self.sources if state.source == source), SourceState(source))


def _text(value: object) -> str:
    if not isinstance(value, str):
        msg = f"not a text: {value!r}"
        raise TypeError(msg)
    return value


def _filled(value: object) -> str:
    text = _text(value)
    if not text:
        msg = "an empty text"
        raise ValueError(msg)
    return text


def _moment(value: object) -> datetime:
    found = datetime.fromisoformat(_text(value))
    if found.tzinfo is None:
        msg = f"a time without a zone: {value}"
        raise ValueError(msg)
    return found.astimezone(UTC)
