"""What time does to the account: stops, pending orders, nights, expirations and stop-outs."""

from __future__ import annotations

from app.terminal.simulated.trading.book import Book
from app.terminal.simulated.trading.fills import close, fill
from app.terminal.simulated.trading.orders import DAY_MSC, midnight_after
from app.terminal.simulated.trading.profit import nights, swap_of_night
from app.terminal.simulated.trading.records import Order
from app.terminal.simulated.trading.terms import OrderState, OrderType, Reason
from app.terminal.simulated.trading.triggers import Event, Rank, Stretch

# The epoch began on a Thursday; MetaTrader counts weekdays from Sunday.
_FIRST_WEEKDAY = 4


def pass_time(book: Book, now_msc: int) -> None:
    """Bring the books up to ``now_msc``, along the quotes since the last time; nothing when that is not later."""
    while book.time_msc < now_msc:
        if not book.positions and not book.orders:
            book.time_msc = book.margin_msc = now_msc
            break
        midnight = midnight_after(book.time_msc)
        end = min(midnight, now_msc)
        stretch = Stretch(book, end)
        while (event := stretch.first()) is not None:
            # What is held from now on has its margin watched from this quote on.
            book.margin_msc = max(book.margin_msc, event.msc - 1)
            _HANDLERS[event.rank](book, event)
        book.time_msc = end
        book.margin_msc = max(book.margin_msc, end)
        if end == midnight and midnight > book.charged_msc:
            _charge_night(book, midnight)


def turn_back(book: Book, now_msc: int) -> None:
    """The server's clock was set back, or the terminal shows older quotes: what comes from here on counts anew."""
    book.time_msc = now_msc
    book.margin_msc = min(book.margin_msc, now_msc)
    for position in book.positions.values():
        position.since_msc = min(position.since_msc, now_msc)
    for order in book.orders.values():
        order.since_msc = min(order.since_msc, now_msc)


def _expire(book: Book, event: Event) -> None:
    book.finish(book.orders[event.ticket], OrderState.EXPIRED, event.msc)


def _stop(book: Book, event: Event) -> None:
    """A stop loss or take profit is reached: close at the price there is, which after a gap is another."""
    position = book.positions[event.ticket]
    level, word = (position.sl, "sl") if event.reason is Reason.SL else (position.tp, "tp")
    price = event.ask if position.side else event.bid
    comment = f"[{word} {level:.{book.spec(position.symbol).digits}f}]"
    close(book, position, price, event.msc, event.reason, comment)


def _trigger(book: Book, event: Event) -> None:
    order = book.orders[event.ticket]
    if order.type.is_stop_limit:
        # The stop price is reached: what is left is a limit order under the same ticket.
        order.type = OrderType.BUY_LIMIT if order.type.side == 0 else OrderType.SELL_LIMIT
        order.price_open, order.price_stoplimit = order.price_stoplimit, 0.0
        order.since_msc = event.msc
        return
    price = event.bid if order.type.side else event.ask
    if _is_rest_of_a_closed_position(book, order):
        book.finish(order, OrderState.CANCELED, event.msc)
    elif not order.position_id and not _affordable(book, order, price, event.msc):
        book.finish(order, OrderState.REJECTED, event.msc)
    else:
        fill(book, order, price, event.msc)


def _is_rest_of_a_closed_position(book: Book, order: Order) -> bool:
    """An order filled in part whose position has been closed since, or has fewer lots left than it asks for."""
    if not order.position_id or book.settings.netting:
        return False
    held = [item for item in book.positions.values() if item.identifier == order.position_id]
    return not held or (held[0].side != order.type.side and held[0].volume < order.volume)


def _affordable(book: Book, order: Order, price: float, msc: int) -> bool:
    book.mark(msc)
    account = book.account(msc)
    margin = book.margin_after(order.symbol, order.type.side, order.volume, price, msc)
    return margin <= max(account.equity, account.margin)


def _stop_out(book: Book, event: Event) -> None:
    """Close the position with the largest loss; its fellows are looked at again at the same quote."""
    book.mark(event.msc)
    closable = [item for item in book.positions.values() if book.market.is_open(item.symbol, event.msc)]
    if not closable:
        book.margin_msc = event.msc
        return
    worst = min(closable, key=lambda item: (book.profit_of(item, event.msc) + item.swap, item.ticket))
    close(book, worst, worst.price, event.msc, Reason.SO, f"[so {event.level:.2f}%]")


def _charge_night(book: Book, midnight_msc: int) -> None:
    """The roll-over at the end of a server's day."""
    book.charged_msc = midnight_msc
    weekday = ((midnight_msc - 1) // DAY_MSC + _FIRST_WEEKDAY) % 7
    book.mark(midnight_msc)
    for position in book.positions.values():
        spec = book.spec(position.symbol)
        count = nights(spec, weekday)
        amount, currency = swap_of_night(spec, position.side, position.volume, position.price, position.price_open)
        position.swap = book.money(position.swap + count * book.money(book.convert(amount, currency, midnight_msc)))
    book.version += 1


_HANDLERS = {Rank.EXPIRY: _expire, Rank.POSITION: _stop, Rank.ORDER: _trigger, Rank.STOP_OUT: _stop_out}
