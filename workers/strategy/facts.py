"""The named facts that conditions are made of: what each means, what it mirrors to, and whether it holds.

A name that is not known is an error with the nearest known one; a name that a later version will know is an error
that says so. Neither is ever taken as "does not hold".
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from workers.strategy import indicators
from workers.strategy.schema import Indicators, Strategy


class Series:
    """The indicators of one rule over a run of closed bars; each is computed when first asked for.

    Args:
        rates: Structured array of closed bars, oldest first.
        settings: The indicators' periods and levels.
        digits: Decimals of a price, for texts.
    """

    def __init__(self, rates: NDArray[Any], settings: Indicators, digits: int) -> None:
        self.rates = rates
        self.settings = settings
        self.digits = digits
        self.close = np.ascontiguousarray(rates["close"], dtype=np.float64)

    @cached_property
    def ema_fast(self) -> indicators.Array:
        return indicators.ema(self.close, self.settings.ema.fast)

    @cached_property
    def ema_slow(self) -> indicators.Array:
        return indicators.ema(self.close, self.settings.ema.slow)

    @cached_property
    def rsi(self) -> indicators.Array:
        return indicators.rsi(self.close, self.settings.rsi.period)

    @cached_property
    def atr(self) -> indicators.Array:
        high = np.ascontiguousarray(self.rates["high"], dtype=np.float64)
        low = np.ascontiguousarray(self.rates["low"], dtype=np.float64)
        return indicators.atr(high, low, self.close, self.settings.atr.period)


@dataclass(frozen=True, slots=True)
class FactResult:
    """One condition on one bar: whether it holds, and with which values."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Fact:
    """A named condition.

    Attributes:
        mirror: The name of the same fact for the other direction.
        needs: The indicators that it looks at.
        at: ``at(series, index) -> (holds, detail)`` for one closed bar.
    """

    name: str
    mirror: str
    needs: frozenset[str]
    at: Callable[[Series, int], tuple[bool, str]]


def _compare(left: float, right: float, left_name: str, right_name: str, digits: int) -> str:
    sign = ">" if left > right else "<" if left < right else "="
    return f"{left_name} {left:.{digits}f} {sign} {right_name} {right:.{digits}f}"


def _ema_pair(above: bool) -> Callable[[Series, int], tuple[bool, str]]:
    def at(series: Series, index: int) -> tuple[bool, str]:
        fast, slow = float(series.ema_fast[index]), float(series.ema_slow[index])
        periods = series.settings.ema
        detail = _compare(fast, slow, f"EMA({periods.fast})", f"EMA({periods.slow})", series.digits)
        return (fast > slow if above else fast < slow), detail

    return at


def _price_ema(which: str, above: bool) -> Callable[[Series, int], tuple[bool, str]]:
    def at(series: Series, index: int) -> tuple[bool, str]:
        close = float(series.close[index])
        line = float((series.ema_fast if which == "fast" else series.ema_slow)[index])
        period = getattr(series.settings.ema, which)
        detail = _compare(close, line, "close", f"EMA({period})", series.digits)
        return (close > line if above else close < line), detail

    return at


def _rsi_below(series: Series, index: int) -> tuple[bool, str]:
    value, level = float(series.rsi[index]), series.settings.rsi.oversold
    return value < level, f"RSI({series.settings.rsi.period}) {value:.1f}, oversold below {level:g}"


def _rsi_above(series: Series, index: int) -> tuple[bool, str]:
    value, level = float(series.rsi[index]), series.settings.rsi.overbought
    return value > level, f"RSI({series.settings.rsi.period}) {value:.1f}, overbought above {level:g}"


def _rsi_middle(series: Series, index: int) -> tuple[bool, str]:
    value = float(series.rsi[index])
    return 40.0 <= value <= 60.0, f"RSI({series.settings.rsi.period}) {value:.1f}, the middle is 40 to 60"


_EMA, _RSI = frozenset({"ema"}), frozenset({"rsi"})

