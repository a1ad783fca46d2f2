"""The named facts that conditions are made of: each is a short name for an expression, with the rule's own periods.

A name that is not known is an error with the nearest known one. None is ever taken as "does not hold".
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from workers.strategy.language.parser import Vocabulary, parse
from workers.strategy.language.syntax import Call
from workers.strategy.schema import Indicators

#: The range is compared with its median over so many bars.
MEDIAN_BARS: Final = 50


@dataclass(frozen=True, slots=True)
class Fact:
    """A named condition.

    Attributes:
        mirror: The name of the same fact for the other direction.
        expression: What it stands for; ``{oversold}`` and ``{overbought}`` are levels of the rule file.
        about: That in words.
    """

    name: str
    mirror: str
    expression: str
    about: str


#: Every fact, by name.
FACTS: Final[dict[str, Fact]] = {
    fact.name: fact
    for fact in (
        Fact("ema_fast_gt_slow", "ema_fast_lt_slow", "ema_fast > ema_slow", "the fast average is above the slow one"),
        Fact("ema_fast_lt_slow", "ema_fast_gt_slow", "ema_fast < ema_slow", "the fast average is below the slow one"),
        Fact("price_above_ema_fast", "price_below_ema_fast", "close > ema_fast", "the close is above the fast average"),
        Fact("price_below_ema_fast", "price_above_ema_fast", "close < ema_fast", "the close is below the fast average"),
        Fact("price_above_ema_slow", "price_close_lt_ema_slow", "close > ema_slow", "the close is above the slow one"),
        Fact("price_below_ema_slow", "price_above_ema_slow", "close < ema_slow", "the close is below the slow one"),
        Fact("price_close_lt_ema_slow", "price_above_ema_slow", "close < ema_slow", "another name of the same"),
        Fact("rsi_lt_30", "rsi_gt_70", "rsi < {oversold}", "below the rule's oversold level, whatever the name says"),
        Fact("rsi_gt_70", "rsi_lt_30", "rsi > {overbought}", "above the rule's overbought level"),
        Fact("rsi_between_40_60", "rsi_between_40_60", "rsi between 40 and 60", "neither strong nor weak"),
        Fact("macd_hist_gt_0", "macd_hist_lt_0", "macd_hist > 0", "the MACD is above its signal line"),
        Fact("macd_hist_lt_0", "macd_hist_gt_0", "macd_hist < 0", "the MACD is below its signal line"),
        Fact(
            "atr_above_median",
            "atr_above_median",
            f"atr > median(atr, {MEDIAN_BARS})",
            f"livelier than in the middle of the last {MEDIAN_BARS} bars",
        ),
        Fact(
            "atr_below_median",
            "atr_below_median",
            f"atr < median(atr, {MEDIAN_BARS})",
            f"quieter than in the middle of the last {MEDIAN_BARS} bars",
        ),
        Fact("long_upper_wick", "long_lower_wick", "upper_wick > 0.5 * range", "over half of the bar is upper wick"),
        Fact("long_lower_wick", "long_upper_wick", "lower_wick > 0.5 * range", "over half of the bar is lower wick"),
        Fact(
            "divergence_bullish",
            "divergence_bearish",
            "divergence_bullish(rsi)",
            "price made a lower pivot low, the RSI a higher one",
        ),
        Fact(
            "divergence_bearish",
            "divergence_bullish",
            "divergence_bearish(rsi)",
            "price made a higher pivot high, the RSI a lower one",
        ),
    )
}


@lru_cache(maxsize=256)
def vocabulary(settings: Indicators) -> Vocabulary:
    """What names mean in a rule file with these indicators: facts, ``ema_fast``, and ``rsi`` without its period."""
    ema, macd = settings.ema, settings.macd
    lines = (float(macd.fast), float(macd.slow), float(macd.signal))
    exponential = macd.signal_average == "exponential"
    base = Vocabulary(
        values={"ema_fast": Call("ema", (), (float(ema.fast),)), "ema_slow": Call("ema", (), (float(ema.slow),))},
        numbers={
            "rsi": (float(settings.rsi.period),),
            "atr": (float(settings.atr.period),),
            **dict.fromkeys(("macd", "macd_signal", "macd_hist"), lines),
            **dict.fromkeys(("macd_signal_exponential", "macd_hist_exponential"), lines),
        },
        instead={name: f"{name}_exponential" for name in ("macd_signal", "macd_hist")} if exponential else {},
    )
    levels = {"oversold": f"{settings.rsi.oversold!r}", "overbought": f"{settings.rsi.overbought!r}"}
    nodes = {name: parse(fact.expression.format(**levels), base) for name, fact in FACTS.items()}
    return Vocabulary(nodes, base.values, base.numbers, base.instead)
