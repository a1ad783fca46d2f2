"""The server's clock learned by a pass of collection from a simulated server whose clock nobody named."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hand_terminal import Bench

from app.errors import MetronomeError
from app.settings import Settings, TerminalSettings
from app.terminal.host import InProcessHost
from app.terminal.server_memory import Learned, ServerMemory, recalling
from app.terminal.server_time import NEW_YORK, ServerTimeRule
from app.terminal.session import Session, SessionOptions
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.symbols import CATALOGUE
from app.terminal.symbols import SymbolNames
from workers.data_tasks import CollectParams, CollectResult, collect_market_data
from workers.market.server_clock import is_currency_pair

SERVER = "Metronome-Simulated"


class Restamped:
    """The simulated market as a server with another clock stamps it."""

    def __init__(self, terminal: SimulatedTerminal, rule: str, most_bars: int = 0) -> None:
        self._terminal = terminal
        self.most_bars = most_bars
        self._own, self._shown = ServerTimeRule(NEW_YORK), ServerTimeRule(rule)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._terminal, name)

    def symbol_info(self, symbol: str) -> Any:
        found = self._terminal.symbol_info(symbol)
        if found is None:
            return None
        values = found._asdict()
        values["time"] = int(self._shown.to_server(self._own.to_utc(values["time"])))
        return type(found)(values.values())

    def copy_rates_from_pos(self, *args: Any) -> Any:
        return self._restamped(self._terminal.copy_rates_from_pos(*args)[-self.most_bars :])

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

    def connected(
        rule: str,
        setting: str = "auto",
        *,
        only: frozenset[str] = frozenset(),
        suffix: str = "",
        most_bars: int = 0,
    ) -> Session:
        own = SimulatedTerminal(bench.clock, server_time=NEW_YORK, suffix=suffix)
        if only:
            own.faults.missing = frozenset(spec.name for spec in CATALOGUE if spec.name not in only)
        terminal: Any = Restamped(own, rule, most_bars)
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


def last_bar(bench: Bench, symbol: str = "EURUSD") -> str:
    text = (bench.paths.bars / f"{symbol}_M5.csv").read_text(encoding="utf-8")
    return text.splitlines()[-1].partition(",")[0]


@pytest.mark.parametrize("rule", ["GMT+2/+3 New York", "GMT+2/+3 Europe", "UTC", "UTC-5", "UTC+3"])
@pytest.mark.parametrize("moment", [datetime(2025, 6, 3, 12, tzinfo=UTC), datetime(2025, 3, 18, 12, tzinfo=UTC)])
def test_first_pass_learns_the_clock_before_it_stores_bars(
    bench: Bench, connect: Callable[..., Session], rule: str, moment: datetime
) -> None:
    bench.clock.jump((moment - bench.clock.now()).total_seconds())
    connect(rule)
    result, warnings = collect(bench)
    assert (result.server_time, result.server_time_confidence, warnings) == (rule, 0.95, [])
    assert last_bar(bench) == f"{moment:%Y-%m-%d}T11:55:00Z"
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


@pytest.mark.allow_warnings
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


@pytest.mark.parametrize("rule", ["UTC", "GMT-5/-4 New York"])
@pytest.mark.parametrize("symbol", ["XAUUSD", "US30", "BTCUSD"])
def test_a_pair_that_nobody_watches_tells_the_clock_too(
    bench: Bench, connect: Callable[..., Session], symbol: str, rule: str
) -> None:
    bench.market(watch_list=(symbol,))
    connect(rule)
    result, warnings = collect(bench)
    assert (result.server_time, result.server_time_confidence, warnings) == (rule, 0.95, [])
    assert last_bar(bench, symbol) == "2025-06-03T11:55:00Z"


def test_bars_of_half_hours_tell_a_clock_that_is_half_an_hour_apart(
    bench: Bench, connect: Callable[..., Session]
) -> None:
    connect("UTC+5:30")
    result, warnings = collect(bench)
    assert (result.server_time, warnings) == ("UTC+5:30", [])
    assert last_bar(bench) == "2025-06-03T11:55:00Z"


@pytest.mark.allow_warnings
@pytest.mark.parametrize(
    ("rule", "learned"),
    [("UTC", "UTC"), ("GMT-5/-4 New York", "UTC-4"), (NEW_YORK, NEW_YORK), ("UTC+5:30", "UTC+5:30")],
)
def test_live_quotes_of_any_symbol_tell_the_clock_and_no_bar_is_stored_before(
    bench: Bench, connect: Callable[..., Session], rule: str, learned: str
) -> None:
    bench.market(watch_list=("XAUUSD",))
    connect(rule, only=frozenset({"XAUUSD"}))
    result, warnings = collect(bench)
    assert (result.server_time_confidence, result.bars_appended, result.fresh) == (0.1, 0, 0)
    (warning,) = warnings
    assert "is not known yet" in warning
    assert "terminal.server_time" in warning
    assert not list(bench.paths.bars.glob("*.csv"))
    bench.clock.advance(300)
    result, warnings = collect(bench)
    assert (result.server_time, result.server_time_confidence) == (learned, 0.5)
    assert [line for line in warnings if "was assumed to be" in line] == warnings
    assert bool(warnings) == (rule != NEW_YORK)
    assert last_bar(bench, "XAUUSD") == "2025-06-03T12:00:00Z"
    bench.clock.advance(300)
    assert collect(bench)[1] == []


def test_two_live_quotes_in_one_pass_tell_the_clock(bench: Bench, connect: Callable[..., Session]) -> None:
    bench.clock.advance(400)  # not at a whole hour, where ended sessions look like other clocks
    bench.market(watch_list=("XAUUSD", "US30", "BTCUSD"))
    connect("UTC", only=frozenset({"XAUUSD", "XAGUSD", "US30", "BTCUSD"}))
    result, _ = collect(bench)
    assert (result.server_time, result.server_time_confidence) == ("UTC", 0.5)
    assert last_bar(bench, "XAUUSD") == "2025-06-03T12:00:00Z"


@pytest.mark.allow_warnings
def test_a_first_pass_that_fails_blocks_nothing(bench: Bench, connect: Callable[..., Session]) -> None:
    bench.market(watch_list=("XAUUSD",))
    session = connect("UTC", only=frozenset({"XAUUSD"}))
    collect(bench)
    assert (stored(bench)["confidence"], session.server_time_known) == (0.1, False)
    bench.clock.advance(600)
    bench.market(watch_list=("EURUSD",))
    connect("UTC", suffix=".m")  # a start later, with pairs to be confirmed
    with pytest.raises(MetronomeError):
        collect(bench)
    assert stored(bench)["rule"] == "UTC"
    SymbolNames(bench.terminal, bench.storage, bench.clock).confirm("EURUSD", "EURUSD.m")
    bench.clock.advance(600)
    result, warnings = collect(bench)
    assert (result.server_time, result.server_time_confidence, warnings) == ("UTC", 0.95, [])
    assert last_bar(bench) == "2025-06-03T12:15:00Z"


@pytest.mark.allow_warnings
def test_bars_of_another_clock_are_moved_aside_and_named(bench: Bench, connect: Callable[..., Session]) -> None:
    bench.market(watch_list=("EURUSD",))
    connect("UTC", NEW_YORK)  # the settings name a wrong one
    collect(bench)
    assert last_bar(bench) == "2025-06-03T08:55:00Z"
    bench.clock.advance(300)
    connect("UTC")
    result, warnings = collect(bench)
    assert result.bars_appended == 50
    (warning,) = (line for line in warnings if "EURUSD_M5.csv" in line)
    (aside,) = bench.paths.bars.glob("EURUSD_M5.simulated-*.csv")
    assert aside.name in warning
    assert last_bar(bench) == "2025-06-03T12:00:00Z"
    bench.clock.advance(300)
    assert collect(bench)[1] == []


@pytest.mark.allow_warnings
def test_bars_that_were_stored_by_a_mere_assumption_are_moved_aside(
    bench: Bench, connect: Callable[..., Session]
) -> None:
    """As older versions left them: the history notes no clock, and the server's was assumed."""
    bench.market(watch_list=("EURUSD",))
    connect("UTC", NEW_YORK)
    collect(bench)
    side = bench.paths.bars / "EURUSD_M5.source.json"
    entry = json.loads(side.read_text(encoding="utf-8"))
    side.write_text(json.dumps(entry | {"clock": ""}), encoding="utf-8")
    now = bench.clock.now()
    ServerMemory(bench.storage).keep(SERVER, Learned(NEW_YORK, 0.1, "Assumed.", now, now))
    connect("UTC")
    _, warnings = collect(bench)
    assert len([line for line in warnings if "was assumed to be" in line]) == 1
    assert list(bench.paths.bars.glob("EURUSD_M5.simulated-*.csv"))
    assert last_bar(bench) == "2025-06-03T11:55:00Z"


