"""The clock of the trade server, and the way from it to UTC.

MetaTrader stamps ticks and bars with the server's wall clock as if it were an epoch number. Most brokers let
their day end with New York's (17:00), which makes their clock GMT+2 in winter and GMT+3 in summer, changing
with the United States. Others change with Europe, or never.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

import numpy as np

from app.errors import UserAction
from app.terminal.timeframes import DAY, Times

AUTO = "auto"
NEW_YORK = "GMT+2/+3 New York"
EUROPE = "GMT+2/+3 Europe"

Change = Literal["none", "us", "eu", "zone"]

_CHANGING = re.compile(r"GMT([+-]\d{1,2})/([+-]\d{1,2})\s+(New York|Europe)", re.IGNORECASE)
_FIXED = re.compile(r"(?:GMT|UTC)\s*(?:([+-])(\d{1,2})(?::?(\d{2}))?)?", re.IGNORECASE)
# A quote is fresh when it is this close to a whole quarter of an hour from UTC.
_FRESH_S = 5
_STEP_S = 1800
# This computer's clock may be off by so much.
_CLOCK_ERROR_S = 60
# Sessions end at whole and half hours; their last quote comes a little before.
_EDGE_S = 90
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

    def to_utc_by(self, server_s: float, now: datetime) -> datetime:
        """As ``to_utc`` for a stamp made by ``now`` (aware): of two readings, the last that is not still to come."""
        first = self.to_utc(server_s)
        hour = self.told_twice(server_s)
        later = first + timedelta(seconds=hour[1] - hour[0]) if hour else first
        return later if later.timestamp() <= now.timestamp() + _CLOCK_ERROR_S else first

    def told_twice(self, server_s: float) -> tuple[int, int] | None:
        """First stamp and end of the hour that the server's clock repeats, if this stamp is in one."""
        for begins, ends in self.hours_told_twice(server_s, server_s):
            if begins <= server_s < ends:
                return begins, ends
        return None

    def hours_told_twice(self, first_s: float, last_s: float) -> tuple[tuple[int, int], ...]:
        """First stamp and end of each hour that the server's clock repeats, of all that may hold these stamps."""
        first, last = (self.to_utc(stamp).timestamp() for stamp in (first_s, last_s))
        return tuple(self._repeated(turn) for turn in self.turns_back(first, last + DAY))

    def _repeated(self, turn: int) -> tuple[int, int]:
        """Of the hour that is repeated from this instant (UTC epoch seconds) on: its first stamp and its end."""
        before, after = (self.offset_s(datetime.fromtimestamp(moment, UTC)) for moment in (turn - 1, turn))
        return turn + after, turn + before

    def ordered_to_utc(self, server_times: Times, *, each_once: bool = True) -> Times:
        """As ``times_to_utc`` for stamps in the order in which they were made.

        Their order tells the hour that exists twice apart: from where the stamps step back in it, or do not move on,
        they were made the second time. Of stamps that are there only once the first is meant.

        Args:
            each_once: No two have one time, as with bars; those of ticks stand still within a second.
        """
        utc = self.times_to_utc(server_times)
        back = np.flatnonzero(np.diff(server_times) < (1 if each_once else 0)) + 1
        if not len(back):
            return utc
        for turn in self.turns_back(float(utc.min()), float(utc.max()) + DAY):
            begins, ends = self._repeated(turn)
            twice = (server_times >= begins) & (server_times < ends)
            again = back[twice[back] & twice[back - 1]]
            if len(again):
                twice[: again[0]] = False
                utc[twice] += ends - begins
        return utc

    def times_to_utc(self, server_times: Times) -> Times:
        """Many stamps of the server as UTC epoch seconds; a new array of the same length."""
        return server_times - self._offsets(server_times, stamped_by_server=True)

    def times_to_server(self, utc_times: Times) -> Times:
        """Many UTC epoch seconds as the server would stamp them; a new array of the same length."""
        return utc_times + self._offsets(utc_times, stamped_by_server=False)

    def turns_back(self, from_s: float, to_s: float) -> tuple[int, ...]:
        """The instants (UTC epoch seconds) after ``from_s`` up to ``to_s`` at which the server's clock is set back."""
        first, last = (datetime.fromtimestamp(moment, UTC).year for moment in (from_s, to_s))
        instants, offsets = self._changes(first, last)
        back = instants[np.diff(offsets) < 0]
        return tuple(back[(back > from_s) & (back <= to_s)].tolist())

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

    With ``auto`` the New York rule is assumed until one is adopted that was learned from this server. What live quotes
    say replaces a rule that is merely assumed; against one that was learned it is noted in ``disputed``, for whoever
    learns to judge: a feed that lags by hours looks like another clock.

    A symbol's quote that moves on between two looks was made between them, which tells the offset. Two different quotes
    that are seconds old by the same offset tell it too.

    Attributes:
        confirmed: The rule was named in the settings, or live quotes agreed with it.
        automatic: Nobody named a rule.
        learned: The rule was learned from this server, not assumed.
        disputed: Seconds from UTC that live quotes show instead of what a learned rule says; None while they do not.

    Thread: ``observe`` is for the session's thread; the attributes may be read from any.
    """

    def __init__(self, name: str) -> None:
        self.rule = ServerTimeRule(name)
        self.confirmed = name.strip().lower() not in {"", AUTO}
        self.automatic = not self.confirmed
        self.learned = False
        self.disputed: int | None = None
        self._suspect: tuple[int, str, float] | None = None
        self._looks: dict[str, tuple[float, datetime]] = {}

    @property
    def known(self) -> bool:
        """Whether there is any evidence for the rule; else it is merely the usual one."""
        return self.confirmed or self.learned or not self.automatic

    def meet(self, name: str) -> None:
        """Begin anew with another server, of which this rule is known; ``auto``: nothing is.

        Raises:
            UserAction: It is no rule.
        """
        if self.automatic:
            self._looks.clear()
            self._take(ServerTimeRule(name), learned=name != AUTO)

    def adopt(self, name: str) -> None:
        """Take a rule that was learned from the present server. One named in the settings stays.

        Raises:
            UserAction: It is no rule.
        """
        rule = ServerTimeRule(name)
        if not self.automatic:
            return
        if rule.name != self.rule.name:
            self._take(rule, learned=True)
        self.learned = True
        self.disputed = None

    def observe(self, tick_server_s: float, now: datetime, symbol: str = "") -> bool:
        """Compare a quote's stamp with the time at which it was read; return whether the rule was replaced."""
        if not self.automatic:
            return False
        offset = self._offset_by(tick_server_s, now, symbol)
        if offset is None:
            return False
        self._suspect = None
        if offset == self.rule.offset_s(now):
            self.confirmed, self.disputed = True, None
            return False
        if self.learned:
            self.confirmed, self.disputed = False, offset
            return False
        self._take(rule_for_offset(offset, now), learned=False)
        self.confirmed = True
        return True

    def _take(self, rule: ServerTimeRule, *, learned: bool) -> None:
        self.rule, self.learned = rule, learned
        self.confirmed, self.disputed, self._suspect = False, None, None

    def _offset_by(self, stamp: float, now: datetime, symbol: str) -> int | None:
        """What this look tells together with the ones before; None while that is nothing."""
        before = self._looks.get(symbol)
        if before is None or before[0] != stamp:
            self._looks[symbol] = (stamp, now)
        if before is not None and stamp > before[0]:
            offset = moved_offset(stamp, before[1], now)
            if offset is not None:
                return offset
        offset = None if at_session_edge(stamp) else fresh_offset(stamp, now)
        if offset is None:
            return None
        if self._suspect is None or self._suspect[0] != offset:
            self._suspect = (offset, symbol, stamp)
            return None
        # The same quote twice is one observation.
        return offset if self._suspect[1:] != (symbol, stamp) else None


