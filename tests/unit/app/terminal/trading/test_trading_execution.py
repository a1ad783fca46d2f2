"""What happens to positions and orders by price and by time."""

from __future__ import annotations

from typing import Any

import pytest
from hand_market import (
    BUY,
    BUY_LIMIT,
    BUY_STOP,
    BUY_STOP_LIMIT,
    CLOSE_BY,
    DAY,
    FOK,
    HOUR,
    IOC,
    MINUTE,
    MONDAY,
    RETURN,
    SECOND,
    SELL,
    SELL_LIMIT,
    SELL_STOP,
    SELL_STOP_LIMIT,
    HandMarket,
    all_deals,
    all_orders,
    deal,
    done,
    hand_market,
    pending,
    trading,
)

from app.terminal.simulated.structs import ModuleStruct
from app.terminal.simulated.trading import Trading

SL, TP, SO, EXPERT = 4, 5, 6, 3
IN, OUT, INOUT, OUT_BY = range(4)
CANCELED, PARTIAL, FILLED, REJECTED, EXPIRED = 2, 3, 4, 5, 6


def last_deal(server: Trading) -> ModuleStruct:
    return all_deals(server)[-1]


def opened(market: HandMarket, request: dict[str, Any], **settings: Any) -> Trading:
    server = trading(market, **settings)
    done(server, request)
    return server


# Deals.


def test_a_position_is_opened_and_closed() -> None:
    market = hand_market()
    server = trading(market, commission=3.5)
    sent = done(server, deal(BUY, 0.2, magic=77, comment="trend"))
    (position,) = server.positions_get()
    assert (position.ticket, position.identifier, position.type, position.reason) == (sent.order, sent.order, 0, EXPERT)
    assert (position.price_open, position.price_current, position.profit) == (1.1001, 1.1, -2.0)
    assert (position.magic, position.comment, position.time_msc) == (77, "trend", MONDAY)
    market.move("EURUSD", 1.10510, 1.10520)
    closing = done(server, deal(SELL, 0.2, position=position.ticket, comment="enough"))
    assert closing.price == 1.1051
    assert server.positions_get() == ()
    first, second = all_deals(server)[1:]
    assert (first.entry, first.type, first.profit, first.commission) == (IN, 0, 0.0, -0.7)
    assert (second.entry, second.type, second.profit, second.commission) == (OUT, 1, 100.0, -0.7)
    assert first.position_id == second.position_id == position.identifier
    assert first.ticket == sent.deal
    assert (second.order, second.comment, second.reason) == (closing.order, "enough", EXPERT)
    assert server.account_values()["balance"] == 10_000 + 100 - 1.4
    assert [(order.state, order.position_id, order.volume_current) for order in all_orders(server)] == [
        (FILLED, position.identifier, 0.0)
    ] * 2


def test_a_position_is_closed_in_parts() -> None:
    market = hand_market()
    market.change("EURUSD", swap_long=-10.0)
    server = opened(market, deal(BUY, 0.3))
    ticket = server.positions_get()[0].ticket
    market.now += DAY
    assert server.positions_get()[0].swap == -3.0
    market.move("EURUSD", 1.10110, 1.10120)
    done(server, deal(SELL, 0.1, position=ticket))
    (left,) = server.positions_get()
    assert (left.ticket, left.volume, left.swap, left.price_open, left.profit) == (ticket, 0.2, -2.0, 1.1001, 20.0)
    assert (last_deal(server).volume, last_deal(server).profit, last_deal(server).swap) == (0.1, 10.0, -1.0)
    done(server, deal(SELL, 0.2, position=ticket))
    assert (last_deal(server).volume, last_deal(server).profit, last_deal(server).swap) == (0.2, 20.0, -2.0)
    assert server.account_values()["balance"] == 10_027.0


def test_two_positions_are_closed_by_each_other() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.3), commission=3.0)
    market.move("EURUSD", 1.10210, 1.10220)
    done(server, deal(SELL, 0.1))
    long, short = server.positions_get()
    balance = server.account_values()["balance"]
    sent = done(server, {"action": CLOSE_BY, "position": long.ticket, "position_by": short.ticket})
    (left,) = server.positions_get()
    assert (left.ticket, left.volume) == (long.ticket, 0.2)
    first, second = all_deals(server)[-2:]
    assert (first.entry, second.entry, first.ticket) == (OUT_BY, OUT_BY, sent.deal)
    assert (first.position_id, second.position_id) == (long.identifier, short.identifier)
    # Bought at 1.10010, sold at 1.10210: 200 points of 0.1 lots.
    assert (first.profit, second.profit, first.commission) == (20.0, 0.0, 0.0)
    assert server.account_values()["balance"] == balance + 20.0
    order = all_orders(server)[-1]
    assert (order.type, order.position_id, order.position_by_id) == (8, long.identifier, short.identifier)
    assert order in server.history_orders_get(position=short.identifier)


