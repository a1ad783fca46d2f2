"""The evaluation tasks on real files: ideas, the day's evaluation, and what a bad file costs."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench, make_rates

from app.errors import Blocked, Cancelled, NothingToDo, Retryable, UserAction
from app.json_list import write_list
from app.settings_model import SimulatedSettings
from app.storage import Storage
from app.tasks import NoParams, TaskContext
from app.terminal.symbols import SymbolBook
from app.terminal.timeframes import TIMEFRAMES
from workers.ai_tasks import EvaluationResult, SymbolParams, evaluate_all_strategies, evaluate_single_symbol
from workers.calendar import store as calendar_store
from workers.calendar.values import Calendar, Event, Impact, SourceState
from workers.strategy import calibration
from workers.strategy.ideas import IdeaFiles, TradeIdea
from workers.strategy.library import read_rule
from workers.strategy.overview import overview
from workers.strategy.replay import verify
from workers.strategy.rule_command import strategies


def put(bench: Bench, name: str, **changes: Any) -> None:
    """A strategy file that has an idea whenever the fast average is on one side of the slow one."""
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "conditions": {"entry": ["ema_fast_gt_slow"]},
        "strategy": {"direction": "both", "news_embargo_minutes": 0},
    }
    (bench.paths.strategies / f"{name}.json").write_text(json.dumps(document | changes), encoding="utf-8")


def run_all(bench: Bench) -> tuple[EvaluationResult, TaskContext]:
    ctx = bench.context("evaluate_all_strategies")
    return evaluate_all_strategies(ctx, NoParams()), ctx


def ideas_of(bench: Bench) -> list[Path]:
    return sorted(bench.paths.trade_ideas.glob("*.json"))


def calibrate(bench: Bench, name: str, *, simulated: bool = False) -> None:
    """Keep of that strategy that 122 of 214 signals reached their target."""
    strategy = read_rule(bench.paths.strategies / f"{name}.json").strategy
    document = {
        "rule": calibration.rule_key(strategy, None),
        "steps": [{"low": 60.0, "high": 100.0, "signals": 214, "reached": 122}],
        "costs": {"commission": 0.0, "slippage": 0.0},
        "simulated": simulated,
    }
    path = calibration.path_of(bench.paths, name, strategy.symbol, strategy.timeframe)
    Storage(bench.paths, bench.clock).write_json(path, document)


@pytest.mark.parametrize(
    ("of_simulated", "in_simulated", "carried"),
    [(False, False, True), (False, True, True), (True, True, True), (True, False, False)],
)
def test_an_idea_carries_what_a_backtest_found_of_its_score(
    bench: Bench, of_simulated: bool, in_simulated: bool, carried: bool
) -> None:
    """What was found in a made-up market says nothing of a real one."""
    put(bench, "trend")
    calibrate(bench, "trend", simulated=of_simulated)
    bench.terminal.simulated = in_simulated
    run_all(bench)
    idea = json.loads(ideas_of(bench)[0].read_text(encoding="utf-8"))
    assert idea["calibration"]["calibrated"] is carried
    assert (idea["evidence"]["calibration_sha256"] is not None) is carried
    assert not verify(bench.paths).faults
    if carried:
        assert (idea["calibration"]["signals"], idea["calibration"]["probability"]) == (214, 0.5701)


def test_a_rule_that_changed_since_is_not_calibrated(bench: Bench) -> None:
    put(bench, "trend")
    calibrate(bench, "trend")
    put(bench, "trend", indicators={"atr": {"multiplier": 2.0}})
    run_all(bench)
    idea = json.loads(ideas_of(bench)[0].read_text(encoding="utf-8"))
    assert idea["calibration"]["reason"] == "the rule or its profile changed since its backtest"


def test_idea_with_the_fields_of_old_and_its_evidence(bench: Bench) -> None:
    put(bench, "trend")
    result, ctx = run_all(bench)
    (path,) = ideas_of(bench)
    assert path.name == "EURUSD_20250603_120000.json"
    idea = json.loads(path.read_text(encoding="utf-8"))
    assert set(idea) == {
        "schema", "id", "timestamp", "symbol", "timeframe", "confidence", "action", "direction", "entry_price",
        "stop_loss", "take_profit", "volume", "rr_ratio", "emnr_flags", "indicators", "execution_plan", "status",
        "notes", "evidence", "calibration",
    }  # fmt: skip
    assert (idea["schema"], idea["status"], idea["notes"]) == (1, "pending_approval", "")
    assert idea["volume"] > 0
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
    idea = TradeIdea.model_validate_json(path.read_text(encoding="utf-8")).model_copy(update={"id": "another"})
    files, now = IdeaFiles(bench.paths), bench.clock.now()
    with ThreadPoolExecutor(8) as pool:
        written = list(pool.map(lambda _: files.add(idea, now, now), range(24)))
    assert sum(path is not None for path in written) == 1
    assert len(ideas_of(bench)) == 2


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
    put(
        bench,
        "trend",
        conditions={"entry": ["H1.close > 0", "H1.close < 9"]},
        strategy={"direction": "long", "news_embargo_minutes": 0},
    )
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


def only_idea(bench: Bench) -> dict[str, Any]:
    (path,) = ideas_of(bench)
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def test_volume_by_hand(bench: Bench) -> None:
    put(bench, "trend")
    run_all(bench)
    idea = only_idea(bench)
    ticks = round(abs(idea["entry_price"] - idea["stop_loss"]) / 1e-5)
    # 1 % of 10,000 is 100; a tick of one lot is worth 1
    assert idea["volume"] == int(100 / ticks * 100) / 100
    assert idea["evidence"]["size"][0] == "risk 100.00 = 0.01 of 10000.00"
    assert idea["evidence"]["size"][-1] == f"volume {idea['volume']:g}"


def test_too_small_an_account_has_no_volume_and_says_so(bench: Bench) -> None:
    put(bench, "trend")
    bench.terminal.balance = bench.terminal.equity = 20.0
    result, _ = run_all(bench)
    idea = only_idea(bench)
    assert idea["volume"] is None
    assert idea["notes"].startswith("The account is too small for this risk: 0.20 may be lost")
    assert result.outcomes[0]["no_volume"] == idea["notes"]
    assert idea["notes"] in result.outcomes[0]["reason"]


def test_account_that_does_not_answer_leaves_the_volume_open(bench: Bench) -> None:
    put(bench, "trend")
    bench.terminal.account_trouble = Retryable("The terminal did not answer.")
    run_all(bench)
    idea = only_idea(bench)
    assert idea["volume"] is None
    assert "positions are not known" in idea["notes"]
    assert "The account is not known: The terminal did not answer." in idea["notes"]


def test_specification_with_numbers_that_are_none(bench: Bench) -> None:
    put(bench, "trend")
    info = bench.terminal.symbols["EURUSD"]
    bench.terminal.symbols["EURUSD"] = replace(info, trade_tick_value=float("nan"))
    run_all(bench)
    idea = only_idea(bench)
    assert idea["volume"] is None
    assert "no usable tick value" in idea["notes"]


def test_stored_grade_forbids(bench: Bench) -> None:
    put(bench, "trend")
    grades = [{"symbol": "EURUSD", "timeframe": "M5", "grade": "D"}]
    write_list(bench.paths.cache / "data_grades.json", {}, "grades", grades)
    result, _ = run_all(bench)
    assert (result.ideas, result.forbidden, ideas_of(bench)) == (0, 1, [])
    assert "The bars of EURUSD M5 have grade D; C or better is asked for." in result.outcomes[0]["reason"]
    assert result.outcomes[0]["closed_gates"] == ["data grade"]
    strategies = bench.settings.strategies.model_copy(update={"least_grade": "D"})
    bench.settings = bench.settings.model_copy(update={"strategies": strategies})
    assert run_all(bench)[0].ideas == 1


def test_switched_off_symbol_forbids(bench: Bench) -> None:
    put(bench, "trend")
    bench.terminal.symbols["EURUSD"] = replace(bench.terminal.symbols["EURUSD"], trade_mode=0)
    result, _ = run_all(bench)
    assert result.outcomes[0]["closed_gates"] == ["market open"]
    assert "The broker has switched trading in EURUSD off." in result.outcomes[0]["reason"]


def with_calendar(bench: Bench, *events: Event, age_h: float = 1) -> None:
    now = bench.clock.now()
    week = timedelta(days=7)
    source = SourceState("a", succeeded=now - timedelta(hours=age_h), covers_from=now - week, covers_until=now + week)
    calendar_store.save(bench.storage, Calendar(events, (source,)), now)


def test_calendar_forbids_and_takes_points(bench: Bench) -> None:
    put(bench, "trend", strategy={"direction": "both", "news_embargo_minutes": 30})
    result, _ = run_all(bench)
    assert result.outcomes[0]["closed_gates"] == ["news"]
    assert "There is no economic calendar" in result.outcomes[0]["reason"]
    with_calendar(bench, age_h=30)
    assert "calendar is 30 h old" in run_all(bench)[0].outcomes[0]["reason"]
    soon = Event("1", bench.clock.now() + timedelta(minutes=20), "USD", Impact.MEDIUM, "PMI")
    with_calendar(bench, soon)
    assert run_all(bench)[0].ideas == 1
    idea = only_idea(bench)
    assert (idea["confidence"], idea["action"]) == (70.0, "pending_only")
    assert "news (USD PMI, medium impact, in 20 min): -30" in idea["evidence"]["score"]
    assert idea["execution_plan"]["riskPct"] == 0.005
    assert idea["evidence"]["calendar_sha256"]


def test_newcomer_on_the_simulated_market_needs_no_calendar(bench: Bench) -> None:
    put(bench, "trend", strategy={"direction": "both", "news_embargo_minutes": 30})
    bench.terminal.simulated = True
    assert run_all(bench)[0].ideas == 1
    gates = {gate["name"]: gate for gate in only_idea(bench)["evidence"]["gates"]}
    assert list(gates) == ["terminal", "market open", "fresh bar", "moving feed", "data grade", "news"]
    assert all(gate["holds"] for gate in gates.values())


def test_changed_profile_on_the_same_bar_is_another_idea(bench: Bench) -> None:
    put(bench, "trend")
    run_all(bench)
    profile = {"symbol": "EURUSD", "style": {"rrTarget": 3}}
    (bench.paths.profiles / "EURUSD.json").write_text(json.dumps(profile), encoding="utf-8")
    assert run_all(bench)[0].ideas == 1
    assert run_all(bench)[0].ideas == 0


def test_day_counts_by_symbol_and_notes_the_chain(bench: Bench) -> None:
    put(bench, "trend")
    run_all(bench)
    document = json.loads((bench.paths.evaluations / "evaluation_20250603.json").read_text(encoding="utf-8"))
    (entry,) = document["entries"]
    assert entry["symbols"] == {"EURUSD": {"idea": 1}}
    assert entry["chain"]["number"] == 1
    assert entry["chain"]["hash"] == verify(bench.paths).head
    assert entry["outcomes"][0]["volume"] > 0


@pytest.mark.parametrize("timeframe", ["W1", "MN1"])
def test_a_forming_bar_of_a_week_or_a_month_opens_no_market(bench: Bench, timeframe: str) -> None:
    bench.clock.advance(4 * 86_400)  # Saturday noon
    seconds = TIMEFRAMES[timeframe].seconds
    now = bench.clock.now()
    rates = make_rates(np.linspace(1.0, 1.2, 600), now - timedelta(seconds=599 * seconds + 6 * 86_400), seconds=seconds)
    bench.terminal.add("EURUSD", rates, timeframe)
    bench.terminal.quote("EURUSD", 1.1, 1.1001, age_s=15 * 3600)
    put(bench, "slow", timeframe=timeframe)
    result, _ctx = run_all(bench)
    assert result.ideas == 0
    (found,) = result.outcomes
    assert "market open" in found["closed_gates"]
    assert "EURUSD does not trade at this time: its market is closed." in found["reason"]


@pytest.mark.parametrize(("replay", "ideas"), [({}, 1), ({"EURUSD": "eurusd.csv"}, 0)])
def test_replayed_prices_need_a_calendar_and_made_up_ones_do_not(
    bench: Bench, replay: dict[str, str], ideas: int
) -> None:
    bench.terminal.simulated = True
    bench.terminal.made_up = SimulatedSettings(replay=replay)
    put(bench, "embargo", strategy={"direction": "both", "news_embargo_minutes": 30})
    result, _ctx = run_all(bench)
    assert result.ideas == ideas
    (found,) = result.outcomes
    assert found["closed_gates"] == ([] if ideas else ["news"])
    assert ("There is no economic calendar, so nobody knows what news are due." in found["reason"]) is not bool(ideas)


@pytest.mark.allow_warnings("is damaged", "cannot be used")
@pytest.mark.parametrize("content", ['{"schema": 1, "events": [', '{"schema": 1, "sources": "x"}', "folder"])
def test_a_damaged_calendar_forbids_on_a_made_up_market_too(bench: Bench, content: str) -> None:
    put(bench, "trend", strategy={"direction": "both", "news_embargo_minutes": 30})
    bench.terminal.simulated = True
    path = calendar_store.path_of(bench.paths)
    path.parent.mkdir(parents=True, exist_ok=True)
    if content == "folder":
        path.mkdir()
    else:
        path.write_text(content, encoding="utf-8")
    for _time in range(2):
        result, _ = run_all(bench)
        assert (result.ideas, result.forbidden) == (0, 1)
        assert "news are due" in result.outcomes[0]["reason"]


def profile_of(bench: Bench, name: str, text: str) -> None:
    bench.paths.profiles.mkdir(parents=True, exist_ok=True)
    (bench.paths.profiles / name).write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "part"),
    [
        ({"euro.json": '{"symbol": "EURUSD", "invalidation": ["close > 0"]}'}, "Did you mean 'invalidations'?"),
        ({"euro.json": '{"symbol": "EURUSD", "invalidations": ["close > 0"],,}'}, "not valid JSON"),
        ({"eurusd.json": '{"symbol": "EURUSD", "invalidation": ["close > 0"]}'}, "Did you mean 'invalidations'?"),
        ({"eurusd.json": '{"simbol": "EURUSD"}'}, "simbol"),
        ({"eurusd.json": "nonsense"}, "not valid JSON"),
        ({"euro.json": '{"symbol": "eurusd", "style": 3}'}, "style"),
        ({"euro.json": '{"symbol": "eurusd"}'}, "is of 'eurusd', the strategy trades 'EURUSD'"),
        ({"A.json": '{"symbol": "EURUSD"}', "Z.json": '{"symbol": "EURUSD"}'}, "Keep one of them"),
        ({"EURUSD.json": '{"symbol": "EURUSD"}', "Z.json": '{"symbol": "EURUSD", "x": 1}'}, "there is no such name"),
        ({"EURUSD.json": '{"symbol": "EURO"}'}, "is of EURO: its name or its symbol is wrong"),
        ({"eurusd.json": '{"symbol": "EURO"}'}, "is of EURO: its name or its symbol is wrong"),
    ],
)
def test_a_profile_that_cannot_be_used_stops_its_symbol(bench: Bench, files: dict[str, str], part: str) -> None:
    put(bench, "trend")
    for name, text in files.items():
        profile_of(bench, name, text)
    with pytest.raises(UserAction) as caught:
        run_all(bench)
    assert part in str(caught.value)
    assert not ideas_of(bench)
    (row,) = overview(Storage(bench.paths, bench.clock), bench.clock.now()).rows
    assert part in row.problem
    checked = strategies(bench.paths, "check", [str(bench.paths.strategies / "trend.json")])
    assert not checked["ok"]
    assert part in checked["findings"][0]["text"]


@pytest.mark.parametrize(
    "files",
    [
        {"euro.json": '{"symbol": "EURUSD"}'},
        {"euro.json": '{"symbol": "EURUSD"}', "EURO.json": '{"symbol": "GOLD"}'},
        {"euro.json": '{"symbol": "EURUSD"}', "EURUSD.json": '{"symbol": "GOLD"}'},
    ],
)
def test_a_profile_may_be_called_as_one_likes(bench: Bench, files: dict[str, str]) -> None:
    put(bench, "trend")
    for name, text in files.items():
        profile_of(bench, name, text)
    result, ctx = run_all(bench)
    assert result.ideas == 1
    assert ctx.warnings == []
    idea = json.loads(ideas_of(bench)[0].read_text(encoding="utf-8"))
    assert idea["evidence"]["profile_sha256"]


@pytest.mark.allow_warnings("Profile gold.json")
def test_every_run_warns_of_a_profile_of_which_the_symbol_cannot_be_read(bench: Bench) -> None:
    put(bench, "trend")
    profile_of(bench, "gold.json", '{"simbol": "XAUUSD"}')
    for _time in range(2):
        result, ctx = run_all(bench)
        assert result.ideas + result.known == 1
        (warning,) = ctx.warnings
        assert "Profile gold.json cannot be used" in warning
    checked = strategies(bench.paths, "check", [str(bench.paths.strategies / "trend.json")])
    assert checked["ok"]
    assert "gold.json" in checked["notes"][0]
