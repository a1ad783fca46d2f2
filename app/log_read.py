"""Read the log back for the log page: bounded amounts, also across rotated files."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.files import guarding

if TYPE_CHECKING:
    from app.paths import Paths

#: Lines of one record after its first begin with this, so that no text can pass for a record.
INDENT: Final = "    "

_LINE: Final = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z) ([A-Z]+) (\S+) task=(\S+) run=(\S+) (.*)", re.DOTALL
)
_BLOCK: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LogLine:
    """One record of the log.

    Attributes:
        time: Aware UTC.
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL.
        task, run: Task and run that it was written for; empty when for none.
        text: The message, and a traceback on lines of its own.
    """

    time: datetime
    level: str
    logger: str
    task: str
    run: str
    text: str


def parse_line(text: str) -> LogLine | None:
    """A line of the file as a record; None when it begins none."""
    found = _LINE.fullmatch(text)
    if found is None:
        return None
    when, level, logger, task, run, message = found.groups()
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return None
    return LogLine(moment, level, logger, "" if task == "-" else task, "" if run == "-" else run, message)


def read_tail(path: Path, max_lines: int, *, max_bytes: int = 8 * _BLOCK) -> tuple[LogLine, ...]:
    """The last records of one file, oldest first; at most ``max_lines``, from at most its last ``max_bytes``.

    Raises:
        StorageError: the file is there but cannot be read.
    """
    with guarding(path, "read"):
        try:
            file = path.open("rb")
        except FileNotFoundError:
            return ()
        with file:
            size = file.seek(0, os.SEEK_END)
            start, data = size, b""
            while start > 0 and size - start < max_bytes and data.count(b"\n") <= max_lines:
                block = min(start, 1 << 16, max_bytes - (size - start))
                start -= block
                file.seek(start)
                data = file.read(block) + data
    if start > 0:
        data = data.partition(b"\n")[2]
    return tuple(_records(data.splitlines()))[-max_lines:] if max_lines > 0 else ()


def lines_of_run(
    paths: Paths, run_id: str, *, max_lines: int = 5000, max_bytes: int = 200 * _BLOCK
) -> tuple[LogLine, ...]:
    """What one run wrote, oldest first, from the newest log file backwards.

    Args:
        max_lines: At most so many records, the last ones.
        max_bytes: At most so much is read.

    Raises:
        StorageError: a log file is there but cannot be read.
    """
    found: list[LogLine] = []
    mark = f" run={run_id} ".encode()
    for path in log_files(paths.log_file):
        if max_bytes <= 0 or len(found) >= max_lines:
            break
        with guarding(path, "read"):
            try:
                size = path.stat().st_size
                here = [line for line in _records(_marked(path, mark, max_bytes)) if line.run == run_id]
            except FileNotFoundError:
                continue  # rotated away while we read
        max_bytes -= size
        found[:0] = here  # a file without a line of the run ends nothing: others may have filled it meanwhile
    return tuple(found[-max_lines:])


def log_files(path: Path) -> tuple[Path, ...]:
    """The log file and its rotated ones that exist, newest first."""
    numbered = []
    for other in path.parent.glob(f"{path.name}.*"):
        number = other.name[len(path.name) + 1 :]
        if number.isdecimal():
            numbered.append((int(number), other))
    return (*((path,) if path.exists() else ()), *(other for _, other in sorted(numbered)))


def _marked(path: Path, mark: bytes, max_bytes: int) -> Iterator[bytes]:
    """The lines of the blocks that speak of ``mark``, or of the record that was open at the end of the last one."""
    rest, went_on = b"", False
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - max_bytes))
        while block := file.read(_BLOCK):
            block, end, rest = (rest + block).rpartition(b"\n")
            if went_on or mark in block:
                yield from block.splitlines()
                went_on = mark in block
            if not end:
                rest = rest[-_BLOCK:]
    if rest and (went_on or mark in rest):
        yield rest


def _records(lines: Iterable[bytes]) -> Iterator[LogLine]:
    """Records with their further lines; what belongs to no record is left out."""
    record: LogLine | None = None
    more: list[str] = []
    for raw in lines:
        text = raw.decode("utf-8", "replace").rstrip("\r")
        fresh = parse_line(text)
        if fresh is None:
            more.append(text.removeprefix(INDENT))
            continue
        if record is not None:
            yield _joined(record, more)
        record, more = fresh, []
    if record is not None:
        yield _joined(record, more)


def _joined(record: LogLine, more: list[str]) -> LogLine:
    if not more:
        return record
    text = "\n".join((record.text, *more))
    return LogLine(record.time, record.level, record.logger, record.task, record.run, text)
