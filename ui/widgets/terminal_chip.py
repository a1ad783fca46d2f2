"""The terminal in a chip: its state, the kind of account in colour and word, server and ping."""

from __future__ import annotations

from typing import Any

from PySide6.QtWidgets import QWidget

from ui.terminal_words import kind_look, ping_word, server_word, state_look
from ui.theme import Theme
from ui.widgets.state_badge import Chip


class TerminalChip(Chip):
    """One in the header and one in the status bar, where room is short: that one shortens the server only."""

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, whole: bool = False, slim: bool = False) -> None:
        super().__init__(theme, parent, whole=whole, slim=slim)
        self.show_starting()

    def show_starting(self) -> None:
        """Show that the engine is not there yet."""
        self.show_parts("queued", "idle", "", self.tr("Starting the engine"))

    def show_refused(self) -> None:
        """Show that there is no engine."""
        self.show_parts("failed", "error", "", self.tr("The engine could not start"))

    def show_terminal(self, status: Any) -> None:
        """Show the state of the terminal session; its tip says why it is so and what to do."""
        look = state_look(status.state)
        self.show_parts(
            look.icon,
            look.role,
            look.word,
            server_word(status),
            tag=kind_look(status.account_kind),
            alarm=status.account_kind == "real",
            tail=ping_word(status),
        )
        self.setToolTip(
            "\n".join(part for part in (status.server, status.reason, status.advice, status.market_note) if part)
        )
