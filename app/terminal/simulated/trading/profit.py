"""What a move of the price brings, and what a night costs.

Formulas: MQL5 reference, "Symbol properties", ENUM_SYMBOL_CALC_MODE and ENUM_SYMBOL_SWAP_MODE.
"""

from __future__ import annotations

from app.terminal.simulated.trading.market import Spec
from app.terminal.simulated.trading.terms import Calc, SwapMode

_FUTURES = (Calc.FUTURES, Calc.EXCH_FUTURES)
_DAYS_OF_A_BANK_YEAR = 360
_WEEKEND = (0, 6)


def unit_value(spec: Spec) -> float:
    """What a move of the price by 1 brings a lot held long, in the symbol's profit currency."""
    return spec.tick_price / spec.tick_size if spec.calc_mode in _FUTURES else spec.contract


def price_profit(spec: Spec, side: int, volume: float, price_open: float, price_close: float) -> float:
    """Profit of ``volume`` lots in the symbol's profit currency, not rounded. ``side`` is 0 long, 1 short."""
    move = price_close - price_open if side == 0 else price_open - price_close
    return move * unit_value(spec) * volume


def nights(spec: Spec, weekday: int) -> int:
    """How many nights the roll-over at the end of a day counts; ``weekday`` 0 is Sunday, as in MetaTrader.

    Trades are settled two banking days later, so one day of the week stands for the weekend too.
    """
    if weekday == spec.swap_rollover3days:
        return 3
    return 0 if weekday in _WEEKEND else 1


def swap_of_night(spec: Spec, side: int, volume: float, price: float, price_open: float) -> tuple[float, str]:
    """The swap of one night, not rounded, and its currency; an empty currency is that of the account.

    Args:
        price: The position's present price.

    Raises:
        ValueError: A swap mode that this server does not know.
    """
    amount = spec.swap_long if side == 0 else spec.swap_short
    mode = SwapMode(spec.swap_mode)
    if mode is SwapMode.POINTS:
        return amount * spec.point * unit_value(spec) * volume, spec.profit
    if mode in (SwapMode.INTEREST_CURRENT, SwapMode.INTEREST_OPEN):
        base = price if mode is SwapMode.INTEREST_CURRENT else price_open
        return base * unit_value(spec) * volume * amount / 100 / _DAYS_OF_A_BANK_YEAR, spec.profit
    if mode is SwapMode.DISABLED:
        return 0.0, ""
    currency = {SwapMode.CURRENCY_SYMBOL: spec.base, SwapMode.CURRENCY_MARGIN: spec.margin_currency}.get(mode, "")
    return amount * volume, currency
