"""Indicators as MetaTrader 5 draws them, over whole arrays at once.

All are causal: the value at index i depends on bars 0..i only, so that adding bars never changes the past.
Inputs are float64 arrays of one dimension, oldest first; outputs have the same length, NaN where the indicator has
no value yet.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Powers in one block of the smoothing stay below this, far from the limit of float64.
_LARGEST_POWER = 1e100


def ema(values: Array, period: int) -> Array:
    """Exponential moving average.

    Formula: ``y[0] = x[0]``; ``y[i] = a*x[i] + (1-a)*y[i-1]`` with ``a = 2/(period+1)``.
    Source: MetaTrader 5, Moving Average with method Exponential, which seeds with the first value.
    """
    if len(values) == 0:
        return np.empty(0)
    return _smooth(values, float(values[0]), 2.0 / (period + 1.0))


def rsi(values: Array, period: int) -> Array:
    """Relative strength index, 0..100.

    Formula: gains and losses of ``x[i]-x[i-1]``; the first averages (index ``period``) are simple means, the next
    ``(previous*(period-1) + new)/period``; ``100 - 100/(1 + gain/loss)``; 100 without losses, 50 without any change.
    Source: Wilder, New Concepts in Technical Trading Systems (1978); MetaTrader 5 draws the same.
    """
    out = np.full(len(values), np.nan)
    if len(values) <= period:
        return out
    change = np.diff(values)
    gain = _wilder(np.maximum(change, 0.0), period)
    loss = _wilder(np.maximum(-change, 0.0), period)
    flat = np.where(gain > 0.0, 100.0, 50.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        moving = 100.0 - 100.0 / (1.0 + gain / loss)
    out[period:] = np.where(loss > 0.0, moving, flat)
    return out


def true_range(high: Array, low: Array, close: Array) -> Array:
    """True range; NaN at index 0, which has no previous close.

    Formula: ``max(high[i], close[i-1]) - min(low[i], close[i-1])``. Source: Wilder (1978).
    """
    out = np.full(len(close), np.nan)
    out[1:] = np.maximum(high[1:], close[:-1]) - np.minimum(low[1:], close[:-1])
    return out


def atr(high: Array, low: Array, close: Array, period: int) -> Array:
    """Average true range; first value at index ``period``.

    Formula: simple mean of the last ``period`` true ranges.
    Source: MetaTrader 5, Average True Range, which takes the simple mean and not Wilder's smoothing.
    """
    out = np.full(len(close), np.nan)
    if len(close) <= period:
        return out
    # A mean per window rather than a running sum: no drift, and the same value whatever stands before.
    windows = np.lib.stride_tricks.sliding_window_view(true_range(high, low, close)[1:], period)
    out[period:] = windows.mean(axis=1)
    return out


def _wilder(moves: Array, period: int) -> Array:
    """Wilder's smoothing of ``moves``, from its value at index ``period - 1`` on."""
    seed = float(moves[:period].mean())
    smooth = _smooth(moves[period:], seed, 1.0 / period)
    return np.concatenate(([seed], smooth))


def _smooth(values: Array, start: float, weight: float) -> Array:
    """``y[i] = weight*x[i] + (1-weight)*y[i-1]`` with ``y[-1] = start``.

    Done in blocks on the distances from ``start``: inside one, ``y[i] - start = weight*sum(d**(i-j)*(x[j] - start))``
    is a cumulative sum of ``(x[j] - start)*d**-j``, whose powers must not overflow. A flat market stays exactly flat.
    Sums run from left to right, so later values change nothing.
    """
    decay = 1.0 - weight
    if decay <= 0.0:
        return values.astype(np.float64, copy=True)
    size = max(1, min(len(values), int(math.log(_LARGEST_POWER) / -math.log(decay))))
    powers = decay ** np.arange(size + 1)
    out = np.empty(len(values))
    for begin in range(0, len(values), size):
        block = values[begin : begin + size]
        own = powers[: len(block)]
        out[begin : begin + len(block)] = start + weight * own * np.cumsum((block - start) / own)
        start = float(out[begin + len(block) - 1])
    return out
