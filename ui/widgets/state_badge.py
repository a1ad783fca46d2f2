"""Icon and word of a state outside tables, and the chips of the header."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QSizePolicy, QWidget

from ui.icons import paint_icon
from ui.theme import Theme
from ui.widgets.cells import paint_look
from ui.words import Look

_DOT: Final = " \N{MIDDLE DOT} "
#: Of a remark that has a tail behind it, fewer letters tell nothing.
_LEAST_LETTERS: Final = 4


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
    """A rounded button: icon in a state's colour, a strong word, a dim remark.

    Args:
        whole: It is never cut. Any other gives its remark up first.
        slim: For a line of small text.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, whole: bool = False, slim: bool = False) -> None:
        super().__init__(parent)
        self._theme = theme
        self._whole = whole
        self._height = 20 if slim else 25
        self._parts = ("info", "idle", "", "")
        self._tail = ""
        self._tag: Look | None = None
        self._alarm = False
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        theme.changed.connect(self.update)

    def show_parts(
        self,
        icon: str,
        role: str,
        strong: str,
        remark: str = "",
        *,
        tag: Look | None = None,
        alarm: bool = False,
        tail: str = "",
    ) -> None:
        """Show these words, between them ``tag`` in its colour, behind them ``tail``, which stays when the remark is
        cut; ``alarm`` colours the border too.
        """
        if (icon, role, strong, remark, tail, tag, alarm) == (*self._parts, self._tail, self._tag, self._alarm):
            return
        self._parts = (icon, role, strong, remark)
        self._tail = tail
        self._tag = tag
        self._alarm = alarm
        self.setAccessibleName(" ".join(part for part in (strong, tag.word if tag else "", self._behind()) if part))
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(self._needed(self._behind()), self._height)

    def minimumSizeHint(self) -> QSize:
        if self._whole:
            return self.sizeHint()
        return QSize(self._needed(self._tail) if self._tail else 60, self._height)

    @property
    def shown(self) -> str:
        """Remark and tail as they fit in."""
        metrics = QFontMetricsF(self._font())
        room = self.width() - self._start() - 8
        kept = f"{_DOT}{self._tail}" if self._tail else ""
        cut = metrics.elidedText(
            self._parts[3], Qt.TextElideMode.ElideRight, max(0.0, room - metrics.horizontalAdvance(kept))
        )
        if len(cut) < _LEAST_LETTERS < len(self._parts[3]):
            return metrics.elidedText(self._tail, Qt.TextElideMode.ElideRight, room)
        return f"{cut}{kept}" if cut else self._tail

    def _behind(self) -> str:
        """Remark and tail, whole."""
        return _DOT.join(part for part in (self._parts[3], self._tail) if part)

    def _start(self) -> float:
        """Where the remark begins."""
        metrics = QFontMetricsF(self._font(strong=True))
        words = (self._parts[2], self._tag.word if self._tag else "")
        return 29 + sum(metrics.horizontalAdvance(word) + 8 for word in words if word)

    def _needed(self, behind: str) -> int:
        return int(self._start() + 6 + (QFontMetricsF(self._font()).horizontalAdvance(behind) + 8 if behind else 0))

    def paintEvent(self, event: QPaintEvent) -> None:
        icon, role, strong, _remark = self._parts
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        border = "accent" if self.hasFocus() else "faint" if self.underMouse() else "line"
        painter.setPen(QPen(self._theme.color("error" if self._alarm else border), 1.0))
        round_px = self._height / 2 - 0.5
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), round_px, round_px)
        ink = self._theme.ink(role)
        paint_icon(painter, icon, QRectF(9, self.height() / 2 - 6.5, 13, 13), ink)
        left = 29.0
        tag = self._tag
        parts = (
            (strong, True, "text"),
            (tag.word if tag else "", True, tag.role if tag else ""),
            (self.shown, False, "dim"),
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
