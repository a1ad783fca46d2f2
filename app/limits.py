"""The thread that watches time limits and begins delayed tries; it sleeps until the next instant that matters."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable

from app.clock import Clock


class Limits:
    """One thread for all deadlines of a runner.

    Args:
        enforce: Applies the limits that are due; returns the next instant (monotonic) to look, or None.

    Thread: every method may be called from any thread.
    """

    def __init__(self, clock: Clock, enforce: Callable[[], float | None]) -> None:
        self._clock = clock
        self._enforce = enforce
        self._delayed: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._condition = threading.Condition()
        self._wake_at = float("inf")
        self._open = True
        self._thread = threading.Thread(target=self._loop, name="limits", daemon=True)
        self._thread.start()

    def watch(self, at: float) -> None:
        """Look again at ``at`` (monotonic) at the latest. Costs a comparison when a look is planned before."""
        if at < self._wake_at:
            with self._condition:
                self._wake_at = min(self._wake_at, at)
                self._condition.notify()

    def call_at(self, at: float, callback: Callable[[], None]) -> None:
        """Call ``callback`` at ``at`` (monotonic) on the thread of the limits."""
        with self._condition:
            heapq.heappush(self._delayed, (at, next(self._order), callback))
            self._wake_at = min(self._wake_at, at)
            self._condition.notify()

    def _loop(self) -> None:
        while True:
            with self._condition:
                while self._open and (left := self._wake_at - self._clock.monotonic()) > 0:
                    self._condition.wait(min(left, threading.TIMEOUT_MAX))
                if not self._open:
                    return
                self._wake_at = float("inf")
            self.look()

    def look(self) -> None:
        """Do everything that is due now."""
        due: list[Callable[[], None]] = []
        with self._condition:
            now = self._clock.monotonic()
            while self._delayed and self._delayed[0][0] <= now:
                due.append(heapq.heappop(self._delayed)[2])
        for callback in due:
            callback()
        next_look = self._enforce()
        with self._condition:
            for at in (next_look, self._delayed[0][0] if self._delayed else None):
                if at is not None:
                    self._wake_at = min(self._wake_at, at)

    def stop(self) -> None:
        """End the thread."""
        with self._condition:
            self._open = False
            self._condition.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()
