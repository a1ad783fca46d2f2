"""The page of trade ideas over real files: deciding by keys and by mouse, the history, and what is shown of an idea."""

from __future__ import annotations

import csv
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel
from pytestqt.qtbot import QtBot

from app.errors import UserAction
from app.runs import RunState
from tests.idea_maker import make_idea
from ui.main_window import MainWindow
from ui.models.idea_table import Column
from ui.pages.ideas import IdeasPage
from ui.theme import Theme
from ui.widgets.idea_dialogs import EditDialog, RejectDialog
from workers.market.bar_history import HEADER, bars_file, rows_of
from workers.strategy.deciding import IdeaDesk
from workers.strategy.decision_book import Kind
from workers.strategy.evidence import folder_of
from workers.strategy.idea_life import State
from workers.strategy.ideas import TradeIdea

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def ideas(engine: FakeEngine) -> list[TradeIdea]:
    """Three pending ideas, the newest last."""
    paths = engine.storage.paths
    paths.create()
    times = (NOW - timedelta(minutes=20), NOW - timedelta(minutes=10), NOW - timedelta(minutes=2))
    return [make_idea(paths, at, name=name) for at, name in zip(times, ("slow", "middle", "fast"), strict=True)]


def open_page(qtbot: QtBot, window: MainWindow) -> IdeasPage:
    window.show_page("ideas")
    page = window.current_page
    assert isinstance(page, IdeasPage)
    qtbot.waitUntil(lambda: page.built)
    return page


@pytest.fixture
def page(qtbot: QtBot, ideas: list[TradeIdea], window: MainWindow) -> IdeasPage:
    """The page with the ideas, the newest of them chosen."""
    return open_page(qtbot, window)


def desk_of(engine: FakeEngine) -> IdeaDesk:
    return IdeaDesk(engine.storage.paths, engine.clock, 12, "command line")


def press(qtbot: QtBot, page: IdeasPage, key: Qt.Key, *modifiers: Qt.KeyboardModifier) -> None:
    qtbot.keyClick(page.table, key, modifiers[0] if modifiers else Qt.KeyboardModifier.NoModifier)


def shown(page: IdeasPage) -> list[str]:
    return [page.model.row_at(page.model.index(row, 0)).facts.strategy for row in range(page.model.rowCount())]


def counts(page: IdeasPage) -> list[str]:
    return page.tabs.texts()


def test_ideas_are_listed_newest_first_with_their_counts(page: IdeasPage, window: MainWindow) -> None:
    assert shown(page) == ["fast", "middle", "slow"]
    assert counts(page) == ["Pending  3", "Approved", "Rejected", "Expired", "History"]
    assert [str(page.model.index(0, column).data()) for column in Column][:2] == ["EURUSD M5", "long"]
    assert page.subtitle.text().startswith("3 pending \N{MIDDLE DOT} 0 decided this week \N{MIDDLE DOT} advice only")
    assert window.nav.model().counts["ideas"] == (3, "3 ideas are pending")


def test_the_count_is_there_before_the_page_is(qtbot: QtBot, ideas: list[TradeIdea], window: MainWindow) -> None:
    qtbot.waitUntil(lambda: window.nav.model().counts.get("ideas") == (3, "3 ideas are pending"))


def test_the_card_tells_all_about_the_chosen_idea(page: IdeasPage, ideas: list[TradeIdea]) -> None:
    card = page.card
    assert card.title.text() == "EURUSD M5 long"
    assert card.score_chip.accessibleName() == f"{ideas[-1].confidence:g} {ideas[-1].action}"
    assert card.calibration_chip.accessibleName() == "not calibrated"
    assert card.score.index(0, 0).data() == "Entry"
    assert "line 3 of 3, chain intact" in card.figures.chain.text()
    assert card.figures.volume.text == f"Volume {ideas[-1].volume:g} lots"
    assert card.figures.reward.text == "Reward / risk 2.00"
    assert card.figures.end.text == "Expires in 57:28 at 14:05 UTC"
    entry = f"{ideas[-1].entry_price:.5f}"
    assert f"long, entry {entry}, stop" in card.chart.accessibleDescription()
    card.show_part(1)
    texts = [card.evidence.index(row, 1).data() for row in range(card.evidence.rowCount())]
    assert any(text.startswith("all together: ") for text in texts)


