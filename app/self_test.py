"""``self-test``: does this installation work? Checked on the parts themselves, in a home of its own."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import bootstrap
from app.errors import MetronomeError, NothingToDo, WorkerCrashed
from app.tasks import Queue, Registry, TaskContext, TaskParams, TaskResult, TaskSpec

if TYPE_CHECKING:
    from app.cli_session import CommandSession
    from app.runs import Run
    from app.workprocess import Report

#: The task that touches every part of the engine and needs no network.
PROBE_TASK = "system_health_check"
PROBE_S = 60.0
#: Added up in a worker process.
PROBE_NUMBERS = (1, 2, 3)


def run(session: CommandSession) -> list[dict[str, Any]]:
    """Make every check and return ``{name, ok, detail}`` for each, in order."""
    checks: Mapping[str, Callable[[CommandSession], str]] = {
        "python": check_python,
        "packages": check_packages,
        "settings": check_settings,
        "home": check_home,
        "time zones": check_time_zones,
        "engine": check_engine,
        "worker process": check_worker_process,
        "terminal process": check_terminal_process,
    }
    return [outcome(name, check, session) for name, check in checks.items()]


def outcome(name: str, check: Callable[[CommandSession], str], session: CommandSession) -> dict[str, Any]:
    """Make one check; its detail says what was found, or what is wrong and what to do."""
    try:
        return {"name": name, "ok": True, "detail": check(session)}
    except (MetronomeError, ImportError, OSError, KeyError) as error:
        explained = bootstrap.explain_missing_library(error) if isinstance(error, ImportError) else ""
        return {"name": name, "ok": False, "detail": explained or str(error)}


def check_python(_session: CommandSession) -> str:
    """Which Python runs this, and whether it is a packaged application."""
    kind = "packaged" if getattr(sys, "frozen", False) else sys.executable
    return f"{sys.version.split()[0]} ({kind})"


def check_packages(_session: CommandSession) -> str:
    """Every package can be imported, with the system libraries that it needs."""
    names = (*bootstrap.RUNTIME_MODULES, "PySide6.QtCore", "PySide6.QtGui", "PySide6.QtWidgets")
    if sys.platform == "win32":
        names = (*names, *bootstrap.WINDOWS_MODULES)
    for name in names:
        if name != "pandas":  # Only ever imported in worker processes.
            import_module(name)
    return f"{len(names) - 1} imported"


def check_settings(session: CommandSession) -> str:
    """The settings were read without complaint.

    Raises:
        MetronomeError: some were not; all complaints are named.
    """
    if session.settings.problems:
        raise MetronomeError(" ".join(session.settings.problems))
    return str(session.paths.settings_file)


def check_home(session: CommandSession) -> str:
    """The home can be written.

    Raises:
        OSError: it cannot.
    """
    session.paths.data.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=session.paths.data) as probe:
        probe.write(b"metronome")
    return str(session.paths.home)


def check_time_zones(_session: CommandSession) -> str:
    """The time zone database is there.

    Raises:
        KeyError: it is not.
    """
    from zoneinfo import ZoneInfo

    return ", ".join(ZoneInfo(name).key for name in ("UTC", "Europe/London", "America/New_York"))


def check_engine(session: CommandSession) -> str:
    """An engine starts in a home of its own, runs a task on the simulated terminal and stops.

    Raises:
        MetronomeError: it does not; the reason of the run is named.
    """
    from app.runs import RunState

    registry = session.load_registry()
    if PROBE_TASK not in registry:
        raise NothingToDo(f"There is no task {PROBE_TASK} to try.")
    found = run_in_new_home(registry, PROBE_TASK)
    if not found.state.is_success and found.state is not RunState.SKIPPED:
        raise MetronomeError(f"{PROBE_TASK} ended as {found.state}: {found.reason}")
    return f"{len(registry)} tasks; {PROBE_TASK} {found.state.value.replace('_', ' ')}"


def check_worker_process(_session: CommandSession) -> str:
    """A task has its work done by a spawned process, as backtests do.

    Raises:
        MetronomeError: it could not be started, or its result did not come back; the reason of the run is named.
    """
    found = run_in_new_home(Registry((SPAWNING_TASK,)), SPAWNING_TASK.id)
    if not found.state.is_success:
        raise MetronomeError(f"The worker process did not do its work: {found.reason}", advice=found.advice)
    return str(found.summary)


def check_terminal_process(_session: CommandSession) -> str:
    """A process of its own can own the terminal module, as with the host ``child``.

    Raises:
        MetronomeError: it could not be started, or gave no answer.
    """
    from app.clock import SystemClock
    from app.terminal.child_host import ChildHost
    from app.terminal.loaders import SimulatedLoader

    host = ChildHost(SimulatedLoader(), SystemClock())
    try:
        host.open()
        if not host.call("initialize") or host.pid in (None, os.getpid()):
            raise MetronomeError("The terminal process does not answer as it should.")
        return f"process {host.pid} answered with {host.call('symbols_total')} symbols"
    finally:
        host.close()


def run_in_new_home(registry: Registry, task: str) -> Run:
    """Run one task with the engine in a home that is removed afterwards, and return the run as it ended.

    Raises:
        MetronomeError: the engine does not start, or the run does not end within ``PROBE_S``.
    """
    from app.cli_session import CommandSession
    from app.runs import Trigger

    with tempfile.TemporaryDirectory(prefix="metronome-self-test-", ignore_cleanup_errors=True) as folder:
        probe = CommandSession.open(str(Path(folder)), {"terminal.kind": "simulated"}, lambda: registry, as_json=True)
        with probe.own(schedule=False) as owner:
            runner = owner.engine.runner
            found = runner.wait(runner.submit(task, None, Trigger.CLI).run_id, PROBE_S)
        if found is None:
            raise MetronomeError(f"{task} did not end within {PROBE_S:.0f} s.")
        return found


class SpawnResult(TaskResult):
    """What came back from the worker process."""

    pid: int
    total: int

    def summary(self) -> str:
        """The result in words."""
        return f"process {self.pid} answered with {self.total}"


def spawn(ctx: TaskContext, _params: TaskParams) -> SpawnResult:
    """Have a worker process add up ``PROBE_NUMBERS``.

    Raises:
        WorkerCrashed: it gave no result, a wrong one, or was this process.
    """
    from app.workprocess import run_in_process

    pid, total = run_in_process(ctx, add_up, PROBE_NUMBERS, limit_s=PROBE_S / 2)
    if pid == os.getpid() or total != sum(PROBE_NUMBERS):
        raise WorkerCrashed(f"The worker process {pid} answered with {total}.")
    return SpawnResult(pid=pid, total=total)


def add_up(report: Report, numbers: tuple[int, ...]) -> tuple[int, int]:
    """The number of the process that runs this, and the sum. At module level, so that the process can import it."""
    report.progress(len(numbers), len(numbers), "added")
    return os.getpid(), sum(numbers)


SPAWNING_TASK = TaskSpec(
    "spawn_worker",
    "Spawn a worker",
    "Has a worker process do a little work.",
    Queue.MAINTENANCE,
    spawn,
    result=SpawnResult,
)
