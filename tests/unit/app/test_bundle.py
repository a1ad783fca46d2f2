"""Support bundles: written whole or not at all, few of them, and read with suspicion."""

from __future__ import annotations

import json
import os
import shutil
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import bundle, bundle_read, ipc
from app.bundle import KEPT_FILES, make, tidy
from app.bundle_keeper import GAP_S, BundleKeeper
from app.bundle_parts import PARTS, Source
from app.bundle_read import summary
from app.cli_bundle import make_one
from app.cli_session import CommandSession
from app.clock import FakeClock
from app.engine import Engine
from app.errors import UserAction
from app.files import StorageError
from app.owner import Owner
from app.paths import Paths
from app.recorder import Stall
from app.settings import Settings
from app.settings_store import SettingsStore
from app.storage import Storage
from app.tasks import Registry


@pytest.fixture
def source(paths: Paths, fake_clock: FakeClock) -> Source:
    """A home with a log, a health check and an outage, in which nothing runs."""
    storage = Storage(paths, fake_clock)
    storage.append_json_item(
        paths.health_checks / "health_20250603.json",
        {
            "time": "2025-06-03T11:30:00.000Z",
            "overall": "unhealthy",
            "checks": [
                {"title": "Disk", "verdict": "error", "value": "0.2 GB free", "advice": "Free some."},
                {"title": "Logs", "verdict": "ok", "value": "3 MB", "advice": ""},
            ],
        },
    )
    storage.write_json(paths.outages_file, {"entries": [{"state": "not_answering", "began": "2025-06-03T10:00:00Z"}]})
    paths.log_file.write_text(
        "2025-06-03T11:00:00.000Z INFO a task=- run=- all is well\n"
        "2025-06-03T11:59:00.000Z ERROR window task=- run=- An error was not foreseen\n    Traceback\n",
        encoding="utf-8",
    )
    return Source(paths, Settings(), fake_clock.now())


def no_room(_path: Path, data: bytes) -> None:
    raise StorageError("Cannot write it: the disk is full.", path=_path, full=True)


def test_a_bundle_tells_what_happened(source: Source, tmp_path: Path) -> None:
    made = make(source, tmp_path / "a.zip", "crash", "Traceback: it broke")
    found = summary(made.path)
    assert found["reason"] == "crash"
    assert found["made_at"] == "2025-06-03T12:00:00.000Z"
    assert found["details"] == "Traceback: it broke"
    assert found["versions"]["python"] == sys.version
    assert found["versions"]["packages"]["pydantic"]
    assert set(found["missing"]) == {"recorder.json", "engine.json"}
    assert found["changed"] == []
    assert found["health"]["overall"] == "unhealthy"
    assert [check["title"] for check in found["health"]["bad"]] == ["Disk"]
    assert [event["text"] for event in found["last_errors"]] == ["ERROR window: An error was not foreseen"]
    assert [event["kind"] for event in found["timeline"]] == ["outage", "log"]


def test_a_file_that_is_there_stays(source: Source, tmp_path: Path) -> None:
    target = tmp_path / "mine.zip"
    target.write_text("mine", encoding="utf-8")
    with pytest.raises(UserAction, match="already"):
        make(source, target, "request")
    assert target.read_text(encoding="utf-8") == "mine"
    assert make(source, target, "request", replace=True).bytes == target.stat().st_size


def test_damaged_parts_cost_only_themselves_and_stay_where_they_are(source: Source, tmp_path: Path) -> None:
    source.paths.outages_file.write_text("{", encoding="utf-8")
    source.paths.database.write_bytes(b"no database at all" * 100)
    made = make(source, tmp_path / "a.zip", "request")
    assert {"outages.json", "runs.json"} <= set(made.missing)
    assert source.paths.outages_file.read_text(encoding="utf-8") == "{"
    assert summary(made.path)["health"]["overall"] == "unhealthy"


def test_only_the_newest_bundles_are_kept(source: Source, fake_clock: FakeClock) -> None:
    stranger = source.paths.support / "notes.zip"
    source.paths.support.mkdir()
    stranger.write_bytes(b"not ours")
    made = []
    for _ in range(KEPT_FILES + 3):
        fake_clock.advance(1)
        made.append(make(Source(source.paths, source.settings, fake_clock.now()), None, "stall").path)
    assert sorted(source.paths.support.glob("metronome-support-*.zip")) == made[3:]
    assert stranger.exists()
    size = made[-1].stat().st_size
    tidy(source.paths, KEPT_FILES, int(2.5 * size))
    assert sorted(source.paths.support.glob("metronome-support-*.zip")) == made[-2:]


