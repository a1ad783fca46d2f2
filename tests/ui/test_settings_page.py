"""The settings page over the real store: shown, searched, changed, refused, reset, ruled by --set."""

from pathlib import Path

import pytest
from fake_engine import FakeEngine
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QComboBox, QLineEdit, QPushButton, QSpinBox
from pytestqt.qtbot import QtBot

from app.settings_store import SettingsStore
from ui.engine_link import EngineLink
from ui.main_window import MainWindow
from ui.pages.settings import SettingsPage

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def store(tmp_path: Path) -> SettingsStore:
    return SettingsStore(tmp_path / "settings.toml", {"health.log_warn_mb": "700"})


@pytest.fixture
def settings(
    qtbot: QtBot, bare_window: MainWindow, link: EngineLink, engine: FakeEngine, store: SettingsStore
) -> SettingsPage:
    """The page, all its groups built."""
    engine.settings = store
    link.attach(engine)
    bare_window.show_page("settings")
    page = bare_window.findChild(SettingsPage)
    assert page is not None
    qtbot.waitUntil(lambda: page.built)
    return page


def type_into(qtbot: QtBot, line: QLineEdit, text: str) -> None:
    line.setFocus()
    line.selectAll()
    qtbot.keyClicks(line, text)
    qtbot.keyClick(line, Qt.Key.Key_Return)


def line_of(page: SettingsPage, key: str) -> QLineEdit:
    line = page.findChild(QLineEdit, f"setting_{key}")
    assert line is not None
    return line


def test_it_is_built_only_when_first_shown(bare_window: MainWindow) -> None:
    assert bare_window.findChild(SettingsPage) is None


def test_every_described_setting_has_a_row_with_a_fitting_input(settings: SettingsPage, store: SettingsStore) -> None:
    described = {option.key for option in store.describe() if not option.key.startswith("tasks.")}
    assert set(settings.rows) == described
    kinds = {
        "ui.close_to_tray": QCheckBox,
        "terminal.kind": QComboBox,
        "queues.monitoring": QSpinBox,
        "market.watch_list": QLineEdit,
        "health.disk_warn_gb": QLineEdit,
    }
    for key, kind in kinds.items():
        assert isinstance(settings.rows[key].input.widget, kind), key
    queue = settings.rows["queues.data_collection"].input
    assert (queue.widget.value(), queue.editing) == (3, False)
    assert all(row.input.widget.accessibleName() for row in settings.rows.values())


def test_the_head_names_the_file(settings: SettingsPage, store: SettingsStore) -> None:
    assert str(store.path) in settings.subtitle.text()
    assert settings.folder.isEnabled()


def test_a_change_is_written_to_the_file(qtbot: QtBot, settings: SettingsPage, store: SettingsStore) -> None:
    type_into(qtbot, line_of(settings, "market.watch_list"), "EURUSD, XAUUSD")
    qtbot.waitUntil(lambda: store.current.market.watch_list == ("EURUSD", "XAUUSD"))
    assert "XAUUSD" in store.path.read_text(encoding="utf-8")
    qtbot.waitUntil(lambda: "1 changed" in settings.subtitle.text())


def test_tick_choice_and_step_are_written_at_once(qtbot: QtBot, settings: SettingsPage, store: SettingsStore) -> None:
    settings.rows["ui.close_to_tray"].input.widget.click()
    theme = settings.rows["ui.theme"].input.widget
    assert isinstance(theme, QComboBox)
    theme.setFocus()
    qtbot.keyClick(theme, Qt.Key.Key_Down)
    queue = settings.rows["queues.monitoring"].input.widget
    queue.setFocus()
    qtbot.keyClick(queue, Qt.Key.Key_Up)
    qtbot.keyClick(queue, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: store.current.queues.monitoring == 2)
    qtbot.waitUntil(lambda: store.current.ui.theme == "light")
    assert store.current.ui.close_to_tray is False


def test_a_refusal_is_told_at_the_row_and_nothing_is_written(
    qtbot: QtBot, settings: SettingsPage, store: SettingsStore
) -> None:
    row = settings.rows["history.keep_days"]
    line = line_of(settings, "history.keep_days")
    type_into(qtbot, line, "0")
    qtbot.waitUntil(lambda: "1 to 3650 days" in row.error)
    assert line.text() == "0"
    assert not store.path.exists()
    assert settings.escape()
    assert (line.text(), row.error) == ("90", "")


