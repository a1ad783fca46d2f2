"""One strategy on closed bars: the score, the decision, and everything that led to it.

Pure: no clock, no terminal, no files. The same bars and the same rule give the same answer, and bars that come later
never change it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.strategy import confidence, facts, sessions
from workers.strategy.confidence import Action, Score
from workers.strategy.prices import PriceGrid, TradePlan, plan
from workers.strategy.rules import Judgement, judge, rules_of
from workers.strategy.schema import Strategy

#: Bars that a strategy looks at when its periods do not ask for more.
USUAL_WINDOW = 500


class Outcome(StrEnum):
    """What came of one strategy in one run."""

    IDEA = "idea"
    KNOWN = "known"  # the same idea, from the same bar and rule, was written before
    OBSERVED = "observed"  # the score or the entry does not call for an idea
    NO_IDEA = "no_idea"  # something forbids one: an invalidation, an old bar, no ATR
    NOT_EVALUATED = "not_evaluated"  # the rule or the bars cannot be used


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answer for one strategy on its last closed bar.

    Attributes:
        reason: Why there is no idea, or what the idea advises; one sentence.
        bar_time, bar_close: Opening and closing of the decided bar, UTC; None when it was not evaluated.
        judgement, score: Of the better direction; None when it was not evaluated.
        plan: Prices of the idea; None without an idea.
        readings: Values of the indicators on the bar.
    """

    strategy: Strategy
    outcome: Outcome
    reason: str
    bar_time: datetime | None = None
    bar_close: datetime | None = None
    bars: int = 0
    judgement: Judgement | None = None
    score: Score | None = None
    action: Action = Action.OBSERVE
    plan: TradePlan | None = None
    readings: tuple[tuple[str, float], ...] = ()


def window(strategy: Strategy) -> int:
    """How many closed bars the strategy looks at: enough that the seed of the averages has faded to nothing.

    A constant of the rule, so that the same bar gives the same values whoever asks and whenever.
    """
    periods = strategy.indicators
    return max(USUAL_WINDOW, 8 * periods.ema.slow, 16 * periods.rsi.period, 2 * periods.atr.period + 2)


def least_bars(strategy: Strategy) -> int:
    """How many closed bars are needed before an answer means anything."""
    periods = strategy.indicators
    used = facts.needed(name for rule in rules_of(strategy) for name in rule.names())
    least = periods.atr.period + 1
    if "ema" in used:
        least = max(least, 3 * periods.ema.slow)
    if "rsi" in used:
        least = max(least, 4 * periods.rsi.period + 1)
    return least


def evaluate(strategy: Strategy, rates: NDArray[Any], bar_seconds: int, grid: PriceGrid) -> Evaluation:
    """Evaluate one strategy on the last of these closed bars.

    Args:
        rates: Closed bars, oldest first, without the forming bar (fields time in UTC epoch seconds, open, high, low,
            close, spread in points).
        bar_seconds: Length of a bar.
        grid: How prices of the symbol are rounded.
    """
    if troubles := facts.problems(strategy):
        return Evaluation(strategy, Outcome.NOT_EVALUATED, " ".join(troubles))
    rates = rates[-window(strategy) :]
    if trouble := _bars_trouble(strategy, rates):
        return Evaluation(strategy, Outcome.NOT_EVALUATED, trouble, bars=len(rates))
    series = facts.Series(rates, strategy.indicators, grid.digits)
    last = len(rates) - 1
    bar_time = datetime.fromtimestamp(int(rates["time"][last]), UTC)
    bar_close = bar_time + timedelta(seconds=bar_seconds)
    aligned, alignment_text = _alignment(strategy, bar_close)
    sides = [judge(rule, series, last) for rule in rules_of(strategy)]
    scored = [(side, confidence.score(side, aligned, alignment_text)) for side in sides]
    judgement, score = max(scored, key=lambda pair: (pair[0].entry, pair[1].value, pair[0].entry_share()))
    base = Evaluation(
        strategy,
        Outcome.OBSERVED,
        "",
        bar_time=bar_time,
        bar_close=bar_close,
        bars=len(rates),
        judgement=judgement,
        score=score,
        readings=_readings(series, last, grid.digits),
    )
    if len(sides) == 2 and all(side.entry for side in sides) and scored[0][1].value == scored[1][1].value:
        return _with(base, Outcome.OBSERVED, "Long and short conditions hold alike: no direction.")
    return _decide(base, judgement, score, series, last, grid)


