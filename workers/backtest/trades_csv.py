"""The trades of a test as a table: a line for each closing of a position or of a part of it, in their order."""

from __future__ import annotations

from typing import Final

import numpy as np

from workers.backtest.model import Index, Reason, Trades
from workers.strategy.averages import Array

#: Prices of an ideal market and money have as many decimals as they need, at most so many.
_DECIMALS: Final = 10

COLUMNS: Final = (
    "entry_bar", "exit_bar", "entry_time", "exit_time", "direction", "volume", "entry", "exit", "exit_reason", "profit",
    "stop", "target", "price_profit", "commission", "swap", "mae", "mfe", "ambiguous", "score", "bars_held", "trade",
)  # fmt: skip


def text(trades: Trades, rows: Index, times: Index, digits: int | None) -> str:
    """The whole table with its header.

    Bars are counted from 0 among the rows of the file that they came from; ``entry_time`` and ``exit_time`` are the
    open times of those bars, UTC. ``mae`` and ``mfe`` are the furthest moves against and for the position, in price.

    Args:
        rows: For each bar, its place in the file.
        times: Open time of each bar, UTC epoch seconds.
        digits: Decimals of prices; None for those of an ideal market, which are written to the last digit.
    """

    def moments(bars: Index) -> list[str]:
        return [f"{time}Z" for time in np.datetime_as_string(times[bars].astype("datetime64[s]")).tolist()]

    def prices(values: Array) -> list[str]:
        return [repr(value) for value in values.tolist()] if digits is None else _fixed(values, digits)

    columns = (
        rows[trades.entry_bar].tolist(),
        rows[trades.exit_bar].tolist(),
        moments(trades.entry_bar),
        moments(trades.exit_bar),
        ["long" if sign > 0 else "short" for sign in trades.sign.tolist()],
        _short(trades.volume),
        prices(trades.entry),
        prices(trades.exit),
        [Reason(value).label for value in trades.reason.tolist()],
        _short(trades.profit),
        prices(trades.stop),
        prices(trades.target),
        _short(trades.price_profit),
        _short(trades.commission),
        _short(trades.swap),
        _short(trades.worst),
        _short(trades.best),
        ["yes" if value else "no" for value in trades.ambiguous.tolist()],
        _short(trades.score),
        (trades.exit_bar - trades.entry_bar).tolist(),
        trades.number.tolist(),
    )
    lines = [",".join(COLUMNS)]
    lines += [",".join(map(str, row)) for row in zip(*columns, strict=True)]
    return "\n".join(lines) + "\n"


def _fixed(values: Array, digits: int) -> list[str]:
    return [f"{value:.{digits}f}" for value in values.tolist()]


def _short(values: Array) -> list[str]:
    """Numbers without zeros at their end; never -0."""
    found = []
    for value in values.tolist():
        shown = f"{value:.{_DECIMALS}f}".rstrip("0").rstrip(".")
        found.append("0" if shown in ("-0", "") else shown)
    return found
