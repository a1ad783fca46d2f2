"""Shares to fill up the list of symbols: each follows an index at a price of its own, and costs next to nothing.

A share's prices are those of its index times a number, rounded. Rounding keeps order, so a share's ticks, bars and
timeframes agree with each other because those of the index do.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from app.terminal.simulated.chart import Chart, Day
from app.terminal.simulated.factors import FACTORS
from app.terminal.simulated.noise import key_for, uniform
from app.terminal.simulated.symbols import CATALOGUE, Spec
from app.terminal.simulated.ticks import Present
from app.terminal.values import Rates, Ticks

_PARENTS = ("US500", "USTEC", "GER40")
_LEAST, _GREATEST = 8.0, 900.0
_SCALE = 100.0  # two digits


def stock_specs(count: int, seed: int) -> Iterator[tuple[Spec, str]]:
    """``count`` shares, each with the index that it follows: ``STK00001`` and so on."""
    parents = [spec for spec in CATALOGUE if spec.name in _PARENTS]
    for number in range(1, count + 1):
        parent = parents[number % len(parents)]
        spread = 2 + key_for(seed, f"spread {number}") % 12
        yield (
            replace(
                parent,
                name=f"STK{number:05d}",
                description=f"Share {number} of {parent.description}",
                group=f"Shares\\{parent.base}",
                digits=2,
                spread=spread,
                swap_long=-0.6,
                swap_short=-0.4,
                volume_min=1.0,
                volume_max=10_000.0,
                volume_step=1.0,
                calc_mode=2,
                margin_rate=0.2,
                stops_level=0,
                shown=False,
            ),
            parent.name,
        )


class StockChart:
    """A share that follows ``parent``."""

    def __init__(self, spec: Spec, parent: Chart, seed: int) -> None:
        self.spec = spec
        self._parent = parent
        level = math.prod(FACTORS[leg].price for leg in parent.spec.legs)
        place = float(uniform(key_for(seed, f"share {spec.name}"), np.zeros(1, dtype=np.int64))[0])
        self._times = (_LEAST + (_GREATEST - _LEAST) * place * place * place) / level

    def present(self, now_msc: int) -> Present | None:
        found = self._parent.present(now_msc)
        if found is None:
            return None
        cents, spread = round(found.bid * self._times * _SCALE), self._spread(found.spread)
        return Present(found.time_msc, cents / _SCALE, (cents + spread) / _SCALE, spread)

    def day(self, now_msc: int) -> Day | None:
        found = self._parent.day(now_msc)
        if found is None:
            return None
        prices = (found.opened, found.high, found.low, found.close_before)
        return Day(*(round(price * self._times * _SCALE) / _SCALE for price in prices))

    def has(self, seconds: int) -> bool:
        return self._parent.has(seconds)

    def before(self, seconds: int, moment: int, count: int, now_msc: int) -> Rates:
        return self._bars(self._parent.before(seconds, moment, count, now_msc))

    def between(self, seconds: int, first: int, last: int, now_msc: int) -> Rates:
        return self._bars(self._parent.between(seconds, first, last, now_msc))

    def ticks(self, from_msc: int, to_msc: int, now_msc: int, count: int | None = None) -> Ticks:
        found = self._parent.ticks(from_msc, to_msc, now_msc, count)
        point = self._parent.spec.point
        spreads = np.rint((found["ask"] - found["bid"]) / point)
        cents = np.rint(found["bid"] * self._times * _SCALE)
        ticks = found.copy()
        ticks["bid"] = cents / _SCALE
        ticks["ask"] = (cents + self._spreads(spreads)) / _SCALE
        return ticks

    def _bars(self, found: Rates) -> Rates:
        bars = found.copy()
        for name in ("open", "high", "low", "close"):
            bars[name] = np.rint(found[name] * self._times * _SCALE) / _SCALE
        bars["spread"] = self._spreads(found["spread"])
        return bars

    def _spread(self, points: int) -> int:
        """The spread widens with that of the index; a multiplication and a rounding, which keep order."""
        return max(1, round(points * self.spec.spread / self._parent.spec.spread))

    def _spreads(self, points: np.ndarray) -> np.ndarray:
        return np.maximum(1, np.rint(points * self.spec.spread / self._parent.spec.spread)).astype(np.int64)
