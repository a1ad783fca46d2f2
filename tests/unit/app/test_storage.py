from __future__ import annotations

import csv
import errno
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import files
from app.clock import FakeClock
from app.errors import UserAction
from app.files import StorageError
from app.paths import Paths
from app.storage import Storage, damage_told_to

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def storage(paths: Paths, fake_clock: FakeClock) -> Storage:
    return Storage(paths, fake_clock)


@pytest.fixture
def day(paths: Paths) -> Path:
    return paths.market_data / "EURUSD_20250603.json"


def entries(path: Path) -> list[Any]:
    found = json.loads(path.read_bytes())["entries"]
    assert isinstance(found, list)
    return found


def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_names_are_relative_with_forward_slashes(storage: Storage, paths: Paths, tmp_path: Path) -> None:
    assert storage.relative(paths.bars / "a.csv") == "data/bars/a.csv"
    assert storage.relative(tmp_path / "x.csv") == (tmp_path / "x.csv").as_posix()


def test_json_gets_its_schema_and_comes_back(storage: Storage, paths: Paths) -> None:
    file = paths.data / "new folder" / "a.json"
    storage.write_json(file, {"text": "žluťoučký \ud83d", "n": 1})
    assert storage.read_json(file) == {"schema": 1, "text": "žluťoučký \ud83d", "n": 1}
    assert next(iter(json.loads(file.read_bytes()))) == "schema"
    with pytest.raises(ValueError, match="JSON compliant"):
        storage.write_json(file, {"n": float("nan")})
    assert storage.read_json(paths.data / "none.json") is None


@pytest.mark.parametrize("data", [b'{"a": 1', b"\xff\xfe", b"[1]", b"", b"[" * 200_000])
def test_damaged_json_is_kept_aside(
    storage: Storage, paths: Paths, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = paths.data / "a.json"
    file.write_bytes(data)
    assert storage.read_json(file) is None
    assert file.with_name("a.json.damaged-20250603T120000Z").read_bytes() == data
    assert not file.exists()
    assert "data/a.json is damaged" in caplog.text


def test_a_newer_schema_is_left_alone(storage: Storage, day: Path) -> None:
    day.write_text('{"schema": 2, "entries": [\n]}\n', encoding="utf-8")
    with pytest.raises(UserAction, match="schema 2"):
        storage.read_json(day)
    with pytest.raises(UserAction, match="schema 2"):
        storage.append_json_item(day, {"a": 1})
    assert storage.read_json(day, schema=2) == {"schema": 2, "entries": []}


_PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    head=st.dictionaries(
        st.text(max_size=5).filter(lambda name: name not in ("schema", "entries")), _PLAIN, max_size=3
    ),
    items=st.lists(st.dictionaries(st.text(max_size=5), _PLAIN, max_size=4), min_size=1, max_size=6),
)
def test_whatever_is_appended_is_there_and_valid_after_each(
    storage: Storage, day: Path, head: dict[str, Any], items: list[dict[str, Any]]
) -> None:
    day.unlink(missing_ok=True)

    def stored(value: Any) -> Any:
        text = json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
        return json.loads(text)

    for count, item in enumerate(items, 1):
        storage.append_json_item(day, item, head)
        found = json.loads(day.read_bytes())
        assert found == {"schema": 1, **stored(head), "entries": stored(items[:count])}


