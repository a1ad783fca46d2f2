"""The rule of a strategy made ready: every condition read once, a side for each direction, and what is wrong with it.

Entry needs all of its conditions, exit any, strong all, weak any; one invalidation is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from app.terminal.timeframes import TIMEFRAMES
from workers.strategy.checks import contradictions, rules_out
from workers.strategy.facts import FACTS, vocabulary
from workers.strategy.language import syntax
from workers.strategy.language.catalog import Reach
from workers.strategy.language.mirror import mirror
from workers.strategy.language.parser import Vocabulary, parse
from workers.strategy.language.reach import Reaches, most, reach
from workers.strategy.language.tokens import ConditionError
from workers.strategy.profile import Profile
from workers.strategy.schema import Conditions, Strategy

Side = Literal["long", "short"]

GROUPS: Final = ("entry", "exit", "strong", "weak", "invalidations")

#: A condition may look back so many bars, all its functions together.
_FARTHEST_BACK: Final = 20_000


@dataclass(frozen=True, slots=True)
class Term:
    """One condition as it is named in the file (or mirrored from there), and its tree."""

    name: str
    node: syntax.Condition


@dataclass(frozen=True, slots=True)
class Rule:
    """The conditions of one direction."""

    side: Side
    entry: tuple[Term, ...]
    exit: tuple[Term, ...]
    strong: tuple[Term, ...]
    weak: tuple[Term, ...]
    invalidations: tuple[Term, ...]

    def group(self, name: str) -> tuple[Term, ...]:
        """The conditions of one of ``GROUPS``."""
        found: tuple[Term, ...] = getattr(self, name)
        return found

    def terms(self) -> Iterator[tuple[str, Term]]:
        """Every condition with its group."""
        for name in GROUPS:
            for term in self.group(name):
                yield name, term


@dataclass(frozen=True, slots=True)
class Ready:
    """A strategy made ready.

    Attributes:
        rules: One for each direction; empty when something is wrong.
        problems: What is wrong, one sentence each with the path in the file.
        reaches: Bars needed on each timeframe; that of the strategy has the empty name.
    """

    rules: tuple[Rule, ...]
    problems: tuple[str, ...]
    reaches: tuple[tuple[str, Reach], ...]

    def reach(self, timeframe: str = "") -> Reach:
        """Bars needed on one timeframe."""
        return dict(self.reaches).get(timeframe, Reach(0, 0))

    @property
    def frames(self) -> tuple[str, ...]:
        """Other timeframes that conditions look at."""
        return tuple(name for name, _need in self.reaches if name)


@lru_cache(maxsize=1024)
def prepare(strategy: Strategy, profile: Profile | None = None) -> Ready:
    """Read all conditions of a strategy and of its symbol's profile; kept for the next bar. Never raises."""
    reader = _Reader(strategy)
    rules = reader.rules(profile)
    problems = tuple(reader.problems) or tuple(_contradictions(strategy, rules))
    if problems:
        return Ready((), problems, ())
    return Ready(rules, (), tuple(sorted(_reaches(rules).items())))


def _reaches(rules: tuple[Rule, ...]) -> Reaches:
    return most(reach(term.node) for rule in rules for _group, term in rule.terms())


def _contradictions(strategy: Strategy, rules: tuple[Rule, ...]) -> Iterator[str]:
    paths = ("conditions.entry", "short_conditions.entry")
    # A mirrored side contradicts itself where the written one does.
    written = rules if strategy.short_conditions is not None else rules[:1]
    for path, rule in zip(paths, written, strict=False):
        entry = [(term.name, term.node) for term in rule.entry]
        found = contradictions(entry)
        yield from (f"{path}: {text}" for text in found)
        forbidden = {term.node: term for term in rule.invalidations}
        for term in rule.entry:
            if forbidden.pop(term.node, None) is not None:
                yield f"{path}: {term.name!r} is an invalidation too, so there can never be an idea."
        for term in () if found else forbidden.values():
            if rules_out(entry, term.node):
                yield f"{path}: where these hold, the invalidation {term.name!r} holds too: there can never be an idea."


