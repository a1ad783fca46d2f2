from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psutil
import pytest
from modules_for_child import AwkwardLoader

from app.clock import FakeClock
from app.errors import Retryable, UserAction
from app.terminal.child_host import ChildHost
from app.terminal.errors import HostDied, HostHung, TerminalUnavailable
from app.terminal.host import Host, InProcessHost, plain
from app.terminal.loaders import GenuineLoader, SimulatedLoader
from app.terminal.simulated.structs import AccountInfo, build
from app.terminal.values import RATES_DTYPE

NOW = datetime(2025, 11, 19, 12, 0, 30, tzinfo=UTC)
ROOT = Path(__file__).resolve().parents[4]


@pytest.fixture(scope="module")
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture(scope="module")
def child(clock: FakeClock) -> Iterator[ChildHost]:
    """A child with a module that is as awkward as the genuine one; opened anew when a test ended it."""
    host = ChildHost(AwkwardLoader(), clock)
    host.open()
    yield host
    host.close()


@pytest.fixture(params=["in_process", "child"])
def host(request: pytest.FixtureRequest, clock: FakeClock) -> Host:
    if request.param == "child":
        found: Host = request.getfixturevalue("child")
    else:
        found = InProcessHost.of(AwkwardLoader(), clock)
    found.open()
    return found


def test_structs_become_dicts_whatever_they_lie_in(host: Host) -> None:
    found = host.call("account_info")
    assert type(found) is dict
    assert (found["login"], found["server"]) == (7, "Test")


