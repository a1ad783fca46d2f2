"""A rule, bars and a voice for tests of the tasks that trade over past bars, in this process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from arena import wandering

from app.errors import Cancelled
from app.tasks import TaskContext
from app.terminal.values import Rates
from workers.market.bar_text import encoded

RULE = {
    "symbol": "EURUSD",
    "timeframe": "H1",
    "conditions": {"entry": ["ema(3) crosses above ema(8)"], "exit": ["rsi > 75"]},
    "strategy": {"direction": "both", "min_rr": 1.5, "news_embargo_minutes": 0},
}


class Here:
    """Works in this process; counts what it was told, and can ask to stop."""

    def __init__(self, ctx: TaskContext, stop_after: int = 1_000_000) -> None:
        self._ctx, self._stop_after, self.told = ctx, stop_after, list[str]()

    def progress(self, done: int, total: int, text: str = "") -> None:
        self.told.append(text)
        self._ctx.progress(done, total, text)
        self.check_cancelled()

    def check_cancelled(self) -> None:
        if len(self.told) > self._stop_after:
            raise Cancelled("Stopped on request.")


def bars_file(folder: Path, rates: Rates | str) -> Path:
    path = folder / "EURUSD_H1.csv"
    if isinstance(rates, str):
        path.write_text(rates, encoding="utf-8")
    else:
        path.write_bytes(b"".join(encoded([rates], 5)))
    return path


def hours(count: int = 600, seed: int = 4) -> Rates:
    """Hours of a week's days, without weekends, so that nothing is missing."""
    rates = wandering(seed, count)
    days, left = np.divmod(np.arange(count), 24)
    weeks, day = np.divmod(days, 5)
    rates["time"] = 1_735_689_600 + 5 * 86_400 + (weeks * 7 + day) * 86_400 + left * 3600
    return rates
