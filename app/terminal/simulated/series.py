"""A series of bars on the server's clock, and the path of the price inside a bar."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

import numpy as np

from app.terminal.simulated.noise import hashes
from app.terminal.timeframes import DAY, bar_starts
from app.terminal.values import RATES_DTYPE, Rates

EMPTY: Rates = np.zeros(0, dtype=RATES_DTYPE)


class Series(Protocol):
    """Bars of the smallest timeframe that a symbol has."""

    seconds: int
    first: int

    def window(self, start: int, end: int) -> Rates:
        """All bars that open from ``start`` to before ``end``; whole, even if they are still to come."""

    def newest(self, moment: int) -> Rates:
        """The last bar that opens at ``moment`` or before, as an array of one; empty before the first."""


@dataclass(frozen=True, slots=True)
class Inside:
    """How far a bar has come.

    Attributes:
        bar: The bar up to now, as an array of one.
        tick_msc: When its newest tick came, in ms on the server's clock.
        bid: The price of that tick, which is the close of ``bar``.
    """

    bar: Rates
    tick_msc: int
    bid: float


def inside(whole: Rates, seconds: int, now_msc: int, digits: int) -> Inside:
    """What is known of a bar at ``now_msc``, which is not before its opening.

    The price goes from open to close by way of both extremes, in as many ticks as the bar counts, evenly spread: so
    every tick lies in the bar, both extremes are touched, and at the end the bar is what the series says.
    """
    row = whole[0]
    start, volume = int(row["time"]) * 1000, int(row["tick_volume"])
    ticks = max(volume, 4)
    step = seconds * 1000 / ticks
    index = min(int((now_msc - start) / step), ticks - 1)
    tick_msc = start + int(index * step)
    if index == ticks - 1:
        return Inside(whole, tick_msc, float(row["close"]))
    corners = _corners(row, ticks)
    partial = whole.copy()
    price = high = low = float(row["open"])
    for (left, left_price), (right, right_price) in pairwise(corners):
        if index < left:
            break
        share = min(1.0, (index - left) / (right - left))
        price = round(left_price + (right_price - left_price) * share, digits)
        high, low = max(high, price), min(low, price)
    partial["high"], partial["low"], partial["close"] = high, low, price
    partial["tick_volume"] = min(volume, index + 1)
    return Inside(partial, tick_msc, price)


def _corners(row: np.void, ticks: int) -> list[tuple[int, float]]:
    """Tick numbers and prices at which the path turns; where it turns differs from bar to bar."""
    bits = int(hashes(0x5EED, np.array([row["time"]], dtype=np.int64))[0])
    first = 1 + bits % max(1, (ticks - 2) // 2)
    second = first + 1 + (bits >> 32) % max(1, ticks - 2 - first)
    opened, high, low, close = (float(row[name]) for name in ("open", "high", "low", "close"))
    turns = (low, high) if close >= opened else (high, low)
    return [(0, opened), (first, turns[0]), (min(second, ticks - 2), turns[1]), (ticks - 1, close)]


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
