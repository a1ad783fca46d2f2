"""Values of documents that anybody may have changed."""

from __future__ import annotations

import math
from datetime import UTC, datetime


def number(value: object) -> float | None:
    """A finite number; None when it is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # an integer of hundreds of digits
        return None


def moment(value: object) -> datetime | None:
    """An instant, aware UTC; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None
