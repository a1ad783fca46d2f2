"""Text tables a block at a time, by numpy: every row is judged by itself and a bad one costs only itself.

``numpy.loadtxt`` gives up at the first damaged row and is three times slower; here a cell that is no number is marked
in a mask, so that its line can be named and the others be kept.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

#: A longer cell is no number and no time.
MAX_CELL: Final = 48
#: A mantissa below this and a power of ten up to 22 divide to the nearest double (they are exact in double precision).
_EXACT: Final = 2**53
_MAX_DIGITS: Final = 18
#: So many digits make a mantissa that is exact.
_ALIKE: Final = 15
_POWERS: Final = 10.0 ** np.arange(_MAX_DIGITS + 1)

_NEWLINE, _RETURN, _SPACE, _QUOTE = 10, 13, 32, 34
_ZERO, _DOT, _COMMA, _MINUS, _PLUS = 48, 46, 44, 45, 43


@dataclass(frozen=True, slots=True)
class Cells:
    """One column of a block: the cell of row ``i`` is ``data[start[i]:end[i]]``, without quotes and blanks."""

    data: Bytes
    start: Index
    end: Index

    def text(self, row: int) -> str:
        """A cell as text, cut to what a message can show."""
        return bytes(self.data[self.start[row] : self.end[row]])[:40].decode("utf-8", "replace")

    def of(self, rows: Index | Mask) -> Cells:
        """The same column of some rows."""
        return Cells(self.data, self.start[rows], self.end[rows])


@dataclass(frozen=True, slots=True)
class Block:
    """The filled lines of a block of text.

    Attributes:
        numbers: Line numbers in the file, from 1.
        counts: Columns of each line.
        _padded: There is a blank or a quote somewhere, so that cells have to be trimmed.
    """

    data: Bytes
    start: Index
    end: Index
    numbers: Index
    counts: Index
    _delimiters: Index
    _first: Index
    _padded: bool

    def __len__(self) -> int:
        return len(self.start)

    def column(self, number: int, rows: Index) -> Cells:
        """The column ``number`` (from 0) of ``rows``, each of which has it."""
        places, first = self._delimiters, self._first[rows]
        start = self.start[rows] if number == 0 else places[first + number - 1] + 1
        inner = self.counts[rows] > number + 1
        if inner.all():
            end = places[first + number]
        else:
            end = self.end[rows]
            end[inner] = places[first[inner] + number]
        return _trimmed(self.data, start, end) if self._padded else Cells(self.data, start, end)

    def line(self, row: int) -> bytes:
        """A line without its end."""
        return bytes(self.data[self.start[row] : self.end[row]])


def split(text: bytes, first_line: int, delimiter: str) -> Block:
    """Find the lines and columns of ``text``, which ends with the end of a line (the last of a file need not).

    Args:
        first_line: Number of its first line in the file.
    """
    padded = b" " in text or b'"' in text
    data = np.frombuffer(text if text.endswith(b"\n") else text + b"\n", dtype=np.uint8)
    ends = np.flatnonzero(data == _NEWLINE)
    starts = np.concatenate((np.zeros(1, dtype=np.int64), ends[:-1] + 1))
    numbers = np.arange(first_line, first_line + len(starts), dtype=np.int64)
    # A blank line: only blanks and a carriage return.
    stops = ends - (data[np.maximum(ends - 1, 0)] == _RETURN) * (ends > starts)
    inked = data[starts] > _SPACE
    if not inked.all():  # looked at byte by byte only where some line begins with a blank
        inked = np.add.reduceat(data > _SPACE, starts) > 0
        starts, stops, numbers = starts[inked], stops[inked], numbers[inked]
    places = np.flatnonzero(data == ord(delimiter))
    first, counts = _columns(places, starts, stops)
    return Block(data, starts, stops, numbers, counts, places, first, padded)


def _columns(delimiters: Index, starts: Index, stops: Index) -> tuple[Index, Index]:
    """For each line, how many delimiters stand before it, and how many columns it has."""
    each, left_over = divmod(len(delimiters), max(1, len(starts)))
    if each and not left_over:
        # Where every line holds as many of them, as in nearly every table, there is nothing to search for.
        table = delimiters.reshape(-1, each)
        if (table[:, 0] >= starts).all() and (table[:, -1] < stops).all():
            lines = np.arange(len(starts), dtype=np.int64)
            return lines * each, np.full(len(starts), each + 1, dtype=np.int64)
    first = np.searchsorted(delimiters, starts)
    return first, np.searchsorted(delimiters, stops) - first + 1


def _trimmed(data: Bytes, start: Index, end: Index) -> Cells:
    """Cells without the blanks around them and without their quotes; either side by itself, for rows quoted whole."""
    start, end = start.copy(), end.copy()
    last = len(data) - 1
    for _ in range(3):  # blanks, quote, blanks within: more than any writer does
        head, tail = data[np.minimum(start, last)], data[np.maximum(end - 1, 0)]
        filled = start < end
        left = filled & ((head == _SPACE) | (head == _QUOTE))
        right = filled & (end - 1 > start) & ((tail == _SPACE) | (tail == _QUOTE))
        if not left.any() and not right.any():
            break
        start += left
        end -= right
    return Cells(data, start, end)


def gathered(cells: Cells, width: int) -> Bytes:
    """Cells that are all ``width`` long as a matrix (rows, width), whose columns lie in one piece each."""
    found: Bytes = cells.data[cells.start + np.arange(width)[:, None]]
    return found.T


@dataclass(frozen=True, slots=True)
class Numbers:
    """A column of numbers.

    Attributes:
        values: NaN where there is none.
        decimals: Digits behind the point as written.
        good: Whether the cell is a finite number.
    """

    values: npt.NDArray[np.float64]
    decimals: npt.NDArray[np.int64]
    good: Mask


def numbers(cells: Cells, *, comma: bool = False) -> Numbers:
    """Read a column of numbers.

    Args:
        comma: The point may be written as a comma.
    """
    widths = cells.end - cells.start
    alike = _written_alike(cells, widths)
    if alike is not None:
        return alike
    usable = (widths > 0) & (widths <= _MAX_DIGITS)
    size = len(widths)
    mantissa = np.zeros(size, dtype=np.int64)
    decimals = np.zeros(size, dtype=np.int64)
    seen, digits = np.zeros(size, dtype=np.bool_), np.zeros(size, dtype=np.bool_)
    good, negative = usable.copy(), np.zeros(size, dtype=np.bool_)
    last = len(cells.data) - 1
    for place in range(int(widths[usable].max(initial=0))):
        position = cells.start + place
        inside = usable & (position < cells.end)
        signs = cells.data[np.minimum(position, last)]
        value = signs - np.uint8(_ZERO)  # wraps: anything but a digit is above 9
        digit = inside & (value <= 9)
        if digit.all():
            mantissa = mantissa * 10 + value
            decimals += seen
            digits[:] = True
            continue
        np.multiply(mantissa, 10, out=mantissa, where=digit)
        np.add(mantissa, value, out=mantissa, where=digit, casting="unsafe")
        decimals += digit & seen
        digits |= digit
        point = inside & ((signs == _DOT) | ((signs == _COMMA) if comma else False)) & ~seen
        seen |= point
        rest = inside & ~digit & ~point
        if rest.any():
            sign = rest & (place == 0) & ((signs == _MINUS) | (signs == _PLUS))
            negative |= sign & (signs == _MINUS)
            good &= ~(rest & ~sign)
    good &= digits & (mantissa < _EXACT)
    values = mantissa / _POWERS[np.minimum(decimals, _MAX_DIGITS)]
    np.negative(values, out=values, where=negative)
    values[~good] = np.nan
    if not good.all():
        _read_slowly(cells, values, decimals, good, comma=comma)
    return Numbers(values, decimals, good)


def _written_alike(cells: Cells, widths: Index) -> Numbers | None:
    """Numbers of digits that all have their point at the same place, as the prices of most blocks; None when some are
    written otherwise."""
    size, width = len(widths), int(widths[0]) if len(widths) else 0
    if not 0 < width <= _ALIKE or (widths != width).any():
        return None
    matrix = gathered(cells, width)
    point = bytes(matrix[0]).find(_DOT)
    mantissa = np.zeros(size, dtype=np.int64)
    for place in range(width):
        column = matrix[:, place]
        if place == point:
            if (column != _DOT).any():
                return None
            continue
        digits = column - np.uint8(_ZERO)  # wraps: anything but a digit is above 9
        if digits.max() > 9:
            return None
        mantissa *= 10
        mantissa += digits
    if point >= 0 and width == 1:
        return None
    decimals = width - point - 1 if point >= 0 else 0
    return Numbers(mantissa / _POWERS[decimals], np.full(size, decimals, dtype=np.int64), np.ones(size, dtype=np.bool_))


def _read_slowly(
    cells: Cells, values: npt.NDArray[np.float64], decimals: npt.NDArray[np.int64], good: Mask, *, comma: bool
) -> None:
    """Exponents and numbers with more digits than a double has: one by one."""
    for row in np.flatnonzero(~good).tolist():
        if not 0 < cells.end[row] - cells.start[row] <= MAX_CELL:
            continue
        raw = bytes(cells.data[cells.start[row] : cells.end[row]])
        text = raw.replace(b",", b".") if comma else raw
        if not text.strip(b"0123456789+-.eE") and b"_" not in text:
            try:
                value = float(text)
            except ValueError:
                continue
            if math.isfinite(value):
                values[row], good[row] = value, True
                decimals[row] = len(text.lower().partition(b"e")[0].partition(b".")[2])
