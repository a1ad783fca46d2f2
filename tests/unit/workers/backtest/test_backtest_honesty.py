"""How far a result may be luck."""

from __future__ import annotations

import numpy as np
import pytest

from workers.backtest.honesty import Trial, above, best_of_worthless, deflated, monte_carlo, sharpe


def test_the_example_of_the_paper() -> None:
    """Bailey and Lopez de Prado: 5 years of days, 2.5 a year, skewness -3, kurtosis 10, 100 trials of variance 1/2."""
    threshold = best_of_worthless((0.5 / 250) ** 0.5, 100)
    assert threshold == pytest.approx(0.1132, abs=1e-4)
    assert above(2.5 / 250**0.5, threshold, 1250, -3, 10) == pytest.approx(0.9004, abs=2e-4)


def test_more_trials_deflate_more_and_the_same_test_again_is_no_trial() -> None:
    returns = np.random.default_rng(3).normal(0.001, 0.01, 250)
    alone = deflated(returns, "a", ())
    again = deflated(returns, "a", (Trial("a", 9.9),))
    assert alone == again
    assert alone["trials"] == 1
    many = deflated(returns, "a", [Trial(str(number), value) for number, value in enumerate((0.05, -0.08, 0.1, None))])
    assert many["trials"] == 5
    assert many["sharpe_of_worthless_trials"] > 0
    assert many["deflated_sharpe_ratio"] < alone["deflated_sharpe_ratio"]


@pytest.mark.parametrize("returns", [np.zeros(0), np.full(5, 0.01), np.full(50, 0.01)])
def test_returns_that_say_nothing_have_no_ratio(returns: np.ndarray) -> None:
    assert sharpe(returns) is None
    assert deflated(returns, "a", ())["deflated_sharpe_ratio"] is None


def test_orders_change_the_falls_and_draws_the_sum() -> None:
    profit = np.array([100.0] * 30 + [-50.0] * 30)
    found = monte_carlo(profit, 10_000.0)
    low, middle, high = found["balance_drawdown_maximal"]
    assert 0 < low < middle < high < 1500.0  # all losses in a row
    low, middle, high = found["total_net_profit"]
    assert low < middle < high
    assert middle == pytest.approx(1500.0, abs=200)
    assert found["lost_percent"] < 5
    assert monte_carlo(profit, 10_000.0) == found


def test_trades_that_all_won_fall_in_no_order() -> None:
    found = monte_carlo(np.full(20, 5.0), 1000.0)
    assert found["balance_drawdown_maximal"] == [0.0, 0.0, 0.0]
    assert found["total_net_profit"] == [100.0, 100.0, 100.0]
    assert monte_carlo(np.full(9, 5.0), 1000.0) == {}
