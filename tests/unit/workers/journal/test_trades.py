"""Deals to the trade logs of their days, each once, on real files."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hand_terminal import Bench

from app.clock import FakeClock
from app.errors import Blocked, NothingToDo, Retryable
from app.settings import TerminalSettings
from app.terminal.deal_times import DealRecord, deal_records
from app.terminal.server_time import ServerTimeRule
from app.terminal.setup import build_session
from workers.data_tasks import TradesParams, TradesResult, record_trades
from workers.journal.trades import FIELDS, HEADER


@dataclass
class Server:
    """A server with a history of deals, stamped by its clock."""

    clock: FakeClock
    rule: ServerTimeRule = field(default_factory=lambda: ServerTimeRule("auto"))
    name: str = "Broker"
    login: int = 7
    deals: dict[tuple[str, int], list[dict[str, Any]]] = field(default_factory=dict)
    after: int | None = None
    connected: bool = True
    asked: list[datetime] = field(default_factory=list)

    def account(self) -> Any:
        if not self.connected:
            raise Blocked("The terminal is away.")
        return SimpleNamespace(server=self.name, login=self.login, currency="EUR")

    @property
    def server_rule(self) -> ServerTimeRule:
        return self.rule

    def deal_records(self, since: datetime, until: datetime, timeout_s: float) -> tuple[DealRecord, ...]:
        self.asked.append(since)
        if self.after is not None:
            found, self.login = self.deals[self.name, self.login], self.after
        else:
            found = self.deals.get((self.name, self.login), [])
        records = deal_records(found, self.rule, self.clock.now())
        return tuple(record for record in records if since <= record.time <= until)

    def deal(self, moment: datetime, ticket: int, **values: Any) -> None:
        """Add a deal of the present account, made at ``moment`` (UTC)."""
        stamp = round(self.rule.to_server(moment) * 1000)
        deal = dict.fromkeys(FIELDS, 0) | {"symbol": "EURUSD", "comment": "", "external_id": ""}
        deal |= {"ticket": ticket, "time": stamp // 1000, "time_msc": stamp, "volume": 0.1, "price": 1.08456}
        deal |= {"commission": -0.35, "swap": 0.0, "profit": 12.5, "fee": 0.0} | values
        self.deals.setdefault((self.name, self.login), []).append(deal)


@pytest.fixture
def server(bench: Bench) -> Server:
    bench.terminal = Server(bench.clock)
    return bench.terminal


def run(bench: Bench, **params: Any) -> tuple[TradesResult, Any]:
    ctx = bench.context("record_trades")
    return record_trades(ctx, TradesParams(**params)), ctx


def rows(bench: Bench, day: str) -> list[dict[str, str]]:
    with (bench.paths.logs / f"trades_{day}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc, arg-type]


def test_each_deal_is_a_row_of_its_day_in_utc(bench: Bench, server: Server) -> None:
    server.deal(at(2025, 6, 2, 21, 30), 11, type=1, entry=1, comment="take, profit", magic=3)  # 0:30 on the server
    server.deal(at(2025, 6, 3, 9, 0), 12, symbol="XAUUSD", profit=-2.5)
    server.deal(at(2025, 6, 3, 9, 1), 13, type=2, profit=1000.0, symbol="")
    result, ctx = run(bench)
    assert ctx.files == ["logs/trades_20250602.csv", "logs/trades_20250603.csv"]
    assert result.summary() == "3 deals of account 7 recorded, 2 trades on 2 symbols, net +9.30 EUR"
    (first,) = rows(bench, "20250602")
    assert tuple(first) == HEADER
    assert (first["time_utc"], first["server"], first["login"]) == ("2025-06-02T21:30:00.000Z", "Broker", "7")
    assert (first["ticket"], first["time"], first["comment"]) == ("11", "1748910600", "take, profit")
    assert [row["ticket"] for row in rows(bench, "20250603")] == ["12", "13"]
    assert server.asked == [bench.clock.now() - timedelta(days=90)]


def test_nothing_new_is_skipped_and_changes_no_file(bench: Bench, server: Server) -> None:
    with pytest.raises(NothingToDo, match="Account 7 on Broker has no new deals since 2025-03-05 12:00 UTC"):
        run(bench)
    server.deal(at(2025, 6, 3, 9, 0), 12)
    run(bench)
    before = (bench.paths.logs / "trades_20250603.csv").read_bytes()
    bench.clock.advance(3600)
    with pytest.raises(NothingToDo):
        run(bench)
    assert (bench.paths.logs / "trades_20250603.csv").read_bytes() == before
    assert server.asked[-1] == at(2025, 6, 1, 12, 0)


def test_a_deal_that_comes_late_is_recorded_too(bench: Bench, server: Server) -> None:
    server.deal(at(2025, 6, 3, 11, 0), 12)
    run(bench)
    server.deal(at(2025, 6, 3, 10, 0), 10)
    assert run(bench)[0].deals == 1
    assert [row["ticket"] for row in rows(bench, "20250603")] == ["12", "10"]


def test_a_lost_memory_writes_nothing_twice(bench: Bench, server: Server) -> None:
    server.deal(at(2025, 5, 20, 9, 0), 5)
    server.deal(at(2025, 6, 3, 9, 0), 12)
    run(bench)
    (bench.paths.data / "trades_recorded.json").unlink()
    with pytest.raises(NothingToDo):
        run(bench)
    # Archived files count too.
    bench.paths.archive.mkdir(exist_ok=True)
    (bench.paths.logs / "trades_20250520.csv").rename(bench.paths.archive / "trades_20250520.csv")
    (bench.paths.data / "trades_recorded.json").unlink()
    with pytest.raises(NothingToDo):
        run(bench)


@pytest.mark.allow_warnings("was torn by an interrupted write")
def test_a_kill_in_the_middle_of_a_row(bench: Bench, server: Server) -> None:
    for ticket in (1, 2, 3):
        server.deal(at(2025, 6, 3, 9, ticket), ticket)
    run(bench)
    path = bench.paths.logs / "trades_20250603.csv"
    path.write_bytes(path.read_bytes()[:-9])
    assert run(bench)[0].deals == 1
    assert [row["ticket"] for row in rows(bench, "20250603")] == ["1", "2", "3"]


def test_accounts_are_told_apart(bench: Bench, server: Server) -> None:
    server.deal(at(2025, 6, 3, 9, 0), 12)
    run(bench)
    server.login = 8
    server.deal(at(2025, 6, 3, 9, 0), 12)  # another account may have the same ticket
    server.deal(at(2025, 4, 1, 9, 0), 2)
    assert run(bench)[0].deals == 2
    server.name = "Another"
    server.deal(at(2025, 6, 3, 9, 0), 12)
    assert run(bench)[0].server == "Another"
    assert [(row["server"], row["login"]) for row in rows(bench, "20250603")] == [
        ("Broker", "7"),
        ("Broker", "8"),
        ("Another", "8"),
    ]
    state = json.loads((bench.paths.data / "trades_recorded.json").read_text(encoding="utf-8"))
    assert set(state["accounts"]) == {"Broker", "Another"}


def test_an_account_that_changes_meanwhile_is_asked_again(bench: Bench, server: Server) -> None:
    server.deal(at(2025, 6, 3, 9, 0), 12)
    server.after = 8
    with pytest.raises(Retryable, match="changed from account 7 to 8"):
        run(bench)
    assert not list(bench.paths.logs.glob("trades_*"))


@pytest.mark.parametrize("night", [at(2025, 11, 2, 5, 30), at(2025, 3, 9, 6, 30), at(2025, 10, 26, 0, 30)])
def test_the_nights_of_clock_changes(bench: Bench, server: Server, night: datetime) -> None:
    bench.clock.jump((night + timedelta(hours=12) - bench.clock.now()).total_seconds())
    for number in range(6):
        server.deal(night + timedelta(minutes=30 * number), number)
    assert run(bench)[0].deals == 6
    (path,) = bench.paths.logs.glob("trades_*.csv")
    with path.open(encoding="utf-8", newline="") as file:
        times = [datetime.fromisoformat(row["time_utc"]) for row in csv.DictReader(file)]
    assert times == [night + timedelta(minutes=30 * number) for number in range(6)]
    with pytest.raises(NothingToDo):
        run(bench)


#: From here on the server's clock shows the hour from 8:00 again.
TURN = at(2025, 11, 2, 6, 0)


def go(bench: Bench, minutes: int) -> None:
    bench.clock.jump((TURN + timedelta(minutes=minutes) - bench.clock.now()).total_seconds())


def minutes(bench: Bench) -> dict[str, int]:
    """Of each deal of that night, how many minutes after the turn it was made, as its row says."""
    found = [(row["ticket"], datetime.fromisoformat(row["time_utc"])) for row in rows(bench, "20251102")]
    assert len(dict(found)) == len(found)
    return {ticket: round((moment - TURN).total_seconds() / 60) for ticket, moment in found}


def test_rows_of_the_second_hour_tell_of_later_tickets(bench: Bench, server: Server) -> None:
    go(bench, 45)
    server.deal(TURN - timedelta(minutes=20), 1)
    server.deal(TURN + timedelta(minutes=5), 2)
    assert run(bench)[0].undecided == 0
    # Now only the rows know: the deal before it is out of the server's memory, and the state is lost.
    (bench.paths.data / "trades_recorded.json").unlink()
    del server.deals["Broker", 7][0]
    server.deal(TURN + timedelta(minutes=50), 3)
    go(bench, 120)
    assert run(bench)[0].undecided == 0
    assert minutes(bench) == {"1": -20, "2": 5, "3": 50}


@pytest.mark.allow_warnings("shows twice")
def test_rows_of_the_first_hour_prove_nothing(bench: Bench, server: Server) -> None:
    """Such a row may be of a deal of which nothing told; a look before it was written proves nothing either."""
    go(bench, 120)
    server.deal(TURN + timedelta(minutes=30), 2)
    assert run(bench)[0].undecided == 1
    server.deal(TURN + timedelta(minutes=10), 1)
    go(bench, 180)
    assert run(bench)[0].undecided == 1
    assert minutes(bench) == {"1": -50, "2": -30}
    state = json.loads((bench.paths.data / "trades_recorded.json").read_text(encoding="utf-8"))
    assert set(state["undecided"]["Broker"]["7"]) == {"1", "2"}


@pytest.mark.allow_warnings("shows twice", "So were 5 more")
def test_many_of_which_nothing_tells_are_told_in_few_lines(bench: Bench, server: Server) -> None:
    go(bench, 120)
    for number in range(15):
        server.deal(TURN + timedelta(minutes=10, seconds=number), number)
    result, ctx = run(bench)
    assert (result.undecided, len(ctx.warnings)) == (15, 11)
    assert ctx.warnings[-1] == "So were 5 more deals; data/trades_recorded.json lists them all."
    with pytest.raises(NothingToDo):
        run(bench)


@pytest.mark.allow_warnings("shows twice")
def test_a_row_that_a_kill_kept_from_being_written_keeps_its_doubt(
    bench: Bench, server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(bench, 120)
    server.deal(TURN + timedelta(minutes=30), 2)
    with monkeypatch.context() as patch:
        patch.setattr(bench.storage, "append_csv", _killed)
        with pytest.raises(KeyboardInterrupt):
            run(bench)
    assert run(bench)[0].undecided == 1
    with pytest.raises(NothingToDo):
        run(bench)


def _killed(*_: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    "damaged",
    [
        '{"schema": 1, "accounts": {"Broker": 5}, "undecided": []}',
        '{"schema": 1}',
        '{"schema": 1, "accounts": {"Broker": {"7": "2025-11-02T06:00:00.000Z"}}, "seen": {"Broker": {"7": 5}}}',
        '{"schema": 1, "accounts": {"Broker": {"7": "2025-11-02T06:00:00.000Z"}}, "seen": {"Broker": {"7": {"2": 5}}}}',
    ],
)
@pytest.mark.allow_warnings("shows twice")
def test_a_state_that_somebody_made_something_else(bench: Bench, server: Server, damaged: str) -> None:
    go(bench, 120)
    server.deal(TURN + timedelta(minutes=30), 2)
    (bench.paths.data / "trades_recorded.json").write_text(damaged, encoding="utf-8")
    assert run(bench)[0].undecided == 1


def test_a_clock_that_turns_out_to_be_another_writes_nothing_twice(bench: Bench, server: Server) -> None:
    server.deal(at(2025, 6, 2, 21, 30), 1)
    run(bench)
    server.rule = ServerTimeRule("UTC")  # the same deal now seems to be of 2025-06-03 0:30
    with pytest.raises(NothingToDo):
        run(bench)


def test_a_file_of_other_columns_is_left_alone(bench: Bench, server: Server) -> None:
    (bench.paths.logs / "trades_20250603.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    server.deal(at(2025, 6, 3, 9, 0), 12)
    with pytest.raises(Exception, match="has the columns a, b"):
        run(bench)
    assert not (bench.paths.data / "trades_recorded.json").exists()


def test_terminal_away(bench: Bench, server: Server) -> None:
    server.connected = False
    with pytest.raises(Blocked):
        run(bench)


@pytest.mark.parametrize("host", ["in_process", "child"])
def test_the_simulated_account(bench: Bench, host: str) -> None:
    session = build_session(TerminalSettings.model_validate({"host": host}), bench.clock)
    bench.terminal = session
    session.start()
    try:
        session.ensure_connected(30.0)
        assert run(bench)[0].deals >= 1
        with pytest.raises(NothingToDo):
            run(bench)
    finally:
        session.stop()
