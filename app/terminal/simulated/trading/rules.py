"""The single objections a server can have. Each rule gives a retcode, or None when it has nothing to say."""

from __future__ import annotations

import math

from app.terminal.simulated.trading.orders import expires_msc, waits_below
from app.terminal.simulated.trading.requests import Case, Rule, first_of
from app.terminal.simulated.trading.terms import (
    FILLING_BITS,
    Action,
    Execution,
    Filling,
    OrderType,
    Retcode,
    TimeType,
    TradeMode,
)

_NOISE = 1e-6
# Differences of prices carry the noise of floats.
_PART_OF_A_POINT = 1e-3
# Bits of SymbolInfo.order_mode.
_MARKET, _LIMIT, _STOP, _STOP_LIMIT, _SL, _TP, _CLOSE_BY = 1, 2, 4, 8, 16, 32, 64


def check(case: Case) -> Retcode:
    """What the server says to a request; ``CHECKED`` when it would carry it out."""
    return first_of(case, _RULES[Action(case.request.action)])


def distance_kept(case: Case, nearer: float, farther: float, level: int) -> bool:
    """Whether ``farther`` is above ``nearer`` by at least ``level`` points (and one point anyway)."""
    return farther - nearer >= (max(level, 1) - _PART_OF_A_POINT) * case.spec.point


def _kind_of_deal(case: Case) -> Retcode | None:
    if case.kind is None:
        return Retcode.INVALID
    if case.kind not in (OrderType.BUY, OrderType.SELL):
        return Retcode.INVALID_ORDER
    # A position is closed by the opposite side.
    if case.position is not None and case.position.side == case.kind.side:
        return Retcode.INVALID
    return None if case.spec.order_mode & _MARKET else Retcode.INVALID_ORDER


def _kind_of_pending(case: Case) -> Retcode | None:
    if case.kind is None:
        return Retcode.INVALID
    if not case.kind.is_pending:
        return Retcode.INVALID_ORDER
    bit = _LIMIT if case.kind.is_limit else _STOP_LIMIT if case.kind.is_stop_limit else _STOP
    return None if case.spec.order_mode & bit else Retcode.INVALID_ORDER


def _trade_mode(case: Case) -> Retcode | None:
    mode = case.spec.trade_mode
    if mode == TradeMode.DISABLED:
        return Retcode.TRADE_DISABLED
    if case.kind is None or case.position is not None or case.request.action not in (Action.DEAL, Action.PENDING):
        return None
    if mode == TradeMode.CLOSEONLY and not _lessens(case):
        return Retcode.CLOSE_ONLY
    if mode == TradeMode.LONGONLY and case.kind.side == 1 and not _lessens(case):
        return Retcode.LONG_ONLY
    if mode == TradeMode.SHORTONLY and case.kind.side == 0 and not _lessens(case):
        return Retcode.SHORT_ONLY
    return None


def _lessens(case: Case) -> bool:
    """A netting deal that only takes away from the symbol's position."""
    if not case.book.settings.netting or case.request.action != Action.DEAL or case.kind is None:
        return False
    held = [item for item in case.book.positions.values() if item.symbol == case.symbol]
    return any(item.side != case.kind.side and item.volume >= case.request.volume - _NOISE for item in held)


def _volume(case: Case) -> Retcode | None:
    spec, volume = case.spec, case.request.volume
    if case.position is not None:
        if volume > case.position.volume + _NOISE:
            return Retcode.INVALID_CLOSE_VOLUME
        if volume > 0 and abs(volume - case.position.volume) < _NOISE:
            return None
    steps = volume / spec.volume_step
    # Written so that a NaN is refused too.
    fits = spec.volume_min - _NOISE <= volume <= spec.volume_max + _NOISE and abs(steps - round(steps)) < _NOISE * 100
    return None if fits else Retcode.INVALID_VOLUME


def _volume_limit(case: Case) -> Retcode | None:
    limit = case.spec.volume_limit
    if limit <= 0 or case.position is not None or case.kind is None:
        return None
    side = case.kind.side
    held = sum(item.volume for item in case.book.positions.values() if (item.symbol, item.side) == (case.symbol, side))
    waiting = sum(
        item.volume for item in case.book.orders.values() if (item.symbol, item.type.side) == (case.symbol, side)
    )
    return Retcode.LIMIT_VOLUME if held + waiting + case.request.volume > limit + _NOISE else None