def test_an_idea_is_approved_by_the_keyboard(
    qtbot: QtBot, page: IdeasPage, ideas: list[TradeIdea], engine: FakeEngine, window: MainWindow
) -> None:
    page.table.setFocus()
    press(qtbot, page, Qt.Key.Key_Down)
    press(qtbot, page, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    (made,) = desk_of(engine).board().decisions
    assert (made.idea, made.kind, made.by) == (ideas[1].id, Kind.APPROVE, "window")
    assert shown(page) == ["fast", "slow"]
    # What took its place is chosen next.
    assert page.card.row is not None
    assert page.card.row.facts.strategy == "slow"
    assert window.nav.model().counts["ideas"][0] == 2
    assert engine.runner.submitted == []  # approval starts nothing, and sends no order
    press(qtbot, page, Qt.Key.Key_2, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: shown(page) == ["middle"])
    assert page.card.figures.told.text().startswith("Approved ")
    assert not page.card.approve.isEnabled()
    assert page.card.reject.isEnabled()  # it can be withdrawn until its end


def test_a_rejection_needs_a_reason(qtbot: QtBot, page: IdeasPage, ideas: list[TradeIdea], engine: FakeEngine) -> None:
    page.table.setFocus()
    press(qtbot, page, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: page.decider.dialog is not None)
    dialog = page.decider.dialog
    assert isinstance(dialog, RejectDialog)
    assert not dialog.action.isEnabled()
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    qtbot.keyClicks(dialog.line, "  ")
    assert not dialog.action.isEnabled()
    qtbot.keyClicks(dialog.line, "Against the trend")
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    (made,) = desk_of(engine).board().decisions
    assert (made.kind, made.reason) == (Kind.REJECT, "Against the trend")
    assert page.decider.dialog is None


def test_an_edit_is_recalculated_while_it_is_typed(
    qtbot: QtBot, page: IdeasPage, ideas: list[TradeIdea], engine: FakeEngine
) -> None:
    page.table.setFocus()
    press(qtbot, page, Qt.Key.Key_E)
    qtbot.waitUntil(lambda: page.decider.dialog is not None)
    dialog = page.decider.dialog
    assert isinstance(dialog, EditDialog)
    assert not dialog.action.isEnabled()  # nothing is changed yet
    entry = ideas[-1].entry_price
    dialog.lines["volume"].setText("0,5")
    dialog.lines["stop"].setText(f"{entry - 0.00100:.5f}")
    # 100 ticks of 1 USD for half a lot; the target is where it was.
    reward = (ideas[-1].take_profit - entry) / 0.00100
    assert dialog.figures.text() == f"Reward/risk {reward:.2f} \N{MIDDLE DOT} risk 50.00 USD (0.50%)"
    assert dialog.action.isEnabled()
    dialog.lines["stop"].setText(f"{entry + 0.00100:.5f}")
    assert dialog.fault("stop") == f"The stop of a long must be below the entry {entry:.5f}."
    assert not dialog.action.isEnabled()
    dialog.lines["stop"].setText("low")
    assert dialog.fault("stop") == "This is no number."
    dialog.lines["stop"].setText(f"{entry - 0.00100:.5f}")
    qtbot.mouseClick(dialog.action, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.card.figures.risk.text == "Risk 50.00 USD (0.50%)")
    row = page.card.row
    assert row is not None
    assert (row.state, row.terms.volume) == (State.PENDING, 0.5)
    assert page.card.figures.told.text().startswith("Edited ")
    assert f"stop {entry - 0.00100:.5f}" in page.card.chart.accessibleDescription()


def test_ideas_end_when_the_clock_moves(qtbot: QtBot, page: IdeasPage, engine: FakeEngine) -> None:
    engine.clock.advance(45 * 60)  # that of 12:45 has ended, recorded or not
    page.tick(engine.clock.now())
    assert shown(page) == ["fast", "middle"]
    assert counts(page)[3] == "Expired  1"
    page.choose_tab("expired")
    qtbot.waitUntil(lambda: page.card.card is not None)
    assert page.card.figures.end.text == "Expired 13:45 UTC"
    assert not page.card.approve.isEnabled()
    assert not page.card.reject.isEnabled()
    assert not page.card.edit.isEnabled()
    assert desk_of(engine).board().decisions == ()  # the evaluation records it


def test_a_refused_decision_is_told_and_shown(
    qtbot: QtBot, page: IdeasPage, ideas: list[TradeIdea], engine: FakeEngine, window: MainWindow
) -> None:
    desk_of(engine).reject(ideas[-1].id, "Decided on the command line")
    with qtbot.waitSignal(window._link.troubled) as told:
        page.approve()
    assert "It was rejected already" in told.args[0]
    qtbot.waitUntil(lambda: shown(page) == ["middle", "slow"])


def test_a_refusal_is_told_in_the_dialog(
    qtbot: QtBot, page: IdeasPage, ideas: list[TradeIdea], engine: FakeEngine
) -> None:
    page.ask_reason()
    dialog = page.decider.dialog
    assert isinstance(dialog, RejectDialog)
    desk_of(engine).reject(ideas[-1].id, "Decided on the command line")
    dialog.line.setText("Mine")
    dialog.on_action()
    qtbot.waitUntil(lambda: "It was rejected already" in dialog.refusal)
    dialog.reject()


def test_decisions_of_the_command_line_come_in(
    qtbot: QtBot, page: IdeasPage, ideas: list[TradeIdea], engine: FakeEngine
) -> None:
    desk_of(engine).approve(ideas[0].id)
    engine.clock.advance(16)
    page.tick(engine.clock.now())
    qtbot.waitUntil(lambda: counts(page)[1] == "Approved  1")


def test_the_history_is_filtered_and_counted(
    qtbot: QtBot, page: IdeasPage, ideas: list[TradeIdea], engine: FakeEngine
) -> None:
    desk = desk_of(engine)
    terms = desk.board().rows[0].terms
    desk.edit(ideas[2].id, replace(terms, volume=0.1))
    desk.approve(ideas[2].id)
    desk.reject(ideas[1].id, "Too near the news")
    page.reload()
    qtbot.waitUntil(lambda: counts(page)[2] == "Rejected  1")
    page.choose_tab("history")
    history = page.history
    qtbot.waitUntil(lambda: history.model.rowCount() == 3)
    told = {history.model.index(row, 6).data() for row in range(3)}
    assert "Too near the news" in told
    assert any(text.startswith(f"volume {terms.volume:g} \N{RIGHTWARDS ARROW} 0.1") for text in told)
    assert history.summary.text().startswith("3 ideas \N{MIDDLE DOT} 1 pending \N{MIDDLE DOT} 1 approved")
    assert history.approved.text().endswith("(n = 1)")
    assert "too few to conclude anything" in history.remark.text()
    assert history.tallies.rowCount() == 3
    history.kind.setCurrentIndex(history.kind.findData("reject"))
    qtbot.waitUntil(lambda: history.model.rowCount() == 1)
    history.kind.setCurrentIndex(0)
    history.strategy.setCurrentIndex(history.strategy.findData("slow"))
    qtbot.waitUntil(lambda: history.model.rowCount() == 0)
    assert "No decision fits" in history._empty.text()
    history.strategy.setCurrentIndex(history.strategy.findData("middle"))
    qtbot.waitUntil(lambda: history.model.rowCount() == 1)
    history.table.selectRow(0)
    qtbot.keyClick(history.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.card.row is not None and page.card.row.facts.strategy == "middle")
    assert shown(page) == ["middle"]
    page.choose_tab("history")
    assert page.escape()
    assert not page.escape()


def test_ideas_are_exported(qtbot: QtBot, page: IdeasPage, tmp_path: Path) -> None:
    file = tmp_path / "ideas.csv"
    with qtbot.waitSignal(page.told) as told:
        page.export(file)
    assert told.args == [f"3 trade ideas exported to {file}."]
    with file.open(encoding="utf-8", newline="") as stream:
        assert [line["strategy"] for line in csv.DictReader(stream)] == ["fast", "middle", "slow"]
    page._on_export()
    dialog = page.findChild(QFileDialog)
    assert dialog is not None
    dialog.reject()


def test_without_ideas_it_says_what_to_do(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    page = open_page(qtbot, window)
    qtbot.waitUntil(lambda: "No trade idea yet" in page._empty.text())
    assert "Evaluate now" in page._empty.text()
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: bool(engine.runner.submitted))
    assert engine.runner.submitted == [("evaluate_all_strategies", None)]


def test_new_ideas_come_in_and_leave_the_choice_alone(
    qtbot: QtBot, page: IdeasPage, ideas: list[TradeIdea], engine: FakeEngine
) -> None:
    page.table.selectRow(1)
    qtbot.waitUntil(lambda: page.card.row is not None and page.card.row.facts.strategy == "middle")
    make_idea(engine.storage.paths, NOW, name="new")
    engine.runner.tell(make_run(0xABC, "evaluate_all_strategies", RunState.SUCCEEDED, NOW))
    qtbot.waitUntil(lambda: shown(page) == ["new", "fast", "middle", "slow"])
    assert page.card.row is not None
    assert page.card.row.facts.strategy == "middle"
    assert page.table.currentIndex().row() == 2


@pytest.mark.parametrize(
    ("reached", "look"),
    [(122, ("check", "ok")), (80, ("info", "idle")), (40, ("warning", "warning"))],
)
def test_the_chip_says_what_such_a_score_was_worth(
    qtbot: QtBot, page: IdeasPage, engine: FakeEngine, reached: int, look: tuple[str, str]
) -> None:
    idea = make_idea(engine.storage.paths, NOW, name="new", steps=[(60.0, 100.0, 214, reached)])
    engine.runner.tell(make_run(0xABC, "evaluate_all_strategies", RunState.SUCCEEDED, NOW))
    qtbot.waitUntil(lambda: shown(page)[0] == "new")
    page.table.selectRow(0)
    assert idea.calibration is not None
    chip = page.card.calibration_chip
    qtbot.waitUntil(lambda: chip.accessibleName() == f"{idea.calibration.measured} {idea.calibration.needed}")
    assert chip._parts[:2] == look
    assert chip.toolTip().endswith(f"{idea.calibration.text}.")


def test_an_idea_of_a_changed_rule_says_that_it_is_not_calibrated(
    qtbot: QtBot, page: IdeasPage, engine: FakeEngine
) -> None:
    make_idea(engine.storage.paths, NOW, name="new", steps=[(60.0, 100.0, 214, 90)], measured_rule="0" * 64)
    engine.runner.tell(make_run(0xABC, "evaluate_all_strategies", RunState.SUCCEEDED, NOW))
    qtbot.waitUntil(lambda: shown(page)[0] == "new")
    page.table.selectRow(0)
    chip = page.card.calibration_chip
    qtbot.waitUntil(lambda: "the rule or its profile changed" in chip.toolTip())
    assert chip.accessibleName() == "not calibrated"


def test_bars_since_the_decision_are_drawn_and_the_view_stays(
    qtbot: QtBot, page: IdeasPage, engine: FakeEngine
) -> None:
    card = page.card.card
    assert card is not None
    chart, edge = page.card.chart, page.card.chart.right_edge
    assert chart.bar_at(chart.width() * 0.55) >= 0
    later = card.chart.rates[-20:].copy()
    later["time"] += 20 * 300
    engine.storage.append_csv(bars_file(engine.storage.paths.bars, "EURUSD", "M5"), HEADER, rows_of(later, 5))
    engine.runner.tell(make_run(0xABD, "collect_market_data", RunState.SUCCEEDED, NOW))
    qtbot.waitUntil(lambda: page.card.card is not card)
    assert len(page.card.card.chart.rates) == 520
    assert page.card.card.decided == int(card.chart.rates["time"][-1])
    assert chart.right_edge == edge


@pytest.mark.parametrize("dark", [True, False])
def test_the_levels_are_in_sight_in_both_themes(page: IdeasPage, theme: Theme, dark: bool) -> None:
    theme.set_choice("dark" if dark else "light")
    image = page.card.chart.grab().toImage()
    for role in ("ok", "accent", "error"):
        wanted = theme.color(role).rgb()
        places = ((x, y) for x in range(image.width() - 60, image.width(), 4) for y in range(image.height()))
        assert any(image.pixel(x, y) == wanted for x, y in places), role


def test_lost_evidence_is_told_and_nothing_stops(qtbot: QtBot, page: IdeasPage, engine: FakeEngine) -> None:
    for piece in folder_of(engine.storage.paths).glob("*/*.z"):
        piece.unlink()
    page.table.selectRow(1)
    qtbot.waitUntil(lambda: page.card.card is not None and page.card.row.facts.strategy == "middle")
    assert "is missing" in page.card.figures.chain.text()
    assert not page.card.edit.isEnabled()
    assert page.card.approve.isEnabled()


def test_a_damaged_file_is_named(qtbot: QtBot, page: IdeasPage, engine: FakeEngine) -> None:
    (engine.storage.paths.trade_ideas / "EURUSD_20250603_130000.json").write_bytes(b"{")
    page.reload()
    qtbot.waitUntil(lambda: "1 file holds no idea" in page.subtitle.text())


def test_trouble_with_the_files_is_told(qtbot: QtBot, page: IdeasPage, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_desk: IdeaDesk) -> None:
        raise UserAction("The disk is gone.", advice="Look for it.")

    monkeypatch.setattr(IdeaDesk, "board", fail)
    page.reload()
    qtbot.waitUntil(lambda: page.subtitle.text() == "The ideas cannot be read")
    assert "The disk is gone." in page._empty.text()


def test_a_narrow_window_keeps_the_buttons(qtbot: QtBot, page: IdeasPage, window: MainWindow) -> None:
    window.resize(900, 560)
    qtbot.waitUntil(lambda: page.table.isColumnHidden(Column.TIME))
    for part in (page.card.reject, page.card.edit, page.card.approve):
        right = part.mapTo(window, part.rect().topRight()).x()
        assert right < window.width()


def test_the_jump_box_knows_the_page(window: MainWindow) -> None:
    from ui.widgets.jump_box import JumpBox

    window.jump()
    box = window.findChild(JumpBox)
    assert box is not None
    box.line.setText("trade id")
    assert [target.title for target in box._shown] == ["Trade ideas"]
    box.close()


def test_times_are_today_or_with_their_day(page: IdeasPage) -> None:
    model = page.model
    model.now = NOW + timedelta(days=2)
    local = datetime(2025, 6, 3, 13, 5, tzinfo=NOW.tzinfo).astimezone()
    assert model.index(0, Column.TIME).data() == f"{local:%a %H:%M}"
    assert "edited" not in model.index(0, 0).data(Qt.ItemDataRole.ToolTipRole)


@pytest.mark.parametrize(
    ("days", "closed"), [(0, "Bar closed 13:05 UTC"), (7, "Closed 27 May 13:05 UTC"), (400, "Closed 2024-04-29 UTC")]
)
def test_the_figures_of_an_idea_of_any_day_are_whole(
    qtbot: QtBot, engine: FakeEngine, window: MainWindow, days: int, closed: str
) -> None:
    engine.storage.paths.create()
    make_idea(engine.storage.paths, NOW - timedelta(days=days))
    page = open_page(qtbot, window)
    page.tabs.choose("expired" if days else "pending")
    figures = page.card.figures
    qtbot.waitUntil(lambda: figures.closed.text == closed)
    for size in ((1000, 640), (1280, 800), (1600, 1000)):
        window.resize(*size)
        lines = (figures.volume, figures.risk, figures.reward, figures.closed, figures.end)
        parts = [part for line in lines for part in line.findChildren(QLabel) if part.text() and part.isVisible()]
        assert [part.text() for part in parts if part.width() < part.sizeHint().width()] == []
