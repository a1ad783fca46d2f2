"""A span of time as a strip, with the times in which something was out of order."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import Theme

SPAN = timedelta(hours=24)
_LEAST_WIDTH = 3.0


class OutageStrip(QWidget):
    """A span of time from left to right, 24 hours at first; the list beside it says the same in words."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._now: datetime | None = None
        self._span = SPAN
        self._spans: tuple[tuple[datetime, datetime, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_spans(
        self, spans: Sequence[tuple[datetime, datetime, str]], now: datetime, span: timedelta = SPAN
    ) -> None:
        """Show spans of time (began, ended, colour role) within the time ``span`` up to ``now``."""
        self._spans, self._now, self._span = tuple(spans), now, span
        self.update()

    def spans_in_sight(self) -> list[tuple[float, float, str]]:
        """Left and right of each span as parts of the whole strip, and its role."""
        if self._now is None:
            return []
        start = self._now - self._span
        return [
            (max(0.0, (began - start) / self._span), min(1.0, (ended - start) / self._span), role)
            for began, ended, role in self._spans
            if ended > start and began < self._now
        ]

    def sizeHint(self) -> QSize:
        return QSize(240, 12)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        whole = QRectF(self.rect())
        painter.setBrush(self._theme.color("line"))
        painter.drawRoundedRect(whole, 3, 3)
        for left, right, role in self.spans_in_sight():
            painter.setBrush(self._theme.color(role))
            width = max(_LEAST_WIDTH, (right - left) * whole.width())
            painter.drawRect(QRectF(min(left * whole.width(), whole.width() - width), 0, width, whole.height()))
