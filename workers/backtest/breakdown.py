"""The trades of a test by month, hour, weekday, session, direction and reason of the exit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from workers.backtest.model import Bools, Index, Reason, Trades
from workers.order import once
from workers.strategy.averages import Array
from workers.strategy.sessions import SESSIONS, open_at

Table = tuple[Mapping[str, Any], ...]

_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAY: Final = 86_400
#: 1970-01-01 was a Thursday; Monday is 0.
_FIRST_WEEKDAY: Final = 3


def breakdowns(trades: Trades, times: Index) -> dict[str, Table]:
    """All tables. Months are those of the closing, hours, weekdays and sessions those of the entry, in UTC; sessions
    overlap, so that a trade may stand under several.

    Args:
        times: Open time of each bar, UTC epoch seconds.
    """
    profit = trades.profit
    opened, closed = times[trades.entry_bar], times[trades.exit_bar]
    months = closed.astype("datetime64[s]").astype("datetime64[M]")
    hours, days = opened // 3600 % 24, (opened // _DAY + _FIRST_WEEKDAY) % 7
    order = np.argsort(opened, kind="stable")
    sessions = {}
    for name in SESSIONS:
        within = np.zeros(len(trades), dtype=np.bool_)
        within[order] = open_at(opened[order], (name,))
        sessions[name] = within
    outside = ~np.logical_or.reduce(list(sessions.values())) if sessions else np.ones(len(trades), dtype=np.bool_)
    return {
        "month": _table(profit, [(str(month), months == month) for month in once(months)]),
        "hour": _table(profit, [(f"{hour:02d}:00", hours == hour) for hour in once(hours).tolist()]),
        "weekday": _table(profit, [(_WEEKDAYS[day], days == day) for day in once(days).tolist()]),
        "session": _table(profit, [*sessions.items(), ("none", outside)]),
        "direction": _table(profit, [("long", trades.sign > 0), ("short", trades.sign < 0)]),
        "exit_reason": _table(profit, [(reason.label, trades.reason == reason) for reason in Reason]),
    }


def _table(profit: Array, groups: Iterable[tuple[str, Bools]]) -> Table:
    return tuple(_line(name, profit[rows]) for name, rows in groups if rows.any())


def _line(name: str, profit: Array) -> Mapping[str, Any]:
    won = profit >= 0
    gained, lost = float(profit[won].sum()), float(profit[~won].sum())
    return {
        "name": name,
        "trades": len(profit),
        "net_profit": float(profit.sum()),
        "won_percent": 100.0 * float(won.mean()),
        "profit_factor": gained / -lost if lost else None,
        "average": float(profit.mean()),
    }


def histogram(values: Array, bins: int = 24) -> tuple[Sequence[float], Sequence[int]]:
    """Borders and counts of a distribution; empty without values."""
    if not len(values):
        return (), ()
    counts, borders = np.histogram(values, bins=min(bins, max(4, len(values) // 2)))
    return borders.tolist(), counts.tolist()
