"""Cells of the list of strategies: a switch, and a name over what it trades."""

from __future__ import annotations

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QMouseEvent, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem

from ui.icons import paint_icon
from ui.models.strategy_list import INK_ROLE, LOOK_ROLE, UNDER_ROLE
from ui.widgets.cells import Cell
from ui.words import Look

AnyIndex = QModelIndex | QPersistentModelIndex
_WIDTH, _HEIGHT = 26.0, 15.0


class SwitchCell(Cell):
    """A switch; a click on it turns it, as the space bar does on its row."""

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        state = index.data(Qt.ItemDataRole.CheckStateRole)
        if state is None:
            return
        on = Qt.CheckState(state) == Qt.CheckState.Checked
        body = QRectF(rect.left(), rect.center().y() - _HEIGHT / 2, _WIDTH, _HEIGHT)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(self.theme.color("dim" if on else "faint"))
        painter.setBrush(self.theme.color("dim" if on else "panel"))
        painter.drawRoundedRect(body, _HEIGHT / 2, _HEIGHT / 2)
        knob = _HEIGHT - 6
        left = body.right() - knob - 3 if on else body.left() + 3
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self.theme.color("panel" if on else "faint"))
        painter.drawEllipse(QRectF(left, body.top() + 3, knob, knob))
        painter.restore()

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: AnyIndex
    ) -> bool:
        if event.type() == QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent):
            state = index.data(Qt.ItemDataRole.CheckStateRole)
            if state is not None and event.button() == Qt.MouseButton.LeftButton:
                on = Qt.CheckState(state) == Qt.CheckState.Checked
                turned = Qt.CheckState.Unchecked if on else Qt.CheckState.Checked
                cell = model.index(index.row(), index.column())
                return bool(model.setData(cell, turned, Qt.ItemDataRole.CheckStateRole))
        return False


class TwoLineCell(Cell):
    """A strong line, and a dim one under it; an icon at its end when something is wrong."""

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        look = index.data(LOOK_ROLE)
        if isinstance(look, Look):
            icon = QRectF(rect.right() - 13, rect.center().y() - 7, 14, 14)
            paint_icon(painter, look.icon, icon, self.theme.ink(look.role))
            rect = rect.adjusted(0, 0, -20, 0)
        align = Qt.AlignmentFlag(index.data(Qt.ItemDataRole.TextAlignmentRole)) & Qt.AlignmentFlag.AlignHorizontal_Mask
        middle = rect.center().y()
        lines = (
            (str(index.data() or ""), self.theme.font(weight=self._weight), index.data(INK_ROLE) or "text", -17.0),
            (str(index.data(UNDER_ROLE) or ""), self.theme.font(11.5), "dim", 1.0),
        )
        for text, font, ink, above in lines:
            self._line(painter, QRectF(rect.left(), middle + above, rect.width(), 17), text, font, ink, align)

    def _line(self, painter: QPainter, rect: QRectF, text: str, font: QFont, ink: str, align: Qt.AlignmentFlag) -> None:
        painter.setFont(font)
        painter.setPen(self.theme.ink(ink))
        shown = QFontMetricsF(font).elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, int(align | Qt.AlignmentFlag.AlignVCenter), shown)
