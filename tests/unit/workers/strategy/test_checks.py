"""Rules that contradict themselves are told before the first bar."""

from __future__ import annotations

import json
from typing import Any

import pytest

from workers.strategy.rules import prepare
from workers.strategy.schema import parse_strategy


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
        (["rsi > 100"], "'rsi > 100' can never hold: rsi(14) is never there"),
        (["atr < 0"], "can never hold"),
        (["rsi between 60 and 40"], "'rsi between 60 and 40' can never hold"),
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
        ["rsi < 30 or rsi > 70", "rsi between 40 and 60"],  # never, but 'or' is left to the person
    ],
)
def test_what_may_hold_together_is_left_alone(entry: list[str]) -> None:
    assert problems(entry) == ()


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
