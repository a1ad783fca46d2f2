"""The evaluation tasks on real files: ideas, the day's evaluation, and what a bad file costs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hand_terminal import Bench, make_rates

from app.errors import Blocked, Cancelled, NothingToDo, Retryable, UserAction
from app.tasks import NoParams, TaskContext
from app.terminal.symbols import SymbolBook
from workers.ai_tasks import EvaluationResult, SymbolParams, evaluate_all_strategies, evaluate_single_symbol
from workers.strategy.ideas import IdeaFiles, TradeIdea


def put(bench: Bench, name: str, **changes: Any) -> None:
    """A strategy file that has an idea whenever the fast average is on one side of the slow one."""
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "conditions": {"entry": ["ema_fast_gt_slow"]},
        "strategy": {"direction": "both"},
    }
    (bench.paths.strategies / f"{name}.json").write_text(json.dumps(document | changes), encoding="utf-8")


def run_all(bench: Bench) -> tuple[EvaluationResult, TaskContext]:
    ctx = bench.context("evaluate_all_strategies")
    return evaluate_all_strategies(ctx, NoParams()), ctx


def ideas_of(bench: Bench) -> list[Path]:
    return sorted(bench.paths.trade_ideas.glob("*.json"))


def test_idea_with_the_fields_of_old_and_its_evidence(bench: Bench) -> None:
    put(bench, "trend")
    result, ctx = run_all(bench)
    (path,) = ideas_of(bench)
    assert path.name == "EURUSD_20250603_120000.json"
    idea = json.loads(path.read_text(encoding="utf-8"))
    assert set(idea) == {
        "schema", "id", "timestamp", "symbol", "timeframe", "confidence", "action", "direction", "entry_price",
        "stop_loss", "take_profit", "volume", "rr_ratio", "emnr_flags", "indicators", "execution_plan", "status",
        "notes", "evidence",
    }  # fmt: skip
    assert (idea["schema"], idea["volume"], idea["status"]) == (1, None, "pending_approval")
    assert idea["execution_plan"] == {"action": "open_or_scale", "riskPct": 0.01}
    assert idea["evidence"]["bar_close"] == "2025-06-03T12:00:00.000Z"
    assert idea["evidence"]["score"][-1] == "score: 100"
    assert idea["evidence"]["conditions"][0]["name"].startswith("ema_fast_")
    assert TradeIdea.model_validate(idea).id == idea["id"]
    assert (result.ideas, result.summary()) == (1, "1 strategy on 1 symbol, 1 new idea")
    assert ctx.files == ["data/trade_ideas/EURUSD_20250603_120000.json", "data/evaluations/evaluation_20250603.json"]


def test_unchanged_idea_is_not_written_twice(bench: Bench) -> None:
    put(bench, "trend")
    run_all(bench)
    bench.clock.advance(60)
    result, _ = run_all(bench)
    assert (result.ideas, result.known, len(ideas_of(bench))) == (0, 1, 1)
    assert "written already" in result.outcomes[0]["reason"]


def test_changed_rule_on_the_same_bar_is_another_idea(bench: Bench) -> None:
    put(bench, "trend")
    run_all(bench)
    put(bench, "trend", indicators={"atr": {"multiplier": 3}})
    result, _ = run_all(bench)
    assert (result.ideas, len(ideas_of(bench))) == (1, 2)


def test_ideas_of_the_same_second_get_files_of_their_own(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        put(bench, name)
    result, _ = run_all(bench)
    assert result.ideas == 3
    assert [path.name for path in ideas_of(bench)] == [
        "EURUSD_20250603_120000.json",
        "EURUSD_20250603_120000_2.json",
        "EURUSD_20250603_120000_3.json",
    ]
    assert {json.loads(path.read_text(encoding="utf-8"))["evidence"]["strategy_id"] for path in ideas_of(bench)} == {
        "a",
        "b",
        "c",
    }


def test_two_runs_at_once_write_an_idea_once(bench: Bench) -> None:
    put(bench, "trend")
    run_all(bench)
    (path,) = ideas_of(bench)
    idea = TradeIdea.model_validate_json(path.read_text(encoding="utf-8"))
    path.unlink()
    files, now = IdeaFiles(bench.storage, bench.paths.trade_ideas), bench.clock.now()
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda _: files.add(idea, now, now), range(24)))
    assert sum(path is not None for path in written) == 1
    assert len(ideas_of(bench)) == 1


def test_evaluation_of_the_day_grows(bench: Bench) -> None:
    put(bench, "trend")
    put(bench, "quiet", conditions={"entry": ["rsi_gt_70", "price_below_ema_slow"]})
    run_all(bench)
    run_all(bench)
    path = bench.paths.evaluations / "evaluation_20250603.json"
    document = json.loads(path.read_text(encoding="utf-8"))
    first, second = document["entries"]
    assert (first["run_id"], first["task"]) == ("run-1", "evaluate_all_strategies")
    assert (first["counts"]["idea"], first["counts"]["observed"]) == (1, 1)
    assert second["counts"]["known"] == 1
    quiet = next(item for item in first["outcomes"] if item["strategy"] == "quiet")
    assert quiet["outcome"] == "observed"
    assert quiet["score"] is not None
    assert "entry: " in quiet["reason"]
    assert quiet["bar_time"] == "2025-06-03T11:55:00.000Z"


@pytest.mark.allow_warnings
def test_bad_files_are_told_and_cost_nothing_else(bench: Bench) -> None:
    put(bench, "trend")
    put(bench, "later", conditions={"entry": ["no_such_fact"]})
    (bench.paths.strategies / "broken.json").write_text("{", encoding="utf-8")
    result, ctx = run_all(bench)
    assert (result.ideas, result.not_evaluated, result.strategies) == (1, 2, 3)
    assert any("broken.json is not valid JSON: line 1" in text for text in ctx.warnings)
    assert any("later was not evaluated" in text and "nothing called" in text for text in ctx.warnings)
    assert result.summary() == "3 strategies on 1 symbol, 1 new idea, 2 not evaluated"


def test_all_bad_is_for_the_user(bench: Bench) -> None:
    put(bench, "later", conditions={"entry": ["no_such_fact"]})
    (bench.paths.strategies / "broken.json").write_text("{", encoding="utf-8")
    with pytest.raises(UserAction, match=r"Not one of 2 strategies could be evaluated\. later: .*broken\.json"):
        run_all(bench)


def test_old_bar_is_seen_but_gives_no_idea(bench: Bench) -> None:
    put(bench, "trend")
    bench.clock.advance(86_400)
    result, _ = run_all(bench)
    assert (result.ideas, result.forbidden, ideas_of(bench)) == (0, 1, [])
    assert "24 h ago although the market is open. The feed stands still" in result.outcomes[0]["reason"]
    bench.clock.advance(4 * 86_400)  # Sunday morning
    result, _ = run_all(bench)
    assert "ago: the market seems closed. Seen on it: " in result.outcomes[0]["reason"]


def test_a_feed_that_stands_still_gives_no_idea(bench: Bench) -> None:
    put(bench, "trend")
    bench.terminal.quote("EURUSD", 1.1, 1.1001, age_s=301)
    result, _ = run_all(bench)
    assert (result.ideas, ideas_of(bench)) == (0, [])
    reason = result.outcomes[0]["reason"]
    assert reason.startswith("The newest quote of EURUSD is 5 min old although its market is open.")
    assert "Seen on it: " in reason


def test_no_strategy_is_nothing_to_do(bench: Bench) -> None:
    put(bench, "off", enabled=False)
    with pytest.raises(NothingToDo, match="No strategy is enabled"):
        run_all(bench)
    assert list(bench.paths.evaluations.iterdir()) == []


def test_no_watched_symbol_is_nothing_to_do(bench: Bench) -> None:
    put(bench, "trend", symbol="GBPUSD")
    with pytest.raises(NothingToDo, match="None of 1 enabled strategy trades a symbol on the watch list"):
        run_all(bench)
    bench.market(watch_list=())
    with pytest.raises(NothingToDo, match="watch list is empty"):
        run_all(bench)


@pytest.mark.allow_warnings("Too few closed M15 bars", "Too few closed H1 bars")
def test_first_start_brings_the_examples(bench: Bench) -> None:
    result, _ = run_all(bench)
    assert result.strategies >= 1
    assert result.not_watched >= 1
    assert (bench.paths.strategies / "EURUSD_M5_pullback.json").is_file()
    assert (bench.paths.profiles / "EURUSD.json").is_file()


def test_example_profiles_do_not_join_strategies_of_a_user(bench: Bench) -> None:
    put(bench, "trend")
    run_all(bench)
    assert list(bench.paths.profiles.glob("*.json")) == []


def test_profile_of_the_symbol_counts(bench: Bench) -> None:
    put(bench, "trend")
    profile = {"symbol": "EURUSD", "style": {"rrTarget": 3, "maxRiskPct": 0.004}, "bestSessions": ["Sydney"]}
    (bench.paths.profiles / "EURUSD.json").write_text(json.dumps(profile), encoding="utf-8")
    run_all(bench)
    (path,) = ideas_of(bench)
    idea = json.loads(path.read_text(encoding="utf-8"))
    assert (idea["rr_ratio"], idea["confidence"]) == (3.0, 75.0)
    assert idea["execution_plan"]["riskPct"] == 0.004
    assert "alignment (outside Sydney): +0" in idea["evidence"]["score"]
    assert "3 (rrTarget of the profile) x" in idea["evidence"]["prices"][2]


@pytest.mark.allow_warnings
def test_bad_profile_costs_the_strategies_of_its_symbol_only(bench: Bench) -> None:
    put(bench, "trend")
    put(bench, "pound", symbol="GBPUSD")
    bench.terminal.add("GBPUSD", bench.terminal.history["EURUSD", "M5"])
    bench.market(watch_list=("EURUSD", "GBPUSD"))
    (bench.paths.profiles / "EURUSD.json").write_text("{", encoding="utf-8")
    result, ctx = run_all(bench)
    assert (result.ideas, result.not_evaluated) == (1, 1)
    assert any("trend was not evaluated: Profile EURUSD.json is not valid JSON" in text for text in ctx.warnings)


def test_bars_of_other_timeframes_are_fetched_and_closed(bench: Bench) -> None:
    rates = bench.terminal.history["EURUSD", "M5"]
    hours = rates[::12].copy()
    bench.terminal.history["EURUSD", "H1"] = hours
    put(bench, "trend", conditions={"entry": ["H1.close > 0", "H1.close < 9"]}, strategy={"direction": "long"})
    result, _ = run_all(bench)
    assert bench.terminal.calls == ["symbol_info", "rates", "rates", "snapshot"]
    assert result.ideas == 1
    (path,) = ideas_of(bench)
    closed = hours[hours["time"] + 3600 <= bench.clock.now().timestamp()]["close"][-1]
    values = json.loads(path.read_text(encoding="utf-8"))["evidence"]["conditions"][0]["values"]
    assert values == f"H1.close {closed:.5f} > 0"


@pytest.mark.allow_warnings
def test_missing_bars_of_another_timeframe_are_told(bench: Bench) -> None:
    put(bench, "trend")
    put(bench, "higher", conditions={"entry": ["D1.close > D1.sma(5)"]})
    result, ctx = run_all(bench)
    assert (result.ideas, result.not_evaluated) == (1, 1)
    assert any("Too few closed D1 bars of EURUSD: 0, the rule needs 5" in text for text in ctx.warnings)


@pytest.mark.allow_warnings
def test_symbol_that_fails_costs_its_strategies_only(bench: Bench) -> None:
    put(bench, "trend")
    put(bench, "lost", symbol="NOSUCH")
    bench.market(watch_list=("EURUSD", "NOSUCH"))
    result, ctx = run_all(bench)
    assert (result.ideas, result.not_evaluated) == (1, 1)
    assert "no symbol 'NOSUCH'" in ctx.warnings[0]


def test_terminal_trouble_with_all_is_that_error(bench: Bench) -> None:
    put(bench, "trend")
    bench.terminal.errors["EURUSD"] = Retryable("The terminal did not answer.")
    with pytest.raises(Retryable):
        run_all(bench)
    bench.terminal.connected = False
    with pytest.raises(Blocked):
        run_all(bench)


def test_cancelled(bench: Bench) -> None:
    put(bench, "trend")
    bench.cancel.set()
    with pytest.raises(Cancelled):
        run_all(bench)
    assert ideas_of(bench) == []


def test_bars_are_fetched_once_for_all_strategies_of_a_symbol(bench: Bench) -> None:
    for name in ("a", "b", "c"):
        put(bench, name)
    run_all(bench)
    assert bench.terminal.calls == ["symbol_info", "rates", "snapshot"]


def test_single_symbol_need_not_be_watched(bench: Bench) -> None:
    bench.terminal.add("GBPUSD", make_rates(bench.terminal.history["EURUSD", "M5"]["close"], bench.clock.now()))
    bench.terminal.history["GBPUSD", "M5"] = bench.terminal.history["EURUSD", "M5"]
    put(bench, "pound", symbol="GBPUSD")
    put(bench, "pound_h1", symbol="GBPUSD", timeframe="H1")
    put(bench, "trend")
    result = evaluate_single_symbol(bench.context(), SymbolParams(symbol="GBPUSD", timeframe="M5"))
    assert [item["strategy"] for item in result.outcomes] == ["pound"]
    assert result.ideas == 1


def test_single_symbol_without_strategy_is_nothing_to_do(bench: Bench) -> None:
    put(bench, "trend")
    with pytest.raises(NothingToDo, match="No enabled strategy trades EURUSD on H1"):
        evaluate_single_symbol(bench.context(), SymbolParams(symbol="EURUSD", timeframe="H1"))


def test_unknown_symbol_is_for_the_user(bench: Bench) -> None:
    with pytest.raises(UserAction, match="no symbol 'EURUSX'") as caught:
        evaluate_single_symbol(bench.context(), SymbolParams(symbol="EURUSX"))
    assert "EURUSD" in caught.value.advice


def test_a_likely_symbol_is_not_evaluated_before_it_is_confirmed(bench: Bench) -> None:
    history = bench.terminal.history["EURUSD", "M5"]
    del bench.terminal.symbols["EURUSD"]
    bench.terminal.add("EURUSDm", history)
    bench.terminal.server = "Broker"
    put(bench, "trend")
    with pytest.raises(UserAction, match="symbols confirm EURUSD EURUSDm"):
        run_all(bench)
    with pytest.raises(UserAction, match="no symbol 'EURUSD'") as caught:
        evaluate_single_symbol(bench.context(), SymbolParams(symbol="EURUSD"))
    assert "symbols confirm EURUSD EURUSDm" in caught.value.advice
    assert ideas_of(bench) == []
    SymbolBook(bench.storage, bench.clock).confirm("Broker", "EURUSD", "EURUSDm")
    result, _ = run_all(bench)
    assert result.ideas == 1
    (path,) = ideas_of(bench)
    assert json.loads(path.read_text(encoding="utf-8"))["symbol"] == "EURUSD"
