"""Runs as rows of the history's SQLite file: its tables, and the way of a run there and back."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from app.runs import Run, RunState, Trigger, compact_json

SCHEMA_VERSION: Final = 1
_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS runs (
    id           INTEGER PRIMARY KEY,  -- the run id as a number: rises with every run
    task         TEXT NOT NULL,
    state        TEXT NOT NULL,
    trigger      TEXT NOT NULL,
    reason       TEXT NOT NULL,
    advice       TEXT NOT NULL,
    queued_at    INTEGER NOT NULL,     -- microseconds since 1970-01-01 UTC, like all times here
    started_at   INTEGER,
    finished_at  INTEGER,
    due_at       INTEGER,
    duration_s   REAL,
    lateness_s   REAL,
    attempt      INTEGER NOT NULL,
    params       TEXT NOT NULL,        -- JSON, like the next four
    result       TEXT NOT NULL,
    summary      TEXT NOT NULL,
    warnings     TEXT NOT NULL,
    files        TEXT NOT NULL,
    error        TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_time ON runs (queued_at);
CREATE INDEX IF NOT EXISTS runs_by_task ON runs (task, state, queued_at);
CREATE TABLE IF NOT EXISTS marks (
    task         TEXT PRIMARY KEY,
    schedule     TEXT NOT NULL,        -- the schedule that the mark belongs to
    accounted_at INTEGER NOT NULL      -- due times up to here are dealt with
);
CREATE TABLE IF NOT EXISTS file (
    id           TEXT NOT NULL         -- made up when the file was begun
);
"""
COLUMNS: Final = (
    "id, task, state, trigger, reason, advice, queued_at, started_at, finished_at, due_at, duration_s, lateness_s,"
    " attempt, params, result, summary, warnings, files, error"
)
INSERT: Final = f"INSERT OR REPLACE INTO runs ({COLUMNS}) VALUES ({','.join('?' * 19)})"  # noqa: S608 - constants
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


def make_tables(connection: sqlite3.Connection) -> None:
    """Make the tables that are missing.

    Raises:
        sqlite3.DatabaseError: there is a table of another layout under the same name.
    """
    try:
        connection.executescript(_SCHEMA)
    except sqlite3.OperationalError as error:
        if "no such column" in str(error):  # an index on a column that a foreign table has not
            raise sqlite3.DatabaseError(f"its table has other columns: {error}") from None
        raise


def check_columns(connection: sqlite3.Connection) -> None:
    """Look whether the table of runs has our columns.

    Raises:
        sqlite3.DatabaseError: it has others.
    """
    try:
        connection.execute(f"SELECT {COLUMNS} FROM runs ORDER BY queued_at DESC LIMIT 1").fetchall()  # noqa: S608
    except sqlite3.OperationalError as error:
        if "no such column" in str(error):
            raise sqlite3.DatabaseError(f"its table has other columns: {error}") from None
        raise


def file_id(connection: sqlite3.Connection) -> str:
    """The id of the file, made now when it has none."""
    rows = connection.execute("SELECT id FROM file LIMIT 1").fetchall()
    if not rows:
        connection.execute("INSERT INTO file SELECT lower(hex(randomblob(8))) WHERE NOT EXISTS (SELECT 1 FROM file)")
        rows = connection.execute("SELECT id FROM file LIMIT 1").fetchall()
    return str(rows[0][0])


def to_us(moment: datetime) -> int:
    """Microseconds since 1970-01-01 UTC."""
    return (moment - _EPOCH) // _MICROSECOND


def from_us(value: int) -> datetime:
    """The aware UTC time of so many microseconds since 1970-01-01."""
    return _EPOCH + timedelta(microseconds=value)


def _json_or(value: object, empty: str) -> str:
    return compact_json(value) if value else empty


