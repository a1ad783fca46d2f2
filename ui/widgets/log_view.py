"""A table of log lines that stays at its end unless the reader scrolls up."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QAbstractItemView, QWidget

from ui.models.log_lines import LINE_ROLE, Column, LogLines
from ui.theme import Theme
from ui.widgets.cells import Cell
from ui.widgets.tables import Table

ROW = 22


class LogView(Table):
    """Rows of fixed height, so that a long log costs no layout."""

    def __init__(self, theme: Theme, model: LogLines, name: str, parent: QWidget | None = None) -> None:
        super().__init__(name, parent, row_height=ROW)
        self._at_end = True
        self.setModel(model)
        self.setItemDelegate(Cell(theme, self, mono=True, lined=False))
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.set_widths({Column.TIME: 110, Column.LEVEL: 82, Column.SOURCE: 190}, Column.TEXT)
        self.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        model.rowsInserted.connect(self._follow)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            QGuiApplication.clipboard().setText(self.selected_text())
            return
        super().keyPressEvent(event)

    def selected_text(self) -> str:
        """The chosen lines as text, for the clipboard."""
        rows = sorted(self.selectionModel().selectedRows(), key=lambda index: index.row())
        lines = [index.data(LINE_ROLE) for index in rows]
        return "\n".join(
            f"{line.time.isoformat(timespec='milliseconds')} {line.level} {line.task or line.logger} {line.text}"
            for line in lines
        )

    def to_end(self) -> None:
        """Follow the newest line again."""
        self._at_end = True
        self._follow()

    def _on_scrolled(self, value: int) -> None:
        self._at_end = value >= self.verticalScrollBar().maximum() - ROW

    def _follow(self) -> None:
        if self._at_end:
            self.scrollToBottom()
