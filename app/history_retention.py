"""Which stored runs may be forgotten: a function of when they were recorded, never of a clock nobody can trust.

A run id is the time of the computer's own clock at which the run was asked for, in microseconds (see
``RunHistory.new_run_id``). So the row of a rehearsal, whose ``queued_at`` lies in another year, still says when it was
recorded, and a rehearsal forgets what an ordinary start would forget.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Final

from app.history_rows import to_us

#: So much is removed in one go, so that nobody waits long for the lock.
CHUNK: Final = 5_000
_DAY_US: Final = 86_400_000_000
#: Time without a run of at most this length is taken for a rest of the user; more may be a clock that jumped.
REST_US: Final = 7 * _DAY_US
#: A clock that jumped is believed once runs were recorded under it for so long.
BELIEVED_US: Final = 7 * _DAY_US


def forget(connection: sqlite3.Connection, now: datetime, keep_days: int, keep_rows: int) -> int:
    """Remove one portion of the runs that are too old or too many.

    A run is too old when it was both recorded and asked for more than ``keep_days`` before ``now``, and the clock
    is believed (``is_believed``). Too many are the first recorded, whatever their times say.

    Args:
        now: The time of the computer's own clock.

    Returns:
        How many of the more numerous kind were removed; fewer than ``CHUNK`` when nothing is left to remove.

    Raises:
        sqlite3.Error: the file cannot be written.
    """
    aged = 0
    with connection:
        if is_believed(connection, now):
            oldest = to_us(now - timedelta(days=keep_days))
            aged = connection.execute(
                "DELETE FROM runs WHERE id IN (SELECT id FROM runs WHERE queued_at < ? AND id < ? LIMIT ?)",
                (oldest, oldest, CHUNK),
            ).rowcount
        surplus: int = connection.execute("SELECT count(*) FROM runs").fetchone()[0] - keep_rows
        if surplus > 0:
            surplus = connection.execute(
                "DELETE FROM runs WHERE id IN (SELECT id FROM runs ORDER BY id LIMIT ?)", (min(surplus, CHUNK),)
            ).rowcount
    return max(aged, surplus)


def is_believed(connection: sqlite3.Connection, now: datetime) -> bool:
    """Whether the runs recorded up to ``now`` speak for the clock that says so.

    They do when they go back from ``now`` for a week, or to the first run of all, without a longer rest than a week.
    A clock that is a year ahead has no run in the week before; it gets one with the first run under it, and is
    believed a week of runs later at the earliest.

    Raises:
        sqlite3.Error: the file cannot be read.
    """
    at = latest = to_us(now)
    first: int | None = connection.execute("SELECT min(id) FROM runs").fetchone()[0]
    while first is not None and at > first and latest - at < BELIEVED_US:
        before: int | None = connection.execute(
            "SELECT min(id) FROM runs WHERE id >= ? AND id < ?", (at - REST_US, at)
        ).fetchone()[0]
        if before is None:
            return False
        at = before
    return True
