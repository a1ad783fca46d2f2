"""The window as a person uses it: keys, buttons, pages, details, and what it does when nobody looks."""

import time
from dataclasses import replace
from pathlib import Path

import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton, QApplication, QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from app.errors import UserAction
from app.runs import Progress, RunState
from ui.crash import Report
from ui.engine_link import EngineLink
from ui.main_window import PAGES, MainWindow
from ui.models.run_table import Column as RunColumn
from ui.models.task_table import Column
from ui.pages.health import HealthPage
from ui.pages.history import HistoryPage
from ui.pages.logs import LogsPage
from ui.widgets.dialogs import RunDialog
from ui.widgets.hint_card import HintCard
from ui.widgets.jump_box import JumpBox
from ui.widgets.schedule_editor import ScheduleEditor

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def page(window: MainWindow, name: str) -> object:
    window.show_page(name)
    return window.centralWidget().findChild({"health": HealthPage, "history": HistoryPage, "logs": LogsPage}[name])


def test_the_window_is_there_before_the_engine(bare_window: MainWindow) -> None:
    assert bare_window.tasks.model.rowCount() == 0
    assert not bare_window.header.pause.isEnabled()
    assert [chip.accessibleName() for chip in bare_window.terminal_chips] == ["Starting the engine"] * 2


def test_an_engine_that_comes_and_goes_at_once_leaves_no_error(
    qtbot: QtBot, bare_window: MainWindow, link: EngineLink, engine: FakeEngine
) -> None:
    link.attach(engine)
    link.detach()
    with qtbot.captureExceptions() as raised:
        QApplication.processEvents()
    assert raised == []


def test_the_engine_fills_it(window: MainWindow) -> None:
    assert window.tasks.model.rowCount() == 17
    for chip in window.terminal_chips:
        assert chip.accessibleName().startswith("Connected demo MetaQuotes-Demo")
    assert window.header.simulated.isVisible()
    assert window.tasks.current_task == "evaluate_all_strategies"


def test_keys_reach_every_page(qtbot: QtBot, window: MainWindow) -> None:
    for number, name in enumerate(PAGES[:10], 1):
        qtbot.keyClick(window, Qt.Key(Qt.Key.Key_0 + number % 10), Qt.KeyboardModifier.ControlModifier)
        assert window.page == name
    window.show_page("tasks")
    qtbot.keyClick(window, Qt.Key.Key_Comma, Qt.KeyboardModifier.ControlModifier)
    assert window.page == "settings"


def test_f5_runs_the_chosen_task(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.tasks.choose("collect_market_data")
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: bool(engine.runner.submitted))
    assert engine.runner.submitted == [("collect_market_data", None)]


def test_f5_does_nothing_while_the_task_is_at_work(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.tasks.choose("evaluate_all_strategies")
    qtbot.keyClick(window, Qt.Key.Key_F5)
    window.tasks.choose("collect_market_data")
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: bool(engine.runner.submitted))
    assert engine.runner.submitted == [("collect_market_data", None)]
    assert engine.runner.cancelled == []


def test_the_button_of_a_row_cancels_a_run_at_work(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    table = window.tasks.table
    cell = table.visualRect(window.tasks.model.index(1, Column.ACTION))
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=cell.center() + QPoint(15, 0))
    qtbot.waitUntil(lambda: bool(engine.runner.cancelled))
    assert engine.runner.submitted == []


