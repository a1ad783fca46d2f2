"""Lines of a bar history judged, a hundred thousand at once: which are bars, and of every other one why it is none.

Lines as we write them are read by pandas' C reader (this runs in the spawned worker); any other one is looked at by
itself, so that a damaged line costs only itself. A line that stays is never written anew: its bytes are kept.
"""

from __future__ import annotations

import io
import math
import operator
import re
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from workers.market.bar_history import HEADER
from workers.wording import count

Bytes = npt.NDArray[np.uint8]
Index = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

COLUMNS: Final = len(HEADER)
#: ``2025-06-03T12:00:00Z``
_SHAPE: Final = np.frombuffer(b"0000-00-00T00:00:00Z", dtype=np.uint8)
#: What all parts of the program read as the same time.
_TIME: Final = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d)?Z?", re.ASCII)
_DIGITS: Final = np.flatnonzero(_SHAPE == ord("0"))
_SIGNS: Final = np.flatnonzero(_SHAPE != ord("0"))
_PRICES: Final = HEADER[1:5]
_COUNTS: Final = HEADER[5:]
#: A longer line is no bar.
MAX_LINE: Final = 4096
#: Times take four bytes each: 2106 is the last year.
LATEST_S: Final = 2**32
_ONE_BY_ONE: Final = 256
_COMMA, _ZERO = 44, 48
_DAY_S: Final = 86_400


def judge(data: Bytes, starts: Index, ends: Index) -> tuple[Index, Mask]:
    """The open times (UTC epoch seconds) of lines, and which lines are bars.

    Args:
        data: Whole lines of text.
        starts, ends: Where each line begins and ends, without its line end.
    """
    times = np.zeros(len(starts), dtype=np.int64)
    good = np.zeros(len(starts), dtype=np.bool_)
    rows, read = _regular(data, starts, ends)
    if len(rows):
        fine = _numbers(data, starts, ends, rows)
        times[rows], good[rows] = read, fine
    # What is no bar in our own dress may be one in another, or only needs to be told apart.
    for row in np.flatnonzero(~good).tolist():
        found = parsed(bytes(data[starts[row] : min(ends[row], starts[row] + MAX_LINE + 1)]))
        if isinstance(found, int):
            times[row], good[row] = found, True
    return times, good


def parsed(line: bytes) -> int | str:
    """The open time of a bar (UTC epoch seconds), or why the line is no bar."""
    if len(line) > MAX_LINE:
        return "it is too long"
    if b"\r" in line:
        return "it holds a line break"
    cells = line.decode("utf-8", "replace").split(",")
    if len(cells) != COLUMNS:
        return f"it has {count(len(cells), 'column')} instead of {COLUMNS}"
    if _TIME.fullmatch(cells[0]) is None:
        return "its time is not written as 2025-06-03T12:00:00Z"
    try:
        time_s = datetime.fromisoformat(cells[0].removesuffix("Z")).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return "its time cannot be read"
    if not 0 < time_s < LATEST_S:
        return "its time is none of a bar"
    wrong = _wrong_prices(cells) or _wrong_counts(cells)
    return wrong or int(time_s)


def tell_the_same(lines: list[bytes], others: list[bytes]) -> Mask:
    """Which pairs of lines, bars of one time, tell the same of it: ``1.10`` is ``1.1``."""
    same = np.fromiter(map(operator.eq, lines, others), dtype=np.bool_, count=len(lines))
    apart = np.flatnonzero(~same).tolist()
    same[apart] = _equal([lines[at] for at in apart], [others[at] for at in apart])
    return same


def _equal(lines: list[bytes], others: list[bytes]) -> Mask:
    """As ``tell_the_same``, by the numbers: the C reader rules out most, what may be the same is read exactly."""
    maybe = np.flatnonzero(_alike(lines, others)) if len(lines) > _ONE_BY_ONE else np.arange(len(lines))
    same = np.zeros(len(lines), dtype=np.bool_)
    same[maybe] = [_values(lines[at]) == _values(others[at]) for at in maybe.tolist()]
    return same


def _alike(lines: list[bytes], others: list[bytes]) -> Mask:
    """Which pairs may tell the same, as far as the last bits of prices are not asked for."""
    first, second = (_table(b"\n".join(texts), len(texts)) for texts in (lines, others))
    alike = np.ones(len(lines), dtype=np.bool_)
    if first is not None and second is not None:
        for name in HEADER[1:]:
            one, other = first[name].to_numpy(), second[name].to_numpy()
            alike &= np.isclose(one, other, rtol=1e-9, atol=0.0) if name in _PRICES else one == other
    elif len(lines) > _ONE_BY_ONE:
        middle = len(lines) // 2
        alike = np.concatenate((_alike(lines[:middle], others[:middle]), _alike(lines[middle:], others[middle:])))
    return alike


def _values(line: bytes) -> tuple[list[float], list[int]]:
    cells = line.split(b",")[1:]
    return [float(cell) for cell in cells[: len(_PRICES)]], [int(cell) for cell in cells[len(_PRICES) :]]


