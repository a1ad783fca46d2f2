"""Missing bars, told apart from the hours in which a symbol does not trade.

The terminal does not tell sessions, so they are read from the bars themselves, on the server's clock:

- a pause around Saturday noon is the weekend, unless the symbol trades on Saturdays (they have a quarter of the bars of
  other days, or more);
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
from app.terminal.timeframes import DAY, MONTH, WEEK, Times

_HOUR: Final = 3600
_LONGEST_WEEKEND_S: Final = 5 * DAY
_BREAK_S: Final = 2 * _HOUR
_ENOUGH_DAYS: Final = 5
_SATURDAY: Final = 5
#: 1970-01-03 was a Saturday.
_SATURDAY_NOON: Final = 2 * DAY + 12 * _HOUR
#: A Saturday with fewer bars than this share of another day is none of trading: some bars fell on it by a clock that
#: was set wrong, or by the prices of a dealer's weekend.
_SATURDAY_SHARE: Final = 0.25
#: Missing bars that are looked at together.
_AT_ONCE: Final = 1_000_000


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
    counts = (steps[at] - 1) // seconds
    found: list[Gap] = []
    # Many pauses at once, as long as the bars that are missing in them stay few.
    borders = np.cumsum(counts) // _AT_ONCE
    for piece in np.split(np.arange(len(at)), np.flatnonzero(np.diff(borders)) + 1):
        found += _gaps(stamps[at[piece]] + seconds, counts[piece], seconds, rule, sessions)
    return found


def _gaps(firsts: Times, counts: Times, seconds: int, rule: ServerTimeRule, sessions: _Sessions) -> list[Gap]:
    """Pauses that begin with these missing bars, each with so many of them; all on the server's clock."""
    begins = np.cumsum(counts) - counts
    missing = np.repeat(firsts, counts) + seconds * (np.arange(int(counts.sum())) - np.repeat(begins, counts))
    expected = sessions.expected(missing, begins)
    open_ones = np.add.reduceat(expected.astype(np.int64), begins)
    places = np.arange(len(missing))
    earliest = np.minimum.reduceat(np.where(expected, places, len(missing)), begins)
    latest = np.maximum.reduceat(np.where(expected, places, -1), begins)
    closed = open_ones == 0
    first = rule.times_to_utc(missing[np.where(closed, begins, earliest)])
    last = rule.times_to_utc(missing[np.where(closed, begins + counts - 1, latest)])
    numbers = np.where(closed, counts, open_ones)
    columns = (column.tolist() for column in (first, last, numbers, closed))
    return [Gap(*row) for row in zip(*columns, strict=True)]


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
        weekdays = _weekday(days)
        saturdays, others = int((weekdays == _SATURDAY).sum()), int((weekdays < _SATURDAY).sum())
        self._weekends_open = saturdays > 0 and saturdays * 5 >= _SATURDAY_SHARE * others
        traded = _once(days)
        self._many_days = len(traded) >= _ENOUGH_DAYS and seconds < DAY
        if self._many_days:
            a_day = DAY // seconds
            # Each slot of a day once; a sort is needed only where a change of the clock took an hour back.
            slots = _once(days * a_day + stamps % DAY // seconds) % a_day
            share = np.bincount(slots, minlength=a_day) / len(traded)
            self._open_slots = share >= 0.5

    def expected(self, stamps: Times, begins: Times | None = None) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which of the bars of pauses should be there.

        Args:
            stamps: The missing bars of one pause after the other.
            begins: Where each pause begins among them; None: they are of one.
        """
        begins = np.zeros(1, dtype=np.int64) if begins is None else begins
        lengths = np.diff(begins, append=len(stamps))
        days = stamps // DAY
        expected = np.ones(len(stamps), dtype=np.bool_)
        if not self._weekends_open:
            expected &= ~np.repeat(self._are_weekends(stamps[begins], stamps[begins + lengths - 1]), lengths)
            expected &= _weekday(days) < _SATURDAY
        for day in np.unique(days[expected]).tolist():
            if is_holiday(date(1970, 1, 1) + timedelta(days=day)):
                expected &= days != day
        if self._many_days:
            expected &= self._open_slots[stamps % DAY // self._seconds]
        elif self._seconds < DAY:
            short = lengths * self._seconds <= _BREAK_S
            at_midnight = np.logical_and.reduceat(_near_midnight(stamps), begins)
            expected &= ~np.repeat(short & at_midnight, lengths)
        return expected

    def _are_weekends(self, firsts: Times, lasts: Times) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which pauses lie around a Saturday's noon and are not too long for a weekend."""
        noons = firsts + (_SATURDAY_NOON - firsts) % WEEK
        around = (noons <= lasts + self._seconds) & (noons // DAY <= lasts // DAY)
        weekends: np.ndarray[tuple[int], np.dtype[np.bool_]] = around & (lasts - firsts <= _LONGEST_WEEKEND_S)
        return weekends


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


def _once(values: Times) -> Times:
    """Each value once; those that stand in order, as times do, need no sort."""
    steps = np.diff(values)
    if (steps >= 0).all():
        return values[np.concatenate(([True], steps > 0))]
    return np.unique(values)


def _weekday(days: Times) -> Times:
    """Monday is 0; 1970-01-01 was a Thursday."""
    return (days + 3) % 7


def _near_midnight(stamps: Times) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    times = stamps % DAY
    near: np.ndarray[tuple[int], np.dtype[np.bool_]] = (times <= _BREAK_S) | (times >= DAY - _BREAK_S)
    return near
