"""The health check: verdicts at their thresholds, since when, and a check that fails by itself."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from typing import Any

import psutil
import pytest
from hand_terminal import Bench

from app.errors import Cancelled
from app.tasks import NoParams
from app.terminal.server_time import ServerClock
from workers.calendar import store as calendar_store
from workers.calendar.values import Calendar, SourceState
from workers.health import calendar_head, checks
from workers.health.checks import Finding, Verdict
from workers.health.report import Check, HealthReport
from workers.maintenance_tasks import system_health_check
from workers.news import opml
from workers.news import state as feed_states
from workers.news.values import Feed, FeedState


def good_facts() -> dict[str, Any]:
    return {
        "lanes": [{"queue": "maintenance", "width": 1, "running": 1, "queued": 0, "oldest_wait_s": 0.0, "stuck": []}],
        "timetable": {
            "heartbeat": "2025-06-03T11:59:50.000Z",
            "paused": False,
            "lateness_p99_s": 0.002,
            "jobs": 3,
            "problems": [],
        },
        "history": {"rows": 12, "bytes": 40_960, "waiting": 0, "ok": True, "problem": ""},
        "window_lag_ms": None,
    }


@pytest.fixture
def healthy(bench: Bench) -> Bench:
    """A bench where all is well, on any machine."""
    bench.facts = good_facts()
    limits(bench, disk_warn_gb=0, disk_error_gb=0, memory_warn_mb=1_000_000)
    return bench


def limits(bench: Bench, **values: Any) -> None:
    health = bench.settings.health.model_copy(update=values)
    bench.settings = bench.settings.model_copy(update={"health": health})


def run(bench: Bench) -> HealthReport:
    return system_health_check(bench.context("system_health_check"), NoParams())


def check_of(report: HealthReport, name: str) -> Check:
    return next(check for check in report.checks if check.name == name)


def test_healthy(healthy: Bench) -> None:
    report = run(healthy)
    assert report.overall == "healthy"
    assert report.summary() == "Healthy: 12 checks ok, 5 not judged yet"
    assert (report.ok, report.not_judged, report.warnings, report.errors) == (12, 5, 0, 0)
    unjudged = [check.name for check in report.checks if not check.judged]
    assert unjudged == ["bars", "feeds", "calendar", "window", "upkeep"]
    assert all(check.verdict is Verdict.OK for check in report.checks)  # the three verdicts stay three
    assert [check.name for check in report.checks] == [name for name, _, _ in checks.CHECKS]
    assert all(check.rule and check.value and check.since == "2025-06-03T12:00:00.000Z" for check in report.checks)
    assert "ensure_connected" not in healthy.terminal.calls  # it looks, it never connects
    assert check_of(report, "quotes").value == "1 of 1 quote fresh; oldest: EURUSD 1.0 s"


def test_quotes_that_stand_still_while_the_market_is_open(healthy: Bench) -> None:
    healthy.terminal.quote("EURUSD", 1.1, 1.1001, age_s=7200)
    found = check_of(run(healthy), "quotes")
    still = "1 of 1 quote stand still although the market is open; oldest: EURUSD 2 h"
    assert (found.verdict, found.value) == (Verdict.WARNING, still)
    assert "The quote of EURUSD is 2 h old although its market is open." in found.advice
    healthy.clock.advance(4 * 86_400)  # Saturday
    assert check_of(run(healthy), "quotes").verdict is Verdict.OK
    healthy.terminal.connected = False
    assert check_of(run(healthy), "quotes").value == "not looked at: the terminal is not connected"


def test_quotes_are_not_judged_by_a_clock_that_nobody_knows(healthy: Bench) -> None:
    healthy.terminal.server_clock = ServerClock("auto")
    healthy.terminal.quote("EURUSD", 1.1, 1.1001, age_s=7200)
    assert check_of(run(healthy), "quotes").verdict is Verdict.OK


def test_all_checks_of_a_day_are_kept(healthy: Bench) -> None:
    run(healthy)
    healthy.clock.advance(1800)
    run(healthy)
    path = healthy.paths.health_checks / "health_20250603.json"
    entries = json.loads(path.read_text(encoding="utf-8"))["entries"]
    assert [entry["time"] for entry in entries] == ["2025-06-03T12:00:00.000Z", "2025-06-03T12:30:00.000Z"]
    assert entries[0]["overall"] == "healthy"


def test_since_when_is_kept_until_the_verdict_changes(healthy: Bench) -> None:
    run(healthy)
    healthy.clock.advance(86_400)
    healthy.facts["timetable"]["heartbeat"] = "2025-06-04T11:59:50.000Z"
    healthy.terminal.connected = False
    report = run(healthy)
    assert check_of(report, "disk").since == "2025-06-03T12:00:00.000Z"
    assert check_of(report, "terminal").since == "2025-06-04T12:00:00.000Z"


def test_what_could_not_be_looked_at_is_not_called_well(healthy: Bench) -> None:
    healthy.terminal.connected = False
    healthy.facts["timetable"]["heartbeat"] = None
    report = run(healthy)
    unjudged = [check.name for check in report.checks if not check.judged]
    assert unjudged == ["quotes", "bars", "scheduler", "feeds", "calendar", "window", "clock", "upkeep"]
    assert (report.errors, report.not_judged, report.ok) == (1, 8, 8)
    healthy.terminal.connected = True
    healthy.clock.advance(60)
    found = check_of(run(healthy), "quotes")
    assert (found.judged, found.since) == (True, "2025-06-03T12:01:00.000Z")  # since it is well, not since nobody knew


def test_an_empty_watch_list_has_no_fresh_quotes(healthy: Bench) -> None:
    healthy.market(watch_list=())
    found = check_of(run(healthy), "quotes")
    assert (found.judged, found.value) == (False, "no symbol of the watch list has a quote")


def change(facts: dict[str, Any], group: str, **values: Any) -> None:
    found = facts[group][0] if group == "lanes" else facts[group]
    found.update(values)


@pytest.mark.parametrize(
    ("group", "values", "name", "verdict", "text"),
    [
        ("timetable", {"heartbeat": "2025-06-03T11:58:30.000Z"}, "scheduler", "ok", "heartbeat 90 s ago"),
        ("timetable", {"heartbeat": "2025-06-03T11:58:29.000Z"}, "scheduler", "error", "heartbeat 91 s ago"),
        ("timetable", {"heartbeat": None}, "scheduler", "ok", "single run"),
        ("timetable", {"paused": True}, "scheduler", "warning", "paused"),
        ("timetable", {"lateness_p99_s": 5.1}, "scheduler", "warning", "5100 ms late"),
        ("timetable", {"problems": ["Schedule of x."]}, "scheduler", "warning", "Schedule of x."),
        ("lanes", {"queued": 1, "oldest_wait_s": 60.0}, "lanes", "ok", "1 queued"),
        ("lanes", {"queued": 1, "oldest_wait_s": 61.0}, "lanes", "warning", "oldest waits 61 s"),
        ("lanes", {"stuck": [{"run_id": "r", "task": "t", "since": "s"}]}, "lanes", "error", "1 stuck thread: t"),
        ("history", {"ok": False, "problem": "disk full"}, "history", "error", "disk full"),
        (".", {"window_lag_ms": 250.0}, "window", "ok", "held 250 ms"),
        (".", {"window_lag_ms": 251.0}, "window", "warning", "held 251 ms"),
    ],
)
def test_thresholds_of_the_engine(
    healthy: Bench, group: str, values: dict[str, Any], name: str, verdict: str, text: str
) -> None:
    if group == ".":
        healthy.facts.update(values)
    else:
        change(healthy.facts, group, **values)
    report = run(healthy)
    found = check_of(report, name)
    assert (found.verdict.value, text in found.value) == (verdict, True), found
    assert bool(found.advice) is (verdict != "ok")
    assert report.overall == {"ok": "healthy", "warning": "warning", "error": "unhealthy"}[verdict]


def test_disk_thresholds(healthy: Bench) -> None:
    limits(healthy, disk_warn_gb=100_000, disk_error_gb=0)
    assert check_of(run(healthy), "disk").verdict is Verdict.WARNING
    limits(healthy, disk_warn_gb=100_000, disk_error_gb=100_000)
    report = run(healthy)
    assert check_of(report, "disk").verdict is Verdict.ERROR
    assert report.summary().startswith("Unhealthy: disk ")
    assert "error below 100000 GB" in check_of(report, "disk").rule


def test_sizes_of_logs_and_cache(healthy: Bench) -> None:
    limits(healthy, log_warn_mb=1, cache_warn_mb=1)
    (healthy.paths.logs / "metronome.log").write_bytes(b"x" * 1_000_001)
    (healthy.paths.market_data / "a.json").write_bytes(b"x" * 999_999)
    report = run(healthy)
    assert check_of(report, "logs").verdict is Verdict.WARNING
    assert check_of(report, "cache").verdict is Verdict.OK
    assert report.summary() == "Warning: logs 1.0 MB; 5 checks not judged yet"


def test_terminal_away_is_an_error_of_the_market_not_of_the_run(healthy: Bench) -> None:
    healthy.terminal.connected = False
    found = check_of(run(healthy), "terminal")
    assert (found.verdict, found.value) == (Verdict.ERROR, "not connected: No terminal runs.")
    assert found.advice
    assert healthy.terminal.calls == []


@pytest.mark.allow_warnings
def test_check_that_cannot_be_made_is_an_error_of_itself(healthy: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> psutil.Process:
        raise psutil.AccessDenied

    monkeypatch.setattr(psutil, "Process", refuse)
    del healthy.facts["history"]
    report = run(healthy)
    assert report.errors == 3
    for name in ("memory", "handles", "history"):
        assert "could not be checked" in check_of(report, name).value
    assert check_of(report, "lanes").verdict is Verdict.OK


@pytest.mark.allow_warnings
def test_damaged_file_of_before_costs_only_its_since(healthy: Bench) -> None:
    (healthy.paths.health_checks / "health_20250602.json").write_text("{", encoding="utf-8")
    (healthy.paths.health_checks / "health_20250601.json").write_text(
        '{"schema": 1, "entries": [{"checks": [{"name": 3}, "x"]}]}', encoding="utf-8"
    )
    assert run(healthy).overall == "healthy"
    assert [path.name for path in healthy.paths.health_checks.glob("*damaged*")] != []


# -- the data tasks ------------------------------------------------------------------------------------------------


def fetched(bench: Bench, good: int, bad: int = 0, *, hours: float = 1) -> None:
    """Feeds of which some failed at the last try, some hours ago."""
    then = bench.clock.now() - timedelta(hours=hours)
    names = [f"Feed {number}" for number in range(good + bad)]
    entries = [Feed(f"https://a.example/{number}", name) for number, name in enumerate(names)]
    opml.save(bench.paths.feeds_file, [*entries, Feed("https://off.example/", "Off", enabled=False)])
    states = [
        FeedState(feed.address, feed.title, last_try=then, last_success=then)
        if number < good
        else FeedState(feed.address, feed.title, last_try=then, failures=1, problem="It did not answer in time.")
        for number, feed in enumerate(entries)
    ]
    gone = FeedState("https://gone.example/", "Gone", last_try=then, failures=9, problem="It is no more.")
    feed_states.save(bench.storage, [*states, gone], then)


def test_a_new_home_has_fetched_nothing_and_is_well(healthy: Bench) -> None:
    report = run(healthy)
    for name in ("feeds", "calendar"):
        found = check_of(report, name)
        assert (found.verdict, found.value, found.advice) == (Verdict.OK, "not fetched yet", "")
    opml.ensure(healthy.paths.feeds_file)
    assert check_of(run(healthy), "feeds").value == "not fetched yet"
    opml.save(healthy.paths.feeds_file, [Feed("https://off.example/", "Off", enabled=False)])
    assert check_of(run(healthy), "feeds").value == "no feed is enabled"


@pytest.mark.parametrize(
    ("good", "bad", "hours", "verdict", "value"),
    [
        (4, 0, 1, "ok", "4 of 4 feeds answered in time; last read 60 min ago"),
        (3, 1, 1, "ok", "3 of 4 feeds answered in time; failing: Feed 3; last read 60 min ago"),
        (2, 1, 1, "warning", "2 of 3 feeds answered in time; failing: Feed 2; last read 60 min ago"),
        (
            4,
            20,
            1,
            "warning",
            "4 of 24 feeds answered in time; failing: Feed 4, Feed 5, Feed 6 and 17 more; last read 60 min ago",
        ),
        (4, 0, 25, "warning", "4 of 4 feeds answered in time; last read 25 h ago"),
        (0, 2, 1, "error", "0 of 2 feeds answered in time; failing: Feed 0, Feed 1; none was ever read"),
    ],
)
def test_feeds(healthy: Bench, good: int, bad: int, hours: float, verdict: str, value: str) -> None:
    fetched(healthy, good, bad, hours=hours)
    found = check_of(run(healthy), "feeds")
    assert (found.verdict.value, found.value) == (verdict, value)
    assert found.rule == (
        "warning when more than 25% of the feeds failed at their last try, or none was read for 1 day; "
        "error when every one failed"
    )
    assert bool(found.advice) is (verdict != "ok")


@pytest.mark.parametrize(
    ("hours", "problem", "verdict", "value"),
    [
        (1, "", "ok", "last good fetch 60 min ago"),
        (24, "It answered 503.", "ok", "last good fetch 24 h ago; the last try failed: It answered 503."),
        (25, "", "warning", "last good fetch 25 h ago"),
        (24 * 8, "", "error", "last good fetch 8 days ago"),
        (None, "It answered 503.", "warning", "never fetched; the last try failed: It answered 503."),
    ],
)
@pytest.mark.parametrize("many", [0, 60], ids=["a few sources", "a head that is long"])
def test_calendar(
    healthy: Bench, hours: float | None, problem: str, verdict: str, value: str, many: int, monkeypatch: Any
) -> None:
    now = healthy.clock.now()
    succeeded = None if hours is None else now - timedelta(hours=hours)
    source = SourceState("https://a.example/", succeeded=succeeded, attempted=succeeded or now, problem=problem)
    others = [SourceState(f"file {number}", attempted=now - timedelta(days=30)) for number in range(many)]
    calendar_store.save(healthy.storage, Calendar(sources=(*others, source)), now)
    if many:
        monkeypatch.setattr(calendar_head, "_HEAD", 2_000)
    found = check_of(run(healthy), "calendar")
    assert (found.verdict.value, found.value) == (verdict, value)
    assert found.rule == (
        "warning when the last good fetch is older than 1 day or none ever succeeded; error beyond 7 days"
    )
    assert bool(found.advice) is (verdict != "ok")


def test_the_limits_of_the_data_are_settings(healthy: Bench) -> None:
    fetched(healthy, 3, 1)
    limits(healthy, feeds_failing_warn=0.2, feeds_age_warn_s=5400)
    found = check_of(run(healthy), "feeds")
    assert found.verdict is Verdict.WARNING
    assert "more than 20%" in found.rule
    assert "for 90 minutes" in found.rule


@pytest.mark.allow_warnings
def test_a_damaged_calendar_is_put_aside_and_one_of_a_newer_program_is_told(healthy: Bench) -> None:
    path = calendar_store.path_of(healthy.paths)
    path.write_text('{"schema": 1, "sources": [{"source": 3', encoding="utf-8")
    assert check_of(run(healthy), "calendar").value == "not fetched yet"
    assert not path.exists()
    path.write_text('{"schema": 99, "sources": []}', encoding="utf-8")
    assert "newer Metronome" in check_of(run(healthy), "calendar").value
    assert path.exists()


def test_history_claims_only_what_is_looked_at(healthy: Bench) -> None:
    check = check_of(run(healthy), "history")
    assert (
        check.rule
        == "error when the file could not be opened, read or written the last time, or was damaged at the daily look; "
        "warning for 7 days after it was lost to damage"
    )


@pytest.mark.allow_warnings("health check could not be made")
@pytest.mark.parametrize("bug", [AttributeError("x"), RuntimeError("x"), sqlite3.OperationalError("x"), KeyError("x")])
def test_a_check_with_a_bug_is_an_error_of_itself(
    healthy: Bench, monkeypatch: pytest.MonkeyPatch, bug: Exception
) -> None:
    def broken(*_: Any) -> None:
        raise bug

    monkeypatch.setattr(healthy.storage.__class__, "free_bytes", broken)
    report = run(healthy)
    assert (report.errors, report.ok + report.not_judged) == (1, len(checks.CHECKS) - 1)
    assert report.summary().endswith("; 5 checks not judged yet")
    assert check_of(report, "disk").value.startswith(f"could not be checked: {type(bug).__name__}")


def test_a_check_that_is_asked_to_stop_stops_the_run(healthy: Bench) -> None:
    def stopped(*_: Any) -> Finding:
        raise Cancelled("stop")

    with pytest.raises(Cancelled):
        checks.look(stopped, healthy.context("system_health_check"), {})


def test_a_slow_ping_is_a_warning_at_its_threshold(healthy: Bench) -> None:
    healthy.terminal.ping_ms = 500.0
    assert check_of(run(healthy), "terminal").verdict is Verdict.OK
    limits(healthy, ping_warn_ms=499.5)
    found = check_of(run(healthy), "terminal")
    assert (found.verdict, found.remedies) == (Verdict.WARNING, ())
    assert "a ping above 499.5 ms" in found.rule


def test_what_can_be_done_at_once_is_named(healthy: Bench) -> None:
    assert all(check.remedies == () for check in run(healthy).checks)
    healthy.terminal.connected = False
    healthy.facts["timetable"]["paused"] = True
    limits(healthy, log_warn_mb=1, disk_warn_gb=100_000)
    (healthy.paths.logs / "big.log").write_bytes(b"x" * 1_000_001)
    report = run(healthy)
    assert check_of(report, "terminal").remedies == ("reconnect",)
    assert check_of(report, "scheduler").remedies == ("resume",)
    assert check_of(report, "logs").remedies == ("clean_logs", "open_logs")
    assert check_of(report, "disk").remedies == ("open_home", "clean_cache")
