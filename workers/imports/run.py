"""Import files of every kind that we know, one after the other; a bad one never costs the others."""

from __future__ import annotations

import csv
import io
import re
import zlib
from collections.abc import Callable, Container, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from app.clock import Clock
from app.errors import Cancelled
from app.files import StorageError, atomic_write_text, guarding
from app.paths import safe_name
from app.runs import iso
from app.settings_model import Settings
from app.storage import Storage
from workers.backtest.tester_report import agrees, recomputed, told
from workers.imports import html_rows, layouts, reports, settings_files, xlsx
from workers.imports.bars import Importer
from workers.imports.errors import BadImport
from workers.imports.html_rows import Page
from workers.imports.outcome import Options, Outcome
from workers.imports.reports import Report
from workers.imports.settings_files import SettingsFile
from workers.imports.sources import Source, sources

#: A report with 100,000 deals in UTF-16.
_MAX_HTML: Final = 256 * 2**20
_BROKER: Final = "broker's clock, as written"
_MARKUP: Final = re.compile(rb"\s*(<!doctype html|<html|<\?xml|<!--|<table)", re.IGNORECASE)

Progress = Callable[[int, int, str], None]


def import_files(
    storage: Storage, clock: Clock, settings: Settings, files: Sequence[Path], options: Options, progress: Progress
) -> list[Outcome]:
    """Import each file; what is wrong with one is in its outcome.

    Args:
        progress: ``progress(done, total, name)`` before each file; may raise ``Cancelled``.

    Raises:
        Cancelled: the run was asked to stop; the files before are imported.
    """
    importer = Importer(storage, clock, settings, options)
    outcomes: list[Outcome] = []
    for number, path in enumerate(files):
        progress(number, len(files), path.name)
        outcomes += _import_one(storage, clock, importer, path)
    progress(len(files), len(files), "")
    return outcomes


def _import_one(storage: Storage, clock: Clock, importer: Importer, path: Path) -> list[Outcome]:
    try:
        found, workbook = sources(path)
    except BadImport as error:
        return [_failed(Outcome(str(path)), error)]
    if workbook is not None:
        outcome = Outcome(str(path))
        _guarded(outcome, lambda: _report(storage, clock, outcome, path, Page(xlsx.rows(path), [])))
        return [outcome]
    outcomes = []
    for source in found:
        outcome = Outcome(str(path) if len(found) == 1 else f"{path}/{source.hint}")
        _guarded(outcome, partial(_text, storage, clock, importer, source, outcome))
        outcomes.append(outcome)
    return outcomes


def _guarded(outcome: Outcome, work: Callable[[], None]) -> None:
    try:
        work()
    except Cancelled:
        raise
    except (BadImport, StorageError) as error:
        _failed(outcome, error)
    except MemoryError:
        outcome.error, outcome.advice = "There is not enough memory for it.", "Split it by years."


def _failed(outcome: Outcome, error: BadImport | StorageError) -> Outcome:
    outcome.error, outcome.advice = error.message, error.advice
    return outcome


def _text(storage: Storage, clock: Clock, importer: Importer, source: Source, outcome: Outcome) -> None:
    head = source.head.decode("utf-8", "replace")
    if _MARKUP.match(source.head):
        text = source.whole(_MAX_HTML).decode(source.encoding or "utf-8-sig", "replace")
        _report(storage, clock, outcome, source.path, html_rows.page(source.name, text))
    elif b"\0" not in source.head and settings_files.looks_like(source.name, head):
        text = source.whole(settings_files.MAX_BYTES).decode(source.encoding or "utf-8-sig", "replace")
        _settings(storage, clock, outcome, source.path, settings_files.read(source.name, text))
    else:
        table = layouts.recognise(source)
        outcome.kind = table.kind
        outcome.notes += table.notes
        if source.encoding:
            outcome.notes.append("The text is UTF-16.")
        if table.ticks:
            importer.ticks(source, table, outcome)
        else:
            importer.bars(source, table, outcome)


