"""The models keep Qt's rules, and their rows change one by one."""

import logging
from dataclasses import dataclass
from datetime import datetime, timedelta

import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import Qt

from app.runs import Progress, RunState
from ui.models.log_lines import LogLines
from ui.models.run_table import Column as RunColumn
from ui.models.run_table import RunTable
from ui.models.task_table import Column, Role, TaskTable


@dataclass
class Line:
    """A log line."""

    time: datetime
    level: str
    logger: str
    task: str
    run: str
    text: str


def line(number: int, level: str = "INFO", task: str = "", run: str = "") -> Line:
    return Line(NOW + timedelta(seconds=number), level, "app.runner", task, run, f"line {number}")


@pytest.fixture
def table(engine: FakeEngine, qtmodeltester) -> TaskTable:
    table = TaskTable()
    qtmodeltester.check(table)
    table.set_tasks(engine.registry, NOW)
    table.apply_timetable(engine.timetable.snapshot())
    table.set_recent({spec.id: engine.history.recent(spec.id, 50) for spec in engine.registry})
    return table


def text(table: TaskTable, task: str, column: Column) -> str:
    return str(table.index(table.place_of(task), column).data())


@pytest.fixture
def changed(table: TaskTable) -> list[tuple[int, int, int]]:
    """Row, first and last column of every dataChanged; a reset fails the test."""
    seen: list[tuple[int, int, int]] = []
    table.dataChanged.connect(lambda a, b, _roles: seen.append((a.row(), a.column(), b.column())))
    table.modelReset.connect(lambda: pytest.fail("the model was reset"))
    return seen


def test_rows_are_grouped_by_queue(table: TaskTable) -> None:
    titles = [str(table.index(place, 0).data()) for place in table.group_places()]
    assert titles == ["AI evaluation", "Data collection", "Maintenance", "Monitoring"]
    assert table.rowCount() == 13 + 4
    group = table.index(0, 0)
    assert not table.flags(group) & Qt.ItemFlag.ItemIsSelectable


def test_a_row_says_what_was_and_what_comes(table: TaskTable) -> None:
    assert text(table, "collect_market_data", Column.STATE) == "Succeeded"
    assert text(table, "collect_market_data", Column.RESULT) == (
        "23 symbols, 2 stale, 5 bars healed \N{MIDDLE DOT} 2 min ago"
    )
    assert text(table, "collect_market_data", Column.NEXT) == "2:28"
    assert text(table, "optimize_csv_files", Column.RESULT).startswith("Disk full on D:")
    bars = table.index(table.place_of("collect_rss_news"), Column.RECENT).data(Role.BARS)
    assert len(bars) == 50
    assert bars[-1][1] is RunState.SUCCEEDED_WITH_WARNINGS


def test_a_tick_changes_only_cells_whose_words_change(table: TaskTable, changed: list) -> None:
    table.tick(NOW)
    changed.clear()
    table.tick(NOW)
    assert changed == []
    table.tick(NOW + timedelta(seconds=1))
    place = table.place_of("collect_market_data")
    assert (place, Column.NEXT, Column.NEXT) in changed
    assert {column for _row, *ends in changed for column in ends} <= {Column.RESULT, Column.NEXT}
    assert len({row for row, _first, _last in changed}) == len(changed), "one signal for a row"
    manual = table.place_of("backtest_strategy")
    assert all(row != manual for row, _first, _last in changed)


def test_a_run_changes_its_own_row_only(table: TaskTable, changed: list) -> None:
    working = make_run(10**6, "record_trades", RunState.RUNNING, NOW, progress=Progress(2, 4, "Deals"))
    table.apply_runs([working])
    place = table.place_of("record_trades")
    assert changed == [(place, Column.STATE, Column.ACTION)]
    assert text(table, "record_trades", Column.STATE) == "Running 2/4"
    assert table.index(place, Column.ACTION).data(Role.ACTION) == "cancel"
    table.apply_runs([make_run(10**6, "record_trades", RunState.SUCCEEDED, NOW, text="3 deals")])
    assert table.index(place, Column.ACTION).data(Role.ACTION) == "run"
    assert text(table, "record_trades", Column.RESULT).startswith("3 deals")


