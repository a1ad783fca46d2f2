"""One strategy on closed bars: the score, the decision, and everything that led to it.

Pure: no clock, no terminal, no files. The same bars and the same rule give the same answer, and bars that come later
never change it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.terminal.server_time import ServerTimeRule
from workers.strategy import alignment, confidence
from workers.strategy.confidence import Action, News, Score
from workers.strategy.decisions import Decisions, SideDecisions, decide_all
from workers.strategy.facts import vocabulary
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.language.syntax import Call, Numeric
from workers.strategy.language.wording import words
from workers.strategy.prices import PriceGrid, TradePlan, plan, trade_terms
from workers.strategy.profile import Profile
from workers.strategy.rules import Ready, Rule, Side, prepare
from workers.strategy.schema import Strategy

#: Bars that a strategy looks at when its periods do not ask for more.
USUAL_WINDOW: Final = 500

#: Prices from here on are none: no symbol of the world is quoted so, and a float has no ticks there.
_HIGHEST: Final = 1e12
#: Bars open before the year 2100 (UTC epoch seconds).
_LATEST: Final = 4_102_444_800
#: Feeds that compute a bar from others miss its own limits by the last bits of a float.
_SLACK: Final = 1e-9
#: A wider spread, as a share of the price, is no offer.
_WIDEST_SPREAD: Final = 0.1
#: Decimals of a price, at most.
_MOST_DIGITS: Final = 15

Rates = NDArray[np.void]


class Outcome(StrEnum):
    """What came of one strategy in one run."""

    IDEA = "idea"
    KNOWN = "known"  # the same idea, from the same bar and rule, was written before
    OBSERVED = "observed"  # the score or the entry does not call for an idea
    NO_IDEA = "no_idea"  # something forbids one: an invalidation, an old bar, no ATR
    NOT_EVALUATED = "not_evaluated"  # the rule or the bars cannot be used


@dataclass(frozen=True, slots=True)
class FactResult:
    """One condition on one bar: whether it holds, and with which values."""

    name: str
    holds: bool
    detail: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """One direction on one bar. ``strong`` is None when the rule has no strong conditions to earn points with."""

    side: Side
    entry: bool
    exit: bool
    strong: bool | None
    weak: bool
    invalidated: bool
    facts: tuple[tuple[str, FactResult], ...]

    def of(self, group: str) -> tuple[FactResult, ...]:
        """The conditions of one group: entry, exit, strong, weak or invalidations."""
        return tuple(result for name, result in self.facts if name == group)

    def holding(self, group: str) -> str:
        """The names of those of a group that hold."""
        return ", ".join(result.name for result in self.of(group) if result.holds)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The answer for one strategy on its last closed bar.

    Attributes:
        reason: Why there is no idea, or what the idea advises; one sentence.
        bar_time, bar_close: Opening and closing of the decided bar, UTC; None when it was not evaluated.
        judgement, score: Of the better direction; None when it was not evaluated.
        plan: Prices of the idea; None without an idea.
        readings: Values of the indicators on the bar.
        profile: The profile that was used; None without one.
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
    profile: Profile | None = None


def window(strategy: Strategy, profile: Profile | None = None) -> int:
    """How many closed bars the strategy looks at: enough that the seed of the averages has faded to nothing.

    A constant of the rule, so that the same bar gives the same values whoever asks and whenever.
    """
    return frame_window(prepare(strategy, profile), "", 2 * strategy.indicators.atr.period + 2)


def frame_window(ready: Ready, timeframe: str, least: int = 0) -> int:
    """The same for one timeframe of a strategy that was made ready; the empty name is its own."""
    return max(USUAL_WINDOW, ready.reach(timeframe).settled, least)


def least_bars(strategy: Strategy, profile: Profile | None = None) -> int:
    """How many closed bars are needed before an answer means anything."""
    return max(prepare(strategy, profile).reach().least, strategy.indicators.atr.period + 1)


@dataclass(frozen=True, slots=True)
class ConditionView:
    """One condition on the last bar; ``holds`` is None when it has no value there."""

    group: str
    name: str
    holds: bool | None
    detail: str


@dataclass(frozen=True, slots=True)
class SideView:
    """One direction on the last bar, for people who want to see both.

    Attributes:
        conditions: All of them; empty details when there are no bars to look at.
        score: None when a condition has no value.
        chosen: Whether the evaluation decided by this direction.
    """

    side: Side
    conditions: tuple[ConditionView, ...]
    score: Score | None
    chosen: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Looked:
    """The decisions on bars that can be evaluated."""

    strategy: Strategy
    profile: Profile | None
    bars: Evaluator
    decisions: Decisions
    grid: PriceGrid
    news: News


def evaluate(
    strategy: Strategy,
    rates: Rates,
    bar_seconds: int,
    grid: PriceGrid,
    *,
    profile: Profile | None = None,
    frames: Mapping[str, Rates] | None = None,
    news: News | None = None,
    server: ServerTimeRule | None = None,
) -> Evaluation:
    """Evaluate one strategy on the last of these closed bars.

    Args:
        rates: Closed bars, oldest first, without the forming bar (fields time in UTC epoch seconds, open, high, low,
            close, tick_volume, spread in points).
        bar_seconds: Length of a bar.
        grid: How prices of the symbol are rounded.
        profile: That of the symbol, if it has one.
        frames: Closed bars of the other timeframes that conditions name (``prepare(strategy).frames``).
        news: What news take from the score.
        server: The rule of the server's clock, by which bars end; without one they are as long as they are called.
    """
    looked = _look(strategy, rates, bar_seconds, grid, profile, frames, news, server)
    return looked if isinstance(looked, Evaluation) else _last(looked)


def examine(
    strategy: Strategy,
    rates: Rates,
    bar_seconds: int,
    grid: PriceGrid,
    *,
    profile: Profile | None = None,
    frames: Mapping[str, Rates] | None = None,
    news: News | None = None,
    server: ServerTimeRule | None = None,
) -> tuple[Evaluation, tuple[SideView, ...]]:
    """The same evaluation, with every condition of every direction. Arguments as ``evaluate``."""
    looked = _look(strategy, rates, bar_seconds, grid, profile, frames, news, server)
    if isinstance(looked, Evaluation):
        rules = prepare(strategy, profile).rules
        return looked, tuple(SideView(rule.side, _unseen(rule), None, False) for rule in rules)
    chosen = int(looked.decisions.chosen[len(looked.bars) - 1])
    views = tuple(_view(looked, side, place == chosen) for place, side in enumerate(looked.decisions.sides))
    return _last(looked), views


def _look(
    strategy: Strategy,
    rates: Rates,
    bar_seconds: int,
    grid: PriceGrid,
    profile: Profile | None,
    frames: Mapping[str, Rates] | None,
    news: News | None,
    server: ServerTimeRule | None,
) -> _Looked | Evaluation:
    """The decisions, or an evaluation that says why there can be none."""
    ready = prepare(strategy, profile)
    if ready.problems:
        return Evaluation(strategy, Outcome.NOT_EVALUATED, " ".join(ready.problems), profile=profile)
    if not 0 <= grid.digits <= _MOST_DIGITS:
        text = f"The specification of {strategy.symbol} has {grid.digits} decimals, so prices cannot be written."
        return Evaluation(strategy, Outcome.NOT_EVALUATED, text, profile=profile)
    rates = rates[-window(strategy, profile) :]
    others = {name: (frames or {}).get(name, rates[:0])[-frame_window(ready, name) :] for name in ready.frames}
    if trouble := _bars_trouble(strategy, profile, ready, rates, others):
        return Evaluation(strategy, Outcome.NOT_EVALUATED, trouble, bars=len(rates), profile=profile)
    bars = Evaluator(rates, bar_seconds, others, server)
    decisions = decide_all(strategy, ready, bars, profile, news.points if news else 0.0)
    return _Looked(strategy, profile, bars, decisions, grid, news or News())


def _unseen(rule: Rule) -> tuple[ConditionView, ...]:
    return tuple(ConditionView(group, term.name, None, "") for group, term in rule.terms())


def _view(looked: _Looked, side: SideDecisions, chosen: bool) -> SideView:
    last = len(looked.bars) - 1
    judgement = judge(side, looked.bars, last, looked.grid.digits)
    conditions = tuple(
        ConditionView(
            group, found.name, found.holds if looked.bars.truth(term.node).known[last] else None, found.detail
        )
        for (group, found), (_group, term) in zip(judgement.facts, side.rule.terms(), strict=True)
    )
    known = bool(looked.decisions.known[last])
    return SideView(side.rule.side, conditions, _scored(looked, side, judgement) if known else None, chosen and known)


def _scored(looked: _Looked, side: SideDecisions, judgement: Judgement) -> Score:
    """The score of one direction on the last bar, line by line."""
    last = len(looked.bars) - 1
    closing = int(looked.bars.closings[last])
    why = alignment.explain(looked.strategy, looked.profile, side.rule.side, datetime.fromtimestamp(closing, UTC))
    lines = confidence.score_lines(
        judgement.entry,
        judgement.strong,
        bool(side.aligned[last]),
        why,
        judgement.holding("weak"),
        judgement.holding("exit"),
        looked.news,
    )
    return Score(float(side.score[last]), lines)


def _last(looked: _Looked) -> Evaluation:
    """The decisions of the last bar, with the values that led to them."""
    strategy, bars, decisions = looked.strategy, looked.bars, looked.decisions
    last = len(bars) - 1
    bar_time = datetime.fromtimestamp(int(bars.rates["time"][last]), UTC)
    bar_close = datetime.fromtimestamp(int(bars.closings[last]), UTC)
    side = decisions.sides[int(decisions.chosen[last])]
    base = Evaluation(strategy, Outcome.NOT_EVALUATED, "", bar_time, bar_close, len(bars), profile=looked.profile)
    if not decisions.known[last]:
        return replace(base, reason=_unknown(decisions, bars, looked.grid.digits))
    judgement = judge(side, bars, last, looked.grid.digits)
    score = _scored(looked, side, judgement)
    readings = _readings(strategy, bars, last, looked.grid.digits)
    base = replace(base, outcome=Outcome.OBSERVED, judgement=judgement, score=score, readings=readings)
    if decisions.alike[last]:
        return replace(base, reason="Long and short conditions hold alike: no direction.")
    return _decide(base, judgement, score, bars, looked.grid)


def judge(side: SideDecisions, bars: Evaluator, index: int, digits: int) -> Judgement:
    """What was decided for one direction on the bar at ``index``, with the values of every condition."""
    facts = tuple(
        (
            group,
            FactResult(term.name, bool(bars.truth(term.node).holds[index]), words(term.node, bars, index, digits)),
        )
        for group, term in side.rule.terms()
    )
    return Judgement(
        side=side.rule.side,
        entry=bool(side.entry[index]),
        exit=bool(side.leave[index]),
        strong=None if side.strong is None else bool(side.strong[index]),
        weak=bool(side.weak[index]),
        invalidated=bool(side.invalidated[index]),
        facts=facts,
    )


def _decide(base: Evaluation, judgement: Judgement, score: Score, bars: Evaluator, grid: PriceGrid) -> Evaluation:
    """From the score to the decision; prices only where an idea may follow."""
    settings = base.strategy.strategy
    if not judgement.entry:
        missing = [result for result in judgement.of("entry") if not result.holds]
        text = "; ".join(f"{result.name} ({result.detail})" for result in missing)
        return replace(base, reason=f"No {judgement.side} entry: {text}.")
    if judgement.invalidated:
        found = next(result for result in judgement.of("invalidations") if result.holds)
        return replace(base, outcome=Outcome.NO_IDEA, reason=f"Invalidated by {found.name} ({found.detail}).")
    if score.value < confidence.PENDING_FROM:
        return replace(base, reason=f"Score {score.value:g} is below {confidence.PENDING_FROM:g}: only watched.")
    terms = trade_terms(base.strategy, base.profile)
    newest = bars.rates[-1]
    if wide := _spread_trouble(float(newest["close"]), float(newest["spread"]), grid):
        return replace(base, outcome=Outcome.NO_IDEA, reason=f"No idea: {wide}.")
    prices = plan(
        judgement.side,
        float(newest["close"]),
        float(newest["spread"]),
        float(bars.numbers(_atr(base.strategy))[-1]),
        terms.multiplier,
        terms.reward,
        grid,
    )
    if isinstance(prices, str):
        return replace(base, outcome=Outcome.NO_IDEA, reason=f"No idea: {prices}.")
    action = confidence.decide(score.value, judgement.entry, prices.reward_risk, settings.min_rr)
    text = f"{judgement.side.capitalize()} at {prices.entry:.{grid.digits}f}, score {score.value:g}: {action}."
    if action is Action.WAIT_RR:
        text += f" The reward is {prices.reward_risk:.2f} of the risk, the strategy wants {settings.min_rr:g}."
    return replace(base, outcome=Outcome.IDEA, reason=text, action=action, plan=prices)


def _atr(strategy: Strategy) -> Numeric:
    return Call("atr", (), (float(strategy.indicators.atr.period),))


def _unknown(decisions: Decisions, bars: Evaluator, digits: int) -> str:
    """Which condition has no value on the last bar."""
    last = len(bars) - 1
    for side in decisions.sides:
        for group, term in side.rule.terms():
            if not bars.truth(term.node).known[last]:
                detail = words(term.node, bars, last, digits)
                return f"The {group} condition {term.name} has no value on the last bar ({detail})."
    return "There are too few bars before the last one."


def _bars_trouble(
    strategy: Strategy, profile: Profile | None, ready: Ready, rates: Rates, others: Mapping[str, Rates]
) -> str:
    """Why these bars cannot be evaluated; empty when they can."""
    found = _series_trouble(strategy.symbol, strategy.timeframe, rates, least_bars(strategy, profile))
    for name, bars in others.items():
        found = found or _series_trouble(strategy.symbol, name, bars, ready.reach(name).least)
    return found


def _series_trouble(symbol: str, timeframe: str, rates: Rates, least: int) -> str:
    """Why these bars are no bars of a market; one wrong one spoils every average behind it."""
    if len(rates) < least:
        return f"Too few closed {timeframe} bars of {symbol}: {len(rates)}, the rule needs {least}."
    times = rates["time"]
    if len(times) and not 0 < int(times[0]) <= int(times[-1]) < _LATEST:
        return f"The {timeframe} bars of {symbol} have times that cannot be."
    if np.any(np.diff(times) <= 0):
        return f"The {timeframe} bars of {symbol} are not in the order of time."
    for name in ("open", "high", "low", "close"):
        column = rates[name]
        wrong = ~(np.isfinite(column) & (column > 0) & (column < _HIGHEST))
        if wrong.any():
            return f"The {timeframe} bar of {_time_of(rates, wrong)} has no usable {name} price."
    upside_down = rates["high"] < rates["low"]
    if upside_down.any():
        return f"The {timeframe} bar of {_time_of(rates, upside_down)} has its high below its low."
    for name in ("open", "close"):
        outside = (rates[name] > rates["high"] * (1 + _SLACK)) | (rates[name] < rates["low"] * (1 - _SLACK))
        if outside.any():
            return f"The {timeframe} bar of {_time_of(rates, outside)} has its {name} outside of its high and low."
    negative = rates["spread"] < 0
    if negative.any():
        return f"The {timeframe} bar of {_time_of(rates, negative)} has a negative spread."
    return ""


def _time_of(rates: Rates, wrong: NDArray[np.bool_]) -> str:
    moment: Any = rates["time"][int(np.argmax(wrong))]
    return f"{datetime.fromtimestamp(int(moment), UTC):%Y-%m-%d %H:%M} UTC"


def _spread_trouble(close: float, spread_points: float, grid: PriceGrid) -> str:
    """Why no price can be made with this spread; empty when one can."""
    share = spread_points * grid.point / close
    if share <= _WIDEST_SPREAD:
        return ""
    return f"the spread of the decided bar, {spread_points:.0f} points, is {share:.0%} of the price"


def _readings(strategy: Strategy, bars: Evaluator, last: int, digits: int) -> tuple[tuple[str, float], ...]:
    """The indicators on the decided bar, under the names of the old files, rounded for people."""
    values, settings = vocabulary(strategy.indicators).values, strategy.indicators
    macd = settings.macd
    name = "macd_hist_exponential" if macd.signal_average == "exponential" else "macd_hist"
    wanted: tuple[tuple[str, Numeric, int], ...] = (
        ("ema_fast", values["ema_fast"], digits + 1),
        ("ema_slow", values["ema_slow"], digits + 1),
        ("rsi", Call("rsi", (), (float(settings.rsi.period),)), 2),
        ("macd_hist", Call(name, (), (float(macd.fast), float(macd.slow), float(macd.signal))), digits + 1),
        ("atr", _atr(strategy), digits + 1),
    )
    found = [("close", float(bars.column("close")[last]), digits)]
    found += [(name, float(bars.numbers(node)[last]), places) for name, node, places in wanted]
    return tuple((name, round(value, places)) for name, value, places in found if np.isfinite(value))