# Stops.


def test_a_stop_loss_in_the_market() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.1, sl=1.09900, tp=1.10500, magic=5))
    market.move("EURUSD", 1.09901, 1.09911)
    assert server.positions_total() == 1
    market.move("EURUSD", 1.09900, 1.09910)
    assert server.positions_total() == 0
    out = last_deal(server)
    assert (out.price, out.profit, out.reason, out.comment, out.magic) == (1.099, -11.0, SL, "[sl 1.09900]", 5)
    assert (out.time_msc, out.entry) == (market.now, OUT)
    order = all_orders(server)[-1]
    assert (order.type, order.reason, order.price_open, order.state) == (SELL, SL, 1.099, FILLED)


def test_a_stop_loss_in_a_gap_is_filled_at_the_first_price() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.1, sl=1.09900))
    market.move("EURUSD", 1.08500, 1.08520, after=2 * DAY)
    assert server.positions_get() == ()
    assert (last_deal(server).price, last_deal(server).profit) == (1.085, -151.0)


def test_a_short_position_is_closed_at_the_ask() -> None:
    market = hand_market()
    server = opened(market, deal(SELL, 0.1, sl=1.10100, tp=1.09900))
    market.move("EURUSD", 1.10089, 1.10099)
    assert server.positions_total() == 1
    market.move("EURUSD", 1.09890, 1.09901)
    assert server.positions_total() == 1
    market.move("EURUSD", 1.09880, 1.09890)
    assert server.positions_total() == 0
    assert (last_deal(server).price, last_deal(server).reason, last_deal(server).comment) == (
        1.0989,
        TP,
        "[tp 1.09900]",
    )


def test_what_came_first_counts_not_where_the_price_is_now() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.1, sl=1.09900, tp=1.10500))
    market.later("EURUSD", 1.10500, 1.10510, MINUTE)
    market.later("EURUSD", 1.09000, 1.09010, 2 * MINUTE)
    market.now += HOUR
    assert server.positions_get() == ()
    assert (last_deal(server).reason, last_deal(server).time_msc) == (TP, MONDAY + MINUTE)


def test_a_stop_that_was_moved_is_not_hit_by_the_past() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.1))
    market.move("EURUSD", 1.09000, 1.09010)
    market.move("EURUSD", 1.10000, 1.10010)
    done(server, {"action": 6, "position": server.positions_get()[0].ticket, "sl": 1.095})
    market.now += HOUR
    assert server.positions_total() == 1


def test_things_happen_in_order_of_time_across_symbols() -> None:
    market = hand_market()
    server = trading(market)
    done(server, deal(BUY, 0.1, sl=1.09900))
    done(server, deal(BUY, 0.1, "XAUUSD", sl=2_490.0))
    done(server, deal(SELL, 0.1, "USDJPY", tp=149.0))
    market.later("EURUSD", 1.09800, 1.09810, 3 * MINUTE)
    market.later("XAUUSD", 2_480.0, 2_480.2, 1 * MINUTE)
    market.later("USDJPY", 148.8, 148.81, 2 * MINUTE)
    market.now += HOUR
    server.account_values()
    assert [item.symbol for item in all_deals(server)[-3:]] == ["XAUUSD", "USDJPY", "EURUSD"]
    tickets = [item.ticket for item in all_deals(server)]
    assert tickets == sorted(tickets)


# Pending orders.


