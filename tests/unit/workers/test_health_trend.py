"""Trends of the health check: slopes that one jump does not bend, days left, integrity, clocks, what clean-ups ask."""

from __future__ import annotations

import random
import sqlite3
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hand_terminal import Bench
from hypothesis import given
from hypothesis import strategies as st
from test_health_check import check_of, good_facts, limits, run

from app.terminal.server_time import ServerClock
from workers.health import own_checks, trend
from workers.health.finding import Verdict
from workers.health.report import make_report
from workers.health.trend import DAY_S, HOUR_S, Point, Trend
from workers.maintenance import clock_guard
from workers.maintenance.clock_guard import Memory


@pytest.fixture
def healthy(bench: Bench) -> Bench:
    """A bench where all is well, on any machine."""
    bench.facts = good_facts()
    limits(bench, disk_warn_gb=0, disk_error_gb=0, memory_warn_mb=1_000_000, handles_warn=1_000_000)
    return bench


def put_trend(bench: Bench, name: str, values: list[float], step_s: float = 1_800.0) -> None:
    """Points up to now, of this process."""
    now, process = bench.clock.now().timestamp(), own_checks.process_start()
    points = [
        Point(now - (len(values) - place) * step_s, process, {name: value}) for place, value in enumerate(values)
    ]  # fmt: skip
    trend.store(bench.paths, Trend(tuple(points)))


