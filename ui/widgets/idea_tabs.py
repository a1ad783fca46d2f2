"""The states of trade ideas with their counts, and the history of decisions, to choose one of."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from PySide6.QtCore import Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QWidget

from ui.models.idea_table import state_look
from ui.widgets.labels import button
from workers.strategy.idea_life import State

HISTORY: Final = "history"
TABS: Final = (*(state.value for state in State), HISTORY)


class IdeaTabs(QWidget):
    """Signals:
    chosen: the name of a state, or ``HISTORY``.
    """

    chosen = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.name: str = State.PENDING.value
        group = QButtonGroup(self)
        strip = QHBoxLayout(self)
        strip.setContentsMargins(0, 0, 0, 0)
        strip.setSpacing(2)
        self._parts: dict[str, QPushButton] = {}
        for number, name in enumerate(TABS, 1):
            part = button("", partial(self.choose, name), style="quiet", tip=f"Alt+{number}")
            part.setCheckable(True)
            part.setProperty("switch", True)
            QShortcut(QKeySequence(f"Alt+{number}"), parent).activated.connect(partial(self.choose, name))
            group.addButton(part)
            strip.addWidget(part)
            self._parts[name] = part
        strip.addStretch(1)
        self._parts[self.name].setChecked(True)
        self.show_counts({})

    def choose(self, name: str) -> None:
        """Choose a state or the history."""
        self.name = name
        self._parts[name].setChecked(True)
        self.chosen.emit(name)

    def show_counts(self, counts: Mapping[State, int]) -> None:
        """Show how many ideas are in each state; none is left out."""
        for state in State:
            number, word = counts.get(state, 0), state_look(state).word
            self._name(state.value, f"{word}  {number:,}" if number else word)
        self._name(HISTORY, self.tr("History"))

    def texts(self) -> list[str]:
        """What stands on the tabs."""
        return [part.text() for part in self._parts.values()]

    def _name(self, name: str, text: str) -> None:
        part = self._parts[name]
        if part.text() != text:
            part.setText(text)
            part.setAccessibleName(text)
            part.setMinimumWidth(part.fontMetrics().horizontalAdvance(text) + 22)
