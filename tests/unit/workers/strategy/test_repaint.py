"""Ideas of the last day decided again: silent while nothing differs, and the condition at fault when something does."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench, make_rates

from app.errors import Blocked, MetronomeError, Retryable
from app.tasks import NoParams, TaskContext
from workers.ai_tasks import EvaluationResult, evaluate_all_strategies
from workers.strategy import repaint
from workers.strategy.evaluate import judge
from workers.strategy.ideas import IdeaFiles
from workers.strategy.repaint import check


def put(bench: Bench, name: str, **changes: Any) -> None:
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "conditions": {"entry": ["close > sma(5)"]},
        "strategy": {"direction": "both", "news_embargo_minutes": 0},
    }
    (bench.paths.strategies / f"{name}.json").write_text(json.dumps(document | changes), encoding="utf-8")


def run_all(bench: Bench) -> tuple[EvaluationResult, TaskContext]:
    ctx = bench.context("evaluate_all_strategies")
    return evaluate_all_strategies(ctx, NoParams()), ctx


@pytest.fixture
def idea(bench: Bench) -> Bench:
    """A home with one idea, and 30 more bars to come that leave it as it is."""
    put(bench, "trend")
    history = bench.terminal.history["EURUSD", "M5"]
    more = make_rates(np.full(30, history["close"][-1]), bench.clock.now())
    bench.terminal.history["EURUSD", "M5"] = np.concatenate((history[:-1], more))
    result, ctx = run_all(bench)
    assert (result.ideas, ctx.warnings) == (1, [])
    return bench


def change_close(bench: Bench, back: int, by: float) -> None:
    """Change the close of a bar, counted back from the idea's."""
    rates = bench.terminal.history["EURUSD", "M5"]
    at = int(np.searchsorted(rates["time"], 1_748_951_700)) - back  # 2025-06-03 11:55
    rates["close"][at] += by
    rates["high"][at] = max(rates["high"][at], rates["close"][at])
    rates["low"][at] = min(rates["low"][at], rates["close"][at])


def test_ideas_that_stand_are_not_told_of(idea: Bench) -> None:
    for _ in range(3):
        idea.clock.advance(300)
        _result, ctx = run_all(idea)
        assert ctx.warnings == []
    kept = json.loads((idea.paths.cache / repaint.FILE_NAME).read_text(encoding="utf-8"))["ideas"]
    assert next(iter(kept.values())) == ["EURUSD", "M5", 1_748_951_700, 1_748_952_600, False]


@pytest.mark.allow_warnings("would be another today")
def test_bars_changed_by_the_broker_are_told_once_with_the_condition(idea: Bench) -> None:
    change_close(idea, 0, -0.01 if "long" in _id(idea) else 0.01)
    idea.clock.advance(300)
    _result, ctx = run_all(idea)
    (warning,) = ctx.warnings
    assert warning.startswith("Idea trend_20250603_115500_")
    assert "its direction was" in warning
    assert "The terminal has changed bars since, the first of 2025-06-03 11:55 UTC." in warning
    idea.clock.advance(300)
    assert run_all(idea)[1].warnings == []


@pytest.mark.allow_warnings("would be another today")
def test_the_condition_at_fault_is_named(bench: Bench) -> None:
    put(bench, "steep", conditions={"entry": ["close > 1"], "weak": ["close[3] > 5"]}, strategy=_long())
    history = bench.terminal.history["EURUSD", "M5"]
    more = make_rates(np.full(30, history["close"][-1]), bench.clock.now())
    bench.terminal.history["EURUSD", "M5"] = np.concatenate((history[:-1], more))
    assert run_all(bench)[0].ideas == 1
    change_close(bench, 3, 5)
    bench.clock.advance(300)
    _result, ctx = run_all(bench)
    assert any("the weak condition close[3] > 5 did not hold" in text and "holds now" in text for text in ctx.warnings)


@pytest.mark.allow_warnings("would be another today")
def test_a_condition_that_looks_ahead_is_found(idea: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the later bars in sight the past must stay as it was; here the judgement is made to change with them."""

    def ahead(side: Any, bars: Any, index: int, digits: int) -> Any:
        found = judge(side, bars, index, digits)
        facts = tuple((group, type(fact)(fact.name, not fact.holds, "later")) for group, fact in found.facts)
        return type(found)(found.side, found.entry, found.exit, found.strong, found.weak, found.invalidated, facts)

    monkeypatch.setattr(repaint, "judge", ahead)
    idea.clock.advance(300)
    (warning,) = run_all(idea)[1].warnings
    assert "the entry condition close" in warning
    assert "does not hold now (later)" in warning
    assert "changed bars" not in warning


@pytest.mark.allow_warnings("would be another today")
def test_a_bar_that_is_gone(idea: Bench) -> None:
    rates = idea.terminal.history["EURUSD", "M5"]
    idea.terminal.history["EURUSD", "M5"] = rates[rates["time"] != 1_748_951_700]
    idea.clock.advance(600)
    assert any("the terminal has its bar no more" in text for text in run_all(idea)[1].warnings)


def test_ideas_older_than_a_day_rest(idea: Bench) -> None:
    change_close(idea, 0, -0.01 if "long" in _id(idea) else 0.01)
    idea.clock.advance(86_400 + 300)
    assert run_all(idea)[1].warnings == []


@pytest.mark.parametrize("trouble", [Retryable("The terminal did not answer."), Blocked("The terminal is away.")])
def test_trouble_with_the_check_costs_nothing(idea: Bench, trouble: MetronomeError) -> None:
    idea.clock.advance(300)
    ctx = idea.context()

    def fails(symbol: str, timeframe: str, number: int) -> Any:
        raise trouble

    check(ctx, IdeaFiles(idea.paths), {("EURUSD", "M5"): 1_748_952_000}, fails)
    assert ctx.warnings == []
    (idea.paths.cache / repaint.FILE_NAME).write_text('{"schema": 1, "ideas": {"x": 1}}', encoding="utf-8")
    assert run_all(idea)[1].warnings == []


def _id(bench: Bench) -> str:
    (path,) = bench.paths.trade_ideas.glob("*.json")
    return str(json.loads(path.read_text(encoding="utf-8"))["id"])


def _long() -> dict[str, Any]:
    return {"direction": "long", "news_embargo_minutes": 0}
