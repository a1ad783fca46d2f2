"""Lines of text in columns, where each cell may have an ink and a tip of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

AnyIndex = QModelIndex | QPersistentModelIndex
UNDER_ROLE = Qt.ItemDataRole.UserRole + 2
INK_ROLE = Qt.ItemDataRole.UserRole + 7


@dataclass(frozen=True, slots=True)
class Ink:
    """A text in one of the inks of the theme, and what stands under it where cells have two lines."""

    text: str
    ink: str = "text"
    tip: str = ""
    under: str = ""


Line = tuple[str | Ink, ...]


class InkTable(QAbstractTableModel):
    """Rows of texts.

    Args:
        right: Columns of figures, set to the right.
        strong: Columns whose plain texts are in the ink of the text; others are dim.
    """

    def __init__(
        self,
        titles: Sequence[str],
        parent: QObject | None = None,
        *,
        right: Sequence[int] = (),
        strong: Sequence[int] = (0,),
    ) -> None:
        super().__init__(parent)
        self._titles = tuple(titles)
        self._right, self._strong = frozenset(right), frozenset(strong)
        self._lines: tuple[Line, ...] = ()

    def show_lines(self, lines: Sequence[Line], titles: Sequence[str] | None = None) -> None:
        """Show these lines, under other titles if some are given; all but the first column then are figures."""
        if titles is None and tuple(lines) == self._lines:
            return
        self.beginResetModel()
        self._lines = tuple(lines)
        if titles is not None:
            self._titles = tuple(titles)
            self._right = self._strong = frozenset(range(1, len(titles)))
        self.endResetModel()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return self._lines

    def texts(self) -> list[tuple[str, ...]]:
        """What is shown, without its inks."""
        return [tuple(part.text if isinstance(part, Ink) else part for part in line) for line in self._lines]

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(self._titles):
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return self._titles[section]
        return self._alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._lines):
            return None
        line, column = self._lines[index.row()], index.column()
        part = line[column] if column < len(line) else ""
        text = part.text if isinstance(part, Ink) else part
        under = part.under if isinstance(part, Ink) else ""
        if role == Qt.ItemDataRole.DisplayRole:
            return text
        if role == UNDER_ROLE:
            return under
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{text}, {under}" if under else text
        if role == Qt.ItemDataRole.ToolTipRole:
            tip = part.tip if isinstance(part, Ink) else ""
            return tip or (f"{text}\n{under}" if under else text)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._alignment(column)
        if role == INK_ROLE:
            return part.ink if isinstance(part, Ink) else "text" if column in self._strong else "dim"
        return None

    def _alignment(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column in self._right else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter
