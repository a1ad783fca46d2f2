"""Entry, stop and target on the price grid of the symbol. Nothing here is guessed: no ATR, no plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from workers.strategy.rules import Side


class _SymbolFacts(Protocol):
    """The part of a symbol's specification that prices need."""

    @property
    def digits(self) -> int: ...
    @property
    def point(self) -> float: ...
    @property
    def trade_tick_size(self) -> float: ...


@dataclass(frozen=True, slots=True)
class PriceGrid:
    """How prices of a symbol are written: decimals, the size of a point, and the step between two prices."""

    digits: int
    point: float
    tick: float

    @classmethod
    def of(cls, symbol: _SymbolFacts) -> PriceGrid:
        """The grid of a symbol; some brokers leave the tick size at 0, then a point is the step."""
        return cls(symbol.digits, symbol.point, symbol.trade_tick_size or symbol.point)

    def usable(self) -> bool:
        """Whether prices can be rounded to it at all."""
        return self.point > 0 and self.tick > 0 and math.isfinite(self.point) and math.isfinite(self.tick)

    def nearest(self, price: float) -> float:
        """The price rounded to the nearest step."""
        return self._at(round(price / self.tick))

    def _at(self, steps: int) -> float:
        return round(steps * self.tick, max(self.digits, 0))


@dataclass(frozen=True, slots=True)
class TradePlan:
    """Prices of an idea; ``reward_risk`` is the reward for one unit of risk, measured after rounding."""

    entry: float
    stop: float
    target: float
    reward_risk: float


def plan(
    side: Side, close: float, spread_points: float, atr: float, multiplier: float, rr: float, grid: PriceGrid
) -> TradePlan | str:
    """Entry, stop and target, or the reason why there are none.

    Bars are drawn from bids, so a long enters at the close plus the bar's spread and a short at the close. The stop is
    ``multiplier`` ATR away, at least one step; the target ``rr`` stop distances, counted in whole steps upward so that
    rounding never makes the reward smaller than asked for.

    Args:
        close: Close of the decided bar (bid).
        spread_points: Spread of that bar, in points.
        atr: Average true range, in price.
        multiplier: Distance of the stop, in ATR.
        rr: Wanted reward for one unit of risk.
    """
    if not math.isfinite(atr) or atr <= 0:
        return "the average true range is not known or zero, so there is no distance for a stop"
    if not grid.usable():
        return "the symbol has no usable point or tick size, so prices cannot be rounded"
    sign = 1 if side == "long" else -1
    cost = spread_points * grid.point if side == "long" else 0.0
    entry = grid.nearest(close + cost)
    stop_steps = max(1, round(atr * multiplier / grid.tick))
    target_steps = math.ceil(stop_steps * rr - 1e-9)
    stop = grid.nearest(entry - sign * stop_steps * grid.tick)
    target = grid.nearest(entry + sign * target_steps * grid.tick)
    if min(entry, stop, target) <= 0:
        return "a stop or target at or below zero would be needed; the symbol moves too much for this rule"
    return TradePlan(entry, stop, target, round(target_steps / stop_steps, 2))
