"""What came of a test in figures: those of MetaTrader's tester report by its names and definitions, and some more.

Sources: MetaTrader 5 help, "Testing Report"; the definitions were checked against reports of real testers, where the
figures follow from the table of deals. The Sharpe ratio is the exception: MetaTrader's cannot be worked out from its
report, so ours is the usual one of daily returns. A closing of a position or of a part of it counts as a trade, as
there. Money is in the currency of the account; what has no value is None.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.terminal.timeframes import DAY
from workers.backtest.model import Curve, Index, Reason, Trades
from workers.strategy.averages import Array

Figures = dict[str, Any]

_YEAR_S: Final = 365.25 * DAY
#: A return over less time than this says nothing about a year.
_LEAST_YEARS: Final = 1 / 52


def statistics(
    trades: Trades, curve: Curve, times: Index, seconds: int, close: Array, deposit: float, first: int = 0
) -> Figures:
    """All figures of a test.

    Args:
        times: Open time of each bar, UTC epoch seconds; ``curve`` and ``close`` have one value for each.
        seconds: Length of a bar.
        first: The first bar of the test; those before it only warm the indicators up.
    """
    profit = trades.profit
    shown = Curve(*(getattr(curve, name)[first:] for name in Curve.__slots__))
    figures: Figures = {"initial_deposit": deposit}
    figures |= of_profits(profit, deposit)
    figures["total_deals"] = int(trades.number.max(initial=-1)) + 1 + len(trades)  # openings and closings
    figures |= fallen("balance", np.concatenate(([deposit], deposit + np.cumsum(profit))), None, deposit)
    figures |= fallen("equity", shown.equity, shown.lowest, deposit)
    figures["recovery_factor"] = _ratio(figures["total_net_profit"], figures["equity_drawdown_maximal"])
    figures |= _by_direction(trades, profit)
    figures |= _holding(trades, times, seconds)
    figures |= _excursions(trades, profit)
    figures |= _over_time(shown, times[first:], seconds, close[first:], deposit, figures)
    figures |= _exposure(trades, len(times) - first)
    figures |= {
        "commission": float(trades.commission.sum()),
        "swap": float(trades.swap.sum()),
        "ambiguous_trades": int(np.count_nonzero(trades.ambiguous)),
        "sqn": _quality(trades, profit),
    }
    return figures


def of_profits(profit: Array, deposit: float) -> Figures:
    """The figures that follow from the profits of the trades alone, in their order.

    Gross profit and loss are the sums of the trades that won (0 counts as won) and lost. Z-score by the runs test:
    ``(N (R - 0.5) - P) / sqrt(P (P - N) / (N - 1))`` with R runs and ``P = 2 W L``; its probability is that of the
    normal distribution. AHPR and GHPR are the arithmetic and geometric mean of balance after / before each trade; LR
    is the line through all balances from the deposit on, by least squares.
    """
    count = len(profit)
    won = profit >= 0
    wins, losses = profit[won], profit[~won]
    gained, lost = float(wins.sum()), float(losses.sum())
    figures: Figures = {
        "total_net_profit": float(profit.sum()),
        "gross_profit": gained,
        "gross_loss": lost,
        "profit_factor": _ratio(gained, -lost),
        "expected_payoff": _ratio(float(profit.sum()), count),
        "total_trades": count,
        "profit_trades": len(wins),
        "profit_trades_percent": _percent(len(wins), count),
        "loss_trades": len(losses),
        "loss_trades_percent": _percent(len(losses), count),
        "largest_profit_trade": float(wins.max()) if len(wins) else None,
        "largest_loss_trade": float(losses.min()) if len(losses) else None,
        "average_profit_trade": _ratio(gained, len(wins)),
        "average_loss_trade": _ratio(lost, len(losses)),
    }
    return figures | _runs(profit, won) | _returns(profit, deposit)


def _runs(profit: Array, won: NDArray[np.bool_]) -> Figures:
    """Wins and losses in a row, and whether they follow each other by chance."""
    names = (
        "maximum_consecutive_wins", "maximum_consecutive_wins_money", "maximal_consecutive_profit",
        "maximal_consecutive_profit_count", "average_consecutive_wins", "maximum_consecutive_losses",
        "maximum_consecutive_losses_money", "maximal_consecutive_loss", "maximal_consecutive_loss_count",
        "average_consecutive_losses", "z_score", "z_score_probability_percent",
    )  # fmt: skip
    figures: Figures = dict.fromkeys(names)
    if not len(profit):
        return figures
    begins = np.concatenate(([0], np.flatnonzero(won[1:] != won[:-1]) + 1))
    lengths = np.diff(begins, append=len(profit))
    sums = np.add.reduceat(profit, begins)
    for kind, word, money in ((True, "wins", "profit"), (False, "losses", "loss")):
        rows = won[begins] == kind
        if not rows.any():
            continue
        many, brought = lengths[rows], sums[rows]
        # Of several as long, the one that brought or cost most is named.
        longest, best = int(np.lexsort((np.abs(brought), many))[-1]), int(np.abs(brought).argmax())
        figures[f"maximum_consecutive_{word}"] = int(many[longest])
        figures[f"maximum_consecutive_{word}_money"] = float(brought[longest])
        figures[f"maximal_consecutive_{money}"] = float(brought[best])
        figures[f"maximal_consecutive_{money}_count"] = int(many[best])
        figures[f"average_consecutive_{word}"] = float(many.mean())
    count, wins = len(profit), int(np.count_nonzero(won))
    product = 2.0 * wins * (count - wins)
    spread = product * (product - count)
    if count > 1 and spread > 0:
        z = (count * (len(begins) - 0.5) - product) / math.sqrt(spread / (count - 1))
        figures["z_score"] = z
        figures["z_score_probability_percent"] = 100.0 * math.erf(abs(z) / math.sqrt(2.0))
    return figures


def _returns(profit: Array, deposit: float) -> Figures:
    names = ("ahpr", "ghpr", "lr_correlation", "lr_standard_error")
    figures: Figures = dict.fromkeys(names)
    if not len(profit) or deposit <= 0:
        return figures
    balance: Array = np.concatenate(([deposit], deposit + np.cumsum(profit)))
    if (balance > 0).all():
        figures["ahpr"] = float((balance[1:] / balance[:-1]).mean())
        figures["ghpr"] = float((balance[-1] / deposit) ** (1.0 / len(profit)))
    if len(balance) > 2:
        place: Array = np.arange(len(balance), dtype=np.float64) - (len(balance) - 1) / 2.0
        away = balance - balance.mean()
        slope = float(place @ away) / float(place @ place)
        left = away - slope * place
        figures["lr_standard_error"] = math.sqrt(float(left @ left) / (len(balance) - 2))
        figures["lr_correlation"] = _correlation(place, balance)
    return figures


def fallen(name: str, values: Array, lowest: Array | None, deposit: float) -> Figures:
    """Absolute: how far below the deposit. Maximal: the deepest fall from a peak in money, with its share of that peak.
    Relative: the deepest fall as a share of its peak, with its money.

    Args:
        lowest: The lowest value while each of ``values`` was reached; a peak is one of those before.
    """
    peaks = np.empty(len(values) + (lowest is not None))
    peaks[0] = deposit
    np.maximum.accumulate(values, out=peaks[-len(values) :])
    np.maximum(peaks, deposit, out=peaks)
    peaks, low = peaks[: len(values)], values if lowest is None else lowest
    falls = np.subtract(peaks, low)
    np.maximum(falls, 0.0, out=falls)
    deepest = int(falls.argmax()) if len(falls) else 0
    shares = np.divide(falls, peaks, out=peaks) if len(falls) and peaks.min() > 0 else np.zeros(len(falls))
    worst = int(shares.argmax()) if len(falls) else 0
    least = float(low.min()) if len(low) else deposit
    nothing = not len(falls)
    return {
        f"{name}_drawdown_absolute": max(0.0, deposit - least),
        f"{name}_drawdown_maximal": 0.0 if nothing else float(falls[deepest]),
        f"{name}_drawdown_maximal_percent": 0.0 if nothing else 100.0 * float(shares[deepest]),
        f"{name}_drawdown_relative_percent": 0.0 if nothing else 100.0 * float(shares[worst]),
        f"{name}_drawdown_relative": 0.0 if nothing else float(falls[worst]),
    }


def _by_direction(trades: Trades, profit: Array) -> Figures:
    figures: Figures = {}
    for word, sign in (("long", 1), ("short", -1)):
        rows = trades.sign == sign
        count = int(np.count_nonzero(rows))
        figures[f"{word}_trades"] = count
        figures[f"{word}_trades_won_percent"] = _percent(int(np.count_nonzero(profit[rows] >= 0)), count)
    return figures


def _holding(trades: Trades, times: Index, seconds: int) -> Figures:
    """How long positions were held, from the open of the entry bar to the open of the bar that closed them, which both
    stand for the moments of the fills; at least one bar where they are the same."""
    names = ("minimal_holding_s", "maximal_holding_s", "average_holding_s", "average_holding_bars")
    if not len(trades):
        return dict.fromkeys(names)
    held = np.maximum(times[trades.exit_bar] - times[trades.entry_bar], seconds)
    bars = np.maximum(trades.exit_bar - trades.entry_bar, 1)
    return dict(zip(names, (int(held.min()), int(held.max()), float(held.mean()), float(bars.mean())), strict=True))


def _excursions(trades: Trades, profit: Array) -> Figures:
    """MFE and MAE: how far a position was in profit and in loss at most, in money at its own volume.

    Source: Sweeney, Maximum Adverse Excursion (1997); MetaTrader's report shows how they go with the profits.
    """
    names = ("average_mfe", "average_mae", "correlation_profits_mfe", "correlation_profits_mae", "correlation_mfe_mae")
    if not len(trades):
        return dict.fromkeys(names)
    mfe, mae = trades.best_money, -trades.worst_money
    pairs = (_correlation(profit, mfe), _correlation(profit, mae), _correlation(mfe, mae))
    return dict(zip(names, (float(mfe.mean()), float(mae.mean()), *pairs), strict=True))


def _over_time(curve: Curve, times: Index, seconds: int, close: Array, deposit: float, so_far: Figures) -> Figures:
    """Figures of growth over the time of the test.

    CAGR: ``(end / deposit) ** (1 / years) - 1``. Sharpe: mean of the daily returns of equity over their standard
    deviation, times the square root of the returns in a year (Sharpe 1994, without a risk-free rate). Sortino: the same
    over the root of the mean square of the returns below 0 (Sortino and van der Meer 1991). Calmar: CAGR over the
    relative drawdown of equity (Young 1991). Buy and hold: from the first close to the last.
    """
    names = ("cagr_percent", "sharpe_ratio", "sortino_ratio", "calmar_ratio")
    figures: Figures = dict.fromkeys(names)
    years = float(times[-1] + seconds - times[0]) / _YEAR_S
    figures["years"] = years
    figures["buy_and_hold_percent"] = 100.0 * (float(close[-1]) / float(close[0]) - 1.0)
    figures["return_percent"] = _percent(so_far["total_net_profit"], deposit)
    end = float(curve.equity[-1])
    if years >= _LEAST_YEARS and end > 0:
        figures["cagr_percent"] = 100.0 * ((end / deposit) ** (1.0 / years) - 1.0)
        figures["calmar_ratio"] = _ratio(figures["cagr_percent"], so_far["equity_drawdown_relative_percent"])
    returns = daily_returns(curve, times, deposit)
    if len(returns) > 1:
        scale = math.sqrt(len(returns) / years)
        spread = float(returns.std(ddof=1))
        below = math.sqrt(float((np.minimum(returns, 0.0) ** 2).mean()))
        figures["sharpe_ratio"] = _ratio(float(returns.mean()) * scale, spread)
        figures["sortino_ratio"] = _ratio(float(returns.mean()) * scale, below)
    return figures


def daily_returns(curve: Curve, times: Index, deposit: float) -> Array:
    """Equity at the end of each day with bars (UTC) over that of the day before, less 1; empty when it was used up."""
    # Times ascend: it is enough to know where days end.
    days = np.arange(int(times[0]) // DAY + 1, int(times[-1]) // DAY + 2) * DAY
    ends = np.searchsorted(times, days) - 1
    ends = ends[np.diff(ends, prepend=-1) > 0]
    equity: Array = np.concatenate(([deposit], curve.equity[ends]))
    if (equity <= 0).any():
        return np.zeros(0)
    return equity[1:] / equity[:-1] - 1.0


def _exposure(trades: Trades, bars: int) -> Figures:
    """The share of bars with an open position: from the bar of the entry to that in which it was closed. Of a bar at
    whose open a rule closed it, nothing was held."""
    if not len(trades) or bars <= 0:
        return {"exposure_percent": 0.0}
    order = np.argsort(trades.number, kind="stable")
    firsts = np.flatnonzero(np.diff(trades.number[order], prepend=-1))
    lasts = np.maximum.reduceat(trades.exit_bar[order], firsts)
    at_open = np.logical_or.reduceat(trades.reason[order] == Reason.RULE, firsts)
    held = (lasts - trades.entry_bar[order][firsts] + ~at_open).sum()
    return {"exposure_percent": min(100.0, 100.0 * float(held) / bars)}


def _quality(trades: Trades, profit: Array) -> float | None:
    """System quality number: ``sqrt(n) * mean(R) / std(R)`` with R the profit in units of the risk at the stop.

    Source: Van Tharp, Definitive Guide to Position Sizing (2008), without his limit of 100 trades.
    """
    rows = trades.risk > 0
    count = int(np.count_nonzero(rows))
    if count < 2:
        return None
    multiples = profit[rows] / trades.risk[rows]
    return _ratio(math.sqrt(count) * float(multiples.mean()), float(multiples.std(ddof=1)))


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _percent(part: float, whole: float) -> float | None:
    return 100.0 * part / whole if whole else None


def _correlation(one: Array, two: Array) -> float | None:
    """Pearson's; None where one of them does not vary."""
    if len(one) < 2:
        return None
    first, second = one - one.mean(), two - two.mean()
    size = math.sqrt(float(first @ first) * float(second @ second))
    return float(first @ second) / size if size > 0 else None
