"""Where the window opens: whole on a screen that is there, whatever it remembers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QByteArray, QRect, QSize
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from ui.window_state import FIRST_SIZE, LEAST_SIZE, TITLE_BAR, fitted, keep_in_sight, open_at

LAPTOP = QRect(0, 0, 1366, 728)  # 1366x768 with a task bar
LAPTOP_AT_200 = QRect(0, 0, 683, 364)
FULL_HD_AT_200 = QRect(0, 0, 960, 500)
DESK = QRect(0, 0, 1920, 1040)
BESIDE = QRect(1920, 0, 2560, 1400)

sides = st.integers(-6000, 6000)
lengths = st.integers(1, 5000)
rects = st.builds(QRect, sides, sides, lengths, lengths)
areas = st.lists(st.builds(QRect, sides, sides, st.integers(300, 4000), st.integers(300, 4000)), min_size=1, max_size=3)


def whole(place: QRect, area: QRect) -> bool:
    """Whether all of the window with its title bar is there."""
    return area.contains(place.adjusted(0, -TITLE_BAR, 0, 0))


@pytest.mark.parametrize("area", [LAPTOP, LAPTOP_AT_200, FULL_HD_AT_200, DESK])
def test_the_first_size_is_fitted_to_the_screen(qtbot: QtBot, area: QRect) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    open_at(window, QByteArray(), (area,))
    assert whole(window.geometry(), area)
    assert window.size() == FIRST_SIZE.boundedTo(QSize(area.width(), area.height() - TITLE_BAR))
    assert window.minimumSize() == LEAST_SIZE.boundedTo(QSize(area.width(), area.height() - TITLE_BAR))


def test_a_remembered_place_on_a_monitor_that_has_gone_comes_back(qtbot: QtBot) -> None:
    before, after = QWidget(), QWidget()
    for window in (before, after):
        qtbot.addWidget(window)
    before.setGeometry(2200, 100, 2000, 1200)
    open_at(after, before.saveGeometry(), (LAPTOP,))
    assert whole(after.geometry(), LAPTOP)
    assert fitted(QRect(2200, 100, 2000, 1200), (LAPTOP,)).size() == QSize(1366, 728 - TITLE_BAR)


def test_a_remembered_place_that_is_in_sight_stays() -> None:
    place = QRect(2100, 300, 1200, 700)
    assert fitted(place, (DESK, BESIDE)) == place


def test_without_a_screen_the_first_size_is_as_it_is(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    open_at(window, QByteArray(), ())
    assert window.size() == FIRST_SIZE


def test_a_hidden_window_comes_back_from_a_monitor_that_was_taken_away(qtbot: QtBot) -> None:
    window = QWidget()
    qtbot.addWidget(window)
    window.setGeometry(2200, 100, 1200, 700)
    keep_in_sight(window, (DESK, BESIDE))
    assert window.geometry() == QRect(2200, 100, 1200, 700)
    keep_in_sight(window, (DESK,))
    assert whole(window.geometry(), DESK)


@given(wanted=st.none() | rects, areas=areas)
def test_the_window_is_always_whole_on_one_screen(wanted: QRect | None, areas: list[QRect]) -> None:
    place = fitted(wanted, areas)
    assert any(whole(place, area) for area in areas)
