"""A line above the page: why there is no terminal, and that the market is made up while it is."""

from __future__ import annotations

from typing import Any, Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QWidget

from ui.icons import paint_icon
from ui.theme import Theme
from ui.widgets.labels import label

HEIGHT = 28
#: States that need somebody to do something; the others pass by themselves or are told in the chip.
_TROUBLES: Final = ("disconnected", "not_answering", "wrong_account")


class SimulatedBanner(QFrame):
    """Shown while the terminal is away, and as long as it is the simulated one; it cannot be dismissed.

    What does not fit is cut at the end; its tip has all of it.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("simulated")
        self.setFixedHeight(HEIGHT)
        self._theme = theme
        self._said = ""
        self._role = "warning"
        self.text = label("", "small")
        self.text.setMinimumWidth(0)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(42, 0, 20, 0)
        layout.addWidget(self.text, 1)
        theme.changed.connect(self.update)
        self.hide()

    def show_terminal(self, status: Any) -> None:
        """Show or hide, as the status of the session says."""
        parts = []
        troubled = str(status.state) in _TROUBLES and bool(status.reason)
        if troubled:
            parts += [status.reason, status.advice]
        if status.simulated:
            note = status.market_note or self.tr("Simulated market.")
            parts.append(self.tr("{note} Nothing here is a real price.").format(note=note))
        self._said = " ".join(part for part in parts if part)
        self._role = "error" if troubled and str(status.state) != "disconnected" else "warning"
        self.text.setToolTip(self._said)
        self.setAccessibleName(self._said)
        self._cut()
        self.setVisible(bool(self._said))
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._cut()

    def _cut(self) -> None:
        room = max(0, self.width() - 62)
        metrics = QFontMetrics(self.text.font())
        self.text.setText(metrics.elidedText(self._said, Qt.TextElideMode.ElideRight, room))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        painter = QPainter(self)
        painter.fillRect(0, self.height() - 1, self.width(), 1, self._theme.color("line"))
        painter.fillRect(0, 0, 3, self.height(), self._theme.color(self._role))
        painter.setPen(Qt.PenStyle.NoPen)
        paint_icon(painter, "warning", QRectF(20, self.height() / 2 - 7, 14, 14), self._theme.ink(self._role))
