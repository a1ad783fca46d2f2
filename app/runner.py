"""Runner: every run of every task passes here, whoever asked for it.

A request goes through one guard (overlap), waits in the lane of its queue, is executed on a pool thread under a
soft and a hard time limit, is stored in the history, and only then announced.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from app.announcer import Announcer
from app.clock import Clock
from app.entry import Entry
from app.errors import UserAction
from app.execution import Outcome, execute
from app.expectation import Ended, Expectation, compared
from app.history import RunHistory
from app.inflight import Inflight, record_of
from app.lanes import Lane, LaneStatus, LaneWorker
from app.limits import Limits
from app.log import bind
from app.runs import Progress, Run, RunState, Trigger, compact_json
from app.storage import damage_told_to
from app.tasks import Overlap, Queue, Registry, Services, TaskContext, TaskParams, TaskSpec

_log = logging.getLogger(__name__)
_NO_JSON: Final[Mapping[str, Any]] = {}
#: How many failed runs are remembered together with the run that tried again.
_MAX_CHAINS: Final = 1_000
REPLACED: Final = "Replaced by a newer request."


@dataclass(frozen=True, slots=True)
class RunnerSnapshot:
    """All unfinished runs and all lanes at one moment."""

    running: tuple[Run, ...]
    queued: tuple[Run, ...]
    lanes: tuple[LaneStatus, ...]


class _Waiter:
    """Somebody who waits for the end of one run."""

    __slots__ = ("lock", "run")

    def __init__(self) -> None:
        self.run: Run | None = None
        self.lock = threading.Lock()
        self.lock.acquire()


class Runner:
    """Runs tasks.

    Args:
        widths: How many runs each queue may have at work at the same time.

    Thread: every method may be called from any thread.
    """

    def __init__(
        self,
        registry: Registry,
        services: Services,
        history: RunHistory,
        inflight: Inflight,
        clock: Clock,
        widths: Mapping[Queue, int],
    ) -> None:
        self._registry = registry
        self._services = services
        self._history = history
        self._inflight = inflight
        self._clock = clock
        self._announcer = Announcer(clock)
        self.signals = self._announcer.signals
        self.take_changes = self._announcer.take_changes
        self.subscribe = self._announcer.subscribe
        self._lock = threading.Lock()
        self._active: dict[str, Entry] = {}  # by task: queued, running, or waiting for its next try
        self._following: dict[str, Entry] = {}  # by task: begins when the active one ends
        # All that are not stored yet. Changed without the lock, so whoever walks through it takes a copy first.
        self._by_id: dict[str, Entry] = {}
        self._stuck: dict[str, Entry] = {}  # timed out, thread not back
        self._next_try: dict[str, str] = {}  # failed run -> the run that tries again
        self._waiters: dict[str, list[_Waiter]] = {}
        self._owed: dict[str, int] = {}  # ended runs whose row the disk refused -> their slot in the journal
        history.on_recovered = self._on_recovered
        self.expectation: Expectation | None = None
        self._stopping = False
        self._loggers = {spec.id: logging.getLogger(f"task.{spec.id}") for spec in registry}
        self._lanes = {queue: Lane(queue, widths.get(queue, 1), self._execute) for queue in Queue}
        self._limits = Limits(clock, self.enforce_limits)

    # -- asking for runs -------------------------------------------------------------------------------------------

    def submit(
        self,
        task_id: str,
        params: TaskParams | Mapping[str, Any] | None = None,
        trigger: Trigger = Trigger.MANUAL,
        due_at: datetime | None = None,
        on_done: Callable[[Run], None] | None = None,
    ) -> Run:
        """Ask for a run.

        Args:
            on_done: Called with the finished run when it is stored, on the thread that stored it.

        Returns:
            The run as it stands: queued, or already ``skipped`` when the overlap rule says so.

        Raises:
            UserAction: there is no such task, or a parameter is unknown or out of bounds.
        """
        spec = self._registry.get(task_id)
        entry = self._enter(spec, validated_params(spec, params), trigger, due_at, 1, on_done)
        return self._admit(entry)

    def _enter(
        self,
        spec: TaskSpec,
        params: TaskParams,
        trigger: Trigger,
        due_at: datetime | None,
        attempt: int,
        on_done: Callable[[Run], None] | None,
    ) -> Entry:
        now = self._clock.now()
        run_id = self._history.new_run_id()
        params_json = params.model_dump(mode="json") if type(params).model_fields else _NO_JSON
        params_text = compact_json(params_json) if params_json else "{}"
        due = due_at.timestamp() if due_at else None
        slot = self._inflight.take(record_of(run_id, spec.id, trigger, now.timestamp(), due, attempt, params_text))
        chosen = self._services.settings.tasks.get(spec.id)
        soft = chosen.soft_limit_s if chosen and chosen.soft_limit_s else spec.soft_limit_s
        hard = chosen.hard_limit_s if chosen and chosen.hard_limit_s else spec.hard_limit_s
        mono = self._clock.monotonic()
        entry = Entry(
            run_id, spec, params, params_json, trigger, now, mono, due_at, attempt, on_done, slot, soft, max(soft, hard)
        )
        self._by_id[run_id] = entry
        return entry

    def _admit(self, entry: Entry) -> Run:
        """The guard that timer, button, command line and REST all meet."""
        task = entry.spec.id
        superseded: Entry | None = None
        refusal = ""
        with self._lock:
            current = self._active.get(task)
            if self._stopping:
                refusal = "Metronome is closing."
            elif current is None:
                self._active[task] = entry
            else:
                refusal, superseded = self._overlap(entry, current)
            begins = self._active.get(task) is entry
        if refusal:
            self._end(entry, Outcome(RunState.SKIPPED, refusal))
            return entry.final or entry.view()
        if superseded is not None and superseded is current:
            self._end(superseded, Outcome(RunState.CANCELLED, REPLACED))
        elif superseded is not None:
            self._end(superseded, Outcome(RunState.SKIPPED, "A newer request took its place."))
        view = entry.view()
        self._announcer.add_news(view)
        if begins:
            self._lanes[entry.spec.queue].put(entry)
        return view

    def _overlap(self, entry: Entry, current: Entry) -> tuple[str, Entry | None]:
        """Decide about a second run of a task (lock held): (why it is refused, the waiting run that it replaces).

        A run that has not begun, or that pauses before its next try, is replaced at once; one at work is asked to
        stop, and the new one follows it.
        """
        task, rule = entry.spec.id, entry.spec.overlap
        waiting = self._following.get(task)
        if rule is Overlap.REPLACE:
            current.ask_to_stop(RunState.CANCELLED, REPLACED)
            if current.started_at is None:
                self._active[task] = entry
                return "", current
            self._following[task] = entry
            return "", waiting
        if rule is Overlap.QUEUE_ONE and waiting is None:
            self._following[task] = entry
            return "", None
        if current.started_at is not None:
            how = f"is still running since {current.started_at:%H:%M:%S} UTC"
        elif current.not_before:
            how = f"waits for its try {current.attempt}"
        else:
            how = f"has waited in its queue since {current.queued_at:%H:%M:%S} UTC"
        return f"The run {current.run_id} of this task {how}{' and one more waits' if waiting else ''}.", None

    # -- stopping runs ---------------------------------------------------------------------------------------------

    def cancel(self, run_id: str) -> bool:
        """Ask a run to stop: one that waits ends at once, a running one at its next look.

        Returns:
            Whether the run was unfinished.
        """
        with self._lock:
            entry = self._by_id.get(run_id)
            if entry is None or entry.final is not None:
                return False
            running = entry.started_at is not None
            entry.ask_to_stop(RunState.CANCELLED, "Cancelled on request." if running else "Cancelled before it began.")
        if running:
            self._tell(entry)
        else:
            self._end_unbegun(entry)
        return True

    def _end_unbegun(self, entry: Entry) -> None:
        """End a run that was asked to stop before its first line, with the reason that was given first."""
        self._end(entry, Outcome(entry.stop_state or RunState.CANCELLED, entry.stop_reason))

    # -- doing the work --------------------------------------------------------------------------------------------

    def _execute(self, entry: Entry, worker: LaneWorker[Entry]) -> None:
        """On a pool thread: one run from its first to its last line."""
        with self._lock:
            stopped = entry.cancel.is_set()  # while it waited; it may be this instant, and not have its end yet
            if not stopped and entry.final is None:
                entry.worker = worker
                entry.started_mono = self._clock.monotonic()
                entry.started_at = self._clock.now()
        if entry.started_at is None:
            if stopped:
                self._end_unbegun(entry)
            return
        if entry.slot >= 0:
            self._inflight.started(entry.slot, entry.started_at.timestamp())
        self._limits.watch(entry.started_mono + entry.soft_limit_s)
        self._tell(entry)
        task = entry.spec.id
        entry.ctx = TaskContext(
            entry.run_id,
            task,
            self._services,
            self._loggers.get(task) or logging.getLogger(f"task.{task}"),
            entry.cancel,
            lambda progress: self._on_progress(entry, progress),
        )
        with bind(task, entry.run_id), damage_told_to(entry.ctx.warn):
            outcome = execute(entry.spec, entry.ctx, entry.params)
            if self.expectation is not None and outcome.state.is_success:
                outcome = self._compared(self.expectation, entry, entry.ctx, outcome)
        entry.returned = True
        if not self._end(entry, outcome):
            with self._lock:
                self._stuck.pop(entry.run_id, None)
            _log.warning("The stuck run %s of %s came back; what it returned is dropped.", entry.run_id, task)

    def _compared(self, expectation: Expectation, entry: Entry, ctx: TaskContext, outcome: Outcome) -> Outcome:
        now, task = self._clock.monotonic(), entry.spec.id
        took = now - entry.started_mono
        if not outcome.result and not ctx.files and not expectation.wants(task, now, took):
            return outcome
        ended = Ended(task, entry.params_json, outcome.result, took, len(ctx.files), self._clock.now())
        return compared(expectation, ctx, outcome, ended)

    def _on_progress(self, entry: Entry, progress: Progress) -> None:
        entry.progress = progress
        self._tell(entry)

    def _end(self, entry: Entry, outcome: Outcome) -> bool:
        """Fix the outcome of a run, let the next one begin, store and announce it.

        Returns:
            False when the run had ended before (it was given up, or cancelled at the same moment).
        """
        finished_mono, finished_at = self._clock.monotonic(), self._clock.now()
        with self._lock:
            if entry.final is not None:
                return False
            again, follower = self._next_in_line(entry, outcome)
            note = ""
            if again is not None:
                tries, pause = entry.spec.retries.attempts, entry.spec.retries.pause_after(entry.attempt)
                note = f"Try {again.attempt} of {tries} follows in {pause:g} s."
            run = entry.finish(outcome, finished_at, finished_mono, note)
        lane = self._lanes[entry.spec.queue]
        if follower is not None:
            lane.put(follower)
        if again is not None:
            self._announcer.add_news(again.view())
            self._limits.call_at(again.not_before, lambda: self._begin_try(again))
        self._history.add(run, self._stored, at_once=not lane.has_waiting())
        return True

    def _next_in_line(self, entry: Entry, outcome: Outcome) -> tuple[Entry | None, Entry | None]:
        """Free the task's place (lock held); returns (its next try, the run that followed it)."""
        task = entry.spec.id
        if self._following.get(task) is entry:
            del self._following[task]
            return None, None
        if self._active.get(task) is not entry:
            return None, None
        del self._active[task]
        follower = self._following.pop(task, None)
        if follower is not None:
            self._active[task] = follower
            return None, follower
        tries_left = entry.attempt < entry.spec.retries.attempts
        if not outcome.retry or not tries_left or self._stopping or entry.cancel.is_set():
            return None, None
        again = self._enter(entry.spec, entry.params, Trigger.RETRY, entry.due_at, entry.attempt + 1, None)
        again.not_before = self._clock.monotonic() + entry.spec.retries.pause_after(entry.attempt)
        self._next_try[entry.run_id] = again.run_id
        if len(self._next_try) > _MAX_CHAINS:
            del self._next_try[next(iter(self._next_try))]
        self._active[task] = again
        return again, None

    def _begin_try(self, entry: Entry) -> None:
        with self._lock:
            if entry.final is not None:  # cancelled during the pause
                return
            entry.not_before = 0.0
        self._lanes[entry.spec.queue].put(entry)

    # -- telling ---------------------------------------------------------------------------------------------------

    def _tell(self, entry: Entry) -> None:
        if self._announcer.watched and entry.final is None:
            self._announcer.add_news(entry.view())

    def _stored(self, run: Run) -> None:
        """The run is in the history: now it may be announced."""
        entry = self._by_id.pop(run.run_id, None)
        if entry is not None and entry.slot >= 0:
            if self._history.is_waiting(run.run_id):
                self._owed[run.run_id] = entry.slot  # no row yet: the journal goes on to know of it
                self._inflight.ended(entry.slot, run)
            else:
                self._inflight.give_back(entry.slot)
        with self._lock:
            waiters = self._waiters.pop(run.run_id, ())
        for waiter in waiters:
            waiter.run = run
            waiter.lock.release()
        self._announcer.finished(run)
        if entry is not None and entry.on_done is not None:
            entry.on_done(run)
        self._announcer.log_end(run)

    def _on_recovered(self, runs: Sequence[Run]) -> None:
        for run in runs:
            slot = self._owed.pop(run.run_id, None)
            if slot is not None:
                self._inflight.give_back(slot)

    def record(self, run: Run) -> None:
        """Store and announce a run that never reached a lane: a missed due time, a run cut off by a kill."""
        self._history.add(run, self._stored)

    def wait(self, run_id: str, timeout_s: float = -1, *, follow_retries: bool = False) -> Run | None:
        """Wait until the run is finished and stored.

        Args:
            timeout_s: At most so long; negative waits for good.
            follow_retries: Wait for the last try and return that one.

        Returns:
            The finished run, or None when the time ran out or there is no such run.
        """
        waiter = _Waiter()
        with self._lock:
            unfinished = run_id in self._by_id
            if unfinished:
                self._waiters.setdefault(run_id, []).append(waiter)
        if unfinished and not waiter.lock.acquire(timeout=timeout_s):
            return None
        next_try = self._next_try.get(run_id) if follow_retries else None
        if next_try is not None:
            return self.wait(next_try, timeout_s, follow_retries=True)
        return waiter.run or self._history.get(run_id)

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until every run that was asked for is stored; returns whether that came true in time."""
        deadline = self._clock.monotonic() + timeout_s
        with self._lock:
            pending = list(self._by_id)
        return all(self.wait(run_id, max(deadline - self._clock.monotonic(), 0.0)) is not None for run_id in pending)

    def unfinished(self, run_id: str) -> Run | None:
        """The run of that id while it is queued or running."""
        entry = self._by_id.get(run_id)
        return entry.view() if entry is not None and entry.final is None else None

    def snapshot(self) -> RunnerSnapshot:
        """All unfinished runs and all lanes."""
        with self._lock:
            entries = [entry for entry in list(self._by_id.values()) if entry.final is None]
            stuck = list(self._stuck.values())
        now = self._clock.monotonic()
        views = [entry.view() for entry in entries]
        lanes = []
        for queue, lane in self._lanes.items():
            mine = [entry for entry in entries if entry.spec.queue is queue]
            waits = [now - entry.queued_mono for entry in mine if entry.started_at is None and not entry.not_before]
            lanes.append(
                LaneStatus(
                    queue=queue,
                    width=lane.width,
                    running=sum(entry.started_at is not None for entry in mine),
                    queued=sum(entry.started_at is None for entry in mine),
                    oldest_wait_s=max(waits, default=0.0),
                    stuck=tuple(entry.final for entry in stuck if entry.final and entry.spec.queue is queue),
                )
            )
        return RunnerSnapshot(
            running=tuple(view for view in views if view.state is RunState.RUNNING),
            queued=tuple(view for view in views if view.state is RunState.QUEUED),
            lanes=tuple(lanes),
        )

    def set_widths(self, widths: Mapping[Queue, int]) -> None:
        """Change how many runs each queue may have at work."""
        for queue, width in widths.items():
            self._lanes[queue].set_width(width)

    # -- limits ----------------------------------------------------------------------------------------------------

    def enforce_limits(self) -> float | None:
        """Apply the time limits; returns the next instant (monotonic) to look again, None when nothing runs."""
        now = self._clock.monotonic()
        overdue: list[Entry] = []
        asked: list[Entry] = []
        looks: list[float] = []
        with self._lock:
            for entry in self._active.values():
                if entry.started_at is None:
                    continue
                hard_at, soft_at = entry.started_mono + entry.hard_limit_s, entry.started_mono + entry.soft_limit_s
                if now >= hard_at:
                    overdue.append(entry)
                    self._stuck[entry.run_id] = entry
                    continue
                if now >= soft_at and not entry.cancel.is_set():
                    reason = f"It took longer than its limit of {entry.soft_limit_s:g} s."
                    entry.ask_to_stop(RunState.TIMED_OUT, reason)
                    asked.append(entry)
                looks.append(hard_at if now >= soft_at else soft_at)
        for entry in asked:
            _log.warning("The run %s of %s is asked to stop: %s", entry.run_id, entry.spec.id, entry.stop_reason)
            self._tell(entry)
        for entry in overdue:
            self._give_up(entry)
        return min(looks, default=None)

    def _give_up(self, entry: Entry) -> None:
        """The hard limit: the run is over whether its thread comes back or not."""
        entry.cancel.set()
        outcome = Outcome(
            RunState.TIMED_OUT,
            f"It did not end within its hard limit of {entry.hard_limit_s:g} s, nor when it was asked to stop.",
            "Its queue goes on with another thread. If this repeats, restart Metronome and look at the run's log.",
        )
        if not self._end(entry, outcome):  # it came back at the last moment
            with self._lock:
                self._stuck.pop(entry.run_id, None)
        elif entry.worker is not None and not entry.returned:
            self._lanes[entry.spec.queue].abandon(entry.worker)

    # -- the end ---------------------------------------------------------------------------------------------------

    def stop(self, timeout_s: float = 5.0) -> tuple[Run, ...]:
        """Take no new runs, ask all to stop, wait; what does not end in time is ``interrupted``.

        Returns:
            The runs whose threads did not come back: the process must then end without waiting for them.
        """
        with self._lock:
            self._stopping = True
            entries = [entry for entry in list(self._by_id.values()) if entry.final is None]
            for entry in entries:
                begun = entry.started_at is not None
                reason = "Stopped because Metronome was closed." if begun else "Metronome was closed before it began."
                entry.ask_to_stop(RunState.INTERRUPTED, reason)
        for entry in entries:
            if entry.started_at is None:
                self._end_unbegun(entry)
        deadline = self._clock.monotonic() + timeout_s
        for entry in entries:
            if self.wait(entry.run_id, max(deadline - self._clock.monotonic(), 0.0)) is None:
                reason = "Metronome was closed while it ran, and it did not stop in time."
                self._end(entry, Outcome(RunState.INTERRUPTED, reason))
        self._limits.stop()
        lost = [entry for entry in (*entries, *self._stuck.values()) if entry.worker and not entry.returned]
        for lane in self._lanes.values():
            lane.close(0.0 if any(entry.spec.queue is lane.queue for entry in lost) else 2.0)
        return tuple(entry.final for entry in lost if entry.final is not None)


def validated_params(spec: TaskSpec, params: TaskParams | Mapping[str, Any] | None) -> TaskParams:
    """``params`` as the task's own model; texts from forms and the command line become what the model says.

    Raises:
        UserAction: a name is unknown, a value is missing or out of bounds; the advice names each.
    """
    if isinstance(params, spec.params):
        return params
    try:
        return spec.params.model_validate({} if params is None else params)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'parameters'}: {fault['msg']}"
            for fault in error.errors()
        )
        known = ", ".join(spec.params.model_fields) or "none"
        raise UserAction(
            f"The parameters of {spec.id} do not fit ({faults}).", advice=f"Parameters of this task: {known}."
        ) from None
