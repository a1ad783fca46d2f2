"""Times of bar files, parsed a column at a time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt

Texts = npt.NDArray[np.bytes_]
Times = npt.NDArray[np.int64]

_MILLISECONDS = 10**11  # an epoch number above this counts milliseconds
_LAST_YEAR = 2200


class BadTime(ValueError):
    """A text that is no time; ``row`` is where."""

    def __init__(self, row: int, text: bytes) -> None:
        super().__init__(row)
        self.row = row
        self.text = text.decode("latin-1")[:40]


def parse_times(fields: Sequence[Texts]) -> tuple[Times, bool]:
    """Times of rows, from one column or from a date and a clock column.

    Args:
        fields: One or two arrays of equal length: ``2025.06.03`` and ``12:00``, ``2025-06-03T12:00:00Z``,
            ``20250603 120000``, ``1748952000``.

    Returns:
        Seconds since 1970 as written, and whether the texts say themselves that they are UTC.

    Raises:
        BadTime: The first text that is no time.
    """
    texts = fields[0]
    if len(fields) == 2:
        texts = np.char.add(np.char.add(fields[0], b" "), fields[1])
    first = bytes(texts[0])
    if first.isdigit() and len(first) not in (8, 12, 14):
        return _epoch(texts), False
    utc = first.endswith((b"Z", b"+00:00"))
    width = len(first)
    matrix = _matrix(texts, width)
    digits = [i for i in range(width) if first[i : i + 1].isdigit()]
    # Up to seconds; what follows (fractions, zone) has to be the same shape but is not used.
    wanted = digits[:14] if len(digits) >= 14 else digits[:12] if len(digits) >= 12 else digits[:8]
    if len(wanted) < 8 or not _shape_fits(first):
        raise BadTime(0, first)
    numbers = matrix[:, wanted].astype(np.int64) - ord("0")
    _refuse((numbers < 0) | (numbers > 9), texts)
    others = [i for i in range(width) if i not in digits]
    _refuse(matrix[:, others] != np.frombuffer(first, dtype=np.uint8)[others], texts)
    return _combine(numbers, texts), utc


def _shape_fits(first: bytes) -> bool:
    """Year first: day-first dates cannot be told from month-first ones."""
    return first[:4].isdigit() and (len(first) == 8 or not first[4:5].isdigit() or first[:8].isdigit())


def _matrix(texts: Texts, width: int) -> npt.NDArray[np.uint8]:
    _refuse(np.char.str_len(texts) != width, texts)
    packed = np.ascontiguousarray(texts.astype(f"S{width}"))
    return packed.view(np.uint8).reshape(len(texts), width)


def _combine(numbers: npt.NDArray[np.int64], texts: Texts) -> Times:
    """Digits in the order year, month, day, hour, minute, second as seconds since 1970."""
    year = numbers[:, 0] * 1000 + numbers[:, 1] * 100 + numbers[:, 2] * 10 + numbers[:, 3]
    pairs = [numbers[:, i] * 10 + numbers[:, i + 1] for i in range(4, numbers.shape[1], 2)]
    month, day = pairs[0], pairs[1]
    clock = [*pairs[2:], *([np.zeros_like(year)] * 3)][:3]
    _refuse((year < 1970) | (year > _LAST_YEAR) | (month < 1) | (month > 12) | (day < 1), texts)
    _refuse((clock[0] > 23) | (clock[1] > 59) | (clock[2] > 59), texts)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    start = months.astype("datetime64[D]")
    days = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - start
    _refuse(day > days.astype(np.int64), texts)
    whole: Times = (start.astype(np.int64) + day - 1) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    return whole


def _epoch(texts: Texts) -> Times:
    _refuse(~np.char.isdigit(texts) | (np.char.str_len(texts) > 14), texts)
    times: Times = texts.astype(np.int64)
    if times[0] > _MILLISECONDS:
        times = times // 1000
    _refuse(times > int(datetime(_LAST_YEAR, 1, 1, tzinfo=UTC).timestamp()), texts)
    return times


def _refuse(wrong: npt.NDArray[Any], texts: Texts) -> None:
    rows = wrong.any(axis=1) if wrong.ndim == 2 else wrong
    if rows.any():
        row = int(np.argmax(rows))
        raise BadTime(row, bytes(texts[row]))
