"""Conditions in a form in which they can be compared: comparisons and divergences joined by ``and`` and ``or`` only.

Nothing here changes what a condition means on any bar, to the last bit: negations are pushed down to the comparisons,
shifts and timeframes to the columns and functions that they speak of, and crossings are told as what they say of this
bar and the one before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from workers.strategy.language.syntax import (
    AllOf,
    AnyOf,
    Arithmetic,
    Between,
    Call,
    Column,
    Compare,
    Condition,
    Cross,
    Diverges,
    Framed,
    Negative,
    Node,
    Not,
    Number,
    Numeric,
    Shift,
    Sign,
    text,
)

#: What stands around a value, the outermost first: the name of a timeframe, or a number of bars.
Around = tuple[str | int, ...]

#: More ways than this in which conditions may hold together are not gone through.
MOST_WAYS: Final = 64

_OPPOSITE: Final[dict[Sign, Sign]] = {">": "<=", "<": ">=", ">=": "<", "<=": ">"}
#: Functions of values of the same bar alone: what stands around them may stand around their sources.
_OF_ONE_BAR: Final = ("abs", "max", "min")


@dataclass(frozen=True, slots=True)
class Leaf:
    """A comparison, or a divergence that is (``holds``) or is not there."""

    node: Compare | Diverges
    around: Around = ()
    holds: bool = True


Way = tuple[Leaf, ...]


def ways(node: Condition) -> tuple[Way, ...] | None:
    """The ways in which a condition can hold, each a number of leaves that all hold; None when there are too many."""
    try:
        return tuple(_ways(node, (), True))
    except _TooMany:
        return None


def joined(first: tuple[Way, ...], second: tuple[Way, ...]) -> tuple[Way, ...] | None:
    """The ways in which both can hold; None when there are too many."""
    if len(first) * len(second) > MOST_WAYS:
        return None
    return tuple((*one, *other) for one in first for other in second)


class _TooMany(Exception):
    """There are more ways than are gone through."""


def _ways(node: Node, around: Around, holds: bool) -> Iterator[Way]:
    match node:
        case Compare(sign, left, right):
            yield (Leaf(_compared(sign if holds else _OPPOSITE[sign], left, right, around)),)
        case Diverges():
            yield (Leaf(Diverges(node.bullish, canonical(node.oscillator)), around, holds),)
        case Not():
            yield from _ways(node.operand, around, not holds)
        case Shift():
            yield from _ways(node.operand, (*around, node.bars), holds)
        case Framed():
            yield from _ways(node.operand, (*around, node.timeframe), holds)
        case AllOf() | AnyOf():
            yield from _all_or_any(list(node.operands), around, holds, every=isinstance(node, AllOf) is holds)
        case Between(operand, low, high):
            parts: list[Node] = [Compare(">=", operand, low), Compare("<=", operand, high)]
            yield from _all_or_any(parts, around, holds, every=holds)
        case Cross(above, left, right):
            now, before = Compare(">" if above else "<", left, right), Compare("<=" if above else ">=", left, right)
            yield from _all_or_any([now, Shift(before, 1)], around, holds, every=holds)


def _all_or_any(parts: list[Node], around: Around, holds: bool, *, every: bool) -> Iterator[Way]:
    found = [tuple(_ways(part, around, holds)) for part in parts]
    if not every:
        if sum(map(len, found)) > MOST_WAYS:
            raise _TooMany
        for part in found:
            yield from part
        return
    so_far: tuple[Way, ...] = ((),)
    for part in found:
        more = joined(so_far, part)
        if more is None:
            raise _TooMany
        so_far = more
    yield from so_far


def _compared(sign: Sign, left: Numeric, right: Numeric, around: Around) -> Compare:
    return Compare(sign, canonical(left, around), canonical(right, around))


def canonical(node: Node, around: Around = ()) -> Numeric:
    """The value with its shifts and timeframes at its columns and functions, and sums and products in one order."""
    match node:
        case Shift():
            return canonical(node.operand, (*around, node.bars))
        case Framed():
            return canonical(node.operand, (*around, node.timeframe))
        case Number():
            return node
        case Negative():
            return _arithmetic("-", Number(0.0), canonical(node.operand, around))
        case Arithmetic():
            return _arithmetic(node.operator, canonical(node.left, around), canonical(node.right, around))
        case Call(name, sources, _numbers) if name in _OF_ONE_BAR:
            ordered = sorted((canonical(source, around) for source in sources), key=text)
            return Call(name, tuple(ordered))
        case Call("change", sources, numbers):
            source = sources[0] if sources else Column("close")
            return _arithmetic("-", canonical(source, around), canonical(source, (*around, int(numbers[0]))))
        case Call(name, sources, numbers) if name.startswith("macd_hist"):
            signal = name.replace("hist", "signal")
            main = canonical(Call("macd", sources, numbers), around)
            return _arithmetic("-", main, canonical(Call(signal, sources, numbers), around))
        case Call():
            return _wrapped(Call(node.name, tuple(canonical(source) for source in node.sources), node.numbers), around)
        case _:
            found: Any = node
            return _wrapped(found, around)


def _arithmetic(operator: Any, left: Numeric, right: Numeric) -> Numeric:
    if operator == "-" and isinstance(right, Number):
        operator, right = "+", Number(-right.value)
    if operator in "+*" and (not isinstance(left, Number), text(left)) > (not isinstance(right, Number), text(right)):
        left, right = right, left
    return Arithmetic(operator, left, right)


def _wrapped(node: Numeric, around: Around) -> Numeric:
    """``node`` with what stands around it; two shifts are one, and a shift by nothing is none."""
    found = node
    for step in reversed(around):
        if isinstance(step, str):
            found = Framed(step, found)
        elif isinstance(found, Shift):
            found = Shift(found.operand, found.bars + step)
        elif step:
            found = Shift(found, step)
    return found


def unwrapped(node: Numeric) -> tuple[Numeric, tuple[str, ...], int]:
    """A value of ``canonical`` as its column or function, what stands around that but the innermost shift, and that
    shift in bars."""
    frames: list[str] = []
    inner: Any = node
    bars = 0
    while isinstance(inner, (Shift, Framed)):
        if isinstance(inner, Framed):
            frames.append(f"{bars}{inner.timeframe}")
            bars = 0
        else:
            bars = inner.bars
        inner = inner.operand
    return inner, tuple(frames), bars


def beside(node: Numeric, other: Numeric) -> Numeric:
    """``other`` with all that stands around ``node``."""
    around: list[str | int] = []
    inner: Any = node
    while isinstance(inner, (Shift, Framed)):
        around.append(inner.bars if isinstance(inner, Shift) else inner.timeframe)
        inner = inner.operand
    return canonical(other, tuple(around))
