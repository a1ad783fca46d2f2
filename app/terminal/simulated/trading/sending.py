"""Carry out a trade request."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.terminal.simulated.trading.book import Book
from app.terminal.simulated.trading.fills import close_by, fill
from app.terminal.simulated.trading.orders import expires_msc, make_order
from app.terminal.simulated.trading.records import Order
from app.terminal.simulated.trading.requests import Case, Request, open_case
from app.terminal.simulated.trading.rules import check
from app.terminal.simulated.trading.terms import Action, Execution, OrderState, OrderType, Retcode, TimeType


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a request; ``bid`` and ``ask`` are 0 when it was refused."""

    retcode: Retcode
    deal: int = 0
    order: int = 0
    volume: float = 0.0
    price: float = 0.0
    bid: float = 0.0
    ask: float = 0.0


def send(book: Book, request: Request, msc: int) -> Outcome:
    """Check a request and carry it out."""
    case = open_case(book, request, msc)
    if isinstance(case, Retcode):
        return Outcome(case)
    objection = check(case)
    if objection is not Retcode.CHECKED:
        return Outcome(objection)
    return _ACTIONS[Action(case.request.action)](case)


def _deal(case: Case) -> Outcome:
    book, request = case.book, case.request
    side = OrderType(request.type).side
    price = case.price(side)
    asked = case.spec.execution in (Execution.REQUEST, Execution.INSTANT)
    if asked and abs(request.price - price) > (request.deviation + 0.001) * case.spec.point:
        return Outcome(Retcode.REQUOTE, bid=case.bid, ask=case.ask)
    # A deal is done at once: it has no time to live.
    request.type_time, request.expiration = TimeType.GTC, 0
    order = make_order(book, request, case.msc, price)
    if case.position is not None:
        order.position_id = case.position.identifier
    deal = fill(book, order, price, case.msc)
    if deal is None:
        return Outcome(Retcode.REJECT, order=order.ticket)
    code = Retcode.DONE if order.state is OrderState.FILLED else Retcode.DONE_PARTIAL
    return Outcome(code, deal.ticket, order.ticket, deal.volume, price, case.bid, case.ask)


def _pending(case: Case) -> Outcome:
    order = make_order(case.book, case.request, case.msc, case.request.price)
    order.price_current = case.price(order.type.side)
    case.book.orders[order.ticket] = order
    return _answer(case, Retcode.PLACED, order)


def _sltp(case: Case) -> Outcome:
    position = case.position
    if position is None:
        return Outcome(Retcode.INVALID)
    position.sl, position.tp = case.request.sl, case.request.tp
    position.updated_msc = case.msc
    return _answer(case, Retcode.DONE, None)


def _modify(case: Case) -> Outcome:
    order, request = case.order, case.request
    if order is None:
        return Outcome(Retcode.INVALID)
    order.price_open, order.sl, order.tp = request.price, request.sl, request.tp
    if order.type.is_stop_limit:
        order.price_stoplimit = request.stoplimit
    order.time_type = TimeType(request.type_time)
    order.expires_msc = expires_msc(order.time_type, request.expiration, case.msc)
    order.expiration = request.expiration if order.time_type >= TimeType.SPECIFIED else 0
    return _answer(case, Retcode.DONE, order)


def _remove(case: Case) -> Outcome:
    order = case.order
    if order is None:
        return Outcome(Retcode.INVALID)
    case.book.finish(order, OrderState.CANCELED, case.msc)
    return _answer(case, Retcode.DONE, order)


def _close_by(case: Case) -> Outcome:
    first, second, request = case.position, case.by, case.request
    if first is None or second is None:
        return Outcome(Retcode.INVALID)
    order = Order(
        ticket=case.book.next_ticket(),
        symbol=first.symbol,
        type=OrderType.CLOSE_BY,
        volume_initial=min(first.volume, second.volume),
        volume=0.0,
        price_open=second.price_open,
        setup_msc=case.msc,
        since_msc=case.msc,
        price_current=second.price_open,
        magic=request.magic,
        comment=request.comment,
        position_id=first.identifier,
        position_by_id=second.identifier,
    )
    deal = close_by(case.book, first, second, order, case.msc)
    return Outcome(Retcode.DONE, deal.ticket, order.ticket, deal.volume, deal.price, case.bid, case.ask)


def _answer(case: Case, code: Retcode, order: Order | None) -> Outcome:
    volume = order.volume if order is not None and code is Retcode.PLACED else 0.0
    return Outcome(code, order=0 if order is None else order.ticket, volume=volume, bid=case.bid, ask=case.ask)


_ACTIONS: dict[Action, Callable[[Case], Outcome]] = {
    Action.DEAL: _deal,
    Action.PENDING: _pending,
    Action.SLTP: _sltp,
    Action.MODIFY: _modify,
    Action.REMOVE: _remove,
    Action.CLOSE_BY: _close_by,
}
