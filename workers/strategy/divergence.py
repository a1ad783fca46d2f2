"""Divergence between price and an oscillator, from pivots that were confirmed by later bars."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from workers.strategy.averages import Array, rolling_highest

#: Bars on each side that a pivot stands out from; so many bars later it is confirmed.
STRENGTH: Final = 3
#: Bars between the two pivots, at least and at most.
NEAREST: Final = 5
FARTHEST: Final = 60
#: Bars for which a confirmed divergence counts, the confirming bar included.
LASTS: Final = 5

Indexes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Divergences:
    """Divergences of a run of bars.

    Attributes:
        holds: For each bar, whether a divergence counts there.
        known: For each bar, whether there were bars enough to tell.
        first, second: For each bar, the indexes of the two pivots of the divergence that counts; -1 where none does.
    """

    holds: NDArray[np.bool_]
    known: NDArray[np.bool_]
    first: Indexes
    second: Indexes


def pivot_lows(low: Array, strength: int = STRENGTH) -> Indexes:
    """Indexes of pivot lows: below each of the ``strength`` lows before, not above any of the ``strength`` after.

    Of equal lows side by side the first is the pivot. Source: the pivot (swing) point as charting programs draw it.
    """
    count = len(low) - 2 * strength
    if count <= 0:
        return np.empty(0, dtype=np.int64)
    # The lowest of a window is the negative of the highest of the negatives, exactly.
    lowest = -rolling_highest(-low, strength)
    middle = low[strength : strength + count]
    before, after = lowest[strength - 1 : strength - 1 + count], lowest[2 * strength : 2 * strength + count]
    return np.flatnonzero((middle < before) & (middle <= after)) + strength


def bullish(low: Array, oscillator: Array) -> Divergences:
    """Bullish divergence: price makes a lower pivot low while the oscillator makes a higher one.

    Two neighbouring pivots of ``low`` are compared, ``NEAREST`` to ``FARTHEST`` bars apart. The divergence counts
    from the bar that confirms the second pivot (``STRENGTH`` bars later) for ``LASTS`` bars, and ends earlier when a
    low falls below the second pivot. Bearish is the same on the negatives: see ``bearish``.
    Source: Murphy, Technical Analysis of the Financial Markets (1999), chapter 10.
    """
    count = len(low)
    first, second = np.full(count, -1, dtype=np.int64), np.full(count, -1, dtype=np.int64)
    pivots = pivot_lows(low)
    earlier, later = pivots[:-1], pivots[1:]
    apart = later - earlier
    with np.errstate(invalid="ignore"):
        real = (apart >= NEAREST) & (apart <= FARTHEST)
        real &= (low[later] < low[earlier]) & (oscillator[later] > oscillator[earlier])
    earlier, later, lasting = earlier[real], later[real], np.ones(int(real.sum()), dtype=np.bool_)
    # Second pivots of two divergences are NEAREST bars apart or more, so that they never count on the same bar.
    for bar in range(STRENGTH, STRENGTH + min(LASTS, NEAREST)):
        inside = later + bar < count
        earlier, later, lasting = earlier[inside], later[inside], lasting[inside]
        lasting &= low[later + bar] >= low[later]
        first[later[lasting] + bar], second[later[lasting] + bar] = earlier[lasting], later[lasting]
    known = np.isfinite(oscillator)
    known[: 2 * STRENGTH + 1] = False
    return Divergences((second >= 0) & known, known, first, second)


def bearish(high: Array, oscillator: Array) -> Divergences:
    """Bearish divergence: price makes a higher pivot high while the oscillator makes a lower one; see ``bullish``."""
    return bullish(-high, -oscillator)
