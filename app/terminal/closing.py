"""When bars are over, in UTC: by the clock of the trade server, on which days and quarters of days are counted."""

from __future__ import annotations

from typing import Final

import numpy as np

from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import MONTH, Times, bar_starts

_HOUR: Final = 3600
_HALF_DAY: Final = 43_200


def closing_times(times: Times, seconds: int, server: ServerTimeRule | None = None) -> Times:
    """When bars that opened at ``times`` are over: the first instant at which the server's clock has left each.

    On the night of a clock change a bar of more than an hour is an hour longer or shorter than it is called. Bars of
    up to an hour never are: they begin anew where the clock is set back.

    Args:
        times: Openings, UTC epoch seconds.
        seconds: Nominal length of a bar.
        server: The rule of the server's clock; without one every bar is as long as it is called.
    """
    if seconds >= MONTH:
        return _months(times, server)
    if server is None or seconds <= _HOUR or not times.size:
        return times + seconds
    return _first_instant(_stamps(times, seconds, server) + seconds, server)


def _stamps(times: Times, seconds: int, server: ServerTimeRule) -> Times:
    """What the server called the bars. One that is called by an hour which its clock left out stands an hour too early
    in UTC: of the two readings that of the whole bar is meant."""
    stamps = server.times_to_server(times)
    later = server.times_to_server(times + _HOUR) - _HOUR
    left_out = (later > stamps) & (bar_starts(stamps, seconds) != stamps) & (bar_starts(later, seconds) == later)
    found: Times = np.where(left_out, later, stamps)
    return found


def _first_instant(stamps: Times, server: ServerTimeRule) -> Times:
    """When the server's clock first shows each of these stamps, or passes one that it leaves out."""
    found = server.times_to_utc(stamps)
    left_out: Times = np.maximum(stamps - server.times_to_server(found), 0)
    return found + left_out


def _months(times: Times, server: ServerTimeRule | None) -> Times:
    """Months differ in length: theirs end where the next calendar month of the server begins. Half a day forgives a
    clock that is not the server's."""
    stamps = times if server is None else server.times_to_server(times)
    middle = (stamps + _HALF_DAY).astype("datetime64[s]").astype("datetime64[M]")
    begin, end = (month.astype("datetime64[s]").astype(np.int64) for month in (middle, middle + np.timedelta64(1, "M")))
    closings: Times = end + (stamps - begin)
    return closings if server is None else _first_instant(closings, server)
