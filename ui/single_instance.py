"""A second start raises the window that is there. The message itself comes through ``app.ipc``."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal


class Raiser(QObject):
    """Turns a request from any thread into one in the GUI thread.

    Signals:
        asked: the window shall come to the front.
    """

    asked = Signal()
    _poked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._poked.connect(self.asked, Qt.ConnectionType.QueuedConnection)

    def ask(self) -> None:
        """Raise the window. May be called from any thread."""
        self._poked.emit()
