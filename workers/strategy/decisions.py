"""A rule on every bar of a series at once: what holds, the score, and the direction.

Backtests take all bars of this, the live evaluation the last one: there is no second implementation. What is said of a
bar never changes when bars follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.strategy.alignment import aligned, in_sessions, wanted_sessions
from workers.strategy.averages import Array
from workers.strategy.confidence import scores
from workers.strategy.language.evaluation import Bools, Evaluator, Truth
from workers.strategy.profile import Profile
from workers.strategy.rules import Ready, Rule, Term
from workers.strategy.schema import Strategy


@dataclass(frozen=True, slots=True, eq=False)
class SideDecisions:
    """One direction on every bar.

    Attributes:
        entry, strong, weak, leave, invalidated: What holds; ``strong`` is None for a rule without strong conditions,
            ``leave`` are the exit conditions.
        met: How many entry conditions hold.
        known: Whether every condition has a value.
        aligned: Whether session, timeframe and bias suit.
        score: 0..100.
    """

    rule: Rule
    entry: Bools
    strong: Bools | None
    weak: Bools
    leave: Bools
    invalidated: Bools
    met: NDArray[np.uint8]
    known: Bools
    aligned: Bools
    score: Array


@dataclass(frozen=True, slots=True, eq=False)
class Decisions:
    """All directions of a strategy on every bar.

    Attributes:
        sides: The long side first, if there is one.
        chosen: For each bar, the index in ``sides`` of the better one.
        alike: Both directions call for an entry with the same score: no direction.
        known: Every condition has a value and there are bars enough before.
        direction: +1 long, -1 short, 0 no entry: the entry conditions of the chosen side hold, nothing invalidates.
        score: That of the chosen side.
    """

    sides: tuple[SideDecisions, ...]
    chosen: NDArray[np.int8]
    alike: Bools
    known: Bools
    direction: NDArray[np.int8]
    score: Array


def decide_all(
    strategy: Strategy,
    ready: Ready,
    bars: Evaluator,
    profile: Profile | None = None,
    news: Array | float = 0.0,
    least: int | None = None,
) -> Decisions:
    """Decide on every bar.

    Args:
        ready: The strategy made ready, without problems.
        bars: The closed bars, with those of every timeframe in ``ready.frames``.
        profile: That of the symbol, the one that ``ready`` was made with.
        news: Points that news take on each bar, see ``confidence.news_points``.
        least: Bars that there must be before one is decided; None: as many as the rule needs on each of its timeframes,
            as live evaluation asks. A number is of the rule's own timeframe, and asks nothing of the others.
    """
    closings: NDArray[np.int64] = bars.rates["time"]
    if wanted_sessions(strategy, profile):  # only sessions ask what time it is
        closings = bars.closings
    hours = in_sessions(strategy, profile, closings)
    sides = tuple(_side(strategy, rule, bars, profile, hours, news) for rule in ready.rules)
    known = np.logical_and.reduce([side.known for side in sides])
    known[: _too_early(ready, bars) if least is None else max(least - 1, 0)] = False
    chosen = _better(sides)
    alike = np.zeros(len(bars), dtype=np.bool_)
    if len(sides) == 2:
        alike = _open(sides[0]) & _open(sides[1]) & (sides[0].score == sides[1].score)
    go = _of_chosen(chosen, [_open(side) for side in sides]) & known & ~alike
    signs = np.array([1 if side.rule.side == "long" else -1 for side in sides], dtype=np.int8)
    direction = signs[chosen] * go.view(np.int8)
    return Decisions(sides, chosen, alike, known, direction, _of_chosen(chosen, [side.score for side in sides]))


def _too_early(ready: Ready, bars: Evaluator) -> int:
    """How many bars come before every timeframe of the rule has as many closed bars as it needs."""
    early = max(ready.reach().least - 1, 0)
    for name in ready.frames:
        _there, newest = bars.other(name)
        early = max(early, int(np.searchsorted(newest, ready.reach(name).least - 1)))
    return early


def _of_chosen(chosen: NDArray[np.int8], values: list[NDArray[Any]]) -> NDArray[Any]:
    return values[0] if len(values) == 1 else np.where(chosen, values[1], values[0])


def _open(side: SideDecisions) -> Bools:
    return side.entry & ~side.invalidated


def _better(sides: tuple[SideDecisions, ...]) -> NDArray[np.int8]:
    """The side that may be entered, else that with an entry, else the higher score, else more of its conditions."""
    if len(sides) == 1:
        return np.zeros(len(sides[0].entry), dtype=np.int8)
    first, second = sides
    better = np.zeros(len(first.entry), dtype=np.bool_)
    undecided = np.ones(len(first.entry), dtype=np.bool_)
    for one, two in (
        (_open(first), _open(second)),
        (first.entry, second.entry),
        (first.score, second.score),
        # Shares of all conditions, without fractions.
        (first.met.astype(np.uint16) * len(second.rule.entry), second.met.astype(np.uint16) * len(first.rule.entry)),
    ):
        better |= undecided & (two > one)
        undecided &= one == two
    return better.astype(np.int8)


def _side(
    strategy: Strategy,
    rule: Rule,
    bars: Evaluator,
    profile: Profile | None,
    hours: Bools,
    news: Array | float,
) -> SideDecisions:
    nothing = np.zeros(len(bars), dtype=np.bool_)
    truths = {name: _truths(rule.group(name), bars) for name in ("entry", "exit", "strong", "weak", "invalidations")}
    holds = {name: [truth.holds for truth in found] for name, found in truths.items()}
    entry = np.logical_and.reduce(holds["entry"])
    strong = np.logical_and.reduce(holds["strong"]) if holds["strong"] else None
    weak, leave, invalidated = (
        np.logical_or.reduce([nothing, *holds[name]]) for name in ("weak", "exit", "invalidations")
    )
    suits = aligned(strategy, profile, rule.side, hours)
    return SideDecisions(
        rule=rule,
        entry=entry,
        strong=strong,
        weak=weak,
        leave=leave,
        invalidated=invalidated,
        met=_met(holds["entry"]),
        known=np.logical_and.reduce([truth.known for found in truths.values() for truth in found]),
        aligned=suits,
        score=scores(entry, strong, suits, weak, leave, news),
    )


def _met(holds: list[Bools]) -> NDArray[np.uint8]:
    """How many conditions hold; a file has 50 at most."""
    count = holds[0].astype(np.uint8)
    for one in holds[1:]:
        count += one
    return count


def _truths(terms: tuple[Term, ...], bars: Evaluator) -> list[Truth]:
    return [bars.truth(term.node) for term in terms]
