"""Facts, rules, score, prices and the decision on hand-made bars."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.terminal.values import Rates
from workers.strategy import confidence, facts, sessions
from workers.strategy.confidence import Action
from workers.strategy.evaluate import Outcome, evaluate, least_bars
from workers.strategy.facts import FACTS, Series
from workers.strategy.prices import PriceGrid, TradePlan, plan
from workers.strategy.rules import Judgement, judge, rules_of
from workers.strategy.schema import Indicators, Strategy, parse_strategy

GRID = PriceGrid(5, 1e-5, 1e-5)
MakeRates = Callable[..., Rates]


def rule(entry: list[str], **changes: Any) -> Strategy:
    """A small rule: EMA 2/4, RSI 2 and ATR 2."""
    groups = {name: changes.pop(name, []) for name in ("exit", "strong", "weak")}
    invalidations, direction = changes.pop("invalidations", []), changes.pop("direction", "long")
    document = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "indicators": {
            "ema": {"fast": 2, "slow": 4},
            "rsi": {"period": 2},
            "atr": {"period": 2, "multiplier": 2.0},
        },
        "conditions": {"entry": entry, **groups},
        "strategy": {"direction": direction, "min_rr": 2.0, "invalidations": invalidations},
    } | changes
    return parse_strategy(json.dumps(document), "r.json")


UP = 1.1 + np.arange(30) * 1e-4
DOWN = 1.2 - np.arange(30) * 1e-4
FLAT = np.full(30, 1.15)


@pytest.mark.parametrize(
    ("name", "up", "down", "flat"),
    [
        ("ema_fast_gt_slow", True, False, False),
        ("ema_fast_lt_slow", False, True, False),
        ("price_above_ema_fast", True, False, False),
        ("price_below_ema_fast", False, True, False),
        ("price_above_ema_slow", True, False, False),
        ("price_below_ema_slow", False, True, False),
        ("price_close_lt_ema_slow", False, True, False),
        ("rsi_lt_30", False, True, False),
        ("rsi_gt_70", True, False, False),
        ("rsi_between_40_60", False, False, True),
    ],
)
def test_fact(name: str, up: bool, down: bool, flat: bool, rates_of: MakeRates) -> None:
    for closes, expected in ((UP, up), (DOWN, down), (FLAT, flat)):
        result = facts.evaluate(name, Series(rates_of(closes), Indicators(), 5), 29)
        assert (result.name, result.holds) == (name, expected)
        assert any(char.isdigit() for char in result.detail)


def test_every_fact_was_tested_and_mirrors_back() -> None:
    for name, fact in FACTS.items():
        assert FACTS[fact.mirror].mirror in (name, "price_close_lt_ema_slow"), name


def test_levels_of_the_file_are_used(rates_of: MakeRates) -> None:
    series = Series(rates_of(FLAT), Indicators.model_validate({"rsi": {"overbought": 50, "oversold": 10}}), 5)
    assert not facts.evaluate("rsi_gt_70", series, 29).holds  # 50 is not above 50
    assert "overbought above 50" in facts.evaluate("rsi_gt_70", series, 29).detail


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        (["macd_hist_gt_0"], ("conditions.entry[0]", "'macd_hist_gt_0'", "not supported yet")),
        (["ema_fast_gt_slo"], ("conditions.entry[0]", "did you mean 'ema_fast_gt_slow'?")),
        (["zzzzzz"], ("no condition named", "known are ema_fast_gt_slow")),
        (["ema_fast_gt_slow", "ema_fast_lt_slow"], ("can never hold together",)),
        (["price_above_ema_slow", "price_below_ema_slow"], ("can never hold together",)),
    ],
)
def test_condition_that_cannot_be_evaluated_is_never_false(
    entry: list[str], parts: tuple[str, ...], rates_of: MakeRates
) -> None:
    found = evaluate(rule(entry), rates_of(UP), 300, GRID)
    assert found.outcome is Outcome.NOT_EVALUATED
    assert found.score is None
    for part in parts:
        assert part in found.reason


def test_entry_that_invalidates_itself() -> None:
    found = facts.problems(rule(["rsi_gt_70"], invalidations=["rsi_gt_70"]))
    assert "there can never be an idea" in found[0]


def test_both_mirrors_the_short_side() -> None:
    short = rules_of(
        rule(
            ["ema_fast_gt_slow", "rsi_lt_30"],
            direction="both",
            weak=["price_below_ema_fast"],
            invalidations=["price_close_lt_ema_slow"],
        )
    )[1]
    assert short.side == "short"
    assert short.entry == ("ema_fast_lt_slow", "rsi_gt_70")
    assert short.weak == ("price_above_ema_fast",)
    assert short.invalidations == ("price_above_ema_slow",)


def test_short_side_in_its_own_words() -> None:
    strategy = rule(
        ["ema_fast_gt_slow"],
        direction="both",
        short_conditions={"entry": ["rsi_gt_70"], "invalidations": ["price_above_ema_slow"]},
    )
    assert rules_of(strategy)[1].entry == ("rsi_gt_70",)
    assert rules_of(strategy)[1].invalidations == ("price_above_ema_slow",)


def test_conditions_of_a_short_strategy_are_taken_as_written() -> None:
    (only,) = rules_of(rule(["ema_fast_lt_slow"], direction="short"))
    assert (only.side, only.entry) == ("short", ("ema_fast_lt_slow",))


def test_entry_all_exit_any_strong_all_weak_any(rates_of: MakeRates) -> None:
    strategy = rule(
        ["ema_fast_gt_slow", "price_above_ema_fast"],
        exit=["rsi_lt_30", "rsi_gt_70"],
        strong=["price_above_ema_slow", "rsi_between_40_60"],
        weak=["rsi_lt_30", "ema_fast_gt_slow"],
    )
    found = judge(rules_of(strategy)[0], Series(rates_of(UP), strategy.indicators, 5), 29)
    assert (found.entry, found.exit, found.strong, found.weak, found.invalidated) == (True, True, False, True, False)


def judgement(**groups: bool | None) -> Judgement:
    """A judgement with these groups holding."""
    base: dict[str, Any] = {"entry": True, "exit": False, "strong": None, "weak": False, "invalidated": False}
    return Judgement(side="long", facts=(), **(base | groups))


@pytest.mark.parametrize(
    ("groups", "aligned", "expected"),
    [
        ({}, True, 100.0),  # 40 of 40
        ({}, False, 75.0),  # 30 of 40
        ({"strong": True}, True, 100.0),  # 65 of 65
        ({"strong": False}, True, 61.5),  # 40 of 65
        ({"strong": True}, False, 84.6),  # 55 of 65
        ({"strong": False}, False, 46.2),  # 30 of 65
        ({"weak": True}, True, 85.0),
        ({"exit": True}, True, 60.0),
        ({"exit": True, "weak": True}, True, 45.0),
        ({"entry": False, "exit": True, "weak": True}, False, 0.0),
    ],
)
def test_score(groups: dict[str, bool], aligned: bool, expected: float) -> None:
    found = confidence.score(judgement(**groups), aligned, "all hours")
    assert found.value == expected
    assert found.as_text()[-1] == f"score: {expected:g}"


@pytest.mark.parametrize(
    ("value", "entry", "reward_risk", "expected", "risk"),
    [
        (100.0, False, 2.0, Action.OBSERVE, 0.0),
        (59.9, True, 2.0, Action.OBSERVE, 0.0),
        (60.0, True, 2.0, Action.PENDING_ONLY, 0.005),
        (74.9, True, 2.0, Action.PENDING_ONLY, 0.005),
        (75.0, True, 2.0, Action.OPEN_OR_SCALE, 0.01),
        (75.0, True, 1.9, Action.WAIT_RR, 0.0),
        (75.0, True, None, Action.WAIT_RR, 0.0),
    ],
)
def test_decision(value: float, entry: bool, reward_risk: float | None, expected: Action, risk: float) -> None:
    found = confidence.decide(value, entry, reward_risk, 2.0)
    assert found is expected
    assert confidence.risk_fraction(found, 0.01) == risk


def test_prices_of_a_long_by_hand() -> None:
    # entry = 1.10000 + 10 points; stop 1.5 x 0.0012 = 180 points; target 2 x 180
    assert plan("long", 1.1, 10, 0.0012, 1.5, 2.0, GRID) == TradePlan(1.1001, 1.0983, 1.1037, 2.0)


def test_prices_of_a_short_start_at_the_bid() -> None:
    assert plan("short", 1.1, 10, 0.0012, 1.5, 2.0, GRID) == TradePlan(1.1, 1.1018, 1.0964, 2.0)


def test_prices_lie_on_the_grid_of_the_symbol() -> None:
    found = plan("long", 2345.13, 20, 7.31, 2.0, 2.5, PriceGrid(2, 0.01, 0.05))
    assert isinstance(found, TradePlan)
    for price in (found.entry, found.stop, found.target):
        assert round(price / 0.05, 6) == round(price / 0.05)
    assert found.reward_risk >= 2.5


def test_yen_prices_by_hand() -> None:
    assert plan("long", 157.123, 8, 0.25, 2.0, 2.0, PriceGrid(3, 0.001, 0.001)) == TradePlan(
        157.131, 156.631, 158.131, 2.0
    )


@pytest.mark.parametrize("atr", [0.0, float("nan"), float("inf"), -1.0])
def test_no_atr_no_prices(atr: float) -> None:
    assert "average true range" in str(plan("long", 1.1, 10, atr, 1.5, 2.0, GRID))


def test_no_grid_no_prices() -> None:
    assert "cannot be rounded" in str(plan("long", 1.1, 10, 0.001, 1.5, 2.0, PriceGrid(5, 0.0, 0.0)))


def test_stop_below_zero_is_no_plan() -> None:
    assert "below zero" in str(plan("long", 1.1, 10, 1.0, 1.5, 2.0, GRID))


def test_idea_of_a_rising_market(rates_of: MakeRates) -> None:
    found = evaluate(rule(["ema_fast_gt_slow"]), rates_of(UP), 300, GRID)
    assert (found.outcome, found.action) == (Outcome.IDEA, Action.OPEN_OR_SCALE)
    assert found.bar_time == datetime(2025, 6, 3, 10, 25, tzinfo=UTC)
    assert found.bar_close == datetime(2025, 6, 3, 10, 30, tzinfo=UTC)
    # the range of each bar is 0.0001 + 2 x 0.0005; the stop is 2 x ATR = 220 points
    assert found.plan == TradePlan(1.103, 1.1008, 1.1074, 2.0)


def test_no_entry_says_which_condition_with_its_values(rates_of: MakeRates) -> None:
    found = evaluate(rule(["ema_fast_gt_slow"]), rates_of(DOWN), 300, GRID)
    assert found.outcome is Outcome.OBSERVED
    assert "No long entry: ema_fast_gt_slow (EMA(2) 1.19" in found.reason


@pytest.mark.parametrize(
    ("wanted", "value", "line"),
    [
        ([], 100.0, "alignment (all hours): +10"),
        (["London", "NewYork"], 100.0, "alignment (in London): +10"),  # the bar closes at 10:30 UTC
        (["NewYork", "Sydney"], 75.0, "alignment (outside NewYork, Sydney): +0"),
    ],
)
def test_sessions_of_the_rule_count_at_the_close_of_the_bar(
    wanted: list[str], value: float, line: str, rates_of: MakeRates
) -> None:
    found = evaluate(rule(["ema_fast_gt_slow"], sessions=wanted), rates_of(UP), 300, GRID)
    assert found.score is not None
    assert found.score.value == value
    assert line in found.score.as_text()


def test_both_finds_the_short_side(rates_of: MakeRates) -> None:
    found = evaluate(rule(["ema_fast_gt_slow"], direction="both"), rates_of(DOWN), 300, GRID)
    assert found.outcome is Outcome.IDEA
    assert found.judgement is not None
    assert found.judgement.side == "short"
    assert found.plan is not None
    assert found.plan.target < found.plan.entry < found.plan.stop


def test_both_sides_at_once_is_no_direction(rates_of: MakeRates) -> None:
    found = evaluate(rule(["rsi_between_40_60"], direction="both"), rates_of(FLAT), 300, GRID)
    assert (found.outcome, found.plan) == (Outcome.OBSERVED, None)
    assert "no direction" in found.reason


def test_invalidation_forbids(rates_of: MakeRates) -> None:
    found = evaluate(rule(["ema_fast_gt_slow"], invalidations=["rsi_gt_70"]), rates_of(UP), 300, GRID)
    assert (found.outcome, found.plan) == (Outcome.NO_IDEA, None)
    assert "Invalidated by rsi_gt_70 (RSI(2) 100.0" in found.reason


def test_low_score_is_only_watched(rates_of: MakeRates) -> None:
    strategy = rule(["ema_fast_gt_slow"], exit=["rsi_gt_70"], weak=["rsi_gt_70"])
    found = evaluate(strategy, rates_of(UP), 300, GRID)
    assert (found.outcome, found.plan) == (Outcome.OBSERVED, None)
    assert "Score 45 is below 60" in found.reason


def test_too_few_bars_is_no_answer(rates_of: MakeRates) -> None:
    strategy = rule(["ema_fast_gt_slow"])
    least = least_bars(strategy)
    found = evaluate(strategy, rates_of(UP[: least - 1]), 300, GRID)
    assert (found.outcome, found.plan) == (Outcome.NOT_EVALUATED, None)
    assert f"{least - 1}, the rule needs {least}" in found.reason
    assert evaluate(strategy, rates_of(UP[:least]), 300, GRID).outcome is Outcome.IDEA


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 0.0, -1.0])
def test_price_that_is_none_is_named(value: float, rates_of: MakeRates) -> None:
    rates = rates_of(UP)
    rates["close"][20] = value
    found = evaluate(rule(["ema_fast_gt_slow"]), rates, 300, GRID)
    assert found.outcome is Outcome.NOT_EVALUATED
    assert "2025-06-03 09:40 UTC has no usable close" in found.reason


def test_bars_out_of_order_are_no_answer(rates_of: MakeRates) -> None:
    rates = rates_of(UP)
    rates["time"][10] = rates["time"][9]
    assert "order of time" in evaluate(rule(["ema_fast_gt_slow"]), rates, 300, GRID).reason


def test_flat_market_has_no_range_and_no_price(rates_of: MakeRates) -> None:
    found = evaluate(rule(["rsi_between_40_60"]), rates_of(FLAT, reach=0.0), 300, GRID)
    assert (found.outcome, found.plan) == (Outcome.NO_IDEA, None)
    assert "average true range" in found.reason


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2025, 1, 15, 8, 0, tzinfo=UTC), ("London", "Tokyo")),
        (datetime(2025, 7, 15, 7, 0, tzinfo=UTC), ("London", "Tokyo")),  # summer time in London
        (datetime(2025, 1, 15, 17, 0, tzinfo=UTC), ("NewYork",)),  # the closing minute is outside
        (datetime(2025, 3, 12, 12, 0, tzinfo=UTC), ("London", "NewYork")),  # New York changed its clock first
        (datetime(2025, 1, 18, 12, 0, tzinfo=UTC), ()),  # Saturday
    ],
)
def test_sessions_by_their_own_clocks(moment: datetime, expected: tuple[str, ...]) -> None:
    assert sessions.open_sessions(moment) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.data())
def test_later_bars_never_change_an_evaluation(rates_of: MakeRates, data: st.DataObject) -> None:
    moves = data.draw(st.lists(st.floats(-0.002, 0.002), min_size=40, max_size=90))
    cut = data.draw(st.integers(25, len(moves) - 1))
    rates = rates_of(1.1 + np.cumsum(moves))
    changed = rates.copy()
    for name in ("open", "high", "low", "close"):
        changed[name][cut:] *= data.draw(st.floats(0.5, 2.0))
    strategy = rule(["ema_fast_gt_slow"], direction="both", strong=["rsi_between_40_60"], weak=["rsi_gt_70"])
    assert evaluate(strategy, rates[:cut], 300, GRID) == evaluate(strategy, changed[:cut], 300, GRID)
    # Nor does an indicator over the whole array: what holds on a bar holds whatever follows it.
    whole, part = Series(changed, strategy.indicators, 5), Series(rates[:cut], strategy.indicators, 5)
    for one in rules_of(strategy):
        assert judge(one, whole, cut - 1) == judge(one, part, cut - 1)


def test_real_bars_give_the_same_answer_with_and_without_the_future(shared: Path) -> None:
    from app.terminal.bars_csv import read_bars

    rates = read_bars(shared / "data/bars/mt5/EURUSD_M5_2025_fullyear.csv").rates
    strategy = rule(["ema_fast_gt_slow", "rsi_between_40_60"], direction="both", indicators={})
    seen = {evaluate(strategy, rates[: n + 1], 300, GRID).outcome for n in range(30_000, 30_200)}
    assert Outcome.IDEA in seen
    assert Outcome.OBSERVED in seen
    series = Series(rates, strategy.indicators, 5)
    for index in range(30_000, 30_200, 7):
        alone = Series(rates[: index + 1], strategy.indicators, 5)
        assert judge(rules_of(strategy)[0], series, index) == judge(rules_of(strategy)[0], alone, index)


def test_evaluation_is_fast(rates_of: MakeRates) -> None:
    strategy = rule(["ema_fast_gt_slow", "rsi_between_40_60"], direction="both", indicators={})
    rates = rates_of(1.1 + np.sin(np.arange(500) / 20) / 100)
    spans = []
    for _ in range(30):
        begun = time.perf_counter()
        evaluate(strategy, rates, 300, GRID)
        spans.append(time.perf_counter() - begun)
    assert sorted(spans)[len(spans) // 2] < 0.003
