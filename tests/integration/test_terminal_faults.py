"""Every fault of the simulated terminal against every task that uses the terminal, over the real engine.

Tasks are taken from the registry: one that is added with ``terminal=True`` is tested here without another line, but
for its parameters if it has any without default.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from app.cli_session import CommandSession
from app.engine import Engine
from app.errors import MetronomeError
from app.runs import Run, RunState, Trigger
from app.tasks import Registry, Retries
from app.terminal.simulated import Faults
from app.terminal.values import SessionState
from workers import registry

#: Parameters of tasks that cannot do without.
PARAMETERS: dict[str, dict[str, Any]] = {"evaluate_single_symbol": {"symbol": "EURUSD"}}
HEALTH = "system_health_check"
TASKS = [spec.id for spec in registry() if spec.terminal]
LIMIT_S = 20.0
_S = RunState
GOOD = frozenset({_S.SUCCEEDED, _S.SUCCEEDED_WITH_WARNINGS})
#: No task can do anything, so none may say that it did.
NONE = frozenset({_S.SKIPPED, _S.FAILED})
ANY = GOOD | NONE


@dataclass(frozen=True)
class Fault:
    """A fault and what may come of it.

    Attributes:
        states: How a task may end.
        says: Part of the reason of a task that did not succeed, or of what the health check says.
        session: State of the session afterwards.
        told: Whether the health check finds something wrong with the terminal.
        still: Whether quotes stand still while their markets are open, which the collection and the health check tell.
        also: How single tasks end, whatever they do without the fault.
    """

    name: str
    values: dict[str, Any]
    states: frozenset[RunState]
    says: str = ""
    session: SessionState = SessionState.CONNECTED
    told: bool = False
    still: bool = False
    also: dict[str, frozenset[RunState]] = field(default_factory=dict)


def error(code: int, says: str, state: SessionState = SessionState.DISCONNECTED) -> Fault:
    """The fault that every call fails with this code."""
    return Fault(f"error {code}", {"error_code": code}, NONE, says, state, told=True)


_NOT_ANSWERING, _WRONG = SessionState.NOT_ANSWERING, SessionState.WRONG_ACCOUNT
FAULTS = [
    Fault("not running", {"not_running": True}, frozenset({_S.SKIPPED}), "", SessionState.DISCONNECTED, told=True),
    Fault("offline", {"offline": True}, frozenset({_S.SKIPPED}), "trade server", SessionState.DISCONNECTED, told=True),
    Fault("hang", {"hang_s": 120.0}, NONE, "", _NOT_ANSWERING, told=True),
    Fault("slow", {"slow_s": 0.02}, GOOD),
    error(-1, "could not do it now"),
    error(-2, "arguments were refused"),
    error(-3, "out of memory"),
    error(-4, "nothing under that name"),
    error(-5, "do not fit together"),
    error(-6, "refused the login"),
    error(-7, "does not support"),
    error(-8, "forbids trading"),
    error(-10000, "does not fit"),
    error(-10001, "broke while asking"),
    error(-10002, "broke while waiting"),
    error(-10003, "could not be reached"),
    error(-10004, "no connection"),
    error(-10005, "does not answer", _NOT_ANSWERING),
    error(-4711, "not documented"),
    Fault("stale", {"stale_s": 7200.0}, GOOD, still=True, also={
        "collect_market_data": frozenset({_S.SUCCEEDED_WITH_WARNINGS}),
    }),
    Fault("zero prices", {"zero_prices": True}, ANY, also={
        "collect_market_data": frozenset({_S.SUCCEEDED_WITH_WARNINGS}),
    }),
    Fault("one missing", {"missing": frozenset({"XAUUSD"})}, GOOD),
    Fault("all missing", {"missing": frozenset({"EURUSD", "XAUUSD"})}, ANY, also={
        "collect_market_data": frozenset({_S.FAILED}), "evaluate_single_symbol": frozenset({_S.FAILED}),
    }),
    Fault("late history", {"late_history": True}, ANY, also={"collect_market_data": GOOD}),
    Fault("wrong account", {"login": 42}, frozenset({_S.SKIPPED}), "account 42", _WRONG, told=True),
    Fault("AutoTrading off", {"auto_trading_off": True}, GOOD),
    Fault("API trading off", {"api_trading_off": True}, GOOD),
]  # fmt: skip


class Rig:
    """An engine in the middle of a trading day; its faults are set and taken back while it runs."""

    def __init__(self, home: Path, host: str) -> None:
        settings = {
            "terminal.host": host,
            "terminal.simulated.now": "2025-06-03T12:00:00Z",
            "terminal.call_timeout_s": "0.5",
            "terminal.login": "5000001",
            "market.watch_list": "EURUSD,XAUUSD",
        }
        session = CommandSession.open(str(home), settings, registry, as_json=False)
        # One try each: what a second one brings is the runner's own matter.
        specs = [replace(spec, retries=Retries()) for spec in registry()]
        self.host = host
        self.usual: dict[str, frozenset[RunState]] = {}
        self.engine = Engine(session.paths, session.settings, Registry(specs))
        self.engine.terminal._options = replace(self.engine.terminal._options, first_pause_s=0.05)
        self.engine.start(schedule=False)
        self.off = {name: getattr(Faults(), name) for fault in FAULTS for name in fault.values}

    def set(self, values: dict[str, Any]) -> None:
        """Switch faults on."""
        self.engine.terminal.set_faults(**values)

    def learn(self) -> None:
        """How each task ends without a fault, the first time and when it has just run; asked once."""
        for task in TASKS:
            if task not in self.usual:
                runs = [self.run(task), self.run(task)]
                assert all(run.state in GOOD | {_S.SKIPPED} for run in runs), (task, runs[0].reason)
                self.usual[task] = frozenset(run.state for run in runs)

    def recover(self) -> float:
        """Take all faults back; seconds until the session is connected, which nobody asks it to be."""
        self.set(self.off)
        began = time.monotonic()
        while not self.engine.terminal.status.connected:
            assert time.monotonic() - began < 30, self.engine.terminal.status
            time.sleep(0.01)
        return time.monotonic() - began

    def connect(self) -> None:
        """Be connected without faults, whatever was before."""
        self.set(self.off)
        end = time.monotonic() + 30
        while True:
            try:
                self.engine.terminal.ensure_connected(5)
            except MetronomeError:
                assert time.monotonic() < end
                time.sleep(0.02)
            else:
                return

    def run(self, task: str) -> Run:
        """A run of that task as it ended."""
        runner = self.engine.runner
        found = runner.wait(runner.submit(task, PARAMETERS.get(task), Trigger.MANUAL).run_id, LIMIT_S)
        assert found is not None, f"{task} did not end"
        return found


@pytest.fixture(scope="module", params=["in_process", "child"])
def shared_rig(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    rig = Rig(tmp_path_factory.mktemp(request.param), request.param)
    yield rig
    rig.set(rig.off)
    assert rig.engine.stop()


@pytest.fixture
def rig(shared_rig: Rig) -> Rig:
    shared_rig.connect()
    return shared_rig


@pytest.mark.allow_warnings
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_every_task_says_what_became_of_it(rig: Rig, fault: Fault) -> None:
    rig.learn()
    rig.set(fault.values)
    began = time.monotonic()
    for task in TASKS:
        run = rig.run(task)
        allowed = fault.also.get(task, fault.states)
        if not fault.told and task not in fault.also:
            allowed |= rig.usual[task]  # a task may have nothing to do, with or without a fault
        assert run.state in allowed, (task, run.state, run.reason)
        if task == "collect_market_data" and fault.still:
            assert "The quotes of EURUSD, XAUUSD are at least 2 h old although their markets are open" in run.reason
            assert "market seems closed" not in f"{run.reason} {run.result}"
        assert not run.error, (task, run.error)  # a fault of the terminal is no bug of ours
        if not run.state.is_success:
            assert run.reason, task
        if run.state is _S.FAILED or fault.told:
            assert run.advice, (task, run.reason)
            assert fault.says in run.reason, (task, run.reason)
    health = rig.run(HEALTH)
    assert health.state is RunState.SUCCEEDED
    (check,) = (check for check in health.result["checks"] if check["name"] == "terminal")
    assert (check["verdict"] != "ok") == fault.told, check
    (quotes,) = (check for check in health.result["checks"] if check["name"] == "quotes")
    assert (quotes["verdict"] == "warning") == fault.still, quotes
    # Nobody waits for a hang longer than the limit of the calls; the others are refused at once.
    assert time.monotonic() - began < LIMIT_S
    assert rig.engine.terminal.status.state is fault.session
    if fault.told:
        assert rig.engine.terminal.outages()[-1].open
        assert rig.recover() < 15
        assert not rig.engine.terminal.outages()[-1].open


@pytest.mark.allow_warnings
@pytest.mark.parametrize("task", TASKS)
def test_every_task_works_again_after_a_hang(rig: Rig, task: str) -> None:
    rig.learn()
    rig.set({"hang_s": 120.0})
    assert rig.run(task).state in NONE
    rig.recover()
    after = rig.run(task)
    # A new child has a new account with new deals; without, there may be nothing new to record.
    assert after.state in rig.usual[task] | GOOD, after.reason
    assert not after.error


@pytest.mark.allow_warnings
def test_a_hang_in_the_middle_of_a_run_ends_it_and_nothing_else(rig: Rig) -> None:
    """The first look finds all well; then calls hang while the run is at work."""
    runner = rig.engine.runner
    rig.set({"slow_s": 0.05})
    run_id = runner.submit("collect_market_data", None, Trigger.MANUAL).run_id
    wait_for(lambda: runner.unfinished(run_id) is None or runner.unfinished(run_id).started_at is not None)  # type: ignore[union-attr]
    rig.set({"hang_s": 120.0, "slow_s": 0.0})
    other = rig.run(HEALTH)
    assert other.state is RunState.SUCCEEDED
    ended = runner.wait(run_id, LIMIT_S)
    assert ended is not None
    assert ended.state in ANY
    assert not ended.error
    rig.recover()


@pytest.mark.allow_warnings
def test_the_settings_switch_host_and_faults_without_a_restart(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "home", "in_process")
    engine = rig.engine
    engine.settings._overrides.pop("terminal.host")
    try:
        rig.connect()
        engine.settings.set("terminal.host", "child")
        wait_for(lambda: engine.terminal.status.host == "child" and engine.terminal.status.connected)
        assert rig.run("collect_market_data").state in GOOD
        engine.settings.set("terminal.simulated.faults.offline", "true")
        assert "trade server" in rig.run("collect_market_data").reason
        engine.settings.set("terminal.host", "in_process")
        wait_for(lambda: engine.terminal.status.host == "in_process" and bool(engine.terminal.status.reason))
        assert "trade server" in rig.run("collect_market_data").reason
        engine.settings.set("terminal.simulated.faults.offline", "false")
        rig.connect()
        assert rig.run("collect_market_data").state in GOOD
    finally:
        assert engine.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not happen within 20 s"
        time.sleep(0.01)


def test_tasks_that_need_parameters_have_some() -> None:
    for spec in registry():
        if spec.terminal:
            needed = [name for name, info in spec.params.model_fields.items() if info.is_required()]
            assert set(needed) <= set(PARAMETERS.get(spec.id, {})), f"Name parameters of {spec.id} in PARAMETERS"