class _Reader:
    """Reads the conditions of one strategy, gathering what is wrong."""

    def __init__(self, strategy: Strategy) -> None:
        self._strategy = strategy
        self._words: Vocabulary = vocabulary(strategy.indicators)
        self.problems: list[str] = []

    def rules(self, profile: Profile | None) -> tuple[Rule, ...]:
        """A rule for each direction. The conditions of ``long`` and ``short`` are taken as written; for ``both`` they
        are the long side, and the short side is written in the file or mirrored."""
        strategy = self._strategy
        first: Side = "short" if strategy.strategy.direction == "short" else "long"
        # Those of the profile speak of the symbol, not of a direction: they hold for both sides as written.
        shared = self._read(profile.invalidations, "invalidations", f"profile {profile.symbol}: ") if profile else ()
        own = self._read(strategy.strategy.invalidations, "strategy.invalidations")
        written = self._side(first, strategy.conditions, "conditions", own)
        rules = [written]
        if strategy.strategy.direction == "both":
            short = strategy.short_conditions
            if short is not None:
                refused = self._read(short.invalidations, "short_conditions.invalidations")
                rules.append(self._side("short", short, "short_conditions", refused))
            elif not self.problems:
                rules.append(self._mirrored(written))
        return tuple(
            Rule(rule.side, rule.entry, rule.exit, rule.strong, rule.weak, (*rule.invalidations, *shared))
            for rule in rules
        )

    def _side(self, side: Side, written: Conditions, path: str, invalidations: tuple[Term, ...]) -> Rule:
        entry, leave, strong, weak = (
            self._read(getattr(written, group), f"{path}.{group}") for group in ("entry", "exit", "strong", "weak")
        )
        return Rule(side, entry, leave, strong, weak, invalidations)

    def _read(self, names: tuple[str, ...], path: str, where: str = "") -> tuple[Term, ...]:
        found = []
        for index, name in enumerate(names):
            try:
                node = parse(name, self._words)
                self._check(node)
            except ConditionError as error:
                self.problems.append(_sentence(f"{where}{path}[{index}] {name!r}, {error}"))
            else:
                found.append(Term(name, node))
        return tuple(found)

    def _check(self, node: syntax.Condition) -> None:
        """Timeframes must be longer than the rule's own, and nothing may look back for ever."""
        own = self._strategy.timeframe
        for frame, need in reach(node).items():
            if frame and TIMEFRAMES[frame].seconds <= TIMEFRAMES[own].seconds:
                longer = [name for name, item in TIMEFRAMES.items() if item.seconds > TIMEFRAMES[own].seconds]
                hint = f"use one of {', '.join(longer)}" if longer else "there is no longer one"
                raise ConditionError(f"{frame} is not longer than the rule's own timeframe {own}; {hint}")
            if need.settled > _FARTHEST_BACK:
                raise ConditionError(f"it looks back {need.settled:,} bars; {_FARTHEST_BACK:,} is the most")

    def _mirrored(self, rule: Rule) -> Rule:
        groups = {
            name: self._turn(rule.group(name), "strategy" if name == "invalidations" else "conditions", name)
            for name in GROUPS
        }
        return Rule("short", **groups)

    def _turn(self, terms: tuple[Term, ...], place: str, group: str) -> tuple[Term, ...]:
        found = []
        for index, term in enumerate(terms):
            if (fact := FACTS.get(term.name.strip())) is not None:
                found.append(Term(fact.mirror, self._words.conditions[fact.mirror]))
                continue
            try:
                node = mirror(term.node)
            except ConditionError as error:
                self.problems.append(_sentence(f"{place}.{group}[{index}]: {error}"))
            else:
                found.append(Term(syntax.text(node), node))
        return tuple(found)


def _sentence(text: str) -> str:
    return text if text.endswith("?") else f"{text}."
