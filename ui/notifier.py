"""Decides where news is shown: in the window while it is in sight, by the tray while it is not."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QElapsedTimer, QObject

from app.runs import Run, RunState
from ui import words
from ui.tray import Tray
from ui.widgets.inline_message import InlineMessages, Message

QUIET_MS = 10_000
"""Between two messages of the tray at least this much time passes: a bad night must not bury the desktop."""

_NEWS = (RunState.FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED)


class Notifier(QObject):
    """Shows messages and failed runs."""

    def __init__(
        self, inline: InlineMessages, tray: Tray | None, in_sight: Callable[[], bool], parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._inline = inline
        self._tray = tray
        self._in_sight = in_sight
        self._since = QElapsedTimer()

    def post(self, message: Message) -> None:
        """Show a message."""
        self._inline.post(message)
        if not self._in_sight():
            self._tell(message.text, message.advice, bad=message.severity != "info")

    def trouble(self, text: str, advice: str) -> None:
        """Something that the user asked for was refused."""
        self.post(Message("warning", text, advice))

    def runs_changed(self, runs: tuple[Run, ...], title: Callable[[str], str]) -> None:
        """Tell of failed runs while nobody sees the table."""
        if self._in_sight():
            return
        bad = [run for run in runs if run.state in _NEWS]
        if bad:
            run = bad[-1]
            headline = words.joined(title(run.task), words.state_look(run.state).word)
            self._tell(headline, f"{words.sentence(run)} {run.advice}".strip(), bad=True)

    def _tell(self, title: str, text: str, *, bad: bool) -> None:
        if self._tray is None or (self._since.isValid() and self._since.elapsed() < QUIET_MS):
            return
        self._since.restart()
        self._tray.tell(title, text, bad=bad)
