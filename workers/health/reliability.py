"""How reliable each task was: how many of its runs worked, and how long they took."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

import numpy as np

from app.history_rows import from_us, to_us
from app.runs import RunState

DAY: Final = timedelta(days=1)
WEEK: Final = timedelta(days=7)
_WORKED: Final = frozenset(state.value for state in RunState if state.is_success)
_FAILED: Final = frozenset(state.value for state in (RunState.FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED))


@dataclass(frozen=True, slots=True)
class Rate:
    """Runs of a span: those that worked and those that failed.

    Runs that were skipped, missed or cancelled never came to work; they are no failures and no successes.
    """

    worked: int = 0
    failed: int = 0
    idle: int = 0

    @property
    def share(self) -> float | None:
        """Share of the runs at work that succeeded, 0 to 1; None when there was none."""
        return self.worked / (self.worked + self.failed) if self.worked + self.failed else None


@dataclass(frozen=True, slots=True)
class Reliability:
    """How a task fared.

    Attributes:
        day, week: The last 24 hours and seven days.
        p50_s, p95_s: Duration of the runs of the week that succeeded, by nearest rank; None when there was none.
        last_failure: When the last run of the week that failed was queued; None when none did.
        last_failure_id: Its number.
    """

    task: str
    day: Rate
    week: Rate
    p50_s: float | None = None
    p95_s: float | None = None
    last_failure: datetime | None = None
    last_failure_id: int | None = None


@dataclass(slots=True)
class _Tally:
    day: list[int] = field(default_factory=lambda: [0, 0, 0])
    week: list[int] = field(default_factory=lambda: [0, 0, 0])
    took: array[float] = field(default_factory=lambda: array("d"))
    failure: tuple[int, int] | None = None


def reliability(
    outcomes: Iterable[tuple[int, str, str, int, float | None]], tasks: Iterable[str], now: datetime
) -> tuple[Reliability, ...]:
    """How each task fared, in the order of ``tasks``; others follow by name.

    Args:
        outcomes: ``RunHistory.outcomes`` since a week ago.
        tasks: Those that are there even without a run.
    """
    tallies = {task: _Tally() for task in tasks}
    known = len(tallies)
    a_day_ago, latest = to_us(now - DAY), to_us(now)
    for number, task, state, queued_at, seconds in outcomes:
        if queued_at > latest:
            continue  # of a clock that was ahead
        tally = tallies.get(task) or tallies.setdefault(task, _Tally())
        kind = 0 if state in _WORKED else 1 if state in _FAILED else 2
        tally.week[kind] += 1
        if queued_at >= a_day_ago:
            tally.day[kind] += 1
        if kind == 0 and seconds is not None:
            tally.took.append(seconds)
        elif kind == 1 and (tally.failure is None or queued_at >= tally.failure[0]):
            tally.failure = (queued_at, number)
    names = [*list(tallies)[:known], *sorted(list(tallies)[known:])]
    return tuple(_reliability(name, tallies[name]) for name in names)


def _reliability(task: str, tally: _Tally) -> Reliability:
    p50, p95 = ranks(tally.took, (0.5, 0.95))
    at, number = tally.failure or (None, None)
    return Reliability(task, Rate(*tally.day), Rate(*tally.week), p50, p95, None if at is None else from_us(at), number)


def ranks(values: array[float], shares: tuple[float, ...]) -> tuple[float | None, ...]:
    """Percentiles by nearest rank: the least value that at least this share of all does not exceed."""
    if not values:
        return tuple(None for _ in shares)
    found = np.frombuffer(values, dtype=np.float64)
    places = [max(0, int(np.ceil(share * found.size)) - 1) for share in shares]
    parted = np.partition(found, places)
    return tuple(float(parted[place]) for place in places)
