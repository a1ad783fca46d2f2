"""What a person can decide about a trade idea: asked for in dialogs, decided beside the window."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QWidget

from ui.engine_link import EngineLink
from ui.widgets.dialogs import FormDialog
from ui.widgets.idea_card import title_of
from ui.widgets.idea_dialogs import EditDialog, RejectDialog
from workers.strategy.deciding import IdeaDesk
from workers.strategy.decision_book import Decision, Terms

if TYPE_CHECKING:
    from app.errors import MetronomeError
    from workers.strategy.idea_edit import Basis
    from workers.strategy.idea_files import IdeaRow


class IdeaActions(QObject):
    """Approves, rejects and edits ideas.

    Args:
        desk: Where ideas are decided on; asked for when the engine is there.
        window: What the dialogs belong to.

    Signals:
        over: something was decided or refused; what is shown may be out of date.
    """

    over = Signal()

    def __init__(self, link: EngineLink, desk: Callable[[], IdeaDesk], window: QWidget) -> None:
        super().__init__(window)
        self._link = link
        self._desk = desk
        self._window = window
        self.dialog: FormDialog | None = None

    def approve(self, idea: IdeaRow) -> None:
        """Approve an idea."""
        self._decide(lambda desk: desk.approve(idea.facts.file), None)

    def ask_reason(self, idea: IdeaRow) -> None:
        """Ask why an idea is rejected, then reject it."""
        dialog = RejectDialog(title_of(idea), self._window)
        dialog.answered.connect(lambda reason: self._decide(lambda desk: desk.reject(idea.facts.file, reason), dialog))
        self._open(dialog)

    def ask_terms(self, idea: IdeaRow, basis: Basis) -> None:
        """Ask for other prices or another volume of an idea."""

        def answered(terms: Terms) -> None:
            self._decide(lambda desk: desk.edit(idea.facts.file, terms), dialog)

        dialog = EditDialog(title_of(idea), basis, idea.terms, self._window)
        dialog.answered.connect(answered)
        self._open(dialog)

    def _open(self, dialog: FormDialog) -> None:
        self.dialog = dialog
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.finished.connect(lambda _result: setattr(self, "dialog", None))
        dialog.open()

    def _decide(self, decide: Callable[[IdeaDesk], Decision], dialog: FormDialog | None) -> None:
        """Decide beside the window; a refusal is told in the dialog, or as others are."""
        if not self._link.ready:
            return
        desk = self._desk()

        def done(_decision: Decision) -> None:
            if dialog is not None and self.dialog is dialog:
                dialog.on_done(None)
            self.over.emit()

        def failed(error: MetronomeError) -> None:
            if dialog is not None and self.dialog is dialog:
                dialog.on_failed(error)
            else:
                self._link.troubled.emit(error.message, error.advice)
            self.over.emit()

        self._link.query(self, lambda _engine: decide(desk), done, failed)
