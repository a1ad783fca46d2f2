"""Telling the world about runs: the window's news, listeners, waiters and the line in the log."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Final

from PySide6.QtCore import QObject, Signal

from app.clock import Clock
from app.log import bind
from app.runs import Run, RunState, besides_warnings

_log = logging.getLogger(__name__)
#: At most so many runs are remembered for a window that does not fetch its news.
_MAX_NEWS: Final = 2_000
#: Above so many finished runs a second, their ends are no longer logged one by one (the history has them all).
_LOGGED_PER_SECOND: Final = 20


class RunnerSignals(QObject):
    """Signals of the runner.

    Signals:
        changed: Some run changed. Emitted once until ``Runner.take_changes`` is called; emitted on any thread.
    """

    changed = Signal()


class Announcer:
    """Who wants to know about runs, and what they have not heard yet.

    Thread: every method may be called from any thread.
    """

    def __init__(self, clock: Clock) -> None:
        self.signals = RunnerSignals()
        self.watched = False
        self._clock = clock
        self._lock = threading.Lock()
        self._news: dict[str, Run] = {}
        self._told = False
        self._listeners: tuple[Callable[[Run], None], ...] = ()
        self._log_second = 0
        self._log_count = 0

    def add_news(self, run: Run) -> None:
        """Keep the newest value of ``run`` for the window and tell it once that there is something."""
        if not self.watched:
            return
        with self._lock:
            self._news.pop(run.run_id, None)  # the newest goes last
            self._news[run.run_id] = run
            if len(self._news) > _MAX_NEWS:
                del self._news[next(iter(self._news))]
            told, self._told = self._told, True
        if not told:
            self.signals.changed.emit()

    def take_changes(self) -> tuple[Run, ...]:
        """The newest value of every run that changed since the last call; the first call begins the watch."""
        self.watched = True
        with self._lock:
            self._told = False
            news, self._news = self._news, {}
        return tuple(news.values())

    def subscribe(self, listener: Callable[[Run], None]) -> Callable[[], None]:
        """Call ``listener(run)`` for every finished run, on the thread that stored it; returns the way to stop."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return unsubscribe

    def finished(self, run: Run) -> None:
        """Tell everybody that ``run`` has ended and is stored."""
        self.add_news(run)
        for listener in self._listeners:
            listener(run)

    def log_end(self, run: Run) -> None:
        """Write the run's last line to the log; in a burst only the first ones of each second."""
        second = int(self._clock.monotonic())
        if second != self._log_second:
            if self._log_count > _LOGGED_PER_SECOND:
                _log.info("%d further runs ended; the history has them.", self._log_count - _LOGGED_PER_SECOND)
            self._log_second, self._log_count = second, 0
        self._log_count += 1
        if self._log_count > _LOGGED_PER_SECOND:
            return
        level = logging.INFO
        if run.state in (RunState.FAILED, RunState.TIMED_OUT):
            level = logging.ERROR
        elif run.state in (RunState.MISSED, RunState.INTERRUPTED):
            level = logging.WARNING
        # Warnings have had lines of their own, at their level.
        reason = besides_warnings(run.reason, run.warnings)
        text = " ".join(part for part in (run.summary, reason, run.advice) if part)
        took = f" in {run.duration_s:.3f} s" if run.duration_s is not None else ""
        with bind(run.task, run.run_id):
            _log.log(level, "%s (%s) %s%s. %s", run.task, run.trigger.value, run.state.value, took, text)
