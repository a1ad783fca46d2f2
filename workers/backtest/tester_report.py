"""The figures of a report of MetaTrader's tester, worked out again from its own table of deals."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from workers.backtest.statistics import fallen, of_profits

_CLOSING: Final = ("out", "in/out", "out by")
_MONEY: Final = ("commission", "swap", "profit")
_NUMBER: Final = re.compile(r"-?[\d\s\N{NO-BREAK SPACE}]*\.?\d+")
_AGREES: Final = 0.0051
#: What is compared: our name, and the name in the report. Money agrees to the cent.
COMPARED: Final = (
    ("total_net_profit", "Total Net Profit"),
    ("total_trades", "Total Trades"),
    ("balance_drawdown_absolute", "Balance Drawdown Absolute"),
    ("balance_drawdown_maximal", "Balance Drawdown Maximal"),
    ("balance_drawdown_relative_percent", "Balance Drawdown Relative"),
    ("gross_profit", "Gross Profit"),
    ("gross_loss", "Gross Loss"),
    ("profit_factor", "Profit Factor"),
    ("expected_payoff", "Expected Payoff"),
    ("z_score", "Z-Score"),
    ("ahpr", "AHPR"),
    ("ghpr", "GHPR"),
    ("lr_standard_error", "LR Standard Error"),
)


def recomputed(
    facts: Mapping[str, str], columns: Sequence[str], deals: Sequence[Sequence[str]]
) -> dict[str, dict[str, float | None]]:
    """Our figures beside those of the report.

    Args:
        facts: What the report says, by its names.
        columns, deals: Its table of deals.

    Returns:
        By our names: ``report`` as it says, None where it says nothing, and ``deals``, what its deals add up to. Empty
        when the table lacks what is needed.
    """
    place = {name: number for number, name in enumerate(columns)}
    if not {"direction", "type", "balance", *_MONEY} <= set(place):
        return {}
    trades = [row for row in deals if row[place["type"]] != "balance"]
    deposit = number(facts.get("Initial Deposit", "")) or 0.0
    if not trades or deposit <= 0:
        return {}
    moved = np.array([[number(row[place[name]]) or 0.0 for name in _MONEY] for row in trades])
    closing = np.array([row[place["direction"]] in _CLOSING for row in trades])
    money = moved.sum(axis=1)
    figures: dict[str, Any] = of_profits(money[closing], deposit)
    net, paid = float(money.sum()), float(money[~closing].sum())
    if paid < 0:
        # Commissions of openings: losses of their own, and in the balance from then on.
        lines = of_profits(np.diff(np.cumsum(money)[closing], prepend=0.0), deposit)
        figures |= {name: lines[name] for name in ("ahpr", "ghpr", "lr_standard_error")}
        figures["gross_loss"] += paid
        figures["profit_factor"] = figures["gross_profit"] / -figures["gross_loss"]
        figures["expected_payoff"] = net / figures["total_trades"] if figures["total_trades"] else None
    balance = deposit + np.concatenate(([0.0], np.cumsum(money)))
    figures |= fallen("balance", balance, None, deposit)
    figures["total_net_profit"] = net
    return {ours: {"report": number(facts.get(theirs, "")), "deals": figures[ours]} for ours, theirs in COMPARED}


def told(found: Mapping[str, Mapping[str, float | None]]) -> str:
    """Whether the report agrees with its deals, in a sentence; empty when nothing was worked out.

    Money agrees to the cent, everything else to the decimals that a report shows.
    """
    if not found:
        return ""
    both, names = _both(found), dict(COMPARED)
    if not both:
        return (
            f"Nothing tells whether the report agrees with its deals: of the {len(found)} figures that can be worked "
            "out again from them, it states none."
        )
    apart = [
        f"{names[name]} is {deals:,.2f} by its deals and {said:,.2f} in the report"
        for name, (said, deals) in both.items()
        if abs(said - deals) > _AGREES
    ]
    if apart:
        return f"Worked out again from its deals, {'; '.join(apart)}."
    left = len(found) - len(both)
    if not left:
        return f"All {len(both)} figures that were worked out again from its deals agree with the report."
    return (
        f"All {len(both)} figures that could be compared agree with what its deals add up to; {left} more are not in "
        "the report or do not follow from its deals."
    )


def agrees(found: Mapping[str, Mapping[str, float | None]]) -> bool:
    """Whether anything was compared, and all of it agrees."""
    both = _both(found)
    return bool(both) and all(abs(said - deals) <= _AGREES for said, deals in both.values())


def _both(found: Mapping[str, Mapping[str, float | None]]) -> dict[str, tuple[float, float]]:
    """What the report states and its deals give: only that can be compared."""
    pairs = {name: (item["report"], item["deals"]) for name, item in found.items()}
    return {name: (said, deals) for name, (said, deals) in pairs.items() if said is not None and deals is not None}


def number(text: str) -> float | None:
    """The first number of a text such as ``8 053.78 (5.80%)``; None when there is none."""
    found = _NUMBER.search(text)
    if found is None:
        return None
    return float(re.sub(r"\s", "", found[0]))
