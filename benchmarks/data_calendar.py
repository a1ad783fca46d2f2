"""The economic calendar: reading documents, following events between two fetches, storing, and showing a week."""

from __future__ import annotations

import gc
import json
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from app.clock import SystemClock
from app.paths import Paths
from app.storage import Storage
from benchmarks.figures import Figure, distribution, single
from workers.calendar import store
from workers.calendar.identity import merge
from workers.calendar.parse import parse
from workers.calendar.query import embargo
from workers.calendar.values import Calendar, Options, Parsed, SourceState

WEEK_EVENTS = 90
YEAR_EVENTS = 13_000
REPEATS = 100
NOW = datetime(2026, 8, 12, 12, 0, tzinfo=UTC)
_CURRENCIES = ("USD", "EUR", "GBP", "JPY", "AUD", "CAD", "CHF", "NZD", "CNY")
_TITLES = ("Unemployment Claims", "CPI m/m", "Retail Sales m/m", "Speech", "PMI", "Trade Balance", "ISM Services PMI")


def calendar_figures() -> list[Figure]:
    """Measure."""
    week, year = _week().encode(), _year().encode()
    parsed = parse(year, Options(now=NOW))
    known = merge([], parsed, "bench", NOW).events
    moved = replace(
        parsed, events=tuple(replace(event, time=event.time + timedelta(minutes=7)) for event in parsed.events)
    )
    state = SourceState(
        "bench", succeeded=NOW, covers_from=NOW - timedelta(days=9), covers_until=NOW + timedelta(days=9)
    )
    calendar = Calendar(tuple(known), (state,))
    return [
        distribution("calendar: a week of JSON read", "ms", _times(lambda: parse(week, Options(now=NOW))), {"p50": 15}),
        distribution(
            f"calendar: a year of CSV read ({YEAR_EVENTS:,} rows)", "ms",
            _times(lambda: parse(year, Options(now=NOW)), 3), {"p50": 3000},
        ),
        distribution(
            f"calendar: {YEAR_EVENTS:,} moved events followed", "ms",
            _times(lambda: merge(known, moved, "b", NOW), 3), {"p50": 2000},
        ),
        distribution(
            "calendar: is there an embargo now", "us",
            [value * 1e3 for value in _times(lambda: embargo(
                calendar, {"USD", "EUR"}, NOW, before=timedelta(minutes=30), after=timedelta(minutes=30)
            ), 500)],
            {"p99": 1000},
        ),
        *_stored(calendar),
        *_shown(calendar),
        single("calendar: memory to read a year", "MB", _peak(lambda: parse(year, Options(now=NOW))) / 1e6, 60),
    ]  # fmt: skip


def _times(work: Callable[[], object], repeats: int = REPEATS) -> list[float]:
    taken = []
    for _ in range(repeats):
        begun = time.perf_counter()
        work()
        taken.append((time.perf_counter() - begun) * 1e3)
    return taken


def _peak(work: Callable[[], Parsed]) -> int:
    gc.collect()
    tracemalloc.start()
    work()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def _stored(calendar: Calendar) -> list[Figure]:
    few = replace(calendar, events=calendar.events[:500])
    with tempfile.TemporaryDirectory() as folder:
        storage = Storage(Paths(Path(folder)), SystemClock())
        saved = _times(lambda: store.save(storage, few, few.events[0].time), 20)
        loaded = _times(lambda: store.load(storage), 20)
    return [
        distribution("calendar: 500 events stored", "ms", saved, {"p50": 100}),
        distribution("calendar: 500 events loaded", "ms", loaded, {"p50": 50}),
    ]


def _shown(calendar: Calendar) -> list[Figure]:
    from ui.models.calendar_week import Filter, WeekTable, week_rows

    model = WeekTable()

    def show() -> None:
        model.show([], NOW, "")
        model.show(week_rows(calendar, date(2026, 8, 9), Filter(), NOW), NOW, "")

    return [distribution("calendar: the rows of a week (250 events) made", "ms", _times(show), {"p50": 5})]


def _week() -> str:
    rows = []
    for number in range(WEEK_EVENTS):
        when = datetime(2026, 8, 9, 18, 0) + timedelta(minutes=80 * number)  # noqa: DTZ001 - its offset is written below
        rows.append(
            {
                "title": f"{_TITLES[number % 7]} {number // 14}",
                "country": _CURRENCIES[number % 9],
                "date": f"{when:%Y-%m-%dT%H:%M:%S}-04:00",
                "impact": ("Low", "Medium", "High")[number % 3],
                "forecast": "0.3%",
                "previous": "4.44|2.7",
            }
        )
    return json.dumps(rows)


def _year() -> str:
    lines = ["date (utc),time,currency,impact,event,actual,forecast,previous"]
    for number in range(YEAR_EVENTS):
        when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=40 * number)
        lines.append(
            f"{when:%Y-%m-%d},{when:%H:%M},{_CURRENCIES[number % 9]},{('Low', 'Medium', 'High')[number % 3]},"
            f"{_TITLES[number % 7]} ({when:%b}),1.0%,0.9%,0.8%"
        )
    return "\n".join(lines)
