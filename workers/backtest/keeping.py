"""What is kept of tests besides their reports: that they were tried, and what scores were worth."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from app.errors import UserAction
from app.files import guarding
from app.tasks import TaskContext
from workers.backtest import folds
from workers.backtest.honesty import Trial
from workers.backtest.params import BacktestParams
from workers.backtest.request import Answer, Request
from workers.strategy import calibration

#: Every test leaves a line here, so that later ones know how often something was tried.
TRIALS: Final = "trials.csv"
_TRIAL_COLUMNS: Final = ("created", "strategy", "symbol", "timeframe", "trial", "sharpe_daily")


def calibrates(params: BacktestParams) -> bool:
    """Whether to find out what the scores are worth: when asked to, else when the test is like live trading.

    Raises:
        UserAction: it cannot be found out, or the folds are none.
    """
    if params.walk_forward:
        folds.check(params.walk_forward)
    if params.costs == "none" and params.calibrate:
        raise UserAction(
            "What a score is worth cannot be told from a market without costs.",
            advice="Leave out costs=none or calibrate=true.",
        )
    if params.calibrate is None:
        return params.costs != "none" and params.min_score > 0 and not params.force
    return params.calibrate


def keep_calibration(
    ctx: TaskContext, params: BacktestParams, request: Request, head: Mapping[str, Any]
) -> dict[str, Any]:
    """Keep what the scores were worth, unless something better is kept; what was found, and whether it was kept.

    Raises:
        StorageError: it cannot be written.
    """
    found = dict(head["calibration"])
    if not found:
        return {}
    strategy = request.strategy
    path = calibration.path_of(ctx.storage.paths, strategy.id, strategy.symbol, strategy.timeframe)
    there = calibration.load(ctx.storage, strategy)
    trouble = found["trouble"]
    if not trouble and params.calibrate is None and there is not None and there.rule == found["rule"]:
        known = sum(step.signals for step in there.steps)
        if known > found["signals"]:
            trouble = f"what is kept rests on {known:,} signals, this test on {found['signals']:,}"
    kept = {**found, "kept": not trouble, "not_kept": trouble, "file": ""}
    if trouble:
        if params.calibrate:
            ctx.warn(f"The scores of {strategy.id} are not calibrated: {trouble}.")
        return kept
    status = ctx.terminal.status
    ctx.storage.write_json(
        path,
        {
            "strategy": strategy.id,
            "symbol": strategy.symbol,
            "timeframe": strategy.timeframe,
            "created": head["created"],
            "run": ctx.run_id,
            "source": head["bars"]["source"],
            "grade": head["bars"]["grade"],
            "simulated": bool(status.simulated) and not params.bars,
            **{name: value for name, value in found.items() if name != "trouble"},
        },
    )
    ctx.wrote(path)
    return {**kept, "file": str(path)}


def keep_trial(ctx: TaskContext, answer: Answer) -> None:
    """Note a test among the trials of its strategy."""
    head = answer.head
    _note_trials(ctx, head, [(head["trial"], answer.statistics["sharpe_daily"])])


def keep_trials(ctx: TaskContext, request: Request, found: Sequence[tuple[str, float | None]]) -> None:
    """Note many tests, by their names and daily Sharpe ratios; those that are noted already are left out.

    Raises:
        StorageError: they cannot be written.
    """
    known = {trial.key for trial in request.trials}
    _note_trials(ctx, request.about, [trial for trial in dict(found).items() if trial[0] not in known])


def _note_trials(ctx: TaskContext, about: Mapping[str, Any], found: Sequence[tuple[str, float | None]]) -> None:
    rows = [
        (
            about["created"], about["strategy"], about["symbol"], about["timeframe"], key,
            "" if sharpe is None else repr(sharpe),
        )
        for key, sharpe in found
    ]  # fmt: skip
    if rows:
        ctx.storage.append_csv(ctx.storage.paths.backtests / TRIALS, _TRIAL_COLUMNS, rows)


def trials_of(path: Path, strategy: str, symbol: str) -> tuple[Trial, ...]:
    """The tests of a strategy on a symbol that are noted; rows that are none are left out.

    Raises:
        StorageError: the file cannot be read.
    """
    with guarding(path, "read"):
        if not path.exists():
            return ()
        text = path.read_text(encoding="utf-8", errors="replace")
    found = []
    for row in csv.DictReader(text.splitlines()):
        if (row.get("strategy"), row.get("symbol")) != (strategy, symbol) or not row.get("trial"):
            continue
        try:
            found.append(Trial(str(row["trial"]), float(row["sharpe_daily"]) if row.get("sharpe_daily") else None))
        except ValueError:
            continue
    return tuple(found)
