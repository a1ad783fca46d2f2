"""A sweep as a user asks for it, on processes of its own: killed in whole or in part, it comes out the same."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from test_commands import command, environment

VARY = "vary=indicators.ema.fast=3..14; indicators.ema.slow=15..20; indicators.atr.multiplier=1,1.5,2"


def call(home: Path, place: Path) -> list[str]:
    rule = json.loads((place / "cross.json").read_text(encoding="utf-8"))
    rule["conditions"] = {"entry": ["ema_fast crosses above ema_slow"]}
    (place / "swept.json").write_text(json.dumps(rule), encoding="utf-8")
    return [
        *command(home, "run", "sweep_strategy", f"bars={place / 'EURUSD_H1.csv'}", f"strategy={place / 'swept.json'}"),
        VARY, "processes=2", "min_score=0", "least_trades=3", "--json",
    ]  # fmt: skip


def finished(home: Path, place: Path) -> dict[str, Any]:
    done = subprocess.run(
        call(home, place), env=environment(), capture_output=True, text=True, check=False, timeout=120,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode == 0, done.stdout
    found: dict[str, Any] = json.loads(done.stdout)["result"]
    return found


def started(home: Path, place: Path, lines: int) -> subprocess.Popen[bytes]:
    """A sweep that has kept so many lines."""
    process = subprocess.Popen(
        call(home, place), env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    deadline = time.monotonic() + 60
    while kept(home) < lines:
        assert process.poll() is None, "the sweep was over before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.005)
    return process


def kept(home: Path) -> int:
    files = list((home / "data" / "backtests" / "sweeps").glob("*.jsonl"))
    return files[0].read_bytes().count(b"\n") if files else 0


@pytest.mark.allow_warnings("")
def test_a_sweep_that_is_killed_with_all_its_processes_goes_on(home: Path, place: Path, tmp_path: Path) -> None:
    process = started(home, place, 20)
    children = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.wait(20)
    psutil.wait_procs(children, timeout=20)
    assert not any(child.is_running() and child.status() != psutil.STATUS_ZOMBIE for child in children)
    result = finished(home, place)
    assert 0 < result["known"] < result["points"] == 216
    whole = finished(tmp_path / "another home", place)
    assert whole["known"] == 0
    for name in ("top", "walk_forward", "invalid", "trials"):
        assert result[name] == whole[name], name


def test_a_process_of_a_sweep_that_is_killed_costs_nothing(home: Path, place: Path) -> None:
    process = started(home, place, 8)
    workers = [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if "spawn_main" in " ".join(child.cmdline())
    ]
    workers[-1].kill()
    assert process.wait(120) == 0
    result = finished(home, place)
    assert result["known"] == result["points"] == 216


def test_the_registry_of_tasks_brings_no_sweep_into_the_windows_process() -> None:
    code = "import workers, sys; workers.registry(); print([name for name in sys.modules if 'sweep' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment(),
                          cwd=Path(__file__).resolve().parents[2], timeout=50)  # fmt: skip
    assert done.stdout.strip() == "[]"
