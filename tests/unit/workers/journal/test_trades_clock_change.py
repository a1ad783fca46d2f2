"""Deals through the nights of clock changes, made on the simulated terminal and recorded from it."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hand_terminal import Bench

from app.errors import NothingToDo
from app.storage import Storage
from app.terminal.constants import ModuleConstants as Mt5
from app.terminal.host import InProcessHost
from app.terminal.server_time import NEW_YORK
from app.terminal.session import Session, SessionOptions
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.trading import AccountSettings
from app.terminal.trade_request import trade_request
from workers.data_tasks import TradesParams, TradesResult, record_trades

#: Set back from 9:00 to 8:00 on the server's clock, and set on from 9:00 to 10:00.
AUTUMN = datetime(2025, 11, 2, 6, tzinfo=UTC)
SPRING = datetime(2025, 3, 9, 7, tzinfo=UTC)


@dataclass
class Night:
    """One account on the simulated terminal, and Metronome with its files, which may be started anew."""

    bench: Bench
    module: SimulatedTerminal
    turn: datetime
    made: dict[str, datetime] = field(default_factory=dict)
    session: Session | None = None

    def go(self, minutes: float) -> None:
        """Go on to so many minutes after the clock is changed."""
        self.bench.clock.advance((self.turn + timedelta(minutes=minutes) - self.bench.clock.now()).total_seconds())

    def start(self) -> None:
        """Start Metronome: a session and a storage of its own; terminal and account are as they were."""
        self.stop()
        self.bench.storage = Storage(self.bench.paths, self.bench.clock)
        host = InProcessHost(lambda: self.module, simulated=True)
        self.session = self.bench.terminal = Session(host, SessionOptions(server_time=NEW_YORK), self.bench.clock)
        self.session.start()
        self.session.ensure_connected(30.0)

    def stop(self) -> None:
        if self.session is not None:
            self.session.stop()

    def trade(self, side: int = Mt5.ORDER_TYPE_BUY) -> str:
        """Trade now; the ticket of the deal."""
        request = trade_request(action=Mt5.TRADE_ACTION_DEAL, symbol="BTCUSD", volume=0.1, type=side, type_filling=1)
        sent: Any = self.module.order_send(request)
        assert sent is not None, self.module.last_error()
        assert sent.retcode == Mt5.TRADE_RETCODE_DONE, sent
        self.made[str(sent.deal)] = self.bench.clock.now()
        return str(sent.deal)

    def trade_at(self, *minutes: float) -> None:
        for each in minutes:
            self.go(each)
            self.trade()

    def record(self) -> tuple[TradesResult, Any]:
        ctx = self.bench.context("record_trades")
        return record_trades(ctx, TradesParams()), ctx

    def rows(self, login: str | None = None) -> list[dict[str, str]]:
        """All rows of all days of the deals made here."""
        found: list[dict[str, str]] = []
        for path in sorted(self.bench.paths.logs.glob("trades_*.csv")):
            with path.open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            assert {row["time_utc"][:10].replace("-", "") for row in rows} == {path.stem[7:]}
            found += [row for row in rows if row["ticket"] in self.made and login in (None, row["login"])]
        return found

    def times(self, login: str | None = None) -> dict[str, datetime]:
        """When each deal was made as its row says, to the second; each has one row."""
        rows = self.rows(login)
        found = {row["ticket"]: datetime.fromisoformat(row["time_utc"]).replace(microsecond=0) for row in rows}
        assert len(found) == len(rows)
        return found


@pytest.fixture
def night(bench: Bench, request: pytest.FixtureRequest) -> Iterator[Night]:
    turn = getattr(request, "param", AUTUMN)
    bench.clock.jump((turn - timedelta(hours=4) - bench.clock.now()).total_seconds())
    account = AccountSettings(demo_history=False, balance=10_000_000.0)
    module = SimulatedTerminal(bench.clock, server_time=NEW_YORK, account=account)
    assert module.initialize()
    assert module.symbol_select("BTCUSD", True)
    found = Night(bench, module, turn)
    found.start()
    yield found
    found.stop()


def test_the_server_stamps_both_hours_with_its_own_clock(night: Night) -> None:
    night.trade_at(-20, 40)
    stamps = [deal.time for deal in night.module.history_deals_get(0.0, 4e9) if str(deal.ticket) in night.made]
    assert stamps[0] == stamps[1]


def test_deals_of_both_hours_are_told_apart_by_their_tickets(night: Night) -> None:
    night.trade_at(-90, -59, -50, -20, -1, 1, 5, 30, 59, 61, 120)
    night.go(600)
    result, ctx = night.record()
    assert night.times() == night.made
    assert (result.undecided, ctx.warnings) == (0, [])
    with pytest.raises(NothingToDo):
        night.record()
    night.bench.clock.advance(5 * 86400)
    with pytest.raises(NothingToDo):
        night.record()
    assert night.times() == night.made


@pytest.mark.parametrize("restart", [False, True])
@pytest.mark.parametrize("lost", [False, True])
def test_hourly_runs_tell_what_the_tickets_do_not(night: Night, restart: bool, lost: bool) -> None:
    """The second hour brings no step back: only what was there at the run between the two tells."""
    for trades, run in (((-55, -50), -45), ((), -1), ((20, 40), 55), ((70,), 115)):
        night.trade_at(*trades)
        night.go(run)
        if restart:
            night.start()
        if lost and run == 115:
            (night.bench.paths.data / "trades_recorded.json").unlink()
        if trades:
            result, ctx = night.record()
            assert (result.deals - (run == -45), result.undecided, ctx.warnings) == (len(trades), 0, [])
        else:
            with pytest.raises(NothingToDo):
                night.record()
    assert night.times() == night.made


def test_a_deal_read_in_the_first_hour_is_of_it(night: Night) -> None:
    night.trade_at(-20)
    night.go(-19)
    assert night.record()[0].undecided == 0
    assert night.times() == night.made


@pytest.mark.allow_warnings("shows twice")
def test_what_nothing_decides_is_told_and_written_once(night: Night) -> None:
    night.trade_at(-20)
    night.go(300)
    result, ctx = night.record()
    (ticket,) = night.made
    (warning,) = ctx.warnings
    assert f"deal {ticket} " in warning
    assert "2025-11-02 05:40" in warning
    assert "06:40" in warning
    assert result.undecided == 1
    assert "1 in an hour that the server's clock shows twice" in result.summary()
    state = json.loads((night.bench.paths.data / "trades_recorded.json").read_text(encoding="utf-8"))
    (account,) = state["undecided"].values()
    assert account == {str(result.login): {ticket: ["2025-11-02T05:40:00.000Z", "2025-11-02T06:40:00.000Z"]}}
    assert night.times() == night.made
    night.start()
    night.trade_at(301)
    assert night.record()[0].deals == 1
    assert night.times() == night.made
    assert ticket in (night.bench.paths.data / "trades_recorded.json").read_text(encoding="utf-8")


def test_orders_tell_what_the_deals_do_not(night: Night) -> None:
    """A pending order of the hour before, deleted since, and one placed after the deal but stamped before it."""
    night.trade_at(-10)
    night.go(10)
    bid: Any = night.module.symbol_info_tick("BTCUSD")
    placed: Any = night.module.order_send(
        trade_request(action=Mt5.TRADE_ACTION_PENDING, symbol="BTCUSD", volume=0.1, type=2, price=round(bid.bid / 2))
    )
    assert placed.retcode == Mt5.TRADE_RETCODE_PLACED, placed
    night.go(300)
    result, ctx = night.record()
    assert (result.undecided, ctx.warnings) == (0, [])
    assert night.times() == night.made


@pytest.mark.allow_warnings("shows twice")
def test_each_account_is_judged_by_its_own_runs(night: Night) -> None:
    night.go(-5)
    night.record()
    night.module.faults.login = 8
    night.session.look() if night.session else None
    night.trade_at(20)
    night.go(70)
    # This account was never looked at: nothing tells which of the two hours it was.
    assert night.record()[0].undecided == 1
    assert night.times("8") == {ticket: made - timedelta(hours=1) for ticket, made in night.made.items()}
    night.module.faults.login = None
    night.go(75)
    # The other one was: the deal was not there at the end of the first hour.
    assert night.record()[0].undecided == 0
    assert night.times("5000001") == night.made
    night.go(80)
    with pytest.raises(NothingToDo):
        night.record()
    assert len(night.rows()) == 2


@pytest.mark.parametrize("restart", [False, True])
def test_a_deal_whose_row_was_deleted_keeps_its_time(night: Night, restart: bool) -> None:
    """It was there at the last look, whatever became of the file."""
    night.trade_at(-20)
    night.go(-15)
    night.record()
    for path in night.bench.paths.logs.glob("trades_*.csv"):
        path.unlink()
    night.go(45)
    if restart:
        night.start()
    result, ctx = night.record()
    assert (result.undecided, ctx.warnings) == (0, [])
    assert night.times() == night.made


def test_a_deal_of_the_second_hour_keeps_its_time_too(night: Night) -> None:
    night.go(-1)
    night.record()
    night.trade_at(20)
    night.go(45)
    night.record()
    for path in night.bench.paths.logs.glob("trades_*.csv"):
        path.unlink()
    night.go(300)
    assert night.record()[0].undecided == 0
    assert night.times() == night.made


@pytest.mark.allow_warnings("shows twice")
def test_a_look_of_which_only_the_time_is_known_tells_nothing(night: Night) -> None:
    """The state of an earlier version: what was there at the look it does not say."""
    night.trade_at(-58)
    night.go(-1)
    night.record()
    path = night.bench.paths.data / "trades_recorded.json"
    state = json.loads(path.read_text(encoding="utf-8"))
    del state["seen"]
    path.write_text(json.dumps(state), encoding="utf-8")
    for file in night.bench.paths.logs.glob("trades_*.csv"):
        file.unlink()
    night.go(300)
    assert night.record()[0].undecided == 1
    assert night.times() == night.made


@pytest.mark.allow_warnings("shows twice")
def test_a_deal_that_the_terminal_tells_late_is_undecided(night: Night, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made five minutes before a look that did not see it: it may as well have been made an hour later."""
    night.trade_at(-20)
    night.go(-15)
    asked = night.module.history_deals_get
    with monkeypatch.context() as patch:
        patch.setattr(
            night.module,
            "history_deals_get",
            lambda *args, **chosen: tuple(
                deal for deal in asked(*args, **chosen) if str(deal.ticket) not in night.made
            ),
        )
        night.record()
    night.go(45)
    result, ctx = night.record()
    assert (result.undecided, len(ctx.warnings)) == (1, 1)
    assert night.times() == night.made
    (ticket,) = night.made
    state = json.loads((night.bench.paths.data / "trades_recorded.json").read_text(encoding="utf-8"))
    both = ["2025-11-02T05:40:00.000Z", "2025-11-02T06:40:00.000Z"]
    assert state["undecided"][result.server][str(result.login)] == {ticket: both}
    for file in night.bench.paths.logs.glob("trades_*.csv"):
        file.unlink()
    night.go(70)
    assert night.record()[0].undecided == 1
    assert night.times() == night.made


@pytest.mark.parametrize("night", [SPRING], indirect=True)
def test_spring(night: Night) -> None:
    night.trade_at(-61, -30, -1, 0, 1, 30, 61)
    night.go(62)
    result, ctx = night.record()
    assert (result.undecided, ctx.warnings) == (0, [])
    assert night.times() == night.made
    night.start()
    with pytest.raises(NothingToDo):
        night.record()
