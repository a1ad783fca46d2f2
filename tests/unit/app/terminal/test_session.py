from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.clock import FakeClock, SystemClock
from app.errors import Blocked, Retryable
from app.settings_model import SimulatedAccountSettings, SimulatedFaultSettings
from app.terminal import build_session, rehearsal_start
from app.terminal.errors import (
    TerminalBusy,
    TerminalCallError,
    TerminalRefused,
    TerminalUnavailable,
    UnknownSymbol,
    WrongAccount,
    nearest_names,
)  # fmt: skip
from app.terminal.host import InProcessHost
from app.terminal.session import Session, SessionOptions
from app.terminal.simulated import SimulatedTerminal
from app.terminal.simulated.symbols import CATALOGUE
from app.terminal.values import SessionState, SessionStatus
from tests.waiting import until

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)


class Rig:
    """A session on a simulated terminal whose faults the test holds in hand."""

    def __init__(self) -> None:
        self.clock = FakeClock(NOW)
        self.terminal = SimulatedTerminal(self.clock)
        self.sessions: list[Session] = []

    def start(self, options: SessionOptions | None = None) -> Session:
        host = InProcessHost(lambda: self.terminal, simulated=True)
        session = Session(host, options or SessionOptions(), self.clock)
        self.sessions.append(session)
        session.start()
        return session


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.terminal.faults.release()
    for session in made.sessions:
        assert session.stop(5.0)


def test_it_connects_and_tells_where_to(rig: Rig) -> None:
    session = rig.start()
    status = session.ensure_connected(5)
    assert (status.state, status.server, status.account_kind) == ("connected", "Metronome-Simulated", "demo")
    assert status.simulated
    assert "seed 1" in status.market_note
    assert session.account().currency == "USD"


def test_times_are_utc_and_the_forming_bar_is_marked(rig: Rig) -> None:
    session = rig.start()
    tick = session.tick("EURUSD")
    assert timedelta(0) <= NOW - tick.time < timedelta(seconds=2)
    bars = session.rates("EURUSD", "M5", 10)
    assert (len(bars), bars.forming, len(bars.closed()), bars.open_times()[-1]) == (
        10, True, 9, datetime(2025, 11, 19, 12, 0, tzinfo=UTC),
    )  # fmt: skip
    assert bars.closed().closed().open_times()[-1] == datetime(2025, 11, 19, 11, 55, tzinfo=UTC)
    older = session.rates("EURUSD", "M5", 5, start_pos=1)
    assert not older.forming
    ranged = session.rates_range("EURUSD", "M5", bars.open_times()[0], NOW)
    assert ranged.rates.tobytes() == bars.rates.tobytes()
    assert not bars.rates.flags.writeable


def test_a_bar_is_over_when_the_market_is_closed(rig: Rig) -> None:
    rig.clock.jump(3 * 86_400)  # Saturday
    assert not rig.start().rates("EURUSD", "H1", 3).forming


def test_calls_before_the_connection_stands_wait_for_it(rig: Rig) -> None:
    assert rig.start().symbol_info("EURUSD").digits == 5


def test_an_unknown_symbol_is_told_with_the_nearest_names(rig: Rig) -> None:
    session = rig.start()
    for ask in (lambda: session.tick("eurusd"), lambda: session.rates("eurusd", "M5", 3)):
        with pytest.raises(UnknownSymbol) as caught:
            ask()
        assert "EURUSD" in caught.value.advice


def test_a_hidden_symbol_is_put_into_the_market_watch(rig: Rig) -> None:
    session = rig.start()
    assert not session.symbol_info("GBPJPY").select
    assert session.tick("GBPJPY").bid > 0
    assert session.symbol_info("GBPJPY").select


def test_no_price_yet_is_worth_another_try(rig: Rig) -> None:
    session = rig.start()
    rig.terminal.faults.zero_prices = True
    with pytest.raises(TerminalBusy, match="no quote of EURUSD"):
        session.tick("EURUSD")
    found = session.snapshot("EURUSD")
    assert (found.tick, found.info.digits) == (None, 5)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-1, TerminalBusy),
        (-2, TerminalCallError),
        (-5, TerminalRefused),
        (-10001, TerminalBusy),
        (-10004, TerminalUnavailable),
        (-10005, TerminalBusy),
        (-777, TerminalBusy),
    ],
)
def test_codes_become_errors_with_advice(rig: Rig, code: int, kind: type[Exception]) -> None:
    session = rig.start()
    session.ensure_connected(5)
    rig.terminal.faults.error_code = code
    with pytest.raises(kind, match=str(code)) as caught:
        session.call("account_info")
    assert caught.value.advice  # type: ignore[attr-defined]


