"""The Backtests page over real files, and over the real engine: run, cancel, look, compare, note, delete, take back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from backtest_files import put, put_bars
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import Qt, QUrl
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot
from test_small_window import check

from app.engine import Engine
from app.paths import Paths
from app.runs import Progress, RunState
from app.settings_store import SettingsStore
from ui.engine_link import EngineLink
from ui.main_window import MainWindow
from ui.pages.backtests import BacktestsPage
from ui.theme import Theme
from ui.widgets.backtest_details import PARTS
from ui.widgets.curve_chart import scale_mark
from ui.widgets.sweep_dialog import short_values
from workers import registry

pytestmark = [
    pytest.mark.qt_log_ignore("This plugin does not support"),
    pytest.mark.allow_warnings("Metronome was closed"),
]
CONTROL = Qt.KeyboardModifier.ControlModifier


def shown(qtbot: QtBot, window: MainWindow) -> BacktestsPage:
    window.show_page("backtests")
    page = window.current_page
    assert isinstance(page, BacktestsPage)
    qtbot.waitUntil(lambda: page.built)
    return page


@pytest.fixture
def folder(engine: FakeEngine) -> Path:
    """Two results, the second the newer one, and a damaged file."""
    folder = engine.storage.paths.backtests
    put(folder, "one", "2025-05-01T10:00:00Z")
    put(folder, "two", "2025-06-01T10:00:00Z", statistics={"total_net_profit": 40.0})
    (folder / "broken.json").write_text('{"statistics": {', encoding="utf-8")
    return folder


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, folder: Path) -> BacktestsPage:
    return shown(qtbot, window)


def choose(qtbot: QtBot, page: BacktestsPage, stem: str) -> None:
    page.choose(stem)
    qtbot.waitUntil(lambda: page.shown is not None and page.shown.stem == stem)


# -- the list ----------------------------------------------------------------------------------------------------------


def test_an_empty_home_says_what_to_do(qtbot: QtBot, window: MainWindow) -> None:
    page = shown(qtbot, window)
    assert "New tests a strategy" in page._empty_text.text()
    assert page.details.isHidden()
    page.delete()
    page.again()


def test_the_list_shows_what_was_tested_and_tells_of_damage(qtbot: QtBot, page: BacktestsPage) -> None:
    stems = [row.stem for row in page.model.rows]
    assert stems.index("two") < stems.index("one")
    assert page.subtitle.text().startswith("3 backtests")
    assert "1 damaged" in page.subtitle.text()
    page.choose("broken")
    qtbot.waitUntil(lambda: "broken.json is damaged" in page._empty_text.text() and page.details.isHidden())
    choose(qtbot, page, "one")


def test_head_figures_curve_and_all_parts_are_shown(qtbot: QtBot, page: BacktestsPage) -> None:
    choose(qtbot, page, "two")
    overview = page.details.overview
    assert ("Total net profit", "40.00", "ok") in overview.grid.figures
    assert [curve.name for curve in overview.chart.curves] == ["equity", "balance"]
    assert overview.chart.deepest == pytest.approx(100 * (9998 / 10_020 - 1))
    for number, name in enumerate(("overview", "trades", "when", "figures", "trust", "notes", "tester"), 1):
        qtbot.keyClick(page, Qt.Key(Qt.Key.Key_0 + number), Qt.KeyboardModifier.AltModifier)
        assert page.details.part == name
    page.details.show_part("trust")
    assert "News were not looked at." in page.details.trust.warnings.text()
    assert page.details.trust.calibration.text() == "Not calibrated"
    page.details.show_part("when")
    assert page.details.when.bars.words_of(0) == "2 trades: \N{MINUS SIGN}10.00 \N{HORIZONTAL ELLIPSIS} 5.00"
    assert page.details.when.months.texts()[0][1:3] == ("20", "\N{MINUS SIGN}20")


@pytest.mark.parametrize("part", [*PARTS, "comparison"])
def test_every_part_fits_the_least_window(qtbot: QtBot, page: BacktestsPage, window: MainWindow, part: str) -> None:
    window.resize(window.minimumSize())
    choose(qtbot, page, "two")
    page.details.show_part(part if part in PARTS else "overview")
    if part not in PARTS:
        page.choose("one", "two")
        qtbot.waitUntil(lambda: page.details.comparing)
    qtbot.wait(60)
    check(page)


def test_a_band_of_large_amounts_is_shown_whole(
    qtbot: QtBot, page: BacktestsPage, window: MainWindow, theme: Theme, folder: Path
) -> None:
    bands = {"total_net_profit": [-14_511.54, -9_800.3, -5_012.77], "balance_drawdown_maximal": [1.0, 2.0, 3.0]}
    put(folder, "wide", monte_carlo={"runs": 1000, "lost_percent": 99.0} | bands)
    page.reload()
    qtbot.waitUntil(lambda: page.model.place_of("wide") >= 0)
    window.resize(1280, 860)
    choose(qtbot, page, "wide")
    page.details.show_part("trust")
    trust = page.details.trust
    places = [index for index, line in enumerate(trust.model.texts()) if line[0] == "Net profit by chance"]
    cell = trust.model.index(places[0], 1)
    minus = "\N{MINUS SIGN}"
    whole = f"{minus}14,511.54 \N{HORIZONTAL ELLIPSIS} {minus}5,012.77"
    assert cell.data(Qt.ItemDataRole.ToolTipRole) == f"{whole}\nmiddle {minus}9,800.30"
    assert trust._table.columnWidth(1) >= theme.metrics().horizontalAdvance(whole) + 16


def test_a_calibration_is_plotted(qtbot: QtBot, page: BacktestsPage, folder: Path) -> None:
    groups = [{"foretold": 0.5, "came": 0.6, "signals": 30, "interval_low": 0.4, "interval_high": 0.8}]
    steps = [{"low": 75, "high": 80, "signals": 30, "probability": 0.6}]
    known = {"past_target": 2, "news": "not applied: no calendar was stored"}
    put(folder, "three", calibration={"signals": 30, "reached": 18, "steps": steps, "reliability": groups} | known)
    page.reload()
    qtbot.waitUntil(lambda: page.model.place_of("three") >= 0)
    choose(qtbot, page, "three")
    page.details.show_part("trust")
    assert page.details.trust.steps.texts() == [("75 \N{EN DASH} 80", "60%", "\N{EM DASH}", "30")]
    assert page.details.trust.calibration.text().endswith(
        "Filled at the target or beyond it, and so not counted as reached: 2. The news embargo of the rule was not "
        "applied: no calendar was stored."
    )
    assert "50% foretold, 60% came" in page.details.trust.plot.accessibleDescription()
    page.details.trust.plot.grab()


def test_thousands_fill_the_list_bit_by_bit(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    folder = engine.storage.paths.backtests
    put(folder, "first")
    text = (folder / "first.json").read_text(encoding="utf-8")
    for number in range(1000):
        (folder / f"t{number:04d}.json").write_text(text, encoding="utf-8")
    page = shown(qtbot, window)
    assert page.model.rowCount() == 1001


# -- trades ------------------------------------------------------------------------------------------------------------


def test_a_row_shows_the_trade_on_its_bars(qtbot: QtBot, page: BacktestsPage, folder: Path, tmp_path: Path) -> None:
    bars = tmp_path / "EURUSD_H1_bars.csv"
    put_bars(bars)
    document = json.loads((folder / "two.json").read_text(encoding="utf-8"))
    put(folder, "seen", bars=document["bars"] | {"path": str(bars), "first": "2025-01-01T00:00:00Z"})
    page.reload()
    qtbot.waitUntil(lambda: page.model.place_of("seen") >= 0)
    choose(qtbot, page, "seen")
    with qtbot.waitSignal(page.details.trades.shown):
        page.details.show_part("trades")
    trades = page.details.trades
    qtbot.waitUntil(lambda: trades.chart.trade is not None and trades.chart.trade.number == 1)
    assert "changed since the test" in trades.remark.text()  # the document names another checksum
    trades.table.setFocus()
    qtbot.keyClick(trades.table, Qt.Key.Key_Down)
    assert trades.chart.trade is not None
    assert trades.chart.trade.number == 2
    assert trades.words.text().startswith("profit \N{MINUS SIGN}10.00")
    entry, end = trades.chart.places()
    assert 0 < entry < end < trades.chart.width()
    assert end - entry == pytest.approx(trades.chart._pitch())
    assert "short 0.1 lots at 1.1" in trades.chart.accessibleDescription()
    trades.chart.grab()


@pytest.mark.parametrize("size", [(1280, 800), None])
def test_what_is_said_of_a_trade_is_whole(
    qtbot: QtBot, page: BacktestsPage, window: MainWindow, folder: Path, tmp_path: Path, size: tuple[int, int] | None
) -> None:
    bars = tmp_path / "EURUSD_H1_bars.csv"
    put_bars(bars)
    document = json.loads((folder / "two.json").read_text(encoding="utf-8"))
    put(folder, "seen", bars=document["bars"] | {"path": str(bars), "first": "2025-01-01T00:00:00Z"})
    window.resize(*(size or (window.minimumWidth(), window.minimumHeight())))
    page.reload()
    qtbot.waitUntil(lambda: page.model.place_of("seen") >= 0)
    choose(qtbot, page, "seen")
    with qtbot.waitSignal(page.details.trades.shown):
        page.details.show_part("trades")
    page.details.trades.table.selectRow(1)
    qtbot.wait(60)
    words = page.details.trades.words
    needed = words.fontMetrics().boundingRect(words.contentsRect(), int(Qt.TextFlag.TextWordWrap), words.text())
    assert needed.width() <= words.contentsRect().width()
    assert needed.height() <= words.contentsRect().height()


def test_bars_that_are_gone_are_told(qtbot: QtBot, page: BacktestsPage, folder: Path, tmp_path: Path) -> None:
    choose(qtbot, page, "one")
    page.details.show_part("trades")
    trades = page.details.trades
    qtbot.waitUntil(lambda: "does not keep them in a file" in trades.remark.text())
    assert not trades.chart.isVisible()
    document = json.loads((folder / "two.json").read_text(encoding="utf-8"))
    put(folder, "lost", bars=document["bars"] | {"path": str(tmp_path / "nowhere.csv")})
    page.reload()
    qtbot.waitUntil(lambda: page.model.place_of("lost") >= 0)
    choose(qtbot, page, "lost")
    qtbot.waitUntil(lambda: "The bars are not there any more" in trades.remark.text())
    (folder / "two_trades.csv").unlink()
    choose(qtbot, page, "two")
    assert "two_trades.csv, is not there any more" in trades.remark.text()


# -- several -----------------------------------------------------------------------------------------------------------


def test_the_zero_of_a_scale_has_no_sign() -> None:
    assert [scale_mark(value, 500) for value in (-0.0, -1e-9, -500.0)] == ["0", "0", "\N{MINUS SIGN}500"]
    assert scale_mark(-1e-9, 0.5) == "0.00"


def test_two_are_compared(qtbot: QtBot, page: BacktestsPage, folder: Path) -> None:
    rule = {"id": "two", "conditions": {"entry": ["rsi < 20"]}}
    put(folder, "three", "2025-06-02T10:00:00Z", rule=rule, statistics={"total_net_profit": 40.0})
    page.reload()
    qtbot.waitUntil(lambda: page.model.place_of("three") >= 0)
    page.choose("three", "one")
    qtbot.waitUntil(lambda: page.details.comparing)
    found = page.details.comparison
    assert found is not None
    assert [curve.name for curve in found.chart.curves] == ["A", "B"]
    figures = {line[0]: line[1:] for line in found.figures.texts()}
    assert figures["Total net profit"] == ("0.00", "40.00", "+40.00")
    rules = {line[0]: line[1:] for line in found.rules.texts()}
    assert rules["rule.conditions.entry 1"] == ("rsi < 30", "rsi < 20")
    assert page.shown is None
    found.chart.grab()
    choose(qtbot, page, "one")


# -- notes, bin, files -------------------------------------------------------------------------------------------------


def test_notes_lie_in_a_file_of_their_own(qtbot: QtBot, page: BacktestsPage, folder: Path) -> None:
    before = (folder / "two.json").read_bytes()
    choose(qtbot, page, "two")
    page.details.show_part("notes")
    page.details.notes.edit.setFocus()
    qtbot.keyClicks(page.details.notes.edit, "too good")
    choose(qtbot, page, "one")  # leaving keeps them
    qtbot.waitUntil(lambda: (folder / "two_note.txt").exists())
    assert (folder / "two_note.txt").read_text(encoding="utf-8") == "too good"
    assert page.details.notes.edit.toPlainText() == ""
    choose(qtbot, page, "two")
    qtbot.waitUntil(lambda: page.details.notes.edit.toPlainText() == "too good")
    assert (folder / "two.json").read_bytes() == before
    page.details.notes.edit.setPlainText(" ")
    page.details.notes.save()
    qtbot.waitUntil(lambda: not (folder / "two_note.txt").exists())


def test_what_was_deleted_comes_back_whole(qtbot: QtBot, page: BacktestsPage, folder: Path) -> None:
    (folder / "two_note.txt").write_text("keep", encoding="utf-8")
    choose(qtbot, page, "two")
    files = {path.name: path.read_bytes() for path in folder.glob("two*")}
    assert len(files) == 4
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: page.bar.text == "Strategy two was deleted.")
    assert not list(folder.glob("two*"))
    qtbot.waitUntil(lambda: page.model.rowCount() == 2 and page.bin_button.isVisible())
    page.bar.press("Undo")
    qtbot.waitUntil(lambda: page.model.place_of("two") >= 0)
    assert {path.name: path.read_bytes() for path in folder.glob("two*")} == files
    page.choose("two", "one")
    qtbot.waitUntil(lambda: page.details.comparing)
    page.delete()
    qtbot.waitUntil(lambda: page.bar.text == "2 backtests were deleted.")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    page.bin_button.click()
    assert sorted(action.text() for action in page._menu.actions()) == ["one", "two"]
    next(action for action in page._menu.actions() if action.text() == "one").trigger()
    page._menu.close()
    qtbot.waitUntil(lambda: (folder / "one.json").exists())


def test_report_folder_and_export(qtbot: QtBot, page: BacktestsPage, folder: Path, tmp_path: Path) -> None:
    opened: list[QUrl] = []
    page.open_url = opened.append
    choose(qtbot, page, "two")
    page.table.setFocus()
    qtbot.keyClick(page.table, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(opened))
    assert Path(opened[0].toLocalFile()) == folder / "two.html"
    page.details.asked.emit("folder")
    assert Path(opened[1].toLocalFile()) == folder
    with qtbot.waitSignal(page.told):
        page.export("_trades.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_bytes() == (folder / "two_trades.csv").read_bytes()
    (folder / "two.html").unlink()
    page.details.asked.emit("report")
    qtbot.waitUntil(lambda: "two.html is not there any more" in page.bar.text)


# -- reports of the tester ---------------------------------------------------------------------------------------------


def test_a_tester_report_stands_beside_ours(qtbot: QtBot, page: BacktestsPage, engine: FakeEngine) -> None:
    choose(qtbot, page, "two")
    page.details.show_part("tester")
    assert "No report of MetaTrader" in page.details.tester.about.text()
    report = {
        "file": "r.xlsx", "kind": "mt5_tester_report", "symbol": "EURUSD", "timeframe": "H1",
        "imported_at": "2025-06-01T10:00:00Z",
        "facts": {"Expert": "Cross", "Total Net Profit": "12.50", "Sharpe Ratio": "1.5"},
        "recomputed": {
            "total_net_profit": {"report": 12.5, "deals": 12.5}, "profit_factor": {"report": 2.0, "deals": 1.5},
        },
    }  # fmt: skip
    folder = engine.storage.paths.imports / "reports" / "r-1"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text(json.dumps(report), encoding="utf-8")
    page.reload()
    tester = page.details.tester
    qtbot.waitUntil(lambda: tester.choice.count() == 1)
    lines = {line[0]: line[1:] for line in tester.model.texts()}
    assert lines["Total Net Profit"] == ("12.50", "12.50", "40.00")
    assert lines["Profit Factor"] == ("2.00", "1.50", "1.00")
    assert lines["Sharpe Ratio"] == ("1.50", "\N{EM DASH}", "0.50")
    assert "1 figures are not what its deals add up to" in tester.about.text()
    silent = replace(tester._reports[0], facts={}, recomputed={"total_net_profit": {"report": None, "deals": 7.5}})
    tester.show_reports((silent,))
    assert "it states nothing that its deals could be compared with" in tester.about.text()
    with qtbot.waitSignal(page.import_asked) as asked:
        tester.import_asked.emit(["x.xlsx"])
    assert asked.args == [["x.xlsx"]]


# -- sweeps ------------------------------------------------------------------------------------------------------------


def test_sweeps_show_their_heat_maps(qtbot: QtBot, window: MainWindow, engine: FakeEngine, folder: Path) -> None:
    heat = {"x": "ema.fast", "y": "ema.slow", "x_values": ["10", "20"], "y_values": ["50"], "cells": [[1.5, None]]}
    point = {"values": {"ema.fast": 10}, "objective": 1.5, "proved": {"trades": 7}, "robustness": {"ratio": 0.9}}
    sweep = {
        "name": "Cross", "symbol": "EURUSD", "timeframe": "H1", "objective": "sqn", "points": [1, 2], "trials": 2,
        "walk_forward": {"out_of_sample": {"trades": 9, "net_profit": 12.0}},
        "heat_maps": [heat, heat | {"cells": [[1]]}, "x"], "top": [point, None],
    }  # fmt: skip
    sweeps = folder / "sweeps"
    sweeps.mkdir()
    (sweeps / "one.json").write_text(json.dumps(sweep), encoding="utf-8")
    page = shown(qtbot, window)
    assert [row.stem for row in page.model.rows if row.stem == "one"] == ["one"]  # a sweep is no backtest
    page.sweeps_button.click()
    dialog = page.sweeps
    assert dialog is not None
    qtbot.waitUntil(lambda: dialog.sweep is not None)
    assert "2 points" in dialog.about.text()
    assert "12.00 in 9 trades" in dialog.about.text()
    assert dialog.top.texts() == [("ema.fast 10", "1.50", "7", "0.90", "\N{EM DASH}")]
    assert dialog.maps.count() == 1
    dialog.map.setFocus()
    qtbot.keyClick(dialog.map, Qt.Key.Key_Right)
    assert dialog.pointed.text().startswith("ema.fast 10 \N{MIDDLE DOT} ema.slow 50")
    qtbot.keyClick(dialog.map, Qt.Key.Key_Right)
    assert "nothing was tried" in dialog.pointed.text()
    dialog.grab()
    (sweeps / "one.json").write_text("{", encoding="utf-8")
    dialog._open(0)
    qtbot.waitUntil(lambda: "damaged" in dialog.about.text())
    dialog.close()


def test_values_of_a_sweep_have_short_names_that_differ() -> None:
    many = "indicators.atr.multiplier 1.5, indicators.ema.fast 10, min_score 75"
    assert short_values(many) == "atr.multiplier 1.5, ema.fast 10, min_score 75"
    alike = "entry.long.rsi.level 30, entry.short.rsi.level 70"
    assert short_values(alike) == "long.rsi.level 30, short.rsi.level 70"
    assert short_values("") == ""


# -- runs --------------------------------------------------------------------------------------------------------------


def test_a_run_at_work_shows_its_balance_and_can_be_stopped(
    qtbot: QtBot, page: BacktestsPage, engine: FakeEngine
) -> None:
    def run(done: int, text: str) -> None:
        progress = Progress(done, 100, text)
        engine.runner.tell(
            make_run(7, "backtest_strategy", RunState.RUNNING, NOW, params={"strategy": "abc"}, progress=progress)
        )

    run(10, "1 position, balance 10,010.00 USD")
    qtbot.waitUntil(lambda: page.strip.isVisible())
    run(40, "3 positions, balance 9,990.00 USD")
    qtbot.waitUntil(lambda: len(page.strip.course.points) == 2)
    assert page.strip.course.points == [(0.1, 10_010.0), (0.4, 9_990.0)]
    assert page.strip.title.text() == "Testing abc"
    page.strip.grab()
    page.strip._on_cancel()
    qtbot.waitUntil(lambda: engine.runner.cancelled == [f"{7:014x}"])
    engine.runner.tell(make_run(7, "backtest_strategy", RunState.FAILED, NOW, text="No such strategy."))
    qtbot.waitUntil(lambda: not page.strip.isVisible())
    assert "No such strategy." in page.bar.text


@pytest.fixture
def real(tmp_path: Path) -> Iterator[Engine]:
    """A real engine with the simulated terminal, a rule that trades often, and bars for it."""
    paths = Paths(tmp_path)
    paths.create()
    rule = {
        "id": "often", "name": "Often", "enabled": False, "symbol": "EURUSD", "timeframe": "H1",
        "conditions": {"entry": ["close > open"]},
        "strategy": {"direction": "both", "min_rr": 1.0, "news_embargo_minutes": 0},
    }  # fmt: skip
    (paths.strategies / "often.json").write_text(json.dumps(rule), encoding="utf-8")
    put_bars(tmp_path / "EURUSD_H1_test.csv")
    settings = SettingsStore(tmp_path / "settings.toml", {"terminal.simulated.now": "2025-06-03T12:00:00Z"})
    engine = Engine(paths, settings, registry())
    engine.start(schedule=False)
    yield engine
    engine.stop()


@pytest.fixture
def live(qtbot: QtBot, bare_window: MainWindow, link: EngineLink, real: Engine) -> Iterator[BacktestsPage]:
    link.attach(real)
    yield shown(qtbot, bare_window)
    link.detach()


def ask(qtbot: QtBot, page: BacktestsPage, bars: Path) -> None:
    """Fill the form in and run it."""
    page.table.setFocus()
    qtbot.keyClick(page, Qt.Key.Key_N, CONTROL)
    dialog = page.dialog
    assert dialog is not None
    for name, text in (("strategy", "often"), ("bars", str(bars)), ("time_zone", "UTC"), ("volume", "0.1")):
        line = dialog.line(name)
        assert isinstance(line, QLineEdit)
        line.setText(text)
    dialog.action.click()


@pytest.mark.allow_warnings("backtest_strategy")
def test_a_test_is_run_from_the_form_and_shown(qtbot: QtBot, live: BacktestsPage, real: Engine, tmp_path: Path) -> None:
    ask(qtbot, live, tmp_path / "EURUSD_H1_test.csv")
    qtbot.waitUntil(lambda: live.shown is not None, timeout=20_000)
    result = live.shown
    assert result is not None
    assert result.text("strategy") == "often"
    assert not live.strip.isVisible()
    live.details.show_part("trades")
    trades = live.details.trades
    assert len(result.trades) == result.part("statistics")["total_trades"] > 0
    qtbot.waitUntil(lambda: trades.chart.trade is not None)
    assert trades.remark.text() == ""  # these are the very bars
    live.again()
    assert live.dialog is not None
    again = live.dialog.form.values()
    assert again["strategy"] == "often"
    assert again["bars"] == str(tmp_path / "EURUSD_H1_test.csv")
    assert again["volume"] == 0.1
    live.dialog.reject()


@pytest.mark.allow_warnings("backtest_strategy")
def test_a_test_is_stopped_from_the_page(qtbot: QtBot, live: BacktestsPage, real: Engine, tmp_path: Path) -> None:
    ask(qtbot, live, tmp_path / "EURUSD_H1_test.csv")
    qtbot.waitUntil(lambda: live.strip.isVisible(), timeout=5_000)
    live.strip._on_cancel()
    qtbot.waitUntil(lambda: not live.strip.isVisible(), timeout=5_000)
    run = real.history.last("backtest_strategy")
    assert run is not None
    assert run.state is RunState.CANCELLED
    assert not list(real.paths.backtests.glob("*.json"))


@pytest.mark.allow_warnings("backtest_strategy")
def test_what_cannot_be_tested_is_told_with_a_way_on(
    qtbot: QtBot, live: BacktestsPage, real: Engine, tmp_path: Path
) -> None:
    ask(qtbot, live, tmp_path / "nothing.csv")
    qtbot.waitUntil(lambda: bool(live.bar.text), timeout=20_000)
    assert "nothing.csv" in live.bar.text
    live.bar.press("Try again")
    assert live.dialog is not None
    assert live.dialog.form.values()["bars"].endswith("nothing.csv")
    live.dialog.reject()
