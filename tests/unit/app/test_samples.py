"""Samples: taken at looks of the timetable, kept by day, whole after kills and clock jumps."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from app.clock import FakeClock
from app.runs import Run, RunState, Trigger
from app.samples import KEPT_DAYS, RECORD, Sample, Sampler


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "health_checks"


@pytest.fixture
def make(folder: Path, fake_clock: FakeClock) -> Callable[[], Sampler]:
    return lambda: Sampler(folder, fake_clock, lambda _passed: Sample(42.0, 1.0, 86.0, None, 12.5))


def take(sampler: Sampler, clock: FakeClock, count: int, step: float = 20.0) -> None:
    for _ in range(count):
        sampler.look()
        clock.advance(step)


def read(sampler: Sampler, clock: FakeClock, hours: float = 24) -> np.ndarray:
    return sampler.read(clock.now() - timedelta(hours=hours), clock.now())


def late(clock: FakeClock, seconds: float, trigger: Trigger = Trigger.SCHEDULE) -> Run:
    return Run("1", "t", RunState.SUCCEEDED, trigger, clock.now(), lateness_s=seconds)


def test_a_sample_at_each_look_but_not_too_many(make: Callable[[], Sampler], fake_clock: FakeClock) -> None:
    sampler = make()
    began = fake_clock.now().timestamp()
    for _ in range(100):  # a timetable with a task each second looks that often
        sampler.look()
        fake_clock.advance(1.0)
    found = read(sampler, fake_clock)
    assert np.diff(found["at"]).tolist() == [10.0] * 9
    assert set(found["process"].tolist()) == {began}
    assert found["ping_ms"][0] == 42.0
    assert math.isnan(found["lag_ms"][0])


def test_a_restart_keeps_the_day(make: Callable[[], Sampler], fake_clock: FakeClock) -> None:
    first = make()
    take(first, fake_clock, 4)
    assert len(read(first, fake_clock)) == 4  # one of them still waits in memory
    first.close()
    fake_clock.advance(600)
    second = make()
    take(second, fake_clock, 1)
    found = read(second, fake_clock)
    assert len(found) == 5
    assert len(set(found["process"].tolist())) == 2


def test_the_worst_lateness_since_the_last_sample(make: Callable[[], Sampler], fake_clock: FakeClock) -> None:
    sampler = make()
    sampler.note_run(late(fake_clock, 0.5))
    sampler.note_run(late(fake_clock, 0.25))
    sampler.note_run(late(fake_clock, 9.0, Trigger.MANUAL))
    take(sampler, fake_clock, 2)
    found = read(sampler, fake_clock)["lateness_ms"]
    assert found[0] == 500.0
    assert math.isnan(found[1])


def test_midnight_begins_another_file(make: Callable[[], Sampler], fake_clock: FakeClock, folder: Path) -> None:
    sampler = make()
    take(sampler, fake_clock, 3, step=6 * 3600)
    sampler.close()
    assert sorted(path.name for path in folder.iterdir()) == ["samples_20250603.bin", "samples_20250604.bin"]
    assert len(read(sampler, fake_clock)) == 3


def test_the_last_sample_before_the_span_comes_along(make: Callable[[], Sampler], fake_clock: FakeClock) -> None:
    sampler = make()
    take(sampler, fake_clock, 3)
    sampler.close()
    fake_clock.advance(5 * 86_400)
    again = make()
    take(again, fake_clock, 2)
    found = read(again, fake_clock, hours=1)
    assert len(found) == 3
    assert found["at"][1] - found["at"][0] > 4 * 86_400


def test_a_torn_record_costs_itself_only(make: Callable[[], Sampler], fake_clock: FakeClock, folder: Path) -> None:
    sampler = make()
    take(sampler, fake_clock, 3)
    path = folder / "samples_20250603.bin"
    path.write_bytes(path.read_bytes()[:-7])
    take(sampler, fake_clock, 3)
    assert path.stat().st_size == 5 * RECORD.itemsize
    assert len(read(sampler, fake_clock)) == 5


def test_nonsense_in_a_file_is_left_out(make: Callable[[], Sampler], fake_clock: FakeClock, folder: Path) -> None:
    sampler = make()
    take(sampler, fake_clock, 3)
    path = folder / "samples_20250603.bin"
    with path.open("ab") as file:
        file.write(b"\xff" * 80 + b"\x00" * 40)
    (folder / "samples_notadate.bin").write_bytes(b"x" * 80)
    assert len(read(sampler, fake_clock)) == 3


def test_what_the_disk_refuses_waits(
    make: Callable[[], Sampler], fake_clock: FakeClock, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.write_text("in the way", encoding="utf-8")
    sampler = make()
    take(sampler, fake_clock, 6)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    folder.unlink()
    take(sampler, fake_clock, 1)
    assert (folder / "samples_20250603.bin").stat().st_size == 7 * RECORD.itemsize


def test_a_clock_that_leaps_deletes_nothing_but_the_oldest_of_too_many(
    make: Callable[[], Sampler], fake_clock: FakeClock, folder: Path
) -> None:
    folder.mkdir()
    for day in range(1, 31):
        (folder / f"samples_202505{day:02}.bin").write_bytes(b"")
    sampler = make()
    take(sampler, fake_clock, 3)
    assert len(list(folder.iterdir())) == 31
    fake_clock.advance(365 * 86_400)
    take(sampler, fake_clock, 3)
    assert len(list(folder.iterdir())) == KEPT_DAYS == 32
    fake_clock.advance(86_400)
    take(sampler, fake_clock, 3)
    assert len(list(folder.iterdir())) == KEPT_DAYS
    assert not (folder / "samples_20250501.bin").exists()


def test_runs_by_hand_are_not_late(make: Callable[[], Sampler], fake_clock: FakeClock) -> None:
    sampler = make()
    sampler.note_run(replace(late(fake_clock, 1.0), lateness_s=None))
    take(sampler, fake_clock, 1)
    assert math.isnan(read(sampler, fake_clock)["lateness_ms"][0])
