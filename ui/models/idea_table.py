"""Trade ideas of one state, newest first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ui import words
from ui.models.news_table import short_time
from ui.words import Look
from workers.strategy.idea_files import IdeaRow
from workers.strategy.idea_life import State

AnyIndex = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns, from left to right."""

    SYMBOL = 0
    SIDE = 1
    SCORE = 2
    ACTION = 3
    TIME = 4


TITLES: Final = ("Symbol", "Side", "Score", "Action", "Time")
INK_ROLE = Qt.ItemDataRole.UserRole + 7
_LOOKS: Final = {
    State.PENDING: ("queued", "running", "Pending"),
    State.APPROVED: ("succeeded", "ok", "Approved"),
    State.REJECTED: ("failed", "error", "Rejected"),
    State.EXPIRED: ("missed", "idle", "Expired"),
}


def state_look(state: State) -> Look:
    """Icon, colour and word of a state."""
    icon, role, word = _LOOKS[state]
    return Look(icon, role, words.tr(word))


class IdeaTable(QAbstractTableModel):
    """What the list shows."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[IdeaRow] = []
        self._places: dict[str, int] = {}
        self.now = datetime.now(UTC)

    def set_rows(self, rows: Sequence[IdeaRow]) -> None:
        """Show these; the selection survives when they are the same ideas as before."""
        fresh = list(rows)
        if [row.facts.file for row in fresh] == [row.facts.file for row in self._rows]:
            changed = [place for place, row in enumerate(fresh) if row != self._rows[place]]
            self._rows = fresh
            for place in changed:
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))
            return
        self.beginResetModel()
        self._rows = fresh
        self._places = {row.facts.file: place for place, row in enumerate(fresh)}
        self.endResetModel()

    def row_at(self, index: AnyIndex) -> IdeaRow | None:
        """The idea of a row."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def place_of(self, file: str) -> int:
        """The row of an idea; -1 when it is not shown."""
        return self._places.get(file, -1)

    # -- Qt --------------------------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(Column)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self.tr(TITLES[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        column = Column(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == INK_ROLE:
            return "text" if column in (Column.SYMBOL, Column.SCORE) else "dim"
        return None

    def _text(self, row: IdeaRow, column: Column) -> str:
        facts = row.facts
        if column is Column.TIME:
            return short_time(facts.closed, self.now)
        if column is Column.SYMBOL:
            return f"{facts.symbol} {facts.timeframe}"
        if column is Column.SCORE:
            return f"{facts.score:g}"
        return facts.direction if column is Column.SIDE else facts.action

    def _tip(self, row: IdeaRow) -> str:
        facts = row.facts
        lines = [facts.strategy_name or facts.strategy, words.both_times(facts.closed)]
        if row.figures is not None:
            lines.append(self.tr("edited"))
        return "\n".join(line for line in lines if line)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in (Column.SCORE, Column.TIME) else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter
