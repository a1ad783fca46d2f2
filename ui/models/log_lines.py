"""The last log lines, bounded, filtered by level, run and text. New lines come in at the bottom."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence, Sized
from enum import IntEnum
from itertools import islice
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from ui.models.row_model import AnyIndex, RowModel

LIMIT = 5_000
"""Lines kept for the window; the files keep more."""


class Column(IntEnum):
    """The columns, from left to right."""

    TIME = 0
    LEVEL = 1
    SOURCE = 2
    TEXT = 3


LINE_ROLE = Qt.ItemDataRole.UserRole + 1
INK_ROLE = Qt.ItemDataRole.UserRole + 7
_INKS = {"DEBUG": "muted", "INFO": "dim", "WARNING": "warning", "ERROR": "error", "CRITICAL": "error"}


class LogLines(RowModel):
    """A window of log lines that pass the filter.

    The view needs rows of its own: what the filter hides is kept beside, so that another filter shows it again.
    """

    TITLES = ("Time", "Level", "Source", "Message")

    def __init__(self, parent: QObject | None = None, *, limit: int = LIMIT) -> None:
        super().__init__(parent)
        self._all: deque[Any] = deque(maxlen=limit)
        self._shown: list[Any] = []
        self._limit = limit
        self._level = logging.INFO
        self._needle = ""
        self._task = ""
        self._run_id = ""

    def add(self, lines: Sequence[Any]) -> None:
        """Lines that were just written, oldest first."""
        self._all.extend(lines)
        fresh = [line for line in islice(lines, max(0, len(lines) - self._limit), None) if self._passes(line)]
        if not fresh:
            return
        surplus = len(self._shown) + len(fresh) - self._limit
        if surplus > 0 and self._shown:
            # A block at a time: a full view must not move for every single line.
            gone = min(len(self._shown), max(surplus, self._limit // 20))
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._shown[:gone]
            self.endRemoveRows()
        first = len(self._shown)
        self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
        self._shown.extend(fresh)
        self.endInsertRows()

    def set_filter(self, level: int, task: str, run_id: str, needle: str) -> None:
        """Show lines of at least ``level`` whose task, run and text match; empty means all."""
        wanted = (level, task, run_id, needle.casefold())
        if wanted == (self._level, self._task, self._run_id, self._needle):
            return
        self._level, self._task, self._run_id, self._needle = wanted
        if self._shown:
            self.beginRemoveRows(QModelIndex(), 0, len(self._shown) - 1)
            self._shown = []
            self.endRemoveRows()
        shown = [line for line in self._all if self._passes(line)]
        if shown:
            self.beginInsertRows(QModelIndex(), 0, len(shown) - 1)
            self._shown = shown
            self.endInsertRows()

    def clear(self) -> None:
        """Forget all lines."""
        self._all.clear()
        if self._shown:
            self.beginRemoveRows(QModelIndex(), 0, len(self._shown) - 1)
            self._shown = []
            self.endRemoveRows()

    def total(self) -> int:
        """Lines kept, shown or not."""
        return len(self._all)

    def line_at(self, index: AnyIndex) -> Any:
        """The line of a row, or None."""
        return self._shown[index.row()] if index.isValid() and index.row() < len(self._shown) else None

    def items(self) -> Sized:
        return self._shown

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        line = self.line_at(index)
        if line is None:
            return None
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return _text(line, Column(index.column()))
        if role == Qt.ItemDataRole.ToolTipRole and index.column() == Column.TEXT:
            return line.text
        if role == LINE_ROLE:
            return line
        if role == INK_ROLE:
            return _ink(line, Column(index.column()))
        return None

    def _passes(self, line: Any) -> bool:
        if logging.getLevelNamesMapping().get(line.level, logging.INFO) < self._level:
            return False
        if self._run_id and line.run != self._run_id:
            return False
        if self._task and line.task != self._task:
            return False
        return not self._needle or self._needle in line.text.casefold()


def _text(line: Any, column: Column) -> str:
    if column is Column.TIME:
        return f"{line.time.astimezone():%H:%M:%S.%f}"[:-3]
    if column is Column.LEVEL:
        return str(line.level).capitalize()
    if column is Column.SOURCE:
        return str(line.task or line.logger)
    return str(line.text).split("\n", 1)[0]


def _ink(line: Any, column: Column) -> str:
    if column is Column.LEVEL:
        return _INKS.get(line.level, "dim")
    if column is Column.TEXT:
        return "text" if line.level != "DEBUG" else "dim"
    return "muted"
