"""The 21 timeframes of MetaTrader 5 and the borders of their bars."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from app.errors import UserAction

Times = npt.NDArray[np.int64]

MINUTE = 60
DAY = 86_400
WEEK = 7 * DAY
MONTH = 30 * DAY  # nominal: real months are told from the calendar
# 1970-01-01 was a Thursday; weeks of bars begin on Sunday.
_FIRST_SUNDAY = 3 * DAY


class Timeframe(NamedTuple):
    """One timeframe: the module's constant and the length of a bar in seconds (a month counts 30 days)."""

    constant: int
    seconds: int


TIMEFRAMES: dict[str, Timeframe] = {
    **{f"M{n}": Timeframe(n, n * MINUTE) for n in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30)},
    **{f"H{n}": Timeframe(0x4000 | n, n * 3600) for n in (1, 2, 3, 4, 6, 8, 12)},
    "D1": Timeframe(0x4018, DAY),
    "W1": Timeframe(0x8001, WEEK),
    "MN1": Timeframe(0xC001, MONTH),
}
SECONDS_BY_CONSTANT: dict[int, int] = {frame.constant: frame.seconds for frame in TIMEFRAMES.values()}


def timeframe(name: str) -> Timeframe:
    """The timeframe called ``name`` (``M5``, ``H1``, ``D1`` ...).

    Raises:
        UserAction: There is no such timeframe.
    """
    try:
        return TIMEFRAMES[name]
    except KeyError:
        msg = f"There is no timeframe called {name!r}."
        raise UserAction(msg, advice=f"Use one of {', '.join(TIMEFRAMES)}.") from None


def bar_starts(times: Times, seconds: int) -> Times:
    """The open time of the bar that holds each of ``times`` (epoch seconds on the clock of the bars)."""
    if seconds <= DAY:
        return times - times % seconds
    if seconds == WEEK:
        return times - (times - _FIRST_SUNDAY) % WEEK
    months = times.astype("datetime64[s]").astype("datetime64[M]")
    return months.astype("datetime64[s]").astype(np.int64)


def bar_start(moment: int, seconds: int) -> int:
    """The open time of the bar that holds ``moment``."""
    if seconds <= DAY:
        return moment - moment % seconds
    return int(bar_starts(np.array([moment], dtype=np.int64), seconds)[0])


def bar_end(start: int, seconds: int) -> int:
    """The instant at which the bar that opened at ``start`` is over."""
    if seconds < MONTH:
        return start + seconds
    return bar_start(start + 32 * DAY, MONTH)
