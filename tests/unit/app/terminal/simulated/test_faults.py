"""Trouble on demand, as the module shows it."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import pytest

from app.clock import FakeClock
from app.settings_model import SimulatedFaultSettings
from app.terminal.fault_options import switches
from app.terminal.simulated import Faults, SimulatedTerminal

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)
BUY = {"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": 0, "price": 1.2266, "type_filling": 1}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def terminal(clock: FakeClock) -> SimulatedTerminal:
    made = SimulatedTerminal(clock)
    assert made.initialize()
    return made


def test_the_settings_are_the_switches() -> None:
    usual = Faults()
    values = switches(SimulatedFaultSettings())
    assert values == {name: getattr(usual, name) for name in values}
    unset = {name for name in dir(usual) if not name.startswith("_") and not callable(getattr(usual, name))}
    assert values.keys() == unset
    chosen = SimulatedFaultSettings(missing=("EURUSD",), account_kind="real", hang_s=3.0, error_code=-10005)
    usual.set(switches(chosen))
    assert (usual.missing, usual.trade_mode, usual.hang_s, usual.error_code) == ({"EURUSD"}, 2, 3.0, -10005)


def test_a_switch_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AttributeError):
        Faults().set({"hangs": 1})


@pytest.mark.parametrize("code", [1, -9, -9999, -10006])
def test_settings_take_known_error_codes_only(code: int) -> None:
    with pytest.raises(ValueError, match=r"last_error"):
        SimulatedFaultSettings(error_code=code)


def test_not_running(terminal: SimulatedTerminal) -> None:
    terminal.faults.not_running = True
    assert terminal.symbol_info("EURUSD") is None
    assert terminal.last_error() == (-10004, "No IPC connection")
    assert not terminal.initialize()
    assert terminal.last_error()[0] == -10003
    terminal.faults.not_running = False
    assert terminal.symbol_info("EURUSD") is None, "a restarted terminal has to be connected to"
    assert terminal.initialize()
    assert terminal.symbol_info("EURUSD") is not None


def test_offline_prices_stand_still_and_come_back(terminal: SimulatedTerminal, clock: FakeClock) -> None:
    before = terminal.symbol_info_tick("EURUSD")
    terminal.faults.offline = True
    info = terminal.terminal_info()
    assert info is not None
    assert info.connected is False
    assert terminal.symbol_info_tick("EURUSD") == before
    clock.advance(600)
    assert terminal.symbol_info_tick("EURUSD") == before
    result = terminal.order_send(BUY)
    assert result is not None
    assert result.retcode == terminal.TRADE_RETCODE_CONNECTION
    assert terminal.positions_total() == 0
    terminal.faults.offline = False
    after = terminal.symbol_info_tick("EURUSD")
    assert before is not None
    assert after is not None
    assert after.time_msc - before.time_msc > 590_000


def test_stale_prices(terminal: SimulatedTerminal) -> None:
    terminal.faults.stale_s = 3600
    tick = terminal.symbol_info_tick("EURUSD")
    rates = terminal.copy_rates_from_pos("EURUSD", 1, 0, 1)
    assert tick is not None
    assert rates is not None
    assert 3600 <= NOW.timestamp() + 7200 - tick.time < 3610
    assert rates["time"][0] == tick.time // 60 * 60


def test_zero_prices(terminal: SimulatedTerminal) -> None:
    terminal.market_book_add("EURUSD")
    terminal.faults.zero_prices = True
    tick, info = terminal.symbol_info_tick("EURUSD"), terminal.symbol_info("EURUSD")
    assert tick is not None
    assert info is not None
    assert (tick.bid, tick.ask, info.bid, info.ask, info.time) == (0.0, 0.0, 0.0, 0.0, 0)
    assert info.digits == 5
    assert terminal.market_book_get("EURUSD") == ()


def test_missing_symbols(terminal: SimulatedTerminal) -> None:
    total = terminal.symbols_total()
    terminal.faults.missing = frozenset({"EURUSD"})
    assert terminal.symbol_info("EURUSD") is None
    assert terminal.last_error()[0] == -4
    assert terminal.copy_rates_from_pos("EURUSD", 1, 0, 1) is None
    assert total is not None
    assert terminal.symbols_total() == total - 1
    assert terminal.symbols_get("EURUSD") == ()


@pytest.mark.parametrize("code", [-1, -2, -3, -4, -5, -6, -7, -8, -10000, -10001, -10002, -10004, -10005])
def test_any_error_code(terminal: SimulatedTerminal, code: int) -> None:
    terminal.faults.error_code = code
    for answer in (terminal.symbol_info("EURUSD"), terminal.account_info(), terminal.positions_get()):
        assert answer is None
        assert terminal.last_error()[0] == code
        assert terminal.last_error()[1]


def test_history_comes_late(terminal: SimulatedTerminal) -> None:
    terminal.faults.late_history = True
    assert terminal.copy_rates_from_pos("EURUSD", 1, 0, 100) is None
    assert terminal.last_error()[0] == -1
    lengths = [len(terminal.copy_rates_from_pos("EURUSD", 1, 0, 100)) for _ in range(3)]  # type: ignore[arg-type]
    assert lengths == [10, 100, 100]
    assert terminal.copy_rates_from_pos("EURUSD", 5, 0, 100) is None, "each timeframe loads by itself"


def test_a_wrong_account(terminal: SimulatedTerminal) -> None:
    terminal.faults.login, terminal.faults.trade_mode = 42, terminal.ACCOUNT_TRADE_MODE_REAL
    account = terminal.account_info()
    assert account is not None
    assert (account.login, account.trade_mode) == (42, 2)


def test_trading_switched_off(terminal: SimulatedTerminal) -> None:
    terminal.faults.auto_trading_off = True
    info, result = terminal.terminal_info(), terminal.order_send(BUY)
    assert info is not None
    assert result is not None
    assert (info.trade_allowed, result.retcode) == (False, terminal.TRADE_RETCODE_CLIENT_DISABLES_AT)
    assert terminal.last_error() == (1, "Success")
    terminal.faults.api_trading_off = True
    info = terminal.terminal_info()
    assert info is not None
    assert info.tradeapi_disabled is True
    assert terminal.order_send(BUY) is None
    assert terminal.last_error() == (-8, "Auto-Trading using Python API disabled in Terminal")


def test_a_hang_ends_when_it_is_switched_off(terminal: SimulatedTerminal) -> None:
    for end in (terminal.faults.release, lambda: terminal.faults.set({"hang_s": 0.0}), terminal.faults.clear):
        terminal.faults.hang_s = 60.0
        answers: list[Any] = []
        thread = threading.Thread(target=lambda into=answers: into.append(terminal.symbols_total()))
        thread.start()
        end()
        thread.join(10)
        assert answers == [terminal.symbols_total()]


def test_a_slow_call_takes_its_time(terminal: SimulatedTerminal, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(terminal.faults._waiting, "wait", waits.append)
    terminal.faults.slow_s = 0.5
    terminal.symbol_info("EURUSD")
    terminal.faults.hang_s = 2.0
    terminal.symbol_info("EURUSD")
    assert waits == [0.5, 2.5]
    terminal.faults.clear()
    terminal.symbol_info("EURUSD")
    assert waits == [0.5, 2.5]
