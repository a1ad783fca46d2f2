"""The engine against independent ones: the trades of another backtester, and the figures of real tester reports."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench

from workers.backtest.params import BacktestParams
from workers.backtest.run import Gatherer
from workers.backtest.statistics import of_profits
from workers.backtest.tester_report import COMPARED, agrees, recomputed, told
from workers.backtest.work import work
from workers.imports import reports, xlsx

pytestmark = pytest.mark.shared

#: Names of the report, ours, and the decimals that it shows.
FIGURES = (
    ("Total Net Profit", "total_net_profit", 2),
    ("Gross Profit", "gross_profit", 2),
    ("Gross Loss", "gross_loss", 2),
    ("Profit Factor", "profit_factor", 6),
    ("Expected Payoff", "expected_payoff", 6),
    ("LR Correlation", "lr_correlation", 4),
    ("LR Standard Error", "lr_standard_error", 6),
    ("Total Trades", "total_trades", 0),
    ("Largest profit trade", "largest_profit_trade", 2),
    ("Largest loss trade", "largest_loss_trade", 2),
    ("Average profit trade", "average_profit_trade", 6),
    ("Average loss trade", "average_loss_trade", 6),
)


class Mute:
    """A voice that nobody listens to."""

    def progress(self, done: int, total: int, text: str = "") -> None: ...

    def check_cancelled(self) -> None: ...


def rule_file(folder: Path, rules: dict[str, Any]) -> Path:
    """The rules of the expected results, in the words of our files."""
    long = rules["direction"] == "long"
    document = {
        "symbol": "EURUSD",
        "timeframe": "H1",
        "indicators": {
            "ema": {"fast": rules["fast"], "slow": rules["slow"]},
            "atr": {"period": 14, "multiplier": rules["sl"]},
        },
        "conditions": {
            "entry": [f"ema_fast {'>' if long else '<'} ema_slow", f"rsi between {rules['lo']} and {rules['hi']}"],
            "exit": [f"rsi {'>' if long else '<'} {rules['exit_rsi']}"],
        },
        "strategy": {"direction": rules["direction"], "min_rr": rules["rr"]},
    }
    path = folder / "expected.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_the_trades_of_an_independent_engine_one_by_one(shared: Path, bench: Bench, tmp_path: Path) -> None:
    cases = json.loads((shared / "expected/backtest_eurusd_h1.json").read_text(encoding="utf-8"))
    for case in cases.values():
        params = BacktestParams(
            strategy=str(rule_file(tmp_path, case["rules"])),
            bars=str(shared / "data/bars/pypi_backtesting/EURUSD.csv"),
            costs="none",
            volume=0.1,
            min_score=0,
        )
        answer = work(Mute(), Gatherer(bench.context(), params).request())
        with Path(answer.trades_csv).open(encoding="utf-8", newline="") as file:
            found = [row for row in csv.DictReader(file) if int(row["entry_bar"]) >= 60]
        expected = [trade for trade in case["trades"] if trade["entry_bar"] >= 60]
        assert len(found) == len(expected) > 180
        for row, trade in zip(found, expected, strict=True):
            assert (int(row["entry_bar"]), int(row["exit_bar"])) == (trade["entry_bar"], trade["exit_bar"])
            assert float(row["entry"]) == pytest.approx(trade["entry"], abs=1e-12)
            assert float(row["exit"]) == pytest.approx(trade["exit"], abs=1e-12)
            assert float(row["profit"]) == pytest.approx(trade["pnl"], abs=1e-8)


def test_figures_of_real_tester_reports_follow_from_their_deals(shared: Path) -> None:
    looked_at = 0
    for path in sorted((shared / "data/mt5/tester_reports").glob("*.xlsx")):
        report = reports.read(path.name, xlsx.rows(path))
        profits = _profits(report.tables["deals"])
        if profits is None or abs(profits.sum() - _number(report.facts["Total Net Profit"])) > 0.005:
            continue  # commissions that were paid at the opening cannot be told to the deals that closed
        looked_at += 1
        figures = of_profits(profits, _number(report.facts["Initial Deposit"]))
        for theirs, ours, decimals in FIGURES:
            assert figures[ours] == pytest.approx(_number(report.facts[theirs]), abs=0.6 * 10.0**-decimals), (
                path,
                ours,
            )
        assert figures["z_score"] == pytest.approx(_number(report.facts["Z-Score"].split(" ")[0]), abs=0.0051)
        assert figures["ahpr"] == pytest.approx(_number(report.facts["AHPR"].split(" ")[0]), abs=6e-5)
        assert figures["ghpr"] == pytest.approx(_number(report.facts["GHPR"].split(" ")[0]), abs=6e-5)
        won = report.facts["Profit Trades (% of total)"]
        assert f"{figures['profit_trades']} ({figures['profit_trades_percent']:.2f}%)" == won
        losses = f"{figures['maximum_consecutive_losses']} ({figures['maximum_consecutive_losses_money']:,.2f})"
        assert losses.replace(",", " ") == report.facts["Maximum consecutive losses ($)"]
        fall = f"{figures['maximal_consecutive_loss']:,.2f} ({figures['maximal_consecutive_loss_count']})"
        assert fall.replace(",", " ") == report.facts["Maximal consecutive loss (count)"]
    assert looked_at >= 3


def _profits(deals: Any) -> np.ndarray | None:
    place = {name: number for number, name in enumerate(deals.columns)}
    closing = [row for row in deals.rows if row[place["direction"]] in ("out", "in/out")]
    if not closing:
        return None
    return np.array([sum(_number(row[place[name]]) for name in ("commission", "swap", "profit")) for row in closing])


def _number(text: str) -> float:
    return float(text.replace(" ", "").replace("\N{NO-BREAK SPACE}", "") or 0)


def test_reports_agree_with_their_own_deals_to_the_cent(shared: Path) -> None:
    paths = sorted((shared / "data/mt5/tester_reports").glob("*.xlsx"))
    assert paths
    for path in paths:
        report = reports.read(path.name, xlsx.rows(path))
        deals = report.tables["deals"]
        found = recomputed(report.facts, deals.columns, deals.rows)
        assert len(found) == len(COMPARED)
        for name, item in found.items():
            assert item["deals"] == pytest.approx(item["report"], abs=0.0051), (path.name, name)
        assert told(found) == "All 13 figures that were worked out again from its deals agree with the report."
        changed = [list(row) for row in deals.rows]
        changed[-1][deals.columns.index("profit")] = "1000000.00"
        assert "Total Net Profit is" in told(recomputed(report.facts, deals.columns, changed))


def test_only_what_was_compared_agrees() -> None:
    columns = ("type", "direction", "commission", "swap", "profit", "balance")
    deals = [("buy", "in", "0", "0", "0", "100"), ("sell", "out", "0", "0", "7.5", "107.5")]
    silent = recomputed({"Initial Deposit": "100"}, columns, deals)
    assert told(silent).startswith("Nothing tells whether the report agrees with its deals: of the 13 figures")
    assert not agrees(silent)
    some = recomputed({"Initial Deposit": "100", "Total Net Profit": "7.50", "Total Trades": "1"}, columns, deals)
    assert told(some).startswith("All 2 figures that could be compared agree with what its deals add up to; 11 more")
    assert agrees(some)
    wrong = recomputed({"Initial Deposit": "100", "Total Net Profit": "8.50"}, columns, deals)
    assert "Total Net Profit is 7.50 by its deals and 8.50 in the report" in told(wrong)
    assert not agrees(wrong)
    assert not agrees({})


def test_a_table_without_what_is_needed_is_not_worked_out() -> None:
    assert recomputed({}, ("time", "deal"), [("2025", "1")]) == {}
    columns = ("type", "direction", "commission", "swap", "profit", "balance")
    assert recomputed({"Initial Deposit": "100"}, columns, [("balance", "", "", "", "100", "100")]) == {}
    assert recomputed({}, columns, [("buy", "out", "", "", "1", "101")]) == {}
    assert told({}) == ""
