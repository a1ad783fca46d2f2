"""Histories healed from the terminal's, on real files."""

from __future__ import annotations

import csv
import itertools
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hand_terminal import Bench, make_rates

from app.terminal.bars_csv import read_bars
from app.terminal.server_time import NEW_YORK, ServerTimeRule
from workers.data_tasks import CollectParams, CollectResult, collect_market_data
from workers.market.bar_window import first_after


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
        "EURUSD_M5.csv was put in order: 1 line held no bar. What was taken out went to EURUSD_M5.rejected.csv; "
        "what the terminal still has of it is filled in."
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


@pytest.mark.allow_warnings("data_grades.json is damaged")
@pytest.mark.parametrize("content", ["", "{", '{"schema": 1, "grades": [\n{"symbol": 3, "lost": 7, "asked": []}\n]}\n'])
def test_strange_grades_are_begun_anew(bench: Bench, content: str) -> None:
    (bench.paths.cache / "data_grades.json").write_text(content, encoding="utf-8")
    assert collect(bench)[0].grades == {"EURUSD M5": "A"}
    aside = [path.read_text(encoding="utf-8") for path in bench.paths.cache.glob("data_grades.json.damaged-*")]
    assert aside == ([content] if len(content) < 2 else [])


def test_what_is_kept(bench: Bench) -> None:
    collect(bench)
    kept = grades(bench)
    assert (kept["symbol"], kept["timeframe"], kept["grade"], kept["bars"]) == ("EURUSD", "M5", "A", 100)
    assert datetime.fromisoformat(kept["graded"]).astimezone(UTC) == bench.clock.now()


def away(bench: Bench, bars: int) -> Any:
    """A first pass so many bars ago; the terminal's history up to now, and some days on, is given back."""
    now = bench.clock.now()
    closes = 1.1 + 0.001 * np.sin(np.arange(bars + 3000) / 7)
    whole = make_rates(closes, now - timedelta(seconds=300 * (bars + 1000)))
    bench.terminal.history["EURUSD", "M5"] = whole
    bench.clock.jump(-300.0 * bars)
    bench.terminal.quote("EURUSD", 1.1, 1.1001)
    collect(bench)
    bench.clock.jump(300.0 * bars)
    bench.terminal.quote("EURUSD", 1.1, 1.1001)
    return whole


def steps(bench: Bench) -> set[timedelta]:
    return {b - a for a, b in itertools.pairwise(times(bench))}


def test_more_bars_than_an_answer_holds_are_asked_for_in_pieces(bench: Bench) -> None:
    bench.terminal.max_bars = 1000
    away(bench, 5000)
    result, _ = collect(bench)
    assert (result.bars_appended, result.bars_lost) == (5000, 0)
    assert result.bars_healed == 4997
    assert steps(bench) == {timedelta(minutes=5)}
    assert result.grades == {"EURUSD M5": "A"}


def test_what_an_answer_left_out_is_lost_until_the_terminal_has_it(bench: Bench) -> None:
    bench.market(history_bars=200)
    whole = away(bench, 5000)
    now = int(bench.clock.now().timestamp())
    # The terminal holds no more than its newest bars.
    bench.terminal.history["EURUSD", "M5"] = whole[whole["time"] >= now - 300 * 2000]
    result, _ = collect(bench)
    assert (result.bars_appended, result.bars_lost) == (2000, 3000)
    (told,) = result.lost
    assert told.startswith("EURUSD M5: 3000 bars from ")
    assert result.grades == {"EURUSD M5": "F"}
    for _ in range(3):  # the window moves on
        for _ in range(4):
            later(bench, 30_000.0)
            result, _ = collect(bench)
        assert (result.bars_lost, result.lost, result.grades) == (3000, (told,), {"EURUSD M5": "F"})
    ((first, last, missing),) = grades(bench)["lost"]
    assert (missing, last - first) == (3000, 2999 * 300)
    bench.terminal.history["EURUSD", "M5"] = whole
    later(bench, 20 * 3600.0)
    result, _ = collect(bench)
    assert (result.bars_lost, result.lost, result.grades) == (0, (), {"EURUSD M5": "A"})
    assert steps(bench) == {timedelta(minutes=5)}


