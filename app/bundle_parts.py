"""What goes into a support bundle, each part by itself: one that cannot be had costs only itself."""

from __future__ import annotations

import json
import platform
import sqlite3
import sys
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import datetime
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from app.errors import MetronomeError
from app.files import free_bytes, guarding
from app.history_rows import COLUMNS, from_row
from app.log_read import log_files
from app.paths import Paths
from app.runs import Run, iso
from app.settings import Settings

if TYPE_CHECKING:
    from app.engine import Engine

MAX_LOG_BYTES: Final = 1_000_000
MAX_TRACE_BYTES: Final = 500_000
MAX_RUNS: Final = 300
MAX_CHECKS: Final = 3
MAX_OUTAGES: Final = 200
#: Longest text of a run, and longest list of a result, that a bundle shows.
MAX_RUN_TEXT: Final = 4_000
MAX_ITEMS: Final = 50
#: Longest stack of a thread: its innermost calls, which say most, come last.
MAX_STACK: Final = 30_000
#: How long a bundle that a person asks for waits for the terminal to tell the name that has to be masked.
_ACCOUNT_S: Final = 1.0
_MAX_DOCUMENT: Final = 50_000_000
TRACES: Final = ("crash.trace", "stall.trace")


@dataclass(frozen=True, slots=True)
class Source:
    """Where the parts come from.

    Attributes:
        engine: The running engine; None when none runs in this home, or when it does not answer.
        asked: A person asked for the bundle: the terminal may be asked a question.
    """

    paths: Paths
    settings: Settings
    now: datetime
    engine: Engine | None = None
    asked: bool = True


Part = Callable[[Source], object]


def recorder(source: Source) -> object:
    """The flight recorder, with what is at work right now.

    Raises:
        MetronomeError: no engine runs, so that there is no recorder.
    """
    engine = _engine(source)
    snapshot = engine.runner.snapshot()
    engine.recorder.queues(snapshot.lanes)
    unfinished = [run.as_json() for run in (*snapshot.running, *snapshot.queued)[:MAX_RUNS]]
    timings = [asdict(timing) for timing in engine.terminal.timings()]
    return {**engine.recorder.read(), "unfinished": unfinished, "call_timings": timings}


def facts(source: Source) -> object:
    """What the engine knows of itself: lanes, timetable, history, terminal.

    Raises:
        MetronomeError: no engine runs.
    """
    engine = _engine(source)
    status = engine.terminal.status
    return {
        **engine.facts(),
        "terminal": {
            "state": status.state.value,
            "since": iso(status.since),
            "reason": status.reason,
            "server": status.server,
            "kind": status.account_kind,
            "simulated": status.simulated,
            "host": status.host,
            "ping_ms": status.ping_ms,
        },
        "problems": list(engine.problems),
        "disk_free_bytes": free_bytes(source.paths.data),
    }


def settings(source: Source) -> object:
    """All settings."""
    return source.settings.model_dump(mode="json")


def runs(source: Source) -> object:
    """The newest runs, newest first; long lists of a result are cut."""
    found = source.engine.history.page(limit=MAX_RUNS) if source.engine is not None else _stored_runs(source.paths)
    return [_short(run.as_json()) for run in found]


def health(source: Source) -> object:
    """The newest health checks, newest first."""
    found: list[object] = []
    for path in sorted(source.paths.health_checks.glob("health_????????.json"), reverse=True)[:2]:
        entries = _document(path).get("entries")
        found += reversed(entries[-MAX_CHECKS:] if isinstance(entries, list) else [])
    return found[:MAX_CHECKS]


def outages(source: Source) -> object:
    """The last times without a terminal, oldest first."""
    if source.engine is not None:
        return [outage.as_json() for outage in source.engine.terminal.outages()[-MAX_OUTAGES:]]
    entries = _document(source.paths.outages_file).get("entries")
    return entries[-MAX_OUTAGES:] if isinstance(entries, list) else []


def log(source: Source) -> str:
    """The end of the log, across rotated files."""
    pieces: list[str] = []
    left = MAX_LOG_BYTES
    for path in log_files(source.paths.log_file):
        if left <= 0:
            break
        text, size = _tail(path, left)
        pieces.insert(0, text)
        left -= size
    return "".join(pieces)


