"""When a symbol trades: weekly sessions on the market's clock, holidays, and the news that move it.

The market's clock is New York's plus seven hours, so that a day ends with New York's (17:00): what most brokers'
servers show. Crypto currencies know no clock change; theirs is UTC+2 all year.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from app.terminal.simulated.holidays import CLOSED, Calendar, nth_weekday, short_days
from app.terminal.timeframes import DAY, MINUTE

Days = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

MINUTES = DAY // MINUTE
# The clock of the markets, and of those that never close; names of ServerTimeRule.
MARKET_CLOCK = "GMT+2/+3 New York"
STEADY_CLOCK = "UTC+2"
_WEDNESDAY, _THURSDAY, _FRIDAY = 2, 3, 4
_FED_MONTHS = (1, 3, 5, 6, 7, 9, 11, 12)
_ECB_MONTHS = (1, 3, 4, 6, 7, 9, 10, 12)


@dataclass(frozen=True, slots=True)
class Hours:
    """Sessions of a week.

    Attributes:
        weekday: Sessions of Monday to Friday: first minute and the minute after the last.
        always: Weekends are like weekdays.
        calendar: Whose holidays are kept.
    """

    weekday: tuple[tuple[int, int], ...]
    always: bool = False
    calendar: Calendar = "forex"

    @property
    def clock(self) -> str:
        """The name of the rule of the clock on which the sessions are told."""
        return STEADY_CLOCK if self.always else MARKET_CLOCK

    def sessions(self, weekday: int) -> tuple[tuple[int, int], ...]:
        """Sessions of a weekday (0 Monday), in minutes of the day."""
        return self.weekday if self.always or weekday <= _FRIDAY else ()


FOREX = Hours(((0, MINUTES),))
METALS = Hours(((60, MINUTES),), calendar="metals")
US_INDEX = Hours(((60, 23 * 60 + 15), (23 * 60 + 30, MINUTES)), calendar="us")
EU_INDEX = Hours(((75, 23 * 60),), calendar="eu")
ALWAYS = Hours(((0, MINUTES),), always=True, calendar="none")


def open_days(days: Days, hours: Hours) -> Mask:
    """Which days (since 1970) have any trading."""
    if hours.always:
        return np.ones(len(days), dtype=np.bool_)
    trading: Mask = (days + 3) % 7 <= _FRIDAY
    shorter = _short(days, hours.calendar)
    closed = [day for day, minute in shorter.items() if minute == CLOSED]
    return trading & ~np.isin(days, closed) if closed else trading


def open_minutes(days: Days, hours: Hours) -> Mask:
    """Which minutes of trading days have trading; shape (days, 1440)."""
    mask = np.repeat(_weekday_mask(hours)[None, :], len(days), axis=0)
    for day, minute in _short(days, hours.calendar).items():
        mask[days == day, minute:] = False
    return mask


def is_open(moment: int, hours: Hours) -> bool:
    """Whether there is trading at ``moment``, seconds on the market's clock."""
    days = np.array([moment // DAY], dtype=np.int64)
    return bool(open_days(days, hours)[0]) and bool(open_minutes(days, hours)[0, moment % DAY // MINUTE])


@dataclass(frozen=True, slots=True)
class Release:
    """News on a day: at which minute, of which currency, how strong (spread and moves are so many times larger)."""

    day: int
    minute: int
    currency: str
    strength: float


def releases(days: Days) -> list[Release]:
    """News on these days: American employment and prices at 8:30 in New York, the Fed at 14:00, the ECB at 8:15.

    The days are rules of thumb (first Friday, second Wednesday ...), not those of any year's real calendar.
    """
    if not len(days):
        return []
    first, last = (int(years) for years in _years(days))
    wanted = set(days.tolist())
    return [release for year in range(first, last + 1) for release in _releases_of(year) if release.day in wanted]


@lru_cache(maxsize=64)
def _releases_of(year: int) -> tuple[Release, ...]:
    found = []
    for month in range(1, 13):
        found.append(Release(nth_weekday(year, month, _FRIDAY, 1), 930, "USD", 6.0))
        found.append(Release(nth_weekday(year, month, _WEDNESDAY, 2), 930, "USD", 4.0))
        if month in _FED_MONTHS:
            found.append(Release(nth_weekday(year, month, _WEDNESDAY, 3), 1260, "USD", 5.0))
        if month in _ECB_MONTHS:
            found.append(Release(nth_weekday(year, month, _THURSDAY, 2), 915, "EUR", 3.5))
    return tuple(sorted(found, key=lambda release: (release.day, release.minute)))


def _short(days: Days, calendar: Calendar) -> dict[int, int]:
    """Days with less trading, of the years of ``days``."""
    if calendar == "none" or not len(days):
        return {}
    first, last = _years(days)
    return {day: minute for year in range(first, last + 1) for day, minute in short_days(calendar, year).items()}


def _years(days: Days) -> tuple[int, int]:
    edges = np.array([days.min(), days.max()]).astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970
    return int(edges[0]), int(edges[1])


@lru_cache(maxsize=16)
def _weekday_mask(hours: Hours) -> Mask:
    mask = np.zeros(MINUTES, dtype=np.bool_)
    for first, end in hours.weekday:
        mask[first:end] = True
    mask.setflags(write=False)
    return mask
