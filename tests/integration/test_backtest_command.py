"""A backtest as a user asks for it: in processes of its own, from a file of bars to its files."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_commands import command, environment

from app.terminal.values import RATES_DTYPE
from workers.market.bar_text import encoded

RULE = {
    "symbol": "EURUSD",
    "timeframe": "H1",
    "conditions": {"entry": ["ema(5) crosses above ema(13)"]},
    "strategy": {"direction": "both", "min_rr": 1.5},
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with a rule and bars."""
    (tmp_path / "cross.json").write_text(json.dumps(RULE), encoding="utf-8")
    days, hour = np.divmod(np.arange(1500), 24)
    weeks, day = np.divmod(days, 5)
    rates = np.zeros(1500, RATES_DTYPE)
    rates["time"] = int(datetime(2025, 1, 6, tzinfo=UTC).timestamp()) + ((weeks * 7 + day) * 24 + hour) * 3600
    closes = 1.1 + np.cumsum(np.random.default_rng(1).normal(0, 0.0008, 1500))
    rates["close"], rates["open"] = closes, np.concatenate((closes[:1], closes[:-1]))
    rates["high"] = np.maximum(rates["open"], closes) + 0.0004
    rates["low"] = np.minimum(rates["open"], closes) - 0.0004
    rates["spread"] = 9
    (tmp_path / "EURUSD_H1.csv").write_bytes(b"".join(encoded([rates], 5)))
    return tmp_path


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