def test_space_switches_a_task_off(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.tasks.choose("record_trades")
    qtbot.keyClick(window.tasks.table, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not engine.timetable.current.tasks["record_trades"].enabled)
    cell = window.tasks.model.index(window.tasks.model.place_of("record_trades"), Column.STATE)
    qtbot.waitUntil(lambda: cell.data() == "Off")


def test_pause_all_and_resume(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.header.pause.click()
    qtbot.waitUntil(lambda: window.header.pause.text() == "Resume")
    assert engine.timetable.current.paused
    window.header.pause.click()
    qtbot.waitUntil(lambda: window.header.pause.text() == "Pause all")


def test_nobody_is_on_time_while_all_is_paused(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: "on time" in window.tasks.subtitle.text())
    window.header.pause.click()
    qtbot.waitUntil(lambda: window.tasks.subtitle.text().startswith("all paused"))
    assert "on time" not in window.tasks.subtitle.text()
    window.header.pause.click()
    qtbot.waitUntil(lambda: "on time" in window.tasks.subtitle.text())


def test_details_show_the_last_runs_and_escape_closes_them(qtbot: QtBot, window: MainWindow) -> None:
    window.tasks.choose("optimize_csv_files")
    details = window.tasks.details
    assert details is not None
    qtbot.waitUntil(lambda: details.runs.rowCount() == 20)
    assert details.details.isVisible()
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not details.isVisible()


@pytest.mark.parametrize("name", ["tasks", "history"])
def test_a_narrow_window_keeps_room_for_the_results(qtbot: QtBot, window: MainWindow, name: str) -> None:
    window.show_page(name)
    table = window.tasks.table if name == "tasks" else window.findChild(HistoryPage).table
    result = Column.RESULT if name == "tasks" else RunColumn.RESULT
    yielding = Column.DURATION if name == "tasks" else RunColumn.DURATION
    window.resize(1500, 800)
    qtbot.waitUntil(lambda: not table.isColumnHidden(yielding))
    window.resize(1000, 700)
    qtbot.waitUntil(lambda: table.isColumnHidden(yielding) and table.columnWidth(result) >= 240)


def test_the_first_steps_make_room_for_the_panel(qtbot: QtBot, window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.hint_visible)
    window.resize(1000, 700)
    card = window.tasks.findChild(HintCard)
    assert card is not None
    assert card.isVisible()
    window.tasks.choose("record_trades")
    assert not card.isVisible()
    assert window.tasks.escape()
    assert card.isVisible()


def test_a_live_run_appears_in_the_open_details(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.tasks.choose("record_trades")
    details = window.tasks.details
    assert details is not None
    qtbot.waitUntil(lambda: details.runs.rowCount() == 20)
    engine.runner.tell(make_run(10**6, "record_trades", RunState.FAILED, NOW, text="No answer.", advice="Try later."))
    qtbot.waitUntil(lambda: details.runs.rowCount() == 21)
    assert details.details.run_id == f"{10**6:014x}"


def test_the_log_of_a_run_opens_on_the_logs_page(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    line = f"2025-06-03T12:00:00.123Z INFO task.x task=record_trades run={7:014x} three deals\n"
    engine.paths.log_file.write_text(line, encoding="utf-8")
    window.show_log_of(f"{7:014x}", "record_trades")
    logs = page(window, "logs")
    assert isinstance(logs, LogsPage)
    qtbot.waitUntil(lambda: logs.model.rowCount() == 1)
    assert logs.model.line_at(logs.model.index(0, 0)).text == "three deals"
    assert logs.escape()


def test_the_parameter_form_submits_what_was_entered(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.tasks.choose("evaluate_single_symbol")
    qtbot.keyClick(window, Qt.Key.Key_R, Qt.KeyboardModifier.ControlModifier)
    dialog = window.findChild(RunDialog)
    assert dialog is not None
    symbol = dialog.findChild(QLineEdit, "parameter_symbol")
    symbol.setText("XAUUSD")
    dialog.findChild(QLineEdit, "parameter_symbols").setText("EURUSD, GBPUSD")
    dialog.action.click()
    qtbot.waitUntil(lambda: bool(engine.runner.submitted))
    task, values = engine.runner.submitted[0]
    assert task == "evaluate_single_symbol"
    assert values == {
        "symbol": "XAUUSD",
        "timeframe": "H1",
        "days": 30,
        "risk": 0.5,
        "rehearse": False,
        "symbols": ["EURUSD", "GBPUSD"],
    }
    qtbot.waitUntil(lambda: not dialog.isVisible())


def test_a_refused_run_stays_in_the_form_with_its_reason(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    engine.runner.refuse = UserAction("There is no symbol XXX.", advice="Choose one of the watch list.")
    window.tasks.ask_parameters("evaluate_single_symbol")
    dialog = window.findChild(RunDialog)
    assert dialog is not None
    dialog.action.click()
    qtbot.waitUntil(lambda: "XXX" in dialog.refusal)
    assert dialog.isVisible()
    assert dialog.action.isEnabled()
    dialog.reject()


def test_the_schedule_editor_previews_and_saves(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    window.tasks.edit_schedule("record_trades")
    editor = window.findChild(ScheduleEditor)
    assert editor is not None
    qtbot.waitUntil(lambda: editor.preview.text().count("\n") == 4)
    editor.text.setText("sometimes")
    qtbot.waitUntil(lambda: "cannot be read" in editor.refusal)
    assert not editor.action.isEnabled()
    editor.text.setText("every 30 s")
    qtbot.waitUntil(lambda: editor.action.isEnabled() and not editor.refusal)
    editor.action.click()
    qtbot.waitUntil(lambda: bool(engine.timetable.schedules))
    assert engine.timetable.schedules == [("record_trades", "every 30 s", "UTC")]


def test_health_cards_show_the_worst_first(qtbot: QtBot, window: MainWindow) -> None:
    health = page(window, "health")
    assert isinstance(health, HealthPage)
    qtbot.waitUntil(lambda: len(health.cards) == 7)
    assert health.cards[0].accessibleName() == "Disk: Warning, 19 days left (1.2 GB free)"
    assert health.verdict.accessibleName() == "Healthy with 1 warning"


def test_history_filters_and_exports(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    history = page(window, "history")
    assert isinstance(history, HistoryPage)
    qtbot.waitUntil(lambda: history.model.rowCount() == 200)
    box = next(b for b in history.findChildren(QComboBox) if b.accessibleName() == "State")
    box.setCurrentIndex(1)
    qtbot.waitUntil(lambda: history.model.rowCount() == 1)
    file = tmp_path / "runs.csv"
    with qtbot.waitSignal(history.exported):
        history.export(file)
    lines = file.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 2
    assert lines[1].split(",")[1:3] == ["optimize_csv_files", "failed"]


def test_history_pages_in_while_scrolling(qtbot: QtBot, window: MainWindow) -> None:
    history = page(window, "history")
    assert isinstance(history, HistoryPage)
    qtbot.waitUntil(lambda: history.model.rowCount() == 200)
    history.table.scrollToBottom()
    qtbot.waitUntil(lambda: history.model.rowCount() == 400)


def test_an_export_that_cannot_be_written_says_so(qtbot: QtBot, window: MainWindow, link, tmp_path: Path) -> None:
    history = page(window, "history")
    assert isinstance(history, HistoryPage)
    with qtbot.waitSignal(link.troubled) as told:
        history.export(tmp_path / "nowhere" / "runs.csv")
    assert "could not be exported" in told.args[0]


def test_ctrl_k_jumps_by_typing(qtbot: QtBot, window: MainWindow) -> None:
    window.jump()
    box = window.findChild(JumpBox)
    assert box is not None
    qtbot.keyClicks(box.line, "arch tr")
    qtbot.keyClick(box.line, Qt.Key.Key_Return)
    assert window.tasks.current_task == "archive_old_trades"


def test_the_clock_stands_still_while_nobody_looks(window: MainWindow) -> None:
    assert window.clock.active
    window.hide()
    assert not window.clock.active
    window.show()
    assert window.clock.active
    window.showMinimized()
    assert not window.clock.active


def test_a_real_account_is_an_alarm(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    real = replace(engine.terminal.status, account_kind="real", simulated=False)
    for listener in list(engine.terminal.listeners):
        listener(real)
    qtbot.waitUntil(lambda: "real" in window.header.terminal.accessibleName())
    assert not window.header.simulated.isVisible()


def test_a_report_is_shown_without_a_question_in_the_way(window: MainWindow) -> None:
    window.show_report(Report("An action failed.", "Traceback ..."))
    message = window.messages.current()
    assert message is not None
    assert message.text == "An action failed."
    assert QApplication.activeModalWidget() is None
    window.messages.dismiss()
    assert not window.messages.isVisible()


def test_first_steps_go_for_good_when_dismissed(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    qtbot.waitUntil(lambda: window.hint_visible)
    window.dismiss_hint()
    assert not window.hint_visible


def test_every_control_has_an_accessible_name(qtbot: QtBot, window: MainWindow) -> None:
    window.tasks.choose("collect_rss_news")
    for name in PAGES:
        window.show_page(name)
    nameless = [
        widget
        for kind in (QAbstractButton, QComboBox, QLineEdit)
        for widget in window.findChildren(kind)
        if widget.isVisibleTo(window)
        and widget.focusPolicy() != Qt.FocusPolicy.NoFocus
        and not (widget.accessibleName() or getattr(widget, "text", str)())
    ]
    assert nameless == []


def test_slots_stay_under_five_milliseconds(qtbot: QtBot, window: MainWindow) -> None:
    runs = [
        make_run(10**6 + n, spec.id, RunState.RUNNING, NOW, progress=Progress(n, 20, "EURUSD"))
        for n, spec in enumerate(window.tasks.specs)
    ]
    took = []
    for _ in range(20):
        began = time.perf_counter()
        window.tasks.model.apply_runs(runs)
        window.tasks.model.tick(NOW)
        took.append(time.perf_counter() - began)
    assert sorted(took)[10] < 0.005


@pytest.mark.parametrize("choice", ["light", "dark"])
def test_the_theme_follows_the_setting(window: MainWindow, engine: FakeEngine, theme, choice: str, link) -> None:
    settings = engine.settings.current
    themed = settings.model_copy(update={"ui": settings.ui.model_copy(update={"theme": choice})})
    link.settings_changed.emit(frozenset({"ui.theme"}), themed)
    assert theme.choice == choice
