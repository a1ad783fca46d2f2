"""The four trading sessions by the clocks of their own cities, so that summer time is right in each."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, time
from functools import cache
from itertools import pairwise
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

#: Zone, opening and closing by the local clock, Monday to Friday; the closing minute is outside.
SESSIONS: Final = {
    "London": ("Europe/London", time(8), time(17)),
    "NewYork": ("America/New_York", time(8), time(17)),
    "Tokyo": ("Asia/Tokyo", time(9), time(18)),
    "Sydney": ("Australia/Sydney", time(8), time(17)),
}

_HOUR: Final = 3600
_DAY: Final = 86_400
#: Clocks change twice a year, months apart: two instants closer than this with one offset have it all the time.
_LOOK_EVERY: Final = 28 * _DAY
#: 1970-01-01 was a Thursday; Monday is 0.
_FIRST_WEEKDAY: Final = 3


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def open_sessions(moment: datetime) -> tuple[str, ...]:
    """The sessions that are open at that instant."""
    instant = np.array([int(moment.timestamp())], dtype=np.int64)
    return tuple(name for name in SESSIONS if bool(open_at(instant, (name,))[0]))


def open_at(instants: NDArray[np.int64], names: Iterable[str]) -> NDArray[np.bool_]:
    """For each instant (UTC epoch seconds, ascending), whether one of these sessions is open."""
    found = np.zeros(len(instants), dtype=np.bool_)
    for name in names:
        zone, begin, end = SESSIONS[name]
        local = instants + _offsets(instants, zone)
        days = local // _DAY
        in_day = local - days * _DAY
        working = (days + _FIRST_WEEKDAY) % 7 < 5
        found |= working & (in_day >= begin.hour * _HOUR) & (in_day < end.hour * _HOUR)
    return found


def _offsets(instants: NDArray[np.int64], zone: str) -> NDArray[np.int64]:
    """Seconds that the local clock is ahead of UTC at each instant."""
    if len(instants) == 0:
        return np.zeros(0, dtype=np.int64)
    first, last = int(instants[0]) // _HOUR * _HOUR, (int(instants[-1]) // _HOUR + 1) * _HOUR
    marks = [*range(first, last, _LOOK_EVERY), last]
    changes, offsets = [first], [_offset(zone, first)]
    for begin, end in pairwise(marks):
        if _offset(zone, begin) != _offset(zone, end):
            changes.append(_change(zone, begin, end))
            offsets.append(_offset(zone, end))
    places = np.searchsorted(np.array(changes), instants, side="right") - 1
    return np.array(offsets, dtype=np.int64)[np.maximum(places, 0)]


def _change(zone: str, begin: int, end: int) -> int:
    """The hour in between at which the offset changes."""
    old = _offset(zone, begin)
    while end - begin > _HOUR:
        middle = begin + (end - begin) // (2 * _HOUR) * _HOUR
        begin, end = (middle, end) if _offset(zone, middle) == old else (begin, middle)
    return end


@cache
def _offset_of_hour(zone: str, hour: int) -> int:
    offset = datetime.fromtimestamp(hour * _HOUR, UTC).astimezone(_zone(zone)).utcoffset()
    return int(offset.total_seconds()) if offset is not None else 0


def _offset(zone: str, instant: int) -> int:
    return _offset_of_hour(zone, instant // _HOUR)
