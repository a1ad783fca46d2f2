"""The evaluation of one strategy on 500 closed bars, without terminal and files."""

from __future__ import annotations

import time

import numpy as np

from app.terminal.values import RATES_DTYPE
from benchmarks.figures import Figure, distribution
from workers.strategy.evaluate import evaluate
from workers.strategy.library import EXAMPLES, load
from workers.strategy.prices import PriceGrid

BARS = 500
REPEATS = 500
M5_S = 300


def run() -> list[Figure]:
    """Measure."""
    rates = _bars()
    grid = PriceGrid(digits=5, point=0.00001, tick=0.00001)
    taken = []
    for file in load(EXAMPLES).enabled:
        for _ in range(REPEATS):
            begun = time.perf_counter()
            evaluate(file.strategy, rates, M5_S, grid)
            taken.append((time.perf_counter() - begun) * 1e3)
    return [distribution(f"one strategy on {BARS} bars", "ms", taken, {"p99": 3})]


def _bars() -> np.ndarray:
    """A random walk by a fixed seed."""
    steps = np.random.default_rng(7).normal(0, 0.0003, BARS)
    close = 1.1 + np.cumsum(steps)
    rates = np.zeros(BARS, dtype=RATES_DTYPE)
    rates["time"] = 1_748_908_800 + M5_S * np.arange(BARS)
    rates["close"] = close
    rates["open"] = np.concatenate(([1.1], close[:-1]))
    rates["high"] = np.maximum(rates["open"], close) + 0.0001
    rates["low"] = np.minimum(rates["open"], close) - 0.0001
    rates["tick_volume"] = 100
    rates["spread"] = 8
    return rates
