"""The score and what follows from it.

Entry earns 30, strong conditions 25, alignment 10. The sum is scaled to 100 by what the rule can earn at all: 65, or
40 without strong conditions. The system replaced did not scale: its highest score was 65 while trading needed 75, so
that no rule could ever reach it. Deductions come after scaling, in points of the final score: weak 15, exit 40.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from workers.strategy.rules import Judgement

ENTRY, STRONG, ALIGNED = 30, 25, 10
WEAK, EXIT = -15, -40

#: Below: only watched. From here: a pending order at half risk.
PENDING_FROM: Final = 60.0
#: From here: open or scale, when the reward is worth the risk.
OPEN_FROM: Final = 75.0


class Action(StrEnum):
    """What an idea advises."""

    OBSERVE = "observe"
    PENDING_ONLY = "pending_only"
    OPEN_OR_SCALE = "open_or_scale"
    WAIT_RR = "wait_rr"


@dataclass(frozen=True, slots=True)
class ScoreLine:
    """One line of the arithmetic: what, and how many points of how many it could earn."""

    text: str
    points: float
    possible: float


@dataclass(frozen=True, slots=True)
class Score:
    """The score of 0..100 with the lines that lead to it."""

    value: float
    lines: tuple[ScoreLine, ...]

    def as_text(self) -> tuple[str, ...]:
        """The arithmetic, line by line."""
        return (*(f"{line.text}: {line.points:+g}" for line in self.lines), f"score: {self.value:g}")


def score(judgement: Judgement, aligned: bool, alignment_text: str) -> Score:
    """The score of one direction.

    Args:
        judgement: The rule on the bar.
        aligned: Whether the circumstances suit the strategy (now: its sessions).
        alignment_text: That, in words.
    """
    lines = [_earned("entry conditions", judgement.entry, ENTRY)]
    if judgement.strong is not None:
        lines.append(_earned("strong conditions", judgement.strong, STRONG))
    lines.append(ScoreLine(f"alignment ({alignment_text})", ALIGNED if aligned else 0, ALIGNED))
    earned = sum(line.points for line in lines)
    possible = sum(line.possible for line in lines)
    scaled = round(100.0 * earned / possible, 1)
    lines.append(ScoreLine(f"scaled: {earned:g} of {possible:g}, as points of 100", scaled, 100.0))
    value = scaled
    if judgement.weak:
        lines.append(ScoreLine(_held(judgement, "weak"), WEAK, 0))
        value += WEAK
    if judgement.exit:
        lines.append(ScoreLine(_held(judgement, "exit"), EXIT, 0))
        value += EXIT
    return Score(round(min(100.0, max(0.0, value)), 1), tuple(lines))


def decide(value: float, entry: bool, reward_risk: float | None, min_rr: float) -> Action:
    """What to advise for that score; ``reward_risk`` is None when there is no stop and target."""
    if not entry or value < PENDING_FROM:
        return Action.OBSERVE
    if value < OPEN_FROM:
        return Action.PENDING_ONLY
    if reward_risk is not None and reward_risk >= min_rr:
        return Action.OPEN_OR_SCALE
    return Action.WAIT_RR


def risk_fraction(action: Action, max_risk: float) -> float:
    """The share of the account to put at risk: half for a pending order, none while waiting."""
    if action is Action.OPEN_OR_SCALE:
        return max_risk
    return max_risk / 2 if action is Action.PENDING_ONLY else 0.0


def _earned(text: str, holds: bool, points: int) -> ScoreLine:
    return ScoreLine(f"{text} {'hold' if holds else 'do not hold'}", points if holds else 0, points)


def _held(judgement: Judgement, group: str) -> str:
    names = ", ".join(result.name for result in judgement.of(group) if result.holds)
    return f"{group} condition holds ({names})"
