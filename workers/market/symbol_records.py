"""The last record of symbols of each account: the current file holds one, those of other accounts lie beside it."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.files import atomic_write_pieces, guarding
from app.paths import safe_name

#: Records of so many other accounts are kept, each of up to 10 MB.
MOST_KEPT: Final = 10
_KEPT: Final = re.compile(r"symbol_info_.+\.json", re.IGNORECASE | re.DOTALL)
#: Bytes of a name; systems allow 255, of which a temporary or damaged copy needs some.
_LONGEST: Final = 150
_PIECE_BYTES: Final = 1 << 20


def kept_file(cache: Path, server: str, login: int | None) -> Path:
    """Where the record of an account lies while the current file is another's. Always directly in ``cache``."""
    whole = f"{server}_{login}".encode("utf-8", "backslashreplace").decode("utf-8")
    name = safe_name(f"symbol_info_{whole}.json")
    if len(name.encode()) > _LONGEST:
        name = f"symbol_info_{hashlib.sha256(whole.encode()).hexdigest()}.json"
    return cache / name


def keep(current: Path, kept: Path) -> None:
    """Copy the current file, which stays until it is replaced: a run that ends early loses neither.

    Raises:
        StorageError: it cannot be read or written.
    """
    atomic_write_pieces(kept, _pieces(current))


def _pieces(path: Path) -> Iterator[bytes]:
    with guarding(path, "read"), path.open("rb") as file:
        while piece := file.read(_PIECE_BYTES):
            yield piece


def tidy(cache: Path, superseded: Path) -> None:
    """Remove ``superseded``, which the current file replaces, and all but the newest. One that is open stays for now.

    Raises:
        StorageError: the folder cannot be read.
    """
    with suppress(OSError):
        superseded.unlink(missing_ok=True)
    with guarding(cache, "read"):
        found = [path for path in cache.iterdir() if _KEPT.fullmatch(path.name) and path.is_file()]
        found.sort(key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)
    for path in found[MOST_KEPT:]:
        with suppress(OSError):
            path.unlink()
