"""Timetable: which task is due when, and what happens to due times that nobody could attend to.

The scheduler's thread hands due tasks to the Runner. Due times that went by (a stall, sleep, a clock set forward,
Metronome not running) are made up for or recorded as ``missed`` by each task's catch-up rule; none is lost silently.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from apscheduler.job import Job

from app.clock import Clock
from app.errors import UserAction
from app.history import RunHistory
from app.runner import Runner
from app.runs import Run, RunState, Trigger
from app.schedule import Schedule, ScheduleError
from app.scheduler import HEARTBEAT_S, ClockedScheduler, RunnerExecutor, ScheduleTrigger
from app.settings import Settings
from app.settings_store import SettingsStore
from app.tasks import CatchUp, Registry, TaskSpec

_log = logging.getLogger(__name__)
#: The wall clock moved this much further than our rounds explain: the computer slept, or its clock was set.
GAP_S: Final = 30.0
#: The wall clock fell behind elapsed time by this much: it was set back.
_SET_BACK_S: Final = 2.0
#: A schedule with at least this period must not repeat a due time when the clock is set back.
_LONG_PERIOD_S: Final = 12 * 3600.0
_TICK: Final = timedelta(microseconds=1)
PAUSED_REASON: Final = "All tasks are paused."
DISABLED_REASON: Final = "This task is switched off."


@dataclass(frozen=True, slots=True)
class TaskTiming:
    """When one task runs.

    Attributes:
        schedule_text: As in the settings, for example ``*/15 * * * *``.
        description: In words, for example ``every 15 min``.
        next_run: Aware UTC; None when there is none, and then ``why_not`` says why.
        problem: What is wrong with the task's settings; its default schedule is used meanwhile.
        lateness_s: Start minus due of the last scheduled run.
    """

    task: str
    enabled: bool
    schedule_text: str
    description: str
    timezone: str
    catch_up: CatchUp
    next_run: datetime | None = None
    why_not: str = ""
    problem: str = ""
    last_due: datetime | None = None
    lateness_s: float | None = None


@dataclass(frozen=True, slots=True)
class TimetableSnapshot:
    """The whole timetable at one moment.

    Attributes:
        heartbeat: When the scheduler's thread last looked at the clock.
        lateness_p99_s: Of the last 1,000 scheduled runs; None while there are none.
    """

    paused: bool
    heartbeat: datetime | None
    tasks: Mapping[str, TaskTiming]
    lateness_p99_s: float | None


@dataclass(slots=True)
class _Gap:
    """Due times up to ``woke_at`` went by unattended; after the settle time one round deals with them."""

    woke_at: datetime
    release_mono: float
    why: str
    released: bool = False


class Timetable:
    """Plans and starts scheduled runs.

    Thread: every method may be called from any thread. Nobody but this class asks the scheduler; the window reads
    ``snapshot()``, which waits for no store.
    """

    def __init__(
        self, registry: Registry, runner: Runner, history: RunHistory, store: SettingsStore, clock: Clock
    ) -> None:
        self._registry = registry
        self._runner = runner
        self._history = history
        self._store = store
        self._clock = clock
        self._lock = threading.RLock()
        self._schedules: dict[str, Schedule] = {}
        self._timings: dict[str, TaskTiming] = {}
        self._triggers: dict[str, Trigger] = {}
        self._lateness: deque[float] = deque(maxlen=1000)
        self._listeners: tuple[Callable[[], None], ...] = ()
        self._paused = store.current.timetable.paused
        #: Called at every look at the clock, at least every 20 s.
        self._gap: _Gap | None = None
        self._heartbeat: datetime | None = None
        self._last_round: tuple[datetime, float] | None = None
        self._scheduler = ClockedScheduler(clock, self._before_round, self._on_due)
        self._scheduler.add_executor(RunnerExecutor(self._hand_over), "default")
        self._forget = (runner.subscribe(self._on_finished), store.subscribe(self._on_settings))

    # -- life ------------------------------------------------------------------------------------------------------

    def start(self, *, made_up_elsewhere: frozenset[str] = frozenset(), thread: bool = True) -> None:
        """Plan all tasks, deal with what was missed since the last time, begin to keep time.

        Args:
            made_up_elsewhere: Tasks that run at start-up anyway: what they missed is only recorded.
            thread: False leaves the rounds to the caller (see ``round``): for tests with a fake clock.
        """
        now = self._clock.now()
        self._last_round = (now, self._clock.monotonic())
        for spec in self._registry:
            self._plan(spec, now)
        self._catch_up_at_start(now, made_up_elsewhere)
        self._mark_all(now)
        if thread:
            self._scheduler.start()
        else:
            self._scheduler.start_without_thread()

    def stop(self) -> None:
        """Keep no more time."""
        for forget in self._forget:
            forget()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
        self._mark_all(self._clock.now())

    def round(self) -> float | None:
        """Do what is due now; returns the seconds until the next round. The scheduler's thread calls it."""
        return self._scheduler.round()

    def _mark_all(self, now: datetime) -> None:
        with self._lock:
            keys = {task: _key(schedule) for task, schedule in self._schedules.items()}
        self._history.mark(keys, now)

    # -- planning --------------------------------------------------------------------------------------------------

    def _plan(self, spec: TaskSpec, now: datetime) -> None:
        """(Re)plan one task from its settings."""
        chosen = self._store.current.tasks.get(spec.id)
        zone = chosen.timezone if chosen and chosen.timezone else "UTC"
        text = chosen.schedule if chosen and chosen.schedule else spec.schedule
        problem = ""
        try:
            schedule = Schedule.parse(text, zone)
        except ScheduleError as error:
            problem = f"{error} Its default schedule {spec.schedule!r} is used until then."
            schedule = Schedule.parse(spec.schedule)
        enabled = chosen.enabled if chosen and chosen.enabled is not None else True
        catch_up = CatchUp(chosen.catch_up) if chosen and chosen.catch_up else spec.catch_up
        next_run = schedule.next_after(now) if enabled else None
        with self._lock:
            old = self._timings.get(spec.id)
            self._schedules[spec.id] = schedule
            self._timings[spec.id] = TaskTiming(
                spec.id,
                enabled,
                schedule.text,
                schedule.describe(),
                schedule.zone,
                catch_up,
                next_run,
                self._why_not(schedule, enabled=enabled),
                problem,
                old.last_due if old else None,
                old.lateness_s if old else None,
            )
        self._put_job(spec.id, schedule, next_run)

    def _put_job(self, task: str, schedule: Schedule, next_run: datetime | None) -> None:
        if schedule.is_manual:
            if self._scheduler.get_job(task) is not None:
                self._scheduler.remove_job(task)
            return
        self._scheduler.add_job(
            _nothing,
            ScheduleTrigger(schedule),
            id=task,
            name=task,
            replace_existing=True,
            next_run_time=next_run,
        )

    def _why_not(self, schedule: Schedule, *, enabled: bool) -> str:
        if schedule.is_manual:
            return "Runs on demand only."
        if not enabled:
            return DISABLED_REASON
        return PAUSED_REASON if self._paused else ""

    # -- rounds (the scheduler's thread) ---------------------------------------------------------------------------

    def _before_round(self, now: datetime) -> float:
        mono = self._clock.monotonic()
        last, self._last_round = self._last_round, (now, mono)
        self._heartbeat = now
        if last is not None:
            wall, elapsed = (now - last[0]).total_seconds(), mono - last[1]
            if wall - elapsed < -_SET_BACK_S:
                self._on_set_back(now, elapsed - wall)
            elif wall > HEARTBEAT_S + GAP_S:
                self._on_gap(now, mono, wall, elapsed)
        if self._paused:
            return HEARTBEAT_S
        gap = self._gap
        if gap is None:
            return 0.0
        if gap.released:
            self._gap = None
            return 0.0
        if mono < gap.release_mono:
            return gap.release_mono - mono
        gap.released = True
        return 0.0

    def _on_gap(self, now: datetime, mono: float, wall: float, elapsed: float) -> None:
        settle = self._store.current.timetable.misfire_settle_s
        slept = wall - elapsed < GAP_S
        cause = "was held up or asleep" if slept else "slept, or its clock was set forward"
        why = f"while the computer {cause} for {_duration(wall)}"
        _log.warning("The clock moved on by %s; scheduled work settles for %g s.", _duration(wall), settle)
        self._gap = _Gap(now, mono + settle, why)

    def _on_set_back(self, now: datetime, seconds: float) -> None:
        """Plan anew, since all planned times now lie too far ahead; a daily task that has run does not run again."""
        _log.warning("The clock was set back by %s; all tasks are planned anew.", _duration(seconds))
        with self._lock:
            schedules = dict(self._schedules)
        for task, schedule in schedules.items():
            timing = self._timings[task]
            if timing.next_run is None:
                continue
            next_run = schedule.next_after(now)
            done = timing.last_due
            repeats = done is not None and next_run is not None and next_run <= done <= now + timedelta(hours=26)
            if repeats and done is not None and schedule.period_s(now) >= _LONG_PERIOD_S:
                next_run = schedule.next_after(done)
            self._set_next(task, next_run)
            self._scheduler.modify_job(task, next_run_time=next_run)
        self._tell()

    def _on_due(self, job: Job, first: datetime, latest: datetime) -> datetime | None:
        """Decide what a due task does: the due time to run for, or None."""
        task: str = job.id
        with self._lock:
            schedule, timing = self._schedules[task], self._timings[task]
            self._timings[task] = replace(timing, last_due=latest, next_run=schedule.next_after(self._clock.now()))
        gap = self._gap
        run_for: datetime | None = latest
        if gap is not None and latest <= gap.woke_at:
            run_for = self._make_up(task, schedule, first, latest, gap.why)
        elif latest > first:
            count = schedule.count_between(first - _TICK, latest - _TICK)
            why = gap.why if gap is not None else "while the timetable was held up"
            before = schedule.latest_until(latest - _TICK) or first
            self._record_missed(task, first, before, count, why + f"; the run due at {latest:%H:%M:%S} UTC went ahead")
        self._tell()
        return run_for

    def _make_up(self, task: str, schedule: Schedule, first: datetime, latest: datetime, why: str) -> datetime | None:
        """Apply the catch-up rule to the due times from ``first`` to ``latest``; the due time to run for, or None."""
        rule = self._timings[task].catch_up
        now = self._clock.now()
        count = schedule.count_between(first - _TICK, latest)
        young = (now - latest).total_seconds() < schedule.period_s(latest)
        if rule is CatchUp.SKIP or (rule is CatchUp.LATEST_ONLY and not young):
            self._record_missed(task, first, latest, count, why)
            return None
        if count > 1:
            before = schedule.latest_until(latest - _TICK) or first
            self._record_missed(task, first, before, count - 1, why + "; a catch-up run makes up for it")
        self._triggers[task] = Trigger.CATCH_UP
        return latest

    def _record_missed(self, task: str, first: datetime, last: datetime, count: int, why: str) -> None:
        if count <= 0:
            return
        now = self._clock.now()
        if count == 1:
            which = f"The due time {last:%Y-%m-%d %H:%M:%S} UTC"
        else:
            which = f"{count:,} due times from {first:%Y-%m-%d %H:%M:%S} to {last:%Y-%m-%d %H:%M:%S} UTC"
        self._runner.record(
            Run(
                run_id=self._history.new_run_id(),
                task=task,
                state=RunState.MISSED,
                trigger=Trigger.SCHEDULE,
                queued_at=now,
                finished_at=now,
                due_at=last,
                reason=f"{which} passed {why}.",
                result={"missed": count},
            )
        )

    def _catch_up_at_start(self, now: datetime, made_up_elsewhere: frozenset[str]) -> None:
        for task, schedule in tuple(self._schedules.items()):
            timing = self._timings[task]
            accounted = self._history.accounted(task, _key(schedule))
            if accounted is None or not timing.enabled or self._paused or schedule.is_manual:
                continue
            first, latest = schedule.next_after(accounted), schedule.latest_until(now)
            if first is None or latest is None or latest < first:
                continue
            why = "while Metronome was not running"
            if task in made_up_elsewhere:
                count = schedule.count_between(accounted, latest)
                self._record_missed(task, first, latest, count, why + "; the run at start-up makes up for it")
                continue
            due = self._make_up(task, schedule, first, latest, why)
            if due is not None:
                self._submit(task, due, None)

    def _hand_over(self, job: Job, due: datetime, on_done: Callable[[Run], None]) -> None:
        self._submit(job.id, due, on_done)

    def _submit(self, task: str, due: datetime, on_done: Callable[[Run], None] | None) -> None:
        trigger = self._triggers.pop(task, Trigger.SCHEDULE)
        try:
            self._runner.submit(task, None, trigger, due, on_done)
        except UserAction as error:  # a task that needs parameters was given a schedule
            now = self._clock.now()
            run = Run(self._history.new_run_id(), task, RunState.FAILED, trigger, now, error.message, error.advice)
            self._runner.record(replace(run, finished_at=now, due_at=due))

    # -- what others ask and change --------------------------------------------------------------------------------

    def snapshot(self) -> TimetableSnapshot:
        """The timetable as it stands."""
        with self._lock:
            timings = dict(self._timings)
            lateness = sorted(self._lateness)
        if self._paused:
            timings = {
                task: replace(timing, next_run=None, why_not=timing.why_not or PAUSED_REASON)
                for task, timing in timings.items()
            }
        p99 = lateness[min(int(len(lateness) * 0.99), len(lateness) - 1)] if lateness else None
        return TimetableSnapshot(self._paused, self._heartbeat, timings, p99)

    def pause_all(self) -> None:
        """Start nothing by the clock until ``resume_all``; survives a restart. Runs that are at work go on."""
        self._store.set("timetable.paused", True)

    def resume_all(self) -> None:
        """Keep time again, from now on; what was due during the pause is not made up for."""
        self._store.set("timetable.paused", False)

    def set_enabled(self, task: str, enabled: bool) -> None:
        """Switch one task's schedule on or off. It can still be run by hand."""
        self._registry.get(task)
        self._store.set(f"tasks.{task}.enabled", enabled)

    def set_schedule(self, task: str, text: str, timezone: str | None = None) -> None:
        """Change when a task is due.

        Raises:
            UserAction: the text or the zone means nothing, or there is no such task.
        """
        self._registry.get(task)
        schedule = Schedule.parse(text, timezone or self._timings[task].timezone)
        if timezone is not None and timezone != self._timings[task].timezone:
            self._store.set(f"tasks.{task}.timezone", timezone)
        self._store.set(f"tasks.{task}.schedule", schedule.text)

    def preview(self, text: str, timezone: str = "UTC", count: int = 5) -> tuple[datetime, ...]:
        """The next due times that a schedule would have.

        Raises:
            ScheduleError: the text or the zone means nothing.
        """
        return Schedule.parse(text, timezone).upcoming(self._clock.now(), count)

    def subscribe(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener()`` when the timetable changed, on the thread that changed it; returns the way to stop."""
        with self._lock:
            self._listeners = (*self._listeners, listener)

        def unsubscribe() -> None:
            with self._lock:
                self._listeners = tuple(one for one in self._listeners if one is not listener)

        return unsubscribe

    # -- reactions -------------------------------------------------------------------------------------------------

    def _on_settings(self, changed: frozenset[str], settings: Settings) -> None:
        now = self._clock.now()
        tasks = {key.split(".")[1] for key in changed if key.startswith("tasks.") and key.count(".") >= 2}
        resumed = "timetable.paused" in changed and self._paused and not settings.timetable.paused
        if "timetable.paused" in changed:
            self._paused = settings.timetable.paused
            tasks = {spec.id for spec in self._registry}
        replanned = [spec for spec in self._registry if spec.id in tasks]
        for spec in replanned:
            self._plan(spec, now)
        if replanned:
            # Due times before a change of plan are settled: nobody makes up for a pause.
            self._history.mark({spec.id: _key(self._schedules[spec.id]) for spec in replanned}, now)
            if resumed:
                self._gap = None
            self._scheduler.wakeup()
            self._tell()

    def _on_finished(self, run: Run) -> None:
        if run.lateness_s is None or run.trigger is not Trigger.SCHEDULE:
            return
        with self._lock:
            self._lateness.append(run.lateness_s)
            timing = self._timings.get(run.task)
            if timing is not None:
                self._timings[run.task] = replace(timing, lateness_s=run.lateness_s)

    def _set_next(self, task: str, next_run: datetime | None) -> None:
        with self._lock:
            self._timings[task] = replace(self._timings[task], next_run=next_run)

    def _tell(self) -> None:
        for listener in self._listeners:
            listener()


def _nothing() -> None:
    """APScheduler wants a function for each job; the executor hands the task to the Runner instead."""


def _key(schedule: Schedule) -> str:
    return f"{schedule.text} {schedule.zone}"


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
