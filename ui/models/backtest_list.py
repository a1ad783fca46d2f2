"""The stored backtests: what was tested, and the figures by which people choose."""

from __future__ import annotations

from collections.abc import Sequence
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt

from ui import words
from ui.models.row_model import RowModel
from ui.models.strategy_list import INK_ROLE, LOOK_ROLE, ROW_ROLE, UNDER_ROLE

if TYPE_CHECKING:
    from workers.backtest.shelf import Entry

AnyIndex = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """The columns, from left to right."""

    NAME = 0
    NET = 1
    FALL = 2
    GRADE = 3


class BacktestList(RowModel):
    """Entries of the shelf, the newest first."""

    TITLES = ("Backtest", "Net profit", "Drawdown", "Grade")
    RIGHT = (Column.NET, Column.FALL, Column.GRADE)
    TIPS: ClassVar = {
        Column.NET: "Total net profit, and the profit factor under it",
        Column.FALL: "Maximal drawdown of equity, and the number of trades under it",
        Column.GRADE: "Grade of the bars, A to F",
    }

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Entry] = []
        self._places: dict[str, int] = {}

    def items(self) -> Sequence[Entry]:
        return self._rows

    def show_rows(self, rows: Sequence[Entry]) -> None:
        """Show these: known ones stay where they are, so that a selection does too."""
        wanted = {row.stem for row in rows}
        for place in range(len(self._rows) - 1, -1, -1):
            if self._rows[place].stem not in wanted:
                self.beginRemoveRows(QModelIndex(), place, place)
                del self._rows[place]
                self.endRemoveRows()
        known = {row.stem for row in self._rows}
        if [row.stem for row in rows if row.stem in known] != [row.stem for row in self._rows]:
            self.beginResetModel()  # their order is another one, which only a changed clock brings about
            self._rows = list(rows)
            self.endResetModel()
        else:
            self._merge(rows, known)
        self._places = {row.stem: place for place, row in enumerate(self._rows)}

    def _merge(self, rows: Sequence[Entry], known: set[str]) -> None:
        place = 0
        while place < len(rows):
            end = place
            while end < len(rows) and rows[end].stem not in known:
                end += 1
            if end > place:
                self.beginInsertRows(QModelIndex(), place, end - 1)
                self._rows[place:place] = rows[place:end]
                self.endInsertRows()
                place = end
                continue
            if self._rows[place] != rows[place]:
                self._rows[place] = rows[place]
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))
            place += 1

    @property
    def rows(self) -> tuple[Entry, ...]:
        """What is shown, in its order."""
        return tuple(self._rows)

    def row_at(self, index: AnyIndex) -> Entry | None:
        """The backtest of a row."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def place_of(self, stem: str) -> int:
        """The row of a backtest, -1 when it is not here."""
        return self._places.get(stem, -1)

    # -- what Qt asks ----------------------------------------------------------------------------------------------

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == UNDER_ROLE:
            return _under(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return ", ".join(part for part in (_text(row, column), _under(row, column)) if part)
        if role == Qt.ItemDataRole.ToolTipRole:
            return _tip(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in self.RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == LOOK_ROLE:
            damaged = column is Column.NAME and row.problem
            return words.Look("warning", "error", words.tr("Damaged")) if damaged else None
        if role == INK_ROLE:
            return _ink(row, column)
        return row if role == ROW_ROLE else None


def _text(row: Entry, column: Column) -> str:
    if column is Column.NAME:
        return row.name
    if column is Column.NET:
        return money(row.net)
    if column is Column.FALL:
        return "" if row.drawdown_percent is None else f"{row.drawdown_percent:.1f}{words.GAP}%"
    return row.grade


def _under(row: Entry, column: Column) -> str:
    if row.problem:
        return words.tr("cannot be shown") if column is Column.NAME else ""
    if column is Column.NAME:
        return words.joined(f"{row.symbol} {row.timeframe}", period(row.first, row.last))
    if column is Column.NET:
        return words.tr("factor {n}").format(n=f"{row.factor:.2f}") if row.factor is not None else ""
    if column is Column.FALL:
        return words.plural(row.trades, "trade", "trades") if row.trades is not None else ""
    return words.tr("note") if row.noted else ""


def _tip(row: Entry) -> str:
    if row.problem:
        return row.problem
    return "\n".join(
        part
        for part in (
            row.name,
            words.joined(f"{row.symbol} {row.timeframe}", f"{row.first} \N{EN DASH} {row.last}"),
            words.tr("net profit {net} {currency}, maximal drawdown {fall} {currency}").format(
                net=money(row.net), fall=money(row.drawdown), currency=row.currency
            ),
            words.both_times(row.created),
        )
        if part
    )


def _ink(row: Entry, column: Column) -> str:
    if column is Column.NET:
        return ink_of(row.net)
    if column is Column.GRADE and row.grade in ("D", "E", "F"):
        return "warning"
    return "text"


def ink_of(value: float | None) -> str:
    """Profits and losses each have their ink."""
    return "text" if not value else "ok" if value > 0 else "error"


def money(value: float | None) -> str:
    """Money to the cent, large amounts without; a dash when there is none."""
    if value is None:
        return words.DASH
    text = f"{value:,.0f}" if abs(value) >= 1e6 else f"{value:,.2f}"
    return text.replace("-", "\N{MINUS SIGN}") if text.strip("-0.,") else text.lstrip("-")


def period(first: str, last: str) -> str:
    """A span of days as short as it is clear: ``2025-01 - 12``, ``2024 - 2025``."""
    if not first or not last:
        return ""
    if first[:7] == last[:7]:
        return first[:7] if first[8:] < "03" and last[8:] > "27" else f"{first} \N{EN DASH} {last[8:]}"
    return f"{first[:7]} \N{EN DASH} {last[5:7] if first[:4] == last[:4] else last[:7]}"
