"""What the task ``backtest_strategy`` is asked for, and what it answers; light, for the registry of all tasks."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from app.settings_model import Timeframe
from app.tasks import TaskParams, TaskResult
from workers.strategy.confidence import OPEN_FROM
from workers.wording import count


class TradingParams(TaskParams):
    """What to test, on which bars, and what trading costs."""

    strategy: str = Field(
        min_length=1, max_length=1000, title="Strategy", description="Id of a strategy, or the path of its file."
    )
    symbol: str = Field(
        default="", max_length=64, title="Symbol", description="Symbol to test it on; empty: that of the strategy."
    )
    timeframe: Timeframe | None = Field(
        default=None, title="Timeframe", description="Bars to test it on; empty: those of the strategy."
    )
    days: float | None = Field(
        default=None,
        gt=0,
        le=40_000,
        title="Days",
        description="Days to test, back from the end; empty: 365, and all bars of a file.",
    )
    start: str = Field(
        default="", max_length=40, title="Start", description="First day or instant of the test, as 2025-01-31, in UTC."
    )
    end: str = Field(default="", max_length=40, title="End", description="Last day or instant of the test, in UTC.")
    bars: str = Field(
        default="",
        max_length=4000,
        title="Bars",
        description="File of bars, anything that can be imported; empty: the stored history, or the terminal's.",
    )
    minutes: str = Field(
        default="auto",
        max_length=4000,
        title="Minutes",
        description="File of M1 bars that tell the order of stop and target inside a bar; auto: the stored history; "
        "none: do not look.",
    )
    costs: Literal["bars", "none"] = Field(
        default="bars",
        title="Costs",
        description="bars: spread of the bars and swap of the symbol; none: an ideal market without costs and margin.",
    )
    spread: float | None = Field(
        default=None, ge=0, le=100_000, title="Spread", description="Fixed spread in points; empty: that of the bars."
    )
    commission: float = Field(
        default=0.0,
        ge=0,
        le=100_000,
        title="Commission",
        description="For a lot and a side (opening and closing pay each), in the account's currency.",
    )
    slippage: float = Field(
        default=0.0,
        ge=0,
        le=100_000,
        title="Slippage",
        description="Points by which market orders and stops fill worse.",
    )
    swap: bool = Field(
        default=True, title="Swap", description="Whether nights cost what the symbol's specification says."
    )
    volume: float | None = Field(
        default=None, gt=0, le=100_000, title="Volume", description="Lots of every position; empty: by risk, as live."
    )
    min_score: float = Field(
        default=OPEN_FROM,
        ge=0,
        le=100,
        title="Least score",
        description="Least score of an entry; 0: the entry conditions alone.",
    )
    warm_up: int | None = Field(
        default=None,
        ge=0,
        le=1_000_000,
        title="Warm-up",
        description="Bars of the rule's own timeframe before the first decision; empty: as many as live evaluation "
        "asks for on each of its timeframes, none with score 0.",
    )
    deposit: float = Field(
        default=10_000.0,
        gt=0,
        le=1e12,
        title="Deposit",
        description="Money at the beginning, in the account's currency.",
    )
    leverage: float | None = Field(
        default=None, ge=1, le=10_000, title="Leverage", description="100 for 1:100; empty: that of the account."
    )
    stop_out: float = Field(
        default=50.0, ge=0, le=100, title="Stop-out", description="Percent of the margin at which the broker closes."
    )
    profile: bool | None = Field(
        default=None,
        title="Profile",
        description="Whether the symbol's profile counts; empty: for strategies of the library, not for other files.",
    )
    point: float = Field(
        default=0.0, ge=0, le=1_000_000, title="Point", description="Prices of the file are in points of this size."
    )
    time_zone: str = Field(
        default="", max_length=64, title="Time zone", description="Clock of the file; empty: told from its weekends."
    )
    force: bool = Field(
        default=False, title="Force", description="Use bars of any grade, and leave out rows that are no bars."
    )


class BacktestParams(TradingParams):
    """A test of one rule."""

    walk_forward: str = Field(
        default="",
        max_length=40,
        title="Walk-forward",
        description="Folds to learn from and to prove it on: a number, or days as 180/30; empty: none.",
    )
    truncations: int | None = Field(
        default=None,
        ge=0,
        le=100,
        title="Truncations",
        description="Places at which the bars are cut off to see whether an earlier signal changes; empty: 3 on up to "
        "50,000 bars.",
    )
    calibrate: bool | None = Field(
        default=None,
        title="Calibrate",
        description="Keep what the scores were worth, for live ideas; empty: when the test is like live trading and "
        "rests on no fewer signals than what is kept.",
    )


class TradingResult(TaskResult):
    """What was tested; money in ``currency``."""

    strategy: str = Field(description="Id of the strategy.")
    symbol: str = Field(description="Symbol it was tested on.")
    timeframe: str = Field(description="Bars it was tested on.")
    currency: str = Field(description="Currency of all money.")

    @property
    def tested(self) -> str:
        """The rule and its bars, in words."""
        return f"{self.strategy} on {self.symbol} {self.timeframe}"


class BacktestResult(TradingResult):
    """What came of a backtest."""

    bars: dict[str, Any] = Field(description="The bars: source, count, span, grade.")
    counts: dict[str, int] = Field(description="Signals, ambiguous bars, and what was left out and why.")
    trades: int = Field(description="Closed trades.")
    monte_carlo: dict[str, Any] = Field(description="What the trades could have shown in other orders.")
    look_ahead: dict[str, int] = Field(description="Places at which bars were cut off, and signals that changed.")
    calibration: dict[str, Any] = Field(description="What the scores were worth, and whether it was kept.")
    walk_forward: dict[str, Any] = Field(description="Each fold, and all parts to prove it on together.")
    no_trades: str = Field(description="Why there are none; empty when there are some.")
    statistics: dict[str, Any] = Field(description="The figures, see docs/backtests.md; null where one has no value.")
    trades_csv: str = Field(description="Table of the trades.")
    report_json: str = Field(description="The whole result for programs.")
    report_html: str = Field(description="The report for people.")

    def summary(self) -> str:
        if not self.trades:
            return f"{self.tested}: no trades"
        net, factor = self.statistics["total_net_profit"], self.statistics["profit_factor"]
        told = f", profit factor {factor:.2f}" if factor is not None else ""
        return f"{self.tested}: {count(self.trades, 'trade')}, net profit {net:,.2f} {self.currency}{told}"


Objective = Literal["sqn", "net_profit", "profit_factor", "r_mean"]


class SweepParams(TradingParams):
    """What to vary, and how to judge it."""

    vary: str = Field(
        min_length=1,
        max_length=2000,
        title="Vary",
        description="Numeric fields of the rule file and their values: "
        "indicators.ema.fast=10..50/5; indicators.atr.multiplier=1,1.5,2",
    )
    random: int | None = Field(
        default=None,
        ge=1,
        le=100_000,
        title="Random",
        description="So many points at random instead of the whole grid; empty: the grid.",
    )
    seed: int = Field(default=1, ge=0, le=2**31, title="Seed", description="Of the random numbers.")
    objective: Objective = Field(
        default="sqn",
        title="Objective",
        description="What is best: sqn (mean over spread of the profits in units of risk), r_mean, net_profit or "
        "profit_factor.",
    )
    walk_forward: str = Field(
        default="5",
        min_length=1,
        max_length=40,
        title="Walk-forward",
        description="Folds to choose in and to prove the choice on: a number, or days as 180/30.",
    )
    least_trades: int = Field(
        default=10,
        ge=1,
        le=100_000,
        title="Least trades",
        description="Points with fewer trades in the part that is judged are not chosen.",
    )
    processes: int | None = Field(
        default=None, ge=1, le=64, title="Processes", description="So many at once; empty: one for each processor."
    )


class SweepResult(TradingResult):
    """What came of a sweep."""

    objective: str = Field(description="What points are judged by.")
    points: int = Field(description="Points that were tried.")
    known: int = Field(description="Of those, the ones that an interrupted or earlier sweep had tried.")
    invalid: int = Field(description="Points that are no rule, such as a fast average slower than the slow one.")
    trials: int = Field(description="Tests of the strategy on the symbol so far, these included.")
    walk_forward: dict[str, Any] = Field(description="Chosen in each fold and proved in the next: what came of it.")
    top: tuple[dict[str, Any], ...] = Field(description="The best by what the parts to prove them on brought.")
    results: str = Field(description="Every point, a line each; a sweep with the same parameters goes on there.")
    report_json: str = Field(description="The whole result for programs.")
    points_csv: str = Field(description="Table of all points.")
    report_html: str = Field(description="The report for people.")

    def summary(self) -> str:
        proved = self.walk_forward["out_of_sample"]
        told = f"{proved['r']:+.1f} R in {count(proved['trades'], 'trade')} out of sample"
        return f"{self.tested}: {count(self.points, 'point')}, chosen as it went {told}"