@given(
    slope=st.floats(-1e6, 1e6), count=st.integers(12, 200), jumps=st.lists(st.floats(-1e12, 1e12), max_size=1),
    seed=st.integers(0, 100),
)  # fmt: skip
def test_one_jump_does_not_bend_a_slope(slope: float, count: int, jumps: list[float], seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a test
    values = [slope * number * 60 for number in range(count)]
    at = chance.randrange(count)
    for jump in jumps:
        values[at] += jump  # one reading that is far off
    points = tuple(Point(number * 60.0, 0.0, {"x": value}) for number, value in enumerate(values))
    found = Trend(points).slope("x", count * 60.0, DAY_S, 60.0)
    assert found == pytest.approx(slope, rel=1e-6, abs=1e-3)


def test_a_slope_needs_enough_of_this_process() -> None:
    points = tuple(Point(number * 60.0, float(number // 10), {"x": float(number)}) for number in range(40))
    known = Trend(points)
    assert known.slope("x", 2400.0, DAY_S, 0.0) == pytest.approx(1 / 60)
    assert known.slope("x", 2400.0, DAY_S, 3_000.0) is None
    assert known.slope("x", 2400.0, DAY_S, 600.0, process=2.0) is None
    assert known.slope("y", 2400.0, DAY_S, 0.0) is None
    assert known.slope("x", -10.0, DAY_S, 0.0) is None  # the clock was set back


@pytest.mark.allow_warnings("trend.json is damaged")
def test_the_trend_is_kept_bounded_and_survives_damage(bench: Bench) -> None:
    known = Trend(integrity_at=datetime(2025, 6, 1, tzinfo=UTC), integrity="x")
    for number in range(trend.POINTS + 20):
        known = known.with_point(Point(float(number), 5.0, {"a": 1.5}))
    assert len(known.points) == trend.POINTS
    trend.store(bench.paths, known)
    assert trend.load(bench.storage) == known
    path = trend.trend_file(bench.paths)
    path.write_bytes(path.read_bytes()[:5_000])
    assert 0 < len(trend.load(bench.storage).points) < trend.POINTS
    path.write_bytes(b"\x00")
    assert trend.load(bench.storage) == Trend()
    assert [aside.read_bytes() for aside in path.parent.glob("trend.json.damaged-*")] == [b"\x00"]
    path.write_text('{"schema": 1, "points": [{"time": 3}, {"time": "2025-06-01T00:00:00", "process": true}]}')
    assert trend.load(bench.storage).points == ()


def test_each_check_leaves_its_figures(healthy: Bench) -> None:
    report = run(healthy)
    (point,) = trend.load(healthy.storage).points
    assert point.at_s == healthy.clock.now().timestamp()
    assert {"free_bytes", "logs_bytes", "cache_bytes", "memory_bytes", "handles", "history_bytes"} <= set(point.figures)
    assert check_of(report, "quotes").figures == {"tick_age_s.EURUSD": 1.0}


def test_days_left(healthy: Bench) -> None:
    free = float(healthy.storage.free_bytes())
    put_trend(healthy, "free_bytes", [free + (100 - place) * free / 48 / 10 for place in range(100)])
    found = check_of(run(healthy), "disk")
    assert found.verdict is Verdict.WARNING
    assert found.value.endswith("more used a day, 10 days left")
    assert found.figures["days_left"] == pytest.approx(10, abs=0.5)
    limits(healthy, disk_warn_days=5)
    assert check_of(run(healthy), "disk").verdict is Verdict.OK
    put_trend(healthy, "free_bytes", [free] * 100)
    assert check_of(run(healthy), "disk").value.endswith("free, not filling")


def test_memory_and_handles_that_grow(healthy: Bench) -> None:
    put_trend(healthy, "memory_bytes", [1e8 + number * 15e6 for number in range(20)])
    found = check_of(run(healthy), "memory")
    assert found.verdict is Verdict.WARNING
    assert found.value.endswith("+30.0 MB an hour")
    put_trend(healthy, "handles", [100.0 + number for number in range(20)])
    assert check_of(run(healthy), "handles").verdict is Verdict.OK
    put_trend(healthy, "handles", [100.0 + 100 * number for number in range(20)])
    assert check_of(run(healthy), "handles").verdict is Verdict.WARNING


def test_the_history_is_looked_through_once_a_day(healthy: Bench) -> None:
    calls: list[datetime] = []
    answers = ["", "row 3 missing from index"]

    def check() -> str:
        calls.append(healthy.clock.now())
        return answers[len(calls) - 1]

    healthy.facts["history"]["check_integrity"] = check
    assert check_of(run(healthy), "history").value.endswith("intact 0.0 s ago")
    healthy.clock.advance(23 * HOUR_S)
    assert check_of(run(healthy), "history").value.endswith("intact 23 h ago")
    healthy.clock.advance(2 * HOUR_S)
    found = check_of(run(healthy), "history")
    assert found.verdict is Verdict.ERROR
    assert "it is damaged (row 3 missing from index)" in found.value
    assert len(calls) == 2


@pytest.mark.allow_warnings("could not be looked through")
def test_a_history_that_cannot_be_looked_through_costs_no_run(healthy: Bench) -> None:
    def check() -> str:
        raise sqlite3.OperationalError("unable to open database file")

    healthy.facts["history"]["check_integrity"] = check
    assert check_of(run(healthy), "history").verdict is Verdict.OK


def test_the_clock(healthy: Bench) -> None:
    assert check_of(run(healthy), "clock").value == "agrees with the server's within 1.0 s"
    healthy.terminal.quote("EURUSD", 1.1, 1.1001, age_s=-45)
    found = check_of(run(healthy), "clock")
    assert found.verdict is Verdict.WARNING
    assert found.value == "45 s behind the server's clock at least"
    healthy.terminal.quote("EURUSD", 1.1, 1.1001, age_s=7_200)
    assert check_of(run(healthy), "clock").value == "not compared: no fresh quote"
    healthy.terminal.server_clock = ServerClock("auto")
    assert check_of(run(healthy), "clock").value.startswith("not compared")


def test_a_change_of_the_servers_clock_is_told_ahead(healthy: Bench) -> None:
    until = datetime(2025, 10, 30, 12, tzinfo=UTC) - healthy.clock.now()
    healthy.clock.advance(until.total_seconds())
    assert "the server's clock goes back on 2025-11-02 06:00 UTC" in check_of(run(healthy), "clock").value
    healthy.clock.advance(timedelta(days=4).total_seconds())
    assert "goes" not in check_of(run(healthy), "clock").value


def test_what_a_clean_up_asks_is_a_warning(healthy: Bench) -> None:
    assert check_of(run(healthy), "upkeep").value == "no clean-up ran yet"
    now = healthy.clock.now()
    memory = Memory.begun(now.timestamp())
    clock_guard.remember(healthy.storage, "cleanup_cache", memory.with_question("90% are old.", 3, 5, now))
    found = check_of(run(healthy), "upkeep")
    assert (found.verdict, found.value) == (Verdict.WARNING, "cleanup_cache since 2025-06-03: 90% are old.")
    clock_guard.remember(healthy.storage, "cleanup_cache", memory)
    assert check_of(run(healthy), "upkeep").value == "nothing is asked"


def test_versions(healthy: Bench) -> None:
    found: Any = check_of(run(healthy), "versions")
    assert "Python 3." in found.value
    assert "numpy" in found.value


@pytest.mark.allow_warnings("trend.json has schema 99")
def test_a_trend_of_a_newer_version_is_left_alone_and_told(healthy: Bench) -> None:
    path = trend.trend_file(healthy.paths)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('{"schema": 99, "points": [\n]}', encoding="utf-8")
    ctx = healthy.context()
    assert make_report(ctx).checks
    assert any("trend.json" in warning for warning in ctx.warnings)
    assert '"schema": 99' in path.read_text(encoding="utf-8")
