"""Trade ideas as files: what is advised, and the evidence for every number.

The fields are those of the old files; ``evidence`` is new. An idea advises, it is never an order.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from app.paths import safe_name
from app.runs import iso
from app.storage import Storage
from workers.strategy import confidence
from workers.strategy.evaluate import Evaluation, window
from workers.strategy.library import RuleFile
from workers.strategy.prices import trade_terms

#: Version of the evaluation: a change of its arithmetic changes this, so that old ideas can be told apart.
ENGINE_VERSION: Final = "2"

#: Finding a free name and writing it is one step: two runs may have an idea in the same second.
_writing = threading.Lock()


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Flags(_Part):
    """Which groups of conditions hold; a group without conditions does not."""

    entry: bool
    exit: bool
    strong: bool
    weak: bool


class ExecutionPlan(_Part):
    """What to do with the idea."""

    action: str = Field(description="pending_only, open_or_scale or wait_rr.")
    riskPct: float = Field(description="Share of the account to put at risk, as a fraction: 0.01 is 1 %.")


class Condition(_Part):
    """One condition with the values that decided it."""

    group: str
    name: str
    holds: bool
    values: str


class Evidence(_Part):
    """What the idea rests on."""

    strategy_id: str
    strategy_name: str
    rule_file: str
    rule_sha256: str
    bar_time: str = Field(description="Opening of the decided bar, UTC.")
    bar_close: str = Field(description="Its closing, UTC: the instant at which the decision was possible.")
    bars: int = Field(description="Closed bars looked at.")
    bars_sha256: str
    conditions: tuple[Condition, ...]
    score: tuple[str, ...] = Field(description="The arithmetic of the score, line by line.")
    prices: tuple[str, ...] = Field(description="How entry, stop and target came about.")
    engine: str = ENGINE_VERSION


class TradeIdea(_Part):
    """One trade idea. Prices are those of the symbol; confidence is 0..100."""

    schema_version: int = Field(default=1, alias="schema")
    id: str
    timestamp: str
    symbol: str
    timeframe: str
    confidence: float
    action: str
    direction: Literal["long", "short"]
    entry_price: float
    stop_loss: float
    take_profit: float
    volume: float | None = None
    rr_ratio: float
    emnr_flags: Flags
    indicators: dict[str, float]
    execution_plan: ExecutionPlan
    status: str = "pending_approval"
    notes: str = ""
    evidence: Evidence


def idea_id(rule: RuleFile, evaluation: Evaluation) -> str:
    """The identity of an idea: the same strategy, rule, bar and direction give the same one."""
    side = evaluation.judgement.side if evaluation.judgement else ""
    stamp = f"{evaluation.bar_time:%Y%m%d_%H%M%S}" if evaluation.bar_time else ""
    return f"{rule.strategy.id}_{stamp}_{side}_{rule.sha256[:8]}"


def build(rule: RuleFile, evaluation: Evaluation, rates: NDArray[Any], digits: int, now: datetime) -> TradeIdea:
    """The idea of an evaluation that has one.

    Args:
        rates: The closed bars that were evaluated.
        digits: Decimals of a price.
        now: The time of the idea.

    Raises:
        ValueError: the evaluation has no idea.
    """
    plan, judged, score = evaluation.plan, evaluation.judgement, evaluation.score
    if plan is None or judged is None or score is None or evaluation.bar_time is None:
        msg = f"Strategy {rule.strategy.id} has no idea to build"
        raise ValueError(msg)
    strategy = rule.strategy
    used = np.ascontiguousarray(rates[-window(strategy, evaluation.profile) :])
    return TradeIdea(
        id=idea_id(rule, evaluation),
        timestamp=iso(now) or "",
        symbol=strategy.symbol,
        timeframe=strategy.timeframe,
        confidence=score.value,
        action=evaluation.action.value,
        direction=judged.side,
        entry_price=plan.entry,
        stop_loss=plan.stop,
        take_profit=plan.target,
        rr_ratio=round(plan.reward_risk, 2),
        emnr_flags=Flags(entry=judged.entry, exit=judged.exit, strong=bool(judged.strong), weak=judged.weak),
        indicators=dict(evaluation.readings),
        execution_plan=ExecutionPlan(
            action=evaluation.action.value,
            riskPct=confidence.risk_fraction(evaluation.action, trade_terms(strategy, evaluation.profile).max_risk),
        ),
        notes="Volume is left open: this version does not compute a position size.",
        evidence=Evidence(
            strategy_id=strategy.id,
            strategy_name=strategy.name,
            rule_file=rule.file_name,
            rule_sha256=rule.sha256,
            bar_time=iso(evaluation.bar_time) or "",
            bar_close=iso(evaluation.bar_close) or "",
            bars=evaluation.bars,
            bars_sha256=hashlib.sha256(used.tobytes()).hexdigest(),
            conditions=tuple(
                Condition(group=group, name=found.name, holds=found.holds, values=found.detail)
                for group, found in judged.facts
            ),
            score=score.as_text(),
            prices=_price_lines(evaluation, used, digits),
        ),
    )


def _price_lines(evaluation: Evaluation, rates: NDArray[Any], digits: int) -> tuple[str, ...]:
    """How the prices came about, for a person who checks them on the chart."""
    plan, judged = evaluation.plan, evaluation.judgement
    if plan is None or judged is None:
        return ()
    close, spread = float(rates["close"][-1]), int(rates["spread"][-1])
    settings, terms = evaluation.strategy.indicators.atr, trade_terms(evaluation.strategy, evaluation.profile)
    atr = dict(evaluation.readings).get("atr", float("nan"))
    cost = f" + spread {spread} points" if judged.side == "long" else " (bid)"
    distance = abs(plan.entry - plan.stop)
    return (
        f"entry {plan.entry:.{digits}f} = close {close:.{digits}f}{cost}",
        f"stop {plan.stop:.{digits}f} = {terms.multiplier:g} ({terms.multiplier_from}) x ATR({settings.period})"
        f" {atr:.{digits + 1}f} = {distance:.{digits}f} away",
        f"target {plan.target:.{digits}f} = {terms.reward:g} ({terms.reward_from}) x the distance of the stop",
    )


class IdeaFiles:
    """The folder of trade ideas.

    Thread: ``add`` may be called from any thread; two ideas of the same second get two files.
    """

    def __init__(self, storage: Storage, folder: Path) -> None:
        self._storage = storage
        self._folder = folder

    def add(self, idea: TradeIdea, now: datetime, since: datetime) -> Path | None:
        """Write the idea unless the same one is there already; the path, or None when it was.

        Args:
            now: The time of the idea, for the name of the file.
            since: The decided bar closed then: an equal idea cannot be older.

        Raises:
            StorageError: the file cannot be written.
        """
        prefix = safe_name(idea.symbol) + "_"
        with _writing:
            names = self._names(prefix)
            for name in names:
                if name[len(prefix) :] >= f"{since:%Y%m%d_%H%M%S}" and self._id_of(self._folder / name) == idea.id:
                    return None
            path = self._folder / _free_name(f"{prefix}{now:%Y%m%d_%H%M%S}", names)
            self._storage.write_json(path, idea.model_dump(mode="json", by_alias=True))
        return path

    def _names(self, prefix: str) -> set[str]:
        return {item.name for item in self._folder.glob(f"{_literal(prefix)}*.json")}

    def _id_of(self, path: Path) -> str:
        document = self._storage.read_json(path)
        return str(document.get("id", "")) if document else ""


def _literal(prefix: str) -> str:
    """A prefix with the characters that a glob would take as patterns made literal."""
    return "".join(f"[{char}]" if char in "[]*?" else char for char in prefix)


def _free_name(stem: str, taken: Sequence[str] | set[str]) -> str:
    """``stem.json``, or ``stem_2.json`` and so on when other strategies had an idea in the same second."""
    name, number = f"{stem}.json", 1
    while name in taken:
        number += 1
        name = f"{stem}_{number}.json"
    return name
