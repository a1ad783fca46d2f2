"""Live evaluation and backtest decide the same: on every bar, with the same levels and sizes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest
from arena import EURUSD, FREE, HOUR, MONDAY, rule, wandering

from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import TIMEFRAMES
from app.terminal.values import Rates
from workers.backtest.engine import spread_points
from workers.backtest.model import Costs, News, Terms
from workers.backtest.signals import Signals, gather, near_news
from workers.calendar.values import Calendar, Event, Impact
from workers.market.resample import larger
from workers.strategy import calendar_news
from workers.strategy.confidence import Action
from workers.strategy.evaluate import Outcome, evaluate
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.library import EXAMPLES, PROFILE_EXAMPLES, load, load_profiles
from workers.strategy.prices import levels, plan
from workers.strategy.profile import Profile
from workers.strategy.rules import prepare
from workers.strategy.schema import Strategy

RULES = (
    rule(conditions={"entry": ["ema(3) crosses above ema(8)"], "exit": ["rsi > 60"], "weak": ["atr_below_median"]}),
    rule(
        sessions=["London", "NewYork"],
        conditions={"entry": ["ema_fast_gt_slow", "rsi between 40 and 65"], "strong": ["macd_hist_gt_0"]},
        indicators={"ema": {"fast": 5, "slow": 12}},
    ),
    rule(
        conditions={"entry": ["H4.close > H4.ema(5)", "close > highest(high, 6)[1]"]},
        strategy={"direction": "both", "min_rr": 1.3, "news_embargo_minutes": 0, "invalidations": ["rsi > 80"]},
    ),
    # The other timeframe needs more bars than there are at first; its condition has a value from its first bar on.
    rule(conditions={"entry": ["H4.close > H4.ema(20)", "close > close[1]"], "exit": ["rsi > 75"]}),
)


def signals_of(strategy: Strategy, profile: Profile | None, rates: Rates) -> Signals:
    ready = prepare(strategy, profile)
    frames = {name: larger(rates, strategy.timeframe, name, ServerTimeRule("UTC")) for name in ready.frames}
    evaluator = Evaluator(rates, TIMEFRAMES[strategy.timeframe].seconds, frames)
    return gather(strategy, ready, evaluator, profile, EURUSD.grid, spread_points(rates, FREE), None, Terms(), FREE)


def check(strategy: Strategy, profile: Profile | None, rates: Rates, first: int) -> int:
    """Compare each bar from ``first`` on with a live evaluation that knows nothing later; the entries seen."""
    signals = signals_of(strategy, profile, rates)
    called = dict(zip(signals.bar.tolist(), range(len(signals.bar)), strict=True))
    seconds, frames = TIMEFRAMES[strategy.timeframe].seconds, prepare(strategy, profile).frames
    seen = 0
    for bar in range(first, len(rates) - 1):
        known = rates[: bar + 1]
        others = {}
        for name in frames:
            bars = larger(known, strategy.timeframe, name, ServerTimeRule("UTC"))
            closed = bars["time"] + TIMEFRAMES[name].seconds <= known["time"][-1] + seconds
            others[name] = bars[closed]
        live = evaluate(strategy, known, seconds, EURUSD.grid, profile=profile, frames=others)
        place = called.get(bar)
        opens = live.outcome is Outcome.IDEA and live.action is Action.OPEN_OR_SCALE
        assert opens == (place is not None), (bar, live.reason)
        if place is None or live.plan is None or live.judgement is None or live.score is None:
            continue
        seen += 1
        assert ("long" if signals.sign[place] > 0 else "short") == live.judgement.side
        found = (signals.entry[place], signals.stop[place], signals.target[place], signals.score[place])
        assert found == (live.plan.entry, live.plan.stop, live.plan.target, live.score.value)
    return seen


@pytest.mark.parametrize("strategy", RULES, ids=("cross", "sessions", "frames", "long frames"))
def test_live_and_backtest_decide_the_same_on_every_bar(strategy: Strategy) -> None:
    assert check(strategy, None, wandering(3, 420), 0) > 5


@pytest.mark.parametrize("start", [MONDAY, MONDAY + 2 * HOUR], ids=("whole bars", "a part first"))
def test_nothing_is_decided_before_every_timeframe_has_the_bars_that_live_asks_for(start: int) -> None:
    rates = wandering(3, 420)
    rates["time"] += start - MONDAY
    strategy = RULES[3]
    needed = prepare(strategy).reach("H4").least
    signals = signals_of(strategy, None, rates)
    closings = rates["time"][signals.bar] + HOUR
    bars = larger(rates, "H1", "H4", ServerTimeRule("UTC"))
    assert len(signals.bar)
    assert int(np.count_nonzero(bars["time"] + 4 * HOUR <= closings[0])) >= needed
    assert signals.decided == np.count_nonzero(
        np.searchsorted(bars["time"] + 4 * HOUR, rates["time"] + HOUR, side="right") >= needed
    )


def test_the_examples_too_with_their_profiles() -> None:
    profiles = load_profiles(PROFILE_EXAMPLES)
    for file in load(EXAMPLES).rules:
        strategy = file.strategy
        profile = profiles.of(strategy.symbol)
        rates = wandering(11, 900)
        rates["time"] = rates["time"][0] + TIMEFRAMES[strategy.timeframe].seconds * np.arange(len(rates))
        check(strategy, profile.profile if profile else None, rates, 820)


def test_the_levels_of_many_bars_are_those_of_each() -> None:
    rng = np.random.default_rng(5)
    grid = replace(EURUSD.grid, stops_level=120)
    close, atr = rng.uniform(0.9, 1.3, 400).round(5), rng.uniform(-1e-4, 4e-3, 400)
    atr[::9] = np.nan
    spread, signs = rng.integers(0, 30, 400).astype(float), rng.choice([1, -1], 400).astype(np.int8)
    found = levels(signs, close, spread, atr, 1.5, 1.7, grid)
    for bar in range(400):
        side = "long" if signs[bar] > 0 else "short"
        one = plan(side, close[bar], spread[bar], atr[bar], 1.5, 1.7, grid)
        if isinstance(one, str):
            assert np.isnan(found.stop[bar])
        else:
            got = (found.entry[bar], found.stop[bar], found.target[bar], found.reward_risk[bar])
            assert got == (one.entry, one.stop, one.target, one.reward_risk)


def test_news_take_what_they_take_live() -> None:
    base = 1_748_865_600
    events = [
        Event(f"{place:016x}", datetime.fromtimestamp(base + offset, UTC), "USD", impact, "Rates")
        for place, (offset, impact) in enumerate(
            [(0, Impact.HIGH), (2400, Impact.MEDIUM), (9000, Impact.MEDIUM), (10_000, Impact.HIGH)]
        )
    ]
    times = np.array([int(event.time.timestamp()) for event in events])
    news = News(times, np.array([event.impact is Impact.HIGH for event in events]), base, base + 20_000)
    closings = np.arange(base - 6000, base + 18_000, 300)
    points, forbidden = near_news(news, closings, 30)
    calendar = Calendar(tuple(events), ())
    for place, closing in enumerate(closings.tolist()):
        now = datetime.fromtimestamp(closing, UTC)
        assert points[place] == calendar_news.news(calendar, {"USD"}, now, 30).points
        assert forbidden[place] == any(
            event.impact is Impact.HIGH and abs((event.time - now).total_seconds()) <= 1800 for event in events
        )


def test_an_ideal_market_has_prices_of_any_fineness() -> None:
    signals = gather(
        RULES[0], prepare(RULES[0]), Evaluator(rates := wandering(3, 200), 3600), None, EURUSD.grid,
        np.zeros(200), None, Terms(min_score=0), Costs(ideal=True),
    )  # fmt: skip
    assert signals.entry.tolist() == rates["close"][signals.bar].tolist()
    distance = (signals.entry - signals.stop) * signals.sign
    np.testing.assert_allclose(distance, 1.5 * signals.atr[signals.bar], rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose((signals.target - signals.entry) * signals.sign, 1.5 * distance, rtol=1e-9)
