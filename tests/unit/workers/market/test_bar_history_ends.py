"""Which bars have closed by now."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from app.terminal.values import RATES_DTYPE, TIMEFRAMES
from workers.market.bar_history import closed_by

NOW = datetime(2025, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("frame", "ago", "kept", "ahead"),
    [
        ("M5", timedelta(minutes=5), 1, 0),
        ("M5", timedelta(minutes=4, seconds=30), 0, 0),
        ("M5", timedelta(minutes=3), 0, 1),
        ("M5", timedelta(hours=-2), 0, 1),
        ("D1", timedelta(hours=23), 1, 0),
        ("D1", timedelta(hours=20), 0, 1),
        ("MN1", timedelta(days=28), 1, 0),
        ("MN1", timedelta(days=20), 0, 1),
    ],
)
def test_a_bar_that_closes_later_than_now_is_left_out(frame: str, ago: timedelta, kept: int, ahead: int) -> None:
    rates = np.zeros(1, dtype=RATES_DTYPE)
    rates["time"] = int((NOW - ago).timestamp())
    found, told = closed_by(rates, TIMEFRAMES[frame].seconds, NOW)
    assert (len(found), told) == (kept, ahead)
