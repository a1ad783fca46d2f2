"""``self-test``: does this installation work? Checked on the parts themselves, in a home of its own."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import bootstrap
from app.errors import MetronomeError, NothingToDo

if TYPE_CHECKING:
    from app.cli_session import CommandSession

#: The task that touches every part of the engine and needs no network.
PROBE_TASK = "system_health_check"
PROBE_S = 60.0


def run(session: CommandSession) -> list[dict[str, Any]]:
    """Make every check and return ``{name, ok, detail}`` for each, in order."""
    checks: Mapping[str, Callable[[CommandSession], str]] = {
        "python": check_python,
        "packages": check_packages,
        "settings": check_settings,
        "home": check_home,
        "time zones": check_time_zones,
        "engine": check_engine,
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
    from app.cli_session import CommandSession
    from app.runs import RunState, Trigger

    with tempfile.TemporaryDirectory(prefix="metronome-self-test-", ignore_cleanup_errors=True) as folder:
        probe = CommandSession.open(
            str(Path(folder)), {"terminal.kind": "simulated"}, session.load_registry, as_json=True
        )
        registry = probe.load_registry()
        if PROBE_TASK not in registry:
            raise NothingToDo(f"There is no task {PROBE_TASK} to try.")
        with probe.own(schedule=False) as owner:
            runner = owner.engine.runner
            found = runner.wait(runner.submit(PROBE_TASK, None, Trigger.CLI).run_id, PROBE_S)
        if found is None:
            raise MetronomeError(f"{PROBE_TASK} did not end within {PROBE_S:.0f} s.")
        if not found.state.is_success and found.state is not RunState.SKIPPED:
            raise MetronomeError(f"{PROBE_TASK} ended as {found.state}: {found.reason}")
        return f"{len(registry)} tasks; {PROBE_TASK} {found.state.value.replace('_', ' ')}"
