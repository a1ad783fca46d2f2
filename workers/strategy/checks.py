"""Entry conditions that can never hold together, which would make a strategy silent for ever.

Only what is certain is told: conditions that hold together on some bar are never refused (``feasible``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from workers.strategy.feasible import feasible
from workers.strategy.language.syntax import Condition, Not
from workers.strategy.normal_form import Way, joined, ways

#: So many different contradictions of one rule are told.
_MOST_TOLD = 10

Terms = Sequence[tuple[str, Condition]]


def contradictions(terms: Terms) -> list[str]:
    """What can never hold together among conditions that must all hold; one sentence each.

    Args:
        terms: Name and tree of each condition.
    """
    left = list(terms)
    found: list[str] = []
    while len(found) < _MOST_TOLD and not _possible(left):
        core = _core(left)
        found.append(_sentence([name for name, _node in core]))
        left.remove(core[-1])
    return list(dict.fromkeys(found))


def rules_out(terms: Terms, forbidden: Condition) -> bool:
    """Whether ``forbidden`` holds wherever all these conditions do and it has a value."""
    return not _possible([*terms, ("", Not(forbidden))])


def _possible(terms: Terms) -> bool:
    return _may_all_hold(tuple(node for _name, node in terms))


@lru_cache(maxsize=1024)
def _may_all_hold(nodes: tuple[Condition, ...]) -> bool:
    """Kept, since many strategies trade other symbols by the same rule."""
    so_far: tuple[Way, ...] = ((),)
    for node in nodes:
        found = ways(node)
        # Of a condition that can hold in very many ways nothing is claimed.
        more = joined(so_far, found) if found is not None else None
        so_far = so_far if more is None else more
    return any(feasible(way) for way in so_far)


def _core(terms: Terms) -> list[tuple[str, Condition]]:
    """The few of these conditions that are enough for the contradiction."""
    left = list(terms)
    for term in reversed(terms):
        fewer = list(left)
        fewer.remove(term)
        if not _possible(fewer):
            left = fewer
    return left


def _sentence(names: Sequence[str]) -> str:
    quoted = [repr(name) for name in sorted(names)]
    if len(quoted) == 1:
        return f"{quoted[0]} can never hold."
    return f"{', '.join(quoted[:-1])} and {quoted[-1]} can never hold together."
