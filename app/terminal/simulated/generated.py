"""A made-up market: M1 bars for any day, without generating the days before it.

The price of a factor (EUR, JPY, gold ...) at each midnight comes from a path that can be asked at any day; the
minutes between two midnights are a random walk bent to end where the next day begins. A symbol is the ratio of its
factors, so EURJPY agrees with EURUSD and USDJPY. The same seed gives the same bytes on every machine (see ``noise``).
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from app.terminal.simulated.factors import FACTORS, Factor
from app.terminal.simulated.hours import MINUTES, open_days, open_minutes, releases
from app.terminal.simulated.noise import Floats, growth, key_for, normal, smooth, uniform
from app.terminal.simulated.series import EMPTY, day_of
from app.terminal.simulated.symbols import Spec
from app.terminal.timeframes import DAY, MINUTE
from app.terminal.values import RATES_DTYPE, Rates

Days = npt.NDArray[np.int64]

FIRST_DAY = 12_784  # 2005-01-01, in days since 1970
_OCTAVES = 9
_GAP = 0.15  # of a day's deviation, over a weekend
_LONGEST_CLOSURE_DAYS = 6
# Around news: spreads are wide from two minutes before, prices and ticks are lively for some twenty after.
_WIDE_BEFORE, _WIDE_AFTER, _LIVELY_AFTER = 2, 8, 20

# How lively each hour of the market's day is: Asia, Europe from 9, America from 15:30 to 23.
_HOURLY = {
    False: (0.25, 0.4, 0.55, 0.6, 0.5, 0.5, 0.45, 0.5, 0.7, 1.0, 1.3, 1.2, 1.0, 0.95, 1.1, 1.5, 1.8, 1.7, 1.3, 1.0,
            0.8, 0.65, 0.55, 0.4),
    True: (1.0, 0.9, 1.0, 1.0, 0.9, 0.8, 0.8, 0.8, 0.9, 0.9, 1.0, 1.0, 1.0, 1.0, 1.1, 1.3, 1.5, 1.5, 1.3, 1.2, 1.1,
           1.0, 1.0, 1.0),
}  # fmt: skip


class GeneratedSeries:
    """M1 bars of one symbol on its market's clock, from a seed. Thread: the owner's only."""

    def __init__(self, spec: Spec, seed: int) -> None:
        self.seconds = MINUTE
        self.first = FIRST_DAY * DAY
        self._spec = spec
        self._seed = seed
        self._key = key_for(seed, spec.name)
        # The day of the newest bar is asked for again and again; others are made anew each time.
        self._day = -1
        self._bars = EMPTY

    def window(self, start: int, end: int) -> Rates:
        start = max(start, self.first)
        if end <= start:
            return EMPTY
        first, last = start // DAY, (end - 1) // DAY
        if first == last:
            bars = self._one_day(first)
        else:
            bars = self._generate(np.arange(first, last + 1, dtype=np.int64))
        low, high = np.searchsorted(bars["time"], (start, end))
        return bars[low:high]

    def newest(self, moment: int) -> Rates:
        for back in range(_LONGEST_CLOSURE_DAYS + 1):
            day = day_of(moment) // DAY - back
            if day < FIRST_DAY:
                break
            bars = self._one_day(day)
            after = int(np.searchsorted(bars["time"], moment, side="right"))
            if after:
                return bars[after - 1 : after]
        return EMPTY

    def _one_day(self, day: int) -> Rates:
        if day != self._day:
            days = np.array([day], dtype=np.int64)
            if not open_days(days, self._spec.hours)[0]:
                return EMPTY
            self._bars, self._day = self._generate(days), day
        return self._bars

    def _generate(self, days: Days) -> Rates:
        """All bars of these days, in order."""
        spec = self._spec
        days = days[open_days(days, spec.hours)]
        if not len(days):
            return EMPTY
        minutes = days[:, None] * MINUTES + np.arange(MINUTES, dtype=np.int64)
        opening, closes = self._path(days, minutes)
        lively = self._lively(days)
        activity = lively * (0.7 + 0.6 * uniform(self._key + 1, days)[:, None])
        scale = 10.0**spec.digits
        jitter = np.rint(normal(self._key + 2, minutes) * 0.4)
        opens = np.rint(np.concatenate([opening[:, None], closes[:, :-1]], axis=1) * scale) + jitter
        ends = np.rint(closes * scale)
        reach = self._deviation() * np.sqrt(activity / MINUTES)
        above, below = uniform(self._key + 3, minutes), uniform(self._key + 4, minutes)
        bars = np.zeros(minutes.shape, dtype=RATES_DTYPE)
        bars["time"] = minutes * MINUTE
        bars["open"], bars["close"] = opens / scale, ends / scale
        bars["high"] = np.rint(np.maximum(opens, ends) * (1 + reach * above * above)) / scale
        bars["low"] = np.rint(np.minimum(opens, ends) * (1 - reach * below * below)) / scale
        bars["tick_volume"] = 4 + spec.volume * activity * (0.4 + uniform(self._key + 5, minutes))
        bars["spread"] = self._spreads(days, minutes)
        return bars[open_minutes(days, spec.hours)]

    def _path(self, days: Days, minutes: Days) -> tuple[Floats, Floats]:
        """Prices at which the days open, and at the end of each minute."""
        opening, path = np.ones(len(days)), np.ones(minutes.shape)
        for name, sign in self._spec.legs.items():
            begin, walk = _factor_path(name, FACTORS[name], self._seed, days, minutes)
            if sign > 0:
                opening *= begin
                path *= walk
            else:
                opening /= begin
                path /= walk
        return opening, path

    def _deviation(self) -> float:
        """Of a day's move of the symbol, as a fraction."""
        return math.sqrt(math.fsum(FACTORS[name].daily * FACTORS[name].daily for name in self._spec.legs))

    def _lively(self, days: Days) -> Floats:
        """How lively each minute of these days is for the ticks of this symbol, 1 on the average."""
        lively = np.repeat(_profile(self._spec.hours.always)[None, :], len(days), axis=0)
        for row, minute, strength in _news(days, ("USD", *self._spec.legs)):
            lively[row, minute : minute + _LIVELY_AFTER] *= 1 + _fading(strength - 1, _LIVELY_AFTER)
        return lively

    def _spreads(self, days: Days, minutes: Days) -> Floats:
        """In points: wide in the first hour of the day, wider still on Mondays, and around news."""
        spreads = self._spec.spread * (0.7 + 0.6 * uniform(self._key + 6, minutes))
        if not self._spec.hours.always:
            monday = (days + 3) % 7 == 0
            spreads[:, :60] *= 3.0 + 2.0 * monday[:, None]
            spreads[:, -10:] *= 1.8
        for row, minute, strength in _news(days, ("USD", *self._spec.legs)):
            spreads[row, minute - _WIDE_BEFORE : minute] *= strength
            spreads[row, minute : minute + _WIDE_AFTER] *= 1 + _fading(strength - 1, _WIDE_AFTER)
        return np.maximum(1.0, np.rint(spreads))


