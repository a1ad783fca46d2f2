"""Trade ideas as files: what is advised, and the evidence for every number.

The fields are those of the old files; ``evidence`` is new. An idea advises, it is never an order.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Collection, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from app.files import atomic_write_bytes, guarding
from app.paths import Paths, safe_name
from app.runs import iso
from app.terminal.values import Rates
from workers.strategy import confidence
from workers.strategy.alignment import wanted_sessions
from workers.strategy.batch import Batch
from workers.strategy.calibration import WORDS, Calibrated, calibrated, rule_key
from workers.strategy.chain import FILE_NAME, Chain, Entry, Link
from workers.strategy.evaluate import Evaluation
from workers.strategy.evidence import EvidenceStore, canonical, folder_of, sha256
from workers.strategy.inputs import Hashes, Inputs
from workers.strategy.library import ProfileFile, RuleFile
from workers.strategy.prices import trade_terms
from workers.strategy.profile import Profile
from workers.strategy.schema import Strategy
from workers.strategy.sizing import Size

#: Version of the evaluation: a change of its arithmetic changes this, so that old ideas can be told apart.
ENGINE_VERSION: Final = "5"
#: Engines whose arithmetic is that of this one; they knew no calibration, and their ideas have no word of it.
UNCALIBRATED_ENGINES: Final = frozenset({"3"})
#: Engines that this one can stand in for: given their evidence it makes their ideas, to the last byte.
EARLIER_ENGINES: Final = frozenset({"3", "4"})
#: One engine of each way of naming ideas, the present way first.
ID_ENGINES: Final = (ENGINE_VERSION, "4")

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


class GateLine(_Part):
    """One precondition, and what was found."""

    name: str
    holds: bool
    text: str


class Evidence(_Part):
    """What the idea rests on. Every ``..._sha256`` names a piece in ``data/evidence``."""

    strategy_id: str
    strategy_name: str
    rule_file: str
    rule_sha256: str
    profile_sha256: str | None = None
    symbol_sha256: str = Field(description="Specification of the symbol.")
    calendar_sha256: str | None = Field(default=None, description="Events around the idea, and how old they were.")
    bar_time: str = Field(description="Opening of the decided bar, UTC.")
    bar_close: str = Field(description="Its closing, UTC: the instant at which the decision was possible.")
    bars: int = Field(description="Closed bars looked at.")
    bars_sha256: str
    other_bars_sha256: dict[str, str] = Field(default={}, description="Those of other timeframes.")
    calibration_sha256: str | None = Field(default=None, description="What a backtest found of the scores.")
    conditions: tuple[Condition, ...]
    score: tuple[str, ...] = Field(description="The arithmetic of the score, line by line.")
    prices: tuple[str, ...] = Field(description="How entry, stop and target came about.")
    size: tuple[str, ...] = Field(default=(), description="How the volume came about.")
    gates: tuple[GateLine, ...] = ()
    engine: str = ENGINE_VERSION
    inputs_sha256: str = Field(description="Names of all pieces with time, account and limits: what replay reads.")


class TradeIdea(_Part):
    """One trade idea. Prices are those of the symbol; confidence is 0..100."""

    schema_version: int = Field(default=1, alias="schema")
    id: str
    timestamp: str
    symbol: str
    timeframe: str
    confidence: float
    calibration: Calibrated | None = Field(default=None, description="What such a score was worth in a backtest.")
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


def idea_id(rule: RuleFile, profile: ProfileFile | None, evaluation: Evaluation, engine: str = ENGINE_VERSION) -> str:
    """The identity of an idea: strategy, bar, direction, and all of rule and profile that decides.

    Earlier engines took the bytes of both files instead, so that other words in them made another idea.
    """
    side = evaluation.judgement.side if evaluation.judgement else ""
    stamp = f"{evaluation.bar_time:%Y%m%d_%H%M%S}" if evaluation.bar_time else ""
    if engine not in EARLIER_ENGINES:
        last = deciding_key(rule.strategy, profile.profile if profile else None)
    elif profile is None:
        last = rule.sha256
    else:
        last = hashlib.sha256(f"{rule.sha256}{profile.sha256}".encode()).hexdigest()
    return f"{rule.strategy.id}_{stamp}_{side}_{last[:8]}"


@lru_cache(maxsize=1024)
def deciding_key(strategy: Strategy, profile: Profile | None) -> str:
    """The SHA-256 of all in a rule and the profile of its symbol that an idea follows from.

    Names, descriptions, dates and authors do not count, nor what a profile says to people or of open positions.
    """
    terms = trade_terms(strategy, profile)
    rule = strategy.model_dump(mode="json", exclude=set(WORDS))
    rule["sessions"] = list(wanted_sessions(strategy, profile))
    rule["indicators"]["atr"]["multiplier"] = terms.multiplier
    rule["strategy"]["max_risk_pct"] = terms.max_risk
    whole = {
        "rule": rule,
        "reward": terms.reward,
        "timeframes": list(profile.bestTimeframes) if profile else [],
        "bias": profile.style.bias if profile else "both",
        "invalidations": list(profile.invalidations) if profile else [],
    }
    return hashlib.sha256(canonical(whole)).hexdigest()


def build(
    inputs: Inputs, evaluation: Evaluation, size: Size, hashes: Hashes, engine: str = ENGINE_VERSION
) -> TradeIdea:
    """The idea of an evaluation that has one.

    Args:
        hashes: Names of the pieces of evidence.
        engine: The version that the idea is made by, or was made by first.

    Raises:
        ValueError: the evaluation has no idea.
    """
    plan, judged, score = evaluation.plan, evaluation.judgement, evaluation.score
    if plan is None or judged is None or score is None or evaluation.bar_time is None:
        msg = f"Strategy {inputs.rule.strategy.id} has no idea to build"
        raise ValueError(msg)
    strategy = inputs.rule.strategy
    return TradeIdea(
        id=idea_id(inputs.rule, inputs.profile, evaluation, engine),
        timestamp=iso(inputs.now) or "",
        symbol=strategy.symbol,
        timeframe=strategy.timeframe,
        confidence=score.value,
        calibration=None if engine in UNCALIBRATED_ENGINES else worth(inputs, evaluation),
        action=evaluation.action.value,
        direction=judged.side,
        entry_price=plan.entry,
        stop_loss=plan.stop,
        take_profit=plan.target,
        volume=size.volume,
        rr_ratio=round(plan.reward_risk, 2),
        emnr_flags=Flags(entry=judged.entry, exit=judged.exit, strong=bool(judged.strong), weak=judged.weak),
        indicators=dict(evaluation.readings),
        execution_plan=ExecutionPlan(
            action=evaluation.action.value,
            riskPct=confidence.risk_fraction(evaluation.action, trade_terms(strategy, evaluation.profile).max_risk),
        ),
        notes=_notes(inputs, size),
        evidence=Evidence(
            strategy_id=strategy.id,
            strategy_name=strategy.name,
            rule_file=inputs.rule.file_name,
            rule_sha256=hashes.rule,
            profile_sha256=hashes.profile,
            symbol_sha256=hashes.symbol,
            calendar_sha256=hashes.calendar,
            bar_time=iso(evaluation.bar_time) or "",
            bar_close=iso(evaluation.bar_close) or "",
            bars=evaluation.bars,
            bars_sha256=hashes.bars,
            other_bars_sha256=dict(hashes.other_bars),
            calibration_sha256=hashes.calibration,
            conditions=tuple(
                Condition(group=group, name=found.name, holds=found.holds, values=found.detail)
                for group, found in judged.facts
            ),
            score=score.as_text(),
            prices=_price_lines(evaluation, inputs.rates, inputs.info.digits),
            size=size.lines,
            gates=tuple(GateLine(name=gate.name, holds=gate.holds, text=gate.text) for gate in inputs.gates),
            engine=engine,
            inputs_sha256=hashes.inputs,
        ),
    )


def worth(inputs: Inputs, evaluation: Evaluation) -> Calibrated | None:
    """What the score was worth in the backtest of the strategy; None without a score or prices."""
    plan, score = evaluation.plan, evaluation.score
    if plan is None or score is None:
        return None
    key = rule_key(inputs.rule.strategy, evaluation.profile)
    return calibrated(inputs.calibration, key, score.value, abs(plan.entry - plan.stop), abs(plan.target - plan.entry))


def _notes(inputs: Inputs, size: Size) -> str:
    """Why there is no volume, or what made it smaller; and what was not known of the account."""
    return " ".join(text for text in (size.reason, "" if size.volume else inputs.account.trouble) if text)


def idea_bytes(idea: TradeIdea) -> bytes:
    """The content of an idea's file."""
    document = idea.model_dump(mode="json", by_alias=True)
    if idea.evidence.engine in UNCALIBRATED_ENGINES:
        del document["calibration"], document["evidence"]["calibration_sha256"]
    elif document["calibration"] and not document["calibration"]["news"]:
        del document["calibration"]["news"]  # ideas that were written before there was one replay to the same bytes
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    return text.encode("utf-8", "backslashreplace") + b"\n"


