"""What is forgotten: the old and the surplus, and nothing because of a clock that is a rehearsal's or that jumped."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.clock import FakeClock
from app.history import RunHistory
from app.runs import Run, RunState, Trigger

START = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)
DAY = 86_400.0


class Home:
    """One history file, opened again and again, on a computer whose clock the test owns."""

    def __init__(self, folder: Path) -> None:
        self.wall = FakeClock(START)
        self.path = folder / "metronome.db"
        self.history: RunHistory | None = None

    def open(self, clock: FakeClock | None = None, *, keep_days: int = 90, keep_rows: int = 1_000_000) -> RunHistory:
        """Start anew; ``clock`` is that of a rehearsal."""
        self.close()
        self.history = RunHistory(
            self.path, clock or self.wall, keep_days=keep_days, keep_rows=keep_rows, wall=self.wall
        )
        return self.history

    def close(self) -> None:
        if self.history is not None:
            self.history.close()


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    home = Home(tmp_path)
    yield home
    home.close()


def store(history: RunHistory, at: datetime) -> Run:
    """Store a run that was asked for at ``at``."""
    run = Run(history.new_run_id(), "collect", RunState.SUCCEEDED, Trigger.SCHEDULE, at, finished_at=at)
    stored = threading.Event()
    history.add(run, lambda _: stored.set())
    assert stored.wait(10)
    return run


def use(home: Home, history: RunHistory, days: int) -> list[Run]:
    """A run a day."""
    runs = []
    for _ in range(days):
        runs.append(store(history, home.wall.now()))
        home.wall.advance(DAY)
    return runs


def test_old_runs_are_forgotten_by_age(home: Home) -> None:
    history = home.open(keep_days=10)
    use(home, history, 30)
    history.prune()
    kept = history.page(limit=100)
    assert len(kept) == 10
    assert kept[-1].queued_at == home.wall.now() - timedelta(days=10)


def test_the_first_recorded_are_forgotten_when_there_are_too_many(home: Home) -> None:
    history = home.open(keep_rows=30)
    store(history, START + timedelta(days=400))  # a rehearsal of next year, recorded first
    runs = [store(history, START + timedelta(minutes=n)) for n in range(30)]
    history.prune()
    assert {run.run_id for run in history.page(limit=100)} == {run.run_id for run in runs}


@pytest.mark.parametrize("days", [-700, 210])
def test_a_rehearsal_forgets_nothing_of_the_real_runs_nor_they_of_it(home: Home, days: int) -> None:
    real = [store(home.open(), home.wall.now()) for _ in range(3)]
    rehearsed_at = START + timedelta(days=days)
    rehearsal = home.open(FakeClock(rehearsed_at))
    played = store(rehearsal, rehearsed_at)
    rehearsal.prune()
    history = home.open()
    later = store(history, home.wall.now())
    history.prune()
    assert {run.run_id for run in history.page(limit=100)} == {run.run_id for run in (*real, played, later)}


def test_a_rehearsal_is_forgotten_like_any_other_run_when_its_time_has_come(home: Home) -> None:
    played = store(home.open(FakeClock(START - timedelta(days=700))), START - timedelta(days=700))
    history = home.open(keep_days=10)
    use(home, history, 12)
    history.prune()
    assert history.get(played.run_id) is None


def test_a_clock_that_is_a_year_ahead_forgets_nothing(home: Home) -> None:
    runs = use(home, home.open(), 20)
    home.wall.jump(365 * DAY)
    for _ in range(3):  # not at the next start either, when there are runs under the wrong clock
        history = home.open()
        runs.append(store(history, home.wall.now()))
        history.prune()
        home.wall.advance(DAY)
    assert history.count() == len(runs)
    home.wall.jump(-365 * DAY)
    history = home.open()
    runs.append(store(history, home.wall.now()))
    history.prune()
    assert history.count() == len(runs)


def test_a_new_time_is_believed_after_a_week_of_runs(home: Home) -> None:
    history = home.open()
    old = use(home, history, 20)
    home.wall.jump(300 * DAY)  # the computer stood in a cupboard
    history = home.open()
    use(home, history, 6)
    history.prune()
    assert history.get(old[0].run_id) is not None
    use(home, history, 2)
    history.prune()
    assert all(history.get(run.run_id) is None for run in old)
    assert history.count() == 8


def test_a_process_that_stores_nothing_forgets_nothing(home: Home) -> None:
    history = home.open()
    use(home, history, 30)
    history = home.open(keep_days=1)
    history.page()
    history.count()
    history = home.open()
    assert history.count() == 30


def test_a_process_that_stored_one_run_lets_old_ones_go_when_it_ends(home: Home) -> None:
    use(home, home.open(), 30)
    store(home.open(keep_days=10), home.wall.now())
    assert home.open().count() == 11


def test_all_that_is_too_old_goes_however_much_it_is(home: Home) -> None:
    history = home.open(keep_days=1)
    for _ in range(12_000):
        run = Run(history.new_run_id(), "collect", RunState.SUCCEEDED, Trigger.SCHEDULE, home.wall.now())
        history.add(run, at_once=False)
    home.wall.advance(2 * DAY)
    store(history, home.wall.now())
    history.prune()
    assert history.count() == 1