#: Every fact that can be evaluated now, by name.
FACTS: Final[dict[str, Fact]] = {
    fact.name: fact
    for fact in (
        Fact("ema_fast_gt_slow", "ema_fast_lt_slow", _EMA, _ema_pair(above=True)),
        Fact("ema_fast_lt_slow", "ema_fast_gt_slow", _EMA, _ema_pair(above=False)),
        Fact("price_above_ema_fast", "price_below_ema_fast", _EMA, _price_ema("fast", above=True)),
        Fact("price_below_ema_fast", "price_above_ema_fast", _EMA, _price_ema("fast", above=False)),
        Fact("price_above_ema_slow", "price_close_lt_ema_slow", _EMA, _price_ema("slow", above=True)),
        Fact("price_below_ema_slow", "price_above_ema_slow", _EMA, _price_ema("slow", above=False)),
        Fact("price_close_lt_ema_slow", "price_above_ema_slow", _EMA, _price_ema("slow", above=False)),
        Fact("rsi_lt_30", "rsi_gt_70", _RSI, _rsi_below),
        Fact("rsi_gt_70", "rsi_lt_30", _RSI, _rsi_above),
        Fact("rsi_between_40_60", "rsi_between_40_60", _RSI, _rsi_middle),
    )
}

#: Facts of the format that this version cannot evaluate yet.
LATER: Final = frozenset(
    {
        "macd_hist_gt_0",
        "macd_hist_lt_0",
        "atr_above_median",
        "atr_below_median",
        "long_upper_wick",
        "long_lower_wick",
        "divergence_bullish",
        "divergence_bearish",
    }
)


def evaluate(name: str, series: Series, index: int) -> FactResult:
    """Whether the fact holds on the bar at ``index``; the name was checked by ``problems`` before."""
    holds, detail = FACTS[name].at(series, index)
    return FactResult(name, holds, detail)


def mirrored(names: Iterable[str]) -> tuple[str, ...]:
    """The same conditions for the other direction."""
    return tuple(FACTS[name].mirror for name in names)


def problems(strategy: Strategy) -> tuple[str, ...]:
    """Why the conditions of this strategy cannot be evaluated: one sentence each, empty when they can."""
    found = [text for path, name in _named(strategy) if (text := _problem(path, name))]
    if not found:
        found = _contradictions(strategy)
    return tuple(found)


def needed(names: Iterable[str]) -> frozenset[str]:
    """The indicators that these facts look at."""
    return frozenset[str]().union(*(FACTS[name].needs for name in names))


def _named(strategy: Strategy) -> list[tuple[str, str]]:
    """Every condition with its path in the file."""
    groups: list[tuple[str, tuple[str, ...]]] = [("strategy.invalidations", strategy.strategy.invalidations)]
    for group in ("entry", "exit", "strong", "weak"):
        groups.append((f"conditions.{group}", getattr(strategy.conditions, group)))
        if strategy.short_conditions is not None:
            groups.append((f"short_conditions.{group}", getattr(strategy.short_conditions, group)))
    if strategy.short_conditions is not None:
        groups.append(("short_conditions.invalidations", strategy.short_conditions.invalidations))
    return [(f"{path}[{index}]", name) for path, names in groups for index, name in enumerate(names)]


def _problem(path: str, name: str) -> str:
    if name in FACTS:
        return ""
    if name in LATER:
        return f"{path}: the condition {name!r} is not supported yet in this version."
    near = difflib.get_close_matches(name, [*FACTS, *LATER], n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(FACTS)}."
    return f"{path}: there is no condition named {name!r}; {hint}"


def _contradictions(strategy: Strategy) -> list[str]:
    """Entry conditions that can never hold together, which would make a strategy silent for ever."""
    found = []
    sides = [("conditions.entry", strategy.conditions.entry, strategy.strategy.invalidations)]
    if strategy.short_conditions is not None:
        short = strategy.short_conditions
        sides.append(("short_conditions.entry", short.entry, short.invalidations))
    for path, entry, invalidations in sides:
        # price_below_ema_slow and price_close_lt_ema_slow are two names of one fact.
        canonical = {"price_close_lt_ema_slow" if name == "price_below_ema_slow" else name for name in entry}
        for name in sorted(canonical):
            mirror = FACTS[name].mirror
            if mirror in canonical and name < mirror:
                found.append(f"{path}: {name!r} and {mirror!r} can never hold together.")
        found += [
            f"{path}: {name!r} is an invalidation too, so there can never be an idea."
            for name in entry
            if name in invalidations
        ]
    return found
