"""The clock of the trade server, and the way from it to UTC.

MetaTrader stamps ticks and bars with the server's wall clock as if it were an epoch number. Most brokers let
their day end with New York's (17:00), which makes their clock GMT+2 in winter and GMT+3 in summer, changing
with the United States. Others change with Europe, or never.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np

from app.errors import UserAction
from app.terminal.timeframes import Times

AUTO = "auto"
NEW_YORK = "GMT+2/+3 New York"
EUROPE = "GMT+2/+3 Europe"

Change = Literal["none", "us", "eu", "zone"]

_CHANGING = re.compile(r"GMT([+-]\d{1,2})/([+-]\d{1,2})\s+(New York|Europe)", re.IGNORECASE)
_FIXED = re.compile(r"(?:GMT|UTC)\s*(?:([+-])(\d{1,2})(?::?(\d{2}))?)?", re.IGNORECASE)
# A quote is fresh when it is this close to a whole quarter of an hour from UTC.
_FRESH_S = 5
_STEP_S = 1800
# Where the clocks of brokers are found, in seconds from UTC.
_LEAST_OFFSET, _GREATEST_OFFSET = -6 * 3600, 9 * 3600
_HOUR = 3600
_MOST_H = 14


class ServerTimeRule:
    """How the server's clock differs from UTC, through all clock changes.

    Args:
        name: ``GMT+2/+3 New York`` or ``GMT+2/+3 Europe`` (offset in winter and in summer, and whose dates the changes
            follow), ``UTC``, ``UTC-5``, ``GMT+3``, ``GMT+5:30``, or the name of a zone such as ``Europe/Athens``.
            ``auto`` means New York's until bars and quotes say otherwise.

    Raises:
        UserAction: The name is none of these.

    Thread: immutable, may be used from any thread.
    """

    def __init__(self, name: str) -> None:
        self.name = NEW_YORK if name.strip().lower() in {"", AUTO} else name.strip()
        self._change: Change
        self._change, self._base = _parse(self.name)

    def offset_s(self, moment: datetime) -> int:
        """Seconds by which the server's clock is ahead of UTC at ``moment`` (aware)."""
        instants, offsets = self._changes(moment.year, moment.year)
        return int(offsets[np.searchsorted(instants, moment.timestamp(), side="right")])

    def to_server(self, moment: datetime) -> float:
        """``moment`` (aware) as the server would stamp it: seconds since 1970 on its own clock."""
        return moment.timestamp() + self.offset_s(moment)

    def to_utc(self, server_s: float) -> datetime:
        """A stamp of the server as an aware UTC time. In the hour that exists twice, the first is meant."""
        year = datetime.fromtimestamp(server_s, UTC).year
        instants, offsets = self._changes(year, year)
        offset = int(offsets[np.searchsorted(instants + offsets[:-1], server_s, side="right")])
        return datetime.fromtimestamp(server_s - offset, UTC)

    def times_to_utc(self, server_times: Times) -> Times:
        """Many stamps of the server as UTC epoch seconds; a new array of the same length."""
        return server_times - self._offsets(server_times, stamped_by_server=True)

    def times_to_server(self, utc_times: Times) -> Times:
        """Many UTC epoch seconds as the server would stamp them; a new array of the same length."""
        return utc_times + self._offsets(utc_times, stamped_by_server=False)

    def _offsets(self, times: Times, *, stamped_by_server: bool) -> Times:
        if not times.size:
            return np.zeros(0, dtype=np.int64)
        first, last = (datetime.fromtimestamp(int(t), UTC).year for t in (times.min(), times.max()))
        instants, offsets = self._changes(first, last)
        if stamped_by_server:
            instants = instants + offsets[:-1]
        return offsets[np.searchsorted(instants, times, side="right")]

    def _changes(self, first_year: int, last_year: int) -> tuple[Times, Times]:
        """Instants of change (UTC epoch seconds) around these years, and the offsets before, between and after."""
        return _changes(self._change, self._base, self.name if self._change == "zone" else "", first_year, last_year)


class ServerClock:
    """The rule in force, and what quotes say about it when nobody named one.

    With ``auto`` the New York rule is assumed until one is adopted that was learned from this server. Two fresh quotes
    in a row that disagree with the rule replace it by one that agrees. Quotes of the weekend say nothing.

    Attributes:
        confirmed: The rule was named in the settings, or a fresh quote agreed with it.
        automatic: Nobody named a rule.

    Thread: ``observe`` is for the session's thread; ``rule`` and ``confirmed`` may be read from any.
    """

    def __init__(self, name: str) -> None:
        self.rule = ServerTimeRule(name)
        self.confirmed = name.strip().lower() not in {"", AUTO}
        self.automatic = not self.confirmed
        self._suspect: tuple[int, float] | None = None

    def adopt(self, name: str) -> None:
        """Take a rule that was learned elsewhere; quotes may still overrule it. One named in the settings stays.

        Raises:
            UserAction: It is no rule.
        """
        rule = ServerTimeRule(name)
        if self.automatic and rule.name != self.rule.name:
            self.rule = rule
            self.confirmed = False
            self._suspect = None

    def observe(self, tick_server_s: float, now: datetime) -> bool:
        """Compare a quote's stamp with the time at which it was read; return whether the rule was replaced."""
        if not self.automatic:
            return False
        offset = fresh_offset(tick_server_s, now)
        if offset is None:
            return False
        if offset == self.rule.offset_s(now):
            self.confirmed = True
            self._suspect = None
            return False
        if self._suspect is None or self._suspect[0] != offset:
            self._suspect = (offset, tick_server_s)
            return False
        if self._suspect[1] == tick_server_s:
            return False  # the same quote twice is one observation
        self.rule = rule_for_offset(offset, now)
        self.confirmed = True
        self._suspect = None
        return True


