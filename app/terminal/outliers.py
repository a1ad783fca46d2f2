"""Bars whose prices cannot be: a decimal point was lost, or they are written in other units than their neighbours."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.terminal.timeframes import DAY

#: No market moves by so much within a bar, or away for some bars and back again.
FACTOR: Final = 5.0
WITHIN: Final = f"its prices are more than {FACTOR:g} times apart"
BESIDE: Final = f"its prices are more than {FACTOR:g} times those before and after it, or less than a fifth of them"
#: Prices that return make up at most this share of the bars around them.
_SHARE: Final = 0.25
#: At the ends of a file, where nothing follows or goes before, so few bars beside so many more are taken for damage.
_END_BARS, _END_BESIDE = 3, 100

Mask = npt.NDArray[np.bool_]
Prices = npt.NDArray[Any]


def outliers(rates: npt.NDArray[Any], seconds: int) -> list[tuple[Mask, str]]:
    """Which bars have prices that cannot be, each under its first reason; in the order of time, prices positive.

    Args:
        rates: Records with open, high, low and close.
        seconds: Length of a bar. Within weeks and months prices may move that far indeed: there only what stands
            apart from other bars is told.
    """
    torn: Mask = np.zeros(len(rates), dtype=np.bool_)
    if seconds <= DAY:
        prices = [rates[name] for name in ("open", "high", "low", "close")]
        torn = np.maximum.reduce(prices) > FACTOR * np.minimum.reduce(prices)
    apart: Mask = np.zeros(len(rates), dtype=np.bool_)
    apart[~torn] = stray(rates["close"][~torn])
    return [(torn, WITHIN), (apart, BESIDE)]


def stray(close: Prices) -> Mask:
    """Which bars stand apart from those before and after them by more than ``FACTOR``.

    A price that moves away and stays is a move; one that comes back after a few bars was never there.

    Args:
        close: In the order of time, positive.
    """
    levels = np.log(close.astype(np.float64))
    reach = np.log(FACTOR)
    cuts = np.flatnonzero(np.abs(np.diff(levels)) > reach) + 1
    found: Mask = np.zeros(len(levels), dtype=np.bool_)
    if not len(cuts):
        return found
    begins, ends = np.concatenate(([0], cuts)), np.concatenate((cuts, [len(levels)]))
    counts, means = ends - begins, np.array([levels[b:e].mean() for b, e in zip(begins, ends, strict=True)])
    away = _away(counts.tolist(), means.tolist(), float(reach))
    for place in away:
        found[begins[place] : ends[place]] = True
    return found


def _away(counts: list[int], means: list[float], reach: float) -> list[int]:
    """Which stretches of one level lie between two of another that they do not belong to."""
    away: list[int] = []
    last = 0
    if len(counts) > 1 and counts[0] <= _END_BARS and counts[1] >= _END_BESIDE:
        away.append(0)
        last = 1
    place = last + 1
    while place < len(counts):
        if abs(means[place] - means[last]) <= reach:
            last = place  # where stretches between were left out, this one goes on
            place += 1
            continue
        back = _return(counts, means, last, place, reach)
        if back:
            away += range(place, back)
            last = back
        else:
            if place == len(counts) - 1 and counts[place] <= _END_BARS and counts[last] >= _END_BESIDE:
                away.append(place)
            last = place
        place = last + 1
    return away


def _return(counts: list[int], means: list[float], last: int, place: int, reach: float) -> int:
    """The stretch at which the level of ``last`` is back, when what lies between is little; 0 when it never is."""
    between = 0
    for later in range(place + 1, min(len(counts), place + 50)):
        between += counts[later - 1]
        if abs(means[later] - means[last]) <= reach and between <= max(1, _SHARE * (counts[last] + counts[later])):
            return later
    return 0
