"""The chain of ideas, ``data/evidence/chain.jsonl``: one line for each idea, appended, never changed.

A line names the idea, its file and the SHA-256 of that file, and carries the hash of the line before. Whoever edits,
removes or reorders an idea breaks it. A line is written before the file of its idea: after a kill in between, the file
is made again from its evidence.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

from app.files import guarding, write_all
from workers.strategy.evidence import canonical, sha256

FILE_NAME: Final = "chain.jsonl"
#: What the first line says of the one before.
BEGINNING: Final = "0" * 64
_BLOCK: Final = 64 * 1024
_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Link:
    """One line.

    Attributes:
        number: From 1.
        time: Of the idea, ISO 8601.
        id: Of the idea.
        file: Name of its file in the folder of ideas.
        sha256: Of that file.
        inputs: Name of the evidence with all that led to the idea.
        previous: Hash of the line before.
        hash: Of this line: SHA-256 of its other fields as canonical JSON.
    """

    number: int
    time: str
    id: str
    file: str
    sha256: str
    inputs: str
    previous: str
    hash: str = ""

    def sealed(self) -> Link:
        """The line with the hash that it should have."""
        fields = self._fields()
        return Link(**fields, hash=sha256(canonical(fields)))

    def line(self) -> bytes:
        """The line as it is written."""
        return json.dumps({**self._fields(), "hash": self.hash}, ensure_ascii=False).encode() + b"\n"

    def _fields(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__match_args__ if name != "hash"}


class Entry(NamedTuple):
    """What a line says of an idea; as in ``Link``."""

    time: str
    id: str
    file: str
    sha256: str
    inputs: str


def parse(line: bytes) -> Link | None:
    """A line as it was written; None when it is none, or anything was added to it, be it a blank."""
    try:
        found = json.loads(line)
        number = found.pop("number")
        texts = {name: found[name] for name in Link.__match_args__ if name != "number"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if type(number) is not int or not all(isinstance(text, str) for text in texts.values()):
        return None
    link = Link(number, **texts)
    try:
        return link if link.line() == line + b"\n" else None
    except UnicodeEncodeError:
        return None


def lines_of(path: Path) -> tuple[list[bytes], bytes]:
    """All whole lines, and what stands behind the last line end (torn by a kill; empty otherwise).

    Raises:
        StorageError: the file is there but cannot be read.
    """
    with guarding(path, "read"):
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b""
    *lines, torn = data.split(b"\n")
    return lines, torn


class Chain:
    """The end of the chain, for whoever appends. Thread: one at a time; ``ideas.IdeaFiles`` sees to it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._size = -1
        self._recent: list[Link] = []
        self._since = ""
        self._last: tuple[int, str] = (0, BEGINNING)

    def recent(self, since: str) -> Sequence[Link]:
        """The lines of ideas from ``since`` (ISO 8601) on, and perhaps some before.

        Raises:
            StorageError: the file cannot be read.
        """
        self._refresh(since)
        return self._recent

    @property
    def head(self) -> tuple[int, str]:
        """Number and hash of the last line; 0 and ``BEGINNING`` of an empty chain. Raises as ``recent``."""
        self._refresh(self._since or "~")
        return self._last

    def append(self, time: str, id: str, file: str, content_sha256: str, inputs: str) -> Link:
        """``append_all`` of one line."""
        return self.append_all([Entry(time, id, file, content_sha256, inputs)])[0]

    def append_all(self, entries: Sequence[Entry]) -> list[Link]:
        """Write lines, durably; what a kill tore off a line before them is moved aside.

        Raises:
            StorageError: they cannot be written; then nothing of them is there.
        """
        if not entries:
            return []
        number, previous = self.head
        links: list[Link] = []
        for entry in entries:
            number += 1
            links.append(Link(number, *entry, previous).sealed())
            previous = links[-1].hash
        data = b"".join(link.line() for link in links)
        with guarding(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _O_BINARY, 0o666)
            try:
                size = self._healed(descriptor)
                try:
                    write_all(descriptor, data)
                    os.fsync(descriptor)
                except OSError:
                    os.ftruncate(descriptor, size)
                    raise
            finally:
                os.close(descriptor)
        self._size, self._last = size + len(data), (number, previous)
        self._recent += links
        return links

    def _healed(self, descriptor: int) -> int:
        """The length of the whole lines; a torn one behind them is moved to the side file."""
        size = os.fstat(descriptor).st_size
        _lines, torn = _tail(descriptor, size, _BLOCK)
        if not torn:
            return size
        side = self.path.with_name("chain.rejected.jsonl")
        side_descriptor = os.open(side, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _O_BINARY, 0o666)
        try:
            write_all(side_descriptor, torn + b"\n")
        finally:
            os.close(side_descriptor)
        os.ftruncate(descriptor, size - len(torn))
        log.warning("The last line of the chain of ideas was torn by an interrupted write; it was moved to %s.", side)
        return size - len(torn)

    def _refresh(self, since: str) -> None:
        """Read the end of the file, back to ``since``, unless nobody has changed it since it was read."""
        with guarding(self.path, "read"):
            try:
                size = self.path.stat().st_size
            except FileNotFoundError:
                self._size, self._recent, self._last = 0, [], (0, BEGINNING)
                return
            if size == self._size and since >= self._since:
                return
            with self.path.open("rb") as file:
                reach = _BLOCK
                lines, _torn = _tail(file.fileno(), size, reach)
                while reach < size and (not lines or not _reaches(lines[0], since)):
                    reach *= 4
                    lines, _torn = _tail(file.fileno(), size, reach)
        found = [parse(line) for line in lines]
        self._size, self._since = size, since
        self._recent = [link for link in found if link is not None]
        self._last = (0, BEGINNING)
        if lines:
            last = found[-1]
            # Of a line that somebody damaged only the bytes are known; verify tells of it.
            before = self._recent[-1].number if self._recent else 0
            self._last = (last.number, last.hash) if last is not None else (before + 1, sha256(lines[-1]))


def _tail(descriptor: int, size: int, reach: int) -> tuple[list[bytes], bytes]:
    """The whole lines in the last ``reach`` bytes, and what is torn behind them."""
    start = max(0, size - reach)
    os.lseek(descriptor, start, os.SEEK_SET)
    data = b""
    while len(data) < size - start and (piece := os.read(descriptor, size - start - len(data))):
        data += piece
    *lines, torn = data.split(b"\n")
    return (lines[1:] if start else lines), torn


def _reaches(line: bytes, since: str) -> bool:
    link = parse(line)
    return link is not None and link.time < since
