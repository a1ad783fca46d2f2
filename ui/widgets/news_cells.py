"""Cells of the list of news: a title that is strong until it was read, and tags as small chips."""

from __future__ import annotations

from PySide6.QtCore import QObject, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QPen

from ui.theme import Theme
from ui.widgets.cells import LEFT, AnyIndex, Cell

DOT = 5.0
CHIP_HEIGHT = 18.0
CHIP_PADDING = 6.0
GAP = 5.0


class TitleCell(Cell):
    """A title; a dot and more weight say that it is unread."""

    def __init__(self, theme: Theme, unread_role: int, parent: QObject | None = None) -> None:
        super().__init__(theme, parent)
        self._unread_role = unread_role

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        unread = bool(index.data(self._unread_role))
        if unread:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(self.theme.ink("text"))
            painter.drawEllipse(QRectF(rect.left() - 2, rect.center().y() - DOT / 2, DOT, DOT))
        font = self.theme.font(weight=QFont.Weight.Medium if unread else QFont.Weight.Normal)
        painter.setFont(font)
        painter.setPen(self.theme.ink("text" if unread else "dim"))
        room = rect.adjusted(10, 0, 0, 0)
        shown = QFontMetricsF(font).elidedText(str(index.data() or ""), Qt.TextElideMode.ElideRight, room.width())
        painter.drawText(room, int(LEFT), shown)


class TagsCell(Cell):
    """As many tags as there is room for, then how many more."""

    def __init__(self, theme: Theme, tags_role: int, parent: QObject | None = None) -> None:
        super().__init__(theme, parent)
        self._tags_role = tags_role

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        paint_tags(painter, rect, tuple(index.data(self._tags_role) or ()), self.theme)


def paint_tags(painter: QPainter, rect: QRectF, tags: tuple[str, ...], theme: Theme) -> None:
    """Tags side by side in outlined chips, shortened to ``+2`` where room ends."""
    font = theme.font(11)
    metrics = QFontMetricsF(font)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setFont(font)
    left = rect.left()
    for place, tag in enumerate(tags):
        width = metrics.horizontalAdvance(tag) + 2 * CHIP_PADDING
        more = f"+{len(tags) - place}"
        reserve = metrics.horizontalAdvance(more) + GAP if place < len(tags) - 1 else 0.0
        if left + width + reserve > rect.right() + 1:
            painter.setPen(theme.ink("muted"))
            painter.drawText(QRectF(left, rect.top(), rect.right() - left + 2, rect.height()), int(LEFT), more)
            return
        chip = QRectF(left, rect.center().y() - CHIP_HEIGHT / 2, width, CHIP_HEIGHT).adjusted(0.5, 0.5, -0.5, -0.5)
        painter.setPen(QPen(theme.color("line"), 1.0))
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(chip, 5, 5)
        painter.setPen(theme.ink("dim"))
        painter.drawText(chip, int(Qt.AlignmentFlag.AlignCenter), tag)
        left += width + GAP
