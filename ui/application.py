"""Brings the window to life: paint first, then build the engine on a thread, then hand it over."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QSocketNotifier, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication

from app.errors import MetronomeError
from app.interpreter import give_back_free_memory, keep_what_is_loaded, share_fairly
from ui.crash import CrashGuard
from ui.engine_link import EngineLink
from ui.icons import app_icon
from ui.log_feed import live_log
from ui.main_window import MainWindow
from ui.notifier import Notifier
from ui.single_instance import Raiser
from ui.support import Support
from ui.theme import Choice, Theme
from ui.tray import Tray
from ui.widgets.inline_message import Message
from ui.window_state import WindowState

if TYPE_CHECKING:
    from app.cli_values import ScreenshotStart, WindowStart
    from app.engine import Engine

_log = logging.getLogger("window")

APP_ID = "Metronome.ControlPanel"
SETTLED_MS = 5_000


class Builder(QObject):
    """Builds the engine on a thread of its own.

    Signals:
        built: the running engine.
        refused: why there is none: message, advice.
    """

    built = Signal(object)
    refused = Signal(str, str)

    def __init__(self, build: Callable[[], Engine], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._build = build
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin; a call while it builds does nothing."""
        if self._thread is None or not self._thread.is_alive():
            self._thread = threading.Thread(target=self._work, name="engine-start", daemon=True)
            self._thread.start()

    def wait(self, timeout_s: float) -> bool:
        """Wait until building has ended one way or the other; returns whether it has."""
        if self._thread is not None:
            self._thread.join(timeout_s)
            return not self._thread.is_alive()
        return True

    def _work(self) -> None:
        try:
            engine = self._build()
        except MetronomeError as error:
            self.refused.emit(error.message, error.advice)
        else:
            self.built.emit(engine)


class WindowProgram(QObject):
    """The window, its tray, and what ties them to the engine."""

    def __init__(self, app: QApplication, start: WindowStart | ScreenshotStart, *, tray: bool = True) -> None:
        super().__init__()
        self._app = app
        self._start = start
        self._refusal: Message | None = None
        settings = start.session.settings.current
        self.theme = Theme(_choice(settings.ui.theme), self)
        self.theme.apply(app)
        self.link = EngineLink(self)
        self.guard = CrashGuard(start.session.paths.logs, self)
        self.support = Support(
            start.session.paths,
            lambda: start.session.settings.current,
            lambda: self.link.engine if self.link.ready else None,
            self,
        )
        self.guard.on_caught = lambda report: self.support.keeper.crashed(report.details)
        self.state = WindowState(start.session.paths.config / "window.ini")
        self.window = MainWindow(self.theme, self.link, self.state, live_log())
        self.window.setWindowIcon(app_icon())
        self.raiser = Raiser(self)
        self.tray = Tray(app_icon(), self) if tray and Tray.available() else None
        self.notifier = Notifier(self.window.messages, self.tray, self.window.in_sight, self)
        self.builder = Builder(lambda: start.start(self.raiser.ask, self.window.clock.lag_ms), self)
        self._connect()

    def _connect(self) -> None:
        queued = Qt.ConnectionType.QueuedConnection
        self.window.painted.connect(self._on_painted)
        self.window.closing.connect(self._on_closing)
        self.builder.built.connect(self._on_built, queued)
        self.builder.refused.connect(self._on_refused, queued)
        self.raiser.asked.connect(self.window.bring_to_front)
        self.guard.reported.connect(self.window.show_report)
        self.window.support_asked.connect(lambda: self.support.ask(self.window))
        self.support.made.connect(self._on_bundle)
        self.support.refused.connect(self.notifier.trouble)
        self.link.troubled.connect(self.notifier.trouble)
        self.link.runs_changed.connect(lambda runs: self.notifier.runs_changed(runs, self.link.title))
        self.link.timetable_changed.connect(self._on_timetable)
        if self.tray is not None:
            self.tray.show_asked.connect(self.window.bring_to_front)
            self.tray.quit_asked.connect(self.ask_to_quit)
            self.tray.pause_asked.connect(self.link.set_paused)

    def open(self, *, minimized: bool = False) -> None:
        """Show the window, or only the icon in the tray when asked for and possible."""
        report = self.guard.install()
        self.support.start()
        if self.tray is not None:
            self.tray.icon.show()
        if minimized and self.tray is not None:
            self.builder.start()  # no first paint to wait for
        elif minimized:
            self.window.showMinimized()
            self.builder.start()
        else:
            self.window.show()
        if report is not None:
            self.support.keeper.crashed(report.details)
            self.window.show_report(report)

    def leave_collections_short(self) -> None:
        """Keep the garbage collector from holding the window; for a process that lives for this window alone."""
        # Twice: when the engine is there, and when the start-up runs have loaded what they need.
        self.link.attached.connect(keep_what_is_loaded)
        self._settled = QTimer(self)
        self._settled.setSingleShot(True)
        self._settled.timeout.connect(keep_what_is_loaded)
        self._settled.timeout.connect(give_back_free_memory)
        self._settled.start(SETTLED_MS)

    def ask_to_quit(self) -> None:
        """Quit, unless a page has to ask first what is to become of unsaved changes."""
        if self.window.may_quit(self.quit):
            self.quit()

    def quit(self) -> None:
        """Leave the event loop; ``close`` then stops the engine."""
        self.window.quitting = True
        self.window.remember()
        if self.tray is not None:
            self.tray.icon.hide()
        self.window.hide()
        self._app.quit()

    def close(self) -> None:
        """Stop everything, in order: no more signals, then the engine."""
        self.builder.wait(30.0)
        self.support.stop()
        self.link.detach()
        self._start.stop()
        self.guard.uninstall()

    def _on_painted(self) -> None:
        _log.info("the window is painted")  # its time in the log is what the start-up benchmark reads
        self.builder.start()

    def _on_built(self, engine: Engine) -> None:
        if self.window.quitting:
            return
        if self._refusal is not None:  # the settings may have been read only now
            self.theme.set_choice(_choice(self._start.session.settings.current.ui.theme))
            if self.window.messages.current() is self._refusal:
                self.window.messages.dismiss()
            self._refusal = None
        engine.recent_lag_ms = self.window.clock.recent_lag_ms
        self.link.attach(engine)
        if self.tray is not None:
            self.tray.show_paused(self.link.timetable.paused)
        for problem in engine.problems:
            self.notifier.post(Message("warning", problem))

    def _on_bundle(self, path: Path, missing: str) -> None:
        text = self.tr("The support bundle is saved: {path}").format(path=path)
        advice = self.tr("Not in it: {parts}").format(parts=missing) if missing else ""
        folder = QUrl.fromLocalFile(str(path.parent))
        self.notifier.post(
            Message("info", text, advice, self.tr("Open folder"), lambda: QDesktopServices.openUrl(folder))
        )

    def _on_refused(self, message: str, advice: str) -> None:
        _log.error("The engine could not start: %s %s", message, advice)
        for chip in self.window.terminal_chips:
            chip.show_refused()
        self.window.tasks.subtitle.setText(self.tr("Nothing runs"))
        self.window.footer.show_next("", "", paused=False)
        self.window.bring_to_front()
        self._refusal = Message("error", message, advice, self.tr("Try again"), self._try_again)
        self.notifier.post(self._refusal)

    def _try_again(self) -> None:
        for chip in self.window.terminal_chips:
            chip.show_starting()
        self.window.tasks.subtitle.setText(self.tr("Starting the engine"))
        self.builder.start()

    def _on_timetable(self, snapshot: object) -> None:
        if self.tray is not None:
            self.tray.show_paused(bool(getattr(snapshot, "paused", False)))

    def _on_closing(self) -> None:
        if self.tray is not None and self._start.session.settings.current.ui.close_to_tray:
            self.window.hide()
            if self.state.text("hints/tray") != "done":
                self.state.set_text("hints/tray", "done")
                self.tray.tell(
                    self.tr("Metronome goes on"), self.tr("Find it in the tray; Quit is in its menu."), bad=False
                )
        else:
            self.ask_to_quit()


