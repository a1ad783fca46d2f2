"""What the economic calendar says to a strategy: points off the score, and whether it may have an idea now."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, Literal

from workers.calendar.query import Embargo, embargo, upcoming
from workers.calendar.values import Calendar, Event, Impact, SourceState
from workers.strategy.confidence import News, news_points

_WEIGHTS: Final = frozenset({Impact.HIGH, Impact.MEDIUM})
_DAY: Final = timedelta(days=1)


def excerpt(calendar: Calendar, currencies: Collection[str], now: datetime, embargo_minutes: int) -> Calendar:
    """The part of the calendar that answers ``news`` and ``forbidden``: what happens around now, and its sources."""
    reach = max(_DAY, timedelta(minutes=2 * embargo_minutes))
    events = upcoming(calendar.events, currencies, now, reach, back=reach, impacts=_WEIGHTS)
    sources = tuple(
        SourceState(
            state.source,
            succeeded=state.succeeded,
            covers_from=state.covers_from,
            covers_until=state.covers_until,
        )
        for state in calendar.sources
        if state.succeeded is not None
    )
    return Calendar(tuple(replace(event, fetched=None, first_seen=None) for event in events), sources)


def as_json(calendar: Calendar) -> dict[str, Any]:
    """An excerpt as plain values."""
    return {
        "sources": [state.as_json() for state in calendar.sources],
        "events": [event.as_json() for event in calendar.events],
    }


def from_json(document: Any) -> Calendar:
    """An excerpt from plain values.

    Raises:
        KeyError, TypeError, ValueError: it is none.
    """
    return Calendar(
        tuple(Event.from_json(item) for item in document["events"]),
        tuple(SourceState.from_json(item) for item in document["sources"]),
    )


def news(calendar: Calendar | None, currencies: Collection[str], now: datetime, embargo_minutes: int) -> News:
    """What events near now take from the score: the one that takes most counts, the nearer of two alike."""
    if calendar is None or embargo_minutes <= 0:
        return News()
    reach = timedelta(minutes=2 * embargo_minutes)
    best, found = (0.0, 0.0), News()
    for event in upcoming(calendar.events, currencies, now, reach, back=reach, impacts=_WEIGHTS):
        if not event.timed:
            continue
        minutes = (event.time - now).total_seconds() / 60
        impact: Literal["high", "medium"] = "high" if event.impact is Impact.HIGH else "medium"
        points = round(news_points(impact, minutes, embargo_minutes), 1)
        if points and (points, -abs(minutes)) > best:
            best = (points, -abs(minutes))
            when = f"in {minutes:.0f} min" if minutes >= 0 else f"{-minutes:.0f} min ago"
            found = News(points, f"{event.currency} {event.title}, {impact} impact, {when}")
    return found


def forbidden(
    calendar: Calendar | None, currencies: Collection[str], now: datetime, embargo_minutes: int, max_age: timedelta
) -> Embargo:
    """Whether news forbid an idea now; fails closed."""
    span = timedelta(minutes=embargo_minutes)
    return embargo(calendar, currencies, now, before=span, after=span, max_age=max_age)
