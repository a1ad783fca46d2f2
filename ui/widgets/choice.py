"""A drop-down list and a check box with marks of our own."""

from __future__ import annotations

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPaintEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QCheckBox, QComboBox, QWidget

from ui.icons import paint_icon


class Choice(QComboBox):
    """Style sheets take the arrow away and can only bring it back as a picture in one colour."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(name)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the wheel scrolls the page and changes no choice on the way

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        ink = self.palette().color(QPalette.ColorRole.PlaceholderText)
        rect = QRectF(self.width() - 19, self.height() / 2 - 6, 12, 12)
        paint_icon(QPainter(self), "chevron", rect, ink)


class Tick(QCheckBox):
    """A check box whose mark is drawn, so that it is seen in both themes."""

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.isChecked():
            ink = self.palette().color(QPalette.ColorRole.Text)
            paint_icon(QPainter(self), "check", QRectF(2, self.height() / 2 - 6, 12, 12), ink)
