"""What the tasks page shows until the engine is there: the shape of what comes, nothing that pretends to be data."""

from __future__ import annotations

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from ui.theme import Theme


class Skeleton(QWidget):
    """Faint bars where rows will be."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setMinimumHeight(230)
        self.setAccessibleName(self.tr("Starting the engine"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.tint("line", 0.6))
        widths = (0.13, 0.09, 0.24, 0.07, 0.05)
        for place in range(5):
            left, top = 16.0, 44.0 + place * 36
            for share in widths:
                painter.drawRoundedRect(QRectF(left, top, self.width() * share * (0.85 + 0.05 * (place % 4)), 9), 4, 4)
                left += self.width() * (share + 0.08)
