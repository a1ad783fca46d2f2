"""Times of bar files, parsed a column at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
import numpy.typing as npt

Texts = npt.NDArray[np.bytes_]
Times = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_MILLISECONDS = 10**11  # an epoch number above this counts milliseconds
_LAST_YEAR = 2200
_MODELS = 1000  # the first so many texts show the shape of all
_SHAPE = bytes.maketrans(b"0123456789", b"0" * 10)


class BadTime(ValueError):
    """A text that is no time; ``row`` is where."""

    def __init__(self, row: int, text: bytes) -> None:
        super().__init__(row)
        self.row = row
        self.text = text.decode("latin-1")[:40]


def parse_times(fields: Sequence[Texts]) -> tuple[Times, bool]:
    """As ``read_times``, for rows of which each has to be a time.

    Raises:
        BadTime: The first text that is no time.
    """
    times, utc, wrong = read_times(fields)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise BadTime(row, bytes(_joined(fields)[row]))
    return times, utc


def read_times(fields: Sequence[Texts]) -> tuple[Times, bool, Mask]:
    """Times of rows, from one column or from a date and a clock column.

    Args:
        fields: One or two arrays of equal length: ``2025.06.03`` and ``12:00``, ``2025-06-03T12:00:00Z``,
            ``20250603 120000``, ``1748952000``.

    Returns:
        Seconds since 1970 as written; whether the texts say themselves that they are UTC; and which of them are no
        times, or none in the shape of most.
    """
    texts = _joined(fields)
    model = _model(texts)
    if not model:
        return np.zeros(len(texts), dtype=np.int64), False, np.ones(len(texts), dtype=np.bool_)
    if _is_epoch(model):
        times, wrong = _epoch(texts)
        return times, False, wrong
    times, wrong = _written(texts, model)
    return times, model.endswith((b"Z", b"+00:00")), wrong


def _model(texts: Texts) -> bytes:
    """A text in the shape of most; empty when none looks like a time."""
    usable = [text for text in map(bytes, texts[:_MODELS]) if _is_epoch(text) or _shape_fits(text)]
    shapes = [text.translate(_SHAPE) for text in usable]
    return usable[shapes.index(Counter(shapes).most_common(1)[0][0])] if usable else b""


def _joined(fields: Sequence[Texts]) -> Texts:
    return fields[0] if len(fields) == 1 else np.char.add(np.char.add(fields[0], b" "), fields[1])


def _written(texts: Texts, model: bytes) -> tuple[Times, Mask]:
    """Times in the shape of ``model``, and which are no times."""
    width = len(model)
    wrong: Mask = np.char.str_len(texts) != width
    matrix = np.ascontiguousarray(texts.astype(f"S{width}")).view(np.uint8).reshape(len(texts), width)
    digits = _digits(model)
    # Up to seconds; what follows (fractions, zone) has to be the same shape but is not used.
    wanted = digits[:14] if len(digits) >= 14 else digits[:12] if len(digits) >= 12 else digits[:8]
    numbers = matrix[:, wanted].astype(np.int64) - ord("0")
    wrong |= ((numbers < 0) | (numbers > 9)).any(axis=1)
    others = [i for i in range(width) if i not in digits]
    wrong |= (matrix[:, others] != np.frombuffer(model, dtype=np.uint8)[others]).any(axis=1)
    numbers[wrong] = 0
    times, impossible = _combine(numbers)
    return times, wrong | impossible


def _is_epoch(text: bytes) -> bool:
    return text.isdigit() and len(text) not in (8, 12, 14)


def _digits(text: bytes) -> list[int]:
    return [i for i in range(len(text)) if text[i : i + 1].isdigit()]


def _shape_fits(text: bytes) -> bool:
    """Year first: day-first dates cannot be told from month-first ones."""
    if len(_digits(text)) < 8 or not text[:4].isdigit():
        return False
    return len(text) == 8 or not text[4:5].isdigit() or text[:8].isdigit()


def _combine(numbers: npt.NDArray[np.int64]) -> tuple[Times, Mask]:
    """Digits in the order year, month, day, hour, minute, second as seconds since 1970, and which are no times."""
    year = numbers[:, 0] * 1000 + numbers[:, 1] * 100 + numbers[:, 2] * 10 + numbers[:, 3]
    pairs = [numbers[:, i] * 10 + numbers[:, i + 1] for i in range(4, numbers.shape[1], 2)]
    month, day = pairs[0], pairs[1]
    clock = [*pairs[2:], *([np.zeros_like(year)] * 3)][:3]
    wrong: Mask = (year < 1970) | (year > _LAST_YEAR) | (month < 1) | (month > 12) | (day < 1)
    wrong |= (clock[0] > 23) | (clock[1] > 59) | (clock[2] > 59)
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    start = months.astype("datetime64[D]")
    days = (months + np.timedelta64(1, "M")).astype("datetime64[D]") - start
    wrong |= day > days.astype(np.int64)
    whole: Times = (start.astype(np.int64) + day - 1) * 86_400 + clock[0] * 3600 + clock[1] * 60 + clock[2]
    return whole, wrong


def _epoch(texts: Texts) -> tuple[Times, Mask]:
    wrong: Mask = ~np.char.isdigit(texts) | (np.char.str_len(texts) > 14)
    times: Times = np.where(wrong, b"0", texts).astype(np.int64)
    if wrong.all() or times[int(np.argmin(wrong))] > _MILLISECONDS:
        times = times // 1000
    return times, wrong | (times > int(datetime(_LAST_YEAR, 1, 1, tzinfo=UTC).timestamp()))
