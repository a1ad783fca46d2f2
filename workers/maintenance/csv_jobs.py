"""What the window's process and the spawned one tell each other of CSV files; made without numpy."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Job:
    """A file to look through, where to write it anew, and where what goes to its side file."""

    path: Path
    bars: bool
    temporary: Path
    block: Path


class Unproved(Exception):
    """What was written does not hold what it should: the old file stays."""


@dataclass(frozen=True, slots=True)
class Written:
    """The new file, whole and proved, and with ``rejected`` lines the block for the side file; the old is untouched."""

    rows: int
    size: int
    rejected: int
    repeated: int
    moved: int


@dataclass(frozen=True, slots=True)
class Looked:
    """What the process says of one file.

    Attributes:
        stamp: Size, modification time (ns) and file number of what it read.
        rows: Rows before, lines that are none counted.
        left: Why the file stays as it is; empty when it is in order or was written anew.
        new: What was written anew. Lines themselves do not come this way, however many go.
    """

    job: Job
    stamp: tuple[int, int, int] = (0, 0, 0)
    rows: int = 0
    left: str = ""
    full: bool = False
    new: Written | None = None
