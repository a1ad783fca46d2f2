"""A preview says what the evaluation would say, shows every condition, and writes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hand_terminal import Bench, make_rates

from app.cli_ideas import IdeaOptions
from app.errors import Blocked, UserAction
from app.tasks import NoParams
from workers.ai_tasks import EvaluationResult, evaluate_all_strategies
from workers.strategy.calibration import path_of, rule_key
from workers.strategy.command import ideas
from workers.strategy.evaluate import Outcome
from workers.strategy.overview import overview
from workers.strategy.preview import Preview, answer, preview, rule_of
from workers.strategy.schema import StrategyFileError


def text(*entry: str, **changes: Any) -> str:
    document: dict[str, Any] = {
        "symbol": "EURUSD",
        "timeframe": "M5",
        "conditions": {"entry": list(entry) or ["ema_fast_gt_slow"], "weak": ["rsi_gt_70"]},
        "strategy": {"direction": "both", "news_embargo_minutes": 0},
    }
    return json.dumps(document | changes)


def of(bench: Bench, content: str) -> Preview:
    return preview(bench, rule_of(content, "a.json"))


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run_all(bench: Bench) -> EvaluationResult:
    return evaluate_all_strategies(bench.context("evaluate_all_strategies"), NoParams())


@pytest.mark.parametrize(
    "content",
    [
        text(),
        text("ema_fast_gt_slow", "close > highest(high, 20)[1]"),
        text("rsi < 1"),
        text(strategy={"direction": "short", "news_embargo_minutes": 0}),
        text(strategy={"direction": "long", "news_embargo_minutes": 0, "invalidations": ["close > 0"]}),
        text("H4.close > 1"),
        text("close > sma(900)", indicators={"atr": {"period": 3}}),
    ],
)
def test_it_says_what_the_evaluation_says_and_writes_nothing(bench: Bench, content: str) -> None:
    before = everything(bench.paths.home)
    found = of(bench, content)
    assert everything(bench.paths.home) == before
    (bench.paths.strategies / "a.json").write_text(content, encoding="utf-8")
    if found.result.evaluation.outcome is Outcome.NOT_EVALUATED:
        with pytest.raises(UserAction, match=re.escape(found.result.evaluation.reason)):
            run_all(bench)
        return
    (wanted,) = run_all(bench).outcomes
    shown = found.as_json()
    names = ("outcome", "reason", "score", "direction", "action", "bar_time", "entry", "stop", "target", "volume")
    assert {name: shown[name] for name in names} == {name: wanted[name] for name in names}
    again = of(bench, content)
    assert bool(again.result.idea_id) == (wanted["outcome"] == "idea")
    if again.result.idea_id:
        assert again.headline.startswith("The idea of this bar is written already.")


def test_it_says_what_the_score_of_the_idea_is_worth_as_the_idea_does(bench: Bench) -> None:
    content = text(id="a")
    (bench.paths.strategies / "a.json").write_text(content, encoding="utf-8")
    rule = rule_of(content, "a.json")
    document = {
        "rule": rule_key(rule.strategy, None),
        "steps": [{"low": 60.0, "high": 100.0, "signals": 214, "reached": 122}],
        "costs": {"commission": 0.0, "slippage": 0.0},
        "simulated": False,
    }
    before = preview(bench, rule)
    score = before.result.evaluation.score
    assert score is not None
    none = f"score {score.value:g}; not calibrated: no backtest of this strategy was calibrated"
    assert (before.as_json()["calibration"]["calibrated"], before.calibration_text) == (False, none)
    bench.storage.write_json(path_of(bench.paths, "a", "EURUSD", "M5"), document)
    shown = preview(bench, rule).as_json()
    run_all(bench)
    [listed] = ideas(bench.paths, "list", [], IdeaOptions(clock=bench.clock))["ideas"]
    assert listed["calibration"]["signals"] == 214
    assert {name: shown[name] for name in ("calibration", "calibration_text")} == {
        name: listed[name] for name in ("calibration", "calibration_text")
    }
    assert of(bench, text("rsi < 1")).as_json()["calibration"] is None


def test_each_condition_of_each_direction_is_shown_with_its_values(bench: Bench) -> None:
    found = of(bench, text("ema_fast_gt_slow", "close > 0 * close + 5 * atr + ema_slow", "rsi between 1 and 99"))
    assert [side.side for side in found.sides] == ["long", "short"]
    assert [side.chosen for side in found.sides].count(True) == 1
    long = found.sides[0].conditions
    assert [(item.group, item.holds) for item in long] == [
        ("entry", long[0].holds),
        ("entry", False),
        ("entry", True),
        ("weak", long[3].holds),
    ]
    assert all(isinstance(item.holds, bool) and item.detail for item in long)
    chosen = next(side for side in found.sides if side.chosen)
    assert chosen.score is not None
    assert found.result.evaluation.score == chosen.score
    assert [gate.name for gate in found.result.gates] == [
        "terminal", "market open", "fresh bar", "moving feed", "data grade", "news",
    ]  # fmt: skip


def test_what_has_no_value_is_neither_true_nor_false(bench: Bench) -> None:
    found = of(bench, text("close / (close - close) > 1", "close > 0 * close", strategy={"direction": "long"}))
    assert [item.holds for item in found.sides[0].conditions] == [None, True, found.sides[0].conditions[2].holds]
    assert found.sides[0].score is None
    assert found.result.evaluation.outcome is Outcome.NOT_EVALUATED
    assert "has no value" in found.headline


def test_too_few_bars_leave_the_conditions_unseen(bench: Bench) -> None:
    bench.terminal.add("NEW", make_rates([1.1] * 5, bench.clock.now().replace(hour=11)))
    found = of(bench, text(symbol="NEW"))
    assert "Too few closed M5 bars" in found.headline
    assert [item.holds for side in found.sides for item in side.conditions] == [None] * 4


def test_a_rule_that_cannot_be_read_or_a_terminal_that_is_away_say_so(bench: Bench) -> None:
    with pytest.raises(StrategyFileError):
        of(bench, "{")
    assert "ema_fast_gt_slow" in of(bench, text("ema_fast_gt_slwo")).headline
    bench.terminal.connected = False
    bench.terminal.refusal = Blocked("No terminal runs.")
    with pytest.raises(Blocked):
        of(bench, text())


def test_other_processes_ask_by_id(bench: Bench) -> None:
    (bench.paths.strategies / "a.json").write_text(text(enabled=False), encoding="utf-8")
    (bench.paths.strategies / "b.json").write_text("{", encoding="utf-8")
    shown = answer(bench, {"strategy": "a"})
    assert json.loads(json.dumps(shown))["strategy"] == "a"
    with pytest.raises(StrategyFileError):
        answer(bench, {"strategy": "b"})
    with pytest.raises(UserAction, match="no strategy 'c'"):
        answer(bench, {"strategy": "c"})


# -- the list ----------------------------------------------------------------------------------------------------------


def test_the_list_has_what_came_of_each_last(bench: Bench) -> None:
    for name in ("a", "b"):
        (bench.paths.strategies / f"{name}.json").write_text(text(id=name, name=name.upper()), encoding="utf-8")
    run_all(bench)
    (bench.paths.strategies / "c.json").write_text("{ damaged", encoding="utf-8")
    (bench.paths.strategies / "d.json").write_text(text("rsi <", id="d", enabled=False), encoding="utf-8")
    (bench.paths.profiles / "GBPUSD.json").write_text("{", encoding="utf-8")
    (bench.paths.strategies / "e.json").write_text(text(id="e", symbol="GBPUSD"), encoding="utf-8")
    rows = overview(bench.storage, bench.clock.now()).rows
    assert [row.name for row in rows] == ["A", "B", "c.json", "d", "e"]
    last = rows[0].last
    assert last is not None
    assert last.outcome in ("idea", "observed", "no_idea")
    assert last.reason
    assert (rows[2].enabled, rows[2].last) == (None, None)
    assert "not valid JSON" in rows[2].problem
    assert "conditions.entry[0]" in rows[3].problem
    assert "GBPUSD.json" in rows[4].problem


def test_the_newest_outcome_counts_and_damage_is_passed_over(bench: Bench) -> None:
    (bench.paths.strategies / "a.json").write_text(text(id="a"), encoding="utf-8")
    run_all(bench)
    bench.clock.advance(300)
    run_all(bench)
    path = next(bench.paths.evaluations.glob("*.json"))
    row = overview(bench.storage, bench.clock.now()).rows[0]
    assert row.last is not None
    assert row.last.time == bench.clock.now()
    path.write_bytes(path.read_bytes()[:-40] + b"\n,{torn")
    assert overview(bench.storage, bench.clock.now()).rows[0].last is not None
    path.write_text('{"entries": [{"time": 5, "outcomes": [{"strategy": "a"}, 3]}]}', encoding="utf-8")
    assert overview(bench.storage, bench.clock.now()).rows[0].last is None
