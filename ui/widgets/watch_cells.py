"""Cells of the watch list: the day's range and the course."""

from __future__ import annotations

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPointF, QRectF, Qt
from PySide6.QtGui import QPainter, QPen, QPolygonF

from ui.models.watch_table import ROW_ROLE
from ui.widgets.cells import Cell

AnyIndex = QModelIndex | QPersistentModelIndex


class RangeCell(Cell):
    """A line from the day's low to its high, and where the bid stands on it."""

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        row = index.data(ROW_ROLE)
        if row is None or row.low is None or row.high is None or row.high <= row.low:
            return
        middle = rect.center().y()
        painter.fillRect(QRectF(rect.left(), middle - 1.5, rect.width(), 3.0), self.theme.color("line"))
        price = row.bid or (row.spark[-1] if row.spark else 0.0)
        if price > 0:
            share = min(1.0, max(0.0, (price - row.low) / (row.high - row.low)))
            at = rect.left() + share * (rect.width() - 3)
            painter.fillRect(QRectF(at, middle - 5, 3.0, 10.0), self.theme.color("dim"))


class CourseCell(Cell):
    """The newest closes as a line."""

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        row = index.data(ROW_ROLE)
        if row is None or len(row.spark) < 2:
            return
        low, high = min(row.spark), max(row.spark)
        height = (high - low) or 1.0
        room = rect.adjusted(0, 8, 0, -8)
        step = room.width() / (len(row.spark) - 1)
        points = QPolygonF(
            [
                QPointF(room.left() + place * step, room.bottom() - (close - low) / height * room.height())
                for place, close in enumerate(row.spark)
            ]
        )
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = "ok" if row.spark[-1] >= row.spark[0] else "error"
        painter.setPen(QPen(self.theme.color(role), 1.3, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        painter.drawPolyline(points)
        painter.restore()
