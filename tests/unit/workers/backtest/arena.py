"""A small market for the tests of the backtest engine, and a plain loop that trades it bar by bar."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from app.terminal.values import RATES_DTYPE, Rates
from workers.backtest.engine import play, sides_of, spread_points
from workers.backtest.finer import Finer
from workers.backtest.management import Plan
from workers.backtest.market import Market
from workers.backtest.model import Costs, Played, Reason, Terms
from workers.backtest.signals import Signals
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.prices import PriceGrid
from workers.strategy.schema import Strategy, parse_strategy
from workers.strategy.sizing import VolumeRules

#: A Monday, 2025-06-02 00:00 UTC.
MONDAY = 1_748_822_400
HOUR = 3600

EURUSD = Market(
    symbol="EURUSD",
    currency="USD",
    grid=PriceGrid(5, 1e-5, 1e-5),
    volumes=VolumeRules("EURUSD", 1e-5, 1.0, 0.01, 100.0, 0.01),
    contract=100_000.0,
    value=100_000.0,
    by_price=False,
    converted=False,
    margin_value=100_000.0,
    margin_fixed=0.0,
    leveraged=True,
    swap_long=-8.0,
    swap_short=2.0,
    swap_mode=1,
    triple_day=3,
    swap_in_base=True,
    clock="UTC",
)
USDJPY = replace(
    EURUSD,
    symbol="USDJPY",
    grid=PriceGrid(3, 1e-3, 1e-3),
    volumes=VolumeRules("USDJPY", 1e-3, 0.66, 0.01, 100.0, 0.01),
    by_price=True,
)
IDEAL, FREE = Costs(ideal=True), Costs(swap=False)


def bars(
    *prices: tuple[float, float, float, float], spread: int = 0, start: int = MONDAY, seconds: int = HOUR
) -> Rates:
    """Bars of open, high, low and close."""
    rates = np.zeros(len(prices), RATES_DTYPE)
    rates["time"] = start + seconds * np.arange(len(prices))
    for place, name in enumerate(("open", "high", "low", "close")):
        rates[name] = [price[place] for price in prices]
    rates["spread"] = spread
    return rates


def flat(count: int, price: float = 1.1) -> list[tuple[float, float, float, float]]:
    """Bars on which nothing moves."""
    return [(price, price, price, price)] * count


def calls(
    count: int,
    *entries: tuple[int, int, float, float],
    leave: Sequence[int] = (),
    score: float = 100.0,
    atr: float = 0.001,
) -> Signals:
    """Entries as (bar, sign, stop, target), and bars on which an exit condition holds for both sides."""
    left = np.zeros(count, dtype=np.bool_)
    left[list(leave)] = True
    columns = list(zip(*entries, strict=True)) or [(), (), (), ()]
    stop, target = (np.array(columns[place], dtype=np.float64) for place in (2, 3))
    return Signals(
        bar=np.array(columns[0], dtype=np.int64),
        sign=np.array(columns[1], dtype=np.int8),
        entry=(stop + target) / 2,
        stop=stop,
        target=target,
        score=np.full(len(entries), score),
        full=np.full(len(entries), score >= 75),
        leave_long=left,
        leave_short=left,
        atr=np.full(count, atr),
        decided=count,
        by_news=0,
        waiting=0,
    )


def trade(
    rates: Rates,
    signals: Signals,
    *,
    market: Market = EURUSD,
    costs: Costs = FREE,
    plan: Plan | None = None,
    risk: float = 0.01,
    minutes: Rates | None = None,
    **terms: Any,
) -> Played:
    """Play the signals with one lot, or with what is said."""
    sides = sides_of(Evaluator(rates, HOUR), spread_points(rates, costs), market, costs, frozenset({1, -1}))
    finer = None
    if minutes is not None:
        spread = spread_points(minutes, costs)
        finer_sides = sides_of(Evaluator(minutes, 60), spread, market, costs, frozenset({1, -1}))
        finer = Finer(minutes["time"].astype(np.int64), finer_sides.long, finer_sides.short, rates["time"], HOUR)
    asked = Terms(**{"volume": 1.0, "deposit": 100_000.0, **terms})
    return play(rates, signals, sides, market, asked, costs, plan or Plan(), risk, finer)


def rows(played: Played) -> list[tuple[int, int, float, float, str]]:
    """Entry bar, exit bar, prices and reason of each trade."""
    trades = played.trades
    reasons = [Reason(value).label for value in trades.reason.tolist()]
    columns = (
        trades.entry_bar.tolist(),
        trades.exit_bar.tolist(),
        trades.entry.tolist(),
        trades.exit.tolist(),
        reasons,
    )
    return [(a, b, round(c, 9), round(d, 9), e) for a, b, c, d, e in zip(*columns, strict=True)]


def rule(**parts: Any) -> Strategy:
    """A strategy from the parts that matter."""
    document = {
        "symbol": "EURUSD",
        "timeframe": "H1",
        "conditions": {"entry": ["ema(3) crosses above ema(8)"]},
        "strategy": {"direction": "both", "min_rr": 1.5, "news_embargo_minutes": 0},
    }
    return parse_strategy(json.dumps({**document, **parts}), "arena.json")


def wandering(seed: int, count: int, start: float = 1.1, step: float = 0.0008, spread: int = 7) -> Rates:
    """A random walk with gaps, wicks and a spread."""
    rng = np.random.default_rng(seed)
    closes = start + np.cumsum(rng.normal(0, step, count))
    opens = np.concatenate(([start], closes[:-1])) + rng.normal(0, step / 4, count)
    rates = np.zeros(count, RATES_DTYPE)
    rates["time"] = MONDAY + HOUR * np.arange(count)
    rates["open"], rates["close"] = np.round(opens, 5), np.round(closes, 5)
    rates["high"] = np.round(np.maximum(rates["open"], rates["close"]) + np.abs(rng.normal(0, step / 2, count)), 5)
    rates["low"] = np.round(np.minimum(rates["open"], rates["close"]) - np.abs(rng.normal(0, step / 2, count)), 5)
    rates["spread"] = rng.integers(0, 2 * spread + 1, count)
    return rates


@dataclass
class Open:
    """The open position of the plain loop."""

    entry_bar: int
    sign: int
    entry: float
    stop: float
    target: float
    first_stop: float
    why: str = "stop"
    volume: float = 1.0


def plainly(
    rates: Rates, signals: Signals, costs: Costs, plan: Plan | None = None
) -> list[tuple[int, int, float, float, str]]:
    """The same as ``rows(trade(...))``, by the conventions of the documentation and nothing clever: bar by bar."""
    plan, point, count = plan or Plan(), 1e-5, len(rates)
    called = dict(zip(signals.bar.tolist(), range(len(signals.bar)), strict=True))
    found: list[tuple[int, int, float, float, str]] = []
    position: Open | None = None
    waiting, leaving = -1, False
    for bar in range(count):
        opened, high, low, close = (float(rates[name][bar]) for name in ("open", "high", "low", "close"))
        spread = (
            0.0
            if costs.ideal
            else point * (costs.spread_points if costs.spread_points is not None else float(rates["spread"][bar]))
        )
        slip = 0.0 if costs.ideal else costs.slippage_points * point

        def done(price: float, why: str, position: Open, at: int = bar) -> None:
            found.append((position.entry_bar, at, _tidy(position.entry, costs), _tidy(price, costs), why))

        if position is not None and leaving:
            done(opened - slip if position.sign > 0 else opened + spread + slip, "exit_rule", position)
            position = None
        elif waiting >= 0:
            sign = int(signals.sign[waiting])
            entry = opened + spread + slip if sign > 0 else opened - slip
            stop, target = float(signals.stop[waiting]), float(signals.target[waiting])
            position = Open(bar, sign, entry, stop, target, stop)
        waiting, leaving = -1, False
        if position is not None:
            position, closed = _look(position, bar, (opened, high, low, close), spread, slip, plan, signals, done)
            if not closed and position is not None:
                leaving = bool((signals.leave_long if position.sign > 0 else signals.leave_short)[bar])
        if position is None and bar in called and bar < count - 1:
            waiting = called[bar]
        if bar == count - 1 and position is not None:
            done(close if position.sign > 0 else close + spread, "end_of_bars", position)
    return found


def _look(
    position: Open,
    bar: int,
    prices: tuple[float, ...],
    spread: float,
    slip: float,
    plan: Plan,
    signals: Signals,
    done: Any,
) -> tuple[Open | None, bool]:
    """One bar of an open position: what is touched on it, and what its close does to the stop."""
    sign, add = position.sign, spread if position.sign < 0 else 0.0
    opened, high, low, close = (price + add for price in prices)
    worst, best = (low, high) if sign > 0 else (high, low)
    risk = sign * (position.entry - position.first_stop)
    if sign * worst <= sign * position.stop:
        level = min(sign * opened, sign * position.stop) * sign
        done(level - sign * slip, position.why, position)
        return None, True
    if plan.partial is not None and risk > 0 and position.volume == 1.0:
        level = position.entry + sign * plan.partial * risk
        if sign * best >= sign * level and sign * level < sign * position.target:
            done(max(sign * opened, sign * level) * sign, "partial", position)
            position.volume = 0.5
    if sign * best >= sign * position.target:
        done(max(sign * opened, sign * position.target) * sign, "target", position)
        return None, True
    if (
        plan.break_even is not None
        and risk > 0
        and sign * best >= sign * (position.entry + sign * plan.break_even * risk)
        and sign * position.stop < sign * position.entry
    ):
        position.stop, position.why = position.entry, "break_even"
    if plan.trail is not None:
        trail = close - sign * plan.trail * float(signals.atr[bar])
        if sign * trail > sign * position.stop:
            position.stop, position.why = trail, "trailing_stop"
    return position, False


def _tidy(price: float, costs: Costs) -> float:
    return round(price, 9) if costs.ideal else round(round(price / 1e-5) * 1e-5, 5)
