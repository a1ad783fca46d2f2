"""Which clock a file's times are on, as its weekends show it.

The market for currencies and metals closes on Friday at 17:00 in New York and opens on Sunday at 17:00 or 18:00
there, in summer and winter. So the last bar before and the first bar after each weekend tell the clock, and over a
change of the clock they tell the rule as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from app.errors import UserAction
from app.terminal.server_time import EUROPE, NEW_YORK, ServerTimeRule
from app.terminal.timeframes import DAY, WEEK, Times

#: Clocks that files are on, the usual ones first.
CANDIDATES: Final = (
    NEW_YORK,
    EUROPE,
    "UTC",
    "UTC-5",
    "America/New_York",
    "Europe/London",
    "UTC+1",
    "UTC+2",
    "UTC+3",
    "UTC+4",
    "Europe/Berlin",
    "Europe/Moscow",
    "UTC+8",
    "UTC+9",
)
#: 1970-01-05 was a Monday.
_MONDAY: Final = 4 * DAY
#: Index CFDs close at 16:15 in New York, metals open an hour after currencies and may stand still for another one.
_CLOSE_EARLIEST, _OPEN_LATEST = 50 * 60, 130 * 60
_LEAST_WEEKENDS: Final = 2
_LEAST_SHARE: Final = 0.8
#: The rest of a shorter week than this is a holiday.
_SHORTEST_GAP, _LONGEST_GAP = 36 * 3600, 80 * 3600


def clock_of(times: Times, seconds: int, first: str = "") -> tuple[ServerTimeRule | None, str]:
    """The clock that the weekends of a file show.

    Args:
        times: Open times of bars, ascending, seconds on the clock of the file.
        seconds: Length of a bar.
        first: A clock that is preferred to all others that fit as well.

    Returns:
        The clock and what speaks for it, or None and why it cannot be told.
    """
    if seconds > 4 * 3600 or not len(times):
        return None, "bars of this length do not show when the market opens and closes"
    gaps = np.diff(times)
    ends = np.flatnonzero((gaps >= _SHORTEST_GAP) & (gaps <= _LONGEST_GAP))
    if len(ends) < _LEAST_WEEKENDS:
        return None, f"{len(ends) or 'no'} weekend{'s' if len(ends) > 1 else ''} in it: too few to tell from"
    closes, opens = times[ends] + seconds, times[ends + 1]
    rules = _rules((first, *CANDIDATES) if first else CANDIDATES)
    scores = [(int(_fits(rule, closes, opens, seconds).sum()), rule) for rule in rules]
    best, chosen = max(scores, key=lambda score: score[0])  # of equals the first, which is the more usual one
    if best < _LEAST_SHARE * len(ends):
        return None, "its weekends fit none of the usual clocks"
    margin = 1 if best == len(ends) else max(2, len(ends) // 33)
    near = [rule for hits, rule in scores if hits > best - margin and rule is not chosen]
    rivals = [rule for rule in near if not np.array_equal(rule.times_to_utc(times), chosen.times_to_utc(times))]
    if rivals:
        names = ", ".join(rule.name for rule in (chosen, *rivals[:4]))
        return None, f"its weekends fit more than one clock ({names})"
    told = f"told from {best} of {len(ends)} weekends: with it the market closes on Friday at 17:00 in New York"
    return chosen, told + _misfits(chosen, closes, opens, seconds)


def _rules(names: Sequence[str]) -> list[ServerTimeRule]:
    found = []
    for name in dict.fromkeys(names):
        try:
            found.append(ServerTimeRule(name))
        except UserAction:  # a machine without a database of zones has the rules still
            continue
    return found


def _fits(rule: ServerTimeRule, closes: Times, opens: Times, seconds: int) -> npt.NDArray[np.bool_]:
    """Which weekends fit a clock.

    A bar covers ``seconds``: the market closed within its last bar and opened within its first. On the clock of New
    York's rule the market closes on Saturday at 00:00 and opens on Monday at 00:00.
    """
    new_york = ServerTimeRule(NEW_YORK)
    close_at = (new_york.times_to_server(rule.times_to_utc(closes)) - _MONDAY) % WEEK - 5 * DAY
    open_at = (new_york.times_to_server(rule.times_to_utc(opens)) - _MONDAY + WEEK // 2) % WEEK - WEEK // 2
    closed = (close_at > -_CLOSE_EARLIEST) & (close_at - seconds < 0)
    opened = (open_at <= _OPEN_LATEST) & (open_at + seconds > 0)
    fits: npt.NDArray[np.bool_] = closed & opened
    return fits


def _misfits(rule: ServerTimeRule, closes: Times, opens: Times, seconds: int) -> str:
    """Names the weekends that do not fit: holidays, or weeks in which the file follows another clock."""
    wrong = np.flatnonzero(~_fits(rule, closes, opens, seconds))
    if not len(wrong):
        return ""
    days = ", ".join(str(np.datetime64(int(closes[place]), "s").astype("datetime64[D]")) for place in wrong[:6])
    more = f" and {len(wrong) - 6} more" if len(wrong) > 6 else ""
    return f"; not so on {days}{more} (holidays, or bars of those weeks on another clock)"
