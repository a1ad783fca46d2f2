"""Laws that hold whatever is done: of the account, the deals and the positions."""

from __future__ import annotations

from typing import Any

import pytest
from hand_market import (
    CLOSE_BY,
    MODIFY,
    REMOVE,
    SECOND,
    SLTP,
    HandMarket,
    all_deals,
    all_orders,
    deal,
    hand_market,
    pending,
    trading,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from app.terminal.simulated.trading import Trading

SYMBOLS = ("EURUSD", "USDJPY", "XAUUSD", "DE40")
VOLUMES = st.sampled_from([0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 8.0, 0.05, 0.0])
DOINGS = ["deal"] * 4 + ["pending"] * 2 + ["close", "close_by", "stops", "modify", "remove"] + ["move"] * 4 + ["sleep"]
# A step: what is done, to which of the open things, with which numbers.
STEPS = st.lists(
    st.tuples(
        st.sampled_from(DOINGS),
        st.integers(0, 5),
        st.integers(0, 7),
        VOLUMES,
        st.integers(-300, 300),
        st.integers(-300, 300),
    ),
    min_size=6,
    max_size=30,
)


def near(market: HandMarket, symbol: str, points: int) -> float:
    quote = market.quote(symbol, market.now)
    assert quote is not None
    spec = market.spec(symbol)
    return round(quote[1] + points * 5 * spec.point, spec.digits)


def ticket_of(server: Trading, which: int) -> int:
    held = server.positions_get()
    return held[which % len(held)].ticket if held else which


def order_of(server: Trading, which: int) -> int:
    held = server.orders_get()
    return held[which % len(held)].ticket if held else which


def request_of(server: Trading, market: HandMarket, step: tuple[Any, ...]) -> dict[str, Any]:
    what, which, kind, volume, first, second = step
    symbol = SYMBOLS[which % len(SYMBOLS)]
    stops = {"sl": near(market, symbol, first), "tp": near(market, symbol, second)}
    if what == "deal":
        return deal(kind % 2, volume, symbol, **(stops if kind > 3 else {}))
    if what == "pending":
        return pending(
            2 + kind % 6, near(market, symbol, first), volume, symbol, stoplimit=near(market, symbol, second)
        )
    if what in ("modify", "remove"):
        return {
            "action": MODIFY if what == "modify" else REMOVE,
            "order": order_of(server, which),
            "price": stops["sl"],
        }
    ticket = ticket_of(server, which)
    found = server.positions_get(ticket=ticket)
    symbol = found[0].symbol if found else symbol
    if what == "stops":
        return {
            "action": SLTP,
            "position": ticket,
            "sl": near(market, symbol, first),
            "tp": near(market, symbol, second),
        }
    if what == "close":
        return deal(1 - found[0].type if found else kind % 2, volume, symbol, position=ticket)
    others = [
        item.ticket for item in server.positions_get(symbol=symbol) if item.type != (found[0].type if found else 0)
    ]
    return {"action": CLOSE_BY, "position": ticket, "position_by": others[0] if others else kind}


def check_laws(server: Trading, credit: float) -> None:
    account, positions, deals = server.account_values(), server.positions_get(), all_deals(server)
    floating = sum(item.profit for item in positions)
    assert account["profit"] == pytest.approx(floating, abs=0.006)
    total = account["balance"] + credit + floating + sum(item.swap for item in positions)
    assert account["equity"] == pytest.approx(total, abs=0.02)
    assert account["margin_free"] == pytest.approx(account["equity"] - account["margin"], abs=0.006)
    assert account["margin"] >= 0
    booked = sum(item.profit + item.commission + item.swap + item.fee for item in deals if item.type != 3)
    assert account["balance"] == pytest.approx(booked, abs=0.006)
    assert all(item.volume > 0 for item in positions)
    assert all(item.volume_current >= 0 for item in (*server.orders_get(), *all_orders(server)))
    opened = {item.position_id for item in deals if item.type in (0, 1) and item.entry == 0}
    assert {item.position_id for item in deals if item.type in (0, 1)} == opened
    assert {item.identifier for item in positions} <= opened
    tickets = [item.ticket for item in deals]
    assert tickets == sorted(set(tickets))
    assert [item.time_msc for item in deals] == sorted(item.time_msc for item in deals)
    for item in positions:
        own = [one for one in deals if one.position_id == item.identifier]
        signed = sum(one.volume * (1 if one.type == 0 else -1) for one in own if one.entry != 3)
        by = sum(one.volume for one in own if one.entry == 3)
        assert abs(abs(signed) - by - item.volume) < 1e-6


@settings(max_examples=150, deadline=None)
@given(steps=STEPS, netting=st.booleans(), liquidity=st.sampled_from([0.0, 0.4]), exchange=st.booleans())
def test_the_books_always_balance(steps: list[Any], netting: bool, liquidity: float, exchange: bool) -> None:
    market = hand_market()
    for symbol in SYMBOLS:
        market.change(symbol, swap_long=-6.0, swap_short=2.0, execution=3 if exchange else 2)
    server = trading(market, netting=netting, liquidity=liquidity, credit=250.0, commission=3.0)
    for step in steps:
        what, which, kind, _, first, second = step
        if what == "move":
            symbol = SYMBOLS[which % len(SYMBOLS)]
            bid = near(market, symbol, first)
            market.move(symbol, bid, bid + market.spec(symbol).point * (1 + kind), after=SECOND * (1 + abs(second)))
        elif what == "sleep":
            market.now += (1 + which) * 7 * 3_600_000
        else:
            request = request_of(server, market, step)
            if kind % 2 and exchange:
                request["type_filling"] = 2
            checked, sent = server.order_check(request), server.order_send(request)
            assert (checked.retcode == 0) == (sent.retcode in (10008, 10009, 10010, 10006)), (checked, sent)
        check_laws(server, 250.0)