def test_a_lost_connection_is_seen_and_comes_back(rig: Rig) -> None:
    seen: list[SessionStatus] = []
    session = rig.start()
    session.ensure_connected(5)
    session.subscribe(seen.append)
    rig.terminal.faults.not_running = True
    with pytest.raises(TerminalUnavailable):
        session.tick("EURUSD")
    until(lambda: session.status.state is SessionState.DISCONNECTED)
    with pytest.raises(Blocked, match="no connection"):
        session.tick("EURUSD")
    with pytest.raises(TerminalUnavailable, match="could not be reached"):
        session.ensure_connected(5)
    rig.terminal.faults.not_running = False
    assert session.ensure_connected(5).connected
    assert session.tick("EURUSD").bid > 0
    assert [status.state for status in seen][:1] == ["disconnected"]
    assert seen[-1].connected


def test_it_connects_again_by_itself(rig: Rig) -> None:
    rig.terminal.faults.not_running = True
    session = rig.start(SessionOptions(first_pause_s=0.01))
    until(lambda: session.status.state is SessionState.DISCONNECTED)
    rig.terminal.faults.not_running = False
    until(lambda: session.status.connected)


def test_a_terminal_without_its_server_is_not_connected(rig: Rig) -> None:
    rig.terminal.faults.offline = True
    with pytest.raises(TerminalUnavailable, match="no connection to its trade server"):
        rig.start().ensure_connected(5)


@pytest.mark.allow_warnings("does not answer")
def test_a_hang_costs_one_caller_its_limit_and_later_ones_nothing(rig: Rig) -> None:
    session = rig.start()
    session.ensure_connected(5)
    rig.terminal.faults.hang_s = 30
    with pytest.raises(Retryable, match=r"within 0\.05 s"):
        session.call("symbol_info_tick", "EURUSD", timeout_s=0.05)
    assert session.status.state is SessionState.NOT_ANSWERING
    for ask in (lambda: session.tick("EURUSD"), lambda: session.ensure_connected(5)):
        began = time.monotonic()
        with pytest.raises(TerminalUnavailable, match="asked for the quote of EURUSD"):
            ask()
        assert time.monotonic() - began < 0.5
    rig.terminal.faults.release()
    until(lambda: session.status.connected)
    assert session.tick("EURUSD").bid > 0


def test_waiting_behind_others_is_no_hang(rig: Rig) -> None:
    session = rig.start()
    session.ensure_connected(5)
    rig.terminal.faults.hang_s = 30
    slow: list[object] = []
    thread = threading.Thread(target=lambda: slow.append(session.call("symbols_total", timeout_s=20)))
    thread.start()
    until(lambda: session._current is not None)
    with pytest.raises(TerminalBusy):
        session.call("version", timeout_s=0.03)
    assert session.status.connected
    rig.terminal.faults.release()
    thread.join(5)
    assert slow == [len(CATALOGUE)]
    session.call("account_info")
    assert "version" not in {timing.name for timing in session.timings()}  # given up, so never made


@pytest.mark.allow_warnings("does not answer")
def test_a_hang_does_not_keep_the_session_from_being_stopped(rig: Rig) -> None:
    session = rig.start()
    session.ensure_connected(5)
    rig.terminal.faults.hang_s = 30
    with pytest.raises(TerminalBusy):
        session.call("version", timeout_s=0.02)
    assert not session.stop(0.02)
    rig.terminal.faults.release()
    assert session.stop(5)
    with pytest.raises(TerminalUnavailable, match="not running"):
        session.tick("EURUSD")


def test_another_account_blocks_until_it_is_the_right_one(rig: Rig) -> None:
    session = rig.start(SessionOptions(login=5_000_001, server="Metronome-Simulated"))
    assert session.ensure_connected(5).connected
    rig.terminal.faults.login = 42
    with pytest.raises(WrongAccount, match=r"account 42 .* expected 5000001"):
        session.ensure_connected(5)
    with pytest.raises(Blocked):
        session.tick("EURUSD")
    assert session.status.state is SessionState.WRONG_ACCOUNT
    rig.terminal.faults.login = None
    assert session.ensure_connected(5).connected


