"""Whatever comes: the readers give events of known currencies with times in UTC, or refuse in words."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import UserAction
from workers.calendar.decoding import decode
from workers.calendar.json_rows import read_json
from workers.calendar.parse import parse
from workers.calendar.table_rows import read_table
from workers.calendar.times import TimeProblem, read_clock, read_date, read_epoch, split
from workers.calendar.values import MAX_LISTED, Options
from workers.calendar.vocabulary import currency_of, figure, impact_of, plain
from workers.calendar.xml_rows import read_xml

T = TypeVar("T")
OPTIONS = Options(now=datetime(2026, 8, 12, tzinfo=UTC))

text_cell = st.one_of(
    st.text(max_size=30),
    st.sampled_from(
        ["", "USD", "All", "High", "GDP q/q", "08-09-2026", "8:30am", "All Day", "2026-08-09T19:50:00-04:00",
         "4.44|2.7",
         "<1.00%", "-", "NaN", "Sunday, September 21, 2025", "13/13/2026", "Jul 18th", "\ufeff", '"']
    ),
)  # fmt: skip
json_cell = st.one_of(
    text_cell, st.none(), st.booleans(), st.integers(), st.floats(), st.lists(st.integers(), max_size=2)
)
names = st.sampled_from(
    ["title", "event", "country", "currency", "date", "time", "impact", "forecast", "previous", "actual", "ts",
     "dateline", "unit", "id", "year", "days", "datetime", "x"]
)  # fmt: skip
json_row = st.dictionaries(names, json_cell, max_size=10)
documents = st.recursive(
    st.one_of(json_cell, st.lists(json_row, max_size=6)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3)),
    max_leaves=12,
)


def outcome(work: Callable[..., T], *args: Any) -> T | None:
    """What ``work`` gives; None when it refuses in words."""
    try:
        return work(*args)
    except UserAction as error:
        refusal = error
    assert refusal.message
    assert refusal.advice
    return None


def holds(data: bytes) -> None:
    """The law of every document."""
    parsed = outcome(parse, data, OPTIONS)
    if parsed is None:
        return
    assert parsed.events
    assert parsed.recognised
    assert parsed.time_zone
    assert len(parsed.refusals) <= MAX_LISTED
    assert parsed.refused >= len(parsed.refusals)
    for event in parsed.events:
        assert event.time.tzinfo is UTC
        assert 1989 <= event.time.year <= 2101
        assert event.title.isprintable()
        assert len(event.title) <= 200
        assert event.currency.isalpha()
        assert max(len(event.forecast), len(event.previous), len(event.actual)) <= 64


@given(st.binary(max_size=2_000))
def test_any_bytes(data: bytes) -> None:
    holds(data)


@given(st.text(max_size=1_000), st.sampled_from(["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]))
def test_any_text_in_any_encoding(text: str, encoding: str) -> None:
    data = text.encode(encoding, "replace")
    holds(data)
    decoded = outcome(decode, data)
    assert decoded is None or not decoded[0].startswith("\ufeff")


@given(documents)
def test_any_json(document: object) -> None:
    holds(json.dumps(document).encode())
    outcome(read_json, json.dumps(document, ensure_ascii=False))


@given(st.lists(st.lists(text_cell, min_size=1, max_size=9), max_size=12), st.sampled_from(",;\t|"))
def test_any_table_below_any_head(rows: list[list[str]], delimiter: str) -> None:
    head = delimiter.join(["Title", "Country", "Date", "Time", "Impact", "Forecast", "Previous"])
    body = "\n".join(delimiter.join(row) for row in rows)
    holds(f"{head}\n{body}".encode("utf-8", "replace"))
    read_table(body)


element = st.sampled_from(["title", "country", "date", "time", "impact", "event", "weeklyevents", "forecast", "url"])


@given(st.lists(st.tuples(element, text_cell, st.booleans()), max_size=20))
def test_any_xml(parts: list[tuple[str, str, bool]]) -> None:
    inner = "".join(f"<{name}>{text}</{name}>" if whole else f"<{name}>{text}" for name, text, whole in parts)
    holds(f"<weeklyevents><event>{inner}</event></weeklyevents>".encode("utf-8", "replace"))
    outcome(read_xml, inner)


WEEK = json.dumps(
    [
        {"title": f"Event {n}", "country": "USD", "date": f"2026-08-1{n}T08:30:00-04:00", "impact": "Low",
         "forecast": "1.0%", "previous": "2|3"}
        for n in range(5)
    ]
).encode()  # fmt: skip
XML = (
    b'<?xml version="1.0" encoding="windows-1252"?>\n<weeklyevents>'
    + b"".join(
        b"<event><title>Event %d</title><country>USD</country><date><![CDATA[08-1%d-2026]]></date>"
        b"<time><![CDATA[8:30am]]></time><impact><![CDATA[Low]]></impact><forecast /><previous /></event>" % (n, n)
        for n in range(5)
    )
    + b"</weeklyevents>"
)
CSV = b"Title,Country,Date,Time,Impact,Forecast,Previous\n" + b"".join(
    b"Event %d,USD,08-1%d-2026,8:30am,Low,,\n" % (n, n) for n in range(5)
)


@pytest.mark.parametrize("whole", [WEEK, XML, CSV], ids=["json", "xml", "csv"])
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_to_a_good_document(whole: bytes, data: st.DataObject) -> None:
    damaged = bytearray(whole)
    for _ in range(data.draw(st.integers(0, 6))):
        place = data.draw(st.integers(0, len(damaged) - 1))
        damaged[place] = data.draw(st.integers(0, 255))
    holds(bytes(damaged[: data.draw(st.integers(0, len(damaged)))]))


@given(st.text(max_size=60))
def test_any_cell(text: str) -> None:
    for reader in (read_date, read_clock):
        with suppress(TimeProblem):
            reader(text)
    split(text)
    read_epoch(text)
    assert len(plain(text, 20)) <= 20
    figure(text, text)
    impact_of(text)
    assert currency_of(text, text).isalpha() or not currency_of(text, text)


@given(json_cell)
def test_any_value(value: object) -> None:
    assert isinstance(figure(value, "%"), str)
    found = read_epoch(value)
    assert found is None or found.tzinfo is UTC
