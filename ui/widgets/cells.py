"""How the cells of our tables are painted: row background, hairline, and what each kind of column shows."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QAbstractItemView, QStyle, QStyledItemDelegate, QStyleOptionViewItem

from ui import words
from ui.icons import paint_icon
from ui.theme import Theme
from ui.widgets.sparkline import paint_sparkline

AnyIndex = QModelIndex | QPersistentModelIndex
PADDING = 8
LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
NOWHERE = -1
INK_ROLE = Qt.ItemDataRole.UserRole + 7
FACE_ROLE = Qt.ItemDataRole.UserRole + 9


def told(index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
    """What the model says of a cell. ``index.data()`` would go through Qt, and wait for the interpreter twice."""
    return index.model().data(index, role)


class Cell(QStyledItemDelegate):
    """Plain text in the ink that the model names; the base of the others."""

    def __init__(
        self,
        theme: Theme,
        parent: QObject | None = None,
        *,
        strong: bool = False,
        mono: bool = False,
        lined: bool = True,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self._weight = QFont.Weight.Medium if strong else QFont.Weight.Normal
        self._mono = mono
        self._lined = lined

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        rect = QRectF(option.rect)
        self.paint_row(painter, option, index)
        self.paint_content(painter, rect.adjusted(PADDING, 0, -PADDING, 0), index)

    def paint_row(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        """The background of the cell, and the hairline under its row."""
        rect = QRectF(option.rect)
        state = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, self.theme.color("selected"))
            view = option.widget
            if index.column() == 0 and isinstance(view, QAbstractItemView) and view.hasFocus():
                painter.fillRect(QRectF(rect.left(), rect.top(), 2.0, rect.height()), self.theme.color("accent"))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, self.theme.tint("selected", 0.45))
        if self._lined and index.row() < index.model().rowCount() - 1:
            painter.fillRect(QRectF(rect.left(), rect.bottom() - 1, rect.width(), 1.0), self.theme.color("line"))

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        """What the cell shows; ``rect`` leaves out the padding."""
        self.paint_text(painter, rect, index, str(told(index) or ""))

    def paint_text(self, painter: QPainter, rect: QRectF, index: AnyIndex, text: str) -> None:
        """One line of text, shortened at its end when it does not fit."""
        if not text:
            return
        font = self.font()
        painter.setFont(font)
        painter.setPen(self.theme.ink(told(index, INK_ROLE) or "dim"))
        align = told(index, Qt.ItemDataRole.TextAlignmentRole) or LEFT
        shown = self.metrics().elidedText(text, Qt.TextElideMode.ElideRight, rect.width())
        painter.drawText(rect, int(align), shown)

    def face(self, index: AnyIndex) -> Hashable:
        """Everything in the model that the painted cell depends on, and whether a line is under it."""
        return (told(index, FACE_ROLE), index.row() < index.model().rowCount() - 1)

    def font(self) -> QFont:
        """The font of this column."""
        if self._mono:
            return self.theme.mono()
        return self.theme.font(weight=self._weight)

    def metrics(self) -> QFontMetricsF:
        """The measures of ``font()``."""
        return QFontMetricsF(self.font()) if self._mono else self.theme.metrics(weight=self._weight)

    def sizeHint(self, option: QStyleOptionViewItem, index: AnyIndex) -> QSize:
        text = str(told(index) or "")
        return QSize(int(self.metrics().horizontalAdvance(text)) + 2 * PADDING + 2, 33)


class GroupCell(Cell):
    """The title of a group of rows, over all columns."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        painter.setFont(self.theme.font(11))
        painter.setPen(self.theme.ink("muted"))
        rect = QRectF(option.rect).adjusted(PADDING, 4, 0, 0)
        painter.drawText(rect, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), str(told(index) or ""))


class StateCell(Cell):
    """Icon and word of a state."""

    def __init__(self, theme: Theme, look_role: int, parent: QObject | None = None) -> None:
        super().__init__(theme, parent)
        self._look_role = look_role

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        look = told(index, self._look_role)
        if isinstance(look, words.Look):
            paint_look(painter, rect, look, self.theme)


class ResultCell(Cell):
    """The last result; a progress bar goes before it while the run works."""

    def __init__(self, theme: Theme, progress_role: int, short_role: int, parent: QObject | None = None) -> None:
        super().__init__(theme, parent)
        self._progress_role = progress_role
        self._short_role = short_role

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        share = told(index, self._progress_role)
        if share is not None:
            paint_progress(painter, QRectF(rect.left(), rect.center().y(), 80.0, 4.0), float(share), self.theme)
            rect = rect.adjusted(88.0, 0, 0, 0)
        text = str(told(index) or "")
        if self.metrics().horizontalAdvance(text) > rect.width():
            # The age goes before the finding is cut; the tooltip has both.
            text = str(told(index, self._short_role) or text)
        self.paint_text(painter, rect, index, text)


