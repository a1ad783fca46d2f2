"""Entry, stop and target on the price grid of the symbol. Nothing here is guessed: no ATR, no plan."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from workers.strategy.averages import Array
from workers.strategy.profile import Profile
from workers.strategy.rules import Side
from workers.strategy.schema import Strategy

#: A float counts whole steps up to here.
_MOST_STEPS: Final = 2.0**52


class _SymbolFacts(Protocol):
    """The part of a symbol's specification that prices need."""

    @property
    def digits(self) -> int: ...
    @property
    def point(self) -> float: ...
    @property
    def trade_tick_size(self) -> float: ...
    @property
    def trade_stops_level(self) -> int: ...


@dataclass(frozen=True, slots=True)
class PriceGrid:
    """How prices of a symbol are written: decimals, the size of a point, and the step between two prices.

    ``stops_level`` is the nearest that the broker takes a stop or target, in points from the price; 0: anywhere.
    """

    digits: int
    point: float
    tick: float
    stops_level: int = 0

    @classmethod
    def of(cls, symbol: _SymbolFacts) -> PriceGrid:
        """The grid of a symbol; some brokers leave the tick size at 0, then a point is the step."""
        return cls(symbol.digits, symbol.point, symbol.trade_tick_size or symbol.point, symbol.trade_stops_level)

    def usable(self) -> bool:
        """Whether prices can be rounded to it at all."""
        return self.point > 0 and self.tick > 0 and math.isfinite(self.point) and math.isfinite(self.tick)

    def nearest(self, price: float) -> float:
        """The price rounded to the nearest step."""
        return round(round(price / self.tick) * self.tick, max(self.digits, 0))

    def all_nearest(self, prices: Array) -> Array:
        """The same for many prices at once."""
        found: Array = np.round(np.rint(prices / self.tick) * self.tick, max(self.digits, 0))
        return found


@dataclass(frozen=True, slots=True)
class TradeTerms:
    """What stop, target and size follow from, and which file says so.

    Attributes:
        multiplier: Distance of the stop, in ATR.
        reward: Distance of the target, in stop distances.
        max_risk: Most to lose, as a fraction of the account.
    """

    multiplier: float
    multiplier_from: str
    reward: float
    reward_from: str
    max_risk: float


def trade_terms(strategy: Strategy, profile: Profile | None) -> TradeTerms:
    """Stop by the strategy's multiplier, or by the profile's where the file has none; target by the profile's
    ``rrTarget``, or else the strategy's least reward; the smaller risk of the two."""
    own, plan = strategy.indicators.atr, strategy.strategy
    multiplier, multiplier_from = own.multiplier, "strategy"
    reward, reward_from, risk = plan.min_rr, "min_rr of the strategy", plan.max_risk_pct
    if profile is not None:
        if profile.management.atrMultiplier is not None and "multiplier" not in own.model_fields_set:
            multiplier, multiplier_from = profile.management.atrMultiplier, "profile"
        if profile.style.rrTarget is not None:
            reward, reward_from = profile.style.rrTarget, "rrTarget of the profile"
        if profile.style.maxRiskPct is not None:
            risk = min(risk, profile.style.maxRiskPct)
    return TradeTerms(multiplier, multiplier_from, reward, reward_from, risk)


class Distances(NamedTuple):
    """Distances of stop and target from the entry, in steps of the price; NaN where there is no usable ATR."""

    stop: Array
    target: Array


