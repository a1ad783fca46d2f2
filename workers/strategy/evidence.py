"""What ideas rest on, kept so that each can be made again: ``data/evidence/``.

Every piece (a window of bars, a rule file, a profile, a specification, a part of the calendar, the circumstances of an
idea) is one file, named by the SHA-256 of its content and compressed with zlib: ``{first two}/{all 64}.z``. Equal
pieces are kept once, and no piece is ever changed.
"""

from __future__ import annotations

import hashlib
import json
import re
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.errors import UserAction
from app.files import atomic_write_bytes, guarding
from app.paths import Paths
from app.terminal.values import RATES_DTYPE, Rates
from workers.strategy.batch import Batch

#: A piece is some 30 kB; a file that unpacks to more than this is none.
_LARGEST: Final = 64_000_000
#: Bars become hardly smaller at higher levels, and take twice the time.
_LEVEL: Final = 3
_NAME: Final = re.compile(r"[0-9a-f]{64}")


class EvidenceLost(UserAction):
    """A piece is missing or not what it was; the message names it."""


def folder_of(paths: Paths) -> Path:
    """Where the pieces and the chain of ideas are kept."""
    return paths.data / "evidence"


def sha256(content: bytes) -> str:
    """The name of a piece."""
    return hashlib.sha256(content).hexdigest()


def canonical(document: Mapping[str, Any]) -> bytes:
    """A document as the same bytes whenever it is the same.

    Raises:
        ValueError: it holds a number that JSON has not.
    """
    text = json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode("utf-8", "backslashreplace")


def bars_bytes(rates: Rates) -> bytes:
    """Bars as a piece: the records of MetaTrader's rates, 60 bytes each, times in UTC."""
    return np.ascontiguousarray(rates.astype(RATES_DTYPE, copy=False)).tobytes()


def bars_of(content: bytes) -> Rates:
    """Bars out of a piece.

    Raises:
        ValueError: it holds no whole records.
    """
    return np.frombuffer(content, RATES_DTYPE)


class EvidenceStore:
    """The pieces of one home. Thread: any; equal pieces may be put at the same time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._there: set[str] = set()
        self._folders: set[Path] = set()

    def put(self, content: bytes, batch: Batch | None = None) -> str:
        """Keep a piece, unless it is there; its name.

        Args:
            batch: Write it with others; it is there when the batch is settled.

        Raises:
            StorageError: it cannot be written.
        """
        name = sha256(content)
        path = self._path(name)
        if name in self._there or (batch is not None and path in batch):
            return name
        if path.exists():
            self._there.add(name)
            return name
        if path.parent not in self._folders:
            with guarding(path.parent, "create"):
                path.parent.mkdir(parents=True, exist_ok=True)
            self._folders.add(path.parent)
        packed = zlib.compress(content, _LEVEL)
        if batch is not None:
            batch.add(path, packed)
            return name
        atomic_write_bytes(path, packed)
        self._there.add(name)
        return name

    def get(self, name: str) -> bytes:
        """The content of a piece, checked against its name.

        Raises:
            EvidenceLost: it is missing, damaged or was edited.
            StorageError: it cannot be read.
        """
        if not _NAME.fullmatch(name):
            raise EvidenceLost(f"{name[:80]!r} is no name of a piece of evidence.", advice=_RESTORE)
        path = self._path(name)
        with guarding(path, "read"):
            try:
                packed = path.read_bytes()
            except FileNotFoundError:
                raise EvidenceLost(f"The evidence {name} is missing.", advice=_RESTORE) from None
        content = _unpacked(packed)
        if content is None or sha256(content) != name:
            raise EvidenceLost(f"The evidence {name} is damaged or was edited.", advice=_RESTORE)
        return content

    def document(self, name: str) -> dict[str, Any]:
        """A piece that is a document. Raises as ``get``."""
        try:
            found = json.loads(self.get(name))
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise EvidenceLost(f"The evidence {name} is no document.", advice=_RESTORE)
        return found

    def _path(self, name: str) -> Path:
        return self._folder / name[:2] / f"{name}.z"


def _unpacked(packed: bytes) -> bytes | None:
    machine = zlib.decompressobj()
    try:
        content = machine.decompress(packed, _LARGEST)
    except zlib.error:
        return None
    return content if machine.eof else None


_RESTORE: Final = "Restore the folder data/evidence from a copy."
