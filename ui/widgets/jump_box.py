"""Type a few letters and go to a page, a task or an action."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QDialog, QLineEdit, QListWidget, QListWidgetItem, QVBoxLayout, QWidget


@dataclass(frozen=True, slots=True)
class Target:
    """Somewhere to go or something to do."""

    title: str
    kind: str
    go: Callable[[], object]


def matches(needle: str, title: str) -> bool:
    """Whether every word typed begins a word of the title, or the letters typed appear in it."""
    low = title.casefold()
    words = needle.casefold().split()
    return needle.casefold() in low or all(any(part.startswith(word) for part in low.split()) for word in words)


class JumpBox(QDialog):
    """A line to type in over the list of targets."""

    def __init__(self, targets: list[Target], parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self._targets = targets
        self._shown: list[Target] = []
        self.setAccessibleName(self.tr("Jump to"))
        self.resize(460, 360)
        self.line = QLineEdit()
        self.line.setPlaceholderText(self.tr("Go to a task or page, or type an action"))
        self.line.setAccessibleName(self.tr("Jump to"))
        self.list = QListWidget()
        self.list.setAccessibleName(self.tr("Matches"))
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setStyleSheet("QListWidget::item { padding: 6px 8px; border-radius: 4px; } ")
        self.list.itemClicked.connect(lambda _item: self._go())
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 10)
        layout.addWidget(self.line)
        layout.addWidget(self.list)
        self.line.textChanged.connect(self._filter)
        self.line.returnPressed.connect(self._go)
        self.line.installEventFilter(self)
        self._filter("")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.line and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            step = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}.get(Qt.Key(event.key()))
            if step and self.list.count():
                self.list.setCurrentRow((self.list.currentRow() + step) % self.list.count())
                return True
        return super().eventFilter(watched, event)

    def _filter(self, needle: str) -> None:
        self._shown = [target for target in self._targets if matches(needle.strip(), target.title)]
        self.list.clear()
        for target in self._shown:
            self.list.addItem(QListWidgetItem(f"{target.title}   \N{MIDDLE DOT} {target.kind}"))
        self.list.setCurrentRow(0)

    def _go(self) -> None:
        place = self.list.currentRow()
        if 0 <= place < len(self._shown):
            target = self._shown[place]
            self.close()
            target.go()


def open_over(window: QWidget, targets: list[Target]) -> JumpBox:
    """Show the box over the upper middle of a window."""
    box = JumpBox(targets, window)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    corner = window.mapToGlobal(window.rect().topLeft())
    box.move(corner.x() + (window.width() - box.width()) // 2, corner.y() + 80)
    box.show()
    box.line.setFocus()
    return box
