"""The market page: watch list and chart over real files, by mouse and by keys."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.runs import RunState
from app.terminal.values import RATES_DTYPE, Rates
from ui import words
from ui.main_window import MainWindow
from ui.models.watch_table import Column, WatchTable, short_age
from ui.pages.market import MarketPage
from ui.theme import Theme
from ui.widgets.candle_chart import CandleChart
from workers.market.bar_history import HEADER, bars_file, rows_of
from workers.market.quotes import Quality
from workers.market.view import Chart, EventMark, IdeaMark, WatchRow

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


def rates(count: int, seconds: int = 300) -> Rates:
    found = np.zeros(count, dtype=RATES_DTYPE)
    end = int(NOW.timestamp()) // seconds * seconds
    found["time"] = end - seconds * np.arange(count, 0, -1)
    close = 1.1 + 0.003 * np.sin(np.arange(count) / 25)
    found["open"], found["close"] = np.roll(close, 1), close
    found["high"] = np.maximum(found["open"], close) + 0.0004
    found["low"] = np.minimum(found["open"], close) - 0.0004
    found["tick_volume"] = 10 + np.arange(count) % 40
    return found


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> MarketPage:
    """The page with bars of two symbols and a quote of one."""
    storage, paths = engine.storage, engine.storage.paths
    for symbol, shift in (("EURUSD", 0.0), ("GBPUSD", 0.2)):
        found = rates(600)
        for name in ("open", "high", "low", "close"):
            found[name] += shift
        storage.append_csv(bars_file(paths.bars, symbol, "M5"), HEADER, rows_of(found, 5))
    entry = {
        "time": "2025-06-03T13:05:00.000Z", "tick_time": "2025-06-03T13:04:58.000Z", "bid": 1.1, "ask": 1.10007,
        "spread_points": 7.0, "quality": "fresh",
    }  # fmt: skip
    storage.append_json_item(paths.market_data / "EURUSD_20250603.json", entry, head={"symbol": "EURUSD"})
    engine.settings.set("market.watch_list", "EURUSD,GBPUSD,USDJPY")
    window.show_page("market")
    shown = window.centralWidget().findChild(MarketPage)
    assert isinstance(shown, MarketPage)
    qtbot.waitUntil(lambda: shown.chart.newest_words() != "")
    return shown


def cell(page: MarketPage, row: int, column: Column) -> str:
    return str(page.model.index(row, column).data())


def test_the_watch_list_shows_what_was_collected(page: MarketPage) -> None:
    assert [cell(page, row, Column.SYMBOL) for row in range(3)] == ["EURUSD", "GBPUSD", "USDJPY"]
    assert [cell(page, 0, column) for column in (Column.BID, Column.ASK, Column.SPREAD)] == ["1.10000", "1.10007", "7"]
    assert cell(page, 1, Column.BID) == "\N{EM DASH}"
    assert page.model.index(0, Column.GRADE).data(Qt.ItemDataRole.ToolTipRole) == "Not graded yet"
    assert "No quote was collected yet" in page.model.index(2, Column.BID).data(Qt.ItemDataRole.ToolTipRole)
    assert page.subtitle.text().startswith("3 symbols \N{MIDDLE DOT} 1 with a fresh quote")


def test_the_chosen_symbol_is_drawn(qtbot: QtBot, page: MarketPage) -> None:
    assert page.chart.accessibleDescription().startswith("EURUSD M15, 201 bars")
    page.choose_symbol("GBPUSD")
    qtbot.waitUntil(lambda: "GBPUSD" in page.chart.accessibleDescription())
    page.choose_symbol("USDJPY")
    qtbot.waitUntil(lambda: page.chart.accessibleDescription() == "No bars")


def test_keys_choose_the_timeframe_and_what_cannot_be_shown_is_off(qtbot: QtBot, page: MarketPage) -> None:
    assert not page._switch["M1"].isEnabled()
    qtbot.keyClick(page.window(), Qt.Key.Key_5, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: "H1" in page.chart.accessibleDescription())
    assert page._switch["H1"].isChecked()
    page.choose_frame("M1")
    assert page._switch["H1"].isChecked()


def test_collect_now_and_f5_ask_for_a_run(qtbot: QtBot, page: MarketPage, engine: FakeEngine) -> None:
    qtbot.mouseClick(page.collect_now, Qt.MouseButton.LeftButton)
    qtbot.keyClick(page.window(), Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: len(engine.runner.submitted) == 2)
    assert {task for task, _params in engine.runner.submitted} == {"collect_market_data"}


def test_a_new_pass_shows_at_once(qtbot: QtBot, page: MarketPage, engine: FakeEngine) -> None:
    entry = {"time": "2025-06-03T13:07:00.000Z", "tick_time": "2025-06-03T13:06:59.000Z", "bid": 1.3, "ask": 1.3002,
             "spread_points": 20.0, "quality": "stale"}  # fmt: skip
    engine.storage.append_json_item(engine.storage.paths.market_data / "GBPUSD_20250603.json", entry)
    engine.runner.tell(make_run(999_999, "collect_market_data", RunState.SUCCEEDED, NOW))
    qtbot.waitUntil(lambda: cell(page, 1, Column.BID) == "1.30000")
    assert "stale" in page.model.index(1, Column.BID).data(Qt.ItemDataRole.ToolTipRole)


# -- the chart by itself -----------------------------------------------------------------------------------------------


@pytest.fixture
def chart(qtbot: QtBot, theme: Theme) -> CandleChart:
    """A chart of 600 bars with an event and an idea."""
    found = CandleChart(theme)
    qtbot.addWidget(found)
    found.resize(800, 400)
    found.show_chart(marked(), 300)
    found.show()
    return found


def marked(count: int = 600) -> Chart:
    bars = rates(count)
    when = datetime.fromtimestamp(int(bars["time"][-40]), UTC)
    events = (
        EventMark(when, "CPI", "EUR", "high"),
        EventMark(when + timedelta(hours=1), "Sales", "USD", "medium"),
        EventMark(NOW + timedelta(minutes=20), "Rate", "USD", "low"),
    )
    ideas = (IdeaMark(when, "long", 1.1, 1.098, 1.104, "pending_approval", "M5"),)
    return Chart("EURUSD", "M5", bars, 5, "", ("M5",), "", events, ideas)


def turn(chart: CandleChart, clicks: int, sideways: int = 0) -> None:
    where = QPointF(400, 200)
    event = QWheelEvent(
        where, chart.mapToGlobal(where), QPoint(), QPoint(sideways * 120, clicks * 120), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(chart, event)


def test_the_wheel_zooms_around_the_pointer(chart: CandleChart) -> None:
    under, seen = chart.bar_at(400), chart.visible_bars
    turn(chart, 3)
    assert chart.visible_bars < seen
    assert abs(chart.bar_at(400) - under) <= 1
    turn(chart, -60)
    assert chart.visible_bars <= 1200
    turn(chart, 60)
    assert chart.visible_bars >= 20


def test_dragging_and_keys_move(qtbot: QtBot, chart: CandleChart) -> None:
    edge = chart.right_edge
    qtbot.mousePress(chart, Qt.MouseButton.LeftButton, pos=QPoint(300, 200))
    qtbot.mouseMove(chart, QPoint(500, 200))
    qtbot.mouseRelease(chart, Qt.MouseButton.LeftButton, pos=QPoint(500, 200))
    assert chart.right_edge < edge
    qtbot.keyClick(chart, Qt.Key.Key_End)
    assert chart.right_edge == edge
    qtbot.keyClick(chart, Qt.Key.Key_Left)
    assert chart.right_edge < edge
    qtbot.keyClick(chart, Qt.Key.Key_Home)
    assert chart.bar_at(1) == -1 or chart.bar_at(1) < 60
    qtbot.keyClick(chart, Qt.Key.Key_Plus)
    turn(chart, 0, sideways=2)


def test_the_crosshair_tells_the_bar_under_it(qtbot: QtBot, chart: CandleChart) -> None:
    said: list[str] = []
    chart.pointed.connect(said.append)
    qtbot.mouseMove(chart, QPoint(400, 200))
    qtbot.waitUntil(lambda: bool(said))
    place = chart.bar_at(400)
    assert said[-1] == chart.words_at(place)
    row = rates(600)[place]
    plain = said[-1].replace(words.GAP, " ")  # a name and its price stay on one line
    assert f"O {row['open']:.5f}  H {row['high']:.5f}  L {row['low']:.5f}  C {row['close']:.5f}" in plain
    at = chart._x_of(marked().events[0].time)
    qtbot.mouseMove(chart, QPoint(int(at), 14))
    qtbot.waitUntil(lambda: "CPI" in said[-1])


def test_the_view_follows_the_newest_bar_unless_it_was_moved(chart: CandleChart) -> None:
    edge = chart.right_edge
    chart.show_chart(marked(601), 300)
    assert chart.right_edge == edge + 1
    chart.shift(-200)
    moved = chart.right_edge
    chart.show_chart(marked(602), 300)
    assert chart.right_edge == moved


@pytest.mark.parametrize("count", [0, 1, 2, 50, 2000])
@pytest.mark.parametrize("dark", [True, False])
def test_it_paints_in_both_themes_whatever_there_is(chart: CandleChart, theme: Theme, count: int, dark: bool) -> None:
    theme.set_choice("dark" if dark else "light")
    empty = chart.grab().toImage()
    chart.show_chart(marked(count) if count > 60 else Chart("X", "M5", rates(count)), 300)
    assert chart.grab().toImage().size() == empty.size()


def test_flat_prices_have_a_scale(chart: CandleChart) -> None:
    flat = rates(30)
    for name in ("open", "high", "low", "close"):
        flat[name] = 1.0
    chart.show_chart(Chart("X", "M5", flat), 300)
    chart.grab()


def test_rows_change_in_place(theme: Theme) -> None:
    model = WatchTable()
    changed: list[int] = []
    model.show_rows([WatchRow("A"), WatchRow("B")])
    model.dataChanged.connect(lambda first, _last: changed.append(first.row()))
    model.show_rows([WatchRow("A"), WatchRow("B", bid=1.0, ask=1.1, quality=Quality.CROSSED, taken=NOW)])
    assert changed == [1]
    model.show_rows([WatchRow("B")])
    assert model.rowCount() == 1
    assert model.place_of("B") == 0
    ages = [short_age(NOW - timedelta(seconds=seconds), NOW) for seconds in (5, 600, 9e3, 9e5)]
    assert [age.replace("\N{NO-BREAK SPACE}", " ") for age in ages] == ["5 s", "10 min", "2 h", "10 d"]
