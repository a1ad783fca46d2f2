"""What the Backtests page says, by values that were worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from backtest_files import document
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from ui.models import backtest_words as told
from ui.models.backtest_list import UNDER_ROLE, BacktestList, Column, money, period
from ui.models.ink_table import Ink, InkTable, Line
from ui.widgets.curve_chart import falls
from ui.words import GAP
from workers.backtest.shelf import Entry, Result

NOW = datetime(2025, 6, 3, tzinfo=UTC)


def result(**changes: object) -> Result:
    return Result("a", document("a", "2025-06-01T10:00:00Z", **changes), (), "", "", html=True)


def texts(lines: list[Line]) -> list[tuple[str, ...]]:
    table = InkTable(("",))
    table.show_lines(lines)
    return table.texts()


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, "m", "\N{EM DASH}"),
        (float("nan"), "n", "\N{EM DASH}"),
        (-1234.567, "m", "\N{MINUS SIGN}1,234.57"),
        (-0.001, "m", "0.00"),
        (1.00388, "r", "1.0039"),
        (401, "i", "401"),
        (93_600, "t", f"1{GAP}d 2{GAP}h"),
        (90, "t", f"2{GAP}min"),
    ],
)
def test_figures_as_people_read_them(value: float | None, kind: str, text: str) -> None:
    assert told.shown(value, kind) == text


def test_months_stand_in_years_with_their_totals() -> None:
    months = [
        {"name": "2024-12", "trades": 1, "net_profit": 1500.0},
        {"name": "2025-01", "trades": 2, "net_profit": -20.4},
        {"name": "2025-03", "trades": 1, "net_profit": 0.0},
        {"name": "nonsense", "net_profit": 1.0},
        {"name": "2025-99", "net_profit": 1.0},
    ]
    lines = texts(told.month_lines(months))
    assert [line[0] for line in lines] == ["2024", "2025"]
    assert lines[0][12:] == ("1.5k", "1.5k")
    assert lines[1][1:5] == ("\N{MINUS SIGN}20", "", "0", "")
    assert lines[1][13] == "\N{MINUS SIGN}20"
    assert told.month_lines("damaged") == []


def test_what_has_to_be_known_is_said() -> None:
    lines = {line[0]: line[1] for line in texts(told.trust_lines(result()))}
    assert lines["Grade of the bars"] == "B"
    assert lines["Ambiguous trades"] == "1"
    assert lines["Look-ahead"] == "none"
    assert lines["Trials"] == "4"
    assert (lines["Sharpe ratio"], lines["Deflated Sharpe ratio"]) == ("0.50", "0.61")
    assert lines["Net profit by chance"].startswith("\N{MINUS SIGN}30.00")
    inks = {line[0].text: line[1].ink for line in told.trust_lines(result()) if isinstance(line[1], Ink)}
    assert (inks["Deflated Sharpe ratio"], inks["Ends in a loss"], inks["Ambiguous trades"]) == (
        "warning",
        "error",
        "warning",
    )
    seen = dict(line[:2] for line in texts(told.trust_lines(result(look_ahead={"checked": 3, "different": 1}))))
    assert seen["Look-ahead"] == "fails"
    empty = dict(line[:2] for line in texts(told.trust_lines(result(look_ahead=None, monte_carlo=[]))))
    assert (empty["Look-ahead"], empty["Monte Carlo"]) == ("not checked", "\N{EM DASH}")


def test_two_are_compared_with_their_differences() -> None:
    first = document("a", "2025-06-01T10:00:00Z")
    second = document("a", "2025-06-01T10:00:00Z", statistics={"total_net_profit": 12.5, "sharpe_ratio": None})
    second["rule"] = {"id": "a", "conditions": {"entry": ["rsi < 25", "close > open"]}, "updated_at": "later"}
    second["terms"] = first["terms"] | {"min_score": 0.0}
    figures = {line[0]: line[1:] for line in texts(told.compared_figures([first["statistics"], second["statistics"]]))}
    assert figures["Total net profit"] == ("0.00", "12.50", "+12.50")
    assert figures["Sharpe ratio (daily, a year)"] == ("0.50", "\N{EM DASH}", "\N{EM DASH}")
    assert len(figures["Result"]) == 3
    rules = {line[0]: line[1:] for line in texts(told.rule_differences([first, second]))}
    assert rules == {
        "rule.conditions.entry 1": ("rsi < 30", "rsi < 25"),
        "rule.conditions.entry 2": ("\N{EM DASH}", "close > open"),
        "terms.min_score": ("75", "0"),
    }
    assert told.rule_differences([first, first]) == []


CALIBRATION = {
    "method": "isotonic",
    "signals": 214,
    "reached": 120,
    "steps": [
        {"low": 75, "high": 82.5, "signals": 40, "probability": 0.5, "interval_low": 0.35, "interval_high": 0.65},
        {"low": 90, "high": 90, "signals": 12, "probability": 0.6},
        {"low": 90, "signals": 12},
    ],
    "reliability": [
        {"foretold": 0.5, "came": 0.55, "signals": 40, "interval_low": 0.4, "interval_high": 0.7},
        {"foretold": 0.6, "came": 0.62, "signals": 12},
        {"foretold": 7, "came": 0.62, "signals": 12},
        "nonsense",
    ],
}


def test_a_calibration_says_what_scores_are_worth() -> None:
    assert texts(told.calibration_lines(CALIBRATION)) == [
        ("75 \N{EN DASH} 82.5", "50%", "35% \N{EN DASH} 65%", "40"),
        ("90", "60%", "\N{EM DASH}", "12"),
    ]
    assert told.reliability(CALIBRATION) == [told.Group(0.5, 0.55, 0.4, 0.7, 40), told.Group(0.6, 0.62, 0.62, 0.62, 12)]
    assert told.calibration_words(CALIBRATION) == "120 of 214 signals reached the target before the stop."
    assert "plain share" in told.calibration_words(CALIBRATION | {"method": "share"})
    assert told.calibration_words({}) == "Not calibrated"
    assert told.calibration_words({"trouble": "3 signals ended"}) == "Not calibrated: 3 signals ended."


def test_folds_are_told_with_what_they_were_proved_by() -> None:
    part = {"net_profit": -5.0, "profit_factor": 0.5, "trades": 4}
    fold = {"test_from": "2025-03-01T00:00:00Z", "test_until": "2025-04-01T00:00:00Z", "train": {"net_profit": 9}}
    lines = texts(told.walk_lines({"folds": [fold | {"test": part}, "x"], "out_of_sample": part}))
    proved = ("\N{MINUS SIGN}5.00", "0.50", "4")
    assert lines == [("2025-03-01 \N{EN DASH} 2025-04-01", "9.00", *proved), ("all that was proved", "", *proved)]
    assert told.walk_lines({}) == []


def test_the_drawdown_is_measured_from_the_peak_before() -> None:
    assert falls([100.0, 120.0, 90.0], ()) == [0.0, 0.0, pytest.approx(-25.0)]
    assert falls([100.0, 120.0], [80.0, 90.0]) == [pytest.approx(-20.0), pytest.approx(-10.0)]
    assert falls([0.0, -5.0], ()) == [0.0, 0.0]


@given(st.lists(st.floats(1, 1e6), min_size=1, max_size=50))
def test_a_drawdown_is_never_above_zero(values: list[float]) -> None:
    found = falls(values, ())
    assert len(found) == len(values)
    assert all(-100 <= value <= 1e-9 for value in found)


def test_periods_are_short() -> None:
    assert period("2025-01-01", "2025-12-30") == "2025-01 \N{EN DASH} 12"
    assert period("2024-03-05", "2025-12-30") == "2024-03 \N{EN DASH} 2025-12"
    assert period("2025-01-05", "2025-01-20") == "2025-01-05 \N{EN DASH} 20"
    assert period("", "2025-01-20") == ""
    assert money(2_500_000.4) == "2,500,000"


STEMS = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(STEMS, STEMS, st.booleans())
def test_the_list_follows_whatever_comes_and_goes(before: list[str], after: list[str], noted: bool) -> None:
    model = BacktestList()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show_rows([Entry(stem, (1, 1), NOW, name=stem) for stem in before])
    model.show_rows([Entry(stem, (1, 1), NOW, name=stem, noted=noted) for stem in after])
    assert [(row.stem, row.noted) for row in model.rows] == [(stem, noted) for stem in after]
    assert [model.place_of(stem) for stem in after] == list(range(len(after)))


def test_a_damaged_one_says_so_in_the_list() -> None:
    model = BacktestList()
    good = Entry("a", (1, 1), NOW, "A", "a", "EURUSD", "H1", net=-5.0, factor=0.5, trades=1, drawdown_percent=3.0)
    model.show_rows([good, replace(good, stem="b", problem="b.json is damaged: it is not valid JSON.")])
    assert model.index(0, Column.NET).data() == "\N{MINUS SIGN}5.00"
    assert model.index(0, Column.FALL).data(UNDER_ROLE) == "1 trade"
    assert model.index(1, Column.NAME).data(UNDER_ROLE) == "cannot be shown"
    assert "damaged" in model.index(1, Column.NAME).data(Qt.ItemDataRole.ToolTipRole)
