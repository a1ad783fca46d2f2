"""Entry conditions that can never hold together, which would make a strategy silent for ever."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from workers.strategy.language.catalog import COLUMNS, FUNCTIONS, Image
from workers.strategy.language.syntax import (
    AllOf,
    Arithmetic,
    Between,
    Call,
    Column,
    Compare,
    Condition,
    Not,
    Number,
    Numeric,
    Sign,
    text,
)


@dataclass(frozen=True, slots=True)
class _Bound:
    """What one condition says of a value; ``open`` leaves out the limit itself."""

    owner: str
    value: float
    open: bool


@dataclass(slots=True)
class _Span:
    """All that is said of one value."""

    low: list[_Bound] = field(default_factory=list)
    high: list[_Bound] = field(default_factory=list)


_TURNED: dict[Sign, Sign] = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


def contradictions(terms: Sequence[tuple[str, Condition]]) -> list[str]:
    """What can never hold together among conditions that must all hold; one sentence each.

    Looks at comparisons of the same two values, at the limits that are set for one value, and at opposites.

    Args:
        terms: Name and tree of each condition.
    """
    spans: dict[Numeric, _Span] = {}
    parts = [(name, part) for name, node in terms for part in _parts(node)]
    for name, part in parts:
        for value, sign, limit in _limits(part):
            span = spans.setdefault(value, _span_of(value))
            (span.low if sign[0] == ">" else span.high).append(_Bound(name, limit, len(sign) == 1))
    found = [sentence for value, span in spans.items() for sentence in _impossible(value, span)]
    whole = {part: name for name, part in parts}
    for name, part in parts:
        if isinstance(part, Not) and part.operand in whole:
            found.append(_together(name, whole[part.operand]))
    return list(dict.fromkeys(found))


def _parts(node: Condition) -> Iterator[Condition]:
    if isinstance(node, AllOf):
        for part in node.operands:
            yield from _parts(part)
    else:
        yield node


def _limits(node: Condition) -> Iterable[tuple[Numeric, Sign, float]]:
    """The limits that a condition sets: a value, on which side of what."""
    match node:
        case Compare(sign, left, Number(value)):
            return [(left, sign, value)]
        case Compare(sign, Number(value), right):
            return [(right, _TURNED[sign], value)]
        case Compare(sign, left, right):
            # a > b says that a - b > 0; b > a says so of the same difference
            if text(left) > text(right):
                left, right, sign = right, left, _TURNED[sign]
            return [(Arithmetic("-", left, right), sign, 0.0)]
        case Between(operand, Number(low), Number(high)):
            return [(operand, ">=", low), (operand, "<=", high)]
        case _:
            return []


def _span_of(value: Numeric) -> _Span:
    """What a value can be at all."""
    if isinstance(value, Call) and FUNCTIONS[value.name].image is Image.OSCILLATOR:
        return _Span([_Bound("", 0.0, False)], [_Bound("", 100.0, False)])
    size = (isinstance(value, Column) and COLUMNS[value.name].image is Image.SIZE) or (
        isinstance(value, Call) and FUNCTIONS[value.name].image in (Image.SIZE, Image.SPREAD_OF)
    )
    return _Span([_Bound("", 0.0, False)], [_Bound("", math.inf, False)]) if size else _Span()


def _impossible(value: Numeric, span: _Span) -> Iterator[str]:
    for low in span.low:
        for high in span.high:
            if low.value > high.value or (low.value == high.value and (low.open or high.open)):
                if low.owner and high.owner:
                    yield _together(low.owner, high.owner)
                else:
                    yield f"{low.owner or high.owner!r} can never hold: {text(value)} is never there."


def _together(one: str, two: str) -> str:
    if one == two:
        return f"{one!r} can never hold."
    first, second = sorted((one, two))
    return f"{first!r} and {second!r} can never hold together."
