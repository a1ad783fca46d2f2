"""Imported reports of MetaTrader's tester: a list of them, and their figures beside ours."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.files import guarding
from app.paths import Paths
from workers.backtest.tester_report import COMPARED
from workers.backtest.tester_report import number as first_number
from workers.backtest.values import moment, number

_LARGEST: Final = 4 * 2**20
_MOST: Final = 200
#: Figures that a report names and its deals alone do not give, beside those that they do.
_MORE: Final = (
    ("equity_drawdown_maximal", "Equity Drawdown Maximal"),
    ("recovery_factor", "Recovery Factor"),
    ("sharpe_ratio", "Sharpe Ratio"),
    ("lr_correlation", "LR Correlation"),
)


@dataclass(frozen=True, slots=True)
class TesterLine:
    """One figure, by our name and the report's: there, worked out from its deals, and ours; None: there is none."""

    name: str
    title: str
    report: float | None
    deals: float | None
    ours: float | None


@dataclass(frozen=True, slots=True, eq=False)
class TesterReport:
    """An imported report."""

    folder: str
    file: str
    symbol: str
    timeframe: str
    imported: datetime | None
    expert: str
    period: str
    currency: str
    facts: Mapping[str, str]
    recomputed: Mapping[str, Mapping[str, Any]]

    def lines(self, ours: Mapping[str, Any]) -> tuple[TesterLine, ...]:
        """Its figures, those of its deals, and those of one of our tests side by side."""
        found = []
        for name, title in (*COMPARED, *_MORE):
            again = self.recomputed.get(name)
            said = number(again.get("report")) if again else first_number(self.facts.get(title, ""))
            dealt = number(again.get("deals")) if again else None
            found.append(TesterLine(name, title, said, dealt, number(ours.get(name))))
        return tuple(found)


def imported_reports(paths: Paths) -> tuple[TesterReport, ...]:
    """The imported tester reports, the newest first; what is damaged is left out, since importing again mends it.

    Raises:
        StorageError: the folder cannot be read.
    """
    folder = paths.imports / "reports"
    with guarding(folder, "read"):
        files = sorted(folder.glob("*/report.json"))[:_MOST] if folder.is_dir() else []
    found = [report for file in files if (report := _report(file)) is not None]
    found.sort(key=lambda report: (report.imported.timestamp() if report.imported else 0.0, report.file), reverse=True)
    return tuple(found)


def _report(file: Path) -> TesterReport | None:
    try:
        if file.stat().st_size > _LARGEST:
            return None
        found = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.get("kind") != "mt5_tester_report":
        return None
    facts, again = found.get("facts"), found.get("recomputed")
    if not isinstance(facts, dict):
        return None
    texts = {str(name): str(value) for name, value in facts.items()}
    worked_out = again if isinstance(again, dict) else {}
    figures = {str(name): value for name, value in worked_out.items() if isinstance(value, dict)}
    return TesterReport(
        file.parent.name,
        str(found.get("file") or file.parent.name),
        str(found.get("symbol") or ""),
        str(found.get("timeframe") or ""),
        moment(found.get("imported_at")),
        texts.get("Expert", ""),
        texts.get("Period", ""),
        texts.get("Currency", ""),
        texts,
        figures,
    )
