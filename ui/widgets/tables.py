"""Our table view: fixed row heights, no grid, hairlines, no sideways scrolling, keys that do what users expect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QEvent, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QVBoxLayout, QWidget

ROW = 33
#: Columns that can be narrower become so where the stretched one would have less than this, in pixels.
SQUEEZED = 160


class Table(QTableView):
    """A table of rows.

    Signals:
        opened: Enter was pressed on, or the mouse released over, a row.
        left: the mouse left the table.
    """

    opened = Signal(QModelIndex)
    left = Signal()

    def __init__(self, name: str, parent: QWidget | None = None, *, row_height: int = ROW) -> None:
        super().__init__(parent)
        self._widths: dict[int, int] = {}
        self._yielding: tuple[int, ...] = ()
        self._shrinking: dict[int, int] = {}
        self._least = 0
        self._yields_all = False
        self.setAccessibleName(name)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setMouseTracking(True)
        self.setTabKeyNavigation(False)  # Tab leaves the table, arrows move in it
        self.setCornerButtonEnabled(False)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.viewport().setAutoFillBackground(False)
        self.setStyleSheet("QTableView { background: transparent; }")
        rows = self.verticalHeader()
        rows.hide()
        rows.setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        rows.setMinimumSectionSize(20)
        rows.setDefaultSectionSize(row_height)
        columns = self.horizontalHeader()
        columns.setFixedHeight(30)
        columns.setHighlightSections(False)
        columns.setSectionsClickable(False)
        columns.setMinimumSectionSize(24)

    def set_widths(
        self,
        widths: Mapping[int, int],
        stretch: int,
        *,
        yielding: Sequence[int] = (),
        least: int = 240,
        shrinking: Mapping[int, int] | None = None,
    ) -> None:
        """Fixed widths in pixels, and the one column that takes what is left.

        Args:
            yielding: Columns that can be looked up elsewhere; they are hidden in this order while the stretched
                column would have less than ``least`` pixels.
            shrinking: Columns that can be narrower, down to so many pixels, when hiding others is not enough.
        """
        header = self.horizontalHeader()
        for column, width in widths.items():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, width)
        header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)
        for column in set(self._yielding) - set(yielding):
            self.setColumnHidden(column, False)
        self._widths, self._yielding, self._least = dict(widths), tuple(yielding), least
        self._shrinking = dict(shrinking or {})
        self._make_room()

    def yield_all(self, yields: bool) -> None:
        """Hide all columns that can be, because what is beside the table shows them."""
        self._yields_all = yields
        self._make_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        room = self.viewport().width() - sum(self._widths.values())
        for column in self._yielding:
            hidden = self._yields_all or room < self._least
            if hidden:
                room += self._widths[column]
            if self.isColumnHidden(column) != hidden:
                self.setColumnHidden(column, hidden)
        self._squeeze(min(self._least, SQUEEZED) - room)

    def _squeeze(self, missing: int) -> None:
        """Take ``missing`` pixels from the columns that can be narrower, from each its part."""
        spare = {column: self._widths[column] - least for column, least in self._shrinking.items()}
        part = max(0.0, min(1.0, missing / (sum(spare.values()) or 1)))
        for column, pixels in spare.items():
            width = self._widths[column] - round(pixels * part)
            if self.columnWidth(column) != width:
                self.horizontalHeader().resizeSection(column, width)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self.currentIndex().isValid():
            self.opened.emit(self.currentIndex())
            return
        super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self.left.emit()
        self.viewport().update()


def framed(table: QWidget, parent: QWidget | None = None) -> QFrame:
    """A card around a table, with room for the round corners."""
    frame = QFrame(parent)
    frame.setObjectName("framed")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(1, 1, 1, 8)
    layout.addWidget(table)
    return frame
