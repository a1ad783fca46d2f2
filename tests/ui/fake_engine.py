"""An engine without threads and without disk, that speaks as the real one does, with the content of the sketches."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import Field
from PySide6.QtCore import QObject, Signal

from app.clock import FakeClock
from app.errors import UserAction
from app.history import RunFilter
from app.history_rows import to_us
from app.paths import Paths
from app.recorder import Recorder
from app.runs import Progress, Run, RunState, Trigger
from app.samples import Sample, Sampler
from app.settings_store import SettingsStore
from app.storage import Storage
from app.tasks import CatchUp, Queue, Registry, TaskParams, TaskSpec
from app.terminal.outages import Outage
from app.terminal.requests import CallTiming, LongCall
from app.terminal.values import SessionState, SessionStatus
from app.timetable import TaskTiming, TimetableSnapshot

NOW = datetime(2025, 6, 3, 13, 7, 32, tzinfo=UTC)


class EvaluateParams(TaskParams):
    """Parameters with one of each kind of input."""

    symbol: str = Field(title="Symbol", description="As the broker names it.", examples=["EURUSD"])
    timeframe: str = Field("H1", title="Time frame", json_schema_extra={"enum": ["M5", "H1", "D1"]})
    days: int = Field(30, title="Days", description="How far to look back, days.", ge=1, le=365)
    risk: float = Field(0.5, title="Risk", description="Share of the account, %.", gt=0, le=5)
    rehearse: bool = Field(False, title="Rehearse", description="Write nothing.")
    symbols: tuple[str, ...] = Field((), title="More symbols")
    limit: int | None = Field(None, title="Limit", ge=1)


_Q = Queue
_S = RunState
_TASKS = [
    ("evaluate_all_strategies", "Evaluate all strategies", _Q.AI_EVALUATION, "*/15 * * * *", "every 15 min"),
    ("evaluate_single_symbol", "Evaluate one symbol", _Q.AI_EVALUATION, "manual", "manual"),
    ("backtest_strategy", "Backtest strategy", _Q.AI_EVALUATION, "manual", "manual"),
    ("collect_market_data", "Collect market data", _Q.DATA_COLLECTION, "*/5 * * * *", "every 5 min"),
    ("update_economic_calendar", "Update economic calendar", _Q.DATA_COLLECTION, "0 * * * *", "hourly"),
    ("collect_rss_news", "Collect RSS news", _Q.DATA_COLLECTION, "*/10 * * * *", "every 10 min"),
    ("update_symbol_info", "Update symbol info", _Q.DATA_COLLECTION, "daily 04:00", "daily 04:00"),
    ("record_trades", "Record trades", _Q.DATA_COLLECTION, "0 * * * *", "hourly"),
    ("cleanup_old_logs", "Clean up old logs", _Q.MAINTENANCE, "daily 02:00", "daily 02:00"),
    ("cleanup_cache", "Clean up cache", _Q.MAINTENANCE, "daily 03:00", "daily 03:00"),
    ("archive_old_trades", "Archive old trades", _Q.MAINTENANCE, "daily 04:00", "daily 04:00"),
    ("optimize_csv_files", "Optimise CSV files", _Q.MAINTENANCE, "weekly sun 05:00", "weekly Sun 05:00"),
    ("system_health_check", "System health check", _Q.MONITORING, "*/30 * * * *", "every 30 min"),
]
_NEXT_S = {
    "collect_market_data": 148,
    "update_economic_calendar": 3148,
    "collect_rss_news": 149,
    "update_symbol_info": 15 * 3600,
    "record_trades": 3148,
    "cleanup_old_logs": 12.4 * 3600,
    "cleanup_cache": 13.4 * 3600,
    "archive_old_trades": 14.4 * 3600,
    "optimize_csv_files": 5 * 86400,
    "system_health_check": 1348,
    "evaluate_all_strategies": 448,
}
_LAST: dict[str, tuple[RunState, float, str, float]] = {
    "evaluate_all_strategies": (_S.SUCCEEDED, 0.9, "8 symbols, 3 ideas", 900),
    "evaluate_single_symbol": (_S.SUCCEEDED, 0.1, "EURUSD: observe, score 46", 80_000),
    "backtest_strategy": (_S.SUCCEEDED, 1.4, "412 trades, profit factor 1.31", 7_300),
    "collect_market_data": (_S.SUCCEEDED, 0.3, "23 symbols, 2 stale, 5 bars healed", 150),
    "update_economic_calendar": (_S.SUCCEEDED, 0.8, "94 events, 3 moved, 1 new", 440),
    "collect_rss_news": (_S.SUCCEEDED_WITH_WARNINGS, 4.1, "41 new from 11 of 12 feeds; FXStreet timed out", 450),
    "update_symbol_info": (_S.SUCCEEDED, 1.1, "1,204 symbols, swap changed on 4", 7 * 3600),
    "record_trades": (_S.SKIPPED, 0.2, "Terminal was not connected (09:00 \N{EN DASH} 09:12)", 440),
    "cleanup_old_logs": (_S.SUCCEEDED, 0.1, "4 files, 18.2 MB freed", 11 * 3600),
    "cleanup_cache": (_S.SUCCEEDED, 0.1, "31 files, 6.0 MB freed", 10 * 3600),
    "archive_old_trades": (_S.SKIPPED, 0.1, "Nothing older than 90 days", 9 * 3600),
    "optimize_csv_files": (_S.FAILED, 2.2, "Disk full on D: while writing EURUSD_M1.csv. Free 1.2 GB.", 2 * 86400),
    "system_health_check": (_S.SUCCEEDED, 0.04, "Healthy, 1 warning: disk full in 19 days", 450),
}
CHECKS: list[dict[str, Any]] = [
    {
        "name": "Terminal",
        "verdict": "ok",
        "value": "Connected, 42 ms",
        "rule": "Connected and answering in under 500 ms",
    },
    {
        "name": "Disk",
        "verdict": "warning",
        "value": "19 days left (1.2 GB free)",
        "rule": "Warn below 30 days at the present growth",
        "since": "2025-06-01T09:12:00Z",
        "advice": "Free space or shorten history.keep_days.",
    },
    {
        "name": "Timetable",
        "verdict": "ok",
        "value": "p99 0.6 ms late",
        "rule": "Heartbeat under 60 s",
    },
    {"name": "Queues", "verdict": "ok", "value": "0 waiting, 0 stuck", "rule": "Oldest wait under 60 s"},
    {"name": "Logs", "verdict": "ok", "value": "12 MB", "rule": "Warn above 500 MB"},
    {"name": "Cache", "verdict": "ok", "value": "6 MB", "rule": "Warn above 500 MB"},
    {"name": "History", "verdict": "ok", "value": "48,211 runs, intact", "rule": "Integrity check each day"},
]


def make_run(
    number: int, task: str, state: RunState, at: datetime, seconds: float = 0.2, text: str = "", **more: Any
) -> Run:
    """A finished run (or one at work) with the text where its state wants it."""
    success = state.is_success
    fields: dict[str, Any] = {
        "run_id": f"{number:014x}",
        "task": task,
        "state": state,
        "trigger": Trigger.SCHEDULE,
        "queued_at": at,
        "started_at": at,
        "finished_at": at + timedelta(seconds=seconds) if state.is_final else None,
        "duration_s": seconds if state.is_final else None,
        "lateness_s": 0.0006,
        "summary": text if success else "",
        "reason": "" if success else text,
    }
    return Run(**(fields | more))


def specs() -> list[TaskSpec]:
    """The thirteen tasks."""
    parameters = {"evaluate_single_symbol": EvaluateParams, "backtest_strategy": EvaluateParams}
    return [
        TaskSpec(
            id=task,
            title=title,
            description=f"{title}: what it does, in one sentence that a newcomer understands.",
            queue=queue,
            run=lambda _ctx, _params: None,
            schedule=schedule,
            **({"params": parameters[task]} if task in parameters else {}),
        )
        for task, title, queue, schedule, _words in _TASKS
    ]


class Signals(QObject):
    """Signals of the fake runner."""

    changed = Signal()


@dataclass
class Snapshot:
    """What the runner publishes."""

    running: tuple[Run, ...] = ()
    queued: tuple[Run, ...] = ()
    lanes: tuple[Any, ...] = ()


class FakeRunner:
    """Remembers what was asked; the test says what happens."""

    def __init__(self) -> None:
        self.signals = Signals()
        self.submitted: list[tuple[str, Mapping[str, Any] | None]] = []
        self.cancelled: list[str] = []
        self.refuse: UserAction | None = None
        self.current = Snapshot()
        self._news: list[Run] = []
        self.taken = 0

    def submit(self, task_id: str, params: Any = None, trigger: Trigger = Trigger.MANUAL) -> Run:
        if self.refuse is not None:
            raise self.refuse
        self.submitted.append((task_id, params))
        return make_run(99, task_id, RunState.QUEUED, NOW, trigger=trigger)

    def cancel(self, run_id: str) -> bool:
        self.cancelled.append(run_id)
        return True

    def snapshot(self) -> Snapshot:
        return self.current

    def take_changes(self) -> tuple[Run, ...]:
        self.taken += 1
        news, self._news = tuple(self._news), []
        return news

    def tell(self, *runs: Run) -> None:
        """These runs changed."""
        silent = bool(self._news)
        self._news.extend(runs)
        if not silent:
            self.signals.changed.emit()


class FakeHistory:
    """Stored runs in a list, newest first."""

    def __init__(self, runs: list[Run]) -> None:
        self.runs = sorted(runs, key=lambda run: (run.queued_at, run.run_id), reverse=True)

    def _matching(self, wanted: RunFilter | None) -> list[Run]:
        wanted = wanted or RunFilter()
        return [
            run
            for run in self.runs
            if wanted.task in ("", run.task)
            and (not wanted.states or run.state in wanted.states)
            and (wanted.since is None or run.queued_at >= wanted.since)
        ]

    def page(self, wanted: RunFilter | None = None, limit: int = 100, before: Run | None = None) -> tuple[Run, ...]:
        found = self._matching(wanted)
        if before is not None:
            found = [run for run in found if (run.queued_at, run.run_id) < (before.queued_at, before.run_id)]
        return tuple(found[:limit])

    def count(self, wanted: RunFilter | None = None) -> int:
        return len(self._matching(wanted))

    def outcomes(self, since: datetime) -> Iterator[tuple[int, str, str, int, float | None]]:
        for run in reversed(self._matching(RunFilter(since=since))):
            yield int(run.run_id, 16), run.task, run.state.value, to_us(run.queued_at), run.duration_s

    def get(self, run_id: str) -> Run | None:
        return next((run for run in self.runs if run.run_id == run_id), None)

    def recent(self, task: str, limit: int = 50) -> tuple[Run, ...]:
        return self.page(RunFilter(task=task), limit)


class FakeTimetable:
    """A snapshot that tests replace."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._listeners: list[Callable[[], None]] = []
        words = {task: text for task, _title, _queue, _schedule, text in _TASKS}
        tasks = {
            spec.id: TaskTiming(
                spec.id,
                enabled=True,
                schedule_text=spec.schedule,
                description=words[spec.id],
                timezone="UTC",
                catch_up=CatchUp.SKIP,
                next_run=NOW + timedelta(seconds=_NEXT_S[spec.id]) if spec.id in _NEXT_S else None,
                why_not="" if spec.id in _NEXT_S else "Runs only when asked to.",
            )
            for spec in specs()
        }
        self.current = TimetableSnapshot(paused=False, heartbeat=NOW, tasks=tasks, lateness_p99_s=0.0006)
        self.schedules: list[tuple[str, str, str | None]] = []

    def snapshot(self) -> TimetableSnapshot:
        return self.current

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _change(self, snapshot: TimetableSnapshot) -> None:
        self.current = snapshot
        for listener in list(self._listeners):
            listener()

    def pause_all(self) -> None:
        self._change(replace(self.current, paused=True))

    def resume_all(self) -> None:
        self._change(replace(self.current, paused=False))

    def set_enabled(self, task: str, enabled: bool) -> None:
        timing = self.current.tasks[task]
        off = "" if enabled else "This task is switched off."
        next_run = NOW + timedelta(seconds=60) if enabled else None
        changed = replace(timing, enabled=enabled, why_not=off, next_run=next_run)
        self._change(replace(self.current, tasks={**self.current.tasks, task: changed}))

    def set_schedule(self, task: str, text: str, timezone: str | None = None) -> None:
        self.schedules.append((task, text, timezone))

    def preview(self, text: str, timezone: str = "UTC", count: int = 5) -> tuple[datetime, ...]:
        if "every" not in text and "*" not in text:
            raise UserAction(f"The schedule {text!r} cannot be read.", advice="Try: every 5 min.")
        return tuple(NOW + timedelta(minutes=5 * (n + 1)) for n in range(count))


