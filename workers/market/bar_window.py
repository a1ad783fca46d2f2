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
    """

    rates: NDArray[Any]
    lines: list[bytes]
    offset: int
    size: int
    spoiled: list[bytes]
    whole: bool

    @property
    def times(self) -> Times:
        """Open times in UTC epoch seconds."""
        times: Times = self.rates["time"]
        return times


def read_window(path: Path, bars: int) -> Window:
    """The last ``bars`` bars of a history.

    Raises:
        StorageError: it cannot be read.
    """
    with guarding(path, "read"), path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        start = max(0, size - (bars + 1) * _LINE_BYTES)
        file.seek(start)
        data = file.read(size - start)
    data = data[: data.rfind(b"\n") + 1]
    skipped = data.find(b"\n") + 1 if start or data.startswith(HEADER[0].encode()) else 0
    lines = data[skipped:].split(b"\n")[:-1]
    kept = lines[-bars:]
    offset = start + skipped + sum(len(line) + 1 for line in lines[: len(lines) - len(kept)])
    rows = [(_row(line), line) for line in kept]
    parsed = [(row, line) for row, line in rows if row is not None]
    spoiled = [line for row, line in rows if row is None]
    rates = _rates([row for row, _ in parsed])
    whole = start == 0 and len(kept) == len(lines)
    return Window(rates, [line for _, line in parsed], offset, size, spoiled, whole)


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
    if counts[0] < 0 or counts[2] < 0 or not -(2**31) <= counts[1] < 2**31:
        return None
    return (int(moment), *prices, *counts)


def _rates(rows: list[tuple[Any, ...]]) -> NDArray[Any]:
    try:
        return np.array(rows, dtype=RATES_DTYPE)
    except OverflowError:
        return np.zeros(0, dtype=RATES_DTYPE)
