"""The shelf of stored backtests: what hostile and damaged files do to it, and that nothing is ever lost."""

from __future__ import annotations

import json
import os
import zlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.clock import FakeClock
from app.errors import UserAction
from app.files import StorageError
from app.paths import Paths
from workers.backtest import shelf as shelves
from workers.backtest.bars import Asked, read
from workers.backtest.shelf import Damaged, Shelf
from workers.backtest.tester_shelf import imported_reports
from workers.backtest.told import balance_in, so_far
from workers.backtest.trade_rows import bars_of, read_rows

NOW = datetime(2025, 6, 3, 13, 7, 32, tzinfo=UTC)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    paths = Paths(tmp_path)
    paths.create()
    return Shelf(paths, FakeClock(NOW))


def put(shelf: Shelf, stem: str, created: datetime = NOW, **changes: Any) -> None:
    document = {
        "name": stem, "strategy": "s", "symbol": "EURUSD", "timeframe": "H1",
        "created": created.isoformat().replace("+00:00", "Z"), "statistics": {"total_net_profit": 1.5},
        "curve": {"time": [], "equity": []},
    } | changes  # fmt: skip
    (shelf.folder / f"{stem}.json").write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def test_the_newest_is_first_and_what_is_known_is_not_read_again(shelf: Shelf) -> None:
    for days, stem in enumerate("abc"):
        put(shelf, stem, NOW - timedelta(days=days))
        os.utime(shelf.folder / f"{stem}.json", (1e9 - days, 1e9 - days))
    found, more = shelf.look({}, 2)
    assert ([entry.stem for entry in found], more) == (["a", "b"], True)
    again, more = shelf.look({entry.stem: entry for entry in found}, 2)
    assert ([entry.stem for entry in again], more) == (["a", "b", "c"], False)
    assert again[0] is found[0]
    part, more = shelf.look({"c": again[2]}, 1)  # what is known stays, however much is new
    assert ([entry.stem for entry in part], more) == (["a", "c"], True)
    shelf.keep_note("a", "mine")
    noted, _more = shelf.look({entry.stem: entry for entry in again}, 2)
    assert (noted[0].noted, noted[1] is again[1]) == (True, True)


DAMAGED = {
    "empty": b"",
    "cut": b'{\n "statistics": {\n  "total',
    "list": b"[1, 2]}",
    "no_statistics": b'{"name": "x"}',
    "no_json": b"{nonsense}",
    "deep": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
}


@pytest.mark.parametrize("name", DAMAGED)
def test_a_damaged_document_is_told_and_can_be_deleted(shelf: Shelf, name: str) -> None:
    (shelf.folder / f"{name}.json").write_bytes(DAMAGED[name])
    (entry,), _more = shelf.look({}, 10)
    assert entry.problem.startswith(f"{name}.json is damaged: ")
    with pytest.raises(Damaged):
        shelf.open(name)
    shelf.restore(shelf.delete(name))
    assert (shelf.folder / f"{name}.json").read_bytes() == DAMAGED[name]


def test_a_document_that_is_far_too_large_is_not_read(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shelf, "a")
    monkeypatch.setattr(shelves, "LARGEST", 10)
    (entry,), _more = shelf.look({}, 10)
    assert "more than 10 bytes" in entry.problem


JSON = st.sampled_from([None, True, 0, -1.5, float("nan"), 10**400, "", "2025-01-01", "\0", [], [1], {}, {"grade": 7}])
NAMES = ("name", "created", "bars", "statistics", "breakdowns", "curve", "symbol", "trades")


