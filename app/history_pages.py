"""One page of the stored runs: the question to SQLite that walks the indexes only where its rows are.

Each question has one lower and one upper bound of time at most: with several upper bounds SQLite seeks by the first
one that it meets and steps over all rows between it and the tightest.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from app.history_rows import to_us
from app.runs import Run, RunState

Read = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]

#: SQLite joins at most 500 SELECTs in one question.
_MAX_PARTS: Final = 200
_NEWEST: Final = "ORDER BY queued_at DESC, id DESC LIMIT ?"


@dataclass(frozen=True, slots=True)
class RunFilter:
    """Which runs to show. An empty filter means all.

    Attributes:
        task: A task id, or empty for all tasks.
        states: Some states, or empty for all.
        since, until: Bounds of ``queued_at``, both included.
    """

    task: str = ""
    states: tuple[RunState, ...] = ()
    since: datetime | None = None
    until: datetime | None = None

    def matches(self, run: Run) -> bool:
        """Whether ``run`` is wanted."""
        return (
            (not self.task or run.task == self.task)
            and (not self.states or run.state in self.states)
            and (self.since is None or run.queued_at >= self.since)
            and (self.until is None or run.queued_at <= self.until)
        )


def keys_of_page(
    read: Read, wanted: RunFilter, limit: int, cursor: tuple[int, int] | None, tasks: Callable[[], Iterable[str]]
) -> list[int]:
    """The ids of up to ``limit`` runs, newest first.

    Args:
        read: Asks SQLite.
        cursor: Only what comes after this (``queued_at`` in microseconds, id) in that order; None begins at the top.
        tasks: The names of all tasks with stored runs.
    """
    times, bounds = _bounds(wanted, cursor)
    states = tuple(dict.fromkeys(wanted.states))
    if len(states) == len(RunState):
        states = ()
    if not wanted.task and not states:
        where = f" WHERE {times}" if times else ""
        keys = read(f"SELECT queued_at, id FROM runs{where} {_NEWEST}", (*bounds, limit))  # noqa: S608 - constants
        return [key[1] for key in keys]
    # One ordered walk of the index per task and state. SQLite merges them and takes from each no more than it needs.
    names = [wanted.task] if wanted.task else tasks()
    pairs = [(task, state.value) for task in names for state in states or tuple(RunState)]
    found = [
        read(_merged(len(part), times), [*(value for pair in part for value in (*pair, *bounds)), limit])
        for part in _parts(pairs)
    ]
    return [key[1] for key in islice(heapq.merge(*found, reverse=True), limit)]


def _bounds(wanted: RunFilter, cursor: tuple[int, int] | None) -> tuple[str, tuple[int, ...]]:
    """The conditions on time, tightest bounds only, and their values."""
    conditions: list[str] = []
    values: list[int] = []
    until = to_us(wanted.until) if wanted.until else None
    if cursor is not None and (until is None or cursor[0] <= until):
        conditions.append("queued_at <= ? AND (queued_at < ? OR id < ?)")
        values += (cursor[0], *cursor)
    elif until is not None:
        conditions.append("queued_at <= ?")
        values.append(until)
    if wanted.since:
        conditions.append("queued_at >= ?")
        values.append(to_us(wanted.since))
    return " AND ".join(conditions), tuple(values)


def _merged(parts: int, times: str) -> str:
    also = f" AND {times}" if times else ""
    part = f"SELECT queued_at, id FROM runs WHERE task=? AND state=?{also}"  # noqa: S608 - constants
    return f"{' UNION ALL '.join([part] * parts)} {_NEWEST}"


def _parts(pairs: Sequence[tuple[str, str]]) -> Iterator[Sequence[tuple[str, str]]]:
    for start in range(0, len(pairs), _MAX_PARTS):
        yield pairs[start : start + _MAX_PARTS]
