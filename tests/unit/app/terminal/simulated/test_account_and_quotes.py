"""The account lives at the quotes that the terminal shows: through the hour that comes twice, and under faults."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.clock import FakeClock
from app.terminal.simulated import SimulatedTerminal

BUY, SELL_LIMIT = 0, 3
#: On 2 November 2025 at 06:00 UTC the server's clock goes from GMT+3 to GMT+2: 08:00 to 09:00 comes twice.
TURN = datetime(2025, 11, 2, 6, tzinfo=UTC)


def opened(moment: datetime) -> tuple[SimulatedTerminal, FakeClock]:
    clock = FakeClock(moment)
    terminal = SimulatedTerminal(clock)
    assert terminal.initialize()
    for symbol in ("BTCUSD", "EURUSD"):
        assert terminal.symbol_select(symbol, True)
    return terminal, clock


def bid_ask(terminal: SimulatedTerminal, symbol: str) -> tuple[float, float]:
    tick = terminal.symbol_info_tick(symbol)
    assert tick is not None
    return tick.bid, tick.ask


def send(terminal: SimulatedTerminal, **request: Any) -> Any:
    answer = terminal.order_send({"action": 1, "type_filling": 1, **request})
    assert answer is not None
    return answer


def test_stops_are_executed_in_the_hour_that_comes_twice() -> None:
    terminal, clock = opened(TURN - timedelta(minutes=10))
    bought = send(terminal, symbol="BTCUSD", volume=0.1, type=BUY)
    assert bought.retcode == 10009
    clock.advance(599)
    lows = terminal.copy_rates_from_pos("BTCUSD", 1, 0, 60)
    assert lows is not None
    clock.advance(2)
    before = bid_ask(terminal, "BTCUSD")[0]
    lowest = float(lows["low"][:50].min())  # of the hour that comes again
    stop = round((lowest + before) / 2, 2)
    changed = send(terminal, action=6, position=bought.order, symbol="BTCUSD", sl=stop, tp=0.0)
    assert changed.retcode == 10009, changed
    clock.advance(50 * 60)
    assert terminal.positions_total() == 0, "the quoted price was below the stop"
    deal = terminal.history_deals_get(position=bought.order)
    assert deal is not None
    assert deal[-1].price <= stop
    assert deal[-1].reason == terminal.DEAL_REASON_SL


def test_a_pending_order_is_executed_in_the_hour_that_comes_twice() -> None:
    terminal, clock = opened(TURN + timedelta(minutes=-1))
    clock.advance(120)
    bid, _ask = bid_ask(terminal, "BTCUSD")
    placed = send(
        terminal, action=5, symbol="BTCUSD", volume=0.1, type=SELL_LIMIT, price=round(bid + 0.01, 2), type_filling=2
    )
    assert placed.retcode == 10008, placed
    clock.advance(58 * 60)
    highest = terminal.copy_rates_from_pos("BTCUSD", 1, 0, 58)
    assert highest is not None
    assert float(highest["high"].max()) > bid + 0.01
    assert terminal.positions_total() == 1


def test_the_account_moves_with_the_quotes_of_the_hour_that_comes_twice() -> None:
    terminal, clock = opened(TURN - timedelta(minutes=30))
    send(terminal, symbol="BTCUSD", volume=0.1, type=BUY)
    for _ in range(6):
        clock.advance(15 * 60)
        positions = terminal.positions_get()
        assert positions is not None
        assert positions[0].price_current == bid_ask(terminal, "BTCUSD")[0]


def test_a_night_is_charged_once_although_its_midnight_comes_twice() -> None:
    terminal, clock = opened(datetime(2025, 11, 19, 21, 30, tzinfo=UTC))
    send(terminal, symbol="EURUSD", volume=0.1, type=BUY)

    def swap() -> float:
        positions = terminal.positions_get()
        assert positions is not None
        return float(positions[0].swap)

    clock.advance(3600)  # over the server's midnight at 22:00 UTC
    charged = swap()
    assert charged < 0
    terminal.faults.stale_s = 7200.0
    assert swap() == charged
    clock.advance(7200)
    assert swap() == charged
    terminal.faults.clear()
    assert swap() == charged


@pytest.mark.parametrize("fault", [{"offline": True}, {"stale_s": 600.0}])
def test_under_faults_the_account_sees_the_quotes_that_are_shown(fault: dict[str, Any]) -> None:
    terminal, clock = opened(datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC))
    send(terminal, symbol="EURUSD", volume=0.1, type=BUY)
    terminal.faults.set(fault)
    for _ in range(4):
        positions, bid = terminal.positions_get(), bid_ask(terminal, "EURUSD")[0]
        info = terminal.account_info()
        assert positions is not None
        assert info is not None
        assert positions[0].price_current == bid
        assert info.profit == positions[0].profit
        clock.advance(120)
    terminal.faults.clear()
    positions = terminal.positions_get()
    assert positions is not None
    assert positions[0].price_current == bid_ask(terminal, "EURUSD")[0]


def test_with_stale_quotes_a_deal_is_made_at_the_quoted_price() -> None:
    terminal, _clock = opened(datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC))
    fresh = bid_ask(terminal, "EURUSD")[1]
    terminal.faults.stale_s = 600.0
    ask = bid_ask(terminal, "EURUSD")[1]
    assert ask != fresh
    assert send(terminal, symbol="EURUSD", volume=0.1, type=BUY).price == ask
