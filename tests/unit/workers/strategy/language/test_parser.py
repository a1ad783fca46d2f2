"""The language: what is read, how it is written back, and what is said of what cannot be read."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.strategy.facts import vocabulary
from workers.strategy.language.parser import DEEPEST, MOST_PARTS, parse
from workers.strategy.language.reach import reach
from workers.strategy.language.syntax import AllOf, AnyOf, Condition, text
from workers.strategy.language.tokens import LONGEST, ConditionError
from workers.strategy.schema import Indicators

WORDS = vocabulary(Indicators())


def read(condition: str) -> Condition:
    return parse(condition, WORDS)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("ema(20) crosses above ema(50)", "ema(20) crosses above ema(50)"),
        ("rsi(14)<30", "rsi(14) < 30"),
        ("rsi < 30", "rsi(14) < 30"),
        ("rsi() < 30.50", "rsi(14) < 30.5"),
        ("close > highest(high, 20)[1]", "close > highest(20)[1]"),
        ("atr(14) > 1.2 * median(atr(14), 50)", "atr(14) > 1.2 * median(atr(14), 50)"),
        ("H4.close > H4.ema(50)", "H4.close > H4.ema(50)"),
        ("H4.ema(50)[1] < H4.ema(50)", "H4.ema(50)[1] < H4.ema(50)"),
        ("(H4.ema(50))[1] < close", "(H4.ema(50))[1] < close"),
        ("H4.(close - open) > 0", "H4.(close - open) > 0"),
        ("H4.ema_fast_gt_slow", "H4.(ema(20) > ema(50))"),
        ("ema_fast_gt_slow and not rsi_gt_70", "ema(20) > ema(50) and not rsi(14) > 70"),
        ("close > open and (rsi > 50 or macd > 0)", "close > open and (rsi(14) > 50 or macd(12, 26, 9) > 0)"),
        ("close > open or rsi > 50 and macd > 0", "close > open or (rsi(14) > 50 and macd(12, 26, 9) > 0)"),
        ("rsi between 40 and 60 and close > open", "(rsi(14) between 40 and 60) and close > open"),
        ("close - (high - low) / 2 > open", "close - (high - low) / 2 > open"),
        ("close - high - low < -5", "close - high - low < -5"),
        ("-(close - open) * 2 > - atr", "-(close - open) * 2 > -atr(14)"),
        ("close[1][2] > open", "close[3] > open"),
        ("close[0] > open", "close > open"),
        ("(close > open)[1]", "(close > open)[1]"),
        ("divergence_bullish(macd_hist)", "divergence_bullish(macd_hist(12, 26, 9))"),
        ("max(open, close) > upper_band(20, 2)", "max(open, close) > upper_band(20, 2)"),
        ("ema(close, 20) > ema(high, 1e2)", "ema(20) > ema(high, 100)"),
    ],
)
def test_condition_is_read_and_written_back(written: str, meant: str) -> None:
    found = read(written)
    assert text(found) == meant
    assert read(meant) == found


def test_and_binds_closer_than_or() -> None:
    found = read("close > open or close > low and close > high")
    assert isinstance(found, AnyOf)
    assert isinstance(found.operands[1], AllOf)


@pytest.mark.parametrize(
    ("condition", "column", "part"),
    [
        ("emma(20) > close", 1, "did you mean 'ema'?"),
        ("rsi(14) < 30 and clsoe > open", 18, "did you mean 'close'?"),
        ("RSI(14) < 30", 1, "did you mean 'rsi'?"),
        ("xyzzy > 1", 1, "known are"),
        ("ema > close", 1, "it is written ema([source,] period)"),
        ("ema(0) > close", 1, "1 to 1000, not 0"),
        ("ema(1001) > close", 1, "1 to 1000, not 1001"),
        ("ema(20.5) > close", 1, "whole number, not 20.5"),
        ("ema(close, open) > close", 1, "with plain numbers"),
        ("median(20) > close", 1, "median(source, period)"),
        ("atr(close, 14) > 1", 1, "atr(period)"),
        ("macd(26, 12, 9) > 0", 1, "fast (26) must be smaller than slow (12)"),
        ("close(1) > 2", 1, "takes no arguments"),
        ("rsi(14)", 1, "a number, not a condition"),
        ("", 1, "missing before the end"),
        ("rsi(14) <", 10, "missing before the end"),
        ("rsi(14 < 30", 12, "not closed"),
        ("(close > open", 14, "not closed"),
        ("close > open)", 13, "does not belong here"),
        ("close > open rsi < 30", 14, "does not belong here"),
        ("close > open adn rsi < 30", 14, "did you mean 'and'?"),
        ("ema(20) crosses ema(50)", 17, "'above' or 'below'"),
        ("ema(20) crossed above ema(50)", 9, "did you mean 'crosses'?"),
        ("20 < rsi < 30", 10, "between"),
        ("rsi = 30", 5, "compared by >"),
        ("rsi == 30", 5, "compared by >"),
        ("rsi < 30 && close > open", 10, "'and'"),
        ("rsi < 30%", 9, "fraction"),
        ("rsi between 40, 60", 15, "'and'"),
        ("close and rsi < 30", 7, "joins conditions"),
        ("not close", 1, "joins conditions"),
        ("(close > open) + 1 > 2", 16, "takes numbers"),
        ("ema(close > open, 20) > 1", 1, "takes numbers"),
        ("close[x] > open", 7, "how many bars ago"),
        ("close[-1] > open", 7, "how many bars ago"),
        ("close[1.5] > open", 7, "how many bars ago"),
        ("close[1001] > open", 7, "0 to 1000"),
        ("H4.ema(H1.close, 5) > 1", 8, "one timeframe at a time"),
        ("H4.5 > 1", 1, "H4 is a timeframe"),
        ("H4. > 1", 5, "comes a name"),
        ("H9.close > 1", 1, "nothing called 'H9'; the timeframes are M1, "),
        ("h4.close > close", 1, "nothing called 'h4'; did you mean 'H4'?"),
        ("close > mn1.ema(5)", 9, "did you mean 'MN1'?"),
        ("1 > 2", 0, "always the same"),
        ("close > 1e999", 9, "too large"),
        ("close > 2x", 9, "neither a number nor a name"),
        ("close > open; import os", 13, "means nothing here"),
        ("__import__('os')", 12, "means nothing here"),
        ("close.__class__ > 1", 6, "does not belong here"),
        ("close > \N{GREEK SMALL LETTER ALPHA}", 9, "means nothing here"),
    ],
)
def test_error_names_the_column_and_the_remedy(condition: str, column: int, part: str) -> None:
    with pytest.raises(ConditionError) as caught:
        read(condition)
    assert part in caught.value.message
    assert caught.value.column == column, str(caught.value)


@pytest.mark.parametrize(
    ("condition", "part"),
    [
        ("close > " + "1" * LONGEST, "300 characters at most"),
        ("(" * (DEEPEST + 1) + "close", "nested deeper"),
        ("not " * (DEEPEST + 1) + "close > 1", "nested deeper"),
        ("-" * 200 + "close > 1", "nested deeper"),
        ("close" + "+1" * 100 + " > 1", "nested deeper"),
        ("abs(" * 60 + "close", "nested deeper"),
        ("or".join([" 1>0 "] * (MOST_PARTS // 3 + 1)), "parts at most"),
    ],
)
def test_hostile_length_and_depth_are_refused(condition: str, part: str) -> None:
    with pytest.raises(ConditionError, match=part):
        read(condition)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(condition: str) -> None:
    with suppress(ConditionError):
        assert read(text(read(condition)))


PIECES = st.sampled_from(
    "ema ( ) 20 , close > < crosses above between and or not - + * / [ 1 ] H4 . rsi divergence_bullish max 0".split()
)


@given(st.lists(PIECES, max_size=25))
def test_any_words_are_read_or_refused_and_written_back(pieces: list[str]) -> None:
    try:
        found = read(" ".join(pieces))
    except ConditionError:
        return
    assert read(text(found)) == found


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("close > open", {"": (1, 1)}),
        ("close[3] > open", {"": (4, 4)}),
        ("ema(20) > close", {"": (60, 321)}),
        ("rsi(14) > 50", {"": (57, 449)}),
        ("sma(20) > close", {"": (20, 20)}),
        ("atr(14) > median(atr(14), 50)", {"": (64, 64)}),
        ("close crosses above sma(20)", {"": (21, 21)}),
        ("H4.sma(20)[1] > close", {"": (1, 1), "H4": (21, 21)}),
        ("macd_hist(12, 26, 9) > 0", {"": (86, 561)}),
    ],
)
def test_bars_that_a_condition_needs(condition: str, expected: dict[str, tuple[int, int]]) -> None:
    assert reach(read(condition)) == expected


def test_names_are_listed_once() -> None:
    with pytest.raises(ConditionError, match="known are") as caught:
        read("xyzzy > 1")
    names = str(caught.value).split("known are ")[1].split(", ")
    assert len(names) == len(set(names))