def _factor_path(name: str, factor: Factor, seed: int, days: Days, minutes: Days) -> tuple[Floats, Floats]:
    """Price of a factor when the days open, and at the end of each minute."""
    key = key_for(seed, f"factor {name}")
    lively = np.repeat(_profile(factor.always)[None, :], len(days), axis=0)
    for row, minute, strength in _news(days, ("USD", name)):
        lively[row, minute : minute + _LIVELY_AFTER] *= 1 + _fading(strength * strength - 1, _LIVELY_AFTER)
    share = np.cumsum(lively, axis=1)
    share /= share[:, -1:].copy()
    place = days if factor.always else _trading_days(days)
    begin, end = smooth(key, np.stack((place, place + 1)), _OCTAVES)
    if not factor.always:
        monday = (days + 3) % 7 == 0
        begin = begin + monday * _GAP * normal(key + 101, days)
    lively /= MINUTES
    walk = np.cumsum(normal(key + 102, minutes) * np.sqrt(lively), axis=1)
    walk -= walk[:, -1:] * share
    walk += begin[:, None] + (end - begin)[:, None] * share
    return factor.price * growth(begin * factor.daily), factor.price * growth(walk * factor.daily)


def _news(days: Days, currencies: tuple[str, ...]) -> list[tuple[int, int, float]]:
    """Row of the day, minute and strength of the news that move these currencies."""
    rows = {day: row for row, day in enumerate(days.tolist())}
    return [(rows[found.day], found.minute, found.strength) for found in releases(days) if found.currency in currencies]


@lru_cache(maxsize=64)
def _fading(strength: float, length: int) -> Floats:
    """From ``strength`` down to nothing."""
    faded = strength * (np.arange(length, 0, -1) / length)
    faded.setflags(write=False)
    return faded


def _trading_days(days: Days) -> Days:
    """Weekdays counted from the first week of 1970, so that a Monday follows its Friday."""
    return (days + 3) // 7 * 5 + np.minimum((days + 3) % 7, 5)


@lru_cache(maxsize=2)
def _profile(always: bool) -> Floats:
    """How lively each minute of the day is, 1 on the average."""
    hourly = _HOURLY[always]
    lively = np.repeat(np.array(hourly), 60) * (len(hourly) / math.fsum(hourly))
    lively.setflags(write=False)
    return lively
