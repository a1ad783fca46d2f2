from __future__ import annotations

import errno
import io
import logging
import os
import shutil
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import log, log_file
from app.log import LogLine, Ring, lines_of_run, log_files, parse_line, read_tail, scrub
from app.log_file import RotatingFile
from app.paths import Paths
from app.settings import LoggingSettings, Settings

logger = logging.getLogger("metronome.test")


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def numbers(path: Path) -> list[int]:
    """The numbers in all log files, oldest first."""
    return [int(line) for file in reversed(log_files(path)) for line in text_of(file).split()]


def test_a_record_is_bound_to_its_task_and_run(paths: Paths) -> None:
    console = io.StringIO()
    log.setup(paths, Settings(), console)
    logger.info("before")
    with log.bind("collect", "r1"):
        logger.info("bars=%d", 7)
        with log.bind("other", "r2"):
            logger.info("inner")
        logger.debug("below the level")
        thread = threading.Thread(target=logger.info, args=("another thread",))
        thread.start()
        thread.join()
    log.shutdown()
    found = [parse_line(line) for line in text_of(paths.log_file).splitlines()]
    assert [(line.task, line.run, line.text) for line in found if line] == [
        ("", "", "before"),
        ("collect", "r1", "bars=7"),
        ("other", "r2", "inner"),
        ("", "", "another thread"),
    ]
    assert console.getvalue() == text_of(paths.log_file)
    line = found[1]
    assert line is not None
    assert abs((line.time - datetime.now(UTC)).total_seconds()) < 60
    assert " INFO metronome.test task=collect run=r1 bars=7\n" in text_of(paths.log_file)


@pytest.mark.allow_warnings("boom")
def test_no_text_passes_for_a_record_and_a_traceback_belongs_to_its_own(paths: Paths) -> None:
    log.setup(paths, Settings(), None)
    fake = "2025-06-03T12:00:00.123Z INFO x task=- run=r9 forged"

    def fail() -> None:
        raise ValueError("password=hunter22\n" + fake)

    try:
        fail()
    except ValueError:
        with log.bind("t", "r1"):
            logger.exception("boom\r\n%s\x1b[31m\0", fake)
    logger.info("after")
    assert lines_of_run(paths, "r9") == ()
    (line,) = lines_of_run(paths, "r1")
    assert line.text.startswith(f"boom\n{fake}\\x1b[31m\\x00\nTraceback")
    assert "hunter22" not in text_of(paths.log_file)
    assert [line.text for line in read_tail(paths.log_file, 1)] == ["after"]


@pytest.mark.allow_warnings
def test_a_badly_formed_call_costs_nothing(paths: Paths) -> None:
    log.setup(paths, Settings(), None)
    record = logging.LogRecord("x", logging.INFO, "f", 1, "%d things", ("no",), None)
    active = log.active()
    assert active is not None
    active.handle(record)
    assert "badly formed log call" in text_of(paths.log_file)


@pytest.mark.parametrize(
    "text",
    [
        "password=S3CR3T",
        "Password: S3CR3T, next",
        "{'password': 'S3CR3T', 'a': 1}",
        '{"api_key": "S3CR3T \\" S3CR3T"}',
        "apikey=S3CR3T&x=1",
        "https://host/a?token=S3CR3T&x=1",
        "https://host/a?x=1&key=S3CR3T",
        "https://user:S3CR3T@host/a",
        "https://S3CR3T@host/a",
        "socks5://u:S3@CR3T-S3CR3T@host",
        "Authorization: Bearer S3CR3T",
        "{'Authorization': 'Basic S3CR3T=='}",
        "headers: Cookie: a=S3CR3T; b=S3CR3T",
        "X-Api-Key: S3CR3T",
        "Terminal(login=1, password='S3CR3T', server='x')",
        "access_token = S3CR3T",
        "sent bearer S3CR3Tabc",
        "sent Basic S3CR3TabcdeQ==",
        "Passwort: S3CR3T",
        "client-secret: S3CR3T",
    ],
)
def test_secrets_are_scrubbed(text: str) -> None:
    assert "S3CR3T" not in scrub(text)
    assert log.scrub(text).count("***") >= 1


@pytest.mark.parametrize(
    "text", ["collected symbol=EURUSD bars=5", "https://host/a?page=2", "key pressed", "monkey=1", "mail a@b.c"]
)
def test_innocent_text_stays(text: str) -> None:
    assert scrub(text) == text


