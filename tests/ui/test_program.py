"""The program around the window: crashes, tray, closing, single instance, start order."""

import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from fake_engine import FakeEngine
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.errors import UserAction
from app.paths import Paths
from app.settings_store import SettingsStore
from ui.application import WindowProgram
from ui.crash import FAULT_FILE, CrashGuard
from ui.single_instance import Raiser

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@dataclass
class Session:
    """The home and its settings."""

    paths: Paths
    settings: SettingsStore


@dataclass
class Start:
    """What the command line hands over."""

    session: Session
    engine: FakeEngine
    refuse: UserAction | None = None
    threads: list[int] = field(default_factory=list)
    stopped: int = 0
    on_show: Any = None
    minimized: bool = False

    def start(self, on_show: Any, window_lag_ms: Any) -> FakeEngine:
        assert window_lag_ms() == 0.0
        self.threads.append(threading.get_ident())
        self.on_show = on_show
        if self.refuse is not None:
            raise self.refuse
        return self.engine

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def start(tmp_path: Path, engine: FakeEngine) -> Start:
    return Start(Session(Paths(tmp_path), SettingsStore(tmp_path / "settings.toml")), engine)


@pytest.fixture
def program(qapp: QApplication, qtbot: QtBot, start: Start, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(qapp, "quit", lambda: None)
    program = WindowProgram(qapp, start, tray=False)
    qtbot.addWidget(program.window, before_close_func=lambda shown: setattr(shown, "quitting", True))
    yield program
    program.close()


def test_the_engine_is_built_after_the_first_paint_on_another_thread(
    qtbot: QtBot, program: WindowProgram, start: Start
) -> None:
    assert start.threads == []
    program.open()
    qtbot.waitUntil(lambda: program.link.ready)
    assert start.threads != [threading.get_ident()]
    assert len(start.threads) == 1


def test_the_engine_can_ask_for_how_long_the_window_was_held(
    qtbot: QtBot, program: WindowProgram, start: Start
) -> None:
    program.open()
    qtbot.waitUntil(lambda: program.link.ready)
    assert start.engine.recent_lag_ms(0.0) is None  # no tick within no time
    qtbot.waitUntil(lambda: start.engine.recent_lag_ms(60.0) is not None, timeout=5_000)
    assert start.engine.recent_lag_ms(60.0) >= 0


@pytest.mark.allow_warnings("The engine could not start")
def test_a_refused_start_says_why_and_the_window_stays(qtbot: QtBot, program: WindowProgram, start: Start) -> None:
    start.refuse = UserAction("The folder is read-only.", advice="Choose another one with --home.")
    program.open()
    qtbot.waitUntil(lambda: program.window.messages.current() is not None)
    message = program.window.messages.current()
    assert message is not None
    assert message.advice == "Choose another one with --home."
    assert program.window.isVisible()


@pytest.mark.allow_warnings("The engine could not start")
def test_a_refused_start_can_be_tried_again(qtbot: QtBot, program: WindowProgram, start: Start) -> None:
    start.refuse = UserAction("The folder is read-only.", advice="Choose another one with --home.")
    program.open()
    qtbot.waitUntil(lambda: program.window.messages.current() is not None)
    message = program.window.messages.current()
    assert message is not None
    assert message.action == "Try again"
    program.builder.wait(5.0)
    start.refuse = None
    assert message.on_action is not None
    message.on_action()
    qtbot.waitUntil(lambda: program.link.ready)
    assert len(start.threads) == 2
    assert program.window.messages.current() is None


def test_closing_without_a_tray_quits_and_sets_the_flag_first(qtbot: QtBot, program: WindowProgram) -> None:
    program.open()
    qtbot.waitUntil(lambda: program.link.ready)
    program.window.close()
    assert program.window.quitting
    assert not program.window.isVisible()


def test_the_engine_is_stopped_after_the_link_let_go(qtbot: QtBot, program: WindowProgram, start: Start) -> None:
    program.open()
    qtbot.waitUntil(lambda: program.link.ready)
    program.close()
    assert start.stopped == 1
    assert not program.link.ready
    assert start.engine.terminal.listeners == []


def test_a_second_start_raises_the_window(qtbot: QtBot, program: WindowProgram, start: Start) -> None:
    program.open()
    qtbot.waitUntil(lambda: program.link.ready)
    program.window.hide()
    thread = threading.Thread(target=start.on_show)
    thread.start()
    thread.join()
    qtbot.waitUntil(program.window.isVisible)


def test_a_raise_from_a_thread_arrives_in_the_gui_thread(qtbot: QtBot) -> None:
    raiser = Raiser()
    seen: list[int] = []
    raiser.asked.connect(lambda: seen.append(threading.get_ident()))
    thread = threading.Thread(target=raiser.ask)
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: bool(seen))
    assert seen == [threading.get_ident()]


class Button(QObject):
    """Has a slot that fails."""

    pressed = Signal()


@pytest.mark.allow_warnings("window")
def test_a_slot_that_fails_is_reported_and_the_application_lives(qtbot: QtBot, tmp_path: Path) -> None:
    with qtbot.captureExceptions():
        guard = CrashGuard(tmp_path)
        guard.install()
        try:
            reports: list[Any] = []
            guard.reported.connect(reports.append)
            button = Button()
            button.pressed.connect(lambda: 1 // 0)
            button.pressed.emit()
            qtbot.waitUntil(lambda: bool(reports))
            assert "ZeroDivisionError" in reports[0].sentence
            assert "Traceback" in reports[0].details
        finally:
            guard.uninstall()


@pytest.mark.allow_warnings("window")
def test_a_thread_that_fails_is_reported(qtbot: QtBot, tmp_path: Path) -> None:
    guard = CrashGuard(tmp_path)
    before = threading.excepthook
    guard.install()
    try:
        reports: list[Any] = []
        guard.reported.connect(reports.append)
        thread = threading.Thread(target=lambda: [][1], name="feeds")
        thread.start()
        thread.join()
        qtbot.waitUntil(lambda: bool(reports))
        assert "feeds" in reports[0].sentence
    finally:
        guard.uninstall()
    assert threading.excepthook is before


@pytest.mark.allow_warnings("window")
def test_a_native_crash_is_told_at_the_next_start(qapp: QApplication, tmp_path: Path) -> None:
    (tmp_path / FAULT_FILE).write_text("Fatal Python error: Segmentation fault\n", encoding="utf-8")
    hook = sys.excepthook
    guard = CrashGuard(tmp_path)
    report = guard.install()
    guard.uninstall()
    assert report is not None
    assert "Segmentation fault" in report.details
    assert sys.excepthook is hook
    again = CrashGuard(tmp_path)
    assert again.install() is None
    again.uninstall()
