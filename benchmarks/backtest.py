"""Backtests: a rule on bars in memory, from the first call of a process on, a year of minutes from a file, and a sweep
of a thousand points by the command line."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from app.paths import Paths
from app.terminal.values import RATES_DTYPE, Rates
from benchmarks.figures import Figure, distribution, single

BARS = 200_000
YEAR = 372_000
#: Fresh processes whose first calls are measured, and further calls in each.
PROCESSES = 7
SWEEPS = 3
CALLS = 7
#: Bars of the sweep, and what it varies: ten values of each.
SWEPT_BARS = 50_000
_VARY = (
    "indicators.ema.fast=6..24/2; indicators.ema.slow=30..120/10; indicators.atr.multiplier=1,1.25,1.5,1.75,2,2.25,2.5,"
    "2.75,3,3.25"
)
_SWEPT = {
    "symbol": "EURUSD",
    "timeframe": "H1",
    "conditions": {
        "entry": ["ema_fast crosses above ema_slow"],
        "strong": ["macd_hist_gt_0"],
        "weak": ["atr_below_median"],
        "exit": ["rsi_gt_70"],
    },
    "strategy": {"direction": "both", "min_rr": 2.0, "news_embargo_minutes": 0},
}
_CROSS = {
    "symbol": "EURUSD",
    "timeframe": "H1",
    "conditions": {"entry": ["ema(20) crosses above ema(50)"]},
    "strategy": {"direction": "both", "min_rr": 2.0, "news_embargo_minutes": 0},
}
_FULL = {
    "symbol": "EURUSD",
    "timeframe": "M1",
    "sessions": ["London", "NewYork"],
    "indicators": {"ema": {"fast": 20, "slow": 50}, "atr": {"period": 14, "multiplier": 2.0}},
    "conditions": {
        "entry": ["ema_fast_gt_slow", "ema(5) crosses above ema(20)"],
        "exit": ["rsi > 75"],
        "strong": ["macd_hist_gt_0"],
        "weak": ["atr_below_median"],
    },
    "strategy": {"direction": "both", "min_rr": 2.0, "news_embargo_minutes": 0, "invalidations": ["rsi > 80"]},
}


class Mute:
    """A voice that nobody listens to."""

    def progress(self, done: int, total: int, text: str = "") -> None: ...

    def check_cancelled(self) -> None: ...


def run() -> list[Figure]:
    """Measure."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
    memory = [_in_process(_memory) for _ in range(PROCESSES)]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        path = Path(folder) / "EURUSD_M1.csv"
        _write_year(path)
        year = [_in_process(_year, str(path), folder) for _ in range(PROCESSES)]
        swept = [_sweep(Path(folder) / f"sweep{number}") for number in range(SWEEPS)]
    first, later = [item["first"] for item in memory], [value for item in memory for value in item["later"]]
    figures, writing = ([item[name] for item in year] for name in ("figures", "writing"))
    return [
        distribution(f"EMA cross on {BARS:,} bars, first call of a process", "ms", first, {"p50": 30.0}),
        single("the same, quickest of all first calls", "ms", min(first), 30.0),
        single("the same, least processor time", "ms", min(item["processor"] for item in memory)),
        distribution("the same, later calls", "ms", later, {"p50": 30.0}),
        single("the same, quickest of all", "ms", min(later)),
        single("trades of it", "", memory[0]["trades"]),
        distribution(f"{YEAR:,} minutes, file to figures, first call", "s", figures, {"p50": 0.5}),
        single("the same, quickest", "s", min(figures), 0.5),
        single("the same, least processor time", "s", min(item["processor"] for item in year)),
        distribution("writing its report", "s", writing),
        single("trades of it", "", year[0]["trades"]),
        single("memory of the process at most", "MB", max(item["memory"] for item in year), 300.0),
        distribution(
            f"sweep of 1,000 points on {SWEPT_BARS:,} bars, by the command line",
            "s",
            [item["taken"] for item in swept],
            {"p50": 20.0},
        ),
        single("the same, quickest", "s", min(item["taken"] for item in swept), 20.0),
        single("processor time of it, all processes", "s", min(item["processor"] for item in swept)),
        single("trades of all its points", "", swept[0]["trades"]),
        single("load of the machine before", "", load),
    ]


