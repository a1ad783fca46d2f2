"""The server's clock inferred from real bars, whole and cut short, and from bars stamped by other clocks."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.terminal.bars_csv import read_bars
from app.terminal.server_inference import confidence_word, infer_from_bars
from app.terminal.server_time import EUROPE, NEW_YORK, ServerTimeRule
from app.terminal.timeframes import Times

DAY = 86_400


def between(times: Times, first: str, last: str) -> Times:
    low, high = (datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() for text in (first, last))
    return times[(times >= low) & (times < high)]


@pytest.fixture(scope="module")
def hours(shared: Path) -> Times:
    """Hours of EURUSD in 2025 as a real broker stamped them."""
    times: Times = read_bars(shared / "data/bars/mt5/EURUSD_H1_2025.csv").rates["time"].astype(np.int64)
    return times


@pytest.fixture(scope="module")
def stamped(hours: Times) -> Callable[[str], Times]:
    """The same hours as a server with another clock would stamp them."""
    utc = ServerTimeRule(NEW_YORK).times_to_utc(hours)
    return lambda rule: ServerTimeRule(rule).times_to_server(utc)


@pytest.mark.parametrize(
    ("name", "seconds", "confidence"),
    [
        ("EURUSD_H1_2025.csv", 3600, "high"),
        ("EURUSD_M5_2025_fullyear.csv", 300, "high"),
        ("EURUSD_M1_2025H1.csv.gz", 60, "high"),
        ("USDCAD_M1_2025Q4.csv.gz", 60, "medium"),  # one clock change only
    ],
)
def test_exports_of_a_real_terminal(shared: Path, name: str, seconds: int, confidence: str) -> None:
    path = shared / "data/bars/mt5" / name
    if name.endswith(".gz"):
        import gzip

        with gzip.open(path, "rt", encoding="utf-8-sig") as file:
            rows = [line.split()[:2] for line in file if line[:1].isdigit()]
        texts = [f"{date.replace('.', '-')}T{time}" for date, time in rows]
        times = np.array(texts, dtype="datetime64[s]").astype(np.int64)
    else:
        times = read_bars(path).rates["time"].astype(np.int64)
    found = infer_from_bars(times, seconds)
    assert (found.rule, confidence_word(found.confidence)) == (NEW_YORK, confidence)
    assert found.explained == found.weekends > 10


@pytest.mark.parametrize(
    ("first", "last", "confidence", "rivals"),
    [
        ("2025-01-02", "2025-01-23", "low", {EUROPE, "UTC+2"}),  # three weeks of winter
        ("2025-06-02", "2025-06-23", "low", {EUROPE, "UTC+3"}),  # three weeks of summer
        ("2025-06-02", "2025-06-07", "none", set()),  # one week: no weekend
        ("2025-06-03", "2025-06-04", "none", set()),  # one day
        ("2025-03-03", "2025-03-31", "low", {"UTC+3"}),  # New York has changed, Europe has not
        ("2025-10-20", "2025-11-10", "medium", set()),  # both clock changes of autumn
        ("2025-01-02", "2025-07-01", "high", set()),
    ],
)
def test_pieces_lower_the_confidence_instead_of_guessing(
    hours: Times, first: str, last: str, confidence: str, rivals: set[str]
) -> None:
    found = infer_from_bars(between(hours, first, last), 3600)
    assert confidence_word(found.confidence) == confidence
    assert set(found.rivals) >= rivals
    assert (found.rule == "") is (confidence == "none")
    assert found.evidence
    if rivals:
        assert all(rule in found.evidence for rule in rivals)
        assert found.allows(NEW_YORK)


@pytest.mark.parametrize(
    "rule",
    [EUROPE, "UTC", "UTC+3", "UTC-5", "UTC+5:30", "GMT+0/+1 Europe", "GMT-5/-4 New York", "GMT+1/+2 Europe", "UTC+14"],
)
def test_other_clocks(stamped: Callable[[str], Times], rule: str) -> None:
    found = infer_from_bars(stamped(rule), 3600)
    assert (found.rule, confidence_word(found.confidence)) == (rule, "high")


@pytest.mark.parametrize("rule", [NEW_YORK, EUROPE, "UTC+2", "UTC+3"])
@pytest.mark.parametrize(("first", "last"), [("2025-02-20", "2025-04-20"), ("2025-10-10", "2025-11-20")])
def test_the_weeks_around_both_clock_changes_tell_the_rule(
    stamped: Callable[[str], Times], rule: str, first: str, last: str
) -> None:
    found = infer_from_bars(between(stamped(rule), first, last), 3600)
    assert found.rule == rule
    assert found.rivals == ()
    assert found.confidence >= 0.6


def test_files_of_histdata_show_new_york_and_not_a_fixed_clock(shared: Path) -> None:
    """HistData says "EST without clock change"; its weeks begin at 17:00 all year, which is New York with changes.

    The same minutes of 2018-04-03 in a source in UTC agree: prices fit best with four hours between the clocks.
    """
    histdata = minutes(shared / "data/bars/histdata/HISTDATA_COM_ASCII_EURUSD_M12018.zip")
    found = infer_from_bars(np.array(sorted(histdata), dtype=np.int64), 60)
    assert (found.rule, confidence_word(found.confidence)) == ("GMT-5/-4 New York", "high")
    with zipfile.ZipFile(shared / "data/bars/lean/oanda_minute_eurusd/20180403_quote.zip") as packed:
        rows = [line.split(",") for line in packed.read(packed.namelist()[0]).decode().splitlines()]
    midnight = int(datetime(2018, 4, 3, tzinfo=UTC).timestamp())
    lean = {midnight + int(row[0]) // 1000: float(row[4]) for row in rows}

    def distance(hours: int) -> float:
        there = [moment for moment in lean if moment + hours * 3600 in histdata]
        return float(np.mean([abs(lean[moment] - histdata[moment + hours * 3600]) for moment in there]))

    nearest = min(range(-12, 13), key=distance)
    assert nearest == ServerTimeRule(found.rule).offset_s(datetime(2018, 4, 3, 12, tzinfo=UTC)) / 3600 == -4


def minutes(path: Path) -> dict[int, float]:
    """Close by the time as it is written."""
    with zipfile.ZipFile(path) as packed:
        name = next(name for name in packed.namelist() if name.endswith(".csv"))
        rows = [line.split(";") for line in io.TextIOWrapper(packed.open(name), "ascii")]
    texts = [f"{t[:4]}-{t[4:6]}-{t[6:8]}T{t[9:11]}:{t[11:13]}" for t, *_ in rows]
    stamps = np.array(texts, dtype="datetime64[s]").astype(np.int64)
    return dict(zip(stamps.tolist(), (float(row[4]) for row in rows), strict=True))


@pytest.mark.parametrize("name", ["XAUUSD_M12018", "SPXUSD_M12019"])
def test_markets_with_other_hours_are_not_believed(shared: Path, name: str) -> None:
    histdata = minutes(shared / f"data/bars/histdata/HISTDATA_COM_ASCII_{name}.zip")
    assert infer_from_bars(np.array(sorted(histdata), dtype=np.int64), 60).confidence < 0.5


@pytest.mark.parametrize("times", [[], [0], list(range(0, 400 * DAY, 3600)), [5, 4, 4, 3]])
def test_bars_without_a_weekend_say_nothing(times: list[int]) -> None:
    found = infer_from_bars(np.array(times, dtype=np.int64), 3600)
    assert (found.rule, found.confidence, found.weekends) == ("", 0.0, 0)


def test_holidays_and_missing_weeks_do_not_mislead(hours: Times) -> None:
    rng: Any = np.random.default_rng(3)
    days = hours // DAY
    kept = hours[np.isin(days, rng.choice(np.unique(days), size=int(len(np.unique(days)) * 0.8), replace=False))]
    found = infer_from_bars(kept, 3600)
    assert found.allows(NEW_YORK)
