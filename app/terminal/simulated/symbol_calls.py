"""Symbols and quotes."""

from __future__ import annotations

from typing import Any

from app.terminal.simulated import arguments, structs
from app.terminal.simulated.arguments import INVALID
from app.terminal.simulated.core import Core
from app.terminal.simulated.market import Market
from app.terminal.simulated.specification import symbol_struct, template


class SymbolCalls(Core):
    """Functions about symbols."""

    def __init__(self, market: Market) -> None:
        super().__init__(market)
        self._templates: dict[str, list[Any]] = {}
        self._rates: dict[str, float] = {}
        self._rates_msc = -1

    def symbols_total(self) -> int | None:
        """How many symbols there are."""
        return self._good(len(self._names())) if self._ready(-5) else None

    def symbols_get(self, *args: Any, **kwargs: Any) -> tuple[structs.ModuleStruct, ...] | None:
        """All symbols, or those that match ``group``."""
        group = args[0] if args else kwargs.get("group", "*")
        if len(args) > 1 or not isinstance(group, str):
            self._fail(-2, INVALID)
            return None
        if not self._ready(-5):
            return None
        names = self._names()
        if group != "*":
            names = tuple(name for name in names if arguments.group_matches(group, name))
        now = self._now()
        return self._good(tuple(self._symbol_struct(name, now) for name in names))

    def symbol_info(self, *args: Any) -> structs.ModuleStruct | None:
        """Specification of a symbol."""
        found: structs.ModuleStruct | None = self._about(args, lambda n: self._symbol_struct(n, self._now()))
        return found

    def symbol_info_tick(self, *args: Any) -> structs.ModuleStruct | None:
        """Newest quote of a symbol in the Market Watch."""
        found: structs.ModuleStruct | None = self._about(args, self._tick_struct)
        return found

    def symbol_select(self, *args: Any) -> bool:
        """Put a symbol into the Market Watch, or take it out."""
        if not 1 <= len(args) <= 2:
            return self._no(-2, INVALID)

        def select(name: str) -> bool:
            if len(args) == 1 or args[1]:
                self._selected.add(name)
            elif self._in_use(name):
                return False  # MetaTrader hides no symbol with a position or an order
            else:
                self._selected.discard(name)
            return True

        done = self._about(args[:1], select)
        return self._no(-1) if done is False else done is not None

    def _tick_struct(self, name: str) -> structs.ModuleStruct | None:
        if name not in self._selected:
            return None
        present = None if self.faults.zero_prices else self._market.chart(name).present(self._now())
        if present is None:
            return structs.Tick((0, 0.0, 0.0, 0.0, 0, 0, 0, 0.0))
        flags = self.TICK_FLAG_BID | self.TICK_FLAG_ASK
        msc = present.time_msc
        return structs.Tick((msc // 1000, present.bid, present.ask, 0.0, 0, msc, flags, 0.0))

    def _symbol_struct(self, name: str, now_msc: int) -> structs.ModuleStruct:
        chart = self._market.chart(name)
        blank = self._templates.get(name)
        if blank is None:
            blank = self._templates[name] = template(chart.spec)
        return symbol_struct(
            blank,
            chart,
            now_msc,
            shown=name in self._selected,
            priced=not self.faults.zero_prices,
            rate=lambda currency: self._rate(currency, now_msc),
        )

    def _rate(self, currency: str, now_msc: int) -> float:
        """What a unit of ``currency`` is worth in that of the account; asked for thousands of symbols at a time."""
        own = self._account_currency()
        if self._rates_msc != now_msc:
            self._rates, self._rates_msc = {}, now_msc
        if currency not in self._rates:
            self._rates[currency] = self._market.rate(currency, own, now_msc)
        return self._rates[currency]

    def _in_use(self, name: str) -> bool:
        """Whether something is open in the symbol."""
        return False

    def _account_currency(self) -> str:
        """The currency of the account."""
        return "USD"