def _in_process(work: Any, *arguments: Any) -> dict[str, Any]:
    """What ``work`` measures in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        found: dict[str, Any] = pool.apply(work, arguments)
    return found


def _memory() -> dict[str, Any]:
    """From arrays in memory to figures; the modules are imported, nothing else has been done."""
    from workers.backtest.engine import play, sides_of, spread_points
    from workers.backtest.management import Plan
    from workers.backtest.model import Costs, Terms
    from workers.backtest.signals import gather
    from workers.backtest.statistics import statistics
    from workers.strategy.language.evaluation import Evaluator
    from workers.strategy.rules import prepare
    from workers.strategy.schema import parse_strategy

    rates, market = _walk(BARS, 3600), _market()
    text, costs = json.dumps(_CROSS), Costs()
    terms = Terms(volume=0.1, min_score=0, deposit=1_000_000.0)
    taken, processor, trades = [], [], 0
    for _ in range(1 + CALLS):
        begun, worked = time.perf_counter(), time.process_time()
        strategy = parse_strategy(text, "cross.json")
        ready = prepare(strategy)
        spread = spread_points(rates, costs)
        bars = Evaluator(rates, 3600)
        signals = gather(strategy, ready, bars, None, market.grid, spread, None, terms, costs)
        sides = sides_of(bars, spread, market, costs, frozenset({1, -1}))
        del bars
        played = play(rates, signals, sides, market, terms, costs, Plan(), 0.01)
        figures = statistics(played.trades, played.curve, rates["time"], 3600, rates["close"], terms.deposit)
        taken.append((time.perf_counter() - begun) * 1e3)
        processor.append((time.process_time() - worked) * 1e3)
        trades = figures["total_trades"]
    return {"first": taken[0], "later": taken[1:], "processor": processor[0], "trades": trades}


def _year(path: str, folder: str) -> dict[str, Any]:
    """From a file to figures, and then to files; and the most memory that the process ever held."""
    import psutil

    from workers.backtest.bars import Asked
    from workers.backtest.model import Costs, Terms
    from workers.backtest.request import Request
    from workers.backtest.work import test, write
    from workers.strategy.schema import parse_strategy

    strategy = parse_strategy(json.dumps(_FULL), "full.json")
    request = Request(
        strategy=strategy, profile=None, market=_market(), terms=Terms(deposit=100_000.0), costs=Costs(commission=3.0),
        asked=Asked("M1"), path=Path(path), history=None, finer=None, news=None, days=None, least_grade="D",
        force=False, calibrate=True, folder=Paths(Path(folder)).backtests, stem="full",
        about={"name": "full", "strategy": "full", "symbol": "EURUSD", "timeframe": "M1", "rule": _FULL,
               "profile": None, "created": "2025-01-01T00:00:00.000Z"},
    )  # fmt: skip
    begun, worked = time.perf_counter(), time.process_time()
    report = test(Mute(), request)
    counted, used = time.perf_counter(), time.process_time() - worked
    write(report, request.folder, request.stem, ideal=False)
    done = time.perf_counter()
    memory = psutil.Process().memory_info()
    return {
        "figures": counted - begun,
        "processor": used,
        "writing": done - counted,
        "trades": len(report.trades),
        "memory": _most_memory(memory) / 1e6,
    }


def _sweep(home: Path) -> dict[str, Any]:
    """The whole command, from its start to the report."""
    from workers.market.bar_text import encoded

    home.mkdir()
    rates = _walk(SWEPT_BARS, 3600)
    weeks, hour = np.divmod(np.arange(SWEPT_BARS), 5 * 24)
    rates["time"] = int(datetime(2018, 1, 1, tzinfo=UTC).timestamp()) + weeks * 7 * 86_400 + hour * 3600
    bars, rule = home / "EURUSD_H1.csv", home / "swept.json"
    bars.write_bytes(b"".join(encoded([rates], 5)))
    rule.write_text(json.dumps(_SWEPT), encoding="utf-8")
    command = [
        sys.executable, str(Path(__file__).resolve().parent.parent / "main.py"), "run", "sweep_strategy",
        f"strategy={rule}", f"bars={bars}", f"vary={_VARY}", "--home", str(home / "home"), "--json",
    ]  # fmt: skip
    begun, before = time.perf_counter(), os.times()
    answer = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    taken, after = time.perf_counter() - begun, os.times()
    document = json.loads(Path(answer["result"]["report_json"]).read_text(encoding="utf-8"))
    used = after.children_user + after.children_system - before.children_user - before.children_system
    trades = sum(point["whole"]["total_trades"] for point in document["points"])
    return {"taken": taken, "processor": used, "trades": trades}


def _most_memory(memory: Any) -> float:
    if hasattr(memory, "peak_wset"):
        return float(memory.peak_wset)
    import resource
    import sys

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(most if sys.platform == "darwin" else most * 1024)


def _market() -> Any:
    from workers.backtest.market import Market
    from workers.strategy.prices import PriceGrid
    from workers.strategy.sizing import VolumeRules

    return Market(
        symbol="EURUSD", currency="USD", grid=PriceGrid(5, 1e-5, 1e-5),
        volumes=VolumeRules("EURUSD", 1e-5, 1.0, 0.01, 100.0, 0.01), contract=100_000.0, value=100_000.0,
        by_price=False, converted=False, margin_value=100_000.0, margin_fixed=0.0, leveraged=True, swap_long=-7.0,
        swap_short=2.0, swap_mode=1, triple_day=3, swap_in_base=True, clock="GMT+2/+3 New York",
    )  # fmt: skip


def _walk(count: int, seconds: int) -> Rates:
    """A random walk by a fixed seed."""
    rng = np.random.default_rng(7)
    closes = np.abs(1.1 + np.cumsum(rng.normal(0, 0.0001 if seconds == 60 else 0.0003, count))) + 0.2
    rates = np.zeros(count, dtype=RATES_DTYPE)
    rates["time"] = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) + seconds * np.arange(count)
    rates["close"] = closes
    rates["open"] = np.concatenate((closes[:1], closes[:-1]))
    rates["high"] = np.maximum(rates["open"], closes) + np.abs(rng.normal(0, 0.0001, count))
    rates["low"] = np.minimum(rates["open"], closes) - np.abs(rng.normal(0, 0.0001, count))
    rates["tick_volume"], rates["spread"] = 60, 8
    return rates


def _write_year(path: Path) -> None:
    """A year of minutes with its weekends, as MetaTrader exports it."""
    from workers.market.bar_text import lines

    rates = _walk(YEAR, 60)
    weeks, minute = np.divmod(np.arange(YEAR), 5 * 1440)
    rates["time"] = int(datetime(2024, 1, 1, tzinfo=UTC).timestamp()) + weeks * 7 * 86_400 + minute * 60
    header = b"<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<SPREAD>\t<VOL>\r\n"
    body = lines(rates, 5).replace(b",", b"\t").replace(b"T", b"\t").replace(b"Z", b"").replace(b"-", b".")
    path.write_bytes(header + body)
