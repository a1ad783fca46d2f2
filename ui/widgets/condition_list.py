"""Conditions, one line each, with an empty line at the end for the next one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from ui.models.strategy_fields import MISSING, Path
from ui.theme import Theme
from ui.widgets.completion import Completion
from ui.widgets.labels import icon_button, label


class _Row(QWidget):
    """One condition with its button, and what is wrong with it."""

    def __init__(self, theme: Theme, tip: str) -> None:
        super().__init__()
        self.line = QLineEdit()
        self.remove: QPushButton = icon_button(theme, "close", tip, lambda: None)
        self.wrong = label("", "problem", wrap=True, selectable=True)
        self.wrong.hide()
        strip = QHBoxLayout()
        strip.setContentsMargins(0, 0, 0, 0)
        strip.setSpacing(2)
        strip.addWidget(self.line, 1)
        strip.addWidget(self.remove)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(strip)
        layout.addWidget(self.wrong)

    def tell(self, sentence: str) -> None:
        """Say what is wrong; empty: nothing."""
        self.wrong.setText(sentence)
        self.wrong.setVisible(bool(sentence))
        if bool(self.line.property("wrong")) != bool(sentence):
            self.line.setProperty("wrong", bool(sentence))
            self.line.style().polish(self.line)
        self.line.setAccessibleDescription(sentence)


class ConditionList(QWidget):
    """Edits a list of conditions at ``path`` of the file.

    Args:
        keys: Filters the events of every line.

    Signals:
        edited: place in the file and its new value; ``MISSING`` takes it away.
    """

    edited = Signal(object, object)

    def __init__(self, theme: Theme, path: Path, title: str, completion: Completion, keys: QObject) -> None:
        super().__init__()
        self._keys = keys
        self._theme = theme
        self._path = path
        self._title = title
        self._completion = completion
        self._rows: list[_Row] = []
        self._values: list[str] = []
        self._layout = QVBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        self._layout.setSpacing(4)
        self._add_row()

    @property
    def lines(self) -> tuple[QLineEdit, ...]:
        """The lines, the empty one last."""
        return tuple(row.line for row in self._rows)

    def show_values(self, values: Sequence[str]) -> None:
        """Show these conditions; lines that show the right text already are left alone."""
        self._values = list(values)
        while len(self._rows) > len(values) + 1:
            row = self._rows.pop()
            self._layout.removeWidget(row)
            row.hide()
            row.deleteLater()
        while len(self._rows) < len(values) + 1:
            self._add_row()
        for row, text in zip(self._rows, [*values, ""], strict=True):
            if row.line.text() != text:
                row.line.setText(text)
                row.line.setCursorPosition(0)
            row.remove.setVisible(bool(text))
            row.tell("")

    def tell(self, problems: Mapping[int, str]) -> None:
        """Say what is wrong with which of them, by their places."""
        for number, row in enumerate(self._rows):
            row.tell(problems.get(number, ""))

    def _add_row(self) -> None:
        number = len(self._rows)
        row = _Row(self._theme, self.tr("Remove this condition"))
        row.remove.hide()
        row.line.setAccessibleName(f"{self._title} {number + 1}")
        row.line.setPlaceholderText(self.tr("Add a condition"))
        row.line.textEdited.connect(partial(self._on_edited, number))
        row.line.editingFinished.connect(partial(self._on_finished, number))
        row.remove.clicked.connect(partial(self._remove, number))
        row.line.installEventFilter(self._keys)
        self._completion.serve(row.line)
        self._rows.append(row)
        self._layout.addWidget(row)

    def _on_edited(self, number: int, text: str) -> None:
        if number < len(self._values):
            self._values[number] = text
            self.edited.emit((*self._path, number), text)
        elif text.strip():
            self._values.append(text)
            self._rows[number].remove.show()
            self._add_row()
            if number:
                self.edited.emit((*self._path, number), text)
            else:
                self.edited.emit(self._path, [text])

    def _on_finished(self, number: int) -> None:
        if number < len(self._values) and not self._values[number].strip():
            self._remove(number)

    def _remove(self, number: int, _checked: bool = False) -> None:
        if number >= len(self._values):
            return
        left = [*self._values[:number], *self._values[number + 1 :]]
        self.show_values(left)
        self.edited.emit((*self._path, number), MISSING)
        self._rows[min(number, len(self._rows) - 1)].line.setFocus()