def _decide(
    base: Evaluation, judgement: Judgement, score: Score, series: facts.Series, last: int, grid: PriceGrid
) -> Evaluation:
    """From the score to the decision; prices only where an idea may follow."""
    settings = base.strategy.strategy
    if not judgement.entry:
        missing = [result for result in judgement.of("entry") if not result.holds]
        text = "; ".join(f"{result.name} ({result.detail})" for result in missing)
        return _with(base, Outcome.OBSERVED, f"No {judgement.side} entry: {text}.")
    if judgement.invalidated:
        found = next(result for result in judgement.of("invalidations") if result.holds)
        return _with(base, Outcome.NO_IDEA, f"Invalidated by {found.name} ({found.detail}).")
    if score.value < confidence.PENDING_FROM:
        return _with(
            base, Outcome.OBSERVED, f"Score {score.value:g} is below {confidence.PENDING_FROM:g}: only watched."
        )
    rates = series.rates
    prices = plan(
        judgement.side,
        float(rates["close"][last]),
        float(rates["spread"][last]),
        float(series.atr[last]),
        base.strategy.indicators.atr.multiplier,
        settings.min_rr,
        grid,
    )
    if isinstance(prices, str):
        return _with(base, Outcome.NO_IDEA, f"No idea: {prices}.")
    action = confidence.decide(score.value, judgement.entry, prices.reward_risk, settings.min_rr)
    text = f"{judgement.side.capitalize()} at {prices.entry:.{grid.digits}f}, score {score.value:g}: {action}."
    return _with(base, Outcome.IDEA, text, action, prices)


def _with(
    base: Evaluation,
    outcome: Outcome,
    reason: str,
    action: Action = Action.OBSERVE,
    prices: TradePlan | None = None,
) -> Evaluation:
    from dataclasses import replace

    return replace(base, outcome=outcome, reason=reason, action=action, plan=prices)


def _bars_trouble(strategy: Strategy, rates: NDArray[Any]) -> str:
    """Why these bars cannot be evaluated; empty when they can."""
    least = least_bars(strategy)
    if len(rates) < least:
        return f"Too few closed {strategy.timeframe} bars of {strategy.symbol}: {len(rates)}, the rule needs {least}."
    for name in ("open", "high", "low", "close"):
        column = rates[name]
        wrong = ~(np.isfinite(column) & (column > 0))
        if wrong.any():
            when = datetime.fromtimestamp(int(rates["time"][int(np.argmax(wrong))]), UTC)
            return f"The {strategy.timeframe} bar of {when:%Y-%m-%d %H:%M} UTC has no usable {name} price."
    if np.any(np.diff(rates["time"]) <= 0):
        return f"The {strategy.timeframe} bars of {strategy.symbol} are not in the order of time."
    return ""


def _alignment(strategy: Strategy, moment: datetime) -> tuple[bool, str]:
    if not strategy.sessions:
        return True, "all hours"
    running = [name for name in sessions.open_sessions(moment) if name in strategy.sessions]
    if running:
        return True, f"in {', '.join(running)}"
    return False, f"outside {', '.join(strategy.sessions)}"


def _readings(series: facts.Series, last: int, digits: int) -> tuple[tuple[str, float], ...]:
    """The indicators on the decided bar, under the names of the old files, rounded for people."""
    values = (
        ("close", float(series.close[last]), digits),
        ("ema_fast", float(series.ema_fast[last]), digits + 1),
        ("ema_slow", float(series.ema_slow[last]), digits + 1),
        ("rsi", float(series.rsi[last]), 2),
        ("atr", float(series.atr[last]), digits + 1),
    )
    return tuple((name, round(value, places)) for name, value, places in values if np.isfinite(value))
