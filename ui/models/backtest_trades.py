"""The trades of one backtest, a row for each closing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QModelIndex, QObject, QPersistentModelIndex, Qt

from ui import words
from ui.models.backtest_list import ink_of, money
from ui.models.row_model import RowModel

if TYPE_CHECKING:
    from workers.backtest.trade_rows import TradeRow

AnyIndex = QModelIndex | QPersistentModelIndex
INK_ROLE = Qt.ItemDataRole.UserRole + 7


class Column(IntEnum):
    """The columns, from left to right."""

    NUMBER = 0
    OPENED = 1
    SIDE = 2
    VOLUME = 3
    ENTRY = 4
    EXIT = 5
    REASON = 6
    BARS = 7
    PROFIT = 8


class TradeTable(RowModel):
    """Signals: none of its own."""

    TITLES = ("No.", "Opened", "Side", "Lots", "Entry", "Exit", "Closed by", "Bars", "Profit")
    RIGHT = (Column.NUMBER, Column.VOLUME, Column.ENTRY, Column.EXIT, Column.BARS, Column.PROFIT)
    TIPS: ClassVar = {Column.PROFIT: "With commission and swap", Column.OPENED: "On the clock of this computer"}

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[TradeRow] = ()
        self._digits = 5

    def items(self) -> Sequence[TradeRow]:
        return self._rows

    def show_rows(self, rows: Sequence[TradeRow]) -> None:
        """Show these trades."""
        self.beginResetModel()
        self._rows = rows
        self._digits = decimals(rows)
        self.endResetModel()

    def row_at(self, index: AnyIndex) -> TradeRow | None:
        """The trade of a row."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        column = Column(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return told(row, self._digits)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in self.RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == INK_ROLE:
            return ink_of(row.profit) if column is Column.PROFIT else "dim" if column is Column.NUMBER else "text"
        return None

    def _text(self, row: TradeRow, column: Column) -> str:
        return (
            f"{row.number:,}",
            f"{datetime.fromtimestamp(row.opened, UTC).astimezone():%Y-%m-%d %H:%M}",
            side_of(row),
            f"{row.volume:g}",
            f"{row.entry:.{self._digits}f}",
            f"{row.exit:.{self._digits}f}",
            reason_words(row.reason),
            f"{row.bars_held:,}",
            money(row.profit),
        )[column]


def side_of(row: TradeRow) -> str:
    """long or short."""
    return words.tr("long") if row.long else words.tr("short")


def reason_words(reason: str) -> str:
    """``end_of_bars`` as ``end of bars``; a trade that was ambiguous is told elsewhere."""
    return words.tr(reason.replace("_", " "))


def told(row: TradeRow, digits: int) -> str:
    """A trade in a sentence or two."""
    opened, closed = (
        f"{datetime.fromtimestamp(stamp, UTC).astimezone():%Y-%m-%d %H:%M}" for stamp in (row.opened, row.closed)
    )
    text = words.tr("{side} {volume} lots at {entry} ({opened}), closed at {exit} ({closed}) by {reason}").format(
        side=side_of(row),
        volume=f"{row.volume:g}",
        entry=f"{row.entry:.{digits}f}",
        exit=f"{row.exit:.{digits}f}",
        opened=opened,
        closed=closed,
        reason=reason_words(row.reason),
    )
    doubt = words.tr("stop and target lay in one bar") if row.ambiguous else ""
    return words.joined(words.tr("profit {n}").format(n=money(row.profit)), text, doubt)


def decimals(rows: Sequence[TradeRow]) -> int:
    """Decimals of the prices of trades, at most 5: those of an ideal market have many more."""
    some = [*rows[:40], *rows[-10:]]
    prices = [price for row in some for price in (row.entry, row.exit, row.stop, row.target)]
    return min(5, max((len(f"{price:.5f}".rstrip("0").partition(".")[2]) for price in prices), default=5))
