"""How far a result may be luck: the Sharpe ratio deflated by the trials that led to it, and the order of the trades."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, Final

import numpy as np

from workers.order import percentiles
from workers.strategy.averages import Array

_EULER: Final = 0.5772156649015329
_LEAST_RETURNS: Final = 10
#: Shuffled profits in all, and shuffles at least and at most.
_SHUFFLED: Final = 500_000
_LEAST_RUNS, _MOST_RUNS = 200, 1000
_AT_ONCE: Final = 200_000
_SEED: Final = 20_250_603
_BANDS: Final = (5, 50, 95)


@dataclass(frozen=True, slots=True)
class Trial:
    """A backtest as far as later ones have to know of it.

    Attributes:
        key: Of rule, bars, terms and costs: the same test again is no other trial.
        sharpe: Of its daily returns, not scaled to a year; None when it had too few.
    """

    key: str
    sharpe: float | None


def deflated(returns: Array, key: str, earlier: Sequence[Trial]) -> dict[str, Any]:
    """The probability that the true Sharpe ratio is above what the best of so many worthless trials would show.

    Formula: ``DSR = Z((SR - SR0) sqrt(T - 1) / sqrt(1 - g3 SR + (g4 - 1)/4 SR^2))`` with T returns of skewness g3 and
    kurtosis g4, and ``SR0 = sqrt(V) ((1 - c) Z^-1(1 - 1/N) + c Z^-1(1 - 1/(N e)))`` for N trials whose Sharpe ratios
    have the variance V; c is Euler's constant. With one trial SR0 is 0, and it is the probabilistic Sharpe ratio.
    Source: Bailey and Lopez de Prado, The Deflated Sharpe Ratio (Journal of Portfolio Management, 2014).

    Args:
        returns: Daily returns of equity.
        key: Of this test; an earlier one with the same key is this one.
        earlier: Tests of the same strategy on the same symbol.
    """
    found = {trial.key: trial.sharpe for trial in earlier}
    found[key] = own = sharpe(returns)
    figures: dict[str, Any] = {"trials": len(found), "sharpe_daily": own, "deflated_sharpe_ratio": None}
    if own is None:
        return figures
    away = (returns - returns.mean()) / returns.std()
    skewness, kurtosis = float((away**3).mean()), float((away**4).mean())
    known = [value for value in found.values() if value is not None]
    threshold = best_of_worthless(float(np.std(known, ddof=1)), len(found)) if len(known) > 1 else 0.0
    return figures | {
        "skewness": skewness,
        "kurtosis": kurtosis,
        "sharpe_of_worthless_trials": threshold,
        "deflated_sharpe_ratio": above(own, threshold, len(returns), skewness, kurtosis),
    }


def best_of_worthless(spread: float, count: int) -> float:
    """What the best of ``count`` trials without any worth is expected to show; ``spread`` is the standard deviation of
    their Sharpe ratios."""
    if count < 2:
        return 0.0
    normal = NormalDist()
    first, second = normal.inv_cdf(1 - 1 / count), normal.inv_cdf(1 - 1 / (count * math.e))
    return spread * ((1 - _EULER) * first + _EULER * second)


def above(own: float, threshold: float, count: int, skewness: float, kurtosis: float) -> float | None:
    """The probability that the true Sharpe ratio is above a threshold, by ``count`` returns; None where the formula has
    no answer."""
    below = 1 - skewness * own + (kurtosis - 1) / 4 * own**2
    if below <= 0:
        return None
    return NormalDist().cdf((own - threshold) * math.sqrt(count - 1) / math.sqrt(below))


def sharpe(returns: Array) -> float | None:
    """Mean over standard deviation; None of too few returns, or of such that do not vary."""
    if len(returns) < _LEAST_RETURNS:
        return None
    spread = float(returns.std(ddof=1))
    return float(returns.mean()) / spread if spread > 0 else None


def monte_carlo(profit: Array, deposit: float) -> dict[str, Any]:
    """What the same trades could have shown in another order, and what as many drawn from them could have brought.

    The order changes the falls of the balance, not the net profit; drawn with replacement (bootstrap, Efron 1979) the
    net profit varies too. The numbers are random by a fixed seed, so that the same test says the same.

    Returns:
        Percentiles 5, 50 and 95 of the maximal drawdown of the balance over the orders, of the net profit over the
        draws, and the share of draws that lost; empty below ten trades.
    """
    count = len(profit)
    if count < _LEAST_RETURNS:
        return {}
    runs = min(_MOST_RUNS, max(_LEAST_RUNS, _SHUFFLED // count))
    rng = np.random.default_rng(_SEED)
    falls, sums = [], []
    step = max(1, _AT_ONCE // count)
    for begin in range(0, runs, step):
        many = min(step, runs - begin)
        orders = rng.permuted(np.broadcast_to(profit, (many, count)), axis=1)
        balance = deposit + np.cumsum(orders, axis=1)
        peaks = np.maximum(np.maximum.accumulate(balance, axis=1), deposit)
        peaks = np.concatenate((np.full((many, 1), deposit), peaks[:, :-1]), axis=1)
        falls.append((peaks - balance).max(axis=1))
        sums.append(profit[rng.integers(0, count, (many, count))].sum(axis=1))
    drawn = np.concatenate(sums)
    return {
        "runs": runs,
        "percentiles": list(_BANDS),
        "balance_drawdown_maximal": percentiles(np.maximum(np.concatenate(falls), 0.0), _BANDS),
        "total_net_profit": percentiles(drawn, _BANDS),
        "lost_percent": 100.0 * float((drawn < 0).mean()),
    }
