"""When markets are open, and the sentence about quotes that stand still meanwhile."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from workers.market.hours import market_open


@pytest.mark.parametrize(
    ("symbol", "moment", "expected"),
    [
        ("EURUSD", "2025-06-03T12:00", True),
        ("EURUSD.m", "2025-06-03T21:45", True),
        ("EURUSD", "2025-06-06T20:55", True),  # Friday, five minutes before the end
        ("EURUSD", "2025-06-06T21:01", False),
        ("EURUSD", "2025-06-08T20:59", False),
        ("EURUSD", "2025-06-08T21:05", False),  # Sunday: opened five minutes ago
        ("EURUSD", "2025-06-08T21:20", True),
        ("EURUSD", "2025-12-25T12:00", False),
        ("XAUUSD", "2025-06-03T21:30", False),  # the daily break
        ("GOLD", "2025-06-03T12:00", True),
        ("GOLD", "2025-04-18T12:00", False),  # Good Friday
        ("US30.cash", "2025-06-03T15:00", True),
        ("US30.cash", "2025-06-07T15:00", False),
        ("DE40", "2025-06-03T21:00", False),
        ("BTCUSD", "2025-06-07T12:00", True),
        ("AAPL", "2025-06-03T15:00", None),
    ],
)
def test_market_open(symbol: str, moment: str, expected: bool | None) -> None:
    assert market_open(symbol, datetime.fromisoformat(moment).replace(tzinfo=UTC), 300.0) is expected