def _price_lines(evaluation: Evaluation, rates: Rates, digits: int) -> tuple[str, ...]:
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


class NewIdea(NamedTuple):
    """An idea to be written at ``now``; the decided bar closed at ``since``, so that it cannot be older."""

    idea: TradeIdea
    now: datetime
    since: datetime


class IdeaFiles:
    """The folder of trade ideas, with their chain and evidence.

    Thread: any; two ideas of the same second get two files. An idea's file is never changed after it was written.
    """

    def __init__(self, paths: Paths) -> None:
        self.folder = paths.trade_ideas
        self.evidence = EvidenceStore(folder_of(paths))
        self._chain = Chain(folder_of(paths) / FILE_NAME)

    def known(self, ids: Collection[str], since: datetime) -> str:
        """Under which of these names an idea was written before; empty when it was not.

        Args:
            since: The decided bar closed then: the idea cannot be older.

        Raises:
            StorageError: the chain cannot be read.
        """
        with _writing:
            return next((link.id for link in self._chain.recent(iso(since) or "") if link.id in ids), "")

    def recent(self, since: datetime) -> tuple[Link, ...]:
        """What the chain tells of the ideas from ``since`` on. Raises as ``known``."""
        text = iso(since) or ""
        with _writing:
            return tuple(link for link in self._chain.recent(text) if link.time >= text)

    def head(self) -> tuple[int, str]:
        """Number and hash of the chain's last line. Raises as ``known``."""
        with _writing:
            return self._chain.head

    def add(self, idea: TradeIdea, now: datetime, since: datetime) -> Path | None:
        """``add_all`` of one idea whose evidence is there already."""
        return self.add_all([NewIdea(idea, now, since)], Batch())[0]

    def add_all(self, ideas: Sequence[NewIdea], evidence: Batch) -> list[Path | None]:
        """Write ideas, each unless it was written before; their paths, or None for those that were.

        First the disk has the evidence, then the files under other names, then the lines of the chain; with that the
        files get their names. An interrupted writing can be completed from each of these points.

        Args:
            evidence: What they rest on and is not there yet.

        Raises:
            StorageError: something cannot be written.
        """
        evidence.settle()
        files = Batch()
        with _writing, guarding(self.folder, "create"):
            self.folder.mkdir(parents=True, exist_ok=True)
            try:
                paths, lines = self._begun(ideas, files)
                files.reach_disk()
                self._chain.append_all(lines)
                files.publish()
            finally:
                files.give_up()
        return paths

    def _begun(self, ideas: Sequence[NewIdea], files: Batch) -> tuple[list[Path | None], list[Entry]]:
        """The files of new ideas under other names, and their lines of the chain."""
        recent = self._chain.recent(min((iso(one.since) or "" for one in ideas), default="~"))
        known, taken = {link.id for link in recent}, {link.file for link in recent}
        paths: list[Path | None] = []
        lines: list[Entry] = []
        for idea, now, _since in ideas:
            if idea.id in known:
                paths.append(None)
                continue
            content = idea_bytes(idea)
            path = self._free_path(f"{safe_name(idea.symbol)}_{now:%Y%m%d_%H%M%S}", taken)
            files.add(path, content)
            known.add(idea.id)
            taken.add(path.name)
            paths.append(path)
            lines.append(Entry(idea.timestamp, idea.id, path.name, sha256(content), idea.evidence.inputs_sha256))
        return paths, lines

    def write(self, name: str, content: bytes) -> None:
        """Write the file of an idea whose line is in the chain.

        Raises:
            StorageError: it cannot be written.
        """
        with guarding(self.folder, "create"):
            self.folder.mkdir(parents=True, exist_ok=True)
        atomic_write_bytes(self.folder / name, content)

    def _free_path(self, stem: str, taken: set[str]) -> Path:
        """``stem.json``, or ``stem_2.json`` and so on when other strategies had an idea in the same second."""
        name, number = f"{stem}.json", 1
        while name in taken or (self.folder / name).exists():
            number += 1
            name = f"{stem}_{number}.json"
        return self.folder / name
