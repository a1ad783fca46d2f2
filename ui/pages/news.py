"""News of all feeds: what is new, what it is about, its text, and how the feeds fare."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QSizePolicy, QStackedWidget, QVBoxLayout, QWidget

from app.runs import Run
from ui import words
from ui.engine_link import EngineLink
from ui.models import feed_list, news_table
from ui.models.feed_list import FeedList
from ui.models.news_table import NewsTable
from ui.pages.page import Page
from ui.theme import Theme
from ui.widgets.article_details import ArticleDetails
from ui.widgets.cells import Cell, StateCell
from ui.widgets.choice import Choice, Tick
from ui.widgets.labels import button, card, label, row
from ui.widgets.news_cells import TagsCell, TitleCell
from ui.widgets.state_badge import Chip
from ui.widgets.tables import Table, framed
from workers.news.values import Article

if TYPE_CHECKING:
    from app.engine import Engine
    from workers.news.reading import NewsView

TASK = "collect_rss_news"
PANEL = 340
FEEDS, ARTICLE = 0, 1
SEARCH_MS = 120
"""Typing is followed by a search after this long, so that fast typing is one search."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the page asked for: the news, what a search looks at, and the last run over the feeds."""

    view: NewsView
    haystacks: Mapping[str, str]
    last: Run | None


