"""A rule on one bar: which conditions hold, for each direction that the strategy trades."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from workers.strategy import facts
from workers.strategy.facts import FactResult, Series
from workers.strategy.schema import Strategy

Side = Literal["long", "short"]


@dataclass(frozen=True, slots=True)
class Rule:
    """The conditions of one direction."""

    side: Side
    entry: tuple[str, ...]
    exit: tuple[str, ...]
    strong: tuple[str, ...]
    weak: tuple[str, ...]
    invalidations: tuple[str, ...]

    def names(self) -> tuple[str, ...]:
        """All conditions of the rule."""
        return (*self.entry, *self.exit, *self.strong, *self.weak, *self.invalidations)


@dataclass(frozen=True, slots=True)
class Judgement:
    """One rule on one bar. ``strong`` is None when the rule has no strong conditions to earn points with."""

    side: Side
    entry: bool
    exit: bool
    strong: bool | None
    weak: bool
    invalidated: bool
    facts: tuple[tuple[str, FactResult], ...]

    def of(self, group: str) -> tuple[FactResult, ...]:
        """The conditions of one group: entry, exit, strong, weak or invalidations."""
        return tuple(result for name, result in self.facts if name == group)

    def entry_share(self) -> float:
        """The share of entry conditions that hold, 0..1."""
        entry = self.of("entry")
        return sum(result.holds for result in entry) / len(entry)


def rules_of(strategy: Strategy) -> tuple[Rule, ...]:
    """The directions of a strategy. The conditions of ``long`` and ``short`` are taken as written; for ``both`` they
    are the long side, and the short side is written in the file or mirrored."""
    plan, written = strategy.strategy, strategy.conditions
    first: Side = "short" if plan.direction == "short" else "long"
    rules = [Rule(first, written.entry, written.exit, written.strong, written.weak, plan.invalidations)]
    if plan.direction == "both":
        short = strategy.short_conditions
        if short is not None:
            rules.append(Rule("short", short.entry, short.exit, short.strong, short.weak, short.invalidations))
        else:
            groups = (written.entry, written.exit, written.strong, written.weak, plan.invalidations)
            rules.append(Rule("short", *(facts.mirrored(group) for group in groups)))
    return tuple(rules)


def judge(rule: Rule, series: Series, index: int) -> Judgement:
    """The rule on the closed bar at ``index``: entry needs all, exit any, strong all, weak any, one invalidation
    is enough."""

    def look(names: Iterable[str]) -> tuple[FactResult, ...]:
        return tuple(facts.evaluate(name, series, index) for name in names)

    groups = {
        "entry": look(rule.entry),
        "exit": look(rule.exit),
        "strong": look(rule.strong),
        "weak": look(rule.weak),
        "invalidations": look(rule.invalidations),
    }
    return Judgement(
        side=rule.side,
        entry=all(result.holds for result in groups["entry"]),
        exit=any(result.holds for result in groups["exit"]),
        strong=all(result.holds for result in groups["strong"]) if groups["strong"] else None,
        weak=any(result.holds for result in groups["weak"]),
        invalidated=any(result.holds for result in groups["invalidations"]),
        facts=tuple((group, result) for group, results in groups.items() for result in results),
    )
