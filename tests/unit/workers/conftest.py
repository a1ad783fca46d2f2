"""Fixtures of the tests of tasks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench, HandTerminal, make_rates

from app.clock import FakeClock
from app.paths import Paths
from app.storage import Storage
from app.terminal.values import Rates


@pytest.fixture
def bench(paths: Paths, fake_clock: FakeClock) -> Bench:
    """A bench at 2025-06-03 12:00 UTC with one symbol of 2,100 five-minute bars, the last of them forming."""
    terminal = HandTerminal(fake_clock)
    start = datetime(2025, 6, 3, 12, 0, tzinfo=UTC) - timedelta(seconds=300 * 2099)
    closes = 1.10 + 0.002 * np.sin(np.arange(2100) / 40) + np.arange(2100) * 1e-6
    terminal.add("EURUSD", make_rates(closes, start))
    found = Bench(fake_clock, paths, Storage(paths, fake_clock), terminal)
    found.market(watch_list=("EURUSD",), timeframes=("M5",), history_bars=100)
    return found


@pytest.fixture
def rates_of() -> Callable[..., Rates]:
    """Makes bars from closes."""

    def make(closes: Any, start: datetime = datetime(2025, 6, 3, 8, 0, tzinfo=UTC), **options: Any) -> Rates:
        return make_rates(closes, start, **options)

    return make
