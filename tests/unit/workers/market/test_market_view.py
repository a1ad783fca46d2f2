"""What the market page shows, out of the files as the tasks leave them."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hand_terminal import Bench, make_rates

from app.terminal.server_time import NEW_YORK
from workers.market import view
from workers.market.bar_history import HEADER, bars_file, rows_of
from workers.market.collect import collect

NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)


def write_json(bench: Bench, name: str, document: object) -> None:
    path = bench.paths.data / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(document), encoding="utf-8")


def test_a_symbol_before_and_after_the_first_pass(bench: Bench) -> None:
    (row,) = view.watch_list(bench.storage, ("EURUSD",), ("M5",), NOW)
    assert (row.symbol, row.taken, row.spark, row.grade) == ("EURUSD", None, (), "")
    collect(bench.context(), ("EURUSD",))
    (row,) = view.watch_list(bench.storage, ("EURUSD",), ("M5",), NOW)
    assert (row.bid, row.ask, row.quality, row.digits) == (1.1, 1.1001, "fresh", 5)
    assert row.taken == NOW
    assert len(row.spark) == view.SPARK
    assert row.low is not None
    assert row.high is not None
    assert row.low < row.spark[-1] < row.high


def test_the_newest_quote_may_be_some_days_old(bench: Bench) -> None:
    collect(bench.context(), ("EURUSD",))
    (row,) = view.watch_list(bench.storage, ("EURUSD",), ("M5",), NOW + timedelta(days=3))
    assert row.taken == NOW
    (row,) = view.watch_list(bench.storage, ("EURUSD",), ("M5",), NOW + timedelta(days=9))
    assert row.taken is None


@pytest.mark.parametrize("document", ["{", "[]", '{"grades": 7}', '{"grades": [7, {"grade": 1}]}'])
def test_a_damaged_file_of_grades_is_no_grade(bench: Bench, document: str) -> None:
    (bench.paths.cache / view.GRADES_FILE).write_text(document, encoding="utf-8")
    assert view.watch_list(bench.storage, ("EURUSD",), ("M5",), NOW)[0].grade == ""


def test_the_worst_grade_counts(bench: Bench) -> None:
    grades = [
        {"symbol": "EURUSD", "timeframe": "M5", "grade": "A", "reasons": []},
        {"symbol": "EURUSD", "timeframe": "H1", "grade": "C", "reasons": ["2 % missing", "3 outliers"]},
    ]
    write_json(bench, f"cache/{view.GRADES_FILE}", {"schema": 1, "grades": grades})
    (row,) = view.watch_list(bench.storage, ("EURUSD",), ("M5",), NOW)
    assert (row.grade, row.why) == ("C", "H1: 2 % missing; 3 outliers")


def test_bars_that_are_not_stored_are_made(bench: Bench) -> None:
    bench.market(history_bars=2_000)
    collect(bench.context(), ("EURUSD",))
    stored = view.chart(bench.storage, "EURUSD", "M5", NEW_YORK)
    assert (stored.timeframe, stored.made_from, stored.frames) == ("M5", "", view.FRAMES[1:])
    assert len(stored.rates) == 2_000
    made = view.chart(bench.storage, "EURUSD", "H4", NEW_YORK)
    assert (made.timeframe, made.made_from) == ("H4", "M5")
    # On a clock that is three hours ahead of UTC the day's four hours begin at 21:00, 1:00, 5:00 ... UTC.
    assert {int(time) % 14_400 for time in made.rates["time"]} == {3600}
    assert made.rates["close"][-1] == stored.rates["close"][-1]
    assert view.chart(bench.storage, "EURUSD", "M1", NEW_YORK).timeframe == "M5"


def test_a_symbol_without_bars(bench: Bench) -> None:
    found = view.chart(bench.storage, "NONE", "H1", NEW_YORK)
    assert (len(found.rates), found.frames) == (0, ())


def test_only_the_end_of_a_history_is_read_and_damaged_lines_are_left_out(bench: Bench) -> None:
    path = bars_file(bench.paths.bars, "EURUSD", "M5")
    rates = make_rates(1.1 + np.arange(50_000) * 1e-6, datetime(2024, 6, 3, tzinfo=UTC))
    bench.storage.append_csv(path, HEADER, rows_of(rates, 5))
    with path.open("ab") as file:
        file.write(b"2025-06-03T00:00:00Z,x,1,1,1,1,1,1\nrubbish\n2025-06-03T00:05:00Z,1.2,1.2,1.2,1.2,1,1,1\ntorn")
    found, digits = view.tail(path, 100)
    assert (digits, len(found)) == (5, 100)
    assert found["close"][-1] == 1.2
    assert found["time"][-2] == rates["time"][-1]


def test_events_and_ideas_are_those_of_the_symbol(bench: Bench) -> None:
    collect(bench.context(), ("EURUSD",))
    event = {"time": "2025-06-03T09:00:00Z", "currency": "EUR", "impact": "high", "title": "CPI"}
    events = [
        event,
        event | {"currency": "JPY"},
        event | {"time": "2020-01-01T00:00:00Z"},
        event | {"time": "soon"},
        event | {"all_day": True},
        "rubbish",
    ]
    write_json(bench, "cache/economic_calendar.json", {"schema": 1, "events": events})
    idea = {"symbol": "EURUSD", "timeframe": "M5", "direction": "long", "entry_price": 1.1, "stop_loss": 1.09,
            "take_profit": 1.12, "status": "pending_approval", "timestamp": "2025-06-03T09:05:00Z"}  # fmt: skip
    write_json(bench, "trade_ideas/EURUSD_20250603_090500.json", idea)
    write_json(bench, "trade_ideas/EURUSD_20250603_090600.json", idea | {"stop_loss": None})
    write_json(bench, "trade_ideas/EURUSD_20250603_090700.json", [])
    write_json(bench, "trade_ideas/GBPUSD_20250603_090500.json", idea | {"symbol": "GBPUSD"})
    found = view.chart(bench.storage, "EURUSD", "M5", NEW_YORK)
    assert [(mark.title, mark.currency, mark.impact) for mark in found.events] == [("CPI", "EUR", "high")]
    assert [(mark.direction, mark.entry, mark.stop, mark.target) for mark in found.ideas] == [("long", 1.1, 1.09, 1.12)]
