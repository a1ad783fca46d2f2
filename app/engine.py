"""Engine: builds, starts and stops everything, in order; the only place where the parts are put together."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.clock import Clock, RehearsalClock, SystemClock
from app.files import FolderLock, StorageError, clean_leftovers
from app.history import RunHistory
from app.http import Http
from app.inflight import Inflight, Unfinished
from app.interpreter import share_fairly
from app.likeness import nearest
from app.log import active as active_logs
from app.paths import Paths
from app.recorder import Recorder
from app.runner import Runner
from app.runs import Run, RunState, Trigger, iso
from app.samples import Sample, Sampler, held_memory_mb
from app.settings import Settings
from app.settings_store import SettingsStore
from app.storage import Storage
from app.tasks import Queue, Registry
from app.terminal import build_host, build_session, rehearsal_start, session_options
from app.terminal.fault_options import switches
from app.terminal.outages import OutageLog
from app.terminal.server_memory import ServerMemory, recalling
from app.terminal.session import Session
from app.timetable import Timetable

_log = logging.getLogger(__name__)

#: A change of settings.toml counts after so many seconds. A look costs some 10 microseconds.
LOOK_S: Final = 2.0

#: Settings of the terminal that take effect at once: the session connects anew.
_TERMINAL_NOW = frozenset(f"terminal.{name}" for name in ("host", "path", "login", "server"))


@dataclass(slots=True)
class _Services:
    """What runs get lent."""

    clock: Clock
    storage: Storage
    terminal: Session
    http: Http
    engine_facts: Callable[[], dict[str, Any]]
    store: SettingsStore

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self.store.current


class Engine:
    """Everything without a window.

    Args:
        paths: Where the home folder is.
        settings: A loaded store.
        registry: All tasks.
        clock: The time; by default the computer's, or that of the replay when the simulated terminal replays a
            past market.

    Raises:
        AlreadyOwned: another process works in this home.
    """

    def __init__(self, paths: Paths, settings: SettingsStore, registry: Registry, clock: Clock | None = None) -> None:
        self.paths = paths
        self.settings = settings
        self.registry = registry
        self.clock = clock or clock_for(settings.current)
        self.problems: list[str] = [*settings.problems, *_strangers(settings, registry)]
        self.window_lag_ms: Callable[[], float | None] = lambda: None
        #: For how long the window was held at worst within the last so many seconds; None when it was not in sight.
        self.recent_lag_ms: Callable[[float], float | None] = lambda _seconds: None
        paths.create()
        self._lock = FolderLock(paths.lock_file)
        self._lock.acquire()
        try:
            clean_leftovers(paths.data)
            clean_leftovers(paths.logs)
            self._build()
        except BaseException:
            self._lock.release()
            raise
        self._stopped = False

    def _build(self) -> None:
        current = self.settings.current
        self.storage = Storage(self.paths, self.clock)
        self.history = RunHistory(
            self.paths.database,
            self.clock,
            keep_days=current.history.keep_days,
            keep_rows=current.history.keep_rows,
            wall=SystemClock() if isinstance(self.clock, RehearsalClock) else self.clock,
        )
        self.problems.extend(self.history.notices)
        self._inflight = Inflight(self.paths.database.with_suffix(".inflight"))
        if self._inflight.problem:
            self.problems.append(self._inflight.problem)
        self.http = Http()
        self._terminal_at_start = current.terminal
        outages = OutageLog(self.storage, self.paths.outages_file)
        self.terminal = build_session(current.terminal, self.clock, outages)
        self.terminal.known_rule = recalling(ServerMemory(self.storage))
        self.services = _Services(self.clock, self.storage, self.terminal, self.http, self.facts, self.settings)
        self.runner = Runner(self.registry, self.services, self.history, self._inflight, self.clock, _widths(current))
        if self.registry.expects is not None:
            self.runner.expectation = self.registry.expects(self.history, self.settings, self.storage)
        self.timetable = Timetable(self.registry, self.runner, self.history, self.settings, self.clock)
        self.recorder = Recorder(self.clock)
        self.runner.subscribe(self.recorder.run_ended)
        self.terminal.on_call(self.recorder.call_ended)
        self.terminal.subscribe(self.recorder.terminal_changed)
        self.sampler = Sampler(self.paths.health_checks, self.clock, self._measure)
        self._forget_sampler = self.runner.subscribe(self.sampler.note_run)
        self._settings_seen = _stamp(self.paths.settings_file)
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="engine-watch", daemon=True)
        self._forget = self.settings.subscribe(self._on_settings)

    # -- life ------------------------------------------------------------------------------------------------------

    def start(self, *, schedule: bool = True, first_runs: bool = False) -> None:
        """Begin to work.

        Args:
            schedule: Keep time; False for a single run from the command line.
            first_runs: Run the tasks at once that want to run at start-up.
        """
        share_fairly()
        for problem in _strangers(self.settings, self.registry):
            _log.warning("%s", problem)
        if self._inflight.problem:
            _log.warning("%s", self._inflight.problem)
        self._tell_what_a_kill_left()
        if schedule:  # whoever only asks or runs once forgets nothing before a row of its own is stored
            self.history.prune_soon()
        self.terminal.start()
        self._watcher.start()
        at_start = [spec.id for spec in self.registry if spec.on_start] if first_runs else []
        if schedule:
            self.timetable.start(made_up_elsewhere=frozenset(at_start))
        if not self.settings.current.timetable.paused:
            for task in at_start:
                self.runner.submit(task, None, Trigger.STARTUP)

    def _tell_what_a_kill_left(self) -> None:
        """Runs that had no row in the history when the last process ended get it now.

        Those that were queued or running are ``interrupted``; those whose row the disk refused ended as they did.
        """
        now = self.clock.now()
        for run in self._inflight.left_behind:
            if self.history.get(run.run_id) is None:
                self.runner.record(_told(run, now))
        self._inflight.forget_left_behind()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """Stop everything; unfinished runs are asked to stop and become ``interrupted``. Idempotent.

        Returns:
            Whether every thread came back. When not, the process must end without waiting for them (``os._exit``).
        """
        if self._stopped:
            return True
        self._stopped = True
        self._closing.set()
        if self._watcher.ident is not None:
            self._watcher.join()
        self._forget()
        self._forget_sampler()
        self.timetable.stop()
        self.sampler.close()
        stuck = self.runner.stop(timeout_s)
        for run in stuck:
            _log.error("The run %s of %s did not stop; its thread is left behind.", run.run_id, run.task)
        ended = self.terminal.stop(timeout_s=2.0)
        self.http.close()
        self.history.close()
        self._inflight.close()
        self._lock.release()
        return ended and not stuck

    # -- facts -----------------------------------------------------------------------------------------------------

    def facts(self) -> dict[str, Any]:
        """What the health check wants to know of the engine, as plain values (one is a function: it takes long)."""
        runner, timetable, history = self.runner.snapshot(), self.timetable.snapshot(), self.history.facts()
        return {
            "lanes": [
                {
                    "queue": lane.queue.value,
                    "width": lane.width,
                    "running": lane.running,
                    "queued": lane.queued,
                    "oldest_wait_s": lane.oldest_wait_s,
                    "stuck": [
                        {"run_id": run.run_id, "task": run.task, "since": iso(run.started_at)} for run in lane.stuck
                    ],
                }
                for lane in runner.lanes
            ],
            "timetable": {
                "heartbeat": iso(timetable.heartbeat),
                "paused": timetable.paused,
                "lateness_p99_s": timetable.lateness_p99_s,
                "jobs": sum(timing.next_run is not None for timing in timetable.tasks.values()),
                "problems": [timing.problem for timing in timetable.tasks.values() if timing.problem],
            },
            "history": {
                "rows": history.rows,
                "bytes": history.bytes,
                "waiting": history.waiting,
                "ok": not history.problem,
                "problem": history.problem,
                "file_id": history.file_id,
                "aside": [{"file": name, "at": iso(moment)} for name, moment in history.aside],
                "check_integrity": self.history.check_integrity,
            },
            "window_lag_ms": self.window_lag_ms(),
            "threads": threading.active_count(),
        }

    def _watch(self) -> None:
        while not self._closing.wait(LOOK_S):
            self.look()

    def look(self) -> None:
        """What is to be done every few seconds: settings that somebody edited, the recorder, a sample for Health."""
        self.reload_edited_settings()
        if self.recorder.wants_queues:
            self.recorder.queues(self.runner.snapshot().lanes)
        self.sampler.look()

    def _measure(self, seconds: float) -> Sample:
        """What the plots of the Health page show, as it is now."""
        status = self.terminal.status
        try:
            free: float | None = self.storage.free_bytes() / 1e9
        except StorageError:
            free = None
        return Sample(
            ping_ms=status.ping_ms if status.connected else None,
            queued=float(sum(lane.queued for lane in self.runner.snapshot().lanes)),
            memory_mb=held_memory_mb(),
            lag_ms=self.recent_lag_ms(seconds),
            free_gb=free,
        )

    def reload_edited_settings(self) -> None:
        """Look whether somebody edited settings.toml, and take over what can be without a restart."""
        stamp = _stamp(self.paths.settings_file)
        if stamp == self._settings_seen:
            return
        self._settings_seen = stamp
        changed = self.settings.reload()
        if changed:
            _log.info("settings.toml was edited: %s", ", ".join(sorted(changed)))

    def _on_settings(self, changed: frozenset[str], settings: Settings) -> None:
        if any(key.startswith("queues.") for key in changed):
            self.runner.set_widths(_widths(settings))
        self._change_terminal(changed, settings)
        logs = active_logs()
        if logs is not None:
            logs.apply(settings)
        self.history.keep_days = settings.history.keep_days
        self.history.keep_rows = settings.history.keep_rows

    def _change_terminal(self, changed: frozenset[str], settings: Settings) -> None:
        self.terminal.set_call_limit(settings.terminal.call_timeout_s)
        # Which terminal it is, and the market of a simulated one, stay as they were until the next start.
        start, faults = self._terminal_at_start, settings.terminal.simulated.faults
        if start.kind == "simulated" and any(key.startswith("terminal.simulated.faults.") for key in changed):
            self.terminal.set_faults(**switches(faults))
        if not changed & _TERMINAL_NOW:
            return
        simulated = start.simulated.model_copy(update={"faults": faults})
        fixed = {"kind": start.kind, "server_time": start.server_time, "simulated": simulated}
        wanted = settings.terminal.model_copy(update=fixed)
        self.terminal.use(build_host(wanted, self.clock), session_options(wanted))


def _told(run: Unfinished, now: datetime) -> Run:
    """The row of a run that the last process left without one."""
    was = "was running" if run.started_at else "was waiting in its queue"
    told = Run(
        run_id=run.run_id,
        task=run.task,
        state=RunState.INTERRUPTED,
        trigger=run.trigger,
        queued_at=run.queued_at,
        started_at=run.started_at,
        finished_at=now,
        due_at=run.due_at,
        attempt=run.attempt,
        params=run.params,
        reason=f"Metronome ended without notice (a kill, a crash or a power cut) while the run {was}.",
        advice="Files are whole: each was written completely or not at all. Run it again if you need it.",
    )
    if run.ended is None:
        return told
    return replace(
        told,
        state=run.ended.state,
        finished_at=run.ended.finished_at,
        duration_s=run.ended.duration_s,
        reason=run.ended.reason,
        summary=run.ended.summary,
        advice="Its whole result was not kept: the history could not be written when it ended.",
    )


def _strangers(store: SettingsStore, registry: Registry) -> Iterator[str]:
    """A problem for each task that the settings name and nobody knows."""
    for name in store.current.tasks:
        if name not in registry:
            near = nearest(name, (spec.id for spec in registry))
            hint = f" Did you mean {near[0]}?" if near else ""
            yield f"{store.path}: there is no task named {name!r}; its settings are not used.{hint}"


def _stamp(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size


def _widths(settings: Settings) -> Mapping[Queue, int]:
    return {queue: getattr(settings.queues, queue.value) for queue in Queue}


def clock_for(settings: Settings) -> Clock:
    """The clock that an engine lives by: the computer's, or that of the market that is replayed."""
    if settings.terminal.kind != "simulated":
        return SystemClock()
    start: datetime | None = rehearsal_start(settings.terminal)
    return RehearsalClock(start.astimezone(UTC)) if start else SystemClock()