def to_row(run: Run) -> tuple[Any, ...]:
    """The values of ``COLUMNS``.

    Raises:
        TypeError, ValueError: a value is none that JSON or SQLite has; see ``storable``.
    """
    started, finished, due = run.started_at, run.finished_at, run.due_at
    return (
        int(run.run_id, 16),
        run.task,
        run.state,
        run.trigger,
        run.reason,
        run.advice,
        (run.queued_at - _EPOCH) // _MICROSECOND,
        (started - _EPOCH) // _MICROSECOND if started else None,
        (finished - _EPOCH) // _MICROSECOND if finished else None,
        (due - _EPOCH) // _MICROSECOND if due else None,
        run.duration_s,
        run.lateness_s,
        run.attempt,
        _json_or(run.params, "{}"),
        _json_or(run.result, "{}"),
        run.summary,
        _json_or(run.warnings, "[]"),
        _json_or(run.files, "[]"),
        run.error,
    )


def place(run: Run) -> tuple[int, int]:
    """Where a run stands in the order of time: later is greater."""
    return to_us(run.queued_at), int(run.run_id, 16)


def storable(run: Run) -> Run:
    """The run with every text in characters that a file can hold, and without values that JSON has not."""
    plain = json.loads(json.dumps([run.params, run.result], default=str).encode("utf-8", "backslashreplace"))

    def text(value: str) -> str:
        return value.encode("utf-8", "backslashreplace").decode()

    return replace(
        run,
        reason=text(run.reason),
        advice=text(run.advice),
        summary=text(run.summary),
        error=text(run.error),
        warnings=tuple(map(text, run.warnings)),
        files=tuple(map(text, run.files)),
        params=_printable(plain[0]),
        result=_printable(plain[1]),
    )


def _printable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, list):
        return [_printable(item) for item in value]
    if isinstance(value, dict):
        return {_printable(name): _printable(item) for name, item in value.items()}
    return value


def from_row(row: Sequence[Any]) -> Run:
    """The run of a row; one that somebody damaged is shown as such."""
    try:
        return _run_of(row)
    except (ValueError, TypeError, OverflowError) as error:
        # Somebody edited the file: the row is shown as what it is.
        return Run(
            f"{row[0]:014x}",
            str(row[1]),
            RunState.INTERRUPTED,
            Trigger.MANUAL,
            from_us(row[6]) if isinstance(row[6], int) else _EPOCH,
            f"This row of the history is damaged ({error}).",
        )


def _run_of(row: Sequence[Any]) -> Run:
    return Run(
        run_id=f"{row[0]:014x}",
        task=row[1],
        state=RunState(row[2]),
        trigger=Trigger(row[3]),
        reason=row[4],
        advice=row[5],
        queued_at=from_us(row[6]),
        started_at=_optional(row[7]),
        finished_at=_optional(row[8]),
        due_at=_optional(row[9]),
        duration_s=row[10],
        lateness_s=row[11],
        attempt=row[12],
        params=json.loads(row[13]),
        result=json.loads(row[14]),
        summary=row[15],
        warnings=tuple(json.loads(row[16])),
        files=tuple(json.loads(row[17])),
        error=row[18],
    )


def _optional(value: int | None) -> datetime | None:
    return None if value is None else from_us(value)


def runs_as_csv(runs: Iterable[Run]) -> str:
    """The runs as CSV text with a header row; texts that a spreadsheet would run as formulas get a leading quote."""
    out = io.StringIO()
    writer = csv.writer(out)
    names = ("run_id", "task", "state", "trigger", "queued_at", "started_at", "finished_at", "duration_s", "lateness_s")
    writer.writerow((*names, "summary", "reason", "advice", "warnings", "files"))
    for run in runs:
        data = run.as_json()
        texts = (run.summary, run.reason, run.advice, "; ".join(run.warnings), "; ".join(run.files))
        safe = ["'" + text if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text for text in texts]
        writer.writerow([*(data[name] for name in names), *safe])
    return out.getvalue()
