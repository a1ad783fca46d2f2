"""A made-up market: M1 bars for any day, without generating the days before it.

The price of a factor (EUR, JPY, gold ...) at each midnight comes from a path that can be asked at any day; the
minutes between two midnights are a random walk bent to end where the next day begins. A symbol is the ratio of its
factors, so EURJPY agrees with EURUSD and USDJPY.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from app.terminal.simulated.noise import Floats, key_for, normal, smooth, uniform
from app.terminal.simulated.series import EMPTY, day_of
from app.terminal.simulated.symbols import FACTORS, Hours, Spec
from app.terminal.timeframes import DAY, MINUTE
from app.terminal.values import RATES_DTYPE, Rates

Days = npt.NDArray[np.int64]

FIRST_DAY = 12_784  # 2005-01-01, in days since 1970
_MINUTES = DAY // MINUTE
_OCTAVES = 9
_GAP = 0.15  # of a day's deviation, over a weekend
_LONGEST_CLOSURE_DAYS = 5

# How lively each hour of the server's day is: Asia, Europe from 9, America from 15:30 to 23.
_HOURLY = {
    False: (0.25, 0.4, 0.55, 0.6, 0.5, 0.5, 0.45, 0.5, 0.7, 1.0, 1.3, 1.2, 1.0, 0.95, 1.1, 1.5, 1.8, 1.7, 1.3, 1.0,
            0.8, 0.65, 0.55, 0.4),
    True: (1.0, 0.9, 1.0, 1.0, 0.9, 0.8, 0.8, 0.8, 0.9, 0.9, 1.0, 1.0, 1.0, 1.0, 1.1, 1.3, 1.5, 1.5, 1.3, 1.2, 1.1,
           1.0, 1.0, 1.0),
}  # fmt: skip


class GeneratedSeries:
    """M1 bars of one symbol, from a seed. Thread: the owner's only."""

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
        bars = self._generate(np.arange(start // DAY, (end - 1) // DAY + 1, dtype=np.int64))
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
            if not _open_days(days, self._spec.hours)[0]:
                return EMPTY
            self._bars, self._day = self._generate(days), day
        return self._bars

    def _generate(self, days: Days) -> Rates:
        """All bars of these days, in order."""
        spec = self._spec
        days = days[_open_days(days, spec.hours)]
        if not len(days):
            return EMPTY
        minutes = days[:, None] * _MINUTES + np.arange(_MINUTES, dtype=np.int64)
        opening, closes = self._path(days, minutes)
        lively = _profile(spec.hours is Hours.ALWAYS)
        activity = lively * (0.7 + 0.6 * uniform(self._key + 1, days)[:, None])
        point = spec.point
        jitter = np.round(normal(self._key + 2, minutes) * 0.4) * point
        opens = np.concatenate([opening[:, None], closes[:, :-1]], axis=1) + jitter
        opens, closes = np.round(opens, spec.digits), np.round(closes, spec.digits)
        reach = self._deviation() * np.sqrt(activity / _MINUTES)
        above, below = uniform(self._key + 3, minutes), uniform(self._key + 4, minutes)
        highs = np.round(np.maximum(opens, closes) * (1 + reach * above * above), spec.digits)
        lows = np.round(np.minimum(opens, closes) * (1 - reach * below * below), spec.digits)
        bars = np.zeros(minutes.shape, dtype=RATES_DTYPE)
        bars["time"] = minutes * MINUTE
        bars["open"], bars["close"], bars["high"], bars["low"] = opens, closes, highs, lows
        bars["tick_volume"] = 4 + spec.volume * activity * (0.4 + uniform(self._key + 5, minutes))
        bars["spread"] = self._spreads(days, minutes)
        # The first hour belongs to the break of metals and indices.
        return (bars[:, 60:] if spec.hours is Hours.BREAK else bars).reshape(-1)

    def _path(self, days: Days, minutes: Days) -> tuple[Floats, Floats]:
        """Prices at which the days open, and at the end of each minute."""
        opening = np.zeros(len(days))
        log = np.zeros(minutes.shape)
        for name, sign in self._spec.legs.items():
            factor = FACTORS[name]
            key = key_for(self._seed, f"factor {name}")
            lively = _profile(factor.always)
            share = np.cumsum(lively) / lively.sum()
            place = days if factor.always else _trading_days(days)
            begin, end = (smooth(key, place + i, _OCTAVES) for i in (0, 1))
            if not factor.always:
                monday = (days + 3) % 7 == 0
                begin = begin + monday * _GAP * normal(key + 101, days)
            steps = normal(key + 102, minutes) * np.sqrt(lively / lively.sum())
            walk = np.cumsum(steps, axis=1)
            walk -= walk[:, -1:] * share
            walk += begin[:, None] + (end - begin)[:, None] * share
            level = np.log(factor.price)
            log += sign * (level + walk * factor.daily)
            opening += sign * (level + begin * factor.daily)
        return np.exp(opening), np.exp(log)

    def _deviation(self) -> float:
        """Of a day's move of the symbol, as a fraction."""
        return float(np.sqrt(sum(FACTORS[name].daily ** 2 for name in self._spec.legs)))

    def _spreads(self, days: Days, minutes: Days) -> npt.NDArray[np.float64]:
        """In points: wide in the first hour of the day, wider still on Mondays."""
        usual = self._spec.spread
        spreads = usual * (0.7 + 0.6 * uniform(self._key + 6, minutes))
        if self._spec.hours is not Hours.ALWAYS:
            monday = (days + 3) % 7 == 0
            spreads[:, :60] *= 3.0 + 2.0 * monday[:, None]
            spreads[:, -10:] *= 1.8
        return np.maximum(1.0, np.round(spreads))


def _open_days(days: Days, hours: Hours) -> npt.NDArray[np.bool_]:
    """Which days have trading: no weekends, neither Christmas nor New Year."""
    if hours is Hours.ALWAYS:
        return np.ones(len(days), dtype=np.bool_)
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int64) % 12 + 1
    day = (dates - months.astype("datetime64[D]")).astype(np.int64) + 1
    holiday = ((month == 12) & (day == 25)) | ((month == 1) & (day == 1))
    is_open: npt.NDArray[np.bool_] = ((days + 3) % 7 < 5) & ~holiday
    return is_open


def _trading_days(days: Days) -> Days:
    """Weekdays counted from the first week of 1970, so that a Monday follows its Friday."""
    return (days + 3) // 7 * 5 + np.minimum((days + 3) % 7, 5)


@lru_cache(maxsize=2)
def _profile(always: bool) -> Floats:
    """How lively each minute of the day is, 1 on the average."""
    lively = np.repeat(np.array(_HOURLY[always]), 60)
    lively /= lively.mean()
    lively.setflags(write=False)
    return lively