def test_a_waiting_run_does_not_hide_the_one_at_work(table: TaskTable) -> None:
    table.apply_runs([make_run(10**6, "record_trades", RunState.RUNNING, NOW)])
    table.apply_runs([make_run(10**6 + 1, "record_trades", RunState.QUEUED, NOW)])
    assert text(table, "record_trades", Column.STATE) == "Running"


def test_live_runs_win_over_older_stored_ones(table: TaskTable, engine: FakeEngine) -> None:
    table.apply_runs([make_run(10**6, "record_trades", RunState.SUCCEEDED, NOW, text="new")])
    table.set_recent({"record_trades": engine.history.recent("record_trades", 50)})
    assert text(table, "record_trades", Column.RESULT).startswith("new")


def test_the_end_of_a_run_is_counted_once_however_it_is_heard_of(table: TaskTable) -> None:
    table.apply_runs([make_run(10**6, "record_trades", RunState.RUNNING, NOW)])
    ended = make_run(10**6, "record_trades", RunState.SUCCEEDED, NOW, text="3 deals")
    table.set_recent({"record_trades": (ended,)})
    row = table.row_of("record_trades")
    assert row is not None
    assert row.active is None
    before = row.bars
    table.apply_runs([ended])
    assert row.bars == before


def test_switched_off_and_paused_say_why(table: TaskTable, engine: FakeEngine) -> None:
    engine.timetable.set_enabled("record_trades", False)
    table.apply_timetable(engine.timetable.snapshot())
    assert text(table, "record_trades", Column.STATE) == "Off"
    tip = table.index(table.place_of("record_trades"), Column.NEXT).data(Qt.ItemDataRole.ToolTipRole)
    assert tip == "This task is switched off."
    engine.timetable.pause_all()
    table.apply_timetable(engine.timetable.snapshot())
    assert text(table, "collect_market_data", Column.NEXT) == "paused"


def test_runs_page_in_at_the_bottom_and_live_ones_at_the_top(qtmodeltester) -> None:
    table = RunTable(limit=50)
    qtmodeltester.check(table)
    stored = [make_run(n, "t", RunState.SUCCEEDED, NOW, text=f"run {n}") for n in range(40, 0, -1)]
    table.append(stored[:20])
    table.append(stored[10:])
    assert table.rowCount() == 40
    table.apply([make_run(50, "t", RunState.RUNNING, NOW)])
    table.apply([make_run(50, "t", RunState.FAILED, NOW, text="No disk.")])
    assert table.rowCount() == 41
    assert table.index(0, RunColumn.RESULT).data() == "No disk."
    table.apply([make_run(n, "t", RunState.SUCCEEDED, NOW) for n in range(60, 80)])
    assert table.rowCount() == 50
    oldest = table.oldest()
    assert oldest is not None
    assert table.place_of(oldest.run_id) == 49


def test_log_lines_are_bounded_and_filtered(qtmodeltester) -> None:
    model = LogLines(limit=100)
    qtmodeltester.check(model)
    model.add([line(n, "WARNING" if n % 10 == 0 else "INFO", run="ab" if n % 2 else "") for n in range(250)])
    assert model.rowCount() == 100
    model.set_filter(logging.WARNING, "", "", "")
    assert model.rowCount() == 10
    model.set_filter(logging.DEBUG, "", "ab", "")
    assert model.rowCount() == 50
    model.set_filter(logging.DEBUG, "", "", "LINE 249")
    assert model.rowCount() == 1
    model.add([line(n) for n in range(500)])
    model.set_filter(logging.DEBUG, "", "", "")
    assert model.rowCount() == 100
    assert model.line_at(model.index(99, 0)).text == "line 499"
