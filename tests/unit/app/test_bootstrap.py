"""The first start on a bare machine, for real: environments are made in a temporary tree, without any network."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from app import bootstrap, bootstrap_install

ROOT = Path(__file__).resolve().parents[3]
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)

STUB_CLI = """
import os, sys

def main(arguments, wiring):
    import metrotiny
    print(os.getpid(), sys.prefix, sys.executable, *arguments, metrotiny.ANSWER, sep="|")
    return 7
"""


def make_wheel(folder: Path) -> Path:
    """A package of three lines, so that pip has something to install without a network."""
    path = folder / "metrotiny-1.0-py3-none-any.whl"
    info = "metrotiny-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("metrotiny.py", "ANSWER = 42\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: metrotiny\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", f"metrotiny.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n")
    return path


def make_tree(folder: Path, requirement: str) -> Path:
    """A copy of the part of the project that starts it, with one small requirement."""
    (folder / "app").mkdir(parents=True)
    shutil.copy(ROOT / "main.py", folder)
    for name in ("__init__", "bootstrap_install", "cli_values", "errors"):
        shutil.copy(ROOT / "app" / f"{name}.py", folder / "app")
    source = (ROOT / "app" / "bootstrap.py").read_text(encoding="utf-8")
    needed = '\nRUNTIME_MODULES = ("metrotiny",)\nWINDOWS_MODULES = ()\n'
    (folder / "app" / "bootstrap.py").write_text(source + needed, encoding="utf-8")
    (folder / "app" / "cli.py").write_text(STUB_CLI, encoding="utf-8")
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "x"\ndependencies = ["{requirement}"]\n', encoding="utf-8"
    )
    return folder


def environment(**more: str) -> dict[str, str]:
    """The environment of a start: no configuration of pip, an index that nobody serves."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PIP_", "PYTHON", "VIRTUAL_ENV"))}
    return {**kept, "PIP_CONFIG_FILE": os.devnull, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", **more}


def start(
    tree: Path, *arguments: str, python: str = BASE_PYTHON, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [python, "main.py", *arguments],
        cwd=tree,
        env=environment(**(more or {})),
        capture_output=True,
        text=True,
        check=False,
        timeout=55,
    )


@pytest.fixture(scope="module")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tree whose environment was made by a first start; tests leave it complete."""
    folder = tmp_path_factory.mktemp("ready") / "metronome with a space"
    folder.parent.mkdir(exist_ok=True)
    tree = make_tree(folder, f"metrotiny @ {make_wheel(folder.parent).as_uri()}")
    first = start(tree, "tasks", "--json", more={"PYTHONDONTWRITEBYTECODE": "1"})
    assert first.returncode == 7, first.stderr
    assert first.stdout.strip().endswith("|tasks|--json|42")
    assert "First start" in first.stderr
    assert "Ready after" in first.stderr
    assert sorted((tree / "app").rglob("bootstrap_install.*.pyc")), "the sources are not compiled"
    return tree


def test_a_second_start_says_nothing_and_installs_nothing(ready: Path) -> None:
    stamp = ready / ".venv" / "metronome.stamp"
    before = stamp.stat().st_mtime_ns
    again = start(ready, "runs")
    assert (again.returncode, again.stderr) == (7, "")
    assert again.stdout.split("|")[1] == str(ready / ".venv")
    assert stamp.stat().st_mtime_ns == before


def test_a_second_start_needs_no_second_interpreter(ready: Path) -> None:
    process = subprocess.Popen(
        [BASE_PYTHON, "main.py"], cwd=ready, env=environment(), stdout=subprocess.PIPE, text=True
    )
    told, _ = process.communicate(timeout=50)
    assert int(told.split("|")[0]) == process.pid
    assert Path(told.split("|")[2]).parent.parent == ready / ".venv"


def test_the_environment_starts_by_its_own_python_too(ready: Path) -> None:
    told = start(ready, python=bootstrap.venv_python(str(ready / ".venv")))
    assert (told.returncode, told.stderr) == (7, "")


def test_another_tool_may_keep_the_environment(ready: Path) -> None:
    stamp = ready / ".venv" / "metronome.stamp"
    kept = stamp.read_bytes()
    stamp.unlink()
    try:
        told = start(ready, python=bootstrap.venv_python(str(ready / ".venv")))
        assert (told.returncode, told.stderr) == (7, "")
    finally:
        stamp.write_bytes(kept)


def test_a_changed_project_file_brings_the_packages_up_to_date(ready: Path) -> None:
    project = ready / "pyproject.toml"
    project.write_text(project.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")
    told = start(ready)
    assert told.returncode == 7, told.stderr
    assert "Bringing 1 packages in .venv up to date" in told.stderr
    assert start(ready).stderr == ""


def test_an_environment_that_was_killed_half_made_is_made_again(ready: Path) -> None:
    Path(bootstrap.marker_path(str(ready / ".venv"))).touch()
    Path(bootstrap.stamp_path(str(ready / ".venv"), "")).unlink()
    next((ready / ".venv").rglob("metrotiny.py")).unlink()
    told = start(ready)
    assert told.returncode == 7, told.stderr
    assert "making it again" in told.stderr
    assert not Path(bootstrap.marker_path(str(ready / ".venv"))).exists()


def test_two_first_starts_at_the_same_time_both_work(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", f"metrotiny @ {make_wheel(tmp_path).as_uri()}")
    both = [
        subprocess.Popen(
            [BASE_PYTHON, "main.py"],
            cwd=tree,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    ends = [process.communicate(timeout=55) for process in both]
    assert [process.returncode for process in both] == [7, 7], ends
    assert sum("First start" in end[1] for end in ends) == 1
    assert sum("waiting for it" in end[1] for end in ends) == 1


def test_without_network_the_message_says_so_and_stdout_stays_empty(ready: Path) -> None:
    project, stamp = ready / "pyproject.toml", ready / ".venv" / "metronome.stamp"
    before = project.read_text(encoding="utf-8"), stamp.read_bytes()
    project.write_text('[project]\nname = "x"\ndependencies = ["metrotiny>=2"]\n', encoding="utf-8")
    try:
        told = start(ready, "tasks", "--json")
    finally:
        project.write_text(before[0], encoding="utf-8")
        stamp.write_bytes(before[1])
    assert (told.returncode, told.stdout) == (1, "")
    assert "the package index cannot be reached" in told.stderr
    assert "Nothing is lost" in told.stderr
    assert "Traceback" not in told.stderr


def test_an_environment_of_somebody_else_is_not_deleted(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", "metrotiny")
    (tree / ".venv").mkdir()
    (tree / ".venv" / "mine.txt").write_text("keep", encoding="utf-8")
    told = start(tree)
    assert told.returncode == 1
    assert "Rename or delete that folder" in told.stderr
    assert (tree / ".venv" / "mine.txt").read_text(encoding="utf-8") == "keep"


def test_a_folder_that_cannot_be_written_is_told_as_such(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", "metrotiny")
    (tree / ".venv.lock").mkdir()  # A file cannot be opened for writing there, for root neither.
    told = start(tree)
    assert told.returncode == 1
    assert "could not write the folder" in told.stderr
    assert "Traceback" not in told.stderr


def test_a_damaged_project_file_is_named(tmp_path: Path) -> None:
    tree = make_tree(tmp_path / "tree", "metrotiny")
    (tree / "pyproject.toml").write_text("[project", encoding="utf-8")
    told = start(tree)
    assert told.returncode == 1
    assert "pyproject.toml cannot be read" in told.stderr


def test_a_python_without_the_venv_module_gets_the_name_of_the_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class NoEnsurepip:
        @staticmethod
        def find_spec(name: str) -> object | None:
            return None if name == "ensurepip" else object()

    monkeypatch.setattr(bootstrap_install, "PathFinder", NoEnsurepip)
    with pytest.raises(bootstrap_install.BootstrapError, match=r"sudo apt install python3\.\d+-venv"):
        bootstrap_install.create(str(tmp_path / ".venv"))
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    ("output", "said"),
    [
        (
            "WARNING: Retrying ... NewConnectionError('<...>: Failed to establish a new connection')",
            "cannot be reached",
        ),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("ERROR: No matching distribution found for numpy>=99", "not to be had for this Python: ERROR: No matching"),
        ("ERROR: something new\n", "pip said: ERROR: something new"),
        ("", "pip said: no message"),
    ],
)
def test_what_pip_says_becomes_a_cause(output: str, said: str) -> None:
    assert said in bootstrap_install.explain(output, "install.log").message


def old_pythons() -> list[str]:
    """Pythons older than 3.11 on this machine, wherever they are usually put."""
    found = [shutil.which(f"python{version}") for version in ("2.7", "3.6", "3.8", "3.9", "3.10")]
    kept = [str(path / "bin" / "python") for path in (Path.home() / ".pyenv" / "versions").glob("[23].*")]
    asked = "import sys; sys.exit(sys.version_info >= (3, 11))"
    return [
        path
        for path in [*found, *kept]
        if path and subprocess.run([path, "-c", asked], capture_output=True, check=False).returncode == 0
    ]


def test_main_and_tests_use_no_new_syntax_before_the_version_is_checked() -> None:
    for file in (ROOT / "main.py", ROOT / "tests" / "__main__.py"):
        source = file.read_text(encoding="utf-8")
        compile(source, str(file), "exec", flags=0, dont_inherit=True)
        assert source.isascii()
        assert not re.search(r"""\bf["']|:=|->|from __future__|\bmatch \w+:""", source), file


@pytest.mark.parametrize("python", old_pythons() or [""])
def test_an_old_python_is_told_what_is_needed(python: str) -> None:
    if not python:
        pytest.skip("no Python older than 3.11 on this machine")
    told = subprocess.run([python, "main.py", "tasks"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert told.returncode == 1
    assert told.stdout == ""
    assert "Metronome needs Python 3.11 to 3.14. This is Python" in told.stderr


def test_a_python_that_is_too_old_leaves_before_anything_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import main

    monkeypatch.setattr(sys, "version_info", (3, 10, 4, "final", 0))
    with pytest.raises(SystemExit) as left:
        main.require_python()
    assert left.value.code == 1
    assert "This is Python 3.10.4" in capsys.readouterr().err


def test_the_modules_looked_for_are_those_of_the_project_file() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {"PySide6-Essentials": "PySide6", "httpx[http2]": "httpx"}

    def modules(lines: list[str]) -> set[str]:
        found = {re.split(r"[<>=;!~ ]", line, maxsplit=1)[0] for line in lines}
        return {names.get(name, name.replace("-", "_")) for name in found}

    known = {*bootstrap.RUNTIME_MODULES, *bootstrap.WINDOWS_MODULES}
    assert modules(project["dependencies"]) == known - {"h2"}  # httpx brings h2 as its HTTP/2
    dev = {name.replace("pytest_qt", "pytestqt") for name in modules(project["optional-dependencies"]["dev"])}
    assert set(bootstrap.EXTRA_MODULES["dev"]) <= dev


def test_a_missing_system_library_is_named_with_its_packages() -> None:
    error = ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
    text = bootstrap.explain_missing_library(error)
    if sys.platform.startswith("linux"):
        assert "lacks the system library libGL.so.1" in text
        assert "sudo apt install libgl1 libegl1" in text
    else:
        assert text == ""
    assert bootstrap.explain_missing_library(ImportError("No module named 'x'")) == ""