@pytest.mark.parametrize(
    ("kind", "price", "before", "bid", "filled"),
    [
        (BUY_LIMIT, 1.09500, 1.09491, 1.09480, 1.09490),
        (BUY_STOP, 1.10500, 1.10489, 1.10495, 1.10505),
        (SELL_LIMIT, 1.10500, 1.10499, 1.10520, 1.10520),
        (SELL_STOP, 1.09500, 1.09501, 1.09400, 1.09400),
    ],
)
def test_a_pending_order_is_triggered(kind: int, price: float, before: float, bid: float, filled: float) -> None:
    market = hand_market()
    server = trading(market)
    order = done(server, pending(kind, price, magic=3, comment="wait"), 10008).order
    market.move("EURUSD", before, before + 0.0001)
    (waiting,) = server.orders_get()
    assert (waiting.ticket, waiting.state, waiting.type, waiting.price_open) == (order, 1, kind, price)
    market.move("EURUSD", bid, bid + 0.0001)
    assert server.orders_get() == ()
    (position,) = server.positions_get()
    assert position.price_open == pytest.approx(filled, abs=1e-9)
    assert (position.ticket, position.type, position.magic, position.comment) == (order, kind % 2, 3, "wait")
    (gone,) = all_orders(server)
    assert (gone.state, gone.time_done_msc, gone.position_id) == (FILLED, market.now, order)


@pytest.mark.parametrize(
    ("kind", "price", "limit", "trigger", "back"),
    [
        (BUY_STOP_LIMIT, 1.10500, 1.10200, 1.10600, 1.10150),
        (SELL_STOP_LIMIT, 1.09500, 1.09800, 1.09400, 1.09850),
    ],
)
def test_a_stop_limit_becomes_a_limit(kind: int, price: float, limit: float, trigger: float, back: float) -> None:
    market = hand_market()
    server = trading(market)
    order = done(server, pending(kind, price, stoplimit=limit), 10008).order
    market.move("EURUSD", trigger, trigger + 0.0001)
    (waiting,) = server.orders_get()
    assert (waiting.ticket, waiting.type, waiting.price_open, waiting.price_stoplimit) == (order, kind - 4, limit, 0.0)
    market.move("EURUSD", back, back + 0.0001)
    (position,) = server.positions_get()
    assert position.ticket == order


def test_stops_of_a_pending_order_protect_its_position() -> None:
    market = hand_market()
    server = trading(market)
    done(server, pending(BUY_STOP, 1.10500, sl=1.10400, tp=1.11), 10008)
    market.later("EURUSD", 1.10300, 1.10310, MINUTE)
    market.later("EURUSD", 1.10495, 1.10505, 2 * MINUTE)
    market.later("EURUSD", 1.10390, 1.10400, 3 * MINUTE)
    market.now += HOUR
    assert (server.positions_get(), server.orders_get()) == ((), ())
    assert [(item.time_msc, item.reason) for item in all_deals(server)[1:]] == [
        (MONDAY + 2 * MINUTE, EXPERT),
        (MONDAY + 3 * MINUTE, SL),
    ]


