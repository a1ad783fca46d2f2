"""A series of bars of one timeframe, and how larger bars are made of smaller ones."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import DAY, Times, bar_starts
from app.terminal.values import RATES_DTYPE, Rates

Mask = npt.NDArray[np.bool_]

_MARGIN = 2 * 3600
EMPTY: Rates = np.zeros(0, dtype=RATES_DTYPE)


class Series(Protocol):
    """Bars of the smallest timeframe that a symbol has."""

    seconds: int
    first: int

    def window(self, start: int, end: int) -> Rates:
        """All bars that open from ``start`` to before ``end``; whole, even if they are still to come."""

    def newest(self, moment: int) -> Rates:
        """The last bar that opens at ``moment`` or before, as an array of one; empty before the first."""


def resample(bars: Rates, seconds: int) -> Rates:
    """Bars of a larger timeframe. Its spread is the least of its parts, as MetaTrader has it."""
    if not len(bars):
        return bars
    starts = bar_starts(bars["time"], seconds)
    edges = np.flatnonzero(np.diff(starts, prepend=starts[0] - 1))
    larger = np.empty(len(edges), dtype=RATES_DTYPE)
    larger["time"] = starts[edges]
    larger["open"] = bars["open"][edges]
    larger["close"] = bars["close"][np.append(edges[1:], len(bars)) - 1]
    larger["high"] = np.maximum.reduceat(bars["high"], edges)
    larger["low"] = np.minimum.reduceat(bars["low"], edges)
    larger["tick_volume"] = np.add.reduceat(bars["tick_volume"], edges)
    larger["spread"] = np.minimum.reduceat(bars["spread"], edges)
    larger["real_volume"] = np.add.reduceat(bars["real_volume"], edges)
    return larger


def day_of(moment: int) -> int:
    """Midnight before ``moment``."""
    return moment - moment % DAY


class ShiftedSeries:
    """A series told on another clock. Of the hour that a clock repeats in autumn, only the first is kept."""

    def __init__(self, series: Series, own: ServerTimeRule, shown: ServerTimeRule) -> None:
        self._series = series
        self._own = own
        self._shown = shown
        self.seconds = series.seconds
        self.first = int(self._to_shown(np.array([series.first], dtype=np.int64))[0][0])

    def window(self, start: int, end: int) -> Rates:
        first, last = (int(self._own.to_server(self._shown.to_utc(moment))) for moment in (start, end))
        # The repeated hour and the missing one: read a little more on both sides.
        bars = self._series.window(first - _MARGIN, last + _MARGIN)
        if not len(bars):
            return EMPTY
        times, kept = self._to_shown(bars["time"])
        bars = bars[kept]
        bars["time"] = times[kept]
        low, high = np.searchsorted(bars["time"], (start, end))
        return bars[low:high]

    def newest(self, moment: int) -> Rates:
        bars = self.window(moment - _MARGIN, moment + 1)
        if not len(bars):
            bars = np.array(self._series.newest(int(self._own.to_server(self._shown.to_utc(moment)))))
            bars["time"] = self._to_shown(bars["time"])[0]
        return bars[-1:]

    def _to_shown(self, times: Times) -> tuple[Times, Mask]:
        utc = self._own.times_to_utc(times)
        shown = self._shown.times_to_server(utc)
        return shown, self._shown.times_to_utc(shown) == utc
