"""The Strategies page over real files: switches, copies, the bin, the two sides of the editor, and previews."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fake_engine import NOW, FakeEngine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PySide6.QtCore import QElapsedTimer, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from app.engine import Engine
from app.paths import Paths
from app.settings_store import SettingsStore
from ui.engine_link import EngineLink
from ui.main_window import MainWindow
from ui.models import strategy_fields as fields
from ui.models.strategy_fields import MISSING, Field, Kind
from ui.models.strategy_list import LOOK_ROLE, UNDER_ROLE, Column, StrategyList
from ui.pages.strategies import StrategiesPage
from ui.theme import Theme
from ui.widgets.completion import Completion
from ui.widgets.json_editor import JsonEditor
from ui.widgets.strategy_editor import FORM_LIMIT
from workers import registry
from workers.strategy import json_text
from workers.strategy.overview import LastOutcome, Row

pytestmark = [
    pytest.mark.qt_log_ignore("This plugin does not support"),
    pytest.mark.allow_warnings("Metronome was closed"),
]

CONTROL = Qt.KeyboardModifier.ControlModifier


def document(file: str, /, **changes: Any) -> dict[str, Any]:
    return {
        "id": file,
        "name": f"Strategy {file}",
        "enabled": True,
        "symbol": "EURUSD",
        "timeframe": "M15",
        "sessions": ["London"],
        "indicators": {"rsi": {"period": 14}},
        "conditions": {"entry": ["ema_fast_gt_slow", "rsi < 60"], "weak": ["long_upper_wick"]},
        "strategy": {"direction": "both", "min_rr": 2.0, "news_embargo_minutes": 0},
    } | changes


def put(folder: Path, file: str, /, **changes: Any) -> None:
    (folder / f"{file}.json").write_text(json.dumps(document(file, **changes), indent=2) + "\n", encoding="utf-8")


def fill(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    put(folder, "a")
    put(folder, "b", enabled=False)
    (folder / "c.json").write_text('{\n  "id": "c",\n  "name" "broken"\n}\n', encoding="utf-8")


def shown(qtbot: QtBot, window: MainWindow) -> StrategiesPage:
    window.show_page("strategies")
    page = window.current_page
    assert isinstance(page, StrategiesPage)
    qtbot.waitUntil(lambda: page.built and page.editor.opened is not None)
    return page


@pytest.fixture
def folder(engine: FakeEngine) -> Path:
    """The folder with two strategies and a broken file."""
    fill(engine.storage.paths.strategies)
    return engine.storage.paths.strategies


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, folder: Path) -> StrategiesPage:
    """The page, the first strategy open."""
    return shown(qtbot, window)


def of(folder: Path, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
    return found


def settle(qtbot: QtBot, page: StrategiesPage) -> None:
    qtbot.waitUntil(lambda: page.editor.settled)


def type_into(qtbot: QtBot, line: QLineEdit, text: str) -> None:
    line.setFocus()
    line.selectAll()
    if text.isascii():
        qtbot.keyClicks(line, text)
    else:  # no key of Qt's test library
        line.insert(text)
        line.textEdited.emit(line.text())


def choose(qtbot: QtBot, page: StrategiesPage, name: str) -> None:
    page.choose(f"{name}.json")
    qtbot.waitUntil(lambda: page.editor.opened is not None and page.editor.opened.file_name == f"{name}.json")
    settle(qtbot, page)


# -- the list ----------------------------------------------------------------------------------------------------------


def test_the_list_shows_what_there_is(page: StrategiesPage) -> None:
    assert [row.name for row in page.model.rows] == ["c.json", "Strategy a", "Strategy b"]
    assert page.subtitle.text().startswith("3 strategies \N{MIDDLE DOT} 1 switched on \N{MIDDLE DOT} 1 with a problem")
    broken = page.model.index(0, Column.NAME)
    assert broken.data(LOOK_ROLE).role == "error"
    assert "line 3" in broken.data(Qt.ItemDataRole.ToolTipRole)
    assert page.model.index(0, Column.ON).data(Qt.ItemDataRole.CheckStateRole) is None


def test_space_and_click_switch_a_strategy(qtbot: QtBot, page: StrategiesPage, folder: Path) -> None:
    choose(qtbot, page, "b")
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: of(folder, "b")["enabled"] is True)
    qtbot.waitUntil(lambda: '"enabled": true' in page.editor.text())
    assert not page.editor.dirty
    where = page.table.visualRect(page.model.index(1, Column.ON)).center()
    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    qtbot.waitUntil(lambda: of(folder, "a")["enabled"] is False)


def test_a_copy_is_made_and_shown(qtbot: QtBot, page: StrategiesPage, folder: Path) -> None:
    choose(qtbot, page, "a")
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_D, CONTROL)
    qtbot.waitUntil(lambda: page.editor.opened is not None and page.editor.opened.file_name == "a_2.json")
    assert of(folder, "a_2")["enabled"] is False
    assert page.model.rows[page.table.currentIndex().row()].name == "Strategy a (copy)"


def test_a_new_one_is_made_like_an_example(qtbot: QtBot, page: StrategiesPage, folder: Path) -> None:
    page.new_button.click()
    titles = [action.text() for action in page._menu.actions() if action.text()]
    assert titles[0] == "Plain"
    assert "Like EURUSD M15 pullback" in titles
    next(action for action in page._menu.actions() if action.text() == "Like EURUSD M15 pullback").trigger()
    page._menu.close()
    qtbot.waitUntil(lambda: page.editor.title.text() == "EURUSD M15 pullback")
    assert of(folder, "EURUSD_M15_pullback")["enabled"] is False


def test_what_was_deleted_comes_back(qtbot: QtBot, page: StrategiesPage, folder: Path) -> None:
    choose(qtbot, page, "a")
    before = (folder / "a.json").read_bytes()
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: page.bar.text == "Strategy a was deleted.")
    assert not (folder / "a.json").exists()
    qtbot.waitUntil(lambda: page.model.rowCount() == 2 and page.bin_button.isVisible())
    page.bar.press("Undo")
    qtbot.waitUntil(lambda: page.model.rowCount() == 3)
    assert (folder / "a.json").read_bytes() == before
    qtbot.waitUntil(lambda: page.editor.title.text() == "Strategy a")
    page.delete()
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    page.bin_button.click()
    (action,) = page._menu.actions()
    assert action.text().startswith("a.json")
    action.trigger()
    page._menu.close()
    qtbot.waitUntil(lambda: (folder / "a.json").exists())


def test_a_home_without_strategies_says_what_to_do(qtbot: QtBot, window: MainWindow) -> None:
    window.show_page("strategies")
    page = window.current_page
    assert isinstance(page, StrategiesPage)
    qtbot.waitUntil(lambda: page.built)
    assert page._empty_text.text() == "There is no strategy yet. New makes one, plain or from an example."
    assert not page.editor.isVisible()
    page.evaluate()
    page.delete()
    page.duplicate()
    page.save()


NAMES = st.lists(st.sampled_from("abcdefg"), unique=True)


@given(NAMES, NAMES, st.booleans())
def test_the_list_follows_whatever_comes_and_goes(before: list[str], after: list[str], enabled: bool) -> None:
    model = StrategyList()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show_rows([Row(name, name=name, enabled=True) for name in before])
    model.show_rows([Row(name, name=name, enabled=enabled) for name in after])
    assert [(row.name, row.enabled) for row in model.rows] == [(name, enabled) for name in after]


def test_the_list_shows_what_came_last() -> None:
    model = StrategyList()
    when = NOW - timedelta(minutes=5)
    lasts = (
        LastOutcome(when, "idea", "Long at 1.1.", 85.0, "open_or_scale", "long", "x"),
        LastOutcome(when, "observed", "No long entry.", 38.5, "observe", "long", ""),
        LastOutcome(when, "not_evaluated", "", None, "observe", "", ""),
        None,
    )
    model.show_rows([Row(f"{n}", name=f"{n}", enabled=True, last=last) for n, last in enumerate(lasts)])
    cells = [model.index(place, Column.LAST) for place in range(4)]
    assert [(cell.data(), cell.data(UNDER_ROLE)) for cell in cells] == [
        ("85", "open_or_scale"),
        ("38.5", "observed"),
        ("", "not evaluated"),
        ("", ""),
    ]
    tips = [cell.data(Qt.ItemDataRole.ToolTipRole).split("\n")[0] for cell in cells]
    assert tips == ["Long at 1.1.", "No long entry.", "No reason was recorded.", "Not evaluated today or yesterday"]


# -- the editor --------------------------------------------------------------------------------------------------------


def test_the_form_changes_the_text_and_the_text_the_form(qtbot: QtBot, page: StrategiesPage) -> None:
    choose(qtbot, page, "a")
    form, text = page.editor.form, page.editor.text()
    type_into(qtbot, form.line("indicators", "rsi", "period"), "7")
    assert page.editor.text() == text.replace('"period": 14', '"period": 7')
    type_into(qtbot, form.line("indicators", "ema", "fast"), "9")
    assert json.loads(page.editor.text())["indicators"]["ema"] == {"fast": 9}
    page.editor.json.become(page.editor.text().replace('"M15"', '"H4"').replace('"rsi < 60"', '"close > 1"'))
    settle(qtbot, page)
    assert form.choice("timeframe").currentData() == "H4"
    assert [line.text() for line in form.conditions("conditions", "entry").lines] == [
        "ema_fast_gt_slow",
        "close > 1",
        "",
    ]
    assert page.editor.badge.accessibleName() in ("not saved", "1 problem")  # close > 1 has no mirror image
    page.editor.form.session("NewYork").click()
    assert json.loads(page.editor.text())["sessions"] == ["London", "NewYork"]


def test_conditions_are_added_changed_and_removed(qtbot: QtBot, page: StrategiesPage) -> None:
    choose(qtbot, page, "a")
    entry = page.editor.form.conditions("conditions", "entry")
    qtbot.keyClicks(entry.lines[2], "rsi > 5")
    assert json.loads(page.editor.text())["conditions"]["entry"] == ["ema_fast_gt_slow", "rsi < 60", "rsi > 5"]
    leave = page.editor.form.conditions("conditions", "exit")
    qtbot.keyClicks(leave.lines[0], "rsi > 90")
    settle(qtbot, page)
    assert json.loads(page.editor.text())["conditions"]["exit"] == ["rsi > 90"]
    entry._rows[0].remove.click()
    settle(qtbot, page)
    assert json.loads(page.editor.text())["conditions"]["entry"] == ["rsi < 60", "rsi > 5"]
    assert [line.text() for line in entry.lines] == ["rsi < 60", "rsi > 5", ""]
    assert page.editor.findings is not None
    assert page.editor.findings.findings == ()


def test_what_is_wrong_is_told_at_its_field_and_its_line(qtbot: QtBot, page: StrategiesPage) -> None:
    choose(qtbot, page, "a")
    form = page.editor.form
    type_into(qtbot, form.line("indicators", "rsi", "period"), "1")
    line = form.conditions("conditions", "entry").lines[0]
    type_into(qtbot, line, "ema_fast_gt_slwo")
    settle(qtbot, page)
    assert "greater than or equal to 2, not 1" in form.problem("indicators", "rsi", "period")
    assert "ema_fast_gt_slow" in line.accessibleDescription()
    assert set(page.editor.json.marked_lines) == {12, 17}
    assert page.editor.badge.accessibleName() == "2 problems"
    assert page.editor.problem.text().startswith("Line 12: indicators.rsi.period")
    page.editor.next_problem()
    assert page.editor.json.textCursor().blockNumber() + 1 == 12
    page.editor.next_problem()
    assert page.editor.json.textCursor().blockNumber() + 1 == 17


def test_text_that_is_no_json_holds_the_form(qtbot: QtBot, page: StrategiesPage, folder: Path) -> None:
    choose(qtbot, page, "c")
    assert not page.editor.form.usable
    assert page.editor.form.general.text().startswith("Line 3, column 10")
    assert set(page.editor.json.marked_lines) == {3}
    page.editor.json.become(page.editor.text().replace('"name" "broken"', '"name": "mended"'))
    settle(qtbot, page)
    assert page.editor.form.usable
    assert page.editor.form.line("name").text() == "mended"
    qtbot.keyClick(page.editor.json, Qt.Key.Key_S, CONTROL)
    qtbot.waitUntil(lambda: not page.editor.dirty)
    assert of(folder, "c")["name"] == "mended"


def test_undo_and_redo_from_either_side(qtbot: QtBot, page: StrategiesPage) -> None:
    choose(qtbot, page, "a")
    text, name = page.editor.text(), page.editor.form.line("name")
    name.end(False)
    qtbot.keyClicks(name, "!")
    assert "Strategy a!" in page.editor.text()
    assert page.editor.dirty
    qtbot.keyClick(name, Qt.Key.Key_Z, CONTROL)
    assert page.editor.text() == text
    assert not page.editor.dirty
    settle(qtbot, page)
    assert name.text() == "Strategy a"
    page.editor.redo_button.click()
    assert "Strategy a!" in page.editor.text()
    page.editor.revert_button.click()
    assert page.editor.text() == text
    page.editor.undo()
    assert "Strategy a!" in page.editor.text()


def test_the_short_side_is_written_from_its_mirror_image(qtbot: QtBot, page: StrategiesPage) -> None:
    choose(qtbot, page, "a")
    text = page.editor.text()
    page.editor.form._own_short.click()
    settle(qtbot, page)
    short = json.loads(page.editor.text())["short_conditions"]
    assert short["entry"] == ["ema_fast_lt_slow", "rsi(14) > 40"]
    assert short["weak"] == ["long_lower_wick"]
    assert page.editor.form.conditions("short_conditions", "entry").isVisibleTo(page)
    page.editor.form._own_short.click()
    settle(qtbot, page)
    assert json.loads(page.editor.text()) == json.loads(text)


def test_saving_tells_the_time_and_keeps_undo(qtbot: QtBot, page: StrategiesPage, folder: Path) -> None:
    choose(qtbot, page, "a")
    type_into(qtbot, page.editor.form.line("name"), "Ändert \N{ROCKET}")
    qtbot.keyClick(page.editor.form.line("name"), Qt.Key.Key_S, CONTROL)
    qtbot.waitUntil(lambda: not page.editor.dirty)
    assert of(folder, "a")["name"] == "Ändert \N{ROCKET}"
    assert of(folder, "a")["updated_at"] == "2025-06-03T13:07:32.000Z"
    assert page.editor.text() == (folder / "a.json").read_text(encoding="utf-8")
    type_into(qtbot, page.editor.form.line("symbol"), "GBPUSD")
    assert json.loads(page.editor.text())["symbol"] == "GBPUSD"
    qtbot.waitUntil(lambda: page.model.row_of("a.json").name == "Ändert \N{ROCKET}")


def test_a_file_that_changed_on_disk_is_not_overwritten(qtbot: QtBot, page: StrategiesPage, folder: Path) -> None:
    choose(qtbot, page, "a")
    type_into(qtbot, page.editor.form.line("name"), "mine")
    put(folder, "a", name="theirs")
    page.reload()
    page.save()
    qtbot.waitUntil(lambda: "changed by another program" in page.bar.text)
    assert of(folder, "a")["name"] == "theirs"
    page.bar.press("Save as copy")
    qtbot.waitUntil(lambda: page.editor.opened is not None and page.editor.opened.file_name == "a_2.json")
    assert of(folder, "a_2")["name"] == "mine"
    assert of(folder, "a_2")["id"] == "a_2"
    assert of(folder, "a")["name"] == "theirs"
    choose(qtbot, page, "a")
    type_into(qtbot, page.editor.form.line("name"), "mine again")
    put(folder, "a", name="theirs again")
    page.save()
    qtbot.waitUntil(lambda: "changed by another program" in page.bar.text)
    page.bar.press("Load again")
    qtbot.waitUntil(lambda: not page.editor.dirty and "theirs again" in page.editor.text())


def test_what_another_program_writes_shows_when_nothing_is_unsaved(
    qtbot: QtBot, page: StrategiesPage, folder: Path
) -> None:
    choose(qtbot, page, "a")
    put(folder, "a", name="theirs")
    page.reload()
    qtbot.waitUntil(lambda: "theirs" in page.editor.text())
    (folder / "a.json").unlink()
    page.reload()
    qtbot.waitUntil(lambda: page.model.rowCount() == 2 and page.editor.opened.file_name != "a.json")


def test_unsaved_changes_are_asked_about(qtbot: QtBot, page: StrategiesPage, window: MainWindow, folder: Path) -> None:
    choose(qtbot, page, "a")
    type_into(qtbot, page.editor.form.line("name"), "new")
    page.choose("b.json")
    assert page.bar.text == "Strategy a has changes that are not saved."
    assert page.model.rows[page.table.currentIndex().row()].file_name == "a.json"
    page.bar.press("Stay")
    window.nav.choose("health")
    assert window.page == "strategies"
    assert page.bar.text
    page.bar.press("Save")
    qtbot.waitUntil(lambda: window.page == "health")
    assert of(folder, "a")["name"] == "new"
    window.show_page("strategies")
    type_into(qtbot, page.editor.form.line("name"), "newer")
    asked: list[str] = []
    assert not window.may_quit(lambda: asked.append("quit"))
    page.bar.press("Discard")
    assert asked == ["quit"]
    qtbot.waitUntil(lambda: not page.editor.dirty and '"new"' in page.editor.text())
    assert window.may_quit(lambda: None)


def test_a_switch_of_an_unsaved_file_becomes_a_change_of_its_own(
    qtbot: QtBot, page: StrategiesPage, folder: Path
) -> None:
    choose(qtbot, page, "a")
    type_into(qtbot, page.editor.form.line("name"), "new")
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Space)
    assert json.loads(page.editor.text())["enabled"] is False
    assert of(folder, "a")["enabled"] is True


def test_long_and_strange_files_do_not_stall_the_window(qtbot: QtBot, page: StrategiesPage, folder: Path) -> None:
    long = [f"close > {number}.5 and rsi < 70" for number in range(40)]
    hostile = {
        "brackets": "[" * 190_000,
        "oneline": '{"name": "' + "x" * 150_000 + '"}',
        "lists": '{"conditions": {"entry": [' + ",\n".join(["[]"] * 30_000) + "]}}",
        "many": json.dumps(document("many", conditions={"entry": long * 15}), indent=1),
        "parts": "{\u2028}",
    }
    for name, content in hostile.items():
        (folder / f"{name}.json").write_text(content, encoding="utf-8")
    page.reload()
    qtbot.waitUntil(lambda: page.model.rowCount() == 3 + len(hostile))
    for name in hostile:
        clock = QElapsedTimer()
        clock.start()
        page.choose(f"{name}.json")
        assert clock.elapsed() < 100
        qtbot.waitUntil(lambda name=name: page.editor.opened.file_name == f"{name}.json")
        settle(qtbot, page)
        if len(hostile[name]) > FORM_LIMIT:
            assert not page.editor.form.usable
        if name in ("brackets", "oneline", "lists", "parts"):
            assert "Open it in another program" in page.bar.accessibleName()
            assert page.editor.json.isReadOnly()
        assert not page.editor.dirty
        page.bar.dismiss()


def test_words_are_completed(qtbot: QtBot, page: StrategiesPage) -> None:
    choose(qtbot, page, "a")
    line = page.editor.form.conditions("conditions", "exit").lines[0]
    line.setFocus()
    qtbot.keyClicks(line, "close > high")
    completion = page.editor.findChild(Completion)
    assert completion is not None
    qtbot.waitUntil(lambda: "highest(" in completion.offered)
    popup = completion._completer.popup()
    while not popup.currentIndex().data().startswith("highest("):
        qtbot.keyClick(popup, Qt.Key.Key_Down)
    qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert line.text() == "close > highest("
    qtbot.keyClicks(line, "high, 20)[1]")
    qtbot.keyClick(line, Qt.Key.Key_Space, CONTROL)
    assert len(completion.offered) > 40
    popup.hide()
    assert json.loads(page.editor.text())["conditions"]["exit"] == ["close > highest(high, 20)[1]"]


def test_a_small_window_shows_one_part_at_a_time(qtbot: QtBot, page: StrategiesPage, window: MainWindow) -> None:
    window.resize(900, 600)
    qtbot.waitUntil(lambda: page.editor.width() < 500)
    form, text, preview = page.editor.form, page.editor.json, page.editor.preview
    assert (form.isVisible(), text.isVisible(), preview.isVisible()) == (True, False, False)
    qtbot.keyClick(page.editor, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    assert (form.isVisible(), text.isVisible(), preview.isVisible()) == (False, True, False)
    page.editor.views["preview"].click()
    assert (form.isVisible(), text.isVisible(), preview.isVisible()) == (False, False, True)
    window.resize(1400, 1000)
    qtbot.waitUntil(lambda: form.isVisible() and text.isVisible() and preview.isVisible())
    page.editor.views["json"].click()
    assert not text.isVisible()


# -- previews ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Engine]:
    """A real engine on the generated market of a weekday."""
    store = SettingsStore(tmp_path / "settings.toml", {"terminal.simulated.now": "2025-06-03T12:00:00Z"})
    engine = Engine(Paths(tmp_path), store, registry())
    fill(engine.paths.strategies)
    engine.start(schedule=False)
    yield engine
    engine.stop()


@pytest.fixture
def live(qtbot: QtBot, bare_window: MainWindow, link: EngineLink, real: Engine) -> Iterator[StrategiesPage]:
    """The page over the real engine."""
    link.attach(real)
    yield shown(qtbot, bare_window)
    link.detach()


def test_a_preview_shows_which_condition_holds(qtbot: QtBot, live: StrategiesPage, real: Engine) -> None:
    choose(qtbot, live, "a")
    entry = live.editor.form.conditions("conditions", "entry")
    type_into(qtbot, entry.lines[0], "range >= 0")
    type_into(qtbot, entry.lines[1], "rsi < 1")
    qtbot.keyClick(live.window(), Qt.Key.Key_F5)
    panel = live.editor.preview
    qtbot.waitUntil(lambda: bool(panel.conditions.lines), timeout=10_000)
    found = {line.parts[1]: line.parts for line in panel.conditions.lines if not line.head}
    assert found["range >= 0"][0] == "holds"
    assert found["rsi < 1"][0] == "no"
    assert found["rsi < 1"][2].startswith("rsi(14) ")
    assert panel.headline.text().startswith("No ")
    assert not panel.worth.isVisible()
    heads = [line.parts[0] for line in panel.results.lines if line.head]
    assert heads[0].startswith("Score of")
    assert heads[1:] == ["Gates", "Values on the bar"]
    assert not list(real.paths.trade_ideas.iterdir())
    assert not (real.paths.data / "evidence").exists()


def test_an_idea_shows_its_levels(qtbot: QtBot, live: StrategiesPage) -> None:
    choose(qtbot, live, "b")
    plain = {"entry": ["close > 0 * close"], "weak": []}
    live.editor.change(("conditions",), plain)
    live.editor.change(("strategy", "direction"), "long")
    live.evaluate()
    qtbot.waitUntil(lambda: bool(live.editor.preview.results.lines), timeout=10_000)
    found = {line.parts[0]: line.parts[1] for line in live.editor.preview.results.lines if not line.head}
    assert {"entry", "stop", "target", "reward/risk", "lots"} <= set(found)
    assert float(found["stop"]) < float(found["entry"]) < float(found["target"])
    worth = live.editor.preview.worth
    assert worth.isVisible()
    assert worth.text().startswith("Score ")
    assert worth.text().endswith("; not calibrated: no backtest of this strategy was calibrated.")


def test_a_refused_preview_says_why(qtbot: QtBot, live: StrategiesPage) -> None:
    choose(qtbot, live, "c")
    live.evaluate()
    qtbot.waitUntil(lambda: "not valid JSON" in live.editor.preview.headline.text())
    choose(qtbot, live, "a")
    type_into(qtbot, live.editor.form.line("symbol"), "NOSUCH")
    live.evaluate()
    qtbot.waitUntil(lambda: "NOSUCH" in live.editor.preview.headline.text(), timeout=10_000)
    assert live.evaluate_button.isEnabled()


# -- laws --------------------------------------------------------------------------------------------------------------

NUMBERS = [field for field in fields.FIELDS if field.kind is Kind.NUMBER]
LINES = [field for field in fields.FIELDS if field.kind in (Kind.TEXT, Kind.LONG, Kind.SYMBOL)]
VALUES = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.sampled_from(["14", "1e3"])
)


@given(VALUES | st.lists(VALUES), st.booleans())
def test_what_a_line_shows_read_back_is_what_the_file_has(value: Any, number: bool) -> None:
    text = fields.shown(value, number=number)
    if text is not None:
        back = fields.meant(text, number=number)
        assert (type(back), back) == (type(value), value)
    assert fields.meant(fields.shown(MISSING, number=True) or "", number=True) is MISSING


@given(st.text(), st.booleans())
def test_what_is_typed_into_a_line_reads_the_same_in_the_form(text: str, number: bool) -> None:
    value = fields.meant(text, number=number)
    if value is MISSING:
        return
    shown_again = fields.shown(json.loads(json.dumps(value)), number=number)
    assert shown_again is None or fields.meant(shown_again, number=number) == value


@given(
    st.sampled_from(NUMBERS + LINES),
    st.integers(0, 99) | st.text(min_size=1, max_size=9),
    st.sampled_from([None, 1, 4]),
)
def test_form_to_json_to_form_is_identity(field: Field, value: Any, layout: int | None) -> None:
    text = json.dumps(document("x"), indent=layout)
    changed = json_text.put(text, field.path, value).applied(text)
    assert fields.value_at(json.loads(changed), field.path) == value
    for other in fields.FIELDS:
        if other.path != field.path:
            assert fields.value_at(json.loads(changed), other.path) == fields.value_at(json.loads(text), other.path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(st.text(), st.text())
def test_the_text_of_the_editor_is_what_was_set(qtbot: QtBot, theme: Theme, first: str, second: str) -> None:
    editor = JsonEditor(theme)
    qtbot.addWidget(editor)
    if editor.keeps(first) and editor.keeps(second):
        editor.load(first)
        assert editor.text() == first
        editor.become(second)
        assert editor.text() == second
        editor.undo()
        assert editor.text() == first


def test_every_field_of_the_form_is_one_of_the_format() -> None:
    for field in fields.FIELDS:
        assert fields.facts_of(field)[1], field.path
