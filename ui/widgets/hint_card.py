"""What a newcomer could do next. Calm, and gone for good once dismissed."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from ui.theme import Theme
from ui.widgets.labels import button, icon_button, label, row


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do: what it is called, why, and what the button does."""

    title: str
    why: str
    action: str
    on_action: Callable[[], object]


class HintCard(QFrame):
    """Signals:
    dismissed: the user does not want to see this again.
    """

    dismissed = Signal()

    def __init__(self, theme: Theme, title: str, remark: str, steps: list[Step], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAccessibleName(title)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 12, 14)
        layout.setSpacing(4)
        close = icon_button(theme, "close", self.tr("Do not show this again"), self.dismissed.emit)
        layout.addLayout(row(label(title, "strong"), None, close))
        layout.addWidget(label(remark, "dim", wrap=True))
        layout.addSpacing(6)
        columns = QHBoxLayout()
        columns.setSpacing(28)
        for step in steps:
            column = QVBoxLayout()
            column.setSpacing(3)
            column.addWidget(label(step.title))
            column.addWidget(label(step.why, "small", wrap=True))
            column.addStretch(1)
            column.addLayout(row(button(step.action, step.on_action, style="link"), None))
            columns.addLayout(column, 1)
        layout.addLayout(columns)
