"""What can be asked of the past, and the structs in which it is told."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hand_market import (
    BUY,
    BUY_LIMIT,
    HOUR,
    MONDAY,
    REMOVE,
    SELL,
    all_deals,
    all_orders,
    deal,
    done,
    hand_market,
    pending,
    trading,
)

from app.clock import FakeClock
from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated.market import Market
from app.terminal.simulated.structs import ModuleStruct
from app.terminal.simulated.trading import AccountSettings, Trading

NOW_S = MONDAY / 1000
CONTRACT = Path(__file__).resolve().parents[6] / "shared" / "mt5_contract" / "contract.json"


def busy() -> tuple[Trading, list[int]]:
    """A server with two positions, an order, and a closed trade an hour later; and the tickets of the positions."""
    market = hand_market()
    server = trading(market)
    tickets = [done(server, deal(BUY)).order, done(server, deal(SELL, symbol="XAUUSD")).order]
    done(server, pending(BUY_LIMIT, 1.05), 10008)
    gone = done(server, deal(BUY, symbol="GBPUSD")).order
    market.now += HOUR
    done(server, deal(SELL, symbol="GBPUSD", position=gone))
    return server, [*tickets, gone]


def test_the_history_begins_with_the_deposit() -> None:
    server = trading(hand_market(), balance=2_500.0, credit=100.0)
    deposit, credit = all_deals(server)
    assert (deposit.type, deposit.profit, deposit.time_msc, deposit.symbol, deposit.order) == (
        2,
        2_500.0,
        MONDAY,
        "",
        0,
    )
    assert (credit.type, credit.profit) == (3, 100.0)
    assert "Simulated" in deposit.comment


def test_nothing_is_an_empty_tuple() -> None:
    server = trading(hand_market())
    assert server.positions_get() == server.orders_get() == all_orders(server) == ()
    assert server.history_deals_get((0.0, 1.0)) == ()
    assert (server.positions_total(), server.orders_total(), server.history_orders_total(0.0, 4e9)) == (0, 0, 0)
    assert server.positions_get(symbol="NOSUCH") == server.orders_get(ticket=1) == ()
    assert server.history_deals_get(ticket=1) == server.history_orders_get(position=1) == ()


@pytest.mark.parametrize(
    ("filters", "symbols"),
    [
        ({}, ["EURUSD", "XAUUSD"]),
        ({"symbol": "XAUUSD"}, ["XAUUSD"]),
        ({"symbol": "xauusd"}, []),
        ({"group": "*USD*"}, ["EURUSD", "XAUUSD"]),
        ({"group": "*,!EUR*"}, ["XAUUSD"]),
        ({"symbol": "EURUSD", "group": "XAU*", "ticket": 1}, ["EURUSD"]),
        ({"ticket": 1}, []),
    ],
)
def test_open_positions_by_filter(filters: dict[str, Any], symbols: list[str]) -> None:
    server, _ = busy()
    assert [item.symbol for item in server.positions_get(**filters)] == symbols


def test_open_positions_and_orders_by_ticket() -> None:
    server, (first, second, _) = busy()
    assert [item.ticket for item in server.positions_get(ticket=second)] == [second]
    assert [item.symbol for item in server.positions_get(ticket=first)] == ["EURUSD"]
    (order,) = server.orders_get(group="EUR*")
    assert server.orders_get(ticket=order.ticket) == (order,)
    assert server.orders_get(symbol="XAUUSD") == ()
    assert (server.positions_total(), server.orders_total()) == (2, 1)


def test_deals_by_date_ticket_and_position() -> None:
    server, (first, _, gone) = busy()
    assert server.history_deals_total(0.0, 4e9) == len(all_deals(server)) == 5
    assert server.history_deals_total(NOW_S, NOW_S) == 4
    assert server.history_deals_total(NOW_S + 1, NOW_S + 3_599.9) == 0
    assert [item.symbol for item in server.history_deals_get((NOW_S + 3_600, 4e9))] == ["GBPUSD"]
    assert [item.symbol for item in server.history_deals_get((0.0, 4e9), group="*XAU*,GBP*")] == [
        "XAUUSD",
        "GBPUSD",
        "GBPUSD",
    ]
    assert [item.entry for item in server.history_deals_get(position=gone)] == [0, 1]
    assert [item.symbol for item in server.history_deals_get(ticket=first)] == ["EURUSD"]
    assert [item.symbol for item in server.history_deals_get(ticket=first, position=gone)] == ["EURUSD"]


def test_done_orders_by_date_ticket_and_position() -> None:
    server, (first, _, gone) = busy()
    assert server.history_orders_total(0.0, 4e9) == 4
    (waiting,) = server.orders_get()
    assert server.history_orders_get(ticket=waiting.ticket) == ()
    done(server, {"action": REMOVE, "order": waiting.ticket})
    assert [item.state for item in server.history_orders_get(ticket=waiting.ticket)] == [2]
    assert [item.ticket for item in server.history_orders_get(ticket=first)] == [first]
    assert [item.type for item in server.history_orders_get(position=gone)] == [BUY, SELL]
    assert [item.ticket for item in server.history_orders_get(ticket=first, position=gone)] == [first]
    # By when they were done, not sent.
    assert len(server.history_orders_get((NOW_S + 3_600, NOW_S + 3_600))) == 2


def by_name(contract: dict[str, Any], name: str) -> list[tuple[str, str]]:
    return [(item["field"], item["type"]) for item in contract["structs"][name]]


@pytest.mark.shared
@pytest.mark.skipif(not CONTRACT.is_file(), reason="the contract of the module is not beside the checkout")
def test_structs_have_the_fields_and_types_of_the_contract() -> None:
    contract = json.loads(CONTRACT.read_text(encoding="utf-8"))
    server, _ = busy()
    samples: list[tuple[str, ModuleStruct]] = [
        ("TradePosition", server.positions_get()[0]),
        ("TradeOrder", server.orders_get()[0]),
        ("TradeOrder", all_orders(server)[0]),
        *(("TradeDeal", item) for item in all_deals(server)),
        ("OrderCheckResult", server.order_check(deal(BUY))),
        ("OrderCheckResult", server.order_check({})),
        ("OrderSendResult", server.order_send(deal(BUY))),
        ("OrderSendResult", server.order_send({})),
    ]
    samples += [("TradeRequest", item.request) for name, item in samples if name.endswith("Result")]
    for name, sample in samples:
        told = [(field, type(value).__name__) for field, value in sample._asdict().items()]
        assert told == by_name(contract, name)
    kinds = dict(by_name(contract, "AccountInfo"))
    assert {name: type(value).__name__ for name, value in server.account_values().items()} == {
        name: kinds[name] for name in server.account_values()
    }


# On the generated market.

WEDNESDAY = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)


def generated(clock: FakeClock, seed: int = 1, **settings: Any) -> tuple[Trading, Market]:
    market = Market(clock, ServerTimeRule("auto"), seed, {})
    return Trading(market, AccountSettings(seed=seed, **settings)), market


def test_a_demo_history_is_the_same_again_and_marked() -> None:
    one, again, other = (all_deals(generated(FakeClock(WEDNESDAY), seed, demo_history=True)[0]) for seed in (1, 1, 2))
    assert one == again
    assert one != other
    assert len(one) > 20
    assert all("imulated" in item.comment for item in one)
    balance = generated(FakeClock(WEDNESDAY), demo_history=True)[0].account_values()["balance"]
    assert balance == pytest.approx(sum(item.profit + item.commission + item.swap for item in one))
    assert {item.entry for item in one} == {0, 1}


def test_a_demo_history_goes_on_from_day_to_day() -> None:
    clock = FakeClock(WEDNESDAY)
    today = all_deals(generated(clock, demo_history=True)[0])
    clock.advance(3 * 86_400)
    later = all_deals(generated(clock, demo_history=True)[0])
    assert later[: len(today)] == today
    assert len(later) > len(today)


@pytest.mark.parametrize("demo", [False, True])
def test_later_starts_repeat_no_ticket_through_the_hour_that_comes_twice(demo: bool) -> None:
    """In autumn the server's clock goes from 9:00 back to 8:00; a start in the second hour is later all the same."""
    clock = FakeClock(datetime(2025, 11, 2, 4, 0, tzinfo=UTC))
    highest = 0
    for _ in range(90):
        server, _market = generated(clock, demo_history=demo)
        sent = done(server, deal(BUY, 0.1, "BTCUSD"))
        assert highest < sent.order < sent.deal
        highest = sent.deal
        clock.advance(1200)


