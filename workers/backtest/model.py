"""The values that a backtest passes from part to part: what is asked for, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.strategy.averages import Array
from workers.strategy.confidence import OPEN_FROM

Index = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Reason(IntEnum):
    """Why a position, or a part of it, was closed."""

    STOP = 0
    TARGET = 1
    RULE = 2
    END = 3
    BREAK_EVEN = 4
    TRAILING = 5
    PARTIAL = 6
    STOP_OUT = 7

    @property
    def label(self) -> str:
        """As tables and files say it."""
        return _LABELS[self]


_LABELS = {
    Reason.STOP: "stop",
    Reason.TARGET: "target",
    Reason.RULE: "exit_rule",
    Reason.END: "end_of_bars",
    Reason.BREAK_EVEN: "break_even",
    Reason.TRAILING: "trailing_stop",
    Reason.PARTIAL: "partial",
    Reason.STOP_OUT: "stop_out",
}


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading costs besides the price.

    Attributes:
        ideal: No costs of any kind, no margin, and prices of any fineness: the market of textbooks, in which
            independent engines can be compared.
        spread_points: A fixed spread; None takes that of each bar.
        commission: For one lot and one side (opening and closing pay each), in the currency of the account.
        slippage_points: By how much orders at market and stops are filled worse; targets are limits and do not slip.
        swap: Whether nights cost what the specification says.
    """

    ideal: bool = False
    spread_points: float | None = None
    commission: float = 0.0
    slippage_points: float = 0.0
    swap: bool = True


@dataclass(frozen=True, slots=True)
class Terms:
    """How to trade.

    Attributes:
        deposit: Money at the beginning, in the currency of the account.
        volume: Lots of each position; None: sized as live ideas are, by the risk of the rule.
        min_score: Least score of an entry; 0: the entry conditions alone decide, from the first bar on which they and
            the ATR have a value.
        warm_up: Bars of the rule's own timeframe before the first decision; None: as many as the rule needs on each of
            its timeframes (with ``min_score`` 0 none).
        start, end: Decisions from and before these instants (UTC epoch seconds); None: all bars.
        leverage: Of the account, 100 for 1:100.
        stop_out: Share of the margin at which the broker closes; 0.5 when equity falls to half of it.
    """

    deposit: float = 10_000.0
    volume: float | None = None
    min_score: float = OPEN_FROM
    warm_up: int | None = None
    start: int | None = None
    end: int | None = None
    leverage: float = 100.0
    stop_out: float = 0.5


@dataclass(frozen=True, slots=True, eq=False)
class News:
    """Events of a stored calendar that concern the symbol, in the order of time.

    Attributes:
        times: UTC epoch seconds.
        high: Whether an event is of high impact; else it is of medium.
        first, last: The span that the calendar covers; of what lies outside nothing is known.
    """

    times: Index
    high: Bools
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Trades:
    """Closed positions and parts of positions, one row for each closing, in the order of closing.

    Attributes:
        number: Of the position that was closed, from 0; the parts of one share it.
        signal: Bar on whose close the entry was decided.
        entry_bar, exit_bar: Bars of the fills.
        sign: +1 long, -1 short.
        volume: Lots that were closed.
        entry, exit: Prices of the fills.
        stop, target: As set at the entry.
        reason: Values of ``Reason``.
        price_profit: What the move of the price brought, before costs.
        commission, swap: Below zero where they cost.
        worst, best: Price move against and in favour while it was open, in price; both from 0 up.
        worst_money, best_money: The same in money, at the volume of the row.
        ambiguous: The bar that closed it held the stop, and the target or the level of a half that was still open, and
            no finer bars told which came first.
        score: Of the entry.
        risk: What the stop would have lost with that volume, from the fill.
    """

    number: Index
    signal: Index
    entry_bar: Index
    exit_bar: Index
    sign: NDArray[np.int8]
    volume: Array
    entry: Array
    exit: Array
    stop: Array
    target: Array
    reason: NDArray[np.int8]
    price_profit: Array
    commission: Array
    swap: Array
    worst: Array
    best: Array
    worst_money: Array
    best_money: Array
    ambiguous: Bools
    score: Array
    risk: Array

    def __len__(self) -> int:
        return len(self.number)

    @property
    def profit(self) -> Array:
        """With all costs, in the currency of the account."""
        return self.price_profit + self.commission + self.swap


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """The account on each bar, in its currency.

    Attributes:
        balance: After what was closed on the bar.
        equity: Balance and open profit at the close of the bar.
        lowest: Equity at the worst price of the bar.
    """

    balance: Array
    equity: Array
    lowest: Array


@dataclass(frozen=True, slots=True)
class Tally:
    """What happened besides the trades.

    Attributes:
        signals: Bars that called for an entry.
        ambiguous: Closings in whose bar the stop lay, and the target or the level of an open half.
        settled: Of those, the ones that finer bars decided.
        no_money: Entries that the free margin did not allow.
        no_volume: Entries without a volume; ``no_volume_reason`` is that of the first.
        stop_outs: Positions closed by the broker.
        no_partial: Positions too small to be closed by half.
        by_news: Entries that news near them forbade.
    """

    signals: int = 0
    ambiguous: int = 0
    settled: int = 0
    no_money: int = 0
    no_volume: int = 0
    no_volume_reason: str = ""
    stop_outs: int = 0
    no_partial: int = 0
    by_news: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """What the engine made of the bars."""

    trades: Trades
    curve: Curve
    tally: Tally
    first: int
    last: int


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A finished backtest, ready to be written.

    Attributes:
        head: What was tested, on what, and how; plain values.
        statistics: By name; None where there is none.
        breakdowns: Tables by month, hour, weekday, session, direction and reason.
        bar_times, rows: Of every bar that the trades count, its open time and its place in the file.
        times, close, curve: Of the bars of the test, from the first that may be traded on.
        digits: Decimals of prices.
        warnings: What the reader has to know.
    """

    head: Mapping[str, Any]
    statistics: Mapping[str, Any]
    breakdowns: Mapping[str, tuple[Mapping[str, Any], ...]]
    trades: Trades
    rows: Index
    bar_times: Index
    times: Index
    close: Array
    curve: Curve
    digits: int
    warnings: tuple[str, ...] = field(default=())
