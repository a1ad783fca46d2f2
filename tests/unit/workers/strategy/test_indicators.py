"""Indicators against values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.strategy import indicators


def test_ema_is_seeded_with_the_first_value() -> None:
    # period 3: a = 0.5
    assert indicators.ema(np.array([2.0, 4.0, 8.0, 6.0]), 3).tolist() == [2.0, 3.0, 5.5, 5.75]


def test_ema_of_period_one_is_the_price() -> None:
    assert indicators.ema(np.array([2.0, 4.0, 8.0]), 1).tolist() == [2.0, 4.0, 8.0]


def test_ema_of_nothing_is_nothing() -> None:
    assert len(indicators.ema(np.array([]), 5)) == 0


@pytest.mark.parametrize("period", [1, 2, 5, 50, 200])
def test_ema_equals_the_recursion_on_any_length(period: int) -> None:
    values = 1.1 + np.random.default_rng(period).normal(0, 0.01, 5000)
    expected, current, weight = [], values[0], 2 / (period + 1)
    for value in values:
        current = weight * value + (1 - weight) * current
        expected.append(current)
    np.testing.assert_allclose(indicators.ema(values, period), expected, rtol=1e-12)


def test_rsi_by_wilder_by_hand() -> None:
    # period 2; changes +2 -1 +3 -2; first gain 1.0, loss 0.5; then (1*1+3)/2=2, 0.25; then 1.0, 1.125
    found = indicators.rsi(np.array([10.0, 12.0, 11.0, 14.0, 12.0]), 2)
    assert np.isnan(found[:2]).all()
    np.testing.assert_allclose(found[2:], [100 - 100 / 3, 100 - 100 / 9, 100 - 100 / (1 + 1 / 1.125)])


def test_rsi_without_losses_is_100_and_without_changes_50() -> None:
    assert indicators.rsi(np.arange(1.0, 9.0), 3)[-1] == 100.0
    assert indicators.rsi(np.full(8, 1.5), 3)[-1] == 50.0
    assert indicators.rsi(np.arange(9.0, 1.0, -1.0), 3)[-1] == 0.0


def test_rsi_needs_one_change_more_than_bars() -> None:
    assert np.isnan(indicators.rsi(np.arange(1.0, 4.0), 3)).all()


def test_atr_is_the_simple_mean_of_the_true_range() -> None:
    high, low = np.array([5.0, 6.0, 9.0, 7.0]), np.array([4.0, 5.0, 8.0, 3.0])
    close = np.array([4.5, 5.5, 8.5, 4.0])
    # true range: (6-4.5)=1.5, (9-5.5)=3.5, (8.5-3)=5.5
    found = indicators.atr(high, low, close, 2)
    assert np.isnan(found[:2]).all()
    assert found[2:].tolist() == [2.5, 4.5]


@given(
    st.lists(st.floats(0.5, 2.0), min_size=5, max_size=80),
    st.lists(st.floats(0.5, 2.0), min_size=1, max_size=40),
    st.integers(1, 12),
)
def test_later_bars_never_change_earlier_values(before: list[float], after: list[float], period: int) -> None:
    short, long = np.array(before), np.array(before + after)
    for function in (indicators.ema, indicators.rsi):
        np.testing.assert_array_equal(function(short, period), function(long, period)[: len(short)])
    np.testing.assert_array_equal(
        indicators.atr(short + 0.1, short - 0.1, short, period),
        indicators.atr(long + 0.1, long - 0.1, long, period)[: len(short)],
    )
