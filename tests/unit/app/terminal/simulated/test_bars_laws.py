"""Laws of the bars, whatever is asked for, in whatever order, on whatever clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.clock import FakeClock
from app.terminal.simulated import SimulatedTerminal
from app.terminal.timeframes import TIMEFRAMES, bar_starts

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)
FRAMES = [name for name in TIMEFRAMES if name not in ("MN1", "W1")]


@pytest.fixture(scope="module")
def long_lived() -> SimulatedTerminal:
    """One that remembers what it was asked before."""
    return opened()


def opened(moment: datetime = NOW, server_time: str = "auto") -> SimulatedTerminal:
    terminal = SimulatedTerminal(FakeClock(moment), server_time=server_time, symbols=30)
    assert terminal.initialize()
    return terminal


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.sampled_from(["EURUSD", "XAUUSD", "US500", "GER40", "BTCUSD", "STK00004"]),
    st.sampled_from(FRAMES),
    st.integers(0, 40 * 24 * 60),
    st.integers(1, 300),
)
def test_back_from_a_date_is_the_end_of_the_range_to_it(
    long_lived: SimulatedTerminal, symbol: str, frame: str, minutes_ago: int, count: int
) -> None:
    constant, seconds = TIMEFRAMES[frame]
    until = int(NOW.timestamp()) + 7200 - minutes_ago * 60
    back = long_lived.copy_rates_from(symbol, constant, until, count)
    assert back is not None
    assert len(back) == count
    ranged = long_lived.copy_rates_range(symbol, constant, int(back["time"][0]), until)
    assert ranged is not None
    assert ranged.tobytes() == back.tobytes()
    assert back["time"][-1] <= until
    assert np.array_equal(back["time"], bar_starts(back["time"], seconds))
    assert np.all(np.diff(back["time"]) > 0)
    assert np.all(back["spread"] > 0)


@pytest.mark.parametrize("server_time", ["auto", "UTC", "Asia/Tokyo"])
@pytest.mark.parametrize(("frame", "count"), [("H1", 900), ("H4", 3_000), ("D1", 30), ("W1", 30), ("MN1", 30)])
def test_days_that_were_remembered_are_those_of_a_fresh_terminal(server_time: str, frame: str, count: int) -> None:
    clock = FakeClock(NOW)
    old = SimulatedTerminal(clock, server_time=server_time)
    old.initialize()
    constant = TIMEFRAMES[frame].constant
    for hours in (0, 9, 4, 24, 5 * 24, 30 * 24):
        clock.advance(hours * 3_600)
        mine = old.copy_rates_from_pos("EURUSD", constant, 0, count)
        fresh = opened(clock.now(), server_time).copy_rates_from_pos("EURUSD", constant, 0, count)
        assert mine is not None
        assert fresh is not None
        assert mine.tobytes() == fresh.tobytes()
    mine["close"] = 0
    again = old.copy_rates_from_pos("EURUSD", constant, 0, count)
    assert again is not None
    assert again.tobytes() == fresh.tobytes()


def test_a_market_that_stands_still_for_days_forgets_the_days_since() -> None:
    terminal, then = opened(), opened(NOW - timedelta(days=10))
    assert terminal.copy_rates_from_pos("EURUSD", TIMEFRAMES["D1"].constant, 0, 50) is not None
    terminal.faults.stale_s = 10 * 86_400
    stale, fresh = (t.copy_rates_from_pos("EURUSD", TIMEFRAMES["D1"].constant, 0, 50) for t in (terminal, then))
    assert stale is not None
    assert fresh is not None
    assert stale.tobytes() == fresh.tobytes()


@pytest.mark.parametrize("frame", ["M1", "M5", "H1", "D1"])
def test_an_hour_that_the_server_lives_twice_has_its_bars_once(frame: str) -> None:
    """As in a terminal, whose history has one bar for a time; what is finished stays as it was."""
    turn = datetime(2025, 11, 2, 6, tzinfo=UTC)  # 09:00 on the server, which is 08:00 again
    clock = FakeClock(turn - timedelta(minutes=30))
    terminal = SimulatedTerminal(clock)
    assert terminal.initialize()
    constant, seconds = TIMEFRAMES[frame]
    looks = []
    for minutes in (-30, -1, 0, 1, 30, 59, 60, 61, 120):
        clock.advance((turn + timedelta(minutes=minutes) - clock.now()).total_seconds())
        bars = terminal.copy_rates_from_pos("BTCUSD", constant, 0, 400)
        assert bars is not None
        assert np.all(np.diff(bars["time"]) > 0)
        shown = int(clock.now().timestamp()) + 3600 * (3 if minutes < 0 else 2)
        assert bars["time"][-1] == bar_starts(np.array([shown]), seconds)[0]
        looks.append(bars)
    assert all(np.isin(bars[-51:-1], looks[-1]).all() for bars in looks)
