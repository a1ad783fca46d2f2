"""Imports into histories that are there: nothing is lost, nothing is changed, two markets are never mixed."""

from __future__ import annotations

import pytest
from import_bench import ImportBench, export, text_of

from app.errors import UserAction
from workers.market import bar_source
from workers.market.bar_source import Source

UTC = {"time_zone": "UTC"}
SERVER = Source(server="Broker-Live")


def collected(imports: ImportBench, count: int, source: Source = SERVER, **options: float) -> None:
    """A history as the task that collects it leaves it."""
    imports.one("EURUSD_M5.csv", text_of(export(count, **options)), **UTC)  # type: ignore[arg-type]
    bar_source.note(imports.storage, imports.paths.bars / "EURUSD_M5.csv", source)


def test_the_source_of_an_import_is_noted(imports: ImportBench) -> None:
    imports.one("EURUSD_M5.csv", text_of(export(30)), **UTC)
    found = bar_source.read(imports.storage, imports.paths.bars / "EURUSD_M5.csv")
    assert found == Source(imported="EURUSD_M5.csv", kind="mt5_bars")
    assert str(found) == "the import of EURUSD_M5.csv"
    assert found.differs(SERVER)
    assert SERVER.differs(found)
    assert found.differs(Source(simulated=True, seed=1))
    assert not found.differs(Source(imported="other.csv", kind="mt5_bars"))
    assert found.differs(Source(imported="other.csv", kind="histdata_bars"))


def test_older_bars_of_the_same_market_are_added_before_those_of_the_terminal(imports: ImportBench) -> None:
    collected(imports, 60, step=0.00001)
    before = imports.history("EURUSD_M5")
    rows = export(120, step=0.00001)
    older = [row.replace("2025.06.03", "2025.06.02") for row in rows[:60]]
    found = imports.one("EURUSD_M5_more.csv", text_of([*older, *rows]), **UTC)
    assert (found.error, found.added, found.stored) == ("", 120, "data/bars/EURUSD_M5.csv")
    after = imports.history("EURUSD_M5")
    assert (len(after), after) == (180, sorted(after))
    assert set(before) <= set(after)
    assert bar_source.read(imports.storage, imports.paths.bars / "EURUSD_M5.csv") == SERVER


def test_of_two_bars_of_one_time_the_one_that_is_there_stays(imports: ImportBench) -> None:
    collected(imports, 200)
    before = imports.history("EURUSD_M5")
    rows = export(220)
    rows[50] = rows[50].replace("1.10000", "1.10020")
    found = imports.one("EURUSD_M5.csv", text_of(rows), **UTC)
    assert found.added == 20
    assert imports.history("EURUSD_M5")[:200] == before
    assert any(note.startswith("1 bars differ") for note in found.notes)


@pytest.mark.parametrize(("count", "price"), [(60, 1.2), (60, 1.1)])
def test_another_market_is_kept_apart(imports: ImportBench, count: int, price: float) -> None:
    """Other prices at the same times; or times that the history has not, which prove nothing."""
    collected(imports, 60)
    before = (imports.paths.bars / "EURUSD_M5.csv").read_bytes()
    rows = export(count, price=price, start=0 if price > 1.1 else 100)
    found = imports.one("EURUSD_M5_other.csv", text_of(rows), **UTC)
    assert (found.error, found.added) == ("", count)
    assert found.stored.startswith("data/imports/bars/EURUSD_M5.")
    assert (imports.paths.bars / "EURUSD_M5.csv").read_bytes() == before
    assert any("--replace" in note for note in found.notes)
    found = imports.one("EURUSD_M5_other.csv", text_of(rows), **UTC, replace=True)
    assert found.stored == "data/bars/EURUSD_M5.csv"
    (aside,) = imports.paths.bars.glob("EURUSD_M5.Broker-Live-*.csv")
    assert aside.read_bytes() == before


def test_imports_of_one_kind_make_one_history(imports: ImportBench) -> None:
    imports.one("EURUSD_M5_a.csv", text_of(export(60)), **UTC)
    found = imports.one("EURUSD_M5_b.csv", text_of(export(60, start=100)), **UTC)
    assert found.added == 60
    assert len(imports.history("EURUSD_M5")) == 120
    found = imports.one("EURUSD_M5_c.csv", text_of(export(60, start=130, price=1.3)), **UTC)
    assert found.stored.startswith("data/imports/bars/")
    assert len(imports.history("EURUSD_M5")) == 120


def test_lines_of_a_history_that_are_no_bars_are_not_lost(imports: ImportBench) -> None:
    imports.one("EURUSD_M5.csv", text_of(export(60)), **UTC)
    path = imports.paths.bars / "EURUSD_M5.csv"
    with path.open("ab") as file:
        file.write(b"2025-06-03T05:00:00Z,torn\n")
    found = imports.one("EURUSD_M5.csv", text_of(export(80)), **UTC)
    assert found.added == 20
    assert path.with_name("EURUSD_M5.rejected.csv").read_text(encoding="utf-8") == "2025-06-03T05:00:00Z,torn\n"


def test_a_file_that_is_no_history_is_left_alone(imports: ImportBench) -> None:
    path = imports.paths.bars / "EURUSD_M5.csv"
    path.write_text("my,own,notes,in,five\n1,2,3,4,5\n", encoding="utf-8")
    found = imports.one("EURUSD_M5.csv", text_of(export(60)), **UTC)
    assert found.error
    assert path.read_text(encoding="utf-8").startswith("my,own")


def test_a_failed_write_leaves_what_was_there(imports: ImportBench, monkeypatch: pytest.MonkeyPatch) -> None:
    imports.one("EURUSD_M5.csv", text_of(export(60)), **UTC)
    before = (imports.paths.bars / "EURUSD_M5.csv").read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.files.write_all", full)
    found = imports.one("EURUSD_M5.csv", text_of(export(80)), **UTC)
    assert "the disk is full" in found.error
    assert (imports.paths.bars / "EURUSD_M5.csv").read_bytes() == before
    assert not list(imports.paths.bars.glob(".*"))


def test_options_that_do_not_exist() -> None:
    from workers.market.resample import larger

    with pytest.raises(UserAction, match="cannot be made"):
        larger(None, "M5", "M1")  # type: ignore[arg-type]