def test_an_old_loss_is_forgotten_with_the_history_that_had_it(bench: Bench) -> None:
    bench.market(history_bars=200)
    whole = away(bench, 5000)
    now = int(bench.clock.now().timestamp())
    bench.terminal.history["EURUSD", "M5"] = whole[whole["time"] >= now - 300 * 2000]
    assert collect(bench)[0].bars_lost == 3000
    (bench.paths.bars / "EURUSD_M5.csv").unlink()
    result, _ = collect(bench)
    assert (result.bars_lost, result.grades) == (0, {"EURUSD M5": "A"})


def test_a_hole_deeper_than_a_look_reaches_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("workers.market.care._DEEPEST", 1800)
    bench.market(history_bars=200)
    whole = away(bench, 5000)
    now = int(bench.clock.now().timestamp())
    bench.terminal.history["EURUSD", "M5"] = whole[whole["time"] >= now - 300 * 2000]
    result, _ = collect(bench)
    assert (result.bars_lost, result.grades) == (3000, {"EURUSD M5": "F"})
    later(bench)
    assert collect(bench)[0].bars_lost == 3000


@pytest.mark.parametrize("bars", [1, 2, 3, 50, 700])
def test_the_first_bar_after_a_moment_is_found_by_halves(bench: Bench, bars: int) -> None:
    bench.market(history_bars=bars)
    collect(bench)
    stored = [int(time.timestamp()) for time in times(bench)]
    path = bench.paths.bars / "EURUSD_M5.csv"
    assert [first_after(path, time - 1) for time in stored] == stored
    assert first_after(path, stored[-1]) is None


def rewrite(bench: Bench, change: Any) -> tuple[Any, bytes]:
    """Collect 1000 bars, change the lines of the file; the path and what was there before."""
    bench.market(history_bars=1000)
    away(bench, 10)
    collect(bench)
    path = bench.paths.bars / "EURUSD_M5.csv"
    whole = path.read_bytes()
    path.write_bytes(b"".join(change(whole.splitlines(keepends=True))))
    return path, whole


@pytest.mark.allow_warnings("was put in order")
@pytest.mark.parametrize("at", [300, 990], ids=["inside", "at the end"])
def test_a_history_with_a_hole_and_repeated_lines_is_put_in_order_and_healed(bench: Bench, at: int) -> None:
    path, whole = rewrite(bench, lambda lines: lines[:400] + lines[500 : at + 500] + lines[200:300] + lines[at + 500 :])
    result, (warning,) = collect(bench)
    assert (result.bars_healed, result.bars_lost, result.grades) == (100, 0, {"EURUSD M5": "A"})
    assert path.read_bytes() == whole
    assert warning.startswith("EURUSD_M5.csv was put in order: 100 bars stood there twice.")
    side = path.with_name("EURUSD_M5.rejected.csv").read_bytes()
    assert side.splitlines() == whole.splitlines()[200:300]
    assert collect(bench)[1] == []


@pytest.mark.allow_warnings("was put in order")
def test_repeated_lines_from_before_the_window_are_found(bench: Bench) -> None:
    path, whole = rewrite(bench, lambda lines: lines[:-20] + lines[5:55] + lines[-20:])
    bench.market(history_bars=100)
    result, (warning,) = collect(bench)
    assert path.read_bytes() == whole
    assert "50 bars stood there twice." in warning
    assert (result.bars_lost, result.grades) == (0, {"EURUSD M5": "A"})


