"""Completion of the words of conditions, shared by all lines that take one."""

from __future__ import annotations

import re
from collections.abc import Sequence

from PySide6.QtCore import QEvent, QModelIndex, QObject, Qt
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QCompleter, QLineEdit

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*$")
WORD_ROLE = Qt.ItemDataRole.UserRole + 1
_LEAST = 2


class Completion(QObject):
    """Offers words while somebody types; Ctrl+Space offers all of them.

    Args:
        words: What can be written and what it means: ``rsi([source,] period)``, ``ema_fast_gt_slow``.
    """

    def __init__(self, words: Sequence[tuple[str, str]], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = QStandardItemModel(self)
        for word, about in words:
            item = QStandardItem(f"{word}   {about}")
            inserted = word.partition("(")[0] + ("(" if "(" in word and word.partition("(")[2] != ")" else "")
            item.setData(inserted, WORD_ROLE)
            item.setToolTip(about)
            self._model.appendRow(item)
        self._completer = QCompleter(self._model, self)
        self._completer.setCompletionRole(WORD_ROLE)
        self._completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._completer.setFilterMode(Qt.MatchFlag.MatchContains)
        self._completer.setMaxVisibleItems(9)
        self._completer.popup().setObjectName("completions")
        self._completer.activated.connect(self._on_chosen)
        self._line: QLineEdit | None = None
        self._choosing = False

    def serve(self, line: QLineEdit) -> None:
        """Offer words in this line."""
        line.installEventFilter(self)
        line.textEdited.connect(lambda _text: self._offer(line, least=_LEAST))

    @property
    def offered(self) -> list[str]:
        """The words that are offered now."""
        if not self._completer.popup().isVisible():
            return []
        model = self._completer.completionModel()
        return [str(model.index(row, 0).data(WORD_ROLE)) for row in range(model.rowCount())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and isinstance(watched, QLineEdit):
            control = event.modifiers() == Qt.KeyboardModifier.ControlModifier
            if event.key() == Qt.Key.Key_Space and control:
                self._offer(watched, least=0)
                return True
        return super().eventFilter(watched, event)

    def _offer(self, line: QLineEdit, *, least: int) -> None:
        if self._choosing:
            return
        begun = _begun(line)
        popup = self._completer.popup()
        if len(begun) < least:
            popup.hide()
            return
        self._line = line
        self._completer.setWidget(line)
        self._completer.setCompletionPrefix(begun)
        count = self._completer.completionCount()
        whole = count == 1 and self._completer.currentCompletion() == begun
        if count == 0 or whole:
            popup.hide()
            return
        rect = line.rect()
        rect.setWidth(max(rect.width(), 430))
        self._completer.complete(rect)
        popup.setCurrentIndex(self._completer.completionModel().index(0, 0))

    def _on_chosen(self, chosen: object) -> None:
        line = self._line
        if line is None:
            return
        at = line.cursorPosition()
        start = at - len(_begun(line))
        word = str(chosen.data(WORD_ROLE)) if isinstance(chosen, QModelIndex) else str(chosen)
        text = line.text()
        line.setText(text[:start] + word + text[at:])
        line.setCursorPosition(start + len(word))
        self._choosing = True
        try:
            line.textEdited.emit(line.text())
        finally:
            self._choosing = False


def _begun(line: QLineEdit) -> str:
    """The word in front of the cursor."""
    found = _WORD.search(line.text()[: line.cursorPosition()])
    return found[0] if found else ""
