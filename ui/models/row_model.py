"""What all tables of the window have in common: rows in a list, titled columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence, Sized
from typing import Any, ClassVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt

from ui import words

AnyIndex = QModelIndex | QPersistentModelIndex


class RowModel(QAbstractTableModel):
    """A table of ``items``; who inherits says what its cells show.

    Attributes:
        TITLES: Of the columns, in their order, untranslated.
        RIGHT: Columns of numbers, set to the right.
        TIPS: What some titles mean, by column.
    """

    TITLES: ClassVar[Sequence[str]] = ()
    RIGHT: ClassVar[Collection[int]] = ()
    TIPS: ClassVar[Mapping[int, str]] = {}

    def items(self) -> Sized:
        """The rows that are shown."""
        raise NotImplementedError

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.items())

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self.TITLES)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self.TITLES):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return words.tr(self.TITLES[section])
        if role == Qt.ItemDataRole.ToolTipRole and section in self.TIPS:
            return words.tr(self.TIPS[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section in self.RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None
