"""The watch list: one row a symbol, changed one by one."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from ui import words
from ui.models.row_model import AnyIndex, RowModel

if TYPE_CHECKING:
    from workers.market.view import WatchRow


class Column(IntEnum):
    """The columns, from left to right."""

    SYMBOL = 0
    BID = 1
    ASK = 2
    SPREAD = 3
    AGE = 4
    RANGE = 5
    SPARK = 6
    GRADE = 7


TIPS: dict[int, str] = {
    Column.SPREAD: "Ask less bid, in points",
    Column.AGE: "Age of the quote: since the tick's own time",
    Column.RANGE: "Where the bid stands between the day's low and high",
    Column.SPARK: "The last 60 stored bars",
    Column.GRADE: "Grade of the stored bars, A to F",
}
RIGHT = (Column.BID, Column.ASK, Column.SPREAD, Column.AGE)
ROW_ROLE = Qt.ItemDataRole.UserRole + 1
INK_ROLE = Qt.ItemDataRole.UserRole + 7
_QUALITY = {
    "stale": "stale: the market is closed, or the feed stands still",
    "zero": "without a price",
    "crossed": "crossed: the bid is above the ask",
    "ahead": "from the future: a clock is wrong",
}
_GRADE_INK = {"A": "ok", "B": "ok", "C": "warning", "D": "warning", "E": "error", "F": "error"}


class WatchTable(RowModel):
    """Symbols with their newest quote."""

    TITLES = ("Symbol", "Bid", "Ask", "Spread", "Age", "Day", "Course", "Data")
    RIGHT = RIGHT
    TIPS = TIPS

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[WatchRow] = []
        self.now = datetime.now(UTC)

    def show_rows(self, rows: Sequence[WatchRow]) -> None:
        """Show these symbols: known ones change in place, the list is only rebuilt when it is another one."""
        if [row.symbol for row in rows] == [row.symbol for row in self._rows]:
            for place, row in enumerate(rows):
                if row != self._rows[place]:
                    self._rows[place] = row
                    self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))
            return
        if self._rows:
            self.beginRemoveRows(QModelIndex(), 0, len(self._rows) - 1)
            self._rows.clear()
            self.endRemoveRows()
        if rows:
            self.beginInsertRows(QModelIndex(), 0, len(rows) - 1)
            self._rows = list(rows)
            self.endInsertRows()

    def tick(self, now: datetime) -> None:
        """The time moved: ages grow."""
        self.now = now
        if self._rows:
            self.dataChanged.emit(self.index(0, Column.AGE), self.index(len(self._rows) - 1, Column.AGE))

    def row_at(self, index: AnyIndex) -> WatchRow | None:
        """The symbol of a row."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def place_of(self, symbol: str) -> int:
        """The row of a symbol, -1 when it is not here."""
        return next((place for place, row in enumerate(self._rows) if row.symbol == symbol), -1)

    def items(self) -> Sized:
        return self._rows

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._spoken(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == ROW_ROLE:
            return row
        if role == INK_ROLE:
            return self._ink(row, column)
        return None

    def _text(self, row: WatchRow, column: Column) -> str:
        if column is Column.SYMBOL:
            return row.symbol
        if column in (Column.BID, Column.ASK):
            price = row.bid if column is Column.BID else row.ask
            return f"{price:.{row.digits}f}" if price > 0 else words.DASH
        if column is Column.SPREAD:
            return f"{row.spread_points:g}" if row.spread_points is not None else words.DASH
        if column is Column.AGE:
            return short_age(row.time, self.now)
        if column is Column.GRADE:
            return row.grade or words.DASH
        return ""

    def _spoken(self, row: WatchRow, column: Column) -> str:
        if column is Column.RANGE and row.low is not None and row.high is not None:
            return words.tr("Day from {low} to {high}").format(
                low=f"{row.low:.{row.digits}f}", high=f"{row.high:.{row.digits}f}"
            )
        if column is Column.GRADE and not row.grade:
            return words.tr("Not graded yet")
        return self._text(row, column)

    def _tip(self, row: WatchRow, column: Column) -> str:
        if column is Column.GRADE:
            return words.joined(row.grade, row.why) if row.grade else words.tr("Not graded yet")
        if column is Column.RANGE:
            return self._spoken(row, column)
        if row.taken is None:
            return words.tr("No quote was collected yet. Collect market data fetches one.")
        bad = _QUALITY.get(str(row.quality or ""), "")
        said = words.tr("The quote is {what}.").format(what=words.tr(bad)) if bad else ""
        return "\n".join(part for part in (said, words.both_times(row.time)) if part)

    def _ink(self, row: WatchRow, column: Column) -> str:
        if column is Column.GRADE:
            return _GRADE_INK.get(row.grade, "muted")
        if column is Column.SYMBOL:
            return "text"
        fresh = row.quality is not None and row.quality.value == "fresh"
        if column in (Column.BID, Column.ASK):
            return "text" if fresh else "muted"
        if column is Column.AGE and not fresh and row.taken is not None:
            return "warning"
        return "dim"


def short_age(moment: datetime | None, now: datetime) -> str:
    """An age in the narrowest words."""
    if moment is None:
        return words.DASH
    seconds = max(0.0, (now - moment).total_seconds())
    for limit, unit, sign in ((60, 1, "s"), (3600, 60, "min"), (48 * 3600, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds // unit)}{words.GAP}{sign}"
    return f"{int(seconds // 86_400)}{words.GAP}d"
