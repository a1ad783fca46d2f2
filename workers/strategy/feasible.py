"""Whether comparisons can all hold on one bar: an analysis of orders and intervals that raises no false alarm.

Every step is true of the floating-point numbers that are compared, not only of the real numbers that they stand for:
the order of values is transitive, rounding is monotone, a sum with something that is not negative is not smaller, a
difference has the sign of the order of its parts (subtraction underflows gradually). What follows from none of this is
taken to be possible.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.strategy.language.catalog import COLUMNS, FUNCTIONS, Image
from workers.strategy.language.syntax import Arithmetic, Call, Column, Compare, Diverges, Number, Numeric
from workers.strategy.normal_form import Leaf, beside, unwrapped

#: Larger systems are not looked at.
_MOST_VALUES: Final = 250
_MOST_ROUNDS: Final = 6
_MOST_PASSES: Final = 4
_PRICES: Final = ("open", "high", "low", "close")
_OF_WINDOW: Final = ("highest", "lowest", "upper_band", "lower_band")
_PARTS: Final = ("body", "upper_wick", "lower_wick")


class Interval(NamedTuple):
    """What a value can be; the open side leaves out the limit itself."""

    low: float = -math.inf
    high: float = math.inf
    low_open: bool = False
    high_open: bool = False

    def empty(self) -> bool:
        """Whether nothing is left."""
        return self.low > self.high or (self.low == self.high and (self.low_open or self.high_open))

    def both(self, other: Interval) -> Interval:
        """What is in both."""
        low, low_open = max((self.low, self.low_open), (other.low, other.low_open))
        high, high_closed = min((self.high, not self.high_open), (other.high, not other.high_open))
        return Interval(low, high, low_open, not high_closed)


_NOT_NEGATIVE: Final = Interval(low=0.0)
_POSITIVE: Final = Interval(low=0.0, low_open=True)


def feasible(leaves: Sequence[Leaf]) -> bool:
    """Whether all of these may hold on one bar; True when in doubt."""
    divergences: dict[tuple[Diverges, tuple[str | int, ...]], bool] = {}
    for leaf in leaves:
        if isinstance(leaf.node, Diverges):
            key = (leaf.node, leaf.around)
            if divergences.setdefault(key, leaf.holds) != leaf.holds:
                return False
    comparisons = [leaf.node for leaf in leaves if isinstance(leaf.node, Compare)]
    with np.errstate(all="ignore"):
        return _System(comparisons).feasible()


class _System:
    """Values and what is known of their order: ``less[a, b]`` says a < b, ``most[a, b]`` says a <= b."""

    def __init__(self, comparisons: Sequence[Compare]) -> None:
        self._places: dict[Numeric, int] = {}
        for comparison in comparisons:
            self._enter(comparison.left)
            self._enter(comparison.right)
        self._values = list(self._places)
        size = len(self._values)
        self._too_large = size > _MOST_VALUES
        if self._too_large:
            return
        self._most: NDArray[np.bool_] = np.eye(size, dtype=np.bool_)
        self._less: NDArray[np.bool_] = np.zeros((size, size), dtype=np.bool_)
        self._ranges = [_by_nature(value) for value in self._values]
        for comparison in comparisons:
            small, large = comparison.left, comparison.right
            if comparison.sign[0] == ">":
                small, large = large, small
            self._order(small, large, strict=len(comparison.sign) == 1)
        for small, large, strict in self._always():
            self._order(small, large, strict=strict)

    def _enter(self, value: Numeric) -> None:
        """A value, its parts, and the values that something is always known of beside it."""
        if value in self._places or len(self._places) > _MOST_VALUES:
            return
        self._places[value] = len(self._places)
        inner, _frames, _bars = unwrapped(value)
        match inner:
            case Arithmetic(_operator, left, right):
                self._enter(left)
                self._enter(right)
            case Call("abs" | "max" | "min", sources, _numbers):
                for source in sources:
                    self._enter(source)
            case Call("highest" | "lowest", _sources, _numbers):
                self._enter(beside(value, _source(inner)))
            case Column(name) if name in _PRICES:
                for other in _PRICES:
                    self._enter(beside(value, Column(other)))
            case Column(name) if name in _PARTS:
                for other in (*_PARTS, "range"):
                    self._enter(beside(value, Column(other)))

    def _order(self, small: Numeric, large: Numeric, *, strict: bool = False) -> bool:
        """Note that one is at most the other; whether that is new."""
        if small not in self._places or large not in self._places:
            return False
        at = self._places[small], self._places[large]
        table = self._less if strict else self._most
        new = not table[at]
        self._most[at] = True
        if strict:
            self._less[at] = True
        return bool(new)

    def feasible(self) -> bool:
        if self._too_large:
            return True
        for _round in range(_MOST_ROUNDS):
            self._close()
            if self._less.diagonal().any() or not self._narrow() or self._wicks_too_long():
                return False
            new = [self._order(small, large, strict=strict) for small, large, strict in self._by_arithmetic()]
            if not any(new):
                return True
        return True

    def _close(self) -> None:
        """All that follows from what is noted of the order."""
        while True:
            most = self._most | _product(self._most, self._most)
            less = self._less | _product(most, _product(self._less, most))
            most |= less
            if (most == self._most).all() and (less == self._less).all():
                return
            self._most, self._less = most, less

    def _narrow(self) -> bool:
        """What each value can be, by its parts and by its order; False when for one nothing is left."""
        for _pass in range(_MOST_PASSES):
            before = list(self._ranges)
            if not self._narrow_once():
                return False
            if before == self._ranges:
                break
        return True

    def _narrow_once(self) -> bool:
        for place, value in enumerate(self._values):
            self._ranges[place] = self._ranges[place].both(self._by_parts(value))
        known = self._ranges
        for place in range(len(known)):
            found = known[place]
            for below in np.flatnonzero(self._most[:, place]).tolist():
                other = known[below]
                found = found.both(Interval(other.low, low_open=other.low_open or bool(self._less[below, place])))
            for above in np.flatnonzero(self._most[place]).tolist():
                other = known[above]
                strict = other.high_open or bool(self._less[place, above])
                found = found.both(Interval(high=other.high, high_open=strict))
            known[place] = found
            if found.empty():
                return False
        return True

    def _of(self, value: Numeric) -> Interval:
        return self._ranges[self._places[value]]

    def _by_parts(self, value: Numeric) -> Interval:
        """What a sum or a product can be, from what its parts can be: rounding is monotone, so the corners tell."""
        if not isinstance(value, Arithmetic):
            return Interval()
        left, right = self._of(value.left), self._of(value.right)
        sign = Interval()
        if value.operator == "-":
            here, there = self._places[value.left], self._places[value.right]
            if self._most[there, here]:
                sign = Interval(low=0.0, low_open=bool(self._less[there, here]))
            if self._most[here, there]:
                sign = sign.both(Interval(high=0.0, high_open=bool(self._less[here, there])))
        if value.operator == "/" and right.low <= 0 <= right.high:
            return sign
        compute = _COMPUTE[value.operator]
        corners = [float(compute(one, other)) for one in left[:2] for other in right[:2]]
        if any(math.isnan(corner) for corner in corners):
            return sign
        return sign.both(Interval(min(corners), max(corners)))

    # -- orders ----------------------------------------------------------------------------------------------------

    def _always(self) -> Iterator[tuple[Numeric, Numeric, bool]]:
        """What holds on every bar whatever the market does."""
        numbers = sorted((value for value in self._values if isinstance(value, Number)), key=lambda one: one.value)
        for one, other in pairwise(numbers):
            yield one, other, one.value < other.value
            if one.value == other.value:  # 0 and -0
                yield other, one, False
        for value in self._values:
            inner, _frames, _bars = unwrapped(value)
            match inner:
                case Column("low"):
                    for name in ("open", "close", "high"):
                        yield value, beside(value, Column(name)), False
                case Column("open" | "close"):
                    yield value, beside(value, Column("high")), False
                case Column(name) if name in _PARTS:
                    yield value, beside(value, Column("range")), False
                case Call("abs" | "max", sources, _numbers):
                    yield from ((source, value, False) for source in sources)
                case Call("min", sources, _numbers):
                    yield from ((value, source, False) for source in sources)
        yield from self._windows()
        yield from self._multiples()

    def _windows(self) -> Iterator[tuple[Numeric, Numeric, bool]]:
        """The highest of some bars is not below any of them, nor below the highest of fewer; the lowest likewise. Of
        two bands around one average the wider one is farther out."""
        found = [(value, *unwrapped(value)) for value in self._values]
        for value, inner, frames, bars in found:
            if not isinstance(inner, Call) or inner.name not in _OF_WINDOW:
                continue
            for other, inside, around, ago in found:
                if around == frames and other != value and _reaches_beyond(inner, bars, inside, ago):
                    outward = inner.name in ("highest", "upper_band")
                    yield (other, value, False) if outward else (value, other, False)

    def _multiples(self) -> Iterator[tuple[Numeric, Numeric, bool]]:
        """Sums of one value with several numbers, and products of one that is not negative, are ordered as these."""
        found: dict[tuple[str, Numeric], list[tuple[float, Numeric]]] = {}
        for value in self._values:
            match value:
                case Arithmetic("+" | "*", Number(number), other):
                    found.setdefault((value.operator, other), []).append((number, value))
        for (operator, other), values in found.items():
            if operator == "+" or _by_nature(other).low >= 0:
                values.sort(key=lambda one: one[0])
                yield from ((one, next_one, False) for (_k, one), (_l, next_one) in pairwise(values))

    def _by_arithmetic(self) -> Iterator[tuple[Numeric, Numeric, bool]]:
        """What follows for the order of values and their parts from what they can be."""
        for value in self._values:
            match value:
                case Arithmetic("+", left, right):
                    yield from self._of_sum(value, left, right)
                    yield from self._of_sum(value, right, left)
                case Arithmetic("-", left, right):
                    yield from self._of_difference(value, left, right)
                case Arithmetic("*", Number(number), other) if self._of(other).low >= 0 and number >= 0:
                    yield (other, value, False) if number >= 1 else (value, other, False)
                case Arithmetic("/", left, right) if self._of(right).low >= 0:
                    yield from self._of_quotient(value, left, right)
                case Call("abs", (source,), _numbers) if self._of(source).low >= 0:
                    yield value, source, False

    def _of_sum(self, value: Numeric, part: Numeric, rest: Numeric) -> Iterator[tuple[Numeric, Numeric, bool]]:
        found = self._of(rest)
        if found.low >= 0:
            yield part, value, False
        if found.high <= 0:
            yield value, part, False

    def _of_difference(self, value: Numeric, left: Numeric, right: Numeric) -> Iterator[tuple[Numeric, Numeric, bool]]:
        found, taken = self._of(value), self._of(right)
        if taken.low >= 0:
            yield value, left, False
        if taken.high <= 0:
            yield left, value, False
        if found.low >= 0:
            yield right, left, found.low > 0 or found.low_open
        if found.high <= 0:
            yield left, right, found.high < 0 or found.high_open

    def _of_quotient(self, value: Numeric, left: Numeric, right: Numeric) -> Iterator[tuple[Numeric, Numeric, bool]]:
        found = self._of(value)
        if found.low > 1 or (found.low == 1 and found.low_open):
            yield right, left, True
        if found.high < 1 or (found.high == 1 and found.high_open):
            yield left, right, True
        if isinstance(right, Number) and self._of(left).low >= 0 and right.value > 0:
            yield (value, left, False) if right.value >= 1 else (left, value, False)

    def _wicks_too_long(self) -> bool:
        """Body and wicks make up the range: their least shares of it must not be more than the whole."""
        for value in self._values:
            if unwrapped(value)[0] != Column("range"):
                continue
            shares = [self._share(beside(value, Column(part)), value) for part in _PARTS]
            total = math.fsum(share for share, _strict in shares)
            exact = all((share * 4).is_integer() for share, _strict in shares)
            # Without a range each of them is any share of it.
            if any(strict for _share, strict in shares) and (total > 1 + 1e-9 or (exact and total >= 1)):
                return True
        return False

    def _share(self, part: Numeric, whole: Numeric) -> tuple[float, bool]:
        """The largest share of the range that a part of it is known to have, and whether it has more."""
        best = (0.0, False)
        if part not in self._places:
            return best
        here = self._places[part]
        for place, value in enumerate(self._values):
            match value:
                case Arithmetic("*", Number(number), other) if other == whole and self._most[place, here]:
                    best = max(best, (number, bool(self._less[place, here])))
                case Arithmetic("/", other, Number(number)) if other == whole and self._most[place, here] and number:
                    best = max(best, (1 / number, bool(self._less[place, here])))
                case Arithmetic("/", one, other) if (one, other) == (part, whole):
                    best = max(best, (self._ranges[place].low, True))
        return best


def _source(call: Call) -> Numeric:
    """What a function looks at first; a function without sources looks at itself."""
    found = call.sources or FUNCTIONS[call.name].sources
    return found[0] if found and found[0] is not None else call


def _reaches_beyond(outer: Call, bars: int, inner: Numeric, ago: int) -> bool:
    """Whether one of ``_OF_WINDOW``, so many bars ago, is always at least as far out as another value."""
    source, end = _source(outer), bars + int(outer.numbers[0])
    of_extreme = outer.name in ("highest", "lowest")
    if of_extreme and inner == source:
        return bars <= ago < end
    if not isinstance(inner, Call) or inner.name not in _OF_WINDOW or _source(inner) != source:
        return False
    if of_extreme:
        return inner.name == outer.name and bars <= ago and ago + inner.numbers[0] <= end
    # Two bands around one average: the wider one, or the one of the other side.
    if inner.name in ("highest", "lowest") or ago != bars or inner.numbers[0] != outer.numbers[0]:
        return False
    return inner.name != outer.name or inner.numbers[1] <= outer.numbers[1]


def _by_nature(value: Numeric) -> Interval:
    """What a value can be at all."""
    inner, _frames, _bars = unwrapped(value)
    match inner:
        case Number(number):
            return Interval(number, number)
        case Column(name):
            if COLUMNS[name].image is Image.PRICE:
                return _POSITIVE
            return _NOT_NEGATIVE if COLUMNS[name].image is Image.SIZE else Interval()
        case Call("median" | "highest" | "lowest", _sources, _numbers):
            return _by_nature(_source(inner))
        case Call("sma", _sources, _numbers) if _by_nature(_source(inner)).low >= 0:
            return _NOT_NEGATIVE
        case Call(name, _sources, _numbers):
            image = FUNCTIONS[name].image
            if image is Image.OSCILLATOR:
                return Interval(0.0, 100.0)
            return _NOT_NEGATIVE if image in (Image.SIZE, Image.SPREAD_OF) else Interval()
        case _:
            return Interval()


def _product(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> NDArray[np.bool_]:
    found: NDArray[np.bool_] = one.astype(np.float32) @ other.astype(np.float32) > 0
    return found


_COMPUTE: Final = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
