"""The live log, by level, task, run and text."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from ui import words
from ui.engine_link import EngineLink
from ui.log_feed import LogFeed
from ui.models.log_lines import LIMIT, LogLines
from ui.pages.page import Page
from ui.theme import Theme
from ui.widgets.choice import Choice
from ui.widgets.labels import button, row, set_icon
from ui.widgets.log_view import LogView
from ui.widgets.tables import framed

if TYPE_CHECKING:
    from app.engine import Engine

_LEVELS = (
    ("Debug and up", logging.DEBUG),
    ("Info and up", logging.INFO),
    ("Warnings and errors", logging.WARNING),
    ("Errors", logging.ERROR),
)


class LogsPage(Page):
    """Live lines while the page is in sight; the lines of one run from the files when asked for."""

    def __init__(self, theme: Theme, link: EngineLink, feed: LogFeed, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Logs"), parent)
        self._theme = theme
        self._link = link
        self._feed = feed
        self._run_id = ""
        self._run_task = ""
        self._paused = False
        self._held: list[Any] = []
        self.model = LogLines(self)
        self.table = LogView(theme, self.model, self.tr("Log lines"))
        self.main = self.table
        self._level = Choice(self.tr("Level"))
        for title, level in _LEVELS:
            self._level.addItem(self.tr(title), level)
        self._level.setCurrentIndex(1)
        self._task = Choice(self.tr("Source"))
        self._task.addItem(self.tr("All sources"), "")
        self._needle = QLineEdit()
        self._needle.setPlaceholderText(self.tr("Find in messages"))
        self._needle.setAccessibleName(self.tr("Find in messages"))
        self._needle.setClearButtonEnabled(True)
        self._needle.setMinimumWidth(90)
        self._needle.setMaximumWidth(190)
        self._pause = button(self.tr("Pause"), self._on_pause)
        set_icon(self._pause, theme, "pause", "text")
        for choice in (self._level, self._task):
            choice.setMinimumWidth(112)  # in a narrow window their text is cut and not the page's
        for part in (self._level, self._task, self._needle, self._pause):
            self.head.addWidget(part)
        self._back = button(self.tr("Show the live log"), self.show_all, style="link")
        self._back.hide()
        self.body.addLayout(row(self._back, None))
        self.body.addWidget(framed(self.table), 1)
        self._level.currentIndexChanged.connect(self._refilter)
        self._task.currentIndexChanged.connect(self._refilter)
        self._needle.textChanged.connect(self._refilter)
        feed.lines.connect(self._on_lines)
        link.attached.connect(self._on_attached)
        if link.ready:
            self._on_attached()

    def show_run(self, run_id: str, task: str) -> None:
        """Show the lines of one run: those of the files, for a run may be long ago."""
        self._run_id, self._run_task = run_id, task
        self._back.show()
        self._level.setCurrentIndex(0)
        self.model.clear()
        self._refilter()
        self._link.query(self, lambda engine: (run_id, _lines_of(engine, run_id)), self._on_found)
        self.subtitle.setText(self.tr("Looking for the log of this run of {task}").format(task=self._link.title(task)))

    def show_all(self) -> None:
        """Back to the live log."""
        self._run_id = ""
        self._back.hide()
        self._level.setCurrentIndex(1)
        self._reopen()

    def focus_search(self) -> None:
        """Go to the line to search in."""
        self._needle.setFocus()

    def escape(self) -> bool:
        if not self._run_id:
            return False
        self.show_all()
        return True

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if not self._run_id:
            self._reopen()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._feed.close()

    def _reopen(self) -> None:
        self.model.clear()
        self._refilter()
        self.model.add(self._feed.open())
        self._held.clear()
        self.table.to_end()
        self._tell()

    def _on_attached(self) -> None:
        if self._task.count() == 1:
            for spec in self._link.specs:
                self._task.addItem(spec.title, spec.id)

    def _on_lines(self, lines: list[Any]) -> None:
        if self._run_id:
            lines = [line for line in lines if line.run == self._run_id]
        if self._paused:
            self._held = (self._held + lines)[-LIMIT:]
        elif lines:
            self.model.add(lines)
        self._tell()

    def _on_found(self, answer: tuple[str, list[Any]]) -> None:
        run_id, lines = answer
        if run_id != self._run_id:
            return
        self.model.clear()
        self.model.add(lines)
        self._tell()

    def _on_pause(self) -> None:
        self._paused = not self._paused
        text = self.tr("Resume") if self._paused else self.tr("Pause")
        self._pause.setText(text)
        self._pause.setAccessibleName(text)
        set_icon(self._pause, self._theme, "play" if self._paused else "pause", "text")
        if not self._paused:
            self.model.add(self._held)
            self._held.clear()
            self.table.to_end()
        self._tell()

    def _refilter(self, *_change: object) -> None:
        task = "" if self._run_id else str(self._task.currentData() or "")
        self.model.set_filter(int(self._level.currentData()), task, self._run_id, self._needle.text().strip())
        self._task.setEnabled(not self._run_id)
        self._tell()

    def _tell(self) -> None:
        shown = words.plural(self.model.rowCount(), "line", "lines")
        if self._run_id:
            text = self.tr("{n} of one run of {task}").format(n=shown, task=self._link.title(self._run_task))
        elif self._paused:
            text = self.tr("Paused, {n} wait").format(n=words.plural(len(self._held), "line", "lines"))
        else:
            text = self.tr("Live \N{MIDDLE DOT} {n}").format(n=shown)
        self.subtitle.setText(text)


def _lines_of(engine: Engine, run_id: str) -> list[Any]:
    from app.log_read import lines_of_run

    return list(lines_of_run(engine.paths, run_id))