def _filling(case: Case) -> Retcode | None:
    modes = {mode.value for mode in Filling}
    if case.request.type_filling not in modes:
        return Retcode.INVALID_FILL
    mode = Filling(case.request.type_filling)
    pending = case.request.action == Action.PENDING
    execution = case.spec.execution
    if mode is Filling.RETURN:
        # Never under market execution, but pending orders are not executed when they are sent.
        return None if pending or execution != Execution.MARKET else Retcode.INVALID_FILL
    if mode is Filling.BOC and not (
        pending and case.kind is not None and (case.kind.is_limit or case.kind.is_stop_limit)
    ):
        return Retcode.INVALID_FILL
    # The bit mask speaks of market and exchange execution; at a dealer's price the order is filled or not.
    if execution in (Execution.REQUEST, Execution.INSTANT) and mode is Filling.FOK:
        return None
    return None if case.spec.filling_mode & FILLING_BITS[mode] else Retcode.INVALID_FILL


def _expiration(case: Case) -> Retcode | None:
    kinds = {kind.value for kind in TimeType}
    kind = case.request.type_time
    if kind not in kinds or not case.spec.expiration_mode & 1 << kind:
        return Retcode.INVALID_EXPIRATION
    if kind in (TimeType.SPECIFIED, TimeType.SPECIFIED_DAY):
        if expires_msc(TimeType(kind), case.request.expiration, case.msc) <= case.msc:
            return Retcode.INVALID_EXPIRATION
    return None


def _open(case: Case) -> Retcode | None:
    return None if case.book.market.is_open(case.symbol, case.msc) else Retcode.MARKET_CLOSED


def _priced(case: Case) -> Retcode | None:
    return None if case.bid > 0 else Retcode.PRICE_OFF


def _convertible(case: Case) -> Retcode | None:
    """Profit and margin can be told in the account's currency."""
    currencies = (case.spec.profit, case.spec.margin_currency)
    known = all(case.book.rate(currency, case.msc) > 0 for currency in currencies)
    return None if known else Retcode.PRICE_OFF


def _dealer_price(case: Case) -> Retcode | None:
    """Instant execution needs the price that the trader saw; market execution does not look at it."""
    asked = case.spec.execution in (Execution.REQUEST, Execution.INSTANT)
    return Retcode.INVALID_PRICE if asked and not case.request.price > 0 else None


def _on_tick(case: Case, price: float) -> bool:
    steps = price / case.spec.tick_size
    if not math.isfinite(steps):
        return False
    return abs(steps - round(steps)) < _PART_OF_A_POINT


def _pending_price(case: Case) -> Retcode | None:
    kind = case.kind if case.order is None else case.order.type
    price, level = case.request.price, case.spec.stops_level
    # Written so that a NaN is refused too.
    if kind is None or not price > 0 or not _on_tick(case, price):
        return Retcode.INVALID_PRICE
    market = case.price(kind.side)
    near, far = (price, market) if waits_below(kind) else (market, price)
    fits = distance_kept(case, near, far, level)
    if fits and kind.is_stop_limit:
        limit = case.request.stoplimit
        low, high = (limit, price) if kind.side == 0 else (price, limit)
        fits = limit > 0 and _on_tick(case, limit) and distance_kept(case, low, high, level)
    return None if fits else Retcode.INVALID_PRICE


def _stops(case: Case) -> Retcode | None:
    """Stop loss and take profit: on the right side, far enough away."""
    request, position = case.request, case.position
    if request.action == Action.DEAL and position is not None:
        return None
    reference, side = _reference(case)
    allowed = case.spec.order_mode
    for price, is_tp, bit in ((request.sl, False, _SL), (request.tp, True, _TP)):
        if price == 0:
            continue
        held = position is not None and price == (position.tp if is_tp else position.sl)
        if held:
            continue
        above = is_tp == (side == 0)
        low, high = (reference, price) if above else (price, reference)
        if not (allowed & bit and price > 0 and _on_tick(case, price)):
            return Retcode.INVALID_STOPS
        if not distance_kept(case, low, high, case.spec.stops_level):
            return Retcode.INVALID_STOPS
    return None


