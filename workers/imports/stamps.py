"""Times of text tables, a column at a time, each judged by itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from workers.imports.columns import Cells, Index, Mask, gathered

_DAY_MS: Final = 86_400_000
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_LAST_MS: Final = int(np.datetime64(f"{_LAST_YEAR}-01-01").astype(np.int64)) * _DAY_MS
#: More shapes of time than this in one block is no table.
_MAX_SHAPES: Final = 12

_CLOCK: Final = r"(?P<hour>\d{1,2}):?(?P<minute>\d\d)(?::?(?P<second>\d\d)(?:[.,](?P<part>\d{1,9}))?)?"
_ZONE: Final = r"\s?(?P<zone>Z|UTC|GMT|(?P<sign>[+-])(?P<ahead>\d\d):?(?P<rest>\d\d))?"
#: Year first: a date that begins with the day cannot be told from one that begins with the month.
_SHAPE: Final = re.compile(
    rf"(?P<year>\d{{4}})(?P<between>[-./]?)(?P<month>\d\d)(?P=between)(?P<day>\d\d)(?:[ T]?{_CLOCK}{_ZONE})?"
)
_CLOCK_SHAPE: Final = re.compile(_CLOCK)


@dataclass(frozen=True, slots=True)
class Stamps:
    """A column of times.

    Attributes:
        msc: Milliseconds since 1970 as written; UTC where ``zoned``.
        zoned: The text itself says how far it is from UTC.
        dates: The text is a date without a time of day.
        good: Whether the cell is a time.
    """

    msc: Index
    zoned: Mask
    dates: Mask
    good: Mask


def stamps(date: Cells, clock: Cells | None = None) -> Stamps:
    """Read times from one column, or from a date and a clock column.

    ``2025.06.03``, ``2025-06-03T12:00:00.123+02:00``, ``20250603 120000``, ``1748952000`` (seconds or milliseconds).
    """
    days = _read(date, _SHAPE)
    if clock is None:
        return days
    times = _read(clock, _CLOCK_SHAPE)
    return Stamps(days.msc + times.msc, days.zoned, days.dates & False, days.good & times.good & days.dates)


def _read(cells: Cells, shape: re.Pattern[str]) -> Stamps:
    size = len(cells.start)
    msc = np.zeros(size, dtype=np.int64)
    zoned, dates, good = (np.zeros(size, dtype=np.bool_) for _ in range(3))
    widths = cells.end - cells.start
    left = (widths > 0) & (widths <= 40)
    for _ in range(_MAX_SHAPES):
        rows = np.flatnonzero(left)
        if not len(rows):
            break
        width = int(widths[rows[0]])
        rows = rows[widths[rows] == width]
        matrix = gathered(cells.of(rows), width)
        sample = bytes(matrix[0]).decode("latin-1")
        if sample.isascii() and sample.isdigit() and width in (9, 10, 13):
            fits, values = _epoch(matrix, 1 if width == 13 else 1000)
            has_zone = has_no_clock = False
        else:
            found = shape.fullmatch(sample)
            if found is None:
                left[rows[0]] = False
                continue
            fits, values = _shaped(matrix, found)
            groups = found.groupdict()
            has_zone = bool(groups.get("zone"))
            has_no_clock = groups["hour"] is None
        if len(rows) == size and fits.all():  # all are written alike, as in nearly every block
            right = values >= 0
            return Stamps(np.where(right, values, 0), np.full(size, has_zone), np.full(size, has_no_clock), right)
        taken = rows[fits]
        # What does not fit this shape may have another one of the same width; what fits it but is no time is refused.
        left[taken] = False
        right = values[fits] >= 0
        msc[taken[right]] = values[fits][right]
        good[taken[right]], zoned[taken], dates[taken] = True, has_zone, has_no_clock
    return Stamps(msc, zoned, dates, good)


def _epoch(matrix: npt.NDArray[np.uint8], factor: int) -> tuple[Mask, Index]:
    digits = matrix - np.uint8(48)
    fits = np.logical_and.reduce(digits <= 9, axis=1)
    values = _number(digits, 0, matrix.shape[1]) * factor
    values[values > _LAST_MS] = -1
    return fits, values


def _shaped(matrix: npt.NDArray[np.uint8], found: re.Match[str]) -> tuple[Mask, Index]:
    """Which rows have the shape of ``found``, and their milliseconds; -1 for a time that does not exist."""
    names = [name for name, text in found.groupdict().items() if text and name not in ("between", "zone", "sign")]
    spans = {name: found.span(name) for name in names}
    inside = np.zeros(matrix.shape[1], dtype=np.bool_)
    for begin, end in spans.values():
        inside[begin:end] = True
    digits = matrix - np.uint8(48)
    fits = (digits[:, inside] <= 9).all(axis=1)
    others = ~inside
    sign_at = found.start("sign") if found.groupdict().get("sign") else -1
    if sign_at >= 0:
        others[sign_at] = False
        fits &= (matrix[:, sign_at] == ord("+")) | (matrix[:, sign_at] == ord("-"))
    first = np.frombuffer(found.string.encode("latin-1"), dtype=np.uint8)
    fits &= (matrix[:, others] == first[others]).all(axis=1)
    parts = {name: _number(digits, *span) for name, span in spans.items()}
    nothing = np.zeros(len(matrix), dtype=np.int64)
    values = nothing if "year" not in parts else _midnights(parts["year"], parts["month"], parts["day"])
    hour, minute, second = (parts.get(name, nothing) for name in ("hour", "minute", "second"))
    wrong = (values < 0) | (hour > 23) | (minute > 59) | (second > 59)
    values = values + (hour * 3600 + minute * 60 + second) * 1000
    if "part" in parts:
        begin, end = spans["part"]
        values = values + parts["part"] * 1000 // 10 ** (end - begin)
    if sign_at >= 0:
        ahead = (parts["ahead"] * 3600 + parts["rest"] * 60) * 1000
        values = values - np.where(matrix[:, sign_at] == ord("-"), -ahead, ahead)
    values[wrong] = -1
    return fits, values


def _number(digits: npt.NDArray[np.uint8], begin: int, end: int) -> Index:
    value = np.zeros(len(digits), dtype=np.int64)
    for place in range(begin, end):
        value = value * 10 + digits[:, place]
    return value


def _midnights(year: Index, month: Index, day: Index) -> Index:
    """``_days``, looked up once for each run of rows of one day: bars of minutes repeat theirs for 1,440 rows."""
    dates = (year * 100 + month) * 100 + day
    begins = np.flatnonzero(np.diff(dates, prepend=-1))
    found = _days(year[begins], month[begins], day[begins])
    return np.repeat(found, np.diff(begins, append=len(dates)))


def _days(year: Index, month: Index, day: Index) -> Index:
    """Milliseconds of midnight; far below zero where there is no such day."""
    wrong = (year < _FIRST_YEAR) | (year > _LAST_YEAR) | (month < 1) | (month > 12) | (day < 1)
    months = ((np.where(wrong, 1970, year) - 1970) * 12 + np.where(wrong, 1, month) - 1).astype("datetime64[M]")
    start = months.astype("datetime64[D]").astype(np.int64)
    length = (months + 1).astype("datetime64[D]").astype(np.int64) - start
    wrong |= day > length
    return np.where(wrong, -(2**60), (start + day - 1) * _DAY_MS)
