"""One symbol of the simulated market, cut off at the present."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from app.terminal.simulated.series import EMPTY, Series, day_of, resample
from app.terminal.simulated.symbols import Spec
from app.terminal.simulated.ticks import Forming, Present, ticks_of
from app.terminal.timeframes import DAY, MONTH, WEEK, bar_end, bar_start
from app.terminal.values import Rates, Ticks

# Bars of the smallest timeframe that are looked at together: keeps the memory of long requests small.
_CHUNK = 12_000
# Of the bars that are kept for a symbol, apart from its daily ones: a year and a half of H4, three months of H1, and
# two weeks each of M15 and M5.
_KEPT_BYTES = 800_000
_MINUTE_MSC = 60_000
_FIVE_MINUTES = 300


@dataclass(frozen=True, slots=True)
class Day:
    """The day of the newest bar up to now, in bids, and the close of the day before (0 when there is none)."""

    opened: float
    high: float
    low: float
    close_before: float


class Chart(Protocol):
    """Bars, ticks and the newest quote of one symbol. All times are on the server's clock."""

    spec: Spec

    def present(self, now_msc: int) -> Present | None:
        """The newest quote; None before the first bar."""

    def day(self, now_msc: int) -> Day | None:
        """The present day; None before the first bar, and when the symbol has no daily bars."""

    def has(self, seconds: int) -> bool:
        """Whether bars of this length can be had: those of the series and whatever they add up to."""

    def before(self, seconds: int, moment: int, count: int, now_msc: int) -> Rates:
        """The last ``count`` bars that opened at ``moment`` or before, oldest first; the newest one may be forming."""

    def between(self, seconds: int, first: int, last: int, now_msc: int) -> Rates:
        """The bars that opened from ``first`` to ``last``, oldest first."""

    def ticks(self, from_msc: int, to_msc: int, now_msc: int, count: int | None = None) -> Ticks:
        """The ticks from ``from_msc`` to ``to_msc``, both included, oldest first; at most the first ``count``."""


