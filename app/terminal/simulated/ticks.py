"""The path of the price inside bars, tick by tick.

A bar's price goes from open to close by way of both extremes, in as many ticks as the bar counts, with some noise that
stays inside. So ticks add up to the bar exactly: open, high, low, close and count.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from app.terminal.simulated.noise import hashes
from app.terminal.values import RATES_DTYPE, TICKS_DTYPE, Rates, Ticks

Whole = npt.NDArray[np.int64]

Path = npt.NDArray[np.void]

PATH_DTYPE = np.dtype([("time_msc", "<i8"), ("bid", "<f8"), ("ask", "<f8")])
_KEY = 0x5EED
_TICKS_PER_BAR = 1 << 24  # counters of noise do not meet between bars
_MOST_TICKS = 100_000
_BID_AND_ASK = 6


def ticks_of(bars: Rates, seconds: int, digits: int) -> Ticks:
    """All ticks of whole bars, in order; shape (sum of their counts,).

    A bar has ``tick_volume`` ticks, or as many as its four prices need (1 to 4) where it counts fewer, and never more
    than 100,000 (files count traded volume there now and then).
    """
    scale = 10.0**digits
    corners = np.rint(np.stack([bars[name] for name in ("open", "low", "high", "close")]) * scale).astype(np.int64)
    counts, turns, prices = _corners(bars, corners)
    total = int(counts.sum())
    bar = np.repeat(np.arange(len(bars)), counts)
    place = np.arange(total, dtype=np.int64) - np.repeat(np.cumsum(counts) - counts, counts)
    bits = hashes(_KEY, np.repeat(bars["time"] * _TICKS_PER_BAR, counts) + place)
    points = _between(place, bar, turns, prices, bits)
    np.clip(points, corners[1][bar], corners[2][bar], out=points)
    ticks = np.zeros(total, dtype=TICKS_DTYPE)
    count = counts[bar]
    # Evenly spread, each moved on by up to three quarters of the way to the next; the first opens the bar.
    moved = np.where(place > 0, (bits >> np.uint64(48)).astype(np.int64) * 3 // 1024, 0)
    ticks["time_msc"] = bars["time"][bar] * 1000 + (place * 256 + moved) * (seconds * 1000) // (count * 256)
    ticks["time"] = ticks["time_msc"] // 1000
    ticks["bid"] = points / scale
    ticks["ask"] = (points + bars["spread"][bar]) / scale
    ticks["flags"] = _BID_AND_ASK
    return ticks


def _corners(bars: Rates, corners: Whole) -> tuple[Whole, Whole, Whole]:
    """How many ticks each bar has; at which of them the path turns, shape (4, bars); and the prices there."""
    opened, low, high, close = corners
    rising = close >= opened
    first, second = np.where(rising, low, high), np.where(rising, high, low)
    leaves, arrives = first != opened, second != close
    needed = 1 + ((low != high) * (1 + leaves.astype(np.int64) + arrives))
    counts = np.maximum(np.minimum(bars["tick_volume"], _MOST_TICKS).astype(np.int64), needed)
    bits = hashes(_KEY, bars["time"])
    last = counts - 1
    room = np.maximum(last - leaves - arrives, 1)
    one = np.where(leaves, 1 + (bits & np.uint64(0xFFFFFFFF)).astype(np.int64) % room, 0)
    left = np.maximum(last - 1 - one, 1)
    two = np.where(arrives, one + 1 + (bits >> np.uint64(32)).astype(np.int64) % left, last)
    turns = np.stack([np.zeros_like(last), np.minimum(one, last), np.minimum(two, last), last])
    return counts, turns, np.stack([opened, first, second, close])


def _between(place: Whole, bar: Whole, turns: Whole, prices: Whole, bits: npt.NDArray[np.uint64]) -> Whole:
    """Prices in points: on straight lines between the turns, with noise but at the turns."""
    leg = (place >= turns[1][bar]).astype(np.int64) + (place >= turns[2][bar])
    left, right = turns[leg, bar], turns[leg + 1, bar]
    start, end = prices[leg, bar], prices[leg + 1, bar]
    width = np.maximum(right - left, 1)
    # floor(2x + 1) / 2: rounding to the nearest whole number without floats.
    points: Whole = start + (2 * (end - start) * (place - left) + width) // (2 * width)
    swing = (prices.max(axis=0) - prices.min(axis=0)) // 6 + 1
    noise = (bits & np.uint64(0xFFFF)).astype(np.int64) + (bits >> np.uint64(16) & np.uint64(0xFFFF)).astype(np.int64)
    points += np.where((place == left) | (place == right), 0, (noise - 65_536) * swing[bar] >> 16)
    return points


def path_of(ticks: Ticks) -> Path:
    """Times and prices of ticks only, as records of ``PATH_DTYPE``."""
    path = np.empty(len(ticks), dtype=PATH_DTYPE)
    for name in ("time_msc", "bid", "ask"):
        path[name] = ticks[name]
    return path


@dataclass(frozen=True, slots=True)
class Present:
    """The newest quote: time in ms on the server's clock, prices, and the spread in points."""

    time_msc: int
    bid: float
    ask: float
    spread: int


class Forming:
    """The newest bar of a symbol and its ticks, to be asked again and again as time goes on."""

    def __init__(self, whole: Rates, seconds: int, digits: int) -> None:
        ticks = ticks_of(whole, seconds, digits)
        self.whole = whole
        self.start = int(whole["time"][0])
        self.end_msc = (self.start + seconds) * 1000
        self._spread = int(whole["spread"][0])
        self._volume = int(whole["tick_volume"][0])
        self._times: list[int] = ticks["time_msc"].tolist()
        self._bids: list[float] = ticks["bid"].tolist()
        self._asks: list[float] = ticks["ask"].tolist()
        self._highs: list[float] = np.maximum.accumulate(ticks["bid"]).tolist()
        self._lows: list[float] = np.minimum.accumulate(ticks["bid"]).tolist()

    def quote(self, now_msc: int) -> Present:
        """The newest tick at ``now_msc``, which is not before the opening."""
        index = bisect_right(self._times, now_msc) - 1
        return Present(self._times[index], self._bids[index], self._asks[index], self._spread)

    def extremes(self, now_msc: int) -> tuple[float, float]:
        """Highest and lowest bid of the bar up to ``now_msc``."""
        index = bisect_right(self._times, now_msc) - 1
        return self._highs[index], self._lows[index]

    def bar(self, now_msc: int) -> Rates:
        """The bar as it stands at ``now_msc``, as an array of one."""
        if now_msc >= self.end_msc:
            return self.whole
        index = bisect_right(self._times, now_msc) - 1
        bar = np.array(self.whole, dtype=RATES_DTYPE)
        bar["high"], bar["low"], bar["close"] = self._highs[index], self._lows[index], self._bids[index]
        bar["tick_volume"] = min(self._volume, index + 1)
        return bar
