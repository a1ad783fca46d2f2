"""The head of a page: a long sentence gives way, what stands beside it does not."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent, QPoint
from PySide6.QtGui import QHelpEvent
from PySide6.QtWidgets import QAbstractButton, QApplication, QToolTip
from pytestqt.qtbot import QtBot

from ui.main_window import MainWindow
from ui.pages.health import HealthPage
from ui.pages.news import NewsPage

PAGES = ("tasks", "health", "history", "logs", "market", "calendar", "news", "ideas", "strategies", "settings")
LONG = "Not fetched 6 min ago: none of 24 feeds could be read, since the name of the server was not found. " * 4


@pytest.mark.parametrize("name", PAGES)
def test_a_long_sentence_is_cut_and_told_in_its_tip(qtbot: QtBot, window: MainWindow, name: str) -> None:
    window.resize(window.minimumSize())
    window.show_page(name)
    page = window._pages[name]
    for chip in (getattr(page, "feeds_chip", None), getattr(page, "verdict", None)):
        if chip is not None:
            chip.show_parts("failed", "error", "11 of 24 feeds failing")
            chip.show()
    page.subtitle.setText(LONG)
    qtbot.waitUntil(lambda: page.subtitle.shown.endswith("\N{HORIZONTAL ELLIPSIS}"))
    assert page.subtitle.text() == LONG
    assert page.subtitle.mapTo(page, QPoint(page.subtitle.width(), 0)).x() <= page.width() - 20
    assert window.width() == window.minimumWidth()
    beside = [part for part in page.findChildren(QAbstractButton) if page.head.indexOf(part) >= 0 and part.isVisible()]
    assert isinstance(page, NewsPage | HealthPage) <= bool(beside)
    for part in beside:
        assert part.width() >= part.sizeHint().width(), part.accessibleName()
        assert part.mapTo(page, QPoint(part.width(), 0)).x() <= page.width()
    shown: list[str] = []
    spot = QPoint(5, 5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(QToolTip, "showText", lambda _at, text, _widget: shown.append(text))
        QApplication.sendEvent(page.subtitle, QHelpEvent(QEvent.Type.ToolTip, spot, page.subtitle.mapToGlobal(spot)))
    assert shown
    assert shown[0].startswith(LONG)


def test_a_short_sentence_is_shown_whole(qtbot: QtBot, window: MainWindow) -> None:
    window.show_page("news")
    subtitle = window._pages["news"].subtitle
    subtitle.setText("4 articles")
    qtbot.waitUntil(lambda: subtitle.width() >= subtitle.sizeHint().width())
    assert subtitle.shown == "4 articles"
