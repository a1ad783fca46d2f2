"""The server's records as the structs of the module."""

from __future__ import annotations

from app.terminal.simulated import structs
from app.terminal.simulated.structs import ModuleStruct
from app.terminal.simulated.trading.records import Account, Deal, Order, Position
from app.terminal.simulated.trading.requests import Request
from app.terminal.simulated.trading.sending import Outcome
from app.terminal.simulated.trading.terms import Retcode


def position_struct(position: Position, profit: float) -> ModuleStruct:
    """A ``TradePosition``; ``profit`` is the floating one."""
    return structs.TradePosition(
        (
            position.ticket, position.opened_msc // 1000, position.opened_msc, position.updated_msc // 1000,
            position.updated_msc, position.side, position.magic, position.identifier, int(position.reason),
            position.volume, position.price_open, position.sl, position.tp, position.price, position.swap, profit,
            position.symbol, position.comment, "",
        )
    )  # fmt: skip


def order_struct(order: Order) -> ModuleStruct:
    """A ``TradeOrder``, active or done."""
    return structs.TradeOrder(
        (
            order.ticket, order.setup_msc // 1000, order.setup_msc, order.done_msc // 1000, order.done_msc,
            order.expiration, int(order.type), int(order.time_type), int(order.filling), int(order.state), order.magic,
            order.position_id, order.position_by_id, int(order.reason), order.volume_initial, order.volume,
            order.price_open, order.sl, order.tp, order.price_current, order.price_stoplimit, order.symbol,
            order.comment, "",
        )
    )  # fmt: skip


def deal_struct(deal: Deal) -> ModuleStruct:
    """A ``TradeDeal``."""
    return structs.TradeDeal(
        (
            deal.ticket, deal.order, deal.msc // 1000, deal.msc, int(deal.type), int(deal.entry), deal.magic,
            deal.position_id, int(deal.reason), deal.volume, deal.price, deal.commission, deal.swap, deal.profit,
            deal.fee, deal.symbol, deal.comment, "",
        )
    )  # fmt: skip


def send_result(outcome: Outcome, request: Request, request_id: int) -> ModuleStruct:
    """An ``OrderSendResult``: a refusal has zeros for all but its retcode and text."""
    number = request_id if outcome.retcode.good else 0
    return structs.OrderSendResult(
        (
            int(outcome.retcode), outcome.deal, outcome.order, outcome.volume, outcome.price, outcome.bid, outcome.ask,
            outcome.retcode.text, number, 0, structs.TradeRequest(request.values()),
        )
    )  # fmt: skip


def check_result(code: Retcode, account: Account | None, margin: float, request: Request) -> ModuleStruct:
    """An ``OrderCheckResult``.

    Args:
        account: As it is now; None for a refusal that says nothing of money.
        margin: What would be tied up afterwards.
    """
    figures = (0.0,) * 6
    if account is not None:
        level = round(account.equity / margin * 100, 2) if margin > 0 else 0.0
        free = account.margin_free + account.margin - margin
        figures = (account.balance, account.equity, account.profit, margin, round(free, 8), level)
    return structs.OrderCheckResult((int(code), *figures, code.text, structs.TradeRequest(request.values())))