class NewsPage(Page):
    """Signals:
    unread_changed: how many articles are unread now.
    """

    unread_changed = Signal(int)

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("News"), parent)
        self._theme = theme
        self._link = link
        self._last: Run | None = None
        self._loaded = False
        self._stale = True
        self._saving = False
        self._unsaved = False
        self._current = ""
        self.open_url: Callable[[QUrl], object] = QDesktopServices.openUrl
        self._make_head()
        self.model = NewsTable(self)
        self.table = self._make_table()
        self.main = self.table
        self._list = framed(self.table)
        self._empty = label("", "dim", wrap=True)
        self._nothing, inner = card()
        inner.addWidget(self._empty)
        inner.addStretch(1)
        self._nothing.hide()
        self._panel = self._make_panel()
        left = QVBoxLayout()
        left.addWidget(self._list, 1)
        left.addWidget(self._nothing, 1)
        columns = QHBoxLayout()
        columns.setSpacing(12)
        columns.addLayout(left, 1)
        columns.addWidget(self._panel)
        self._panel.hide()
        self.body.addLayout(columns, 1)
        self.subtitle.setText(self.tr("Not loaded yet"))
        link.runs_changed.connect(self._on_runs)
        link.attached.connect(self.entered)

    # -- making ----------------------------------------------------------------------------------------------------

    def _make_head(self) -> None:
        self._search = QLineEdit()
        self._search.setPlaceholderText(self.tr("Find in news"))
        self._search.setAccessibleName(self.tr("Find in news"))
        self._search.setClearButtonEnabled(True)
        self._search.setFixedWidth(240)
        self._tag = Choice(self.tr("Currency or symbol"))
        self._tag.addItem(self.tr("All tags"), "")
        self._unread_only = Tick(self.tr("Unread only"))
        self._unread_only.setAccessibleName(self.tr("Unread only"))
        self.mark_all = button(
            self.tr("Mark all as read"), self._on_mark_all, tip=self.tr("Mark all articles in the list as read")
        )
        self.fetch = button(self.tr("Fetch now"), self._on_fetch, style="primary")
        self.head.addWidget(self.fetch)
        self.body.addLayout(row(self._search, self._tag, 4, self._unread_only, None, self.mark_all))
        self.feeds_chip = Chip(self._theme)
        self.feeds_chip.setToolTip(self.tr("Show how the feeds fare"))
        self.feeds_chip.clicked.connect(self._on_feeds_chip)
        self.feeds_chip.hide()
        self.feeds_chip.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.head.insertWidget(2, self.feeds_chip)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(SEARCH_MS)
        self._typing.timeout.connect(self._refilter)
        self._search.textChanged.connect(lambda _text: self._typing.start())
        self._tag.currentIndexChanged.connect(self._refilter)
        self._unread_only.toggled.connect(self._refilter)

    def _make_table(self) -> Table:
        table = Table(self.tr("News"))
        table.setModel(self.model)
        table.setItemDelegate(Cell(self._theme, table))
        table.setItemDelegateForColumn(news_table.Column.TITLE, TitleCell(self._theme, news_table.UNREAD_ROLE, table))
        table.setItemDelegateForColumn(news_table.Column.TAGS, TagsCell(self._theme, news_table.TAGS_ROLE, table))
        widths = {news_table.Column.TIME: 116, news_table.Column.TAGS: 150, news_table.Column.SOURCE: 168}
        table.set_widths(
            {int(column): width for column, width in widths.items()},
            news_table.Column.TITLE,
            yielding=(news_table.Column.SOURCE, news_table.Column.TAGS),
            least=320,
        )
        table.opened.connect(self.open_in_browser)
        table.doubleClicked.connect(self.open_in_browser)
        table.selectionModel().currentChanged.connect(self._on_current_changed)
        return table

    def _make_panel(self) -> QStackedWidget:
        """Beside the list: how the feeds fare, or the article that was chosen."""
        self.feeds = FeedList(self)
        self.feed_table = Table(self.tr("Feeds"), row_height=29)
        self.feed_table.setModel(self.feeds)
        self.feed_table.setItemDelegate(Cell(self._theme, self.feed_table))
        self.feed_table.setItemDelegateForColumn(
            feed_list.Column.STATE, StateCell(self._theme, feed_list.LOOK_ROLE, self.feed_table)
        )
        self.feed_table.set_widths({int(feed_list.Column.STATE): 124}, feed_list.Column.TITLE, least=100)
        self.details = ArticleDetails(self._theme)
        self.details.open_asked.connect(self._on_open_asked)
        self.details.close_asked.connect(self.escape)
        shown, inner = card()
        inner.addWidget(self.details)
        inner.addStretch(1)
        panel = QStackedWidget()
        panel.setFixedWidth(PANEL)
        panel.addWidget(framed(self.feed_table))
        panel.addWidget(shown)
        return panel

    # -- loading ---------------------------------------------------------------------------------------------------

    def entered(self) -> None:
        if self._link.ready:
            self.fetch.setEnabled(self._link.spec(TASK) is not None)
            if self._stale:
                self.reload()

    def reload(self) -> None:
        """Read the news anew, beside the window."""
        self._stale = False
        self._link.query(self, _load, self._on_loaded, self._on_not_loaded)

    def _on_loaded(self, loaded: Loaded) -> None:
        now = self._link.now()
        self._loaded = True
        self._last = loaded.last
        self.model.now = self.feeds.now = now
        # What was read here while the file was being read counts too.
        self.model.set_articles(loaded.view.articles, loaded.view.read | self.model.read, loaded.haystacks)
        self.feeds.set_feeds(loaded.view.feeds)
        self._show_feeds(len(loaded.view.feeds))
        self._fill_tags()
        self._tell(loaded.view.problem)

    def _on_not_loaded(self, error: object) -> None:
        self._empty.setText(str(error))
        self._show_nothing(True)
        self.subtitle.setText(self.tr("The news cannot be read"))

    def _show_feeds(self, feeds: int) -> None:
        total = words.plural(feeds, "feed", "feeds")
        failing, away = self.feeds.failing(), self.feeds.not_reached()
        if failing or away:
            said = self.tr("{n} of {feeds} failing") if failing else self.tr("{n} of {feeds} not reached")
            text = said.format(n=failing or away, feeds=total)
            self.feeds_chip.show_parts("warning", "warning", text)
        elif not self.feeds.read():
            none = self.tr("{feeds}, none fetched yet").format(feeds=total) if feeds else total
            self.feeds_chip.show_parts("skipped", "idle", none)
        else:
            self.feeds_chip.show_parts("succeeded", "ok", total)
        self.feeds_chip.show()

    def _fill_tags(self) -> None:
        tags = self.model.tags()
        known = tuple(str(self._tag.itemData(place)) for place in range(1, self._tag.count()))
        if tags == known:
            return
        chosen = str(self._tag.currentData() or "")
        blocked = self._tag.blockSignals(True)
        while self._tag.count() > 1:
            self._tag.removeItem(1)
        for tag in tags:
            self._tag.addItem(tag, tag)
        self._tag.setCurrentIndex(max(0, self._tag.findData(chosen)))
        self._tag.blockSignals(blocked)
        self._refilter()

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            if run.task != TASK:
                continue
            busy = not run.state.is_final
            self.fetch.setEnabled(not busy)
            self.fetch.setText(self.tr("Fetching") if busy else self.tr("Fetch now"))
            if not busy:
                self._stale = True
                if self.isVisible():
                    self.reload()

    # -- telling ---------------------------------------------------------------------------------------------------

    def tick(self, now: datetime) -> None:
        self.model.now = now
        self.feeds.tick(now)
        if self._loaded:
            self._tell_subtitle(now)

    def _tell(self, problem: str = "") -> None:
        unread = self.model.unread()
        self.mark_all.setEnabled(unread > 0)
        self.unread_changed.emit(unread)
        shown = self.model.rowCount()
        if problem:
            self._empty.setText(problem)
        elif not self.model.total():
            self._empty.setText(self._why_none())
        else:
            self._empty.setText(self.tr("No article matches. Search for other words, or choose another tag."))
        self._show_nothing(bool(problem) or not shown)
        self._tell_subtitle(self._link.now())

    def _show_nothing(self, nothing: bool) -> None:
        """Say in the place of the list why there is none; what is there stays in sight."""
        self._nothing.setVisible(nothing)
        self._list.setVisible(not nothing or self.model.rowCount() > 0)

    def _why_none(self) -> str:
        last = self._last
        if last is None or not last.state.is_final:
            return self.tr("No news yet. The timetable reads the feeds every ten minutes; Fetch now does so at once.")
        if last.state.is_success:
            return self.tr("The feeds hold no article that is young enough to be kept.")
        return words.joined(self.tr("No news yet"), words.sentence(last), last.advice)

    def _tell_subtitle(self, now: datetime) -> None:
        parts = [words.plural(self.model.total(), "article", "articles")]
        unread = self.model.unread()
        if unread:
            parts.append(self.tr("{n} unread").format(n=f"{unread:,}"))
        last = self._last
        if last is not None and last.finished_at is not None:
            age = words.age(last.finished_at, now)
            if last.state.is_success:
                parts.append(self.tr("feeds read {age}").format(age=age))
            elif self.model.total():
                parts.append(self.tr("not fetched {age}: {why}").format(age=age, why=words.sentence(last)))
        text = words.joined(*parts)
        if self.subtitle.text() != text:
            self.subtitle.setText(text)

    # -- choosing --------------------------------------------------------------------------------------------------

    def focus_main(self) -> None:
        target = self.table if self._list.isVisibleTo(self) else self._search
        target.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def focus_search(self) -> None:
        """Go to the line to search in."""
        self._search.setFocus()
        self._search.selectAll()

    def _refilter(self, *_change: object) -> None:
        tag = str(self._tag.currentData() or "")
        self.model.set_filter(self._search.text(), tag, unread_only=self._unread_only.isChecked())
        if self._loaded:
            self._tell()

    def _on_fetch(self) -> None:
        self._link.submit(TASK, {"anew": True})

    # -- one article -----------------------------------------------------------------------------------------------

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        article = self.model.article_at(current)
        if article is None:
            return
        self.show_article(article)

    def show_article(self, article: Article) -> None:
        """Show an article beside the list; it counts as read then."""
        self._current = article.id
        self.details.show_article(article, self._link.now())
        self._show_panel(ARTICLE)
        if self.model.set_read([article.id], staying=article.id):
            self._save_read()
            self._tell()

    def escape(self) -> bool:
        if self._panel.isVisible():
            self._panel.hide()
            self.table.setCurrentIndex(QModelIndex())
            self.table.setFocus()
            return True
        if self._search.text():
            self._search.clear()
            return True
        return False

    def _show_panel(self, which: int) -> None:
        self._panel.setCurrentIndex(which)
        self._panel.show()

    def _on_feeds_chip(self) -> None:
        if self._panel.isVisible() and self._panel.currentIndex() == FEEDS:
            self.escape()
        else:
            self.table.setCurrentIndex(QModelIndex())
            self._show_panel(FEEDS)

    def open_in_browser(self, index: QModelIndex) -> None:
        """Open the page of an article in the user's browser; only http and https are."""
        article = self.model.article_at(index)
        url = QUrl(article.link) if article is not None else QUrl()
        if url.isValid() and url.scheme() in ("http", "https"):
            self.open_url(url)

    def _on_open_asked(self) -> None:
        self.open_in_browser(self.model.index(self.model.place_of(self._current), 0))

    # -- what was read ---------------------------------------------------------------------------------------------

    def _on_mark_all(self) -> None:
        if self.model.set_read(self.model.unread_shown()):
            self._save_read()
            self._tell()

    def _save_read(self) -> None:
        """Write what was read, one write at a time; what changes meanwhile is in the next one."""
        if self._saving:
            self._unsaved = True
            return
        self._saving, self._unsaved = True, False
        ids = self.model.read
        self._link.query(self, lambda engine: _keep_read(engine, ids), self._on_saved, self._on_not_saved)

    def _on_saved(self, _result: object) -> None:
        self._saving = False
        if self._unsaved:
            self._save_read()

    def _on_not_saved(self, error: object) -> None:
        self._saving = False
        self.subtitle.setText(str(error))


def _load(engine: Engine) -> Loaded:
    from workers.news.reading import view

    recent = engine.history.recent(TASK, 1)
    found = view(engine.storage)
    return Loaded(found, news_table.haystacks_of(found.articles), recent[0] if recent else None)


def _keep_read(engine: Engine, ids: frozenset[str]) -> None:
    from workers.news.reading import keep_read

    keep_read(engine.storage, ids)
