"""The account and its currency, as the rest of the module shows it."""

from __future__ import annotations

from datetime import UTC, datetime

from app.clock import FakeClock
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.trading import AccountSettings

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)


def test_an_account_in_euros_is_reckoned_in_euros() -> None:
    chosen = AccountSettings(currency="EUR", balance=2_500.0, leverage=30, netting=True)
    terminal = SimulatedTerminal(FakeClock(NOW), account=chosen)
    terminal.initialize()
    account, info, tick = terminal.account_info(), terminal.symbol_info("EURUSD"), terminal.symbol_info_tick("EURUSD")
    assert account is not None
    assert info is not None
    assert tick is not None
    assert (account.currency, account.balance, account.leverage) == ("EUR", 2_500.0, 30)
    assert account.margin_mode == terminal.ACCOUNT_MARGIN_MODE_RETAIL_NETTING
    assert info.trade_tick_value == 1 / tick.bid
    assert terminal.order_calc_margin(0, "EURUSD", 0.3, 1.2) == 1000.0
