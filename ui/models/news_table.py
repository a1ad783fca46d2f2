"""Articles, newest first, filtered by text, tag and whether they were read. Rows come and go one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence, Sized
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from ui import words
from ui.models.row_model import AnyIndex, RowModel
from workers.news.values import Article


class Column(IntEnum):
    """The columns, from left to right."""

    TIME = 0
    TITLE = 1
    TAGS = 2
    SOURCE = 3


ARTICLE_ROLE = Qt.ItemDataRole.UserRole + 1
UNREAD_ROLE = Qt.ItemDataRole.UserRole + 2
TAGS_ROLE = Qt.ItemDataRole.UserRole + 3
INK_ROLE = Qt.ItemDataRole.UserRole + 7


class NewsTable(RowModel):
    """What passes the filter. Everything known is kept beside, so that another filter shows it again."""

    TITLES = ("Time", "Title", "About", "Source")

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Article, ...] = ()
        self._shown: list[Article] = []
        self._haystacks: Mapping[str, str] = {}
        self._read: set[str] = set()
        self._staying: str = ""
        self._needle: tuple[str, ...] = ()
        self._tag = ""
        self._unread_only = False
        self.now = datetime.now(UTC)

    # -- content ---------------------------------------------------------------------------------------------------

    def set_articles(
        self, articles: Sequence[Article], read: Iterable[str], haystacks: Mapping[str, str] | None = None
    ) -> None:
        """Show these, newest first; rows that stay are not touched.

        Args:
            haystacks: What ``haystacks_of`` made of them on another thread.
        """
        self._all = tuple(articles)
        self._haystacks = haystacks if haystacks is not None else haystacks_of(articles)
        self._read = {one for one in read if one in self._haystacks}
        self._refresh()
        if self._shown:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._shown) - 1, len(Column) - 1))

    def set_filter(self, needle: str, tag: str, *, unread_only: bool) -> None:
        """Show what holds all words of ``needle``, has ``tag`` (empty: any) and, if so wished, is unread."""
        wanted = (tuple(needle.casefold().split()), tag, unread_only)
        if wanted != (self._needle, self._tag, self._unread_only):
            self._needle, self._tag, self._unread_only = wanted
            self._refresh()

    def set_read(self, ids: Iterable[str], *, staying: str = "") -> bool:
        """Mark as read; returns whether that was news.

        Args:
            staying: An article that stays in sight although only unread ones are shown: the one being read.
        """
        fresh = set(ids) - self._read
        self._staying = staying or self._staying
        if not fresh:
            return False
        self._read |= fresh
        for place, article in enumerate(self._shown):
            if article.id in fresh:
                self.dataChanged.emit(self.index(place, 0), self.index(place, len(Column) - 1))
        if self._unread_only:
            self._refresh()
        return True

    @property
    def read(self) -> frozenset[str]:
        """Ids of what was read, as far as it is known here."""
        return frozenset(self._read)

    def total(self) -> int:
        """Articles, shown or not."""
        return len(self._all)

    def unread(self) -> int:
        """Articles that were not read, shown or not."""
        return sum(article.id not in self._read for article in self._all)

    def unread_shown(self) -> tuple[str, ...]:
        """Ids of the unread articles in sight."""
        return tuple(article.id for article in self._shown if article.id not in self._read)

    def tags(self) -> tuple[str, ...]:
        """Every tag that some article has, in alphabetical order, currencies first."""
        currencies = {tag for article in self._all for tag in article.currencies}
        symbols = {tag for article in self._all for tag in article.symbols}
        return (*sorted(currencies), *sorted(symbols - currencies))

    def article_at(self, index: AnyIndex) -> Article | None:
        """The article of a row."""
        return self._shown[index.row()] if index.isValid() and index.row() < len(self._shown) else None

    def place_of(self, article_id: str) -> int:
        """The row of an article; -1 when it is not shown."""
        return next((place for place, article in enumerate(self._shown) if article.id == article_id), -1)

    def _passes(self, article: Article) -> bool:
        if self._unread_only and article.id in self._read and article.id != self._staying:
            return False
        if self._tag and self._tag not in article.currencies and self._tag not in article.symbols:
            return False
        text = self._haystacks[article.id]
        return all(word in text or word in article.summary.casefold() for word in self._needle)

    def _refresh(self) -> None:
        """Make the rows those that pass: others leave, new ones come in where they belong."""
        wanted = [article for article in self._all if self._passes(article)]
        places = {article.id: place for place, article in enumerate(wanted)}
        self._remove(_leaving([places.get(article.id, -1) for article in self._shown]))
        have = {article.id for article in self._shown}
        start = 0
        while start < len(wanted):
            if wanted[start].id in have:
                self._shown[start] = wanted[start]
                start += 1
                continue
            end = start
            while end < len(wanted) and wanted[end].id not in have:
                end += 1
            self.beginInsertRows(QModelIndex(), start, end - 1)
            self._shown[start:start] = wanted[start:end]
            self.endInsertRows()
            start = end

    def _remove(self, rows: list[int]) -> None:
        """Remove rows, given in order, a block at a time from the end."""
        while rows:
            last = first = rows.pop()
            while rows and rows[-1] == first - 1:
                first = rows.pop()
            self.beginRemoveRows(QModelIndex(), first, last)
            del self._shown[first : last + 1]
            self.endRemoveRows()

    # -- Qt --------------------------------------------------------------------------------------------------------

    def items(self) -> Sized:
        return self._shown

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        article = self.article_at(index)
        if article is None:
            return None
        column = Column(index.column())
        unread = article.id not in self._read
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(article, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            if column is Column.TIME:
                return words.joined(short_time(article.published, self.now), time_note(article.time_kind))
            text = self._text(article, column)
            return self.tr("{title}, unread").format(title=text) if unread and column is Column.TITLE else text
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(article, column)
        if role == ARTICLE_ROLE:
            return article
        if role == UNREAD_ROLE:
            return unread
        if role == TAGS_ROLE:
            return (*article.symbols, *article.currencies)
        if role == INK_ROLE:
            return ("text" if unread else "dim") if column is Column.TITLE else "dim"
        return None

    def _text(self, article: Article, column: Column) -> str:
        if column is Column.TIME:
            time = short_time(article.published, self.now)
            # Not to be taken for a time that the feed gives.
            return self.tr("seen {time}").format(time=time) if article.time_kind == "first_seen" else time
        if column is Column.TITLE:
            return article.title
        if column is Column.SOURCE:
            return article.source
        return ", ".join((*article.symbols, *article.currencies))

    def _tip(self, article: Article, column: Column) -> str:
        if column is Column.TIME:
            return words.joined(words.both_times(article.published), time_note(article.time_kind))
        if column is Column.SOURCE and article.also:
            return self.tr("{source}, also {others}").format(source=article.source, others=", ".join(article.also))
        return self._text(article, column)


def short_time(moment: datetime, now: datetime) -> str:
    """The time today, the weekday within a week, else the date, on the user's clock."""
    local, today = moment.astimezone(), now.astimezone()
    days = (today.date() - local.date()).days
    if days == 0:
        return f"{local:%H:%M}"
    return f"{local:%a %H:%M}" if 0 < days < 7 else f"{local:%d %b}"


def time_note(kind: str) -> str:
    """What a user should know of a time; empty when it is what the feed says."""
    if kind == "first_seen":
        return words.tr("when it was first seen; the feed gives no usable time")
    return words.tr("the feed names no known time zone; read as UTC") if kind == "assumed_utc" else ""


def haystacks_of(articles: Iterable[Article]) -> dict[str, str]:
    """What a search looks at first, by id; texts are looked at when it is not found there, and take no memory twice.

    Thread: any.
    """
    return {
        article.id: " ".join((article.title, article.source, *article.currencies, *article.symbols)).casefold()
        for article in articles
    }


def _leaving(places: list[int]) -> list[int]:
    """Rows that cannot stay: gone from the list (-1), or not in its order any more."""
    last, leaving = -1, []
    for row, place in enumerate(places):
        if place > last:
            last = place
        else:
            leaving.append(row)
    return leaving
