"""What every test gets: no screen needed, no thread left behind, no warning unnoticed."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

# Before the first import of Qt by anybody.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Plain ``pytest`` does not put the checkout on the path; ``python -m pytest`` does.
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import pytest

from app import log as app_log
from app.clock import FakeClock
from app.paths import Paths

ROOT = Path(__file__).resolve().parent.parent

#: How long a thread may take to end after its test; most have ended already.
THREADS_END_S = 2.0

#: Threads that libraries keep for the life of the process.
LASTING_THREADS = ("pydevd", "QtThread", "Dummy-")


class LogGuard(logging.Handler):
    """Gathers warnings and worse that no test asked for."""

    def __init__(self, allowed: tuple[str, ...]) -> None:
        super().__init__(logging.WARNING)
        self.allowed = allowed
        self.unexpected: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if not any(part in text or part == record.name for part in self.allowed):
            self.unexpected.append(f"{record.levelname} {record.name}: {text}")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers", "allow_warnings(*parts): log warnings with this text or of this logger are expected; none: all are"
    )


@pytest.fixture(autouse=True)
def no_unexpected_warnings(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fails a test that logs a warning or an error, unless ``@pytest.mark.allow_warnings("part of it")`` expects it.

    A test that reads ``caplog`` looks at the records itself.
    """
    markers = list(request.node.iter_markers("allow_warnings"))
    allowed = tuple(str(part) for marker in markers for part in (marker.args or ("",)))
    guard = LogGuard(allowed)
    logging.getLogger().addHandler(guard)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(guard)
    if guard.unexpected and "caplog" not in request.fixturenames:
        pytest.fail("Unexpected log records:\n" + "\n".join(guard.unexpected), pytrace=False)


@pytest.fixture(autouse=True)
def no_thread_left_behind() -> Iterator[None]:
    """Fails a test after which a thread of Python, daemon or not, goes on."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + THREADS_END_S
    for thread in set(threading.enumerate()) - before:
        if not thread.name.startswith(LASTING_THREADS):
            thread.join(max(0.0, deadline - time.monotonic()))
    left = [
        thread.name
        for thread in set(threading.enumerate()) - before
        if thread.is_alive() and not thread.name.startswith(LASTING_THREADS)
    ]
    if left:
        pytest.fail(f"Threads left behind: {', '.join(left)}", pytrace=False)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Ends logging that a test set up, and gives the root logger its level back."""
    level = logging.getLogger().level
    yield
    app_log.shutdown()
    logging.getLogger().setLevel(level)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The reference data beside the checkout (real bars, expected results)."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip(f"the reference data is not beside the checkout: {folder}")
    return folder


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """An empty home folder, with a blank in its name as users have."""
    folder = tmp_path / "my home"
    folder.mkdir()
    return folder


@pytest.fixture
def paths(home: Path) -> Paths:
    """The paths of ``home``, all folders made."""
    found = Paths(home)
    found.create()
    return found


@pytest.fixture
def fake_clock() -> FakeClock:
    """A clock at 2025-06-03 12:00 UTC (a Tuesday) that moves when told to."""
    return FakeClock()