@pytest.mark.allow_warnings("The setting terminal.server_time")
def test_a_rule_that_gives_the_same_times_keeps_the_history(bench: Bench, connect: Callable[..., Session]) -> None:
    bench.market(watch_list=("EURUSD",))
    connect(NEW_YORK, "GMT+3")
    collect(bench)
    bench.clock.advance(300)
    connect(NEW_YORK)
    result, warnings = collect(bench)
    assert (result.bars_appended, warnings) == (1, [])
    assert not list(bench.paths.bars.glob("EURUSD_M5.simulated-*"))


@pytest.mark.allow_warnings("although their markets are open")
def test_a_feed_that_lags_by_hours_does_not_change_a_clock_that_bars_tell(
    bench: Bench, connect: Callable[..., Session]
) -> None:
    session = connect(NEW_YORK)
    collect(bench)
    bench.terminal.set_faults(stale_s=7200.0)
    for _ in range(3):
        bench.clock.advance(300)
        result, warnings = collect(bench)
        assert (result.server_time, session.server_rule.name) == (NEW_YORK, NEW_YORK)
        (warning,) = warnings
        assert "The quotes of XAUUSD, EURUSD are at least 2 h old although their markets are open." in warning


def at(bench: Bench, moment: datetime) -> None:
    bench.clock.jump((moment - bench.clock.now()).total_seconds())


