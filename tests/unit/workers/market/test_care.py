"""Histories healed from the terminal's, on real files."""

from __future__ import annotations

import csv
import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench, make_rates

from workers.data_tasks import CollectParams, CollectResult, collect_market_data


def collect(bench: Bench) -> tuple[CollectResult, list[str]]:
    ctx = bench.context("collect_market_data")
    return collect_market_data(ctx, CollectParams()), ctx.warnings


def times(bench: Bench) -> list[datetime]:
    with (bench.paths.bars / "EURUSD_M5.csv").open(encoding="utf-8", newline="") as file:
        return [datetime.fromisoformat(row["time"]) for row in csv.DictReader(file)]


def grades(bench: Bench) -> dict[str, Any]:
    document = json.loads((bench.paths.cache / "data_grades.json").read_text(encoding="utf-8"))
    (found,) = document["grades"]
    return dict(found)


def hide(bench: Bench, *ranges: tuple[int, int]) -> Any:
    """Take bars out of the terminal's history, counted back from now; returns the whole one, with a day to come."""
    past = bench.terminal.history["EURUSD", "M5"]
    start = datetime.fromtimestamp(int(past["time"][-1]) + 300, UTC)
    whole = np.concatenate((past, make_rates(np.full(300, past["close"][-1]), start)))
    kept = np.ones(len(whole), dtype=bool)
    for first, last in ranges:
        kept[len(past) - first : len(past) - last] = False
    bench.terminal.history["EURUSD", "M5"] = whole[kept]
    return whole


def later(bench: Bench, seconds: float = 300.0) -> None:
    bench.clock.advance(seconds)
    bench.terminal.quote("EURUSD", 1.1, 1.1001)


def test_a_gap_inside_is_healed_when_the_terminal_has_the_bars(bench: Bench) -> None:
    whole = hide(bench, (60, 50))
    bench.market(history_bars=500)
    result, _ = collect(bench)
    assert (result.bars_appended, result.bars_healed, result.bars_lost) == (500, 0, 10)
    assert result.lost == ("EURUSD M5: 10 bars from 2025-06-03 07:05 to 2025-06-03 07:50 UTC",)
    assert result.grades == {"EURUSD M5": "B"}
    # Its history was still loading: the bars come later, and are asked for again within a day.
    bench.terminal.history["EURUSD", "M5"] = whole
    later(bench)
    result, _ = collect(bench)
    assert (result.bars_healed, result.bars_lost) == (0, 10)
    assert "rates_range" in bench.terminal.calls
    bench.clock.advance(20 * 3600)
    later(bench)
    result, _ = collect(bench)
    assert (result.bars_lost, result.lost) == (0, ())
    stored = times(bench)
    assert stored == sorted(set(stored))
    assert {b - a for a, b in itertools.pairwise(stored)} == {timedelta(minutes=5)}
    assert result.grades == {"EURUSD M5": "A"}


def test_a_new_gap_is_asked_for_at_once(bench: Bench) -> None:
    collect(bench)
    path = bench.paths.bars / "EURUSD_M5.csv"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:40] + lines[52:]))
    later(bench)
    result, _ = collect(bench)
    assert (result.bars_healed, result.bars_lost) == (12, 0)
    assert path.read_bytes() == b"".join(lines) + path.read_bytes()[len(b"".join(lines)) :]
    assert result.summary() == "1 symbol, 13 bars added (12 back-filled)"


def test_what_the_terminal_lacks_is_asked_for_once_a_day(bench: Bench) -> None:
    hide(bench, (60, 50))
    bench.market(history_bars=500)
    collect(bench)
    calls = []
    for _ in range(3):
        later(bench)
        bench.terminal.calls.clear()
        collect(bench)
        calls.append(bench.terminal.calls.count("rates_range"))
    assert calls == [1, 1, 1]  # for the new bar only
    bench.clock.advance(20 * 3600)
    later(bench)
    bench.terminal.calls.clear()
    collect(bench)
    assert bench.terminal.calls.count("rates_range") == 2


def test_a_deeper_history_is_filled_in_before(bench: Bench) -> None:
    collect(bench)
    assert len(times(bench)) == 100
    bench.market(history_bars=400)
    later(bench)
    result, _ = collect(bench)
    assert (result.bars_healed, len(times(bench))) == (300, 401)
    assert times(bench) == sorted(times(bench))


def test_a_short_history_of_the_terminal_is_told(bench: Bench) -> None:
    hide(bench)
    bench.market(history_bars=5000)
    result, _ = collect(bench)
    assert result.lost == (f"EURUSD M5: the terminal's history begins {times(bench)[0]:%Y-%m-%d %H:%M} UTC",)
    bench.terminal.calls.clear()
    later(bench)
    collect(bench)
    assert bench.terminal.calls.count("rates") == 1  # the ticks of the day


@pytest.mark.allow_warnings("held no bar")
def test_lines_that_are_no_bars_go_aside_and_their_place_is_filled(bench: Bench) -> None:
    collect(bench)
    path = bench.paths.bars / "EURUSD_M5.csv"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:40], b"not,a,bar\n", *lines[52:]]))
    result, warnings = collect(bench)  # no new bar: it is looked at because somebody changed it
    assert (result.bars_healed, result.grades["EURUSD M5"]) == (12, "A")
    assert path.read_bytes() == whole
    assert path.with_name("EURUSD_M5.rejected.csv").read_bytes() == b"not,a,bar\n"
    assert warnings == [
        "1 line of EURUSD_M5.csv held no bar and went to EURUSD_M5.rejected.csv. "
        "What the terminal still has of that time is filled in."
    ]
    assert collect(bench)[1] == []


@pytest.mark.allow_warnings("although its market is open")
def test_the_weekend_is_no_gap_and_a_stale_quote_in_the_week_is_told(bench: Bench) -> None:
    bench.clock.jump(-(2 * 86_400))  # Sunday: the terminal's bars go through the weekend here
    bench.terminal.quote("EURUSD", 1.1, 1.1001, age_s=4000)
    assert collect(bench)[0].grades == {"EURUSD M5": "A"}
    bench.clock.jump(2 * 86_400)
    bench.terminal.quote("EURUSD", 1.1, 1.1001, age_s=4000)
    result, _ = collect(bench)
    assert result.grades == {"EURUSD M5": "C"}
    assert grades(bench)["reasons"] == ["the newest quote is stale"]


@pytest.mark.parametrize("content", ["", "{", '{"schema": 1, "grades": [\n{"symbol": 3, "lost": 7, "asked": []}\n]}\n'])
def test_strange_grades_are_begun_anew(bench: Bench, content: str) -> None:
    (bench.paths.cache / "data_grades.json").write_text(content, encoding="utf-8")
    assert collect(bench)[0].grades == {"EURUSD M5": "A"}


def test_what_is_kept(bench: Bench) -> None:
    collect(bench)
    kept = grades(bench)
    assert (kept["symbol"], kept["timeframe"], kept["grade"], kept["bars"]) == ("EURUSD", "M5", "A", 100)
    assert datetime.fromisoformat(kept["graded"]).astimezone(UTC) == bench.clock.now()
