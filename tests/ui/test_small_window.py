"""The window at its least size: nothing lies over something else, nothing is cut by the edge."""

from __future__ import annotations

import itertools

import pytest
from PySide6.QtCore import QRect
from PySide6.QtWidgets import QAbstractButton, QComboBox, QLabel, QLineEdit, QScrollArea, QWidget
from pytestqt.qtbot import QtBot

from ui.main_window import PAGES, MainWindow
from ui.pages.logs import LogsPage
from ui.widgets.elided import ElidedLabel
from ui.widgets.tables import Table

SHOWN = (QAbstractButton, QComboBox, QLabel, QLineEdit)


def rect_in(widget: QWidget, within: QWidget) -> QRect:
    """Where a widget is on another one."""
    return QRect(widget.mapTo(within, widget.rect().topLeft()), widget.size())


def seen(page: QWidget) -> list[QWidget]:
    """What a user reads or presses, without what a scroll area has out of sight."""
    found = [part for kind in SHOWN for part in page.findChildren(kind) if part.isVisibleTo(page)]
    return [
        part for part in found if not isinstance(part.parentWidget(), SHOWN) and part.visibleRegion().isEmpty() is False
    ]


def check(page: QWidget) -> None:
    """Nothing needs more room than it has."""
    assert page.minimumSizeHint().width() <= page.width()
    for area in page.findChildren(QScrollArea):
        if area.isVisible() and area.widget() is not None:
            assert area.widget().minimumSizeHint().width() <= area.viewport().width(), area.accessibleName()
    for table in page.findChildren(Table):
        if table.isVisible():
            columns = range(table.model().columnCount())
            shown = sum(table.columnWidth(column) for column in columns if not table.isColumnHidden(column))
            assert shown <= table.viewport().width(), table.accessibleName()
    parts = seen(page)
    assert parts
    for part in parts:
        place = rect_in(part, page)
        assert place.left() >= 0, part
        assert place.right() <= page.width(), (part, part.accessibleName())
    for one, other in itertools.combinations(parts, 2):
        if one.parentWidget() is other.parentWidget():
            assert not rect_in(one, page).intersects(rect_in(other, page)), (one, other)


@pytest.mark.parametrize("name", PAGES)
def test_every_page_fits_the_least_window(qtbot: QtBot, window: MainWindow, name: str) -> None:
    window.resize(window.minimumSize())
    window.show_page(name)
    qtbot.waitUntil(lambda: window.current_page.built)
    qtbot.wait(120)
    assert window.size() == window.minimumSize()
    check(window.current_page)


def test_a_long_sentence_pushes_nothing_out_of_the_logs_page(qtbot: QtBot, window: MainWindow) -> None:
    window.resize(window.minimumSize())
    window.show_log_of("00000000000001", "evaluate_all_strategies")
    page = window.current_page
    assert isinstance(page, LogsPage)
    page.subtitle.setText("123,456 lines of one run of a task with a name that goes on and on and on and on")
    qtbot.wait(50)
    check(page)
    assert isinstance(page.subtitle, ElidedLabel)
    assert page.subtitle.shown.endswith("\N{HORIZONTAL ELLIPSIS}")


def test_the_watch_list_gives_up_columns_for_the_chart(qtbot: QtBot, window: MainWindow) -> None:
    from ui.models.watch_table import Column
    from ui.pages.market import MarketPage

    window.show_page("market")
    page = window.current_page
    assert isinstance(page, MarketPage)
    window.resize(1280, 800)
    qtbot.waitUntil(lambda: not any(page.table.isColumnHidden(column) for column in Column))
    window.resize(window.minimumSize())
    qtbot.waitUntil(lambda: page.table.isColumnHidden(Column.SPARK))
    assert not page.table.isColumnHidden(Column.AGE)
    shown = sum(page.table.columnWidth(column) for column in Column if not page.table.isColumnHidden(column))
    assert shown <= page.table.viewport().width()
    assert page.table.columnWidth(Column.SYMBOL) >= 56
    assert not rect_in(page.table, page).intersects(rect_in(page.chart, page))


def test_details_beside_the_tasks_fit_too(qtbot: QtBot, window: MainWindow) -> None:
    window.resize(window.minimumSize())
    window.tasks.choose("collect_rss_news")
    window.tasks.table.opened.emit(window.tasks.table.currentIndex())
    qtbot.wait(80)
    check(window.current_page)


def test_details_beside_the_history_fit_too(qtbot: QtBot, window: MainWindow) -> None:
    from ui.pages.history import HistoryPage

    window.resize(window.minimumSize())
    window.show_page("history")
    page = window.current_page
    assert isinstance(page, HistoryPage)
    qtbot.waitUntil(lambda: page.model.rowCount() > 0)
    page.table.selectRow(0)
    page.table.opened.emit(page.table.currentIndex())
    qtbot.wait(80)
    check(page)