def test_typing_on_takes_the_refusal_away(qtbot: QtBot, settings: SettingsPage) -> None:
    row = settings.rows["market.timeframes"]
    type_into(qtbot, line_of(settings, "market.timeframes"), "M5, X9")
    qtbot.waitUntil(lambda: bool(row.error))
    qtbot.keyClick(line_of(settings, "market.timeframes"), Qt.Key.Key_Backspace)
    assert row.error == ""


def test_reset_brings_the_default_back(qtbot: QtBot, settings: SettingsPage, store: SettingsStore) -> None:
    row = settings.rows["logging.level"]
    reset = next(button for button in row.findChildren(QPushButton) if "Reset" in button.accessibleName())
    assert not reset.isVisibleTo(row)
    store.set("logging.level", "DEBUG")
    qtbot.waitUntil(lambda: reset.isVisibleTo(row))
    reset.click()
    qtbot.waitUntil(lambda: store.current.logging.level == "INFO")
    qtbot.waitUntil(lambda: not reset.isVisibleTo(row))
    assert "DEBUG" not in store.path.read_text(encoding="utf-8")


def test_a_change_for_the_next_start_is_marked(qtbot: QtBot, settings: SettingsPage, store: SettingsStore) -> None:
    row = settings.rows["terminal.kind"]
    assert row.marker == "counts from the next start"
    store.set("terminal.kind", "metatrader5")
    qtbot.waitUntil(lambda: row.marker.startswith("changed"))
    assert "1 change waits for the next start" in settings.subtitle.text()
    store.unset("terminal.kind")
    qtbot.waitUntil(lambda: row.marker == "counts from the next start")


def test_what_the_command_line_rules_says_so(settings: SettingsPage) -> None:
    row = settings.rows["health.log_warn_mb"]
    assert line_of(settings, "health.log_warn_mb").text() == "700"
    assert not row.input.widget.isEnabled()
    assert "--set" in row.marker


def test_an_entry_is_added_and_removed(qtbot: QtBot, settings: SettingsPage, store: SettingsStore) -> None:
    pattern = "terminal.simulated.replay.<symbol>"
    type_into(qtbot, line_of(settings, pattern), "bars.csv")
    assert "equals sign" in settings.rows[pattern].error
    type_into(qtbot, line_of(settings, pattern), "EURUSD.a = bars.csv")
    key = "terminal.simulated.replay.EURUSD.a"
    qtbot.waitUntil(lambda: key in settings.rows and settings.built)
    assert store.current.terminal.simulated.replay == {"EURUSD.a": "bars.csv"}
    settings.rows[key].reset_asked.emit(key)
    qtbot.waitUntil(lambda: key not in settings.rows and settings.built)
    assert store.current.terminal.simulated.replay == {}


def test_the_search_leaves_what_has_the_words(qtbot: QtBot, settings: SettingsPage) -> None:
    qtbot.keyClick(settings.window(), Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert settings.search.hasFocus()
    qtbot.keyClicks(settings.search, "disk warn")
    shown = {key for key, row in settings.rows.items() if row.isVisible()}
    assert shown == {"health.disk_warn_gb", "health.disk_warn_days"}
    qtbot.keyClick(settings.search, Qt.Key.Key_Escape)
    assert settings.search.text() == ""
    assert settings.rows["market.watch_list"].isVisible()


def test_a_damaged_file_is_told_with_its_line(qtbot: QtBot, settings: SettingsPage, store: SettingsStore) -> None:
    store.path.write_text("[market]\nhistory_bars = = 3\n", encoding="utf-8")
    line = line_of(settings, "market.history_bars")
    type_into(qtbot, line, "300")
    row = settings.rows["market.history_bars"]
    qtbot.waitUntil(lambda: "line 2" in row.error)
    assert "Mend that line" in row.error


def test_the_first_steps_lead_to_the_setting(qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch) -> None:
    window.show_setting("market.watch_list")
    page = window.findChild(SettingsPage)
    assert page is not None
    qtbot.waitUntil(lambda: page.built)
    qtbot.waitUntil(lambda: page.rows["market.watch_list"].input.widget.hasFocus())


def test_what_belongs_to_tasks_is_a_click_away(settings: SettingsPage) -> None:
    next(found for found in settings.findChildren(QPushButton) if found.text() == "Show the tasks").click()
    window = settings.window()
    assert isinstance(window, MainWindow)
    assert window.page == "tasks"