@pytest.mark.parametrize(
    ("fields", "ends"),
    [
        ({"type_time": 0}, None),
        ({"type_time": 1}, MONDAY + 14 * HOUR),
        ({"type_time": 2, "expiration": MONDAY // 1000 + 90}, MONDAY + 90 * SECOND),
        ({"type_time": 3, "expiration": MONDAY // 1000 + 86_400}, MONDAY + 38 * HOUR),
    ],
)
def test_an_order_expires(fields: dict[str, int], ends: int | None) -> None:
    market = hand_market()
    server = trading(market)
    done(server, pending(BUY_LIMIT, 1.05, **fields), 10008)
    if ends is None:
        market.now += 30 * DAY
        assert server.orders_total() == 1
        return
    market.now = ends - 1
    assert server.orders_total() == 1
    market.now = ends + 5 * DAY
    assert server.orders_get() == ()
    (gone,) = all_orders(server)
    assert (gone.state, gone.time_done_msc, gone.volume_current) == (EXPIRED, ends, 0.1)


def test_an_expired_order_is_not_triggered_later() -> None:
    market = hand_market()
    server = trading(market)
    done(server, pending(BUY_LIMIT, 1.05, type_time=1), 10008)
    market.move("EURUSD", 1.04, 1.0401, after=2 * DAY)
    assert (server.orders_get(), server.positions_get()) == ((), ())


def test_an_order_that_cannot_be_paid_is_rejected_when_it_is_triggered() -> None:
    market = hand_market()
    server = trading(market)
    done(server, pending(BUY_LIMIT, 1.09, 20.0), 10008)
    market.move("EURUSD", 1.08, 1.0801)
    assert (server.orders_get(), server.positions_get()) == ((), ())
    assert all_orders(server)[-1].state == REJECTED
    assert len(all_deals(server)) == 1


# Too few lots at the price.


def test_fill_or_kill_is_rejected() -> None:
    server = trading(hand_market(), liquidity=0.5)
    refused = server.order_send(deal(BUY, 0.8, type_filling=FOK))
    assert (refused.retcode, refused.deal) == (10006, 0)
    assert server.positions_get() == ()
    assert all_orders(server)[-1].state == REJECTED


def test_immediate_or_cancel_gives_the_rest_up() -> None:
    server = trading(hand_market(), liquidity=0.5)
    result = done(server, deal(BUY, 0.8, type_filling=IOC), 10010)
    assert (result.volume, server.positions_get()[0].volume) == (0.5, 0.5)
    (order,) = all_orders(server)
    assert (order.state, order.volume_initial, order.volume_current) == (CANCELED, 0.8, 0.3)


def test_return_lets_the_rest_wait_for_the_next_price() -> None:
    market = hand_market()
    market.change("EURUSD", execution=3)
    server = trading(market, liquidity=0.5)
    ticket = done(server, deal(BUY, 0.8, type_filling=RETURN), 10010).order
    (rest,) = server.orders_get()
    assert (rest.ticket, rest.state, rest.volume_current) == (ticket, PARTIAL, 0.3)
    market.move("EURUSD", 1.10100, 1.10110)
    (position,) = server.positions_get()
    assert (position.volume, position.ticket, server.orders_get()) == (0.8, ticket, ())
    # 0.5 at 1.10010 and 0.3 at 1.10110.
    assert position.price_open == pytest.approx(1.1001 + 0.001 * 0.3 / 0.8)
    assert [item.position_id for item in all_deals(server)[1:]] == [ticket, ticket]


def test_the_rest_of_an_order_does_not_outlive_its_position() -> None:
    market = hand_market()
    market.change("EURUSD", execution=3)
    server = trading(market, liquidity=0.5)
    ticket = done(server, deal(BUY, 0.8, type_filling=RETURN), 10010).order
    done(server, deal(SELL, 0.5, position=ticket))
    market.move("EURUSD", 1.10100, 1.10110)
    assert (server.positions_get(), server.orders_get()) == ((), ())
    assert all_orders(server)[-1].state == CANCELED


# Stop-out.


def test_stop_out_closes_the_largest_loss_first() -> None:
    market = hand_market()
    server = trading(market, balance=1_000.0)
    # 0.5 lots of EURUSD need 550 USD, 0.1 of XAUUSD some 250.
    done(server, deal(BUY, 0.5))
    done(server, deal(BUY, 0.1, "XAUUSD"))
    margin = server.account_values()["margin"]
    assert margin == 550.0 + 250.02
    # Down 1,100 points: -5 - 550 in EURUSD, and gold is up.
    market.move("EURUSD", 1.08900, 1.08910)
    market.move("XAUUSD", 2_510.0, 2_510.2)
    assert server.positions_total() == 2
    market.move("EURUSD", 1.08600, 1.08610)
    (left,) = server.positions_get()
    assert left.symbol == "XAUUSD"
    out = last_deal(server)
    # Equity 1,000 - 705 + 98 = 393 of a margin of 800.02.
    assert (out.reason, out.price, out.profit, out.comment) == (SO, 1.086, -705.0, "[so 49.12%]")
    assert server.account_values()["margin_level"] > 100


def test_stop_out_goes_on_until_the_margin_is_enough() -> None:
    market = hand_market()
    server = trading(market, balance=1_000.0)
    for _ in range(3):
        done(server, deal(BUY, 0.2))
    market.move("EURUSD", 1.07000, 1.07010, after=3 * DAY)
    assert server.positions_get() == ()
    assert [item.reason for item in all_deals(server)[-3:]] == [SO, SO, SO]
    # A gap can cost more than there is.
    assert server.account_values()["balance"] == 1_000.0 - 3 * 602.0


def test_stop_out_in_the_accounts_own_currency() -> None:
    market = hand_market()
    server = trading(market, currency="JPY", balance=100_000.0)
    # 0.5 lots of EURUSD: 500 EUR at 165 = 82,500 JPY; at the level of 50 % are 41,250 JPY left: -391.67 USD.
    done(server, deal(BUY, 0.5))
    market.move("EURUSD", 1.09228, 1.09238)
    assert server.positions_total() == 1
    market.move("EURUSD", 1.09226, 1.09236)
    assert server.positions_total() == 0
    assert (last_deal(server).profit, last_deal(server).reason) == (-58_800.0, SO)


def test_a_position_of_a_closed_market_waits_for_its_stop_out() -> None:
    market = hand_market()
    server = trading(market, balance=1_000.0)
    done(server, deal(BUY, 0.5))
    market.closed.add("EURUSD")
    market.move("EURUSD", 1.08, 1.0801)
    assert server.positions_total() == 1
    market.closed.clear()
    market.move("EURUSD", 1.085, 1.0851)
    assert server.positions_total() == 0
    assert last_deal(server).price == 1.085


def test_the_margin_is_not_watched_before_a_position_is_there() -> None:
    market = hand_market()
    server = trading(market, balance=1_000.0)
    done(server, pending(BUY_STOP, 1.10500, 0.5), 10008)
    done(server, deal(BUY, 0.01))
    # Half a lot would not have outlived this, but it is bought later.
    market.later("EURUSD", 1.05, 1.0501, MINUTE)
    market.later("EURUSD", 1.10490, 1.10500, 2 * MINUTE)
    market.now += HOUR
    assert [item.volume for item in server.positions_get()] == [0.01, 0.5]


def test_a_position_bought_on_the_way_can_be_stopped_out_on_the_way() -> None:
    market = hand_market()
    server = trading(market, balance=1_000.0)
    done(server, pending(BUY_STOP, 1.10500, 0.5), 10008)
    market.later("EURUSD", 1.10490, 1.10500, MINUTE)
    market.later("EURUSD", 1.08, 1.0801, 2 * MINUTE)
    market.later("EURUSD", 1.20, 1.2001, 3 * MINUTE)
    market.now += HOUR
    assert server.positions_get() == ()
    assert [(item.price, item.reason) for item in all_deals(server)[1:]] == [(1.105, EXPERT), (1.08, SO)]


def test_what_ties_up_no_more_can_always_be_done() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.5), balance=1_000.0)
    market.move("EURUSD", 1.08980, 1.08990)
    assert 50 < server.account_values()["margin_level"] < 100
    assert server.order_send(deal(SELL, 0.6)).retcode == 10019
    done(server, deal(SELL, 0.5))


# Netting.


def test_a_netting_account_has_one_position_a_symbol() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.1, sl=1.05), netting=True)
    market.move("EURUSD", 1.10290, 1.10300)
    done(server, deal(BUY, 0.2))
    (position,) = server.positions_get()
    assert (position.volume, position.sl) == (0.3, 1.05)
    assert position.price_open == pytest.approx((1.1001 * 0.1 + 1.103 * 0.2) / 0.3)
    done(server, deal(SELL, 0.1))
    assert server.positions_get()[0].volume == 0.2
    assert last_deal(server).entry == OUT
    assert server.account_values()["margin_mode"] == 0


