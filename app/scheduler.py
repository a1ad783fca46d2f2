"""APScheduler at the injected clock: a BackgroundScheduler whose loop we own.

The loop of APScheduler 3.11 reads the wall clock by itself, walks through every due time that went by (259,199 of
them for a 1 s job after 72 h of sleep) and has no wake-up of its own. Ours asks the injected clock, goes to the
latest due time in one step, and looks at the clock every ``HEARTBEAT_S`` so that sleep and clock changes are noticed.
Jobs, job stores, executors and events stay APScheduler's.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from threading import Event
from typing import Any

from apscheduler.events import (
    EVENT_JOB_ERROR,
    EVENT_JOB_EXECUTED,
    EVENT_JOB_SUBMITTED,
    JobExecutionEvent,
    JobSubmissionEvent,
)
from apscheduler.executors.base import BaseExecutor
from apscheduler.job import Job
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.schedulers.blocking import BlockingScheduler
from apscheduler.triggers.base import BaseTrigger

from app.clock import Clock
from app.runs import Run
from app.schedule import Schedule

#: The loop looks at the clock at least this often (design section 5: 30 s or less).
HEARTBEAT_S = 20.0


class ScheduleTrigger(BaseTrigger):  # type: ignore[misc] # apscheduler has no type hints
    """Our schedule in the shape that APScheduler wants."""

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first due time after the previous one, or after ``now`` when there was none."""
        return self.schedule.next_after(previous_fire_time or now)


class RunnerExecutor(BaseExecutor):  # type: ignore[misc] # apscheduler has no type hints
    """Hands (task, due time) over and reports the end of the run back, so that APScheduler's events stay true."""

    def __init__(self, hand_over: Callable[[Job, datetime, Callable[[Run], None]], None]) -> None:
        super().__init__()
        self._hand_over = hand_over

    def submit_job(self, job: Job, run_times: list[datetime]) -> None:
        """Hand one due time to the runner. Overlap is the runner's to judge, so no instances are counted here."""
        due = run_times[-1]

        def on_done(run: Run) -> None:
            code = EVENT_JOB_EXECUTED if run.state.is_success else EVENT_JOB_ERROR
            self._scheduler._dispatch_event(JobExecutionEvent(code, job.id, "default", due, retval=run))

        self._hand_over(job, due, on_done)

    def _do_submit_job(self, job: Job, run_times: list[datetime]) -> None:
        """Never called: ``submit_job`` above does all."""
        raise AssertionError(job.id)


class ClockedScheduler(BackgroundScheduler):  # type: ignore[misc] # apscheduler has no type hints
    """A BackgroundScheduler that lives by the injected clock.

    Args:
        before_round: Called at the start of each round with the time; returns seconds to hold all jobs back, or 0.
        on_due: Called with (job, first due time that is not dealt with, latest one); returns the due time to run
            for, or None when nothing is to run.
    """

    def __init__(
        self,
        clock: Clock,
        before_round: Callable[[datetime], float],
        on_due: Callable[[Job, datetime, datetime], datetime | None],
    ) -> None:
        # Set first: the base class configures itself in its constructor.
        self._clock = clock
        self._before_round = before_round
        self._on_due = on_due
        super().__init__(timezone=UTC, daemon=True, job_defaults={"misfire_grace_time": None, "coalesce": True})

    def start_without_thread(self) -> None:
        """Get ready; the caller then calls ``round`` itself. For tests with a fake clock."""
        self._event = Event()
        BaseScheduler.start(self)

    def shutdown(self, wait: bool = True) -> None:
        """End the thread, if there is one."""
        if self._thread is None:
            BlockingScheduler.shutdown(self, wait)
        else:
            super().shutdown(wait)

    def round(self) -> float | None:
        """Hand over what is due; returns the seconds until the next round."""
        return self._process_jobs()

    def _process_jobs(self) -> float | None:
        now = self._clock.now()
        hold = self._before_round(now)
        if hold > 0:
            return min(hold, HEARTBEAT_S)
        events: list[Any] = []
        with self._jobstores_lock:
            store = self._lookup_jobstore("default")
            for job in store.get_due_jobs(now):
                first = job.next_run_time
                schedule: Schedule = job.trigger.schedule
                latest = schedule.latest_until(now) or first
                due = self._on_due(job, first, max(latest, first))
                if due is not None:
                    self._lookup_executor(job.executor).submit_job(job, [due])
                    events.append(JobSubmissionEvent(EVENT_JOB_SUBMITTED, job.id, "default", [due]))
                job._modify(next_run_time=schedule.next_after(now))
                store.update_job(job)
            upcoming = store.get_next_run_time()
        for event in events:
            self._dispatch_event(event)
        if upcoming is None:
            return HEARTBEAT_S
        left: float = (upcoming - self._clock.now()).total_seconds()
        return min(max(left, 0.0), HEARTBEAT_S)
