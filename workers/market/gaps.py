"""Missing bars, told apart from the hours in which a symbol does not trade (``workers.market.sessions``).

Only what lies in those hours is closed: the rest of a pause that touches a weekend is a gap. On a day that may be a
holiday only the terminal knows: what it has is filled in, what it has not was closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import DAY, MONTH, Times
from workers.market.sessions import Sessions, is_holiday

if TYPE_CHECKING:
    from app.terminal.simulated.hours import Hours

_HOUR: Final = 3600


@dataclass(frozen=True, slots=True)
class Gap:
    """Bars that are not there.

    Attributes:
        first, last: Open times of the first and the last missing bar, UTC epoch seconds.
        missing: How many are missing.
        closed: The symbol does not trade then.
        doubtful: It seems closed since the day may be a holiday; the terminal may have the bars all the same.
    """

    first: int
    last: int
    missing: int
    closed: bool
    doubtful: bool = False

    @property
    def span(self) -> tuple[int, int]:
        """Its first and its last missing opening."""
        return self.first, self.last

    @property
    def counted(self) -> str:
        """How many bars are missing, in words."""
        return f"{self.missing} bar{'s' if self.missing != 1 else ''}"

    def __str__(self) -> str:
        first, last = (datetime.fromtimestamp(moment, UTC) for moment in (self.first, self.last))
        if self.first == self.last:
            return f"{first:%Y-%m-%d %H:%M} UTC"
        return f"{first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC"


def find_gaps(times: Times, seconds: int, rule: ServerTimeRule, hours: Hours | None = None) -> list[Gap]:
    """All pauses between these bars; of one that is closed in part, the open and the doubtful part by themselves.

    Up to an hour a bar is as long as it is: pauses are those of UTC, in which no hour is left out or told twice.
    Longer bars begin where the server's clock says, so one beside a change of the clock is an hour shorter or longer.

    Args:
        times: Open times in UTC epoch seconds, ascending, each once.
        seconds: Length of a bar; months have no gaps that can be counted.
        rule: The server's clock.
        hours: Of the symbol's kind of market; None when that is not known.
    """
    if len(times) < 2 or seconds >= MONTH:
        return []
    by_server = seconds > _HOUR
    marks = rule.times_to_server(times) if by_server else times
    at = np.flatnonzero(np.diff(marks) > seconds)
    if not len(at):
        return []
    sessions = Sessions(times, seconds, rule, hours)
    found: list[Gap] = []
    for i in at:
        missing = np.arange(int(marks[i]) + seconds, int(marks[i + 1]), seconds, dtype=np.int64)
        missing = rule.times_to_utc(missing) if by_server else missing
        if not len(missing):
            continue
        expected, doubtful = sessions.expected(missing)
        parts = [
            Gap(int(part[0]), int(part[-1]), len(part), closed=closed, doubtful=closed)
            for part, closed in ((missing[expected], False), (missing[doubtful], True))
            if len(part)
        ]
        found += parts or [Gap(int(missing[0]), int(missing[-1]), len(missing), closed=True)]
    return found


def kept_gaps(entry: Mapping[str, Any], name: str) -> list[Gap]:
    """The gaps that are kept with a grade under ``lost`` or ``closed``; strange ones are left out."""
    found = entry.get(name)
    kept = [item for item in found if isinstance(item, list)] if isinstance(found, list) else []
    return [
        Gap(item[0], item[1], item[2] if len(item) > 2 else 0, closed=name == "closed", doubtful=name == "closed")
        for item in kept
        if len(item) in (2, 3) and all(isinstance(number, int) for number in item)
    ]


def trades_at(times: Times, seconds: int, rule: ServerTimeRule, moment: datetime, hours: Hours | None = None) -> bool:
    """Whether the symbol of these bars trades at a moment after them, as far as its bars tell.

    Args:
        times: Open times of closed bars in UTC epoch seconds, ascending, each once.
        seconds: Length of a bar; bars of months tell nothing, then it is taken to trade.
        rule: The server's clock.
        moment: Aware.
        hours: Of the symbol's kind of market; None when that is not known.
    """
    if not len(times) or seconds >= MONTH:
        return True
    slot_s = min(seconds, DAY)
    opened = int(rule.to_server(moment)) // slot_s * slot_s - rule.offset_s(moment)
    # The slot of this moment by itself: the pause before it may have begun with a weekend that is over now.
    expected, doubtful = Sessions(times, seconds, rule, hours).expected(np.array([opened], dtype=np.int64))
    day = datetime.fromtimestamp(rule.to_server(moment), UTC).date()
    return bool(expected[0]) or (bool(doubtful[0]) and not is_holiday(day))
