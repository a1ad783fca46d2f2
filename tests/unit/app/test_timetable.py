"""The timetable at a fake clock: due times, catch-up, sleep, clock changes; nothing is lost silently."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.clock import FakeClock
from app.errors import UserAction
from app.history import RunFilter, RunHistory
from app.inflight import Inflight
from app.runner import Runner
from app.runs import Run, RunState, Trigger
from app.settings import Settings
from app.settings_store import SettingsStore
from app.tasks import CatchUp, Queue, Registry, TaskContext, TaskParams, TaskResult, TaskSpec
from app.timetable import Timetable

NOON = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)
SOON = 10.0


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass
class Lent:
    """Services as far as these tasks use them."""

    clock: FakeClock
    settings: Settings = field(default_factory=Settings)
    storage: Any = None
    terminal: Any = None
    http: Any = None
    engine_facts: Callable[[], dict[str, Any]] = dict


class House:
    """A timetable over a runner, at a fake clock; may be closed and opened again like the program."""

    def __init__(self, folder: Path, now: datetime = NOON) -> None:
        self.folder = folder
        self.clock = FakeClock(now)
        self.registry = Registry()
        self.ran: list[datetime] = []
        self.lock = threading.Lock()

    def add(self, task: str, schedule: str, **more: Any) -> None:
        def run(ctx: TaskContext, params: TaskParams) -> TaskResult:
            return TaskResult()

        more.setdefault("queue", Queue.MONITORING)
        self.registry.add(TaskSpec(task, task.title(), "For a test.", run=run, schedule=schedule, **more))

    def open(self, **more: Any) -> None:
        self.store = SettingsStore(self.folder / "settings.toml")
        self.store.load()
        self.history = RunHistory(self.folder / "metronome.db", self.clock)
        self.inflight = Inflight(self.folder / "metronome.inflight")
        self.runner = Runner(
            self.registry, Lent(self.clock), self.history, self.inflight, self.clock, {queue: 2 for queue in Queue}
        )
        self.timetable = Timetable(self.registry, self.runner, self.history, self.store, self.clock)
        self.timetable.start(thread=False, **more)

    def close(self) -> None:
        self.timetable.stop()
        self.runner.stop(SOON)
        self.history.close()
        self.inflight.close()

    def kill(self) -> None:
        """End without the marks of a clean stop."""
        self.timetable._mark_all = lambda now: None  # type: ignore[method-assign]
        self.close()

    def step(self, seconds: float) -> None:
        """Time passes; the scheduler looks once; everything that it started ends."""
        self.clock.advance(seconds)
        self.look()

    def look(self) -> None:
        self.timetable.round()
        assert self.runner.wait_idle(SOON)

    def pass_time(self, seconds: float) -> None:
        """Time passes with the rounds that the scheduler's thread would make."""
        left = seconds
        while left > 0:
            wait = self.timetable.round()
            self.look()
            step = min(max(wait or 20.0, 0.001), left)
            self.clock.advance(step)
            left -= step
        self.look()

    def runs(self, task: str, *states: RunState) -> list[Run]:
        return list(reversed(self.history.page(RunFilter(task=task, states=states), 1000)))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.close()


def test_due_tasks_run_and_their_lateness_is_recorded(house: House) -> None:
    house.add("quarter", "*/15 * * * *")
    house.add("five", "*/5 * * * *")
    house.open()
    house.pass_time(3600)
    assert [run.due_at for run in house.runs("quarter")] == [NOON + timedelta(minutes=15 * n) for n in range(1, 5)]
    assert len(house.runs("five")) == 12
    run = house.runs("five")[0]
    assert (run.trigger, run.state, run.lateness_s) == (Trigger.SCHEDULE, RunState.SUCCEEDED, 0.0)
    timing = house.timetable.snapshot().tasks["five"]
    assert timing.next_run == NOON + timedelta(minutes=65)
    assert timing.description == "every 5 min"


def test_two_hundred_tasks_due_together_all_run(house: House) -> None:
    for number in range(200):
        house.add(f"task{number}", "*/15 * * * *")
    house.open()
    house.pass_time(900)
    assert house.history.count(RunFilter(states=(RunState.SUCCEEDED,))) == 200


@pytest.mark.allow_warnings
def test_a_stall_of_four_seconds_loses_nothing_silently(house: House) -> None:
    house.add("second", "every 1 s")
    house.open()
    house.step(1)
    house.step(4)
    house.step(1)
    succeeded = house.runs("second", RunState.SUCCEEDED)
    (missed,) = house.runs("second", RunState.MISSED)
    assert [run.due_at for run in succeeded] == [NOON + timedelta(seconds=n) for n in (1, 5, 6)]
    assert missed.result == {"missed": 3}
    assert "12:00:02" in missed.reason
    assert "12:00:04" in missed.reason