class SeriesChart:
    """A symbol with a series of its own."""

    def __init__(self, spec: Spec, series: Series) -> None:
        self.spec = spec
        self.series = series
        self._forming: Forming | None = None
        self._until_msc = 0
        self._asked_msc = -1
        self._quote: Present | None = None
        self._day: tuple[int, Day | None] = (-1, None)
        self._past: dict[tuple[int, int, int], Rates] = {}

    def present(self, now_msc: int) -> Present | None:
        if now_msc != self._asked_msc:
            forming = self._newest(now_msc)
            self._quote = forming.quote(now_msc) if forming else None
            self._asked_msc = now_msc
        return self._quote

    def day(self, now_msc: int) -> Day | None:
        forming = self._newest(now_msc)
        if forming is None or not self.has(DAY):
            return None
        if self._day[0] != forming.start:
            self._day = (forming.start, self._day_before(forming.start))
        before = self._day[1]
        high, low = forming.extremes(now_msc)
        if before is None or not before.opened:
            return Day(float(forming.whole["open"][0]), high, low, before.close_before if before else 0.0)
        return Day(before.opened, max(high, before.high), min(low, before.low), before.close_before)

    def has(self, seconds: int) -> bool:
        step = self.series.seconds
        return seconds == step or (step <= DAY and (seconds % step == 0 or seconds in (WEEK, MONTH)))

    def before(self, seconds: int, moment: int, count: int, now_msc: int) -> Rates:
        # The bar that holds ``moment`` is given as far as it is known: its parts may be later than ``moment``.
        horizon = bar_end(bar_start(min(moment, now_msc // 1000), seconds), seconds) - 1
        newest = self.series.newest(min(horizon, now_msc // 1000))
        if not len(newest) or not self.has(seconds) or count <= 0:
            return EMPTY
        end = bar_end(bar_start(int(newest["time"][0]), seconds), seconds)
        part = max(self.series.seconds, min(seconds, DAY))
        # Weeks and months are put together from days, one more than asked for, since the oldest may be torn.
        need = count if seconds == part else (count + 1) * (31 if seconds == MONTH else 7)
        days = self._chunk_days(int(need * part / DAY * 1.5) + 1, part)
        pieces: list[Rates] = []
        while need > 0 and end > self.series.first:
            if self._is_kept(part):
                start = _span_start(end - 1, days)
                today = day_of(now_msc // 1000)
                start = max(start, today) if end > today else start  # today grows, so it is a span of its own
            else:
                start = day_of(end - 1) - (days - 1) * DAY
            piece = self._known(start, end, part, now_msc)
            pieces.append(piece)
            need -= len(piece)
            end = start
        bars = np.concatenate(pieces[::-1])
        return resample(bars, seconds)[-count:] if seconds > part else bars[-count:]

    def between(self, seconds: int, first: int, last: int, now_msc: int) -> Rates:
        first, last = max(first, self.series.first - seconds), min(last, now_msc // 1000)
        if not self.has(seconds) or last < first:
            return EMPTY
        part = max(self.series.seconds, min(seconds, DAY))
        start, end = day_of(bar_start(first, seconds)), bar_end(bar_start(last, seconds), seconds)
        days = self._chunk_days((end - start) // DAY + 1, part)
        if part == DAY:
            start = _span_start(start, days)
        pieces = [self._known(at, min(at + days * DAY, end), part, now_msc) for at in range(start, end, days * DAY)]
        bars = np.concatenate(pieces)
        if seconds > part:
            bars = resample(bars, seconds)
        low, high = np.searchsorted(bars["time"], (first, last + 1))
        return bars[low:high]

    def ticks(self, from_msc: int, to_msc: int, now_msc: int, count: int | None = None) -> Ticks:
        step = self.series.seconds
        to_msc = min(to_msc, now_msc)
        start = max(from_msc // 1000 // step * step, self.series.first)
        pieces: list[Ticks] = [ticks_of(EMPTY, step, self.spec.digits)]
        wanted = count
        # An hour of bars at a time when only so many ticks are wanted, else a day.
        stride = DAY if count is None else max(step, 3600)
        while start * 1000 <= to_msc and (wanted is None or wanted > 0):
            end = min(start + stride, to_msc // 1000 + 1)
            ticks = ticks_of(self.series.window(start, end), step, self.spec.digits)
            low, high = np.searchsorted(ticks["time_msc"], (from_msc, to_msc + 1))
            pieces.append(ticks[low:high])
            wanted = None if wanted is None else wanted - (high - low)
            start = end
            stride = min(stride * 2, DAY)
        return np.concatenate(pieces)[:count]

    def _newest(self, now_msc: int) -> Forming | None:
        forming = self._forming
        if forming is None or not forming.start * 1000 <= now_msc < self._until_msc:
            newest = self.series.newest(now_msc // 1000)
            if not len(newest):
                return None
            if forming is None or forming.start != int(newest["time"][0]):
                forming = self._forming = Forming(newest, self.series.seconds, self.spec.digits)
            # Past its end it stays the newest until the next one opens: look again in the next minute.
            self._until_msc = (now_msc // _MINUTE_MSC + 1) * _MINUTE_MSC
        return forming

    def _day_before(self, start: int) -> Day | None:
        """The day of the bar that opened at ``start`` up to that bar, and the close of the day before."""
        midnight = day_of(start)
        today = self.series.window(midnight, start)
        last = self.series.newest(midnight - 1)
        close = float(last["close"][0]) if len(last) else 0.0
        if not len(today):
            return Day(0.0, 0.0, 0.0, close)
        return Day(float(today["open"][0]), float(today["high"].max()), float(today["low"].min()), close)

    def _chunk_days(self, wanted: int, part: int) -> int:
        """How many days are looked at together; always the same for bars that are kept."""
        most = max(1, _CHUNK * self.series.seconds // DAY)
        return most if self._is_kept(part) else max(1, min(wanted, most))

    def _is_kept(self, part: int) -> bool:
        """Whether past bars of ``part`` seconds are made once: hundreds of them are asked for again and again."""
        return part == DAY or (part >= _FIVE_MINUTES and part > self.series.seconds)

    def _known(self, start: int, end: int, part: int, now_msc: int) -> Rates:
        """Bars of ``part`` seconds from whole days, without what is still to come."""
        if self._is_kept(part) and end % DAY == 0 and end * 1000 <= now_msc:
            return self._past_span(start, end, part)
        step = self.series.seconds
        bars = self.series.window(start, min(end, now_msc // 1000 + 1))
        if len(bars) and now_msc < (int(bars["time"][-1]) + step) * 1000:
            forming = self._newest(now_msc)
            if forming is not None and forming.start == int(bars["time"][-1]):
                bars = np.concatenate([bars[:-1], forming.bar(now_msc)])
        return resample(bars, part) if part > step else bars

    def _past_span(self, start: int, end: int, part: int) -> Rates:
        key = (part, start, end)
        found = self._past.get(key)
        if found is None:
            found = self._past[key] = resample(self.series.window(start, end), part)
            if part != DAY:  # daily bars of years are few: they stay
                self._forget_spans()
        return found

    def _forget_spans(self) -> None:
        shorter = [key for key in self._past if key[0] != DAY]
        size = sum(self._past[key].nbytes for key in shorter)
        for key in shorter:  # those made first
            if size <= _KEPT_BYTES:
                break
            size -= self._past.pop(key).nbytes


def _span_start(moment: int, days: int) -> int:
    """The beginning of the span of so many days that holds ``moment``, counted from 1970: the same at any present."""
    return moment - moment % (days * DAY)
