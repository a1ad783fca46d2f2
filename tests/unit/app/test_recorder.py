"""The flight recorder: bounded by time and by size, and free of what may hide a secret."""

from __future__ import annotations

from app.clock import FakeClock
from app.lanes import LaneStatus
from app.recorder import MAX_CALLS, MAX_RUNS, SAMPLE_S, Recorder, Stall
from app.runs import Run, RunState, Trigger
from app.tasks import Queue


def a_run(clock: FakeClock, number: int, reason: str = "") -> Run:
    now = clock.now()
    return Run(f"{number:x}", "news", RunState.FAILED, Trigger.MANUAL, now, reason, finished_at=now, duration_s=0.5)


def test_what_is_older_than_ten_minutes_is_left_out(fake_clock: FakeClock) -> None:
    recorder = Recorder(fake_clock)
    recorder.call_ended("symbols_get", 0.2, "ok")
    recorder.run_ended(a_run(fake_clock, 1))
    fake_clock.advance(601)
    recorder.call_ended("account_info", 0.001, "TerminalBusy")
    found = recorder.read()
    assert [(row["call"], row["ms"], row["outcome"]) for row in found["calls"]] == [
        ("account_info", 1.0, "TerminalBusy")
    ]
    assert found["runs"] == []


def test_a_burst_of_runs_pushes_no_call_out(fake_clock: FakeClock) -> None:
    recorder = Recorder(fake_clock)
    recorder.call_ended("initialize", 3.0, "ok")
    run = a_run(fake_clock, 1, "x" * 10_000)
    for _ in range(3 * MAX_RUNS):
        recorder.run_ended(run)
    found = recorder.read()
    assert len(found["runs"]) == MAX_RUNS
    assert found["runs"][0]["reason"] == "(a reason of 10000 characters)"
    assert len(found["calls"]) == 1
    for _ in range(MAX_CALLS + 5):
        recorder.call_ended("symbol_info", 0.0, "ok")
    assert len(recorder.read()["calls"]) == MAX_CALLS


def test_queue_depths_are_noted_now_and_then(fake_clock: FakeClock) -> None:
    recorder = Recorder(fake_clock)
    assert recorder.wants_queues
    recorder.queues([LaneStatus(Queue.MONITORING, 1, 1, 7, 2.5, ())])
    assert not recorder.wants_queues
    fake_clock.advance(SAMPLE_S)
    assert recorder.wants_queues
    (lane,) = recorder.read()["queues"][0]["lanes"]
    assert lane == {"queue": "monitoring", "running": 1, "queued": 7, "oldest_wait_s": 2.5, "stuck": 0}


def test_a_stall_is_kept_with_its_stacks(fake_clock: FakeClock) -> None:
    recorder = Recorder(fake_clock)
    recorder.stalled(Stall(fake_clock.now(), 5.25, {"window": "in paint"}, "It is in paint."))
    recorder.lag(12.34)
    fake_clock.advance(3600)
    found = recorder.read()
    assert found["stalls"] == [
        {"at": "2025-06-03T12:00:00.000Z", "seconds": 5.2, "cause": "It is in paint.", "stacks": {"window": "in paint"}}
    ]
    assert found["window_lag"] == []
