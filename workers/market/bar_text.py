"""Bars as lines of our CSV, a hundred thousand at once.

``bar_history.rows_of`` formats value by value, which is right for the few bars of a pass and takes seconds for a
year of minutes. This writes the same bytes from columns of digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import numpy as np
import numpy.typing as npt

from app.terminal.values import Rates
from workers.market.bar_history import HEADER

_DAY: Final = 86_400
_ZERO: Final = 48
_DOT, _COMMA, _COLON, _NEWLINE = 46, 44, 58, 10
Text = npt.NDArray[np.uint8]
Whole = npt.NDArray[np.int64]


def header() -> bytes:
    """The first line of a history."""
    return (",".join(HEADER) + "\n").encode()


def encoded(chunks: Iterable[Rates], digits: int) -> Iterator[bytes]:
    """A whole history: its header and the lines of all bars.

    Args:
        chunks: Bars in the order of time, UTC; some 65,000 at once keep the memory small.
        digits: Decimals of a price.
    """
    yield header()
    for chunk in chunks:
        yield lines(chunk, digits)


def lines(rates: Rates, digits: int) -> bytes:
    """Bars as lines: ``2025-01-02T00:00:00Z,1.03515,1.03579,1.03487,1.03556,1349,5,0``.

    Args:
        rates: Records of ``RATES_DTYPE``; prices are positive and below 10**9, times from 1970 on.
        digits: Decimals of a price, 0 to 8.
    """
    count = len(rates)
    if not count:
        return b""
    parts = [_times(rates["time"].astype(np.int64))]
    for name in ("open", "high", "low", "close"):
        parts += [_letters(",", count), _price(rates[name], digits)]
    for name in ("tick_volume", "spread", "real_volume"):
        parts += [_letters(",", count), _number(rates[name].astype(np.int64))]
    parts.append(_letters("\n", count))
    flat = np.concatenate(parts, axis=1).ravel()
    text: bytes = flat[flat != 0].tobytes()
    return text


def _letters(text: str, count: int) -> Text:
    return np.tile(np.frombuffer(text.encode(), dtype=np.uint8), (count, 1))


def _times(times: Whole) -> Text:
    days, place = np.unique(times // _DAY, return_inverse=True)
    dates = np.datetime_as_string(days.astype("datetime64[D]")).astype("S10")
    matrix = np.empty((len(times), 20), dtype=np.uint8)
    matrix[:, :10] = np.ascontiguousarray(dates).view(np.uint8).reshape(-1, 10)[place]
    matrix[:, 10] = ord("T")
    rest = times % _DAY
    for start, value in ((11, rest // 3600), (14, rest // 60 % 60), (17, rest % 60)):
        matrix[:, start] = value // 10 + _ZERO
        matrix[:, start + 1] = value % 10 + _ZERO
    matrix[:, 13] = matrix[:, 16] = _COLON
    matrix[:, 19] = ord("Z")
    return matrix


def _price(values: npt.NDArray[np.float64], digits: int) -> Text:
    scaled = np.rint(values * 10.0**digits).astype(np.int64)
    if not digits:
        return _number(scaled)
    whole, part = np.divmod(scaled, 10**digits)
    behind = np.empty((len(values), digits + 1), dtype=np.uint8)
    behind[:, 0] = _DOT
    for place in range(digits, 0, -1):
        part, figure = np.divmod(part, 10)
        behind[:, place] = figure + _ZERO
    return np.concatenate((_number(whole), behind), axis=1)


def _number(values: Whole) -> Text:
    """Whole numbers from 0 on, without leading zeros: those places are 0 bytes, which the caller drops."""
    width = len(str(int(values.max(initial=0))))
    matrix = np.empty((len(values), width), dtype=np.uint8)
    left = values
    for place in range(width - 1, -1, -1):
        shown = (left > 0) | (place == width - 1)
        left, figure = np.divmod(left, 10)
        matrix[:, place] = np.where(shown, figure + _ZERO, 0)
    return matrix
