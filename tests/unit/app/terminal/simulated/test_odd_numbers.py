"""Numbers that no price and no time can have: a refusal of the module's own kind, never an exception."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from app.clock import FakeClock
from app.terminal.simulated import SimulatedTerminal

ODD = [1e308, -1e308, math.inf, -math.inf, math.nan]
BUY, BUY_LIMIT, BUY_STOP_LIMIT = 0, 2, 6
FIRST, LAST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
ENDS = [FIRST, LAST, FIRST.replace(tzinfo=None), LAST.replace(tzinfo=None)]


@pytest.fixture
def terminal() -> SimulatedTerminal:
    made = SimulatedTerminal(FakeClock(datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)))
    assert made.initialize()
    return made


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("key", ["price", "stoplimit", "sl", "tp", "volume"])
@pytest.mark.parametrize(("action", "kind"), [(5, BUY_LIMIT), (5, BUY_STOP_LIMIT), (1, BUY)])
def test_a_request_with_an_odd_number_is_refused(
    terminal: SimulatedTerminal, action: int, kind: int, key: str, odd: float
) -> None:
    request: dict[str, Any] = {
        "action": action, "symbol": "EURUSD", "volume": 0.1, "type": kind, "price": 1.3, "stoplimit": 1.2,
        "type_filling": 1, key: odd,
    }  # fmt: skip
    for ask in (terminal.order_check, terminal.order_send):
        answer = ask(request)
        assert answer is not None
        assert terminal.last_error() == (1, "Success")
        if action == 5 or key in ("sl", "tp", "volume"):
            assert answer.retcode in (10013, 10014, 10015, 10016), answer


@pytest.mark.parametrize("odd", ODD)
def test_arithmetic_with_an_odd_number_gives_none_or_a_number(terminal: SimulatedTerminal, odd: float) -> None:
    for answer in (
        terminal.order_calc_margin(BUY, "EURUSD", odd, 1.2),
        terminal.order_calc_margin(BUY, "EURUSD", 0.1, odd),
        terminal.order_calc_profit(BUY, "EURUSD", odd, 1.2, 1.3),
        terminal.order_calc_profit(BUY, "EURUSD", 0.1, 1.2, odd),
    ):
        assert answer is None
        assert terminal.last_error()[0] == -2


@pytest.mark.parametrize("odd", ODD)
def test_dates_that_are_no_times_are_refused(terminal: SimulatedTerminal, odd: float) -> None:
    now = datetime(2025, 11, 19, 12, tzinfo=UTC)
    assert terminal.symbol_select("EURUSD", True)
    for answer in (
        terminal.copy_rates_from("EURUSD", 1, odd, 10),
        terminal.copy_rates_range("EURUSD", 1, odd, now),
        terminal.copy_rates_range("EURUSD", 1, now, odd),
        terminal.copy_ticks_from("EURUSD", odd, 10, -1),
        terminal.copy_ticks_range("EURUSD", odd, now, -1),
        terminal.history_deals_get(odd, now),
        terminal.history_orders_total(now, odd),
    ):
        assert answer is None
        assert terminal.last_error() == (-2, "Invalid arguments")


@pytest.mark.parametrize("odd", ENDS)
def test_datetimes_at_the_ends_of_the_calendar_do_no_harm(terminal: SimulatedTerminal, odd: datetime) -> None:
    now = datetime(2025, 11, 19, 12, tzinfo=UTC)
    for answer in (
        terminal.copy_rates_range("EURUSD", 16385, odd, now),
        terminal.copy_rates_from("EURUSD", 49153, odd, 10),
        terminal.history_deals_get(odd, now),
    ):
        assert (answer is None) == (terminal.last_error()[0] < 0)


def test_a_symbol_with_something_open_stays_in_the_market_watch(terminal: SimulatedTerminal) -> None:
    bought = terminal.order_send({"action": 1, "symbol": "EURUSD", "volume": 0.1, "type": BUY, "type_filling": 1})
    assert bought is not None
    assert bought.retcode == 10009
    assert terminal.symbol_select("EURUSD", False) is False
    assert terminal.last_error()[0] == -1
    assert terminal.symbol_select("EURUSD", True) is True
    pending = {"action": 5, "symbol": "GBPUSD", "volume": 0.1, "type": BUY_LIMIT, "price": 1.0, "type_filling": 2}
    placed = terminal.order_send(pending)
    assert placed is not None
    assert placed.retcode == 10008
    assert terminal.symbol_select("GBPUSD", False) is False
    assert terminal.order_send({"action": 8, "order": placed.order}).retcode == 10009
    assert terminal.symbol_select("GBPUSD", False) is True
