"""Fixtures of the tests of backtests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hand_terminal import Bench
from task_bench import RULE, Here, bars_file

from app.tasks import TaskContext
from app.terminal.values import Rates
from workers import ai_tasks
from workers.backtest.params import BacktestParams, BacktestResult


@pytest.fixture
def tester(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[BacktestResult, TaskContext]]:
    """Runs the task in this process on a rule file and, if given, a file of bars."""
    monkeypatch.setattr(TaskContext, "compute", lambda ctx, work, *args, **_limits: work(Here(ctx), *args))

    def run(
        rates: Rates | str | None = None, rule: dict[str, Any] | None = None, **params: Any
    ) -> tuple[BacktestResult, TaskContext]:
        ctx = bench.context("backtest_strategy")
        path = tmp_path / "rule.json"
        path.write_text(json.dumps({**RULE, **(rule or {})}), encoding="utf-8")
        if rates is not None:
            params["bars"] = str(bars_file(tmp_path, rates))
        found = ai_tasks.backtest_strategy(ctx, BacktestParams(**{"strategy": str(path), **params}))
        return found, ctx

    return run