@pytest.mark.allow_warnings
def test_no_bar_is_stored_by_a_rule_that_few_weekends_show_alone(bench: Bench, connect: Callable[..., Session]) -> None:
    bench.market(watch_list=("EURUSD",))
    at(bench, datetime(2025, 6, 7, 12, tzinfo=UTC))  # a Saturday: quotes tell nothing
    session = connect("UTC", only=frozenset({"EURUSD"}), most_bars=250)
    for _ in range(2):
        result, warnings = collect(bench)
        assert (result.server_time_confidence, result.bars_appended) == (0.3, 0)
        (warning,) = (line for line in warnings if "is not known yet" in line)
        assert "the bars do not tell them apart" in warning
        assert session.server_rule.name == NEW_YORK
        bench.clock.advance(3600)
    assert not list(bench.paths.bars.glob("*.csv"))
    at(bench, datetime(2025, 6, 9, 12, tzinfo=UTC))
    collect(bench)
    bench.clock.advance(300)
    result, _ = collect(bench)  # by now live quotes have confirmed it
    assert (result.server_time, last_bar(bench)) == ("UTC", "2025-06-09T12:00:00Z")


@pytest.mark.allow_warnings
def test_few_weekends_do_not_change_a_clock_that_was_known_better(
    bench: Bench, connect: Callable[..., Session]
) -> None:
    bench.market(watch_list=("EURUSD",))
    at(bench, datetime(2025, 6, 6, 12, tzinfo=UTC))
    connect(NEW_YORK)
    collect(bench)
    at(bench, datetime(2025, 6, 7, 12, tzinfo=UTC))
    for rule in ("UTC", NEW_YORK, "UTC"):
        session = connect(rule, only=frozenset({"EURUSD"}), most_bars=250)
        bench.clock.advance(25 * 3600 if rule == NEW_YORK else 600)
        collect(bench)
        assert session.server_rule.name == NEW_YORK
        assert stored(bench)["rule"] == NEW_YORK
        assert not list(bench.paths.bars.glob("EURUSD_M5.simulated-*.csv"))


@pytest.mark.allow_warnings
def test_no_bar_is_stored_that_closes_later_than_now(bench: Bench, connect: Callable[..., Session]) -> None:
    bench.market(watch_list=("EURUSD",))
    connect(NEW_YORK, "UTC+1")  # the settings name a wrong clock: everything seems two hours ahead
    result, warnings = collect(bench)
    assert result.bars_appended == 0
    (warning,) = (line for line in warnings if "is ahead" in line)
    assert "Its bars were not stored." in warning
    assert not list(bench.paths.bars.glob("*.csv"))


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
