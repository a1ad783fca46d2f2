"""The table that keeps its cells as pictures: painted when they change, and only then."""

from __future__ import annotations

import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem
from pytestqt.qtbot import QtBot

from app.runs import RunState
from ui.models.task_table import Column, Role, TaskTable
from ui.theme import Theme
from ui.widgets import picture_table
from ui.widgets.cells import AnyIndex, Cell, StateCell
from ui.widgets.picture_table import PictureTable


class CountingCell(Cell):
    """Remembers what it painted."""

    painted: list[tuple[int, int]]

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        self.painted.append((index.row(), index.column()))
        super().paint(painter, option, index)


@pytest.fixture
def model(engine: FakeEngine) -> TaskTable:
    model = TaskTable()
    model.set_tasks(engine.registry, NOW)
    model.apply_timetable(engine.timetable.snapshot())
    return model


@pytest.fixture
def cell(theme: Theme) -> CountingCell:
    cell = CountingCell(theme)
    cell.painted = []
    return cell


@pytest.fixture
def table(qtbot: QtBot, theme: Theme, model: TaskTable, cell: CountingCell) -> PictureTable:
    table = PictureTable(theme, "Tasks", row_height=30)
    qtbot.addWidget(table)
    table.setModel(model)
    table.setItemDelegate(cell)
    table.resize(900, 700)
    table.show()
    qtbot.waitExposed(table)
    table.grab()
    cell.painted.clear()
    return table


def test_a_repaint_without_a_change_paints_no_cell(table: PictureTable, cell: CountingCell) -> None:
    table.viewport().repaint()
    assert cell.painted == []


def test_only_the_cells_that_changed_are_painted(table: PictureTable, model: TaskTable, cell: CountingCell) -> None:
    model.apply_runs([make_run(10**6, "record_trades", RunState.RUNNING, NOW)])
    table.viewport().repaint()
    place = model.place_of("record_trades")
    assert {row for row, _column in cell.painted} == {place}
    assert Column.TASK not in {column for _row, column in cell.painted}


def test_a_face_that_comes_back_is_copied(table: PictureTable, model: TaskTable, cell: CountingCell) -> None:
    running = make_run(10**6, "record_trades", RunState.RUNNING, NOW)
    place = model.place_of("record_trades")
    for number in range(2):
        model.apply_runs([running])
        table.viewport().repaint()
        model.apply_runs([make_run(10**6 + number, "record_trades", RunState.SUCCEEDED, NOW, text="3 deals")])
        table.viewport().repaint()
        if number == 0:
            cell.painted.clear()
        running = make_run(10**6 + 1, "record_trades", RunState.RUNNING, NOW)
    assert (place, Column.STATE) not in cell.painted


def test_another_theme_and_another_size_paint_anew(
    table: PictureTable, theme: Theme, model: TaskTable, cell: CountingCell
) -> None:
    theme.set_choice("light" if theme.dark else "dark")
    table.viewport().repaint()
    assert {row for row, _column in cell.painted} == set(range(model.rowCount()))
    cell.painted.clear()
    table.setColumnWidth(Column.RESULT, table.columnWidth(Column.RESULT) + 40)
    table.viewport().repaint()
    assert {column for _row, column in cell.painted} == {Column.RESULT}


def test_the_row_in_hand_and_the_row_under_the_mouse_stand_out(
    qtbot: QtBot, theme: Theme, table: PictureTable, model: TaskTable
) -> None:
    place = model.place_of("record_trades")
    y = table.rowViewportPosition(place) + 4

    def ground() -> str:
        return table.viewport().grab().toImage().pixelColor(3, y).name()

    assert ground() == theme.color("panel").name()
    qtbot.mouseMove(table.viewport(), table.visualRect(model.index(place, 0)).center())
    qtbot.waitUntil(lambda: ground() == theme.tint("selected", 0.45).name())
    table.selectRow(place)
    assert ground() == theme.color("selected").name()


def test_a_delegate_of_another_kind_is_refused(table: PictureTable, theme: Theme, model: TaskTable) -> None:
    assert model.index(1, Column.STATE).data(Role.FACE) is not None
    table.setItemDelegateForColumn(Column.STATE, StateCell(theme, Role.LOOK, table))
    table.forget_pictures()
    assert not table.viewport().grab().isNull()
    assert table.model().index(1, 0).data(Qt.ItemDataRole.DisplayRole)


def test_what_is_not_painted_in_time_is_painted_with_the_next(
    qtbot: QtBot,
    table: PictureTable,
    model: TaskTable,
    cell: CountingCell,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(picture_table, "BUDGET_S", 0.0)
    model.apply_runs([make_run(10**6, "record_trades", RunState.RUNNING, NOW)])
    place = model.place_of("record_trades")
    table.viewport().repaint()
    assert cell.painted == [(place, Column.STATE)]
    qtbot.waitUntil(lambda: (place, int(Column.ACTION)) in cell.painted)
    assert cell.painted == sorted(set(cell.painted)), "each once"