@pytest.mark.parametrize(
    ("rule", "triggers", "missed"),
    [
        (CatchUp.SKIP, [], 864),
        (CatchUp.RUN_ONCE, [Trigger.CATCH_UP], 863),
        (CatchUp.LATEST_ONLY, [Trigger.CATCH_UP], 863),
    ],
)
@pytest.mark.allow_warnings
def test_seventy_two_hours_of_sleep(house: House, rule: CatchUp, triggers: list[Trigger], missed: int) -> None:
    house.add("five", "*/5 * * * *", catch_up=rule)
    house.open()
    house.step(10)
    house.clock.sleep(72 * 3600)
    house.look()
    assert house.runs("five") == [], "work settles first"
    house.pass_time(31)
    ended = house.runs("five", RunState.SUCCEEDED)
    assert [run.trigger for run in ended] == triggers
    (gap,) = house.runs("five", RunState.MISSED)
    assert gap.result == {"missed": missed}
    assert "slept" in gap.reason
    house.pass_time(300)
    assert house.runs("five", RunState.SUCCEEDED)[-1].trigger is Trigger.SCHEDULE


@pytest.mark.allow_warnings
def test_a_one_second_task_does_not_replay_72_hours(house: House) -> None:
    house.add("second", "every 1 s", catch_up=CatchUp.RUN_ONCE)
    house.open()
    house.clock.sleep(72 * 3600)
    house.look()
    house.pass_time(32)
    assert sum(run.result["missed"] for run in house.runs("second", RunState.MISSED)) >= 259_199
    assert len(house.runs("second", RunState.MISSED)) <= 3
    assert len(house.runs("second", RunState.SUCCEEDED)) <= 4


@pytest.mark.allow_warnings
def test_latest_only_does_not_make_up_for_what_is_older_than_a_period(house: House) -> None:
    house.add("hourly", "0 * * * *", catch_up=CatchUp.LATEST_ONLY)
    house.open()
    house.close()
    house.clock.advance(90 * 60)  # 13:00 went by, half an hour ago: younger than one period
    house.open()
    house.look()
    assert [run.trigger for run in house.runs("hourly")] == [Trigger.CATCH_UP]


@pytest.mark.allow_warnings
def test_what_was_due_while_the_program_was_closed(house: House) -> None:
    house.add("skipper", "*/15 * * * *", catch_up=CatchUp.SKIP)
    house.add("maker", "daily 13:00", catch_up=CatchUp.RUN_ONCE)
    house.add("starter", "*/15 * * * *", catch_up=CatchUp.RUN_ONCE)
    house.open()
    house.close()
    house.clock.advance(5 * 3600)
    house.open(made_up_elsewhere=frozenset({"starter"}))
    house.look()
    (missed,) = house.runs("skipper")
    assert (missed.state, missed.result) == (RunState.MISSED, {"missed": 20})
    assert "not running" in missed.reason
    (made_up,) = house.runs("maker")
    assert (made_up.trigger, made_up.due_at) == (Trigger.CATCH_UP, at("2025-06-03T13:00:00"))
    (left_to_start,) = house.runs("starter")
    assert left_to_start.state is RunState.MISSED
    house.close()
    house.open()
    assert len(house.runs("skipper")) == 1, "told once"


@pytest.mark.allow_warnings
def test_after_a_kill_nothing_is_told_twice_and_nothing_is_forgotten(house: House) -> None:
    house.add("five", "*/5 * * * *", catch_up=CatchUp.SKIP)
    house.open()
    house.pass_time(15 * 60)  # 12:05, 12:10, 12:15
    house.kill()
    house.clock.advance(10 * 60)  # 12:20, 12:25
    house.open()
    (missed,) = house.runs("five", RunState.MISSED)
    assert missed.result == {"missed": 2}


def test_a_first_start_has_missed_nothing(house: House) -> None:
    house.add("five", "*/5 * * * *", catch_up=CatchUp.RUN_ONCE)
    house.open()
    house.look()
    assert house.runs("five") == []


def test_daily_on_both_days_of_a_clock_change(tmp_path: Path) -> None:
    for start, due in (
        (at("2025-03-29T12:00:00"), [at("2025-03-30T01:30:00"), at("2025-03-31T00:30:00")]),
        (at("2025-10-25T12:00:00"), [at("2025-10-26T00:30:00"), at("2025-10-27T01:30:00")]),
    ):
        house = House(tmp_path / start.strftime("%m"), start)
        house.folder.mkdir()
        house.add("daily", "daily 02:30")
        house.open()
        house.timetable.set_schedule("daily", "daily 02:30", "Europe/Berlin")
        house.pass_time(40 * 3600)
        assert [run.due_at for run in house.runs("daily")] == due
        house.close()


@pytest.mark.allow_warnings
def test_a_clock_set_back_does_not_repeat_a_daily_task_but_goes_on_with_short_ones(house: House) -> None:
    house.add("daily", "daily 12:30")
    house.add("five", "*/5 * * * *")
    house.open()
    house.pass_time(45 * 60)
    assert len(house.runs("daily")) == 1
    before = len(house.runs("five"))
    house.clock.jump(-3600)  # 11:45 again
    house.look()
    assert house.timetable.snapshot().tasks["five"].next_run == at("2025-06-03T11:50:00")
    house.pass_time(3600)
    assert len(house.runs("daily")) == 1, "12:30 has happened already"
    assert len(house.runs("five")) == before + 12
    assert house.timetable.snapshot().tasks["daily"].next_run == at("2025-06-04T12:30:00")


