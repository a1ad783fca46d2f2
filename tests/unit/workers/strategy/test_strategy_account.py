"""The account as ideas see it: the server's day, what it began with, and what is not known."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hand_terminal import Bench

from app.errors import Blocked, Retryable
from app.settings import RiskSettings
from app.terminal.server_time import ServerTimeRule
from app.terminal.trades import Deal, Order, Position
from workers.strategy import account
from workers.strategy.account import AccountState, balance_at_start, day_start
from workers.strategy.exposure import OpenPosition, refusal

LIMITS = RiskSettings(max_concurrent_positions=5, max_positions_per_symbol=1, max_daily_loss=0.03)


def record(kind: Any, **values: Any) -> Any:
    return kind(**{name: 0 for name in kind.__match_args__} | {"symbol": "EURUSDm", "time": None} | values)


def order(**values: Any) -> Order:
    fields: dict[str, Any] = {name: 0 for name in Order.__match_args__}
    return Order(**fields | {"symbol": "EURUSDm"} | values)


def deal(at: datetime, profit: float, type: int = 0, **values: Any) -> Deal:
    found: Deal = record(Deal, profit=profit, type=type, time=at, **values)
    return found


def look(bench: Bench) -> AccountState:
    return account.look(bench.context(), {"EURUSDm": "EURUSD"})


def test_the_day_is_that_of_the_server() -> None:
    rule = ServerTimeRule("UTC+3")
    assert day_start(rule, datetime(2025, 6, 3, 12, 0, tzinfo=UTC)) == datetime(2025, 6, 2, 21, 0, tzinfo=UTC)
    assert day_start(rule, datetime(2025, 6, 3, 21, 0, tzinfo=UTC)) == datetime(2025, 6, 3, 21, 0, tzinfo=UTC)


def test_balance_at_start_by_hand() -> None:
    at = datetime(2025, 6, 3, 9, 0, tzinfo=UTC)
    deals = [
        deal(at, -250.0, commission=-3.5, swap=-1.0, fee=-0.5),
        deal(at, 55.0, type=1),
        deal(at, 1000.0, type=2),  # a deposit: no profit
        deal(at, -10.0, type=7),  # commission charged on its own
    ]
    # 10,790 now; the day's trades and costs brought -210
    assert balance_at_start(10_790.0, deals) == pytest.approx(11_000.0)


def test_loss_of_the_day_is_seen_from_the_deals(bench: Bench) -> None:
    bench.terminal.deals = (deal(bench.clock.now() - timedelta(hours=3), -310.0),)
    bench.terminal.balance = bench.terminal.equity = 9_690.0
    found = look(bench)
    assert found.exposure.day_start_equity == pytest.approx(10_000.0)
    assert "fallen by 3.10% today" in refusal("EURUSD", LIMITS, found.exposure)
    assert not (bench.paths.data / account.STATE_NAME).exists()  # at noon, nobody can see how the day began


def test_equity_seen_in_the_first_hour_counts_when_it_was_higher(bench: Bench) -> None:
    bench.clock.advance(9 * 3600 + 600)  # 00:10 of the next day by the server's clock, three hours ahead
    bench.terminal.equity = 10_400.0  # open profit
    assert look(bench).exposure.day_start_equity == 10_400.0
    bench.clock.advance(6 * 3600)
    bench.terminal.equity = 10_050.0
    later = look(bench).exposure
    assert later.day_start_equity == 10_400.0
    assert "fallen by 3.37% today" in refusal("EURUSD", LIMITS, later)
    # A deposit is no profit, and taking money out no loss.
    bench.terminal.deals = (deal(bench.clock.now() - timedelta(hours=1), 500.0, type=2),)
    bench.terminal.balance, bench.terminal.equity = 10_500.0, 10_900.0
    assert look(bench).exposure.day_start_equity == 10_900.0
    kept = json.loads((bench.paths.data / account.STATE_NAME).read_text(encoding="utf-8"))["accounts"]
    day = {"equity": 10_400.0, "balance": 10_000.0, "seen": "2025-06-03T21:10:00.000Z"}
    assert kept == {"Broker 7": {"2025-06-03T21:00:00.000Z": day}}


@pytest.mark.parametrize(("restart_s", "kept"), [(1200, True), (6 * 3600, False)])
def test_a_simulated_account_that_began_anew_has_lost_nothing(bench: Bench, restart_s: float, kept: bool) -> None:
    bench.terminal.simulated = True
    bench.clock.advance(9 * 3600 + 600)
    bench.terminal.deals = (deal(bench.clock.now() - timedelta(seconds=1), 10_000.0, type=2),)
    bench.terminal.equity = 10_400.0
    assert look(bench).exposure.day_start_equity == 10_400.0
    bench.clock.advance(restart_s)
    bench.terminal.deals = (deal(bench.clock.now(), 10_000.0, type=2),)
    bench.terminal.equity = 10_000.0
    assert look(bench).exposure.day_start_equity == 10_000.0
    document = json.loads((bench.paths.data / account.STATE_NAME).read_text(encoding="utf-8"))
    (day,) = document["accounts"]["Broker 7"].values()
    assert (day["equity"] == 10_000.0) is kept


def test_a_simulated_account_that_went_on_keeps_its_loss(bench: Bench) -> None:
    bench.terminal.simulated = True
    bench.clock.advance(9 * 3600 + 600)
    bench.terminal.equity = 10_400.0
    look(bench)
    bench.clock.advance(3600)
    at = bench.clock.now()
    bench.terminal.deals = (deal(at, -200.0, commission=-1.0), deal(at, 500.0, type=2), deal(at, 50.0, type=3))
    bench.terminal.balance, bench.terminal.equity = 10_299.0, 10_349.0
    assert look(bench).exposure.day_start_equity == 10_950.0


def test_a_real_account_whose_deals_do_not_add_up_is_taken_at_its_worst(bench: Bench) -> None:
    bench.clock.advance(9 * 3600 + 600)
    look(bench)
    bench.clock.advance(3600)
    bench.terminal.deals = (deal(bench.clock.now(), 10_000.0, type=2),)
    assert look(bench).exposure.day_start_equity == 20_000.0


@pytest.mark.parametrize(
    "days", ["x", {"2025-06-02T21:00:00.000Z": {"equity": "much"}}, {"2025-06-02T21:00:00.000Z": 4}]
)
def test_a_spoiled_memory_is_no_memory(bench: Bench, days: Any) -> None:
    bench.storage.write_json(bench.paths.data / account.STATE_NAME, {"accounts": {"Broker 7": days}})
    assert look(bench).exposure.day_start_equity == 10_000.0


def test_positions_and_orders_under_our_names(bench: Bench) -> None:
    bench.terminal.positions_open = (record(Position, type=1, volume=0.3, time_update=None),)
    bench.terminal.orders_pending = (
        order(type=2, volume_current=0.2),
        order(type=5, volume_current=0.4),
        order(type=8, volume_current=9.0),
    )
    found = look(bench)
    assert found.exposure.positions == [OpenPosition("EURUSD", -1, 0.3)]
    assert found.exposure.orders == [OpenPosition("EURUSD", 1, 0.2), OpenPosition("EURUSD", -1, 0.4)]
    assert found.exposure.volume("EURUSD", -1) == pytest.approx(0.7)
    assert refusal("EURUSD", LIMITS, found.exposure) == "Open or ordered: 3 positions of EURUSD; at most 1."
    assert AccountState.from_json(json.loads(json.dumps(found.as_json()))) == found


def test_what_cannot_be_learnt_stands_against_every_size(bench: Bench) -> None:
    bench.terminal.account_trouble = Retryable("The terminal did not answer.")
    found = look(bench)
    assert found.exposure.positions is None
    assert found.trouble == "The account is not known: The terminal did not answer."
    assert "not known" in refusal("EURUSD", LIMITS, found.exposure)


def test_a_terminal_that_went_away_ends_the_run(bench: Bench) -> None:
    bench.terminal.account_trouble = Blocked("The terminal is away.")
    with pytest.raises(Blocked):
        look(bench)
