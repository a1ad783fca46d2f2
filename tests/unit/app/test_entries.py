"""The layout of documents whose entries grow in place."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import storage
from app.clock import FakeClock
from app.entries import PAGE, begun, encoded, extended, in_our_layout, last_line, place
from app.paths import Paths
from app.storage import Storage

ROOT = Path(__file__).resolve().parents[3]

_LENGTHS = st.lists(
    st.integers(0, 1500) | st.sampled_from([4070, 4080, 4090, 4096, 5000, 9000]), min_size=2, max_size=40
)


def grown(lengths: list[int]) -> list[bytes]:
    """The document after each entry, as the storage writes it."""
    document = begun({"schema": 1, "symbol": "EURUSD"}, [encoded({"n": 0})])
    data, end = bytearray(b"".join(document.pieces)), document.end
    states = [bytes(data)]
    for number, length in enumerate(lengths, 1):
        entry = encoded({"n": number, "pad": "x" * length})
        found = place(end, len(data), entry)
        if found is None:
            document = extended(bytes(data), end, entry)
            data, end = bytearray(b"".join(document.pieces)), document.end
        else:
            at, line = found
            data[at : at + len(line)] = line
            end = at + len(line)
        states.append(bytes(data))
    return states


@settings(deadline=None, max_examples=60)
@given(lengths=_LENGTHS)
def test_each_entry_is_written_into_one_page(lengths: list[int]) -> None:
    states = grown(lengths)
    for number, data in enumerate(states):
        assert [entry["n"] for entry in json.loads(data)["entries"]] == list(range(number + 1))
        document = in_our_layout(data)
        assert document is not None
        assert json.loads(last_line(data) or b"")["n"] == number
    for before, after in itertools.pairwise(states):
        if len(before) == len(after):
            changed = [at for at in range(0, len(after), PAGE) if before[at : at + PAGE] != after[at : at + PAGE]]
            assert len(changed) == 1


@settings(deadline=None, max_examples=60)
@given(lengths=st.lists(st.integers(0, 1500), min_size=8, max_size=60), choice=st.randoms(use_true_random=False))
def test_whatever_pages_a_power_cut_keeps_the_document_is_valid(lengths: list[int], choice: Any) -> None:
    states = grown(lengths)
    last = states[-1]
    since = [data for data in states if len(data) == len(last)]  # written in place after the last replacement
    kept = b"".join(choice.choice(since)[at : at + PAGE] for at in range(0, len(last), PAGE))
    numbers = [entry["n"] for entry in json.loads(kept)["entries"]]
    assert numbers == sorted(set(numbers))
    assert in_our_layout(kept) is not None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b'{"schema": 1, "entries": [\n]}\n'[:-1],
        b'{"schema": 1, "entries": [\n{"a":1},\n{"b":2}\n]}\n',  # commas at the ends of lines
        b'{"schema": 1, "entries": [\n,{"a":1}\n]}\n',
        b'{"schema": 1, "entries": [\n{"a":1}\n{"b":2}\n]}\n',
        b'{"schema": 1, "entries": [\n{"a":\n]}\n',
        b'{"schema": 1, "entries": [\n3\n]}\n',
        b'{"schema": 1, "entries": [\n{"a":1}\n]}\n]}\n',
        b'{"schema": 1, "entries": [\n{"a":"' + b"x" * 4000 + b'"}\n,{"b":"' + b"x" * 300 + b'"}\n]}\n',
    ],
)
def test_what_is_not_in_our_layout(data: bytes) -> None:
    assert in_our_layout(data) is None


def test_the_gap_is_half_of_the_document_and_every_append_costs_the_same(
    paths: Paths, fake_clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bytes written and calls made, rather than time: at entry 10 as at entry 10,000."""
    written: list[int] = []
    real = os.write

    def counting(descriptor: int, data: Any) -> int:
        written.append(len(data))
        return real(descriptor, data)

    monkeypatch.setattr(storage.os, "write", counting)
    found, path = Storage(paths, fake_clock), paths.market_data / "EURUSD_20250603.json"
    costs = []
    for number in range(10_001):
        written.clear()
        found.append_json_item(path, {"n": f"{number:06}", "pad": "x" * 240}, durable=False)
        costs.append(sum(written))
    assert costs[10] == costs[10_000] < 300
    rewritten = [number for number, cost in enumerate(costs) if cost > 1000]
    assert len(rewritten) < 30
    assert sum(costs) < 4 * path.stat().st_size
    assert len(json.loads(path.read_bytes())["entries"]) == 10_001


def test_a_day_of_old_layout_goes_on(paths: Paths, fake_clock: FakeClock) -> None:
    path = paths.market_data / "EURUSD_20250603.json"
    path.write_bytes(b'{"schema": 1, "symbol": "EURUSD", "entries": [\n{"n":0},\n{"n":1}\n]}\n')
    Storage(paths, fake_clock).append_json_item(path, {"n": 2})
    assert json.loads(path.read_bytes()) == {"schema": 1, "symbol": "EURUSD", "entries": [{"n": n} for n in range(3)]}


def test_a_document_that_somebody_changes_between_two_appends_is_read_anew(paths: Paths, fake_clock: FakeClock) -> None:
    path = paths.market_data / "EURUSD_20250603.json"
    found = Storage(paths, fake_clock)
    found.append_json_item(path, {"n": 0})
    found.append_json_item(path, {"n": 1})
    path.write_text('{"schema": 1, "entries": [{"n": 7}]}', encoding="utf-8")
    found.append_json_item(path, {"n": 8})
    path.unlink()
    found.append_json_item(path, {"n": 9})
    assert json.loads(path.read_bytes())["entries"] == [{"n": 9}]


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_any_bytes_are_a_document_or_none(data: bytes) -> None:
    document = in_our_layout(data)
    if document is not None:
        assert isinstance(json.loads(data)["entries"], list)


APPENDER = """
import sys
from pathlib import Path
from app.clock import SystemClock
from app.paths import Paths
from app.storage import Storage
home = Path(sys.argv[1])
storage = Storage(Paths(home), SystemClock())
for n in range(int(sys.argv[2]), 10**9):
    storage.append_json_item(home / "a.json", {"n": n, "pad": "x" * (n * 37 % 900)}, durable=False)
    if n % 100 == 0:
        print(n, flush=True)
"""


def test_a_kill_in_the_middle_of_thousands_of_appends_leaves_a_valid_document(home: Path) -> None:
    begin = 0
    for turn in range(8):
        process = subprocess.Popen(
            [sys.executable, "-c", APPENDER, str(home), str(begin)], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(3 + turn * 5)]
        process.kill()
        told += process.stdout.readlines()
        process.stdout.close()
        process.wait(10)
        numbers = [entry["n"] for entry in json.loads((home / "a.json").read_bytes())["entries"]]
        assert numbers == list(range(len(numbers)))
        assert numbers[-1] >= max(int(line) for line in told if line.endswith("\n"))
        begin = numbers[-1] + 1
    assert begin > 5000
