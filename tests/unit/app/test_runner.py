"""Runs: every outcome of the design, the guard, limits, cancel, retries, and lanes that do not wait for each other."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from app.clock import SystemClock
from app.errors import Blocked, NothingToDo, Retryable, UserAction
from app.history import RunHistory
from app.inflight import Inflight
from app.paths import Paths
from app.runner import Runner
from app.runs import Run, RunState, Trigger
from app.settings import Settings
from app.storage import Storage
from app.tasks import (
    OPEN,
    GateAnswer,
    Overlap,
    Queue,
    Registry,
    Retries,
    TaskContext,
    TaskParams,
    TaskResult,
    TaskSpec,
)
from tests.waiting import until

SOON = 10.0  # seconds that a test waits at most for what takes milliseconds


class Count(TaskResult):
    """A result with something in it."""

    done: int = 0

    def summary(self) -> str:
        return f"{self.done} done"


class Depth(TaskParams):
    """Parameters with a bound."""

    depth: int = Field(3, ge=1, le=9)
    symbol: str = "EURUSD"


@dataclass
class Lent:
    """Services as far as these tasks use them."""

    clock: SystemClock = field(default_factory=SystemClock)
    settings: Settings = field(default_factory=Settings)
    storage: Any = None
    terminal: Any = None
    http: Any = None
    engine_facts: Callable[[], dict[str, Any]] = dict


class Bench:
    """A runner with tasks made for the test."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.lent = Lent()
        self.history = RunHistory(folder / "metronome.db", self.clock)
        self.inflight = Inflight(folder / "metronome.inflight")
        self.registry = Registry()
        self.runner = Runner(
            self.registry, self.lent, self.history, self.inflight, self.clock, {queue: 1 for queue in Queue}
        )
        self.let_go = threading.Event()
        self.began = threading.Semaphore(0)

    def add(self, run: Callable[[TaskContext, Any], TaskResult], task: str = "probe", **more: Any) -> str:
        more.setdefault("queue", Queue.MONITORING)
        self.registry.add(TaskSpec(task, task.title(), "For a test.", run=run, **{"result": TaskResult, **more}))
        return task

    def hold(self, ctx: TaskContext, params: TaskParams) -> TaskResult:
        """Runs until let go; never looks whether it should stop."""
        self.began.release()
        assert self.let_go.wait(SOON)
        return TaskResult()

    def obey(self, ctx: TaskContext, params: TaskParams) -> TaskResult:
        """Runs until let go or asked to stop."""
        self.began.release()
        while not self.let_go.wait(0.005):
            ctx.check_cancelled()
        return TaskResult()

    def done(self, run: Run) -> Run:
        finished = self.runner.wait(run.run_id, SOON)
        assert finished is not None, "the run did not end"
        return finished

    def run(self, task: str, params: Any = None) -> Run:
        return self.done(self.runner.submit(task, params))

    def wait_begun(self) -> None:
        assert self.began.acquire(timeout=SOON)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.let_go.set()
    bench.runner.stop(SOON)
    bench.history.close()
    bench.inflight.close()


def fail_with(error: BaseException) -> Callable[[TaskContext, TaskParams], TaskResult]:
    def run(ctx: TaskContext, params: TaskParams) -> TaskResult:
        raise error

    return run


# -- outcomes ------------------------------------------------------------------------------------------------------


def test_success_carries_result_summary_and_times(bench: Bench) -> None:
    bench.add(lambda ctx, params: Count(done=3), result=Count)
    run = bench.run("probe")
    assert (run.state, run.result, run.summary, run.reason) == (RunState.SUCCEEDED, {"done": 3}, "3 done", "")
    assert run.started_at is not None
    assert run.finished_at is not None
    assert run.queued_at <= run.started_at <= run.finished_at
    assert run.duration_s is not None
    assert bench.history.get(run.run_id) == run


