"""What a clean-up without a memory knows of the time: when the home was in use before this process came.

A clock that is a year ahead gives itself away at the first look too: whatever is in the home is a year old by it. The
days of the health checks are gone through like looks, so that a leap of last week is seen also after some sessions
under the wrong clock. Beside them counts when any file of the home was last written or put there. What this process
wrote carries the time of the very clock that is asked about, and says nothing.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Final

from app.paths import Paths
from workers.maintenance.age import date_in
from workers.maintenance.clock_guard import DAY_S, Memory, gap_s

#: So many files of a folder are looked at: enough to find one of the last days.
_ENTRIES: Final = 20_000
#: Times of processes are rounded down; before this long a process has written nothing.
_TICK_S: Final = 0.02
_EPOCH: Final = date(1970, 1, 1)
#: Health checks tell days only: between two of them in a row lie up to two.
_DAYS_APART: Final = 4


def first_memory(paths: Paths, now_s: float, days: int) -> Memory:
    """The memory of a task that keeps files ``days`` days and looks for the first time.

    Without any trace of an earlier use there is nothing to doubt the clock by.
    """
    today = now_s // DAY_S
    checked = sorted(day for day in _days_of_checks(paths) if day != today)
    if checked and checked[-1] > today:
        return Memory.begun(checked[-1] * DAY_S)
    written = _last_written(paths, now_s - process_age())
    memory = Memory.begun((checked[0] + 1) * DAY_S) if checked else None
    for day in checked[1:]:
        memory = memory.look((day + 1) * DAY_S, max(days, _DAYS_APART)) if memory else None
    if memory is None:
        # A home from before: what is between its last use and now is judged by the look itself.
        return Memory.begun(now_s if written is None or now_s - written <= gap_s(days) else written)
    if memory.wall > now_s:  # the day of the last check is not over yet
        return memory.put_right(now_s)
    return memory if written is None or written <= memory.wall else memory.look(written, days)


def process_age() -> float:
    """For how many seconds this process runs."""
    if sys.platform == "linux":
        # psutil tells it by the time of the system's start, which is in whole seconds. See proc_pid_stat(5).
        with suppress(OSError, ValueError, IndexError):
            began = int(Path("/proc/self/stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
            return time.clock_gettime(time.CLOCK_BOOTTIME) - began - _TICK_S
    import psutil

    with suppress(psutil.Error):
        return time.time() - psutil.Process().create_time()
    return 0.0


def _days_of_checks(paths: Paths) -> set[int]:
    """The days since 1970 that have health checks."""
    try:
        names = [path.name for path in paths.health_checks.glob("health_????????.json")]
    except OSError:
        return set()
    return {(found - _EPOCH).days for name in names if (found := date_in(name)) is not None}


def _last_written(paths: Paths, until_s: float) -> float | None:
    """When a file was last written or put into the home before ``until_s``; None when none was."""
    folders = (paths.home, paths.data, paths.config, paths.health_checks, paths.logs, paths.cache, paths.market_data)
    found = [at_s for folder in folders for at_s in _times(folder) if at_s <= until_s]
    return max(found, default=None)


def _times(folder: Path) -> Iterator[float]:
    """Of the files in a folder: when they were written, and when they got there."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in islice(entries, _ENTRIES):
            with suppress(OSError):
                if entry.is_file(follow_symlinks=False):
                    status = entry.stat(follow_symlinks=False)
                    yield status.st_mtime
                    # Windows: when it was made; elsewhere: when it was last moved, made or changed.
                    yield getattr(status, "st_birthtime", status.st_ctime)