def moved_offset(stamp: float, before: datetime, now: datetime) -> int | None:
    """Seconds by which the clock of a quote is ahead of UTC that was made between two looks; None when it is open."""
    if not timedelta() < now - before <= timedelta(seconds=_STEP_S / 2):
        return None
    least, most = stamp - now.timestamp() - _CLOCK_ERROR_S, stamp - before.timestamp() + _CLOCK_ERROR_S
    offset = math.floor(most / _STEP_S) * _STEP_S
    return offset if offset >= least and _LEAST_OFFSET <= offset <= _GREATEST_OFFSET else None


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


def at_session_edge(tick_server_s: float) -> bool:
    """Whether the stamp is where sessions end: seen at a whole hour later, such a quote looks like another clock's."""
    into = tick_server_s % _STEP_S
    return into < _EDGE_S or into > _STEP_S - _EDGE_S


def rule_for_offset(offset_s: int, now: datetime) -> ServerTimeRule:
    """The most usual rule that is ``offset_s`` ahead of UTC at ``now``."""
    for name in (NEW_YORK, EUROPE):
        rule = ServerTimeRule(name)
        if rule.offset_s(now) == offset_s:
            return rule
    sign, (hours, minutes) = ("-" if offset_s < 0 else "+"), divmod(abs(offset_s) // 60, 60)
    return ServerTimeRule(f"UTC{sign}{hours}{f':{minutes:02d}' if minutes else ''}" if offset_s else "UTC")


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
