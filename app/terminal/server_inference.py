"""Infers the server's clock from the beginnings and ends of trading weeks in its bars.

Currencies trade from Sunday 17:00 to Friday 17:00 New York time. That fixes, in UTC, when each week begins and ends;
how the bars of the same moments are stamped gives the server's offset. An end is a lower bound (the last quotes may
come a little before 17:00), a beginning an upper bound (the first may come a little after). The weeks around the clock
changes of New York and Europe, which lie one to three weeks apart, tell whose dates the server follows.

Confidence (0 to 1) = share of weekends that the rule explains, times 0.3, 0.6, 0.8 or 0.95 when 0, 1, 2 or more
weekends speak against the next best rule. Fewer than a few weeks, or weeks without a clock change, leave several rules
standing: the most usual of them is named, with low confidence. Without a weekend in the bars nothing is named.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.terminal.server_time import EUROPE, NEW_YORK, ServerTimeRule
from app.terminal.timeframes import DAY, Times

_HOUR: Final = 3600
_NEW_YORK_CLOCK: Final = ServerTimeRule("GMT-5/-4 New York")
_WEEK_ENDS_H: Final = 17
# A weekend is a pause of some 49 hours; with a holiday at its side it is longer.
_SHORTEST_S, _LONGEST_S = 30 * _HOUR, 5 * DAY
# Stray quotes minutes outside of the week; a week cut this short by a holiday says little.
_TOLERANCE_S: Final = 360
_LARGEST_SLACK_S: Final = 3 * _HOUR
_EXCEPTIONS: Final = 0.1
_BY_MARGIN: Final = (0.3, 0.6, 0.8, 0.95)
_HIGH, _MEDIUM = 0.8, 0.5
_SATURDAY: Final = 5


def confidence_word(confidence: float) -> str:
    """``high``, ``medium``, ``low`` or ``none``."""
    if confidence >= _HIGH:
        return "high"
    return "medium" if confidence >= _MEDIUM else "low" if confidence > 0 else "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """What the bars say about the server's clock.

    Attributes:
        rule: Name of the best rule; empty when the bars say nothing.
        confidence: 0 to 1; see the module.
        weekends: How many weekends were seen.
        explained: How many of them the rule explains.
        rivals: Other rules that explain as many.
        evidence: All that in a sentence.
    """

    rule: str
    confidence: float
    weekends: int
    explained: int
    rivals: tuple[str, ...]
    evidence: str

    def allows(self, rule: str) -> bool:
        """Whether the bars fit ``rule`` as well as the best one."""
        return rule == self.rule or rule in self.rivals


@dataclass(frozen=True, slots=True)
class _Weekends:
    """Ends and beginnings of weeks as the server stamped them and in UTC; equal lengths."""

    closed: Times
    opened: Times
    closed_utc: Times
    opened_utc: Times

    def explained_by(self, rule: ServerTimeRule) -> tuple[NDArray[np.bool_], int]:
        """Which weekends the rule explains, and by how many seconds it is off in all."""
        early = rule.times_to_server(self.closed_utc) - self.closed
        late = self.opened - rule.times_to_server(self.opened_utc)
        good = (early >= -_TOLERANCE_S) & (late >= -_TOLERANCE_S)
        good &= (early <= _LARGEST_SLACK_S) & (late <= _LARGEST_SLACK_S)
        return good, int((np.abs(early) + np.abs(late))[good].sum())


def infer_from_bars(server_times: Times, bar_seconds: int) -> Finding:
    """Find the rule of the server that stamped these bars of a currency pair.

    Args:
        server_times: Open times as stamped, ascending; a year of hours is best.
        bar_seconds: Length of a bar, at most an hour.
    """
    found = _weekends(server_times, bar_seconds)
    count = len(found.closed)
    if not count:
        return Finding("", 0.0, 0, 0, (), "There is no weekend in the bars, so they do not tell the server's clock.")
    scores = []
    for order, rule in enumerate(_candidates()):
        good, slack = found.explained_by(rule)
        scores.append((-int(good.sum()), slack, order, rule.name, good))
    scores.sort(key=lambda score: score[:3])
    explained, name = -scores[0][0], scores[0][3]
    if explained < count - max(1, int(_EXCEPTIONS * count)):
        text = f"No rule explains more than {explained} of {count} weekends in the bars."
        return Finding("", 0.0, count, explained, (), text)
    rivals = tuple(score[3] for score in scores[1:] if -score[0] == explained)
    best = scores[0][4]
    margin = min(int((best & ~score[4]).sum()) for score in scores[1:])
    confidence = explained / count * _BY_MARGIN[min(margin, len(_BY_MARGIN) - 1)]
    return Finding(
        name, round(confidence, 2), count, explained, rivals, _evidence(name, explained, found, rivals, margin)
    )


def _evidence(name: str, explained: int, found: _Weekends, rivals: tuple[str, ...], margin: int) -> str:
    first, last = (datetime.fromtimestamp(int(moment), UTC) for moment in (found.closed_utc[0], found.opened_utc[-1]))
    text = f"{name} explains {explained} of {len(found.closed)} weekends from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    if rivals:
        more = f" and {len(rivals) - 3} more" if len(rivals) > 3 else ""
        return f"{text}; so do {', '.join(rivals[:3])}{more}: the bars do not tell them apart."
    return f"{text}; {margin} {'weekend speaks' if margin == 1 else 'weekends speak'} against the next best rule."


def _weekends(server_times: Times, bar_seconds: int) -> _Weekends:
    times = np.unique(np.asarray(server_times, dtype=np.int64))
    ends, begins = times[:-1] + bar_seconds, times[1:]
    pause = begins - ends
    at = np.flatnonzero((pause >= _SHORTEST_S) & (pause <= _LONGEST_S))
    rows = [(ends[i], begins[i], *utc) for i in at if (utc := _week_ends(int(ends[i]), int(begins[i])))]
    columns = np.array(rows, dtype=np.int64).reshape(-1, 4).T
    whole = _Weekends(*columns)
    # A holiday beside the weekend moves one of its sides by a day: that side says nothing, so the weekend is left out.
    middle_ok = np.abs((whole.opened - whole.closed) - (whole.opened_utc - whole.closed_utc)) <= 4 * _HOUR
    return _Weekends(*(column[middle_ok] for column in columns))


def _week_ends(closed: int, opened: int) -> tuple[int, int] | None:
    """The end of the week and the beginning of the next around this pause, in UTC; None when it is no weekend."""
    # Whatever the server's clock, the middle of a weekend is near Saturday noon in UTC; a holiday may move it a day.
    middle = datetime.fromtimestamp((closed + opened) // 2, UTC)
    noons = [
        int(middle.replace(hour=12, minute=0, second=0, microsecond=0).timestamp()) + day * DAY for day in (-1, 0, 1)
    ]
    for noon in noons:
        if datetime.fromtimestamp(noon, UTC).weekday() == _SATURDAY and closed < noon + DAY and opened > noon - DAY:
            midnight = noon - 12 * _HOUR
            friday = _new_york(midnight - DAY + _WEEK_ENDS_H * _HOUR)
            sunday = _new_york(midnight + DAY + _WEEK_ENDS_H * _HOUR)
            return friday, sunday
    return None


def _new_york(local: int) -> int:
    """A time on New York's clock as UTC epoch seconds."""
    return int(_NEW_YORK_CLOCK.to_utc(local).timestamp())


@lru_cache(maxsize=1)
def _candidates() -> tuple[ServerTimeRule, ...]:
    """All rules in question, the most usual first."""
    names = [NEW_YORK, EUROPE, "UTC+3", "UTC+2", "UTC", "UTC-5", "GMT+0/+1 Europe", "GMT+1/+2 Europe"]
    names += ["GMT-5/-4 New York", "GMT+1/+2 New York", "UTC+1"]
    for hours in range(-12, 15):
        names += [f"GMT{hours:+d}/{hours + 1:+d} {where}" for where in ("New York", "Europe")]
        names += [f"UTC{hours:+d}" if hours else "UTC"]
    names += [f"UTC{hours:+d}:30" for hours in (-4, 3, 4, 5, 6, 9, 10)]
    return tuple(ServerTimeRule(name) for name in dict.fromkeys(names))
