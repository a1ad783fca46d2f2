"""The archive: every byte once, whatever happens and whenever the program is killed."""

from __future__ import annotations

import errno
import gzip
import hashlib
import json
import stat
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import kill_archive
import pytest
from hand_terminal import Bench
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from upkeep import archive_trades, put, tree

from app.errors import NothingToDo, UserAction
from app.execution import execute
from app.files import StorageError
from app.paths import Paths
from app.runs import RunState
from workers.journal import trades
from workers.maintenance import archive as archive_module
from workers.maintenance.archive import NotArchived, archive, archived_files
from workers.maintenance.archive_ops import Steps
from workers.maintenance.results import ArchiveParams
from workers.maintenance_tasks import SPECS

SPEC = next(spec for spec in SPECS if spec.id == "archive_old_trades")
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="links need a privilege on Windows")


def manifest(paths: Paths) -> list[dict[str, Any]]:
    text = (paths.archive / "manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def contents(paths: Paths) -> list[bytes]:
    """What is in all trade logs, archived or not, unpacked."""
    found = []
    for path in sorted([*paths.logs.glob("trades_*"), *paths.archive.glob("trades_*")]):
        data = path.read_bytes()
        found.append(gzip.decompress(data) if path.suffix == ".gz" else data)
    return sorted(found)


@pytest.mark.parametrize("pack", [False, True])
def test_old_trade_logs_move(bench: Bench, pack: bool) -> None:
    old = put(bench.paths.logs / "trades_20250301.csv", "a,b\n1,2\n" * 500)
    refused = put(bench.paths.logs / "trades_20250301.rejected.csv", "torn\n")
    young = put(bench.paths.logs / "trades_20250305.csv", "young")
    modified = old.stat().st_mtime_ns
    result = archive_trades(bench, compress=pack)
    assert not old.exists()
    assert not refused.exists()
    assert young.exists()
    target = bench.paths.archive / ("trades_20250301.csv.gz" if pack else "trades_20250301.csv")
    data = gzip.decompress(target.read_bytes()) if pack else target.read_bytes()
    assert data == b"a,b\n1,2\n" * 500
    assert target.stat().st_mtime_ns == modified
    assert (result.looked_at, result.files, result.bytes, result.same, result.renamed) == (3, 2, 4005, 0, 0)
    assert result.stored_bytes < 200 if pack else result.stored_bytes == 4005
    line = next(line for line in manifest(bench.paths) if line["file"] == target.name)
    assert line["sha256"] == hashlib.sha256(data).hexdigest()
    assert (line["from"], line["bytes"]) == ("logs/trades_20250301.csv", 4000)
    assert {item["outcome"] for item in result.listed} == {"archived"}
    with pytest.raises(NothingToDo, match="None of 1 trade log is older than 90 days"):
        archive_trades(bench)


def test_nothing_is_ever_overwritten(bench: Bench) -> None:
    put(bench.paths.archive / "trades_20250101.csv", "first")
    put(bench.paths.logs / "trades_20250101.csv", "second")
    assert archive_trades(bench).renamed == 1
    put(bench.paths.logs / "trades_20250101.csv", "second")
    again = archive_trades(bench, compress=True)
    assert (again.same, again.renamed, again.files) == (1, 0, 1)
    assert again.listed[0]["to"] == "logs/archive/trades_20250101-2.csv"
    put(bench.paths.logs / "trades_20250101.csv", "third")
    assert archive_trades(bench, compress=True).renamed == 1
    found = {name: data for name, data in tree(bench.paths.archive).items() if name != "manifest.jsonl"}
    assert found.pop("trades_20250101-3.csv.gz")[:2] == b"\x1f\x8b"
    assert found == {"trades_20250101.csv": b"first", "trades_20250101-2.csv": b"second"}
    assert contents(bench.paths) == [b"first", b"second", b"third"]


def test_a_dry_run_changes_nothing(bench: Bench) -> None:
    put(bench.paths.logs / "trades_20250101.csv", "first")
    before = tree(bench.paths.home)
    result = archive_trades(bench, dry_run=True)
    assert tree(bench.paths.home) == before
    assert result.listed[0]["outcome"] == "would be archived"
    assert result.summary() == "1 file (5 B, 2025-01-01) would be archived; nothing was changed"


@pytest.mark.parametrize("pack", [False, True])
def test_a_dry_run_tells_what_the_run_then_does(bench: Bench, pack: bool) -> None:
    put(bench.paths.archive / "trades_20250101.csv", "there")
    put(bench.paths.archive / "trades_20250102.csv", "another")
    put(bench.paths.archive / "trades_20250103.csv", "first")
    for name, text in [
        ("20250101", "there"),  # the same
        ("20250102", "one" * 99),  # under another name
        ("20250103", "third"),
        ("20250103-2", "second"),  # takes the name that the one before would have got
        ("20250104", "new" * 999),
    ]:
        put(bench.paths.logs / f"trades_{name}.csv", text)
    before = tree(bench.paths.home)
    foreseen = archive_trades(bench, compress=pack, dry_run=True)
    assert tree(bench.paths.home) == before
    done = archive_trades(bench, compress=pack)
    assert (done.same, done.renamed, done.files) == (1, 2, 5)
    fields = ("looked_at", "files", "bytes", "oldest", "newest", "skipped", "same", "renamed", "stored_bytes")
    assert [getattr(foreseen, name) for name in fields] == [getattr(done, name) for name in fields]
    assert [(item["file"], item["to"]) for item in foreseen.listed] == [
        (item["file"], item["to"]) for item in done.listed
    ]
    assert {item["outcome"] for item in foreseen.listed} == {"would be archived", "is in the archive already"}


@posix_only
@pytest.mark.parametrize("dry_run", [False, True])
@pytest.mark.parametrize("target", ["there", "nowhere"])
def test_an_archive_that_is_a_link_is_told(bench: Bench, tmp_path: Path, dry_run: bool, target: str) -> None:
    (tmp_path / "there").mkdir()
    bench.paths.archive.rmdir()
    bench.paths.archive.symlink_to(tmp_path / target, target_is_directory=True)
    source = put(bench.paths.logs / "trades_20250101.csv", "deals")
    with pytest.raises(UserAction, match="is a link"):
        archive_trades(bench, dry_run=dry_run)
    assert source.exists()


def test_a_dry_run_needs_no_archive_and_makes_none(bench: Bench) -> None:
    put(bench.paths.logs / "trades_20250101.csv", "deals")
    bench.paths.archive.rmdir()
    assert archive_trades(bench, dry_run=True).stored_bytes == 5
    assert not bench.paths.archive.exists()
    bench.paths.archive.write_text("a file")
    for dry_run in (True, False):
        with pytest.raises(StorageError):
            archive_trades(bench, dry_run=dry_run)


class FailingSteps(Steps):
    """One kind of step fails."""

    def __init__(self, name: str, error: OSError) -> None:
        self.name, self.error = name, error

    def __getattribute__(self, name: str) -> Any:
        if name == object.__getattribute__(self, "__dict__").get("name"):
            error = self.error

            def fail(*_arguments: Any) -> Any:
                raise error

            return fail
        return super().__getattribute__(name)


@pytest.mark.parametrize("step", ["create", "write", "flush", "publish", "append"])
def test_a_full_disk_leaves_the_source(bench: Bench, step: str) -> None:
    put(bench.paths.logs / "trades_20250101.csv", "first")
    full = FailingSteps(step, OSError(errno.ENOSPC, "No space left on device"))
    with pytest.raises(StorageError, match="disk is full") as raised:
        archive(bench.context(), 90, pack=False, dry_run=False, steps=full)
    assert raised.value.full
    assert (bench.paths.logs / "trades_20250101.csv").read_bytes() == b"first"
    assert not list(bench.paths.archive.glob(".archiving-*"))
    archive_trades(bench)
    assert contents(bench.paths) == [b"first"]
    assert len(manifest(bench.paths)) == 1


def test_a_locked_source_is_skipped_and_the_next_run_finishes(bench: Bench) -> None:
    put(bench.paths.logs / "trades_20250101.csv", "first")
    held = FailingSteps("remove", PermissionError(13, "The process cannot access the file"))
    with pytest.raises(NotArchived, match="open in another program"):
        archive(bench.context(), 90, pack=False, dry_run=False, steps=held)
    assert archive_trades(bench).same == 1
    assert contents(bench.paths) == [b"first"]
    assert len(manifest(bench.paths)) == 1


def test_what_reads_back_otherwise_is_no_copy(bench: Bench) -> None:
    class Lying(Steps):
        def write(self, descriptor: int, data: bytes) -> None:
            super().write(descriptor, data.replace(b"i", b"1"))

    put(bench.paths.logs / "trades_20250101.csv", "first")
    with pytest.raises(StorageError, match="reads back otherwise"):
        archive(bench.context(), 90, pack=False, dry_run=False, steps=Lying())
    assert tree(bench.paths.logs) == {"trades_20250101.csv": b"first"}


def test_a_file_that_is_written_to_meanwhile_stays(bench: Bench) -> None:
    source = put(bench.paths.logs / "trades_20250101.csv", "first")

    class Written(Steps):
        def append(self, path: Path, data: bytes) -> None:
            super().append(path, data)
            source.write_bytes(b"first and more")

    with pytest.raises(NotArchived, match="written to meanwhile"):
        archive(bench.context(), 90, pack=False, dry_run=False, steps=Written())
    assert source.read_bytes() == b"first and more"


@posix_only
def test_links_are_left_alone(bench: Bench, tmp_path: Path) -> None:
    outside = put(tmp_path / "secret.csv", "mine")
    (bench.paths.logs / "trades_20250101.csv").symlink_to(outside)
    with pytest.raises(NothingToDo, match="it is a link"):
        archive_trades(bench)
    put(bench.paths.logs / "trades_20250102.csv", "a")
    bench.paths.archive.rmdir()
    bench.paths.archive.symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(UserAction, match="is a link"):
        archive_trades(bench)
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["secret.csv"]


@posix_only
@pytest.mark.parametrize("pack", [False, True])
@pytest.mark.parametrize("kind", ["link to the source", "link outside", "hard link", "link to nothing"])
def test_what_is_only_a_link_in_the_archive_is_no_archived_file(
    bench: Bench, tmp_path: Path, kind: str, pack: bool
) -> None:
    """The trade log would be gone with its source, or with whatever the link points to."""
    name = "trades_20250101.csv"
    source = put(bench.paths.logs / name, "deals")
    there = bench.paths.archive / name
    if kind == "hard link":
        there.hardlink_to(source)
    else:
        outside = put(tmp_path / "outside.csv", "deals")
        there.symlink_to({"link to the source": Path("..") / name, "link outside": outside}.get(kind, "nowhere"))
    foreseen = archive_trades(bench, compress=pack, dry_run=True)
    result = archive_trades(bench, compress=pack)
    assert (result.same, result.renamed, result.files) == (0, 1, 1)
    assert (foreseen.same, foreseen.renamed) == (0, 1)
    assert not source.exists()
    kept = bench.paths.archive / ("trades_20250101-2.csv.gz" if pack else "trades_20250101-2.csv")
    assert stat.S_ISREG(kept.lstat().st_mode)
    assert (gzip.decompress(kept.read_bytes()) if pack else kept.read_bytes()) == b"deals"
    assert list(archived_files(bench.paths.archive, name))[-1:] == [b"deals"]


@posix_only
def test_numbers_go_on_after_a_link(bench: Bench) -> None:
    name = "trades_20250101.csv"
    put(bench.paths.archive / name, "first")
    (bench.paths.archive / "trades_20250101-2.csv").symlink_to("nowhere")
    put(bench.paths.logs / name, "second")
    assert archive_trades(bench).listed[0]["to"] == "logs/archive/trades_20250101-3.csv"
    assert list(archived_files(bench.paths.archive, name)) == [b"first", b"second"]


@posix_only
@pytest.mark.parametrize("dry_run", [False, True])
def test_a_manifest_that_is_a_link_is_refused(bench: Bench, tmp_path: Path, dry_run: bool) -> None:
    outside = put(tmp_path / "mine.txt", "mine")
    (bench.paths.archive / "manifest.jsonl").symlink_to(outside)
    source = put(bench.paths.logs / "trades_20250101.csv", "deals")
    with pytest.raises(UserAction, match=r"manifest\.jsonl is a link"):
        archive_trades(bench, dry_run=dry_run)
    assert outside.read_text() == "mine"
    assert source.exists()


@pytest.mark.allow_warnings("could not be archived")
def test_one_that_cannot_be_read_costs_only_itself(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    put(bench.paths.logs / "trades_20250101.csv", "first")
    put(bench.paths.logs / "trades_20250102.csv", "second")
    opened = Steps.open_source

    def refusing(steps: Steps, path: Path) -> Any:
        if path.name.endswith("1.csv"):
            raise PermissionError(13, "Permission denied")
        return opened(steps, path)

    monkeypatch.setattr(Steps, "open_source", refusing)
    outcome = execute(SPEC, bench.context("archive_old_trades"), ArchiveParams())
    assert outcome.state is RunState.SUCCEEDED_WITH_WARNINGS
    assert (outcome.result["files"], outcome.result["skipped"]) == (1, 1)


def test_deals_in_the_archive_are_known_packed_and_renamed_ones_too(bench: Bench) -> None:
    name = "trades_20250101.csv"
    row = ",".join(["2025-01-01T10:00:00.000Z", "Server", "7", "{}", *["0"] * 17]) + "\n"
    head = ",".join(trades.HEADER) + "\n"
    for number, pack in enumerate([False, True, True]):
        put(bench.paths.logs / name, head + row.format(number))
        archive_trades(bench, compress=pack)
    put(bench.paths.logs / name, head + row.format(3))
    assert set(trades._written(bench.context(), ("Server", "7"), {date(2025, 1, 2)})) == set(range(4))
    assert trades._written(bench.context(), ("Server", "8"), {date(2025, 1, 2)}) == {}
    damaged = bench.paths.archive / "trades_20250101-2.csv.gz"
    damaged.write_bytes(damaged.read_bytes()[:-9])
    with pytest.raises(StorageError, match="is damaged"):
        list(archived_files(bench.paths.archive, name))


# Killed between every two steps


def _killed(home: Path, left: int, *, pack: bool) -> int:
    command = [sys.executable, kill_archive.__file__, str(home), str(left), "1" if pack else "0"]
    return subprocess.run(command, capture_output=True, timeout=50, check=False).returncode


def _home(folder: Path) -> tuple[Paths, list[bytes]]:
    paths = Paths(folder)
    paths.create()
    put(paths.archive / "trades_20250101.csv", "same\n")
    put(paths.archive / "trades_20250102.csv", "another\n")
    put(paths.logs / "trades_20250101.csv", "same\n")
    put(paths.logs / "trades_20250102.csv", "other\n")
    put(paths.logs / "trades_20250103.csv", "new\n")
    return paths, [b"another\n", b"new\n", b"other\n", b"same\n"]


@pytest.mark.timeout(180)
@pytest.mark.parametrize("pack", [False, True])
def test_killed_at_any_step_every_byte_lives_once(tmp_path: Path, pack: bool) -> None:
    """A real process is ended before each of its steps in turn, then the next run finishes."""
    code, left = 9, 0
    while code == 9:
        paths, wanted = _home(tmp_path / f"{left}")
        code = _killed(paths.home, left, pack=pack)
        assert code in (0, 9)
        left += 1
        assert set(wanted) <= set(contents(paths))
        _finish(paths, pack)
        assert contents(paths) == wanted
        assert not list(paths.logs.glob("trades_*"))
        assert not list(paths.archive.glob(".archiving-*"))
        listed = [line["file"] for line in manifest(paths)]
        assert len(listed) == len(set(listed))
        ending = ".csv.gz" if pack else ".csv"
        assert {"trades_20250101.csv", f"trades_20250102-2{ending}", f"trades_20250103{ending}"} == set(listed)
    assert left > 20


def _finish(paths: Paths, pack: bool) -> None:
    for _ in range(2):
        try:
            archive(kill_archive.context(paths.home), 90, pack=pack, dry_run=False)
        except NothingToDo:
            return


class _Power(BaseException):
    """The power is gone."""


class PowerCut(Steps):
    """Raises before its n-th step what nobody catches; nothing is cleared up, as after a power cut."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or name == "left":
            return found
        self.left -= 1
        if self.left < 0:
            raise _Power
        return found


FILES = st.dictionaries(
    st.tuples(
        st.sampled_from(["20250101", "20250102", "20250501", "2025-01-03", "x"]),
        st.sampled_from([".csv", ".rejected.csv"]),
    ),
    st.binary(max_size=40),
    min_size=1,
    max_size=5,
)  # fmt: skip


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=80)
@given(
    logs=FILES, stored=FILES, cuts=st.lists(st.integers(0, 40), max_size=4), packs=st.lists(st.booleans(), min_size=5)
)
def test_any_tree_and_any_cuts(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    logs: dict[tuple[str, str], bytes],
    stored: dict[tuple[str, str], bytes],
    cuts: list[int],
    packs: list[bool],
) -> None:
    paths = Paths(tmp_path_factory.mktemp("home"))
    paths.create()
    for (day, ending), data in logs.items():
        put(paths.logs / f"trades_{day}{ending}", data, datetime(2025, 5, 1, tzinfo=UTC))
    for (day, ending), data in stored.items():
        put(paths.archive / f"trades_{day}{ending}", data)
    before = contents(paths)
    # What a power cut leaves is not cleared up by the dead process.
    with monkeypatch.context() as patch:
        patch.setattr(archive_module.Path, "unlink", _only_if_alive)
        for cut, pack in zip(cuts, packs, strict=False):
            try:
                archive(kill_archive.context(paths.home), 90, pack=pack, dry_run=False, steps=PowerCut(cut))
            except (_Power, NothingToDo):
                pass
            assert set(before) <= set(contents(paths))
    _finish(paths, packs[0])
    after = contents(paths)
    assert set(after) == set(before)
    # Equal contents of one day are kept once, all others as often as they were there.
    assert len(after) <= len(before)
    for (day, ending), data in logs.items():
        assert (paths.logs / f"trades_{day}{ending}").exists() == (day in ("20250501", "x"))
        assert data in after
    assert not list(paths.archive.glob(".archiving-*"))


_unlink = Path.unlink


def _only_if_alive(path: Path, missing_ok: bool = False) -> None:
    if sys.exc_info()[0] is not _Power:
        _unlink(path, missing_ok=missing_ok)


def test_the_archive_may_lie_on_another_disk(bench: Bench) -> None:
    """Names are given within the archive only: nothing is ever renamed from one folder to another."""

    class Disks(Steps):
        def publish(self, temporary: Path, target: Path) -> None:
            assert temporary.parent == target.parent == bench.paths.archive
            super().publish(temporary, target)

    put(bench.paths.logs / "trades_20250101.csv", "first")
    archive(bench.context(), 90, pack=False, dry_run=False, steps=Disks())
    assert contents(bench.paths) == [b"first"]
