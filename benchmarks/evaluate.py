"""The evaluation of one strategy on 500 closed bars without terminal and files, and of many with both."""

from __future__ import annotations

import time

import numpy as np

from app.terminal.values import RATES_DTYPE, TIMEFRAMES
from benchmarks import evaluate_many
from benchmarks.figures import Figure, distribution
from workers.strategy.evaluate import Outcome, evaluate, least_bars
from workers.strategy.library import EXAMPLES, load
from workers.strategy.prices import PriceGrid
from workers.strategy.rules import prepare

BARS = 500
REPEATS = 500


def run() -> list[Figure]:
    """Measure."""
    grid = PriceGrid(digits=5, point=0.00001, tick=0.00001)
    taken = []
    for file in load(EXAMPLES).enabled:
        strategy = file.strategy
        if least_bars(strategy) > BARS:
            continue
        seconds = TIMEFRAMES[strategy.timeframe].seconds
        rates = _bars(seconds)
        frames = {name: _bars(TIMEFRAMES[name].seconds) for name in prepare(strategy).frames}
        if (found := evaluate(strategy, rates, seconds, grid, frames=frames)).outcome is Outcome.NOT_EVALUATED:
            raise RuntimeError(found.reason)
        for _ in range(REPEATS):
            begun = time.perf_counter()
            evaluate(strategy, rates, seconds, grid, frames=frames)
            taken.append((time.perf_counter() - begun) * 1e3)
    return [distribution(f"one strategy on {BARS} bars", "ms", taken, {"p99": 3}), *evaluate_many.figures()]


def _bars(seconds: int) -> np.ndarray:
    """A random walk by a fixed seed, up to one instant whatever the length of its bars."""
    steps = np.random.default_rng(7).normal(0, 0.0003, BARS)
    close = 1.1 + np.cumsum(steps)
    rates = np.zeros(BARS, dtype=RATES_DTYPE)
    rates["time"] = 1_748_908_800 - seconds * np.arange(BARS, 0, -1)
    rates["close"] = close
    rates["open"] = np.concatenate(([1.1], close[:-1]))
    rates["high"] = np.maximum(rates["open"], close) + 0.0001
    rates["low"] = np.minimum(rates["open"], close) - 0.0001
    rates["tick_volume"] = 100
    rates["spread"] = 8
    return rates
