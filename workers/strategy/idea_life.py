"""How long an idea waits, and what may be decided about it when.

======== =========================================================================================
pending  may be approved, rejected, edited; expires at its end
approved may be rejected until its end: the approval is withdrawn
rejected stays so
expired  stays so
======== =========================================================================================

**The end.** An idea ends when so many bars of its timeframe have closed after the decided one
(``strategies.idea_expires_bars``). Bars are counted on the hours of the symbol's market
(``workers.market.hours``), weekends and holidays left out: an idea of Friday evening has its bars on Monday. A symbol
of unknown hours is counted like currencies. On weekly and monthly bars the calendar alone counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final

import numpy as np

from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated.hours import FOREX, MINUTES, open_days, open_minutes
from app.terminal.timeframes import DAY, MINUTE, TIMEFRAMES
from workers.market.hours import hours_of
from workers.strategy.decision_book import Decision, Kind


class State(StrEnum):
    """What has become of an idea."""

    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"
    EXPIRED = "expired"


_AFTER: Final = {
    (State.PENDING, Kind.APPROVE): State.APPROVED,
    (State.PENDING, Kind.REJECT): State.REJECTED,
    (State.PENDING, Kind.EDIT): State.PENDING,
    (State.PENDING, Kind.EXPIRE): State.EXPIRED,
    (State.APPROVED, Kind.REJECT): State.REJECTED,
}
_DOING: Final = {Kind.APPROVE: "approved", Kind.REJECT: "rejected", Kind.EDIT: "edited", Kind.EXPIRE: "ended"}


def after(decisions: Iterable[Decision]) -> State:
    """What the decisions about one idea, in their order, have made of it; what could not be decided changes nothing."""
    state = State.PENDING
    for decision in decisions:
        state = _AFTER.get((state, decision.kind), state)
    return state


def state_at(decisions: Iterable[Decision], ends: datetime, now: datetime) -> State:
    """The state now: a pending idea is over at its end, whether that was recorded yet or not."""
    state = after(decisions)
    return State.EXPIRED if state is State.PENDING and now >= ends else state


def refusal(state: State, kind: Kind, ends: datetime, now: datetime) -> str:
    """Why that cannot be decided now; empty when it can.

    Args:
        state: The state now.
    """
    doing = _DOING[kind]
    if state is State.EXPIRED:
        return f"It expired at {ends:%Y-%m-%d %H:%M} UTC, so it cannot be {doing} any more."
    if (state, kind) not in _AFTER:
        return f"It was {state.value} already, so it cannot be {doing}."
    if state is State.APPROVED and now >= ends:
        return f"It was approved and its time ended at {ends:%Y-%m-%d %H:%M} UTC; the approval cannot be withdrawn."
    return ""


@lru_cache(maxsize=16_384)
def ends_at(symbol: str, timeframe: str, closed: datetime, bars: int) -> datetime:
    """When the ``bars``-th bar after the decided one closes.

    Args:
        closed: When the decided bar closed, aware.
        bars: At least 1.
    """
    seconds = TIMEFRAMES[timeframe].seconds
    if seconds > DAY:
        return closed + timedelta(seconds=bars * seconds)
    hours = hours_of(symbol) or FOREX
    clock = ServerTimeRule(hours.clock)
    start = int(clock.to_server(closed))
    # Twice the days and a fortnight more: weekends, holidays, and markets that trade a part of the day.
    first, number = start // DAY, 2 * (bars * seconds // DAY + 1) + 14
    days = np.arange(first, first + number, dtype=np.int64)
    minutes = (open_minutes(days, hours) & open_days(days, hours)[:, None]).reshape(number * MINUTES)
    # From the closing of the decided bar on, since a broker's bars may begin at other hours than the market's.
    minutes = minutes[(start - first * DAY) // MINUTE :]
    length = seconds // MINUTE
    slots = minutes[: len(minutes) // length * length].reshape(-1, length).any(axis=1)
    place = int(np.flatnonzero(slots)[bars - 1])
    return clock.to_utc(start + (place + 1) * seconds)
