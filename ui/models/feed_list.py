"""The enabled feeds and how each fares, those in trouble first."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from ui import words
from ui.models.row_model import AnyIndex, RowModel
from ui.words import Look
from workers.news.values import Feed, FeedState

Row = tuple[Feed, FeedState | None]


class Column(IntEnum):
    """The columns, from left to right."""

    TITLE = 0
    STATE = 1


LOOK_ROLE = Qt.ItemDataRole.UserRole + 2
INK_ROLE = Qt.ItemDataRole.UserRole + 7


class FeedList(RowModel):
    """A row a feed."""

    TITLES = ("Feed", "State")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[Row] = []
        self.now = datetime.now(UTC)

    def set_feeds(self, feeds: Sequence[Row]) -> None:
        """Show these; rows change in place, only their number may grow or shrink."""
        wanted = sorted(feeds, key=lambda one: not _in_trouble(one[1]))
        common = min(len(wanted), len(self._rows))
        if len(self._rows) > common:
            self.beginRemoveRows(QModelIndex(), common, len(self._rows) - 1)
            del self._rows[common:]
            self.endRemoveRows()
        if len(wanted) > common:
            self.beginInsertRows(QModelIndex(), common, len(wanted) - 1)
            self._rows += wanted[common:]
            self.endInsertRows()
        for place in range(common):
            if self._rows[place] != wanted[place]:
                self._rows[place] = wanted[place]
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))

    def failing(self) -> int:
        """How many could not be read, by a fault of their own."""
        return sum(state is not None and state.failures > 0 for _feed, state in self._rows)

    def not_reached(self) -> int:
        """How many could not be read because no feed at all could."""
        return sum(_in_trouble(state) for _feed, state in self._rows) - self.failing()

    def read(self) -> int:
        """How many were read at least once."""
        return sum(state is not None and state.last_success is not None for _feed, state in self._rows)

    def tick(self, now: datetime) -> None:
        """The time moved: ages in tooltips are worked out when asked for."""
        self.now = now

    def items(self) -> Sized:
        return self._rows

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._rows):
            return None
        feed, state = self._rows[index.row()]
        look = feed_look(state)
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole):
            return feed.title if index.column() == Column.TITLE else look.word
        if role == Qt.ItemDataRole.ToolTipRole:
            return feed_tip(feed, state, self.now)
        if role == LOOK_ROLE:
            return look
        if role == INK_ROLE:
            return "text"
        return None


def feed_look(state: FeedState | None) -> Look:
    """Icon, colour and word of how a feed fares."""
    if state is None or state.last_try is None:
        return Look("skipped", "idle", words.tr("Not read yet"))
    if state.failures:
        return Look("failed", "error", words.tr("Failing"))
    if state.problem:
        return Look("warning", "warning", words.tr("Not reached"))
    return Look("succeeded", "ok", words.plural(state.items, "article", "articles"))


def feed_tip(feed: Feed, state: FeedState | None, now: datetime) -> str:
    """All that is known of a feed, a line each."""
    lines = [feed.address]
    if state is None:
        return feed.address
    if state.kind:
        lines.append(state.kind)
    if state.last_success is not None:
        lines.append(words.tr("read {age}").format(age=words.age(state.last_success, now)))
    if state.status is not None:
        lines.append(words.tr("HTTP status {status}").format(status=state.status))
    if state.problem:
        lines += [line for line in (state.problem, state.advice) if line]
    if state.failures:
        lines.append(words.plural(state.failures, "failure in a row", "failures in a row"))
    if state.next_try is not None and state.next_try > now:
        lines.append(words.tr("next try in {t}").format(t=words.countdown(state.next_try - now)))
    return "\n".join(lines)


def _in_trouble(state: FeedState | None) -> bool:
    return state is not None and bool(state.problem)
