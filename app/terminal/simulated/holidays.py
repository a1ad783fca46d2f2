"""Days on which a market is closed or closes early, from the rules of its exchange.

Rules: New York Stock Exchange (nyse.com, holidays and trading hours) for the American indices, Xetra (xetra.com,
trading calendar) for the German one, and what brokers of currencies and metals usually announce.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache
from typing import Literal

Calendar = Literal["none", "forex", "metals", "us", "eu"]

CLOSED = 0
_EPOCH = date(1970, 1, 1).toordinal()
_MONDAY, _THURSDAY = 0, 3
_METALS_EARLY, _CHRISTMAS_EVE, _US_EARLY = 21 * 60 + 30, 20 * 60 + 45, 20 * 60


@lru_cache(maxsize=512)
def short_days(calendar: Calendar, year: int) -> dict[int, int]:
    """Days since 1970 with the minute of the day (of the market's clock) at which they end; 0: no trading at all."""
    if calendar == "none":
        return {}
    shorter = {date(year, 1, 1): CLOSED, date(year, 12, 25): CLOSED}
    good_friday = easter(year) - timedelta(days=2)
    thanksgiving = _nth(year, 11, _THURSDAY, 4)
    if calendar != "forex":
        shorter[good_friday] = CLOSED
    if calendar == "metals":
        shorter |= {thanksgiving: _METALS_EARLY, date(year, 12, 24): _CHRISTMAS_EVE}
    elif calendar == "us":
        mondays = (_nth(year, 1, _MONDAY, 3), _nth(year, 2, _MONDAY, 3), _last(year, 5, _MONDAY), _nth(year, 9, 0, 1))
        early = (*mondays, thanksgiving, date(year, 6, 19), date(year, 7, 4), date(year, 12, 24))
        shorter |= dict.fromkeys(early, _US_EARLY)
    elif calendar == "eu":
        closed = (good_friday + timedelta(days=3), date(year, 5, 1), *(date(year, 12, day) for day in (24, 26, 31)))
        shorter |= dict.fromkeys(closed, CLOSED)
    return {day.toordinal() - _EPOCH: minute for day, minute in shorter.items()}


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm, Meeus, Astronomical Algorithms, ch. 8)."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    i = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    m = (a + 11 * h + 22 * i) // 451
    month, day = divmod(h + i - 7 * m + 114, 31)
    return date(year, month, day + 1)


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _last(year: int, month: int, weekday: int) -> date:
    last = date(year, month + 1, 1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> int:
    """The day since 1970 that is the ``nth`` such weekday (0 Monday) of a month."""
    return _nth(year, month, weekday, nth).toordinal() - _EPOCH
