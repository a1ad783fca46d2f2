"""The journal of unfinished runs: what a kill leaves for the next start."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.inflight import Inflight, record_of
from app.runs import Run, RunState, Trigger

RECORD = record_of("0000000000000a", "collect", "manual", 1748952000.25, None, 1, '{"symbol":"EURUSD"}')


def test_a_clean_end_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "runs.inflight"
    journal = Inflight(path)
    slot = journal.take(RECORD)
    journal.started(slot, 1748952001.0)
    journal.give_back(slot)
    journal.close()
    assert not path.exists()
    again = Inflight(path)
    assert again.left_behind == ()
    again.close()


def test_a_kill_leaves_queued_and_running_runs(tmp_path: Path) -> None:
    path = tmp_path / "runs.inflight"
    code = f"""
import os, signal, sys
from pathlib import Path
from app.inflight import Inflight, record_of
journal = Inflight(Path({str(path)!r}))
for number in range(3):
    run_id = f"{{number:014x}}"
    slot = journal.take(record_of(run_id, "collect", "schedule", 1748952000.5, 1748952000.0, 1, '{{"n":1}}'))
    if number:
        journal.started(slot, 1748952001.0)
    if number == 2:
        journal.give_back(slot)
os.kill(os.getpid(), getattr(signal, "SIGKILL", signal.SIGTERM))
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False, timeout=30)
    assert ended.returncode != 0
    journal = Inflight(path)
    queued, running = journal.left_behind
    assert (queued.run_id, queued.started_at, queued.params) == ("00000000000000", None, {"n": 1})
    assert (running.run_id, running.trigger) == ("00000000000001", "schedule")
    assert running.started_at is not None
    assert running.started_at.timestamp() == 1748952001.0
    assert running.due_at is not None
    assert running.due_at.timestamp() == 1748952000.0
    journal.close()


def test_what_was_left_is_kept_until_it_is_told(tmp_path: Path) -> None:
    path = tmp_path / "runs.inflight"
    first = Inflight(path)
    first.take(RECORD)  # then a kill: nothing is closed
    second = Inflight(path)
    assert len(second.left_behind) == 1
    second.close()  # a second kill before the history knew
    third = Inflight(path)
    assert len(third.left_behind) == 1
    third.forget_left_behind()
    third.close()
    fourth = Inflight(path)
    assert fourth.left_behind == ()
    fourth.close()


def test_more_runs_than_slots_are_not_refused(tmp_path: Path) -> None:
    journal = Inflight(tmp_path / "runs.inflight")
    slots = [journal.take(RECORD) for _ in range(600)]
    assert slots[-1] == -1
    assert len({slot for slot in slots if slot >= 0}) == 512
    for slot in slots:
        if slot >= 0:
            journal.give_back(slot)
    journal.close()


def test_parameters_that_do_not_fit_are_left_out_and_the_rest_stays_readable() -> None:
    record = record_of("0000000000000a", "collect", "manual", 0.0, None, 1, json.dumps({"text": "ä" * 500}))
    assert len(record.encode()) < 509
    assert json.loads(record)[-1] == {}


def test_garbage_in_the_file_is_no_run(tmp_path: Path) -> None:
    path = tmp_path / "runs.inflight"
    path.write_bytes(b"\x01\xff\xff" + b"garbage" * 500)
    journal = Inflight(path)
    assert journal.left_behind == ()
    journal.close()


def test_a_journal_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    path = tmp_path / "runs.inflight"
    path.mkdir()
    journal = Inflight(path)
    assert "cannot be written" in journal.problem
    slot = journal.take(RECORD)
    journal.started(slot, 1748952001.0)
    journal.give_back(slot)
    journal.close()


def test_the_journal_owns_its_space_from_the_start(tmp_path: Path) -> None:
    # A hole in a mapped file would end the process with SIGBUS when the disk is full.
    journal = Inflight(tmp_path / "runs.inflight")
    found = (tmp_path / "runs.inflight").stat()
    assert getattr(found, "st_blocks", 10**6) * 512 >= found.st_size
    journal.close()


@pytest.mark.parametrize("words", ["The disk is full.", "x" * 5000, "\N{SNOWMAN}" * 400, ""])
def test_an_outcome_without_a_row_is_kept_as_far_as_it_fits(tmp_path: Path, words: str) -> None:
    path = tmp_path / "runs.inflight"
    journal = Inflight(path)
    params = '{"text":"' + "y" * 290 + '"}'
    slot = journal.take(record_of("0000000000000a", "collect", "manual", 1748952000.25, None, 1, params))
    journal.started(slot, 1748952001.0)
    ended = datetime(2025, 6, 3, 12, 0, 5, tzinfo=UTC)
    run = Run("0000000000000a", "collect", RunState.FAILED, Trigger.MANUAL, ended, words, finished_at=ended)
    journal.ended(slot, replace(run, duration_s=4.5))
    (left,) = Inflight(path).left_behind
    assert left.ended is not None
    assert (left.ended.state, left.ended.finished_at, left.ended.duration_s) == (RunState.FAILED, ended, 4.5)
    assert words.startswith(left.ended.reason)
    assert bool(left.ended.reason) == bool(words)
    assert left.task == "collect"