@pytest.mark.allow_warnings
def test_a_clock_that_was_a_year_ahead_does_not_stop_daily_tasks_for_a_year(house: House) -> None:
    house.add("daily", "daily 12:30")
    house.open()
    house.pass_time(45 * 60)
    house.clock.jump(-365 * 86400)
    house.look()
    assert house.timetable.snapshot().tasks["daily"].next_run == at("2024-06-04T12:30:00")  # it is 12:45


@pytest.mark.allow_warnings
def test_a_clock_set_forward_by_two_hours_is_a_gap(house: House) -> None:
    house.add("quarter", "*/15 * * * *", catch_up=CatchUp.RUN_ONCE)
    house.open()
    house.step(5)
    house.clock.jump(7200)
    house.look()
    house.pass_time(31)
    (made_up,) = house.runs("quarter", RunState.SUCCEEDED)
    assert made_up.trigger is Trigger.CATCH_UP
    (missed,) = house.runs("quarter", RunState.MISSED)
    assert missed.result == {"missed": 7}


def test_pause_survives_a_restart_and_is_not_made_up_for(house: House) -> None:
    house.add("five", "*/5 * * * *", catch_up=CatchUp.RUN_ONCE)
    house.open()
    house.timetable.pause_all()
    house.pass_time(1800)
    house.close()
    house.open()
    snapshot = house.timetable.snapshot()
    assert snapshot.paused
    assert (snapshot.tasks["five"].next_run, snapshot.tasks["five"].why_not) == (None, "All tasks are paused.")
    house.pass_time(1800)
    house.timetable.resume_all()
    house.look()
    assert house.runs("five") == []
    house.pass_time(300)
    assert [run.trigger for run in house.runs("five")] == [Trigger.SCHEDULE]


def test_a_task_switched_off_says_so_and_can_still_be_run_by_hand(house: House) -> None:
    house.add("five", "*/5 * * * *")
    house.open()
    house.timetable.set_enabled("five", False)
    house.pass_time(900)
    assert house.runs("five") == []
    timing = house.timetable.snapshot().tasks["five"]
    assert (timing.enabled, timing.next_run, timing.why_not) == (False, None, "This task is switched off.")
    assert house.runner.wait(house.runner.submit("five").run_id, SOON) is not None
    house.timetable.set_enabled("five", True)
    house.pass_time(300)
    assert len(house.runs("five")) == 2


def test_editing_a_schedule(house: House) -> None:
    house.add("five", "*/5 * * * *")
    house.open()
    told: list[int] = []
    house.timetable.subscribe(lambda: told.append(1))
    house.timetable.set_schedule("five", "every 30 s")
    assert told
    assert house.timetable.snapshot().tasks["five"].next_run == NOON + timedelta(seconds=30)
    with pytest.raises(UserAction, match="sometimes"):
        house.timetable.set_schedule("five", "sometimes")
    house.timetable.set_schedule("five", "manual")
    timing = house.timetable.snapshot().tasks["five"]
    assert (timing.next_run, timing.why_not) == (None, "Runs on demand only.")
    house.close()
    house.open()
    assert house.timetable.snapshot().tasks["five"].schedule_text == "manual"


def test_preview_shows_the_next_five(house: House) -> None:
    house.open()
    assert house.timetable.preview("daily 02:00", "Asia/Tokyo") == tuple(
        at("2025-06-03T17:00:00") + timedelta(days=n) for n in range(5)
    )


@pytest.mark.allow_warnings("now and then")
def test_a_bad_schedule_in_the_settings_file_falls_back_and_says_so(house: House) -> None:
    (house.folder / "settings.toml").write_text('[tasks.five]\nschedule = "now and then"\n')
    house.add("five", "*/5 * * * *")
    house.open()
    timing = house.timetable.snapshot().tasks["five"]
    (problem,) = house.store.problems
    assert "now and then" in problem
    assert "settings.toml" in problem
    assert timing.next_run == NOON + timedelta(minutes=5)


def test_the_real_thread_keeps_time(tmp_path: Path) -> None:
    from app.clock import SystemClock

    house = House(tmp_path)
    house.clock = SystemClock()  # type: ignore[assignment] # the one test at the real clock
    house.add("second", "every 1 s")
    house.store = SettingsStore(tmp_path / "settings.toml")
    house.store.load()
    house.history = RunHistory(tmp_path / "metronome.db", house.clock)
    house.inflight = Inflight(tmp_path / "metronome.inflight")
    house.runner = Runner(
        house.registry, Lent(house.clock), house.history, house.inflight, house.clock, {queue: 1 for queue in Queue}
    )
    house.timetable = Timetable(house.registry, house.runner, house.history, house.store, house.clock)
    ran = threading.Event()
    house.runner.subscribe(lambda run: ran.set())
    house.timetable.start()
    assert ran.wait(SOON)
    (run, *_) = house.runs("second")
    assert (run.trigger, run.state) == (Trigger.SCHEDULE, RunState.SUCCEEDED)
    house.close()
