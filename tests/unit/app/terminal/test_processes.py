"""Is a terminal running? Asked of the real list of processes."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.clock import SystemClock
from app.terminal.child_host import ChildHost
from app.terminal.errors import TerminalUnavailable
from app.terminal.loaders import GenuineLoader
from app.terminal.processes import terminal_running


@contextmanager
def running(file: Path) -> Iterator[Path]:
    """A small program that runs under this name."""
    sleep = shutil.which("sleep")
    if sleep is None or sys.platform == "win32":
        pytest.skip("needs a small program that can be copied and waits")
    file.parent.mkdir(exist_ok=True)
    shutil.copy(sleep, file)
    process = subprocess.Popen([file, "60"])
    try:
        yield file
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Path]:
    """A program of the terminal's name that runs."""
    with running(tmp_path / "terminal64.exe") as file:
        yield file


def test_a_running_terminal_is_found_by_name_and_by_file(program: Path, tmp_path: Path) -> None:
    assert terminal_running()
    assert terminal_running(str(program))
    assert not terminal_running(str(tmp_path / "other" / "terminal64.exe"))
    GenuineLoader(str(program)).look()


def test_metatrader_4_is_no_terminal_of_ours(tmp_path: Path) -> None:
    with running(tmp_path / "mt4" / "terminal.exe") as file:
        assert not terminal_running()
        assert not terminal_running(str(tmp_path / "mt5" / "terminal.exe"))
        assert terminal_running(str(file))  # named in terminal.path: the user's word


def test_without_one_no_process_is_made_for_the_module() -> None:
    host = ChildHost(GenuineLoader("C:\\No\\Such\\terminal64.exe"), SystemClock())
    with pytest.raises(TerminalUnavailable, match=r"No\\Such\\terminal64\.exe is not running") as caught:
        host.open()
    assert "Start it" in caught.value.advice
    assert (host.starts, host.pid) == (0, None)