def test_real_money_is_told_apart(rig: Rig) -> None:
    rig.terminal.faults.trade_mode = 2
    assert rig.start().ensure_connected(5).account_kind == "real"


@pytest.mark.allow_warnings("terminal listener failed")
def test_a_bug_in_a_call_or_a_listener_leaves_the_session_alive(rig: Rig) -> None:
    session = rig.start()

    def broken(_status: SessionStatus) -> None:
        raise RuntimeError

    session.subscribe(broken)
    with pytest.raises(AttributeError):
        session.call("no_such_function")
    rig.terminal.faults.not_running = True
    with pytest.raises(TerminalUnavailable):
        session.tick("EURUSD")
    rig.terminal.faults.not_running = False
    assert session.ensure_connected(5).connected


@pytest.mark.allow_warnings("terminal connect failed")
def test_an_unforeseen_error_while_connecting_is_told_and_not_tried_in_a_rush() -> None:
    tries: list[int] = []

    def load() -> SimulatedTerminal:
        tries.append(1)
        raise ZeroDivisionError

    session = Session(InProcessHost(load, simulated=True), SessionOptions(first_pause_s=0.01), FakeClock(NOW))
    session.start()
    until(lambda: "ZeroDivisionError" in session.status.reason)
    with pytest.raises(TerminalUnavailable, match="ZeroDivisionError"):
        session.tick("EURUSD")
    assert session.stop(5)
    assert len(tries) == 1


def test_many_threads_get_their_own_answers(rig: Rig) -> None:
    session = rig.start()
    names = [name for name in session.symbol_names() for _ in range(5)]
    answers: list[tuple[str, str]] = []
    threads = [threading.Thread(target=lambda n=n: answers.append((n, session.symbol_info(n).name))) for n in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len(answers) == len(names)
    assert all(asked == got for asked, got in answers)


def test_nearest_names_prefer_a_suffix() -> None:
    assert nearest_names("EURUSD", ["EURUSDm", "GBPUSD", "EURJPY"]) == ["EURUSDm"]
    assert nearest_names("EURUDS", ["EURUSD", "XAUUSD"])[0] == "EURUSD"
    assert nearest_names("zzzz", ["EURUSD"]) == []


@dataclass(frozen=True)
class Simulated:
    seed: int = 1
    now: datetime | None = None
    replay: dict[str, str] = field(default_factory=dict)
    replay_clock: dict[str, str] = field(default_factory=dict)
    suffix: str = ""
    rename: dict[str, str] = field(default_factory=dict)
    symbols: int = 0
    account: SimulatedAccountSettings = field(default_factory=SimulatedAccountSettings)
    faults: SimulatedFaultSettings = field(default_factory=SimulatedFaultSettings)


@dataclass(frozen=True)
class Options:
    kind: str = "simulated"
    host: str = "in_process"
    path: str = ""
    login: int | None = None
    server: str = ""
    call_timeout_s: float = 10.0
    server_time: str = "auto"
    simulated: Simulated = field(default_factory=Simulated)


def test_a_rehearsal_begins_where_the_settings_say(shared: Path) -> None:
    folder = shared / "data" / "bars" / "mt5"
    replay = {"EURUSD": str(folder / "EURUSD_M5_2025_fullyear.csv")}
    assert rehearsal_start(Options()) is None
    assert rehearsal_start(Options(simulated=Simulated(now=NOW, replay=replay))) == NOW
    assert rehearsal_start(Options(simulated=Simulated(replay=replay))) == datetime(2025, 12, 24, 12, tzinfo=UTC)
    short = {**replay, "GBPUSD": str(folder / "EURUSD_M1_copyrates_idx.csv")}
    start = rehearsal_start(Options(simulated=Simulated(replay=short)))
    assert start is not None
    assert start.year == 2025  # the first bar of the later file: they have no day in common


def test_settings_become_a_session() -> None:
    session = build_session(Options(), FakeClock(NOW))
    assert session.status.simulated
    with pytest.raises(TerminalUnavailable, match="not running"):
        session.tick("EURUSD")
    assert build_session(replace(Options(), host="child"), FakeClock(NOW)).status.host == "child"


def test_without_the_package_the_genuine_terminal_is_disconnected_with_advice() -> None:
    session = build_session(replace(Options(), kind="metatrader5"), SystemClock())
    session.start()
    try:
        with pytest.raises(TerminalUnavailable, match="is not running"):
            session.ensure_connected(10)
    finally:
        assert session.stop(5)
    assert not session.status.simulated
