"""The documented commands, each in a process of its own, as a script would call them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app import ipc
from app.paths import Paths
from tests.idea_maker import make_idea

ROOT = Path(__file__).resolve().parents[2]
TASK = "system_health_check"


def command(home: Path, *arguments: str) -> list[str]:
    return [sys.executable, str(ROOT / "main.py"), *arguments, "--home", str(home)]


def environment() -> dict[str, str]:
    return {**os.environ, "QT_QPA_PLATFORM": "offscreen"}


def ask(home: Path, *arguments: str) -> tuple[int, Any]:
    """Exit code and JSON document of a command; stdout must hold nothing else."""
    done = subprocess.run(
        [*command(home, *arguments), "--json"],
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
        stdin=subprocess.DEVNULL,
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def start_headless(home: Path, *options: str) -> subprocess.Popen[str]:
    """A running owner of ``home``, ready to be asked."""
    flags = subprocess.CREATE_NEW_PROCESS_GROUP if sys.platform == "win32" else 0
    process = subprocess.Popen(
        command(home, "--headless", *options),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        creationflags=flags,
    )
    deadline = time.monotonic() + 30
    while not ipc.owner_file(Paths(home).lock_file).exists():
        assert process.poll() is None, "the owner ended early"
        assert time.monotonic() < deadline, "the owner did not begin to listen"
        time.sleep(0.02)
    return process


def test_tasks_run_runs_and_settings_of_a_new_home(tmp_path: Path) -> None:
    code, tasks = ask(tmp_path, "tasks")
    assert code == 0
    assert TASK in {task["id"] for task in tasks}
    code, run = ask(tmp_path, "run", TASK)
    assert (code, run["task"]) == (0, TASK)
    assert run["state"].startswith("succeeded")
    assert run["files"]
    assert all((tmp_path / name).is_file() for name in run["files"])
    code, runs = ask(tmp_path, "runs", "--task", TASK)
    assert (code, [one["run_id"] for one in runs]) == (0, [run["run_id"]])
    assert ask(tmp_path, "settings", "set", "ui.theme", "dark") == (0, {"key": "ui.theme", "value": "dark"})
    assert ask(tmp_path, "settings", "get", "ui.theme")[1]["value"] == "dark"


def test_symbols_are_listed_confirmed_and_forgotten(tmp_path: Path) -> None:
    options = ("--set", "terminal.simulated.suffix=.a", "--set", "market.watch_list=EURUSD,GOLD")
    code, found = ask(tmp_path, "symbols", *options)
    assert (code, found["server"]) == (1, "Metronome-Simulated")
    assert [(row["symbol"], row["name"], row["how"]) for row in found["symbols"]] == [
        ("EURUSD", "", "pending"),
        ("GOLD", "", "pending"),
    ]
    assert [row["suggestions"][0]["name"] for row in found["symbols"]] == ["EURUSD.a", "XAUUSD.a"]
    for row in found["symbols"]:
        code, _ = ask(tmp_path, "symbols", "confirm", row["symbol"], row["suggestions"][0]["name"], *options)
        assert code == 0
    code, found = ask(tmp_path, "symbols", *options)
    assert (code, [row["name"] for row in found["symbols"]]) == (0, ["EURUSD.a", "XAUUSD.a"])
    assert ask(tmp_path, "symbols", "confirm", "EURUSD", "NOSUCH", *options)[0] == 1
    assert ask(tmp_path, "symbols", "forget", "GOLD", *options)[1]["symbols"][0]["how"] == "pending"


def test_a_run_with_nothing_to_do_exits_3_with_the_reason(tmp_path: Path) -> None:
    code, run = ask(tmp_path, "run", "collect_market_data", "--set", "market.watch_list=")
    assert (code, run["state"]) == (3, "skipped")
    assert run["reason"]


def test_an_unknown_task_exits_2(tmp_path: Path) -> None:
    code, document = ask(tmp_path, "run", "no_such_task")
    assert code == 2
    assert "Known tasks" in document["advice"]


def test_self_test_passes(tmp_path: Path) -> None:
    code, document = ask(tmp_path, "self-test")
    assert (code, document["ok"]) == (0, True), document
    assert all(set(check) == {"name", "ok", "detail"} for check in document["checks"])
    details = {check["name"]: check["detail"] for check in document["checks"]}
    assert re.fullmatch(r"process \d+ answered with 6", details["worker process"])


def test_commands_are_answered_by_a_running_owner_which_ends_in_good_order(tmp_path: Path) -> None:
    owner = start_headless(tmp_path)
    try:
        code, run = ask(tmp_path, "run", TASK)
        assert code == 0
        code, runs = ask(tmp_path, "runs")
        assert run["run_id"] in {one["run_id"] for one in runs}
        code, document = ask(tmp_path, "--headless")
        assert code == 1
        assert str(owner.pid) in document["error"]
        owner.send_signal(signal.CTRL_BREAK_EVENT if sys.platform == "win32" else signal.SIGTERM)
        out, _ = owner.communicate(timeout=20)
        assert (owner.returncode, out) == (0, "")
    finally:
        owner.kill()
        owner.communicate()
    assert not ipc.owner_file(Paths(tmp_path).lock_file).exists()


def test_after_a_kill_the_home_is_free_again(tmp_path: Path) -> None:
    owner = start_headless(tmp_path)
    owner.kill()
    owner.communicate()
    code, tasks = ask(tmp_path, "tasks")
    assert code == 0
    assert tasks


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Qt finds a screen by itself elsewhere")
def test_without_a_screen_the_message_names_headless(tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    bare.pop("QT_QPA_PLATFORM", None)
    done = subprocess.run(command(tmp_path), env=bare, capture_output=True, text=True, check=False, timeout=50)
    assert done.returncode == 1
    assert "--headless" in done.stderr


def test_python_m_tests_passes_arguments_and_exit_code_through() -> None:
    good = subprocess.run(
        [sys.executable, "-m", "tests", "--version"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=50
    )
    assert good.returncode == 0
    assert "pytest" in good.stdout + good.stderr
    none = subprocess.run(
        [sys.executable, "-m", "tests", "-q", "tests/unit/app/test_ipc.py", "-k", "no_such_test_at_all"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert none.returncode == pytest.ExitCode.NO_TESTS_COLLECTED


def test_files_are_imported_by_whoever_owns_the_home(tmp_path: Path) -> None:
    home, rows = tmp_path / "home", [f"2025-06-03T{hour:02d}:00:00Z,1.1,1.2,1.0,1.1" for hour in range(12)]
    # Not of the watch list: the owner collects that at its start, from another market.
    bars, other = tmp_path / "NZDCAD.csv", tmp_path / "notes.txt"
    bars.write_text("\n".join(["time,open,high,low,close", *rows, "torn"]), encoding="utf-8")
    other.write_text("hello", encoding="utf-8")
    code, answer = ask(home, "import", str(bars))
    assert code == 0
    (file,) = answer["files"]
    assert {key: file[key] for key in ("kind", "symbol", "timeframe", "rows", "refused", "first", "last")} == {
        "kind": "bars_csv",
        "symbol": "NZDCAD",
        "timeframe": "H1",
        "rows": 12,
        "refused": 1,
        "first": "2025-06-03T00:00:00.000Z",
        "last": "2025-06-03T11:00:00.000Z",
    }
    assert file["refusals"] == [{"line": 14, "reason": "it has too few columns (1 of 5)"}]
    owner = start_headless(home)
    try:
        code, answer = ask(home, "import", str(other), str(bars))
    finally:
        owner.terminate()
        owner.communicate(timeout=30)
    assert code == 1
    assert [(file["kind"], file["added"], bool(file["error"])) for file in answer["files"]] == [
        ("unknown", 0, True),
        ("bars_csv", 0, False),
    ]
    assert ask(home, "import", str(bars), "--timeframe", "M7")[0] == 2


def test_ideas_are_decided_at_the_time_of_the_owner(tmp_path: Path) -> None:
    at = datetime(2025, 6, 3, 13, 0, tzinfo=UTC)
    first, second = (make_idea(Paths(tmp_path), at, name=name) for name in ("first", "second"))
    # Without an owner it is today, by which both have long expired.
    code, document = ask(tmp_path, "ideas", "approve", first.id)
    assert (code, "It expired at 2025-06-03 14:00 UTC" in document["error"]) == (1, True)
    # Bars of a symbol that nobody evaluates here: what counts is that a replayed market sets the owner's clock.
    bars = tmp_path / "EURUSD_M5.csv"
    start = datetime(2025, 5, 27, tzinfo=UTC)
    times = [start + timedelta(minutes=5 * number) for number in range(4_000)]
    lines = [f"{time:%Y.%m.%d,%H:%M},1.1,1.1005,1.0995,1.1002,100,0,10" for time in times]
    bars.write_text("\n".join(["Date,Time,Open,High,Low,Close,Tickvol,Vol,Spread", *lines]), encoding="utf-8")
    replay = (
        "--set",
        f"terminal.simulated.replay.EURUSD={bars}",
        "--set",
        "terminal.simulated.now=2025-06-03T13:10:00Z",
    )
    owner = start_headless(tmp_path, *replay, "--set", "timetable.paused=true")
    try:
        assert [idea["status"] for idea in ask(tmp_path, "ideas", "--status", "pending")[1]] == ["pending"] * 2
        code, document = ask(tmp_path, "ideas", "approve", first.id)
        assert (code, document["decision"]["decision"]) == (0, "approve")
        assert document["decision"]["time"].startswith("2025-06-03T13:1")
        assert ask(tmp_path, "ideas", "approve", first.id)[0] == 1
        assert ask(tmp_path, "ideas", "reject", second.id)[0] == 1
        assert ask(tmp_path, "ideas", "reject", second.id, "--reason", "Too late")[0] == 0
    finally:
        owner.kill()
        owner.communicate()
    assert ask(tmp_path, "ideas", "export", str(tmp_path / "all.csv"))[1]["ideas"] == 2
    assert ask(tmp_path, "ideas", "verify", "--status", "pending")[0] == 2
    assert ask(tmp_path, "ideas", "approve", first.id, "--reason", "x")[0] == 2
    assert ask(tmp_path, "ideas", "verify")[0] == 0
    assert len(json.loads((tmp_path / "data" / "trade_decisions.json").read_bytes())["entries"]) == 2


def test_ideas_are_listed_made_again_and_verified(tmp_path: Path) -> None:
    assert ask(tmp_path, "ideas") == (0, [])
    strategy = {
        "symbol": "BTCUSD",
        "timeframe": "M5",
        "conditions": {"entry": ["close > 0"]},
        "strategy": {"direction": "long"},
    }
    folder = tmp_path / "data" / "config" / "strategies"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "always.json").write_text(json.dumps(strategy), encoding="utf-8")
    # Trades at weekends too, whenever this test runs.
    code, run = ask(tmp_path, "run", "evaluate_all_strategies", "--set", "market.watch_list=BTCUSD")
    assert (code, run["result"]["ideas"]) == (0, 1), run
    (idea,) = ask(tmp_path, "ideas", "list")[1]
    code, found = ask(tmp_path, "ideas", "replay", idea["id"])
    assert (code, found["identical"]) == (0, True)
    assert ask(tmp_path, "ideas", "verify")[0] == 0
    path = tmp_path / "data" / "trade_ideas" / idea["file"]
    path.write_text(path.read_text(encoding="utf-8") + " ", encoding="utf-8")
    code, found = ask(tmp_path, "ideas", "verify")
    assert (code, found["ok"], len(found["faults"])) == (1, False, 1)
    assert ask(tmp_path, "ideas", "replay", "nosuch")[0] == 1


def test_strategies_are_listed_checked_and_looked_at(tmp_path: Path) -> None:
    assert ask(tmp_path, "strategies") == (0, [])
    folder = tmp_path / "data" / "config" / "strategies"
    folder.mkdir(parents=True, exist_ok=True)
    rule = {
        "symbol": "EURUSD",
        "timeframe": "M15",
        "enabled": False,
        "conditions": {"entry": ["range >= 0"]},
        "strategy": {"direction": "both"},
    }
    (folder / "mine.json").write_text(json.dumps(rule), encoding="utf-8")
    (folder / "broken.json").write_text("{", encoding="utf-8")
    code, rows = ask(tmp_path, "strategies", "list")
    assert (code, [row["id"] for row in rows]) == (0, [None, "mine"])
    assert "not valid JSON" in rows[0]["problem"]
    assert (rows[1]["problem"], rows[1]["enabled"], rows[1]["timeframe"]) == ("", False, "M15")
    code, found = ask(tmp_path, "strategies", "check", str(folder / "mine.json"))
    assert (code, found["ok"], found["findings"]) == (0, True, [])
    code, found = ask(tmp_path, "strategies", "check", str(folder / "broken.json"))
    assert (code, found["findings"][0]["line"]) == (1, 1)
    assert ask(tmp_path, "strategies", "check", str(folder / "nothing.json"))[0] == 1
    now = ("--set", "terminal.simulated.now=2025-06-03T12:00:00Z")
    code, found = ask(tmp_path, "strategies", "preview", "mine", *now)
    assert code == 0, found
    assert [[item["holds"] for item in side["conditions"]] for side in found["sides"]] == [[True], [True]]
    assert not list((tmp_path / "data" / "trade_ideas").glob("*.json"))
    code, found = ask(tmp_path, "strategies", "preview", "mime")
    assert (code, found["advice"][:18]) == (2, "Did you mean mine?")
    owner = start_headless(tmp_path)
    try:
        code, found = ask(tmp_path, "strategies", "preview", "mine")
        assert found["strategy"] == "mine"
        assert len(found["sides"]) == 2
    finally:
        owner.terminate()
        owner.communicate(timeout=30)
