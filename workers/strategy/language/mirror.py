"""The mirror image of a condition: what holds on a falling market where the condition holds on a rising one.

Turn the chart upside down: every price ``p`` becomes ``C - p``. A condition's mirror image holds on the real chart
exactly where the condition holds on the turned one. Each value is written there as

    sign * image + offset + prices * C

with an image on the real chart. A close is ``-close + C``, an RSI ``-rsi + 100``, an average true range itself. Two
values can be compared when they hold the same number of ``C``: those then cancel out. A price against a fixed number
(``close > 1.10``), and a price divided by a price, have no mirror image: the short side has to be written.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

from workers.strategy.language.catalog import COLUMNS, FUNCTIONS, Image
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
    Not,
    Number,
    Numeric,
    Shift,
    Sign,
    is_condition,
    text,
)
from workers.strategy.language.tokens import ConditionError

_TURNED: Final[dict[Sign, Sign]] = {">": "<", "<": ">", ">=": "<=", "<=": ">="}


@dataclass(frozen=True, slots=True)
class _Turned:
    """A value on the turned chart; ``sign`` 0 says that it is a constant, which takes any sign."""

    image: Numeric
    sign: int
    offset: float = 0.0
    prices: float = 0.0

    @property
    def plain(self) -> bool:
        return self.offset == 0.0 and self.prices == 0.0


def mirror(node: Condition) -> Condition:
    """The same condition for the other direction.

    Raises:
        ConditionError: it has no mirror image.
    """
    match node:
        case Compare():
            left, right, sign = _sides(node.left, node.right, node)
            return Compare(_TURNED[node.sign] if sign < 0 else node.sign, left, right)
        case Cross():
            left, right, sign = _sides(node.left, node.right, node)
            return Cross(node.above == (sign > 0), left, right)
        case Between():
            low = _sides(node.operand, node.low, node)
            high = _sides(node.operand, node.high, node)
            limits = (low[1], high[1]) if low[2] > 0 else (high[1], low[1])
            return Between(low[0], *limits)
        case Diverges():
            return Diverges(not node.bullish, _oscillator(node))
        case Not():
            return Not(mirror(node.operand))
        case AllOf():
            return AllOf(tuple(mirror(part) for part in node.operands))
        case AnyOf():
            return AnyOf(tuple(mirror(part) for part in node.operands))
        case Shift():
            return Shift(mirror(_as_condition(node.operand)), node.bars)
        case Framed():
            return Framed(node.timeframe, mirror(_as_condition(node.operand)))


def _as_condition(node: Any) -> Condition:
    if not is_condition(node):
        raise ConditionError(f"{text(node)!r} is a number, which has no mirror image of its own")
    condition: Condition = node
    return condition


def _oscillator(node: Diverges) -> Numeric:
    found = _turned(node.oscillator)
    if found.sign > 0:
        raise ConditionError(f"{text(node)!r} has no mirror image: its oscillator does not turn with the price")
    return found.image


def _sides(left: Numeric, right: Numeric, whole: Condition) -> tuple[Numeric, Numeric, int]:
    """Images of both sides of a comparison, and -1 when the comparison turns over."""
    one, two = _turned(left), _turned(right)
    if not math.isclose(one.prices, two.prices, abs_tol=1e-9):
        raise ConditionError(
            f"{text(whole)!r} has no mirror image, because it compares a price with something that is no price; "
            "write short_conditions"
        )
    sign = one.sign or two.sign or 1
    # sign*a + s > sign*b + t  <=>  a > b + sign*(t - s), turned over for sign -1
    image = _plus(_signed(two, sign), sign * (two.offset - one.offset))
    return _signed(one, sign), image, sign


def _signed(value: _Turned, sign: int) -> Numeric:
    """The image such that the value is ``sign * image + ...``; a constant is itself for 0."""
    return _negative(value.image) if (value.sign or 1) != (sign or 1) else value.image


def _turned(node: Numeric) -> _Turned:
    match node:
        case Number():
            return _Turned(node, 0)
        case Column():
            word = COLUMNS[node.name]
            price = word.image is Image.PRICE
            return _Turned(Column(word.opposite), -1 if price else 1, 0.0, 1.0 if price else 0.0)
        case Negative():
            inner = _turned(node.operand)
            return _Turned(_negative(inner.image), inner.sign, -inner.offset, -inner.prices)
        case Arithmetic():
            return _arithmetic(node)
        case Call():
            return _call(node)
        case Shift():
            inner = _turned(_number(node.operand))
            return _Turned(Shift(inner.image, node.bars), inner.sign, inner.offset, inner.prices)
        case Framed():
            inner = _turned(_number(node.operand))
            return _Turned(Framed(node.timeframe, inner.image), inner.sign, inner.offset, inner.prices)


def _number(node: Any) -> Numeric:
    number: Numeric = node
    return number


def _arithmetic(node: Arithmetic) -> _Turned:
    left, right = _turned(node.left), _turned(node.right)
    if node.operator in "+-":
        sign = left.sign or right.sign
        other = 1 if node.operator == "+" else -1
        sum_of_images = _sum(node.operator == "+", _signed(left, sign), _signed(right, sign))
        return _Turned(sum_of_images, sign, left.offset + other * right.offset, left.prices + other * right.prices)
    image = Arithmetic(node.operator, left.image, right.image)
    sign = (left.sign or 1) * (right.sign or 1) if left.sign or right.sign else 0
    if left.plain and right.plain:
        return _Turned(image, sign)
    factor = _factor(node, left, right)
    if factor is None:
        raise ConditionError(
            f"{text(node)!r} has no mirror image, because it multiplies or divides by a price; write short_conditions"
        )
    moved = right if left.plain else left
    return _Turned(image, sign, moved.offset * factor, moved.prices * factor)


def _factor(node: Arithmetic, left: _Turned, right: _Turned) -> float | None:
    """The constant that scales the other side, if there is one."""
    if isinstance(right.image, Number) and right.sign == 0:
        value = right.image.value
        return value if node.operator == "*" else 1.0 / value if value else None
    if isinstance(left.image, Number) and left.sign == 0 and node.operator == "*":
        return left.image.value
    return None


def _call(node: Call) -> _Turned:
    function = FUNCTIONS[node.name]
    sources = node.sources or tuple(source for source in function.sources if source is not None)
    if not sources:
        return _Turned(node, 1)
    turned = [_turned(source) for source in sources]
    sign = next((value.sign for value in turned if value.sign), 0)
    first = turned[0]
    if function.name in ("max", "min"):
        return _extreme_of_two(node, turned, sign)
    if function.name == "abs" and not first.plain:
        raise ConditionError(f"{text(node)!r} has no mirror image, because it takes the size of a price")
    image, flipped = first.image, sign < 0
    match function.image:
        case Image.AVERAGE:
            return _Turned(_called(node.name, image, node), sign, first.offset, first.prices)
        case Image.EXTREME:
            name = function.opposite if flipped else node.name
            return _Turned(_called(name, image, node), sign, first.offset, first.prices)
        case Image.OSCILLATOR:
            return _Turned(_called(node.name, image, node), sign, 100.0 if flipped else 0.0)
        case Image.CHANGE:
            return _Turned(_called(node.name, image, node), sign)
        case _:
            return _Turned(_called(node.name, image, node), 1)


def _extreme_of_two(node: Call, turned: list[_Turned], sign: int) -> _Turned:
    one, two = turned
    if (one.offset, one.prices) != (two.offset, two.prices):
        raise ConditionError(f"{text(node)!r} has no mirror image, because its values turn differently")
    name = FUNCTIONS[node.name].opposite if sign < 0 else node.name
    return _Turned(Call(name, (_signed(one, sign), _signed(two, sign))), sign, one.offset, one.prices)


def _called(name: str, source: Numeric, node: Call) -> Call:
    """The function on another source, written without it where that is the usual one."""
    return Call(name, () if (source,) == FUNCTIONS[name].sources else (source,), node.numbers)


def _negative(node: Numeric) -> Numeric:
    if isinstance(node, Number):
        return Number(-node.value) if node.value else node
    return node.operand if isinstance(node, Negative) else Negative(node)


def _sum(plus: bool, left: Numeric, right: Numeric) -> Numeric:
    """The sum or difference, without a sign that it need not have."""
    match right:
        case Negative():
            plus, right = not plus, right.operand
        case Number() if right.value < 0:
            plus, right = not plus, Number(-right.value)
    return Arithmetic("+" if plus else "-", left, right)


def _plus(node: Numeric, value: float) -> Numeric:
    """The node and a constant, in one number where there is one already."""
    if value == 0.0:
        return node
    match node:
        case Number():
            return Number(node.value + value)
        case Arithmetic("+" | "-", left, Number(last)):
            total = value + (last if node.operator == "+" else -last)
            return _sum(True, left, Number(total)) if total else left
        case _:
            return _sum(True, node, Number(value))
