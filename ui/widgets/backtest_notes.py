"""The notes of a chosen backtest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QFocusEvent, QHideEvent
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from ui.theme import Theme
from ui.widgets.labels import label

if TYPE_CHECKING:
    from workers.backtest.shelf import Result

SAVE_MS: Final = 700
"""Notes are kept so long after the last key."""


class NoteEdit(QPlainTextEdit):
    """Signals:
    left: the keyboard went elsewhere.
    """

    left = Signal()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.left.emit()


class Notes(QWidget):
    """What its owner thinks of a backtest; kept while it is written.

    Signals:
        kept: stem and text are to be written.
    """

    kept = Signal(str, str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._stem = self._saved = ""
        self.edit = NoteEdit()
        self.edit.setPlaceholderText(self.tr("Why this test was made, and what came of it"))
        self.edit.setAccessibleName(self.tr("Notes"))
        self.edit.setTabChangesFocus(True)
        self.edit.left.connect(self.save)
        self.state = label("", "small")
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SAVE_MS)
        self._timer.timeout.connect(self.save)
        self.edit.textChanged.connect(self._on_changed)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 6, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.edit, 1)
        layout.addWidget(self.state)

    def show_result(self, result: Result) -> None:
        """Show the notes of a backtest; what is written now is kept first."""
        self.save()
        if result.stem == self._stem and self.edit.toPlainText() == result.note:
            return
        self._stem, self._saved = result.stem, result.note
        self.edit.blockSignals(True)
        self.edit.setPlainText(result.note)
        self.edit.blockSignals(False)
        self.state.setText(self.tr("Kept in a file beside the result"))

    def save(self) -> None:
        """Keep what is written."""
        self._timer.stop()
        text = self.edit.toPlainText()
        if self._stem and text != self._saved:
            self._saved = text
            self.kept.emit(self._stem, text)

    def show_saved(self, trouble: str = "") -> None:
        """Say what came of keeping them."""
        self.state.setText(trouble or self.tr("Kept"))
        if trouble:
            self._saved = "\0"  # whatever is written differs from it: the next look tries again

    def _on_changed(self) -> None:
        self.state.setText(self.tr("Not kept yet"))
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.save()
