"""Long lists in JSON files, written and read piece by piece.

A document of 5,000 items takes json a tenth of a second in one call, during which no other thread of the process runs,
the window's least of all. So each item has a line of its own and is made and read by itself::

    {"schema": 1, "server": "Broker-Live", "symbols": [
    {"name": "EURUSD", "digits": 5},
    {"name": "USDJPY", "digits": 3}
    ]}
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from app.files import atomic_write_pieces, guarding
from app.storage import refuse_newer

#: A list laid out anew by another program is read as a whole, up to this size; ours have 2 KB for each symbol.
MAX_BYTES: Final = 64 * 1024 * 1024
_HEAD_BYTES: Final = 64 * 1024
_PIECE: Final = 200
# Each read lets go of the interpreter and takes it back at once: when that comes more often than a waiting thread's
# patience ends, the window never gets its turn. So there are few of them.
_BUFFER: Final = 1 << 20
_END: Final = b"\n]}\n"


def write_list(
    path: Path, head: Mapping[str, Any], name: str, items: Iterable[Mapping[str, Any]], *, durable: bool = True
) -> None:
    """Replace the content of ``path`` by ``head`` with the list ``name`` as its last member.

    Args:
        durable: Wait until the disk has it. Without, a power cut in the next half minute may damage the file.

    Raises:
        StorageError: it cannot be written; what was there before is untouched.
        ValueError: it holds a number that JSON has not (NaN, infinity).
    """
    with guarding(path.parent, "create"):
        path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_pieces(path, _pieces(head, name, items), durable=durable)


def read_list(path: Path, name: str) -> tuple[dict[str, Any], Iterator[dict[str, Any]]] | None:
    """The head of a document written by ``write_list``, and its items one by one.

    Another program may have laid it out anew: the head is the same then, with the list left empty.

    Returns:
        None when there is no such file, or it holds no such list. Items end at the first line that is none, so
        a file that was cut off gives what is left of it.

    Raises:
        StorageError: it is there but cannot be read.
        UserAction: it was written by a newer Metronome; it is left alone.
    """
    with guarding(path, "read"):
        try:
            with path.open("rb") as file:
                first = file.readline(_HEAD_BYTES)
        except FileNotFoundError:
            return None
    head = _parsed(first.rstrip() + b"]}")
    if head is None or head.get(name) != []:
        return _whole(path, name)
    refuse_newer(path, head)
    return head, _items(path, len(first))


def _whole(path: Path, name: str) -> tuple[dict[str, Any], Iterator[dict[str, Any]]] | None:
    """The same of a document in another layout."""
    with guarding(path, "read"), path.open("rb") as file:
        data = file.read(MAX_BYTES + 1)
    document = _parsed(data) if len(data) <= MAX_BYTES else None
    if document is None:
        return None
    refuse_newer(path, document)
    items = document.get(name)
    if not isinstance(items, list):
        return None
    return {**document, name: []}, (item if isinstance(item, dict) else {} for item in items)


def _items(path: Path, start: int) -> Iterator[dict[str, Any]]:
    with guarding(path, "read"), path.open("rb", buffering=_BUFFER) as file:
        file.seek(start)
        for line in file:
            item = _parsed(line.rstrip().removesuffix(b","))
            if item is None:
                return
            yield item


def _pieces(head: Mapping[str, Any], name: str, items: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    begun = json.dumps({"schema": 1, **head, name: []}, ensure_ascii=False, allow_nan=False)
    piece = [_encoded(begun.removesuffix("]}"))]
    separator = b"\n"
    for item in items:
        piece.append(separator + _encoded(json.dumps(item, ensure_ascii=False, allow_nan=False)))
        separator = b",\n"
        if len(piece) >= _PIECE:
            yield b"".join(piece)
            piece.clear()
    yield b"".join(piece) + _END


def _encoded(text: str) -> bytes:
    # A lone surrogate becomes the JSON escape that it stands for.
    return text.encode("utf-8", "backslashreplace")


def _parsed(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line.removeprefix(codecs.BOM_UTF8))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
