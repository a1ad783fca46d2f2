"""Ticks, bars and the newest quote are one and the same market."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.clock import FakeClock
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.symbols import CATALOGUE
from app.terminal.simulated.ticks import Forming, ticks_of
from app.terminal.timeframes import TIMEFRAMES, bar_starts
from app.terminal.values import RATES_DTYPE, Rates

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)
SERVER = timedelta(hours=2)


def opened(
    clock: FakeClock, symbol: str, *, symbols: int = 0, replay: dict[str, Path] | None = None
) -> SimulatedTerminal:
    terminal = SimulatedTerminal(clock, symbols=symbols, replay=replay)
    assert terminal.initialize()
    assert terminal.symbol_select(symbol)
    return terminal


@st.composite
def bars(draw: st.DrawFn) -> Rates:
    """One bar of whole points: any shape, any count."""
    low = draw(st.integers(1, 200_000))
    height = draw(st.integers(0, 300))
    inside = st.integers(low, low + height)
    made = np.zeros(1, dtype=RATES_DTYPE)
    made["time"] = draw(st.integers(0, 30_000_000)) * 60
    for name, value in (("open", draw(inside)), ("close", draw(inside)), ("low", low), ("high", low + height)):
        made[name] = value / 100_000
    made["tick_volume"] = draw(st.integers(0, 400))
    made["spread"] = draw(st.integers(0, 50))
    return made


@settings(max_examples=300, deadline=None)
@given(bars())
def test_ticks_add_up_to_their_bar(bar: Rates) -> None:
    ticks = ticks_of(bar, 60, 5)
    row, bids = bar[0], ticks["bid"]
    assert (bids[0], bids[-1], bids.max(), bids.min()) == (row["open"], row["close"], row["high"], row["low"])
    corners = len({float(row[name]) for name in ("open", "high", "low", "close")})
    assert len(ticks) == row["tick_volume"] or (row["tick_volume"] < 4 and corners <= len(ticks) <= 4)
    times = ticks["time_msc"]
    assert times[0] == row["time"] * 1000
    assert times[-1] < (row["time"] + 60) * 1000
    assert np.all(np.diff(times) > 0)
    assert np.array_equal(ticks["time"], times // 1000)
    assert np.array_equal(np.rint((ticks["ask"] - bids) * 100_000), np.full(len(ticks), row["spread"]))


@settings(max_examples=100, deadline=None)
@given(bars(), st.integers(0, 70_000))
def test_a_forming_bar_is_the_sum_of_the_ticks_so_far(bar: Rates, after_msc: int) -> None:
    forming, now = Forming(bar, 60, 5), int(bar["time"][0]) * 1000 + after_msc
    ticks = ticks_of(bar, 60, 5)
    ticks = ticks[ticks["time_msc"] <= now]
    made, quote = forming.bar(now)[0], forming.quote(now)
    assert (made["high"], made["low"], made["close"]) == (ticks["bid"].max(), ticks["bid"].min(), ticks["bid"][-1])
    assert (quote.time_msc, quote.bid, quote.ask) == tuple(ticks[-1][["time_msc", "bid", "ask"]])
    if after_msc >= 60_000:
        assert made == bar[0]


@pytest.mark.parametrize("symbol", [*(spec.name for spec in CATALOGUE), "STK00001", "STK00002", "STK00003"])
def test_ticks_of_hours_are_their_bars_in_every_timeframe(symbol: str) -> None:
    terminal = opened(FakeClock(NOW), symbol, symbols=30)
    start, end = NOW + SERVER - timedelta(hours=9), NOW + SERVER
    ticks = terminal.copy_ticks_range(symbol, start, end, terminal.COPY_TICKS_ALL)
    assert ticks is not None
    assert len(ticks) > 1000
    for frame in ("M1", "M5", "M20", "H1", "H4"):
        rates = terminal.copy_rates_range(symbol, TIMEFRAMES[frame].constant, start, end)
        assert rates is not None
        starts = bar_starts(ticks["time"], TIMEFRAMES[frame].seconds)
        for bar in rates:
            bids = ticks["bid"][starts == bar["time"]]
            if bar["time"] < start.timestamp():
                continue
            assert (bids[0], bids[-1], bids.max(), bids.min()) == tuple(bar[["open", "close", "high", "low"]])
            assert len(bids) == bar["tick_volume"]
    newest = terminal.symbol_info_tick(symbol)
    assert newest is not None
    assert tuple(ticks[-1]) == tuple(newest)


def test_ticks_from_a_date_are_the_first_of_the_range() -> None:
    terminal = opened(FakeClock(NOW), "EURUSD")
    start = NOW + SERVER - timedelta(hours=20)
    ranged = terminal.copy_ticks_range("EURUSD", start, NOW + SERVER, -1)
    assert ranged is not None
    for count in (0, 1, 500, 30_000):
        counted = terminal.copy_ticks_from("EURUSD", start, count, -1)
        assert counted is not None
        assert counted.tobytes() == ranged[:count].tobytes()
    middle = float(ranged["time_msc"][700]) / 1000
    assert terminal.copy_ticks_from("EURUSD", middle, 1, -1)[0] == ranged[700]  # type: ignore[index]


def test_ticks_over_a_weekend_and_of_the_future() -> None:
    terminal = opened(FakeClock(NOW), "EURUSD")
    friday = datetime(2025, 11, 14, 23, 59, 59, 999_000, tzinfo=UTC)
    after = terminal.copy_ticks_from("EURUSD", friday, 1, -1)
    assert after is not None
    assert datetime.fromtimestamp(int(after["time"][0]), UTC) == datetime(2025, 11, 17, tzinfo=UTC)
    future = terminal.copy_ticks_from("EURUSD", NOW + timedelta(days=9), 10, -1)
    assert future is not None
    assert (len(future), terminal.last_error()) == (0, (1, "Success"))


def test_no_symbol_has_ticks_of_deals() -> None:
    terminal = opened(FakeClock(NOW), "EURUSD")
    for flags, some in ((terminal.COPY_TICKS_INFO, True), (terminal.COPY_TICKS_TRADE, False)):
        ticks = terminal.copy_ticks_range("EURUSD", NOW, NOW + SERVER, flags)
        assert ticks is not None
        assert (len(ticks) > 0) is some


def test_ticks_of_a_replay_are_its_bars(shared: Path) -> None:
    file = shared / "data" / "bars" / "mt5" / "EURUSD_M5_2025_fullyear.csv"
    terminal = opened(FakeClock(datetime(2025, 6, 3, 12, 2, tzinfo=UTC)), "EURUSD", replay={"EURUSD": file})
    start, end = datetime(2025, 6, 2, tzinfo=UTC), datetime(2025, 6, 2, 23, 59, 59, tzinfo=UTC)
    ticks = terminal.copy_ticks_range("EURUSD", start, end, -1)
    rates = terminal.copy_rates_range("EURUSD", TIMEFRAMES["M5"].constant, start, end)
    assert ticks is not None
    assert rates is not None
    starts = bar_starts(ticks["time"], 300)
    for bar in rates:
        bids = ticks["bid"][starts == bar["time"]]
        assert (bids[0], bids[-1], bids.max(), bids.min()) == tuple(bar[["open", "close", "high", "low"]])
        assert len(bids) == bar["tick_volume"]


def test_the_path_for_stops_is_that_of_the_ticks() -> None:
    terminal = opened(FakeClock(NOW), "XAUUSD")
    market = terminal._market
    now = market.now_msc()
    path = market.price_path("XAUUSD", now - 600_000, now)
    ticks = terminal.copy_ticks_range("XAUUSD", (now - 600_000) / 1000, now / 1000, -1)
    assert ticks is not None
    assert np.all(path["time_msc"] > now - 600_000)
    tail = ticks[ticks["time_msc"] > now - 600_000]
    assert [path[name].tolist() for name in path.dtype.names] == [
        tail[name].tolist() for name in ("time_msc", "bid", "ask")
    ]
    assert market.quote("XAUUSD", now) == tuple(path[-1])
