"""Where the session says how the connection stands: read by any thread, told to whoever listens."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from app.clock import Clock
from app.terminal.outages import Outage, OutageLog
from app.terminal.values import SessionStatus

log = logging.getLogger(__name__)

Listener = Callable[[SessionStatus], None]


class StatusBoard:
    """The newest status, its listeners and the log of outages.

    Thread: any. Listeners are called on the thread that changes the status, without a lock.
    """

    def __init__(self, first: SessionStatus, clock: Clock, outages: OutageLog) -> None:
        self.current = first
        self._clock = clock
        self._outages = outages
        self._lock = threading.Lock()
        self._listeners: tuple[Listener, ...] = ()

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with each new status; returns how to stop that."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(other for other in self._listeners if other is not listener)

        return unsubscribe

    def outages(self) -> tuple[Outage, ...]:
        """The last outages, oldest first."""
        return self._outages.all()

    def post(self, status: SessionStatus) -> bool:
        """Make a status the newest one, if it says something new; ``tell`` has to follow.

        A state that goes on keeps the time at which it began.
        """
        with self._lock:
            if replace(status, since=self.current.since) == self.current:
                return False
            same_state = status.state is self.current.state
            self.current = replace(status, since=self.current.since) if same_state else status
            return True

    def tell(self) -> None:
        """Tell the newest status to the outage log and to all listeners."""
        self._outages.follow(self.current, self._clock.now())
        self._tell_listeners()

    def publish(self, status: SessionStatus) -> None:
        """``post`` and ``tell``."""
        if self.post(status):
            self.tell()

    def end(self, status: SessionStatus) -> None:
        """The session ends: that is no outage."""
        self._outages.close(self._clock.now())
        with self._lock:
            self.current = status
        self._tell_listeners()

    def _tell_listeners(self) -> None:
        status = self.current
        for listener in self._listeners:
            try:
                listener(status)
            except Exception:
                # A listener's bug must not end the one thread that talks to the terminal.
                log.exception("terminal listener failed state=%s", status.state)
