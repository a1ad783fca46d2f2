"""How reliable each task was: one row a task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from datetime import datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt

from ui import words
from ui.models.row_model import AnyIndex, RowModel

if TYPE_CHECKING:
    from workers.health.reliability import Rate, Reliability

INK_ROLE = Qt.ItemDataRole.UserRole + 7
#: From here on a share of successes is a warning, and below the second an error.
_GOOD, _POOR = 0.99, 0.9


class Column(IntEnum):
    """The columns, from left to right."""

    TASK = 0
    DAY = 1
    WEEK = 2
    RUNS = 3
    P50 = 4
    P95 = 5
    FAILURE = 6


TIPS: dict[int, str] = {
    Column.DAY: "Share of the runs of the last 24 hours that succeeded; only those that came to work count",
    Column.WEEK: "Share of the runs of the last seven days that succeeded",
    Column.RUNS: "Runs of the last seven days that succeeded or failed",
    Column.P50: "Duration that half of the successful runs of the week did not exceed",
    Column.P95: "Duration that 95 % of them did not exceed",
    Column.FAILURE: "When a run last failed, within the last seven days",
}


class ReliabilityTable(RowModel):
    """Success rates, durations and the last failure of each task."""

    TITLES = ("Task", "24 h", "7 days", "Runs", "Half within", "95 % within", "Last failure")
    RIGHT = (Column.DAY, Column.WEEK, Column.RUNS, Column.P50, Column.P95)
    TIPS = TIPS

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Reliability] = []
        self._titles: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._now: datetime | None = None

    def show_rows(
        self, rows: Sequence[Reliability], titles: Mapping[str, str], reasons: Mapping[str, str], now: datetime
    ) -> None:
        """Show these tasks.

        Args:
            titles, reasons: What a task is called, and why it last failed, by its id.
        """
        same = [row.task for row in rows] == [row.task for row in self._rows]
        if not same:
            self.beginResetModel()
        self._rows, self._titles, self._reasons, self._now = list(rows), dict(titles), dict(reasons), now
        if not same:
            self.endResetModel()
        elif rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(Column) - 1))

    def items(self) -> Sized:
        return self._rows

    def row_at(self, index: AnyIndex) -> Reliability | None:
        """The task of a row."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        found = self.row_at(index)
        if found is None:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(found, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in self.RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == INK_ROLE:
            return self._ink(found, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(found, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{words.tr(self.TITLES[column])}: {self._text(found, column)}"
        return None

    def _text(self, found: Reliability, column: Column) -> str:
        if column is Column.TASK:
            return self._titles.get(found.task, found.task)
        if column is Column.RUNS:
            return f"{found.week.worked + found.week.failed:,}"
        if column in (Column.P50, Column.P95):
            return words.duration(found.p50_s if column is Column.P50 else found.p95_s)
        if column is Column.FAILURE:
            if found.last_failure is None:
                return words.DASH
            when = words.local_time(found.last_failure, self._now)
            return words.joined(when, self._reasons.get(found.task, ""))
        return _percent(found.day if column is Column.DAY else found.week)

    @staticmethod
    def _ink(found: Reliability, column: Column) -> str:
        if column in (Column.DAY, Column.WEEK):
            share = (found.day if column is Column.DAY else found.week).share
            if share is None or share >= _GOOD:
                return "dim" if share is None else "text"
            return "warning" if share >= _POOR else "error"
        return "text" if column is Column.TASK else "dim"

    def _tip(self, found: Reliability, column: Column) -> str | None:
        if column in (Column.DAY, Column.WEEK):
            rate = found.day if column is Column.DAY else found.week
            return words.joined(
                words.tr("{n} succeeded").format(n=f"{rate.worked:,}"),
                words.tr("{n} failed").format(n=f"{rate.failed:,}"),
                words.tr("{n} skipped, missed or cancelled").format(n=f"{rate.idle:,}"),
            )
        if column is Column.FAILURE and found.last_failure is not None:
            return words.joined(words.both_times(found.last_failure), self._reasons.get(found.task, ""))
        return None


def _percent(rate: Rate) -> str:
    """A share in percent; rounded down, so that 100 % means that nothing failed."""
    if rate.share is None:
        return words.DASH
    if rate.failed == 0:
        return f"100{words.GAP}%"
    return f"{int(rate.share * 1000) / 10:.1f}{words.GAP}%"
