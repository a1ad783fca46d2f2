"""Real trade ideas, made by the engine from bars by hand, for tests without a terminal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np

from app.paths import Paths
from app.settings import RiskSettings
from app.terminal.values import RATES_DTYPE, TIMEFRAMES, SymbolInfo
from workers.strategy import ideas
from workers.strategy import inputs as idea_inputs
from workers.strategy.account import AccountState
from workers.strategy.calibration import Calibration, rule_key
from workers.strategy.exposure import Exposure
from workers.strategy.gates import Gate
from workers.strategy.ideas import IdeaFiles, TradeIdea
from workers.strategy.inputs import Inputs
from workers.strategy.library import RuleFile
from workers.strategy.schema import parse_strategy

EURUSD: dict[str, Any] = {name: 0 for name in SymbolInfo.__dataclass_fields__} | {
    "name": "EURUSD", "digits": 5, "point": 1e-5, "trade_tick_size": 1e-5, "trade_tick_value": 1.0, "trade_mode": 4,
    "volume_min": 0.01, "volume_max": 100.0, "volume_step": 0.01, "volume_limit": 0.0, "currency_base": "EUR",
    "currency_profit": "USD",
}  # fmt: skip


def make_idea(
    paths: Paths,
    at: datetime,
    *,
    name: str = "always",
    symbol: str = "EURUSD",
    timeframe: str = "M5",
    equity: float | None = 10_000.0,
    info: dict[str, Any] | None = None,
    steps: Sequence[tuple[float, float, int, int]] = (),
    measured_rule: str = "",
    measured_news: str = "",
    engine: str = ideas.ENGINE_VERSION,
) -> TradeIdea:
    """Write an idea with all its evidence, as an evaluation at that time does.

    The decided bar is the last that closed by ``at``. With ``steps`` (low, high, signals, reached) its score is
    calibrated, by a backtest of the same rule unless ``measured_rule`` names another; ``measured_news`` is what it says
    of the news embargo.
    """
    seconds = TIMEFRAMES[timeframe].seconds
    end = int(at.timestamp()) // seconds * seconds
    close = 1.10 + 0.002 * np.sin(np.arange(500) / 40)
    rates = np.zeros(500, RATES_DTYPE)
    rates["time"] = end - seconds * np.arange(500, 0, -1)
    rates["open"], rates["close"] = np.roll(close, 1), close
    rates["high"], rates["low"] = np.maximum(rates["open"], close) + 0.0005, np.minimum(rates["open"], close) - 0.0005
    rates["tick_volume"], rates["spread"] = 100, 10
    content = json.dumps(
        {
            "id": name,
            "name": f"Strategy {name}",
            "symbol": symbol,
            "timeframe": timeframe,
            "sessions": ["London"],
            "conditions": {"entry": ["close > 0"], "weak": ["rsi_gt_70"]},
            "strategy": {"direction": "long", "news_embargo_minutes": 0, "max_risk_pct": 0.01},
        }
    ).encode()
    file = f"{name}.json"
    rule = RuleFile(parse_strategy(content, file), file, hashlib.sha256(content).hexdigest(), content)
    exposure = Exposure(None if equity is None else (), equity, equity)
    inputs = Inputs(
        rule,
        None,
        idea_inputs.lasting(SymbolInfo(**(EURUSD | {"name": symbol} | (info or {})))),
        rates,
        {},
        None,
        at.replace(microsecond=0),
        (Gate("terminal", True, "Connected to Broker."),),
        AccountState(exposure, "Broker", 7, "USD", equity),
        RiskSettings(),
        calibration_of(rule, steps, measured_rule, measured_news) if steps else None,
    )
    found = inputs.evaluated()
    files = IdeaFiles(paths)
    hashes = idea_inputs.store(inputs, files.evidence, engine)
    idea = ideas.build(inputs, found, inputs.sized(found), hashes, engine)
    assert files.add(idea, inputs.now, at - timedelta(days=1)) is not None
    return idea


def calibration_of(
    rule: RuleFile, steps: Sequence[tuple[float, float, int, int]], measured_rule: str, measured_news: str = ""
) -> Calibration:
    """What a backtest of the rule might have found."""
    names = ("low", "high", "signals", "reached")
    return Calibration.of(
        {
            "rule": measured_rule or rule_key(rule.strategy, None),
            "steps": [dict(zip(names, step, strict=True)) for step in steps],
            "costs": {"commission": 0.0, "slippage": 0.0},
            "simulated": False,
            **({"news": measured_news} if measured_news else {}),
        }
    )
