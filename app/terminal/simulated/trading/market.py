"""What the trading side must know of the market; the tests put a market of their own in its place."""

from __future__ import annotations

from collections.abc import Container
from typing import Protocol

from app.terminal.simulated.ticks import Path


class Spec(Protocol):
    """The specification of a symbol, as far as trading needs it.

    Attributes:
        contract: Units in a lot.
        base, profit, margin_currency: Currencies; the profit arises in ``profit``, the margin formula gives
            ``margin_currency``.
        calc_mode, trade_mode, execution, swap_mode: ``SYMBOL_CALC_MODE_*``, ``SYMBOL_TRADE_MODE_*``,
            ``SYMBOL_TRADE_EXECUTION_*``, ``SYMBOL_SWAP_MODE_*``.
        tick_size: The step of the price.
        tick_price: What such a step is worth, of ``profit``, where the calculation mode asks for it (futures: per lot;
            CFD index: per unit of the contract, so ``tick_size`` unless the index has a factor).
        margin_initial: Of a lot, for futures.
        margin_rate: Factor of the margin that the server adds to the formula; MetaTrader does not show it.
        margin_hedged: Units of the contract that a lot held both ways is charged for.
        filling_mode, order_mode, expiration_mode: Bit masks, as in ``SymbolInfo``.
        stops_level, freeze_level: Points.
        volume_limit: The most lots in one direction; 0 for no limit.
        swap_long, swap_short: Per lot and night, in the unit of ``swap_mode``.
        swap_rollover3days: The weekday (0 is Sunday) that counts three nights.
    """

    @property
    def digits(self) -> int: ...
    @property
    def point(self) -> float: ...
    @property
    def contract(self) -> float: ...
    @property
    def base(self) -> str: ...
    @property
    def profit(self) -> str: ...
    @property
    def margin_currency(self) -> str: ...
    @property
    def calc_mode(self) -> int: ...
    @property
    def trade_mode(self) -> int: ...
    @property
    def execution(self) -> int: ...
    @property
    def tick_size(self) -> float: ...
    @property
    def tick_price(self) -> float: ...
    @property
    def margin_initial(self) -> float: ...
    @property
    def margin_rate(self) -> float: ...
    @property
    def margin_hedged(self) -> float: ...
    @property
    def filling_mode(self) -> int: ...
    @property
    def order_mode(self) -> int: ...
    @property
    def expiration_mode(self) -> int: ...
    @property
    def stops_level(self) -> int: ...
    @property
    def freeze_level(self) -> int: ...
    @property
    def volume_min(self) -> float: ...
    @property
    def volume_max(self) -> float: ...
    @property
    def volume_step(self) -> float: ...
    @property
    def volume_limit(self) -> float: ...
    @property
    def swap_mode(self) -> int: ...
    @property
    def swap_long(self) -> float: ...
    @property
    def swap_short(self) -> float: ...
    @property
    def swap_rollover3days(self) -> int: ...


class TradingMarket(Protocol):
    """Quotes and specifications. All times are milliseconds on the server's clock."""

    @property
    def names(self) -> Container[str]:
        """The symbols that there are."""

    def utc_s(self) -> float:
        """The present in UTC epoch seconds."""

    def server_msc(self, utc_s: float) -> int:
        """An instant as the server stamps it."""

    def turns_back(self, from_s: float, to_s: float) -> tuple[int, ...]:
        """The instants (UTC epoch seconds) after ``from_s`` up to ``to_s`` at which the server's clock is set back."""

    def spec(self, name: str) -> Spec:
        """The specification of a symbol in ``names``."""

    def quote(self, name: str, now_msc: int) -> tuple[int, float, float] | None:
        """Time, bid and ask of the newest quote at ``now_msc``; None when there is none yet."""

    def price_path(self, name: str, from_msc: int, to_msc: int) -> Path:
        """The quotes after ``from_msc`` up to ``to_msc`` (included), oldest first: records of ``PATH_DTYPE``."""

    def rate(self, from_currency: str, to_currency: str, now_msc: int) -> float:
        """How many units of ``to_currency`` one of ``from_currency`` is worth; 0 when that is not known."""

    def is_open(self, name: str, now_msc: int) -> bool:
        """Whether the symbol is traded."""
