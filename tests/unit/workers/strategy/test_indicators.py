"""Indicators against values worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.strategy import averages, indicators


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


def walk(count: int, seed: int = 3) -> np.ndarray:
    """Closes of a random walk around 1.1."""
    return 1.1 + np.cumsum(np.random.default_rng(seed).normal(0, 2e-4, count))


def looped_rsi(values: np.ndarray, period: int) -> np.ndarray:
    """Wilder's definition as a plain loop."""
    out = np.full(len(values), np.nan)
    change = np.diff(values)
    gain = float(np.mean(np.maximum(change[:period], 0)))
    loss = float(np.mean(np.maximum(-change[:period], 0)))
    for index in range(period, len(values)):
        if index > period:
            gain = (gain * (period - 1) + max(change[index - 1], 0)) / period
            loss = (loss * (period - 1) + max(-change[index - 1], 0)) / period
        out[index] = 100 - 100 / (1 + gain / loss) if loss > 0 else 100.0 if gain > 0 else 50.0
    return out


@pytest.mark.parametrize("period", [2, 7, 14, 100])
def test_rsi_equals_the_loop_on_any_length(period: int) -> None:
    values = walk(9000)
    np.testing.assert_allclose(indicators.rsi(values, period), looped_rsi(values, period), rtol=1e-11)


def test_rsi_keeps_its_value_while_nothing_moves() -> None:
    # gains and losses fade alike, far below what is left of their first value in rounding
    values = np.concatenate((walk(300), np.full(2000, 1.2)))
    found = indicators.rsi(values, 14)
    np.testing.assert_allclose(found[310:], looped_rsi(values, 14)[310:], rtol=1e-9)
    np.testing.assert_allclose(found[310:], found[310], rtol=1e-9)


def test_flat_market_stays_exactly_flat() -> None:
    values = np.full(5000, 1.23457)
    assert (indicators.ema(values, 20) == 1.23457).all()
    main, signal, histogram = indicators.macd(values, 12, 26, 9)
    assert (main == 0).all()
    assert (signal[8:] == 0).all()
    assert (histogram[8:] == 0).all()


def test_macd_by_hand() -> None:
    # ema(1) is the value; ema(3) of 2 4 8 6 is 2 3 5.5 5.75; main 0 1 2.5 0.25; mean of two: 0.5 1.75 1.375
    found = indicators.macd(np.array([2.0, 4.0, 8.0, 6.0]), 1, 3, 2)
    assert found.main.tolist() == [0.0, 1.0, 2.5, 0.25]
    assert np.isnan(found.signal[0])
    assert found.signal[1:].tolist() == [0.5, 1.75, 1.375]
    assert found.histogram[1:].tolist() == [0.5, 0.75, -1.125]


def test_macd_with_exponential_signal_by_hand() -> None:
    # period 3: a = 0.5; 0, 0.5, 1.5, 0.875
    found = indicators.macd(np.array([2.0, 4.0, 8.0, 6.0]), 1, 3, 3, exponential_signal=True)
    assert found.signal.tolist() == [0.0, 0.5, 1.5, 0.875]


def test_average_begins_anew_after_a_missing_value() -> None:
    found = indicators.ema(np.array([np.nan, 2.0, 4.0, np.nan, 10.0, 20.0]), 3)
    np.testing.assert_array_equal(found, [np.nan, 2.0, 3.0, np.nan, 10.0, 15.0])


@pytest.mark.parametrize("period", [1, 2, 3, 5, 8, 21, 50])
@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("rolling_sum", np.sum),
        ("rolling_mean", np.mean),
        ("rolling_highest", np.max),
        ("rolling_lowest", np.min),
        ("rolling_median", np.median),
        ("rolling_deviation", np.std),
    ],
)
def test_rolling_functions_equal_the_plain_ones(name: str, plain: Any, period: int) -> None:
    values = walk(60, period)
    values[20] = np.nan
    found = getattr(averages, name)(values, period)
    expected = [np.nan] * (period - 1) + [plain(values[i - period + 1 : i + 1]) for i in range(period - 1, 60)]
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-16)


@pytest.mark.parametrize("name", ["rolling_mean", "rolling_highest", "rolling_median", "rolling_deviation"])
def test_rolling_functions_of_too_few_values_are_nothing(name: str) -> None:
    assert np.isnan(getattr(averages, name)(np.ones(3), 4)).all()
    assert len(getattr(averages, name)(np.ones(0), 4)) == 0


def test_median_of_many_values_is_copied_in_parts() -> None:
    values = walk(50_000)
    found = averages.rolling_median(values, 101)
    for index in (100, 19_800, 19_801, 19_802, 39_999, 49_999):
        assert found[index] == np.median(values[index - 100 : index + 1])


def test_talib_agrees_where_the_definitions_do() -> None:
    talib = pytest.importorskip("talib", reason="TA-Lib is not installed; it has wheels for Linux and Windows")
    close = walk(3000)
    spread = np.random.default_rng(5).uniform(1e-5, 9e-4, (2, 3000))
    high, low = close + spread[0], close - spread[1]
    np.testing.assert_allclose(indicators.rsi(close, 14), talib.RSI(close, 14), rtol=1e-9)
    np.testing.assert_allclose(indicators.sma(close, 20), talib.SMA(close, 20), rtol=1e-10)
    np.testing.assert_allclose(indicators.true_range(high, low, close), talib.TRANGE(high, low, close), rtol=1e-12)
    # Its ATR is Wilder's; the one of MetaTrader 5 is the simple mean of its true range.
    np.testing.assert_allclose(
        indicators.atr(high, low, close, 14)[14:], talib.SMA(talib.TRANGE(high, low, close)[1:], 14)[13:], rtol=1e-9
    )
    np.testing.assert_allclose(averages.rolling_highest(high, 20), talib.MAX(high, 20))
    np.testing.assert_allclose(averages.rolling_lowest(low, 20), talib.MIN(low, 20))
    np.testing.assert_allclose(averages.rolling_deviation(close, 20), talib.STDDEV(close, 20), rtol=1e-4, atol=1e-7)
    # Its averages are seeded with a simple mean; what is left of any seed after 700 bars is 1e-30.
    np.testing.assert_allclose(indicators.ema(close, 20)[700:], talib.EMA(close, 20)[700:], rtol=1e-12)
    main, signal, histogram = talib.MACD(close, 12, 26, 9)
    found = indicators.macd(close, 12, 26, 9, exponential_signal=True)
    np.testing.assert_allclose(found.main[900:], main[900:], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.signal[900:], signal[900:], rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.histogram[900:], histogram[900:], rtol=1e-6, atol=1e-12)


@given(st.integers(0, 400), st.integers(0, 4000), st.integers(1, 60), st.integers(0, 5))
@settings(deadline=None, max_examples=40)
def test_later_bars_never_change_the_last_bit(cut: int, more: int, period: int, seed: int) -> None:
    long = walk(cut + more, seed)
    long[cut:] *= 3
    short = long[:cut]
    for function in (
        indicators.ema,
        indicators.rsi,
        indicators.sma,
        averages.rolling_median,
        averages.rolling_highest,
        averages.rolling_deviation,
    ):
        np.testing.assert_array_equal(function(short, period), function(long, period)[:cut])
    for one, two in zip(indicators.macd(short, 3, 9, period), indicators.macd(long, 3, 9, period), strict=True):
        np.testing.assert_array_equal(one, two[:cut])
