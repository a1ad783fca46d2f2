"""Our table view: fixed row heights, no grid, hairlines, no sideways scrolling, keys that do what users expect."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QModelIndex, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView, QVBoxLayout, QWidget

ROW = 33


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

    def set_widths(self, widths: dict[int, int], stretch: int) -> None:
        """Fixed widths in pixels, and the one column that takes what is left."""
        header = self.horizontalHeader()
        for column, width in widths.items():
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
            header.resizeSection(column, width)
        header.setSectionResizeMode(stretch, QHeaderView.ResizeMode.Stretch)

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
