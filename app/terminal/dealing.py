"""Typed questions about ticks, positions, orders, deals and the order book, in UTC. None of them sends an order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np

from app.clock import require_aware
from app.terminal.constants import ModuleConstants
from app.terminal.deal_times import DealRecord, deal_records, told_apart
from app.terminal.reading import Reading
from app.terminal.trade_request import trade_request
from app.terminal.trades import BookEntry, Deal, Order, OrderCheck, Position
from app.terminal.values import Ticks


class Dealing(Reading):
    """The part of the session that asks about trades. Every method raises as ``Session.call``."""

    def ticks_range(
        self,
        symbol: str,
        since: datetime,
        until: datetime,
        flags: int = ModuleConstants.COPY_TICKS_ALL,
        timeout_s: float | None = None,
    ) -> Ticks:
        """The ticks from ``since`` to ``until`` (both aware), oldest first: records of ``TICKS_DTYPE`` in UTC."""
        first, last = self._stamps(since, until)
        return self._in_utc(self._invoke("copy_ticks_range", (symbol, first, last, flags), {}, timeout_s))

    def ticks_from(
        self,
        symbol: str,
        since: datetime,
        count: int,
        flags: int = ModuleConstants.COPY_TICKS_ALL,
        timeout_s: float | None = None,
    ) -> Ticks:
        """The first ``count`` ticks from ``since`` (aware) on, oldest first: records of ``TICKS_DTYPE`` in UTC."""
        (first,) = self._stamps(since)
        return self._in_utc(self._invoke("copy_ticks_from", (symbol, first, count, flags), {}, timeout_s))

    def positions(self, symbol: str = "", ticket: int = 0, timeout_s: float | None = None) -> tuple[Position, ...]:
        """Open positions: all, of one symbol, or of one ticket."""
        found = self._invoke("positions_get", (), _chosen(symbol=symbol, ticket=ticket), timeout_s)
        return tuple(Position.from_struct(item, self._server_clock.rule) for item in found)

    def orders(self, symbol: str = "", ticket: int = 0, timeout_s: float | None = None) -> tuple[Order, ...]:
        """Pending orders: all, of one symbol, or of one ticket."""
        found = self._invoke("orders_get", (), _chosen(symbol=symbol, ticket=ticket), timeout_s)
        return tuple(Order.from_struct(item, self._server_clock.rule) for item in found)

    def history_orders(
        self, since: datetime, until: datetime, group: str = "", timeout_s: float | None = None
    ) -> tuple[Order, ...]:
        """Orders that ended from ``since`` to ``until`` (both aware), of symbols that match ``group``."""
        found = self._invoke("history_orders_get", self._stamps(since, until), _chosen(group=group), timeout_s)
        return tuple(Order.from_struct(item, self._server_clock.rule) for item in found)

    def history_deals(
        self, since: datetime, until: datetime, group: str = "", timeout_s: float | None = None
    ) -> tuple[Deal, ...]:
        """Deals made from ``since`` to ``until`` (both aware), of symbols that match ``group``.

        Of those in an hour that the server's clock repeats, the tickets tell when they were made; where they do not,
        the first time is meant.
        """
        rule = self._server_clock.rule
        found = self._deal_records(since, until, _chosen(group=group), timeout_s)
        return tuple(replace(Deal.from_struct(record.fields, rule), time=record.time) for record in found)

    def deal_records(self, since: datetime, until: datetime, timeout_s: float | None = None) -> tuple[DealRecord, ...]:
        """Deals from ``since`` to ``until`` (both aware) with every field of the module, and when they were made.

        Of those in an hour that the server's clock repeats, the tickets tell, and where they do not the orders.
        """
        found = self._deal_records(since, until, {}, timeout_s)
        if all(record.decided for record in found):
            return found
        orders = self._invoke("history_orders_get", self._window(since, until), {}, timeout_s)
        pending = self._invoke("orders_get", (), {}, timeout_s)
        return told_apart(found, self._server_clock.rule, (*orders, *pending))

    def _deal_records(
        self, since: datetime, until: datetime, filters: Mapping[str, Any], timeout_s: float | None
    ) -> tuple[DealRecord, ...]:
        found = self._invoke("history_deals_get", self._window(since, until), filters, timeout_s)
        records = deal_records(found, self._server_clock.rule, self._clock.now())
        return tuple(record for record in records if record.latest >= since and record.time <= until)

    def _window(self, since: datetime, until: datetime) -> tuple[float, float]:
        """The stamps to ask for; an hour that is told twice as a whole, since both times have the same stamps."""
        rule = self._server_clock.rule
        first, last = self._stamps(since, until)
        begins, ends = rule.told_twice(first), rule.told_twice(last)
        return (float(begins[0]) if begins else first), (float(ends[1]) if ends else last)

    def calc_margin(
        self, order_type: int, symbol: str, volume: float, price: float, timeout_s: float | None = None
    ) -> float:
        """Margin of an order of ``volume`` lots at ``price``, in the account's currency."""
        arguments = (order_type, symbol, float(volume), float(price))
        return float(self._invoke("order_calc_margin", arguments, {}, timeout_s))

    def calc_profit(
        self,
        order_type: int,
        symbol: str,
        volume: float,
        price_open: float,
        price_close: float,
        timeout_s: float | None = None,
    ) -> float:
        """Profit of ``volume`` lots between two prices, in the account's currency."""
        arguments = (order_type, symbol, float(volume), float(price_open), float(price_close))
        return float(self._invoke("order_calc_profit", arguments, {}, timeout_s))

    def check_order(self, timeout_s: float | None = None, **fields: Any) -> OrderCheck:
        """Whether an order would pass; see ``trade_request`` for the fields. A refusal is an answer, not an error."""
        found = self._invoke("order_check", (trade_request(**fields),), {}, timeout_s)
        return OrderCheck(**{name: found[name] for name in OrderCheck.__match_args__})

    def book(self, symbol: str, timeout_s: float | None = None) -> tuple[BookEntry, ...]:
        """The depth of market at this moment, as the terminal orders it; empty when the broker gives none."""
        self._invoke("market_book_add", (symbol,), {}, timeout_s)
        try:
            found = self._invoke("market_book_get", (symbol,), {}, timeout_s)
        finally:
            self._invoke("market_book_release", (symbol,), {}, timeout_s)
        return tuple(BookEntry(item["type"], item["price"], item["volume_dbl"]) for item in found)

    def _stamps(self, *moments: datetime) -> tuple[float, ...]:
        rule = self._server_clock.rule
        # Floats: the module raises on integers of 2038 and later.
        return tuple(float(rule.to_server(require_aware(moment))) for moment in moments)

    def _in_utc(self, ticks: Ticks) -> Ticks:
        converted = np.array(ticks)
        utc = self._server_clock.rule.ordered_to_utc(ticks["time"], each_once=False)
        converted["time_msc"] = ticks["time_msc"] + (utc - ticks["time"]) * 1000
        converted["time"] = utc
        converted.setflags(write=False)
        return converted


def _chosen(**given: Any) -> Mapping[str, Any]:
    """The keywords that say something: the module takes no None and no empty text."""
    return {name: value for name, value in given.items() if value}
