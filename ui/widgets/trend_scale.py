"""Scales of the plots of the Health page: marks at round values and at round times of the user's clock."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from typing import Final

Marks = list[tuple[float, str]]
_EDGE: Final = 0.06
_HOUR, _DAY = 3_600, 86_400
#: Distance of the marks of time by the span that is shown, seconds.
_TIME_STEPS: Final = ((2 * _HOUR, 900), (30 * _HOUR, 4 * _HOUR), (40 * _DAY, 7 * _DAY))


def value_marks(low: float, high: float) -> Marks:
    """Two to four marks at round values from ``low`` to ``high``, none so near the upper edge that it is cut off."""
    if not high > low:
        return []
    high -= (high - low) * _EDGE
    rough = (high - low) / 3
    unit = 10.0 ** math.floor(math.log10(rough))
    step = next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))
    return [(number * step, f"{number * step:,.{decimals}f}") for number in range(first, last + 1)]


def time_marks(begin: float, end: float) -> Marks:
    """Marks at full quarters, hours or days of the user's clock between two times (UTC epoch seconds)."""
    step = next((step for span, step in _TIME_STEPS if end - begin <= span), 30 * _DAY)
    form = "%d %b" if step >= _DAY else "%H:%M"
    marks = []
    moment = datetime.fromtimestamp(begin, UTC).astimezone()
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    number = 0
    while (at := _local_mark(midnight, number, step)) <= end:
        if at >= begin:
            marks.append((at, f"{datetime.fromtimestamp(at, UTC).astimezone():{form}}"))
        number += 1
    return marks


def _local_mark(midnight: datetime, number: int, step: int) -> float:
    """The mark of that number after a local midnight; days stay days when the clocks change."""
    naive = midnight.replace(tzinfo=None) + timedelta(seconds=number * step)
    return naive.astimezone().timestamp()


def bounds(low: float, high: float, *, from_zero: bool) -> tuple[float, float]:
    """What of the values a plot shows: all of them with some room, never nothing."""
    if from_zero:
        return 0.0, high * 1.2 if high > 0 else 1.0
    room = (high - low) * 0.15 or max(abs(high) * 0.02, 1e-3)
    return max(0.0, low - room), high + room
