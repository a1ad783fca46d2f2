"""Log lines on their way to the window, while somebody looks at them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot

TELL_MS = 100


class LogFeed(QObject):
    """Hands live lines over at most ten times a second, and costs nothing while nobody looks.

    Signals:
        lines: a list of new lines, oldest first.

    Thread: lives in the GUI thread; lines arrive on the threads that log.
    """

    lines = Signal(object)
    _poked = Signal()

    def __init__(
        self,
        recent: Callable[[], Sequence[Any]],
        subscribe: Callable[[Callable[[Any], None]], Callable[[], None]],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._recent = recent
        self._subscribe = subscribe
        self._unsubscribe: Callable[[], None] | None = None
        self._lock = threading.Lock()
        self._waiting: deque[Any] = deque(maxlen=5_000)
        self._told = False
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._hand_over)
        self._poked.connect(self._on_poked, Qt.ConnectionType.QueuedConnection)

    def open(self) -> list[Any]:
        """Begin to listen; returns the lines that the program still remembers."""
        if self._unsubscribe is None:
            self._unsubscribe = self._subscribe(self._on_line)
        with self._lock:
            remembered = list(self._recent())
            self._waiting.clear()
        return remembered

    def close(self) -> None:
        """Stop listening."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    def _on_line(self, line: Any) -> None:
        with self._lock:
            self._waiting.append(line)
            told, self._told = self._told, True
        if not told:
            self._poked.emit()

    @Slot()
    def _on_poked(self) -> None:
        if not self._timer.isActive():
            self._timer.start(TELL_MS)

    @Slot()
    def _hand_over(self) -> None:
        with self._lock:
            fresh = list(self._waiting)
            self._waiting.clear()
            self._told = False
        if fresh:
            self.lines.emit(fresh)


def live_log() -> LogFeed:
    """The feed of this process's own log."""
    from app.log import ring

    return LogFeed(ring.lines, ring.subscribe)