@pytest.mark.parametrize("around", ["{}", "chat of {}.", "https://api.telegram.org/bot{}/sendMessage", "'{}'"])
def test_the_bare_token_of_a_telegram_bot_is_scrubbed(around: str) -> None:
    made_up = "123456789:AA" + "Hd-q_TcvCH1" * 3
    assert scrub(around.format(made_up)) == around.format("***")
    assert scrub("a time 12:30:45, a pair 123456789:AABB") == "a time 12:30:45, a pair 123456789:AABB"


def test_a_known_secret_is_hidden_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.log_scrub._known", frozenset())
    log.hide("correct horse")
    log.hide("short")
    assert scrub("it said correct horse, in short") == "it said ***, in short"


@given(st.text(alphabet="pasword=tokenkey:/@'\"\\ {}?&bearer", max_size=300))
def test_scrubbing_ends_quickly_and_twice_is_as_once(text: str) -> None:
    began = time.perf_counter()
    once = scrub(text)
    assert time.perf_counter() - began < 1
    assert len(once) <= len(text) * 3 + 3


def test_rotation_keeps_every_record_in_order(home: Path) -> None:
    path = home / "logs" / "m.log"
    file = RotatingFile(path, 10_000, 20)
    for number in range(20_000):
        file.write(f"{number}\n")
    file.close()
    assert numbers(path) == list(range(20_000))
    assert len(log_files(path)) == 11
    assert all(found.stat().st_size <= 10_000 for found in log_files(path))