@pytest.mark.allow_warnings("was put in order")
def test_bars_with_impossible_prices_go_aside_and_are_fetched_again(bench: Bench) -> None:
    def broken(line: bytes) -> bytes:
        fields = line.split(b",")
        return b",".join([*fields[:2], b"0.5", *fields[3:]])

    path, whole = rewrite(
        bench, lambda lines: lines[:100] + lines[200:400] + lines[300:400] + [broken(lines[400]), *lines[401:]]
    )
    result, (warning,) = collect(bench)
    assert (result.bars_healed, result.bars_lost, result.grades) == (101, 0, {"EURUSD M5": "A"})
    assert path.read_bytes() == whole
    assert "1 bar had impossible prices, 100 bars stood there twice." in warning
    assert len(path.with_name("EURUSD_M5.rejected.csv").read_bytes().splitlines()) == 101


@pytest.mark.allow_warnings("was put in order")
@pytest.mark.parametrize("confirmed", [True, False])
def test_of_bars_that_differ_the_one_of_the_terminal_stays_else_the_first(bench: Bench, confirmed: bool) -> None:
    path, whole = rewrite(bench, lambda lines: [*lines[:300], lines[300].replace(b",100,", b",77,"), *lines[300:]])
    wrong = whole.splitlines(keepends=True)[300].replace(b",100,", b",77,")
    if not confirmed:
        past = bench.terminal.history["EURUSD", "M5"]
        bench.terminal.history["EURUSD", "M5"] = past[-1500:]
        stamp = int(times(bench)[300].timestamp())
        bench.terminal.history["EURUSD", "M5"] = past[past["time"] > stamp]
    _, (warning,) = collect(bench)
    assert "1 bar differed from another one of the same time." in warning
    side = path.with_name("EURUSD_M5.rejected.csv").read_bytes()
    right = whole.splitlines(keepends=True)[300]
    assert side == (wrong if confirmed else right)
    assert (path.read_bytes() == whole) is confirmed


@pytest.mark.allow_warnings("was put in order")
def test_bars_out_of_order_are_sorted_and_none_is_taken_out(bench: Bench) -> None:
    path, whole = rewrite(bench, lambda lines: lines[:500] + lines[600:] + lines[500:600])
    result, (warning,) = collect(bench)
    assert path.read_bytes() == whole
    assert (warning, result.bars_healed) == ("EURUSD_M5.csv was put in order: 100 bars stood out of order.", 0)
    assert not path.with_name("EURUSD_M5.rejected.csv").exists()


class Real:
    """A terminal with real bars of 2025, at a moment of that year."""

    def __init__(self, bench: Bench, shared: Path, now: str) -> None:
        self.bench = bench
        rule = ServerTimeRule(NEW_YORK)
        rates = read_bars(shared / "data/bars/mt5/EURUSD_M5_2025_fullyear.csv").rates.copy()
        rates["time"] = rule.times_to_utc(rates["time"].astype(np.int64))
        bench.terminal.history["EURUSD", "M5"] = rates
        bench.clock.jump((datetime.fromisoformat(f"{now}+00:00") - bench.clock.now()).total_seconds())
        self.later(0)
        bench.market(history_bars=3000)
        collect(bench)
        bench.market(history_bars=2000)
        self.path = bench.paths.bars / "EURUSD_M5.csv"

    def later(self, seconds: float = 300.0) -> None:
        later(self.bench, seconds)

    def cut(self, first: str, end: str) -> bytes:
        """Take bars out of the file; its content before is given back."""
        whole = self.path.read_bytes()
        first, end = (text.replace(" ", "T") for text in (first, end))
        lines = whole.splitlines(keepends=True)
        kept = [line for line in lines if not first.encode() <= line[: len(first)] < end.encode()]
        self.path.write_bytes(b"".join(kept))
        return whole

    def forget(self, first: str, end: str) -> None:
        """Take bars out of the terminal."""
        past = self.bench.terminal.history["EURUSD", "M5"]
        begin, until = (datetime.fromisoformat(f"{text}+00:00").timestamp() for text in (first, end))
        self.bench.terminal.history["EURUSD", "M5"] = past[(past["time"] < begin) | (past["time"] >= until)]


