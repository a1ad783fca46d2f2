"""From one position to the next: one at a time, each resolved from its entry to its exit.

Candidates are resolved in blocks of neighbours with one search; only the walk from exit to next entry is sequential.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from workers.backtest.fills import WIDTH, Side, first_touch, first_touches
from workers.backtest.finer import Finer
from workers.backtest.management import Leg, Plan, manage
from workers.backtest.model import Index, Reason
from workers.backtest.signals import Signals
from workers.strategy.averages import Array

#: Candidates that are looked at together. Most of them are passed over where entries stand close together, but one
#: look at many costs less than many looks at few.
_BLOCK: Final = 512
#: Those that last longer than the first look are looked at so many bars further, together.
_FURTHER: Final = 256


class Exit(NamedTuple):
    """How a candidate ends if it is taken.

    Attributes:
        bar: Of the last closing.
        reason: Of the last closing, a value of ``Reason``.
        both: Stop and target both lay in that bar.
        settled: Finer bars told which came first.
        legs: All closings of a position that is looked after; None for a plain one.
    """

    bar: int
    reason: int
    both: bool
    settled: bool
    legs: list[Leg] | None


@dataclass(frozen=True, slots=True, eq=False)
class Sides:
    """Both sides of the market; None where the rule does not trade."""

    long: Side | None
    short: Side | None

    def of(self, sign: int) -> Side:
        """One of them."""
        found = self.long if sign > 0 else self.short
        assert found is not None  # noqa: S101 - there are entries of sides that are traded only
        return found


class Walk:
    """Hands out one position after the other.

    Args:
        plan: How positions are looked after.
        finer: Bars of minutes, where there are any.
    """

    def __init__(self, signals: Signals, sides: Sides, plan: Plan, finer: Finer | None = None) -> None:
        self._signals = signals
        self._sides = sides
        self._plan = plan
        self._finer = finer
        self._count = len(signals.leave_long)
        entry_bars = signals.bar + 1
        self._limits = np.where(
            signals.sign > 0, rule_exits(signals.leave_long, entry_bars), rule_exits(signals.leave_short, entry_bars)
        )
        self._stops = signals.stop * signals.sign
        self._targets = signals.target * signals.sign
        many = len(signals.bar)
        # What was found of each candidate; -1: not looked at, or not told by the first bars.
        self.bar = np.full(many, -1, dtype=np.int64)
        self.reason = np.zeros(many, dtype=np.int8)
        self.both, self.settled = np.zeros(many, dtype=np.bool_), np.zeros(many, dtype=np.bool_)
        self._begin = self._end = 0
        self._bars: list[int] = []
        self._nexts: list[int] = []

    def __len__(self) -> int:
        return len(self.bar)

    def following(self, bar: int, after: int = -1) -> int:
        """The first candidate decided on ``bar`` or later and after ``after``; their number at the end."""
        return max(int(np.searchsorted(self._signals.bar, bar)), after + 1)

    def chain(self, first: int) -> tuple[list[int], int]:
        """Candidates taken one after the other, without a look at the account: those of one block, from ``first`` on;
        and the next one. Their exits are in ``bar``, ``reason``, ``both`` and ``settled``."""
        self._look(first)
        taken: list[int] = []
        bars, nexts, begin, end = self._bars, self._nexts, self._begin, self._end
        candidate = first
        while candidate < end:
            taken.append(candidate)
            if bars[candidate - begin] < 0:
                candidate = self.following(self.exit_of(candidate).bar, candidate)
            else:
                candidate = nexts[candidate - begin]
        return taken, candidate

    def exit_of(self, candidate: int) -> Exit:
        """How this candidate ends."""
        sign = int(self._signals.sign[candidate])
        side, begin, limit = self._sides.of(sign), int(self._signals.bar[candidate]) + 1, int(self._limits[candidate])
        stop, target = float(self._stops[candidate]), float(self._targets[candidate])
        if self._plan:
            return self._managed(side, begin, limit, stop, target)
        self._look(candidate)
        if self.bar[candidate] < 0:
            at, stopped, both = first_touch(side, begin, min(limit, self._count), stop, target)
            reason, settled = Reason.STOP if stopped else Reason.TARGET, False
            if at < 0:
                at, reason = (limit, Reason.RULE) if limit < self._count else (self._count - 1, Reason.END)
            elif both and self._finer is not None:
                won = self._finer.target_first(sign, at, stop, target)
                settled = won is not None
                reason = Reason.TARGET if won else Reason.STOP
            self.bar[candidate], self.reason[candidate] = at, reason
            self.both[candidate], self.settled[candidate] = both, settled
        return Exit(
            int(self.bar[candidate]),
            Reason(int(self.reason[candidate])),
            bool(self.both[candidate]),
            bool(self.settled[candidate]),
            None,
        )

    def _managed(self, side: Side, begin: int, limit: int, stop: float, target: float) -> Exit:
        entry = float(side.enters(begin)) + side.fall
        end = min(limit, self._count)
        legs = manage(side, self._plan, self._signals.atr, begin, end, entry, stop, target, self._finer)
        last = legs[-1]
        return Exit(last.bar, last.reason, last.both, last.settled, legs)

    def _look(self, first: int) -> None:
        """Look at this candidate and the next ones at once."""
        if self._begin <= first < self._end:
            return
        self._begin, self._end = first, min(first + _BLOCK, len(self))
        part = slice(self._begin, self._end)
        signs = self._signals.sign[part]
        for sign in (1, -1):
            rows = np.flatnonzero(signs == sign) + first
            if len(rows):
                self._resolve(rows, self._sides.of(sign))
        bars = self.bar[part]
        self._bars = bars.tolist()
        follow = np.maximum(np.searchsorted(self._signals.bar, bars), np.arange(first + 1, self._end + 1))
        self._nexts = follow.tolist()

    def _resolve(self, rows: Index, side: Side) -> None:
        """Find the exits of these candidates, as far as the first bars tell them."""
        limit = self._limits[rows]
        at, stopped, both = first_touches(side, self._signals.bar[rows] + 1, self._stops[rows], self._targets[rows])
        longer = np.flatnonzero((at < 0) & (limit > self._signals.bar[rows] + 1 + WIDTH))
        further = 0 < len(longer) <= len(rows) // 8  # of many long ones most are passed over: they are left for later
        if further:
            some = rows[longer]
            begins = np.minimum(self._signals.bar[some] + 1 + WIDTH, self._count - 1)
            at[longer], stopped[longer], both[longer] = first_touches(
                side, begins, self._stops[some], self._targets[some], _FURTHER
            )
        early = (at >= 0) & (at < limit)
        seen = WIDTH + _FURTHER if further else WIDTH
        by_rule = ~early & (limit < self._count) & ((at >= 0) | (limit <= self._signals.bar[rows] + 1 + seen))
        unknown = ~early & ~by_rule
        if self._finer is not None:
            unknown |= early & both
        self.bar[rows] = np.where(unknown, -1, np.where(early, at, limit))
        self.reason[rows] = np.where(early, np.where(stopped, Reason.STOP, Reason.TARGET), Reason.RULE)
        self.both[rows] = early & both


def rule_exits(leave: np.ndarray[tuple[int], np.dtype[np.bool_]], entry_bars: Index) -> Index:
    """For each entry bar, the bar at whose open an exit condition closes the position.

    The condition is looked at on the close of the entry bar and of each later one, and filled on the next open; the
    number of bars where none holds in time to be filled.
    """
    held = np.flatnonzero(leave)
    count = len(leave)
    following = np.concatenate((held, [count]))[np.searchsorted(held, entry_bars)]
    limits: Index = np.minimum(following + 1, count)
    return limits


def entry_fills(sides: Sides, signs: np.ndarray[tuple[int], np.dtype[np.int8]], entry_bars: Index) -> Array:
    """Real prices of the fills of entries, before rounding."""
    found = np.empty(len(signs))
    for sign in (1, -1):
        rows = signs == sign
        if rows.any():
            side = sides.of(sign)
            found[rows] = sign * (side.enters(entry_bars[rows]) + side.fall)
    return found
