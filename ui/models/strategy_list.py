"""The strategies: a switch, what it is called and trades, and what came of it last."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt, Signal

from ui import words

if TYPE_CHECKING:
    from workers.strategy.overview import LastOutcome, Row

AnyIndex = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns, from left to right."""

    ON = 0
    NAME = 1
    LAST = 2


TITLES = ("On", "Strategy", "Last")
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
UNDER_ROLE = Qt.ItemDataRole.UserRole + 2
LOOK_ROLE = Qt.ItemDataRole.UserRole + 3
INK_ROLE = Qt.ItemDataRole.UserRole + 7
_OUTCOMES = {
    "idea": ("idea", "ok"),
    "known": ("idea", "ok"),
    "observed": ("observed", "dim"),
    "no_idea": ("no idea", "warning"),
    "not_evaluated": ("not evaluated", "error"),
}


class StrategyList(QAbstractTableModel):
    """Signals:
    switched: somebody switched the strategy of this file on or off; the model waits for the file.
    """

    switched = Signal(str, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self.now = datetime.now(UTC)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these strategies: known ones change in place, others come and go one by one."""
        wanted = {row.file_name for row in rows}
        for place in range(len(self._rows) - 1, -1, -1):
            if self._rows[place].file_name not in wanted:
                self.beginRemoveRows(QModelIndex(), place, place)
                del self._rows[place]
                self.endRemoveRows()
        for place, row in enumerate(rows):
            here = self.place_of(row.file_name)
            if here < 0:
                self.beginInsertRows(QModelIndex(), place, place)
                self._rows.insert(place, row)
                self.endInsertRows()
                continue
            if here != place:
                self.beginMoveRows(QModelIndex(), here, here, QModelIndex(), place)
                self._rows.insert(place, self._rows.pop(here))
                self.endMoveRows()
            if self._rows[place] != row:
                self._rows[place] = row
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))

    def tick(self, now: datetime) -> None:
        """The time moved; only tooltips speak of it."""
        self.now = now

    @property
    def rows(self) -> tuple[Row, ...]:
        """The strategies, in the order shown."""
        return tuple(self._rows)

    def row_at(self, index: AnyIndex) -> Row | None:
        """The strategy of a row."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def row_of(self, file_name: str) -> Row | None:
        """The strategy of a file."""
        return next((row for row in self._rows if row.file_name == file_name), None)

    def place_of(self, file_name: str) -> int:
        """The row of a file, -1 when it is not here."""
        return next((place for place, row in enumerate(self._rows) if row.file_name == file_name), -1)

    def set_shown(self, file_name: str, enabled: bool) -> None:
        """Show a switch as it will be when the file is written."""
        place = self.place_of(file_name)
        if place >= 0 and self._rows[place].enabled is not None:
            self._rows[place] = replace(self._rows[place], enabled=enabled)
            cell = self.index(place, Column.ON)
            self.dataChanged.emit(cell, cell)

    # -- what Qt asks ----------------------------------------------------------------------------------------------

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        flags = super().flags(index)
        row = self.row_at(index)
        if index.column() == Column.ON and row is not None and row.enabled is not None:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return words.tr(TITLES[section])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if section == Column.LAST else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == UNDER_ROLE:
            return self._under(row, column)
        if role == Qt.ItemDataRole.CheckStateRole and column is Column.ON and row.enabled is not None:
            return Qt.CheckState.Checked if row.enabled else Qt.CheckState.Unchecked
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column is Column.LAST else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == LOOK_ROLE and column is Column.NAME and row.problem:
            return words.Look("warning", "error" if row.enabled is None else "warning", words.tr("Problem"))
        if role == ROW_ROLE:
            return row
        if role == INK_ROLE:
            return self._ink(row, column)
        return None

    def setData(self, index: AnyIndex, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:
        row = self.row_at(index)
        if row is None or row.enabled is None or role != Qt.ItemDataRole.CheckStateRole:
            return False
        wanted = Qt.CheckState(value) == Qt.CheckState.Checked
        self.set_shown(row.file_name, wanted)
        self.switched.emit(row.file_name, wanted)
        return True

    def _text(self, row: Row, column: Column) -> str:
        if column is Column.NAME:
            return row.name
        if column is Column.LAST and row.last is not None and row.last.score is not None:
            return f"{row.last.score:g}"
        return ""

    def _under(self, row: Row, column: Column) -> str:
        if column is Column.NAME:
            if row.enabled is None:
                return words.tr("Cannot be used")
            return words.joined(f"{row.symbol} {row.timeframe}", words.tr(row.direction), "")
        if column is Column.LAST:
            if row.last is None:
                return ""
            # Of an idea, what it advises; of all others, what came of them.
            return row.last.action if row.last.outcome in ("idea", "known") else outcome_look(row.last.outcome)[0]
        return ""

    def _spoken(self, row: Row, column: Column) -> str:
        if column is Column.ON:
            return words.tr("No switch") if row.enabled is None else words.tr("On") if row.enabled else words.tr("Off")
        if column is Column.NAME:
            problem = words.tr("Problem: {what}").format(what=row.problem) if row.problem else ""
            return ", ".join(part for part in (row.name, self._under(row, column), problem) if part)
        return " ".join(part for part in (self._text(row, column), self._under(row, column)) if part)

    def _tip(self, row: Row, column: Column) -> str:
        if column is Column.ON:
            return self._spoken(row, column)
        if column is Column.NAME:
            return "\n".join(part for part in (row.problem, row.description, row.file_name) if part)
        if row.last is None:
            return words.tr("Not evaluated today or yesterday")
        return "\n".join((last_words(row.last), words.both_times(row.last.time)))

    def _ink(self, row: Row, column: Column) -> str:
        if column is Column.LAST:
            return "text" if row.enabled else "muted"
        return "text" if row.enabled or row.enabled is None else "dim"


def last_words(last: LastOutcome) -> str:
    """What came of a strategy last, in a sentence."""
    return last.reason or words.tr("No reason was recorded.")


def outcome_look(outcome: str) -> tuple[str, str]:
    """Word and colour of an outcome."""
    word, role = _OUTCOMES.get(outcome, (outcome, "dim"))
    return words.tr(word), role
