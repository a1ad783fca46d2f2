"""What the session gives to tasks and window: frozen values in UTC, safe to hand across threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from app.terminal.timeframes import TIMEFRAMES as TIMEFRAMES
from app.terminal.timeframes import Timeframe as Timeframe

# The record of the genuine module, to the byte: packed, 60 bytes, unsigned volumes (subtracting them wraps).
RATES_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("open", "<f8"),
        ("high", "<f8"),
        ("low", "<f8"),
        ("close", "<f8"),
        ("tick_volume", "<u8"),
        ("spread", "<i4"),
        ("real_volume", "<u8"),
    ]
)
Rates = npt.NDArray[np.void]
TICKS_DTYPE = np.dtype(
    [
        ("time", "<i8"),
        ("bid", "<f8"),
        ("ask", "<f8"),
        ("last", "<f8"),
        ("volume", "<u8"),
        ("time_msc", "<i8"),
        ("flags", "<u4"),
        ("volume_real", "<f8"),
    ]
)
Ticks = npt.NDArray[np.void]


class SessionState(StrEnum):
    """Where the connection stands."""

    DISCONNECTED = "disconnected"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    NOT_ANSWERING = "not_answering"
    WRONG_ACCOUNT = "wrong_account"


@dataclass(frozen=True, slots=True)
class SessionStatus:
    """The connection as it is now.

    Attributes:
        server, login: What the terminal is logged in to; empty and 0 while unknown.
        account_kind: ``demo``, ``contest``, ``real`` or empty.
        ping_ms: Round trip between terminal and trade server; None while unknown.
        since: When this state began, aware UTC.
        reason, advice: Why it is not connected, and what to do; empty when connected.
        simulated: The market is made up or replayed: never mistake it for a real one.
        market_note: What is replayed or generated, and whether the server's clock is known; empty otherwise.
        host: Where the module lives: ``in_process`` or ``child``.
        program: Folder of the terminal program; empty while unknown.
        trade_allowed: Whether the AutoTrading button is on; None while unknown. Metronome sends no orders itself.
    """

    state: SessionState
    since: datetime
    server: str = ""
    login: int = 0
    account_kind: str = ""
    ping_ms: float | None = None
    reason: str = ""
    advice: str = ""
    simulated: bool = False
    market_note: str = ""
    host: str = ""
    program: str = ""
    trade_allowed: bool | None = None

    @property
    def connected(self) -> bool:
        """Whether calls can be made."""
        return self.state is SessionState.CONNECTED


@dataclass(frozen=True, slots=True)
class Tick:
    """The newest quote of a symbol; ``time`` is when the server stamped it, not when it was read."""

    symbol: str
    time: datetime
    bid: float
    ask: float
    last: float
    volume: int
    flags: int


class _FromStruct:
    """Built from the module's struct by its field names."""

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def from_struct(cls, struct: Mapping[str, Any]) -> Self:
        """Take the fields of this value out of the ``_asdict()`` of a struct of the module."""
        return cls(**{name: struct[name] for name in cls.__match_args__})


@dataclass(frozen=True, slots=True)
class SymbolInfo(_FromStruct):
    """The specification of a symbol, in the words and units of MetaTrader 5.

    Prices are in ``currency_profit``, volumes in lots, ``spread`` and ``trade_stops_level`` in points, swaps per lot
    and night in the unit of ``swap_mode``, ``trade_tick_value`` in the currency of the account.
    """

    name: str
    description: str
    path: str
    digits: int
    point: float
    spread: int
    spread_float: bool
    trade_contract_size: float
    trade_tick_value: float
    trade_tick_size: float
    volume_min: float
    volume_max: float
    volume_step: float
    volume_limit: float
    currency_base: str
    currency_profit: str
    currency_margin: str
    select: bool
    visible: bool
    custom: bool
    trade_calc_mode: int
    trade_mode: int
    trade_exemode: int
    trade_stops_level: int
    trade_freeze_level: int
    filling_mode: int
    order_mode: int
    expiration_mode: int
    swap_mode: int
    swap_long: float
    swap_short: float
    swap_rollover3days: int
    margin_initial: float
    margin_maintenance: float
    margin_hedged: float
    bid: float
    ask: float
    last: float
    bidhigh: float
    bidlow: float
    session_deals: int
    session_open: float
    session_close: float
    price_change: float


@dataclass(frozen=True, slots=True)
class DayFigures:
    """A symbol's trading day so far, as the terminal tells it; None where it tells nothing.

    Attributes:
        high, low: Highest and lowest bid of the day; of deals where a symbol is charted by them.
        volume: Volume of the day's deals in lots; brokers of currencies have none.
        deals: Number of the day's deals.
        change_percent: From the close of the day before.
    """

    high: float | None = None
    low: float | None = None
    volume: float | None = None
    deals: int | None = None
    change_percent: float | None = None

    @classmethod
    def of(cls, struct: Mapping[str, Any]) -> Self:
        """From a ``SymbolInfo`` of the module."""
        last = struct["chart_mode"] == 1
        high, low = (struct[name] for name in (("lasthigh", "lastlow") if last else ("bidhigh", "bidlow")))
        sound = high > 0 and low > 0 and high >= low
        return cls(
            high if sound else None,
            low if sound else None,
            struct["session_volume"] or None,
            struct["session_deals"] or None,
            struct["price_change"] if struct["session_close"] else None,
        )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that one call tells of a symbol.

    Attributes:
        tick: The newest quote, its time in whole seconds; None before the first one.
    """

    info: SymbolInfo
    tick: Tick | None
    day: DayFigures


@dataclass(frozen=True, slots=True)
class AccountInfo(_FromStruct):
    """The account that the terminal is logged in to; amounts in ``currency``."""

    login: int
    server: str
    name: str
    company: str
    currency: str
    currency_digits: int
    trade_mode: int
    leverage: int
    balance: float
    credit: float
    profit: float
    equity: float
    margin: float
    margin_free: float
    margin_level: float
    trade_allowed: bool
    trade_expert: bool

    @property
    def kind(self) -> str:
        """``demo``, ``contest`` or ``real``; an unknown mode counts as real, to be on the safe side."""
        return {0: "demo", 1: "contest"}.get(self.trade_mode, "real")


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """Bars of one symbol, oldest first.

    Attributes:
        rates: Records of ``RATES_DTYPE``; ``time`` is the open time in UTC epoch seconds. Never written to.
        forming: The last record is the bar that still forms: no decision may rest on it.
    """

    symbol: str
    timeframe: str
    rates: Rates
    forming: bool

    def __len__(self) -> int:
        return len(self.rates)

    def closed(self) -> Bars:
        """The same bars without the forming one."""
        if not self.forming:
            return self
        return Bars(self.symbol, self.timeframe, self.rates[:-1], forming=False)

    def open_times(self) -> tuple[datetime, ...]:
        """The open time of each bar, aware UTC."""
        return tuple(datetime.fromtimestamp(int(moment), UTC) for moment in self.rates["time"])
