"""Calls of the module in a user's words: nobody but us knows what ``copy_rates_from_pos`` is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

#: What each call asks for; ``{}`` is its symbol.
_ASKED: Final[Mapping[str, str]] = {
    "initialize": "a connection",
    "login": "another account",
    "shutdown": "the end of the connection",
    "version": "its version",
    "terminal_info": "its own state",
    "account_info": "the account",
    "symbols_total": "the number of symbols",
    "symbols_get": "the list of symbols",
    "symbol_info": "the specification of {}",
    "symbol_info_tick": "the quote of {}",
    "symbol_select": "{} in the Market Watch",
    "copy_rates_from": "bars of {}",
    "copy_rates_from_pos": "bars of {}",
    "copy_rates_range": "bars of {}",
    "copy_ticks_from": "ticks of {}",
    "copy_ticks_range": "ticks of {}",
    "market_book_add": "the market book of {}",
    "market_book_get": "the market book of {}",
    "market_book_release": "the market book of {}",
    "order_calc_margin": "a margin",
    "order_calc_profit": "a profit",
    "order_check": "the check of an order",
    "order_send": "an order",
    "orders_total": "the number of pending orders",
    "orders_get": "the pending orders",
    "positions_total": "the number of open positions",
    "positions_get": "the open positions",
    "history_orders_total": "the number of past orders",
    "history_orders_get": "the past orders",
    "history_deals_total": "the number of deals",
    "history_deals_get": "the deals",
    # The session's own work.
    "check": "whether it is still connected",
    "connect": "a connection",
    "reconnect": "a new connection",
    "use": "a new connection",
    "open": "a connection",
}


def asked_for(name: str, args: Sequence[Any] = ()) -> str:
    """What a call asks the terminal for, to complete "asked for ..."."""
    words = _ASKED.get(name, "an answer")
    if "{}" not in words:
        return words
    return words.format(args[0] if args and isinstance(args[0], str) and args[0] else "a symbol")
