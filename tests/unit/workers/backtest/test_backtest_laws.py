"""Laws of the engine on random markets, and its agreement with a plain loop that goes bar by bar."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from arena import EURUSD, FREE, HOUR, IDEAL, USDJPY, calls, plainly, rows, rule, trade, wandering
from hypothesis import given, settings
from hypothesis import strategies as st

from app.terminal.values import Rates
from workers.backtest.engine import _Game, spread_points
from workers.backtest.management import Plan
from workers.backtest.model import Costs, Reason, Terms, Trades
from workers.backtest.signals import Signals, gather
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.rules import prepare
from workers.strategy.schema import Strategy

COSTS = (IDEAL, FREE, replace(FREE, spread_points=12.0, slippage_points=3.0))
PLANS = (
    Plan(),
    Plan(break_even=0.7),
    Plan(partial=0.8),
    Plan(trail=1.2),
    Plan(break_even=0.6, partial=1.1, trail=2.5),
)


def random_calls(seed: int, rates: Rates, share: float, far: float = 1.0) -> Signals:
    """Entries at random, with stops and targets at random distances, and exits at random."""
    rng = np.random.default_rng(seed)
    count = len(rates)
    places = np.flatnonzero(rng.random(count) < share)
    places = places[places < count - 1]
    signs = rng.choice([1, -1], len(places))
    close = rates["close"][places]
    stop = close - signs * far * rng.uniform(0.0002, 0.004, len(places))
    target = close + signs * far * rng.uniform(0.0002, 0.008, len(places))
    signals = calls(count, *zip(places.tolist(), signs.tolist(), stop.tolist(), target.tolist(), strict=True))
    return replace(
        signals, leave_long=rng.random(count) < share / 3 / far, leave_short=rng.random(count) < share / 3 / far
    )


@settings(max_examples=250, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    count=st.integers(3, 900),
    share=st.sampled_from((0.01, 0.1, 0.6, 1.0)),
    costs=st.sampled_from(COSTS),
    plan=st.sampled_from(PLANS),
    far=st.sampled_from((1.0, 4.0, 15.0)),
)
def test_the_engine_does_what_a_plain_loop_does(
    seed: int, count: int, share: float, costs: Costs, plan: Plan, far: float
) -> None:
    rates = wandering(seed, count)
    signals = random_calls(seed, rates, share, far)
    played = trade(rates, signals, costs=costs, plan=plan, deposit=1e9)
    assert rows(played) == sorted(plainly(rates, signals, costs, plan), key=lambda row: row[1])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.sampled_from((0.02, 0.3, 1.0)),
    plan=st.sampled_from(PLANS),
    cut=st.integers(50, 299),
)
def test_no_trade_uses_the_future(seed: int, share: float, plan: Plan, cut: int) -> None:
    """What was closed before a bar is the same with or without the bars from there on."""
    rates = wandering(seed, 300)
    signals = random_calls(seed, rates, share)
    part = replace(
        signals,
        **{
            name: getattr(signals, name)[signals.bar < cut - 1]
            for name in ("bar", "sign", "entry", "stop", "target", "score", "full")
        },
        **{name: getattr(signals, name)[:cut] for name in ("leave_long", "leave_short", "atr")},
    )
    whole, begun = (
        rows(trade(rates, signals, plan=plan, deposit=1e9)),
        rows(trade(rates[:cut], part, plan=plan, deposit=1e9)),
    )
    closed = [row for row in begun if row[4] != Reason.END.label]
    assert closed == whole[: len(closed)]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), cut=st.integers(120, 399))
def test_no_signal_uses_the_future(seed: int, cut: int) -> None:
    rates = wandering(seed, 400)
    strategy = rule(
        conditions={"entry": ["ema_fast_gt_slow"], "exit": ["rsi > 65"]}, indicators={"ema": {"fast": 5, "slow": 12}}
    )
    whole, part = signals_of(strategy, rates), signals_of(strategy, rates[:cut])
    kept = whole.bar < cut - 1
    for name in ("bar", "sign", "stop", "target", "score"):
        assert getattr(whole, name)[kept].tolist() == getattr(part, name).tolist()
    assert whole.leave_long[:cut].tolist() == part.leave_long.tolist()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), plan=st.sampled_from(PLANS), share=st.sampled_from((0.05, 0.5)))
def test_equity_is_balance_and_open_profit(seed: int, plan: Plan, share: float) -> None:
    rates = wandering(seed, 250)
    costs = Costs(commission=2.0, spread_points=5.0)
    played = trade(rates, random_calls(seed, rates, share), costs=costs, plan=plan, deposit=1e9)
    trades, curve = played.trades, played.curve
    assert curve.balance[-1] == pytest.approx(1e9 + trades.profit.sum())
    assert curve.equity[-1] == pytest.approx(curve.balance[-1])
    assert (curve.lowest <= curve.equity + 1e-6).all()
    for bar in range(len(rates)):
        open_profit = sum(_open_profit(trades, row, rates, bar) for row in range(len(trades)))
        assert curve.equity[bar] - curve.balance[bar] == pytest.approx(open_profit, abs=1e-5)
        assert curve.balance[bar] == pytest.approx(1e9 + trades.profit[trades.exit_bar <= bar].sum())


def _open_profit(trades: Trades, row: int, rates: Rates, bar: int) -> float:
    if not trades.entry_bar[row] <= bar < trades.exit_bar[row]:
        return 0.0
    sign = int(trades.sign[row])
    price = float(rates["close"][bar]) + (0.0 if sign > 0 else 5e-5)
    money = sign * (price - float(trades.entry[row])) * float(trades.volume[row]) * 100_000
    midnights = range(int(rates["time"][trades.entry_bar[row]]) // 86_400, int(rates["time"][bar]) // 86_400)
    nights = sum((0, 1, 1, 3, 1, 1, 0)[(day + 4) % 7] for day in midnights)
    swap = (-8.0 if sign > 0 else 2.0) * nights * float(trades.volume[row])
    return money + swap - 4.0 * float(trades.volume[row])


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), factor=st.sampled_from((0.5, 2.0, 10.0)), market=st.sampled_from((EURUSD, USDJPY)))
def test_scaling_the_volume_scales_the_money(seed: int, factor: float, market: Any) -> None:
    rates = wandering(seed, 200)
    signals = random_calls(seed, rates, 0.2)
    one = trade(rates, signals, market=market, costs=Costs(commission=1.0), deposit=1e12)
    many = trade(rates, signals, market=market, costs=Costs(commission=1.0), deposit=1e12, volume=factor)
    assert rows(one) == rows(many)
    np.testing.assert_allclose(many.trades.profit, factor * one.trades.profit, rtol=1e-12, atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), commission=st.floats(0, 50), swap=st.booleans(), slippage=st.integers(0, 9))
def test_costs_only_ever_lower_the_profit(seed: int, commission: float, swap: bool, slippage: int) -> None:
    """Costs that leave the trades as they are: each of them ends as it did, and brings no more than it did."""
    rates = wandering(seed, 200)
    rates["spread"] = 0
    signals = random_calls(seed, rates, 0.2)
    signals = replace(signals, sign=np.ones_like(signals.sign), stop=np.minimum(signals.stop, signals.target),
                      target=np.maximum(signals.stop, signals.target))  # fmt: skip
    free = trade(rates, signals, deposit=1e9)
    paid = trade(rates, signals, costs=Costs(commission=commission, swap=swap, slippage_points=slippage), deposit=1e9)
    assert [row[:2] for row in rows(free)] == [row[:2] for row in rows(paid)]
    assert (paid.trades.profit <= free.trades.profit + 1e-6).all()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), share=st.sampled_from((0.05, 0.5, 1.0)))
def test_looking_at_the_account_changes_nothing_while_there_is_money(seed: int, share: float) -> None:
    """The quick walk and the careful one, which looks at size and margin each time, find the same trades."""
    rates = wandering(seed, 400)
    signals = random_calls(seed, rates, share)
    quick = trade(rates, signals, deposit=1e9)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Game, "quick", lambda _self: None)
        careful = trade(rates, signals, deposit=1e9)
    for name in Trades.__slots__:
        np.testing.assert_allclose(getattr(quick.trades, name), getattr(careful.trades, name), rtol=1e-12, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.sampled_from((0.05, 0.5, 1.0)),
    deposit=st.sampled_from((2_000.0, 20_000.0, 1e6)),
    risk=st.floats(0.001, 0.05),
)
def test_sizes_by_risk_are_the_same_with_and_without_a_look_at_each_position(
    seed: int, share: float, deposit: float, risk: float
) -> None:
    """All sizes at once, and one position after the other with margin and stop-out: the same trades, the same money."""
    rates = wandering(seed, 600)
    signals = random_calls(seed, rates, share)
    at_once = trade(rates, signals, deposit=deposit, risk=risk, volume=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_Game, "_several", lambda *_args: None)
        one_by_one = trade(rates, signals, deposit=deposit, risk=risk, volume=None)
    assert rows(at_once) == rows(one_by_one)
    for name in ("volume", "profit"):
        found, wanted = getattr(at_once.trades, name), getattr(one_by_one.trades, name)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
    assert at_once.tally == one_by_one.tally


def signals_of(strategy: Strategy, rates: Rates, costs: Costs = FREE) -> Signals:
    """What the rule calls for on these bars, from the first that has values."""
    ready = prepare(strategy)
    evaluator = Evaluator(rates, HOUR)
    return gather(
        strategy, ready, evaluator, None, EURUSD.grid, spread_points(rates, costs), None, Terms(min_score=0), costs
    )
