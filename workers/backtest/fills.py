"""Where prices are touched: each side of the market as a long position sees it, and the first bar that touches a level.

A short position in a market is a long one in its mirror: prices with the other sign, those of the ask. So everything
here speaks of longs: the stop is below, the target above. Bars are drawn from bids, and the ask is the bid plus the
spread of the bar.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, NamedTuple

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
    """Prices at which a position of one side is closed, as a long position sees them; ``enters`` are those of opening.

    Nothing is copied: what is asked for is worked out from the bars, at one bar, some, or a slice of them.

    Attributes:
        sign: +1 for longs, -1 for shorts: a price here times the sign is the real one.
        bid_open, bid_high, bid_low, bid_close: The bars.
        spread: Of each bar, in points; None where there is none.
        point: Size of a point.
        fall: What a fill at market is worse by, in price.
    """

    sign: int
    bid_open: Array
    bid_high: Array
    bid_low: Array
    bid_close: Array
    spread: Array | None
    point: float
    fall: float = 0.0

    def __len__(self) -> int:
        return len(self.bid_open)

    def enters(self, at: Any) -> Any:
        """Opens at which a position of this side is opened: longs at the ask, shorts at the bid."""
        if self.sign < 0:
            return -self.bid_open[at]
        return self.bid_open[at] if self.spread is None else self.bid_open[at] + self.spread[at] * self.point

    def opens(self, at: Any) -> Any:
        """Opens at which it is closed: longs at the bid, shorts at the ask."""
        return self._seen(self.bid_open, at)

    def highs(self, at: Any) -> Any:
        """The best prices."""
        return self._seen(self.bid_high if self.sign > 0 else self.bid_low, at)

    def lows(self, at: Any) -> Any:
        """The worst prices."""
        return self._seen(self.bid_low if self.sign > 0 else self.bid_high, at)

    def closes(self, at: Any) -> Any:
        """Closes at which it is closed."""
        return self._seen(self.bid_close, at)

    def _seen(self, prices: Array, at: Any) -> Any:
        if self.sign > 0:
            return prices[at]
        return -prices[at] if self.spread is None else -(prices[at] + self.spread[at] * self.point)


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
    last = len(side) - 1
    bars = entry_bars[:, None] + np.arange(width)
    np.minimum(bars, last, out=bars)
    below = side.lows(bars) <= stop[:, None]
    touched = below | (side.highs(bars) >= target[:, None])
    place = touched.argmax(axis=1)
    rows = np.arange(len(entry_bars))
    at = bars[rows, place]
    found = touched[rows, place]
    stopped = below[rows, place]
    both = stopped & (side.highs(at) >= target) & (side.opens(at) > stop)
    return Touched(np.where(found, at, -1), stopped, both)


def first_touch(side: Side, begin: int, end: int, stop: float, target: float) -> tuple[int, bool, bool]:
    """The first touch on the bars from ``begin`` to before ``end``, by slices that grow wider; as ``Touched``."""
    size = _SLICE
    while begin < end:
        stop_at = min(begin + size, end)
        part = slice(begin, stop_at)
        low, high = side.lows(part), side.highs(part)
        touched = (low <= stop) | (high >= target)
        place = int(touched.argmax())
        if touched[place]:
            at = begin + place
            stopped = bool(low[place] <= stop)
            return at, stopped, stopped and bool(high[place] >= target) and float(side.opens(at)) > stop
        begin, size = stop_at, size * _WIDER
    return -1, False, False


def stop_fill(side: Side, bar: int, level: float) -> float:
    """Where a stop is filled: at its level, at the open of a bar that begins beyond it, and worse by the slippage."""
    return min(float(side.opens(bar)), level) - side.fall


def target_fill(side: Side, bar: int, level: float) -> float:
    """Where a target is filled: at its level, or at the open of a bar that begins beyond it."""
    return max(float(side.opens(bar)), level)


def market_fill(side: Side, bar: int) -> float:
    """Where an exit by rule is filled: at the open, worse by the slippage."""
    return float(side.opens(bar)) - side.fall


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
            return float(side.closes(bar))
