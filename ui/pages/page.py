"""What every page has: a title with a sentence under it, and room for the rest."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import label


class Page(QWidget):
    """A page of the window. ``tick`` is called each second, only while the page is in sight."""

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("page")
        self.setAccessibleName(title)
        self.main: QWidget = self
        self.title = label(title, "pageTitle")
        self.subtitle = ElidedLabel("dim")
        self.head = QHBoxLayout()
        self.head.setSpacing(8)
        titles = QVBoxLayout()
        titles.setSpacing(5)
        titles.addWidget(self.title)
        titles.addWidget(self.subtitle)
        self.head.addLayout(titles)
        self.head.addStretch(1)
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(20, 16, 20, 16)
        self.body.setSpacing(12)
        self.body.addLayout(self.head)

    def focus_main(self) -> None:
        """Let the keyboard work on what the page is about."""
        self.main.setFocus(Qt.FocusReason.ShortcutFocusReason)

    def tick(self, now: datetime) -> None:
        """The time moved."""

    def entered(self) -> None:
        """The page comes into sight."""

    def may_leave(self, then: Callable[[], object]) -> bool:
        """Somebody wants to go elsewhere. A page that has to ask first returns False, and calls ``then`` later."""
        return True

    @property
    def built(self) -> bool:
        """Whether all of it is there to be seen."""
        return True

    def escape(self) -> bool:
        """Esc was pressed; returns whether the page had something to close."""
        return False