def _wrong_prices(cells: list[str]) -> str:
    prices = []
    for name, cell in zip(_PRICES, cells[1:5], strict=True):
        try:
            price = float(cell)
        except ValueError:
            return f"the {name} is not a number"
        if not math.isfinite(price) or price <= 0:
            return f"the {name} is not a positive number"
        prices.append(price)
    opened, high, low, close = prices
    holds = high >= max(opened, close, low) and low <= min(opened, close)
    return "" if holds else "open or close lies outside of low and high"


def _wrong_counts(cells: list[str]) -> str:
    for name, cell in zip(_COUNTS, cells[5:], strict=True):
        try:
            number = int(cell)
        except ValueError:
            return f"the {name} is not a whole number"
        most = 2**31 if name == "spread" else 2**63
        if not (-most if name == "spread" else 0) <= number < most:
            return f"the {name} is not a usable number"
    return ""


def _regular(data: Bytes, starts: Index, ends: Index) -> tuple[Index, Index]:
    """Lines of eight columns whose time is written as ours, and those times."""
    commas = np.flatnonzero(data == _COMMA)
    first = np.searchsorted(commas, starts)
    eight = np.searchsorted(commas, ends) - first == COLUMNS - 1
    rows = np.flatnonzero(eight)
    rows = rows[commas[first[rows]] == starts[rows] + len(_SHAPE)]
    if not len(rows):
        return rows, rows
    matrix = data[starts[rows][:, None] + np.arange(len(_SHAPE))]
    fits = (matrix[:, _SIGNS] == _SHAPE[_SIGNS]).all(axis=1)
    digits = matrix[:, _DIGITS] - np.uint8(_ZERO)
    fits &= (digits <= 9).all(axis=1)
    rows, digits = rows[fits], digits[fits].astype(np.int32)
    times, real = _seconds(digits)
    return rows[real], times[real]


def _seconds(digits: npt.NDArray[np.int32]) -> tuple[Index, Mask]:
    """Epoch seconds of the fourteen digits of times, and which of them the calendar has."""
    year = digits[:, 0] * 1000 + digits[:, 1] * 100 + digits[:, 2] * 10 + digits[:, 3]
    month, day, hour, minute, second = (digits[:, at] * 10 + digits[:, at + 1] for at in range(4, 14, 2))
    real = (year >= 1970) & (month >= 1) & (month <= 12) & (day >= 1) & (hour < 24) & (minute < 60) & (second < 60)
    months = np.where(real, (year - 1970) * 12 + month - 1, 0).astype("datetime64[M]")
    begin = months.astype("datetime64[D]").astype(np.int64)
    real &= day <= (months + 1).astype("datetime64[D]").astype(np.int64) - begin
    times: Index = (begin + day - 1) * _DAY_S + hour * 3600 + minute * 60 + second
    real &= (times > 0) & (times < LATEST_S)
    return times, real


def _numbers(data: Bytes, starts: Index, ends: Index, rows: Index) -> Mask:
    """Which of these lines, of eight columns each, hold the numbers of a bar; False where that is not sure."""
    breaks = np.flatnonzero(np.diff(rows) != 1)
    firsts, lasts = np.append(rows[:1], rows[breaks + 1]), np.append(rows[breaks], rows[-1:])
    spans = zip(starts[firsts].tolist(), ends[lasts].tolist(), strict=True)
    text = b"\n".join([data[start:end].tobytes() for start, end in spans])
    table = _table(text, len(rows))
    if table is not None:
        return _sound(table)
    if len(rows) <= _ONE_BY_ONE:
        return np.zeros(len(rows), dtype=np.bool_)
    middle = len(rows) // 2
    halves = [_numbers_of(data, starts, ends, part) for part in (rows[:middle], rows[middle:])]
    return np.concatenate(halves)


def _numbers_of(data: Bytes, starts: Index, ends: Index, rows: Index) -> Mask:
    return _numbers(data, starts[rows], ends[rows], np.arange(len(rows)))


def _table(text: bytes, lines: int) -> Any:
    """The numbers of so many ``lines``; None when the C reader does not take them all."""
    import pandas as pd

    if b'"' in text or b"\0" in text:
        return None
    kinds = {name: "float64" for name in _PRICES} | {name: "int64" for name in _COUNTS}
    try:
        found = pd.read_csv(
            io.BytesIO(text),
            header=None,
            names=list(HEADER),
            usecols=range(1, COLUMNS),
            dtype=kinds,
            engine="c",
            quoting=3,
            skip_blank_lines=False,
            na_filter=False,
        )
    except (ValueError, OverflowError, pd.errors.ParserError):
        return None
    return found if len(found) == lines else None


def _sound(table: Any) -> Mask:
    opened, high, low, close = (table[name].to_numpy() for name in _PRICES)
    with np.errstate(invalid="ignore"):
        good: Mask = (low > 0) & np.isfinite(high) & (high >= low) & (high >= opened) & (high >= close)
        good &= (low <= opened) & (low <= close)
    spread = table["spread"].to_numpy()
    good &= (table["tick_volume"].to_numpy() >= 0) & (table["real_volume"].to_numpy() >= 0)
    good &= (spread >= -(2**31)) & (spread < 2**31)
    return good
