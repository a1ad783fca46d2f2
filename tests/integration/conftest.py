"""Fixtures of the tests that start the program."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from app.terminal.values import RATES_DTYPE
from workers.market.bar_text import encoded

CROSS = {
    "symbol": "EURUSD",
    "timeframe": "H1",
    "conditions": {"entry": ["ema(5) crosses above ema(13)"]},
    "strategy": {"direction": "both", "min_rr": 1.5},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a rule and bars."""
    (tmp_path / "cross.json").write_text(json.dumps(CROSS), encoding="utf-8")
    days, hour = np.divmod(np.arange(1500), 24)
    weeks, day = np.divmod(days, 5)
    rates = np.zeros(1500, RATES_DTYPE)
    rates["time"] = int(datetime(2025, 1, 6, tzinfo=UTC).timestamp()) + ((weeks * 7 + day) * 24 + hour) * 3600
    closes = 1.1 + np.cumsum(np.random.default_rng(1).normal(0, 0.0008, 1500))
    rates["close"], rates["open"] = closes, np.concatenate((closes[:1], closes[:-1]))
    rates["high"] = np.maximum(rates["open"], closes) + 0.0004
    rates["low"] = np.minimum(rates["open"], closes) - 0.0004
    rates["spread"] = 9
    (tmp_path / "EURUSD_H1.csv").write_bytes(b"".join(encoded([rates], 5)))
    return tmp_path
