"""How high a rule can score at all: what contradicts its entry can keep it below every threshold, bar after bar."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from workers.strategy.checks import Terms, contradictions, rules_out
from workers.strategy.confidence import OPEN_FROM, PENDING_FROM, scores
from workers.strategy.language.syntax import AnyOf, Condition
from workers.strategy.profile import Profile
from workers.strategy.rules import Rule, Term, prepare
from workers.strategy.schema import Strategy


@lru_cache(maxsize=1024)
def doubts(strategy: Strategy, profile: Profile | None = None) -> tuple[str, ...]:
    """Why a strategy that can be evaluated never scores enough to open; one sentence for each direction as it is
    written, beginning with the place in the file. Empty when nothing is certain, or when it cannot be evaluated."""
    rules = prepare(strategy, profile).rules
    written = rules if strategy.short_conditions is not None else rules[:1]
    paths = ("conditions", "short_conditions")
    return tuple(text for path, rule in zip(paths, written, strict=False) for text in _doubts(path, rule))


def _doubts(path: str, rule: Rule) -> Iterator[str]:
    entry, strong = _terms(rule.entry), _terms(rule.strong)
    leaves, weak = _always(entry, rule.exit), _always(entry, rule.weak)
    never = contradictions([*entry, *strong]) if strong else []
    best = _score(strong=False if strong else None, weak=bool(weak), leaves=bool(leaves))
    if strong and not never:
        both = [*entry, *strong]
        found = _score(strong=True, weak=bool(_always(both, rule.weak)), leaves=bool(_always(both, rule.exit)))
        best = max(best, found)
        leaves = leaves or _always(both, rule.exit)
    if best >= OPEN_FROM:
        return
    whys = []
    if never:
        whys.append(f"strong can never hold together with entry: {' '.join(never).rstrip('.')}")
    if leaves:
        whys.append(f"where these hold, the exit condition {leaves} holds too")
    if weak:
        whys.append(f"where these hold, the weak condition {weak} holds too")
    group = "strong" if never else "entry"
    end = f"{PENDING_FROM:g} is the least for an idea" if best < PENDING_FROM else f"{OPEN_FROM:g} is the least to open"
    yield f"{path}.{group}: {'; '.join(whys)}. The score is {best:.0f} at best, {end}."


def _terms(terms: Sequence[Term]) -> Terms:
    return [(term.name, term.node) for term in terms]


def _always(given: Terms, any_of: Sequence[Term]) -> str:
    """Which of these conditions holds wherever the given ones do, for people; empty when none does for certain."""
    for term in any_of:
        if rules_out(given, term.node):
            return repr(term.name)
    if len(any_of) > 1:
        nodes: tuple[Condition, ...] = tuple(term.node for term in any_of)
        if rules_out(given, AnyOf(nodes)):
            return " or ".join(repr(term.name) for term in any_of)
    return ""


def _score(*, strong: bool | None, weak: bool, leaves: bool) -> float:
    """The score of an aligned entry without news."""
    yes = np.array([True])
    found = scores(yes, None if strong is None else yes & strong, yes, yes & weak, yes & leaves)
    return float(found[0])
