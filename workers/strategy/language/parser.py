"""Tokens to a tree. By hand and by recursion, with limits, so that no text can cost more than a page of work.

condition  = conjunction { "or" conjunction }
conjunction= negation { "and" negation }
negation   = "not" negation | comparison
comparison = sum [ ( ">" | "<" | ">=" | "<=" | "crosses" ("above" | "below") ) sum | "between" sum "and" sum ]
sum        = product { ("+" | "-") product }
product    = factor { ("*" | "/") factor }
factor     = "-" factor | primary { "[" bars "]" }
primary    = number | name [ "(" [ argument { "," argument } ] ")" ] | "(" condition ")"
           | timeframe "." ( name ... | "(" condition ")" ) { "[" bars "]" }
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from app.likeness import nearest
from app.terminal.timeframes import TIMEFRAMES
from workers.strategy.language.catalog import COLUMNS, FUNCTIONS, MOST_BARS, Function, Parameter
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
    children,
    is_condition,
)
from workers.strategy.language.tokens import ConditionError, Token, tokens

#: Brackets, signs and words inside each other, and parts of one condition, at most.
DEEPEST: Final = 16
MOST_PARTS: Final = 120
_LARGEST_NUMBER: Final = 1e12

_COMPARISONS: Final = (">", "<", ">=", "<=")
_WORDS: Final = ("and", "or", "not", "crosses", "above", "below", "between")
_DIVERGENCES: Final = {"divergence_bullish": True, "divergence_bearish": False}


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """What names mean beyond the words of the language; comes from the rule file.

    Attributes:
        conditions: Named facts.
        values: Named values, such as ``ema_fast``.
        numbers: What functions take when they are called without numbers.
        instead: Functions that another one stands in for.
    """

    conditions: Mapping[str, Condition] = field(default_factory=dict)
    values: Mapping[str, Numeric] = field(default_factory=dict)
    numbers: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    instead: Mapping[str, str] = field(default_factory=dict)

    def names(self) -> tuple[str, ...]:
        """Every name that has a meaning."""
        return tuple(dict.fromkeys((*self.conditions, *self.values, *COLUMNS, *FUNCTIONS, *_DIVERGENCES)))


def parse(text: str, vocabulary: Vocabulary) -> Condition:
    """The tree of one condition.

    Raises:
        ConditionError: with the column and, for a name, the nearest that is known.
    """
    reader = _Parser(tokens(text), vocabulary)
    node = reader.condition()
    reader.expect_end()
    if not is_condition(node):
        raise ConditionError("this is a number, not a condition; compare it with something, as in 'rsi(14) < 30'", 1)
    _refuse_too_many(node)
    return cast(Condition, node)


def _refuse_too_many(node: Node) -> None:
    waiting, count, columns = [node], 0, False
    while waiting:
        here = waiting.pop()
        count += 1
        columns = columns or isinstance(here, (Column, Call, Diverges))
        if count > MOST_PARTS:
            raise ConditionError(f"a condition has {MOST_PARTS} parts at most; split it in two")
        waiting += children(here)
    if not columns:
        raise ConditionError("this looks at no bar, so it is always the same")


class _Parser:
    """One pass over the tokens of one condition."""

    def __init__(self, found: tuple[Token, ...], vocabulary: Vocabulary) -> None:
        self._tokens = found
        self._vocabulary = vocabulary
        self._place = 0
        self._depth = 0
        self._frame = ""

    # -- conditions ------------------------------------------------------------------------------------------------

    def condition(self) -> Node:
        """What ``or`` joins."""
        self._deeper()
        parts = [self._conjunction()]
        while (token := self._taken("or")) is not None:
            parts.append(self._conjunction())
            self._need_conditions(token, *parts)
        self._depth -= 1
        return parts[0] if len(parts) == 1 else AnyOf(cast(Any, tuple(parts)))

    def _conjunction(self) -> Node:
        parts = [self._negation()]
        while (token := self._taken("and")) is not None:
            parts.append(self._negation())
            self._need_conditions(token, *parts)
        return parts[0] if len(parts) == 1 else AllOf(cast(Any, tuple(parts)))

    def _negation(self) -> Node:
        if (token := self._taken("not")) is None:
            return self._comparison()
        self._deeper()
        operand = self._negation()
        self._need_conditions(token, operand)
        self._depth -= 1
        return Not(cast(Condition, operand))

    def _comparison(self) -> Node:
        left = self._sum()
        if (token := self._taken(*_COMPARISONS)) is not None:
            right = self._sum()
            found: Node = Compare(cast(Any, token.text), *self._numerics(token, left, right))
        elif (token := self._taken("crosses")) is not None:
            way = self._taken("above", "below")
            if way is None:
                raise ConditionError(f"after 'crosses' comes 'above' or 'below', not {self._next}", self._next.column)
            found = Cross(way.text == "above", *self._numerics(token, left, self._sum()))
        elif (token := self._taken("between")) is not None:
            low = self._sum()
            self._expect("and", "between takes two limits joined by 'and', as in 'rsi(14) between 40 and 60'")
            operand, low, high = self._numerics(token, left, low, self._sum())
            found = Between(operand, low, high)
        else:
            return left
        if self._next.text in _COMPARISONS:
            raise ConditionError("one comparison at a time; write 'x between a and b'", self._next.column)
        return found

    # -- values ----------------------------------------------------------------------------------------------------

    def _sum(self) -> Node:
        return self._chain(("+", "-"), self._product)

    def _product(self) -> Node:
        return self._chain(("*", "/"), self._factor)

    def _chain(self, signs: tuple[str, ...], part: Any) -> Node:
        left: Node = part()
        began = self._depth
        while (token := self._taken(*signs)) is not None:
            self._deeper()  # a chain of operators is a tree that leans to the left, as deep as it is long
            left = Arithmetic(cast(Any, token.text), *self._numerics(token, left, part()))
        self._depth = began
        return left

    def _factor(self) -> Node:
        if (token := self._taken("-")) is None:
            return self._primary()
        self._deeper()
        (operand,) = self._numerics(token, self._factor())
        self._depth -= 1
        return Number(-operand.value) if isinstance(operand, Number) else Negative(operand)

    def _primary(self) -> Node:
        token = self._advance()
        if token.kind == "number":
            return self._number(token)
        if token.text == "(":
            node = self.condition()
            self._expect(")", "a bracket is not closed")
            return self._shifted(node)
        if token.kind != "name" or token.text in _WORDS:
            raise ConditionError(f"a value or a condition is missing before {token}", token.column)
        if token.text in TIMEFRAMES and self._next.text == ".":
            return self._shifted(self._framed(token))
        return self._shifted(self._named(token))

    def _number(self, token: Token) -> Number:
        value = float(token.text)
        if not math.isfinite(value) or value > _LARGEST_NUMBER:
            raise ConditionError(f"the number {token.text} is too large", token.column)
        return Number(value)

    def _framed(self, token: Token) -> Node:
        if self._frame:
            raise ConditionError(f"{token.text} stands inside {self._frame}: one timeframe at a time", token.column)
        self._advance()
        self._frame = token.text
        name = self._advance()
        if name.text == "(":
            inner = self.condition()
            self._expect(")", "a bracket is not closed")
            inner = self._shifted(inner)
        elif name.kind == "name":
            inner = self._shifted(self._named(name))
        else:
            raise ConditionError(f"after '{token.text}.' comes a name, as in '{token.text}.ema(50)'", name.column)
        self._frame = ""
        return Framed(token.text, inner)

    def _shifted(self, node: Node) -> Node:
        while self._taken("[") is not None:
            token = self._advance()
            if token.kind != "number" or not token.text.isdigit() or int(token.text[:9]) > MOST_BARS:
                raise ConditionError(
                    f"in brackets stands how many bars ago, 0 to {MOST_BARS}, not {token}", token.column
                )
            self._expect("]", "a bracket is not closed")
            if int(token.text):
                node = (
                    Shift(node.operand, node.bars + int(token.text))
                    if isinstance(node, Shift)
                    else Shift(node, int(token.text))
                )
            if isinstance(node, Shift) and node.bars > MOST_BARS:
                raise ConditionError(f"at most {MOST_BARS} bars ago", token.column)
        return node

    def _named(self, token: Token) -> Node:
        name, known = token.text, self._vocabulary
        if self._next.text == "(":
            if name in _DIVERGENCES:
                return self._divergence(token)
            if name in FUNCTIONS:
                return self._call(token)
            if name in known.conditions or name in known.values or name in COLUMNS:
                raise ConditionError(f"{name!r} takes no arguments", token.column)
        elif name in known.conditions:
            return known.conditions[name]
        elif name in known.values:
            return known.values[name]
        elif name in COLUMNS:
            return Column(name)
        elif name in FUNCTIONS:
            return self._built(token, ())
        if name in TIMEFRAMES:
            raise ConditionError(f"{name} is a timeframe; it is followed as in '{name}.ema(50)'", token.column)
        if name.upper() in TIMEFRAMES:
            raise ConditionError(f"there is nothing called {name!r}; did you mean {name.upper()!r}?", token.column)
        if self._next.text == ".":
            text = f"there is nothing called {name!r}; the timeframes are {', '.join(TIMEFRAMES)}"
            raise ConditionError(text, token.column)
        raise ConditionError(unknown(name, known.names()), token.column)

    def _divergence(self, token: Token) -> Node:
        arguments = self._arguments()
        if len(arguments) != 1:
            raise ConditionError(f"{token.text} takes one oscillator, as in '{token.text}(rsi(14))'", token.column)
        return Diverges(_DIVERGENCES[token.text], *self._numerics(token, *arguments))

    def _call(self, token: Token) -> Node:
        return self._built(token, self._arguments())

    def _arguments(self) -> tuple[Node, ...]:
        self._deeper()
        self._expect("(", "a bracket is missing")
        found: list[Node] = []
        if self._taken(")") is None:
            found.append(self.condition())
            while self._taken(",") is not None:
                found.append(self.condition())
            self._expect(")", "a bracket is not closed")
        self._depth -= 1
        return tuple(found)

    def _built(self, token: Token, arguments: tuple[Node, ...]) -> Node:
        function = FUNCTIONS[self._vocabulary.instead.get(token.text, token.text)]
        named = len(function.sources)
        if None not in function.sources and all(isinstance(argument, Number) for argument in arguments):
            named = 0
        sources, rest = self._numerics(token, *arguments[:named]), arguments[named:]
        numbers = tuple(node.value for node in rest if isinstance(node, Number))
        if not rest:
            numbers = self._vocabulary.numbers.get(token.text, ())
        if len(sources) != named or len(numbers) < len(rest) or len(numbers) != len(function.numbers):
            raise ConditionError(f"it is written {function.usage()}, with plain numbers", token.column)
        for parameter, number in zip(function.numbers, numbers, strict=True):
            _check_number(function, parameter, number, token)
        if function.name.startswith("macd") and numbers[0] >= numbers[1]:
            raise ConditionError(f"fast ({numbers[0]:g}) must be smaller than slow ({numbers[1]:g})", token.column)
        return Call(function.name, () if sources == function.sources else sources, numbers)

    # -- tokens ----------------------------------------------------------------------------------------------------

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _advance(self) -> Token:
        token = self._next
        if token.kind != "end":
            self._place += 1
        return token

    def _taken(self, *texts: str) -> Token | None:
        return self._advance() if self._next.kind != "number" and self._next.text in texts else None

    def _expect(self, text: str, message: str) -> None:
        if self._taken(text) is None:
            raise ConditionError(f"{message}; {text!r} was expected, not {self._next}", self._next.column)

    def expect_end(self) -> None:
        """Nothing may follow."""
        token = self._next
        if token.kind == "end":
            return
        near = nearest(token.text, _WORDS)
        hint = f"; did you mean {near[0]!r}?" if near and token.text not in _WORDS else ""
        raise ConditionError(f"{token} does not belong here{hint}", token.column)

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > DEEPEST:
            raise ConditionError(f"nested deeper than {DEEPEST}; split the condition", self._next.column)

    def _need_conditions(self, token: Token, *nodes: Node) -> None:
        if not all(is_condition(node) for node in nodes):
            raise ConditionError(f"{token} joins conditions; one side of it is a number", token.column)

    def _numerics(self, token: Token, *nodes: Node) -> tuple[Any, ...]:
        if any(is_condition(node) for node in nodes):
            raise ConditionError(f"{token} takes numbers; one here is a condition", token.column)
        return nodes


def _check_number(function: Function, parameter: Parameter, number: float, token: Token) -> None:
    if parameter.whole and number != int(number):
        raise ConditionError(f"the {parameter.name} of {function.name} is a whole number, not {number:g}", token.column)
    if not parameter.least <= number <= parameter.most:
        raise ConditionError(
            f"the {parameter.name} of {function.name} is {parameter.least:g} to {parameter.most:g}, not {number:g}",
            token.column,
        )


def unknown(name: str, names: tuple[str, ...]) -> str:
    """What to say of a name that means nothing: with the nearest that does."""
    near = nearest(name, names, cutoff=0.5)
    lower = [known for known in names if known.lower() == name.lower()]
    if lower or near:
        return f"there is nothing called {name!r}; did you mean {(lower or near)[0]!r}?"
    return f"there is nothing called {name!r}; known are {', '.join(names)}"
