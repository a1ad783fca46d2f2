"""The four trading sessions by the clocks of their own cities, so that summer time is right in each."""

from __future__ import annotations

from datetime import datetime, time
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

#: Zone, opening and closing by the local clock, Monday to Friday; the closing minute is outside.
SESSIONS: Final = {
    "London": ("Europe/London", time(8), time(17)),
    "NewYork": ("America/New_York", time(8), time(17)),
    "Tokyo": ("Asia/Tokyo", time(9), time(18)),
    "Sydney": ("Australia/Sydney", time(8), time(17)),
}


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def open_sessions(moment: datetime) -> tuple[str, ...]:
    """The sessions that are open at that instant."""
    found = []
    for name, (zone, begin, end) in SESSIONS.items():
        local = moment.astimezone(_zone(zone))
        if local.weekday() < 5 and begin <= local.time() < end:
            found.append(name)
    return tuple(found)
