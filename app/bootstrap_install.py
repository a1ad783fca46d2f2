"""The first start: an environment beside main.py, and the packages in it. Standard library only.

Nothing is written to stdout, which belongs to the command's own answer (``--json``).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from importlib.machinery import PathFinder

from app import bootstrap
from app.errors import UserAction

LOCK_POLL_S = 0.2
NOTHING_LOST = "Nothing is lost: your settings and data were not touched. The same command goes on from here."

#: What pip says when it cannot reach its index, in the words of the libraries that it uses.
NETWORK_SIGNS = re.compile(
    r"NewConnectionError|Failed to establish|name resolution|getaddrinfo|Max retries exceeded|ConnectTimeout"
    r"|ReadTimeout|ProxyError|Cannot connect to proxy|Network is unreachable|Connection (refused|reset|aborted|broken)"
    r"|SSLError|Temporary failure",
    re.IGNORECASE,
)


class BootstrapError(UserAction):
    """The packages cannot be installed; the advice says what the user can do."""


def make(root: str, extra: str) -> str:
    """Make ``.venv`` in ``root`` or bring it up to date, and return its Python.

    Two starts at the same time do this one after the other; the second finds it done.

    Raises:
        BootstrapError: no network, no room, no right to write, a damaged or foreign environment.
    """
    venv = os.path.join(root, ".venv")
    needed = requirements(root, extra)
    try:
        with start_lock(root) as lock:
            if not bootstrap.is_inside(venv) and bootstrap.is_current(root, venv, extra):
                return bootstrap.venv_python(venv)
            began = time.monotonic()
            python = ensure_environment(venv)
            install(venv, python, needed, lock)
            compile_sources(root, python)
            write_stamps(root, venv, python, extra)
            say(f"Ready after {time.monotonic() - began:.0f} s. The next start takes none of this.")
    except OSError as error:
        raise BootstrapError(
            f"Metronome could not write the folder {venv}: {error.strerror or error}.",
            advice=f"Free some space, or move Metronome to a folder that you may write. {NOTHING_LOST}",
        ) from error
    return bootstrap.venv_python(venv)


def requirements(root: str, extra: str) -> list[str]:
    """The requirement lines of the project and of one extra.

    Raises:
        BootstrapError: pyproject.toml is missing or damaged.
    """
    path = os.path.join(root, "pyproject.toml")
    try:
        with open(path, "rb") as file:
            project = tomllib.load(file)["project"]
    except (OSError, tomllib.TOMLDecodeError, KeyError) as error:
        raise BootstrapError(
            f"The list of packages in {path} cannot be read: {error}.", advice="Get a fresh copy of Metronome."
        ) from error
    extras = project.get("optional-dependencies", {})
    return [*project.get("dependencies", []), *(extras.get(extra, []) if extra else [])]


def ensure_environment(venv: str) -> str:
    """Return the Python of a usable environment with pip, made anew where it has to be.

    Raises:
        BootstrapError: the environment is not ours and of no use, or this Python cannot make one.
    """
    python = bootstrap.venv_python(venv)
    if bootstrap.is_inside(venv):
        ensure_pip(sys.executable)
        return sys.executable
    unfinished = os.path.exists(bootstrap.marker_path(venv))
    if os.path.isdir(venv) and not unfinished:
        version = python_version(python)
        if version >= (3, 11):
            ensure_pip(python)
            return python
        if os.listdir(venv) and not os.path.exists(bootstrap.stamp_path(venv, "")):
            raise BootstrapError(
                f"There is an environment in {venv} that Metronome did not make and cannot use "
                f"({'its Python does not start' if version == (0, 0) else 'its Python is older than 3.11'}).",
                advice="Rename or delete that folder, then start again.",
            )
    if os.path.lexists(venv):
        say("The environment was left unfinished or its Python is gone: making it again ...")
        shutil.rmtree(venv)
    create(venv)
    return python


def create(venv: str) -> None:
    """Make an empty environment with pip in it.

    Raises:
        BootstrapError: this Python came without the modules for that.
    """
    missing = [name for name in ("venv", "ensurepip") if PathFinder.find_spec(name) is None]
    if missing:
        raise no_venv_module(", ".join(missing))
    say("First start: making an environment of its own in .venv ...")
    os.mkdir(venv)
    with open(bootstrap.marker_path(venv), "w", encoding="utf-8") as marker:
        marker.write("Metronome is filling this environment; while this file is here it is not complete.\n")
    made = run([sys.executable, "-m", "venv", venv])
    if made.returncode != 0:
        shutil.rmtree(venv, ignore_errors=True)
        if "ensurepip" in made.stdout:
            raise no_venv_module("ensurepip")
        raise BootstrapError(
            f"The environment {venv} could not be made: {last_line(made.stdout)}",
            advice=f"Mend what that line names, then start again. {NOTHING_LOST}",
        )


def no_venv_module(names: str) -> BootstrapError:
    """The error of a Python whose distributor split ``venv`` off."""
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    return BootstrapError(
        f"This Python ({sys.executable}) came without {names}, so it cannot make an environment.",
        advice=f"On Debian and Ubuntu: sudo apt install python{version}-venv. Then start again.",
    )


def ensure_pip(python: str) -> None:
    """Put pip into an environment that has none (made by another tool, or by a Python that was upgraded).

    Raises:
        BootstrapError: it cannot be put there.
    """
    if run([python, "-c", "import pip"]).returncode == 0:
        return
    done = run([python, "-m", "ensurepip", "--upgrade"])
    if done.returncode != 0:
        raise BootstrapError(
            f"The environment of {python} has no pip, and none could be added: {last_line(done.stdout)}",
            advice="Delete the folder .venv beside main.py, then start again.",
        )


def python_version(python: str) -> tuple[int, int]:
    """The version of the interpreter ``python``; (0, 0) when it does not start."""
    if not os.path.exists(python):
        return (0, 0)
    try:
        answer = run([python, "-c", "import sys; print(*sys.version_info[:2])"])
    except OSError:
        return (0, 0)
    parts = answer.stdout.split()
    return (int(parts[0]), int(parts[1])) if answer.returncode == 0 and len(parts) == 2 else (0, 0)


def install(venv: str, python: str, needed: list[str], lock: int) -> None:
    """Install the requirement lines with pip; its full output goes to a log file in ``venv``.

    Raises:
        BootstrapError: pip failed; names the cause as far as its output tells.
    """
    if os.path.exists(bootstrap.stamp_path(venv, "")):
        say(f"Bringing {len(needed)} packages in .venv up to date ...")
    else:
        say(f"Installing {len(needed)} packages and what they need (once; some 120 MB, a minute or two) ...")
    command = [python, "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    command += ["--progress-bar", "off", "--prefer-binary"]
    marker = bootstrap.marker_path(venv)
    if os.path.exists(marker) and bootstrap.is_inside(venv):
        command.append("--force-reinstall")  # An environment cannot delete itself; this repairs it in place.
    log_path = os.path.join(venv, "metronome-install.log")
    tail: list[str] = []
    with open(log_path, "w", encoding="utf-8") as log, pip_output([*command, *needed], lock) as process:
        for line in process.stdout or ():
            log.write(line)
            tail = [*tail[-60:], line]
            if line.startswith("Installing collected packages"):
                # From here on a kill leaves packages half unpacked, and the next start must not trust them.
                with open(marker, "w", encoding="utf-8") as unfinished:
                    unfinished.write("Packages were being unpacked.\n")
            show_progress(line)
    if process.returncode == 0:
        return
    with contextlib.suppress(FileNotFoundError):
        os.remove(marker)  # pip stopped by itself and in good order.
    raise explain("".join(tail), log_path)


@contextlib.contextmanager
def pip_output(command: list[str], lock: int) -> Iterator[subprocess.Popen[str]]:
    """Run pip with both its streams in one pipe; it is ended when the reader gives up (Ctrl+C).

    It holds the lock of the installation too: when this process is killed, the next start waits until pip has ended.
    """
    process = subprocess.Popen(  # noqa: S603 - the Python that we just made, and requirement lines of our own file
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        creationflags=no_console(),
        pass_fds=() if sys.platform == "win32" else (lock,),
    )
    with process:
        try:
            yield process
        except BaseException:
            process.terminate()
            raise


def show_progress(line: str) -> None:
    """Show the lines of pip that tell a person how far it is."""
    text = line.strip()
    found = re.match(r"(?:Downloading|Using cached) (?:\S*/)?([A-Za-z0-9_.]+?)-\d\S* \((.+)\)", text)
    if found:
        verb = "cached" if text.startswith("Using") else "downloading"
        say(f"  {verb} {found[1]} ({found[2]})")
    elif text.startswith("Installing collected packages"):
        say(f"  unpacking {text.count(',') + 1} packages ...")
    elif "WARNING: Retrying" in text:
        say("  the package index does not answer; trying again ...")


def explain(output: str, log_path: str) -> BootstrapError:
    """The error that tells from pip's last words what went wrong."""
    if "No space left" in output or "[Errno 28]" in output:
        cause, advice = "the disk is full", "Free about 1 GB, then start again."
    elif NETWORK_SIGNS.search(output):
        cause = "the package index cannot be reached"
        advice = "Check the network connection (behind a proxy: set HTTPS_PROXY), then start again."
    elif "No matching distribution" in output or "Could not find a version" in output:
        cause = f"a package is not to be had for this Python: {last_line(output)}"
        advice = "Check the network connection and that Python is 3.11 to 3.14, 64 bit; then start again."
    else:
        cause, advice = f"pip said: {last_line(output)}", "Mend what that line names, then start again."
    return BootstrapError(
        f"The packages that Metronome needs could not be installed: {cause}.",
        advice=f"{advice} {NOTHING_LOST} Details: {log_path}",
    )


