"""Which ideas are one: the same bar and all of rule and profile that decides, whatever else their files say."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hand_terminal import Bench
from idea_maker import make_idea

from app.paths import Paths
from app.tasks import NoParams
from workers.ai_tasks import EvaluationResult, evaluate_all_strategies
from workers.strategy import replay
from workers.strategy.deciding import IdeaDesk
from workers.strategy.evidence import EvidenceStore, folder_of, sha256
from workers.strategy.ideas import idea_bytes

RULE: dict[str, Any] = {
    "symbol": "EURUSD",
    "timeframe": "M5",
    "conditions": {"entry": ["ema_fast_gt_slow"]},
    "strategy": {"direction": "both", "news_embargo_minutes": 0},
}
PROFILE: dict[str, Any] = {"symbol": "EURUSD", "bestTimeframes": ["M5"], "externalDrivers": ["dollar index"]}


def put(bench: Bench, profile: dict[str, Any] | None = None, indent: int | None = None, **changes: Any) -> None:
    (bench.paths.strategies / "trend.json").write_text(json.dumps(RULE | changes, indent=indent), encoding="utf-8")
    if profile is not None:
        bench.paths.profiles.mkdir(exist_ok=True)
        (bench.paths.profiles / "EURUSD.json").write_text(json.dumps(profile, indent=indent), encoding="utf-8")


def run_all(bench: Bench) -> EvaluationResult:
    return evaluate_all_strategies(bench.context("evaluate_all_strategies"), NoParams())


@pytest.mark.parametrize(
    "changes",
    [
        {"description": "just words"},
        {"name": "Another name", "created_by": "somebody"},
        {"updated_at": "2025-06-03T11:00:00Z"},
        {"indent": 4},
        {"profile": PROFILE | {"externalDrivers": ["dollar index", "yields"]}},
        {"profile": PROFILE | {"management": {"breakevenAfterRR": 1.0}}},
        {"sessions": None},
        {"indicators": {"ema": {"fast": 20}}},  # what it is when left out
    ],
)
def test_other_words_make_no_other_idea(bench: Bench, changes: dict[str, Any]) -> None:
    put(bench, PROFILE)
    assert run_all(bench).ideas == 1
    put(bench, **({"profile": PROFILE} | changes))
    again = run_all(bench)
    assert (again.ideas, again.known) == (0, 1)


def test_a_rejected_idea_does_not_come_back_with_other_words(bench: Bench) -> None:
    put(bench)
    result = run_all(bench)
    IdeaDesk(bench.paths, bench.clock, 12, "test").reject(result.outcomes[0]["idea"], "no")
    put(bench, description="just words")
    again = run_all(bench)
    assert (again.ideas, again.known) == (0, 1)


@pytest.mark.parametrize(
    "changes",
    [
        {"indicators": {"ema": {"fast": 21}}},
        {"indicators": {"atr": {"multiplier": 3}}},
        {"strategy": RULE["strategy"] | {"min_rr": 3}},
        {"strategy": RULE["strategy"] | {"max_risk_pct": 0.02}},
        {"conditions": RULE["conditions"] | {"weak": ["rsi_gt_70"]}},
        {"sessions": ["London", "NewYork"]},
        {"profile": PROFILE | {"style": {"rrTarget": 3}}},
        {"profile": PROFILE | {"style": {"maxRiskPct": 0.005}}},
        {"profile": PROFILE | {"invalidations": ["rsi > 99.9"]}},
        {"profile": PROFILE | {"management": {"atrMultiplier": 2.5}}},
    ],
)
def test_what_decides_makes_another_idea(bench: Bench, changes: dict[str, Any]) -> None:
    put(bench, PROFILE)
    assert run_all(bench).ideas == 1
    put(bench, **({"profile": PROFILE} | changes))
    assert run_all(bench).ideas == 1
    assert not replay.verify(bench.paths).faults


def test_ideas_of_the_engine_before_are_made_again_to_the_last_byte(paths: Paths) -> None:
    """The hash is that of the file which engine 4 wrote."""
    idea = make_idea(paths, datetime(2025, 6, 4, 9, 30, tzinfo=UTC), engine="4")
    assert idea.id == "always_20250604_092500_long_ab325255"
    written = idea_bytes(idea)
    assert sha256(written) == "5f72ae77cf3e0535692b498ba2a303c5463edfb6fa46917ced527cdde2874ef1"
    again = replay.rebuild(idea.evidence.inputs_sha256, EvidenceStore(folder_of(paths)))
    assert (again.content, again.engine) == (written, "4")
    assert not replay.verify(paths).faults


def test_an_idea_that_the_engine_before_wrote_is_not_written_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(bench)
    with monkeypatch.context() as patch:
        patch.setattr("workers.strategy.ideas.EARLIER_ENGINES", frozenset({"3", "4", "5"}))
        first = run_all(bench)
    again = run_all(bench)
    assert (first.ideas, again.ideas, again.known) == (1, 0, 1)
    assert again.outcomes[0]["idea"] == first.outcomes[0]["idea"]
