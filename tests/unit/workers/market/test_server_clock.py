"""The server's clock learned by a pass of collection from a simulated server whose clock nobody named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hand_terminal import Bench

from app.settings import Settings, TerminalSettings
from app.terminal.host import InProcessHost
from app.terminal.server_memory import Learned, ServerMemory, recalling
from app.terminal.server_time import NEW_YORK, ServerTimeRule
from app.terminal.session import Session, SessionOptions
from app.terminal.simulated import SimulatedTerminal
from workers.data_tasks import CollectParams, CollectResult, collect_market_data
from workers.market.server_clock import is_currency_pair

SERVER = "Metronome-Simulated"


class Restamped:
    """The simulated market as a server with another clock stamps it."""

    def __init__(self, terminal: SimulatedTerminal, rule: str) -> None:
        self._terminal = terminal
        self._own, self._shown = ServerTimeRule(NEW_YORK), ServerTimeRule(rule)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)

    def symbol_info(self, symbol: str) -> Any:
        found = self._terminal.symbol_info(symbol)
        assert found is not None
        values = found._asdict()
        values["time"] = int(self._shown.to_server(self._own.to_utc(values["time"])))
        return type(found)(values.values())

    def copy_rates_from_pos(self, *args: Any) -> Any:
        return self._restamped(self._terminal.copy_rates_from_pos(*args))

    def copy_rates_range(self, symbol: str, frame: int, *moments: float) -> Any:
        moved = (self._own.to_server(self._shown.to_utc(moment)) for moment in moments)
        return self._restamped(self._terminal.copy_rates_range(symbol, frame, *moved))

    def _restamped(self, rates: Any) -> Any:
        rates["time"] = self._shown.times_to_server(self._own.times_to_utc(rates["time"]))
        return rates


@pytest.fixture
def connect(bench: Bench) -> Iterator[Callable[..., Session]]:
    """Connects the bench to a server with the clock ``rule``, as after a start of the application."""
    sessions: list[Session] = []

    def connected(rule: str, setting: str = "auto") -> Session:
        terminal: Any = Restamped(SimulatedTerminal(bench.clock, server_time=NEW_YORK), rule)
        host = InProcessHost(lambda: terminal, simulated=True)
        session = Session(host, SessionOptions(server_time=setting), bench.clock)
        session.known_rule = recalling(ServerMemory(bench.storage))
        session.start()
        session.ensure_connected()
        sessions.append(session)
        bench.terminal = session
        return session

    bench.settings = Settings(terminal=TerminalSettings())
    bench.market(watch_list=("XAUUSD", "EURUSD"), timeframes=("M5",), history_bars=50)
    yield connected
    for session in sessions:
        session.stop()


def collect(bench: Bench) -> tuple[CollectResult, list[str]]:
    ctx = bench.context("collect_market_data")
    return collect_market_data(ctx, CollectParams()), ctx.warnings


def stored(bench: Bench) -> dict[str, Any]:
    document = json.loads((bench.paths.config / "server_time.json").read_text(encoding="utf-8"))
    found: dict[str, Any] = document["servers"][SERVER]
    return found


@pytest.mark.parametrize("rule", ["GMT+2/+3 New York", "GMT+2/+3 Europe", "UTC", "UTC-5", "UTC+3"])
@pytest.mark.parametrize("moment", [datetime(2025, 6, 3, 12, tzinfo=UTC), datetime(2025, 3, 18, 12, tzinfo=UTC)])
def test_first_pass_learns_the_clock_before_it_stores_bars(
    bench: Bench, connect: Callable[..., Session], rule: str, moment: datetime
) -> None:
    bench.clock.jump((moment - bench.clock.now()).total_seconds())
    connect(rule)
    result, warnings = collect(bench)
    assert (result.server_time, result.server_time_confidence, warnings) == (rule, 0.95, [])
    last = (bench.paths.bars / "EURUSD_M5.csv").read_text(encoding="utf-8").splitlines()[-1]
    assert last.startswith(f"{moment:%Y-%m-%d}T11:55:00Z")
    assert stored(bench)["rule"] == rule
    assert "of 5" in stored(bench)["evidence"]


def test_a_known_server_has_its_clock_from_the_start(bench: Bench, connect: Callable[..., Session]) -> None:
    connect("GMT+2/+3 Europe")
    collect(bench)
    learned = stored(bench)
    assert connect("GMT+2/+3 Europe").server_rule.name == "GMT+2/+3 Europe"
    bench.clock.advance(3600)
    collect(bench)
    assert stored(bench) == learned  # not asked again within a day
    bench.clock.advance(86_400)
    collect(bench)
    assert stored(bench)["learned"] == learned["learned"]
    assert stored(bench)["checked"] != learned["checked"]


@pytest.mark.allow_warnings("The clock of the trade server")
def test_a_change_of_the_clock_is_told_once(bench: Bench, connect: Callable[..., Session]) -> None:
    connect("GMT+2/+3 New York")
    collect(bench)
    connect("UTC")
    bench.clock.advance(86_400)
    first, warnings = collect(bench)
    assert first.server_time == "UTC"
    (warning,) = (line for line in warnings if "The clock of the trade server" in line)
    assert "was known as GMT+2/+3 New York, but now it is UTC" in warning
    bench.clock.advance(86_400)
    _, again = collect(bench)
    assert not [line for line in again if "The clock of the trade server" in line]


@pytest.mark.allow_warnings
def test_a_named_clock_is_obeyed_and_doubted_once(bench: Bench, connect: Callable[..., Session]) -> None:
    connect("GMT+2/+3 New York", "UTC+1")
    result, warnings = collect(bench)
    assert (result.server_time, result.server_time_confidence) == ("UTC+1", None)
    assert len([line for line in warnings if "The setting terminal.server_time is UTC+1" in line]) == 1
    bench.clock.advance(90_000)
    assert not [line for line in collect(bench)[1] if "terminal.server_time is" in line]


def test_a_zone_with_the_same_changes_is_not_doubted(bench: Bench, connect: Callable[..., Session]) -> None:
    connect("GMT+2/+3 Europe", "Europe/Athens")
    assert collect(bench)[1] == []


def test_without_a_currency_pair_nothing_is_claimed(bench: Bench, connect: Callable[..., Session]) -> None:
    bench.market(watch_list=("XAUUSD",))
    connect("GMT+2/+3 New York")
    result, _ = collect(bench)
    assert result.server_time_confidence == 0.1
    result, _ = collect(bench)
    assert result.server_time_confidence in (0.1, 0.4)


@pytest.mark.parametrize(
    ("symbol", "expected"),
    [("EURUSD", True), ("EURUSDm", True), ("EUR/USD.a", True), ("XAUUSD", False), ("US30", False), ("", False)],
)
def test_what_a_currency_pair_is(symbol: str, expected: bool) -> None:
    assert is_currency_pair(symbol) is expected


@pytest.mark.parametrize(
    "entry",
    [
        None,
        3,
        {},
        {"rule": "Mars"},
        {"rule": "UTC", "evidence": "", "confidence": 1, "learned": "x", "checked": "y"},
        {"rule": "UTC", "evidence": "", "confidence": 1, "learned": "2025-01-01", "checked": "2025-01-01"},
    ],
)
def test_strange_entries_are_no_knowledge(entry: Any) -> None:
    assert Learned.of(entry) is None
