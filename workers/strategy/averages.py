"""The two kinds of averages that indicators are made of, over whole arrays at once: recursive and of a window.

All are causal to the last bit: the value at an index is computed by the same operations in the same order whatever
follows it, so that an answer on the first n bars is the same with or without the bars after them.
Arrays are float64 of one dimension, oldest first; results have the same length, NaN where there is no value yet.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Values in one block of the recursion, and blocks in one matrix product. The product has this shape whatever the
#: length of the input: other shapes would be summed in another order, and bars that follow would change the last bit.
_BLOCK: Final = 64
_BLOCKS: Final = 32

#: Values that a function of sliding windows copies at a time: some 16 MB.
_COPIED_AT_ONCE: Final = 2_000_000


def recursive(values: Array, start: float, weight: float, around: float) -> Array:
    """``y[i] = weight*x[i] + (1-weight)*y[i-1]`` with ``y[-1] = start``; ``values`` are finite, ``0 < weight <= 1``.

    Formula: with the distances ``e = x - around``, the recursion inside a block is the product of ``e`` with a
    triangular matrix of ``weight*(1-weight)**(i-j)``; what the blocks before leave over fades by ``(1-weight)**i``.
    Agrees with the plain loop to 1e-13 of the value.

    Args:
        around: What distances are taken from: the start for prices, so that a flat market stays exactly flat; 0 for
            moves, so that an average that fades to nothing keeps its digits.
    """
    count = len(values)
    if count == 0 or weight == 1.0:
        return values.astype(np.float64, copy=True)
    matrix, fading = _triangle(weight)
    rows = -(-count // (_BLOCK * _BLOCKS)) * _BLOCKS
    distances = np.zeros(rows * _BLOCK)
    np.subtract(values, around, out=distances[:count])
    own = np.matmul(distances.reshape(-1, _BLOCKS, _BLOCK), matrix).reshape(rows, _BLOCK)
    carried, before, fade = np.empty(rows), start - around, float(fading[-1])
    for row, end in enumerate(own[:, -1].tolist()):
        carried[row] = before
        before = end + fade * before
    own += carried[:, None] * fading
    found: Array = own.reshape(-1)[:count]
    found += around
    return found


@lru_cache(maxsize=256)
def _triangle(weight: float) -> tuple[Array, Array]:
    """The matrix of one block, and how much of the value before it is left at each place."""
    steps = np.arange(_BLOCK)
    distance = steps[None, :] - steps[:, None]
    matrix = np.where(distance >= 0, weight * (1.0 - weight) ** np.maximum(distance, 0), 0.0)
    return np.ascontiguousarray(matrix), (1.0 - weight) ** np.arange(1.0, _BLOCK + 1.0)


def by_runs(values: Array, function: Callable[[Array], Array]) -> Array:
    """``function`` on each unbroken run of finite values, NaN between them: a missing value begins anew."""
    finite = np.isfinite(values)
    if finite.all():
        return function(values)
    out = np.full(len(values), np.nan)
    edges = np.flatnonzero(np.diff(np.concatenate(([False], finite, [False]))))
    for begin, end in zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True):
        out[begin:end] = function(values[begin:end])
    return out


def rolling_sum(values: Array, period: int) -> Array:
    """The sum of the last ``period`` values; NaN before index ``period - 1`` and where one of them is.

    Formula: sums of 1, 2, 4, ... values by doubling, put together by the binary digits of ``period``; unlike a
    running sum it does not drift, and what stood before the window leaves no trace.
    """
    return _doubling(values, period, np.add)


def rolling_mean(values: Array, period: int) -> Array:
    """Simple mean of the last ``period`` values, by ``rolling_sum``."""
    total = rolling_sum(values, period)
    return np.divide(total, period, out=total)


def rolling_highest(values: Array, period: int) -> Array:
    """The highest of the last ``period`` values; NaN where one is missing."""
    return _doubling(values, period, np.maximum)


def rolling_lowest(values: Array, period: int) -> Array:
    """The lowest of the last ``period`` values; NaN where one is missing."""
    return _doubling(values, period, np.minimum)


def rolling_median(values: Array, period: int) -> Array:
    """The median of the last ``period`` values (mean of the middle two when even); NaN where one is missing."""
    middle = period // 2

    def of_sorted(windows: Array) -> Array:
        ordered = np.sort(windows, axis=1)
        found: Array = ordered[:, middle] if period % 2 else (ordered[:, middle - 1] + ordered[:, middle]) / 2
        found[np.isnan(ordered[:, -1])] = np.nan  # sorting puts missing values last
        return found

    return _windows(values, period, of_sorted)


def rolling_deviation(values: Array, period: int) -> Array:
    """Standard deviation of the last ``period`` values, divided by ``period``; NaN where one is missing."""
    return _windows(values, period, lambda windows: np.std(windows, axis=1))


def _doubling(values: Array, period: int, join: Callable[[Array, Array], Array]) -> Array:
    if len(values) < period:
        return np.full(len(values), np.nan)
    total: Array | None = None
    power, size, reached = values, 1, 0  # power[i] joins the values i .. i+size-1
    while True:
        if period & size:
            part = power[reached : reached + len(values) - period + 1]
            total = part if total is None else join(total, part)
            reached += size
        if reached == period:
            break
        power = join(power[:-size], power[size:])
        size *= 2
    out = np.empty(len(values))
    out[: period - 1] = np.nan
    out[period - 1 :] = total
    return out


def _windows(values: Array, period: int, function: Callable[[Array], Array]) -> Array:
    out = np.full(len(values), np.nan)
    count = len(values) - period + 1
    step = max(1, _COPIED_AT_ONCE // period)
    for begin in range(0, count, step):
        end = min(count, begin + step)
        out[period - 1 + begin : period - 1 + end] = function(
            sliding_window_view(values[begin : end + period - 1], period)
        )
    return out
