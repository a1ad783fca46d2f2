"""Support bundles from the window: by its button, after an error, and while it stands still."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_engine import FakeEngine
from PySide6.QtWidgets import QFileDialog, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app import watchdog
from app.bundle_read import summary
from app.engine import Engine
from app.paths import Paths
from app.settings import Settings
from app.settings_store import SettingsStore
from app.tasks import Registry
from ui.crash import Report
from ui.main_window import MainWindow
from ui.pages.health import HealthPage
from ui.support import Support

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    found = Paths(tmp_path / "home")
    found.create()
    return found


@pytest.mark.allow_warnings("The window")
def test_a_window_that_stands_still_leaves_a_bundle_with_its_stack(
    qtbot: QtBot, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watchdog, "BEAT_S", 0.02)
    monkeypatch.setattr(watchdog, "STALL_S", 0.1)
    settings = SettingsStore(paths.settings_file, {"terminal.kind": "simulated"})
    engine = Engine(paths, settings, Registry())
    support = Support(paths, Settings, lambda: engine)
    made = threading.Event()
    keep = support.keeper.stalled
    monkeypatch.setattr(support.watchdog, "_on_stall", lambda stall: (keep(stall), made.set()))
    support.start()
    try:
        qtbot.waitUntil(lambda: bool(engine.recorder.read()["window_lag"]))
        assert made.wait(20.0)  # the thread of the window, which stands still here
        qtbot.waitUntil(lambda: support.watchdog._asked is None or not support.watchdog._told)
    finally:
        support.stop()
        engine.stop()
    (path,) = paths.support.iterdir()
    found = summary(path)
    assert found["reason"] == "stall"
    assert "test_a_window_that_stands_still" in found["stalls"][0]["stacks"]["window"]
    assert found["timeline"][-1]["kind"] == "stall"


def test_the_button_of_the_health_page_asks_where_to_and_makes_one(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine, paths: Paths, tmp_path: Path
) -> None:
    support = Support(paths, Settings, lambda: None)
    window.support_asked.connect(lambda: support.ask(window))
    window.show_page("health")
    page = window.current_page
    assert isinstance(page, HealthPage)
    page.support.click()
    dialog = window.findChild(QFileDialog)
    assert dialog is not None
    target = tmp_path / "mine.zip"
    with qtbot.waitSignal(support.made) as made:
        dialog.fileSelected.emit(str(target))
    dialog.reject()
    support.stop()
    assert made.args[0] == target
    assert "recorder.json" in made.args[1]
    assert summary(target)["reason"] == "request"


def test_a_bundle_that_cannot_be_written_is_told(qtbot: QtBot, paths: Paths, tmp_path: Path) -> None:
    support = Support(paths, Settings, lambda: None)
    (tmp_path / "file").write_text("", encoding="utf-8")
    with qtbot.waitSignal(support.refused) as refused:
        support.make(str(tmp_path / "file" / "a.zip"))
    support.stop()
    assert "file" in refused.args[0]


def test_the_details_of_an_error_offer_a_bundle(qtbot: QtBot, window: MainWindow) -> None:
    window.show_report(Report("An action failed.", "Traceback"))
    message = window.messages.current()
    assert message is not None
    assert message.on_action is not None
    message.on_action()
    box = window.findChild(QMessageBox)
    assert box is not None
    wanted = next(one for one in box.findChildren(QPushButton) if "bundle" in one.text())
    with qtbot.waitSignal(window.support_asked):
        wanted.click()
    box.close()


def test_an_error_nobody_caught_leaves_a_bundle(paths: Paths, qtbot: QtBot) -> None:
    support = Support(paths, Settings, lambda: None)
    tell: Callable[[str], None] = support.keeper.crashed
    tell("Traceback: ZeroDivisionError")
    support.stop()
    (path,) = paths.support.iterdir()
    assert summary(path)["details"] == "Traceback: ZeroDivisionError"
