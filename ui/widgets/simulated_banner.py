"""A line above the page while the market is made up, so that nobody takes its prices for real ones."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from ui.icons import paint_icon
from ui.theme import Theme
from ui.widgets.labels import label

HEIGHT = 28


class SimulatedBanner(QFrame):
    """Shown as long as the terminal is the simulated one; it cannot be dismissed."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("simulated")
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self.text = label("", "small")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(42, 0, 20, 0)
        layout.addWidget(self.text, 1)
        theme.changed.connect(self.update)
        self.hide()

    def show_terminal(self, status: Any) -> None:
        """Show or hide, as the status of the session says."""
        note = status.market_note or self.tr("Simulated market.")
        text = self.tr("{note} Nothing here is a real price.").format(note=note)
        self.text.setText(text)
        self.text.setToolTip(text)
        self.setAccessibleName(text)
        self.setVisible(bool(status.simulated))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("line"))
        painter.fillRect(0, 0, 3, self.height(), self._theme.color("warning"))
        painter.setPen(Qt.PenStyle.NoPen)
        paint_icon(painter, "warning", QRectF(20, self.height() / 2 - 7, 14, 14), self._theme.ink("warning"))