def _reference(case: Case) -> tuple[float, int]:
    """The price from which stops are measured, and the side of what they protect."""
    request = case.request
    if request.action == Action.SLTP and case.position is not None:
        side = case.position.side
        return case.price(1 - side), side
    kind = case.order.type if case.order is not None else case.kind
    side = 0 if kind is None else kind.side
    if request.action == Action.DEAL:
        return case.price(1 - side), side
    return (request.stoplimit if kind is not None and kind.is_stop_limit else request.price), side


def _position_frozen(case: Case) -> Retcode | None:
    """So near to a stop that it may be executed any moment."""
    level, position = case.spec.freeze_level, case.position
    if level <= 0 or position is None:
        return None
    price = case.price(1 - position.side)
    near = any(stop and _within(case, price, stop, level) for stop in (position.sl, position.tp))
    return Retcode.FROZEN if near else None


def _order_frozen(case: Case) -> Retcode | None:
    level, order = case.spec.freeze_level, case.order
    if level <= 0 or order is None:
        return None
    return Retcode.FROZEN if _within(case, case.price(order.type.side), order.price_open, level) else None


def _within(case: Case, price: float, other: float, level: int) -> bool:
    """Whether two prices are at most ``level`` points apart."""
    return abs(price - other) <= (level + _PART_OF_A_POINT) * case.spec.point


def _orders_limit(case: Case) -> Retcode | None:
    limit = case.book.settings.limit_orders
    return Retcode.LIMIT_ORDERS if 0 < limit <= len(case.book.orders) else None


def _money(case: Case) -> Retcode | None:
    if case.position is not None or case.kind is None:
        return None
    side, volume = case.kind.side, case.request.volume
    account = case.book.account(case.msc)
    margin = case.book.margin_after(case.symbol, side, volume, case.price(side), case.msc)
    return Retcode.NO_MONEY if margin > account.equity and margin > account.margin else None


def _position_changes(case: Case) -> Retcode | None:
    position, request = case.position, case.request
    same = position is not None and (request.sl, request.tp) == (position.sl, position.tp)
    return Retcode.NO_CHANGES if same else None


def _order_changes(case: Case) -> Retcode | None:
    order, request = case.order, case.request
    if order is None:
        return None
    wanted = (request.price, request.sl, request.tp, request.type_time, request.expiration)
    held = (order.price_open, order.sl, order.tp, order.time_type, order.expiration)
    limit = not order.type.is_stop_limit or request.stoplimit == order.price_stoplimit
    return Retcode.NO_CHANGES if wanted == held and limit else None


def _opposite(case: Case) -> Retcode | None:
    first, second = case.position, case.by
    if case.book.settings.netting or not case.spec.order_mode & _CLOSE_BY:
        return Retcode.INVALID_ORDER
    if first is None or second is None or first.symbol != second.symbol or first.side == second.side:
        return Retcode.INVALID
    return None


_QUOTED: tuple[Rule, ...] = (_open, _priced)
_RULES: dict[Action, tuple[Rule, ...]] = {
    Action.DEAL: (
        _kind_of_deal, _trade_mode, _volume, _filling, *_QUOTED, _convertible, _dealer_price, _position_frozen, _stops,
        _volume_limit, _money,
    ),
    Action.PENDING: (
        _kind_of_pending, _trade_mode, _volume, _filling, _expiration, *_QUOTED, _convertible, _pending_price, _stops,
        _orders_limit, _volume_limit,
    ),
    Action.SLTP: (_trade_mode, *_QUOTED, _position_changes, _position_frozen, _stops),
    Action.MODIFY: (_trade_mode, _expiration, *_QUOTED, _order_changes, _order_frozen, _pending_price, _stops),
    Action.REMOVE: (_trade_mode, *_QUOTED, _order_frozen),
    Action.CLOSE_BY: (_opposite, _trade_mode, *_QUOTED, _position_frozen),
}  # fmt: skip
