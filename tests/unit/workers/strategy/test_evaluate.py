"""Facts, rules, score, prices and the decision on hand-made bars."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.terminal.values import Rates
from workers.strategy import confidence, sessions
from workers.strategy.confidence import Action, News
from workers.strategy.decisions import decide_all
from workers.strategy.evaluate import Outcome, evaluate, judge, least_bars
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.prices import PriceGrid, TradePlan, plan
from workers.strategy.rules import Rule, Side, prepare
from workers.strategy.schema import Strategy, StrategyFileError, parse_strategy

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


def names(rule: Rule, group: str) -> tuple[str, ...]:
    return tuple(term.name for term in rule.group(group))


@pytest.mark.parametrize(
    ("entry", "parts"),
    [
        (["ema_fast_gt_slo"], ("conditions.entry[0]", "column 1", "did you mean 'ema_fast_gt_slow'?")),
        (["zzzzzz"], ("nothing called 'zzzzzz'", "known are ema_fast_gt_slow")),
        (["rsi(14) <"], ("conditions.entry[0] 'rsi(14) <'", "column 10")),
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
    found = prepare(rule(["rsi_gt_70"], invalidations=["rsi_gt_70"])).problems
    assert "there can never be an idea" in found[0]


def test_both_mirrors_the_short_side() -> None:
    short = prepare(
        rule(
            ["ema_fast_gt_slow", "rsi_lt_30", "close > highest(high, 20)[1]"],
            direction="both",
            weak=["price_below_ema_fast"],
            invalidations=["price_close_lt_ema_slow"],
        )
    ).rules[1]
    assert short.side == "short"
    assert names(short, "entry") == ("ema_fast_lt_slow", "rsi_gt_70", "close < lowest(20)[1]")
    assert names(short, "weak") == ("price_above_ema_fast",)
    assert names(short, "invalidations") == ("price_above_ema_slow",)


def test_what_has_no_mirror_image_asks_for_the_short_side() -> None:
    (problem,) = prepare(rule(["close > 1.1"], direction="both")).problems
    assert "conditions.entry[0]: 'close > 1.1' has no mirror image" in problem
    assert "write short_conditions" in problem
    assert prepare(rule(["close > 1.1"])).problems == ()


def test_short_side_in_its_own_words() -> None:
    strategy = rule(
        ["close > 1.1"],
        direction="both",
        short_conditions={"entry": ["rsi_gt_70"], "invalidations": ["price_above_ema_slow"]},
    )
    short = prepare(strategy).rules[1]
    assert names(short, "entry") == ("rsi_gt_70",)
    assert names(short, "invalidations") == ("price_above_ema_slow",)


def test_conditions_of_a_short_strategy_are_taken_as_written() -> None:
    (only,) = prepare(rule(["ema_fast_lt_slow"], direction="short")).rules
    assert (only.side, names(only, "entry")) == ("short", ("ema_fast_lt_slow",))


def test_entry_all_exit_any_strong_all_weak_any(rates_of: MakeRates) -> None:
    strategy = rule(
        ["ema_fast_gt_slow", "price_above_ema_fast"],
        exit=["rsi_lt_30", "rsi_gt_70"],
        strong=["price_above_ema_slow", "rsi_between_40_60"],
        weak=["rsi_lt_30", "ema_fast_gt_slow"],
    )
    bars = Evaluator(rates_of(UP), 300)
    (side,) = decide_all(strategy, prepare(strategy), bars).sides
    found = judge(side, bars, 29, 5)
    assert (found.entry, found.exit, found.strong, found.weak, found.invalidated) == (True, True, False, True, False)


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
        ({"news": 40.0}, True, 60.0),
        ({"news": 40.0, "exit": True, "weak": True}, True, 5.0),
    ],
)
def test_score(groups: dict[str, Any], aligned: bool, expected: float) -> None:
    bits = {"entry": True, "exit": False, "weak": False} | groups
    strong = bits.get("strong")
    one = {name: np.array([value]) for name, value in bits.items()}
    found = confidence.scores(
        one["entry"], one.get("strong"), np.array([aligned]), one["weak"], one["exit"], groups.get("news", 0.0)
    )
    assert found.tolist() == [expected]
    lines = confidence.score_lines(
        bits["entry"],
        strong,
        aligned,
        "all hours",
        "a" if bits["weak"] else "",
        "b" if bits["exit"] else "",
        News(groups.get("news", 0.0), "CPI"),
    )
    scaled = next(line.points for line in lines if line.text.startswith("scaled"))
    deducted = sum(line.points for line in lines if line.points < 0)
    assert min(100.0, max(0.0, round(scaled + deducted, 1))) == expected


@pytest.mark.parametrize(
    ("impact", "minutes", "expected"),
    [
        ("high", 0, 40.0),
        ("high", -30, 40.0),
        ("high", 45, 30.0),
        ("high", 60, 20.0),
        ("high", 61, 0.0),
        ("medium", 30, 30.0),
        ("medium", 45, 25.0),
        ("low", 0, 0.0),
    ],
)
def test_news_by_impact_and_distance(impact: Any, minutes: float, expected: float) -> None:
    assert confidence.news_points(impact, minutes, 30) == expected
    assert confidence.news_points(impact, minutes, 0) == 0.0


def test_news_take_their_points_and_say_so(rates_of: MakeRates) -> None:
    found = evaluate(rule(["ema_fast_gt_slow"]), rates_of(UP), 300, GRID, news=News(30.0, "CPI (USD) in 45 min"))
    assert found.score is not None
    assert (found.score.value, found.action) == (70.0, Action.PENDING_ONLY)
    assert "news (CPI (USD) in 45 min): -30" in found.score.as_text()


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
    assert "No long entry: ema_fast_gt_slow (ema(2) 1.19" in found.reason


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
    assert "Invalidated by rsi_gt_70 (rsi(2) 100.0" in found.reason


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


def test_bar_upside_down_is_named(rates_of: MakeRates) -> None:
    rates = rates_of(UP)
    rates["high"][20] = 1.0
    found = evaluate(rule(["ema_fast_gt_slow"]), rates, 300, GRID)
    assert "2025-06-03 09:40 UTC has its high below its low" in found.reason


def test_other_timeframe_is_checked_like_the_own(rates_of: MakeRates) -> None:
    strategy, rates = rule(["H1.close > H1.sma(2)"]), rates_of(UP)
    hours = rates_of([1.0, 1.1, 1.2], start=datetime(2025, 6, 3, 7, 0, tzinfo=UTC), seconds=3600)
    assert evaluate(strategy, rates, 300, GRID, frames={"H1": hours}).outcome is Outcome.IDEA
    missing = evaluate(strategy, rates, 300, GRID)
    assert (missing.outcome, missing.reason) == (
        Outcome.NOT_EVALUATED,
        "Too few closed H1 bars of EURUSD: 0, the rule needs 2.",
    )
    hours["close"][1] = float("nan")
    broken = evaluate(strategy, rates, 300, GRID, frames={"H1": hours})
    assert "The H1 bar of 2025-06-03 08:00 UTC has no usable close price" in broken.reason
    late = rates_of([1.0, 1.1, 1.2], start=datetime(2025, 6, 3, 11, 0, tzinfo=UTC), seconds=3600)
    found = evaluate(strategy, rates, 300, GRID, frames={"H1": late})
    assert found.outcome is Outcome.NOT_EVALUATED
    assert found.reason.startswith(
        "The entry condition H1.close > H1.sma(2) has no value on the last bar (H1.close with"
    )


def test_condition_without_value_is_not_evaluated(rates_of: MakeRates) -> None:
    found = evaluate(rule(["1 / (close - close) > 1"]), rates_of(UP), 300, GRID)
    assert (found.outcome, found.plan) == (Outcome.NOT_EVALUATED, None)
    assert "has no value on the last bar (1 / (close - close) without value > 1)" in found.reason


def test_stop_nearer_than_the_broker_takes_is_no_idea(rates_of: MakeRates) -> None:
    found = evaluate(rule(["ema_fast_gt_slow"]), rates_of(UP), 300, PriceGrid(5, 1e-5, 1e-5, stops_level=500))
    assert (found.outcome, found.plan) == (Outcome.NO_IDEA, None)
    assert "the stop would be 220 points away and the broker takes none nearer than 500" in found.reason
    assert evaluate(rule(["ema_fast_gt_slow"]), rates_of(UP), 300, PriceGrid(5, 1e-5, 1e-5, 220)).plan is not None


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.text(max_size=8), max_size=3),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(
    place=st.sampled_from(["symbol", "timeframe", "sessions", "indicators", "conditions", "strategy"]),
    inner=st.sampled_from(["ema", "rsi", "atr", "entry", "exit", "strong", "direction", "min_rr", "invalidations"]),
    junk=JUNK,
)
def test_any_rule_file_is_refused_or_answered(rates_of: MakeRates, place: str, inner: str, junk: Any) -> None:
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "indicators": {},
        "conditions": {"entry": ["ema_fast_gt_slow"]},
        "strategy": {"direction": "both"},
    }
    changed = document | {place: junk}
    if isinstance(document.get(place), dict):
        changed = document | {place: document[place] | {inner: junk}}
    try:
        strategy = parse_strategy(json.dumps(changed), "a.json")
    except StrategyFileError:
        return
    found = evaluate(strategy, rates_of(UP), 300, GRID)
    assert found.reason
    assert (found.plan is not None) == (found.outcome is Outcome.IDEA)


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


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(1_700_000_000, 1_780_000_000), min_size=1, max_size=40), st.sampled_from([*sessions.SESSIONS])
)
def test_sessions_of_many_instants_are_those_of_each(instants: list[int], name: str) -> None:
    zone, begin, end = sessions.SESSIONS[name]
    expected = []
    for instant in sorted(instants):
        local = datetime.fromtimestamp(instant, ZoneInfo(zone))
        expected.append(local.weekday() < 5 and begin <= local.time() < end)
    assert sessions.open_at(np.array(sorted(instants)), [name]).tolist() == expected


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
    # Nor does the decision over the whole array: what is said of a bar holds whatever follows it.
    ready = prepare(strategy)
    whole, part = Evaluator(changed, 300), Evaluator(rates[:cut], 300)
    of_whole, of_part = decide_all(strategy, ready, whole), decide_all(strategy, ready, part)
    np.testing.assert_array_equal(of_whole.score[:cut], of_part.score)
    np.testing.assert_array_equal(of_whole.direction[:cut], of_part.direction)
    for one, two in zip(of_whole.sides, of_part.sides, strict=True):
        assert judge(one, whole, cut - 1, 5) == judge(two, part, cut - 1, 5)


def test_live_and_all_bars_at_once_decide_the_same_on_real_bars(shared: Path) -> None:
    from app.terminal.bars_csv import read_bars

    rates = read_bars(shared / "data/bars/mt5/EURUSD_M5_2025_fullyear.csv").rates[:31_000]
    strategy = rule(
        ["ema_fast_gt_slow", "rsi_between_40_60"], direction="both", indicators={}, weak=["long_upper_wick"]
    )
    decisions = decide_all(strategy, prepare(strategy), Evaluator(rates, 300))
    seen = set()
    for index in range(30_000, 30_300):
        found = evaluate(strategy, rates[: index + 1], 300, GRID)
        assert found.judgement is not None
        assert found.score is not None
        seen.add(found.outcome)
        side: dict[int, Side] = {1: "long", -1: "short"}
        direction = int(decisions.direction[index])
        assert found.score.value == decisions.score[index]
        assert found.judgement.entry == (direction != 0)
        if direction:
            assert found.judgement.side == side[direction]
    assert {Outcome.IDEA, Outcome.OBSERVED} <= seen
