"""A calm line above the page that says what happened and what to do; several wait behind each other."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ui.icons import paint_icon
from ui.theme import Theme
from ui.widgets.labels import button, icon_button, label

MAX_WAITING = 20


@dataclass(frozen=True, slots=True)
class Message:
    """What to say.

    Attributes:
        severity: info, warning or error.
        action, on_action: The word of a button, and what it does.
    """

    severity: str
    text: str
    advice: str = ""
    action: str = ""
    on_action: Callable[[], object] | None = None


class _Mark(QWidget):
    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.severity = "info"
        self.setFixedSize(16, 18)

    def paintEvent(self, event: QPaintEvent) -> None:
        name, role = {"warning": ("warning", "warning"), "error": ("failed", "error")}.get(
            self.severity, ("info", "running")
        )
        paint_icon(QPainter(self), name, QRectF(1, 2, 14, 14), self._theme.ink(role))


class InlineMessages(QFrame):
    """Shows one message at a time; the newest of equal text replaces the older.

    Signals:
        shown: whether there is a message now.
    """

    shown = Signal(bool)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._waiting: list[Message] = []
        self._mark = _Mark(theme)
        self._text = label("", wrap=True, selectable=True)
        self._advice = label("", "dim", wrap=True, selectable=True)
        self._action: QPushButton = button("", self._on_action, style="link")
        self._close = icon_button(theme, "close", self.tr("Dismiss"), self.dismiss)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self._text)
        words.addWidget(self._advice)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(13, 8, 8, 8)
        layout.setSpacing(9)
        layout.addWidget(self._mark, 0, Qt.AlignmentFlag.AlignTop)
        layout.addLayout(words, 1)
        layout.addWidget(self._action)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignTop)
        self.hide()

    def post(self, message: Message) -> None:
        """Show a message now; what was shown waits."""
        self._waiting = [known for known in self._waiting if known.text != message.text][-MAX_WAITING + 1 :]
        self._waiting.append(message)
        self._show()

    def dismiss(self) -> None:
        """The message was read."""
        if self._waiting:
            self._waiting.pop()
        self._show()

    def current(self) -> Message | None:
        """The message shown."""
        return self._waiting[-1] if self._waiting else None

    def _show(self) -> None:
        message = self.current()
        self.setVisible(message is not None)
        self.shown.emit(message is not None)
        if message is None:
            return
        self._mark.severity = message.severity
        self._mark.update()
        self._text.setText(message.text)
        self._advice.setText(message.advice)
        self._advice.setVisible(bool(message.advice))
        self._action.setText(message.action)
        self._action.setVisible(bool(message.action))
        self.setAccessibleName(f"{message.text} {message.advice}".strip())

    def _on_action(self) -> None:
        message = self.current()
        if message is not None and message.on_action is not None:
            message.on_action()
