"""From one position to the next: one at a time, each resolved from its entry to its exit.

Candidates are resolved in blocks of neighbours with one search; only the walk from exit to next entry is sequential.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from workers.backtest.fills import WIDTH, Side, first_touch, first_touches
from workers.backtest.finer import Finer
from workers.backtest.management import Leg, Plan, manage
from workers.backtest.model import Index, Reason
from workers.backtest.signals import Signals
from workers.strategy.averages import Array

_LEAST_BLOCK: Final = 32
_MOST_BLOCK: Final = 1024
_FIRST_BLOCK: Final = 256


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
        limits: For each bar, the next one at whose open a rule closes a long, and a short: see ``rule_exits``.
        plan: How positions are looked after.
        finer: Bars of minutes, where there are any.
    """

    def __init__(
        self,
        signals: Signals,
        sides: Sides,
        plan: Plan,
        finer: Finer | None = None,
    ) -> None:
        self._signals = signals
        self._sides = sides
        self._plan = plan
        self._finer = finer
        self.bars: list[int] = signals.bar.tolist()
        self._signs: list[int] = signals.sign.tolist()
        self._count = len(signals.leave_long)
        longs = signals.sign > 0
        entry_bars = signals.bar + 1
        self._limits: list[int] = np.where(
            longs, rule_exits(signals.leave_long, entry_bars), rule_exits(signals.leave_short, entry_bars)
        ).tolist()
        self._stops = signals.stop * signals.sign
        self._targets = signals.target * signals.sign
        self._begin = self._end = 0
        self._size = _FIRST_BLOCK
        self._used = 0
        self._touched: tuple[list[int], list[bool], list[bool]] = ([], [], [])

    def following(self, bar: int, after: int = -1) -> int:
        """The first candidate decided on ``bar`` or later and after the candidate ``after``; their number at the end."""
        return bisect_left(self.bars, bar, max(after + 1, 0))

    def exit_of(self, candidate: int) -> Exit:
        """How this candidate ends."""
        sign = self._signs[candidate]
        side, begin, limit = self._sides.of(sign), self.bars[candidate] + 1, self._limits[candidate]
        stop, target = float(self._stops[candidate]), float(self._targets[candidate])
        if self._plan:
            return self._managed(side, begin, limit, stop, target)
        if not self._begin <= candidate < self._end:
            self._resolve(candidate)
        self._used += 1
        place = candidate - self._begin
        at, stopped, both = (column[place] for column in self._touched)
        if at < 0:
            at, stopped, both = first_touch(side, begin + WIDTH, min(limit, self._count), stop, target)
        if at < 0 or at >= limit:
            if limit < self._count:
                return Exit(limit, Reason.RULE, False, False, None)
            return Exit(self._count - 1, Reason.END, False, False, None)
        if both and self._finer is not None:
            won = self._finer.target_first(sign, at, stop, target)
            if won is not None:
                return Exit(at, Reason.TARGET if won else Reason.STOP, True, True, None)
        return Exit(at, Reason.STOP if stopped else Reason.TARGET, both, False, None)

    def _managed(self, side: Side, begin: int, limit: int, stop: float, target: float) -> Exit:
        entry = float(side.enter[begin]) + side.fall
        legs = manage(side, self._plan, self._signals.atr, begin, min(limit, self._count), entry, stop, target)
        last = legs[-1]
        return Exit(last.bar, last.reason, last.both, False, legs)

    def _resolve(self, first: int) -> None:
        """Look at the next candidates at once: as many as are likely to be taken."""
        if self._end:
            share = self._used / max(1, self._end - self._begin)
            self._size = min(_MOST_BLOCK, self._size * 2) if share > 0.5 else self._size
            self._size = max(_LEAST_BLOCK, self._size // 2) if share < 0.25 else self._size
        self._begin, self._end = first, min(first + self._size, len(self.bars))
        self._used = 0
        part = slice(self._begin, self._end)
        signs = self._signals.sign[part]
        entry_bars = self._signals.bar[part] + 1
        bar = np.full(len(signs), -1, dtype=np.int64)
        stopped, both = np.zeros(len(signs), dtype=np.bool_), np.zeros(len(signs), dtype=np.bool_)
        for sign in (1, -1):
            rows = np.flatnonzero(signs == sign)
            if len(rows):
                found = first_touches(
                    self._sides.of(sign), entry_bars[rows], self._stops[part][rows], self._targets[part][rows]
                )
                bar[rows], stopped[rows], both[rows] = found
        self._touched = (bar.tolist(), stopped.tolist(), both.tolist())


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
            found[rows] = sign * (side.enter[entry_bars[rows]] + side.fall)
    return found
