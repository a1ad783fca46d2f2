"""The score and what follows from it.

Entry earns 30, strong conditions 25, alignment 10. The sum is scaled to 100 by what the rule can earn at all: 65, or
40 without strong conditions (docs/strategy.md says why). Deductions come after scaling, in points of the final score:
weak 15, exit 40, news 20 to 40 by impact and distance. The result is kept within 0 and 100.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from workers.strategy.averages import Array

Bools = NDArray[np.bool_]
Impact = Literal["high", "medium", "low"]

ENTRY, STRONG, ALIGNED = 30, 25, 10
WEAK, EXIT = -15, -40

#: Points that an event costs at the border of the embargo and within; twice as far away it is the least, beyond none.
NEWS: Final[dict[str, float]] = {"high": 40.0, "medium": 30.0}
LEAST_NEWS: Final = 20.0

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


@dataclass(frozen=True, slots=True)
class News:
    """What news take from the score, as ``points`` of 0..40, and why."""

    points: float = 0.0
    text: str = ""


def news_points(impact: Impact, minutes: float, embargo_minutes: float) -> float:
    """What an event takes from the score.

    High impact 40 and medium 30 within the embargo, falling evenly to 20 at twice its distance; nothing beyond. Events
    of low impact happen all day and take nothing.

    Args:
        minutes: Distance of the event from the decision, before or after.
        embargo_minutes: The strategy's ``news_embargo_minutes``; 0 looks at no news.
    """
    most, distance = NEWS.get(impact, 0.0), abs(minutes)
    if not most or embargo_minutes <= 0 or distance > 2 * embargo_minutes:
        return 0.0
    beyond = max(0.0, distance / embargo_minutes - 1.0)
    return most - (most - LEAST_NEWS) * beyond


def scores(
    entry: Bools, strong: Bools | None, aligned: Bools, weak: Bools, leave: Bools, news: Array | float = 0.0
) -> Array:
    """The score on each bar.

    Args:
        entry, strong, aligned, weak, leave: What holds on each bar; ``strong`` is None when the rule has no strong
            conditions to earn points with, ``leave`` are the exit conditions.
        news: Points that news take, see ``news_points``.
    """
    bits = entry.view(np.uint8) + 2 * aligned.view(np.uint8) + 4 * weak.view(np.uint8) + 8 * leave.view(np.uint8)
    if strong is not None:
        bits += 16 * strong.view(np.uint8)
    plain, final = _tables(strong is not None)
    if isinstance(news, float) and news == 0.0:
        found: Array = final[bits]
        return found
    return _final(plain[bits] - news)


@cache
def _tables(has_strong: bool) -> tuple[Array, Array]:
    """The value of each combination of what holds, before news: as added up, and as it ends."""
    bits = np.arange(32)
    entry, aligned, weak, leave, strong = ((bits >> place) & 1 for place in range(5))
    earned = (ENTRY * entry + ALIGNED * aligned + STRONG * (strong if has_strong else 0)).astype(np.float64)
    plain = _scaled(earned, possible(has_strong)) + (WEAK * weak + EXIT * leave).astype(np.float64)
    return plain, _final(plain)


def _final(values: Array) -> Array:
    clamped: Array = np.clip(values, 0.0, 100.0)
    return clamped.round(1)


def possible(has_strong: bool) -> float:
    """What a rule can earn at all."""
    return float(ENTRY + ALIGNED + (STRONG if has_strong else 0))


def _scaled(earned: Array, of: float) -> Array:
    found: Array = np.round(100.0 * earned / of, 1)
    return found


def score_lines(
    entry: bool, strong: bool | None, aligned: bool, why_aligned: str, weak: str, leave: str, news: News
) -> tuple[ScoreLine, ...]:
    """The arithmetic of one bar, line by line; it adds up to what ``scores`` says.

    Args:
        weak, leave: Names of the weak and exit conditions that hold; empty when none does.
    """
    lines = [_earned("entry conditions", entry, ENTRY)]
    if strong is not None:
        lines.append(_earned("strong conditions", strong, STRONG))
    lines.append(ScoreLine(f"alignment ({why_aligned})", ALIGNED if aligned else 0, ALIGNED))
    earned, of = sum(line.points for line in lines), possible(strong is not None)
    scaled = float(_scaled(np.array([earned]), of)[0])
    lines.append(ScoreLine(f"scaled: {earned:g} of {of:g}, as points of 100", scaled, 100.0))
    if weak:
        lines.append(ScoreLine(f"weak condition holds ({weak})", WEAK, 0))
    if leave:
        lines.append(ScoreLine(f"exit condition holds ({leave})", EXIT, 0))
    if news.points:
        lines.append(ScoreLine(f"news ({news.text})", -news.points, 0))
    return tuple(lines)


def _earned(text: str, holds: bool, points: int) -> ScoreLine:
    return ScoreLine(f"{text} {'hold' if holds else 'do not hold'}", points if holds else 0, points)


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
