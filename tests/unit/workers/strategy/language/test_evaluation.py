"""Values of expressions on hand-made bars, what is not known, and other timeframes without a look ahead."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.terminal.server_time import EUROPE, NEW_YORK, ServerTimeRule
from app.terminal.values import RATES_DTYPE, Rates
from workers.strategy.facts import FACTS, vocabulary
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.language.parser import parse
from workers.strategy.language.wording import words
from workers.strategy.schema import Indicators

MakeRates = Callable[..., Rates]
WORDS = vocabulary(Indicators())
NAN = float("nan")


def bars_of(rows: list[tuple[float, float, float, float]], seconds: int = 300, start: int = 0) -> Rates:
    """Bars of open, high, low, close."""
    rates = np.zeros(len(rows), RATES_DTYPE)
    rates["time"] = start + seconds * np.arange(len(rows))
    for column, values in zip(("open", "high", "low", "close"), zip(*rows, strict=True), strict=True):
        rates[column] = values
    rates["tick_volume"] = 100 * (1 + np.arange(len(rows)))
    rates["spread"] = 7
    return rates


ROWS = [(10, 12, 9, 11), (11, 15, 10, 14), (14, 14, 8, 9), (9, 10, 6, 8), (8, 16, 8, 16)]


def on(condition: str, rates: Rates) -> list[bool | None]:
    """True, false, or None where it is not known, on each bar."""
    found = Evaluator(rates, 300).truth(parse(condition, WORDS))
    assert not (found.holds & ~found.known).any()
    return [bool(h) if k else None for h, k in zip(found.holds, found.known, strict=True)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("close", [11, 14, 9, 8, 16]),
        ("volume", [100, 200, 300, 400, 500]),
        ("spread", [7, 7, 7, 7, 7]),
        ("range", [3, 5, 6, 4, 8]),
        ("body", [1, 3, 5, 1, 8]),
        ("upper_wick", [1, 1, 0, 1, 0]),
        ("lower_wick", [1, 1, 1, 2, 0]),
        ("close[2]", [NAN, NAN, 11, 14, 9]),
        ("close - open", [1, 3, -5, -1, 8]),
        ("-close * 2", [-22, -28, -18, -16, -32]),
        ("close / 2 + 1", [6.5, 8, 5.5, 5, 9]),
        ("1 / (close - 8)", [1 / 3, 1 / 6, 1, NAN, 1 / 8]),
        ("ema(3)", [11, 12.5, 10.75, 9.375, 12.6875]),
        ("ema(open, 3)", [10, 10.5, 12.25, 10.625, 9.3125]),
        ("sma(2)", [NAN, 12.5, 11.5, 8.5, 12]),
        ("median(close, 3)", [NAN, NAN, 11, 9, 9]),
        ("highest(2)", [NAN, 15, 15, 14, 16]),
        ("highest(close, 2)", [NAN, 14, 14, 9, 16]),
        ("lowest(2)", [NAN, 9, 8, 6, 6]),
        ("lowest(2)[1]", [NAN, NAN, 9, 8, 6]),
        ("stdev(2)", [NAN, 1.5, 2.5, 0.5, 4]),
        ("change(1)", [NAN, 3, -5, -1, 8]),
        ("change(high, 2)", [NAN, NAN, 2, -5, 2]),
        ("abs(close - open)", [1, 3, 5, 1, 8]),
        ("max(open, close)", [11, 14, 14, 9, 16]),
        ("min(open, close)", [10, 11, 9, 8, 8]),
        ("atr(1)", [NAN, 5, 6, 4, 8]),
        ("atr(2)", [NAN, NAN, 5.5, 5, 6]),
        ("upper_band(2, 2)", [NAN, 15.5, 16.5, 9.5, 20]),
        ("lower_band(2, 2)", [NAN, 9.5, 6.5, 7.5, 4]),
        ("macd(1, 3, 2)", [0, 1.5, -1.75, -1.375, 3.3125]),
        ("macd_signal(1, 3, 2)", [NAN, 0.75, -0.125, -1.5625, 0.96875]),
        ("macd_hist(1, 3, 2)", [NAN, 0.75, -1.625, 0.1875, 2.34375]),
        ("macd_signal_exponential(1, 3, 3)", [0, 0.75, -0.5, -0.9375, 1.1875]),
        ("macd_hist_exponential(1, 3, 3)", [0, 0.75, -1.25, -0.4375, 2.125]),
        ("rsi(2)", [NAN, NAN, 37.5, 30, 100 - 100 / 6]),
    ],
)
def test_value_by_hand(expression: str, expected: list[float]) -> None:
    rates = bars_of(ROWS)
    node = parse(f"{expression} > -1e9", WORDS)
    found = Evaluator(rates, 300).numbers(node.left)
    found = np.where(np.isfinite(found), found, NAN)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("close > open", [True, True, False, False, True]),
        ("close >= 14", [False, True, False, False, True]),
        ("close <= 9", [False, False, True, True, False]),
        ("close between 9 and 11", [True, False, True, False, False]),
        ("close crosses above 10", [None, False, False, False, True]),
        ("close crosses below 14", [None, False, True, False, False]),  # 14 itself is not below
        ("close > highest(2)[1]", [None, None, False, False, True]),
        ("not close > open", [False, False, True, True, False]),
        ("not sma(3) > 11", [None, None, False, True, True]),
        ("(close > open)[1]", [None, True, True, False, False]),
        ("close > open and close > 12", [False, True, False, False, True]),
        ("close > open or close > 12", [True, True, False, False, True]),
        # What is known settles it: one that fails for 'and', one that holds for 'or'.
        ("sma(3) > 0 and close < 12", [None, False, True, True, False]),
        ("sma(3) > 0 or close > 12", [None, True, True, True, True]),
        ("1 / (close - 8) > 0", [True, True, True, None, True]),
    ],
)
def test_condition_by_hand(condition: str, expected: list[bool | None]) -> None:
    assert on(condition, bars_of(ROWS)) == expected


@pytest.mark.parametrize(
    ("condition", "index", "expected"),
    [
        ("ema(3) > close", 4, "ema(3) 12.69 < close 16.00"),
        ("rsi(2) < 30", 4, "rsi(2) 83.3 > 30"),
        ("sma(3) > close", 0, "sma(3) without value > close 11.00"),
        ("close between 9 and 11", 2, "close 9.00 is between 9 and 11"),
        ("close between 9 and 11", 4, "close 16.00 is not between 9 and 11"),
        ("close crosses above 10", 4, "before close 8.00 < 10, now close 16.00 > 10"),
        ("not close > open", 4, "not: close 16.00 > open 8.00"),
        ("close > open and volume > 400", 4, "close 16.00 > open 8.00 and volume 500 > 400"),
        ("(close > open)[1]", 4, "1 bar ago: close 8.00 < open 9.00"),
        ("(close > open)[1]", 0, "1 bar ago: no bar"),
        ("H1.(close > open)", 4, "H1: no bar"),
        ("divergence_bullish", 4, "no bullish divergence of rsi(14)"),
    ],
)
def test_words(condition: str, index: int, expected: str) -> None:
    assert words(parse(condition, WORDS), Evaluator(bars_of(ROWS), 300), index, 2) == expected


def test_other_timeframe_shows_closed_bars_only() -> None:
    # M5 bars of an hour; the first M15 bar closes with the third of them, and is seen there, not before.
    base = bars_of([(1, 1, 1, 1)] * 8)
    higher = bars_of([(1, 1, 1, 10), (1, 1, 1, 20), (1, 1, 1, 30)], 900)
    bars = Evaluator(base, 300, {"M15": higher})
    node = parse("M15.close > 0", WORDS)
    found = bars.numbers(node.left)
    np.testing.assert_array_equal(found, [NAN, NAN, 10, 10, 10, 20, 20, 20])
    assert bars.truth(node).known.tolist() == [False, False, *[True] * 6]
    shifted = parse("M15.close[1] > 0", WORDS)
    np.testing.assert_array_equal(
        bars.numbers(shifted.left),
        [NAN, NAN, NAN, NAN, NAN, 10, 10, 10],
    )
    base_shift = parse("(M15.close)[1] > 0", WORDS)
    np.testing.assert_array_equal(
        bars.numbers(base_shift.left),
        [NAN, NAN, NAN, 10, 10, 10, 20, 20],
    )


def test_other_timeframe_with_a_gap_and_without_bars() -> None:
    base = bars_of([(1, 1, 1, 1)] * 4, start=7200)
    higher = bars_of([(1, 1, 1, 10)], 3600)
    node = parse("H1.close > 5", WORDS)
    assert Evaluator(base, 300, {"H1": higher}).truth(node).holds.all()  # the last one that had closed
    assert not Evaluator(base, 300).truth(node).known.any()


@pytest.mark.parametrize("name", [EUROPE, NEW_YORK])
def test_a_longer_bar_is_not_seen_before_the_server_clock_has_left_it(name: str) -> None:
    """On the night on which the clock is set back a day lasts 25 hours; of a market that is never closed."""
    rule = ServerTimeRule(name)
    change = {EUROPE: datetime(2025, 10, 26, 1, tzinfo=UTC), NEW_YORK: datetime(2025, 11, 2, 6, tzinfo=UTC)}[name]
    midnight = int(rule.to_server(change)) // 86_400 * 86_400
    opened = int(rule.to_utc(midnight).timestamp())
    day = bars_of([(100, 200, 50, 110)], 86_400, start=opened)
    hours = bars_of([(100, 100, 100, 100)] * 26, 3600, start=opened)
    node = parse("D1.close > 100", WORDS)
    assert int(np.argmax(Evaluator(hours, 3600, {"D1": day}, rule).truth(node).known)) == 24  # the 25th hour
    assert int(np.argmax(Evaluator(hours, 3600, {"D1": day}).truth(node).known)) == 23


EVERYTHING = [
    *FACTS,
    "ema(20) crosses above ema(50)",
    "close > highest(high, 20)[1]",
    "atr(14) > 1.2 * median(atr(14), 50)",
    "close between lower_band(20, 2) and upper_band(20, 2)",
    "stdev(20) > 0.5 * stdev(50) or not rsi(close, 7) < 40",
    "macd_signal crosses below 0",
    "ema(rsi(7), 5) > 50 and (change(3) > 0)[2]",
    "divergence_bearish(macd_hist)",
    "H1.close > H1.ema(5)",
    "M15.rsi(3) < 50",
    "M15.(close > open)[1]",
]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=25)
@given(seed=st.integers(0, 10_000), cut=st.integers(1, 399), factor=st.floats(0.2, 5.0))
def test_no_condition_looks_ahead(rates_of: MakeRates, seed: int, cut: int, factor: float) -> None:
    whole = rates_of(1.1 + np.cumsum(np.random.default_rng(seed).normal(0, 3e-4, 400)))
    changed = whole.copy()
    for name in ("open", "high", "low", "close"):
        changed[name][cut:] *= factor
    part = Evaluator(whole[:cut], 300, frames_of(whole[:cut]))
    other = Evaluator(changed, 300, frames_of(changed))
    for condition in EVERYTHING:
        node = parse(condition, WORDS)
        one, two = part.truth(node), other.truth(node)
        np.testing.assert_array_equal(one.holds, two.holds[:cut], err_msg=condition)
        np.testing.assert_array_equal(one.known, two.known[:cut], err_msg=condition)
        assert words(node, part, cut - 1, 5) == words(node, other, cut - 1, 5)


def frames_of(rates: Rates) -> dict[str, Rates]:
    """Closed bars of longer timeframes, as a terminal has them after these bars."""
    found = {}
    for name, seconds in (("M15", 900), ("H1", 3600)):
        starts = rates["time"] // seconds * seconds
        edges = np.flatnonzero(np.diff(starts, prepend=-1))
        bars = rates[edges].copy()
        bars["time"] = starts[edges]
        bars["high"] = np.maximum.reduceat(rates["high"], edges)
        bars["low"] = np.minimum.reduceat(rates["low"], edges)
        bars["close"] = rates["close"][np.append(edges[1:], len(rates)) - 1]
        end = rates["time"][-1] + 300
        found[name] = bars[bars["time"] + seconds <= end]
    return found
