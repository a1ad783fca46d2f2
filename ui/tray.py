"""The icon in the tray: show, pause all, quit, and news when the window is hidden."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QAction, QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon


class Tray(QObject):
    """Signals:
    show_asked, quit_asked: what was chosen in the menu.
    pause_asked: the timetable shall be paused (True) or resumed.
    """

    show_asked = Signal()
    quit_asked = Signal()
    pause_asked = Signal(bool)

    def __init__(self, icon: QIcon, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._paused = False
        self._menu = QMenu()
        self._show = self._add(self.tr("Show Metronome"), self.show_asked.emit)
        self._menu.setDefaultAction(self._show)
        self._pause = self._add(self.tr("Pause all"), lambda: self.pause_asked.emit(not self._paused))
        self._menu.addSeparator()
        self._add(self.tr("Quit"), self.quit_asked.emit)
        self.icon = QSystemTrayIcon(icon, self)
        self.icon.setToolTip(self.tr("Metronome"))
        self.icon.setContextMenu(self._menu)
        self.icon.activated.connect(self._on_activated)
        self.icon.messageClicked.connect(self.show_asked)

    @staticmethod
    def available() -> bool:
        """Whether this desktop has a tray."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show_paused(self, paused: bool) -> None:
        """Show whether the timetable is paused."""
        self._paused = paused
        self._pause.setText(self.tr("Resume") if paused else self.tr("Pause all"))
        self.icon.setToolTip(self.tr("Metronome (paused)") if paused else self.tr("Metronome"))

    def tell(self, title: str, text: str, *, bad: bool) -> None:
        """Show a message of the desktop."""
        kind = QSystemTrayIcon.MessageIcon.Warning if bad else QSystemTrayIcon.MessageIcon.Information
        self.icon.showMessage(title, text, kind, 8_000)

    def _add(self, text: str, chosen: Callable[[], object]) -> QAction:
        action = self._menu.addAction(text)
        action.triggered.connect(lambda _checked=False: chosen())
        return action

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.show_asked.emit()
