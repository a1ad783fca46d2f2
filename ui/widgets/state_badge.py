"""Icon and word of a state outside tables, and the chips of the header."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from ui.icons import paint_icon
from ui.theme import Theme
from ui.widgets.cells import paint_look
from ui.words import Look


class StateBadge(QWidget):
    """An icon and a word in the colour of a state."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._look: Look | None = None
        theme.changed.connect(self.update)

    def set_look(self, look: Look | None) -> None:
        """Show another state."""
        self._look = look
        self.setAccessibleName(look.word if look else "")
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        word = self._look.word if self._look else ""
        return QSize(int(QFontMetricsF(self._theme.font()).horizontalAdvance(word)) + 22, 20)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        if self._look is not None:
            painter = QPainter(self)
            paint_look(painter, QRectF(self.rect()), self._look, self._theme)


class Chip(QAbstractButton):
    """A rounded button: icon in a state's colour, a strong word, a dim remark."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._parts = ("info", "idle", "", "")
        self._alarm = False
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_parts(self, icon: str, role: str, strong: str, remark: str = "", *, alarm: bool = False) -> None:
        """Show these words; ``alarm`` colours the text too."""
        if (icon, role, strong, remark) == self._parts and alarm == self._alarm:
            return
        self._parts = (icon, role, strong, remark)
        self._alarm = alarm
        self.setAccessibleName(f"{strong} {remark}".strip())
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        _icon, _role, strong, remark = self._parts
        width = 30.0 + QFontMetricsF(self._font(strong=True)).horizontalAdvance(strong) + 13
        if remark:
            width += QFontMetricsF(self._font()).horizontalAdvance(remark) + (8 if strong else 0)
        return QSize(int(width), 25)

    def minimumSizeHint(self) -> QSize:
        return QSize(60, 25)

    def paintEvent(self, event: QPaintEvent) -> None:
        icon, role, strong, remark = self._parts
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        border = "accent" if self.hasFocus() else "faint" if self.underMouse() else "line"
        painter.setPen(QPen(self._theme.color("error" if self._alarm else border), 1.0))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 12, 12)
        ink = self._theme.ink(role)
        paint_icon(painter, icon, QRectF(9, self.height() / 2 - 6.5, 13, 13), ink)
        left = 29.0
        for text, is_strong in ((strong, True), (remark, False)):
            if not text:
                continue
            font = self._font(strong=is_strong)
            painter.setFont(font)
            painter.setPen(ink if self._alarm else self._theme.ink("text" if is_strong else "dim"))
            room = QRectF(left, 0, self.width() - left - 8, self.height())
            shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
            left += QFontMetricsF(font).horizontalAdvance(text) + 8

    def _font(self, *, strong: bool = False) -> QFont:
        return self._theme.font(12 if not strong else 12.5, QFont.Weight.Medium if strong else QFont.Weight.Normal)
