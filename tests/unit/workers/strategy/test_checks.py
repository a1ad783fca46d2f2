"""Rules that contradict themselves are told before the first bar."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hand_terminal import make_rates
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.strategy.checks import contradictions
from workers.strategy.facts import vocabulary
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.language.parser import parse
from workers.strategy.language.tokens import ConditionError
from workers.strategy.rules import prepare
from workers.strategy.schema import Indicators, parse_strategy


def problems(entry: list[str], **changes: Any) -> tuple[str, ...]:
    document = {
        "symbol": "EURUSD",
        "timeframe": "M15",
        "conditions": {"entry": entry},
        "strategy": {"direction": "long"} | changes.pop("strategy", {}),
    } | changes
    return prepare(parse_strategy(json.dumps(document), "a.json")).problems


@pytest.mark.parametrize(
    ("entry", "part"),
    [
        (["ema_fast_gt_slow", "ema_fast_lt_slow"], "'ema_fast_gt_slow' and 'ema_fast_lt_slow' can never hold together"),
        (["close > open", "open > close"], "can never hold together"),
        (["close > open", "open >= close"], "can never hold together"),
        (["price_above_ema_slow", "close < ema(50)"], "can never hold together"),
        (["rsi_lt_30", "rsi_gt_70"], "'rsi_gt_70' and 'rsi_lt_30' can never hold together"),
        (["rsi_lt_30", "rsi_between_40_60"], "can never hold together"),
        (["rsi_lt_30", "rsi(14) >= 30"], "can never hold together"),
        (["rsi > 50 and close > open", "rsi < 40"], "can never hold together"),
        (["30 > rsi", "rsi > 40"], "can never hold together"),
        (["close > open", "not close > open"], "can never hold together"),
        (["rsi > 100"], "'rsi > 100' can never hold."),
        (["atr < 0"], "can never hold"),
        (["rsi between 60 and 40"], "'rsi between 60 and 40' can never hold"),
        (["close > close"], "'close > close' can never hold."),
        (["close > high"], "'close > high' can never hold."),
        (["low[1] > open[1]"], "can never hold."),
        (["H4.(close < low)"], "can never hold."),
        (["close < 0"], "can never hold."),
        (["upper_wick > range"], "can never hold."),
        (["long_upper_wick", "long_lower_wick"], "'long_lower_wick' and 'long_upper_wick' can never hold together."),
        (["upper_wick > 0.6 * range", "body / range > 0.5"], "can never hold together."),
        (["ema(20) crosses above ema(50)", "ema(20) crosses below ema(50)"], "can never hold together."),
        (["ema(20) crosses above ema(50)", "ema(20) < ema(50)"], "can never hold together."),
        (["close crosses above close"], "can never hold."),
        (["rsi < 30", "not (rsi < 50)"], "'not (rsi < 50)' and 'rsi < 30' can never hold together."),
        (["rsi < 30", "not (close > open or rsi < 50)"], "can never hold together."),
        (["rsi < 30 or rsi > 70", "rsi between 40 and 60"], "can never hold together."),
        (
            ["close > ema(20)", "ema(20) > ema(50)", "close < ema(50)"],
            "', 'close > ema(20)' and 'ema(20) > ema(50)' can",
        ),
        (["close > highest(high, 20)"], "can never hold."),
        (["close > highest(high, 20)[1]", "close < highest(high, 10)[2]"], "can never hold together."),
        (["close < lowest(low, 5)"], "can never hold."),
        (["close > ema(20) + 2 * atr", "close < ema(20)"], "can never hold together."),
        (["close - open > 0", "close < open"], "can never hold together."),
        (["change(3) > 0", "close < close[3]"], "can never hold together."),
        (["macd_hist > 0", "macd < macd_signal"], "can never hold together."),
        (["atr > 1.2 * median(atr, 50)", "atr < 1.1 * median(atr, 50)"], "can never hold together."),
        (["close / ema(20) > 1.01", "close < ema(20)"], "can never hold together."),
        (["rsi + 10 > 45", "rsi < 30"], "can never hold together."),
        (["max(close, open) < open"], "can never hold."),
        (["close > upper_band(20, 2)", "close < lower_band(20, 2)"], "can never hold together."),
        (["divergence_bullish", "not divergence_bullish"], "can never hold together."),
    ],
)
def test_contradiction(entry: list[str], part: str) -> None:
    found = problems(entry)
    assert found
    assert part in found[0]
    assert found[0].startswith("conditions.entry: ")


@pytest.mark.parametrize(
    "entry",
    [
        ["close > open", "close > open[1]"],
        ["close >= open", "open >= close"],  # equal is possible
        ["rsi(14) < 30", "rsi(7) > 70"],
        ["rsi > 30", "rsi < 70"],
        ["rsi >= 100"],
        ["close > open", "H1.close < H1.open"],
        ["rsi < 30 or rsi > 70", "rsi between 20 and 60"],
        ["close >= close", "close >= high", "open <= low"],
        ["upper_wick >= 0.6 * range", "lower_wick >= 0.6 * range"],  # a bar without a range
        ["upper_wick > 0.5 * range", "lower_wick > 0.4 * range"],
        ["long_upper_wick", "long_lower_wick[1]"],
        ["close > highest(high, 20)[1]", "close < highest(high, 30)[1]"],
        ["close crosses above ema(20)", "close[1] crosses below ema(20)[1]"],
        ["divergence_bullish", "divergence_bearish"],
        ["close > ema(20)", "not close > ema(50)"],
        ["not (rsi > 30 and close > open)", "rsi > 40"],
        ["H4.close > H4.open", "close < open"],
        ["ema(20) + 0.001 > ema(50)", "ema(20) < ema(50)"],
    ],
)
def test_what_may_hold_together_is_left_alone(entry: list[str]) -> None:
    assert problems(entry) == ()


@pytest.mark.parametrize(
    ("invalidation", "refused"),
    [("rsi < 50", True), ("close > 0", True), ("rsi < 25", False), ("rsi_gt_70", False), ("atr > 0.01", False)],
)
def test_an_invalidation_that_the_entry_implies(invalidation: str, refused: bool) -> None:
    found = problems(["rsi < 30"], strategy={"direction": "long", "invalidations": [invalidation]})
    assert [f"the invalidation {invalidation!r} holds too: there can never be an idea" in text for text in found] == (
        [True] if refused else []
    )


def test_several_contradictions_are_told_and_long_rules_are_read_in_time() -> None:
    found = problems(["close > open", "rsi < 30", "close < open", "rsi > 70"])
    assert len(found) == 2
    many = [f"rsi({number}) > 10 or rsi({number}) < 5 or close > ema({number})" for number in range(2, 52)]
    assert problems(many) == ()


NUMBERS = st.sampled_from(["0", "1", "0.5", "2", "30", "50", "1.1", "1.1005", "-0.001"])
LEAVES = st.sampled_from(
    (
        "open high low close range body upper_wick lower_wick spread volume rsi(2) atr(2) ema(2) sma(3) highest(3) "
        "lowest(3) stdev(3) change(1) H1.close H1.high[1]"
    ).split()
    + "median(close, 3)|highest(close, 2)|macd(2, 3, 2)|macd_signal(2, 3, 2)|macd_hist(2, 3, 2)".split("|")
    + "upper_band(3, 1)|lower_band(3, 2)|H1.(high - low)|highest(close - open, 2)[1]".split("|")
    + "highest(abs(close - open), 2)[1]|lowest(max(open, close), 2)".split("|")
)
VALUES = st.recursive(
    st.one_of(LEAVES, NUMBERS),
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*/"), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["max", "min"]), inner, inner),
        st.builds("abs({})".format, inner),
        st.builds("({})[{}]".format, LEAVES, st.integers(1, 2)),
        st.builds("-({})".format, LEAVES),
    ),
    max_leaves=4,
)
SIMPLE = st.one_of(
    st.builds("{} {} {}".format, VALUES, st.sampled_from([">", "<", ">=", "<="]), VALUES),
    st.builds("{} crosses {} {}".format, VALUES, st.sampled_from(["above", "below"]), VALUES),
    st.builds("{} between {} and {}".format, VALUES, VALUES, VALUES),
)
CONDITIONS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from(["and", "or"]), inner),
        st.builds("not ({})".format, inner),
        st.builds("({})[{}]".format, inner, st.integers(1, 2)),
    ),
    max_leaves=4,
)


def market(seed: int, number: int, seconds: int) -> Any:
    """Bars of a coarse grid, so that values meet: many equal prices, bars without a range."""
    random = np.random.default_rng(seed)
    ends = 1.1 + 0.0005 * random.integers(0, 4, number)
    rates = make_rates(ends, datetime(2025, 6, 3, tzinfo=UTC), seconds=seconds, reach=0.0)
    rates["high"] += 0.0005 * random.integers(0, 3, number)
    rates["low"] -= 0.0005 * random.integers(0, 3, number)
    rates["spread"], rates["tick_volume"] = random.integers(0, 3, number), random.integers(0, 60, number)
    return rates


@settings(max_examples=500, deadline=None)
@given(st.lists(CONDITIONS, min_size=1, max_size=3), st.integers(0, 5))
def test_what_holds_on_some_bar_is_never_called_a_contradiction(conditions: list[str], seed: int) -> None:
    try:
        nodes = [parse(text, vocabulary(Indicators())) for text in conditions]
    except ConditionError:
        return
    bars = Evaluator(market(seed, 60, 900), 900, {"H1": market(seed + 1, 16, 3600)})
    together = np.logical_and.reduce([bars.truth(node).holds for node in nodes])
    if together.any():
        assert contradictions(list(zip(conditions, nodes, strict=True))) == []


def test_contradiction_is_told_once_for_each_written_side() -> None:
    entry = ["close > open", "close < open"]
    found = problems(entry, strategy={"direction": "both"})
    assert [text.split(":")[0] for text in found] == ["conditions.entry"]
    found = problems(entry, strategy={"direction": "both"}, short_conditions={"entry": entry})
    assert [text.split(":")[0] for text in found] == ["conditions.entry", "short_conditions.entry"]


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        ("M15.close > M15.open", "M15 is not longer than the rule's own timeframe M15; use one of M20, M30, H1"),
        ("M5.close > M5.open", "M5 is not longer"),
        ("ema(ema(ema(1000), 1000), 1000) > close", "looks back"),
    ],
)
def test_timeframe_and_depth(condition: str, part: str) -> None:
    (found,) = problems([condition])
    assert part in found
    assert found.startswith(f"conditions.entry[0] {condition!r}, ")


def test_longest_timeframe_has_no_longer_one() -> None:
    (found,) = problems(["W1.close > 1"], timeframe="MN1")
    assert "there is no longer one" in found


def test_every_mistake_is_told_at_once() -> None:
    found = problems(["clsoe > open", "rsi <"], strategy={"direction": "both", "invalidations": ["nonsense"]})
    assert [text.split(" ")[0] for text in found] == [
        "strategy.invalidations[0]",
        "conditions.entry[0]",
        "conditions.entry[1]",
    ]


def test_a_condition_cannot_name_itself() -> None:
    # Names come from the program alone: a file cannot define one, so that no two can refer to each other.
    (found,) = problems(["my_rule"], id="my_rule", name="my_rule")
    assert "nothing called 'my_rule'" in found