class SparklineCell(Cell):
    """The recent runs."""

    def __init__(self, theme: Theme, bars_role: int, parent: QObject | None = None) -> None:
        super().__init__(theme, parent)
        self._bars_role = bars_role

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        bars = told(index, self._bars_role) or ()
        middle = rect.center().y()
        paint_sparkline(painter, QRectF(rect.left(), middle - 8, rect.width(), 15), bars, self.theme)


class ActionCell(Cell):
    """A button in each row: run now, or cancel while a run is at work.

    Args:
        repaint: Has the cell of a row painted anew.

    Signals:
        pressed: somebody pressed the button of this row.
    """

    pressed = Signal(QModelIndex)

    def __init__(
        self, theme: Theme, action_role: int, repaint: Callable[[int], None], parent: QObject | None = None
    ) -> None:
        super().__init__(theme, parent)
        self._action_role = action_role
        self._repaint = repaint
        self._hot = self._down = NOWHERE

    def face(self, index: AnyIndex) -> Hashable:
        here = index.row()
        return (super().face(index), here == self._hot, here == self._down)

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        action = told(index, self._action_role)
        if not action:
            return
        button = self.button_rect(rect, action)
        here = index.row()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(self.theme.color("line" if self._down == here else "raised"))
        painter.setPen(QPen(self.theme.color("faint" if self._hot == here else "line"), 1.0))
        painter.drawRoundedRect(button.adjusted(0.5, 0.5, -0.5, -0.5), 6, 6)
        if action == "cancel":
            painter.setFont(self.theme.font())
            painter.setPen(self.theme.color("text"))
            painter.drawText(button, int(Qt.AlignmentFlag.AlignCenter), words.tr("Cancel"))
        else:
            middle = button.center()
            paint_icon(painter, "play", QRectF(middle.x() - 7, middle.y() - 7, 14, 14), self.theme.color("text"))

    def button_rect(self, rect: QRectF, action: str) -> QRectF:
        """Where the button is inside the cell."""
        width = 33.0
        if action == "cancel":
            width = self.theme.metrics().horizontalAdvance(words.tr("Cancel")) + 22
        return QRectF(rect.right() - width, rect.center().y() - 12, width, 24)

    def editorEvent(self, event: QEvent, model, option: QStyleOptionViewItem, index: AnyIndex) -> bool:  # type: ignore[no-untyped-def]
        if not isinstance(event, QMouseEvent):
            return False
        action = told(index, self._action_role)
        rect = QRectF(option.rect).adjusted(PADDING, 0, -PADDING, 0)
        inside = bool(action) and self.button_rect(rect, str(action)).contains(event.position())
        here = index.row() if inside else NOWHERE
        if event.type() == QEvent.Type.MouseMove and here != self._hot:
            was, self._hot = self._hot, here
            self._repaint(was)
            self._repaint(here)
        elif event.type() == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton and inside:
            self._down = here
            self._repaint(here)
            return True
        elif event.type() == QEvent.Type.MouseButtonRelease and self._down != NOWHERE:
            was, self._down = self._down, NOWHERE
            self._repaint(was)
            if inside and was == here:
                self.pressed.emit(index.model().index(index.row(), index.column()))
                return True
        return False

    def cool(self) -> None:
        """The mouse left the table."""
        was, self._hot = self._hot, NOWHERE
        self._repaint(was)


def paint_look(painter: QPainter, rect: QRectF, look: words.Look, theme: Theme, size_px: float = 12.5) -> None:
    """An icon and its word, in the colour of the state."""
    ink = theme.ink(look.role)
    paint_icon(painter, look.icon, QRectF(rect.left(), rect.center().y() - 6.5, 13, 13), ink)
    font = theme.font(size_px)
    painter.setFont(font)
    painter.setPen(ink)
    rest = rect.adjusted(18, 0, 0, 0)
    text = theme.metrics(size_px).elidedText(look.word, Qt.TextElideMode.ElideRight, rest.width())
    painter.drawText(rest, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), text)


def paint_progress(painter: QPainter, rect: QRectF, share: float, theme: Theme) -> None:
    """A thin bar, filled to ``share`` (0 to 1)."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(theme.color("line"))
    painter.drawRoundedRect(rect, 2, 2)
    done = QRectF(rect)
    done.setWidth(rect.width() * min(1.0, max(0.0, share)))
    painter.setBrush(theme.color("running"))
    painter.drawRoundedRect(done, 2, 2)
