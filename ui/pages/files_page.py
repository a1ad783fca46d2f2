"""What pages have in common whose files the user changes: a bar that asks and tells, and a look at all after each
change."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from PySide6.QtWidgets import QWidget

from app.errors import MetronomeError
from ui.engine_link import EngineLink
from ui.pages.page import Page
from ui.theme import Theme
from ui.widgets.question_bar import QuestionBar

if TYPE_CHECKING:
    from app.engine import Engine


class FilesPage(Page):
    """A page over files of this home; whoever derives from it says how to ``reload`` them.

    Attributes:
        bar: Where a refusal is told and an undo is offered.
    """

    def __init__(self, title: str, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(title, parent)
        self._theme, self._link = theme, link
        # What was read before the last change is old: a look carries the number of changes that it knew of.
        self._changes = 0
        self.bar = QuestionBar(theme)

    def reload(self) -> None:
        """Look at the files again."""
        raise NotImplementedError

    def _write(self, change: Callable[[Engine], Any], done: Callable[[Any], None]) -> None:
        """Change files on the pool, then ``done(result)``; a refusal is told. The page looks again either way."""

        def finished(result: Any) -> None:
            done(result)
            self._changed()

        def failed(error: MetronomeError) -> None:
            self.bar.ask(error.message, error.advice)
            self._changed()

        self._link.query(self, change, finished, failed)

    def _changed(self) -> None:
        self._changes += 1
        self.reload()
