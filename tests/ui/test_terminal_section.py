"""The terminal in the window: chip, banner, and the section of the health page."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta

import pytest
from fake_engine import NOW, FakeEngine
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.terminal.outages import CUT_SHORT, Outage
from app.terminal.requests import LongCall
from app.terminal.values import SessionState
from ui.main_window import MainWindow
from ui.pages.health import HealthPage
from ui.pages.terminal_section import SHOWN, TerminalSection
from ui.terminal_words import kind_look, outage_length, outage_times, state_look

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")


@pytest.fixture
def section(qtbot: QtBot, window: MainWindow) -> TerminalSection:
    """The section, filled."""
    window.show_page("health")
    page = window.centralWidget().findChild(HealthPage)
    assert page is not None
    qtbot.waitUntil(lambda: page.terminal._facts is not None)
    return page.terminal


def outage(minutes_ago: float, minutes: float | None, state: SessionState = SessionState.DISCONNECTED) -> Outage:
    began = NOW - timedelta(minutes=minutes_ago)
    ended = began + timedelta(minutes=minutes) if minutes is not None else None
    return Outage(state, began, ended, f"Away since {minutes_ago:g} minutes.")


def test_it_shows_how_the_connection_stands(section: TerminalSection) -> None:
    assert section.state.accessibleName() == "Connected"
    assert section.values["server"].text() == "MetaQuotes-Demo"
    assert (section.values["account"].text(), section.kind.accessibleName()) == ("123456", "demo")
    assert section.values["calls"].text().startswith("bars of a symbol")
    assert not section.reason.isVisible()
    assert section.nothing.isVisible()


def test_trouble_comes_with_its_reason_and_what_to_do(
    qtbot: QtBot, section: TerminalSection, engine: FakeEngine, window: MainWindow
) -> None:
    engine.terminal.past = (outage(600, 30), outage(5, None, SessionState.NOT_ANSWERING))
    status = replace(
        engine.terminal.status, state=SessionState.NOT_ANSWERING, reason="A call hangs.", advice="Look at the dialog."
    )
    engine.terminal.tell(status)
    qtbot.waitUntil(lambda: section.state.accessibleName() == "Not answering")
    assert (section.reason.text(), section.advice.text()) == ("A call hangs.", "Look at the dialog.")
    assert "Not answering" in window.header.terminal.accessibleName()
    qtbot.waitUntil(lambda: section.outages.count() == 8)
    assert section.strip.accessibleName() == "2 outages in the last 24 h"
    assert [role for *_place, role in section.strip.spans_in_sight()] == ["warning", "error"]
    before = section.outages.itemAtPosition(0, 1).widget().text()
    section.tick(NOW + timedelta(seconds=90))
    assert section.outages.itemAtPosition(0, 1).widget().text() != before


def test_only_the_newest_outages_are_listed(qtbot: QtBot, section: TerminalSection, engine: FakeEngine) -> None:
    engine.terminal.past = tuple(outage(3000 - 100 * number, 10) for number in range(25))
    section.refresh()
    qtbot.waitUntil(lambda: section.outages.count() == 4 * SHOWN)
    assert len(section.strip.spans_in_sight()) < 25


def test_real_money_is_told_in_colour_and_word(
    qtbot: QtBot, section: TerminalSection, engine: FakeEngine, window: MainWindow
) -> None:
    engine.terminal.tell(replace(engine.terminal.status, account_kind="real", simulated=False))
    qtbot.waitUntil(lambda: section.kind.accessibleName() == "real money")
    assert all("real money" in chip.accessibleName() for chip in window.terminal_chips)
    assert not window.banner.isVisible()
    assert {kind_look(kind).role for kind in ("demo", "contest", "real", "new")} == {"running", "warning", "error"}  # type: ignore[union-attr]
    assert kind_look("") is None


def test_the_wrong_account_is_told_whole_in_the_chip_and_in_the_line_below(
    qtbot: QtBot, section: TerminalSection, engine: FakeEngine, window: MainWindow
) -> None:
    reason = "The terminal is logged in to account 5000001 on Metronome-Simulated; expected 7001234 on Broker-Live."
    status = replace(
        engine.terminal.status, state=SessionState.WRONG_ACCOUNT, server="A-Broker-With-A-Very-Long-Name-Live07",
        account_kind="contest", ping_ms=23.0, reason=reason, advice="Log in to the right account.",
    )  # fmt: skip
    chip = window.header.terminal
    for width in (900, 1400):
        window.resize(width, 600)
        engine.terminal.tell(status)
        qtbot.waitUntil(lambda: chip.accessibleName().startswith("Wrong account contest"))
        assert "ping 23 ms" in chip.accessibleName()
        assert reason in chip.toolTip()
        assert status.server in chip.toolTip()
        qtbot.waitUntil(lambda: chip.width() >= chip.sizeHint().width())
        simulated = window.header.simulated
        assert simulated.isHidden() or simulated.width() >= simulated.sizeHint().width()
        assert window.banner.isVisible()
        assert window.banner.accessibleName().startswith(reason)
        assert window.banner.text.text()[:40] == reason[:40]
    engine.terminal.tell(replace(status, simulated=False))
    qtbot.waitUntil(lambda: window.banner.accessibleName() == f"{reason} {status.advice}")


def test_the_status_bar_shortens_the_server_and_never_state_account_or_ping(
    qtbot: QtBot, engine: FakeEngine, window: MainWindow
) -> None:
    server = "Broker-With-A-Long-Name-01"
    status = replace(engine.terminal.status, server=server, account_kind="real", ping_ms=123.0, simulated=False)
    footer, chip = window.footer, window.footer.terminal
    engine.terminal.tell(status)
    qtbot.waitUntil(lambda: chip.accessibleName() == f"Connected real money {server} \N{MIDDLE DOT} ping 123 ms")
    footer.show_next(
        "A task with a title that is far too long for a line that has so much else to tell", "1 h", paused=False
    )
    footer.show_lateness(0.012)
    whole = {1600: f"{server} \N{MIDDLE DOT} ping 123 ms"}
    for width in (1600, 1280, 900):
        window.resize(width, 600)
        qtbot.waitUntil(lambda wide=width: footer.width() == wide)  # type: ignore[misc]
        qtbot.wait(20)
        assert chip.shown.endswith("ping 123 ms")
        assert chip.shown == whole.get(width, chip.shown)
        assert chip.width() >= chip.minimumSizeHint().width()
        parts = sorted((part.geometry() for part in footer.findChildren(QWidget) if part.isVisible()), key=QRect.left)
        assert all(one.right() < other.left() for one, other in itertools.pairwise(parts))
        assert parts[-1].right() <= footer.width() - 16
    assert footer.minimumSizeHint().width() <= 900


@pytest.mark.parametrize("state", SessionState)
def test_the_status_bar_says_every_state(
    qtbot: QtBot, engine: FakeEngine, window: MainWindow, state: SessionState
) -> None:
    engine.terminal.tell(replace(engine.terminal.status, state=state, reason="Why.", advice="What to do."))
    header, footer = window.terminal_chips
    qtbot.waitUntil(lambda: "Why.\nWhat to do." in footer.toolTip())
    assert footer.accessibleName().startswith(state_look(state).word)
    assert footer.accessibleName() == header.accessibleName()
    assert footer.toolTip() == header.toolTip()


def test_the_chip_of_the_status_bar_leads_to_the_health_page(window: MainWindow) -> None:
    window.footer.terminal.click()
    assert window.page == "health"


def test_a_simulated_market_has_a_line_above_every_page(window: MainWindow) -> None:
    for name in ("tasks", "health", "logs"):
        window.show_page(name)
        assert window.banner.isVisible()
    assert window.banner.accessibleName() == "Generated bars. Nothing here is a real price."


def test_the_host_is_changed_here(qtbot: QtBot, section: TerminalSection, engine: FakeEngine) -> None:
    section.host.setFocus()
    place = section.host.findData("child")
    section.host.setCurrentIndex(place)
    section.host.activated.emit(place)
    qtbot.waitUntil(lambda: engine.settings.current.terminal.host == "child")
    qtbot.waitUntil(lambda: section._facts is not None and section._facts.host == "child")
    assert section.host.currentData() == "child"


def test_reconnecting_is_one_button(qtbot: QtBot, section: TerminalSection, engine: FakeEngine) -> None:
    section.reconnect.click()
    qtbot.waitUntil(lambda: engine.terminal.reconnects == 1)


def test_a_call_that_held_the_window_is_named_with_the_remedy(
    qtbot: QtBot, section: TerminalSection, engine: FakeEngine
) -> None:
    engine.terminal.long = (LongCall("version", 9.0, NOW, False), LongCall("symbols_get", 0.8, NOW, True))
    section.refresh()
    qtbot.waitUntil(section.held.isVisible)
    assert section.held.text().startswith("Asking for the list of symbols held the window for 0.8")


def test_an_outage_that_nobody_saw_end_has_no_length() -> None:
    lost = replace(outage(60, None), reason=f"Away. {CUT_SHORT}")
    assert outage_length(lost, NOW) == "\N{EM DASH}"
    assert outage_times(lost, NOW).startswith("from ")
    assert outage_times(outage(60, None), NOW).startswith("since ")
    assert "\N{EN DASH}" in outage_times(outage(60, 1), NOW)
