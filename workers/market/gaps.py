"""Missing bars, told apart from the hours in which a symbol does not trade.

The terminal does not tell sessions, so they are read from the bars themselves, on the server's clock:

- a pause around Saturday noon is the weekend, unless the symbol has bars on Saturdays;
- a pause at a time of the day at which fewer than half of the days have bars is the daily break; with fewer than five
  days to compare, a pause of up to two hours around the server's midnight is taken for it;
- a pause on Christmas, New Year or Good Friday is the holiday;
- every other pause is a gap: bars that should be there.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

import numpy as np

from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import DAY, MONTH, Times

_HOUR: Final = 3600
_LONGEST_WEEKEND_S: Final = 5 * DAY
_BREAK_S: Final = 2 * _HOUR
_ENOUGH_DAYS: Final = 5
_SATURDAY: Final = 5


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are not there.

    Attributes:
        first, last: Open times of the first and the last missing bar, UTC epoch seconds.
        missing: How many are missing.
        closed: The symbol does not trade then.
    """

    first: int
    last: int
    missing: int
    closed: bool

    def __str__(self) -> str:
        first, last = (datetime.fromtimestamp(moment, UTC) for moment in (self.first, self.last))
        return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def find_gaps(times: Times, seconds: int, rule: ServerTimeRule) -> list[Gap]:
    """All pauses between these bars.

    Args:
        times: Open times in UTC epoch seconds, ascending, each once.
        seconds: Length of a bar; months have no gaps that can be counted.
        rule: The server's clock.
    """
    if len(times) < 2 or seconds >= MONTH:
        return []
    stamps = rule.times_to_server(times)
    steps = np.diff(stamps)
    at = np.flatnonzero(steps > seconds)
    if not len(at):
        return []
    sessions = _Sessions(stamps, seconds)
    found: list[Gap] = []
    for i in at:
        first, end = int(stamps[i]) + seconds, int(stamps[i + 1])
        missing = np.arange(first, end, seconds, dtype=np.int64)
        if not len(missing):
            continue
        expected = sessions.expected(missing)
        open_ones = missing[expected]
        if not len(open_ones):
            utc = rule.times_to_utc(missing[[0, -1]])
            found.append(Gap(int(utc[0]), int(utc[1]), len(missing), closed=True))
            continue
        utc = rule.times_to_utc(open_ones[[0, -1]])
        found.append(Gap(int(utc[0]), int(utc[1]), len(open_ones), closed=False))
    return found


def trades_at(times: Times, seconds: int, rule: ServerTimeRule, moment: datetime) -> bool:
    """Whether the symbol of these bars trades at a moment after them, as far as its bars tell.

    Args:
        times: Open times of closed bars in UTC epoch seconds, ascending, each once.
        seconds: Length of a bar; bars of months tell nothing, then it is taken to trade.
        rule: The server's clock.
        moment: Aware.
    """
    if not len(times) or seconds >= MONTH:
        return True
    slot_s = min(seconds, DAY)
    # The slot of this moment by itself: the pause before it may have begun with a weekend that is over now.
    slot = np.array([int(rule.to_server(moment)) // slot_s * slot_s], dtype=np.int64)
    return bool(_Sessions(rule.times_to_server(times), seconds).expected(slot)[0])


class _Sessions:
    """When the symbol of these bars trades; all on the server's clock."""

    def __init__(self, stamps: Times, seconds: int) -> None:
        self._seconds = seconds
        days = stamps // DAY
        self._weekends_open = bool((_weekday(days) == _SATURDAY).any())
        self._first_day = int(stamps[0])
        traded = np.unique(days)
        self._many_days = len(traded) >= _ENOUGH_DAYS and seconds < DAY
        if self._many_days:
            slots = np.unique(np.stack((days, stamps % DAY // seconds)), axis=1)[1]
            share = np.bincount(slots, minlength=DAY // seconds) / len(traded)
            self._open_slots = share >= 0.5

    def expected(self, stamps: Times) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of the bars of one pause should be there."""
        days = stamps // DAY
        expected = np.ones(len(stamps), dtype=np.bool_)
        if not self._weekends_open and self._is_weekend(int(stamps[0]), int(stamps[-1])):
            return ~expected
        if not self._weekends_open:
            expected &= _weekday(days) < _SATURDAY
        for day in np.unique(days):
            if is_holiday(date(1970, 1, 1) + timedelta(days=int(day))):
                expected &= days != day
        if self._many_days:
            expected &= self._open_slots[stamps % DAY // self._seconds]
        elif self._seconds < DAY and len(stamps) * self._seconds <= _BREAK_S and _around_midnight(stamps):
            expected &= False
        return expected

    def _is_weekend(self, first: int, last: int) -> bool:
        if last - first > _LONGEST_WEEKEND_S:
            return False
        days = np.arange(first // DAY, last // DAY + 1)
        noons = days[_weekday(days) == _SATURDAY] * DAY + 12 * _HOUR
        return bool(((noons >= first) & (noons <= last + self._seconds)).any())


def is_holiday(day: date) -> bool:
    """Christmas, New Year and Good Friday, on which markets are closed nearly everywhere."""
    return (day.month, day.day) in ((12, 25), (1, 1)) or day == _easter(day.year) - timedelta(days=2)


def _easter(year: int) -> date:
    """Easter Sunday by the anonymous Gregorian algorithm (Meeus, Astronomical Algorithms, chapter 8)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = b // 4, b % 4
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = c // 4, c % 4
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _weekday(days: Times) -> Times:
    """Monday is 0; 1970-01-01 was a Thursday."""
    return (days + 3) % 7


def _around_midnight(stamps: Times) -> bool:
    times = stamps % DAY
    return bool(((times <= _BREAK_S) | (times >= DAY - _BREAK_S)).all())
