"""A market made by hand for the tests of the trade server: prices that one can work out on paper."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from app.terminal.simulated.structs import ModuleStruct
from app.terminal.simulated.symbols import Spec
from app.terminal.simulated.ticks import PATH_DTYPE, Path
from app.terminal.simulated.trading import AccountSettings, Trading

# Monday, 2 June 2025, 10:00 on the server's clock.
MONDAY = 1_748_858_400_000
SECOND, MINUTE, HOUR, DAY = 1_000, 60_000, 3_600_000, 86_400_000


def spec(name: str, digits: int, contract: float, base: str, profit: str, **more: Any) -> Spec:
    return Spec(
        name, name, "Test", digits, contract, base, profit, {}, 0, 0, **{"swap_long": 0.0, "swap_short": 0.0, **more}
    )


EURUSD = spec("EURUSD", 5, 100_000.0, "EUR", "USD")
GBPUSD = spec("GBPUSD", 5, 100_000.0, "GBP", "USD")
USDJPY = spec("USDJPY", 3, 100_000.0, "USD", "JPY")
XAUUSD = spec("XAUUSD", 2, 100.0, "XAU", "USD", calc_mode=4)
DE40 = spec("DE40", 1, 1.0, "EUR", "EUR", calc_mode=3, margin_rate=0.05)


@dataclass
class HandMarket:
    """Quotes that the test sets; without a new one the price stays."""

    now: int = MONDAY
    specs: dict[str, Spec] = field(default_factory=dict)
    quotes: dict[str, list[tuple[int, float, float]]] = field(default_factory=dict)
    rates: dict[tuple[str, str], float] = field(default_factory=dict)
    closed: set[str] = field(default_factory=set)

    @property
    def names(self) -> set[str]:
        return set(self.specs)

    def add(self, given: Spec, bid: float, ask: float) -> None:
        self.specs[given.name] = given
        self.quotes[given.name] = [(self.now - SECOND, bid, ask)]

    def change(self, name: str, **fields: Any) -> None:
        self.specs[name] = replace(self.specs[name], **fields)

    def move(self, name: str, bid: float, ask: float, after: int = SECOND) -> None:
        """A new quote; time goes on with it."""
        self.now += after
        self.quotes[name].append((self.now, bid, ask))

    def later(self, name: str, bid: float, ask: float, after: int) -> None:
        """A quote still to come."""
        self.quotes[name].append((self.now + after, bid, ask))
        self.quotes[name].sort()

    def now_msc(self) -> int:
        return self.now

    def utc_s(self) -> float:
        return self.now / 1000

    def server_msc(self, utc_s: float) -> int:
        return round(utc_s * 1000)

    def turns_back(self, from_s: float, to_s: float) -> tuple[int, ...]:
        return ()

    def spec(self, name: str) -> Spec:
        return self.specs[name]

    def quote(self, name: str, now_msc: int) -> tuple[int, float, float] | None:
        return next((quote for quote in reversed(self.quotes[name]) if quote[0] <= now_msc), None)

    def price_path(self, name: str, from_msc: int, to_msc: int) -> Path:
        return np.array([quote for quote in self.quotes[name] if from_msc < quote[0] <= to_msc], dtype=PATH_DTYPE)

    def rate(self, from_currency: str, to_currency: str, now_msc: int) -> float:
        if (to_currency, from_currency) in self.rates:
            return 1 / self.rates[to_currency, from_currency]
        return self.rates.get((from_currency, to_currency), 0.0)

    def is_open(self, name: str, now_msc: int) -> bool:
        return name not in self.closed


def hand_market() -> HandMarket:
    market = HandMarket(
        rates={("EUR", "USD"): 1.10, ("USD", "JPY"): 150.0, ("EUR", "JPY"): 165.0, ("GBP", "USD"): 1.25}
    )
    market.add(EURUSD, 1.10000, 1.10010)
    market.add(GBPUSD, 1.25000, 1.25020)
    market.add(USDJPY, 150.000, 150.010)
    market.add(XAUUSD, 2500.00, 2500.20)
    market.add(DE40, 20_000.0, 20_001.0)
    return market


def trading(market: HandMarket, **settings: Any) -> Trading:
    """A server without commission, unless asked for."""
    return Trading(market, AccountSettings(**{"commission": 0.0, **settings}))


BUY, SELL, BUY_LIMIT, SELL_LIMIT, BUY_STOP, SELL_STOP, BUY_STOP_LIMIT, SELL_STOP_LIMIT = range(8)
DEAL, PENDING, SLTP, MODIFY, REMOVE, CLOSE_BY = 1, 5, 6, 7, 8, 10
FOK, IOC, RETURN, BOC = range(4)


def deal(side: int, volume: float = 0.1, symbol: str = "EURUSD", **more: Any) -> dict[str, Any]:
    return {"action": DEAL, "symbol": symbol, "volume": volume, "type": side, "type_filling": IOC, **more}


def pending(kind: int, price: float, volume: float = 0.1, symbol: str = "EURUSD", **more: Any) -> dict[str, Any]:
    wanted = {"action": PENDING, "symbol": symbol, "volume": volume, "type": kind, "price": price}
    return {**wanted, "type_filling": RETURN, **more}


def done(server: Trading, request: dict[str, Any], code: int = 10009) -> ModuleStruct:
    """Send a request that must be carried out."""
    result = server.order_send(request)
    assert result.retcode == code, result
    return result


def all_deals(server: Trading) -> tuple[ModuleStruct, ...]:
    return server.history_deals_get((0.0, 4e9))


def all_orders(server: Trading) -> tuple[ModuleStruct, ...]:
    return server.history_orders_get((0.0, 4e9))
