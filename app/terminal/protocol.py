"""The part of the MetaTrader5 module that Metronome uses, as a type.

The genuine package and the simulated terminal both satisfy it. Calling styles are the module's own: most
arguments are positional only, those of ``positions_get`` and ``orders_get`` are keywords only, failures are ``None`` or
``False`` with the reason in ``last_error()``, which the next call overwrites. An empty result is ``()``, never None.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from app.terminal.values import Rates, Ticks

Moment = datetime | int | float


class Struct(Protocol):
    """A struct of the module: a tuple with names, which cannot be pickled."""

    def _asdict(self) -> dict[str, Any]: ...


class TerminalModule(Protocol):
    """The module's functions. Thread: one thread only; the genuine one holds the GIL while it waits."""

    def initialize(
        self,
        path: str = ...,
        *,
        login: int = ...,
        password: str = ...,
        server: str = ...,
        timeout: int = ...,
        portable: bool = ...,
    ) -> bool:
        """Connect to a running terminal, or start one; ``timeout`` in ms does not bound the start."""

    def shutdown(self) -> bool:
        """Give up the connection; the terminal lives on."""

    def last_error(self) -> tuple[int, str]:
        """Code and text of the last call; (1, "Success") after a good one."""

    def version(self) -> tuple[int, int, str]:
        """Version, build and release date; (0, 0, "") without a connection."""

    def terminal_info(self) -> Struct | None:
        """State of the terminal program; None on error."""

    def account_info(self) -> Struct | None:
        """The account; None on error."""

    def symbols_total(self) -> int | None:
        """How many symbols there are; None on error."""

    def symbols_get(self, group: str = ...) -> tuple[Struct, ...] | None:
        """Specifications of all symbols, or of those that match ``group`` (``*USD*,!EUR*``); None on error."""

    def symbol_info(self, symbol: str, /) -> Struct | None:
        """Specification of one symbol; None when it does not exist."""

    def symbol_info_tick(self, symbol: str, /) -> Struct | None:
        """Its newest quote; None unless it is in the Market Watch."""

    def symbol_select(self, symbol: str, enable: bool = ..., /) -> bool:
        """Put a symbol into the Market Watch or take it out; False on error."""

    def copy_rates_from(self, symbol: str, timeframe: int, date_from: Moment, count: int, /) -> Rates | None:
        """The last ``count`` bars that opened at ``date_from`` or before, oldest first; None on error."""

    def copy_rates_from_pos(self, symbol: str, timeframe: int, start_pos: int, count: int, /) -> Rates | None:
        """``count`` bars back from position ``start_pos``, 0 being the newest, oldest first; None on error."""

    def copy_rates_range(self, symbol: str, timeframe: int, date_from: Moment, date_to: Moment, /) -> Rates | None:
        """The bars that opened from ``date_from`` to ``date_to``, oldest first; None on error."""

    def copy_ticks_from(self, symbol: str, date_from: Moment, count: int, flags: int, /) -> Ticks | None:
        """``count`` ticks from ``date_from`` on, oldest first; None on error."""

    def copy_ticks_range(self, symbol: str, date_from: Moment, date_to: Moment, flags: int, /) -> Ticks | None:
        """The ticks from ``date_from`` to ``date_to``, oldest first; None on error."""

    def market_book_add(self, symbol: str, /) -> bool:
        """Subscribe to the depth of market; False on error, maybe with code 1."""

    def market_book_get(self, symbol: str, /) -> tuple[Struct, ...] | None:
        """The depth of market; None unless subscribed."""

    def market_book_release(self, symbol: str, /) -> bool:
        """End the subscription; False on error, maybe with code 1."""

    def positions_total(self) -> int | None:
        """How many positions are open; None on error."""

    def positions_get(self, *, symbol: str = ..., group: str = ..., ticket: int = ...) -> tuple[Struct, ...] | None:
        """Open positions, all or those that match; None on error."""

    def orders_total(self) -> int | None:
        """How many orders are pending; None on error."""

    def orders_get(self, *, symbol: str = ..., group: str = ..., ticket: int = ...) -> tuple[Struct, ...] | None:
        """Pending orders, all or those that match; None on error."""

    def history_orders_total(self, date_from: Moment, date_to: Moment, /) -> int | None:
        """How many orders ended between two dates; None on error."""

    def history_orders_get(
        self,
        date_from: Moment = ...,
        date_to: Moment = ...,
        /,
        *,
        group: str = ...,
        ticket: int = ...,
        position: int = ...,
    ) -> tuple[Struct, ...] | None:
        """Orders that ended between two dates, or of a ticket or position; None on error."""

    def history_deals_total(self, date_from: Moment, date_to: Moment, /) -> int | None:
        """How many deals were made between two dates; None on error."""

    def history_deals_get(
        self,
        date_from: Moment = ...,
        date_to: Moment = ...,
        /,
        *,
        group: str = ...,
        ticket: int = ...,
        position: int = ...,
    ) -> tuple[Struct, ...] | None:
        """Deals made between two dates, or of a ticket or position; None on error."""

    def order_calc_margin(self, action: int, symbol: str, volume: float, price: float, /) -> float | None:
        """Margin of an order in the account's currency; None on error."""

    def order_calc_profit(
        self, action: int, symbol: str, volume: float, price_open: float, price_close: float, /
    ) -> float | None:
        """Profit of a trade in the account's currency; None on error."""

    def order_check(self, request: Mapping[str, Any], /) -> Struct | None:
        """Whether an order would pass (retcode 0); None on error. Never with an empty ``**`` mapping beside it."""
