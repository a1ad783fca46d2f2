"""Values that cannot be read beside known ones: what stays, what changes, what is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from workers.calendar.identity import Merged, merge
from workers.calendar.values import Impact, Parsed

Read = Callable[..., Parsed]
NOW = datetime(2026, 8, 14, 13, 0, tzinfo=UTC)
WEEK = "ff/ff_2026-08-09_cap0814T1242.json"


def week(**more: Any) -> str:
    """Eight events of the layout of Forex Factory."""
    rows = [
        {"title": f"E{n}", "country": "USD", "date": f"2026-08-1{n}T08:30:00-04:00", "impact": "High",
         "forecast": f"0.{n + 1}%", "previous": "1.0%"}
        for n in range(5)
    ] + [
        {"title": f"F{n}", "country": "EUR", "date": f"2026-08-1{n}T05:00:00-04:00", "impact": "Low",
         "forecast": f"{n}K", "previous": "3K"}
        for n in range(3)
    ]  # fmt: skip
    rows[1] |= more
    return json.dumps(rows)


def over(read: Read, before: str, then: str) -> Merged:
    return merge(merge([], read(before), "s", NOW).events, read(then), "s", NOW)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), None, True, "NaN", "null", "undefined", "#N/A", "#REF!", "\ufffd", "oops"],
)
def test_what_cannot_be_read_replaces_nothing(read: Read, value: object) -> None:
    merged = over(read, week(), week(forecast=value))
    assert (merged.changed, merged.changes) == (0, [])
    assert merged.lost == ("the forecast of 1 event could not be read; the last known stays",)


@pytest.mark.parametrize("value", ["", "-", "n/a"])
def test_a_forecast_that_is_taken_back_is_a_change(read: Read, value: str) -> None:
    merged = over(read, week(), week(forecast=value))
    assert [(change.field, change.before, change.after) for change in merged.changes] == [("forecast", "0.2%", "")]
    assert merged.lost == ()


def test_a_new_value_is_a_change(read: Read) -> None:
    merged = over(read, week(forecast=None), week(forecast="0.9%"))
    assert [(change.field, change.before, change.after) for change in merged.changes] == [("forecast", "", "0.9%")]


def test_null_is_nothing_where_the_layout_writes_it_for_nothing(read: Read) -> None:
    row = {"date": "2026-08-12 23:50:00", "country": "JP", "event": "PPI", "currency": "JPY", "previous": 0.3,
           "estimate": 0.1, "actual": None, "change": 0, "impact": "Low"}  # fmt: skip
    merged = over(read, json.dumps([row]), json.dumps([row | {"estimate": None}]))
    assert (merged.changed, merged.lost) == (1, ())
    damaged = over(read, json.dumps([row]), json.dumps([row | {"estimate": float("nan")}]))
    assert (damaged.changed, len(damaged.lost)) == (0, 1)


@pytest.mark.shared
def test_a_column_that_is_damaged_or_emptied_stays(files: Path, read: Read) -> None:
    good = json.loads((files / WEEK).read_bytes())
    filled = sum(bool(row["forecast"]) for row in good)
    for value in (float("nan"), None, ""):
        merged = over(read, json.dumps(good), json.dumps([row | {"forecast": value} for row in good]))
        assert (merged.changed, merged.removed, merged.changes) == (0, 0, [])
        assert sum(bool(event.forecast) for event in merged.events) == filled
        told = filled if value == "" else len(good)
        assert merged.lost == (f"the forecast of {told} events could not be read; the last known stays",)


@pytest.mark.shared
@pytest.mark.parametrize("value", [None, "", float("nan")])
def test_a_known_impact_is_not_taken_back(files: Path, read: Read, value: object) -> None:
    good = json.loads((files / WEEK).read_bytes())
    high = sum(row["impact"] == "High" for row in good)
    damaged = [row | ({"impact": value} if row["impact"] == "High" else {}) for row in good]
    merged = over(read, json.dumps(good), json.dumps(damaged))
    assert sum(event.impact is Impact.HIGH for event in merged.events) == high
    assert (merged.changed, merged.lost) == (
        0,
        (f"the impact of {high} events could not be read; the last known stays",),
    )


def test_a_row_without_its_time_keeps_the_known_one(read: Read) -> None:
    head = "Title,Country,Date,Time,Impact,Forecast,Previous\n"
    rows = [f"E{n},USD,08-1{n}-2026,1:30pm,High,0.{n}%,0.3%\n" for n in range(4)]
    merged = over(read, head + "".join(rows), head + "".join([*rows[:2], rows[2].replace("1:30pm", ""), *rows[3:]]))
    assert (merged.moved, merged.changed) == (0, 0)
    assert merged.lost == ("the time of 1 event could not be read; the last known stays",)
    tentative = over(read, head + "".join(rows), head + "".join(rows).replace("12-2026,1:30pm", "12-2026,Tentative"))
    assert (tentative.moved, tentative.lost) == (1, ())


def test_a_layout_without_a_column_takes_no_value_of_it_away(read: Read) -> None:
    merged = over(read, week(actual="0.4%"), week())
    assert (merged.changed, merged.lost) == (0, ())
    assert [event.actual for event in merged.events if event.actual] == ["0.4%"]
