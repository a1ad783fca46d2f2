"""The last bars of a history, read back for a look at their quality, and the file written anew around them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.files import guarding
from app.terminal.timeframes import Times
from app.terminal.values import RATES_DTYPE
from workers.market.bar_history import HEADER

#: The most bytes that a line of ours takes; a window of so many lines is read in one piece.
_LINE_BYTES: Final = 110
_COPY_BYTES: Final = 1 << 20
#: The year 9999 is near; what is not a time at all is a great negative number.
_LATEST_S: Final = 253_000_000_000
#: Parsed numbers take ten times the room of the array that they become.
_PARSED_AT_ONCE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Window:
    """The end of a history.

    Attributes:
        rates: Its bars as they are in the file, in UTC; also those out of order or stored twice.
        lines: Their lines, without line ends.
        offset: Where the first of them begins in the file.
        size: Length of the file when it was read.
        spoiled: Lines between them that hold no bar.
        whole: The window holds all of the file.
        before: Open time of the bar just before the window (UTC epoch seconds); None when there is none.
        first: Open time of the first bar of the file; None when its first line is no bar.
    """

    rates: NDArray[Any]
    lines: list[bytes]
    offset: int
    size: int
    spoiled: list[bytes]
    whole: bool
    before: int | None = None
    first: int | None = None

    @property
    def times(self) -> Times:
        """Open times in UTC epoch seconds."""
        times: Times = self.rates["time"]
        return times

    @property
    def in_order(self) -> bool:
        """Whether each bar is newer than the one before it, also the first one than that before the window."""
        times = self.times
        ordered = bool((np.diff(times) > 0).all())
        return ordered and (self.before is None or not len(times) or self.before < int(times[0]))

    @property
    def reaches_back(self) -> bool:
        """Whether nothing in the window belongs before its beginning, so that it can be put in order by itself."""
        return self.whole or self.before is None or not len(self.times) or self.before < int(self.times.min())

    @property
    def held(self) -> int:
        """About how many bars the file holds, by the length of the lines of the window."""
        if self.whole or not self.lines:
            return len(self.lines)
        return round(self.size * len(self.lines) / max(1, sum(len(line) + 1 for line in self.lines)))


def read_window(path: Path, bars: int) -> Window:
    """The last ``bars`` bars of a history.

    Raises:
        StorageError: it cannot be read.
    """
    with guarding(path, "read"), path.open("rb") as file:
        head = file.readline(_LINE_BYTES * 2)
        if head.startswith(HEADER[0].encode()):
            head = file.readline(_LINE_BYTES * 2)
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - (bars + 1) * _LINE_BYTES)
        file.seek(start)
        data = file.read(size - start)
    data = data[: data.rfind(b"\n") + 1]
    skipped = data.find(b"\n") + 1 if start or data.startswith(HEADER[0].encode()) else 0
    lines = data[skipped:].split(b"\n")[:-1]
    kept = lines[-bars:]
    offset = start + skipped + sum(len(line) + 1 for line in lines[: len(lines) - len(kept)])
    parts, good, spoiled = [], [], []
    for at in range(0, len(kept), _PARSED_AT_ONCE):
        rows = [(_row(line), line) for line in kept[at : at + _PARSED_AT_ONCE]]
        parts.append(_rates([row for row, _ in rows if row is not None]))
        good += [line for row, line in rows if row is not None]
        spoiled += [line for row, line in rows if row is None]
    rates = np.concatenate(parts) if parts else _rates([])
    whole = start == 0 and len(kept) == len(lines)
    before = None if len(kept) == len(lines) else _time(lines[len(lines) - len(kept) - 1])
    return Window(rates, good, offset, size, spoiled, whole, before, _time(head))


def first_after(path: Path, moment: int) -> int | None:
    """The open time of the first bar after ``moment`` in a history that is in order; None when there is none.

    Times are UTC epoch seconds. A search by halves: a few lines are read, however long the file is.

    Raises:
        StorageError: it cannot be read.
    """
    found: int | None = None
    with guarding(path, "read"), path.open("rb") as file:
        low, high = 0, file.seek(0, os.SEEK_END)
        while low < high:
            middle = (low + high) // 2
            file.seek(middle)
            lines = file.read(_LINE_BYTES * 4).split(b"\n")[1:-1]
            time = next((time for line in lines if (time := _time(line)) is not None), None)
            if time is None or time > moment:
                found, high = time if time is not None else found, middle
            else:
                low = middle + 1
    return found


def pieces_around(path: Path, window: Window, lines: list[bytes]) -> Iterator[bytes]:
    """The file with other lines in the place of the window, piece by piece."""
    with guarding(path, "read"), path.open("rb") as file:
        left = window.offset
        while left:
            piece = file.read(min(left, _COPY_BYTES))
            if not piece:
                break
            left -= len(piece)
            yield piece
    yield b"".join(line.rstrip(b"\r") + b"\n" for line in lines)


def _row(line: bytes) -> tuple[Any, ...] | None:
    fields = line.rstrip(b"\r").decode("utf-8", "replace").split(",")
    if len(fields) != len(HEADER):
        return None
    try:
        moment = np.datetime64(fields[0].removesuffix("Z"), "s").astype(np.int64)
        prices = [float(text) for text in fields[1:5]]
        counts = [int(text) for text in fields[5:]]
    except (ValueError, OverflowError):
        return None
    if not (0 < moment < _LATEST_S and all(0 <= counts[at] < 2**63 for at in (0, 2))):
        return None
    if not -(2**31) <= counts[1] < 2**31:
        return None
    return (int(moment), *prices, *counts)


def _time(line: bytes) -> int | None:
    row = _row(line.rstrip(b"\n"))
    return None if row is None else int(row[0])


def _rates(rows: list[tuple[Any, ...]]) -> NDArray[Any]:
    return np.array(rows, dtype=RATES_DTYPE)
