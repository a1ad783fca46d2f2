"""The input of one setting: a box to tick, a choice, a small number, or a line of text."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QLineEdit, QSpinBox, QWidget

from ui.models.setting_groups import as_text, choice_word, is_pattern
from ui.widgets.choice import Choice, Tick
from ui.words import tr

if TYPE_CHECKING:
    from app.settings import Option

SMALL_RANGE = 1_000
"""Whole numbers in a range up to this are stepped; others are typed, so that a refusal can be told in words."""


class SettingInput(QObject):
    """Shows a value and tells what it was changed to.

    Signals:
        committed: the user chose or finished typing a value.
        edited: the user is typing.
    """

    committed = Signal(object)
    edited = Signal()

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.widget = widget

    @property
    def editing(self) -> bool:
        """Whether something was typed that is not committed."""
        return False

    def show_value(self, value: object) -> None:
        """Show ``value``; this commits nothing."""
        raise NotImplementedError

    def mark(self, *, wrong: bool) -> None:
        """Show whether what is in it was refused."""
        if bool(self.widget.property("wrong")) != wrong:
            self.widget.setProperty("wrong", wrong)
            self.widget.style().polish(self.widget)


class _Switch(SettingInput):
    def __init__(self) -> None:
        self._tick = Tick(tr("On"))
        super().__init__(self._tick)
        self._tick.toggled.connect(self._on_toggled)

    def show_value(self, value: object) -> None:
        self._tick.blockSignals(True)
        self._tick.setChecked(bool(value))
        self._tick.blockSignals(False)

    def _on_toggled(self, checked: bool) -> None:
        self.committed.emit(checked)


class _Pick(SettingInput):
    def __init__(self, option: Option) -> None:
        self._choice = Choice(option.title)
        super().__init__(self._choice)
        for value in option.choices:
            self._choice.addItem(choice_word(value), value)
        self._choice.activated.connect(lambda _place: self.committed.emit(self._choice.currentData()))

    def show_value(self, value: object) -> None:
        self._choice.setCurrentIndex(self._choice.findData(value))


class _Spin(QSpinBox):
    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the wheel scrolls the page and changes no setting on the way


class _Steps(SettingInput):
    def __init__(self, low: float, high: float) -> None:
        self._spin = _Spin()
        super().__init__(self._spin)
        self._spin.setRange(int(low), int(high))
        self._shown = self._spin.value()
        self._spin.setFixedWidth(72)
        self._spin.editingFinished.connect(self._on_finished)
        self._spin.lineEdit().setTextMargins(7, 0, 0, 0)

    @property
    def editing(self) -> bool:
        return self._spin.value() != self._shown

    def show_value(self, value: object) -> None:
        self._shown = value if isinstance(value, int) else self._spin.minimum()
        self._spin.setValue(self._shown)

    def _on_finished(self) -> None:
        if self.editing:
            self._shown = self._spin.value()
            self.committed.emit(self._shown)


class _Line(SettingInput):
    def __init__(self, option: Option) -> None:
        self._line = QLineEdit()
        super().__init__(self._line)
        self._shown = ""
        self._refused = ""
        if option.type in ("int", "float"):
            self._line.setFixedWidth(118)
            self._line.setAlignment(Qt.AlignmentFlag.AlignRight)
            self._line.setPlaceholderText(tr("empty") if option.optional else "")
        elif is_pattern(option):
            self._line.setPlaceholderText(tr("name = file"))
        elif option.type == "list":
            self._line.setPlaceholderText(tr("several, separated by commas"))
        elif option.type == "time":
            self._line.setPlaceholderText("2025-06-03T12:00:00Z")
        else:
            self._line.setPlaceholderText(tr("empty"))
        self._line.textEdited.connect(self._on_edited)
        self._line.editingFinished.connect(self._on_finished)

    @property
    def editing(self) -> bool:
        return self._line.text() != self._shown

    def show_value(self, value: object) -> None:
        self._shown, self._refused = as_text(value), ""
        if self._line.text() != self._shown:
            self._line.setText(self._shown)
            self._line.setCursorPosition(0)

    def mark(self, *, wrong: bool) -> None:
        self._refused = self._line.text() if wrong else ""
        super().mark(wrong=wrong)

    def _on_edited(self) -> None:
        self._refused = ""
        self.edited.emit()

    def _on_finished(self) -> None:
        # Leaving the line ends the editing a second time: what was refused already is not tried again.
        text = self._line.text()
        if self.editing and text != self._refused:
            self.committed.emit(text)


def make_input(option: Option) -> SettingInput:
    """The input that fits the setting."""
    low, high = option.bounds
    if option.type == "bool" and not option.optional:
        return _Switch()
    if option.type == "choice" and not option.optional:
        return _Pick(option)
    bounded = low is not None and high is not None and high - low <= SMALL_RANGE
    if option.type == "int" and not option.optional and bounded:
        return _Steps(low or 0, high or 0)
    return _Line(option)
