"""What a rule calls for on every bar of a backtest: entries with their levels, and exits. All of it is decided by the
code of the live evaluation; here it is only gathered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.backtest.memory import keep_freed
from workers.backtest.model import Bools, Costs, Index, News, Terms
from workers.strategy.averages import Array
from workers.strategy.confidence import OPEN_FROM, news_points
from workers.strategy.decisions import Decisions, decide_all
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.language.syntax import Call
from workers.strategy.prices import PriceGrid, TradeTerms, levels, trade_terms
from workers.strategy.profile import Profile
from workers.strategy.rules import Ready
from workers.strategy.schema import Strategy

_MINUTE = 60


@dataclass(frozen=True, slots=True, eq=False)
class Signals:
    """Entries in the order of time, and the bars on which a rule calls for an exit.

    Attributes:
        bar: On whose close the entry was decided.
        sign: +1 long, -1 short.
        entry: Price that the decision reckons with; ``stop`` and ``target`` are set from it.
        score: Of the entry, 0..100.
        full: Whether the score is worth the whole risk; else half of it is taken.
        leave_long, leave_short: On each bar, whether an exit condition of that side holds.
        atr: On each bar.
        decided: Bars on which anything could be decided.
        by_news: Entries that news near them forbade.
        waiting: Entries whose reward is below what the rule asks for.
    """

    bar: Index
    sign: NDArray[np.int8]
    entry: Array
    stop: Array
    target: Array
    score: Array
    full: Bools
    leave_long: Bools
    leave_short: Bools
    atr: Array
    decided: int
    by_news: int
    waiting: int


def gather(
    strategy: Strategy,
    ready: Ready,
    bars: Evaluator,
    profile: Profile | None,
    grid: PriceGrid,
    spread: Array,
    news: News | None,
    terms: Terms,
    costs: Costs,
) -> Signals:
    """Decide on every bar.

    Args:
        spread: Of each bar, in points; what the levels of a long entry are set with.
        news: None when the rule does not stay away from news, or nothing is known of them.
    """
    keep_freed()
    times = bars.rates["time"]
    alone = terms.min_score <= 0
    minutes = strategy.strategy.news_embargo_minutes
    taken: Array | float = 0.0
    embargo: Bools | None = None
    if news is not None and minutes > 0 and not alone:
        taken, embargo = near_news(news, bars.closings, minutes)
    least = terms.warm_up if terms.warm_up is not None else (0 if alone else None)
    decisions = decide_all(strategy, ready, bars, profile, taken, least)
    plan = trade_terms(strategy, profile)
    atr = bars.numbers(Call("atr", (), (float(strategy.indicators.atr.period),)))
    called = wanted(decisions, terms)
    by_news = 0
    if embargo is not None:
        by_news = int(np.count_nonzero(called & embargo))
        called &= ~embargo
    called &= inside(times, bars.bar_seconds, terms)
    found = _levels(np.flatnonzero(called), decisions, bars, atr, spread, grid, plan, ideal=costs.ideal)
    fair = found.reward_risk >= strategy.strategy.min_rr if not alone else np.ones(len(found.bar), dtype=np.bool_)
    sides = {side.rule.side: side for side in decisions.sides}
    nothing = np.zeros(len(bars), dtype=np.bool_)
    score = decisions.score[found.bar[fair]]
    return Signals(
        bar=found.bar[fair],
        sign=found.sign[fair],
        entry=found.entry[fair],
        stop=found.stop[fair],
        target=found.target[fair],
        score=score,
        full=(score >= OPEN_FROM) | alone,
        leave_long=sides["long"].leave if "long" in sides else nothing,
        leave_short=sides["short"].leave if "short" in sides else nothing,
        atr=atr,
        decided=int(np.count_nonzero(decisions.known)),
        by_news=by_news,
        waiting=int(np.count_nonzero(~fair)),
    )


class _Found(NamedTuple):
    """Entries that have levels."""

    bar: Index
    sign: NDArray[np.int8]
    entry: Array
    stop: Array
    target: Array
    reward_risk: Array


def _levels(
    bar: Index,
    decisions: Decisions,
    bars: Evaluator,
    atr: Array,
    spread: Array,
    grid: PriceGrid,
    plan: TradeTerms,
    *,
    ideal: bool,
) -> _Found:
    """The levels of entries on these bars, without those that have none."""
    sign = decisions.direction[bar]
    close = bars.column("close")[bar]
    found = levels(sign, close, spread[bar], atr[bar], plan.multiplier, plan.reward, grid, rounded=not ideal)
    worth = np.isfinite(found.stop)
    return _Found(bar[worth], sign[worth], *(values[worth] for values in found))


def wanted(decisions: Decisions, terms: Terms) -> Bools:
    """The bars that call for an entry: the score is high enough, and the side's own exit condition does not hold."""
    called: Bools = decisions.direction != 0
    if terms.min_score > 0:
        called &= decisions.score >= terms.min_score
    leave: Bools = decisions.sides[0].leave
    if len(decisions.sides) == 2:
        leave = np.where(decisions.chosen, decisions.sides[1].leave, leave)
    called &= ~leave
    return called


def inside(times: Index, seconds: int, terms: Terms) -> Bools:
    """The bars within the time that is asked for; the last bar has no next one to be filled on."""
    first = 0 if terms.start is None else int(np.searchsorted(times, terms.start))
    end = len(times) if terms.end is None else int(np.searchsorted(times, terms.end - seconds, side="right"))
    found = np.zeros(len(times), dtype=np.bool_)
    found[first : min(end, len(times) - 1)] = True
    return found


def near_news(news: News, closings: Index, minutes: int) -> tuple[Array, Bools]:
    """Points that news take from the score on each bar, and where an event of high impact forbids an entry.

    The same as live evaluation asks of the calendar at the closing of each bar: the event that takes most counts.
    """
    points = np.zeros(len(closings))
    forbidden = np.zeros(len(closings), dtype=np.bool_)
    reach = 2 * minutes * _MINUTE
    begins = np.searchsorted(closings, news.times - reach, side="left")
    ends = np.searchsorted(closings, news.times + reach, side="right")
    for time, high, begin, end in zip(
        news.times.tolist(), news.high.tolist(), begins.tolist(), ends.tolist(), strict=True
    ):
        for bar in range(begin, end):
            away = (time - int(closings[bar])) / _MINUTE
            taken = round(news_points("high" if high else "medium", away, minutes), 1)
            points[bar] = max(points[bar], taken)
            forbidden[bar] |= high and abs(away) <= minutes
    return points, forbidden
