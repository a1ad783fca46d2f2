"""The whole engine: start, stop, kill, two on one home, a full disk; with tasks made for the test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from app.clock import FakeClock, RehearsalClock
from app.engine import LOOK_S, Engine
from app.errors import NothingToDo
from app.files import AlreadyOwned
from app.history import RunFilter
from app.paths import Paths
from app.runs import RunState, Trigger
from app.settings_store import SettingsStore
from app.tasks import Queue, Registry, TaskContext, TaskParams, TaskResult, TaskSpec
from tests.waiting import until

ROOT = Path(__file__).resolve().parents[3]
SOON = 10.0


def write_note(ctx: TaskContext, params: TaskParams) -> TaskResult:
    """A task that writes a file."""
    path = ctx.storage.paths.cache / "note.json"
    ctx.storage.write_json(path, {"text": "x" * 10_000})
    ctx.wrote(path)
    return TaskResult()


def nothing(ctx: TaskContext, params: TaskParams) -> TaskResult:
    """A task that finds no work."""
    raise NothingToDo("There is no feed in the list.")


def a_registry() -> Registry:
    return Registry(
        [
            TaskSpec("note", "Note", "", Queue.MONITORING, write_note, on_start=True),
            TaskSpec("nothing", "Nothing", "", Queue.MONITORING, nothing, schedule="every 1 s"),
        ]
    )


def an_engine(paths: Paths, **overrides: str) -> Engine:
    store = SettingsStore(paths.settings_file, overrides)
    store.load()
    return Engine(paths, store, a_registry())


@pytest.fixture
def engine(paths: Paths) -> Iterator[Engine]:
    engine = an_engine(paths)
    yield engine
    engine.stop(SOON)


def test_first_runs_leave_results_files_and_history(engine: Engine, paths: Paths) -> None:
    engine.start(schedule=False, first_runs=True)
    assert engine.runner.wait_idle(SOON)
    run = engine.history.last("note")
    assert run is not None
    assert (run.state, run.trigger, run.files) == (RunState.SUCCEEDED, Trigger.STARTUP, ("data/cache/note.json",))
    assert (paths.cache / "note.json").is_file()


def test_a_task_without_work_is_skipped_with_its_reason(engine: Engine) -> None:
    engine.start(schedule=False)
    run = engine.runner.wait(engine.runner.submit("nothing").run_id, SOON)
    assert run is not None
    assert (run.state, run.reason) == (RunState.SKIPPED, "There is no feed in the list.")


def test_the_timetable_runs_and_stops_with_the_engine(engine: Engine) -> None:
    ran = threading.Event()
    engine.runner.subscribe(lambda run: ran.set())
    engine.start()
    assert ran.wait(SOON)
    assert engine.stop(SOON)
    assert engine.stop(SOON), "a second stop does nothing"
    assert engine.facts()["timetable"]["jobs"] == 1


def test_a_second_engine_on_the_same_home_is_refused(engine: Engine, paths: Paths) -> None:
    with pytest.raises(AlreadyOwned) as caught:
        an_engine(paths)
    assert str(os.getpid()) in str(caught.value)


def test_settings_take_effect_at_once(engine: Engine) -> None:
    engine.start(schedule=False)
    engine.settings.set("queues.monitoring", "3")
    engine.settings.set("history.keep_rows", "5000")
    widths = {lane.queue: lane.width for lane in engine.runner.snapshot().lanes}
    assert widths[Queue.MONITORING] == 3
    assert engine.history.keep_rows == 5000


def test_a_replayed_market_sets_the_clock_of_the_whole_engine(paths: Paths) -> None:
    engine = an_engine(paths, **{"terminal.simulated.now": "2025-06-03T12:00:00Z"})
    try:
        assert isinstance(engine.clock, RehearsalClock)
        assert engine.clock.now().isoformat().startswith("2025-06-03T12:00:0")
    finally:
        engine.stop(SOON)


@pytest.mark.allow_warnings("was running", "was waiting")
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_after_a_kill_nothing_finished_is_lost_and_what_ran_is_interrupted(paths: Paths) -> None:
    code = f"""
        import sys
        sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests/unit/app")!r}]
        from pathlib import Path
        from app.paths import Paths
        from app.settings_store import SettingsStore
        from app.engine import LOOK_S, Engine
        from app.tasks import Queue, Registry, TaskResult, TaskSpec
        import threading

        def hang(ctx, params):
            print("hanging", flush=True)
            threading.Event().wait()

        from test_engine import write_note
        paths = Paths(Path({str(paths.home)!r}))
        store = SettingsStore(paths.settings_file)
        store.load()
        registry = Registry([
            TaskSpec("note", "Note", "", Queue.MONITORING, write_note),
            TaskSpec("hang", "Hang", "", Queue.MAINTENANCE, hang),
            TaskSpec("waits", "Waits", "", Queue.MAINTENANCE, write_note),
        ])
        engine = Engine(paths, store, registry)
        engine.start(schedule=False)
        engine.runner.submit("hang")
        engine.runner.submit("waits")
        while True:
            run = engine.runner.wait(engine.runner.submit("note").run_id)
            print(run.run_id, flush=True)
    """
    process = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    finished = [process.stdout.readline().strip() for _ in range(40)]
    process.kill()
    finished += process.stdout.read().split()
    process.stdout.close()
    process.wait(SOON)
    engine = an_engine(paths)
    try:
        engine.start(schedule=False)
        told = [run_id for run_id in finished if run_id and run_id != "hanging"]
        assert len(told) >= 30
        for run_id in told:
            run = engine.history.get(run_id)
            assert run is not None, f"the finished run {run_id} is lost"
            assert run.state is RunState.SUCCEEDED
        interrupted = {run.task: run for run in engine.history.page(RunFilter(states=(RunState.INTERRUPTED,)))}
        assert "was running" in interrupted["hang"].reason
        assert "was waiting" in interrupted["waits"].reason
        note = engine.storage.read_json(paths.cache / "note.json")
        assert note is not None
        assert note["text"] == "x" * 10_000
        assert list(paths.data.rglob(".*.tmp")) == []
    finally:
        engine.stop(SOON)


@pytest.mark.allow_warnings
def test_a_full_disk_fails_the_run_and_the_next_one_succeeds(
    engine: Engine, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine.start(schedule=False)

    def full(descriptor: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("app.files.os.write", full)
        run = engine.runner.wait(engine.runner.submit("note").run_id, SOON)
    assert run is not None
    assert run.state is RunState.FAILED
    assert "note.json" in run.reason
    assert run.advice
    again = engine.runner.wait(engine.runner.submit("note").run_id, SOON)
    assert again is not None
    assert again.state is RunState.SUCCEEDED


def test_an_engine_at_a_fake_clock_stores_its_times(paths: Paths, fake_clock: FakeClock) -> None:
    store = SettingsStore(paths.settings_file)
    store.load()
    engine = Engine(paths, store, a_registry(), fake_clock)
    try:
        engine.start(schedule=False)
        run = engine.runner.wait(engine.runner.submit("note").run_id, SOON)
        assert run is not None
        assert run.queued_at == fake_clock.now()
    finally:
        engine.stop(SOON)


def test_settings_edited_in_the_file_are_taken_over_within_seconds(
    engine: Engine, paths: Paths, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.engine.LOOK_S", 0.01)
    engine.start(schedule=False)
    paths.settings_file.write_text("[queues]\nmonitoring = 4\n", encoding="utf-8")

    def width() -> int:
        return next(lane.width for lane in engine.runner.snapshot().lanes if lane.queue is Queue.MONITORING)

    until(lambda: width() == 4)


def test_edited_settings_are_looked_for_every_few_seconds() -> None:
    assert LOOK_S <= 3


@pytest.mark.allow_warnings("there is no task named")
def test_settings_of_a_task_that_nobody_knows_are_told(paths: Paths) -> None:
    paths.create()
    paths.settings_file.parent.mkdir(parents=True, exist_ok=True)
    paths.settings_file.write_text("[tasks.nothin]\nenabled = false\n", encoding="utf-8")
    engine = an_engine(paths)
    try:
        assert len(engine.problems) == 1
        assert "there is no task named 'nothin'" in engine.problems[0]
        assert "Did you mean nothing?" in engine.problems[0]
        engine.start(schedule=False)
    finally:
        engine.stop()


@pytest.mark.allow_warnings("cannot be written", "nothing")
def test_a_kill_while_the_history_is_full_loses_no_outcome(paths: Paths, tmp_path: Path) -> None:
    first = an_engine(paths)
    first.start(schedule=False)
    first.history.limit_pages(1)  # what a full disk does to SQLite
    for _ in range(200):  # until no free page is left
        ended = first.runner.wait(first.runner.submit("nothing").run_id, SOON)
        assert ended is not None
        if first.history.is_waiting(ended.run_id):
            break
    # What a kill would leave: the journal as it is now, and a history without the row.
    other = Paths(tmp_path / "other")
    other.create()
    journal = paths.database.with_suffix(".inflight")
    shutil.copy(journal, other.database.with_suffix(".inflight"))
    first.history.limit_pages(1_000_000)
    first.stop()
    second = an_engine(other)
    try:
        second.start(schedule=False)
        told = second.history.get(ended.run_id)
        assert told is not None
        assert (told.state, told.reason) == (RunState.SKIPPED, "There is no feed in the list.")
        assert (told.started_at, told.finished_at) != (None, None)
        assert "not kept" in told.advice
    finally:
        second.stop()


def test_looks_leave_samples(paths: Paths, fake_clock: FakeClock) -> None:
    store = SettingsStore(paths.settings_file, {})
    store.load()
    engine = Engine(paths, store, a_registry(), fake_clock)
    engine.recent_lag_ms = lambda seconds: seconds
    for _ in range(2):
        engine.look()
        fake_clock.advance(15.0)
    found = engine.sampler.read(fake_clock.now() - timedelta(hours=1), fake_clock.now())
    assert found["lag_ms"].tolist() == [10.0, 15.0]  # what passed since the sample before; the first asks for the least
    assert (found["memory_mb"] > 1).all()
    assert (found["free_gb"] > 0).all()
    assert (found["queued"] >= 0).all()
    assert engine.stop(SOON)
    assert (paths.health_checks / "samples_20250603.bin").stat().st_size == 80  # the end writes what waited
