"""The stored runs: nothing lost, found quickly, bounded, and alive after damage."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.clock import FakeClock
from app.history import RunFilter, RunHistory
from app.history_rows import runs_as_csv
from app.runs import Run, RunState, Trigger
from tests.waiting import until

START = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def history(tmp_path: Path, clock: FakeClock) -> Iterator[RunHistory]:
    history = RunHistory(tmp_path / "metronome.db", clock)
    yield history
    history.close()


def a_run(history: RunHistory, task: str = "collect", state: RunState = RunState.SUCCEEDED, minutes: float = 0) -> Run:
    queued = START + timedelta(minutes=minutes)
    return Run(
        run_id=history.new_run_id(),
        task=task,
        state=state,
        trigger=Trigger.SCHEDULE,
        queued_at=queued,
        reason="" if state.is_success else "why",
        advice="do this",
        started_at=queued + timedelta(milliseconds=1),
        finished_at=queued + timedelta(milliseconds=251),
        due_at=queued,
        duration_s=0.25,
        lateness_s=0.001,
        attempt=2,
        params={"symbol": "EURUSD.a", "depth": 3},
        result={"bars": 5, "text": "größer"},
        summary="5 bars",
        warnings=("one", "two"),
        files=("data/bars/EURUSD_M5.csv",),
        error="Traceback",
    )


def test_every_field_comes_back(history: RunHistory) -> None:
    run = a_run(history)
    history.add(run)
    assert history.get(run.run_id) == run
    assert history.last("collect") == run


def test_a_run_is_announced_after_its_row_is_readable(history: RunHistory) -> None:
    run = a_run(history)
    seen: list[Run | None] = []
    history.add(run, lambda stored: seen.append(history.get(stored.run_id)))
    assert seen == [run]


def test_run_ids_rise_even_when_the_clock_is_set_back(history: RunHistory) -> None:
    ids = [history.new_run_id() for _ in range(1000)]
    assert ids == sorted(set(ids))


def test_pages_are_newest_first_and_meet_without_gap_or_repetition(history: RunHistory) -> None:
    runs = [
        a_run(history, f"task{n % 3}", RunState.FAILED if n % 5 == 0 else RunState.SUCCEEDED, minutes=n // 2)
        for n in range(60)
    ]
    for run in runs:
        history.add(run, at_once=False)
    history.add(a_run(history, "last", minutes=99))
    until(lambda: history.count(RunFilter()) == 61)  # the history's own thread may be the one that writes
    wanted = RunFilter(states=(RunState.FAILED, RunState.SUCCEEDED), until=START + timedelta(minutes=40))
    seen: list[Run] = []
    page = history.page(wanted, 7)
    while page:
        seen.extend(page)
        page = history.page(wanted, 7, before=page[-1])
    assert [run.run_id for run in seen] == [run.run_id for run in reversed(runs)]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (RunFilter(), 40),
        (RunFilter(task="task1"), 20),
        (RunFilter(states=(RunState.FAILED,)), 10),
        (RunFilter(task="task0", states=(RunState.FAILED,)), 10),
        (RunFilter(task="task1", states=(RunState.FAILED,)), 0),
        (RunFilter(since=START + timedelta(minutes=10), until=START + timedelta(minutes=19)), 10),
        (RunFilter(task="task0", since=START + timedelta(minutes=38)), 1),
        (RunFilter(task="nobody"), 0),
    ],
)
def test_filters(history: RunHistory, wanted: RunFilter, expected: int) -> None:
    for n in range(40):
        history.add(a_run(history, f"task{n % 2}", RunState.FAILED if n % 4 == 0 else RunState.SUCCEEDED, minutes=n))
    assert len(history.page(wanted, 1000)) == expected
    assert history.count(wanted) == expected


def test_closing_keeps_what_was_handed_over(tmp_path: Path, clock: FakeClock) -> None:
    history = RunHistory(tmp_path / "metronome.db", clock)
    runs = [a_run(history, minutes=n) for n in range(500)]
    for run in runs:
        history.add(run, at_once=False)
    history.close()
    again = RunHistory(tmp_path / "metronome.db", clock)
    assert again.count() == 500
    again.close()


@pytest.mark.parametrize("damage", ["header", "middle", "not a database", "truncated"])
@pytest.mark.allow_warnings
def test_a_damaged_file_is_moved_aside_and_work_goes_on(tmp_path: Path, clock: FakeClock, damage: str) -> None:
    path = tmp_path / "metronome.db"
    history = RunHistory(path, clock)
    for n in range(400):
        history.add(a_run(history, minutes=n))
    history.close()
    whole = path.read_bytes()
    damaged = {
        "header": b"\xff" * 100 + whole[100:],
        "middle": whole[:4096] + b"\xa5" * (len(whole) - 4096),
        "not a database": b"hello",
        "truncated": whole[:5000],
    }[damage]
    path.write_bytes(damaged)
    history = RunHistory(path, clock)
    history.page(limit=1000)
    run = a_run(history)
    history.add(run)
    assert history.get(run.run_id) == run
    assert len(history.notices) == 1
    assert "moved to" in history.notices[0]
    (aside,) = tmp_path.glob("*.damaged-*")
    assert len(aside.read_bytes()) == len(damaged)  # SQLite may have counted its opening in the header
    assert aside.read_bytes()[100:] == damaged[100:]
    assert history.check_integrity() == ""
    history.close()


@pytest.mark.allow_warnings
def test_rows_that_the_disk_refuses_wait_and_are_stored_later(history: RunHistory) -> None:
    first, second = a_run(history), a_run(history)
    announced: list[str] = []
    history.limit_pages(1)  # what a full disk does to SQLite: SQLITE_FULL
    for n in range(200):
        history.add(replace(a_run(history, minutes=n), error="x" * 4000), lambda run: announced.append(run.run_id))
    assert len(announced) == 200
    assert history.facts().waiting > 0
    assert "full" in history.facts().problem
    history.limit_pages(1_000_000)
    history.retry_now()
    history.add(first)
    history.add(second)
    until(lambda: history.facts().rows == 202)  # the history's own thread may be the one that writes
    facts = history.facts()
    assert (facts.rows, facts.waiting, facts.problem) == (202, 0, "")


def test_marks_of_the_timetable(history: RunHistory, clock: FakeClock) -> None:
    assert history.accounted("collect", "*/5 * * * * UTC") is None
    history.mark({"collect": "*/5 * * * * UTC"}, START)
    assert history.accounted("collect", "*/5 * * * * UTC") == START
    assert history.accounted("collect", "daily 02:00 UTC") is None  # another schedule: nothing was missed yet
    run = a_run(history, minutes=30)
    history.add(run)
    clock.advance(3600)
    assert history.accounted("collect", "*/5 * * * * UTC") == run.due_at


def test_csv_has_one_row_a_run_and_no_formulas(history: RunHistory) -> None:
    text = runs_as_csv([replace(a_run(history), summary="=cmd()")])
    header, row = text.splitlines()
    assert header.startswith("run_id,task,state,")
    assert "'=cmd()" in row
    assert ",=cmd()" not in row


@pytest.mark.parametrize("run_id", ["", "zz", "ffffffffffffffffffff", "0"])
def test_an_unknown_run_id_finds_nothing(history: RunHistory, run_id: str) -> None:
    assert history.get(run_id) is None


def test_text_that_no_file_can_hold_costs_neither_the_run_nor_its_neighbours(history: RunHistory) -> None:
    bad = replace(a_run(history), reason="bad\udcff", warnings=("x\udcff",), result={"file": "y\udcff"})
    good = a_run(history)
    history.add(bad, at_once=False)
    history.add(good)
    history.close()
    again = RunHistory(history.path, FakeClock(START))
    stored = again.get(bad.run_id)
    assert stored is not None
    assert (stored.reason, stored.warnings, stored.result) == ("bad\\udcff", ("x\\udcff",), {"file": "y\\udcff"})
    assert again.get(good.run_id) == good
    again.close()


@pytest.mark.allow_warnings
def test_a_file_with_other_columns_is_moved_aside(tmp_path: Path, clock: FakeClock) -> None:
    path = tmp_path / "metronome.db"
    with closing(sqlite3.connect(path)) as foreign:
        foreign.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, name TEXT)")
        foreign.commit()
    history = RunHistory(path, clock)
    run = a_run(history)
    history.add(run)
    assert history.get(run.run_id) == run
    assert len(history.notices) == 1
    history.close()


def test_a_row_that_somebody_edited_is_shown_as_damaged(history: RunHistory) -> None:
    run = a_run(history)
    history.add(run)
    with closing(sqlite3.connect(history.path)) as editor:
        editor.execute("UPDATE runs SET state='splendid', result='{'")
        editor.commit()
    (shown,) = history.page()
    assert "damaged" in shown.reason


@pytest.mark.allow_warnings
def test_runs_that_wait_for_the_disk_are_seen_and_counted(history: RunHistory) -> None:
    history.limit_pages(1)
    runs = [replace(a_run(history, f"task{n % 2}", minutes=n), error="x" * 4000) for n in range(40)]
    for run in runs:
        history.add(run)
    assert history.facts().waiting > 0
    assert history.count() == 40
    assert [run.run_id for run in history.page(limit=100)] == [run.run_id for run in reversed(runs)]
    assert history.get(runs[-1].run_id) == runs[-1]
    assert len(history.page(RunFilter(task="task1"), 100)) == 20


def test_what_was_written_under_a_wrong_clock_accounts_for_nothing(history: RunHistory) -> None:
    history.mark({"collect": "key"}, START - timedelta(hours=1))
    history.add(a_run(history, minutes=60 * 24 * 200))
    assert history.accounted("collect", "key") == START - timedelta(hours=1)
