"""One rule after the other on the same bars: what a process of a sweep does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

from workers.backtest import folds, told
from workers.backtest.engine import sides_of, spread_points
from workers.backtest.finer import Finer
from workers.backtest.honesty import deflated
from workers.backtest.work import Case
from workers.market.grade import Grade
from workers.strategy.rules import prepare
from workers.strategy.schema import Strategy

#: Bytes of averages and conditions that the rules of a sweep may share in one process.
_SHARED: Final = 96_000_000
#: Figures that are kept of each point of a sweep.
SWEPT: Final = (
    "total_net_profit", "profit_factor", "expected_payoff", "total_trades", "profit_trades_percent",
    "equity_drawdown_maximal", "equity_drawdown_relative_percent", "recovery_factor", "sharpe_ratio", "sqn",
)  # fmt: skip


class SweepCase(Case):
    """The bars of a sweep, for one rule after the other."""

    def sweep(self, asked: str) -> Callable[[Strategy], dict[str, Any] | str]:
        """What tests one rule after the other on these bars: its figures, the sums of its folds and its trial; or in
        words why there are none. Averages are computed once for all rules that share them.

        Args:
            asked: Folds, see ``folds``.
        """
        spread = spread_points(self._history.rates, self._request.costs)
        evaluator = self._evaluator(spread)
        cut = folds.folds(asked, self._times, self._first, len(self._times), self._seconds)
        span = told.bars_of(self._history.rates, self._terms)
        finer: Finer | None = None

        def trial(strategy: Strategy) -> dict[str, Any] | str:
            nonlocal finer
            request = self._request = replace(self._request, strategy=strategy)
            self._ready = prepare(strategy, request.profile)
            if self._ready.problems:
                return " ".join(self._ready.problems)
            evaluator.shrink(_SHARED)
            signals = self._signals(evaluator, spread)
            sides = sides_of(evaluator, spread, request.market, request.costs, frozenset({1, -1}))
            played = self._play(signals, sides, finer)
            if played.tally.ambiguous and request.finer is not None and finer is None:
                finer, _trouble = self._finer(request.finer, frozenset({1, -1}))
                played = self._play(signals, sides, finer) if finer is not None else played
            found, _curve, returns = self.figures(played, evaluator.column("close"))
            rule = strategy.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            about = {**request.about, "rule": rule}
            key = told.trial_key(about, told.terms_of(self._terms), told.costs_of(request.costs), span)
            return {
                "trial": key,
                "figures": {name: found[name] for name in SWEPT} | deflated(returns, key, ()) | {"days": len(returns)},
                "folds": [[learn.sums(), prove.sums()] for learn, prove in folds.divided(played.trades, cut)],
            }

        return trial

    def fold_spans(self, asked: str) -> list[dict[str, str]]:
        """When the folds learn and are proved."""
        cut = folds.folds(asked, self._times, self._first, len(self._times), self._seconds)
        return [folds.spans(fold, self._times, self._seconds) for fold in cut]

    def bars_told(self, grade: Grade) -> dict[str, Any]:
        """What the bars are and what has to be known of them, for the report of a sweep."""
        warnings = told.of_bars(self._request, self._history, grade)
        return {**told.bars_head(self._history, self._terms, grade), "warnings": warnings}
