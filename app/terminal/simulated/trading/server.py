"""The trade server as the module's functions see it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from app.terminal.simulated import arguments
from app.terminal.simulated.structs import ModuleStruct
from app.terminal.simulated.trading import results
from app.terminal.simulated.trading.book import Book
from app.terminal.simulated.trading.demo import write_history
from app.terminal.simulated.trading.margin import lot_margin
from app.terminal.simulated.trading.market import TradingMarket
from app.terminal.simulated.trading.orders import DAY_MSC
from app.terminal.simulated.trading.passing import pass_time, turn_back
from app.terminal.simulated.trading.profit import price_profit
from app.terminal.simulated.trading.records import Deal, Order
from app.terminal.simulated.trading.requests import Case, Request, open_case
from app.terminal.simulated.trading.rules import check
from app.terminal.simulated.trading.sending import Outcome, send
from app.terminal.simulated.trading.settings import AccountSettings
from app.terminal.simulated.trading.terms import Action, DealType, OrderType, Retcode

_T = TypeVar("_T")
Structs = tuple[ModuleStruct, ...]
Dates = tuple[float, float]


class Trading:
    """One account and all that happens on it; see the package for how it is called.

    Args:
        market: Quotes and time; asked at once for the time at which the account is opened.
        seen_s: The instant (UTC epoch seconds) of the newest quotes that the terminal has; without, the market's
            present. Time on the account goes by it: what is executed is executed at the quotes that are shown.

    Thread: for one thread, like the module.
    """

    def __init__(
        self,
        market: TradingMarket,
        settings: AccountSettings | None = None,
        seen_s: Callable[[], float] | None = None,
    ) -> None:
        self.settings = settings or AccountSettings()
        self._market = market
        self._seen_s = seen_s or market.utc_s
        self._at_s = self._seen_s()
        self._book = Book(market, self.settings, market.server_msc(self._at_s))
        self._requests = 0
        now = self._book.time_msc
        if self.settings.demo_history:
            write_history(self._book, now)
        self._book.count_from(now, twice_msc=self._twice_msc())
        if not self.settings.demo_history:
            self._book.deposit(DealType.BALANCE, self.settings.balance, now, "Simulated deposit")
        if self.settings.credit:
            self._book.deposit(DealType.CREDIT, self.settings.credit, now, "Simulated credit")

    def _twice_msc(self) -> int:
        """How much of the server's day so far its clock has shown twice."""
        market = self._market
        since_s = self._at_s - market.server_msc(self._at_s) % DAY_MSC / 1000 - 1
        turns = market.turns_back(since_s, self._at_s)
        return sum(market.server_msc(turn - 0.001) + 1 - market.server_msc(turn) for turn in turns)

    # Account and arithmetic.

    def account_values(self) -> dict[str, Any]:
        """The fields of ``AccountInfo`` that trading decides, by name; amounts in the account's currency.

        ``profit`` is that of the open positions by price; with their swap, balance and credit it makes the equity.
        """
        account, settings = self._present().account(self._book.time_msc), self.settings
        return {
            "leverage": settings.leverage,
            "limit_orders": settings.limit_orders,
            "margin_so_mode": 0,
            "margin_mode": settings.margin_mode,
            "currency_digits": settings.currency_digits,
            "currency": settings.currency,
            "fifo_close": False,
            "balance": account.balance,
            "credit": account.credit,
            "profit": account.profit,
            "equity": account.equity,
            "margin": account.margin,
            "margin_free": account.margin_free,
            "margin_level": account.level,
            "margin_so_call": settings.margin_call,
            "margin_so_so": settings.stop_out,
        }

    def order_calc_margin(self, action: int, symbol: str, volume: float, price: float) -> float | None:
        """Margin of a new position in the account's currency, whatever else is held; None for wrong arguments."""
        book = self._present()
        spec = book.spec(symbol)
        rate = book.rate(spec.margin_currency, book.time_msc)
        if action not in (OrderType.BUY, OrderType.SELL) or not (volume > 0 and price > 0 and rate > 0):
            return None
        return book.money(volume * lot_margin(spec, self.settings.leverage, price) * rate)

    def order_calc_profit(
        self, action: int, symbol: str, volume: float, price_open: float, price_close: float
    ) -> float | None:
        """Profit between two prices in the account's currency; None for wrong arguments."""
        book = self._present()
        spec = book.spec(symbol)
        rate = book.rate(spec.profit, book.time_msc)
        good = volume > 0 and price_open > 0 and price_close > 0 and rate > 0
        if action not in (OrderType.BUY, OrderType.SELL) or not good:
            return None
        return book.money(price_profit(spec, action, volume, price_open, price_close) * rate)

    # Requests.

    def order_check(self, request: Mapping[str, Any], *, refusal: Retcode | None = None) -> ModuleStruct:
        """What would become of a request: retcode 0 when it is good, with the account's figures afterwards.

        Args:
            refusal: Trouble outside of the server that ends every request with this retcode.
        """
        book, given = self._present(), Request.of(request)
        case = refusal or open_case(book, given, book.time_msc)
        code = case if isinstance(case, Retcode) else check(case)
        if isinstance(case, Retcode) or code not in (Retcode.CHECKED, Retcode.NO_MONEY):
            return results.check_result(code, None, 0.0, given)
        account = book.account(book.time_msc)
        return results.check_result(code, account, _margin_afterwards(case, account.margin), given)

    def order_send(
        self, request: Mapping[str, Any], *, auto_trading: bool = True, refusal: Retcode | None = None
    ) -> ModuleStruct:
        """Carry a request out, or refuse it with a retcode.

        Args:
            auto_trading: The terminal's button; off, the request does not even leave the terminal.
            refusal: As for ``order_check``.
        """
        book, given = self._present(), Request.of(request)
        trouble = refusal if auto_trading else Retcode.CLIENT_DISABLES_AT
        outcome = send(book, given, book.time_msc) if trouble is None else Outcome(trouble)
        self._requests += outcome.retcode.good
        return results.send_result(outcome, given, self._requests)

    # What is open.

    def positions_total(self) -> int:
        """How many positions are open."""
        return len(self._present().positions)

    def positions_get(
        self, *, symbol: str | None = None, group: str | None = None, ticket: int | None = None
    ) -> Structs:
        """Open positions, oldest first: of a symbol, else of a group of symbols, else with a ticket."""
        book = self._present()
        chosen = _chosen(list(book.positions.values()), symbol, group, lambda item: ticket in (None, item.ticket))
        return tuple(results.position_struct(item, book.profit_of(item, book.time_msc)) for item in chosen)

    def orders_total(self) -> int:
        """How many orders are active."""
        return len(self._present().orders)

    def orders_get(self, *, symbol: str | None = None, group: str | None = None, ticket: int | None = None) -> Structs:
        """Active orders, oldest first; filters as in ``positions_get``."""
        book = self._present()
        chosen = _chosen(list(book.orders.values()), symbol, group, lambda item: ticket in (None, item.ticket))
        return tuple(results.order_struct(order) for order in chosen)

    # History.

    def history_orders_total(self, date_from: float, date_to: float) -> int:
        """How many orders were done between two dates, both included."""
        return len(self._orders_between((date_from, date_to)))

    def history_orders_get(
        self,
        dates: Dates | None = None,
        *,
        group: str | None = None,
        ticket: int | None = None,
        position: int | None = None,
    ) -> Structs:
        """Orders that were done: of a ticket, else of a position's identifier, else between two dates."""
        if ticket is not None:
            found = [item for item in self._done() if item.ticket == ticket]
        elif position is not None:
            found = [item for item in self._done() if position in (item.position_id, item.position_by_id)]
        else:
            found = self._orders_between(dates)
        return tuple(results.order_struct(item) for item in _chosen(found, None, group, None))

    def history_deals_total(self, date_from: float, date_to: float) -> int:
        """How many deals were made between two dates, both included."""
        return len(self._deals_between((date_from, date_to)))

    def history_deals_get(
        self,
        dates: Dates | None = None,
        *,
        group: str | None = None,
        ticket: int | None = None,
        position: int | None = None,
    ) -> Structs:
        """Deals: of an order's ticket, else of a position's identifier, else between two dates."""
        if ticket is not None:
            found = [deal for deal in self._present().deals if deal.order == ticket]
        elif position is not None:
            found = [deal for deal in self._present().deals if deal.position_id == position]
        else:
            found = self._deals_between(dates)
        return tuple(results.deal_struct(deal) for deal in _chosen(found, None, group, None))

    def _orders_between(self, dates: Dates | None) -> list[Order]:
        return [order for order in self._done() if dates is None or _within(order.done_msc, dates)]

    def _deals_between(self, dates: Dates | None) -> list[Deal]:
        return [deal for deal in self._present().deals if dates is None or _within(deal.msc, dates)]

    def _done(self) -> list[Order]:
        return self._present().done_orders

    def _present(self) -> Book:
        """The books at the market's present."""
        book, market, seen = self._book, self._market, self._seen_s()
        if seen < self._at_s:
            turn_back(book, market.server_msc(seen))
        for instant in market.turns_back(self._at_s, seen):
            # The last millisecond before, then the hour that the server's clock shows twice.
            pass_time(book, market.server_msc(instant - 0.001))
            turn_back(book, market.server_msc(instant))
        self._at_s = seen
        pass_time(book, market.server_msc(seen))
        book.mark(book.time_msc)
        return book


def _within(msc: int, dates: Dates) -> bool:
    return dates[0] <= msc / 1000 <= dates[1]


def _chosen(items: list[_T], symbol: str | None, group: str | None, otherwise: Callable[[_T], bool] | None) -> list[_T]:
    """Those of a symbol, else of a group of symbols, else those that pass ``otherwise``."""
    if symbol is not None:
        return [item for item in items if _symbol(item) == symbol]
    if group is not None:
        return [item for item in items if arguments.group_matches(group, _symbol(item))]
    return items if otherwise is None else [item for item in items if otherwise(item)]


def _symbol(item: object) -> str:
    return str(getattr(item, "symbol", ""))


def _margin_afterwards(case: Case, margin: float) -> float:
    """What would be tied up once the request is carried out."""
    request = case.request
    if request.action != Action.DEAL or case.kind is None:
        return margin
    side = case.kind.side
    if case.position is None:
        return case.book.margin_after(case.symbol, side, request.volume, case.price(side), case.msc)
    return case.book.margin_without(case.position, request.volume)
