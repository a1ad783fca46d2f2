"""Different, middle and other values by their place, as ``numpy.unique``, ``median`` and ``percentile`` find them.

Those load numpy's masked arrays when they are first called, which takes 10 to 20 ms of a backtest.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Scalar = TypeVar("Scalar", bound=np.generic)


def once(values: npt.NDArray[Scalar]) -> npt.NDArray[Scalar]:
    """Each value once, ascending; none of them is NaN or NaT. What stands in order, as times do, is not sorted."""
    if not len(values):
        return values.copy()
    ordered = values if np.greater_equal(values[1:], values[:-1]).all() else np.sort(values)
    return ordered[np.concatenate(([True], ordered[1:] != ordered[:-1]))]


def median(values: npt.NDArray[np.float64]) -> float:
    """The middle value, of an even number the mean of the middle two; there is at least one, and none is NaN."""
    low, high = (len(values) - 1) // 2, len(values) // 2
    parted = np.partition(values, (low, high))
    return float((parted[low] + parted[high]) / 2.0)


def percentiles(values: npt.NDArray[np.float64], percents: Sequence[float]) -> list[float]:
    """The values below which so many percent lie, between two neighbours by a line; there is at least one value, and
    none is NaN.

    Formula: the place is ``(n - 1) * percent / 100``; the line is drawn from the nearer neighbour, as numpy draws it.
    """
    ordered = np.sort(values)
    found = []
    for percent in percents:
        place = (len(ordered) - 1) * (percent / 100)
        low = int(place)
        share, high = place - low, min(low + 1, len(ordered) - 1)
        below, above = float(ordered[low]), float(ordered[high])
        rise = above - below
        found.append(above - rise * (1 - share) if share >= 0.5 else below + rise * share)
    return found