def run_window(start: WindowStart) -> int:
    """Show the window until the user quits; returns the exit code."""
    app = make_application(start.session.settings.current.ui.scale)
    program = WindowProgram(app, start)
    program.leave_collections_short()
    with signals_quit(program.quit):
        try:
            program.open(minimized=start.minimized)
            return app.exec()
        finally:
            program.close()


def save_screenshot(start: ScreenshotStart) -> int:
    """Save a picture of one page; returns the exit code."""
    from ui.screenshot import save

    return save(start)


def make_application(scale: float = 1.0) -> QApplication:
    """The one QApplication, named and told not to end with its last window."""
    if scale != 1.0:
        os.environ.setdefault("QT_SCALE_FACTOR", str(scale))
    if sys.platform == "win32":
        import ctypes

        # Without a name of its own the task bar shows Python's icon.
        ctypes.windll.shell32.SetCurrentProcessExplicitAppUserModelID(APP_ID)
    share_fairly()
    known = QApplication.instance()
    app = known if isinstance(known, QApplication) else QApplication(sys.argv[:1])
    app.setApplicationName("Metronome")
    app.setApplicationDisplayName("Metronome")
    app.setDesktopFileName("metronome")
    app.setQuitOnLastWindowClosed(False)
    return app


@contextlib.contextmanager
def signals_quit(leave: Callable[[], None]) -> Iterator[None]:
    """SIGINT and SIGTERM end the program in good order. Qt's loop never runs Python's own handlers while it waits."""
    reading, writing = socket.socketpair()
    reading.setblocking(False)
    writing.setblocking(False)
    notifier = QSocketNotifier(reading.fileno(), QSocketNotifier.Type.Read)

    def on_readable() -> None:
        with contextlib.suppress(BlockingIOError):
            reading.recv(64)
        leave()

    notifier.activated.connect(on_readable)
    old_fd = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    old = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old_fd)
        notifier.setEnabled(False)
        reading.close()
        writing.close()


def _choice(text: str) -> Choice:
    return "light" if text == "light" else "dark" if text == "dark" else "system"
