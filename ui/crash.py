"""Errors that nobody caught: they are logged and shown without a question in the way, and the window lives on.

Four roads lead here: a slot or the main thread (``sys.excepthook``), another thread (``threading.excepthook``), Qt's
own messages, and a crash of native code, whose trace is found in a file at the next start.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from PySide6.QtCore import QMessageLogContext, QObject, Qt, QtMsgType, Signal, qInstallMessageHandler

_log = logging.getLogger("window")

FAULT_FILE = "crash.trace"
_QT_LEVELS = {
    QtMsgType.QtDebugMsg: logging.DEBUG,
    QtMsgType.QtInfoMsg: logging.INFO,
    QtMsgType.QtWarningMsg: logging.WARNING,
    QtMsgType.QtCriticalMsg: logging.ERROR,
    QtMsgType.QtFatalMsg: logging.CRITICAL,
}


@dataclass(frozen=True, slots=True)
class Report:
    """One uncaught error: a sentence for the user, and the traceback for whoever mends it."""

    sentence: str
    details: str


class CrashGuard(QObject):
    """Installs the hooks and takes them away again.

    Attributes:
        on_caught: Told of each error at once, on its own thread: the window may not live to hear of it.

    Signals:
        reported: an error was caught; emitted in the GUI thread.
    """

    reported = Signal(object)
    _caught = Signal(object)

    def __init__(self, folder: Path | None = None, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on_caught: Callable[[Report], object] | None = None
        self._folder = folder
        self._fault_stream: IO[str] | None = None
        self._restore: list[Callable[[], object]] = []
        self._caught.connect(self.reported, Qt.ConnectionType.QueuedConnection)

    def install(self) -> Report | None:
        """Catch errors from now on; returns the report of a native crash of the last start, if there was one."""
        old_hook, old_thread_hook = sys.excepthook, threading.excepthook
        sys.excepthook = self._on_error
        threading.excepthook = self._on_thread_error
        old_handler = qInstallMessageHandler(_on_qt_message)
        self._restore = [
            lambda: setattr(sys, "excepthook", old_hook),
            lambda: setattr(threading, "excepthook", old_thread_hook),
            lambda: qInstallMessageHandler(old_handler),
        ]
        return self._open_fault_file()

    def uninstall(self) -> None:
        """Leave everything as it was."""
        for restore in self._restore:
            restore()
        self._restore = []
        if self._fault_stream is not None:
            faulthandler.disable()
            self._fault_stream.close()
            self._fault_stream = None

    def _open_fault_file(self) -> Report | None:
        if self._folder is None:
            return None
        file = self._folder / FAULT_FILE
        left = ""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            if file.exists():
                left = file.read_text(encoding="utf-8", errors="replace").strip()
            self._fault_stream = file.open("w", encoding="utf-8")
            faulthandler.enable(self._fault_stream)
        except OSError as error:
            _log.warning("Native crashes cannot be recorded in %s: %s.", file, error)
        if not left:
            return None
        _log.error("Metronome crashed the last time:\n%s", left)
        return Report("Metronome crashed the last time it ran. Runs that were at work are marked as interrupted.", left)

    def _on_error(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            sys.__excepthook__(kind, error, trace)
            return
        details = "".join(traceback.format_exception(kind, error, trace))
        _log.critical("An error in the window was not foreseen:\n%s", details)
        self._tell(Report(f"An action failed by a fault in Metronome: {kind.__name__}: {error}", details))

    def _on_thread_error(self, caught: threading.ExceptHookArgs) -> None:
        if caught.exc_value is None or issubclass(caught.exc_type, SystemExit):
            return
        name = caught.thread.name if caught.thread else "a thread"
        details = "".join(traceback.format_exception(caught.exc_type, caught.exc_value, caught.exc_traceback))
        _log.critical("An error in %s was not foreseen:\n%s", name, details)
        sentence = (
            f"Background work ({name}) failed by a fault in Metronome: {caught.exc_type.__name__}: {caught.exc_value}"
        )
        self._tell(Report(sentence, details))

    def _tell(self, report: Report) -> None:
        if self.on_caught is not None:
            self.on_caught(report)
        self._caught.emit(report)


def _on_qt_message(kind: QtMsgType, context: QMessageLogContext, message: str) -> None:
    # The offscreen platform says this of everything that it leaves out; it means nothing.
    if message.startswith("This plugin does not support"):
        return
    logging.getLogger("qt").log(_QT_LEVELS.get(kind, logging.WARNING), "%s", message)
