"""The task that imports files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand_terminal import Bench

from app.errors import Cancelled, NothingToDo
from app.execution import execute
from app.runs import RunState
from workers.import_tasks import SPECS, ImportParams, NothingImported, import_files
from workers.market.collect import collect

(SPEC,) = SPECS
ROWS = "time,open,high,low,close\n" + "".join(
    f"2025-06-03T{hour:02d}:00:00Z,1.1,1.2,1.0,1.1\n" for hour in range(12)
)  # fmt: skip


def write(folder: Path, name: str, text: str = ROWS) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_files_are_imported_and_counted(bench: Bench, tmp_path: Path) -> None:
    ctx = bench.context()
    result = import_files(ctx, ImportParams(files=(write(tmp_path, "EURUSD.csv"), write(tmp_path, "GBPUSD.csv"))))
    assert (result.rows, result.added, result.refused, result.failed) == (24, 24, 0, 0)
    assert result.summary() == "2 files, 24 rows read, 24 new"
    assert ctx.files == ["data/bars/EURUSD_H1.csv", "data/bars/GBPUSD_H1.csv"]
    assert ctx.warnings == []


def test_no_file_is_nothing_to_do(bench: Bench) -> None:
    with pytest.raises(NothingToDo):
        import_files(bench.context(), ImportParams())


@pytest.mark.allow_warnings("notes.txt", "1 row was refused")
def test_a_bad_file_costs_only_itself_and_is_a_warning(bench: Bench, tmp_path: Path) -> None:
    ctx = bench.context()
    files = (write(tmp_path, "notes.txt", "hello"), write(tmp_path, "EURUSD.csv", ROWS + "x\n"))
    result = import_files(ctx, ImportParams(files=files))
    assert (result.failed, result.refused, result.rows) == (1, 1, 12)
    assert [warning.split(":")[0] for warning in ctx.warnings] == [
        "notes.txt was not imported", "EURUSD.csv",
    ]  # fmt: skip


@pytest.mark.allow_warnings("Nothing tells whether")
def test_a_report_that_nothing_is_compared_of_is_a_warning(bench: Bench, tmp_path: Path) -> None:
    page = (
        "<html><head><title>Strategy Tester Report</title></head><body><table>"
        "<tr><td><b>Strategy Tester Report</b></td></tr><tr><td>Symbol:</td><td><b>EURUSD</b></td></tr>"
        "<tr><td>Period:</td><td><b>M5 (2025.01.01 - 2025.06.01)</b></td></tr>"
        "<tr><td>Initial Deposit:</td><td><b>10 000.00</b></td></tr></table><table><tr><th><b>Orders</b></th></tr>"
        "<tr><td>Open Time</td><td>Order</td><td>Symbol</td><td>Type</td><td>Volume</td><td>Price</td><td>S / L</td>"
        "<td>T / P</td><td>Time</td><td>State</td><td>Comment</td></tr></table><table>"
        "<tr><th><b>Deals</b></th></tr><tr><td>Time</td><td>Deal</td><td>Symbol</td><td>Type</td><td>Direction</td>"
        "<td>Volume</td><td>Price</td><td>Order</td><td>Commission</td><td>Swap</td><td>Profit</td><td>Balance</td>"
        "<td>Comment</td></tr><tr><td>2025.01.02 01:00:00</td><td>2</td><td>EURUSD</td><td>buy</td><td>in</td>"
        "<td>0.1</td><td>1.03</td><td>2</td><td>0</td><td>0</td><td>0</td><td>10000</td><td></td></tr></table></body></html>"
    )
    ctx = bench.context()
    import_files(ctx, ImportParams(files=(write(tmp_path, "tester.htm", page),)))
    assert any("Nothing tells whether the report agrees with its deals" in text for text in ctx.warnings)


def test_a_failed_run_still_tells_of_each_file(bench: Bench, tmp_path: Path) -> None:
    params = ImportParams(files=(write(tmp_path, "a.txt", "hello"), write(tmp_path, "b.txt", "hello")))
    with pytest.raises(NothingImported):
        import_files(bench.context(), params)
    outcome = execute(SPEC, bench.context(), params)
    assert outcome.state is RunState.FAILED
    assert "(and 1 more)" in outcome.reason
    assert [file["kind"] for file in outcome.result["files"]] == ["unknown", "unknown"]


def test_a_cancelled_import_stops_between_files(bench: Bench, tmp_path: Path) -> None:
    ctx = bench.context()
    bench.cancel.set()
    with pytest.raises(Cancelled):
        import_files(ctx, ImportParams(files=(write(tmp_path, "EURUSD.csv"),)))
    assert not list(bench.storage.paths.bars.iterdir())


@pytest.mark.allow_warnings("are of the import of")
def test_the_task_that_collects_never_mixes_its_bars_with_imported_ones(bench: Bench, tmp_path: Path) -> None:
    rows = "time,open,high,low,close\n" + "".join(
        f"2025-06-02T{hour:02d}:{minute:02d}:00Z,9,9,9,9\n" for hour in range(3) for minute in range(0, 60, 5)
    )
    import_files(bench.context(), ImportParams(files=(write(tmp_path, "EURUSD.csv", rows),)))
    imported = (bench.paths.bars / "EURUSD_M5.csv").read_bytes()
    collect(bench.context(), ("EURUSD",))
    (aside,) = bench.paths.bars.glob("EURUSD_M5.imported-*.csv")
    assert aside.read_bytes() == imported
    assert b",9," not in (bench.paths.bars / "EURUSD_M5.csv").read_bytes()
