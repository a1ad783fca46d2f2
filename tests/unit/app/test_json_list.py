"""Long lists in JSON files, piece by piece."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import UserAction
from app.files import StorageError
from app.json_list import read_list, write_list

_VALUES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
_ITEMS = st.lists(st.dictionaries(st.text(max_size=4), _VALUES, max_size=4), max_size=5)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(head=st.dictionaries(st.text(max_size=4).filter(lambda n: n not in ("schema", "list")), _VALUES), items=_ITEMS)
def test_what_is_written_is_json_and_comes_back(home: Path, head: dict[str, Any], items: list[dict[str, Any]]) -> None:
    path = home / "some folder" / "a.json"
    write_list(path, head, "list", items)
    whole = json.loads(path.read_bytes())
    found = read_list(path, "list")
    assert found is not None
    assert whole == {**found[0], "list": list(found[1])}
    assert list(whole["list"]) == [json.loads(json.dumps(item)) for item in items]


def test_a_file_that_was_cut_off_gives_what_is_left(home: Path) -> None:
    path = home / "a.json"
    write_list(path, {"server": "S"}, "list", ({"n": n} for n in range(1000)))
    data = path.read_bytes()
    for size in (len(data) // 2, len(data) - 3):
        path.write_bytes(data[:size])
        found = read_list(path, "list")
        assert found is not None
        left = list(found[1])
        assert left == [{"n": n} for n in range(len(left))]
        assert 0 < len(left) <= 1000


@pytest.mark.parametrize("indent", [None, 0, 2])
def test_another_layout_of_the_same_document_is_read(home: Path, indent: int | None) -> None:
    path = home / "a.json"
    write_list(path, {"server": "S"}, "list", [{"n": 1}, {"n": 2}])
    whole = json.loads(path.read_bytes())
    path.write_text(json.dumps({"list": whole.pop("list"), **whole}, indent=indent), encoding="utf-8-sig")
    found = read_list(path, "list")
    assert found is not None
    assert (found[0], list(found[1])) == ({"schema": 1, "server": "S", "list": []}, [{"n": 1}, {"n": 2}])


@pytest.mark.parametrize("data", [b'{"schema": 2, "list": [\n{"n": 1}\n]}\n', b'{"schema": 99}', b'{\n"schema": 2\n}'])
def test_a_newer_schema_is_refused_and_left_alone(home: Path, data: bytes) -> None:
    path = home / "a.json"
    path.write_bytes(data)
    with pytest.raises(UserAction, match="this Metronome knows up to 1"):
        read_list(path, "list")
    assert path.read_bytes() == data


def test_a_file_in_another_layout_is_not_read_beyond_reason(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = home / "a.json"
    path.write_text('{"list":\n [' + '{"n": 1}, ' * 1000 + "{}]}", encoding="utf-8")
    assert read_list(path, "list") is not None
    monkeypatch.setattr("app.json_list.MAX_BYTES", 5000)
    assert read_list(path, "list") is None


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"schema": 1, "other": [\n', b"\xff\xfe\n", b'{"list": 3}\n'])
def test_what_is_not_ours_is_nothing(home: Path, data: bytes) -> None:
    path = home / "a.json"
    path.write_bytes(data)
    assert read_list(path, "list") is None
    assert read_list(home / "none.json", "list") is None


def test_an_error_while_making_the_items_leaves_the_old_file(home: Path) -> None:
    path = home / "a.json"
    write_list(path, {}, "list", [{"n": 1}])
    before = path.read_bytes()

    def items() -> Iterator[dict[str, Any]]:
        yield {"n": 2}
        raise RuntimeError("stop")

    with pytest.raises(RuntimeError):
        write_list(path, {}, "list", items())
    with pytest.raises(ValueError, match="JSON compliant"):
        write_list(path, {}, "list", [{"n": float("nan")}])
    with pytest.raises(StorageError):
        write_list(path / "below a file.json", {}, "list", [])
    assert path.read_bytes() == before
    assert list(home.iterdir()) == [path]
