"""Indicators as MetaTrader 5 draws them, over whole arrays at once.

All are causal (see ``averages``): adding bars never changes the past. Inputs are float64 arrays of one dimension,
oldest first; outputs have the same length, NaN where the indicator has no value yet.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from workers.strategy.averages import Array as Array
from workers.strategy.averages import by_runs, recursive, rolling_mean


def ema(values: Array, period: int) -> Array:
    """Exponential moving average.

    Formula: ``y[0] = x[0]``; ``y[i] = a*x[i] + (1-a)*y[i-1]`` with ``a = 2/(period+1)``. After a missing value it
    begins anew.
    Source: MetaTrader 5, Moving Average with method Exponential, which seeds with the first value.
    """
    weight = 2.0 / (period + 1.0)

    def of_run(run: Array) -> Array:
        first = float(run[0]) if len(run) else 0.0
        return recursive(run, first, weight, around=first)

    return by_runs(values, of_run)


def sma(values: Array, period: int) -> Array:
    """Simple moving average; first value at index ``period - 1``.

    Formula: the mean of the last ``period`` values. Source: MetaTrader 5, Moving Average with method Simple.
    """
    return rolling_mean(values, period)


def rsi(values: Array, period: int) -> Array:
    """Relative strength index, 0..100; first value at index ``period``.

    Formula: gains and losses of ``x[i]-x[i-1]``; the first averages (index ``period``) are simple means, the next
    ``(previous*(period-1) + new)/period``; ``100 - 100/(1 + gain/loss)``; 100 without losses, 50 without any change.
    Source: Wilder, New Concepts in Technical Trading Systems (1978); MetaTrader 5 draws the same.
    """
    return by_runs(values, lambda run: _rsi(run, period))


def _rsi(values: Array, period: int) -> Array:
    out = np.full(len(values), np.nan)
    if len(values) <= period:
        return out
    change = np.diff(values)
    gain = _wilder(np.maximum(change, 0.0), period)
    loss = _wilder(np.maximum(-change, 0.0), period)
    flat = np.where(gain > 0.0, 100.0, 50.0)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        moving = 100.0 - 100.0 / (1.0 + gain / loss)
    out[period:] = np.where(loss > 0.0, moving, flat)
    return out


def _wilder(moves: Array, period: int) -> Array:
    """Wilder's smoothing of ``moves``, from its value at index ``period - 1`` on."""
    seed = float(moves[:period].mean())
    return np.concatenate(([seed], recursive(moves[period:], seed, 1.0 / period, around=0.0)))


class Macd(NamedTuple):
    """Main line, signal line, and their difference."""

    main: Array
    signal: Array
    histogram: Array


def macd(values: Array, fast: int, slow: int, signal: int, *, exponential_signal: bool = False) -> Macd:
    """Moving average convergence and divergence.

    Formula: ``main = ema(fast) - ema(slow)``; ``signal`` is the simple mean of the last ``signal`` values of
    ``main``, or with ``exponential_signal`` their exponential average; ``histogram = main - signal``.
    Source: MetaTrader 5, MACD, whose signal is the simple mean; Appel (1979) and most other programs take the
    exponential one. MetaTrader draws ``main`` as bars and leaves the difference to the eye.
    """
    main = ema(values, fast) - ema(values, slow)
    line = ema(main, signal) if exponential_signal else sma(main, signal)
    return Macd(main, line, main - line)


def true_range(high: Array, low: Array, close: Array) -> Array:
    """True range; NaN at index 0, which has no previous close.

    Formula: ``max(high[i], close[i-1]) - min(low[i], close[i-1])``. Source: Wilder (1978).
    """
    out = np.empty(len(close))
    out[:1] = np.nan
    np.maximum(high[1:], close[:-1], out=out[1:])
    out[1:] -= np.minimum(low[1:], close[:-1])
    return out


def atr(high: Array, low: Array, close: Array, period: int) -> Array:
    """Average true range; first value at index ``period``.

    Formula: simple mean of the last ``period`` true ranges.
    Source: MetaTrader 5, Average True Range, which takes the simple mean and not Wilder's smoothing.
    """
    return rolling_mean(true_range(high, low, close), period)