def test_nothing_is_lost_and_an_append_stays_cheap(
    storage: Storage, day: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    item = {
        "time": "2025-06-03T12:00:00.000Z",
        "bid": 1.08456,
        "ask": 1.08467,
        "spread": 11,
        "volume": 120,
        "age_s": 0.4,
    }
    monkeypatch.setattr(files.os, "fsync", lambda _: None)
    costs = []
    for number in range(1500):
        began = time.perf_counter()
        storage.append_json_item(day, {"n": number, **item}, {"symbol": "EURUSD"})
        costs.append(time.perf_counter() - began)
    assert [entry["n"] for entry in entries(day)] == list(range(1500))
    assert sorted(costs[-500:])[250] < 0.003


def test_threads_that_append_lose_nothing(storage: Storage, day: Path) -> None:
    def work(base: int) -> None:
        for number in range(50):
            storage.append_json_item(day, {"n": base + number})

    threads = [threading.Thread(target=work, args=(base,)) for base in (0, 1000, 2000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(entry["n"] for entry in entries(day)) == sorted(
        base + n for base in (0, 1000, 2000) for n in range(50)
    )


@pytest.mark.parametrize(
    "data", [b'{"schema": 1, "entries": [\n{"a":1},\n{"b"', b'{"schema": 1}', b'{"entries": 3}', b"x\n]}\n"]
)
def test_a_damaged_document_is_kept_and_a_new_one_begun(
    storage: Storage, day: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    storage.append_json_item(day, {"n": 0})
    day.write_bytes(data)
    storage.append_json_item(day, {"n": 1})
    assert entries(day) == [{"n": 1}]
    assert day.with_name(f"{day.name}.damaged-20250603T120000Z").read_bytes() == data
    assert "was kept as" in caplog.text


@pytest.mark.parametrize(
    "text",
    [
        '{"entries": [{"n": 0}], "schema": 1, "symbol": "X"}',
        '{\n  "schema": 1,\n  "symbol": "X",\n  "entries": [\n    {"n": 0}\n  ]\n}',
        '{"schema": 1, "symbol": "X", "entries": [{"n": 0}], "other": [1\n]}\n',
    ],
)
def test_a_document_that_somebody_reformatted_goes_on(storage: Storage, day: Path, text: str) -> None:
    day.write_text(text, encoding="utf-8")
    storage.append_json_item(day, {"n": 1})
    storage.append_json_item(day, {"n": 2})
    found = storage.read_json(day)
    assert found is not None
    assert found["symbol"] == "X"
    assert [entry["n"] for entry in found["entries"]] == [0, 1, 2]


def test_a_full_disk_costs_the_new_entry_only(storage: Storage, day: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    storage.append_json_item(day, {"n": 0})
    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(StorageError, match="disk is full"):
            storage.append_json_item(day, {"n": 1})
    storage.append_json_item(day, {"n": 2})
    assert entries(day) == [{"n": 0}, {"n": 2}]


APPENDER = """
import sys
from pathlib import Path
from app.clock import SystemClock
from app.paths import Paths
from app.storage import Storage, damage_told_to
storage, home = Storage(Paths(Path(sys.argv[1])), SystemClock()), Path(sys.argv[1])
print("ready", flush=True)
for n in range(int(sys.argv[2]), 10**9):
    storage.append_json_item(home / "a.json", {"n": n, "pad": "x" * 200})
    storage.append_csv(home / "a.csv", ["n", "pad"], [[n, "x" * 200]])
    print(n, flush=True)
"""


def test_a_kill_at_any_instant_loses_no_finished_append(
    home: Path, storage: Storage, caplog: pytest.LogCaptureFixture
) -> None:
    begin, finished = 0, set[int]()
    for turn in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(home), str(begin)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        told = [process.stdout.readline() for _ in range(5)]
        time.sleep(0.002 * turn)
        process.kill()
        told += process.stdout.readlines()
        process.stdout.close()
        process.wait(10)
        finished |= {int(line) for line in told if line.endswith("\n")}
        numbers = [entry["n"] for entry in entries(home / "a.json")]
        assert numbers == list(range(len(numbers)))
        assert finished <= set(numbers)
        begin = numbers[-1] + 1
    storage.append_csv(home / "a.csv", ["n", "pad"], [])
    with (home / "a.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["n", "pad"]
    assert all(row[1] == "x" * 200 for row in rows[1:])
    assert finished <= {int(row[0]) for row in rows[1:]}
    assert len(finished) >= 30


def test_csv_rows_are_appended_below_one_header(storage: Storage, paths: Paths) -> None:
    file = paths.bars / "EURUSD_M5.csv"
    assert storage.append_csv(file, ["time", "text"], [[1, 'a,"b"'], [2, "two\nlines"]]) == 2
    assert storage.append_csv(file, ["time", "text"], []) == 0
    assert storage.append_csv(file, ["time", "text"], [[3, None]]) == 1
    assert file.read_text(encoding="utf-8") == 'time,text\n1,"a,""b"""\n2,two lines\n3,\n'
    with pytest.raises(UserAction, match="has the columns time, text"):
        storage.append_csv(file, ["time", "other"], [[4, 4]])


@pytest.mark.parametrize("torn", ["4,fo", "4," + "x" * 10_000, "4"])
def test_a_torn_line_goes_to_the_side_file(
    storage: Storage, paths: Paths, torn: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = paths.bars / "a.csv"
    storage.append_csv(file, ["time", "text"], [[1, "one"]])
    with file.open("a", encoding="utf-8", newline="") as handle:
        handle.write(torn)
    storage.append_csv(file, ["time", "text"], [[5, "five"]])
    assert file.read_text(encoding="utf-8") == "time,text\n1,one\n5,five\n"
    assert (paths.bars / "a.rejected.csv").read_text(encoding="utf-8") == torn + "\n"
    assert "torn" in caplog.text


def test_a_torn_header_is_begun_again(storage: Storage, paths: Paths, caplog: pytest.LogCaptureFixture) -> None:
    file = paths.bars / "a.csv"
    file.write_text("time,te", encoding="utf-8")
    assert storage.append_csv(file, ["time", "text"], [[1, "one"]]) == 1
    assert file.read_text(encoding="utf-8") == "time,text\n1,one\n"


def test_rows_that_do_not_fit_are_taken_back(storage: Storage, paths: Paths, monkeypatch: pytest.MonkeyPatch) -> None:
    file = paths.bars / "a.csv"
    storage.append_csv(file, ["a"], [[1]])
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"a\.csv: the disk is full"):
            storage.append_csv(file, ["a"], [[2], [3]])
    assert file.read_text(encoding="utf-8") == "a\n1\n"


def test_sizes(storage: Storage, paths: Paths) -> None:
    assert storage.free_bytes() > 0
    assert storage.folder_size(paths.home / "none") == 0
    (paths.bars / "a").write_bytes(b"x" * 1000)
    (paths.cache / "b").write_bytes(b"x" * 24)
    assert storage.folder_size(paths.data) == 1024


def test_the_last_entry_is_read_without_the_others(paths: Paths, fake_clock: FakeClock) -> None:
    storage = Storage(paths, fake_clock)
    path = paths.health_checks / "health_20250603.json"
    assert storage.last_json_item(path) is None
    for number in range(3):
        storage.append_json_item(path, {"number": number, "text": "größer\n" * number})
        assert storage.last_json_item(path) == {"number": number, "text": "größer\n" * number}
    storage.append_json_item(path, {"long": "x" * 300_000})
    assert storage.last_json_item(path) == {"long": "x" * 300_000}
    path.write_text('{"schema": 1, "entries": [{"by": "another program"}]}', encoding="utf-8")
    assert storage.last_json_item(path) == {"by": "another program"}
    path.write_text('{"schema": 1, "entries": []}', encoding="utf-8")
    assert storage.last_json_item(path) is None


@pytest.mark.parametrize(
    "broken",
    [
        b'{"a": 1},\n{"b": 2}',  # right
        b'{"a": 1}\n{"b": 2}',
        b'{"a": 1},\n{"b": 2},',
        b'{"a": 1},\n{"b": ',
        b'{"a": 1},\n\n{"b": 2}',
        b"[1],\n[2]",
    ],
)
@pytest.mark.allow_warnings("is damaged")
def test_a_document_checked_by_lines_is_judged_like_one_parsed_whole(
    paths: Paths, fake_clock: FakeClock, broken: bytes
) -> None:
    path = paths.health_checks / "health_20250603.json"
    Storage(paths, fake_clock).append_json_item(path, {"first": 0})
    whole = path.read_bytes().replace(b'{"first":0}', broken)
    path.write_bytes(whole)
    try:
        expected = len(json.loads(whole)["entries"]) + 1
    except ValueError:
        expected = 1
    Storage(paths, fake_clock).append_json_item(path, {"next": 1})
    entries = json.loads(path.read_bytes())["entries"]
    assert len(entries) == expected
    assert entries[-1] == {"next": 1}


def test_the_run_that_meets_a_damaged_file_is_told(storage: Storage, day: Path, paths: Paths) -> None:
    storage.append_json_item(day, {"bid": 1.1})
    os.truncate(day, day.stat().st_size - 5)
    table = paths.bars / "EURUSD_M5.csv"
    storage.append_csv(table, ("time", "close"), [(1, 2)])
    os.truncate(table, table.stat().st_size - 1)
    told: list[str] = []
    with damage_told_to(told.append):
        storage.append_json_item(day, {"bid": 1.2})
        storage.append_json_item(day, {"bid": 1.3})
        storage.append_csv(table, ("time", "close"), [(3, 4)])
    assert len(told) == 2
    assert "EURUSD_20250603.json is damaged" in told[0]
    assert "kept as EURUSD_20250603.json.damaged-" in told[0]
    assert "moved to EURUSD_M5.rejected.csv" in told[1]
    assert entries(day) == [{"bid": 1.2}, {"bid": 1.3}]


@pytest.mark.allow_warnings("is damaged")
def test_what_the_window_met_is_told_by_the_next_run_at_the_file(storage: Storage, day: Path, paths: Paths) -> None:
    storage.append_json_item(day, {"bid": 1.1})
    os.truncate(day, day.stat().st_size - 5)
    assert storage.last_json_item(day) is None  # a page looks at it
    told: list[str] = []
    with damage_told_to(told.append):
        storage.append_json_item(paths.market_data / "GBPUSD_20250603.json", {"bid": 1.2})
        assert told == []
        storage.append_json_item(day, {"bid": 1.2})
        storage.append_json_item(day, {"bid": 1.3})
    assert len(told) == 1
    assert "EURUSD_20250603.json is damaged" in told[0]
