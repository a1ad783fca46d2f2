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
    """A rounded button: icon in a state's colour, a strong word, a dim remark. A ``whole`` one is never cut."""

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, whole: bool = False) -> None:
        super().__init__(parent)
        self._theme = theme
        self._whole = whole
        self._parts = ("info", "idle", "", "")
        self._tag: Look | None = None
        self._alarm = False
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_parts(
        self, icon: str, role: str, strong: str, remark: str = "", *, tag: Look | None = None, alarm: bool = False
    ) -> None:
        """Show these words, between them ``tag`` in its colour; ``alarm`` colours the border too."""
        if (icon, role, strong, remark, tag, alarm) == (*self._parts, self._tag, self._alarm):
            return
        self._parts = (icon, role, strong, remark)
        self._tag = tag
        self._alarm = alarm
        self.setAccessibleName(" ".join(part for part in (strong, tag.word if tag else "", remark) if part))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        _icon, _role, strong, remark = self._parts
        width = 30.0 + QFontMetricsF(self._font(strong=True)).horizontalAdvance(strong) + (13 if strong else 5)
        for text in (self._tag.word if self._tag else "", remark):
            if text:
                width += QFontMetricsF(self._font(strong=text is not remark)).horizontalAdvance(text) + 8
        return QSize(int(width), 25)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint() if self._whole else QSize(60, 25)

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
        tag = self._tag
        parts = (
            (strong, True, "text"),
            (tag.word if tag else "", True, tag.role if tag else ""),
            (remark, False, "dim"),
        )
        for text, is_strong, tone in parts:
            if not text:
                continue
            font = self._font(strong=is_strong)
            painter.setFont(font)
            painter.setPen(self._theme.ink(tone))
            room = QRectF(left, 0, self.width() - left - 8, self.height())
            shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, room.width())
            painter.drawText(room, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), shown)
            left += QFontMetricsF(font).horizontalAdvance(text) + 8

    def _font(self, *, strong: bool = False) -> QFont:
        return self._theme.font(12 if not strong else 12.5, QFont.Weight.Medium if strong else QFont.Weight.Normal)
