"""The layout of a JSON document whose list of entries grows, valid at every instant and at constant cost.

::

    {"schema": 1, "symbol": "EURUSD", "entries": [
    {"bid": 1.1}
    ,{"bid": 1.2}
            ... blanks ...
    ]}

Between the last entry and the closing ``]}`` lies a gap of blanks, which JSON allows. A new entry is written over the
beginning of the gap by one write, together with the comma before it; nothing else of the file changes. An entry never
crosses the border of a page (4,096 bytes), so that the system copies it into its one page or does not: a process that
is killed leaves the document without the entry or with it. Even after a power cut, which may keep any of the pages that
were written since and lose others, what is left is valid: each entry brings its own comma, and where one was lost there
are blanks.

When the gap is used up the document is written anew with a gap of half its size (replaced in one step, as every other
file), so that the cost of that, spread over the entries, stays the same however long the document grows. An entry
longer than a page is added that way too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple

PAGE: Final = 4096
TAIL: Final = b"\n]}\n"
_HEAD_END: Final = b'"entries": ['
_BLANKS: Final = b" \t\r\n"


class Document(NamedTuple):
    """A document in our layout.

    Attributes:
        pieces: Its bytes, in order. A long document is never copied as a whole: that would hold the interpreter, and
            with it the window, for milliseconds.
        end: Where its last entry ends.
    """

    pieces: tuple[bytes | memoryview, ...]
    end: int


def encoded(item: Mapping[str, Any]) -> bytes:
    """An entry as text.

    Raises:
        ValueError: it holds a number that JSON has not (NaN, infinity).
    """
    text = json.dumps(item, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate becomes the JSON escape that it stands for.
    return text.encode("utf-8", "backslashreplace")


def begun(head: Mapping[str, Any], entries: Iterable[bytes]) -> Document:
    """A new document with these entries."""
    whole = {name: value for name, value in head.items() if name != "entries"}
    text = json.dumps(whole, ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
    data = bytearray(text[:-1] + (b", " if whole else b"") + _HEAD_END)
    first = True
    for entry in entries:
        line = _line(entry, first=first)
        data += _padding(len(data), len(line)) + line
        first = False
    return _closed((bytes(data),))


def place(end: int, size: int, entry: bytes) -> tuple[int, bytes] | None:
    """Where to write a further entry, and which bytes; None when it does not fit into the gap.

    Args:
        end: Where the last entry ends; there is at least one.
        size: Length of the document.
    """
    line = _line(entry, first=False)
    at = end + len(_padding(end, len(line)))
    if len(line) > PAGE or at + len(line) > size - len(TAIL):
        return None
    return at, line


def extended(data: bytes | memoryview, end: int, entry: bytes) -> Document:
    """A document with a further entry and a new gap.

    Args:
        data: The document up to the end of its last entry at least.
        end: Where that is.
    """
    line = _line(entry, first=data[end - 1 : end] == b"[")
    return _closed((memoryview(data)[:end], _padding(end, len(line)) + line))


def in_our_layout(data: bytes) -> Document | None:
    """Check a document entry by entry; None when it is not in our layout, or not whole.

    Parsing a day of entries in one call would hold the interpreter, and with it the window, for tens of milliseconds.
    """
    if not data.endswith(TAIL) or head_of(data) is None:
        return None
    start = data.index(_HEAD_END + b"\n") + len(_HEAD_END) + 1
    end = len(data[: -len(TAIL)].rstrip(_BLANKS))
    if end < start:
        return None
    at, first = start, True
    while at < end:
        stop = data.find(b"\n", at, end)
        stop = end if stop < 0 else stop
        line = data[at:stop].strip(_BLANKS)
        if line.startswith(b",") == first or not isinstance(_parsed(line.removeprefix(b",")), dict):
            return None
        at, first = stop + 1, False
    # Entries have to keep off the borders of pages: a document of another writer is laid out anew.
    return Document((data,), end) if _keeps_off_borders(data, start, end) else None


def head_of(data: bytes) -> dict[str, Any] | None:
    """What is beside the entries of a document in our layout; None when it is not."""
    head, found, _ = data.partition(_HEAD_END + b"\n")
    parsed = _parsed(head + _HEAD_END + b"]}") if found else None
    return parsed if isinstance(parsed, dict) else None


def last_line(end_of_file: bytes) -> bytes | None:
    """The last entry, as text, from the end of a document in our layout; None when there is none in it whole."""
    if not end_of_file.endswith(TAIL):
        return None
    kept = end_of_file[: -len(TAIL)].rstrip(_BLANKS)
    before, found, line = kept.rpartition(b"\n")
    del before
    return line.removeprefix(b",") if found and line else None


def _keeps_off_borders(data: bytes, start: int, end: int) -> bool:
    """Whether every entry that is no longer than a page, with its line feed and comma, lies in one page."""
    at = start - 1
    while at < end:
        stop = data.find(b"\n", at + 1, end)
        stop = end if stop < 0 else stop
        length = len(data[at:stop].rstrip(_BLANKS))
        if length <= PAGE and at // PAGE != (at + length - 1) // PAGE and at >= start:
            return False
        at = stop
    return True


def _line(entry: bytes, *, first: bool) -> bytes:
    return (b"\n" if first else b"\n,") + entry


def _padding(at: int, length: int) -> bytes:
    """Blanks up to the next page when something so long would cross its border; a longer thing crosses one anyway."""
    left = PAGE - at % PAGE
    return b" " * left if left < length <= PAGE else b""


def _closed(pieces: tuple[bytes | memoryview, ...]) -> Document:
    """A document of these pieces, with a gap and the end."""
    end = sum(len(piece) for piece in pieces)
    size = end + max(PAGE, end // 2) + len(TAIL)
    size += -size % PAGE
    return Document((*pieces, b" " * (size - end - len(TAIL)), TAIL), end)


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None