def compile_sources(root: str, python: str) -> None:
    """Compile the project as pip does its packages: where Python may not keep what it compiled (a folder without the
    right to write, ``PYTHONDONTWRITEBYTECODE``), each start would do it anew, for a second of time and 4 MB of memory.

    A folder that refuses the files costs no more than that, so nothing is said of it.
    """
    folders = [name for name in ("app", "workers", "ui") if os.path.isdir(os.path.join(root, name))]
    run([python, "-m", "compileall", "-q", *folders], folder=root)


def write_stamps(root: str, venv: str, python: str, extra: str) -> None:
    """Note that the environment is complete, and for which pyproject.toml; last of all."""
    told = run([python, "-c", "from app import bootstrap; print(bootstrap.this_python())"], folder=root)
    stamp = bootstrap.stamp_for(root, told.stdout.strip())
    for name in {"", extra}:
        path = bootstrap.stamp_path(venv, name)
        with open(f"{path}.new", "wb") as file:
            file.write(stamp)
            file.flush()
            os.fsync(file.fileno())
        os.replace(f"{path}.new", path)
    with contextlib.suppress(FileNotFoundError):
        os.remove(bootstrap.marker_path(venv))


@contextlib.contextmanager
def start_lock(root: str) -> Iterator[int]:
    """Hold the lock of the installation and give its descriptor; the system frees it when its holders are gone."""
    with open(os.path.join(root, ".venv.lock"), "a+b") as file:
        waited = False
        while not try_lock(file.fileno()):
            if not waited:
                say("Another start of Metronome is installing the packages: waiting for it ...")
                waited = True
            time.sleep(LOCK_POLL_S)
        yield file.fileno()


def try_lock(descriptor: int) -> bool:
    """Take the exclusive lock on an open file without waiting; tell whether that worked."""
    try:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(descriptor, 0, os.SEEK_SET)
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    return True


def run(command: list[str], folder: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run a command of ours to its end; its two streams come back as one text."""
    return subprocess.run(  # noqa: S603 - only interpreters that we were started with or made
        command,
        check=False,
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        creationflags=no_console(),
    )


def no_console() -> int:
    """The creation flag that keeps Windows from opening a console window for a child of a windowed program."""
    if sys.platform == "win32" and sys.stderr is None:
        return subprocess.CREATE_NO_WINDOW
    return 0


def last_line(text: str) -> str:
    """The last line that says something."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("ERROR")]
    return (errors or lines or ["no message"])[-1]


def say(text: str) -> None:
    """Show progress to a person."""
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
