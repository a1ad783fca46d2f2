from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app import files
from app.clock import FakeClock
from app.files import (
    AlreadyOwned,
    FolderLock,
    StorageError,
    atomic_write_bytes,
    atomic_write_text,
    clean_leftovers,
    damaged_copies,
    quarantine,
    storage_error,
)

ROOT = Path(__file__).resolve().parents[3]


def start(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], cwd=ROOT, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )


def first_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait(10)
    for stream in (process.stdin, process.stdout):
        if stream is not None:
            stream.close()


def test_a_write_replaces_the_whole_and_leaves_nothing_beside_it(home: Path) -> None:
    file = home / "a.json"
    atomic_write_text(file, "one\n")
    atomic_write_bytes(file, b"two\r\n")
    assert file.read_bytes() == b"two\r\n"
    assert [found.name for found in home.iterdir()] == ["a.json"]


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_stays_a_link(home: Path) -> None:
    real, link = home / "real.toml", home / "link.toml"
    real.write_text("old", encoding="utf-8")
    link.symlink_to(real)
    atomic_write_text(link, "new")
    assert link.is_symlink()
    assert real.read_text(encoding="utf-8") == "new"


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "permission"),
        (errno.EIO, "Cannot write"),
    ],
)
def test_a_failed_write_names_file_and_space_and_keeps_the_old(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int, words: str
) -> None:
    file = home / "a.json"
    atomic_write_text(file, "old")

    def fail(_: int) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", fail)
        with pytest.raises(StorageError) as caught:
            atomic_write_text(file, "new")
    assert words in caught.value.message
    assert str(file) in caught.value.message
    assert "free)" in caught.value.message
    assert caught.value.advice
    assert caught.value.free_bytes is not None
    assert caught.value.free_bytes > 0
    assert file.read_text(encoding="utf-8") == "old"
    assert [found.name for found in home.iterdir()] == ["a.json"]
    atomic_write_text(file, "new")
    assert file.read_text(encoding="utf-8") == "new"


def test_a_missing_folder_is_named(home: Path) -> None:
    with pytest.raises(StorageError, match="nowhere"):
        atomic_write_text(home / "nowhere" / "a.json", "x")


PLENTY, LITTLE = 76_900_000_000, 3_000_000


@pytest.mark.parametrize(
    ("number", "free", "words", "advice", "full"),
    [
        (errno.ENOSPC, LITTLE, "the disk is full (3.0 MB free).", "Free some space on that disk", True),
        (errno.ENOSPC, None, "the disk is full.", "Free some space on that disk", True),
        (errno.ENOSPC, PLENTY, "the disk is full for this user (76.9 GB free).", "A quota is used up", True),
        (
            getattr(errno, "EDQUOT", errno.ENOSPC),
            PLENTY,
            "the disk is full for this user (76.9 GB free).",
            "A quota is used up",
            True,
        ),
        (errno.EFBIG, PLENTY, "the file would be larger than is allowed here (76.9 GB free)", "limit", False),
    ],
)
def test_a_full_disk_is_told_from_a_quota_and_from_a_limit_of_one_file(
    home: Path, monkeypatch: pytest.MonkeyPatch, number: int, free: int | None, words: str, advice: str, full: bool
) -> None:
    monkeypatch.setattr(files, "free_bytes", lambda _path: free)
    error = storage_error(home / "a.csv", OSError(number, os.strerror(number)))
    assert words in error.message
    assert advice in error.advice
    assert (error.full, error.free_bytes) == (full, free)


def test_space_of_a_file_that_does_not_exist_is_that_of_its_folder(home: Path) -> None:
    error = storage_error(home / "a" / "b" / "c", OSError(errno.ENOSPC, "full"))
    assert error.free_bytes is not None


@pytest.mark.parametrize("failures", [1, 3])
def test_on_windows_a_held_file_is_tried_again(home: Path, monkeypatch: pytest.MonkeyPatch, failures: int) -> None:
    source, target = home / "s", home / "t"
    source.write_text("x", encoding="utf-8")
    left, pauses = [failures], []
    real = Path.replace

    def held(self: Path, to: Path) -> Path:
        if left[0]:
            left[0] -= 1
            raise PermissionError(errno.EACCES, "in use")
        return real(self, to)

    monkeypatch.setattr(files, "_WINDOWS", True)
    monkeypatch.setattr(Path, "replace", held)
    files.replace(source, target, sleep=pauses.append)
    assert target.read_text(encoding="utf-8") == "x"
    assert len(pauses) == failures
    left[0] = 100
    source.write_text("y", encoding="utf-8")
    pauses.clear()
    with pytest.raises(PermissionError):
        files.replace(source, target, sleep=pauses.append)
    assert 1 < sum(pauses) < 2


