"""A table that keeps its cells as pictures: a repaint is one call from Qt and copies them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Hashable
from typing import NamedTuple

from PySide6.QtCore import QAbstractItemModel, QEvent, QModelIndex, QPersistentModelIndex, QRect, Qt
from PySide6.QtGui import QFocusEvent, QPainter, QPaintEvent, QPixmap
from PySide6.QtWidgets import QStyle, QStyleOptionViewItem, QWidget

from ui.theme import Theme
from ui.widgets.cells import Cell
from ui.widgets.tables import ROW, Table

AnyIndex = QModelIndex | QPersistentModelIndex

# Pictures of faces that no cell shows at present: a state that a task was in a moment ago comes back soon.
_SPARE = 96

# What a picture depends on beside what the cell shows: width, height, pixels per point, and the state of the row.
_Look = tuple[int, int, float, int]
_HOVERED, _SELECTED, _FOCUSED = 1, 2, 4
_EITHER = QStyle.StateFlag.State_Selected | QStyle.StateFlag.State_MouseOver

# After so long a paint leaves the cells that changed as they were, for the next one: the window lives in between.
BUDGET_S = 0.002


class _Kept(NamedTuple):
    """The picture of a cell, and what it was made of."""

    look: _Look
    face: Hashable
    picture: QPixmap


class PictureTable(Table):
    """For tables of few rows that change often.

    Qt's own way asks a Python delegate for each cell of the region to repaint, and each call from Qt waits for the
    interpreter while tasks compute: some 0.4 ms with four busy lanes, 40 ms for a table. Here ``paintEvent`` is the
    only such call. The delegates (``Cell``) paint a cell into a picture when its model has said that it changed, unless
    there is a picture of the same face already.
    """

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None, *, row_height: int = ROW) -> None:
        # First, because Qt calls changeEvent and updateGeometries below while the base is built.
        self._pictures: dict[tuple[int, int], _Kept] = {}
        self._changed: set[tuple[int, int]] = set()
        # Kept like the option below: each object of Qt that is made lets go of the interpreter for a moment.
        self._indexes: dict[tuple[int, int], QModelIndex] = {}
        self._by_face: OrderedDict[Hashable, QPixmap] = OrderedDict()
        self._rows: list[tuple[int, int, int, bool]] | None = None
        super().__init__(name, parent, row_height=row_height)
        self._theme = theme
        self._columns: list[tuple[int, int, int]] = []
        self._option = QStyleOptionViewItem()
        self._painter = QPainter()  # for pictures
        self._hovered = self._chosen = -1
        # All of the viewport is painted here: what lies behind it need not be.
        self.viewport().setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.entered.connect(lambda index: self._hover(index.row()))
        self.viewportEntered.connect(lambda: self._hover(-1))
        self.left.connect(lambda: self._hover(-1))
        for header in (self.horizontalHeader(), self.verticalHeader()):
            header.sectionResized.connect(self._forget_places)
            header.geometriesChanged.connect(self._forget_places)
        self.verticalScrollBar().valueChanged.connect(self._forget_places)
        theme.changed.connect(self.forget_pictures)

    def setModel(self, model: QAbstractItemModel | None) -> None:
        super().setModel(model)
        if model is None:
            return
        model.dataChanged.connect(self._on_data_changed)
        self.selectionModel().selectionChanged.connect(self._on_selection_changed)
        for changed in (model.rowsInserted, model.rowsRemoved, model.modelReset, model.layoutChanged):
            changed.connect(self.forget_pictures)

    def forget_pictures(self) -> None:
        """Paint all cells anew."""
        self._pictures.clear()
        self._changed.clear()
        self._by_face.clear()
        self._indexes.clear()
        self._forget_places()
        self.viewport().update()

    def repaint_cell(self, row: int, column: int) -> None:
        """Paint one cell anew: something changed that the model does not know, such as a pressed button."""
        self._pictures.pop((row, column), None)
        self.viewport().update()

    # -- what changes the pictures ---------------------------------------------------------------------------------

    def _on_data_changed(self, first: QModelIndex, last: QModelIndex) -> None:
        columns = range(first.column(), last.column() + 1)
        self._changed.update((row, column) for row in range(first.row(), last.row() + 1) for column in columns)

    def _on_selection_changed(self) -> None:
        chosen = self.selectionModel().selectedRows()
        self._chosen = chosen[0].row() if chosen else -1
        self.viewport().update()

    def _hover(self, row: int) -> None:
        if row != self._hovered:
            self._hovered = row
            self.viewport().update()

    def _forget_places(self) -> None:
        self._rows = None

    def updateGeometries(self) -> None:
        self._forget_places()
        super().updateGeometries()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange, QEvent.Type.LanguageChange):
            self.forget_pictures()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.viewport().update()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.viewport().update()

    # -- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        rows = self._rows if self._rows is not None else self._measure()
        wanted = event.rect()
        top, bottom = wanted.top(), wanted.bottom()
        ratio, focused, wide = self.devicePixelRatioF(), self.hasFocus(), self.viewport().width()
        until, late = 0.0, False
        painter = QPainter(self.viewport())
        painter.fillRect(wanted, self._theme.color("panel"))
        for row, y, height, spanned in rows:
            if y > bottom or y + height < top:
                continue
            state = _HOVERED if row == self._hovered else 0
            if row == self._chosen:
                state |= _SELECTED | (_FOCUSED if focused else 0)
            for column, x, width in [(0, 0, wide)] if spanned else self._columns:
                place, look = (row, column), (width, height, ratio, state)
                kept = self._pictures.get(place)
                if kept is None or kept.look != look:
                    kept = self._renewed(place, look, None)
                elif place in self._changed:
                    late = late or (until > 0 and time.perf_counter() > until)
                    if not late:
                        until = until or time.perf_counter() + BUDGET_S  # the first is always painted
                        kept = self._renewed(place, look, kept)
                painter.drawPixmap(x, y, kept.picture)
        painter.end()
        if late:
            self.viewport().update()

    def _measure(self) -> list[tuple[int, int, int, bool]]:
        """Where rows (row, top, height, whether it is one cell) and columns (column, left, width) are, in pixels."""
        model = self.model()
        rows, columns = range(model.rowCount()), range(model.columnCount())
        found = [(row, self.rowViewportPosition(row), self.rowHeight(row), self.columnSpan(row, 0) > 1) for row in rows]
        self._columns = [
            (column, self.columnViewportPosition(column), self.columnWidth(column))
            for column in columns
            if not self.isColumnHidden(column)
        ]
        self._rows = found
        return found

    def _renewed(self, place: tuple[int, int], look: _Look, kept: _Kept | None) -> _Kept:
        """The picture of a cell as its model has it now: the one it had, one that is there already, or a new one."""
        self._changed.discard(place)
        index = self._indexes.get(place)
        if index is None:
            index = self._indexes[place] = self.model().index(*place)
        delegate = self.itemDelegateForIndex(index)
        if not isinstance(delegate, Cell):
            raise TypeError(f"A PictureTable is painted by delegates of the class Cell, not {type(delegate).__name__}")
        face = (place[1], look, delegate.face(index))
        if kept is not None and kept.face == face:
            return kept
        picture = self._by_face.pop(face, None) or self._painted(delegate, index, look)
        self._by_face[face] = picture
        if len(self._by_face) > _SPARE:
            self._by_face.popitem(last=False)
        found = self._pictures[place] = _Kept(look, face, picture)
        return found

    def _painted(self, delegate: Cell, index: AnyIndex, look: _Look) -> QPixmap:
        width, height, ratio, state = look
        picture = QPixmap(max(1, round(width * ratio)), max(1, round(height * ratio)))
        picture.setDevicePixelRatio(ratio)
        # An opaque ground, so that text keeps the smoothing that it has elsewhere in the window.
        picture.fill(self._theme.color("panel"))
        option = self._option
        self.initViewItemOption(option)
        option.rect = QRect(0, 0, width, height)
        option.state &= ~_EITHER
        for bit, flag in ((_SELECTED, QStyle.StateFlag.State_Selected), (_HOVERED, QStyle.StateFlag.State_MouseOver)):
            if state & bit:
                option.state |= flag
        self._painter.begin(picture)
        try:
            delegate.paint(self._painter, option, index)
        finally:
            self._painter.end()
        return picture
