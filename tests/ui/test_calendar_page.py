"""The calendar page over a stored calendar: week, filters, countdown, changes, age, and what it says in trouble."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QComboBox, QWidget
from pytestqt.qtbot import QtBot

from app.runs import RunState
from ui.main_window import MainWindow
from ui.models.calendar_week import (
    GROUP_ROLE,
    INK_ROLE,
    NEXT_ROLE,
    Column,
    EventRow,
    Filter,
    WeekTable,
    change_look,
    countdown_words,
    strengths,
    watched_currencies,
    week_rows,
    week_start,
)
from ui.pages.calendar import CalendarPage
from workers.calendar import store
from workers.calendar.values import Calendar, Change, Event, Impact, SourceState

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

TASK = "update_economic_calendar"
HIGH, MEDIUM, LOW = Impact.HIGH, Impact.MEDIUM, Impact.LOW


def event(hours: float, title: str, currency: str = "USD", impact: Impact = HIGH, **more: object) -> Event:
    time = NOW.replace(minute=0, second=0) + timedelta(hours=hours)
    return Event(title.lower(), time, currency, impact, title, **more)  # type: ignore[arg-type]


def change(kind: str, of: Event, field: str = "", before: str = "", after: str = "", hours: float = 1) -> Change:
    return Change(NOW - timedelta(hours=hours), kind, of.id, of.title, of.currency, of.time, field, before, after)


CPI = event(2, "CPI m/m", forecast="0.3%", previous="0.2%")
PMI = event(-3, "PMI", "EUR", MEDIUM, actual="51.2", forecast="50.9")
SPEECH = event(26, "Speech", "GBP", LOW)
OPEC = Event("opec", NOW.replace(hour=0, minute=0, second=0), "ALL", LOW, "OPEC Meetings", all_day=True)
LATER = event(24 * 8, "Next week", "USD", MEDIUM)
GONE = event(5, "Gone", "CHF")
STATE = SourceState(
    "https://calendar.example/week.json", "forexfactory", "Forex Factory weekly JSON",
    "every time states its offset from UTC", succeeded=NOW - timedelta(minutes=7), attempted=NOW - timedelta(minutes=7),
)  # fmt: skip
CALENDAR = Calendar(
    tuple(sorted((CPI, PMI, SPEECH, OPEC, LATER), key=lambda found: found.time)),
    (STATE,),
    (
        change("removed", GONE),
        change("moved", SPEECH, "time", "2025-06-04T14:00:00.000Z", "2025-06-04T15:00:00.000Z"),
        change("values", PMI, "actual", "", "51.2"),
        change("values", CPI, "forecast", "0.1%", "0.3%", hours=30),  # too long ago to be marked
    ),
)


@pytest.fixture(autouse=True)
def local_time(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """The user lives in UTC, wherever the tests run, unless the test names another zone."""
    with monkeypatch.context() as patched:
        patched.setenv("TZ", getattr(request, "param", "UTC"))
        if hasattr(time, "tzset"):
            time.tzset()
        yield
    if hasattr(time, "tzset"):
        time.tzset()


@pytest.fixture
def stored(engine: FakeEngine) -> FakeEngine:
    """An engine with a stored calendar."""
    store.save(engine.storage, CALENDAR, NOW)
    return engine


def open_page(qtbot: QtBot, window: MainWindow, rows: int = 1) -> CalendarPage:
    window.show_page("calendar")
    page = window.centralWidget().findChild(CalendarPage)
    assert isinstance(page, CalendarPage)
    qtbot.waitUntil(lambda: page.model.rowCount() >= rows)
    return page


def choose(page: CalendarPage, name: str, text: str) -> None:
    box = next(box for box in page.findChildren(QComboBox) if box.accessibleName() == name)
    box.setCurrentIndex(box.findText(text))


def titles(page: CalendarPage) -> list[str]:
    model = page.model
    rows = (model.index(number, Column.EVENT) for number in range(model.rowCount()))
    return [str(index.data()) for index in rows if not model.index(index.row(), 0).data(GROUP_ROLE)]


def test_a_week_with_headings_and_changes(qtbot: QtBot, stored: FakeEngine, window: MainWindow) -> None:
    page = open_page(qtbot, window, 7)
    assert titles(page) == ["OPEC Meetings", "PMI", "CPI m/m", "Gone", "Speech"]
    assert [page.model.index(place, 0).data() for place in page.model.group_places()] == [
        "Tuesday 3 June \N{MIDDLE DOT} today",
        "Wednesday 4 June",
    ]
    looks = {
        str(page.model.index(row, Column.EVENT).data()): str(page.model.index(row, Column.CHANGE).data())
        for row in range(page.model.rowCount())
    }
    assert looks["PMI"] == "released"
    assert looks["Speech"].startswith("was at ")
    assert looks["Gone"] == "removed"
    assert looks["CPI m/m"] == ""
    assert page.subtitle.text() == "Fetched 7 min ago \N{MIDDLE DOT} Forex Factory weekly JSON"
    assert "every time states its offset" in page.subtitle.toolTip()


def test_filters_by_currency_and_impact(qtbot: QtBot, stored: FakeEngine, window: MainWindow) -> None:
    page = open_page(qtbot, window, 7)
    choose(page, "Currency", "EUR")
    assert titles(page) == ["OPEC Meetings", "PMI"]
    choose(page, "Currency", "My symbols")
    assert "Speech" in titles(page)
    choose(page, "Impact", "High only")
    assert titles(page) == ["CPI m/m"]
    choose(page, "Impact", "Medium and high")
    assert titles(page) == ["PMI", "CPI m/m"]
    choose(page, "Currency", "GBP")
    assert titles(page) == []
    assert "No event of this week matches" in visible_text(page)


def test_the_next_event_is_counted_down(qtbot: QtBot, stored: FakeEngine, window: MainWindow) -> None:
    page = open_page(qtbot, window, 7)
    assert page.upcoming.isVisible()
    assert "CPI m/m" in page.upcoming.accessibleName()
    row = page.model.place_of_event("cpi m/m")
    assert page.model.index(row, Column.EVENT).data(NEXT_ROLE) is True
    assert page.model.index(row, Column.EVENT).data(INK_ROLE) == "text"
    stored.clock.advance(3 * 3600)
    page.tick(stored.clock.now())
    assert "Speech" in page.upcoming.accessibleName()
    assert page.model.index(row, Column.EVENT).data(INK_ROLE) == "dim"
    qtbot.mouseClick(page.upcoming, Qt.MouseButton.LeftButton)
    assert page.table.currentIndex().row() == page.model.place_of_event("speech")


def test_weeks_and_days_by_mouse_and_keys(qtbot: QtBot, stored: FakeEngine, window: MainWindow) -> None:
    page = open_page(qtbot, window, 7)
    qtbot.mouseClick(page.later, Qt.MouseButton.LeftButton)
    assert titles(page) == ["Next week"]
    qtbot.mouseClick(page.later, Qt.MouseButton.LeftButton)
    assert titles(page) == []
    assert "no event of this week" in visible_text(page)
    qtbot.keyClick(window, Qt.Key.Key_T)
    qtbot.waitUntil(lambda: len(titles(page)) == 5)
    assert page.strip.chosen == date(2025, 6, 3)
    page.strip.setFocus()
    with qtbot.waitSignal(page.strip.day_chosen):
        qtbot.keyClick(page.strip, Qt.Key.Key_Right)
    assert page.strip.chosen == date(2025, 6, 4)
    assert page.strip.accessibleDescription().startswith("Wednesday 4 June: 0 of high")
    qtbot.keyClick(page.strip, Qt.Key.Key_End)
    assert page.strip.chosen == date(2025, 6, 7)
    qtbot.keyClick(page.strip, Qt.Key.Key_Home)
    assert page.strip.chosen == date(2025, 6, 1)
    middle = page.strip.cell(2).center().toPoint()
    qtbot.mouseClick(page.strip, Qt.MouseButton.LeftButton, pos=QPoint(middle.x(), middle.y()))
    assert page.strip.chosen == date(2025, 6, 3)


def visible_text(page: CalendarPage) -> str:
    return " ".join(part.property("text") or "" for part in page.findChildren(QWidget) if part.isVisible())


def test_fetch_now_and_the_news_of_it(qtbot: QtBot, stored: FakeEngine, window: MainWindow) -> None:
    page = open_page(qtbot, window, 7)
    qtbot.mouseClick(page.fetch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: stored.runner.submitted == [(TASK, None)])
    stored.runner.tell(make_run(500, TASK, RunState.RUNNING, NOW))
    qtbot.waitUntil(lambda: page.fetch.text() == "Fetching")
    assert not page.fetch.isEnabled()
    fresh = replace(CALENDAR, events=tuple(item for item in CALENDAR.events if item is not PMI))
    store.save(stored.storage, fresh, NOW)
    stored.runner.tell(make_run(500, TASK, RunState.SUCCEEDED, NOW, text="4 events"))
    qtbot.waitUntil(lambda: "PMI" not in titles(page))
    assert page.fetch.isEnabled()
    qtbot.keyClick(window, Qt.Key.Key_F5)
    qtbot.waitUntil(lambda: len(stored.runner.submitted) == 2)


def test_a_failed_fetch_is_told_and_the_calendar_stays(qtbot: QtBot, stored: FakeEngine, window: MainWindow) -> None:
    page = open_page(qtbot, window, 7)
    reason = "calendar.example answered 503. The calendar of 7 min ago stays (5 events)."
    stored.runner.tell(make_run(501, TASK, RunState.FAILED, NOW, text=reason))
    qtbot.waitUntil(lambda: "answered 503" in visible_text(page))
    assert len(titles(page)) == 5
    stored.runner.tell(make_run(502, TASK, RunState.SUCCEEDED, NOW, text="5 events"))
    qtbot.waitUntil(lambda: "answered 503" not in visible_text(page))


def test_the_stored_problem_and_the_age_are_shown(qtbot: QtBot, engine: FakeEngine, window: MainWindow) -> None:
    old = replace(STATE, succeeded=NOW - timedelta(hours=30), attempted=NOW, problem="It answered 429.")
    store.save(engine.storage, replace(CALENDAR, sources=(old,)), NOW)
    page = open_page(qtbot, window, 7)
    assert "too old to rely on" in page.subtitle.text()
    assert "It answered 429." in visible_text(page)


def test_without_a_calendar_it_says_what_to_do(qtbot: QtBot, window: MainWindow) -> None:
    window.show_page("calendar")
    page = window.centralWidget().findChild(CalendarPage)
    assert isinstance(page, CalendarPage)
    qtbot.waitUntil(lambda: "There is no calendar yet" in visible_text(page))
    assert page.subtitle.text() == "Not fetched yet"
    assert not page.upcoming.isVisible()


def test_everything_has_a_name(qtbot: QtBot, stored: FakeEngine, window: MainWindow) -> None:
    page = open_page(qtbot, window, 7)
    focusable = [part for part in page.findChildren(QWidget) if part.focusPolicy() & Qt.FocusPolicy.TabFocus]
    assert len(focusable) >= 7
    assert all(part.accessibleName() for part in focusable if part.isVisible()), [
        part for part in focusable if not part.accessibleName()
    ]
    row = page.model.place_of_event("pmi")
    spoken = page.model.index(row, Column.IMPACT).data(Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "Impact: Medium"


# -- the model ---------------------------------------------------------------------------------------------------------


def test_weeks_begin_on_sunday() -> None:
    assert week_start(date(2025, 6, 3)) == week_start(date(2025, 6, 1)) == date(2025, 6, 1)
    assert week_start(date(2025, 6, 7)) == date(2025, 6, 1)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="only POSIX lets a program change its zone")
@pytest.mark.parametrize("local_time", ["Asia/Tokyo"], indirect=True)
def test_events_stand_under_the_users_own_day() -> None:
    assert strengths(CALENDAR, date(2025, 6, 1), Filter())[2:5] == ((0, 1, 1), (1, 0, 0), (0, 0, 1))


def test_counts_of_days() -> None:
    counts = strengths(CALENDAR, date(2025, 6, 1), Filter())
    assert sum(sum(day) for day in counts) == 4
    assert counts[2] == (1, 1, 1)


def test_the_same_rows_again_change_in_place(qtbot: QtBot) -> None:
    model = WeekTable()
    rows = week_rows(CALENDAR, date(2025, 6, 1), Filter(), NOW)
    assert model.show(rows, NOW, "")
    with qtbot.assertNotEmitted(model.rowsInserted), qtbot.waitSignal(model.dataChanged):
        assert not model.show(rows, NOW, "cpi m/m")
    with qtbot.waitSignal(model.rowsRemoved):
        assert model.show([], NOW, "")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ((), None),
        ((change("added", CPI),), "new"),
        ((change("values", CPI, "forecast", "", "0.3%"),), "forecast was \N{EM DASH}"),
        (
            (change("values", CPI, "forecast", "0.1%", "0.3%"), change("values", CPI, "actual", "", "1%")),
            "released, forecast was 0.1%",
        ),
        (
            (change("values", CPI, "forecast", "0.1%", "0.2%"), change("values", CPI, "forecast", "0.2%", "0.3%")),
            "forecast was 0.2%",
        ),
        (
            (change("values", CPI, "forecast", "1%", "2%"), change("values", CPI, "previous", "3%", "4%")),
            "previous was 3%, forecast 1%",
        ),
        (
            (change("added", CPI), change("values", CPI, "forecast", "0.1%", "0.2%")),
            "new, forecast was 0.1%",
        ),
        ((change("values", CPI, "impact", "low", "high"),), "impact was low"),
    ],
)
def test_changes_in_words(changes: tuple[Change, ...], words: str | None) -> None:
    look = change_look(EventRow(CPI, changes))
    assert (look.word if look else None) == words


def test_an_event_that_moved_tells_of_its_other_changes_too() -> None:
    moved = change("moved", CPI, "time", "2025-06-03T13:00:00.000Z", "2025-06-03T14:00:00.000Z")
    flags = change("values", CPI, "tentative", "True", "False")
    look = change_look(EventRow(CPI, (change("values", CPI, "forecast", "350B", "-50B"), flags, moved)))
    assert look is not None
    assert (look.icon, look.word) == ("moved", "was at 13:00, forecast 350B")


def test_currencies_of_symbols() -> None:
    known = {"EUR", "USD", "JPY", "XAU"}
    assert watched_currencies(("EURUSD.a", "XAUUSD", "GER40"), known) == {"EUR", "USD", "XAU"}


def test_countdowns() -> None:
    spans = [timedelta(seconds=59), timedelta(minutes=59, seconds=59), timedelta(minutes=100), timedelta(days=3)]
    texts = [countdown_words(span).replace("\N{NO-BREAK SPACE}", " ") for span in spans]
    assert texts == ["0:59", "59:59", "1 h 40 min", "3 d"]


def test_a_tentative_time_with_a_clock_is_marked() -> None:
    model = WeekTable()
    moment = datetime(2025, 6, 3, 9, 30, tzinfo=UTC)
    model.show([EventRow(Event("x", moment, "USD", LOW, "X", tentative=True))], NOW, "")
    assert str(model.index(0, Column.TIME).data()).startswith("~ ")


def test_the_page_in_both_themes(qtbot: QtBot, stored: FakeEngine, window: MainWindow, tmp_path: Path) -> None:
    page = open_page(qtbot, window, 7)
    for choice in ("light", "dark"):
        window._theme.set_choice(choice)
        assert page.grab().save(str(tmp_path / f"{choice}.png"))
