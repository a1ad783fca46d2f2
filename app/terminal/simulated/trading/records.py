"""Orders, positions and deals as the server keeps them. Times in ms on the server's clock, volumes in lots."""

from __future__ import annotations

from dataclasses import dataclass

from app.terminal.simulated.trading.terms import DealType, Entry, Filling, OrderState, OrderType, Reason, TimeType


@dataclass(slots=True)
class Order:
    """An order, active or done.

    Attributes:
        expiration: As asked for, in seconds; 0 when the time type has none.
        expires_msc: When it ends by itself; 0 for never.
        since_msc: Quotes after this instant can trigger it.
    """

    ticket: int
    symbol: str
    type: OrderType
    volume_initial: float
    volume: float
    price_open: float
    setup_msc: int
    since_msc: int
    sl: float = 0.0
    tp: float = 0.0
    price_stoplimit: float = 0.0
    price_current: float = 0.0
    filling: Filling = Filling.FOK
    time_type: TimeType = TimeType.GTC
    expiration: int = 0
    expires_msc: int = 0
    done_msc: int = 0
    state: OrderState = OrderState.PLACED
    magic: int = 0
    comment: str = ""
    reason: Reason = Reason.EXPERT
    position_id: int = 0
    position_by_id: int = 0


@dataclass(slots=True)
class Position:
    """An open position.

    Attributes:
        side: 0 long, 1 short.
        price: The newest price at which it could be closed.
        swap: Of all nights so far, in the account's currency.
        margin_rate: The account's currency for one of the margin currency when it was opened.
        since_msc: Quotes after this instant can reach its stops.
    """

    ticket: int
    identifier: int
    symbol: str
    side: int
    volume: float
    price_open: float
    price: float
    sl: float
    tp: float
    opened_msc: int
    updated_msc: int
    since_msc: int
    margin_rate: float
    magic: int
    comment: str
    reason: Reason
    swap: float = 0.0


@dataclass(frozen=True, slots=True)
class Deal:
    """Something that changed the balance or a position; amounts in the account's currency."""

    ticket: int
    order: int
    msc: int
    type: DealType
    entry: Entry
    symbol: str
    volume: float
    price: float
    position_id: int
    magic: int
    reason: Reason
    commission: float
    swap: float
    profit: float
    comment: str
    fee: float = 0.0


@dataclass(frozen=True, slots=True)
class Account:
    """The account at an instant; amounts in its currency.

    Attributes:
        profit: Of the open positions by price alone.
        swap: Of their nights.
        level: Equity against margin in percent; 0 without margin.
    """

    balance: float
    credit: float
    profit: float
    swap: float
    equity: float
    margin: float
    margin_free: float
    level: float