def traces(source: Source) -> str:
    """What crashes and hangs of native code left behind."""
    parts = []
    for name in TRACES:
        text, _ = _tail(source.paths.logs / name, MAX_TRACE_BYTES)
        if text.strip():
            parts.append(f"== {name}\n{text}\n")
    return "\n".join(parts)


def versions() -> dict[str, Any]:
    """Python, operating system, and each installed package that Metronome depends on or brings along."""
    packages = {}
    for found in metadata.distributions():
        name = found.metadata["Name"]
        if name:
            packages[str(name)] = found.version
    return {
        "python": sys.version,
        "packaged": bool(getattr(sys, "frozen", False)),
        "system": platform.platform(),
        "machine": platform.machine(),
        "qt": packages.get("PySide6_Essentials") or packages.get("PySide6-Essentials", ""),
        "packages": dict(sorted(packages.items(), key=lambda item: item[0].lower())),
    }


def personal(source: Source) -> frozenset[str]:
    """Logins and names that no part may show."""
    found = {str(source.settings.terminal.login or "")}
    try:
        accounts = _document(source.paths.data / "trades_recorded.json").get("accounts")
        for logins in accounts.values() if isinstance(accounts, dict) else ():
            found.update(logins if isinstance(logins, dict) else ())
    except MetronomeError:
        found.add("")  # a damaged file names nobody
    engine = source.engine
    if engine is not None and engine.terminal.status.connected:
        found.add(str(engine.terminal.status.login))
        if source.asked:
            try:
                found.add(engine.terminal.account(_ACCOUNT_S).name)
            except MetronomeError:
                found.add("")  # a terminal that does not answer has told no name to any part either
    return frozenset(found - {""})


#: Name in the bundle -> how it is made. Texts end in .log or .txt, all others are JSON.
PARTS: Final[Mapping[str, Part]] = {
    "recorder.json": recorder,
    "engine.json": facts,
    "settings.json": settings,
    "health.json": health,
    "outages.json": outages,
    "runs.json": runs,
    "traces.txt": traces,
    "metronome.log": log,
}


def _engine(source: Source) -> Engine:
    if source.engine is None:
        raise MetronomeError(
            "No Metronome was running in this home, or it did not answer: its recorder lives in its memory and is not "
            "here."
        )
    return source.engine


def _document(path: Path) -> dict[str, Any]:
    """A JSON document, left as it is whatever is in it (``Storage`` would move a damaged one aside); {} without one.

    Raises:
        MetronomeError: it cannot be read, is damaged or too large.
    """
    with guarding(path, "read"):
        try:
            with path.open("rb") as file:
                data = file.read(_MAX_DOCUMENT + 1)
        except FileNotFoundError:
            return {}
    try:
        found = json.loads(data) if len(data) <= _MAX_DOCUMENT else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise MetronomeError(f"The file {path.name} is damaged or too large.")
    return found


def _stored_runs(paths: Paths) -> tuple[Run, ...]:
    """The newest runs, read without the engine and without changing a byte.

    Raises:
        MetronomeError: the history cannot be read.
    """
    if not paths.database.exists():
        return ()
    try:
        address = f"{paths.database.resolve().as_uri()}?mode=ro"
        with closing(sqlite3.connect(address, uri=True, timeout=1.0)) as connection:
            query = f"SELECT {COLUMNS} FROM runs ORDER BY queued_at DESC, id DESC LIMIT ?"  # noqa: S608 - constants
            return tuple(from_row(row) for row in connection.execute(query, (MAX_RUNS,)))
    except sqlite3.Error as error:
        raise MetronomeError(f"The run history cannot be read ({error}).") from error


def _short(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _short(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        rest = [f"... and {len(value) - MAX_ITEMS} more"] if len(value) > MAX_ITEMS else []
        return [*(_short(item) for item in value[:MAX_ITEMS]), *rest]
    return value


def _tail(path: Path, size: int) -> tuple[str, int]:
    """The last ``size`` bytes from the beginning of a line on, and how many bytes they are; nothing without the file.

    Raises:
        StorageError: the file is there but cannot be read.
    """
    with guarding(path, "read"):
        try:
            with path.open("rb") as file:
                whole = file.seek(0, 2)
                file.seek(max(0, whole - size))
                data = file.read(size)
        except FileNotFoundError:
            return "", 0
    if whole > size:
        data = data.partition(b"\n")[2]
    return data.decode("utf-8", "replace"), len(data)
