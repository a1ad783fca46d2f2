"""What a score is worth: how often signals of such a score reached their target before their stop.

A backtest measures it (``workers.backtest.calibrate``), a file of the home keeps it, and live ideas carry what it
says of their score. It holds for one rule only: whatever changes the decisions, stops or targets of the rule ends it.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from app.errors import UserAction
from app.paths import Paths, safe_name
from app.storage import Storage
from workers.strategy.evidence import canonical
from workers.strategy.prices import trade_terms
from workers.strategy.profile import Profile
from workers.strategy.schema import Strategy

#: Fewer signals than this say nothing about a score.
LEAST_SIGNALS: Final = 30
#: Two-sided 95 % of the normal distribution.
_Z: Final = 1.959963984540054
#: What a file may call itself without another decision coming of it.
WORDS: Final = frozenset({
    "schema_", "schema_version", "id", "name", "description", "enabled", "created_at", "updated_at", "created_by",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Step:
    """Scores that are worth the same.

    Attributes:
        low, high: The least and the highest score that was seen.
        signals, reached: How many signals there were, and how many of them reached their target first.
    """

    low: float
    high: float
    signals: int
    reached: int

    @property
    def probability(self) -> float:
        """The share that reached it."""
        return self.reached / self.signals


@dataclass(frozen=True, slots=True)
class Calibration:
    """What a backtest found, as far as ideas need it.

    Attributes:
        rule: What ``rule_key`` gives of the rule that was tested.
        steps: In the order of their scores.
        commission, slippage: What a trade costs besides the spread, as a move of the price: for both sides of it, and
            by how much entry and stop fill worse.
        simulated: It was measured on a market that is made up.
        news: What is to be known of the news embargo of the rule, after "it was": ``not applied: ...``; empty when it
            was applied as live, or when the rule has none.
        document: As it is stored.
    """

    rule: str
    steps: tuple[Step, ...]
    commission: float
    slippage: float
    simulated: bool
    document: Mapping[str, Any] = field(repr=False)
    news: str = ""

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Calibration:
        """Out of a document.

        Raises:
            ValueError: it is none.
        """
        try:
            steps = tuple(
                Step(float(step["low"]), float(step["high"]), int(step["signals"]), int(step["reached"]))
                for step in document["steps"]
            )
            costs = document["costs"]
            found = cls(
                str(document["rule"]),
                steps,
                float(costs["commission"]),
                float(costs["slippage"]),
                document["simulated"] is True,
                document,
                str(document.get("news") or ""),  # those of earlier versions do not speak of it
            )
        except (KeyError, TypeError) as error:
            msg = f"no calibration: {type(error).__name__} {error}"
            raise ValueError(msg) from error
        sound = all(0 <= step.reached <= step.signals and step.signals > 0 and step.low <= step.high for step in steps)
        if not sound or not all(math.isfinite(cost) and cost >= 0 for cost in (found.commission, found.slippage)):
            msg = "no calibration: its numbers cannot be"
            raise ValueError(msg)
        return found

    def step_of(self, score: float) -> Step | None:
        """The step of a score: of one between two steps the lower one; None outside of what was seen."""
        if not self.steps or not self.steps[0].low <= score <= self.steps[-1].high:
            return None
        return next(step for step in reversed(self.steps) if step.low <= score)


class Calibrated(BaseModel):
    """What an idea says of its score. Shares are fractions: 0.57 is 57 %."""

    model_config = ConfigDict(frozen=True)

    calibrated: bool
    reason: str = Field(default="", description="Why it is not.")
    probability: float | None = Field(default=None, description="Share of such signals that reached the target first.")
    low: float | None = Field(default=None, description="The lower end of its interval of 95 %.")
    high: float | None = Field(default=None, description="The upper end.")
    signals: int | None = Field(default=None, description="How many such signals there were.")
    reached: int | None = Field(default=None, description="How many of them reached the target first.")
    break_even: float = Field(description="The share at which nothing is won and nothing lost.")
    news: str = Field(default="", description="How far the news embargo of the rule was not applied when measuring it.")

    @property
    def text(self) -> str:
        """In a sentence: ``57 % (52-62 %, n=214) reached target first; break-even needs 40 %``."""
        if not self.calibrated:
            return f"not calibrated: {self.reason}"
        news = f"; the news embargo of the rule was {self.news}" if self.news else ""
        return f"{self.measured} reached target first; {self.needed}{news}"

    @property
    def short(self) -> str:
        """The same for a narrow place: ``57 % (52-62 %, n=214), needs 40 %``."""
        return f"{self.measured}, {self.needed.removeprefix('break-even ')}" if self.calibrated else "not calibrated"

    @property
    def measured(self) -> str:
        """``57 % (52-62 %, n=214)``; empty when it is not calibrated."""
        if self.probability is None or self.low is None or self.high is None:
            return ""
        return f"{self.probability:.0%} ({self.low * 100:.0f}-{self.high:.0%}, n={self.signals})".replace("%", " %")

    @property
    def needed(self) -> str:
        """``break-even needs 40 %``."""
        return f"break-even needs {self.break_even:.0%}".replace("%", " %")


def told(score: float, found: Calibrated | None, unknown: str) -> str:
    """A score with what it is worth, as it is told everywhere: ``score 82; 57 % (52-62 %, n=214) reached target first;
    break-even needs 40 %``, or ``score 82; not calibrated:`` and why.

    Args:
        unknown: Why there is no word of it at all.
    """
    return f"score {score:g}; {found.text if found else f'not calibrated: {unknown}'}"


def rule_key(strategy: Strategy, profile: Profile | None) -> str:
    """The SHA-256 of all that decides when a rule enters and where its stop and target are.

    Names, descriptions, dates and whether it is enabled do not count, nor what may be risked.
    """
    terms = trade_terms(strategy, profile)
    rule = strategy.model_dump(mode="json", exclude=set(WORDS))
    rule["strategy"].pop("max_risk_pct", None)
    # Said and unsaid are one where they mean one, as they were to earlier versions.
    best = profile.bestSessions if profile else ()
    rule["sessions"] = "all hours" if strategy.sessions == () and best else rule["sessions"] or []
    whole = {
        "rule": rule,
        "profile": profile.model_dump(mode="json") if profile else None,
        "stop": terms.multiplier,
        "target": terms.reward,
    }
    return hashlib.sha256(canonical(whole)).hexdigest()


def wilson(reached: int, signals: int) -> tuple[float, float]:
    """The interval of 95 % of a share.

    Formula: ``(p + z^2/2n +- z sqrt(p(1-p)/n + z^2/4n^2)) / (1 + z^2/n)``.
    Source: Wilson, Probable Inference (Journal of the American Statistical Association 22, 1927). It keeps within 0 and
    1, and covers what it says with few signals too (Brown, Cai and DasGupta, Statistical Science 16, 2001).
    """
    share, square = reached / signals, _Z * _Z / signals
    middle = share + square / 2
    away = _Z * math.sqrt(share * (1 - share) / signals + square / (4 * signals))
    low, high = (middle - away) / (1 + square), (middle + away) / (1 + square)
    return (0.0 if reached == 0 else low), (1.0 if reached == signals else high)


def break_even(risk: float, reward: float, commission: float = 0.0, slippage: float = 0.0) -> float:
    """The share of targets at which trades with these distances win as much as they lose.

    Formula: a target brings ``reward - commission - slippage``, a stop costs ``risk + commission + 2 slippage`` (entry
    and stop fill worse, the target is a limit), so ``p = (risk + commission + 2 slippage) / (risk + reward +
    slippage)``. The spread is in the prices: stop and target are set from the entry.

    Args:
        risk, reward: Distances of stop and target from the entry, above 0, in price like the costs.
    """
    return min(1.0, (risk + commission + 2 * slippage) / (risk + reward + slippage))


def calibrated(found: Calibration | None, rule: str, score: float, risk: float, reward: float) -> Calibrated:
    """What a calibration says of an idea.

    Args:
        found: That of the strategy; None when there is none.
        rule: What ``rule_key`` gives of the rule and profile of the idea.
        risk, reward: Distances of stop and target from the entry, in price.
    """
    commission, slippage = (found.commission, found.slippage) if found and found.rule == rule else (0.0, 0.0)
    needed = round(break_even(risk, reward, commission, slippage), 4)
    if found is None:
        return Calibrated(calibrated=False, reason="no backtest of this strategy was calibrated", break_even=needed)
    if found.rule != rule:
        return Calibrated(
            calibrated=False, reason="the rule or its profile changed since its backtest", break_even=needed
        )
    step = found.step_of(score)
    if step is None:
        return Calibrated(
            calibrated=False, reason=f"its backtest had no signals of a score like {score:g}", break_even=needed
        )
    if step.signals < LEAST_SIGNALS:
        reason = f"its backtest had {step.signals} signals of such a score, {LEAST_SIGNALS} are needed"
        return Calibrated(calibrated=False, reason=reason, break_even=needed)
    low, high = wilson(step.reached, step.signals)
    return Calibrated(
        calibrated=True,
        probability=round(step.probability, 4),
        low=round(low, 4),
        high=round(high, 4),
        signals=step.signals,
        reached=step.reached,
        break_even=needed,
        news=found.news,
    )


def path_of(paths: Paths, strategy: str, symbol: str, timeframe: str) -> Path:
    """Where the calibration of a strategy is kept."""
    return paths.data / "calibrations" / f"{safe_name(f'{strategy}_{symbol}_{timeframe}')}.json"


def load(storage: Storage, strategy: Strategy) -> Calibration | None:
    """The calibration that is kept of a strategy; None when there is none that can be used.

    Raises:
        StorageError: its file is there but cannot be read.
    """
    path = path_of(storage.paths, strategy.id, strategy.symbol, strategy.timeframe)
    try:
        document = storage.read_json(path)
        return Calibration.of(document) if document is not None else None
    except (ValueError, UserAction):  # of another version, or not what it should be: the next backtest replaces it
        return None
