"""Ticks, positions, orders, deals, checks and the book through the session, against the simulated trade server."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from app.clock import FakeClock
from app.errors import UserAction
from app.terminal.child_host import ChildHost
from app.terminal.constants import ModuleConstants as Mt5
from app.terminal.errors import TerminalCallError, UnknownSymbol
from app.terminal.host import Host, InProcessHost
from app.terminal.loaders import SimulatedLoader
from app.terminal.session import Session, SessionOptions
from app.terminal.trade_request import trade_request
from app.terminal.values import TICKS_DTYPE

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)
BUY, SELL = 0, 1


@pytest.fixture(scope="module", params=["in_process", "child"])
def session(request: pytest.FixtureRequest) -> Iterator[Session]:
    """A session with one position bought and one order pending."""
    clock = FakeClock(NOW)
    loader = SimulatedLoader()
    host: Host = ChildHost(loader, clock) if request.param == "child" else InProcessHost.of(loader, clock)
    found = Session(host, SessionOptions(), clock)
    found.start()
    found.ensure_connected(20)
    tick = found.tick("EURUSD")
    filling = 0 if found.symbol_info("EURUSD").filling_mode & 1 else 1
    bought = found.call(
        "order_send",
        trade_request(
            action=1, symbol="EURUSD", volume=0.1, type=BUY, price=tick.ask, type_filling=filling, deviation=20, magic=7
        ),
    )
    assert bought["retcode"] == 10009, bought
    assert bought["request"]["magic"] == 7  # a struct within a struct
    placed = found.call(
        "order_send",
        trade_request(action=5, symbol="EURUSD", volume=0.2, type=2, price=round(tick.bid - 0.01, 5), type_filling=2),
    )
    assert placed["retcode"] in (10008, 10009), placed
    yield found
    assert found.stop(10)


def test_positions_and_orders_are_typed_and_in_utc(session: Session) -> None:
    (position,) = session.positions()
    assert (position.symbol, position.type, position.volume, position.magic) == ("EURUSD", BUY, 0.1, 7)
    assert position.time is not None
    assert abs(position.time - NOW) < timedelta(seconds=5)
    assert session.positions(symbol="EURUSD") == (position,) == session.positions(ticket=position.ticket)
    assert session.positions(symbol="GBPUSD") == ()
    (order,) = session.orders()
    assert (order.volume_initial, order.time_done, order.time_expiration) == (0.2, None, None)
    assert session.orders(symbol="GBPUSD") == ()


def test_the_history_has_the_deal(session: Session) -> None:
    since, until = NOW - timedelta(minutes=5), NOW + timedelta(minutes=5)
    (position,) = session.positions()
    deals = [deal for deal in session.history_deals(since, until) if deal.symbol == "EURUSD"]
    assert [(deal.position_id, deal.volume, deal.entry) for deal in deals] == [(position.identifier, 0.1, 0)]
    assert deals[0].time == position.time
    assert [order.ticket for order in session.history_orders(since, until)] == [deals[0].order]
    assert session.history_deals(NOW - timedelta(days=9), NOW - timedelta(days=8)) == ()
    assert session.history_orders(since, until, group="*GBP*") == ()


def test_margin_profit_and_checks(session: Session) -> None:
    price = session.tick("EURUSD").ask
    assert session.calc_margin(BUY, "EURUSD", 1, price) == pytest.approx(price * 100_000 / 100, rel=0.01)
    assert session.calc_profit(SELL, "EURUSD", 1, 1.2, 1.1) == pytest.approx(10_000)
    fields = {"action": 1, "symbol": "EURUSD", "type": BUY, "price": price, "type_filling": 0}
    passed = session.check_order(**fields, volume=0.1)
    assert (passed.passed, passed.retcode) == (True, 0)
    refused = session.check_order(**fields, volume=0.001)
    assert not refused.passed
    assert refused.explanation.name == "INVALID_VOLUME"
    with pytest.raises(TerminalCallError, match="volume"):
        session.check_order(**fields, volume="much")


def test_ticks_are_in_utc_and_read_only(session: Session) -> None:
    ticks = session.ticks_range("EURUSD", NOW - timedelta(minutes=3), NOW)
    assert ticks.dtype == TICKS_DTYPE
    assert len(ticks)
    assert NOW.timestamp() - 180 <= ticks["time"][0] <= ticks["time"][-1] <= NOW.timestamp()
    assert (ticks["time_msc"] // 1000 == ticks["time"]).all()
    assert not ticks.flags.writeable
    first = session.ticks_from("EURUSD", NOW - timedelta(minutes=3), 5, Mt5.COPY_TICKS_ALL)
    assert first.tobytes() == ticks[:5].tobytes()
    with pytest.raises(UnknownSymbol):
        session.ticks_range("NOSUCH", NOW - timedelta(minutes=3), NOW)


def test_the_book_is_asked_for_and_given_back(session: Session) -> None:
    book = session.book("EURUSD")
    assert all(level.price > 0 and level.volume > 0 for level in book)
    assert {level.type for level in book} <= {1, 2, 3, 4}
    with pytest.raises(UserAction):
        session.book("NOSUCH")
