"""The registry of tasks, their default schedules and their gate."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from hand_terminal import Bench

from app.errors import Blocked, UserAction
from app.tasks import Queue
from workers import registry
from workers.gates import TerminalConnected
from workers.wording import count, seconds, size

ROOT = Path(__file__).resolve().parents[3]


def test_default_schedules_are_those_of_the_design() -> None:
    assert {spec.id: (spec.queue, spec.schedule, spec.on_start) for spec in registry()} == {
        "evaluate_all_strategies": (Queue.AI_EVALUATION, "*/15 * * * *", True),
        "evaluate_single_symbol": (Queue.AI_EVALUATION, "manual", False),
        "backtest_strategy": (Queue.AI_EVALUATION, "manual", False),
        "sweep_strategy": (Queue.AI_EVALUATION, "manual", False),
        "collect_market_data": (Queue.DATA_COLLECTION, "*/5 * * * *", True),
        "update_symbol_info": (Queue.DATA_COLLECTION, "daily 00:20", False),
        "record_trades": (Queue.DATA_COLLECTION, "5 * * * *", False),
        "update_economic_calendar": (Queue.DATA_COLLECTION, "0 * * * *", False),
        "collect_rss_news": (Queue.DATA_COLLECTION, "*/10 * * * *", False),
        "import_files": (Queue.DATA_COLLECTION, "manual", False),
        "cleanup_old_logs": (Queue.MAINTENANCE, "daily 02:00", False),
        "cleanup_cache": (Queue.MAINTENANCE, "daily 03:00", False),
        "archive_old_trades": (Queue.MAINTENANCE, "daily 04:00", False),
        "optimize_csv_files": (Queue.MAINTENANCE, "weekly sun 05:00", False),
        "system_health_check": (Queue.MONITORING, "*/30 * * * *", True),
    }


def test_the_package_is_light_and_pandas_stays_out() -> None:
    code = (
        "import sys, workers; assert 'workers.ai_tasks' not in sys.modules; workers.registry();"
        "heavy = {'pandas', 'psutil', 'httpx', 'feedparser', 'asyncio', 'tomlkit', 'PySide6.QtWidgets'};"
        "found = heavy & set(sys.modules);"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_gate_asks_even_when_connected_since_the_account_may_have_changed(bench: Bench) -> None:
    assert not TerminalConnected().check(bench.context()).blocked
    assert bench.terminal.calls == ["ensure_connected"]


def test_gate_asks_to_connect(bench: Bench) -> None:
    bench.terminal.connected = False
    assert not TerminalConnected().check(bench.context()).blocked
    assert bench.terminal.calls == ["ensure_connected"]


@pytest.mark.parametrize(
    "error", [Blocked("It is away.", advice="Start it."), UserAction("It is away.", advice="Start it.")]
)
def test_gate_gives_the_reason(bench: Bench, error: Blocked | UserAction) -> None:
    bench.terminal.connected, bench.terminal.refusal = False, error
    answer = TerminalConnected().check(bench.context())
    assert (answer.blocked, answer.reason, answer.advice) == (True, "It is away.", "Start it.")


def test_wording() -> None:
    assert [count(1, "bar"), count(1234, "bar"), count(2, "strategy", "strategies")] == [
        "1 bar",
        "1,234 bars",
        "2 strategies",
    ]
    assert [seconds(value) for value in (0.44, 12, 300, 7200, 172_800)] == ["0.4 s", "12 s", "5 min", "2 h", "2 days"]
    assert [size(value) for value in (999, 1000, 5_300_000, 2.5e15)] == ["999 B", "1.0 kB", "5.3 MB", "2500.0 TB"]