@dataclass
class FakeTerminal:
    """A connected demo account."""

    status: SessionStatus
    listeners: list[Callable[[SessionStatus], None]] = field(default_factory=list)

    past: tuple[Outage, ...] = ()
    long: tuple[LongCall, ...] = ()
    reconnects: int = 0

    def outages(self) -> tuple[Outage, ...]:
        return self.past

    def timings(self) -> tuple[CallTiming, ...]:
        return (CallTiming("copy_rates_from_pos", 12, 3.0, 41.0, 2.0), CallTiming("version", 1, 0.1, 0.1, 0.1))

    def long_calls(self) -> tuple[LongCall, ...]:
        return self.long

    def reconnect(self) -> None:
        self.reconnects += 1

    def tell(self, status: SessionStatus) -> None:
        self.status = status
        for listener in list(self.listeners):
            listener(status)

    def subscribe(self, callback: Callable[[SessionStatus], None]) -> Callable[[], None]:
        self.listeners.append(callback)
        return lambda: self.listeners.remove(callback)


@dataclass
class FakePaths:
    """Where logs are."""

    logs: Path

    @property
    def log_file(self) -> Path:
        return self.logs / "metronome.log"


class FakeEngine:
    """The parts of Engine that the window touches."""

    def __init__(self, logs: Path | None = None, registry: Registry | None = None) -> None:
        self.clock = FakeClock(NOW)
        self.registry = registry or Registry(specs())
        self.runner = FakeRunner()
        self.timetable = FakeTimetable(self.clock)
        status = SessionStatus(
            SessionState.CONNECTED,
            NOW,
            "MetaQuotes-Demo",
            123456,
            "demo",
            42.0,
            simulated=True,
            market_note="Generated bars.",
        )
        self.terminal = FakeTerminal(status)
        self.settings = SettingsStore((logs or Path()) / "settings.toml")
        self.paths = FakePaths(logs or Path())
        self.storage = Storage(Paths(logs or Path()), self.clock)
        self.problems: list[str] = []
        self.recorder = Recorder(self.clock)
        self.window_lag_ms: Callable[[], float | None] = lambda: None
        self.recent_lag_ms: Callable[[float], float | None] = lambda _seconds: None
        self.history = FakeHistory(_stored_runs())
        self.sampler = Sampler(self.storage.paths.health_checks, self.clock, lambda _seconds: Sample(42.0, 1.0, 86.0))
        working = make_run(
            0x90000, "evaluate_all_strategies", RunState.RUNNING, NOW, progress=Progress(5, 8, "XAUUSD H1")
        )
        self.runner.current = Snapshot(running=(working,))


def _stored_runs() -> list[Run]:
    """Fifty runs of each task; the last one as in the sketch."""
    dice = random.Random(7)  # noqa: S311 - heights of bars in a test
    runs = []
    number = 1
    for task, (state, seconds, text, ago) in _LAST.items():
        for back in range(49, 0, -1):
            number += 1
            at = NOW - timedelta(seconds=ago + back * 1500)
            odd = task == "optimize_csv_files" and back == 3
            runs.append(
                make_run(
                    number,
                    task,
                    RunState.SUCCEEDED_WITH_WARNINGS if odd else RunState.SUCCEEDED,
                    at,
                    seconds * dice.uniform(0.3, 1.0),
                    "Done",
                )
            )
        number += 1
        more: dict[str, Any] = {}
        if task == "system_health_check":
            more["result"] = {"checks": CHECKS}
        if task == "collect_rss_news":
            more["warnings"] = ("FXStreet timed out after 10 s.",)
            more["files"] = ("data/cache/rss_news.json",)
        if task == "optimize_csv_files":
            more["advice"] = "Free some space on D: and run it again."
        runs.append(make_run(number, task, state, NOW - timedelta(seconds=ago), seconds, text, **more))
    return runs