@pytest.mark.allow_warnings("nearly full")
def test_on_a_nearly_full_disk_a_smaller_bundle_says_what_it_lacks(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = bundle.atomic_write_bytes
    tries = []

    def tight(path: Path, data: bytes) -> None:
        tries.append(len(data))
        if len(tries) == 1:
            raise StorageError("Cannot write it: the disk is full.", path=path, full=True)
        whole(path, data)

    monkeypatch.setattr(bundle, "atomic_write_bytes", tight)
    made = make(source, None, "crash")
    assert tries[1] < tries[0]
    found = summary(made.path)
    assert "nearly full" in found["missing"]["metronome.log"]
    assert found["changed"] == []


def test_without_any_room_it_says_so_and_leaves_nothing(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "atomic_write_bytes", no_room)
    with pytest.raises(StorageError, match="full"):
        make(source, None, "crash")
    assert list(source.paths.support.iterdir()) == []


def keeper(source: Source, clock: FakeClock) -> BundleKeeper:
    return BundleKeeper(source.paths, lambda: source.settings, lambda: None, clock)


def test_many_errors_make_one_bundle(source: Source, fake_clock: FakeClock) -> None:
    one = keeper(source, fake_clock)
    for _ in range(5):
        one.crashed("Traceback")
    one.stalled(Stall(fake_clock.now(), 5.0, {}))
    one.wait()
    assert len(list(source.paths.support.iterdir())) == 1
    fake_clock.advance(GAP_S)
    one.stalled(Stall(fake_clock.now(), 6.0, {"window": "  File x, in paint"}, "It is in paint."))
    (_, stall) = sorted(source.paths.support.iterdir())
    assert "in paint" in summary(stall)["details"]


@pytest.mark.allow_warnings("No support bundle could be made")
def test_a_bundle_that_cannot_be_made_is_told_in_the_log(
    source: Source, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(bundle, "atomic_write_bytes", no_room)
    keeper(source, fake_clock).stalled(Stall(fake_clock.now(), 5.0, {}))
    assert "the disk is full" in caplog.text


# -- hostile files -----------------------------------------------------------------------------------------------------


def refused(path: Path) -> str:
    with pytest.raises(UserAction) as caught:
        summary(path)
    return caught.value.message


def test_what_is_no_bundle_is_refused_with_the_reason(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    assert "There is no file" in refused(path)
    path.write_bytes(b"")
    assert "no whole zip file" in refused(path)
    path.write_bytes(os.urandom(5_000))
    assert "no whole zip file" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "Dear all")
    assert "bundle.json" in refused(path)
    assert "There is no file" in refused(tmp_path)


def test_a_cut_bundle_is_refused(source: Source, tmp_path: Path) -> None:
    path = make(source, tmp_path / "a.zip", "request").path
    data = path.read_bytes()
    for size in range(0, len(data), 97):
        path.write_bytes(data[:size])
        refused(path)


def test_a_bomb_is_unpacked_to_its_bound_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle_read, "MAX_MEMBER", 100_000)
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bundle.json", "{}")
        archive.writestr("runs.json", b"0" * 50_000_000)
    assert summary(path)["missing"]["runs.json"] == "It has more than 100000 bytes."


def test_a_directory_of_thousands_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bundle.json", "{}")
        for number in range(2_000):
            archive.writestr(f"{number}.txt", "")
    assert "lists 2001 files" in refused(path)


def test_an_entry_count_that_lies_is_of_no_use(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for number in range(2_000):
            archive.writestr(f"{number}.txt", "")
    data = bytearray(path.read_bytes())
    struct.pack_into("<2H", data, data.rfind(b"PK\x05\x06") + 8, 1, 1)
    path.write_bytes(data)
    refused(path)


def test_nothing_is_extracted_and_strange_names_are_not_opened(tmp_path: Path) -> None:
    path = tmp_path / "box" / "a.zip"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bundle.json", '{"reason": "request"}')
        archive.writestr("../evil.txt", "out")
        archive.writestr("/etc/evil.txt", "out")
        archive.writestr("C:\\evil.txt", "out")
    found = summary(path)
    assert len(found["ignored"]) == 3
    assert sorted(tmp_path.rglob("*")) == [path.parent, path]


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_that_comes_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bundle.json", "{}")
        archive.writestr("runs.json", "[]")
        archive.writestr("runs.json", '[{"task": "other"}]')
    assert "more than once" in summary(path)["missing"]["runs.json"]


def test_a_changed_member_is_told(source: Source, tmp_path: Path) -> None:
    path = make(source, tmp_path / "a.zip", "request").path
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts["outages.json"] = b"[]"
    del parts["health.json"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    assert sorted(summary(path)["changed"]) == ["health.json", "outages.json"]


ODD: tuple[Any, ...] = (None, 1, "x", [], {}, [1, None, [{}]], {"calls": 5, "runs": [[], 3], "stalls": [{"stacks": 7}]})


@pytest.mark.parametrize("odd", [*map(json.dumps, ODD), "[" * 50_000, "{", "\x00", "1e999", "NaN", "9" * 10_000])
def test_odd_content_costs_only_itself(odd: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name in (*PARTS, "bundle.json", "integrity.json"):
            archive.writestr(name, odd)
    json.dumps(summary(path))


def test_texts_cannot_steer_the_terminal_that_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("bundle.json", json.dumps({"reason": "\x1b]0;owned\x07\u202ereversed"}))
    assert summary(path)["reason"] == "?]0;owned??reversed"


# -- the command -------------------------------------------------------------------------------------------------------

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def command(home: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Starts the program on ``home``."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        line = [sys.executable, str(ROOT / "main.py"), "bundle", *arguments, "--home", str(home)]
        return subprocess.run(line, capture_output=True, text=True, timeout=50, check=False, cwd=ROOT)

    return run


def test_the_command_makes_one_and_shows_it(
    command: Callable[..., subprocess.CompletedProcess[str]], home: Path, tmp_path: Path
) -> None:
    made = command()
    assert made.returncode == 0, made.stderr
    path = Path(made.stdout.strip())
    assert path.parent == home / "data" / "support"
    assert "recorder.json is not in it" in made.stderr
    shown = command(str(path))
    assert shown.returncode == 0
    assert "Timeline" in shown.stdout
    document = json.loads(command(str(path), "--json").stdout)
    assert document["reason"] == "request"
    missing = command(str(tmp_path / "nope.zip"))
    assert missing.returncode == 1
    assert "bundle --make" in missing.stderr
    assert not (tmp_path / "nope.zip").exists()
    assert command(str(path), "--make", "x.zip").returncode == 2
    shutil.rmtree(home)


def test_a_running_metronome_puts_its_recorder_in(paths: Paths, tmp_path: Path) -> None:
    store = SettingsStore(paths.settings_file, {"terminal.kind": "simulated"})
    store.load()
    owner = Owner(Engine(paths, store, Registry()))
    owner.start(schedule=False)
    try:
        session = CommandSession.open(str(paths.home), {}, Registry, as_json=False)
        owner.engine.terminal.ensure_connected()
        made = make_one(session, tmp_path / "a.zip")
        with pytest.raises(UserAction, match="already"):
            make_one(session, tmp_path / "a.zip")
    finally:
        owner.stop()
    assert made["missing"] == {}
    found = summary(tmp_path / "a.zip")
    assert found["running"]
    assert found["counts"]["calls"] > 0
    assert [event["text"] for event in found["timeline"] if event["kind"] == "terminal"][-1] == "connected"


def test_an_owner_that_does_not_answer_is_not_waited_for(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def silent(*_arguments: object, **_options: object) -> None:
        raise ipc.OwnerNotAnswering("The Metronome that has this home open (process 7) did not answer.")

    monkeypatch.setattr(ipc, "read_owner", lambda _file: {})
    monkeypatch.setattr(ipc, "call", silent)
    made = make_one(CommandSession.open(str(paths.home), {}, Registry, as_json=False), None)
    assert "recorder.json" in made["missing"]
    assert "from the files instead" in capsys.readouterr().err
