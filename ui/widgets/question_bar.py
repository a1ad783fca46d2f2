"""A calm line with a question, or with something that can be undone; it holds nobody up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from ui.theme import Theme
from ui.widgets.labels import button, icon_button, label


@dataclass(frozen=True, slots=True)
class Answer:
    """One button: its word, and what it does."""

    word: str
    act: Callable[[], object]


class QuestionBar(QFrame):
    """Text, advice and a few answers. A new question takes the place of the old one; an answer takes it away."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._text = label("", wrap=True, selectable=True)
        self._advice = label("", "dim", wrap=True, selectable=True)
        self._answers = QHBoxLayout()
        self._answers.setSpacing(8)
        self._buttons: list[QPushButton] = []
        self._close = icon_button(theme, "close", self.tr("Dismiss"), self.dismiss)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self._text)
        texts.addWidget(self._advice)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(13, 8, 8, 8)
        layout.setSpacing(9)
        layout.addLayout(texts, 1)
        layout.addLayout(self._answers)
        layout.addWidget(self._close, 0, Qt.AlignmentFlag.AlignVCenter)
        self.hide()

    @property
    def text(self) -> str:
        """What it says now; empty when nothing is asked."""
        return "" if self.isHidden() else self._text.text()

    def ask(self, text: str, advice: str, *answers: Answer, focus: bool = False) -> None:
        """Say something and offer answers, the first of them the likeliest.

        Args:
            focus: Whether the keyboard goes to the first answer.
        """
        for old in self._buttons:
            self._answers.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._buttons = [button(answer.word, partial(self._on_answer, answer)) for answer in answers]
        for new in self._buttons:
            self._answers.addWidget(new)
        self._text.setText(text)
        self._advice.setText(advice)
        self._advice.setVisible(bool(advice))
        self.setAccessibleName(f"{text} {advice}".strip())
        self.show()
        if focus and self._buttons:
            self._buttons[0].setFocus(Qt.FocusReason.OtherFocusReason)

    def press(self, word: str) -> None:
        """Press the answer of that word; nothing happens when it is not offered."""
        for offered in self._buttons:
            if offered.text() == word:
                offered.click()
                return

    def dismiss(self) -> None:
        """Nothing is asked any more."""
        self.hide()

    def _on_answer(self, answer: Answer) -> None:
        self.hide()
        answer.act()
