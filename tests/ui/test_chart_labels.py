"""Labels of a chart lie on nothing."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest
from fake_engine import NOW, FakeEngine
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import QRectF
from pytestqt.qtbot import QtBot

from tests.idea_maker import make_idea
from ui.main_window import MainWindow
from ui.pages.ideas import IdeasPage
from ui.widgets.chart_labels import free_place, spread

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support")

WANTED = st.lists(st.floats(0, 300), min_size=1, max_size=6)


@given(WANTED)
def test_labels_keep_apart_in_order_and_inside(wanted: list[float]) -> None:
    found = spread(wanted, 19, 0, 300)
    order = sorted(range(len(wanted)), key=lambda place: wanted[place])
    middles = [found[place] for place in order]
    assert all(later - earlier >= 19 - 1e-6 for earlier, later in pairwise(middles))
    assert min(found) >= 9.5 - 1e-6
    assert max(found) <= 290.5 + 1e-6


def test_labels_with_room_stay_where_they_belong() -> None:
    assert spread([100.0, 20.0, 60.0], 19, 0, 300) == [100.0, 20.0, 60.0]
    assert spread([100.0, 100.0], 20, 0, 300) == [90.0, 110.0]


def test_the_first_place_that_is_free() -> None:
    boxes = [QRectF(0, 0, 10, 10), QRectF(20, 0, 10, 10)]
    assert free_place(boxes, []) == boxes[0]
    assert free_place(boxes, [QRectF(5, 5, 1, 1)]) == boxes[1]
    assert free_place(boxes, [QRectF(5, 5, 30, 1)]) is None


@pytest.mark.parametrize("height", [40, 60, 110, 300])
def test_levels_of_an_idea_are_legible_at_any_size(
    qtbot: QtBot, engine: FakeEngine, window: MainWindow, height: int
) -> None:
    engine.storage.paths.create()
    make_idea(engine.storage.paths, NOW - timedelta(minutes=2))
    window.show_page("ideas")
    page = window.current_page
    assert isinstance(page, IdeasPage)
    qtbot.waitUntil(lambda: page.built)
    chart = page.card.chart
    chart.setMinimumHeight(0)
    chart.resize(500, height)
    assert not chart.grab().isNull()
    plot = chart._plot()
    first, last = chart._in_sight()
    low, high = chart._scale(first, last)
    (idea,) = chart._ideas_in_sight()
    levels = chart._levels(idea, plot, lambda price: plot.bottom() - (price - low) / (high - low) * plot.height())
    assert [level.name for level in levels][:1] == ["stop"]
    middles = sorted(level.middle for level in levels)
    assert all(later - earlier >= 19 - 1e-6 for earlier, later in pairwise(middles))
