"""Positions that are looked after: stop to break-even, half closed on the way, stop that trails by the ATR.

What moves a stop is decided on closed bars and holds from the next bar on; nothing here knows more than the bars up to
then. Prices are as the side of the position sees them (see ``fills``): the stop is below.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from workers.backtest.fills import Side, market_fill, stop_fill, target_fill
from workers.backtest.finer import Finer, Order
from workers.backtest.model import Bools, Reason
from workers.strategy.averages import Array
from workers.strategy.prices import TradeTerms
from workers.strategy.profile import Profile

_SLICE: Final = 64
_WIDER: Final = 4


@dataclass(frozen=True, slots=True)
class Plan:
    """How open positions are looked after.

    Attributes:
        break_even: Reward, in stop distances, after which the stop goes to the entry; None: never.
        partial: Reward after which half is closed; None: never.
        trail: Distance of the trailing stop in ATR; None: it does not trail.
    """

    break_even: float | None = None
    partial: float | None = None
    trail: float | None = None

    @classmethod
    def of(cls, profile: Profile | None, terms: TradeTerms) -> Plan:
        """As the profile of the symbol has it; a trailing stop without a distance of its own takes the first stop's."""
        if profile is None:
            return cls()
        wanted = profile.management
        trail = (wanted.atrMultiplier or terms.multiplier) if wanted.trailUsingATR else None
        return cls(wanted.breakevenAfterRR, wanted.partialAtRR, trail)

    def __bool__(self) -> bool:
        return self.break_even is not None or self.partial is not None or self.trail is not None


class Leg(NamedTuple):
    """The closing of a position, or of half of it (``Reason.PARTIAL``).

    Attributes:
        price: As the side sees it.
        both: Stop and target both lay in that bar.
        half: The stop and the level of a half that was still open both lay in that bar.
        settled: Finer bars told which came first.
    """

    bar: int
    price: float
    reason: Reason
    both: bool = False
    half: bool = False
    settled: bool = False


def manage(
    side: Side,
    plan: Plan,
    atr: Array,
    begin: int,
    end: int,
    entry: float,
    stop: float,
    target: float,
    finer: Finer | None = None,
) -> list[Leg]:
    """What becomes of a position opened on the bar ``begin``; the last leg closes it.

    Args:
        end: Bar at whose open a rule closes it; the number of bars when none does.
        entry: Price of the fill.
        stop, target: As set at the entry.
        finer: Bars of minutes that tell the order inside a bar. They move no stop: what does is known at the close of
            a bar, with them and without.
    """
    size, count = _SLICE, len(side)
    while True:
        until = min(begin + size, end)
        legs = _within(side, plan, atr, begin, until, entry, stop, target, finer)
        if legs and legs[-1].reason is not Reason.PARTIAL:
            return legs
        if until == end:
            if end < count:
                return [*legs, Leg(end, market_fill(side, end), Reason.RULE)]
            return [*legs, Leg(count - 1, float(side.closes(count - 1)), Reason.END)]
        size *= _WIDER


def _within(
    side: Side,
    plan: Plan,
    atr: Array,
    begin: int,
    until: int,
    entry: float,
    stop: float,
    target: float,
    finer: Finer | None,
) -> list[Leg]:
    """The legs on the bars from ``begin`` to before ``until``."""
    part = slice(begin, until)
    low, high = side.lows(part), side.highs(part)
    risk = entry - stop
    stops, raised = _stops(side, plan, atr, begin, until, entry, stop)
    place = _first((low <= stops) | (high >= target))
    level = entry + plan.partial * risk if plan.partial is not None and risk > 0 else np.inf
    half = _first(high >= level) if level < target else -1
    at = begin + place
    stopped = place >= 0 and bool(low[place] <= stops[place])
    legs = []
    # On the bar of a stop the stop counts first.
    if half >= 0 and (place < 0 or half < place or (half == place and not stopped)):
        legs.append(Leg(begin + half, target_fill(side, begin + half, level), Reason.PARTIAL))
    if stopped:
        why = Reason(int(raised[place]))
        legs += _stopped(side, at, float(stops[place]), why, level if half == place else np.inf, target, finer)
    elif place >= 0:
        legs.append(Leg(at, target_fill(side, at, target), Reason.TARGET))
    return legs


def _first(found: Bools) -> int:
    """The first place that is true; -1 when none is."""
    place = int(found.argmax()) if len(found) else 0
    return place if len(found) and found[place] else -1


def _stopped(
    side: Side, at: int, stop: float, why: Reason, level: float, target: float, finer: Finer | None
) -> list[Leg]:
    """The legs on a bar that holds the stop: the stop alone, unless finer bars tell that something came before it.

    Args:
        level: At which half is closed, when the bar holds it and half is still open; else infinite.
    """
    inside = float(side.opens(at)) > stop
    both, half = inside and float(side.highs(at)) >= target, inside and level < np.inf
    order = Order(False, False, False)
    if finer is not None and (both or half):
        order = finer.order(side.sign, at, stop, level, target if both else np.inf)
    price, reason = (target_fill(side, at, target), Reason.TARGET) if order.target else (stop_fill(side, at, stop), why)
    legs = [Leg(at, target_fill(side, at, level), Reason.PARTIAL)] if order.half else []
    return [*legs, Leg(at, price, reason, both, half, order.settled)]


def _stops(
    side: Side, plan: Plan, atr: Array, begin: int, until: int, entry: float, stop: float
) -> tuple[Array, Array]:
    """The stop on each bar, and what put it there as a value of ``Reason``."""
    stops = np.full(until - begin, stop)
    raised = np.full(until - begin, float(Reason.STOP))
    risk = entry - stop
    if plan.break_even is not None and risk > 0:
        reached = np.maximum.accumulate(side.highs(slice(begin, until)) >= entry + plan.break_even * risk)[:-1]
        stops[1:][reached] = entry
        raised[1:][reached] = Reason.BREAK_EVEN
    if plan.trail is not None:
        trail = np.maximum.accumulate(
            np.nan_to_num(side.closes(slice(begin, until)) - plan.trail * atr[begin:until], nan=stop)
        )
        higher = trail[:-1] > stops[1:]
        stops[1:][higher] = trail[:-1][higher]
        raised[1:][higher] = Reason.TRAILING
    return stops, raised
