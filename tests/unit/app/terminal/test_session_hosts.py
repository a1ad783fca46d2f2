"""The session over a child that hangs, dies and is exchanged; logging on; what it keeps of outages."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from app.clock import FakeClock
from app.errors import Blocked
from app.paths import Paths
from app.storage import Storage
from app.terminal.child_host import ChildHost
from app.terminal.errors import TerminalBusy, TerminalUnavailable, WrongAccount
from app.terminal.host import Host, InProcessHost
from app.terminal.loaders import SimulatedLoader
from app.terminal.outages import CUT_SHORT, KEPT, Outage, OutageLog
from app.terminal.session import Session, SessionOptions
from app.terminal.simulated import SimulatedTerminal
from app.terminal.values import SessionState, SessionStatus
from tests.waiting import until

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)
QUICK = SessionOptions(first_pause_s=0.05, call_timeout_s=5.0, connect_limit_s=5.0)


@pytest.fixture
def started() -> Iterator[Callable[..., Session]]:
    """Starts sessions and stops them."""
    sessions: list[Session] = []

    def start(host: Host, options: SessionOptions = QUICK, clock: FakeClock | None = None, **more: Any) -> Session:
        session = Session(host, options, clock or FakeClock(NOW), **more)
        sessions.append(session)
        session.start()
        return session

    yield start
    for session in sessions:
        assert session.stop(10)


@pytest.fixture
def child() -> ChildHost:
    return ChildHost(SimulatedLoader(), FakeClock(NOW))


@pytest.mark.allow_warnings("terminal process hangs", "does not answer")
def test_a_hung_call_costs_its_limit_and_the_session_recovers_by_itself(
    child: ChildHost, started: Callable[..., Session]
) -> None:
    session = started(child)
    assert session.ensure_connected(15).host == "child"
    first = psutil.Process(child.pid)
    seen: list[SessionStatus] = []
    session.subscribe(seen.append)
    session.set_faults(hang_s=120.0)
    with pytest.raises(TerminalBusy):
        session.call("symbol_info_tick", "EURUSD", timeout_s=0.3)
    until(lambda: not first.is_running())
    until(lambda: session.status.state is SessionState.NOT_ANSWERING and "was ended" in session.status.reason)
    with pytest.raises(Blocked):
        session.tick("EURUSD")
    session.set_faults(hang_s=0.0)
    until(lambda: session.status.connected)
    assert session.tick("EURUSD").bid > 0
    assert child.starts >= 2
    assert seen[0].state is SessionState.NOT_ANSWERING
    (outage,) = session.outages()
    assert (outage.state, outage.open) == (SessionState.NOT_ANSWERING, False)


@pytest.mark.allow_warnings("terminal process hangs", "does not answer")
def test_a_terminal_that_hangs_while_connecting_is_tried_again(
    child: ChildHost, started: Callable[..., Session]
) -> None:
    child.set_faults({"hang_s": 120.0})
    session = started(child, replace(QUICK, connect_limit_s=0.2))
    until(lambda: session.status.state is SessionState.NOT_ANSWERING)
    session.set_faults(hang_s=0.0)
    until(lambda: session.status.connected)


def test_a_child_that_died_is_replaced(child: ChildHost, started: Callable[..., Session]) -> None:
    session = started(child)
    session.ensure_connected(15)
    psutil.Process(child.pid).kill()
    # The look before a run finds out.
    with pytest.raises(TerminalUnavailable, match="ended"):
        session.ensure_connected(15)
    until(lambda: session.status.connected)


def test_the_host_is_changed_without_a_restart(child: ChildHost, started: Callable[..., Session]) -> None:
    clock = FakeClock(NOW)
    session = started(InProcessHost.of(SimulatedLoader(), clock), clock=clock)
    before = (session.ensure_connected(15).host, session.tick("EURUSD"))
    session.use(child, QUICK)
    until(lambda: session.status.connected and session.status.host == "child")
    assert (*before,) == ("in_process", session.tick("EURUSD"))
    process = psutil.Process(child.pid)
    session.use(InProcessHost.of(SimulatedLoader(), clock), replace(QUICK, login=42))
    until(lambda: session.status.state is SessionState.WRONG_ACCOUNT)
    until(lambda: not process.is_running())
    assert session.status.host == "in_process"


def test_reconnecting_takes_a_new_process(child: ChildHost, started: Callable[..., Session]) -> None:
    session = started(child)
    session.ensure_connected(15)
    first = child.pid
    session.reconnect()
    until(lambda: session.status.connected and child.pid not in (None, first))
    assert session.tick("EURUSD").bid > 0
    assert all(not outage.open for outage in session.outages())


@pytest.mark.allow_warnings("does not answer")
def test_stopping_does_not_wait_for_a_hang(child: ChildHost) -> None:
    session = Session(child, QUICK, FakeClock(NOW))
    session.start()
    session.ensure_connected(15)
    session.set_faults(hang_s=120.0)
    with pytest.raises(TerminalBusy):
        # The caller gives up long before the limit of the call itself.
        session._submit(_request("version", 100.0), 0.05)
    assert session.stop(4)
    assert child.pid is None


def _request(name: str, limit_s: float) -> Any:
    from app.terminal.requests import Request

    return Request(name, (), {}, limit_s)


class Recording(SimulatedTerminal):
    """Remembers how it was logged on to; its folder can be another one."""

    folder = "C:\\Terminals\\One"

    def __init__(self) -> None:
        super().__init__(FakeClock(NOW))
        self.logons: list[tuple[tuple[Any, ...], dict[str, Any]]] = []
        self.looks = 0

    def initialize(self, *args: Any, **kwargs: Any) -> bool:
        self.logons.append((args, kwargs))
        return super().initialize(*args, **kwargs)

    def terminal_info(self) -> Any:
        self.looks += 1
        found = super().terminal_info()
        return None if found is None else _Changed(found, path=self.folder)


class _Changed:
    def __init__(self, struct: Any, **values: Any) -> None:
        self._values = {**struct._asdict(), **values}

    def _asdict(self) -> dict[str, Any]:
        return self._values


def test_the_password_goes_to_the_terminal_and_nowhere_else(
    started: Callable[..., Session], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    module = Recording()
    options = replace(QUICK, login=5_000_001, server="Metronome-Simulated", password=lambda: "s3cret-word")
    session = started(InProcessHost(lambda: module, simulated=True), options)
    assert session.ensure_connected(5).login == 5_000_001
    (_args, kwargs) = module.logons[0]
    assert (kwargs["login"], kwargs["password"], kwargs["server"]) == (5_000_001, "s3cret-word", "Metronome-Simulated")
    module.faults.not_running = True
    with pytest.raises(TerminalUnavailable) as caught:
        session.account()
    with pytest.raises(TerminalUnavailable):
        session.ensure_connected(5)
    assert "s3cret" not in caplog.text + str(caught.value) + repr(session.status) + repr(session.outages())
    assert "s3cret" not in repr(vars(session)) + repr(vars(session._connection))


def test_without_a_pinned_login_nobody_asks_for_the_password(started: Callable[..., Session]) -> None:
    module = Recording()

    def never() -> str:
        raise AssertionError

    session = started(InProcessHost(lambda: module, simulated=True), replace(QUICK, password=never))
    session.ensure_connected(5)
    assert set(module.logons[0][1]) == {"timeout"}


def test_the_program_that_answers_has_to_be_the_pinned_one(started: Callable[..., Session]) -> None:
    module = Recording()
    options = replace(QUICK, path="c:\\terminals\\one\\terminal64.exe")
    session = started(InProcessHost(lambda: module, simulated=True), options)
    assert session.ensure_connected(5).program == "C:\\Terminals\\One"
    assert module.logons[0][0] == (options.path,)
    module.folder = "C:\\Terminals\\Two"
    with pytest.raises(WrongAccount, match=r"Terminals\\Two answers; expected c:") as caught:
        session.ensure_connected(5)
    assert "terminal.path" in caught.value.advice


def test_a_new_connection_has_to_hold_before_it_counts(started: Callable[..., Session]) -> None:
    module = Recording()
    session = started(InProcessHost(lambda: module, simulated=True), replace(QUICK, settle_s=0.5))
    assert session.ensure_connected(5).connected
    assert module.looks >= 3


def test_long_calls_that_hold_the_window_are_told(
    started: Callable[..., Session], caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock(NOW)

    class Slow(SimulatedTerminal):
        def symbols_total(self) -> int | None:
            clock.advance(0.4)
            return super().symbols_total()

    for held in (True, False):
        host = InProcessHost(lambda: Slow(clock), simulated=True, holds_window=held)
        session = started(host, clock=clock)
        session.ensure_connected(5)
        session.call("symbols_total")
        (call,) = session.long_calls()
        assert (call.name, round(call.seconds, 3), call.held) == ("symbols_total", 0.4, held)
    (line,) = [record.getMessage() for record in caplog.records if "held the window" in record.getMessage()]
    assert "terminal.host to child" in line


def test_outages_outlive_a_restart(paths: Paths, started: Callable[..., Session]) -> None:
    clock = FakeClock(NOW)
    file = paths.data / "outages.json"
    module = SimulatedTerminal(clock)
    session = started(
        InProcessHost(lambda: module, simulated=True), clock=clock, outages=OutageLog(Storage(paths, clock), file)
    )
    session.ensure_connected(5)
    assert session.outages() == ()
    module.faults.not_running = True
    with pytest.raises(TerminalUnavailable):
        session.account()
    until(lambda: len(session.outages()) == 1)
    assert session.outages()[0].open
    # A kill now: another process reads what was written when it began.
    (left,) = OutageLog(Storage(paths, clock), file).all()
    assert (left.began, left.ended, left.open) == (NOW, None, False)
    assert left.reason.endswith(CUT_SHORT)
    clock.advance(60)
    module.faults.not_running = False
    session.ensure_connected(5)
    (again,) = OutageLog(Storage(paths, clock), file).all()
    assert again == session.outages()[0]
    assert (again.state, again.ended) == (SessionState.DISCONNECTED, clock.now())
    session.stop()
    assert len(session.outages()) == 1


def test_the_log_of_outages_stays_small_and_survives_edits(paths: Paths) -> None:
    clock = FakeClock(NOW)
    storage, file = Storage(paths, clock), paths.data / "outages.json"
    log = OutageLog(storage, file)
    for _ in range(KEPT + 50):
        clock.advance(1)
        log.follow(SessionStatus(SessionState.DISCONNECTED, clock.now(), reason="away"), clock.now())
        log.follow(SessionStatus(SessionState.CONNECTING, clock.now()), clock.now())
        clock.advance(1)
        log.follow(SessionStatus(SessionState.CONNECTED, clock.now()), clock.now())
    assert len(log.all()) == KEPT
    document = storage.read_json(file)
    assert document is not None
    assert len(document["entries"]) <= 2 * KEPT
    assert OutageLog(storage, file).all()[-5:] == log.all()[-5:]
    document["entries"] += [{"state": "on holiday"}, 7, {"state": "disconnected", "began": "2025-01-01", "reason": ""}]
    storage.write_json(file, document)
    assert OutageLog(storage, file).all()[-5:] == log.all()[-5:]


@pytest.mark.allow_warnings("is damaged")
def test_a_damaged_log_of_outages_is_put_aside(paths: Paths) -> None:
    clock = FakeClock(NOW)
    file = paths.data / "outages.json"
    file.write_text("{", encoding="utf-8")
    log = OutageLog(Storage(paths, clock), file)
    assert log.all() == ()
    log.follow(SessionStatus(SessionState.WRONG_ACCOUNT, clock.now(), reason="another"), clock.now())
    log.close(clock.now())
    assert OutageLog(Storage(paths, clock), file).all() == (Outage(SessionState.WRONG_ACCOUNT, NOW, NOW, "another"),)
    assert list(paths.data.glob("outages*damaged*"))


@pytest.mark.allow_warnings("log of outages cannot be")
def test_outages_go_on_without_a_disk(paths: Paths) -> None:
    blocked = paths.data / "file"
    blocked.write_text("", encoding="ascii")
    log = OutageLog(Storage(paths, FakeClock(NOW)), Path(blocked) / "outages.json")
    log.follow(SessionStatus(SessionState.DISCONNECTED, NOW, reason="away"), NOW)
    assert log.all()[0].open
