"""A backtest as a user asks for it: in processes of its own, from a file of bars to its files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from test_commands import command, environment


def ask(home: Path, *arguments: str) -> tuple[int, Any]:
    done = subprocess.run(
        [*command(home, "run", "backtest_strategy", *arguments), "--json"],
        env=environment(), capture_output=True, text=True, check=False, timeout=50, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, json.loads(done.stdout)


def test_a_backtest_by_command(home: Path, place: Path) -> None:
    code, run = ask(
        home, f"bars={place / 'EURUSD_H1.csv'}", f"strategy={place / 'cross.json'}", "min_score=0", "volume=0.1"
    )
    assert (code, run["state"]) == (0, "succeeded"), run["reason"]
    result = run["result"]
    with Path(result["trades_csv"]).open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == result["trades"] > 20
    assert len(run["files"]) == 3
    assert all((home / name).is_file() for name in run["files"])


def test_what_cannot_be_tested_is_told_with_advice(home: Path, place: Path) -> None:
    code, run = ask(home, f"bars={place / 'EURUSD_H1.csv'}", f"strategy={place / 'cross.json'}", "timeframe=M5")
    assert (code, run["state"]) == (1, "failed")
    assert "The bars of EURUSD_H1.csv are H1, the strategy trades M5." in run["reason"]
    assert not list((home / "data" / "backtests").iterdir())


def test_the_registry_of_tasks_brings_no_engine_into_the_windows_process() -> None:
    code = "import workers, sys; workers.registry(); print([name for name in sys.modules if 'backtest' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment(),
                          cwd=Path(__file__).resolve().parents[2], timeout=50)  # fmt: skip
    assert done.stdout.strip() == "['workers.backtest', 'workers.backtest.params']"
