"""A condition on one bar in words, with the values that decided it, for people who check it on the chart."""

from __future__ import annotations

import math
from typing import Any

from workers.strategy.language.catalog import COLUMNS, FUNCTIONS, Image
from workers.strategy.language.evaluation import Evaluator
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
    Node,
    Not,
    Number,
    Numeric,
    Shift,
    children,
    text,
)
from workers.wording import count


def words(node: Condition, found: Evaluator, index: int, digits: int) -> str:
    """The values of a condition on the bar at ``index``: ``ema(20) 1.10234 > ema(50) 1.10105``.

    Args:
        digits: Decimals of a price.
    """
    match node:
        case Compare():
            left, right = found.numbers(node.left)[index], found.numbers(node.right)[index]
            sign = ">" if left > right else "<" if left < right else "="
            if math.isnan(left) or math.isnan(right):
                sign = node.sign
            return f"{_value(node.left, found, index, digits)} {sign} {_value(node.right, found, index, digits)}"
        case Between():
            limits = f"{_value(node.low, found, index, digits)} and {_value(node.high, found, index, digits)}"
            holds = found.truth(node).holds[index]
            return f"{_value(node.operand, found, index, digits)} {'is' if holds else 'is not'} between {limits}"
        case Cross():
            before = words(Compare(">", node.left, node.right), found, index - 1, digits) if index else "no bar"
            return f"before {before}, now {words(Compare('>', node.left, node.right), found, index, digits)}"
        case Diverges():
            return _divergence(node, found, index, digits)
        case Not():
            return f"not: {words(node.operand, found, index, digits)}"
        case AllOf() | AnyOf():
            joint = " and " if isinstance(node, AllOf) else " or "
            return joint.join(words(part, found, index, digits) for part in node.operands)
        case Shift() | Framed():
            return _elsewhere(node, found, index, digits)


def _elsewhere(node: Shift | Framed, found: Evaluator, index: int, digits: int) -> str:
    inner: Any = node.operand
    if isinstance(node, Shift):
        there, place, where = found, index - node.bars, f"{count(node.bars, 'bar')} ago"
    else:
        there, newest = found.other(node.timeframe)
        place, where = int(newest[index]), node.timeframe
    return f"{where}: {words(inner, there, place, digits) if place >= 0 else 'no bar'}"


def _value(node: Numeric, found: Evaluator, index: int, digits: int) -> str:
    if isinstance(node, Number):
        return text(node)
    value = float(found.numbers(node)[index])
    shown = f"{value:.{_places(node, digits)}f}" if math.isfinite(value) else "without value"
    return f"{text(node)} {shown}"


def _places(node: Node, digits: int) -> int:
    """Decimals worth showing: those of a price, one more for what is averaged finer than that."""
    match node:
        case Number():
            return 0
        case Column():
            return digits if COLUMNS[node.name].image is Image.PRICE or "wick" in node.name else _of_size(node, digits)
        case Call():
            function = FUNCTIONS[node.name]
            if function.image is Image.OSCILLATOR:
                return 1
            if function.image in (Image.AVERAGE, Image.EXTREME):
                return max((_places(source, digits) for source in node.sources), default=digits)
            return digits + 1
        case Arithmetic() if node.operator == "/":
            return max(4, digits)
        case _:
            return max((_places(part, digits) for part in children(node)), default=digits)


def _of_size(node: Column, digits: int) -> int:
    return 0 if node.name in ("volume", "spread") else digits


def _divergence(node: Diverges, found: Evaluator, index: int, digits: int) -> str:
    pivots = found.divergences(node)
    first, second = int(pivots.first[index]), int(pivots.second[index])
    price = "low" if node.bullish else "high"
    if second < 0:
        return f"no {'bullish' if node.bullish else 'bearish'} divergence of {text(node.oscillator)}"
    levels, oscillator = found.column(price), found.numbers(node.oscillator)
    sign, other = (">", "<") if node.bullish else ("<", ">")
    places = _places(node.oscillator, digits)
    return (
        f"{price} {levels[first]:.{digits}f} {sign} {levels[second]:.{digits}f} while {text(node.oscillator)} "
        f"{oscillator[first]:.{places}f} {other} {oscillator[second]:.{places}f} "
        f"({index - first} and {index - second} bars ago)"
    )
