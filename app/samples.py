"""Samples of how the program fares, for the plots of the Health page: one at each look of the timetable at its clock.

``data/health_checks/samples_{YYYYmmdd}.bin``: the samples of a day in UTC, records of 40 bytes (``RECORD``,
little-endian), appended three at a time. A day takes 170 kB. The newest 32 files are kept, by their number and not by
their age: a clock that jumps deletes nothing.
"""

from __future__ import annotations

import logging
import math
import struct
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.clock import Clock
from app.files import guarding
from app.runs import Run, Trigger

_log = logging.getLogger(__name__)

#: What is measured, with its unit in the name; NaN where there was nothing to measure.
FIGURES: Final = ("ping_ms", "lateness_ms", "queued", "memory_mb", "lag_ms", "free_gb")
#: ``at`` is when, ``process`` when this process began to sample (both UTC epoch seconds).
RECORD: Final = np.dtype([("at", "<f8"), ("process", "<f8"), *((name, "<f4") for name in FIGURES)])
Records = NDArray[np.void]
#: Two samples are at least so far apart; the timetable looks at its clock at least every 20 s.
LEAST_S: Final = 10.0
#: Two samples that are further apart than this have a gap between them.
GAP_S: Final = 45.0
KEPT_DAYS: Final = 32
_PACK: Final = struct.Struct("<dd6f")
_AT_ONCE: Final = 3
#: So many wait in memory while the disk refuses them: a day.
_WAITING: Final = 4_320
_DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What was measured at one moment; None where there was nothing to measure.

    Attributes:
        ping_ms: Between terminal and trade server, as the terminal last told it; None without a connection.
        queued: Runs that wait in all queues.
        memory_mb: What the process holds, MB (10^6 bytes).
        lag_ms: The longest time since the last sample for which the window was held; None while it is out of sight.
        free_gb: Free on the disk of the home, GB (10^9 bytes).
    """

    ping_ms: float | None = None
    queued: float | None = None
    memory_mb: float | None = None
    lag_ms: float | None = None
    free_gb: float | None = None


class Sampler:
    """Takes samples and keeps them.

    Args:
        folder: Where the day files are.
        measure: ``measure(seconds)`` looks at everything; ``seconds`` have passed since the last sample.

    Thread: any. ``look`` costs a comparison most of the time, some 0.1 ms when a sample is due.
    """

    def __init__(self, folder: Path, clock: Clock, measure: Callable[[float], Sample]) -> None:
        self._folder = folder
        self._clock = clock
        self._measure = measure
        self._lock = threading.Lock()
        self._began = clock.now().timestamp()
        self._last: float | None = None
        self._late_ms: float | None = None
        self._waiting: deque[tuple[float, bytes]] = deque(maxlen=_WAITING)
        self._day = ""
        self._refused = False

    def note_run(self, run: Run) -> None:
        """A run ended: remember how late a scheduled one began, at worst."""
        if run.lateness_s is not None and run.trigger is Trigger.SCHEDULE:
            self._late_ms = max(self._late_ms or 0.0, run.lateness_s * 1000)

    def look(self) -> None:
        """Take a sample if one is due."""
        mono = self._clock.monotonic()
        passed = LEAST_S if self._last is None else mono - self._last
        if passed < LEAST_S:
            return
        self._last = mono
        found, late, self._late_ms = self._measure(passed), self._late_ms, None
        at = self._clock.now().timestamp()
        figures = (found.ping_ms, late, found.queued, found.memory_mb, found.lag_ms, found.free_gb)
        record = _PACK.pack(at, self._began, *(math.nan if value is None else value for value in figures))
        with self._lock:
            self._waiting.append((at, record))
            if len(self._waiting) >= _AT_ONCE:
                self._write()

    def close(self) -> None:
        """Write what still waits."""
        with self._lock:
            self._write()

    # -- files -----------------------------------------------------------------------------------------------------

    def _write(self) -> None:
        """Append what waits to the files of its days; what a full disk refuses waits on."""
        try:
            while self._waiting:
                day = _name_of(self._waiting[0][0])
                together = [record for at, record in self._waiting if _name_of(at) == day]
                self._append(self._folder / day, b"".join(together))
                self._waiting = deque((item for item in self._waiting if _name_of(item[0]) != day), maxlen=_WAITING)
                if day != self._day:
                    self._day = day
                    self._prune()
        except OSError as error:
            if not self._refused:
                _log.warning("Samples for the plots of the Health page cannot be stored (%s); they wait.", error)
            self._refused = True
        else:
            self._refused = False

    def _append(self, path: Path, data: bytes) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            # A kill may have torn the last record: what comes after it would be read askew.
            torn = file.tell() % _PACK.size
            if torn:
                file.truncate(file.tell() - torn)
            file.write(data)

    def _prune(self) -> None:
        for path in sorted(self._folder.glob("samples_????????.bin"))[:-KEPT_DAYS]:
            path.unlink(missing_ok=True)

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self, begin: datetime, end: datetime) -> Records:
        """The samples from ``begin`` to ``end`` in the order of time, before them the last one before ``begin``.

        Raises:
            StorageError: a file is there but cannot be read.
        """
        low, high = begin.timestamp(), end.timestamp()
        with self._lock, guarding(self._folder, "read"):
            parts = [np.frombuffer(b"".join(record for _, record in self._waiting), dtype=RECORD)]
            first = f"samples_{begin.astimezone(UTC):%Y%m%d}.bin"
            last = f"samples_{(end.astimezone(UTC) + timedelta(days=1)):%Y%m%d}.bin"
            for path in sorted(self._folder.glob("samples_????????.bin"), reverse=True):
                if path.name > last:
                    continue
                parts.append(_records(path))
                # One file more for what was before, unless that is in sight already.
                if path.name < first or (parts[-1]["at"] < low).any():
                    break
        found = np.concatenate(parts)
        found = np.sort(found[np.isfinite(found["at"]) & (found["at"] <= high)], order="at", kind="stable")
        before = int(np.searchsorted(found["at"], low))
        return found[max(0, before - 1) :]


def held_memory_mb() -> float | None:
    """What this process holds, MB (10^6 bytes); None where the system does not tell."""
    import psutil

    try:
        return float(psutil.Process().memory_info().rss) / 1e6
    except psutil.Error:
        return None


def _name_of(at: float) -> str:
    return f"samples_{datetime.fromtimestamp(at, UTC):%Y%m%d}.bin"


def _records(path: Path) -> NDArray[Any]:
    """The records of a day; those that do not lie in it are left out: somebody edited or damaged the file."""
    try:
        day = datetime.strptime(path.stem[-8:], "%Y%m%d").replace(tzinfo=UTC).timestamp()
        with path.open("rb") as file:
            data = file.read(_PACK.size * int(_DAY_S))  # one a second: far more than there can be
    except (FileNotFoundError, ValueError):
        return np.empty(0, dtype=RECORD)
    found = np.frombuffer(data[: len(data) // _PACK.size * _PACK.size], dtype=RECORD)
    return found[(found["at"] >= day) & (found["at"] < day + _DAY_S)]
