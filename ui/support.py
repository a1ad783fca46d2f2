"""Support bundles and the watchdog, as the window sees them: asked for by a button, made on a thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtWidgets import QFileDialog, QWidget

from app.bundle_keeper import BundleKeeper
from app.clock import SystemClock
from app.errors import MetronomeError
from app.paths import Paths
from app.watchdog import Watchdog

if TYPE_CHECKING:
    from app.engine import Engine
    from app.settings import Settings


class Support(QObject):
    """Makes bundles when somebody asks, when an error was caught, and when the window stands still.

    Signals:
        made: a bundle that was asked for: its path and what is not in it, as a sentence.
        refused: why one could not be made: message, advice.

    Thread: lives in the GUI thread; ``keeper.crashed`` may be called from any.
    """

    made = Signal(object, str)
    refused = Signal(str, str)
    _questioned = Signal()

    def __init__(
        self,
        paths: Paths,
        settings: Callable[[], Settings],
        engine: Callable[[], Engine | None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._paths = paths
        self._engine = engine
        self.keeper = BundleKeeper(paths, settings, engine)
        self.watchdog = Watchdog(self._questioned.emit, self._on_lag, self.keeper.stalled, SystemClock(), paths.logs)
        self._threads: list[threading.Thread] = []
        self._questioned.connect(self._on_question, Qt.ConnectionType.QueuedConnection)

    def start(self) -> None:
        """Watch the window from now on."""
        self.watchdog.start()

    def stop(self) -> None:
        """Watch no longer, and wait for bundles that are being made."""
        self.watchdog.stop()
        self.keeper.wait()
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def ask(self, window: QWidget) -> None:
        """Ask where the bundle belongs, then make it."""
        dialog = QFileDialog(
            window, self.tr("Save support bundle"), str(Path.home() / "metronome-support.zip"), self.tr("Zip (*.zip)")
        )
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("zip")
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.make)
        dialog.open()

    @Slot(str)
    def make(self, file: str) -> None:
        """Make a bundle on a thread; a file of that name, which the dialog has asked about, is replaced."""
        thread = threading.Thread(target=self._make, args=(Path(file),), name="support-bundle", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _make(self, target: Path) -> None:
        try:
            made = self.keeper.make(target, replace=True)
        except MetronomeError as error:
            self.refused.emit(error.message, error.advice)
            return
        missing = " ".join(f"{name}: {why}" for name, why in made.missing.items())
        self.made.emit(made.path, missing)

    def _on_lag(self, milliseconds: float) -> None:
        engine = self._engine()
        if engine is not None:
            engine.recorder.lag(milliseconds)

    @Slot()
    def _on_question(self) -> None:
        self.watchdog.answer()
