"""Ran, but did it work? Months of quiet, silent failures found, changes learned; and what a run costs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simulated_months import BEGIN, KINDS, Dice, quiet, runs

from app.clock import FakeClock
from app.engine import Engine
from app.expectation import Ended
from app.history import RunHistory
from app.paths import Paths
from app.runs import Run, RunState, Trigger
from app.settings_store import SettingsStore
from app.storage import Storage
from app.tasks import Queue, Registry, TaskContext, TaskParams, TaskResult, TaskSpec
from workers.health.normal import STATE_NAME, Normal
from workers.health.usual import RELEARN

WEEKS = 8
BY_NAME = {kind.task: kind for kind in KINDS}


class Home:
    """A home without an engine, whose expectation is asked."""

    def __init__(self, paths: Paths, clock: FakeClock) -> None:
        self.clock = clock
        self.history = RunHistory(paths.database, clock)
        self.settings = SettingsStore(paths.settings_file)
        self.settings.load()
        self.storage = Storage(paths, clock)

    def normal(self) -> Normal:
        """A new one, as after a start."""
        return Normal(self.history, self.settings, self.storage)


@pytest.fixture
def at_home(paths: Paths, fake_clock: FakeClock) -> Iterator[Home]:
    found = Home(paths, fake_clock)
    yield found
    found.history.close()


@pytest.mark.parametrize(("seed", "off"), [(1, False), (2, True)])
def test_at_most_one_false_warning_a_week(at_home: Home, seed: int, off: bool) -> None:
    normal = at_home.normal()
    told = [
        sentence
        for number, kind in enumerate(KINDS)
        for ended in runs(kind, Dice(seed * 100 + number), 7 * WEEKS, off=off)
        if (sentence := normal.judge(ended))
    ]
    assert len(told) <= WEEKS, told


Change = Callable[[Ended], Ended]


def result(**values: Any) -> Change:
    return lambda ended: replace(ended, result={**ended.result, **values})


def lasting(seconds: float) -> Change:
    return lambda ended: replace(ended, seconds=seconds)


#: Silent failures: the run succeeds, and something is wrong. Task, weeks of history before it, what, and its words.
FAILURES: tuple[tuple[str, int, Change, str], ...] = (
    ("collect_rss_news", 3, result(articles=0), "0 articles, usually"),
    ("collect_market_data", 2, result(collected=0, fresh=0), "0 collected, usually 23"),
    ("collect_market_data", 2, result(collected=12, fresh=12), "12 collected, usually 23"),
    ("collect_market_data", 2, result(bars_appended=0), "0 bars appended, usually"),
    ("collect_market_data", 2, lasting(12.0), "it took 12 s, usually 0."),
    ("update_economic_calendar", 8, result(events=3), "3 events, usually"),
    ("update_symbol_info", 8, result(symbols=2), "2 symbols, usually 1,204"),
    ("system_health_check", 3, result(checks=[{}] * 2, ok=2), "2 checks, usually 14"),
    ("evaluate_all_strategies", 3, lasting(0.02), "it took 0.0 s, usually"),
    ("evaluate_all_strategies", 3, result(evaluated=8), "8 evaluated, usually 48"),
    ("collect_market_data", 2, lambda ended: replace(ended, files=0), "0 files written, usually 23"),
)


@pytest.mark.parametrize(("task", "weeks", "change", "words"), FAILURES)
def test_each_silent_failure_is_found_within_three_runs(
    at_home: Home, task: str, weeks: int, change: Change, words: str
) -> None:
    normal = at_home.normal()
    begins = BEGIN + timedelta(days=7 * weeks + 1, hours=10)
    after = 0
    for ended in runs(BY_NAME[task], Dice(7), 7 * weeks + 5):
        if ended.at < begins or quiet(ended.at):
            normal.judge(ended)
            continue
        after += 1
        if words in normal.judge(change(ended)):
            return
        assert after < 3, f"{task}: not found"


def steady(count: int, found: int, begin: datetime = BEGIN, seconds: float = 0.5) -> Iterator[Ended]:
    """Hourly runs in the middle of market days, each with the same count."""
    at = begin
    while count:
        if 9 <= at.hour < 12 and at.weekday() < 5:
            yield Ended("look", {}, {"found": found}, seconds, 0, at)
            count -= 1
        at += timedelta(minutes=10)


def test_a_deliberate_change_is_learned(at_home: Home) -> None:
    normal = at_home.normal()
    for ended in steady(60, 40):
        assert normal.judge(ended) == ""
    later = BEGIN + timedelta(days=14)
    told = [normal.judge(ended) for ended in steady(60, 8, later)]
    assert "8 found, usually 40" in "".join(told[:3])
    assert sum(map(bool, told)) <= RELEARN
    assert not any(told[RELEARN + 1 :])
    again = [normal.judge(ended) for ended in steady(3, 0, later + timedelta(days=14))]
    assert "0 found, usually 8" in "".join(again)


def test_a_change_of_settings_begins_anew_also_across_a_start(at_home: Home) -> None:
    normal = at_home.normal()
    last = BEGIN
    for ended in steady(60, 40):
        keep(at_home, ended)
        normal.judge(ended)
        last = ended.at
    at_home.settings.set("market.watch_list", "EURUSD")
    later = BEGIN + timedelta(days=14)
    at_home.clock.jump((later - at_home.clock.now()).total_seconds())
    few = list(steady(10, 5, later))
    assert last < later
    assert not any(normal.judge(ended) for ended in few[:5])
    assert not any(at_home.normal().judge(ended) for ended in few[5:])


def keep(home: Home, ended: Ended, state: RunState = RunState.SUCCEEDED) -> None:
    keep_in(home.history, ended, state)


def test_settings_that_were_only_tried_cost_nothing(at_home: Home) -> None:
    for ended in steady(60, 40):
        keep(at_home, ended)
    later = list(steady(6, 0, BEGIN + timedelta(days=14)))
    at_home.normal().judge(later[0])
    before = at_home.settings.get("market.watch_list")
    at_home.settings.set("market.watch_list", "EURUSD")
    at_home.normal().judge(later[1])
    at_home.settings.set("market.watch_list", before)
    normal = at_home.normal()
    assert "0 found, usually 40" in "".join(normal.judge(ended) for ended in later[2:])


def test_it_knows_from_the_history_what_was_before_the_start(at_home: Home) -> None:
    for ended in steady(60, 40):
        keep(at_home, ended)
    later = BEGIN + timedelta(days=14)
    normal = at_home.normal()
    sentences = [normal.judge(ended) for ended in steady(3, 0, later)]
    assert "0 found, usually 40" in "".join(sentences)


def test_failed_runs_teach_nothing(at_home: Home) -> None:
    for ended in steady(60, 0):
        keep(at_home, ended, RunState.FAILED)
    normal = at_home.normal()
    assert not any(normal.judge(ended) for ended in steady(19, 40, BEGIN + timedelta(days=14)))


def test_other_parameters_are_another_matter(at_home: Home) -> None:
    normal = at_home.normal()
    for ended in steady(60, 40):
        normal.judge(ended)
    later = BEGIN + timedelta(days=14)
    for ended in steady(30, 1, later):
        assert normal.judge(replace(ended, params={"days": 1})) == ""


def test_weekends_and_holidays_are_quiet(at_home: Home) -> None:
    normal = at_home.normal()
    for ended in steady(200, 40):
        normal.judge(ended)
    for day in (datetime(2025, 4, 19, tzinfo=UTC), datetime(2025, 12, 25, tzinfo=UTC)):
        for minute in range(0, 180, 10):
            at = day + timedelta(hours=9, minutes=minute)
            assert normal.judge(Ended("look", {}, {"found": 0}, 0.5, 0, at)) == ""


def test_short_runs_that_count_nothing_are_seldom_looked_at(at_home: Home) -> None:
    normal = at_home.normal()
    assert normal.wants("look", 1000.0, 0.01)
    assert not normal.wants("look", 1001.0, 0.01)
    assert normal.wants("look", 1002.0, 7.0)
    assert normal.wants("other", 1002.0, 0.01)
    assert normal.wants("look", 1032.0, 0.01)


def test_the_setting_switches_it_off(at_home: Home) -> None:
    normal = at_home.normal()
    for ended in steady(60, 40):
        normal.judge(ended)
    at_home.settings.set("health.out_of_character", "false")
    assert not any(normal.judge(ended) for ended in steady(5, 0, BEGIN + timedelta(days=14)))


def test_a_damaged_memory_of_the_settings_begins_anew(at_home: Home) -> None:
    at_home.storage.write_json(at_home.storage.paths.data / STATE_NAME, {"settings": 5, "before": 7})
    normal = at_home.normal()
    assert not any(normal.judge(ended) for ended in steady(5, 0))
    known = at_home.storage.read_json(at_home.storage.paths.data / STATE_NAME)
    assert known is not None
    assert len(known["settings"]) == 16


class Found(TaskResult):
    found: int


@pytest.mark.allow_warnings("out of character")
def test_the_run_is_marked_with_the_sentence(paths: Paths) -> None:
    """Through the whole engine: history, runner, row."""

    def look(_ctx: TaskContext, _params: TaskParams) -> Found:
        return Found(found=0)

    clock = FakeClock(BEGIN + timedelta(days=14, hours=10))
    settings = SettingsStore(paths.settings_file, {"terminal.kind": "simulated"})
    settings.load()
    spec = TaskSpec("look", "Look", "", Queue.MONITORING, look, result=Found)
    engine = Engine(paths, settings, Registry([spec], expects=Normal), clock)
    for ended in steady(90, 40):
        keep_in(engine.history, ended)
    engine.start(schedule=False)
    try:
        states = []
        for _ in range(4):
            run = engine.runner.wait(engine.runner.submit("look").run_id, 10.0)
            assert run is not None
            states.append((run.state, run.reason, run.warnings))
            clock.advance(600)
    finally:
        engine.stop()
    sentence = "It ran, but out of character: 0 found, usually 40."
    assert states[0][0] is RunState.SUCCEEDED  # the first run after a pause makes up for what went by
    assert states[1] == (RunState.SUCCEEDED_WITH_WARNINGS, sentence, (sentence,))


def keep_in(history: RunHistory, ended: Ended, state: RunState = RunState.SUCCEEDED) -> None:
    history.add(
        Run(
            history.new_run_id(),
            ended.task,
            state,
            Trigger.SCHEDULE,
            ended.at,
            started_at=ended.at,
            finished_at=ended.at,
            duration_s=ended.seconds,
            params=ended.params,
            result=ended.result,
        )
    )


@pytest.mark.allow_warnings("could not be found out")
def test_a_fault_in_the_statistics_costs_no_run(paths: Paths) -> None:
    class Broken:
        def wants(self, *_facts: object) -> bool:
            return True

        def judge(self, _ended: Ended) -> str:
            raise ZeroDivisionError

    settings = SettingsStore(paths.settings_file, {"terminal.kind": "simulated"})
    settings.load()

    def work(_ctx: TaskContext, _params: TaskParams) -> TaskResult:
        return TaskResult()

    def broken(*_parts: object) -> Broken:
        return Broken()

    engine = Engine(paths, settings, Registry([TaskSpec("w", "W", "", Queue.MONITORING, work)], expects=broken))
    engine.start(schedule=False)
    try:
        run = engine.runner.wait(engine.runner.submit("w").run_id, 10.0)
        assert run is not None
        assert run.state is RunState.SUCCEEDED
    finally:
        engine.stop()
