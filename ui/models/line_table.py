"""Lines of text in columns that somebody else worded: the score of an idea, its evidence, its statistics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ui.words import Look

AnyIndex = QModelIndex | QPersistentModelIndex
INK_ROLE = Qt.ItemDataRole.UserRole + 7
LOOK_ROLE = Qt.ItemDataRole.UserRole + 2


class LineTable(QAbstractTableModel):
    """Rows of texts; a ``Look`` among them is shown as icon and word.

    Args:
        titles: Of the columns.
        strong: Columns in the ink of the text; others are dim.
        right: Columns whose texts are figures.
    """

    def __init__(
        self,
        titles: Sequence[str],
        parent: QObject | None = None,
        *,
        strong: Sequence[int] = (0,),
        right: Sequence[int] = (),
    ) -> None:
        super().__init__(parent)
        self._titles = tuple(titles)
        self._strong = frozenset(strong)
        self._right = frozenset(right)
        self._lines: list[tuple[str | Look, ...]] = []

    def set_lines(self, lines: Sequence[tuple[str | Look, ...]]) -> None:
        """Show these."""
        if list(lines) == self._lines:
            return
        self.beginResetModel()
        self._lines = list(lines)
        self.endResetModel()

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self._titles):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return self._alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._lines):
            return None
        value = self._lines[index.row()][index.column()]
        text = value.word if isinstance(value, Look) else value
        if role in (
            Qt.ItemDataRole.DisplayRole,
            Qt.ItemDataRole.AccessibleTextRole,
            Qt.ItemDataRole.ToolTipRole,
        ):
            return text
        if role == LOOK_ROLE:
            return value if isinstance(value, Look) else None
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(index.column())
        if role == INK_ROLE:
            return "text" if index.column() in self._strong else "dim"
        return None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column in self._right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter
