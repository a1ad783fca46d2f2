"""Results of backtests as files, small enough to be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

TRADES = """\
entry_bar,exit_bar,entry_time,exit_time,direction,volume,entry,exit,exit_reason,profit,stop,target,commission,swap,bars_held,score,ambiguous
10,12,2025-01-02T10:00:00Z,2025-01-02T12:00:00Z,long,0.1,1.10000,1.10200,target,20,1.09900,1.10200,0,0,2,80,no
20,21,2025-02-03T20:00:00Z,2025-02-03T21:00:00Z,short,0.1,1.10100,1.10200,stop,-10,1.10200,1.09900,0,0,1,75,yes
30,30,2025-02-04T06:00:00Z,2025-02-04T06:00:00Z,long,0.1,1.10000,1.09900,stop,-10,1.09900,1.10200,0,0,0,75,no
"""


def document(name: str, created: str, /, **changes: Any) -> dict[str, Any]:
    """A result with a profit of 0 from three trades."""
    figures = {
        "initial_deposit": 10_000.0,
        "total_net_profit": 0.0,
        "gross_profit": 20.0,
        "gross_loss": -20.0,
        "profit_factor": 1.0,
        "expected_payoff": 0.0,
        "total_trades": 3,
        "profit_trades_percent": 100 / 3,
        "equity_drawdown_maximal": 20.0,
        "equity_drawdown_maximal_percent": 0.2,
        "sharpe_ratio": 0.5,
        "deflated_sharpe_ratio": 0.61,
        "trials": 4,
        "ambiguous_trades": 1,
        "ahpr": 1.0,
    }
    found: dict[str, Any] = {
        "schema": 1,
        "name": f"Strategy {name}",
        "strategy": name,
        "symbol": "EURUSD",
        "timeframe": "H1",
        "created": created,
        "rule": {"id": name, "conditions": {"entry": ["rsi < 30"]}},
        "profile": None,
        "engine": 1,
        "currency": "USD",
        "bars": {
            "source": "EURUSD_H1.csv", "path": "", "time_zone": "", "point": 0.0, "count": 100, "grade": "B",
            "grade_reasons": ["2 gaps"], "left_out": 0, "crc32": "00000000", "first": "2025-01-01T00:00:00Z",
            "last": "2025-02-28T00:00:00Z", "tested_from": "2025-01-01T00:00:00Z",
            "tested_until": "2025-02-28T00:00:00Z",
        },
        "terms": {"deposit": 10_000.0, "volume": 0.1, "min_score": 75.0, "leverage": 100.0, "stop_out": 0.5},
        "costs": {"ideal": False, "spread_points": None, "commission": 0.0, "slippage_points": 0.0, "swap": True},
        "counts": {"settled_by_minutes": 2},
        "no_trades": "",
        "look_ahead": {"checked": 3, "different": 0},
        "monte_carlo": {
            "runs": 1000, "percentiles": [5, 50, 95], "balance_drawdown_maximal": [10.0, 20.0, 30.0],
            "total_net_profit": [-30.0, 0.0, 60.0], "lost_percent": 55.0,
        },
        "warnings": ["News were not looked at."],
        "statistics": figures | changes.pop("statistics", {}),
        "breakdowns": {
            "month": [
                {"name": "2025-01", "trades": 1, "net_profit": 20.0},
                {"name": "2025-02", "trades": 2, "net_profit": -20.0},
            ],
            "direction": [
                {"name": "long", "trades": 2, "net_profit": 10.0, "won_percent": 50.0, "profit_factor": 2.0},
                {"name": "short", "trades": 1, "net_profit": -10.0, "won_percent": 0.0, "profit_factor": 0.0},
            ],
        },
        "distribution": {"borders": [-10.0, 5.0, 20.0], "counts": [2, 1]},
        "curve": {
            "time": ["2025-01-01T00:00:00Z", "2025-01-02T12:00:00Z", "2025-02-03T21:00:00Z", "2025-02-04T06:00:00Z"],
            "balance": [10_000.0, 10_020.0, 10_010.0, 10_000.0],
            "equity": [10_000.0, 10_020.0, 10_010.0, 10_000.0],
            "lowest": [10_000.0, 9_990.0, 10_005.0, 9_998.0],
        },
    }  # fmt: skip
    return found | changes


def put(folder: Path, stem: str, created: str = "2025-06-01T10:00:00.000Z", /, **changes: Any) -> None:
    """Write a result as the engine does."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(document(stem, created, **changes), indent=1)
    (folder / f"{stem}.json").write_text(f"{text}\n", encoding="utf-8")
    (folder / f"{stem}_trades.csv").write_text(TRADES, encoding="utf-8")
    (folder / f"{stem}.html").write_text("<p>report</p>", encoding="utf-8")


def put_bars(file: Path, count: int = 1200) -> None:
    """Hourly bars from 2025-01-01 on that go up and down, as a history of ours."""
    lines = ["time,open,high,low,close,tick_volume,spread,real_volume"]
    price = 1.1
    for place in range(count):
        day, hour = divmod(place, 24)
        stamp = f"2025-{1 + day // 28:02d}-{1 + day % 28:02d}T{hour:02d}:00:00Z"
        close = price + (0.0007 if place // 17 % 2 else -0.0006)
        high, low = max(price, close) + 0.0002, min(price, close) - 0.0002
        lines.append(f"{stamp},{price:.5f},{high:.5f},{low:.5f},{close:.5f},100,10,0")
        price = close
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
