"""Orders made from requests, when they end, and what triggers them."""

from __future__ import annotations

from app.terminal.simulated.trading.book import Book
from app.terminal.simulated.trading.records import Order
from app.terminal.simulated.trading.requests import Request
from app.terminal.simulated.trading.terms import Filling, OrderType, TimeType

DAY_MSC = 86_400_000


def midnight_after(msc: int) -> int:
    """The end of the server's day."""
    return (msc // DAY_MSC + 1) * DAY_MSC


def expires_msc(kind: TimeType, expiration: int, now_msc: int) -> int:
    """When an order ends by itself; 0 for never. ``expiration`` is in seconds."""
    if kind is TimeType.DAY:
        return midnight_after(now_msc)
    if kind is TimeType.SPECIFIED:
        return expiration * 1000
    return midnight_after(expiration * 1000) if kind is TimeType.SPECIFIED_DAY else 0


def make_order(book: Book, request: Request, msc: int, price: float) -> Order:
    """The order that a request asks for.

    Args:
        price: Its open price: that of the request for a pending order, the market's for a deal.
    """
    kind = TimeType(request.type_time)
    timed = kind in (TimeType.SPECIFIED, TimeType.SPECIFIED_DAY)
    return Order(
        ticket=book.next_ticket(),
        symbol=request.symbol,
        type=OrderType(request.type),
        volume_initial=request.volume,
        volume=request.volume,
        price_open=price,
        setup_msc=msc,
        since_msc=msc,
        sl=request.sl,
        tp=request.tp,
        price_stoplimit=request.stoplimit if OrderType(request.type).is_stop_limit else 0.0,
        price_current=price,
        filling=Filling(request.type_filling),
        time_type=kind,
        expiration=request.expiration if timed else 0,
        expires_msc=expires_msc(kind, request.expiration, msc),
        magic=request.magic,
        comment=request.comment,
    )


def waits_below(kind: OrderType) -> bool:
    """Whether the order is triggered by the price at or below its own, else at or above."""
    return kind in (OrderType.BUY_LIMIT, OrderType.SELL_STOP, OrderType.SELL_STOP_LIMIT)