@pytest.mark.allow_warnings
def test_a_warning_makes_it_succeed_with_warnings(bench: Bench) -> None:
    def task(ctx: TaskContext, params: TaskParams) -> TaskResult:
        ctx.warn("One feed timed out.")
        ctx.warn("Another too.")
        return Count(done=1)

    bench.add(task, result=Count)
    run = bench.run("probe")
    assert run.state is RunState.SUCCEEDED_WITH_WARNINGS
    assert run.warnings == ("One feed timed out.", "Another too.")
    assert run.reason == "One feed timed out. (and 1 more)"


@pytest.mark.parametrize(
    ("error", "state"),
    [
        (NothingToDo("The watch list is empty.", advice="Add a symbol."), RunState.SKIPPED),
        (Blocked("The market is closed.", advice="Wait."), RunState.SKIPPED),
        (UserAction("The password is wrong.", advice="Enter it again."), RunState.FAILED),
        (Retryable("The network is away.", advice="Look at the cable."), RunState.FAILED),
    ],
)
@pytest.mark.allow_warnings
def test_the_class_of_the_error_decides(bench: Bench, error: Any, state: RunState) -> None:
    bench.add(fail_with(error))
    run = bench.run("probe")
    assert (run.state, run.reason, run.advice, run.error) == (state, error.message, error.advice, "")


@pytest.mark.parametrize("kind", [UserAction, Retryable])
@pytest.mark.allow_warnings
def test_a_failed_run_keeps_what_was_found_out(bench: Bench, kind: Any) -> None:
    error = kind("No feed could be read.")
    error.findings = {"sources": [{"recognised_as": "sitemap"}]}
    bench.add(fail_with(error))
    assert bench.run("probe").result == {"sources": [{"recognised_as": "sitemap"}]}


@pytest.mark.parametrize("error", [ZeroDivisionError("division by zero"), SystemExit(3), MemoryError()])
@pytest.mark.allow_warnings
def test_a_bug_is_failed_with_its_traceback_and_the_lane_lives(bench: Bench, error: BaseException) -> None:
    bench.add(fail_with(error))
    bench.add(lambda ctx, params: TaskResult(), "other")
    run = bench.run("probe")
    assert run.state is RunState.FAILED
    assert type(error).__name__ in run.reason
    assert "Traceback" in run.error
    assert bench.run("other").state is RunState.SUCCEEDED


