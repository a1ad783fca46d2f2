"""What is sent to the process of a backtest, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from workers.backtest.bars import Asked, History
from workers.backtest.honesty import Trial
from workers.backtest.market import Market
from workers.backtest.model import Costs, News, Terms
from workers.strategy.profile import Profile
from workers.strategy.schema import Strategy


class Voice(Protocol):
    """What the work may say to its run; ``app.workprocess.Report`` is one."""

    def progress(self, done: int, total: int, text: str = "") -> None: ...

    def check_cancelled(self) -> None: ...


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """All that one backtest is made from; plain values, so that it can be sent to another process.

    Attributes:
        path: File of the bars; None when ``history`` holds them.
        finer: File of bars of minutes that tell the order inside a bar; None when there is none.
        days: Length of the test, back from its end; None: all bars from ``terms.start`` on.
        least_grade: The worst grade of bars that will do.
        force: Use bars of any grade, and leave rows out that are no bars.
        folder, stem: Where the report goes, and what its files are called.
        about: What the head of the report says besides.
        warnings: What was found out before.
        trials: Earlier tests of the strategy on the symbol.
        truncations: Places at which the bars are cut off to see whether an earlier signal changes; None: a few, when
            there are not many bars.
        calibrate: Whether to find out what the scores were worth.
        walk_forward: Folds, see ``folds``; empty: none.
    """

    strategy: Strategy
    profile: Profile | None
    market: Market
    terms: Terms
    costs: Costs
    asked: Asked
    path: Path | None
    history: History | None
    finer: Path | None
    news: News | None
    days: float | None
    least_grade: str
    force: bool
    folder: Path
    stem: str
    about: Mapping[str, Any]
    warnings: tuple[str, ...] = ()
    trials: tuple[Trial, ...] = ()
    truncations: int | None = None
    calibrate: bool = False
    walk_forward: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What is handed back to the run: the figures, and the files that hold the rest."""

    head: Mapping[str, Any]
    statistics: Mapping[str, Any]
    trades: int
    no_trades: str
    warnings: tuple[str, ...]
    trades_csv: str
    report_json: str
    report_html: str
