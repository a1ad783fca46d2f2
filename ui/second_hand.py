"""The clock of the window: one tick a second, only while somebody looks; it also tells how long the window was held."""

from __future__ import annotations

import time
from collections import deque

from PySide6.QtCore import QElapsedTimer, QObject, Qt, QTimer, Signal

SECOND_MS = 1_000
KEPT = 300


class SecondHand(QObject):
    """Signals:
    ticked: a second has passed.
    """

    ticked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._since = QElapsedTimer()
        self._lags: deque[tuple[float, float]] = deque(maxlen=KEPT)
        self._timer = QTimer(self)
        # A coarse timer may be 50 ms off, which would look like a window that was held.
        self._timer.setTimerType(Qt.TimerType.PreciseTimer)
        self._timer.setInterval(SECOND_MS)
        self._timer.timeout.connect(self._on_timeout)

    @property
    def active(self) -> bool:
        """Whether it wakes the window each second."""
        return self._timer.isActive()

    def start(self) -> None:
        """Tick from now on."""
        self._since.start()
        self._timer.start()

    def stop(self) -> None:
        """Wake nobody."""
        self._timer.stop()

    def lag_ms(self) -> float:
        """How late a tick was at worst within the last minutes in sight, ms.

        Thread: may be called from any thread.
        """
        return max((lag for _, lag in tuple(self._lags)), default=0.0)

    def recent_lag_ms(self, seconds: float) -> float | None:
        """How late a tick was at worst within the last so many seconds, ms; None when there was none.

        Thread: may be called from any thread.
        """
        since = time.monotonic() - seconds
        return max((lag for at, lag in tuple(self._lags) if at >= since), default=None)

    def _on_timeout(self) -> None:
        self._lags.append((time.monotonic(), max(0.0, float(self._since.restart() - SECOND_MS))))
        self.ticked.emit()
