"""One article: its title, where and when it appeared, what it is about, its text, and the way to its page."""

from __future__ import annotations

from datetime import datetime

from PySide6.QtCore import QRectF, QSize, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from ui import words
from ui.models.news_table import time_note
from ui.theme import Theme
from ui.widgets.labels import button, icon_button, label, row, set_icon
from ui.widgets.news_cells import paint_tags
from workers.news.values import Article


class ArticleDetails(QWidget):
    """Signals:
    open_asked: the page of the article shown shall be opened.
    close_asked: the article shall not be shown any more.
    """

    open_asked = Signal()
    close_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._title = label("", "sectionTitle", wrap=True, selectable=True)
        self._where = label("", "small", wrap=True)
        self._note = label("", "muted", wrap=True)
        self._tags = Tags(theme)
        self._summary = label("", wrap=True, selectable=True)
        self._also = label("", "small", wrap=True)
        self.open = button(self.tr("Open in browser"), self.open_asked.emit)
        set_icon(self.open, theme, "external", "text")
        self._link = label("", "muted")
        self._link.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        close = icon_button(theme, "close", self.tr("Close the article (Esc)"), self.close_asked.emit)
        top = QHBoxLayout()
        top.addWidget(self._where, 1)
        top.addWidget(close)
        layout.addLayout(top)
        for part in (self._title, self._note, self._tags, self._summary, self._also):
            layout.addWidget(part)
        layout.addSpacing(4)
        layout.addLayout(row(self.open, None))
        layout.addWidget(self._link)

    def show_article(self, article: Article, now: datetime) -> None:
        """Show another article."""
        self._title.setText(article.title)
        when = words.local_time(article.published, now)
        self._where.setText(words.joined(article.source, when, words.age(article.published, now)))
        self._where.setToolTip(words.both_times(article.published))
        note = time_note(article.time_kind)
        self._note.setText(self.tr("Time: {note}").format(note=note))
        self._note.setVisible(bool(note))
        tags = (*article.symbols, *article.currencies)
        self._tags.show_tags(tags)
        self._tags.setVisible(bool(tags))
        self._summary.setText(article.summary or self.tr("The feed gives no text."))
        self._summary.setObjectName("" if article.summary else "dim")
        self._also.setText(self.tr("Also from {sources}").format(sources=", ".join(article.also)))
        self._also.setVisible(bool(article.also))
        self.open.setEnabled(bool(article.link))
        self._link.setText(article.link or self.tr("The feed gives no link that is safe to open."))
        self._link.setToolTip(article.link)


class Tags(QWidget):
    """Tags in a row."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._shown: tuple[str, ...] = ()
        theme.changed.connect(self.update)

    def show_tags(self, tags: tuple[str, ...]) -> None:
        """Show others."""
        self._shown = tags
        self.setAccessibleName(", ".join(tags))
        self.setToolTip(", ".join(tags))
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, 22)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_tags(QPainter(self), QRectF(self.rect()), self._shown, self._theme)