def test_a_demo_history_leaves_nothing_open() -> None:
    for hour in range(8, 20):
        server, market = generated(FakeClock(WEDNESDAY.replace(hour=hour)), demo_history=True)
        assert (server.positions_total(), server.orders_total()) == (0, 0)
        assert all(item.time_msc <= market.now_msc() for item in all_deals(server))


def play(steps: int, seconds: int) -> tuple[Any, ...]:
    """Trade in the generated market, asking the server every ``seconds / steps``."""
    clock = FakeClock(WEDNESDAY)
    server, market = generated(clock)
    for index, symbol in enumerate(("EURUSD", "USDJPY", "XAUUSD")):
        bid, ask = (market.quote(symbol, market.now_msc()) or (0, 0.0, 0.0))[1:]
        point = market.spec(symbol).point
        done(server, deal(BUY, 0.1, symbol, sl=bid - 400 * point, tp=bid + 500 * point))
        done(server, deal(SELL, 0.1, symbol, sl=ask + 300 * point, tp=ask - 200 * point))
        done(server, pending(index + 2, ask + (-300, 300, 250)[index] * point, 0.1, symbol), 10008)
    for _ in range(steps):
        clock.advance(seconds / steps)
        server.account_values()
    return all_deals(server), all_orders(server), server.positions_get(), server.account_values()


def test_what_happens_does_not_depend_on_how_often_one_looks() -> None:
    rarely, often = play(1, 2 * 86_400), play(96, 2 * 86_400)
    assert rarely == often
    assert len(rarely[0]) > 8
