"""A terminal of hand-made bars and ticks, and a run context around real files; for the fixtures and the tests."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from app.clock import FakeClock
from app.errors import Blocked, MetronomeError
from app.paths import Paths
from app.runs import Progress
from app.settings import Settings
from app.storage import Storage
from app.tasks import CancelFlag, TaskContext
from app.terminal.errors import unknown_symbol
from app.terminal.requests import LongCall
from app.terminal.server_time import NEW_YORK, ServerClock, ServerTimeRule
from app.terminal.trades import Deal, Order, Position
from app.terminal.values import (
    RATES_DTYPE,
    TIMEFRAMES,
    AccountInfo,
    Bars,
    DayFigures,
    Rates,
    SessionState,
    SessionStatus,
    Snapshot,
    SymbolInfo,
    Tick,
)

SPECIFICATION: dict[str, Any] = {name: 0 for name in SymbolInfo.__dataclass_fields__} | {
    "digits": 5,
    "point": 1e-5,
    "trade_tick_size": 1e-5,
    "trade_tick_value": 1.0,
    "trade_mode": 4,
    "volume_min": 0.01,
    "volume_max": 100.0,
    "volume_step": 0.01,
    "volume_limit": 0.0,
    "currency_base": "EUR",
    "currency_profit": "USD",
    "currency_margin": "EUR",
    "trade_contract_size": 100_000.0,
}


def make_rates(closes: Any, start: datetime, seconds: int = 300, spread: int = 10, reach: float = 0.0005) -> Rates:
    """Bars with these closes; each opens at the close before and reaches a little beyond both."""
    closes = np.asarray(closes, dtype=float)
    rates = np.zeros(len(closes), RATES_DTYPE)
    rates["time"] = int(start.timestamp()) + np.arange(len(closes)) * seconds
    rates["close"] = closes
    rates["open"] = np.concatenate(([closes[0]], closes[:-1])) if len(closes) else closes
    rates["high"] = np.maximum(rates["open"], closes) + reach
    rates["low"] = np.minimum(rates["open"], closes) - reach
    rates["tick_volume"], rates["spread"] = 100, spread
    return rates


@dataclass
class HandTerminal:
    """The part of a session that the tasks use, answering from ``history`` at the clock."""

    clock: FakeClock
    made_up: Any = None
    symbols: dict[str, SymbolInfo] = field(default_factory=dict)
    history: dict[tuple[str, str], Rates] = field(default_factory=dict)
    bar_errors: dict[str, MetronomeError] = field(default_factory=dict)
    max_bars: int = 100_000
    ticks: dict[str, Tick | None] = field(default_factory=dict)
    structs: list[dict[str, Any]] = field(default_factory=list)
    days: dict[str, DayFigures] = field(default_factory=dict)
    errors: dict[str, MetronomeError] = field(default_factory=dict)
    connected: bool = True
    server: str = ""
    login: int = 0
    simulated: bool = False
    server_clock: ServerClock = field(default_factory=lambda: ServerClock(NEW_YORK))
    stamps: Any = field(default_factory=lambda: np.zeros(0, np.int64))
    refusal: MetronomeError | None = None
    balance: float = 10_000.0
    equity: float = 10_000.0
    positions_open: tuple[Position, ...] = ()
    orders_pending: tuple[Order, ...] = ()
    deals: tuple[Deal, ...] = ()
    account_trouble: MetronomeError | None = None
    calls: list[str] = field(default_factory=list)
    long: tuple[LongCall, ...] = ()
    ping_ms: float | None = None

    @property
    def status(self) -> SessionStatus:
        state = SessionState.CONNECTED if self.connected else SessionState.DISCONNECTED
        reason = "" if self.connected else "No terminal runs."
        status = SessionStatus(state, self.clock.now(), self.server, self.login, simulated=self.simulated)
        return replace(status, reason=reason, ping_ms=self.ping_ms)

    @property
    def server_rule(self) -> ServerTimeRule:
        return self.server_clock.rule

    @property
    def server_time_automatic(self) -> bool:
        return self.server_clock.automatic

    @property
    def server_time_confirmed(self) -> bool:
        return self.server_clock.confirmed

    @property
    def server_time_known(self) -> bool:
        return self.server_clock.known

    @property
    def server_time_disputed(self) -> int | None:
        return self.server_clock.disputed

    def adopt_server_time(self, rule: str) -> None:
        self.server_clock.adopt(rule)

    def server_times(self, symbol: str, timeframe: str, count: int) -> Any:
        self._ask("server_times", symbol)
        return self.stamps[-count:]

    def look(self) -> SessionStatus:
        return self.status

    def long_calls(self) -> tuple[LongCall, ...]:
        return self.long

    def ensure_connected(self, timeout_s: float) -> None:
        self.calls.append("ensure_connected")
        if self.refusal is not None:
            raise self.refusal
        self.connected = True

    def symbol_info(self, symbol: str) -> SymbolInfo:
        self._ask("symbol_info", symbol)
        return self.symbols[symbol]

    def call(self, name: str, timeout_s: float | None = None) -> Any:
        assert name == "symbols_get"
        self.calls.append(name)
        if not self.connected:
            raise Blocked("The terminal is away.")
        return tuple(self.structs)

    def snapshot(self, symbol: str) -> Snapshot:
        self._ask("snapshot", symbol)
        return Snapshot(self.symbols[symbol], self.ticks[symbol], self.days.get(symbol, DayFigures()))

    def catalogue(self) -> dict[str, dict[str, Any]]:
        self.calls.append("catalogue")
        return {name: {"description": info.description, "path": info.path} for name, info in self.symbols.items()}

    def rates(self, symbol: str, timeframe: str, count: int, start_pos: int = 0) -> Bars:
        self._ask("rates", symbol)
        found, forming = self._until_now(symbol, timeframe)
        return Bars(symbol, timeframe, found[-min(count, self.max_bars) :], forming)

    def rates_range(self, symbol: str, timeframe: str, since: datetime, until: datetime) -> Bars:
        self._ask("rates_range", symbol)
        found, forming = self._until_now(symbol, timeframe)
        inside = (found["time"] >= since.timestamp()) & (found["time"] <= until.timestamp())
        forming = forming and bool(len(found)) and bool(inside[-1])
        return Bars(symbol, timeframe, found[inside][-self.max_bars :], forming)

    def account(self) -> AccountInfo:
        if self.account_trouble is not None:
            raise self.account_trouble
        values: dict[str, Any] = {name: 0 for name in AccountInfo.__match_args__}
        known = {"login": 7, "server": "Broker", "currency": "USD", "balance": self.balance, "equity": self.equity}
        return AccountInfo(**(values | known))

    def positions(self) -> tuple[Position, ...]:
        return self.positions_open

    def orders(self) -> tuple[Order, ...]:
        return self.orders_pending

    def history_deals(self, since: datetime, until: datetime) -> tuple[Deal, ...]:
        return tuple(deal for deal in self.deals if deal.time is not None and since <= deal.time <= until)

    def _ask(self, name: str, symbol: str) -> None:
        self.calls.append(name)
        if not self.connected:
            raise Blocked("The terminal is away.")
        if symbol in self.errors:
            raise self.errors[symbol]
        if symbol not in self.symbols:
            raise unknown_symbol(symbol, self.symbols)

    def _until_now(self, symbol: str, timeframe: str) -> tuple[Rates, bool]:
        if symbol in self.bar_errors:
            raise self.bar_errors[symbol]
        found = self.history.get((symbol, timeframe), np.zeros(0, RATES_DTYPE))
        now = self.clock.now().timestamp()
        found = found[found["time"] <= now]
        return found, bool(len(found)) and found["time"][-1] + TIMEFRAMES[timeframe].seconds > now

    def add(self, symbol: str, rates: Rates, timeframe: str = "M5") -> None:
        """A symbol with this history and a fresh quote."""
        self.symbols[symbol] = SymbolInfo(**(SPECIFICATION | {"name": symbol}))
        self.history[symbol, timeframe] = rates
        self.quote(symbol, 1.1, 1.1001)

    def quote(self, symbol: str, bid: float, ask: float, age_s: float = 1.0) -> None:
        """The newest tick."""
        time = self.clock.now() - timedelta(seconds=age_s)
        self.ticks[symbol] = Tick(symbol, time, bid, ask, 0.0, 3, 0)


@dataclass
class Bench:
    """All that a task needs, in the hands of a test."""

    clock: FakeClock
    paths: Paths
    storage: Storage
    terminal: Any  # a HandTerminal, or a real session
    settings: Settings = field(default_factory=Settings)
    facts: dict[str, Any] = field(default_factory=dict)
    cancel: CancelFlag = field(default_factory=CancelFlag)
    seen: list[Progress] = field(default_factory=list)
    http: Any = None

    def engine_facts(self) -> dict[str, Any]:
        return self.facts

    def market(self, **values: Any) -> None:
        """Change market settings."""
        market = self.settings.market.model_copy(update=values)
        self.settings = self.settings.model_copy(update={"market": market})

    def context(self, task: str = "a_task") -> TaskContext:
        """A context as the runner makes one."""
        services: Any = self
        return TaskContext("run-1", task, services, logging.getLogger("tests.task"), self.cancel, self.seen.append)
