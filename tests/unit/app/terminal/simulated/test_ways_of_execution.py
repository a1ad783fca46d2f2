"""Every way in which an order can be filled occurs on the simulated terminal, by its symbols and its settings."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from app.clock import FakeClock
from app.settings import TerminalSettings
from app.terminal.setup import build_session
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.symbols import CATALOGUE
from app.terminal.simulated.trading import AccountSettings

NOW = datetime(2025, 11, 19, 15, 0, 30, tzinfo=UTC)
FOK, IOC, RETURN, BOC = range(4)
BUY, BUY_LIMIT = 0, 2


def opened(**account: Any) -> tuple[SimulatedTerminal, FakeClock]:
    clock = FakeClock(NOW)
    terminal = SimulatedTerminal(clock, account=AccountSettings(**account))
    assert terminal.initialize()
    return terminal, clock


def tick(terminal: SimulatedTerminal, symbol: str) -> Any:
    assert terminal.symbol_select(symbol, True)
    return terminal.symbol_info_tick(symbol)


def send(terminal: SimulatedTerminal, symbol: str, filling: int, **more: Any) -> Any:
    request = {"action": 1, "symbol": symbol, "volume": 1.0, "type": BUY, "type_filling": filling, **more}
    answer = terminal.order_send(request)
    assert answer is not None, terminal.last_error()
    return answer


def test_all_kinds_of_execution_are_offered() -> None:
    assert {spec.execution for spec in CATALOGUE} == {0, 1, 2, 3}
    assert {bit for spec in CATALOGUE for bit in (1, 2, 4) if spec.filling_mode & bit} == {1, 2, 4}


@pytest.mark.parametrize(
    ("symbol", "allowed"), [("EURUSD", {FOK, IOC}), ("EURCHF", {FOK, RETURN}), ("FUT500", {FOK, IOC, RETURN})]
)
def test_each_symbol_takes_its_filling_modes_alone(symbol: str, allowed: set[int]) -> None:
    terminal, _ = opened(balance=1e6)
    ask = tick(terminal, symbol).ask
    for filling in (FOK, IOC, RETURN, BOC):
        code = send(terminal, symbol, filling, price=ask).retcode
        assert code == (10009 if filling in allowed else 10030), filling


def test_a_dealer_requotes_when_the_price_moved_by_more_than_the_deviation() -> None:
    terminal, clock = opened(balance=1e6)
    ask = tick(terminal, "EURCHF").ask
    while tick(terminal, "EURCHF").ask == ask:
        clock.advance(5)
    now = tick(terminal, "EURCHF")
    refused = send(terminal, "EURCHF", FOK, price=ask, deviation=0)
    assert (refused.retcode, refused.ask) == (10004, now.ask)
    assert send(terminal, "EURCHF", FOK, price=ask, deviation=500).retcode == 10009


def test_book_or_cancel_places_a_limit_order_on_the_exchange() -> None:
    terminal, _ = opened(balance=1e6)
    price = round(tick(terminal, "FUT500").bid - 20, 2)
    placed = send(terminal, "FUT500", BOC, action=5, type=BUY_LIMIT, price=price)
    assert placed.retcode == 10008


def test_a_thin_market_fills_in_part() -> None:
    terminal, _ = opened(balance=1e6, liquidity=0.4)
    part = send(terminal, "EURUSD", IOC)
    assert (part.retcode, part.volume) == (10010, 0.4)
    assert send(terminal, "EURUSD", FOK).retcode == 10006
    terminal, clock = opened(balance=1e6, liquidity=2.0)
    first = send(terminal, "FUT500", RETURN, volume=5.0)
    assert (first.retcode, first.volume) == (10010, 2.0)
    clock.advance(120)
    positions = terminal.positions_get()
    assert positions is not None
    assert sum(item.volume for item in positions) == 5.0


def test_the_settings_reach_the_account() -> None:
    account = {
        "credit": 250.0, "commission": 7.0, "margin_call": 80.0, "stop_out": 20.0, "limit_orders": 1, "liquidity": 0.5,
    }  # fmt: skip
    settings = TerminalSettings(simulated={"account": account})
    session = build_session(settings, FakeClock(NOW))
    session.start()
    try:
        session.ensure_connected()
        terminal: Any = session._connection.host._module  # type: ignore[attr-defined]
        info = terminal.account_info()
        assert (info.credit, info.margin_so_call, info.margin_so_so, info.limit_orders) == (250.0, 80.0, 20.0, 1)
        done = send(terminal, "EURUSD", IOC)
        assert (done.retcode, done.volume) == (10010, 0.5)
        assert terminal.history_deals_get(ticket=done.order)[0].commission == -3.5
    finally:
        session.stop()


def test_the_usual_account_is_that_of_the_settings() -> None:
    usual, chosen = AccountSettings(), TerminalSettings().simulated.account
    assert {name: getattr(usual, name) for name in type(chosen).model_fields} == chosen.model_dump()
