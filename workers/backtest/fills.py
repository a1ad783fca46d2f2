"""Where prices are touched: each side of the market as a long position sees it, and the first bar that touches a level.

A short position in a market is a long one in its mirror: prices with the other sign, those of the ask. So everything
here speaks of longs: the stop is below, the target above. Bars are drawn from bids, and the ask is the bid plus the
spread of the bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np

from workers.backtest.model import Bools, Index, Reason
from workers.strategy.averages import Array

#: Bars that are looked at for many candidates at once; few trades with a stop and a target last longer.
WIDTH: Final = 32
#: The first slice of the search for one position, and how much wider each further one is.
_SLICE: Final = 64
_WIDER: Final = 4


@dataclass(frozen=True, slots=True, eq=False)
class Side:
    """Prices at which a position of one side is closed, as a long position sees them; ``enter`` are those of opening.

    Attributes:
        sign: +1 for longs, -1 for shorts: a price here times the sign is the real one.
        fall: What a fill at market is worse by, in price.
    """

    sign: int
    enter: Array
    open: Array
    high: Array
    low: Array
    close: Array
    fall: float = 0.0

    @classmethod
    def long(cls, open: Array, high: Array, low: Array, close: Array, spread: Array | None, fall: float = 0.0) -> Side:
        """Longs open at the ask and are closed at the bid; ``spread`` in price, None where there is none."""
        return cls(1, open if spread is None else open + spread, open, high, low, close, fall)

    @classmethod
    def short(cls, open: Array, high: Array, low: Array, close: Array, spread: Array | None, fall: float = 0.0) -> Side:
        """Shorts open at the bid and are closed at the ask."""
        if spread is None:
            return cls(-1, -open, -open, -low, -high, -close, fall)
        return cls(-1, -open, -(open + spread), -(low + spread), -(high + spread), -(close + spread), fall)


class Touched(NamedTuple):
    """For each candidate, the first bar that touches a level.

    Attributes:
        bar: -1 where none of the bars looked at does.
        stop: Whether the stop was touched there; it counts before the target.
        both: Whether the target was touched there too, and the bar did not open beyond the stop.
    """

    bar: Index
    stop: Bools
    both: Bools


def first_touches(side: Side, entry_bars: Index, stop: Array, target: Array, width: int = WIDTH) -> Touched:
    """The first touch within ``width`` bars from the entry bar, for many candidates at once."""
    last = len(side.low) - 1
    bars = entry_bars[:, None] + np.arange(width)
    np.minimum(bars, last, out=bars)
    below = side.low[bars] <= stop[:, None]
    touched = below | (side.high[bars] >= target[:, None])
    place = touched.argmax(axis=1)
    rows = np.arange(len(entry_bars))
    at = bars[rows, place]
    found = touched[rows, place]
    stopped = below[rows, place]
    both = stopped & (side.high[at] >= target) & (side.open[at] > stop)
    return Touched(np.where(found, at, -1), stopped, both)


def first_touch(side: Side, begin: int, end: int, stop: float, target: float) -> tuple[int, bool, bool]:
    """The first touch on the bars from ``begin`` to before ``end``, by slices that grow wider; as ``Touched``."""
    size = _SLICE
    while begin < end:
        stop_at = min(begin + size, end)
        low, high = side.low[begin:stop_at], side.high[begin:stop_at]
        touched = (low <= stop) | (high >= target)
        place = int(touched.argmax())
        if touched[place]:
            at = begin + place
            stopped = bool(low[place] <= stop)
            return at, stopped, stopped and bool(high[place] >= target) and float(side.open[at]) > stop
        begin, size = stop_at, size * _WIDER
    return -1, False, False


def stop_fill(side: Side, bar: int, level: float) -> float:
    """Where a stop is filled: at its level, at the open of a bar that begins beyond it, and worse by the slippage."""
    return min(float(side.open[bar]), level) - side.fall


def target_fill(side: Side, bar: int, level: float) -> float:
    """Where a target is filled: at its level, or at the open of a bar that begins beyond it."""
    return max(float(side.open[bar]), level)


def market_fill(side: Side, bar: int) -> float:
    """Where an exit by rule is filled: at the open, worse by the slippage."""
    return float(side.open[bar]) - side.fall


def fill(side: Side, bar: int, reason: int, stop: float, target: float) -> float:
    """Where a position is closed on a bar, by the reason."""
    match reason:
        case Reason.STOP:
            return stop_fill(side, bar, stop)
        case Reason.TARGET:
            return target_fill(side, bar, target)
        case Reason.RULE:
            return market_fill(side, bar)
        case _:
            return float(side.close[bar])
