"""Symbol profiles: read, refused, and what they change in an evaluation."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.errors import UserAction
from app.terminal.values import Rates
from workers.strategy import library
from workers.strategy.confidence import Action
from workers.strategy.evaluate import Outcome, evaluate
from workers.strategy.prices import PriceGrid, trade_terms
from workers.strategy.profile import Profile, ProfileFileError, parse_profile
from workers.strategy.rules import prepare
from workers.strategy.schema import Strategy, parse_strategy

MakeRates = Callable[..., Rates]
GRID = PriceGrid(5, 1e-5, 1e-5)
UP = 1.1 + np.arange(30) * 1e-4


def profile(**changes: Any) -> Profile:
    return parse_profile(json.dumps({"symbol": "EURUSD"} | changes), "EURUSD.json")


def strategy(**changes: Any) -> Strategy:
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "indicators": {"ema": {"fast": 2, "slow": 4}, "rsi": {"period": 2}, "atr": {"period": 2, "multiplier": 2}},
        "conditions": {"entry": ["ema_fast_gt_slow"]},
        "strategy": {"direction": "long", "min_rr": 2.0, "max_risk_pct": 0.02},
    }
    return parse_strategy(json.dumps(document | changes), "a.json")


def test_old_profile_is_read() -> None:
    found = profile(
        bestSessions=["London", "NewYork"],
        bestTimeframes=["M15", "H1"],
        externalDrivers=["DXY", "US10Y"],
        style={"bias": "bullish", "rrTarget": 2.5, "maxRiskPct": 0.01},
        management={"breakevenAfterRR": 1, "partialAtRR": 1.5, "trailUsingATR": True, "atrMultiplier": 1.8},
        invalidations=["spread > 30"],
    )
    assert found.style.bias == "long"
    assert found.management.atrMultiplier == 1.8


@pytest.mark.parametrize(
    ("written", "meant"), [("Bearish", "short"), ("neutral", "both"), (None, "both"), ("", "both")]
)
def test_words_of_old_files_for_the_bias(written: str | None, meant: str) -> None:
    assert profile(style={"bias": written}).style.bias == meant


@pytest.mark.parametrize(
    ("changes", "parts"),
    [
        ({"bestSessions": ["Paris"]}, ("bestSessions.0", "'London'", "'Paris'")),
        ({"bestTimeframes": ["H9"]}, ("bestTimeframes.0", "'M15'", "'H9'")),
        ({"style": {"bias": "up"}}, ("style.bias", "'long'", "'up'")),
        ({"style": {"maxRiskPct": 1}}, ("style.maxRiskPct", "fraction", "0.01 is 1 %")),
        ({"style": {"rrTargt": 1}}, ("style.rrTargt", "Did you mean 'rrTarget'")),
        ({"management": {"atrMultiplier": 0}}, ("management.atrMultiplier", "0.1")),
        ({"managment": {}}, ("managment", "Did you mean 'management'")),
        ({"schema": 9}, ("layout 9", "Update Metronome")),
        ({"symbol": ""}, ("symbol", "at least 1")),
    ],
)
def test_error_names_file_place_and_allowed(changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(ProfileFileError) as caught:
        profile(**changes)
    for part in ("Profile EURUSD.json", *parts):
        assert part in str(caught.value)


def test_folder_of_profiles(tmp_path: Path) -> None:
    (tmp_path / "EURUSD.json").write_text('{"symbol": "EURUSD"}', encoding="utf-8")
    (tmp_path / "USDJPY.json").write_text('{"symbol": "USDJPY"}', encoding="utf-8")
    (tmp_path / "second.json").write_text('{"symbol": "EURUSD"}', encoding="utf-8")
    (tmp_path / "US500%2FUSD.json").write_text("{", encoding="utf-8")
    found = library.load_profiles(tmp_path)
    item = found.of("USDJPY")
    assert item is not None
    assert (item.file_name, len(item.sha256)) == ("USDJPY.json", 64)
    assert "both of EURUSD" in str(found.bad["second.json"])
    with pytest.raises(UserAction, match="both of EURUSD"):
        found.of("EURUSD")
    assert found.of("GBPUSD") is None
    with pytest.raises(UserAction, match="not valid JSON"):
        found.of("US500/USD")
    assert library.load_profiles(tmp_path / "none").by_symbol == {}


def test_example_profiles_fit_the_example_strategies() -> None:
    profiles = library.load_profiles(library.PROFILE_EXAMPLES)
    assert profiles.bad == {}
    assert len(profiles.by_symbol) >= 3
    rules = library.load(library.EXAMPLES).rules
    for item in rules:
        found = profiles.of(item.strategy.symbol)
        assert prepare(item.strategy, found.profile if found else None).problems == (), item.file_name
    assert set(profiles.by_symbol) <= {item.strategy.symbol for item in rules}


def test_stop_target_and_risk_come_from_the_files_that_say_so() -> None:
    own, none = strategy(), strategy(indicators={})
    asked = profile(style={"rrTarget": 3, "maxRiskPct": 0.005}, management={"atrMultiplier": 1.2})
    assert trade_terms(own, None).reward == 2.0
    found = trade_terms(own, asked)
    assert (found.multiplier, found.multiplier_from) == (2, "strategy")
    assert (found.reward, found.max_risk) == (3, 0.005)
    found = trade_terms(none, asked)
    assert (found.multiplier, found.multiplier_from) == (1.2, "profile")
    assert trade_terms(none, profile()).multiplier == 1.5
    assert trade_terms(own, profile(style={"maxRiskPct": 0.1})).max_risk == 0.02


def test_target_of_the_profile_below_the_least_reward_waits(rates_of: MakeRates) -> None:
    found = evaluate(strategy(), rates_of(UP), 300, GRID, profile=profile(style={"rrTarget": 1.5}))
    assert (found.outcome, found.action) == (Outcome.IDEA, Action.WAIT_RR)
    assert found.plan is not None
    assert found.plan.reward_risk == 1.5
    assert "1.50 of the risk, the strategy wants 2" in found.reason


@pytest.mark.parametrize(
    ("changes", "value", "line"),
    [
        ({}, 100.0, "alignment (all hours): +10"),
        ({"bestSessions": ["London"]}, 100.0, "alignment (in London): +10"),
        ({"bestSessions": ["Sydney"]}, 75.0, "alignment (outside Sydney): +0"),
        ({"bestTimeframes": ["M5"]}, 100.0, "alignment (all hours): +10"),
        (
            {"bestTimeframes": ["H1", "H4"]},
            75.0,
            "alignment (all hours; M5 is none of the best timeframes H1, H4): +0",
        ),
        ({"style": {"bias": "long"}}, 100.0, "alignment (all hours): +10"),
        ({"style": {"bias": "short"}}, 75.0, "alignment (all hours; against the bias short of the profile): +0"),
    ],
)
def test_alignment_by_session_timeframe_and_bias(
    changes: dict[str, Any], value: float, line: str, rates_of: MakeRates
) -> None:
    found = evaluate(strategy(), rates_of(UP), 300, GRID, profile=profile(**changes))
    assert found.score is not None
    assert found.score.value == value
    assert line in found.score.as_text()


def test_sessions_of_the_strategy_come_before_those_of_the_profile(rates_of: MakeRates) -> None:
    found = evaluate(strategy(sessions=["London"]), rates_of(UP), 300, GRID, profile=profile(bestSessions=["Sydney"]))
    assert found.score is not None
    assert found.score.value == 100.0


def test_invalidation_of_the_profile_forbids_either_side(rates_of: MakeRates) -> None:
    both = strategy(strategy={"direction": "both"})
    for closes in (UP, 2.3 - UP):
        found = evaluate(both, rates_of(closes), 300, GRID, profile=profile(invalidations=["spread > 5"]))
        assert (found.outcome, found.plan) == (Outcome.NO_IDEA, None)
        assert found.reason == "Invalidated by spread > 5 (spread 10 > 5)."


def test_mistake_in_a_profile_is_told_with_its_path(rates_of: MakeRates) -> None:
    found = evaluate(strategy(), rates_of(UP), 300, GRID, profile=profile(invalidations=["NFP day"]))
    assert found.outcome is Outcome.NOT_EVALUATED
    assert "profile EURUSD: invalidations[0] 'NFP day', column 1" in found.reason