def test_quarantine_never_overwrites(home: Path, fake_clock: FakeClock) -> None:
    file = home / "a.json"
    names = []
    for content in ("1", "2", "3"):
        file.write_text(content, encoding="utf-8")
        names.append(quarantine(file, fake_clock).name)
    assert names == [f"a.json.damaged-20250603T120000Z{end}" for end in ("", "-2", "-3")]
    assert sorted(found.read_text(encoding="utf-8") for found in home.iterdir()) == ["1", "2", "3"]


WRITER = """
import sys
from pathlib import Path
from app.files import atomic_write_bytes
file, n = Path(sys.argv[1]), 0
print("ready", flush=True)
while True:
    n += 1
    atomic_write_bytes(file, b"%08d" % n * 40_000)
"""


def test_a_kill_at_any_instant_leaves_a_whole_file(home: Path) -> None:
    file = home / "a.bin"
    for turn in range(8):
        process = start(WRITER, str(file))
        try:
            assert first_line(process) == "ready"
            before = file.stat().st_mtime_ns if file.exists() else 0
            deadline = time.monotonic() + 10
            while (not file.exists() or file.stat().st_mtime_ns == before) and time.monotonic() < deadline:
                time.sleep(0.001)
            time.sleep(0.003 * turn)
        finally:
            end(process)
        data = file.read_bytes()
        assert len(data) == 8 * 40_000
        assert data == data[:8] * 40_000
    clean_leftovers(home)
    assert [found.name for found in home.iterdir()] == ["a.bin"]


def test_only_leftovers_of_the_dead_are_removed(home: Path) -> None:
    process = start("pass")
    process.wait(10)
    end(process)
    folder = home / "deep" / "er"
    folder.mkdir(parents=True)
    gone = folder / f".a.json.{process.pid}-1.tmp"
    mine = folder / f".a.json.{os.getpid()}-1.tmp"
    other = folder / ".users.tmp"
    for file in (gone, mine, other):
        file.write_text("x", encoding="utf-8")
    assert clean_leftovers(home) == 1
    assert sorted(folder.iterdir()) == sorted([mine, other])


OWNER = """
import sys
from pathlib import Path
from app.files import FolderLock
FolderLock(Path(sys.argv[1])).acquire()
print("owned", flush=True)
sys.stdin.read()
"""


def test_a_folder_has_one_owner_and_a_kill_frees_it(home: Path) -> None:
    file = home / "data" / "metronome.lock"
    lock = FolderLock(file)
    process = start(OWNER, str(file))
    try:
        assert first_line(process) == "owned"
        with pytest.raises(AlreadyOwned) as caught:
            lock.acquire()
        assert caught.value.pid == process.pid
        assert str(process.pid) in str(caught.value)
        assert str(file.parent) in str(caught.value)
        assert not lock.held
    finally:
        end(process)
    with lock:
        assert lock.held
        assert lock.owner() == os.getpid()
        with pytest.raises(AlreadyOwned):
            FolderLock(file).acquire()
    assert lock.owner() is None
    with FolderLock(file) as again:
        assert again.held


def test_damaged_copies_are_found_by_their_names_the_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "metronome.db"
    clock = FakeClock(datetime(2025, 6, 3, 12, 0, tzinfo=UTC))
    for _ in range(2):
        path.write_bytes(b"x")
        quarantine(path, clock)
    clock.advance(60)
    path.write_bytes(b"y")
    newest = quarantine(path, clock)
    (tmp_path / "metronome.db.damaged-mine").write_bytes(b"named by somebody")
    (tmp_path / "other.db.damaged-20250603T120000Z").write_bytes(b"of another file")
    found = damaged_copies(path)
    assert [name for name, _ in found] == [
        newest.name,
        "metronome.db.damaged-20250603T120000Z-2",
        "metronome.db.damaged-20250603T120000Z",
    ]
    assert found[0][1] == datetime(2025, 6, 3, 12, 1, tzinfo=UTC)