def fresh_offset(tick_server_s: float, now: datetime) -> int | None:
    """Seconds by which a fresh quote's clock is ahead of UTC; None when the quote may be an old one."""
    # Friday 22:00 to Sunday 21:00 UTC: what is quoted then may have stood for hours.
    hours = (now.weekday() * 24 + now.hour) % 168
    if 4 * 24 + 22 <= hours < 6 * 24 + 21:
        return None
    ahead = tick_server_s - now.timestamp()
    offset = round(ahead / _STEP_S) * _STEP_S
    if abs(ahead - offset) > _FRESH_S or not _LEAST_OFFSET <= offset <= _GREATEST_OFFSET:
        return None
    return offset


def rule_for_offset(offset_s: int, now: datetime) -> ServerTimeRule:
    """The most usual rule that is ``offset_s`` ahead of UTC at ``now``."""
    for name in (NEW_YORK, EUROPE):
        rule = ServerTimeRule(name)
        if rule.offset_s(now) == offset_s:
            return rule
    sign, minutes = ("-" if offset_s < 0 else "+"), abs(offset_s) // 60
    return ServerTimeRule(f"UTC{sign}{minutes // 60}:{minutes % 60:02d}")


def _parse(name: str) -> tuple[Change, int]:
    """How the clock changes, and its offset outside of summer time in seconds."""
    changing = _CHANGING.fullmatch(name)
    if changing and int(changing[2]) == int(changing[1]) + 1 and abs(int(changing[1])) <= _MOST_H:
        return ("us" if changing[3].casefold() == "new york" else "eu"), int(changing[1]) * _HOUR
    if name.upper() == "EST":
        return "none", -5 * _HOUR
    fixed = _FIXED.fullmatch(name)
    if fixed:
        sign, hours, minutes = fixed.groups()
        seconds = int(hours or 0) * _HOUR + int(minutes or 0) * 60
        return "none", -seconds if sign == "-" else seconds
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # rarely needed: most brokers follow a rule above

    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f"The server time {name!r} (terminal.server_time) is neither a rule nor a time zone."
        advice = f"Use auto, {NEW_YORK!r}, {EUROPE!r}, an offset such as UTC+3, or a zone such as Europe/Athens."
        raise UserAction(msg, advice=advice) from error
    return "zone", 0


@lru_cache(maxsize=32)
def _changes(change: Change, base: int, zone: str, first_year: int, last_year: int) -> tuple[Times, Times]:
    years = range(first_year - 1, last_year + 2)
    if change == "none":
        return np.zeros(0, dtype=np.int64), np.array([base], dtype=np.int64)
    if change == "zone":
        return _zone_changes(zone, years)
    instants: list[int] = []
    offsets = [base]
    for year in years:
        summer, winter = _us_summer(year) if change == "us" else _eu_summer(year)
        instants += [int(summer.timestamp()), int(winter.timestamp())]
        offsets += [base + _HOUR, base]
    return np.array(instants, dtype=np.int64), np.array(offsets, dtype=np.int64)


def _us_summer(year: int) -> tuple[datetime, datetime]:
    """Begin and end of summer time in New York, in UTC: at 2:00 on its wall clock."""
    if year >= 2007:
        begin, end = _sunday(year, 3, 2), _sunday(year, 11, 1)
    else:
        begin, end = _sunday(year, 4, 1), _sunday(year, 11, 1) - timedelta(days=7)
    return begin + timedelta(hours=7), end + timedelta(hours=6)


def _eu_summer(year: int) -> tuple[datetime, datetime]:
    """Begin and end of summer time in Europe, in UTC: the last Sundays of March and October at 1:00."""
    one_week, hour = timedelta(days=7), timedelta(hours=1)
    return _sunday(year, 4, 1) - one_week + hour, _sunday(year, 11, 1) - one_week + hour


def _sunday(year: int, month: int, nth: int) -> datetime:
    first = datetime(year, month, 1, tzinfo=UTC)
    return first + timedelta(days=(6 - first.weekday()) % 7 + 7 * (nth - 1))


def _zone_changes(zone: str, years: range) -> tuple[Times, Times]:
    """Look at every day of the years and close in on the second of each change."""
    from zoneinfo import ZoneInfo

    info = ZoneInfo(zone)

    def offset(instant: int) -> int:
        ahead = datetime.fromtimestamp(instant, info).utcoffset()
        return int(ahead.total_seconds()) if ahead is not None else 0

    day = int(datetime(years[0], 1, 1, tzinfo=UTC).timestamp())
    end = int(datetime(years[-1] + 1, 1, 1, tzinfo=UTC).timestamp())
    instants: list[int] = []
    offsets = [offset(day)]
    while day < end:
        if offset(day + 86_400) != offsets[-1]:
            low, high = day, day + 86_400
            while high - low > 1:
                middle = (low + high) // 2
                low, high = (middle, high) if offset(middle) == offsets[-1] else (low, middle)
            instants.append(high)
            offsets.append(offset(high))
        day += 86_400
    return np.array(instants, dtype=np.int64), np.array(offsets, dtype=np.int64)
