"""The real program on a real X display with a real tray: icon, hide, show, second start, quit by the menu."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

T = TypeVar("T")
ROOT = Path(__file__).resolve().parent.parent.parent
PROGRAMS = ("Xvfb", "openbox", "trayer", "xdotool")
MISSING = [name for name in PROGRAMS if shutil.which(name) is None]
START_S = 25.0
TRAY_S = 6.0
TRAY_TRIES = 3
QUIT_S = 5.0
PAUSE_S = 0.05
CLASS = "metronome|main.py|python"
"""What X may call our windows."""

pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the test drives an X display"),
    pytest.mark.skipif(bool(MISSING), reason=f"these programs are not installed: {', '.join(MISSING)}"),
]


def wait_for(what: str, look: Callable[[], T], timeout_s: float = START_S) -> T:
    """The first answer of ``look`` that is true."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(PAUSE_S)
    pytest.fail(f"{what} did not happen within {timeout_s:g} s")


class Desktop:
    """An X display with a window manager and a tray."""

    def __init__(self, folder: Path) -> None:
        self.env = {name: value for name, value in os.environ.items() if name != "DBUS_SESSION_BUS_ADDRESS"}
        # Without a bus of the session Qt docks its icon into the tray of the X display.
        self.env |= {"QT_QPA_PLATFORM": "xcb", "QT_SCALE_FACTOR": "1", "HOME": str(folder)}
        self._children: list[subprocess.Popen[bytes]] = []
        self._folder = folder
        reading, writing = os.pipe()
        try:
            self.launch("Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x800x24", pass_fds=(writing,))
        finally:
            os.close(writing)
        with os.fdopen(reading, encoding="ascii") as number:
            self.env["DISPLAY"] = f":{number.readline().strip()}"
        self.launch("openbox")
        self._start_tray()

    def _start_tray(self) -> None:
        # Not our program: a tray that met a window manager which was not ready yet stays unseen, so begin it again.
        for _ in range(TRAY_TRIES):
            tray = self.launch(
                "trayer", "--edge", "bottom", "--align", "right", "--widthtype", "pixel", "--width", "200"
            )
            deadline = time.monotonic() + TRAY_S
            while time.monotonic() < deadline:
                if self.windows("--class", "trayer"):
                    return
                time.sleep(PAUSE_S)
            tray.terminate()
            tray.wait(10)
        self.stop()
        pytest.skip(f"the tray of this machine (trayer) did not show itself in {TRAY_TRIES} tries")

    def launch(self, *command: str, pass_fds: tuple[int, ...] = ()) -> subprocess.Popen[bytes]:
        """Start a program on this display."""
        with (self._folder / "programs.log").open("ab") as output:
            child = subprocess.Popen(command, env=self.env, stdout=output, stderr=output, pass_fds=pass_fds, cwd=ROOT)
        self._children.append(child)
        return child

    def metronome(self, home: Path, *more: str) -> subprocess.Popen[bytes]:
        """Start the program under test."""
        return self.launch(sys.executable, "main.py", "--home", str(home), *more)

    def xdotool(self, *command: str) -> str:
        """What xdotool answers; empty when it finds nothing."""
        done = subprocess.run(["xdotool", *command], env=self.env, capture_output=True, text=True, timeout=20)
        return done.stdout.strip()

    def windows(self, *what: str) -> list[str]:
        """The visible windows that fit."""
        return self.xdotool("search", "--onlyvisible", *what).split()

    def main_windows(self) -> list[str]:
        """The visible windows of Metronome that are as large as a window is."""
        found = self.windows("--name", "^Metronome$")
        return [window for window in found if self.size(window)[0] > 400]

    def size(self, window: str) -> tuple[int, int]:
        """Width and height of a window, pixels; nought when it is gone."""
        shown = dict(
            line.split("=", 1)
            for line in self.xdotool("getwindowgeometry", "--shell", window).splitlines()
            if "=" in line
        )
        return int(shown.get("WIDTH", 0)), int(shown.get("HEIGHT", 0))

    def icons(self) -> list[str]:
        """The icon of Metronome in the tray: its only visible window that is small."""
        found = self.windows("--class", CLASS)
        return [window for window in found if 0 < self.size(window)[0] <= 64]

    def click(self, window: str, button: int) -> None:
        """Click into the middle of a window."""
        width, height = self.size(window)
        self.xdotool("mousemove", "--window", window, str(width // 2), str(height // 2), "click", str(button))

    def stop(self) -> None:
        """End everything that was started, the last first."""
        for child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
            try:
                child.wait(10)
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait(10)


@pytest.fixture
def desktop(tmp_path: Path) -> Iterator[Desktop]:
    desk = Desktop(tmp_path)
    yield desk
    desk.stop()


def quit_by_menu(desktop: Desktop, icon: str, running: subprocess.Popen[bytes]) -> None:
    """Open the menu of the icon and choose its last entry."""
    desktop.click(icon, 3)
    others = {icon, *desktop.main_windows()}
    wait_for("the menu", lambda: {w for w in desktop.windows("--class", CLASS) if desktop.size(w)[1] > 40} - others)
    time.sleep(PAUSE_S)  # the menu takes the keyboard after it is mapped
    desktop.xdotool("key", "Up")
    desktop.xdotool("key", "Return")
    assert running.wait(QUIT_S) == 0


def test_the_tray_holds_the_program_while_its_window_is_closed(desktop: Desktop, tmp_path: Path) -> None:
    home = tmp_path / "home"
    running = desktop.metronome(home)
    window = wait_for("the window", desktop.main_windows)[0]
    icon = wait_for("the icon in the tray", desktop.icons)[0]
    wait_for("the engine's start", (home / "data" / "metronome.db").is_file)

    desktop.xdotool("windowactivate", "--sync", window)
    desktop.xdotool("key", "--clearmodifiers", "alt+F4")
    wait_for("hiding", lambda: not desktop.main_windows())
    assert running.poll() is None

    desktop.click(icon, 1)
    wait_for("showing again", desktop.main_windows)
    desktop.xdotool("key", "--clearmodifiers", "alt+F4")
    wait_for("hiding again", lambda: not desktop.main_windows())

    second = desktop.metronome(home)
    assert second.wait(START_S) == 0
    wait_for("the second start to show the window", desktop.main_windows)
    assert running.poll() is None

    quit_by_menu(desktop, icon, running)


def test_a_minimized_start_shows_only_the_icon(desktop: Desktop, tmp_path: Path) -> None:
    home = tmp_path / "home"
    running = desktop.metronome(home, "--minimized")
    icon = wait_for("the icon in the tray", desktop.icons)[0]
    wait_for("the engine's start", (home / "data" / "metronome.db").is_file)
    assert desktop.main_windows() == []
    quit_by_menu(desktop, icon, running)