def test_what_the_module_warns_of_in_a_child_comes_to_the_parents_log(
    clock: FakeClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [f"2025.11.19,12:{minute:02d},1.1,1.2,1.0,1.1,5" for minute in range(10)]
    rows[4] = rows[4].replace("1.2", "0.2")
    (tmp_path / "bars.csv").write_text("\n".join(rows), encoding="utf-8")
    host = ChildHost(SimulatedLoader(replay={"EURUSD": tmp_path / "bars.csv"}), clock)
    host.open()
    try:
        host.call("initialize")
        for _ in range(2):
            assert len(host.call("copy_rates_from_pos", ("EURUSD", 1, 0, 100))) == 9
        assert "1 row of bars.csv was left out: line 5: open or close" in host.note()
    finally:
        host.close()
    told = [record.message for record in caplog.records if record.levelname == "WARNING"]
    assert told == ["replay: 1 row of bars.csv was left out: line 5: open or close lies outside of low and high."]


def test_a_long_answer_comes_whole_and_in_order(host: Host) -> None:
    for count in (1, 32, 33, 500):
        assert [item["login"] for item in host.call("many", (count,))] == list(range(count))


def test_an_empty_answer_is_no_failure(host: Host) -> None:
    assert host.call("empty") == ()


def test_a_failure_comes_with_its_own_reason(host: Host) -> None:
    assert host.call("nothing") is None
    assert host.last_error == (-4, "Terminal: Not found")


def test_an_empty_mapping_is_left_out(host: Host) -> None:
    assert host.call("order_check", ({"volume": 1.0},), {}) == {"volume": 1.0}


def test_arrays_arrive_to_the_byte(host: Host) -> None:
    bars = host.call("copy_rates", (100_000,))
    assert bars.dtype == RATES_DTYPE
    assert bars.nbytes == 6_000_000
    assert (bars["time"][-1], len(host.call("copy_rates", (0,)))) == (99_999, 0)
    bars["close"] = 1.0  # it is the caller's own


def test_exceptions_of_the_module_arrive(host: Host) -> None:
    with pytest.raises(SystemError, match="error set"):
        host.call("overflow")
    with pytest.raises(AttributeError, match="no_such_function"):
        host.call("no_such_function")
    with pytest.raises(Exception, match="odd"):
        host.call("strange")
    assert host.call("empty") == ()


def test_the_genuine_module_has_no_faults(clock: FakeClock) -> None:
    for host in (ChildHost(GenuineLoader(), clock), InProcessHost.of(GenuineLoader(), clock)):
        with pytest.raises(AttributeError, match="hang_s"):
            host.set_faults({"hang_s": 1.0})


def test_the_child_is_light_and_lives_at_our_time(child: ChildHost, clock: FakeClock) -> None:
    child.open()
    pid, modules, now = child.call("process")
    assert pid == child.pid != os.getpid()
    assert datetime.fromisoformat(now) == clock.now()
    loaded = {name.partition(".")[0] for name in modules}
    assert not loaded & {"PySide6", "shiboken6", "pandas", "apscheduler", "pydantic", "httpx", "ui", "workers"}


@pytest.mark.allow_warnings("terminal process hangs")
def test_a_call_that_holds_the_interpreter_lock_is_ended_at_its_limit(child: ChildHost) -> None:
    child.open()
    process = psutil.Process(child.pid)
    began = time.monotonic()
    with pytest.raises(HostHung, match=r"did not answer within 0\.2 s when it was asked for") as caught:
        child.call("hold_the_gil", (50,), limit_s=0.2)
    assert time.monotonic() - began < 10
    assert isinstance(caught.value, Retryable)
    assert caught.value.advice
    assert not process.is_running()
    with pytest.raises(TerminalUnavailable, match="not open"):
        child.call("empty")
    child.open()
    assert child.call("empty") == ()


def test_a_child_that_dies_is_told_and_started_anew(child: ChildHost) -> None:
    child.open()
    with pytest.raises(HostDied, match=r"ended while it asked for .* \(exit code 9\)"):
        child.call("die")
    child.open()
    psutil.Process(child.pid).kill()
    with pytest.raises(HostDied, match="ended"):
        child.call("empty")
    child.open()
    assert child.call("empty") == ()


def test_a_child_that_was_killed_while_idle_is_seen_at_the_next_connect(child: ChildHost) -> None:
    child.open()
    psutil.Process(child.pid).kill()
    assert child._process.join(5) is None
    child.open()
    assert child.call("empty") == ()


def test_the_module_that_cannot_be_had_says_so_in_the_child_too(clock: FakeClock) -> None:
    if sys.platform == "win32":
        pytest.skip("the package is there on Windows")
    with pytest.raises(TerminalUnavailable, match="is not running"):
        ChildHost(GenuineLoader(), clock).open()  # no child is made for a terminal that does not run
    host = ChildHost(NoLook(), clock)
    with pytest.raises(UserAction, match="cannot be loaded") as caught:
        host.open()
    assert "64-bit Windows" in caught.value.advice
    host.close()


class NoLook(GenuineLoader):
    """Takes a terminal for granted."""

    __slots__ = ()

    def look(self) -> None:
        """There is one."""


def test_the_simulated_market_is_the_same_in_both_hosts() -> None:
    clock = FakeClock(NOW)
    hosts: list[Host] = [
        kind(SimulatedLoader(seed=7, suffix=".a"), clock)  # type: ignore[operator]
        for kind in (ChildHost, InProcessHost.of)
    ]
    try:
        for host in hosts:
            host.open()
            assert host.call("initialize")
        for _ in range(3):
            one, other = (
                (host.call("symbol_info_tick", ("EURUSD.a",)), host.call("symbols_get"), host.note()) for host in hosts
            )
            assert one == other
            bars = [host.call("copy_rates_from_pos", ("EURUSD.a", 5, 0, 500)).tobytes() for host in hosts]
            assert bars[0] == bars[1]
            clock.advance(1234.5)
    finally:
        for host in hosts:
            host.close()


@pytest.mark.allow_warnings("terminal process hangs")
def test_faults_reach_the_child_and_each_later_one() -> None:
    host = ChildHost(SimulatedLoader(faults={"trade_mode": 2}), FakeClock(NOW))
    try:
        host.open()
        assert host.call("initialize")
        assert host.call("account_info")["trade_mode"] == 2
        host.set_faults({"error_code": -3})
        assert host.call("account_info") is None
        assert host.last_error[0] == -3
        host.set_faults({"hang_s": 60.0, "error_code": 0})
        with pytest.raises(HostHung):
            host.call("account_info", limit_s=0.1)
        host.set_faults({"hang_s": 0.0, "login": 42})  # there is no process now: the next one has it
        host.open()
        assert host.call("initialize")
        assert host.call("account_info")["login"] == 42
        with pytest.raises(AttributeError, match="no_such_fault"):
            host.set_faults({"no_such_fault": 1})
    finally:
        host.close()


def test_abort_from_another_thread_ends_a_call(child: ChildHost) -> None:
    child.open()
    killer = threading.Timer(0.05, child.abort)
    killer.start()
    with pytest.raises(HostDied):
        child.call("hold_the_gil", (50,), limit_s=30)
    killer.join()


#: Starts a child, tells its number, asks it something and waits to be killed.
PARENT = """
import sys, threading
sys.path[:0] = {path!r}
from app.clock import SystemClock
from app.terminal.child_host import ChildHost
from app.terminal.child import Question
from app.terminal.transport import send
from modules_for_child import AwkwardLoader
if __name__ == "__main__":
    host = ChildHost(AwkwardLoader(), SystemClock())
    host.open()
    print(host.pid, flush=True)
    for question in {questions}:
        send(host._channel, Question("call", *question))
    print("asked", flush=True)
    threading.Event().wait()
"""
# A limit in the past makes the child's own watchdog bite half a second later.
HELD = "[('hold_the_gil', (300,), {}, -4.5)]"


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL is of POSIX; Windows ends it by the closed pipe")
@pytest.mark.parametrize("questions", ["[]", "[('sleep', (300,), {}, 300)]", HELD], ids=["idle", "busy", "held"])
def test_a_killed_parent_leaves_no_child(questions: str) -> None:
    path = [str(ROOT), str(Path(__file__).parent)]
    script = PARENT.format(path=path, questions=questions)
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=ROOT)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    assert parent.stdout.readline() == b"asked\n"
    parent.send_signal(signal.SIGKILL)
    parent.wait(5)
    parent.stdout.close()
    child.wait(10)  # raises when it lives on


def test_plain_reaches_into_tuples_and_structs() -> None:
    inner = build(AccountInfo, {"login": 1})
    assert plain((inner, (inner, 3)))[1][0]["login"] == 1
    assert plain(3.5) == 3.5
