"""Every named fact on hand-made bars: where it holds, where it does not, and what it says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.terminal.values import Rates
from workers.strategy.facts import FACTS, vocabulary
from workers.strategy.language.catalog import COLUMNS, FUNCTIONS
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.language.mirror import mirror
from workers.strategy.language.syntax import text
from workers.strategy.language.wording import words
from workers.strategy.schema import Indicators

MakeRates = Callable[..., Rates]

SETTINGS = Indicators.model_validate(
    {
        "ema": {"fast": 2, "slow": 4},
        "rsi": {"period": 2},
        "macd": {"fast": 2, "slow": 4, "signal": 3},
        "atr": {"period": 2},
    }
)
UP = 1.1 + np.arange(80) * 1e-4
DOWN = 1.2 - np.arange(80) * 1e-4
FLAT = np.full(80, 1.15)


def holds(name: str, rates: Rates, settings: Indicators = SETTINGS) -> bool:
    """Whether the fact holds on the last bar, where it must be known."""
    bars, node = Evaluator(rates, 300), vocabulary(settings).conditions[name]
    found = bars.truth(node)
    assert found.known[-1]
    assert words(node, bars, len(bars) - 1, 5)
    return bool(found.holds[-1])


@pytest.mark.parametrize(
    ("name", "up", "down", "flat"),
    [
        ("ema_fast_gt_slow", True, False, False),
        ("ema_fast_lt_slow", False, True, False),
        ("price_above_ema_fast", True, False, False),
        ("price_below_ema_fast", False, True, False),
        ("price_above_ema_slow", True, False, False),
        ("price_below_ema_slow", False, True, False),
        ("price_close_lt_ema_slow", False, True, False),
        ("rsi_lt_30", False, True, False),
        ("rsi_gt_70", True, False, False),
        ("rsi_between_40_60", False, False, True),
    ],
)
def test_trend_facts(name: str, up: bool, down: bool, flat: bool, rates_of: MakeRates) -> None:
    assert [holds(name, rates_of(closes)) for closes in (UP, DOWN, FLAT)] == [up, down, flat]


@pytest.mark.parametrize(
    ("last", "above", "below"), [(+0.003, True, False), (-0.003, False, True), (0.0, False, False)]
)
def test_macd_histogram(last: float, above: bool, below: bool, rates_of: MakeRates) -> None:
    # On a flat market main and signal are 0; one move takes main further than the mean of its last three values.
    closes = FLAT.copy()
    closes[-1] += last
    assert holds("macd_hist_gt_0", rates_of(closes)) is above
    assert holds("macd_hist_lt_0", rates_of(closes)) is below


@pytest.mark.parametrize(
    ("reach", "above", "below"), [(0.004, True, False), (0.0001, False, True), (0.0005, False, False)]
)
def test_range_against_its_median(reach: float, above: bool, below: bool, rates_of: MakeRates) -> None:
    rates = rates_of(FLAT)  # each bar reaches 0.0005 both ways
    rates["high"][-2:], rates["low"][-2:] = 1.15 + reach, 1.15 - reach
    assert holds("atr_above_median", rates) is above
    assert holds("atr_below_median", rates) is below


@pytest.mark.parametrize(
    ("bar", "upper", "lower"),
    [
        ((1.0, 1.9, 0.9, 1.1), True, False),  # 0.8 of 1.0 above
        ((1.8, 1.9, 0.9, 1.7), False, True),  # 0.8 of 1.0 below
        ((1.0, 2.0, 0.0, 1.0), False, False),  # half on each side is not over half
        ((1.0, 2.0, 1.0, 2.0), False, False),  # no wick at all
        ((1.0, 1.0, 1.0, 1.0), False, False),  # no range at all
    ],
)
def test_wicks(bar: tuple[float, ...], upper: bool, lower: bool, rates_of: MakeRates) -> None:
    rates = rates_of(FLAT)
    for field, value in zip(("open", "high", "low", "close"), bar, strict=True):
        rates[field][-1] = value
    assert holds("long_upper_wick", rates) is upper
    assert holds("long_lower_wick", rates) is lower


def two_lows(second: float) -> Any:
    """A steep fall to 1.10 at index 100, a recovery, and a slow fall to ``second`` at index 120."""
    return np.concatenate(
        (
            1.14 + 0.0002 * (np.arange(80) % 2),
            np.linspace(1.14, 1.10, 22)[1:],
            np.linspace(1.10, 1.12, 11)[1:],
            np.linspace(1.12, second, 11)[1:],
            second + np.array([0.002, 0.004, 0.006]),
        )
    )


def test_divergence_bullish_and_its_mirror_image(rates_of: MakeRates) -> None:
    settings = Indicators.model_validate({"rsi": {"period": 14}})
    lower, higher = two_lows(1.099), two_lows(1.105)
    assert holds("divergence_bullish", rates_of(lower), settings)
    assert not holds("divergence_bullish", rates_of(higher), settings)  # the second low is higher: no divergence
    assert not holds("divergence_bearish", rates_of(lower), settings)
    turned = rates_of(2.4 - lower)
    assert holds("divergence_bearish", turned, settings)
    assert not holds("divergence_bullish", turned, settings)


def test_levels_of_the_file_are_used() -> None:
    settings = Indicators.model_validate({"rsi": {"overbought": 80.5, "oversold": 10}})
    nodes = vocabulary(settings).conditions
    assert text(nodes["rsi_gt_70"]) == "rsi(14) > 80.5"
    assert text(nodes["rsi_lt_30"]) == "rsi(14) < 10"


def test_exponential_signal_of_the_file_is_used() -> None:
    settings = Indicators.model_validate({"macd": {"signal_average": "exponential"}})
    assert text(vocabulary(settings).conditions["macd_hist_gt_0"]) == "macd_hist_exponential(12, 26, 9) > 0"


def test_every_fact_mirrors_back_and_as_the_language_mirrors_it() -> None:
    nodes = vocabulary(SETTINGS).conditions
    for name, fact in FACTS.items():
        assert nodes[FACTS[fact.mirror].mirror] == nodes[name], name
        assert mirror(nodes[name]) == nodes[fact.mirror], name


def test_every_fact_of_old_files_is_known() -> None:
    old = """ema_fast_gt_slow ema_fast_lt_slow price_above_ema_fast price_below_ema_fast price_above_ema_slow
        price_close_lt_ema_slow rsi_lt_30 rsi_gt_70 rsi_between_40_60 macd_hist_gt_0 macd_hist_lt_0 atr_above_median
        atr_below_median long_upper_wick long_lower_wick divergence_bullish divergence_bearish"""
    assert set(old.split()) <= set(FACTS)


def test_the_guide_names_every_fact_column_and_function() -> None:
    guide = (Path(__file__).resolve().parents[4] / "docs" / "strategy.md").read_text(encoding="utf-8")
    for name in (*FACTS, *COLUMNS, *FUNCTIONS):
        assert re.search(rf"`{name}[`(]", guide), name
    for name, usage in ((name, function.usage()) for name, function in FUNCTIONS.items()):
        if f"`{name}(" in guide:
            assert f"`{usage}`" in guide, usage