@pytest.mark.parametrize("known", [True, False])
def test_a_gap_over_a_weekend_is_healed_or_told(bench: Bench, shared: Path, known: bool) -> None:
    real = Real(bench, shared, "2025-06-11 12:00")
    hole = ("2025-06-06 08:00", "2025-06-09 08:00")
    whole = real.cut(*hole)
    if not known:
        real.forget(*hole)
    real.later()
    result, _ = collect(bench)
    if known:
        assert (result.bars_healed, result.bars_lost, result.grades) == (288, 0, {"EURUSD M5": "A"})
        assert real.path.read_bytes().startswith(whole)
    else:
        assert (result.bars_healed, result.bars_lost, result.grades) == (0, 288, {"EURUSD M5": "D"})
        assert result.lost == ("EURUSD M5: 288 bars from 2025-06-06 08:00 to 2025-06-09 07:55 UTC",)


@pytest.mark.parametrize("known", [True, False])
def test_the_terminal_is_asked_once_about_a_day_that_may_be_a_holiday(bench: Bench, shared: Path, known: bool) -> None:
    real = Real(bench, shared, "2025-04-23 12:00")
    hole = ("2025-04-18 08:00", "2025-04-18 12:00")
    whole = real.cut(*hole)
    if not known:
        real.forget(*hole)
    asked = []
    for _ in range(3):
        real.later()
        bench.terminal.calls.clear()
        result, _ = collect(bench)
        asked.append(bench.terminal.calls.count("rates_range"))
        assert (result.bars_lost, result.grades) == (0, {"EURUSD M5": "A"})
    assert asked == [2, 1, 1]  # one of them is for the new bar
    assert real.path.read_bytes().startswith(whole) is known
    assert [item[2] for item in grades(bench)["closed"]] == ([] if known else [48])
    bench.clock.advance(20 * 3600)
    real.later()
    bench.terminal.calls.clear()
    collect(bench)
    assert bench.terminal.calls.count("rates_range") == 1


def test_one_bar_that_is_lost_is_told_as_one(bench: Bench) -> None:
    hide(bench, (60, 59))
    bench.market(history_bars=500)
    assert collect(bench)[0].lost == ("EURUSD M5: 1 bar at 2025-06-03 07:05 UTC",)


def test_a_gap_before_the_newest_bars_is_asked_for_too(bench: Bench) -> None:
    hide(bench)
    bench.market(history_bars=500)
    collect(bench)
    path = bench.paths.bars / "EURUSD_M5.csv"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:40] + lines[200:]))
    later(bench, 100 * 300)  # of the gap, the first 60 bars are no longer among the newest 500
    result, _ = collect(bench)
    assert (result.bars_healed, result.bars_lost, result.lost) == (160 + 97, 0, ())
    assert path.read_bytes().startswith(whole)


def test_what_is_missing_only_by_the_bars_filled_in_is_asked_for_in_the_same_pass(bench: Bench) -> None:
    # With most of its days cut out, the morning looks like a daily break, in which nothing is missing.
    start = bench.clock.now() - timedelta(minutes=5 * 3000)
    bench.terminal.add("BTCUSD", make_rates(np.full(4000, 90_000.0), start))
    bench.market(watch_list=["BTCUSD"], history_bars=2000)
    collect(bench)
    path = bench.paths.bars / "BTCUSD_M5.csv"
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:249] + lines[249 + 924 :]))
    bench.clock.advance(21 * 3600)
    bench.terminal.quote("BTCUSD", 90_000.0, 90_001.0)
    result, _ = collect(bench)
    assert (result.bars_lost, result.lost) == (0, ())
    assert path.read_bytes().startswith(whole)
