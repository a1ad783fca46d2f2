"""Runs, newest first: pages from the history at the bottom, live runs at the top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Sized
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from app.runs import Run
from ui import words
from ui.models.row_model import AnyIndex, RowModel


class Column(IntEnum):
    """The columns, from left to right."""

    TIME = 0
    TASK = 1
    STATE = 2
    RESULT = 3
    TRIGGER = 4
    LATENESS = 5
    DURATION = 6


RIGHT = (Column.LATENESS, Column.DURATION)
RUN_ROLE = Qt.ItemDataRole.UserRole + 1
LOOK_ROLE = Qt.ItemDataRole.UserRole + 2
INK_ROLE = Qt.ItemDataRole.UserRole + 7


class RunTable(RowModel):
    """A growing list of runs. ``limit`` bounds what live runs may add at the top (the oldest row leaves)."""

    TITLES = ("Started", "Task", "State", "Result", "Asked for", "Late", "Duration")
    RIGHT = RIGHT

    def __init__(self, parent: QObject | None = None, *, limit: int = 20_000) -> None:
        super().__init__(parent)
        self._runs: list[Run] = []
        self._known: dict[str, int] = {}
        self._titles: dict[str, str] = {}
        self._limit = limit
        self.now = datetime.now(UTC)

    def set_titles(self, titles: dict[str, str]) -> None:
        """What the tasks are called."""
        self._titles = titles

    def clear(self) -> None:
        """Forget all rows, because another filter is asked for."""
        if self._runs:
            self.beginRemoveRows(QModelIndex(), 0, len(self._runs) - 1)
            self._runs.clear()
            self._known.clear()
            self.endRemoveRows()

    def append(self, runs: Sequence[Run]) -> None:
        """Older runs from the history, below the others."""
        fresh = [run for run in runs if run.run_id not in self._known]
        if not fresh:
            return
        first = len(self._runs)
        self.beginInsertRows(QModelIndex(), first, first + len(fresh) - 1)
        self._runs.extend(fresh)
        self._index()
        self.endInsertRows()

    def apply(self, runs: Iterable[Run]) -> None:
        """Live runs: known ones change in place, new ones come in at the top."""
        fresh = []
        for run in runs:
            place = self._known.get(run.run_id)
            if place is None:
                fresh.append(run)
            else:
                self._runs[place] = run
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))
        if fresh:
            fresh.sort(key=lambda run: run.run_id, reverse=True)
            self.beginInsertRows(QModelIndex(), 0, len(fresh) - 1)
            self._runs[:0] = fresh
            self._index()
            self.endInsertRows()
        surplus = len(self._runs) - self._limit
        if surplus > 0:
            self.beginRemoveRows(QModelIndex(), self._limit, len(self._runs) - 1)
            for run in self._runs[self._limit :]:
                del self._known[run.run_id]
            del self._runs[self._limit :]
            self.endRemoveRows()

    def run_at(self, index: AnyIndex) -> Run | None:
        """The run of a row."""
        return self._runs[index.row()] if index.isValid() and index.row() < len(self._runs) else None

    def oldest(self) -> Run | None:
        """The last row: where the next page starts."""
        return self._runs[-1] if self._runs else None

    def place_of(self, run_id: str) -> int:
        """The row number of a run, -1 when it is not here."""
        return self._known.get(run_id, -1)

    def items(self) -> Sized:
        return self._runs

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        run = self.run_at(index)
        if run is None:
            return None
        column = Column(index.column())
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return self._text(run, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            if column is Column.TIME:
                return words.both_times(run.started_at or run.queued_at)
            return "\n".join(part for part in (words.sentence(run), run.advice) if part)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        if role == RUN_ROLE:
            return run
        if role == LOOK_ROLE and column is Column.STATE:
            return words.run_look(run)
        if role == INK_ROLE:
            return "text" if column in (Column.TIME, Column.TASK) else "dim"
        return None

    def _text(self, run: Run, column: Column) -> str:
        if column is Column.TIME:
            return words.local_time(run.started_at or run.queued_at, self.now)
        if column is Column.TASK:
            return self._titles.get(run.task, run.task)
        if column is Column.STATE:
            return words.run_look(run).word
        if column is Column.RESULT:
            return words.sentence(run)
        if column is Column.TRIGGER:
            return words.trigger_words(run.trigger)
        return words.lateness(run.lateness_s) if column is Column.LATENESS else words.duration(run.duration_s)

    def _index(self) -> None:
        self._known = {run.run_id: place for place, run in enumerate(self._runs)}
