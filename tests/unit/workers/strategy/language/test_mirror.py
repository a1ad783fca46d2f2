"""Mirror images: the rules one by one, and the law that they hold on the chart turned upside down."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.terminal.values import RATES_DTYPE, Rates
from workers.strategy.facts import FACTS, vocabulary
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.language.mirror import mirror
from workers.strategy.language.parser import parse
from workers.strategy.language.syntax import text
from workers.strategy.language.tokens import ConditionError
from workers.strategy.schema import Indicators

WORDS = vocabulary(Indicators())

MIRRORS = [
    ("close > open", "close < open"),
    ("close >= open", "close <= open"),
    ("high > high[1]", "low < low[1]"),
    ("close > highest(high, 20)[1]", "close < lowest(20)[1]"),
    ("highest(close, 5) > close", "lowest(close, 5) < close"),
    ("ema(20) crosses above ema(50)", "ema(20) crosses below ema(50)"),
    ("ema(high, 20) > close", "ema(low, 20) < close"),
    ("rsi(14) < 30", "rsi(14) > 70"),
    ("rsi(14) between 40 and 50", "rsi(14) between 50 and 60"),
    ("ema(rsi(14), 5) > rsi(14)", "ema(rsi(14), 5) < rsi(14)"),
    ("rsi(14) - rsi(14)[1] > 5", "rsi(14) - rsi(14)[1] < -5"),
    ("rsi(14) > 2 * rsi(7) - 50", "rsi(14) < 2 * rsi(7) - 50"),
    ("macd_hist > 0", "macd_hist(12, 26, 9) < 0"),
    ("macd > 0.001", "macd(12, 26, 9) < -0.001"),
    ("macd crosses above macd_signal", "macd(12, 26, 9) crosses below macd_signal(12, 26, 9)"),
    ("atr(14) > 1.2 * median(atr(14), 50)", "atr(14) > 1.2 * median(atr(14), 50)"),
    ("stdev(20) > stdev(50)", "stdev(20) > stdev(50)"),
    ("upper_wick > 2 * body", "lower_wick > 2 * body"),
    ("volume > sma(volume, 20)", "volume > sma(volume, 20)"),
    ("spread < 20", "spread < 20"),
    ("close > ema(20) + 2 * atr(14)", "close < ema(20) - 2 * atr(14)"),
    ("close - open > atr(14)", "close - open < -atr(14)"),
    ("change(3) > 0", "change(3) < 0"),
    ("abs(close - open) > atr(14)", "abs(close - open) > atr(14)"),
    ("(close - open) / atr(14) > 0.5", "(close - open) / atr(14) < -0.5"),
    ("max(open, close) < upper_band(20, 2)", "min(open, close) > lower_band(20, 2)"),
    ("(high + low) / 2 > ema(20)", "(low + high) / 2 < ema(20)"),
    ("-close < -open", "-close > -open"),
    ("H4.close > H4.ema(50)", "H4.close < H4.ema(50)"),
    ("H4.(close > open)[1]", "H4.(close < open)[1]"),
    ("(close > open)[1]", "(close < open)[1]"),
    ("divergence_bullish", "divergence_bearish(rsi(14))"),
    ("not rsi > 70 and close > open", "not rsi(14) < 30 and close < open"),
    ("rsi > 70 or close > open", "rsi(14) < 30 or close < open"),
]


@pytest.mark.parametrize(("condition", "image"), MIRRORS)
def test_mirror_image(condition: str, image: str) -> None:
    assert text(mirror(parse(condition, WORDS))) == image


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        ("close > 1.1", "compares a price with something that is no price"),
        ("close > 100 * atr(14)", "compares a price with"),
        ("close / ema(50) > 1.01", "multiplies or divides by a price"),
        ("close * close > 1", "multiplies or divides by a price"),
        ("1 / rsi > 0.02", "multiplies or divides"),
        ("abs(close) > open", "takes the size of a price"),
        ("max(close, 1) > open", "turn differently"),
        ("divergence_bullish(atr(14))", "does not turn with the price"),
        ("H4.close > 1.1 or close > open", "compares a price with"),
    ],
)
def test_what_has_no_mirror_image_says_why(condition: str, part: str) -> None:
    with pytest.raises(ConditionError, match=part):
        mirror(parse(condition, WORDS))


def market(seed: int) -> Rates:
    """A random walk with ranges, wicks and volumes of its own."""
    random = np.random.default_rng(seed)
    rates = np.zeros(240, RATES_DTYPE)
    rates["time"] = 1_748_908_800 + 300 * np.arange(240)
    rates["close"] = 1.1 + np.cumsum(random.normal(0, 3e-4, 240))
    rates["open"] = rates["close"] + random.normal(0, 2e-4, 240)
    rates["high"] = np.maximum(rates["open"], rates["close"]) + random.uniform(0, 3e-4, 240)
    rates["low"] = np.minimum(rates["open"], rates["close"]) - random.uniform(0, 3e-4, 240)
    rates["tick_volume"], rates["spread"] = random.integers(50, 500, 240), random.integers(1, 40, 240)
    return rates


def turned(rates: Rates) -> Rates:
    """The chart upside down."""
    found = rates.copy()
    for name, other in (("open", "open"), ("close", "close"), ("high", "low"), ("low", "high")):
        found[name] = 2.5 - rates[other]
    return found


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 100_000))
def test_image_holds_where_the_condition_holds_on_the_turned_chart(seed: int) -> None:
    rates = market(seed)
    hours = rates[::12].copy()
    real = Evaluator(rates, 300, {"H4": hours})
    upside_down = Evaluator(turned(rates), 300, {"H4": turned(hours)})
    for condition in [*FACTS, *(condition for condition, _image in MIRRORS)]:
        node = parse(condition, WORDS)
        expected, found = upside_down.truth(node), real.truth(mirror(node))
        np.testing.assert_array_equal(found.known, expected.known, err_msg=condition)
        # No price of a random walk lies so close to another that rounding decides.
        np.testing.assert_array_equal(found.holds, expected.holds, err_msg=condition)


@pytest.mark.parametrize("condition", [condition for condition, _image in MIRRORS])
def test_image_of_the_image_means_the_same(condition: str) -> None:
    node, bars = parse(condition, WORDS), Evaluator(market(1), 300)
    np.testing.assert_array_equal(bars.truth(mirror(mirror(node))).holds, bars.truth(node).holds)