@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.dictionaries(st.sampled_from(("total_trades", "x")), JSON))
def test_whatever_a_document_holds_it_is_an_entry(
    tmp_path_factory: pytest.TempPathFactory, found: dict[str, Any], figures: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("shelf") / "a.json"
    path.write_text(json.dumps({"statistics": figures} | found), encoding="utf-8")
    entry = shelves._entry(path, "a", (1, 1), noted=False)
    assert entry.created.tzinfo is not None
    assert entry.net is None or isinstance(entry.net, float)


def test_a_delete_that_fails_halfway_moves_everything_back(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    put(shelf, "a")
    (shelf.folder / "a_trades.csv").write_text("x", encoding="utf-8")
    real, moved = shelves.replace, []

    def fails(source: Path, target: Path) -> None:
        if source.name.endswith("_trades.csv"):
            raise OSError(13, "in use")
        moved.append(source)
        real(source, target)

    monkeypatch.setattr(shelves, "replace", fails)
    with pytest.raises(StorageError):
        shelf.delete("a")
    assert moved
    assert sorted(path.name for path in shelf.folder.iterdir()) == ["a.json", "a_trades.csv"]


def test_the_bin_keeps_several_of_one_name_apart(shelf: Shelf) -> None:
    put(shelf, "a", name="first")
    first = shelf.delete("a")
    put(shelf, "a", name="second")
    second = shelf.delete("a")
    assert first.place != second.place
    assert {binned.place for binned in shelf.binned()} == {first.place, second.place}
    shelf.restore(first)
    with pytest.raises(UserAction, match="already"):
        shelf.restore(second)
    assert shelf.open("a").text("name") == "first"
    with pytest.raises(UserAction, match="not in the bin"):
        shelf.restore(first)


@pytest.mark.parametrize("stem", ["../a", "a/b", "a\\b", "", "\0"])
def test_no_name_leads_out_of_the_folder(shelf: Shelf, stem: str) -> None:
    for act in (shelf.open, shelf.delete, shelf.note):
        with pytest.raises(UserAction):
            act(stem)


def test_an_export_that_cannot_be_written_leaves_nothing(shelf: Shelf, tmp_path: Path) -> None:
    put(shelf, "a")
    with pytest.raises(UserAction, match="could not be exported"):
        shelf.export("a", ".json", tmp_path / "no" / "out.json")
    shelf.export("a", ".json", tmp_path / "out.json")
    assert (tmp_path / "out.json").read_bytes() == (shelf.folder / "a.json").read_bytes()


def test_lines_that_are_no_trades_are_left_out(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    head = "entry_time,exit_time,direction,entry,exit,profit"
    good = "2025-01-02T10:00:00Z,2025-01-02T12:00:00Z,short,1.1,1.2,-5"
    table.write_text("\n".join((head, good, "x,y", good.replace("-5", "nan"), "", good)), encoding="utf-8")
    rows = read_rows(table)
    assert [row.number for row in rows] == [1, 5]
    assert (rows[0].opened, rows[0].long, rows[0].profit, rows[0].volume) == (1_735_812_000, False, -5.0, 0.0)
    table.write_text("a,b\n1,2\n", encoding="utf-8")
    with pytest.raises(UserAction, match="no table of trades"):
        read_rows(table)


def test_bars_are_known_by_their_checksum(tmp_path: Path) -> None:
    file = tmp_path / "EURUSD_H1.csv"
    lines = ["time,open,high,low,close,tick_volume,spread,real_volume"]
    lines += [f"2025-01-02T{hour:02d}:00:00Z,1.1,1.2,1.0,1.15,10,1,0" for hour in range(20)]
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    rates = read(file, Asked("H1", "", 0.0, "new_york", True)).rates[:10]
    bars = {
        "source": "EURUSD_H1.csv", "path": str(file), "first": "2025-01-02T00:00:00Z", "last": "2025-01-02T09:00:00Z",
        "crc32": f"{zlib.crc32(rates.tobytes()):08x}",
    }  # fmt: skip
    seen = bars_of(bars, "H1", "new_york")
    assert (len(seen.rates), seen.changed) == (20, False)  # what came since the test does not matter
    assert bars_of(bars | {"crc32": "0"}, "H1", "new_york").changed
    assert bars_of(bars | {"first": "nonsense"}, "H1", "new_york").changed
    with pytest.raises(UserAction, match="not there any more"):
        bars_of(bars | {"path": str(tmp_path / "gone.csv")}, "H1", "new_york")
    with pytest.raises(UserAction, match="does not keep them"):
        bars_of({"source": "the history of a broker"}, "H1", "new_york")


def test_damaged_reports_of_the_tester_are_left_out(tmp_path: Path) -> None:
    paths = Paths(tmp_path)
    good = {"kind": "mt5_tester_report", "facts": {"Total Net Profit": "7"}, "recomputed": {"profit_factor": 3}}
    contents = {"a": json.dumps(good), "b": "{", "c": "[]", "d": json.dumps({"kind": "mt5_history_report"})}
    for name, text in contents.items():
        folder = paths.imports / "reports" / name
        folder.mkdir(parents=True)
        (folder / "report.json").write_text(text, encoding="utf-8")
    (report,) = imported_reports(paths)
    line = report.lines({"total_net_profit": 5.0})[0]
    assert (line.report, line.deals, line.ours) == (7.0, None, 5.0)


@given(st.integers(0, 10**6), st.floats(-1e9, 1e9), st.sampled_from(("USD", "", "JPY")))
def test_the_balance_so_far_can_be_read_out_of_its_words(positions: int, balance: float, currency: str) -> None:
    assert balance_in(so_far(positions, balance, currency)) == pytest.approx(balance, abs=0.006)
    assert balance_in("reading the bars") is None
    assert balance_in("1 position, balance ? USD") is None
