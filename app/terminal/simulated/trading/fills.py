"""How an order becomes deals, and deals change positions."""

from __future__ import annotations

from app.terminal.simulated.trading.book import Book, lots
from app.terminal.simulated.trading.margin import TINY_VOLUME
from app.terminal.simulated.trading.records import Deal, Order, Position
from app.terminal.simulated.trading.terms import DealType, Entry, Filling, OrderState, OrderType, Reason


def fill(book: Book, order: Order, price: float, msc: int) -> Deal | None:
    """Execute an order at ``price``, as far as there are lots at that price and its filling mode lets it.

    FOK: all or nothing. IOC: the rest is cancelled. RETURN: the rest stays active for the next quote.

    Returns:
        The deal, or None when the order was rejected.
    """
    most = book.settings.liquidity
    volume = min(order.volume, most) if most > 0 else order.volume
    if volume < order.volume - TINY_VOLUME and order.filling not in (Filling.IOC, Filling.RETURN):
        book.finish(order, OrderState.REJECTED, msc)
        return None
    deal = _trade(book, order, volume, price, msc)
    order.volume = lots(order.volume - volume)
    order.price_current = price
    order.since_msc = msc
    if order.volume <= TINY_VOLUME:
        book.finish(order, OrderState.FILLED, msc)
    elif order.filling is Filling.RETURN:
        order.state = OrderState.PARTIAL
        book.orders[order.ticket] = order
    else:
        book.finish(order, OrderState.CANCELED, msc)
    return deal


def close(book: Book, position: Position, price: float, msc: int, reason: Reason, comment: str) -> Deal:
    """Close a position by the server's own order: a stop, a take profit or a stop-out."""
    trigger = {Reason.SL: position.sl, Reason.TP: position.tp}.get(reason, price)
    order = Order(
        ticket=book.next_ticket(),
        symbol=position.symbol,
        type=OrderType(1 - position.side),
        volume_initial=position.volume,
        volume=0.0,
        price_open=trigger,
        setup_msc=msc,
        since_msc=msc,
        price_current=price,
        magic=position.magic,
        comment=comment,
        reason=reason,
        position_id=position.identifier,
    )
    deal = _close_part(book, position, order, position.volume, price, msc)
    book.finish(order, OrderState.FILLED, msc)
    return deal


def close_by(book: Book, position: Position, other: Position, order: Order, msc: int) -> Deal:
    """Close two opposite positions of a symbol against each other, as far as the smaller goes.

    The profit lies between the two open prices and is booked with the first one; nothing is bought or sold, so there
    is no commission.
    """
    volume = min(position.volume, other.volume)
    profit = book.profit(position, volume, other.price_open, msc)
    deals = []
    for item, against, amount in ((position, other, profit), (other, position, 0.0)):
        swap = book.lessen(item, volume, msc)
        deals.append(
            _deal(book, order, item, Entry.OUT_BY, 1 - item.side, volume, against.price_open, msc, 0.0, swap, amount)
        )
    order.volume = 0.0
    book.finish(order, OrderState.FILLED, msc)
    return deals[0]


def _trade(book: Book, order: Order, volume: float, price: float, msc: int) -> Deal:
    position = _target(book, order)
    side = order.type.side
    if position is None:
        position = book.open(order, volume, price, msc)
    elif position.side == side:
        _enlarge(book, position, order, volume, price, msc)
    elif volume > position.volume + TINY_VOLUME:
        return _turn_round(book, position, order, volume, price, msc)
    else:
        return _close_part(book, position, order, volume, price, msc)
    order.position_id = position.identifier
    return _deal(book, order, position, Entry.IN, side, volume, price, msc, book.commission(volume, msc), 0.0, 0.0)


def _target(book: Book, order: Order) -> Position | None:
    """The position that the order changes; None when it opens one."""
    if book.settings.netting:
        return next((item for item in book.positions.values() if item.symbol == order.symbol), None)
    # The rest of an order that was filled in part goes on with the position that it opened.
    wanted = order.position_id or order.ticket
    return next((item for item in book.positions.values() if item.identifier == wanted), None)


def _enlarge(book: Book, position: Position, order: Order, volume: float, price: float, msc: int) -> None:
    spec = book.spec(position.symbol)
    total = lots(position.volume + volume)
    rate = book.rate(spec.margin_currency, msc)
    position.price_open = (position.price_open * position.volume + price * volume) / total
    position.margin_rate = (position.margin_rate * position.volume + rate * volume) / total
    position.volume = total
    position.sl, position.tp = order.sl or position.sl, order.tp or position.tp
    position.updated_msc = position.since_msc = msc


def _close_part(book: Book, position: Position, order: Order, volume: float, price: float, msc: int) -> Deal:
    profit = book.profit(position, volume, price, msc)
    swap = book.lessen(position, volume, msc)
    order.position_id = position.identifier
    commission = book.commission(volume, msc)
    return _deal(book, order, position, Entry.OUT, 1 - position.side, volume, price, msc, commission, swap, profit)


def _turn_round(book: Book, position: Position, order: Order, volume: float, price: float, msc: int) -> Deal:
    """Netting: sell more than is held. The position lives on the other way round, under its old identifier."""
    profit, swap = book.profit(position, position.volume, price, msc), position.swap
    side = order.type.side
    order.position_id = position.identifier
    position.side, position.swap = side, 0.0
    position.volume = lots(volume - position.volume)
    position.price_open = price
    position.margin_rate = book.rate(book.spec(position.symbol).margin_currency, msc)
    position.sl, position.tp = order.sl, order.tp
    position.updated_msc = position.since_msc = msc
    position.magic, position.comment, position.reason = order.magic, order.comment, order.reason
    book.rename(position, order.ticket)
    book.mark(msc)
    commission = book.commission(volume, msc)
    return _deal(book, order, position, Entry.INOUT, side, volume, price, msc, commission, swap, profit)


def _deal(
    book: Book,
    order: Order,
    position: Position,
    entry: Entry,
    side: int,
    volume: float,
    price: float,
    msc: int,
    commission: float,
    swap: float,
    profit: float,
) -> Deal:
    return book.post(
        Deal(
            ticket=book.next_ticket(),
            order=order.ticket,
            msc=msc,
            type=DealType(side),
            entry=entry,
            symbol=position.symbol,
            volume=volume,
            price=price,
            position_id=position.identifier,
            magic=order.magic,
            reason=order.reason,
            commission=commission,
            swap=swap,
            profit=profit,
            comment=order.comment,
        )
    )