def distances(atr: Array, multiplier: float, reward: float, tick: float) -> Distances:
    """How far stop and target are from the entry, on each bar.

    Formula: the stop is ``multiplier`` ATR away, at least one step; the target ``reward`` stop distances, counted in
    whole steps upward so that rounding never makes the reward smaller than asked for.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        usable = np.isfinite(atr) & (atr > 0)
        stop = np.where(usable, np.maximum(1.0, np.rint(atr * multiplier / tick)), np.nan)
        return Distances(stop, np.ceil(stop * reward - 1e-9))


class Levels(NamedTuple):
    """Entry, stop and target on each bar, as ``plan`` makes them of one; NaN where there is no plan.

    ``reward_risk`` is the reward for one unit of risk, measured after rounding.
    """

    entry: Array
    stop: Array
    target: Array
    reward_risk: Array


def levels(
    signs: NDArray[np.int8],
    close: Array,
    spread_points: Array,
    atr: Array,
    multiplier: float,
    reward: float,
    grid: PriceGrid,
    *,
    rounded: bool = True,
) -> Levels:
    """``plan`` on many bars at once, for backtests.

    Args:
        signs: +1 for a long plan on that bar, -1 for a short one.
        close, spread_points, atr: As ``plan`` takes them, of each bar.
        rounded: Whether prices are put on the grid and must be prices; those of an ideal market may have any fineness,
            and a level at or below zero is never touched.
    """
    if rounded:
        away = distances(atr, multiplier, reward, grid.tick)
        stop_away, target_away = away.stop * grid.tick, away.target * grid.tick
        entry = grid.all_nearest(close + np.where(signs > 0, spread_points * grid.point, 0.0))
        stop = grid.all_nearest(entry - signs * stop_away)
        target = grid.all_nearest(entry + signs * target_away)
        near = stop_away < grid.stops_level * grid.point * (1 - 1e-9)
        reward_risk = away.target / away.stop
    else:
        with np.errstate(invalid="ignore"):
            stop_away = np.where(np.isfinite(atr) & (atr > 0), atr * multiplier, np.nan)
        entry, near = close.astype(np.float64), np.zeros(len(close), dtype=np.bool_)
        stop, target = entry - signs * stop_away, entry + signs * (stop_away * reward)
        reward_risk = np.full(len(close), reward)
    with np.errstate(invalid="ignore"):
        usable = ~near & (np.minimum(np.minimum(entry, stop), target) > 0) if rounded else np.isfinite(stop)
    return Levels(*(np.where(usable, values, np.nan) for values in (entry, stop, target, reward_risk)))


@dataclass(frozen=True, slots=True)
class TradePlan:
    """Prices of an idea; ``reward_risk`` is the reward for one unit of risk, measured after rounding."""

    entry: float
    stop: float
    target: float
    reward_risk: float


def plan(
    side: Side, close: float, spread_points: float, atr: float, multiplier: float, reward: float, grid: PriceGrid
) -> TradePlan | str:
    """Entry, stop and target, or the reason why there are none.

    Bars are drawn from bids, so a long enters at the close plus the bar's spread and a short at the close.

    Args:
        close: Close of the decided bar (bid).
        spread_points: Spread of that bar, in points.
        atr: Average true range, in price.
        multiplier: Distance of the stop, in ATR.
        reward: Wanted reward for one unit of risk.
    """
    if not math.isfinite(atr) or atr <= 0:
        return "the average true range is not known or zero, so there is no distance for a stop"
    if not grid.usable():
        return "the symbol has no usable point or tick size, so prices cannot be rounded"
    away = distances(np.array([atr]), multiplier, reward, grid.tick)
    stop_steps, target_steps = float(away.stop[0]), float(away.target[0])
    farthest = max(close / grid.tick, spread_points * grid.point / grid.tick, stop_steps, target_steps)
    if not farthest < _MOST_STEPS:
        return "prices or distances are too large for the symbol's tick size"
    if stop_steps * grid.tick < grid.stops_level * grid.point * (1 - 1e-9):
        return (
            f"the stop would be {stop_steps * grid.tick / grid.point:.0f} points away and the broker takes none nearer "
            f"than {grid.stops_level}"
        )
    sign = 1 if side == "long" else -1
    entry = grid.nearest(close + (spread_points * grid.point if side == "long" else 0.0))
    stop = grid.nearest(entry - sign * stop_steps * grid.tick)
    target = grid.nearest(entry + sign * target_steps * grid.tick)
    if min(entry, stop, target) <= 0:
        return "a stop or target at or below zero would be needed; the symbol moves too much for this rule"
    return TradePlan(entry, stop, target, target_steps / stop_steps)