def _report(storage: Storage, clock: Clock, outcome: Outcome, path: Path, page: Page) -> None:
    report = reports.read(path.name, page.rows, page.lines, page.broken)
    outcome.kind, outcome.symbol, outcome.timeframe = report.kind, report.symbol, report.timeframe
    outcome.rows, outcome.refusals = report.rows, report.refusals
    outcome.tables = {name: len(table.rows) for name, table in report.tables.items()}
    outcome.first, outcome.last = report.span
    outcome.time_zone = _BROKER
    counted = ", ".join(f"{count:,} {name}" for name, count in outcome.tables.items())
    outcome.notes.append(f"Times are the broker's as written: a report does not name its clock. Read: {counted}.")
    _check_count(report)
    deals = report.tables.get("deals")
    again = recomputed(report.facts, deals.columns, deals.rows) if deals is not None else {}
    if text := told(again):
        outcome.notes.append(text)
        outcome.doubts += [] if agrees(again) else [text]
    outcome.missing = report.missing
    folder = _folder(storage, path, report)
    longer = _longer_part(storage, folder, outcome) if report.missing else 0
    if longer:
        outcome.stored = storage.relative(folder)
        outcome.notes.append(f"A part of it with {longer:,} rows is stored already and stays; nothing was added.")
        return
    tables = {f"{name.replace(' ', '_')}.csv": table for name, table in report.tables.items()}
    _forget_tables(folder, tables)
    for name, table in tables.items():
        _write_csv(folder / name, [table.columns, *table.rows])
    document: dict[str, Any] = {
        "file": path.name,
        "kind": report.kind,
        "imported_at": iso(clock.now()),
        "server": report.server,
        "symbol": report.symbol,
        "timeframe": report.timeframe,
        "time_zone": _BROKER,
        "facts": report.facts,
        "inputs": report.inputs,
        "tables": outcome.tables,
        "recomputed": again,
        "refused": report.refusals.count,
        "missing": report.missing,
    }
    storage.write_json(folder / "report.json", document)
    outcome.added, outcome.stored = report.rows, storage.relative(folder)


def _folder(storage: Storage, path: Path, report: Report) -> Path:
    """Where a report goes; one that breaks off does not take the place of the whole one of the same file."""
    folder = storage.paths.imports / "reports" / _stem(path)
    known = storage.read_json(folder / "report.json") if report.missing else None
    return folder.with_name(f"{folder.name}-part") if known is not None and not known.get("missing") else folder


def _longer_part(storage: Storage, folder: Path, outcome: Outcome) -> int:
    """How many rows the part has that is stored in this folder, if these are more than those of the outcome; else 0."""
    known = storage.read_json(folder / "report.json")
    tables = known.get("tables") if known is not None else None
    counts = [count for count in tables.values() if isinstance(count, int)] if isinstance(tables, dict) else []
    return sum(counts) if sum(counts) > sum(outcome.tables.values()) else 0


def _forget_tables(folder: Path, kept: Container[str]) -> None:
    """Remove the tables of another cut of the file, so that those in the folder are of one."""
    with guarding(folder, "clear"):
        for path in folder.glob("*.csv"):
            if path.name not in kept:
                path.unlink()


def _check_count(report: Report) -> None:
    """A tester report says how many deals it has: fewer rows mean that it was cut off."""
    said, deals = report.facts.get("Total Deals", ""), report.tables.get("deals")
    if not said.isdecimal() or deals is None:
        return
    kinds = deals.columns.index("type")
    counted = sum(row[kinds] != "balance" for row in deals.rows)
    if counted != int(said):
        report.missing.append(f"The report says {int(said):,} deals and lists {counted:,}: it is not whole.")


def _settings(storage: Storage, clock: Clock, outcome: Outcome, path: Path, found: SettingsFile) -> None:
    if not found.inputs and not found.settings:
        raise BadImport(f"{path.name} holds no settings.", advice="Save it anew from the tester.")
    outcome.kind, outcome.refusals = found.kind, found.refusals
    outcome.symbol = found.settings.get("Symbol", "")
    frames = {"Daily": "D1", "Weekly": "W1", "Monthly": "MN1"}
    period = found.settings.get("Period", "")
    outcome.timeframe = frames.get(period, period)
    outcome.rows = len(found.inputs) + len(found.settings)
    outcome.tables = {"settings": len(found.settings), "inputs": len(found.inputs)}
    target = storage.paths.imports / "tester_settings" / f"{_stem(path)}.json"
    storage.write_json(
        target,
        {
            "file": path.name,
            "kind": found.kind,
            "imported_at": iso(clock.now()),
            "settings": found.settings,
            "inputs": found.inputs,
        },
    )
    outcome.added, outcome.stored = outcome.rows, storage.relative(target)


def _write_csv(path: Path, rows: Sequence[Sequence[str]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_text(path, text.getvalue().encode("utf-8", "replace").decode())


def _stem(path: Path) -> str:
    """The file's name for a folder of ours, with a mark of where it came from: names repeat, paths do not."""
    mark = zlib.crc32(str(path).encode("utf-8", "backslashreplace"))
    return f"{safe_name(path.name.rpartition('.')[0] or path.name)[:80]}-{mark:08x}"
