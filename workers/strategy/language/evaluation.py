"""The value of a tree on every bar of a series at once, and in words on one bar.

A condition is told in two arrays: whether it holds, and whether that is known. What is not known (too few bars yet,
a division by zero) never counts as held, nor does its opposite. Bars that follow never change an answer, and of other
timeframes only bars that had closed by the closing of the bar in question are seen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.terminal.closing import closing_times
from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import TIMEFRAMES
from workers.strategy import divergence
from workers.strategy.averages import Array
from workers.strategy.divergence import Divergences
from workers.strategy.language.catalog import FUNCTIONS, shifted
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
)

Bools = NDArray[np.bool_]
Rates = NDArray[np.void]


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Whether a condition holds on each bar; ``holds`` is never set where ``known`` is not."""

    holds: Bools
    known: Bools


class Evaluator:
    """Values of trees over one run of closed bars; each part is computed once, however many conditions share it.

    Args:
        rates: Closed bars, oldest first: fields time (UTC epoch seconds), open, high, low, close, tick_volume, spread
            (points).
        bar_seconds: Length of a bar.
        frames: Closed bars of other timeframes, by name; they may reach beyond the end of ``rates``.
        server: The rule of the server's clock, by which bars end; without one they are as long as they are called.
    """

    def __init__(
        self,
        rates: Rates,
        bar_seconds: int,
        frames: Mapping[str, Rates] | None = None,
        server: ServerTimeRule | None = None,
    ) -> None:
        self.rates = rates
        self.bar_seconds = bar_seconds
        self._server = server
        self._closings: NDArray[np.int64] | None = None
        self._frames = frames or {}
        self._numbers: dict[Numeric, Array] = {}
        self._finite: dict[Numeric, Bools] = {}
        self._truths: dict[Condition, Truth] = {}
        self._divergences: dict[Diverges, Divergences] = {}
        self._others: dict[str, tuple[Evaluator, NDArray[np.int64]]] = {}

    def __len__(self) -> int:
        return len(self.rates)

    @property
    def closings(self) -> NDArray[np.int64]:
        """When each bar is over, UTC epoch seconds."""
        if self._closings is None:
            times = self.rates["time"]
            if self._server is None:
                self._closings = times + self.bar_seconds
            else:
                self._closings = closing_times(times, self.bar_seconds, self._server)
        return self._closings

    def numbers(self, node: Numeric) -> Array:
        """The value on each bar; NaN where there is none."""
        found = self._numbers.get(node)
        if found is None:
            with np.errstate(all="ignore"):
                found = self._number(node)
            self._numbers[node] = found
        return found

    def truth(self, node: Condition) -> Truth:
        """Whether the condition holds on each bar, and whether that is known."""
        found = self._truths.get(node)
        if found is None:
            found = self._truths[node] = self._truth(node)
        return found

    def shrink(self, most: int) -> None:
        """Forget what was computed when it takes more than ``most`` bytes: conditions first, then numbers.

        For sweeps, in which one rule after the other asks; what is forgotten is computed again.
        """
        truths = sum(found.holds.nbytes + found.known.nbytes for found in self._truths.values())
        numbers = sum(found.nbytes for found in (*self._numbers.values(), *self._finite.values()))
        if truths + numbers > most:
            self._truths.clear()
            self._divergences.clear()
        if numbers > most:
            self._numbers.clear()
            self._finite.clear()
        for there, _newest in self._others.values():
            there.shrink(most)

    def divergences(self, node: Diverges) -> Divergences:
        """The pivots behind a divergence."""
        found = self._divergences.get(node)
        if found is None:
            oscillator = self.numbers(node.oscillator)
            if node.bullish:
                found = divergence.bullish(self.column("low"), oscillator)
            else:
                found = divergence.bearish(self.column("high"), oscillator)
            self._divergences[node] = found
        return found

    def other(self, timeframe: str) -> tuple[Evaluator, NDArray[np.int64]]:
        """The evaluator of another timeframe, and for each bar here the index of its newest closed bar there, -1
        where there is none."""
        found = self._others.get(timeframe)
        if found is None:
            rates = self._frames.get(timeframe, self.rates[:0])
            seconds = TIMEFRAMES[timeframe].seconds
            closed = closing_times(rates["time"], seconds, self._server)
            newest = np.searchsorted(closed, self.closings, side="right") - 1
            found = (Evaluator(rates, seconds, server=self._server), newest)
            self._others[timeframe] = found
        return found

    def column(self, name: str) -> Array:
        """A column of the bars, or what each bar alone gives."""
        return self.numbers(Column(name))

    # -- numbers ---------------------------------------------------------------------------------------------------

    def _number(self, node: Numeric) -> Array:
        match node:
            case Number():
                return np.full(len(self), node.value)
            case Column():
                return self._column(node.name)
            case Call():
                function = FUNCTIONS[node.name]
                sources = node.sources or [source for source in function.sources if source is not None]
                return function.compute(self.column, tuple(self.numbers(source) for source in sources), node.numbers)
            case Arithmetic():
                joined: Array = _ARITHMETIC[node.operator](self.numbers(node.left), self.numbers(node.right))
                return joined
            case Negative():
                return -self.numbers(node.operand)
            case Shift():
                return shifted(self.numbers(_any(node.operand)), node.bars)
            case Framed():
                there, newest = self.other(node.timeframe)
                return _held(there.numbers(_any(node.operand)), newest, np.nan)

    def _column(self, name: str) -> Array:
        field = {"volume": "tick_volume"}.get(name, name)
        if field in (self.rates.dtype.names or ()):
            return np.ascontiguousarray(self.rates[field], dtype=np.float64)
        begin, end = self.column("open"), self.column("close")
        match name:
            case "range":
                return self.column("high") - self.column("low")
            case "body":
                return np.abs(end - begin)
            case "upper_wick":
                return self.column("high") - np.maximum(begin, end)
            case _:
                return np.minimum(begin, end) - self.column("low")

    # -- conditions ------------------------------------------------------------------------------------------------

    def _truth(self, node: Condition) -> Truth:
        match node:
            case Compare():
                return self._comparison(node)
            case Between():
                value, low, high = (self.numbers(part) for part in (node.operand, node.low, node.high))
                known = self._known(node.operand, node.low, node.high)
                return Truth(known & (low <= value) & (value <= high), known)
            case Cross():
                return self._crossing(node)
            case Diverges():
                found = self.divergences(node)
                return Truth(found.holds, found.known)
            case Not():
                inner = self.truth(node.operand)
                return Truth(inner.known & ~inner.holds, inner.known)
            case AllOf() | AnyOf():
                return self._joined(node)
            case Shift():
                inner = self.truth(_any(node.operand))
                return Truth(_shifted(inner.holds, node.bars), _shifted(inner.known, node.bars))
            case Framed():
                there, newest = self.other(node.timeframe)
                inner = there.truth(_any(node.operand))
                return Truth(_held(inner.holds, newest, False), _held(inner.known, newest, False))

    def _known(self, *nodes: Numeric) -> Bools:
        """Where all of these have a value."""
        found: list[Bools] = []
        for node in nodes:
            if node not in self._finite:
                self._finite[node] = np.isfinite(self.numbers(node))
            found.append(self._finite[node])
        known: Bools = np.logical_and.reduce(found)
        return known

    def _comparison(self, node: Compare) -> Truth:
        known = self._known(node.left, node.right)
        return Truth(known & _COMPARISON[node.sign](self.numbers(node.left), self.numbers(node.right)), known)

    def _crossing(self, node: Cross) -> Truth:
        now = self._comparison(Compare(">" if node.above else "<", node.left, node.right))
        before = self._comparison(Compare("<=" if node.above else ">=", node.left, node.right))
        known = now.known & _shifted(now.known, 1)
        return Truth(known & now.holds & _shifted(before.holds, 1), known)

    def _joined(self, node: AllOf | AnyOf) -> Truth:
        """One that is known not to hold settles ``and``, one that holds settles ``or``, whatever the others are."""
        parts = [self.truth(part) for part in node.operands]
        holds = [part.holds for part in parts]
        fails = [part.known & ~part.holds for part in parts]
        if isinstance(node, AllOf):
            true, false = np.logical_and.reduce(holds), np.logical_or.reduce(fails)
        else:
            true, false = np.logical_or.reduce(holds), np.logical_and.reduce(fails)
        return Truth(true, true | false)


_ARITHMETIC: Final[Mapping[str, Any]] = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
_COMPARISON: Final[Mapping[str, Any]] = {
    ">": np.greater,
    "<": np.less,
    ">=": np.greater_equal,
    "<=": np.less_equal,
}


def _any(node: Node) -> Any:
    """The operand of a shift or a timeframe; the reader made sure that it is of the kind of the whole."""
    return node


def _shifted(values: Bools, bars: int) -> Bools:
    out = np.zeros(len(values), dtype=np.bool_)
    out[bars:] = values[: max(len(values) - bars, 0)]
    return out


def _held(values: NDArray[Any], newest: NDArray[np.int64], missing: float | bool) -> NDArray[Any]:
    """Values of another timeframe on the bars of this one."""
    if len(values) == 0:
        return np.full(len(newest), missing)
    return np.where(newest >= 0, values[np.maximum(newest, 0)], missing)
