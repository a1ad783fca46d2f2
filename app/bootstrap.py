"""From a bare Python to one that has what Metronome needs, with the standard library only.

The common case, a second start, costs one small read and one comparison: nothing heavy is imported here, and
``os.path`` stands in for ``pathlib``, whose import alone costs more than all the rest. What a first start needs
is in ``app.bootstrap_install``.
"""

from __future__ import annotations

import os
import sys

#: What ``import`` must find for the application to run, in step with ``dependencies`` in pyproject.toml.
RUNTIME_MODULES = (
    "PySide6",
    "apscheduler",
    "pydantic",
    "numpy",
    "tomlkit",
    "keyring",
    "psutil",
    "httpx",
    "h2",
    "feedparser",
    "pandas",
    "pyqtgraph",
)
WINDOWS_MODULES = ("tzdata", "MetaTrader5")

#: What ``python -m tests`` imports beyond that, in step with the ``dev`` extra.
EXTRA_MODULES = {
    "": (),
    "dev": ("pytest", "pytestqt", "pytest_httpserver", "pytest_timeout", "hypothesis"),
}

#: Debian's names of the libraries that Qt loads; other distributions have them under similar names.
QT_PACKAGES = (
    "libgl1 libegl1 libxkbcommon0 libfontconfig1 libdbus-1-3 libglib2.0-0 libxcb-cursor0 libxcb-icccm4 "
    "libxcb-keysyms1 libxcb-image0 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xkb1 "
    "libxkbcommon-x11-0 libx11-xcb1"
)


def prepare(root: str, extra: str = "") -> None:
    """Return when this Python can run Metronome; otherwise make ``.venv`` in ``root`` and go on in there.

    Args:
        root: The folder that holds ``main.py`` and ``pyproject.toml``.
        extra: The extra that is needed too (``dev``), or nothing.

    Raises:
        app.bootstrap_install.BootstrapError: the packages cannot be installed; says why and what to do.
    """
    if getattr(sys, "frozen", False):
        return
    venv = os.path.join(root, ".venv")
    if is_inside(venv):
        stamp = read_bytes(stamp_path(venv, extra))
        if stamp == stamp_for(root, this_python()):
            return
        if not stamp and not os.path.exists(marker_path(venv)) and can_import(extra):
            return  # Somebody else's tool keeps this environment, for example ``uv run``.
    else:
        if sys.prefix != sys.base_prefix and can_import(extra):
            return  # An environment that was activated on purpose.
        if is_current(root, venv, extra):
            if made_by_this_python(venv, extra):
                adopt(venv)
                return
            go_on_in(venv_python(venv))
        if can_import(extra):
            return
    from app import bootstrap_install

    go_on_in(bootstrap_install.make(root, extra))


def is_inside(venv: str) -> bool:
    """Whether this Python is the one of the environment ``venv``."""
    return os.path.normcase(os.path.realpath(sys.prefix)) == os.path.normcase(os.path.realpath(venv))


def is_current(root: str, venv: str, extra: str) -> bool:
    """Whether ``venv`` was completed for the pyproject.toml in ``root`` as it is now, and still has its Python."""
    _, _, stamped = read_bytes(stamp_path(venv, extra)).partition(b"\n")
    return bool(stamped) and stamped == pyproject(root) and os.path.exists(venv_python(venv))


def can_import(extra: str) -> bool:
    """Whether every package that is needed can be found, without importing any."""
    from importlib.machinery import PathFinder

    needed = RUNTIME_MODULES + EXTRA_MODULES[extra]
    if os.name == "nt":
        needed += WINDOWS_MODULES
    return all(PathFinder.find_spec(name) is not None for name in needed)


def stamp_path(venv: str, extra: str) -> str:
    """The file that says for which pyproject.toml the environment was completed."""
    return os.path.join(venv, f"metronome{'-' + extra if extra else ''}.stamp")


def marker_path(venv: str) -> str:
    """The file that is there while packages are being unpacked: found at a start, it tells of a kill."""
    return os.path.join(venv, "metronome.unfinished")


def stamp_for(root: str, python: str) -> bytes:
    """What a stamp holds: the Python that the packages were made for, and the pyproject.toml word for word.

    A copy rather than a digest: it compares faster than a digest module can be imported.
    """
    return f"{python}\n".encode() + pyproject(root)


def this_python() -> str:
    """The version of this Python and where it lives; an environment and the Python that made it answer the same."""
    return f"python {sys.version_info[0]}.{sys.version_info[1]} {sys.base_prefix}"


def made_by_this_python(venv: str, extra: str) -> bool:
    """Whether the environment was made by this very Python, so that its packages fit this process."""
    made_by, _, _ = read_bytes(stamp_path(venv, extra)).partition(b"\n")
    return sys.prefix == sys.base_prefix and "site" in sys.modules and made_by == this_python().encode()


def adopt(venv: str) -> None:
    """Become the Python of ``venv`` without starting another one, as ``site`` does at the start of an environment.

    Saves the start of a second interpreter at every start and, on Windows, a process that would only wait.
    """
    import site

    # The folders of the packages come last in sys.path, followed by what their .pth files added.
    outside = {*site.getsitepackages(), site.getusersitepackages()}
    sys.path[:] = sys.path[: next((at for at, entry in enumerate(sys.path) if entry in outside), len(sys.path))]
    sys.prefix = sys.exec_prefix = venv
    sys.executable = venv_python(venv)
    for folder in site.getsitepackages([venv]):
        site.addsitedir(folder)


def pyproject(root: str) -> bytes:
    """The project file as it is on the disk."""
    return read_bytes(os.path.join(root, "pyproject.toml"))


def read_bytes(path: str) -> bytes:
    """The content of a file; empty when it cannot be read."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def venv_python(venv: str) -> str:
    """The Python of an environment; without a console on Windows when this one has none either."""
    if os.name != "nt":
        return os.path.join(venv, "bin", "python")
    silent = os.path.basename(sys.executable).lower().startswith("pythonw")
    return os.path.join(venv, "Scripts", "pythonw.exe" if silent else "python.exe")


def go_on_in(python: str) -> None:
    """Run the same command in the Python ``python``; does not return."""
    command = [python, *sys.orig_argv[1:]]
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
    if os.name != "nt":
        os.execv(python, command)  # noqa: S606 - our own interpreter, with the arguments that the user gave
    import signal
    import subprocess

    # Windows cannot replace a process. Ctrl+C reaches both: the child decides, this one waits for its exit code.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    raise SystemExit(subprocess.run(command, check=False).returncode)  # noqa: S603 - as above


def explain_missing_library(error: ImportError) -> str:
    """What to do when Qt's own system libraries are missing; empty when ``error`` is about something else."""
    text = str(error)
    if not sys.platform.startswith("linux") or "cannot open shared object file" not in text:
        return ""
    library = text.partition(":")[0]
    return (
        f"The window cannot be shown: this computer lacks the system library {library}.\n"
        f"Install it, then start again. On Debian and Ubuntu:\n  sudo apt install {QT_PACKAGES}\n"
        "Everything that needs no window works without it: python main.py --headless"
    )


def show_error(text: str) -> None:
    """Tell the user on stderr, or in a message box when Metronome was started without a console."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
    if sys.platform == "win32":
        import ctypes

        # A console that only this process uses closes with it, and the message with the console.
        listed = (ctypes.c_uint32 * 2)()
        if sys.stderr is None or ctypes.windll.kernel32.GetConsoleProcessList(listed, 2) == 1:
            ctypes.windll.user32.MessageBoxW(None, text, "Metronome", 0x10)
