"""Walk-forward: which trades belong to which part, by hand and by its laws."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from arena import EURUSD, FREE, HOUR, MONDAY, calls, rule, trade, wandering
from hypothesis import given, settings
from hypothesis import strategies as st
from task_bench import hours

from app.errors import UserAction
from workers.backtest.engine import spread_points
from workers.backtest.folds import Fold, Part, added, divided, folds, part
from workers.backtest.model import Terms, Trades
from workers.backtest.signals import gather
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.rules import prepare

TIMES = MONDAY + HOUR * np.arange(24 * 40)


def trades_of(seed: int) -> Trades:
    rates, asked = wandering(seed, 960), rule(conditions={"entry": ["ema(3) > ema(8)"]})
    terms = Terms(volume=0.1, min_score=0)
    spread = spread_points(rates, FREE)
    signals = gather(asked, prepare(asked), Evaluator(rates, HOUR), None, EURUSD.grid, spread, None, terms, FREE)
    return trade(rates, signals, volume=0.1).trades


def test_a_number_of_folds_by_hand() -> None:
    """40 days, two folds: learn 3 of 5 parts of 8 days, prove it on the next one."""
    assert folds("2", TIMES, 0, 960, HOUR) == (Fold(0, 24 * 24, 24 * 32), Fold(24 * 8, 24 * 32, 960))


def test_lengths_in_days_by_hand() -> None:
    found = folds("20/7", TIMES, 0, 960, HOUR)
    assert found == (Fold(0, 480, 648), Fold(168, 648, 816))


@pytest.mark.parametrize("text", ["", "0", "x", "20/", "/5", "0/5", "5/0", "201", "-3", "1e9", "20/7/2"])
def test_what_is_no_fold_is_told(text: str) -> None:
    with pytest.raises(UserAction, match="is no number of folds and no lengths"):
        folds(text, TIMES, 0, 960, HOUR)


@pytest.mark.parametrize("text", ["39/2", "400/10", "0.1/0.01"])
def test_folds_that_do_not_fit_are_told(text: str) -> None:
    with pytest.raises(UserAction, match="There is no room"):
        folds(text, TIMES, 0, 960, HOUR)


def test_sums_of_a_part_by_hand() -> None:
    profit, risk = np.array([10.0, -5.0, 0.0, 20.0]), np.array([5.0, 5.0, 5.0, 0.0])
    found = part(profit, risk, 0, 4)
    assert found == Part(4, 3, 30.0, -5.0, 3, 1.0, 5.0)  # R: 2, -1, 0; the last has no risk to compare with
    assert (found.net_profit, found.profit_factor) == (25.0, 6.0)
    assert found.sqn == pytest.approx(np.sqrt(3) * (1 / 3) / np.std([2, -1, 0], ddof=1))
    assert (Part().sqn, Part().r_mean, Part().profit_factor) == (None, None, None)


@settings(max_examples=25)
@given(st.integers(0, 50), st.integers(1, 6))
def test_each_trade_is_proved_in_one_fold_at_most_and_learning_sees_no_future(seed: int, number: int) -> None:
    trades = trades_of(seed)
    found = folds(str(number), TIMES, 0, 960, HOUR)
    parts = divided(trades, found)
    for fold, (learn, prove) in zip(found, parts, strict=True):
        known = (trades.signal >= fold.begin) & (trades.exit_bar < fold.middle)
        assert learn.trades == np.count_nonzero(known)
        assert learn.net_profit == pytest.approx(trades.profit[known].sum())
        inside = (trades.signal >= fold.middle) & (trades.signal < fold.end)
        assert prove.net_profit == pytest.approx(trades.profit[inside].sum())
    whole = added(prove for _, prove in parts)
    assert whole.trades == np.count_nonzero(trades.signal >= found[0].middle)
    assert all(one.end == two.middle for one, two in pairwise(found))


@settings(max_examples=15)
@given(st.integers(0, 50), st.integers(0, 500))
def test_what_comes_after_a_part_to_learn_from_never_changes_it(seed: int, cut: int) -> None:
    trades = trades_of(seed)
    fold = [Fold(0, 300 + cut, 960)]
    later = trades.exit_bar >= fold[0].middle
    changed = replace(trades, price_profit=np.where(later, 1e9, trades.price_profit))
    assert divided(trades, fold)[0][0] == divided(changed, fold)[0][0]


def test_no_trades_are_no_trouble() -> None:
    nothing = trade(wandering(1, 960), calls(960)).trades
    assert added(prove for _, prove in divided(nothing, folds("3", TIMES, 0, 960, HOUR))) == Part()


@pytest.mark.allow_warnings("")
def test_a_test_reports_its_folds(tester: Any) -> None:
    result, _ctx = tester(hours(2000), min_score=0, volume=0.1, walk_forward="4")
    found = result.walk_forward
    assert len(found["folds"]) == 4
    proved = sum(fold["test"]["trades"] for fold in found["folds"])
    assert 0 < proved == found["out_of_sample"]["trades"] < result.trades
    assert "Walk-forward" in Path(result.report_html).read_text(encoding="utf-8")
    assert tester(hours(), min_score=0)[0].walk_forward == {}
    with pytest.raises(UserAction, match="walk_forward is no number"):
        tester(hours(), walk_forward="often")
    with pytest.raises(UserAction, match="no room for walk_forward=400/20"):
        tester(hours(), walk_forward="400/20")
