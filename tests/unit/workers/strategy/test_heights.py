"""Rules that can never score enough are told, with the most that they can reach."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.terminal.values import RATES_DTYPE
from workers.strategy import library
from workers.strategy.checks import contradictions
from workers.strategy.decisions import decide_all
from workers.strategy.findings import look
from workers.strategy.heights import doubts
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.library import Profiles
from workers.strategy.rules import prepare
from workers.strategy.schema import Strategy, parse_strategy


def text(conditions: dict[str, list[str]], **changes: Any) -> str:
    document = {"symbol": "EURUSD", "timeframe": "M15", "conditions": conditions, "strategy": {"direction": "long"}}
    return json.dumps(document | changes, indent=1)


def strategy(conditions: dict[str, list[str]], **changes: Any) -> Strategy:
    return parse_strategy(text(conditions, **changes), "a.json")


@pytest.mark.parametrize(
    ("conditions", "part"),
    [
        (
            {"entry": ["close > 0"], "exit": ["close > 0"]},
            "conditions.entry: where these hold, the exit condition 'close > 0' holds too. The score is 60 at best, ",
        ),
        (
            {"entry": ["rsi < 50"], "strong": ["rsi > 60"]},
            "conditions.strong: strong can never hold together with entry: 'rsi < 50' and 'rsi > 60' can never hold "
            "together. The score is 62 at best, 75 is the least to open.",
        ),
        ({"entry": ["rsi < 30"], "exit": ["rsi < 40"]}, "the exit condition 'rsi < 40' holds too"),
        ({"entry": ["rsi < 90"], "exit": ["rsi < 50", "rsi > 40"]}, "'rsi < 50' or 'rsi > 40' holds too"),
        (
            {"entry": ["rsi < 30"], "strong": ["rsi > 40"], "exit": ["rsi < 35"]},
            "The score is 22 at best, 60 is the least",
        ),
        ({"entry": ["rsi < 50"], "strong": ["rsi < 30"], "exit": ["rsi < 40"]}, "The score is 62 at best"),
        (
            {"entry": ["close > 0"], "exit": ["close > 0"], "weak": ["high > 0"]},
            "weak condition 'high > 0' holds",
        ),
    ],
)
def test_what_can_never_open_is_told(conditions: dict[str, list[str]], part: str) -> None:
    (found,) = doubts(strategy(conditions))
    assert part in found
    (finding,) = look(text(conditions), "a.json", Profiles()).findings
    assert finding.text == found
    assert finding.path == ("conditions", "strong" if "strong can never" in found else "entry")


@pytest.mark.parametrize(
    "conditions",
    [
        {"entry": ["close > 0"], "weak": ["close > 0"]},  # 85 at best
        {"entry": ["rsi < 50"], "strong": ["rsi < 40"], "exit": ["rsi > 45"]},
        {"entry": ["close > open"], "exit": ["close < open[1]"]},
        {"entry": ["close > open"], "strong": ["ema_fast_gt_slow"], "exit": ["ema_fast_lt_slow"]},
    ],
)
def test_what_may_open_is_let_alone(conditions: dict[str, list[str]]) -> None:
    assert doubts(strategy(conditions)) == ()


def test_the_written_short_side_is_looked_at() -> None:
    short = {"entry": ["rsi > 60"], "exit": ["rsi > 50"]}
    found = strategy({"entry": ["rsi < 40"]}, short_conditions=short, strategy={"direction": "both"})
    assert [one.split(":")[0] for one in doubts(found)] == ["short_conditions.entry"]


def test_examples_can_open() -> None:
    for item in library.load(library.EXAMPLES).rules:
        assert doubts(item.strategy) == (), item.file_name


def test_a_rule_of_which_nothing_is_known_has_no_doubts(tmp_path: Path) -> None:
    assert doubts(strategy({"entry": ["nonsense"], "exit": ["close > 0"]})) == ()
    assert contradictions([]) == []


POOL = ["rsi < 30", "rsi < 50", "rsi > 40", "close > open", "close < open", "close > close[1]", "range > 0", "rsi > 60"]
GROUP = st.lists(st.sampled_from(POOL), max_size=2, unique=True)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(POOL), min_size=1, max_size=2, unique=True), GROUP, GROUP, GROUP)
def test_no_bar_scores_more_than_is_said(
    entry: list[str], strong: list[str], leave: list[str], weak: list[str]
) -> None:
    rule = strategy({"entry": entry, "strong": strong, "exit": leave, "weak": weak})
    ready, found = prepare(rule), doubts(rule)
    if ready.problems or not found:
        return
    best = float(found[0].split("The score is ")[1].split(" ")[0])
    decided = decide_all(rule, ready, Evaluator(BARS, 900))
    assert decided.score[decided.sides[0].entry].max(initial=0.0) <= best + 0.5


def _bars() -> Any:
    steps = np.random.default_rng(3).normal(0, 1e-3, 600)
    bars = np.zeros(600, RATES_DTYPE)
    bars["time"] = 1_748_937_600 + 900 * np.arange(600)
    bars["close"] = 1.1 + np.cumsum(steps)
    bars["open"] = np.roll(bars["close"], 1)
    bars["high"] = np.maximum(bars["open"], bars["close"]) + 1e-4
    bars["low"] = np.minimum(bars["open"], bars["close"]) - 1e-4
    return bars


BARS = _bars()
