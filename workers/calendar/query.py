"""What others ask of the calendar: what is next, and whether news forbid a trade now.

Whoever relies on the answer must not trade on silence: a calendar that is missing, too old, or does not reach to the
present blocks.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from workers.calendar.values import EVERY_CURRENCY, Calendar, Event, Impact, SourceState
from workers.wording import seconds

#: A calendar older than this tells nothing about moved and added events.
MAX_AGE: Final = timedelta(hours=24)
STRONG: Final = frozenset({Impact.HIGH})


@dataclass(frozen=True, slots=True)
class Embargo:
    """Whether news forbid a trade.

    Attributes:
        blocked: They do, or nobody can tell.
        reason: Why, in a sentence; also when not blocked: what was looked at.
        until: When it ends; None when only a new calendar can end it, or nothing is blocked.
        event: The event that blocks; None when there is none.
        age: Of the calendar; None when there is none.
        unplaced: Events of the day without a clock time that would block if they had one.
    """

    blocked: bool
    reason: str
    until: datetime | None = None
    event: Event | None = None
    age: timedelta | None = None
    unplaced: tuple[Event, ...] = ()


def upcoming(
    events: Sequence[Event],
    currencies: Collection[str],
    now: datetime,
    window: timedelta,
    *,
    back: timedelta = timedelta(0),
    impacts: Collection[Impact] = frozenset(Impact),
) -> tuple[Event, ...]:
    """The events between ``now - back`` and ``now + window``, both included, that concern one of the currencies.

    Args:
        events: By time, as the calendar holds them.
        currencies: ISO codes; empty: all. Events of every market (``ALL``) always count.
        back: How far to look back.
        impacts: Only these.
    """
    since, until = now - back, now + window
    first = bisect_left(events, since, key=lambda event: event.time)
    found = []
    for event in events[first:]:
        if event.time > until:
            break
        if event.impact in impacts and _concerns(event, currencies):
            found.append(event)
    return tuple(found)


def embargo(
    calendar: Calendar | None,
    currencies: Collection[str],
    now: datetime,
    *,
    before: timedelta,
    after: timedelta,
    max_age: timedelta = MAX_AGE,
    impacts: Collection[Impact] = STRONG,
) -> Embargo:
    """Whether a trade in these currencies is forbidden now; fails closed.

    Args:
        before, after: How long before and after an event trades are forbidden.
        max_age: The oldest calendar that is relied on.
    """
    known = [state for state in calendar.sources if state.succeeded is not None] if calendar is not None else []
    if calendar is None or not known:
        return Embargo(blocked=True, reason="There is no economic calendar, so nobody knows what news are due.")
    covering = [state for state in known if _covers(state, now, now + before)]
    newest = max(state.succeeded for state in covering or known if state.succeeded is not None)
    age = max(now - newest, timedelta(0))
    if not covering:
        return Embargo(
            blocked=True,
            reason=f"The economic calendar of {seconds(age.total_seconds())} ago does not reach to the present: "
            "what is due now is not known.",
            age=age,
        )
    if age > max_age:
        return Embargo(
            blocked=True,
            reason=f"The economic calendar is {seconds(age.total_seconds())} old; "
            f"at most {seconds(max_age.total_seconds())} is relied on.",
            age=age,
        )
    found = [
        event
        for event in upcoming(calendar.events, currencies, now, before, back=after, impacts=impacts)
        if event.timed
    ]
    day = now.replace(hour=0, minute=0, second=0, microsecond=0)
    unplaced = tuple(
        event
        for event in upcoming(calendar.events, currencies, day, timedelta(hours=23), impacts=impacts)
        if not event.timed
    )
    if not found:
        return Embargo(blocked=False, reason="No such event is near.", age=age, unplaced=unplaced)
    last = found[-1]
    return Embargo(
        blocked=True,
        reason=f"{last.currency} {last.title} ({last.impact}) at {last.time:%H:%M} UTC.",
        until=last.time + after,
        event=last,
        age=age,
        unplaced=unplaced,
    )


def _covers(state: SourceState, since: datetime, until: datetime) -> bool:
    if state.covers_from is None or state.covers_until is None:
        return False
    return state.covers_from <= since and until <= state.covers_until


def following(events: Sequence[Event], now: datetime) -> Event | None:
    """The next event with a clock time."""
    first = bisect_left(events, now, key=lambda event: event.time)
    return next((event for event in events[first:] if event.timed), None)


def _concerns(event: Event, currencies: Collection[str]) -> bool:
    return not currencies or event.currency in currencies or event.currency == EVERY_CURRENCY
