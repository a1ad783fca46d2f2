"""The hour that the server's clock shows twice in autumn: by the order of bars, and by the time of the look."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from app.clock import FakeClock
from app.terminal.reading import Reading
from app.terminal.server_time import NEW_YORK, ServerTimeRule
from app.terminal.timeframes import SECONDS_BY_CONSTANT
from app.terminal.values import RATES_DTYPE, DayFigures, SessionStatus, SymbolInfo
from workers.market.resample import larger

RULE = ServerTimeRule(NEW_YORK)
#: From here on the server's clock shows the hour from 8:00 again.
TURN = datetime(2025, 11, 2, 6, tzinfo=UTC)


class Told(Reading):
    """A terminal of one symbol that trades all the time and stamps each of its bars, in their order."""

    def __init__(self, now: datetime) -> None:
        super().__init__(NEW_YORK, FakeClock(now))
        self.stamp = RULE.to_server(now)
        self.calls: list[str] = []

    @property
    def status(self) -> SessionStatus:
        raise NotImplementedError

    def _invoke(self, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any], timeout_s: float | None) -> Any:
        self.calls.append(name)
        if name == "symbol_info_tick":
            price = {"bid": 1.0, "ask": 1.0, "last": 0.0, "volume": 1, "flags": 6}
            return price | {"time": int(self.stamp), "time_msc": round(self.stamp * 1000)}
        if name == "symbol_info":
            blank = {field: 0 for field in (*SymbolInfo.__match_args__, *DayFigures.__match_args__)}
            return _Blank(blank | {"select": True, "time": int(self.stamp), "bid": 1.0, "ask": 1.0})
        seconds = SECONDS_BY_CONSTANT[args[1]]
        now = int(self._clock.now().timestamp())
        rates = np.zeros(600, RATES_DTYPE)
        utc = now - now % seconds + np.arange(-599, 1) * seconds
        rates["time"], rates["close"] = RULE.times_to_server(utc), utc
        if name == "copy_rates_from_pos":
            return rates[len(rates) - args[2] - args[3] : len(rates) - args[2]]
        return rates[(rates["time"] >= args[2]) & (rates["time"] <= args[3])]


class _Blank(dict[str, Any]):
    def __missing__(self, key: str) -> int:
        return 0


@pytest.mark.parametrize("minutes", [-30, 2, 32, 59, 61])
def test_a_quote_of_now_is_of_now(minutes: int) -> None:
    now = TURN + timedelta(minutes=minutes)
    assert Told(now).tick("BTCUSD").time == now
    found = Told(now).snapshot("BTCUSD").tick
    assert found is not None
    assert found.time == now


def test_a_quote_that_stands_still_stays_where_it_was() -> None:
    told = Told(TURN - timedelta(minutes=10))
    first = told.tick("BTCUSD").time
    told._clock.advance(3600)
    assert first == TURN - timedelta(minutes=10)
    assert told.tick("BTCUSD").time == first
    assert Told(TURN + timedelta(days=1)).tick("BTCUSD").time == TURN + timedelta(days=1)


@pytest.mark.parametrize("frame", ["M1", "M5", "M15", "H1"])
@pytest.mark.parametrize("minutes", [32, 95, 300])
def test_bars_of_both_hours_are_told_apart(frame: str, minutes: int) -> None:
    told = Told(TURN + timedelta(minutes=minutes))
    for count in range(1, 90):
        rates = told.rates("BTCUSD", frame, count).rates
        assert (len(rates), rates["time"].tolist()) == (count, rates["close"].tolist())


@pytest.mark.parametrize("frame", ["M1", "M5", "M15", "H1"])
def test_a_range_that_begins_or_ends_in_that_hour_is_whole(frame: str) -> None:
    told = Told(TURN + timedelta(minutes=200))
    step = timedelta(minutes=30)
    for first in range(-4, 6):
        for last in range(first, 6):
            since, until = TURN + first * step, TURN + last * step
            rates = told.rates_range("BTCUSD", frame, since, until).rates
            whole = told.rates("BTCUSD", frame, 500).rates["close"]
            inside = whole[(whole >= since.timestamp()) & (whole <= until.timestamp())]
            assert rates["time"].tolist() == rates["close"].tolist() == inside.tolist()


def test_stamps_that_are_there_once_are_of_the_first_hour() -> None:
    once = np.arange(int(RULE.to_server(TURN)) - 7200, int(RULE.to_server(TURN)) + 7200, 300)
    assert RULE.ordered_to_utc(once).tolist() == RULE.times_to_utc(once).tolist()


def test_ticks_step_back_only_with_the_clock() -> None:
    utc = int(TURN.timestamp()) + np.repeat(np.arange(-4000, 4000, 400), 3)
    assert RULE.ordered_to_utc(RULE.times_to_server(utc), each_once=False).tolist() == utc.tolist()


def test_both_hours_are_bars_of_their_own_when_they_are_put_together() -> None:
    rates = np.zeros(48, RATES_DTYPE)
    rates["time"] = int(TURN.timestamp()) + np.arange(-24, 24) * 300
    made = larger(rates, "M5", "H1", RULE)
    assert made["time"].tolist() == [int(TURN.timestamp()) + hour * 3600 for hour in (-2, -1, 0, 1)]
