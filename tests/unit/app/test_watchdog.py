"""The watchdog on a clock that moves when told to: late answers, stalls, native code, sleep."""

from __future__ import annotations

import faulthandler
import threading
from pathlib import Path

import pytest

from app.clock import FakeClock
from app.recorder import Stall
from app.watchdog import BEAT_S, SLEEP_S, STALL_S, TRACE_FILE, Watchdog


class Loop:
    """A loop that answers when told to, and what the watchdog said of it."""

    def __init__(self, clock: FakeClock, folder: Path) -> None:
        self.questions = 0
        self.lags: list[float] = []
        self.stalls: list[Stall] = []
        self.told = threading.Event()
        self.watchdog = Watchdog(self.ask, self.lags.append, self.stall, clock, folder)

    def ask(self) -> None:
        self.questions += 1

    def stall(self, stall: Stall) -> None:
        self.stalls.append(stall)
        self.told.set()


@pytest.fixture
def loop(fake_clock: FakeClock, tmp_path: Path) -> Loop:
    return Loop(fake_clock, tmp_path)


def test_a_late_answer_is_a_lag(loop: Loop, fake_clock: FakeClock) -> None:
    loop.watchdog.look()
    fake_clock.advance(0.25)
    loop.watchdog.answer()
    loop.watchdog.answer()
    assert [round(lag) for lag in loop.lags] == [250]
    assert loop.questions == 1
    assert loop.stalls == []


@pytest.mark.allow_warnings("The window")
def test_a_stall_is_told_once_with_all_stacks(loop: Loop, fake_clock: FakeClock) -> None:
    ready, go = threading.Event(), threading.Event()

    def busy_with_news() -> None:
        ready.set()
        go.wait()

    other = threading.Thread(target=busy_with_news, name="news")
    other.start()
    try:
        ready.wait()
        looking = threading.Thread(target=lambda: rounds(loop, fake_clock, 5))
        looking.start()
        looking.join()
    finally:
        go.set()
        other.join()
    (stall,) = loop.stalls
    assert STALL_S <= stall.seconds < STALL_S + BEAT_S
    assert "test_a_stall_is_told_once_with_all_stacks" in stall.stacks["window"]
    assert any(name.startswith("news") and "busy_with_news" in text for name, text in stall.stacks.items())
    assert "threading.py" in stall.cause
    loop.watchdog.answer()
    rounds(loop, fake_clock, 4)
    assert len(loop.stalls) == 2


def rounds(loop: Loop, clock: FakeClock, count: int) -> None:
    for _ in range(count):
        loop.watchdog.look()
        clock.advance(BEAT_S)


@pytest.mark.allow_warnings("The window")
def test_native_code_that_held_everything_is_told_by_its_trace(
    loop: Loop, fake_clock: FakeClock, tmp_path: Path
) -> None:
    loop.watchdog.start()
    try:
        with (tmp_path / TRACE_FILE).open("a", encoding="utf-8") as file:
            faulthandler.dump_traceback(file)
        fake_clock.advance(12)
        loop.watchdog.look()
    finally:
        loop.watchdog.stop()
    (stall,) = loop.stalls
    assert "test_native_code_that_held_everything" in stall.stacks["all threads"]
    assert (tmp_path / TRACE_FILE).read_text(encoding="utf-8") == ""


def test_sleep_is_no_stall(loop: Loop, fake_clock: FakeClock) -> None:
    loop.watchdog.look()
    fake_clock.advance(STALL_S + 2 * BEAT_S)
    loop.watchdog.look()
    fake_clock.advance(SLEEP_S + 1)
    loop.watchdog.look()
    assert loop.stalls == []
    assert loop.questions == 3


def test_a_hang_that_ended_the_last_run_is_told_at_the_next_start(
    loop: Loop, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / TRACE_FILE).write_text("Thread 0x1: in native_call", encoding="utf-8")
    loop.watchdog.start()
    loop.watchdog.stop()
    assert "did not come back" in caplog.text
    assert "native_call" in caplog.text


@pytest.mark.allow_warnings("cannot be recorded")
def test_without_its_trace_file_it_watches_all_the_same(fake_clock: FakeClock, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    loop = Loop(fake_clock, tmp_path / "taken")
    loop.watchdog.start()
    loop.watchdog.stop()
    assert loop.questions == 1
