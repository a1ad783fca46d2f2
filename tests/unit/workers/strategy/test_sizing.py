"""Sizes worked out by hand for symbols and accounts of different kinds, and what stands in the way of one."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.settings import RiskSettings
from app.terminal.values import Rates
from workers.strategy.evaluate import evaluate
from workers.strategy.exposure import Exposure, OpenPosition, refusal
from workers.strategy.prices import PriceGrid
from workers.strategy.profile import Profile
from workers.strategy.schema import parse_strategy
from workers.strategy.sizing import VolumeRules, floor_to_step, lots
from workers.strategy.volume import size_of

EURUSD = VolumeRules("EURUSD", 1e-5, 1.0, 0.01, 100, 0.01)
USDJPY = VolumeRules("USDJPY", 0.001, 100_000 * 0.001 / 157.0, 0.01, 100, 0.01)
XAUUSD = VolumeRules("XAUUSD", 0.01, 1.0, 0.01, 50, 0.01)
DE40_EUR = VolumeRules("DE40", 0.1, 0.1, 0.1, 250, 0.1)
DE40_USD = replace(DE40_EUR, tick_value=0.1 * 1.08)
EURUSD_JPY = replace(EURUSD, tick_value=157.0)
JP225_JPY = VolumeRules("JP225", 1.0, 10.0, 1, 1000, 1)


@pytest.mark.parametrize(
    ("rules", "equity", "risk", "distance", "volume", "lost"),
    [
        # 1 % of 10,000 USD is 100; 180 ticks of 1 USD lose 180 a lot; 0.5556
        (EURUSD, 10_000, 0.01, 0.0018, 0.55, 99.0),
        # a tick is worth 100 JPY = 0.63694 USD; 500 ticks lose 318.47 a lot; 0.3140
        (USDJPY, 10_000, 0.01, 0.5, 0.31, 0.31 * 500 * 100 / 157),
        # 100 ounces a lot: 1462 ticks of 1 USD lose 1,462 a lot; 0.0684
        (XAUUSD, 10_000, 0.01, 14.62, 0.06, 87.72),
        # an index in EUR, account in EUR: 850 ticks of 0.10 lose 85 a lot; 1.176
        (DE40_EUR, 10_000, 0.01, 85.0, 1.1, 93.5),
        # the same in an account in USD at 1.08: 91.80 a lot; 1.089
        (DE40_USD, 10_000, 0.01, 85.0, 1.0, 91.8),
        # account in JPY: 1 % of 1,500,000 is 15,000; 180 ticks of 157 JPY lose 28,260 a lot; 0.5308
        (EURUSD_JPY, 1_500_000, 0.01, 0.0018, 0.53, 14_977.8),
        # whole lots only: 0.5 % of 1,500,000 is 7,500; 320 ticks of 10 lose 3,200 a lot; 2.34
        (JP225_JPY, 1_500_000, 0.005, 320, 2, 6_400),
        # exactly three steps, which binary fractions miss by a hair
        (EURUSD, 3_000, 0.01, 0.001, 0.3, 30.0),
    ],
)
def test_size_by_hand(
    rules: VolumeRules, equity: float, risk: float, distance: float, volume: float, lost: float
) -> None:
    found = lots(equity, risk, distance, rules)
    assert (found.volume, found.reason) == (volume, "")
    assert found.risk == pytest.approx(lost)
    assert found.risk <= equity * risk * (1 + 1e-9)
    assert found.lines[-1] == f"volume {volume:g}"


def test_account_too_small_is_said_and_never_rounded_up() -> None:
    found = lots(100, 0.01, 0.0018, EURUSD)
    assert found.volume is None
    assert found.reason == (
        "The account is too small for this risk: 1.00 may be lost, the least volume of 0.01 lots would lose 1.80."
    )
    assert lots(180, 0.01, 0.0018, EURUSD).volume == 0.01  # exactly enough


def test_most_of_one_order_and_the_limit_of_the_symbol() -> None:
    most = lots(10_000_000, 0.01, 0.0018, EURUSD)
    assert most.volume == 100
    assert "that one order may have" in most.reason
    limited = replace(EURUSD, limit=1.0)
    left = lots(10_000, 0.01, 0.0018, limited, open_volume=0.7)
    assert left.volume == 0.3
    assert "limit for the symbol leaves" in left.reason
    full = lots(10_000, 0.01, 0.0018, limited, open_volume=1.0)
    assert full.volume is None
    assert "1 of 1 lots are taken" in full.reason


def test_step_that_misses_the_least_volume() -> None:
    found = lots(1_000, 0.01, 0.01, replace(EURUSD, least=0.01, step=0.3))
    assert found.volume is None
    assert "No multiple of the step" in found.reason


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"tick_value": 0.0}, "no usable tick value"),
        ({"tick_value": math.nan}, "no usable tick value"),
        ({"tick": 0.0}, "no usable tick size"),
        ({"least": 0.0}, "no usable minimum volume"),
        ({"most": 0.0}, "no usable maximum volume"),
        ({"step": 0.0}, "no usable volume step"),
        ({"least": 5.0, "most": 1.0}, "minimum volume above its maximum"),
    ],
)
def test_unusable_specification_gives_no_size(changes: dict[str, float], part: str) -> None:
    found = lots(10_000, 0.01, 0.0018, replace(EURUSD, **changes))
    assert found.volume is None
    assert part in found.reason
    assert "EURUSD" in found.reason


@pytest.mark.parametrize(
    ("equity", "risk", "distance", "held", "part"),
    [
        (0.0, 0.01, 0.001, 0.0, "no equity"),
        (-5.0, 0.01, 0.001, 0.0, "no equity"),
        (math.nan, 0.01, 0.001, 0.0, "no equity"),
        (1e4, 0.0, 0.001, 0.0, "fraction"),
        (1e4, 1.5, 0.001, 0.0, "fraction"),
        (1e4, 0.01, 0.0, 0.0, "no distance"),
        (1e4, 0.01, math.nan, 0.0, "no distance"),
        (1e4, 0.01, 0.001, math.nan, "open volume"),
    ],
)
def test_unusable_input_gives_no_size(equity: float, risk: float, distance: float, held: float, part: str) -> None:
    found = lots(equity, risk, distance, EURUSD, held)
    assert found.volume is None
    assert part in found.reason


@given(
    st.floats(1, 1e8),
    st.floats(1e-4, 0.1),
    st.floats(1e-5, 1.0),
    st.sampled_from([0.01, 0.1, 0.25, 1.0]),
    st.floats(0.01, 200),
)
def test_never_risks_more_than_allowed(
    equity: float, risk: float, distance: float, step: float, tick_value: float
) -> None:
    rules = VolumeRules("X", 1e-5, tick_value, step, 500, step)
    found = lots(equity, risk, distance, rules)
    if found.volume is None:
        assert found.reason
        return
    assert step <= found.volume <= 500
    assert found.volume * distance / 1e-5 * tick_value <= equity * risk * (1 + 1e-6)
    assert found.volume == floor_to_step(found.volume, step)


LIMITS = RiskSettings(max_concurrent_positions=3, max_positions_per_symbol=1, max_daily_loss=0.03)
EUR, GBP = OpenPosition("EURUSD", 1, 0.5), OpenPosition("GBPUSD", -1, 0.2)


@pytest.mark.parametrize(
    ("positions", "equity", "start", "part"),
    [
        ([], 10_000.0, 10_000.0, ""),
        ([GBP], 9_701.0, 10_000.0, ""),
        ([EUR], 10_000.0, 10_000.0, "Open: 1 position of EURUSD; at most 1."),
        ([GBP, GBP, GBP], 10_000.0, 10_000.0, "Open: 3 positions; at most 3 at the same time"),
        ([], 9_700.0, 10_000.0, "fallen by 3.00% today"),
        (None, 10_000.0, 10_000.0, "open positions are not known"),
        ([], None, 10_000.0, "cannot be checked"),
        ([], 10_000.0, None, "cannot be checked"),
        ([], 10_000.0, 0.0, "cannot be checked"),
        ([], math.nan, 10_000.0, "cannot be checked"),
    ],
)
def test_exposure(positions: list[OpenPosition] | None, equity: float | None, start: float | None, part: str) -> None:
    found = refusal("EURUSD", LIMITS, Exposure(positions, equity, start))
    assert part in found
    assert bool(found) is bool(part)


@dataclass(frozen=True)
class Position:
    symbol: str
    type: int
    volume: float


def test_position_of_the_terminal() -> None:
    assert OpenPosition.of(Position("EURUSD", 0, 0.5)) == EUR
    assert OpenPosition.of(Position("GBPUSD", 1, 0.2)) == GBP


def test_open_volume_of_one_direction() -> None:
    found = Exposure([EUR, EUR, GBP, OpenPosition("EURUSD", -1, 9)], 1.0, 1.0)
    assert found.volume("EURUSD", 1) == 1.0
    assert Exposure(None, None, None).volume("EURUSD", 1) == 0


def test_size_of_an_idea(rates_of: Callable[..., Rates]) -> None:
    rates = rates_of(1.1 + np.arange(30) * 1e-4)
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "indicators": {"ema": {"fast": 2, "slow": 4}, "rsi": {"period": 2}, "atr": {"period": 2, "multiplier": 2}},
        "conditions": {"entry": ["ema_fast_gt_slow"], "weak": []},
        "strategy": {"direction": "long"},
    }

    def found(account: Exposure, **changes: Any) -> tuple[float | None, str]:
        strategy = parse_strategy(json.dumps(document | changes), "a.json")
        evaluation = evaluate(strategy, rates, 300, PriceGrid(5, 1e-5, 1e-5), profile=profile)
        size = size_of(evaluation, EURUSD, LIMITS, account)
        return size.volume, size.reason

    profile = None
    free = Exposure([], 10_000.0, 10_000.0)
    # the stop is 220 points away: 100 / 220
    assert found(free) == (0.45, "")
    # exit conditions take the score to 60: pending, at half the risk
    pending = {"conditions": {"entry": ["ema_fast_gt_slow"], "exit": ["rsi_gt_70"]}}
    assert found(free, **pending) == (0.22, "")
    volume, reason = found(Exposure([EUR], 10_000.0, 10_000.0))
    assert (volume, "Open: 1 position of EURUSD" in reason) == (None, True)
    volume, reason = found(free, conditions={"entry": ["ema_fast_lt_slow"]})
    assert (volume, reason) == (None, "There is no idea to size.")
    profile = Profile.model_validate({"symbol": "EURUSD", "style": {"rrTarget": 1}})
    volume, reason = found(free)
    assert (volume, "waits for a better reward" in reason) == (None, True)