def test_selling_more_than_is_held_turns_the_position_round() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.1, sl=1.05), netting=True)
    identifier = server.positions_get()[0].identifier
    market.move("EURUSD", 1.10110, 1.10120)
    sent = done(server, deal(SELL, 0.3, magic=9))
    (position,) = server.positions_get()
    assert (position.type, position.volume, position.price_open, position.sl) == (1, 0.2, 1.1011, 0.0)
    assert (position.ticket, position.identifier, position.magic) == (sent.order, identifier, 9)
    turned = last_deal(server)
    assert (turned.entry, turned.volume, turned.profit, turned.position_id) == (INOUT, 0.3, 10.0, identifier)
    done(server, deal(BUY, 0.2))
    assert server.positions_get() == ()


def test_a_netting_account_needs_no_money_to_get_out() -> None:
    server = opened(hand_market(), deal(BUY, 9.0), netting=True)
    assert server.order_send(deal(BUY, 1.0)).retcode == 10019
    done(server, deal(SELL, 9.0))
    assert server.positions_get() == ()


def test_a_netting_account_has_nothing_to_close_by() -> None:
    server = opened(hand_market(), deal(BUY), netting=True)
    ticket = server.positions_get()[0].ticket
    assert server.order_send({"action": CLOSE_BY, "position": ticket, "position_by": ticket}).retcode == 10035


def test_stops_of_a_netting_position_are_set_by_symbol() -> None:
    server = opened(hand_market(), deal(BUY), netting=True)
    done(server, {"action": 6, "symbol": "EURUSD", "sl": 1.05})
    assert server.positions_get()[0].sl == 1.05


def test_time_that_goes_back_changes_nothing() -> None:
    market = hand_market()
    server = opened(market, deal(BUY, 0.1, sl=1.09))
    market.now -= HOUR
    market.quotes["EURUSD"].append((market.now + MINUTE, 1.0, 1.0001))
    assert server.positions_total() == 1
