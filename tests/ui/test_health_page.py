"""The health page: cards with their buttons, plots, outages and the reliability of the tasks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from fake_engine import CHECKS, NOW, FakeEngine, make_run
from PySide6.QtCore import QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.runs import RunState
from app.samples import FIGURES, RECORD, Records
from app.terminal.outages import Outage
from app.terminal.values import SessionState
from ui import words
from ui.engine_link import EngineLink
from ui.main_window import MainWindow
from ui.models.reliability_table import INK_ROLE, Column
from ui.pages.health import HealthPage
from ui.pages.health_course import SPANS
from ui.pages.health_remedies import WORDS
from ui.widgets.trend_scale import bounds, time_marks, value_marks
from workers.health.finding import Remedy

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")
HOUR, DAY, MONTH = SPANS


def put_samples(engine: FakeEngine, ages_s: list[float], **figures: list[float]) -> None:
    """Samples so many seconds ago, in the files of the home; what is not named was not measured."""
    found: Records = np.zeros(len(ages_s), dtype=RECORD)
    for name in FIGURES:
        found[name] = figures.get(name, np.nan)
    found["at"] = [NOW.timestamp() - age for age in ages_s]
    found["process"] = figures.get("process", 1.0)
    folder = engine.storage.paths.health_checks
    folder.mkdir(parents=True, exist_ok=True)
    for day in np.unique(found["at"] // 86_400):
        name = np.datetime64(int(day), "D").astype(object).strftime("samples_%Y%m%d.bin")
        found[found["at"] // 86_400 == day].tofile(folder / name)


@pytest.fixture
def show(qtbot: QtBot, window: MainWindow) -> Callable[[], HealthPage]:
    """Shows the page and waits until all of it is there."""

    def shown() -> HealthPage:
        window.show_page("health")
        page = window.centralWidget().findChild(HealthPage)
        assert page is not None
        qtbot.waitUntil(lambda: page.built and bool(page.cards) and page.tasks.model.rowCount() > 0, timeout=20_000)
        return page

    return shown


def tell_checks(qtbot: QtBot, page: HealthPage, engine: FakeEngine, *checks: dict[str, Any]) -> None:
    engine.runner.tell(make_run(0x99000, "system_health_check", RunState.SUCCEEDED, NOW, result={"checks": checks}))
    qtbot.waitUntil(lambda: len(page.cards) == len(checks))


def check(name: str, verdict: str, *remedies: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "title": name, "verdict": verdict, "value": "v", "rule": "r", "remedies": remedies, **more}


# -- verdict and buttons -----------------------------------------------------------------------------------------------


def test_what_was_not_judged_is_neither_well_nor_trouble(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine
) -> None:
    page = show()
    unjudged = [check("feeds", "ok", judged=False), check("clock", "ok", judged=False)]
    tell_checks(qtbot, page, engine, unjudged[0], check("disk", "ok", judged=True), unjudged[1], check("logs", "ok"))
    assert page.verdict.accessibleName() == "Healthy: 2 checks ok, 2 not judged yet"
    assert [card.verdict for card in page.cards] == ["ok", "ok", "not_judged", "not_judged"]
    assert page.cards[2].accessibleName() == "feeds: Not judged, v"
    tell_checks(qtbot, page, engine, *unjudged, check("disk", "warning"))
    assert page.verdict.accessibleName() == "Healthy with 1 warning, 2 not judged yet"


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["ok", "ok"], "Healthy"),
        (["ok", "warning"], "Healthy with 1 warning"),
        (["error", "warning"], "Unhealthy: 1 check failed, 1 warning"),
        (["error", "error"], "Unhealthy: 2 checks failed"),
    ],
)
def test_the_verdict_is_one_line(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine, verdicts: list[str], said: str
) -> None:
    page = show()
    tell_checks(qtbot, page, engine, *(check(str(place), one) for place, one in enumerate(verdicts)))
    assert page.verdict.accessibleName() == said


def test_every_remedy_has_a_word() -> None:
    assert set(WORDS) == {remedy.value for remedy in Remedy}


def test_the_buttons_of_a_card_do_what_they_say(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine
) -> None:
    page = show()
    tell_checks(
        qtbot,
        page,
        engine,
        check("terminal", "error", "reconnect", "host_child"),
        check("cache", "warning", "clean_cache", "open_cache", "from_a_newer_version"),
        check("feeds", "warning", "fetch_news"),
        check("logs", "ok"),
    )
    offered = {card.buttons[0].accessibleName().split(":")[0]: card for card in page.cards if card.buttons}
    assert set(offered) == {"terminal", "cache", "feeds"}
    assert [one.text() for one in offered["cache"].buttons] == ["Run clean-up now", "Open folder"]
    opened: list[QUrl] = []
    page.remedies.open_url = lambda url: opened.append(url) or True
    for card in offered.values():
        for one in card.buttons:
            one.setFocus()
            qtbot.keyClick(one, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: len(engine.runner.submitted) == 2 and bool(opened) and bool(engine.terminal.reconnects))
    assert {task for task, _ in engine.runner.submitted} == {"cleanup_cache", "collect_rss_news"}
    assert opened == [QUrl.fromLocalFile(str(engine.storage.paths.cache))]
    qtbot.waitUntil(lambda: engine.settings.current.terminal.host == "child")


def test_a_clean_up_that_asks_is_confirmed_only_by_an_answer(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine
) -> None:
    page = show()
    tell_checks(qtbot, page, engine, check("upkeep", "warning", "confirm_logs"))
    qtbot.mouseClick(page.cards[0].buttons[0], Qt.MouseButton.LeftButton)
    assert page.question.text == "Clean up old logs: delete what it asked about?"
    page.question.press("Keep")
    assert engine.runner.submitted == []
    qtbot.mouseClick(page.cards[0].buttons[0], Qt.MouseButton.LeftButton)
    page.question.press("Delete")
    qtbot.waitUntil(lambda: engine.runner.submitted == [("cleanup_old_logs", {"confirm": True})])


def test_a_folder_that_does_not_open_is_told(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine, link: EngineLink
) -> None:
    page = show()
    page.remedies.open_url = lambda _url: False
    with qtbot.waitSignal(link.troubled) as told:
        page.remedies.apply("open_logs")
    assert "could not be opened" in told.args[0]


def test_buttons_that_make_no_sense_any_more_go(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine
) -> None:
    page = show()
    tell_checks(qtbot, page, engine, check("terminal", "error", "reconnect"))
    assert len(page.cards[0].buttons) == 1
    engine.runner.tell(
        make_run(0x99001, "system_health_check", RunState.SUCCEEDED, NOW, result={"checks": [check("terminal", "ok")]})
    )
    qtbot.waitUntil(lambda: page.cards[0].buttons == [])


def test_a_check_costs_the_window_nothing_while_nobody_looks(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine, window: MainWindow
) -> None:
    page = show()
    before = [card.accessibleName() for card in page.cards]
    window.hide()
    new = make_run(
        0x99003, "system_health_check", RunState.SUCCEEDED, NOW, result={"checks": [check("terminal", "error")]}
    )
    engine.history.runs.insert(0, new)
    engine.runner.tell(new)
    qtbot.waitUntil(lambda: page._stale)
    assert [card.accessibleName() for card in page.cards] == before
    window.show()
    qtbot.waitUntil(lambda: len(page.cards) == 1 and not page._stale)


# -- plots -------------------------------------------------------------------------------------------------------------


def test_the_plots_show_what_was_measured(show: Callable[[], HealthPage], engine: FakeEngine) -> None:
    put_samples(engine, [60, 40, 20, 0], ping_ms=[40, 50, 45, 42], memory_mb=[80, 81, 82, 83])
    page = show()
    ping = page.course.cards["ping_ms"]
    assert ping.plot is not None
    x, y = ping.plot.line.getData()
    assert y.tolist() == [40, 50, 45, 42]
    assert (x - NOW.timestamp()).tolist() == [-60, -40, -20, 0]
    assert ping.plot.isVisible()
    assert ping.value.text() == f"42{words.GAP}ms"
    assert "between 40" in ping.accessibleName()
    assert page.course.cards["memory_mb"].value.text() == f"83{words.GAP}MB"


def test_events_are_dots_without_strokes_between_them(show: Callable[[], HealthPage], engine: FakeEngine) -> None:
    put_samples(engine, [340, 320, 40, 20], lateness_ms=[5, np.nan, np.nan, 9])
    plot = show().course.cards["lateness_ms"].plot
    assert plot is not None
    assert plot.line.getData()[0] is None or plot.line.getData()[0].size == 0
    assert plot.dots.getData()[1].tolist() == [5, 9]


def test_what_was_not_measured_says_when_it_will_be(show: Callable[[], HealthPage]) -> None:
    page = show()
    for card in page.course.cards.values():
        assert card.plot is not None
        assert not card.plot.isVisible()
        assert card.note.isVisible()
        assert card.note.text() == card.figure.empty
        assert card.value.text() == words.DASH
    assert page.course.outages.watched.text().startswith("Nothing recorded yet")


def test_a_value_of_long_ago_is_not_shown_as_the_present_one(
    show: Callable[[], HealthPage], engine: FakeEngine
) -> None:
    put_samples(engine, [2000, 1980, 20, 0], lag_ms=[3, 4, np.nan, np.nan], lateness_ms=[5, np.nan, np.nan, np.nan])
    page = show()
    assert page.course.cards["lag_ms"].value.text() == words.DASH
    assert page.course.cards["lateness_ms"].value.text() == f"5.0{words.GAP}ms"


def test_gaps_are_gaps_and_ranges_are_ranges(qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine) -> None:
    put_samples(engine, [90_000, 7_220, 7_200, 1_800, 20, 0], queued=[9, 1, 2, 3, 4, 5], process=[1, 1, 1, 2, 2, 2])
    page = show()
    card = page.course.cards["queued"]
    assert card.plot is not None

    def shown() -> list[float | None]:
        return [None if np.isnan(one) else float(one) for one in card.plot.line.getData()[1]]

    assert shown() == [3, None, 4, 5]
    qtbot.mouseClick(page.course.choices["24 h"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: shown() == [1, 2, None, 3, None, 4, 5])
    qtbot.keyClick(page, Qt.Key.Key_3, Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: shown()[0] == 9)
    assert page.course.choices["30 d"].isChecked()
    left, right = card.plot.getPlotItem().vb.viewRange()[0]
    assert right - left == pytest.approx(30 * 86_400)


def test_samples_are_read_with_the_keyboard_and_the_pointer(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine
) -> None:
    put_samples(engine, [300, 280, 20, 0], ping_ms=[40, 50, 45, 42])
    page = show()
    card = page.course.cards["ping_ms"]
    card.setFocus()
    qtbot.keyClick(card, Qt.Key.Key_Left)
    assert card.value.text().endswith(f"42{words.GAP}ms")
    assert card.plot is not None
    assert card.plot.cursor.isVisible()
    for _ in range(2):
        qtbot.keyClick(card, Qt.Key.Key_Left)
    assert card.value.text().endswith(f"50{words.GAP}ms")  # over the gap
    qtbot.keyClick(card, Qt.Key.Key_PageUp)
    assert card.value.text().endswith(f"40{words.GAP}ms")
    qtbot.keyClick(card, Qt.Key.Key_Escape)
    assert card.value.text() == f"42{words.GAP}ms"
    card.plot.pointed.emit(NOW.timestamp() - 270)
    assert card.value.text().endswith(f"50{words.GAP}ms")
    card.plot.pointed.emit(float("nan"))
    assert card.value.text() == f"42{words.GAP}ms"


def test_the_wheel_scrolls_the_page(show: Callable[[], HealthPage], engine: FakeEngine) -> None:
    put_samples(engine, [20, 0], ping_ms=[1, 2])
    plot = show().course.cards["ping_ms"].plot
    assert plot is not None
    nowhere, no, keys = QPoint(), Qt.MouseButton.NoButton, Qt.KeyboardModifier.NoModifier
    place, phase = QPointF(9, 9), Qt.ScrollPhase.NoScrollPhase
    event = QWheelEvent(place, place, nowhere, QPoint(0, -120), no, keys, phase, False)
    event.accept()
    plot.wheelEvent(event)
    assert not event.isAccepted()  # so Qt offers it to what is around the plot


def test_the_disk_has_a_forecast_once_its_pace_is_known(
    qtbot: QtBot, show: Callable[[], HealthPage], engine: FakeEngine
) -> None:
    put_samples(engine, [40, 20, 0], free_gb=[100, 100, 100])
    page = show()
    card = page.course.cards["free_gb"]
    assert card.plot is not None
    assert card.plot.forecast.getData()[0] is None or card.plot.forecast.getData()[0].size == 0
    tell_checks(qtbot, page, engine, check("disk", "ok", figures={"fills_bytes_day": 4.8e9, "days_left": 20.8}))
    x, y = card.plot.forecast.getData()
    assert (x - NOW.timestamp()).tolist() == [0, 900]  # a quarter of the hour ahead
    assert y.tolist() == pytest.approx([100, 99.95])
    assert card.value.text() == f"100.0{words.GAP}GB{words.DOT}21 days left"


def test_the_page_never_waits_for_the_disk(
    qtbot: QtBot, window: MainWindow, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    read, outcomes = engine.sampler.read, engine.history.outcomes
    for owner, name, real in ((engine.sampler, "read", read), (engine.history, "outcomes", outcomes)):

        def noted(*args: Any, real: Callable[..., Any] = real) -> Any:
            threads.append(threading.get_ident())
            return real(*args)

        monkeypatch.setattr(owner, name, noted)
    window.show_page("health")
    page = window.centralWidget().findChild(HealthPage)
    assert page is not None
    qtbot.waitUntil(lambda: page.built and page.tasks.model.rowCount() > 0, timeout=20_000)
    assert len(threads) >= 2
    assert threading.get_ident() not in threads


def test_it_is_read_anew_only_while_somebody_looks(
    qtbot: QtBot, show: Callable[[], HealthPage], window: MainWindow, engine: FakeEngine
) -> None:
    page = show()
    put_samples(engine, [0], queued=[7])
    page.tick(NOW + timedelta(seconds=5))
    assert page.course.cards["queued"].value.text() == words.DASH
    window.show_page("tasks")
    page.tick(NOW + timedelta(seconds=60))
    assert not page.course._reading
    window.show_page("health")
    qtbot.waitUntil(lambda: page.course.cards["queued"].value.text() == "7")


# -- outages -----------------------------------------------------------------------------------------------------------


def test_the_timeline_tells_the_terminal_from_metronome(show: Callable[[], HealthPage], engine: FakeEngine) -> None:
    engine.terminal.past = (
        Outage(SessionState.DISCONNECTED, NOW - timedelta(minutes=30), NOW - timedelta(minutes=20), "Away."),
    )
    put_samples(engine, [3000, 2980, 2400, 1000, 20, 0], queued=[0] * 6, process=[1, 1, 1, 2, 2, 2])
    card = show().course.outages
    assert card.title.text() == "Outages, last 1 h"
    assert [role for _, _, role in card.terminal.spans_in_sight()] == ["warning"]
    assert [role for _, _, role in card.metronome.spans_in_sight()] == ["warning", "error", "warning"]
    assert card.accessibleName() == f"Outages, last 1 h{words.DOT}Terminal: 1 outage{words.DOT}Metronome: 3 outages"
    said = [card.list.itemAtPosition(line, 2).widget().text() for line in range(3)]
    assert said == ["Asleep, or held up.", "Metronome was not running.", "Asleep, or held up."]


# -- reliability -------------------------------------------------------------------------------------------------------


def test_the_reliability_of_each_task(show: Callable[[], HealthPage], engine: FakeEngine) -> None:
    page = show()
    model = page.tasks.model
    texts = {
        model.index(row, Column.TASK).data(): [model.index(row, column).data() for column in Column]
        for row in range(model.rowCount())
    }
    assert len(texts) == len(engine.registry)
    assert texts["Collect RSS news"][1:4] == [f"100{words.GAP}%", f"100{words.GAP}%", "50"]
    assert texts["Optimise CSV files"][2] == f"98.0{words.GAP}%"
    assert "Disk full on D:" in texts["Optimise CSV files"][Column.FAILURE]
    row = list(texts).index("Optimise CSV files")
    assert model.index(row, Column.WEEK).data(INK_ROLE) == "warning"
    tip = model.index(row, Column.WEEK).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == f"49 succeeded{words.DOT}1 failed{words.DOT}0 skipped, missed or cancelled"
    assert page.tasks.table.height() >= 33 * model.rowCount()


# -- scales ------------------------------------------------------------------------------------------------------------


def test_marks_stand_at_round_values() -> None:
    assert value_marks(0, 60) == [(0, "0"), (20, "20"), (40, "40")]
    assert value_marks(0, 0.012)[1] == (pytest.approx(0.005), "0.005")
    assert value_marks(1, 1) == []
    hour = time_marks(NOW.timestamp() - 3600, NOW.timestamp())
    assert [at % 900 for at, _ in hour] == [0, 0, 0, 0]
    assert 4 <= len(time_marks(NOW.timestamp() - 30 * 86_400, NOW.timestamp())) <= 5


def test_bounds_hold_all_values() -> None:
    assert bounds(5, 10, from_zero=True) == (0.0, 12.0)
    assert bounds(0, 0, from_zero=True) == (0.0, 1.0)
    low, high = bounds(80, 80, from_zero=False)
    assert low < 80 < high


def test_the_page_fits_every_window(qtbot: QtBot, show: Callable[[], HealthPage], window: MainWindow) -> None:
    page = show()
    for width, height in ((900, 560), (1280, 800), (3840, 2160)):
        window.resize(width, height)
        QApplication.processEvents()
        assert page.course.minimumSizeHint().width() <= page.main.width() - 40
        assert page.tasks.minimumSizeHint().width() <= page.main.width() - 40
        for card in page.course.cards.values():
            assert card.geometry().right() <= page.course.width()
    assert len(CHECKS) == len(page.cards)
