"""Other prices or another volume for an idea: what follows from them, by the arithmetic that made the idea.

The symbol's specification, the account and the limits are those of the stored evidence, so an edit is judged by what
the idea was made from. Nothing is rounded for the trader: what does not fit is refused, field by field.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from app.errors import UserAction
from workers.strategy.decision_book import Figures, Terms
from workers.strategy.exposure import refusal
from workers.strategy.inputs import Inputs
from workers.strategy.prices import PriceGrid, trade_terms
from workers.strategy.rules import Side
from workers.strategy.sizing import Size, VolumeRules, floor_to_step, loss_per_lot, lots

ENTRY, STOP, TARGET, VOLUME = "entry", "stop", "target", "volume"
#: Relative slack when counting whole steps of the grid, for binary fractions.
_SLACK: Final = 1e-6


class BadTerms(UserAction):
    """An edit that cannot be. ``fields`` has a sentence for each field at fault."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        super().__init__(" ".join(fields.values()), advice="Change what is named here.")
        self.fields = dict(fields)


@dataclass(frozen=True, slots=True)
class Basis:
    """What an idea was made from, as far as its terms are concerned.

    Attributes:
        max_risk: Most to lose, as a fraction of ``equity``.
        min_rr: Least reward for one unit of risk that the strategy wants.
        equity: Of the account then, in ``currency``; None when it was not known.
        open_volume: Lots that were open or ordered in the same direction.
        no_position: Why the account could take no further position; empty when it could.
    """

    symbol: str
    side: Side
    grid: PriceGrid
    rules: VolumeRules
    max_risk: float
    min_rr: float
    equity: float | None
    currency: str
    open_volume: float = 0.0
    no_position: str = ""

    @classmethod
    def of(cls, inputs: Inputs, side: Side) -> Basis:
        """The basis of an idea in that direction."""
        strategy, account = inputs.rule.strategy, inputs.account
        profile = inputs.profile.profile if inputs.profile else None
        direction = 1 if side == "long" else -1
        return cls(
            strategy.symbol,
            side,
            PriceGrid.of(inputs.info),
            VolumeRules.of(inputs.info),
            trade_terms(strategy, profile).max_risk,
            strategy.strategy.min_rr,
            account.exposure.equity,
            account.currency,
            account.exposure.volume(strategy.symbol, direction),
            refusal(strategy.symbol, inputs.limits, account.exposure),
        )

    def figures(self, terms: Terms) -> Figures:
        """Reward/risk, and what is lost at the stop. The terms must have a stop away from the entry."""
        distance = abs(terms.entry - terms.stop)
        steps = round(distance / self.grid.tick) if self.grid.usable() else 0
        reward = round(abs(terms.target - terms.entry) / self.grid.tick) / steps if steps else math.nan
        if terms.volume is None or self.rules.trouble():
            return Figures(terms, reward, None, None)
        money = terms.volume * loss_per_lot(distance, self.rules)
        share = money / self.equity if self.equity else None
        return Figures(terms, reward, money, share)

    def largest(self, terms: Terms) -> Size:
        """The volume that the whole allowed risk gives with that stop, or why there is none."""
        if self.no_position:
            return Size(None, reason=self.no_position)
        if self.equity is None:
            return Size(None, reason="The account was not known when the idea was made, so no volume can be judged.")
        return lots(self.equity, self.max_risk, abs(terms.entry - terms.stop), self.rules, self.open_volume)

    def remark(self, figures: Figures) -> str:
        """What a trader should know of terms that are allowed all the same; empty when there is nothing."""
        if figures.reward_risk < self.min_rr * (1 - _SLACK):
            return f"Reward/risk {figures.reward_risk:.2f} is below the {self.min_rr:g} that the strategy wants."
        return ""


def recalculated(basis: Basis, terms: Terms) -> Figures:
    """What follows from other terms.

    Raises:
        BadTerms: a price is off the grid or on the wrong side, or the volume is off its step, its limits or the risk.
    """
    faults = faults_of(basis, terms)
    if faults:
        raise BadTerms(faults)
    return basis.figures(terms)


def faults_of(basis: Basis, terms: Terms) -> dict[str, str]:
    """What is wrong with each field; empty when nothing is."""
    if not basis.grid.usable():
        return {ENTRY: f"The specification of {basis.symbol} has no usable point or tick size; it cannot be edited."}
    faults = {}
    for name, price in ((ENTRY, terms.entry), (STOP, terms.stop), (TARGET, terms.target)):
        if fault := _price_fault(name, price, basis.grid):
            faults[name] = fault
    if not faults:
        faults = _distance_faults(basis, terms)
    if terms.volume is not None:
        if fault := _step_fault(terms.volume, basis.rules):
            faults[VOLUME] = fault
        elif not faults and (fault := _risk_fault(basis, terms, terms.volume)):
            faults[VOLUME] = fault
    return faults


def _price_fault(name: str, price: float, grid: PriceGrid) -> str:
    if not math.isfinite(price) or price <= 0:
        return f"The {name} must be a price above zero."
    nearest, digits = grid.nearest(price), max(grid.digits, 0)
    if abs(price - nearest) > grid.tick * _SLACK:
        return (
            f"The {name} {price:.10g} is no multiple of the tick {grid.tick:.10g}; "
            f"the nearest price is {nearest:.{digits}f}."
        )
    return ""


def _distance_faults(basis: Basis, terms: Terms) -> dict[str, str]:
    grid, sign = basis.grid, 1 if basis.side == "long" else -1
    faults = {}
    least = grid.stops_level * grid.point * (1 - 1e-9)
    for name, price, ahead in ((STOP, terms.stop, -sign), (TARGET, terms.target, sign)):
        away = (price - terms.entry) * ahead
        if away < grid.tick * 0.5:
            side = "above" if ahead > 0 else "below"
            faults[name] = f"The {name} of a {basis.side} must be {side} the entry {terms.entry:.{grid.digits}f}."
        elif away < least:
            faults[name] = (
                f"The {name} is {away / grid.point:.0f} points from the entry, and the broker takes none nearer than "
                f"{grid.stops_level}."
            )
    return faults


def _step_fault(volume: float, rules: VolumeRules) -> str:
    if trouble := rules.trouble():
        return f"No volume can be set: {trouble}."
    if not math.isfinite(volume) or volume <= 0:
        return "The volume must be above zero lots; leave it empty for none."
    if volume < rules.least * (1 - 1e-9):
        return f"The volume {volume:g} is below the least of {rules.least:g} lots."
    if volume > rules.most * (1 + 1e-9):
        return f"The volume {volume:g} is above the {rules.most:g} lots that one order may have."
    below = floor_to_step(volume, rules.step)
    if abs(volume - below) > rules.step * _SLACK:
        return f"The volume {volume:g} is no multiple of the step {rules.step:g}; the next lower is {below:g} lots."
    return ""


def _risk_fault(basis: Basis, terms: Terms, volume: float) -> str:
    largest = basis.largest(terms)
    if largest.volume is None:
        return f"There can be no volume: {largest.reason}"
    if volume <= largest.volume * (1 + 1e-9):
        return ""
    money = basis.figures(terms).risk_money or 0.0
    if largest.reason:
        return f"The volume {volume:g} is too large. {largest.reason}"
    return (
        f"The volume {volume:g} would lose {money:.2f} {basis.currency} at the stop, "
        f"{money / (basis.equity or math.nan):.2%} of the equity; {basis.max_risk:.2%} is allowed, which is at most "
        f"{largest.volume:g} lots."
    )
