"""A heat map of a sweep: one cell for each pair of values, its colour and its figure what they brought."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from ui import words
from ui.theme import Theme

if TYPE_CHECKING:
    from workers.backtest.sweep_shelf import HeatMap

_LEFT: Final = 76.0
_BOTTOM: Final = 40.0
_TOP: Final = 4.0
_FIGURE: Final = 38.0
_TALL: Final = 48.0
_LEAST: Final = 160
_MOVES: Final = {
    Qt.Key.Key_Left: (0, -1),
    Qt.Key.Key_Right: (0, 1),
    Qt.Key.Key_Up: (-1, 0),
    Qt.Key.Key_Down: (1, 0),
}


class HeatMapView(QWidget):
    """Signals:
    pointed: the cell under the mouse or the cursor, in words.
    """

    pointed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._map: HeatMap | None = None
        self._middle = 0.0
        self._cell: tuple[int, int] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(280, _LEAST)
        self.setAccessibleName(self.tr("Heat map"))
        theme.changed.connect(self.update)

    def show_map(self, found: HeatMap | None, middle: float) -> None:
        """Show a map; above ``middle`` is won."""
        self._map, self._middle, self._cell = found, middle, None
        # Its rows grow no further: what is above it has the rest of the window.
        needed = int(_TOP + _BOTTOM + _TALL * len(found.y_values)) if found is not None else _LEAST
        self.setMinimumHeight(min(_LEAST, needed))
        self.setMaximumHeight(needed)
        self.update()

    def words_of(self, row: int, column: int) -> str:
        """A cell in words."""
        found = self._map
        if found is None:
            return ""
        value = found.cells[row][column]
        named = [f"{found.x} {found.x_values[column]}", f"{found.y} {found.y_values[row]}" if found.y else ""]
        return words.joined(*named, self.tr("nothing was tried") if value is None else f"{value:.3g}")

    def shade(self, value: float | None) -> QColor:
        """The colour of a value: the further from the middle, the stronger."""
        if value is None or self._map is None:
            return self._theme.tint("line", 0.35)
        known = [abs(cell - self._middle) for row in self._map.cells for cell in row if cell is not None]
        share = abs(value - self._middle) / (max(known, default=0.0) or 1.0)
        return self._theme.tint("ok" if value >= self._middle else "error", 0.10 + 0.55 * share)

    def _rect(self, row: int, column: int) -> QRectF:
        found = self._map
        rows, columns = (len(found.y_values), len(found.x_values)) if found is not None else (1, 1)
        wide = (self.width() - _LEFT) / columns
        tall = min(_TALL, (self.height() - _TOP - _BOTTOM) / rows)
        return QRectF(_LEFT + column * wide, _TOP + row * tall, wide, tall)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._theme.font(11))
        found = self._map
        if found is None:
            painter.setPen(self._theme.ink("dim"))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.tr("There is no heat map"))
            return
        for row, line in enumerate(found.cells):
            for column, value in enumerate(line):
                box = self._rect(row, column).adjusted(0, 0, -2, -2)
                painter.fillRect(box, self.shade(value))
                if value is not None and box.width() >= _FIGURE and box.height() >= 14:
                    painter.setPen(self._theme.ink("text"))
                    painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), f"{value:.2g}")
        self._paint_titles(painter, found)
        if self._cell is not None:
            painter.setPen(QPen(self._theme.color("accent"), 2.0))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRect(self._rect(*self._cell).adjusted(0, 0, -2, -2))

    def _paint_titles(self, painter: QPainter, found: HeatMap) -> None:
        painter.setPen(self._theme.ink("muted"))
        right = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        for row, text in enumerate(found.y_values):
            box = self._rect(row, 0)
            painter.drawText(QRectF(0, box.top(), _LEFT - 8, box.height()), right, text)
        bottom = self._rect(len(found.y_values) - 1, 0).bottom()
        for column, text in enumerate(found.x_values):
            box = self._rect(0, column)
            shown = self._theme.metrics(11).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
            painter.drawText(QRectF(box.left(), bottom + 2, box.width(), 16), int(Qt.AlignmentFlag.AlignHCenter), shown)
        under = QRectF(_LEFT, bottom + 19, self.width() - _LEFT, 16)
        across = f"{found.x} \N{RIGHTWARDS ARROW}" + (f"   {found.y} \N{DOWNWARDS ARROW}" if found.y else "")
        painter.drawText(under, int(Qt.AlignmentFlag.AlignHCenter), across)

    # -- mouse and keys --------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        found = self._map
        if found is None:
            return
        rows, columns = range(len(found.y_values)), range(len(found.x_values))
        hit = [
            (row, column) for row in rows for column in columns if self._rect(row, column).contains(event.position())
        ]
        self._point(hit[0] if hit else None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        move = _MOVES.get(Qt.Key(event.key()))
        if self._map is None or move is None:
            super().keyPressEvent(event)
            return
        row, column = self._cell or (0, 0)
        if self._cell is not None:
            row, column = row + move[0], column + move[1]
        most = len(self._map.y_values) - 1, len(self._map.x_values) - 1
        self._point((min(max(row, 0), most[0]), min(max(column, 0), most[1])))

    def _point(self, cell: tuple[int, int] | None) -> None:
        if cell != self._cell:
            self._cell = cell
            text = self.words_of(*cell) if cell is not None else ""
            self.setAccessibleDescription(text)
            self.pointed.emit(text)
            self.update()
