"""The tree of a condition: frozen nodes that compare and hash by content, and the text of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Sign = Literal[">", "<", ">=", "<="]
Operator = Literal["+", "-", "*", "/"]


@dataclass(frozen=True, slots=True)
class Number:
    """A constant."""

    value: float


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the bars, or what one bar alone gives: close, range, upper_wick and the like."""

    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """A function of the catalogue; ``sources`` are what it looks at (empty: its usual ones), ``numbers`` its periods
    and the like."""

    name: str
    sources: tuple[Numeric, ...]
    numbers: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two values joined by an operator."""

    operator: Operator
    left: Numeric
    right: Numeric


@dataclass(frozen=True, slots=True)
class Negative:
    """The value with the other sign."""

    operand: Numeric


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values compared."""

    sign: Sign
    left: Numeric
    right: Numeric


@dataclass(frozen=True, slots=True)
class Cross:
    """``left`` was not beyond ``right`` on the bar before and is now."""

    above: bool
    left: Numeric
    right: Numeric


@dataclass(frozen=True, slots=True)
class Between:
    """``low <= operand <= high``."""

    operand: Numeric
    low: Numeric
    high: Numeric


@dataclass(frozen=True, slots=True)
class Diverges:
    """A pivot divergence between price and an oscillator."""

    bullish: bool
    oscillator: Numeric


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    operand: Condition


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every one of them holds."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one of them holds."""

    operands: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Shift:
    """The operand so many bars ago."""

    operand: Node
    bars: int


@dataclass(frozen=True, slots=True)
class Framed:
    """The operand on the closed bars of another timeframe."""

    timeframe: str
    operand: Node


Numeric = Number | Column | Call | Arithmetic | Negative | Shift | Framed
Condition = Compare | Cross | Between | Diverges | Not | AllOf | AnyOf | Shift | Framed
Node = Numeric | Condition


def is_condition(node: Node) -> bool:
    """Whether the node is true or false on a bar; otherwise it is a number there."""
    while isinstance(node, (Shift, Framed)):
        node = node.operand
    return isinstance(node, (Compare, Cross, Between, Diverges, Not, AllOf, AnyOf))


def children(node: Node) -> tuple[Node, ...]:
    """The nodes directly below."""
    match node:
        case Number() | Column():
            return ()
        case Call():
            return node.sources
        case Arithmetic() | Compare() | Cross():
            return (node.left, node.right)
        case Between():
            return (node.operand, node.low, node.high)
        case Diverges():
            return (node.oscillator,)
        case AllOf() | AnyOf():
            return node.operands
        case Negative() | Not() | Shift() | Framed():
            return (node.operand,)


_BINDS = {"+": 1, "-": 1, "*": 2, "/": 2}


def text(node: Node) -> str:
    """The node as it is written; reading that gives the same node."""
    match node:
        case Number():
            return number_text(node.value)
        case Column():
            return node.name
        case Call():
            parts = [*(text(source) for source in node.sources), *(number_text(value) for value in node.numbers)]
            return f"{node.name}({', '.join(parts)})"
        case Arithmetic():
            return f"{_operand(node.left, node.operator)} {node.operator} {_operand(node.right, node.operator, True)}"
        case Negative():
            return f"-{_closed(node.operand)}"
        case Shift():
            # A shift of a value of another timeframe counts bars of this one, H4.close[1] bars of that one.
            inner = node.operand
            return f"{f'({text(inner)})' if isinstance(inner, Framed) else _closed(inner)}[{node.bars}]"
        case Framed():
            return f"{node.timeframe}.{_of_frame(node.operand)}"
        case _:
            return _condition_text(node)


def _condition_text(node: Compare | Cross | Between | Diverges | Not | AllOf | AnyOf) -> str:
    match node:
        case Compare():
            return f"{text(node.left)} {node.sign} {text(node.right)}"
        case Cross():
            return f"{text(node.left)} crosses {'above' if node.above else 'below'} {text(node.right)}"
        case Between():
            return f"{text(node.operand)} between {text(node.low)} and {text(node.high)}"
        case Diverges():
            return f"divergence_{'bullish' if node.bullish else 'bearish'}({text(node.oscillator)})"
        case Not():
            return f"not {_joined(node.operand)}"
        case AllOf():
            return " and ".join(_joined(part) for part in node.operands)
        case AnyOf():
            return " or ".join(_joined(part) for part in node.operands)


def number_text(value: float) -> str:
    """A number without needless zeros; reading it gives the same value."""
    return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)


def _operand(node: Node, operator: str, right: bool = False) -> str:
    if isinstance(node, Arithmetic):
        inner, outer = _BINDS[node.operator], _BINDS[operator]
        if inner < outer or (right and inner == outer):
            return f"({text(node)})"
    if isinstance(node, Negative) or (isinstance(node, Number) and node.value < 0):
        return f"({text(node)})" if right else text(node)
    return text(node)


def _closed(node: Node) -> str:
    """Text that binds as one thing."""
    if isinstance(node, (Column, Call, Diverges, Shift, Framed)) or (isinstance(node, Number) and node.value >= 0):
        return text(node)
    return f"({text(node)})"


def _of_frame(node: Node) -> str:
    if isinstance(node, (Column, Call, Diverges)) or (isinstance(node, Shift) and not isinstance(node.operand, Number)):
        return text(node)
    return f"({text(node)})"


def _joined(node: Node) -> str:
    """A condition inside ``and``, ``or`` and ``not``."""
    return f"({text(node)})" if isinstance(node, (AllOf, AnyOf, Between)) else text(node)
