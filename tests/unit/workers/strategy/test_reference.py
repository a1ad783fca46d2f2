"""Decisions on real bars against the trades of an independent engine."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from app.terminal.values import RATES_DTYPE, Rates
from workers.strategy.decisions import decide_all
from workers.strategy.language.evaluation import Evaluator
from workers.strategy.language.syntax import Call
from workers.strategy.rules import prepare
from workers.strategy.schema import parse_strategy


def bars_of(path: Path) -> Rates:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rates = np.zeros(len(rows), RATES_DTYPE)
    for name in ("Open", "High", "Low", "Close"):
        rates[name.lower()] = [float(row[name]) for row in rows]
    rates["time"] = [int(datetime.fromisoformat(row[""]).replace(tzinfo=UTC).timestamp()) for row in rows]
    return rates


def traded(rates: Rates, entry: Any, leave: Any, atr: Any, stop_atr: float, reward: float) -> list[tuple[int, ...]]:
    """A long position at a time: entered at the open after the decision, stop looked at before the target."""
    found, index, last = [], 59, len(rates) - 1
    while index < last:
        if not entry[index]:
            index += 1
            continue
        begin, distance = index + 1, stop_atr * atr[index]
        stop, target = rates["close"][index] - distance, rates["close"][index] + reward * distance
        end = begin
        while end <= last:
            if end > begin and leave[end - 1]:
                break
            if rates["low"][end] <= stop or rates["high"][end] >= target:
                break
            end += 1
        found.append((begin, min(end, last)))
        index = min(end, last)
    return found


def test_signals_lead_to_the_trades_of_an_independent_engine(shared: Path) -> None:
    case = json.loads((shared / "expected/backtest_eurusd_h1.json").read_text(encoding="utf-8"))["EURUSD_H1_long"]
    rates, rules = bars_of(shared / "data/bars/pypi_backtesting/EURUSD.csv"), case["rules"]
    document = {
        "symbol": "EURUSD",
        "timeframe": "H1",
        "indicators": {"ema": {"fast": rules["fast"], "slow": rules["slow"]}, "rsi": {"overbought": rules["exit_rsi"]}},
        "conditions": {
            "entry": ["ema_fast_gt_slow", f"rsi between {rules['lo']} and {rules['hi']}"],
            "exit": ["rsi_gt_70"],
        },
        "strategy": {"direction": "long"},
    }
    strategy = parse_strategy(json.dumps(document), "case.json")
    bars = Evaluator(rates, 3600)
    (side,) = decide_all(strategy, prepare(strategy), bars).sides
    atr = bars.numbers(Call("atr", (), (14.0,)))
    found = traded(rates, side.entry & side.known & ~side.leave, side.leave, atr, rules["sl"], rules["rr"])
    expected = [(trade["entry_bar"], trade["exit_bar"]) for trade in case["trades"] if trade["entry_bar"] >= 60]
    assert len(expected) > 180
    assert found == expected
