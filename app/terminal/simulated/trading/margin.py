"""How much of the equity positions tie up.

Formulas: MQL5 reference, "Symbol properties", ENUM_SYMBOL_CALC_MODE; MetaTrader 5 help, "Margin calculation: retail
forex" for positions of both sides.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from app.terminal.simulated.trading.market import Spec
from app.terminal.simulated.trading.terms import Calc

# Volumes are sums of steps such as 0.01: smaller differences are noise of the floats.
TINY_VOLUME = 1e-9


@dataclass(frozen=True, slots=True)
class Leg:
    """Volume held on one side.

    Attributes:
        rate: The account's currency for one of the margin currency when the position was opened.
    """

    side: int
    volume: float
    price: float
    rate: float


def lot_margin(spec: Spec, leverage: int, price: float, contract: float | None = None) -> float:
    """Margin of one lot in the symbol's margin currency, not rounded.

    Args:
        contract: Units in the lot when others than the symbol's (for what is held both ways).

    Raises:
        ValueError: A calculation mode that this server does not know.
    """
    units = spec.contract if contract is None else contract
    mode = Calc(spec.calc_mode)
    if mode is Calc.FOREX:
        amount = units / leverage
    elif mode is Calc.FOREX_NO_LEVERAGE:
        amount = units
    elif mode is Calc.CFDLEVERAGE:
        amount = units * price / leverage
    elif mode is Calc.CFDINDEX:
        amount = units * price * spec.tick_price / spec.tick_size
    elif mode in (Calc.FUTURES, Calc.EXCH_FUTURES):
        # Futures have a margin of their own a lot; both ways count by the share of the contract.
        amount = spec.margin_initial * (units / spec.contract)
    else:
        amount = units * price
    return amount * spec.margin_rate


def symbol_margin(spec: Spec, leverage: int, legs: Sequence[Leg]) -> float:
    """Margin of all that is held of one symbol, in the account's currency, not rounded.

    What is held on one side only is charged in full at that side's mean price and rate; what is held both ways at the
    mean of all, for the units of ``margin_hedged``.
    """
    sides = [[leg for leg in legs if leg.side == side] for side in (0, 1)]
    volumes = [sum(leg.volume for leg in side) for side in sides]
    covered, larger = min(volumes), int(volumes[1] > volumes[0])
    open_volume = volumes[larger] - covered
    total = 0.0
    if open_volume > TINY_VOLUME:
        total += open_volume * _mean(spec, leverage, sides[larger], None)
    if covered > TINY_VOLUME:
        total += covered * _mean(spec, leverage, legs, spec.margin_hedged)
    return total


def _mean(spec: Spec, leverage: int, legs: Sequence[Leg], contract: float | None) -> float:
    """Margin of a lot at the legs' mean price and mean rate, weighted by volume."""
    volume = sum(leg.volume for leg in legs)
    price = sum(leg.volume * leg.price for leg in legs) / volume
    rate = sum(leg.volume * leg.rate for leg in legs) / volume
    return lot_margin(spec, leverage, price, contract) * rate