def test_only_so_many_backups_are_kept(home: Path) -> None:
    path = home / "m.log"
    file = RotatingFile(path, 1000, 2)
    for number in range(2000):
        file.write(f"{number}\n")
    file.close()
    assert [found.name for found in log_files(path)] == ["m.log", "m.log.1", "m.log.2"]
    kept = numbers(path)
    assert kept == list(range(kept[0], 2000))


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_held_file_is_copied_and_emptied(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on Windows, where a file that another program has open cannot be renamed."""
    path = home / "m.log"
    real = Path.replace

    def held(self: Path, target: Path) -> Path:
        if self == path:
            raise PermissionError(errno.EACCES, "in use")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", held)
    file = RotatingFile(path, 1000, 50, monotonic=Seconds())
    for number in range(2000):
        file.write(f"{number}\n")
    file.close()
    assert numbers(path) == list(range(2000))
    assert len(log_files(path)) == 9


def test_when_nothing_can_be_moved_it_goes_on_and_rotates_later(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "m.log"
    seconds = Seconds()
    file = RotatingFile(path, 1000, 5, monotonic=seconds)

    def refuse(*_: object) -> Path:
        raise PermissionError(errno.EACCES, "in use")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", refuse)
        patch.setattr(log_file.shutil, "copyfile", refuse)
        for number in range(1000):
            file.write(f"{number}\n")
            seconds.now += 0.02
    assert [found.name for found in log_files(path)] == ["m.log"]
    assert path.stat().st_size > 3000
    seconds.now += 60
    file.write("1000\n")
    file.close()
    assert text_of(path) == "1000\n"
    assert numbers(path) == list(range(1001))


def test_a_full_disk_delays_records_and_loses_none(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "m.log"
    seconds = Seconds()
    file = RotatingFile(path, 10_000, 5, monotonic=seconds)
    file.write("0\n")
    real = os.write

    def torn(descriptor: int, data: memoryview) -> int:
        if len(data) > 1:
            return real(descriptor, data[:1])
        raise OSError(errno.ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", torn)
        for number in range(1, 50):
            file.write(f"{number}\n")
            seconds.now += 0.1
    assert file.waiting == 49
    assert text_of(path) == "0\n", "half a record was taken back"
    seconds.now += 5
    file.write("50\n")
    assert (file.waiting, file.lost) == (0, 0)
    file.close()
    assert numbers(path) == list(range(51))


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be moved on Windows")
def test_a_file_that_was_moved_away_is_begun_again(home: Path) -> None:
    path = home / "logs" / "m.log"
    seconds = Seconds()
    file = RotatingFile(path, 10_000, 5, monotonic=seconds)
    file.write("1\n")
    shutil.rmtree(path.parent)
    seconds.now += 2
    file.write("2\n")
    file.close()
    assert text_of(path) == "2\n"


def test_a_line_torn_by_a_kill_is_ended(home: Path) -> None:
    path = home / "m.log"
    path.write_text("1\n2 tor", encoding="utf-8")
    file = RotatingFile(path, 10_000, 5)
    file.write("3\n")
    file.close()
    assert text_of(path) == "1\n2 tor\n3\n"


def test_threads_in_bursts_lose_nothing_while_it_rotates(paths: Paths) -> None:
    settings = Settings(logging=LoggingSettings(max_bytes=20_000, backups=100))
    log.setup(paths, settings, None)

    def burst(name: str) -> None:
        with log.bind("t", name):
            for number in range(800):
                logger.info("n=%d", number)

    names = ["r1", "r2", "r3"]
    threads = [threading.Thread(target=burst, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    log.shutdown()
    assert len(log_files(paths.log_file)) > 5
    for name in names:
        assert [line.text for line in lines_of_run(paths, name)] == [f"n={number}" for number in range(800)]
    assert [line.text for line in lines_of_run(paths, "r1", max_lines=2)] == ["n=798", "n=799"]
    assert lines_of_run(paths, "none") == ()


def test_a_run_that_was_silent_for_whole_files_is_told_from_its_beginning(paths: Paths) -> None:
    log.setup(paths, Settings(logging=LoggingSettings(max_bytes=20_000, backups=100)), None)
    with log.bind("t", "quiet"):
        logger.info("began")
    with log.bind("t", "loud"):
        for number in range(1_000):
            logger.info("n=%d", number)
    with log.bind("t", "quiet"):
        logger.info("ended")
    log.shutdown()
    assert len(log_files(paths.log_file)) > 3
    assert [line.text for line in lines_of_run(paths, "quiet")] == ["began", "ended"]


def test_the_tail_is_read_from_the_end(home: Path) -> None:
    path = home / "m.log"
    assert read_tail(path, 5) == ()
    lines = [f"2025-06-03T12:00:00.{n % 1000:03d}Z INFO x task=- run=- n={n}\n    more {n}\n" for n in range(50_000)]
    path.write_text("".join(lines), encoding="utf-8", newline="")
    found = read_tail(path, 3)
    assert [line.text for line in found] == [f"n={n}\nmore {n}" for n in (49_997, 49_998, 49_999)]
    assert found[-1].text == "n=49999\nmore 49999"
    assert found[-1].time == datetime(2025, 6, 3, 12, 0, 0, 999_000, UTC)
    assert 0 < len(read_tail(path, 1_000_000, max_bytes=10_000)) < 250


def test_settings_take_effect_at_once(paths: Paths) -> None:
    logs = log.setup(paths, Settings(), None)
    logger.debug("one")
    logs.apply(Settings(logging=LoggingSettings(level="DEBUG", max_bytes=20_000)))
    logger.debug("two")
    log.shutdown()
    assert "one" not in text_of(paths.log_file)
    assert "two" in text_of(paths.log_file)
    assert log.active() is None


def test_a_second_setup_takes_the_place_of_the_first(paths: Paths) -> None:
    log.setup(paths, Settings(), None)
    log.setup(paths, Settings(), None)
    logger.info("once")
    assert text_of(paths.log_file).count("once") == 1


def test_a_closed_console_costs_nothing(paths: Paths) -> None:
    console = io.StringIO()
    console.close()
    log.setup(paths, Settings(), console)
    logger.info("still here")
    assert "still here" in text_of(paths.log_file)


def test_the_ring_is_bounded_and_tells_of_new_records() -> None:
    ring = Ring(3)
    lines = [LogLine(datetime(2025, 6, 3, tzinfo=UTC), "INFO", "x", "", "", str(number)) for number in range(6)]
    heard: list[LogLine] = []

    def deleted(_: LogLine) -> None:
        raise RuntimeError("Internal C++ object already deleted.")

    stop = ring.subscribe(heard.append)
    ring.subscribe(deleted)
    for line in lines[:5]:
        ring.add(line)
    stop()
    ring.add(lines[5])
    assert heard == lines[:5]
    assert ring.lines() == tuple(lines[3:])


def test_a_record_costs_little(paths: Paths) -> None:
    log.setup(paths, Settings(), None)
    best = 1.0
    with log.bind("collect", "r1"):
        for _ in range(20):
            began = time.perf_counter()
            for number in range(100):
                logger.info("collected symbol=%s bars=%d", "EURUSD", number)
            best = min(best, (time.perf_counter() - began) / 100)
    assert best < 0.0001


@pytest.mark.allow_warnings
def test_one_record_does_not_push_all_others_out(paths: Paths) -> None:
    log.setup(paths, Settings(), None)
    logger.error("begin %s end", "x" * 10_000_000)
    log.shutdown()
    text = text_of(paths.log_file)
    assert len(text) < 201_000
    assert "begin xxx" in text
    assert text.endswith("x end\n")
