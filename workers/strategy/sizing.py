"""How many lots an idea may be, from the money at risk. Never rounds the risk up, never guesses a value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

#: Relative slack when counting whole steps, so that 0.3 lots are three steps of 0.1 in binary fractions too.
_SLACK = 1e-9
#: A float counts whole steps up to here.
_MOST_STEPS = 2.0**52


class _SymbolFacts(Protocol):
    """The part of a symbol's specification that sizes need."""

    @property
    def name(self) -> str: ...
    @property
    def point(self) -> float: ...
    @property
    def trade_tick_size(self) -> float: ...
    @property
    def trade_tick_value(self) -> float: ...
    @property
    def volume_min(self) -> float: ...
    @property
    def volume_max(self) -> float: ...
    @property
    def volume_step(self) -> float: ...
    @property
    def volume_limit(self) -> float: ...


@dataclass(frozen=True, slots=True)
class VolumeRules:
    """What a symbol says of sizes.

    Attributes:
        tick: The step between two prices.
        tick_value: What one step is worth for one lot, in the currency of the account.
        least, most, step: Volume of one order, in lots; ``step`` is what volumes are multiples of.
        limit: Most lots of this symbol in one direction, all positions and orders together; 0: no limit.
    """

    symbol: str
    tick: float
    tick_value: float
    least: float
    most: float
    step: float
    limit: float = 0.0

    @classmethod
    def of(cls, symbol: _SymbolFacts) -> VolumeRules:
        """Those of a symbol; some brokers leave the tick size at 0, then a point is the step."""
        return cls(
            symbol.name,
            symbol.trade_tick_size or symbol.point,
            symbol.trade_tick_value,
            symbol.volume_min,
            symbol.volume_max,
            symbol.volume_step,
            symbol.volume_limit,
        )

    def trouble(self) -> str:
        """Why no size can be computed from these; empty when one can."""
        wanted = {
            "tick size": self.tick,
            "tick value": self.tick_value,
            "minimum volume": self.least,
            "maximum volume": self.most,
            "volume step": self.step,
        }
        for name, value in wanted.items():
            if not math.isfinite(value) or value <= 0:
                return f"the specification of {self.symbol} has no usable {name} ({value:g})"
        if self.least > self.most:
            return f"the specification of {self.symbol} has a minimum volume above its maximum"
        if not self.most / self.step < _MOST_STEPS:
            return f"the specification of {self.symbol} has no usable volume step ({self.step:g})"
        return ""


@dataclass(frozen=True, slots=True)
class Size:
    """The volume of an idea, or why there is none.

    Attributes:
        volume: Lots; None when there is none.
        risk: What is lost at the stop with that volume, in the currency of the account.
        reason: Why there is no volume, or what made it smaller than the risk allows; empty otherwise.
        lines: The arithmetic, for people.
    """

    volume: float | None
    risk: float = 0.0
    reason: str = ""
    lines: tuple[str, ...] = ()


