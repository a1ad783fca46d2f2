"""A finished test as a document for programs: ``data/backtests/*.json``."""

from __future__ import annotations

import json
import math
from typing import Any, Final

import numpy as np

from workers.backtest.breakdown import histogram
from workers.backtest.model import Index, Report
from workers.order import once

SCHEMA: Final = 1
#: Points of the curves in the document and in charts; each stands for the bars up to it.
POINTS: Final = 1500


def document(report: Report) -> dict[str, Any]:
    """The test as plain values; what has no value is null."""
    borders, counts = histogram(report.trades.profit)
    kept = thinned(len(report.times))
    begins = np.concatenate(([0], kept[:-1] + 1)) if len(kept) else kept
    curve = report.curve
    found: dict[str, Any] = {
        "schema": SCHEMA,
        **report.head,
        "warnings": list(report.warnings),
        "statistics": dict(report.statistics),
        "breakdowns": {name: list(table) for name, table in report.breakdowns.items()},
        "distribution": {"borders": list(borders), "counts": list(counts)},
        "curve": {
            "time": [f"{time}Z" for time in np.datetime_as_string(report.times[kept].astype("datetime64[s]")).tolist()],
            "balance": _rounded(curve.balance[kept]),
            "equity": _rounded(curve.equity[kept]),
            "lowest": _rounded(np.minimum.reduceat(curve.lowest, begins)) if len(kept) else [],
        },
    }
    whole: dict[str, Any] = plain(found)
    return whole


def text(report: Report) -> str:
    """The document as JSON."""
    return json.dumps(document(report), indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def thinned(count: int, points: int = POINTS) -> Index:
    """Places of at most so many of ``count`` values, evenly spread, the last one among them."""
    if count <= points:
        return np.arange(count)
    return once(np.linspace(0, count - 1, points).astype(np.int64))


def _rounded(values: Any) -> list[float]:
    found: list[float] = np.round(values, 2).tolist()
    return found


def plain(value: Any) -> Any:
    """Values without what JSON has no word for: infinities and NaN are null."""
    if isinstance(value, dict):
        return {str(name): plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
