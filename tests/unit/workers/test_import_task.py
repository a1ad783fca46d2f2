"""The task that imports files."""

from __future__ import annotations

from pathlib import Path

import pytest
from hand_terminal import Bench

from app.errors import Cancelled, NothingToDo
from app.execution import execute
from app.runs import RunState
from workers.import_tasks import SPECS, ImportParams, NothingImported, import_files

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