class Mute(Exception):
    """Fails when it is asked what it says."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


@pytest.mark.allow_warnings
def test_an_exception_without_words_does_not_end_the_lane(bench: Bench) -> None:
    bench.add(fail_with(Mute()))
    run = bench.run("probe")
    assert (run.state, run.reason) == (RunState.FAILED, "Mute")
    assert "Traceback" in run.error
    assert bench.run("probe").state is RunState.FAILED


@pytest.mark.allow_warnings
def test_sentences_of_a_run_are_one_harmless_line(bench: Bench) -> None:
    bench.add(fail_with(ValueError("a\nb\x00c\x1b[31mred")))
    run = bench.run("probe")
    assert run.reason == "ValueError: a b c [31mred"
    assert "a\nb" in run.error


@pytest.mark.allow_warnings
def test_a_result_of_the_wrong_kind_is_no_success(bench: Bench) -> None:
    bench.add(lambda ctx, params: TaskResult(), result=Count)
    run = bench.run("probe")
    assert run.state is RunState.FAILED
    assert "Count" in run.reason


def test_a_closed_gate_skips_with_its_reason(bench: Bench) -> None:
    class Closed:
        def check(self, ctx: TaskContext) -> GateAnswer:
            return GateAnswer(blocked=True, reason="The terminal is not connected.", advice="Start it.")

    class Open:
        def check(self, ctx: TaskContext) -> GateAnswer:
            return OPEN

    bench.add(fail_with(AssertionError("must not run")), gates=(Open(), Closed()))
    run = bench.run("probe")
    assert (run.state, run.reason, run.advice) == (RunState.SKIPPED, "The terminal is not connected.", "Start it.")


def test_parameters_are_checked_before_anything_runs(bench: Bench) -> None:
    bench.add(lambda ctx, params: Count(done=params.depth), params=Depth, result=Count)
    assert bench.run("probe", {"depth": "5"}).result == {"done": 5}
    assert bench.run("probe").params == {"depth": 3, "symbol": "EURUSD"}
    with pytest.raises(UserAction, match="depth") as caught:
        bench.runner.submit("probe", {"depth": 10})
    assert "depth, symbol" in caught.value.advice
    with pytest.raises(UserAction, match="colour"):
        bench.runner.submit("probe", {"colour": "red"})
    with pytest.raises(UserAction, match="nobody"):
        bench.runner.submit("nobody")


# -- the guard -----------------------------------------------------------------------------------------------------


def test_overlap_skip(bench: Bench) -> None:
    bench.add(bench.obey, overlap=Overlap.SKIP)
    first = bench.runner.submit("probe")
    bench.wait_begun()
    second = bench.runner.submit("probe", trigger=Trigger.SCHEDULE)
    assert second.state is RunState.SKIPPED
    assert first.run_id in second.reason
    bench.let_go.set()
    assert bench.done(first).state is RunState.SUCCEEDED
    assert bench.history.get(second.run_id) is not None


def test_overlap_queue_one(bench: Bench) -> None:
    bench.add(bench.obey, overlap=Overlap.QUEUE_ONE)
    first = bench.runner.submit("probe")
    bench.wait_begun()
    second, third = bench.runner.submit("probe"), bench.runner.submit("probe")
    assert (second.state, third.state) == (RunState.QUEUED, RunState.SKIPPED)
    bench.let_go.set()
    assert bench.done(first).state is RunState.SUCCEEDED
    assert bench.done(second).state is RunState.SUCCEEDED


def test_overlap_replace(bench: Bench) -> None:
    bench.add(bench.obey, overlap=Overlap.REPLACE)
    first = bench.runner.submit("probe")
    bench.wait_begun()
    second = bench.runner.submit("probe")
    finished = bench.done(first)
    assert (finished.state, finished.reason) == (RunState.CANCELLED, "Replaced by a newer request.")
    bench.wait_begun()
    bench.let_go.set()
    assert bench.done(second).state is RunState.SUCCEEDED


def test_replacing_twice_leaves_only_the_newest_waiting(bench: Bench) -> None:
    bench.add(bench.hold, overlap=Overlap.REPLACE)
    bench.runner.submit("probe")
    bench.wait_begun()
    second, third = bench.runner.submit("probe"), bench.runner.submit("probe")
    assert bench.done(second).state is RunState.SKIPPED
    bench.let_go.set()
    assert bench.done(third).state is RunState.SUCCEEDED


def test_replacing_a_run_that_waits_for_its_lane(bench: Bench) -> None:
    bench.add(bench.hold, "busy")
    seen: list[str] = []

    def note(ctx: TaskContext, params: TaskParams) -> TaskResult:
        seen.append(ctx.run_id)
        return TaskResult()

    bench.add(note, overlap=Overlap.REPLACE)
    bench.runner.submit("busy")
    bench.wait_begun()
    waiting = bench.runner.submit("probe")
    newer = bench.runner.submit("probe")
    replaced = bench.done(waiting)  # at once: the lane is still full
    assert (replaced.state, replaced.reason) == (RunState.CANCELLED, "Replaced by a newer request.")
    assert replaced.started_at is None
    newest = bench.runner.submit("probe")
    assert bench.done(newer).state is RunState.CANCELLED
    bench.let_go.set()
    assert bench.done(newest).state is RunState.SUCCEEDED
    assert seen == [newest.run_id]


@pytest.mark.allow_warnings
def test_replacing_a_run_in_its_pause_begins_at_once(bench: Bench) -> None:
    seen: list[str] = []

    def task(ctx: TaskContext, params: TaskParams) -> TaskResult:
        seen.append(ctx.run_id)
        if len(seen) == 1:
            raise Retryable("The network is away.")
        return TaskResult()

    bench.add(task, overlap=Overlap.REPLACE, retries=Retries(attempts=3, base_s=3600, max_s=3600))
    first = bench.runner.submit("probe")
    assert bench.done(first).state is RunState.FAILED
    (pausing,) = bench.runner.snapshot().queued
    newer = bench.runner.submit("probe")
    assert bench.done(newer).state is RunState.SUCCEEDED
    paused = bench.history.get(pausing.run_id)
    assert paused is not None
    assert (paused.state, paused.reason, paused.attempt) == (RunState.CANCELLED, "Replaced by a newer request.", 2)
    assert seen == [first.run_id, newer.run_id]
    assert bench.runner.wait_idle(SOON)


def test_a_run_that_is_cancelled_between_its_queue_and_its_start_does_not_begin(bench: Bench) -> None:
    """The lane hands the run over at the instant at which it was marked, before its end is written."""
    seen: list[str] = []

    def note(ctx: TaskContext, params: TaskParams) -> TaskResult:
        seen.append(ctx.run_id)
        return TaskResult()

    bench.add(bench.hold, "busy")
    bench.add(note)
    bench.runner.submit("busy")
    bench.wait_begun()
    run = bench.runner.submit("probe")
    with bench.runner._lock:
        bench.runner._by_id[run.run_id].ask_to_stop(RunState.CANCELLED, "Cancelled before it began.")
    bench.let_go.set()
    ended = bench.done(run)
    assert (ended.state, ended.reason, ended.started_at) == (RunState.CANCELLED, "Cancelled before it began.", None)
    assert seen == []


def test_a_run_that_is_cancelled_while_its_gates_are_asked_does_no_work(bench: Bench) -> None:
    seen: list[str] = []

    def note(ctx: TaskContext, params: TaskParams) -> TaskResult:
        seen.append(ctx.run_id)
        return TaskResult()

    class Slow:
        """A gate that somebody waits for."""

        name = "slow"

        def check(self, ctx: TaskContext) -> GateAnswer:
            bench.runner.cancel(ctx.run_id)
            return OPEN

    bench.add(note, gates=(Slow(),))
    ended = bench.run("probe")
    assert (ended.state, ended.reason) == (RunState.CANCELLED, "Cancelled on request.")
    assert seen == []


def test_requests_that_replace_each_other_from_eight_threads(bench: Bench) -> None:
    inside: list[int] = []
    worst: list[int] = []
    ran: list[str] = []

    def task(ctx: TaskContext, params: TaskParams) -> TaskResult:
        inside.append(1)
        worst.append(len(inside))
        ran.append(ctx.run_id)
        inside.pop()
        return TaskResult()

    bench.add(task, overlap=Overlap.REPLACE)
    bench.runner.set_widths({Queue.MONITORING: 4})
    runs: list[Run] = []
    threads = [
        threading.Thread(target=lambda: runs.extend(bench.runner.submit("probe") for _ in range(125))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    ended = [bench.done(run) for run in runs]
    assert max(worst) == 1
    assert {run.state for run in ended} <= {RunState.SUCCEEDED, RunState.CANCELLED, RunState.SKIPPED}
    unbegun = {run.run_id for run in ended if run.started_at is None}
    assert not unbegun & set(ran)
    assert {run.run_id for run in ended if run.state is RunState.SUCCEEDED} <= set(ran)
    assert bench.runner.snapshot().queued == ()


def test_a_thousand_requests_from_eight_threads_never_overlap(bench: Bench) -> None:
    inside: list[int] = []
    worst: list[int] = []

    def task(ctx: TaskContext, params: TaskParams) -> TaskResult:
        inside.append(1)
        worst.append(len(inside))
        inside.pop()
        return TaskResult()

    bench.add(task)
    bench.runner.set_widths({Queue.MONITORING: 4})
    runs: list[Run] = []
    threads = [
        threading.Thread(target=lambda: runs.extend(bench.runner.submit("probe") for _ in range(125))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = [bench.done(run).state for run in runs]
    assert len(states) == 1000
    assert set(states) <= {RunState.SUCCEEDED, RunState.SKIPPED}
    assert max(worst) == 1
    assert bench.history.count() == 1000


# -- lanes ---------------------------------------------------------------------------------------------------------


def test_a_lane_never_waits_for_another(bench: Bench) -> None:
    bench.add(bench.hold, "slow", queue=Queue.AI_EVALUATION)
    bench.add(lambda ctx, params: TaskResult(), "quick", queue=Queue.MONITORING)
    bench.runner.submit("slow")
    bench.wait_begun()
    assert bench.run("quick").state is RunState.SUCCEEDED
    lanes = {lane.queue: lane for lane in bench.runner.snapshot().lanes}
    assert (lanes[Queue.AI_EVALUATION].running, lanes[Queue.MONITORING].running) == (1, 0)


def test_a_wider_lane_works_on_several_at_once(bench: Bench) -> None:
    for name in ("one", "two", "three"):
        bench.add(bench.hold, name)
    bench.runner.set_widths({Queue.MONITORING: 3})
    for name in ("one", "two", "three"):
        bench.runner.submit(name)
    for _ in range(3):
        bench.wait_begun()
    assert len(bench.runner.snapshot().running) == 3


def test_a_narrow_lane_lets_them_wait(bench: Bench) -> None:
    bench.add(bench.hold, "one")
    bench.add(bench.hold, "two")
    bench.runner.submit("one")
    bench.wait_begun()
    second = bench.runner.submit("two")
    lane = next(lane for lane in bench.runner.snapshot().lanes if lane.queue is Queue.MONITORING)
    assert (lane.running, lane.queued, lane.stuck) == (1, 1, ())
    bench.let_go.set()
    assert bench.done(second).state is RunState.SUCCEEDED


# -- cancel and limits ---------------------------------------------------------------------------------------------


def test_cancelling_is_visible_until_the_task_has_stopped(bench: Bench) -> None:
    bench.add(bench.obey)
    heard: list[Run] = []
    bench.runner.take_changes()
    run = bench.runner.submit("probe")
    bench.wait_begun()
    assert bench.runner.cancel(run.run_id)
    heard.extend(bench.runner.take_changes())
    finished = bench.done(run)
    assert (finished.state, finished.reason) == (RunState.CANCELLED, "Cancelled on request.")
    assert any(one.cancelling and one.state is RunState.RUNNING for one in heard)
    assert not bench.runner.cancel(run.run_id)


def test_a_waiting_run_is_cancelled_at_once(bench: Bench) -> None:
    bench.add(bench.hold, "one")
    bench.add(fail_with(AssertionError("must not run")), "two")
    bench.runner.submit("one")
    bench.wait_begun()
    second = bench.runner.submit("two")
    assert bench.runner.cancel(second.run_id)
    assert bench.done(second).state is RunState.CANCELLED


@pytest.mark.allow_warnings
def test_the_soft_limit_asks_and_the_task_obeys(bench: Bench) -> None:
    bench.add(bench.obey, soft_limit_s=0.03, hard_limit_s=60)
    run = bench.run("probe")
    assert run.state is RunState.TIMED_OUT
    assert "0.03 s" in run.reason


@pytest.mark.allow_warnings
def test_the_hard_limit_ends_the_run_and_the_lane_goes_on(bench: Bench) -> None:
    bench.add(bench.hold, soft_limit_s=0.02, hard_limit_s=0.04)
    bench.add(lambda ctx, params: TaskResult(), "next")
    run = bench.run("probe")
    assert run.state is RunState.TIMED_OUT
    assert "hard limit" in run.reason
    assert bench.run("next").state is RunState.SUCCEEDED  # while the first thread still hangs
    lane = next(lane for lane in bench.runner.snapshot().lanes if lane.queue is Queue.MONITORING)
    assert [stuck.run_id for stuck in lane.stuck] == [run.run_id]
    bench.let_go.set()
    while any(lane.stuck for lane in bench.runner.snapshot().lanes):
        threading.Event().wait(0.005)
    assert bench.history.get(run.run_id) == run  # what came late has changed nothing


def test_progress_is_seen_while_it_runs(bench: Bench) -> None:
    def task(ctx: TaskContext, params: TaskParams) -> TaskResult:
        ctx.progress(5, 8, "XAUUSD H1")
        return bench.hold(ctx, params)

    bench.add(task)
    bench.runner.take_changes()
    run = bench.runner.submit("probe")
    bench.wait_begun()
    view = bench.runner.unfinished(run.run_id)
    assert view is not None
    assert view.progress is not None
    assert (view.progress.done, view.progress.total, view.progress.text) == (5, 8, "XAUUSD H1")


# -- retries -------------------------------------------------------------------------------------------------------


@pytest.mark.allow_warnings
def test_a_passing_trouble_is_tried_again_with_growing_pauses(bench: Bench) -> None:
    tries: list[float] = []

    def task(ctx: TaskContext, params: TaskParams) -> TaskResult:
        tries.append(ctx.clock.monotonic())
        if len(tries) < 3:
            raise Retryable("The network is away.")
        return Count(done=len(tries))

    bench.add(task, result=Count, retries=Retries(attempts=4, base_s=0.03, max_s=1))
    first = bench.runner.submit("probe")
    last = bench.runner.wait(first.run_id, SOON, follow_retries=True)
    assert last is not None
    assert (last.state, last.attempt, last.trigger) == (RunState.SUCCEEDED, 3, Trigger.RETRY)
    assert tries[1] - tries[0] >= 0.03
    assert tries[2] - tries[1] >= 0.06
    failed = bench.done(first)
    assert failed.state is RunState.FAILED
    assert "Try 2 of 4 follows in 0.03 s." in failed.reason


@pytest.mark.allow_warnings
def test_tries_are_bounded_and_bugs_are_not_tried_again(bench: Bench) -> None:
    bench.add(fail_with(Retryable("away")), retries=Retries(attempts=2, base_s=0.01))
    bench.add(fail_with(ValueError("bug")), "bug", retries=Retries(attempts=5, base_s=0.01))
    last = bench.runner.wait(bench.runner.submit("probe").run_id, SOON, follow_retries=True)
    assert last is not None
    assert (last.attempt, last.state) == (2, RunState.FAILED)
    bench.run("bug")
    assert bench.history.count() == 3


def test_pauses_double_up_to_their_maximum() -> None:
    retries = Retries(attempts=9, base_s=2, max_s=60)
    assert [retries.pause_after(n) for n in range(1, 8)] == [2, 4, 8, 16, 32, 60, 60]


@pytest.mark.allow_warnings("is damaged")
def test_a_run_that_meets_a_damaged_file_succeeds_with_a_warning(bench: Bench, tmp_path: Path) -> None:
    bench.lent.storage = Storage(Paths(tmp_path), bench.clock)
    day = tmp_path / "data" / "day.json"

    def append(ctx: TaskContext, params: TaskParams) -> TaskResult:
        ctx.storage.append_json_item(day, {"n": 1})
        return TaskResult()

    bench.add(append)
    assert bench.run("probe").state is RunState.SUCCEEDED
    day.write_bytes(day.read_bytes()[:-5])
    run = bench.run("probe")
    assert run.state is RunState.SUCCEEDED_WITH_WARNINGS
    assert "data/day.json is damaged" in run.reason
    assert len(run.warnings) == 1
    assert bench.run("probe").state is RunState.SUCCEEDED


@pytest.mark.allow_warnings
def test_a_row_keeps_no_more_of_an_exception_than_a_person_reads(bench: Bench) -> None:
    bench.add(fail_with(ValueError("beginning " + "x" * 10_000_000 + " end")))
    run = bench.run("probe")
    assert run.state is RunState.FAILED
    assert run.reason.startswith("ValueError: beginning xxx")
    assert "more characters" in run.reason
    assert run.reason.endswith("end")
    assert len(run.reason) <= 2_000
    assert len(run.error) <= 50_000
    assert run.error.startswith("Traceback")

    def warns(ctx: TaskContext, params: TaskParams) -> TaskResult:
        for n in range(1_200):
            ctx.warn(f"{n} " + "y" * 3_000)
        return TaskResult()

    bench.add(warns, "warns")
    run = bench.run("warns")
    assert len(run.warnings) == 1_001
    assert max(map(len, run.warnings)) <= 2_000
    assert run.warnings[-1] == "200 more warnings are in the log."


# -- telling -------------------------------------------------------------------------------------------------------


def test_listeners_and_the_asker_hear_of_the_stored_run(bench: Bench) -> None:
    heard: list[tuple[str, Run | None]] = []
    told = threading.Event()
    bench.add(lambda ctx, params: TaskResult())
    forget = bench.runner.subscribe(lambda run: heard.append(("listener", bench.history.get(run.run_id))))
    run = bench.runner.submit("probe", on_done=lambda run: (heard.append(("asker", run)), told.set()))
    assert told.wait(SOON)
    finished = bench.history.get(run.run_id)
    assert heard == [("listener", finished), ("asker", finished)]
    forget()


def test_changes_hold_the_newest_value_of_each_run(bench: Bench) -> None:
    bench.add(lambda ctx, params: TaskResult())
    assert bench.runner.take_changes() == ()
    runs = [bench.run("probe") for _ in range(5)]
    changes: dict[str, Run] = {}

    def all_ended() -> bool:
        # Whoever waits for a run is woken before the news is told.
        changes.update((run.run_id, run) for run in bench.runner.take_changes())
        return [run.run_id for run in changes.values() if run.state.is_final] == [run.run_id for run in runs]

    until(all_ended)
    assert all(run.state is RunState.SUCCEEDED for run in changes.values())


# -- the end -------------------------------------------------------------------------------------------------------


@pytest.mark.allow_warnings
def test_stopping_interrupts_what_runs_and_what_waits(bench: Bench) -> None:
    bench.add(bench.obey, "running")
    bench.add(fail_with(AssertionError("must not run")), "waiting")
    running = bench.runner.submit("running")
    bench.wait_begun()
    waiting = bench.runner.submit("waiting")
    assert bench.runner.stop(SOON) == ()
    for run in (running, waiting):
        stored = bench.history.get(run.run_id)
        assert stored is not None
        assert stored.state is RunState.INTERRUPTED
    refused = bench.runner.submit("running")
    assert (refused.state, refused.reason) == (RunState.SKIPPED, "Metronome is closing.")


@pytest.mark.allow_warnings
def test_a_thread_that_does_not_come_back_is_named(bench: Bench) -> None:
    bench.add(bench.hold)
    run = bench.runner.submit("probe")
    bench.wait_begun()
    (left,) = bench.runner.stop(0.05)
    assert (left.run_id, left.state) == (run.run_id, RunState.INTERRUPTED)


@pytest.mark.allow_warnings
def test_a_warning_with_undecodable_text_ends_like_any_other_and_the_lane_lives(bench: Bench) -> None:
    def task(ctx: TaskContext, params: TaskParams) -> TaskResult:
        ctx.warn("The file bad\udcff.json is no strategy.")
        return TaskResult()

    bench.add(task)
    for _ in range(3):
        assert bench.run("probe").state is RunState.SUCCEEDED_WITH_WARNINGS


@pytest.mark.allow_warnings
def test_a_run_whose_row_the_disk_refuses_keeps_its_place_in_the_journal(bench: Bench, tmp_path: Path) -> None:
    bench.add(lambda ctx, params: Count(done=1), result=Count)
    bench.history.limit_pages(1)
    for _ in range(60):
        run = bench.run("probe")
    assert bench.history.is_waiting(run.run_id)
    assert run.run_id in (tmp_path / "metronome.inflight").read_text(errors="replace")
    bench.history.limit_pages(1_000_000)
    bench.history.retry_now()
    assert not bench.history.is_waiting(run.run_id)
    assert bench.history.count() == 60


def test_a_snapshot_may_be_taken_while_runs_come_and_go(bench: Bench) -> None:
    for number in range(300):
        bench.add(lambda ctx, params: TaskResult(), f"quick{number}")
    stop = threading.Event()

    def ask() -> None:
        while not stop.is_set():
            for number in range(300):
                bench.runner.submit(f"quick{number}")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    asking = threading.Thread(target=ask)
    asking.start()
    try:
        seen = [len(bench.runner.snapshot().lanes) for _ in range(400)]
    finally:
        stop.set()
        asking.join()
        sys.setswitchinterval(before)
    assert seen == [len(Queue)] * 400
    assert bench.runner.wait_idle(SOON)
