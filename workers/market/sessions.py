"""When a symbol trades, learnt from its bars: daily breaks, weekends, and the days that may be holidays.

The terminal's module tells no sessions. What is learnt, on the clock that its weekends keep best (the server's, New
York's or Europe's, so that a change of clocks moves nothing):

- a weekend is the pause around Saturday noon; it ends and begins where those of the nearest eight other weekends do
  (their median; of one or two, the shortest pause, since a hole can only lengthen one). Without any other weekend, the
  hours of the symbol's kind of market count, and currencies' for a kind that is not known, with some doubt about the
  first and the last hour (four hours of an unknown kind);
- a symbol that trades through most Saturday noons has no weekend;
- a time of the day at which fewer than half of the days have bars is the daily break.

Holidays differ from broker to broker, so the days on which some market closes, or closes early, are doubtful too: only
the terminal can say whether a bar is missing there.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.terminal.server_time import EUROPE, NEW_YORK, ServerTimeRule
from app.terminal.simulated.holidays import Calendar, easter, short_days
from app.terminal.simulated.hours import Hours
from app.terminal.timeframes import DAY, Times
from workers.order import once

Mask = NDArray[np.bool_]

_HOUR: Final = 3600
_WEEK: Final = 7 * DAY
#: Saturday 12:00 of the first week of 1970, which began on a Thursday.
_NOON: Final = 2 * DAY + 12 * _HOUR
_LONGEST_WEEKEND_S: Final = 5 * DAY
_REFERENCES: Final = 8
_BREAK_S: Final = 2 * _HOUR
_ENOUGH_DAYS: Final = 5
_FRIDAY: Final = 4
_SATURDAY: Final = 5
_NOVEMBER: Final = 11
#: First and last quotes of a week come some minutes late or early.
_SLACK_S: Final = 15 * 60
_CALENDARS: Final[tuple[Calendar, ...]] = ("metals", "us", "eu")
_CLOCKS: Final = (NEW_YORK, EUROPE)
_NEW_YORK: Final = ServerTimeRule(NEW_YORK)
_EARLY: Final = ((12, 24), (12, 26), (12, 31), (1, 2))


class Sessions:
    """When the symbol of these bars trades.

    Args:
        times: Open times of its bars in UTC epoch seconds, ascending, each once; at least one.
        seconds: Length of a bar.
        rule: The server's clock.
        hours: Of its kind of market; None when that is not known.
    """

    def __init__(self, times: Times, seconds: int, rule: ServerTimeRule, hours: Hours | None = None) -> None:
        self._seconds = seconds
        self._hours = hours
        self._clock, self._weekends = _clock_of(times, seconds, rule, hours)
        stamps = self._clock.times_to_server(times)
        self._always = _trades_on_saturdays(stamps, hours)
        days = stamps // DAY
        traded = once(days)
        self._many_days = len(traded) >= _ENOUGH_DAYS and seconds < DAY
        # Looked up for each pause, of which a year of minutes has thousands.
        self._ends: dict[int, tuple[int, int, int]] = {}
        self._doubted: dict[int, bool] = {}
        if self._many_days:
            a_day = -(-DAY // seconds)
            # Each slot of a day once; a sort is needed only where a change of the clock took an hour back.
            slots = once(days * a_day + stamps % DAY // seconds) % a_day
            self._open_slots: Mask = np.bincount(slots, minlength=a_day) / len(traded) >= 0.5

    def expected(self, times: Times) -> tuple[Mask, Mask]:
        """Which of the bars of one pause should be there, and of which only the terminal knows.

        Args:
            times: Open times that follow each other, in UTC epoch seconds.
        """
        if self._seconds > DAY:
            return np.ones(len(times), dtype=np.bool_), np.zeros(len(times), dtype=np.bool_)
        stamps = self._clock.times_to_server(times)
        open_: Mask = np.ones(len(times), dtype=np.bool_)
        doubtful = self._may_be_holiday(times, stamps)
        if not self._always:
            closed, edge = self._in_weekend(stamps)
            open_ &= ~closed
            doubtful |= edge
        if self._many_days:
            open_ &= self._open_slots[stamps % DAY // self._seconds]
        elif self._seconds < DAY and len(times) * self._seconds <= _BREAK_S and _around_midnight(stamps):
            open_ &= False
        elif self._hours is not None and not self._hours.always and self._seconds < DAY:
            open_ &= _in_sessions(stamps, self._hours)
        doubtful = _with_neighbours(open_ & doubtful, _BREAK_S // self._seconds)
        return open_ & ~doubtful, open_ & doubtful

    def _in_weekend(self, stamps: Times) -> tuple[Mask, Mask]:
        """Which are in a weekend, and which near an end of one that nothing tells for certain."""
        inside: Mask = np.zeros(len(stamps), dtype=np.bool_)
        edge: Mask = np.zeros(len(stamps), dtype=np.bool_)
        if self._seconds == DAY:
            return _weekday(stamps // DAY) >= _SATURDAY, edge
        first, last = int(stamps[0]), int(stamps[-1])
        for noon in _noons(first - _LONGEST_WEEKEND_S, last + _LONGEST_WEEKEND_S):
            closes, opens, doubt = self._weekend(noon)
            # The pause may begin a little early and end a little late.
            if 0 <= closes - first <= _SLACK_S:
                closes = first
            if 0 <= last + self._seconds - opens <= _SLACK_S:
                opens = last + self._seconds
            inside |= (stamps + self._seconds > closes) & (stamps < opens)
            edge |= (stamps + self._seconds > closes - doubt) & (stamps < opens + doubt)
        return inside, edge

    def _weekend(self, noon: int) -> tuple[int, int, int]:
        """From when to when the symbol is closed around this Saturday noon, and how far off that may be."""
        found = self._ends.get(noon)
        if found is None:
            found = self._ends[noon] = self._learnt_weekend(noon)
        return found

    def _learnt_weekend(self, noon: int) -> tuple[int, int, int]:
        others = self._weekends[self._weekends[:, 0] != noon]
        if not len(others):
            if self._hours is None or self._hours.always:
                return noon - 12 * _HOUR, noon + 36 * _HOUR, 4 * _HOUR
            sessions = self._hours.weekday
            closes = noon - 12 * _HOUR - (DAY - sessions[-1][1] * 60)
            return closes, noon + 36 * _HOUR + sessions[0][0] * 60, _HOUR
        near = others[np.argsort(np.abs(others[:, 0] - noon), kind="stable")[:_REFERENCES]]
        if len(near) <= 2:
            return noon - int(near[:, 1].min()), noon + int(near[:, 2].min()), 0
        return noon - int(np.median(near[:, 1])), noon + int(np.median(near[:, 2])), 0

    def _may_be_holiday(self, times: Times, stamps: Times) -> Mask:
        if self._hours is not None and self._hours.always:
            return np.zeros(len(times), dtype=np.bool_)
        found: Mask = np.zeros(len(times), dtype=np.bool_)
        for days in (stamps // DAY, _NEW_YORK.times_to_server(times) // DAY):
            named = days[:1] if days[0] == days[-1] else once(days)
            for day in named.tolist():
                if self._is_doubted(day):
                    found |= days == day
        return found

    def _is_doubted(self, day: int) -> bool:
        found = self._doubted.get(day)
        if found is None:
            currency = self._hours is not None and self._hours.calendar == "forex"
            found = self._doubted[day] = may_be_holiday(_date(day), currency=currency)
        return found


def _clock_of(
    times: Times, seconds: int, rule: ServerTimeRule, hours: Hours | None
) -> tuple[ServerTimeRule, NDArray[np.int64]]:
    """The clock on which the weekends are most alike, and they on it."""
    if seconds >= DAY:
        return rule, np.zeros((0, 3), dtype=np.int64)
    usual = ServerTimeRule(hours.clock if hours is not None else NEW_YORK)
    # Several of them may be one clock: by name each is asked once, the first of them where it stood.
    clocks = {clock.name: clock for clock in (usual, rule, *map(ServerTimeRule, _CLOCKS))}
    found = [(clock, _weekends(clock.times_to_server(times), seconds)) for clock in clocks.values()]
    return max(found, key=lambda pair: _alike(pair[1]))  # the first of equals


def _weekends(stamps: Times, seconds: int) -> NDArray[np.int64]:
    """The weekends between bars: Saturday noon, seconds from the last close to it, and from it to the first opening."""
    noons = np.array(_noons(int(stamps[0]), int(stamps[-1])), dtype=np.int64)
    after = np.searchsorted(stamps, noons, side="right")
    before, after = stamps[after - 1] + seconds, stamps[np.minimum(after, len(stamps) - 1)]
    paused = (before <= noons) & (after - before <= _LONGEST_WEEKEND_S)
    return np.stack((noons, noons - before, after - noons), axis=1)[paused]


def _alike(weekends: NDArray[np.int64]) -> int:
    """How many ends of weekends lie where most do."""
    if not len(weekends):
        return 0
    ends = weekends[:, 1:]
    return int((np.abs(ends - np.median(ends, axis=0)) <= _SLACK_S).sum())


def _trades_on_saturdays(stamps: Times, hours: Hours | None) -> bool:
    noons = _noons(int(stamps[0]), int(stamps[-1]))
    if not noons:
        saturday = bool((_weekday(stamps // DAY) == _SATURDAY).any())
        return saturday or (hours is not None and hours.always)
    # A bar within the hours around noon, so that one that is missing does not make a weekend.
    near = np.searchsorted(stamps, np.array(noons) + 6 * _HOUR) > np.searchsorted(stamps, np.array(noons) - 6 * _HOUR)
    kind = hours is not None and hours.always
    return bool(near.mean() > 0.5) or (kind and bool(near.any() or len(noons) == 1))


def _noons(first: int, last: int) -> list[int]:
    """The Saturday noons from ``first`` to ``last``, on the same clock."""
    return list(range(_NOON + -(-(first - _NOON) // _WEEK) * _WEEK, last + 1, _WEEK))


def is_holiday(day: date) -> bool:
    """Christmas, New Year and Good Friday, on which markets are closed nearly everywhere."""
    return (day.month, day.day) in ((12, 25), (1, 1)) or day == easter(day.year) - timedelta(days=2)


@lru_cache(maxsize=4096)
def may_be_holiday(day: date, *, currency: bool) -> bool:
    """Whether some broker keeps a market closed on this day, or closes it early.

    Args:
        currency: The market is that of currencies, which knows no exchange's holidays.
    """
    if (day.month, day.day) in _EARLY or is_holiday(day):
        return True
    if currency:
        return False
    # What closes early on a holiday often does so on the trading day beside it too: the eve of the fourth of July, the
    # Friday after Thanksgiving.
    near = {(day - date(1970, 1, 1)).days}
    if (day.month, day.day) == (7, 3):
        return True
    if day.month == _NOVEMBER and day.weekday() == _FRIDAY:
        near.add((day - date(1970, 1, 1)).days - 1)
    return any(near & short_days(calendar, day.year).keys() for calendar in _CALENDARS)


def _with_neighbours(marked: Mask, reach: int) -> Mask:
    """Also what lies so many bars beside a marked one: after a holiday comes the break of the day."""
    if not reach or not marked.any():
        return marked
    edges: Times = np.cumsum(
        np.concatenate((np.zeros(reach + 1, dtype=np.int64), marked, np.zeros(reach, dtype=np.int64)))
    )
    near: Mask = edges[2 * reach + 1 :] > edges[: -2 * reach - 1]
    return near


def _in_sessions(stamps: Times, hours: Hours) -> Mask:
    minutes = stamps % DAY // 60
    inside: Mask = np.zeros(len(stamps), dtype=np.bool_)
    for first, end in hours.weekday:
        inside |= (minutes >= first) & (minutes < end)
    return inside


def _date(day: int) -> date:
    return date(1970, 1, 1) + timedelta(days=day)


def _weekday(days: Times) -> Times:
    """Monday is 0; 1970-01-01 was a Thursday."""
    return (days + 3) % 7


def _around_midnight(stamps: Times) -> bool:
    times = stamps % DAY
    return bool(((times <= _BREAK_S) | (times >= DAY - _BREAK_S)).all())
