"""Account, orders, positions and deals: arguments are checked here, answers come from the trade server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.terminal.simulated import arguments, structs
from app.terminal.simulated.arguments import INVALID, Refused
from app.terminal.simulated.calling import has_mapping
from app.terminal.simulated.request_checks import Overflowed, checked_request
from app.terminal.simulated.session_calls import LOGIN, SERVER
from app.terminal.simulated.symbol_calls import SymbolCalls
from app.terminal.simulated.trading import Retcode, Trading

_FILTERS: dict[str, type[Any]] = {"symbol": str, "group": str, "ticket": int, "position": int}
_ACTIVE = ("symbol", "group", "ticket")
_PAST = ("group", "ticket", "position")
_MOMENTS = (arguments.moment, arguments.moment)
_SYSTEM_ERROR = "<built-in function> returned a result with an exception set"

Structs = tuple[structs.ModuleStruct, ...]


class TradingCalls(SymbolCalls):
    """Functions about the account and what is traded on it."""

    _trading: Trading

    def account_info(self) -> structs.ModuleStruct | None:
        """The account."""
        if not self._ready():
            return None
        values = {
            **self._trading.account_values(),
            "login": LOGIN if self.faults.login is None else self.faults.login,
            "trade_mode": self.faults.trade_mode,
            "trade_allowed": not self.faults.offline,
            "trade_expert": True,
            "name": "Rehearsal",
            "server": SERVER,
            "company": "Metronome",
        }
        return self._good(structs.build(structs.AccountInfo, values))

    def order_calc_margin(self, *args: Any) -> float | None:
        """Margin of an order in the account's currency."""
        return self._calculated(args, 2, self._trading.order_calc_margin)

    def order_calc_profit(self, *args: Any) -> float | None:
        """Profit of a trade in the account's currency."""
        return self._calculated(args, 3, self._trading.order_calc_profit)

    def order_check(self, *args: Any, **kwargs: Any) -> structs.ModuleStruct | None:
        """Whether an order would pass."""
        request = self._request(args, kwargs, with_mapping=not kwargs and has_mapping(1))
        if request is None or not self._ready():
            return None
        return self._good(self._trading.order_check(request, refusal=self._trouble(request)))

    def order_send(self, *args: Any, **kwargs: Any) -> structs.ModuleStruct | None:
        """Send an order to the simulated trade server."""
        request = self._request(args, kwargs, with_mapping=not kwargs and has_mapping(1))
        if request is None or not self._ready():
            return None
        if self.faults.api_trading_off:
            self._fail(-8)
            return None
        allowed = not self.faults.auto_trading_off
        trouble = self._trouble(request)
        return self._good(self._trading.order_send(request, auto_trading=allowed, refusal=trouble))

    def orders_total(self) -> int | None:
        """How many orders are pending."""
        return self._good(self._trading.orders_total()) if self._ready() else None

    def orders_get(self, *args: Any, **kwargs: Any) -> Structs | None:
        """Pending orders."""
        return self._filtered(args, kwargs, self._trading.orders_get)

    def positions_total(self) -> int | None:
        """How many positions are open."""
        return self._good(self._trading.positions_total()) if self._ready() else None

    def positions_get(self, *args: Any, **kwargs: Any) -> Structs | None:
        """Open positions."""
        return self._filtered(args, kwargs, self._trading.positions_get)

    def history_orders_total(self, *args: Any) -> int | None:
        """How many orders ended between two dates."""
        return self._counted(args, self._trading.history_orders_total)

    def history_orders_get(self, *args: Any, **kwargs: Any) -> Structs | None:
        """Orders that ended between two dates, or of a ticket or position."""
        return self._past(args, kwargs, self._trading.history_orders_get)

    def history_deals_total(self, *args: Any) -> int | None:
        """How many deals were made between two dates."""
        return self._counted(args, self._trading.history_deals_total)

    def history_deals_get(self, *args: Any, **kwargs: Any) -> Structs | None:
        """Deals made between two dates, or of a ticket or position."""
        return self._past(args, kwargs, self._trading.history_deals_get)

    # How they work.

    def _account_currency(self) -> str:
        return self._trading.settings.currency

    def _in_use(self, name: str) -> bool:
        return bool(self._trading.positions_get(symbol=name) or self._trading.orders_get(symbol=name))

    def _request(self, args: tuple[Any, ...], kwargs: dict[str, Any], *, with_mapping: bool) -> dict[str, Any] | None:
        try:
            return checked_request(args, kwargs, with_mapping=with_mapping)
        except Refused as refused:
            self._fail(-2, str(refused))
            return None
        except Overflowed as overflowed:
            self._fail(-2, str(overflowed))
            raise SystemError(_SYSTEM_ERROR) from OverflowError("int too large to convert to C")

    def _trouble(self, request: dict[str, Any]) -> Retcode | None:
        """The retcode of a request that cannot reach the market."""
        if self.faults.offline:
            return Retcode.CONNECTION
        if request.get("symbol") in self.faults.missing:
            return Retcode.INVALID
        return Retcode.PRICE_OFF if self.faults.zero_prices else None

    def _calculated(self, args: tuple[Any, ...], many: int, compute: Callable[..., float | None]) -> float | None:
        numbers = (arguments.number,) * many
        checked = self._checked(args, (arguments.integer, arguments.symbol_name, *numbers))
        if checked is None or not self._ready():
            return None
        if not self._known(checked[1]):
            self._fail(-4)
            return None
        answer = compute(*checked)
        if answer is None:
            self._fail(-2)
            return None
        return self._good(answer)

    def _filtered(self, args: tuple[Any, ...], kwargs: dict[str, Any], get: Callable[..., Structs]) -> Structs | None:
        if args:
            self._fail(-2, "Unnamed arguments not allowed")
            return None
        filters = self._filters(kwargs, _ACTIVE)
        if filters is None or not self._ready():
            return None
        return self._good(get(**filters))

    def _counted(self, args: tuple[Any, ...], count: Callable[[float, float], int]) -> int | None:
        dates = self._checked(args, _MOMENTS)
        if dates is None or not self._ready():
            return None
        return self._good(count(dates[0], dates[1]))

    def _past(self, args: tuple[Any, ...], kwargs: dict[str, Any], get: Callable[..., Structs]) -> Structs | None:
        dates = self._checked(args, _MOMENTS) if args else None
        if not args and not {"ticket", "position"} & kwargs.keys():
            self._fail(-2, INVALID)
            return None
        if args and dates is None:
            return None
        filters = self._filters(kwargs, _PAST)
        if filters is None or not self._ready():
            return None
        return self._good(get(dates=(dates[0], dates[1]) if dates else None, **filters))

    def _filters(self, kwargs: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any] | None:
        """What is asked for; unknown keywords are ignored."""
        filters = {name: kwargs[name] for name in names if name in kwargs}
        for name, value in filters.items():
            if not isinstance(value, _FILTERS[name]):
                self._fail(-2, f'Invalid "{name}" argument')
                return None
        return filters
