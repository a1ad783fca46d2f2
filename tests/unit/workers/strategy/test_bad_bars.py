"""Bars that no market makes: a reason, never a price and never a crash."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hand_terminal import SPECIFICATION, Bench, make_rates
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.tasks import NoParams
from app.terminal.values import Rates, SymbolInfo
from workers.ai_tasks import evaluate_all_strategies
from workers.strategy.evaluate import Outcome, evaluate
from workers.strategy.prices import PriceGrid
from workers.strategy.schema import Strategy, parse_strategy
from workers.strategy.sizing import VolumeRules, lots

GRID = PriceGrid(5, 1e-5, 1e-5)
MakeRates = Callable[..., Rates]
CONDITIONS = ("close > 0", "rsi(2) > 1 or macd_hist > 0", "H1.close > 0", "stdev(5) >= 0", "close / spread > 0")


def rule(*entry: str) -> Strategy:
    document = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "indicators": {"ema": {"fast": 2, "slow": 4}, "rsi": {"period": 2}, "atr": {"period": 2}},
        "conditions": {"entry": list(entry or ("close > 0",))},
        "strategy": {"direction": "long"},
    }
    return parse_strategy(json.dumps(document), "r.json")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"close": 1.2}, "has its close outside of its high and low"),
        ({"open": 1.0}, "has its open outside of its high and low"),
        ({"high": 1e304}, "has no usable high price"),
        ({"low": math.nan}, "has no usable low price"),
        ({"close": math.inf}, "has no usable close price"),
        ({"open": -1.1}, "has no usable open price"),
        ({"spread": -1}, "has a negative spread"),
        ({"spread": 2**31 - 1}, "the spread of the decided bar, 2147483647 points, is 1924441% of"),
    ],
)
@pytest.mark.parametrize("place", [-1, -20])
def test_a_bad_bar_is_a_reason(changes: dict[str, Any], text: str, place: int, rates_of: MakeRates) -> None:
    rates = rates_of(1.11 + np.arange(60) * 1e-4)
    for name, value in changes.items():
        rates[name][place] = value
    found = evaluate(rule(), rates, 300, GRID)
    if changes == {"spread": 2**31 - 1} and place != -1:
        assert found.outcome is Outcome.IDEA  # only the decided bar makes a price
        return
    assert (found.outcome in (Outcome.NOT_EVALUATED, Outcome.NO_IDEA), found.plan) == (True, None)
    assert text in found.reason


@pytest.mark.parametrize("digits", [-1, 16, 10**9])
def test_decimals_that_cannot_be(digits: int, rates_of: MakeRates) -> None:
    found = evaluate(rule(), rates_of(1.1 + np.arange(60) * 1e-4), 300, PriceGrid(digits, 1e-5, 1e-5))
    assert (found.outcome, "decimals" in found.reason) == (Outcome.NOT_EVALUATED, True)


NUMBERS = st.one_of(
    st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0, -1.1, 1e304, -1e304, 1e-320, 9e11, 1e12]),
    st.floats(),
    st.floats(1.0, 1.3),
)
COLUMNS = st.sampled_from(["open", "high", "low", "close"])
SPREADS = st.one_of(st.sampled_from([0, -1, 2**31 - 1, -(2**31)]), st.integers(0, 100))
TIMES = st.sampled_from([0, -1, 2**62, -(2**62), 300, 4_102_444_800])


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.tuples(st.integers(0, 59), st.sampled_from(["open", "high", "low", "close"]), NUMBERS),
        min_size=1,
        max_size=6,
    ),
    st.lists(st.tuples(st.integers(0, 59), SPREADS), max_size=2),
    st.lists(st.tuples(st.integers(0, 59), TIMES), max_size=1),
    st.sampled_from(CONDITIONS),
    st.sampled_from([GRID, PriceGrid(0, 1e-300, 1e-300), PriceGrid(2, 1.0, 1e300), PriceGrid(5, math.nan, 0.0)]),
)
def test_no_bars_crash_an_evaluation(
    prices: list[tuple[int, str, float]],
    spreads: list[tuple[int, int]],
    times: list[tuple[int, int]],
    entry: str,
    grid: PriceGrid,
) -> None:
    rates = make_rates(1.11 + np.arange(60) * 1e-4, datetime(2025, 6, 3, 8, 0, tzinfo=UTC))
    for place, name, value in prices:
        rates[name][place] = value
    for place, points in spreads:
        rates["spread"][place] = points
    for place, moment in times:
        rates["time"][place] = moment
    hours = make_rates(np.full(40, 1.1), datetime(2025, 6, 1, 8, 0, tzinfo=UTC), seconds=3600)
    found = evaluate(rule(entry), rates, 300, grid, frames={"H1": hours})
    assert found.reason
    if found.plan is not None:
        plan = found.plan
        assert 0 < plan.stop < plan.entry < plan.target < 1e12
        assert rates["low"][-1] <= rates["close"][-1] * (1 + 1e-6)


POSITIVE = st.one_of(st.sampled_from([1e-320, 1e-300, 1e300, 1.0, 0.01, math.nan, math.inf, 0.0]), st.floats())


@settings(max_examples=300, deadline=None)
@given(POSITIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE, POSITIVE)
def test_no_specification_crashes_a_size(
    equity: float, distance: float, tick: float, value: float, least: float, most: float, step: float, limit: float
) -> None:
    found = lots(equity, 0.01, distance, VolumeRules("EURUSD", tick, value, least, most, step, limit))
    assert (found.volume is None) == (not found.lines or "volume" not in found.lines[-1])
    assert found.volume is None or 0 < found.volume <= most * (1 + 1e-6)


@pytest.mark.allow_warnings("Strategy GBPUSD was not evaluated")
def test_an_absurd_bar_costs_its_own_symbol_only(bench: Bench) -> None:
    start = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)
    good = bench.terminal.history["EURUSD", "M5"]
    bad = good.copy()
    bad["high"][-3] = 1e304
    bench.terminal.add("GBPUSD", bad)
    bench.terminal.symbols["GBPUSD"] = SymbolInfo(**(SPECIFICATION | {"name": "GBPUSD"}))
    bench.market(watch_list=("EURUSD", "GBPUSD"))
    for symbol in ("GBPUSD", "EURUSD"):
        document = {
            "symbol": symbol,
            "timeframe": "M5",
            "conditions": {"entry": ["close > 0"]},
            "strategy": {"direction": "long", "news_embargo_minutes": 0},
        }
        (bench.paths.strategies / f"{symbol}.json").write_text(json.dumps(document), encoding="utf-8")
    assert bench.clock.now() == start
    found = evaluate_all_strategies(bench.context(), NoParams())
    assert (found.ideas, found.not_evaluated) == (1, 1)
    assert "has no usable high price" in next(o["reason"] for o in found.outcomes if o["symbol"] == "GBPUSD")
