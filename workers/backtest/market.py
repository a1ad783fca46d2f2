"""The money side of a symbol: what a move of its price brings, what a night costs, what a position binds.

Source of the formulas: MetaTrader 5 help, "Symbol properties": calculation of margin and profit by
ENUM_SYMBOL_CALC_MODE, and of swaps by ENUM_SYMBOL_SWAP_MODE.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.errors import UserAction
from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import DAY
from app.terminal.values import SymbolInfo
from workers.backtest.model import Index
from workers.strategy.prices import PriceGrid
from workers.strategy.sizing import VolumeRules

#: ENUM_SYMBOL_CALC_MODE whose profit follows from the value of a step, not from the size of the contract.
_BY_TICK_VALUE: Final = frozenset({1, 3, 33, 34})
_FOREX: Final = frozenset({0, 5})
#: Those whose margin the leverage of the account divides.
_LEVERAGED: Final = frozenset({0, 4})
#: One number, or one for each trade.
Amount = Any

#: ENUM_SYMBOL_SWAP_MODE.
_POINTS, _BASE, _MARGIN, _DEPOSIT, _INTEREST_NOW, _INTEREST_OPEN = 1, 2, 3, 4, 5, 6
_YEAR: Final = 360
#: 1970-01-01 was a Thursday; Sunday is 0, as in ENUM_DAY_OF_WEEK.
_FIRST_WEEKDAY: Final = 4
_SUNDAY, _SATURDAY = 0, 6


@dataclass(frozen=True, slots=True)
class Market:
    """What a backtest needs of a symbol and of the account.

    Attributes:
        currency: Of the account; all money is in it.
        value: What a move of 1.0 of the price brings for one lot, in the profit currency, or in the account's.
        by_price: The value is divided by the price of the closing: the base currency is the account's.
        converted: The value rests on one rate for the whole time; the rates of the past are not known.
        contract: Units of one lot.
        margin_value: Margin of one lot at a price of 1.0, before leverage, in the unit of ``value``; 0: none is asked.
        margin_fixed: Margin of one lot, in the currency of the account; 0: it follows the price.
        leveraged: Whether the leverage of the account divides the margin.
        swap_long, swap_short, swap_mode, triple_day: As in the specification.
        clock: The rule of the server's clock: nights end at its midnight.
    """

    symbol: str
    currency: str
    grid: PriceGrid
    volumes: VolumeRules
    contract: float
    value: float
    by_price: bool
    converted: bool
    margin_value: float
    margin_fixed: float
    leveraged: bool
    swap_long: float
    swap_short: float
    swap_mode: int
    triple_day: int
    swap_in_base: bool
    clock: str = "UTC"

    @classmethod
    def of(cls, info: SymbolInfo, currency: str, clock: str) -> Market:
        """From the specification of a symbol.

        Raises:
            UserAction: it lacks what money is computed from.
        """
        grid, volumes = PriceGrid.of(info), VolumeRules.of(info)
        trouble = volumes.trouble() or ("" if grid.usable() else f"{info.name} has no usable point or tick size")
        contract = info.trade_contract_size
        if not trouble and not (math.isfinite(contract) and contract > 0):
            trouble = f"the specification of {info.name} has no usable contract size ({contract:g})"
        if trouble:
            raise UserAction(
                f"Nothing can be computed in money: {trouble}.",
                advice="Run the task Update symbol information, or ask your broker.",
            )
        by_tick = volumes.tick_value / volumes.tick
        mode, same = info.trade_calc_mode, info.currency_profit.upper() == currency.upper()
        by_price = not same and mode in _FOREX and info.currency_base.upper() == currency.upper()
        plain = mode not in _BY_TICK_VALUE and (same or by_price)
        value = contract if plain else by_tick
        return cls(
            symbol=info.name,
            currency=currency,
            grid=grid,
            volumes=volumes,
            contract=contract,
            value=value,
            by_price=by_price and plain,
            converted=not plain and not same,
            margin_value=0.0 if mode in _BY_TICK_VALUE else value,
            margin_fixed=max(info.margin_initial, 0.0) if mode in _BY_TICK_VALUE else 0.0,
            leveraged=mode in _LEVERAGED,
            swap_long=info.swap_long,
            swap_short=info.swap_short,
            swap_mode=info.swap_mode,
            triple_day=info.swap_rollover3days,
            swap_in_base=info.currency_margin.upper() == info.currency_base.upper(),
            clock=clock,
        )

    def profit(self, move: Amount, volume: Amount, price: Amount) -> Amount:
        """What a move of the price brings.

        Args:
            move: In favour of the position, in price.
            volume: Lots.
            price: Of the closing; converts when the base currency is the account's.
        """
        found = move * volume * self.value
        return found / price if self.by_price else found

    def margin(self, volume: float, price: float, leverage: float) -> float:
        """What a position binds, in the currency of the account."""
        if not self.margin_value:
            return volume * self.margin_fixed
        whole = volume * self.margin_value * (1.0 if self.by_price else price)
        return whole / leverage if self.leveraged else whole

    def swap_trouble(self) -> str:
        """Why swaps cannot be computed; empty when they can, or when there are none."""
        if self.swap_mode in (0, _POINTS, _BASE, _MARGIN, _DEPOSIT, _INTEREST_NOW, _INTEREST_OPEN):
            return ""
        return (
            f"Swaps of {self.symbol} are counted in a way (mode {self.swap_mode}) that is not modelled: none counted."
        )

    def swap(self, rate: Amount, volume: Amount, nights: Amount, entry: Amount, price: Amount) -> Amount:
        """What nights cost or bring.

        Args:
            rate: ``swap_long`` or ``swap_short``.
            volume: Lots.
            nights: How many are charged, a triple one three times.
            entry, price: Of the opening and of the closing; interest and other currencies are taken at one of them.
        """
        whole = rate * volume * nights
        to_account = self.value / self.contract  # for one unit of the profit currency, when it is not by price
        match self.swap_mode:
            case 1:
                return self.profit(whole * self.grid.point, 1.0, price)
            case 2 | 3:
                in_base = self.swap_mode == _BASE or self.swap_in_base
                if self.by_price:
                    return whole if in_base else whole / price
                return whole * to_account * price if in_base else whole * to_account
            case 4:
                return whole
            case 5 | 6:
                at = price if self.swap_mode == _INTEREST_NOW else entry
                return self.profit(whole / 100.0 / _YEAR * at, 1.0, price)
            case _:
                return whole * 0.0


def nights(times: Index, clock: str, triple_day: int) -> NDArray[np.int32]:
    """For each instant, the nights charged since a fixed day; the difference of two is what a position pays.

    A night ends at midnight of the server and belongs to the day that ends. Monday to Friday count once, the triple day
    three times: it stands for Saturday and Sunday, which do not count.
    Source: MetaTrader 5 help, SYMBOL_SWAP_ROLLOVER3DAYS.

    Args:
        times: UTC epoch seconds, ascending.
        clock: Rule of the server's clock.
        triple_day: As ENUM_DAY_OF_WEEK, Sunday is 0.
    """
    if not len(times):
        return np.zeros(0, dtype=np.int32)
    weights = [0.0 if day in (_SUNDAY, _SATURDAY) else 1.0 for day in range(7)]
    if 0 <= triple_day < len(weights):
        weights[triple_day] = 3.0
    before = np.concatenate(([0.0], np.cumsum(weights)))
    rule = ServerTimeRule(clock)
    # Times ascend: it is enough to know where the days of the server begin.
    first, last = (rule.times_to_server(times[[0, -1]]) // DAY).tolist()
    days = np.arange(first, last + 1)
    begins = np.searchsorted(times, rule.times_to_utc(days * DAY))
    begins[0] = 0
    days += _FIRST_WEEKDAY
    counted: Any = days // 7 * before[7] + before[days % 7]  # whole numbers, which need half of the room
    return np.repeat(counted.astype(np.int32), np.diff(begins, append=len(times)))