def lots(
    equity: float, risk_fraction: float, stop_distance: float, rules: VolumeRules, open_volume: float = 0.0
) -> Size:
    """The volume whose loss at the stop is at most the money at risk.

    Formula: ``lots = equity * risk_fraction / (stop_distance / tick * tick_value)``, floored to the volume step, at
    most ``most`` and what ``limit`` leaves. Below ``least`` there is none: to take the least volume would be to risk
    more than was allowed.

    Args:
        equity: Of the account, in its currency.
        risk_fraction: Share of it to put at risk; 0.01 is 1 %.
        stop_distance: From entry to stop, in price.
        open_volume: Lots of the symbol that are open or ordered in the same direction.
    """
    if trouble := rules.trouble() or _input_trouble(equity, risk_fraction, stop_distance, open_volume):
        return Size(None, reason=f"No size: {trouble}.")
    money = equity * risk_fraction
    ticks = stop_distance / rules.tick
    per_lot = loss_per_lot(stop_distance, rules)
    if not (math.isfinite(per_lot) and per_lot > 0 and math.isfinite(money / per_lot)):
        return Size(None, reason=f"No size: what one lot of {rules.symbol} loses at the stop cannot be counted.")
    wanted = money / per_lot
    lines = (
        f"risk {money:.2f} = {risk_fraction:.4g} of {equity:.2f}",
        f"one lot loses {per_lot:.2f} = {ticks:.0f} ticks x {rules.tick_value:.6g}",
        f"{wanted:.4f} lots, in steps of {rules.step:g}",
    )
    allowed = _allowed(wanted, rules, open_volume)
    volume = floor_to_step(allowed, rules.step)
    if volume < rules.least * (1 - _SLACK):
        return Size(None, reason=_too_small(rules, allowed, wanted, open_volume, per_lot, money), lines=lines)
    reason = ""
    if allowed < wanted:
        what = "that one order may have" if allowed == rules.most else "that the broker's limit for the symbol leaves"
        reason = f"The volume is held at the {volume:g} lots {what}."
    return Size(volume, volume * per_lot, reason, (*lines, f"volume {volume:g}"))


def bare_lots(equity: float, risk_fraction: float, per_lot: float, rules: VolumeRules) -> float | None:
    """The volume that ``lots`` gives, without its words, for backtests that ask thousands of times; None where there is
    none.

    Args:
        per_lot: What ``loss_per_lot`` gives of the distance of the stop.
        rules: Such as have no ``trouble``.
    """
    if not (equity > 0 and per_lot > 0 and math.isfinite(equity)):
        return None
    volume = floor_to_step(_allowed(equity * risk_fraction / per_lot, rules, 0.0), rules.step)
    return None if volume < rules.least * (1 - _SLACK) else volume


def _allowed(wanted: float, rules: VolumeRules, open_volume: float) -> float:
    """What one order may have, and what the broker's limit for the symbol leaves."""
    free = max(0.0, rules.limit - open_volume) if rules.limit > 0 else math.inf
    return min(wanted, rules.most, free)


def loss_per_lot(stop_distance: float, rules: VolumeRules) -> float:
    """What one lot loses at the stop, in the currency of the account: the distance in ticks, times a tick's value."""
    return stop_distance / rules.tick * rules.tick_value


def floor_to_step(volume: float, step: float) -> float:
    """The largest multiple of the step that is not above the volume."""
    steps = math.floor(volume / step * (1 + _SLACK))
    return round(steps * step, _decimals(step))


def _decimals(step: float) -> int:
    """Decimals that a step is written with: 2 for 0.01, 0 for 1."""
    text = f"{step:.8f}".rstrip("0")
    return len(text.partition(".")[2])


def _input_trouble(equity: float, risk_fraction: float, stop_distance: float, open_volume: float) -> str:
    if not math.isfinite(equity) or equity <= 0:
        return f"the account has no equity to risk ({equity:g})"
    if not math.isfinite(risk_fraction) or not 0 < risk_fraction <= 1:
        return f"the risk must be a fraction above 0 and at most 1, not {risk_fraction:g}"
    if not math.isfinite(stop_distance) or stop_distance <= 0:
        return f"there is no distance between entry and stop ({stop_distance:g})"
    if not math.isfinite(open_volume) or open_volume < 0:
        return "the open volume of the symbol is not known"
    return ""


def _too_small(
    rules: VolumeRules, allowed: float, wanted: float, open_volume: float, per_lot: float, money: float
) -> str:
    if wanted < rules.least * (1 - _SLACK):
        return (
            f"The account is too small for this risk: {money:.2f} may be lost, the least volume of {rules.least:g} "
            f"lots would lose {rules.least * per_lot:.2f}."
        )
    if allowed < rules.least:
        return f"The broker's limit for {rules.symbol} is reached: {open_volume:g} of {rules.limit:g} lots are taken."
    return f"No multiple of the step {rules.step:g} reaches the least volume of {rules.least:g} lots."
