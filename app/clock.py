"""The one source of time. Everything else asks a Clock, so that tests and rehearsals can own the time."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Wall time and elapsed time.

    Thread: every method may be called from any thread.
    """

    def now(self) -> datetime:
        """The wall time as an aware datetime in UTC."""
        ...

    def monotonic(self) -> float:
        """Seconds since an arbitrary start; never goes back."""
        ...


class SystemClock:
    """The computer's own clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()


class RehearsalClock:
    """A wall clock that starts at a chosen instant and runs at the real pace.

    Used when the simulated terminal replays a past market: the whole engine then lives at that time.
    """

    def __init__(self, start: datetime) -> None:
        self._start = require_aware(start)
        self._began = time.monotonic()

    def now(self) -> datetime:
        return self._start + timedelta(seconds=time.monotonic() - self._began)

    def monotonic(self) -> float:
        return time.monotonic()


class FakeClock:
    """A clock that moves only when told to: for tests."""

    def __init__(self, start: datetime | None = None) -> None:
        self._now = require_aware(start or datetime(2025, 6, 3, 12, 0, tzinfo=UTC))
        self._monotonic = 1000.0
        self._lock = threading.Lock()

    def now(self) -> datetime:
        with self._lock:
            return self._now

    def monotonic(self) -> float:
        with self._lock:
            return self._monotonic

    def advance(self, seconds: float) -> None:
        """Time passes: wall and elapsed time both move."""
        with self._lock:
            self._now += timedelta(seconds=seconds)
            self._monotonic += seconds

    def sleep(self, seconds: float) -> None:
        """The computer sleeps: the wall moves, elapsed time stands still (as on Linux)."""
        self.jump(seconds)

    def jump(self, seconds: float) -> None:
        """Somebody sets the clock: only the wall moves, forward or back."""
        with self._lock:
            self._now += timedelta(seconds=seconds)


def require_aware(moment: datetime) -> datetime:
    """Return ``moment`` in UTC.

    Raises:
        ValueError: ``moment`` is naive, so nobody can know which instant it means.
    """
    if moment.tzinfo is None:
        msg = f"A time without a zone cannot be used: {moment.isoformat()}"
        raise ValueError(msg)
    return moment.astimezone(UTC)
