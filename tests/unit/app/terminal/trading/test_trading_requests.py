"""What the server says to a request: retcodes, echo and figures."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest
from hand_market import (
    BOC,
    BUY,
    BUY_LIMIT,
    BUY_STOP,
    BUY_STOP_LIMIT,
    CLOSE_BY,
    DAY,
    EURUSD,
    FOK,
    HOUR,
    IOC,
    MODIFY,
    MONDAY,
    REMOVE,
    RETURN,
    SELL,
    SELL_LIMIT,
    SELL_STOP,
    SELL_STOP_LIMIT,
    SLTP,
    all_deals,
    all_orders,
    deal,
    done,
    hand_market,
    pending,
    trading,
)

from app.clock import FakeClock
from app.terminal.simulated import SimulatedTerminal

NOW_S = MONDAY // 1000

# The quote of EURUSD is 1.10000 / 1.10010 throughout.
REFUSED: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    # The request itself.
    ({}, {}, 10013),
    ({"action": 99}, {}, 10013),
    (deal(BUY, symbol="NOSUCH"), {}, 10013),
    (deal(BUY, symbol=""), {}, 10013),
    (deal(9), {}, 10013),
    (deal(BUY_LIMIT), {}, 10035),
    (pending(BUY, 1.05), {}, 10035),
    (pending(17, 1.05), {}, 10013),
    (deal(BUY), {"order_mode": 126}, 10035),
    (pending(BUY_LIMIT, 1.05), {"order_mode": 125}, 10035),
    (pending(BUY_STOP, 1.15), {"order_mode": 123}, 10035),
    (pending(BUY_STOP_LIMIT, 1.15, stoplimit=1.14), {"order_mode": 119}, 10035),
    # Trade mode.
    (deal(BUY), {"trade_mode": 0}, 10017),
    (deal(SELL), {"trade_mode": 1}, 10042),
    (deal(BUY), {"trade_mode": 2}, 10043),
    (deal(BUY), {"trade_mode": 3}, 10044),
    (pending(SELL_LIMIT, 1.15), {"trade_mode": 1}, 10042),
    # Volume.
    (deal(BUY, 0.0), {}, 10014),
    (deal(BUY, -0.1), {}, 10014),
    (deal(BUY, 0.001), {}, 10014),
    (deal(BUY, 0.015), {}, 10014),
    (deal(BUY, 100.01), {}, 10014),
    (deal(BUY, math.nan), {}, 10014),
    (deal(BUY, math.inf), {}, 10014),
    (deal(BUY, 0.6), {"volume_limit": 0.5}, 10034),
    # Filling: the mask has FOK and IOC.
    (deal(BUY, type_filling=RETURN), {}, 10030),
    (deal(BUY, type_filling=BOC), {"filling_mode": 7}, 10030),
    (deal(BUY, type_filling=9), {}, 10030),
    (deal(BUY, type_filling=FOK), {"filling_mode": 2}, 10030),
    (deal(BUY, type_filling=IOC), {"filling_mode": 1}, 10030),
    (pending(BUY_LIMIT, 1.05, type_filling=BOC), {}, 10030),
    (pending(BUY_STOP, 1.15, type_filling=BOC), {"filling_mode": 7}, 10030),
    # Expiration.
    (pending(BUY_LIMIT, 1.05, type_time=2), {}, 10022),
    (pending(BUY_LIMIT, 1.05, type_time=2, expiration=NOW_S), {}, 10022),
    (pending(BUY_LIMIT, 1.05, type_time=3, expiration=NOW_S - 86_400), {}, 10022),
    (pending(BUY_LIMIT, 1.05, type_time=4), {}, 10022),
    (pending(BUY_LIMIT, 1.05, type_time=1), {"expiration_mode": 13}, 10022),
    # Price.
    (pending(BUY_LIMIT, 1.10010), {}, 10015),
    (pending(BUY_LIMIT, 0.0), {}, 10015),
    (pending(BUY_LIMIT, math.nan), {}, 10015),
    (pending(BUY_STOP, math.inf), {}, 10015),
    (pending(BUY_LIMIT, 1.09961), {"stops_level": 50}, 10015),
    (pending(BUY_STOP, 1.10010), {}, 10015),
    (pending(SELL_LIMIT, 1.10000), {}, 10015),
    (pending(SELL_STOP, 1.10000), {}, 10015),
    (pending(BUY_STOP_LIMIT, 1.10500), {}, 10015),
    (pending(BUY_STOP_LIMIT, 1.10500, stoplimit=1.10600), {}, 10015),
    (pending(SELL_STOP_LIMIT, 1.09500, stoplimit=1.09400), {}, 10015),
    (deal(BUY), {"execution": 1}, 10015),
    # Stops.
    (deal(BUY, sl=1.10000), {}, 10016),
    (deal(BUY, sl=1.20000), {}, 10016),
    (deal(BUY, tp=1.09000), {}, 10016),
    (deal(BUY, sl=-1.0), {}, 10016),
    (deal(BUY, sl=math.nan), {}, 10016),
    (deal(BUY, sl=1.09951), {"stops_level": 50}, 10016),
    (deal(BUY, tp=1.10049), {"stops_level": 50}, 10016),
    (deal(SELL, sl=1.10010), {}, 10016),
    (deal(SELL, tp=1.10020), {}, 10016),
    (deal(SELL, sl=1.10059), {"stops_level": 50}, 10016),
    (deal(BUY, sl=1.09), {"order_mode": 127 - 16}, 10016),
    (deal(BUY, tp=1.11), {"order_mode": 127 - 32}, 10016),
    (pending(BUY_LIMIT, 1.09, sl=1.095), {}, 10016),
    (pending(SELL_STOP, 1.09, tp=1.095), {}, 10016),
    (pending(BUY_STOP_LIMIT, 1.12, stoplimit=1.11, sl=1.115), {}, 10016),
    # Money: 10 lots need 11,000 USD.
    (deal(BUY, 10.0), {}, 10019),
    # Tickets that stand for nothing.
    (deal(SELL, position=4711), {}, 10013),
    ({"action": SLTP, "symbol": "EURUSD", "position": 4711, "sl": 1.0}, {}, 10013),
    ({"action": CLOSE_BY, "position": 4711, "position_by": 4712}, {}, 10013),
    ({"action": MODIFY, "order": 4711, "price": 1.0}, {}, 10013),
    ({"action": REMOVE, "order": 4711}, {}, 10013),
]


@pytest.mark.parametrize(("request_", "fields", "code"), REFUSED)
def test_a_refusal_says_why_and_does_nothing(request_: dict[str, Any], fields: dict[str, Any], code: int) -> None:
    market = hand_market()
    market.change("EURUSD", **fields)
    server = trading(market)
    before = server.account_values()
    checked, sent = server.order_check(request_), server.order_send(request_)
    assert (checked.retcode, sent.retcode) == (code, code)
    assert sent.comment == checked.comment
    assert sent.comment
    assert (sent.deal, sent.order, sent.volume, sent.price, sent.bid, sent.ask) == (0, 0, 0.0, 0.0, 0.0, 0.0)
    assert server.account_values() == before
    assert (server.positions_get(), server.orders_get(), len(all_deals(server))) == ((), (), 1)


GOOD: list[tuple[dict[str, Any], dict[str, Any], int]] = [
    (deal(BUY), {}, 10009),
    (deal(SELL, type_filling=FOK), {}, 10009),
    (deal(BUY, sl=1.09999, tp=1.10001), {}, 10009),
    (deal(BUY, sl=1.0995, tp=1.1005), {"stops_level": 50}, 10009),
    (deal(SELL, sl=1.10011, tp=1.10009), {}, 10009),
    (deal(BUY, type_filling=RETURN), {"execution": 3}, 10009),
    (deal(BUY, price=1.1001, type_filling=FOK), {"execution": 1, "filling_mode": 0}, 10009),
    (deal(BUY), {"trade_mode": 1}, 10009),
    (deal(SELL), {"trade_mode": 2}, 10009),
    (deal(BUY, 0.07), {}, 10009),
    (deal(BUY, 0.29), {}, 10009),
    (deal(BUY, 0.5), {"volume_limit": 0.5}, 10009),
    (pending(BUY_LIMIT, 1.10009), {}, 10008),
    (pending(BUY_LIMIT, 1.0996), {"stops_level": 50}, 10008),
    (pending(BUY_STOP, 1.10011), {}, 10008),
    (pending(SELL_LIMIT, 1.10001), {}, 10008),
    (pending(SELL_STOP, 1.09999), {}, 10008),
    (pending(BUY_STOP_LIMIT, 1.105, stoplimit=1.104, sl=1.1, tp=1.11), {}, 10008),
    (pending(SELL_STOP_LIMIT, 1.095, stoplimit=1.096), {}, 10008),
    (pending(BUY_LIMIT, 1.05, type_filling=BOC), {"filling_mode": 7}, 10008),
    (pending(BUY_LIMIT, 1.05, type_filling=FOK), {}, 10008),
    (pending(BUY_LIMIT, 1.05, type_time=1), {}, 10008),
    (pending(BUY_LIMIT, 1.05, type_time=2, expiration=NOW_S + 60), {}, 10008),
    (pending(BUY_LIMIT, 1.05, type_time=3, expiration=NOW_S - 3600), {}, 10008),
    (pending(BUY_LIMIT, 1.05, 10.0), {}, 10008),
]


@pytest.mark.parametrize(("request_", "fields", "code"), GOOD)
def test_a_good_request_is_carried_out(request_: dict[str, Any], fields: dict[str, Any], code: int) -> None:
    market = hand_market()
    market.change("EURUSD", **fields)
    server = trading(market)
    checked = server.order_check(request_)
    assert (checked.retcode, checked.comment) == (0, "Done")
    sent = server.order_send(request_)
    assert sent.retcode == code
    assert (sent.bid, sent.ask, sent.request_id) == (1.10000, 1.10010, 1)
    assert sent.volume == request_["volume"]
    assert sent.order > 0
    assert server.positions_total() + server.orders_total() == 1


def test_the_request_is_echoed_with_what_was_left_out() -> None:
    server = trading(hand_market())
    sent = server.order_send({**deal(BUY, 0.1, magic=7, comment="why"), "unknown": 1})
    assert sent.request._asdict() == {
        "action": 1, "magic": 7, "order": 0, "symbol": "EURUSD", "volume": 0.1, "price": 0.0, "stoplimit": 0.0,
        "sl": 0.0, "tp": 0.0, "deviation": 0, "type": 0, "type_filling": 1, "type_time": 0, "expiration": 0,
        "comment": "why", "position": 0, "position_by": 0,
    }  # fmt: skip


def test_a_check_tells_the_account_afterwards() -> None:
    server = trading(hand_market())
    done(server, deal(BUY, 1.0))
    checked = server.order_check(deal(BUY, 2.0))
    assert (checked.balance, checked.equity, checked.profit) == (10_000.0, 9_990.0, -10.0)
    assert (checked.margin, checked.margin_free, checked.margin_level) == (3_300.0, 6_690.0, 302.73)
    position = server.positions_get()[0].ticket
    closing = server.order_check(deal(SELL, 0.4, position=position))
    assert (closing.margin, closing.margin_free) == (660.0, 9_330.0)
    refused = server.order_check(deal(BUY, 9.0))
    assert (refused.retcode, refused.margin, refused.margin_free) == (10019, 11_000.0, -1_010.0)


def test_autotrading_off() -> None:
    server = trading(hand_market())
    refused = server.order_send(deal(BUY), auto_trading=False)
    assert (refused.retcode, refused.comment, refused.request.symbol) == (
        10027,
        "AutoTrading disabled by client",
        "EURUSD",
    )
    assert server.positions_get() == ()


@pytest.mark.parametrize(
    ("fault", "value", "code"),
    [("offline", True, 10031), ("zero_prices", True, 10021), ("missing", frozenset({"EURUSD"}), 10013)],
)
def test_trouble_on_the_way_to_the_server(fault: str, value: object, code: int) -> None:
    terminal = SimulatedTerminal(FakeClock(datetime(2025, 11, 19, 12, tzinfo=UTC)))
    assert terminal.initialize()
    setattr(terminal.faults, fault, value)
    checked, sent = terminal.order_check(deal(BUY)), terminal.order_send(deal(BUY))
    assert checked is not None
    assert sent is not None
    assert (checked.retcode, sent.retcode, terminal.last_error()[0]) == (code, code, 1)
    assert sent.comment
    setattr(terminal.faults, fault, type(value)())
    assert terminal.positions_get() == ()
    assert terminal.order_send(deal(BUY)).retcode == 10009


def test_market_closed_and_no_prices() -> None:
    market = hand_market()
    server = trading(market)
    order = done(server, pending(BUY_LIMIT, 1.05), 10008).order
    market.closed.add("EURUSD")
    for request in (deal(BUY), pending(BUY_LIMIT, 1.05), {"action": REMOVE, "order": order}):
        assert server.order_send(request).retcode == 10018
    market.closed.clear()
    market.move("EURUSD", 0.0, 0.0)
    assert server.order_send(deal(BUY)).retcode == 10021
    assert server.order_check(deal(BUY)).comment == "No prices"


def test_a_dealers_price_must_be_near_enough() -> None:
    market = hand_market()
    market.change("EURUSD", execution=1)
    server = trading(market)
    refused = server.order_send(deal(BUY, price=1.09990, deviation=19, type_filling=FOK))
    assert (refused.retcode, refused.comment, refused.bid, refused.ask) == (10004, "Requote", 1.1, 1.1001)
    assert refused.order == 0
    taken = done(server, deal(BUY, price=1.09990, deviation=20, type_filling=FOK))
    assert taken.price == 1.1001


def test_market_execution_does_not_look_at_the_price() -> None:
    server = trading(hand_market())
    assert done(server, deal(BUY, price=0.5, deviation=1)).price == 1.1001


def test_limit_of_orders() -> None:
    server = trading(hand_market(), limit_orders=2)
    for _ in range(2):
        done(server, pending(BUY_LIMIT, 1.05), 10008)
    assert server.order_send(pending(BUY_LIMIT, 1.05)).retcode == 10033


def test_volume_limit_counts_what_waits() -> None:
    market = hand_market()
    market.change("EURUSD", volume_limit=0.5)
    server = trading(market)
    done(server, deal(BUY, 0.2))
    done(server, pending(BUY_LIMIT, 1.05, 0.2), 10008)
    assert server.order_send(deal(BUY, 0.2)).retcode == 10034
    done(server, deal(SELL, 0.5))


def test_closing_is_checked_against_the_position() -> None:
    market = hand_market()
    server = trading(market)
    ticket = done(server, deal(BUY, 0.3)).order
    assert server.order_send(deal(SELL, 0.31, position=ticket)).retcode == 10038
    assert server.order_send(deal(SELL, 0.005, position=ticket)).retcode == 10014
    assert server.order_send(deal(BUY, 0.3, position=ticket)).retcode == 10013
    assert server.order_send(deal(SELL, 0.3, "GBPUSD", position=ticket)).retcode == 10013
    done(server, deal(SELL, 0.3, position=ticket))
    # It was there once: the server says so.
    for request in (
        deal(SELL, 0.3, position=ticket),
        {"action": SLTP, "symbol": "EURUSD", "position": ticket, "sl": 1.0},
    ):
        assert server.order_send(request).retcode == 10036


def test_a_symbol_that_is_close_only_can_be_left() -> None:
    market = hand_market()
    server = trading(market)
    ticket = done(server, deal(BUY)).order
    market.change("EURUSD", trade_mode=3)
    done(server, deal(SELL, position=ticket))


def test_modifying_a_position() -> None:
    server = trading(hand_market())
    ticket = done(server, deal(BUY)).order
    change = {"action": SLTP, "symbol": "EURUSD", "position": ticket, "sl": 1.09, "tp": 1.12}
    result = done(server, change)
    assert (result.deal, result.order) == (0, 0)
    assert [(item.sl, item.tp) for item in server.positions_get()] == [(1.09, 1.12)]
    assert server.order_send(change).retcode == 10025
    assert server.order_send({**change, "sl": 1.11}).retcode == 10016
    done(server, {"action": SLTP, "position": ticket})
    assert [(item.sl, item.tp) for item in server.positions_get()] == [(0.0, 0.0)]


def test_a_frozen_position_and_order() -> None:
    market = hand_market()
    server = trading(market)
    ticket = done(server, deal(BUY, sl=1.09995)).order
    order = done(server, pending(BUY_LIMIT, 1.10005), 10008).order
    market.change("EURUSD", freeze_level=5)
    assert server.order_send({"action": SLTP, "position": ticket, "sl": 1.05}).retcode == 10029
    assert server.order_send(deal(SELL, position=ticket)).retcode == 10029
    assert server.order_send({"action": MODIFY, "order": order, "price": 1.05}).retcode == 10029
    assert server.order_send({"action": REMOVE, "order": order}).retcode == 10029
    market.change("EURUSD", freeze_level=4)
    done(server, {"action": REMOVE, "order": order})
    done(server, deal(SELL, position=ticket))


def test_modifying_and_removing_an_order() -> None:
    market = hand_market()
    server = trading(market)
    order = done(server, pending(BUY_STOP_LIMIT, 1.12, stoplimit=1.11), 10008).order
    change = {"action": MODIFY, "order": order, "price": 1.13, "stoplimit": 1.12, "sl": 1.1}
    done(server, {**change, "type_time": 2, "expiration": NOW_S + 3600})
    (held,) = server.orders_get(ticket=order)
    assert (held.price_open, held.price_stoplimit, held.sl, held.time_expiration) == (1.13, 1.12, 1.1, NOW_S + 3600)
    assert server.order_send({**change, "type_time": 2, "expiration": NOW_S + 3600}).retcode == 10025
    assert server.order_send({**change, "price": 1.0}).retcode == 10015
    done(server, {"action": REMOVE, "order": order})
    assert server.orders_get() == ()
    (gone,) = all_orders(server)
    assert (gone.ticket, gone.state, gone.volume_current) == (order, 2, 0.1)
    assert server.order_send({"action": REMOVE, "order": order}).retcode == 10013


def test_closing_by_needs_an_opposite_position() -> None:
    server = trading(hand_market())
    long, other, gold = (
        done(server, deal(BUY)).order,
        done(server, deal(BUY)).order,
        done(server, deal(SELL, symbol="XAUUSD")).order,
    )
    for by in (long, other, gold):
        assert server.order_send({"action": CLOSE_BY, "position": long, "position_by": by}).retcode == 10013
    assert server.order_send({"action": CLOSE_BY, "position": long}).retcode == 10013


def test_a_price_is_rounded_to_the_digits_of_the_symbol() -> None:
    server = trading(hand_market())
    done(server, deal(BUY, sl=1.0900000001, tp=1.1099999))
    assert [(item.sl, item.tp) for item in server.positions_get()] == [(1.09, 1.11)]


def test_tickets_count_up_and_are_the_same_again() -> None:
    def play() -> list[int]:
        server = trading(hand_market())
        return [done(server, deal(BUY)).order for _ in range(3)] + [item.ticket for item in all_deals(server)]

    assert play() == play()
    assert len(set(play())) == 7


def test_a_later_start_repeats_no_ticket() -> None:
    first, later, next_day = hand_market(), hand_market(), hand_market()
    later.now += HOUR
    next_day.now += DAY
    tickets = [done(trading(market), deal(BUY)).order for market in (first, later, next_day)]
    assert tickets == sorted(set(tickets))


def test_the_hand_made_market_is_as_the_table_says() -> None:
    assert EURUSD.filling_mode == 3
