"""The process that owns a home: a running engine, and what other processes may ask of it.

The same questions are asked by the command line in this process when nobody owns the home yet, so that both ways
give the same answers.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import ipc
from app.errors import UserAction
from app.runs import Run, RunState, Trigger, iso

if TYPE_CHECKING:
    from app.engine import Engine
    from app.tasks import TaskSpec
    from app.timetable import TaskTiming

#: How often a waiting client hears how far its run is.
EVENT_S = 0.25
#: A client hears at least this often that the run goes on.
KEEP_ALIVE_S = 2.0
#: How long a run has to stop after it was asked to.
GRACE_S = 10.0
#: How long a question about symbols waits for the terminal.
CONNECT_S = 15.0
MAX_RUNS = 100_000


@dataclass(frozen=True, slots=True)
class RunEvent:
    """What a client hears while its run is unfinished."""

    run_id: str
    state: str
    done: int = 0
    total: int = 0
    text: str = ""


class Desk:
    """Answers the questions of ``run``, ``tasks``, ``runs``, ``settings set`` and of a second window.

    Args:
        engine: A started engine.
        on_show: Raises the window; None where there is none.

    Thread: every method may be called from any thread.
    """

    def __init__(self, engine: Engine, on_show: Callable[[], None] | None = None) -> None:
        self._engine = engine
        self._on_show = on_show
        self._closing = threading.Event()
        self._operations: dict[str, Callable[[Mapping[str, Any], ipc.Send], object]] = {
            "ping": self._ping,
            "time": self._time,
            "run": self._run,
            "cancel": self._cancel,
            "tasks": self._tasks,
            "runs": self._runs,
            "settings_set": self._settings_set,
            "symbols": self._symbols,
            "bundle": self._bundle,
            "show": self._show,
        }
        self._lock = threading.Lock()
        self._busy = 0

    @property
    def busy(self) -> bool:
        """Whether a question is being answered right now."""
        return self._busy > 0

    def close(self) -> None:
        """Let those who wait for a run go."""
        self._closing.set()

    def answer(self, op: str, args: Mapping[str, Any], send_event: ipc.Send) -> object:
        """Answer one question with plain JSON values.

        Raises:
            MetronomeError: the question is refused.
        """
        operation = self._operations.get(op) or self._question(op)
        if operation is None:
            raise UserAction(
                f"The Metronome that has this home open does not know {op!r}.",
                advice="It is of another version: restart it.",
            )
        with self._lock:
            self._busy += 1
        try:
            return operation(args, send_event)
        finally:
            with self._lock:
                self._busy -= 1

    def _question(self, op: str) -> Callable[[Mapping[str, Any], ipc.Send], object] | None:
        question = self._engine.registry.questions.get(op)
        return None if question is None else lambda args, _send_event: question(self._engine.services, args)

    def _run(self, args: Mapping[str, Any], send_event: ipc.Send) -> object:
        runner = self._engine.runner
        run_id = runner.submit(str(args["task"]), dict(args.get("params", {})), Trigger.CLI).run_id
        send_event(asdict(RunEvent(run_id, RunState.QUEUED.value)))
        try:
            return self._follow(run_id, send_event).as_json()
        except KeyboardInterrupt:  # Reaches the main thread only: a one-shot run whose user pressed Ctrl+C.
            return self._cancel({"run_id": run_id}, send_event)

    def _follow(self, run_id: str, send_event: ipc.Send) -> Run:
        runner = self._engine.runner
        told, told_at = None, time.monotonic()
        while (run := runner.wait(run_id, EVENT_S, follow_retries=True)) is None:
            if self._closing.is_set():
                raise ipc.IpcError(
                    f"Metronome is closing; the run {run_id} may not have ended.",
                    advice="python main.py runs shows its outcome.",
                )
            event = event_of(run_id, runner.unfinished(run_id))
            if event != told or time.monotonic() - told_at > KEEP_ALIVE_S:
                told, told_at = event, time.monotonic()
                send_event(asdict(event))
        return run

    def _cancel(self, args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        runner, run_id = self._engine.runner, str(args["run_id"])
        runner.cancel(run_id)
        run = runner.wait(run_id, GRACE_S) or runner.unfinished(run_id)
        if run is None:
            raise UserAction(f"There is no run {run_id}.", advice="python main.py runs lists them.")
        return run.as_json()

    def _ping(self, _args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        return {}

    def _time(self, _args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        return {"now": iso(self._engine.clock.now())}

    def _tasks(self, _args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        timings = self._engine.timetable.snapshot().tasks
        rows = []
        for spec in self._engine.registry:
            timing = timings.get(spec.id) or self._planned(spec)
            last = self._engine.history.last(spec.id)
            rows.append(
                {
                    "id": spec.id,
                    "title": spec.title,
                    "description": spec.description,
                    "queue": spec.queue.value,
                    "schedule": timing.schedule_text,
                    "timezone": timing.timezone,
                    "enabled": timing.enabled,
                    "next_run": iso(timing.next_run),
                    "why_not": timing.why_not,
                    "problem": timing.problem,
                    "last_run": last.as_json() if last else None,
                }
            )
        return rows

    def _planned(self, spec: TaskSpec) -> TaskTiming:
        """When the timetable would run a task if it were keeping time, as in a running Metronome."""
        from app.schedule import Schedule, ScheduleError
        from app.timetable import DISABLED_REASON, PAUSED_REASON, TaskTiming

        settings = self._engine.settings.current
        chosen = settings.task(spec.id)
        zone = chosen.timezone or "UTC"
        try:
            schedule, problem = Schedule.parse(chosen.schedule or spec.schedule, zone), ""
        except ScheduleError as error:
            schedule, problem = Schedule.parse(spec.schedule), str(error)
        enabled, paused = chosen.enabled is not False, settings.timetable.paused
        next_run = schedule.next_after(self._engine.clock.now()) if enabled and not paused else None
        why_not = ""
        if schedule.is_manual:
            why_not = "Runs on demand only."
        elif next_run is None:
            why_not = PAUSED_REASON if enabled else DISABLED_REASON
        return TaskTiming(
            spec.id,
            enabled,
            schedule.text,
            schedule.describe(),
            schedule.zone,
            spec.catch_up,
            next_run,
            why_not,
            problem,
        )

    def _runs(self, args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        from app.history import RunFilter

        task, state = args.get("task") or "", args.get("state") or ""
        if task:
            self._engine.registry.get(task)
        wanted = RunFilter(task=task, states=(RunState(state),) if state else ())
        limit = max(1, min(int(args.get("limit", 50)), MAX_RUNS))
        unfinished = self._engine.runner.snapshot()
        now = [
            run
            for run in (*unfinished.queued, *unfinished.running)
            if (not task or run.task == task) and (not state or run.state.value == state)
        ]
        known = {run.run_id for run in now}
        stored = [run for run in self._engine.history.page(wanted, limit) if run.run_id not in known]
        return [run.as_json() for run in [*now, *stored][:limit]]

    def _settings_set(self, args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        self._engine.settings.set(str(args["key"]), args["value"])
        return {}

    def _symbols(self, args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        from app.terminal.symbols import SymbolNames

        engine = self._engine
        engine.terminal.ensure_connected(CONNECT_S)
        names = SymbolNames(engine.terminal, engine.storage, engine.clock)
        action, wanted = str(args.get("action", "list")), str(args.get("symbol", ""))
        if action == "confirm":
            found = [names.confirm(wanted, str(args["name"]))]
        else:
            if action == "forget" and not names.forget(wanted):
                raise UserAction(
                    f"No name is confirmed for {wanted!r} on {names.server}.",
                    advice="python main.py symbols lists them.",
                )
            asked = (wanted,) if wanted else engine.settings.current.market.watch_list
            found = [names.look(symbol) for symbol in asked]
        return {"server": names.server, "symbols": [item.as_document() for item in found]}

    def _bundle(self, args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        from app.bundle import make
        from app.bundle_parts import Source

        engine = self._engine
        source = Source(engine.paths, engine.settings.current, engine.clock.now(), engine)
        made = make(source, Path(str(args["file"])) if args.get("file") else None, "request")
        return {"file": str(made.path), "bytes": made.bytes, "missing": dict(made.missing)}

    def _show(self, _args: Mapping[str, Any], _send_event: ipc.Send) -> object:
        if self._on_show is not None:
            self._on_show()
        return {"shown": self._on_show is not None}


class Owner:
    """An engine together with the channel through which other processes reach it.

    Attributes:
        left_behind: After ``stop``: a thread of the engine did not come back, and the process must end without it.
    """

    def __init__(self, engine: Engine, on_show: Callable[[], None] | None = None) -> None:
        self.engine = engine
        self.desk = Desk(engine, on_show)
        self.left_behind = False
        self._server = ipc.Server(ipc.owner_file(engine.paths.lock_file), self.desk.answer)

    def start(self, *, schedule: bool, first_runs: bool = False) -> None:
        """Start the engine, then listen.

        Raises:
            MetronomeError: the engine cannot start.
        """
        try:
            self.engine.start(schedule=schedule, first_runs=first_runs)
            self._server.start()
        except BaseException:
            self.stop()
            raise

    def stop(self, timeout_s: float = GRACE_S) -> None:
        """Stop listening, then the engine; idempotent."""
        self.desk.close()
        self._server.stop()
        self.left_behind = not self.engine.stop(timeout_s) or self.left_behind

    def wait_until_unasked(self) -> None:
        """Wait until nobody is being answered: a one-shot run does not cut off those who joined it."""
        while self.desk.busy:
            time.sleep(EVENT_S)


def event_of(run_id: str, run: Run | None) -> RunEvent:
    """How far an unfinished run is; one that is between two tries counts as queued."""
    if run is None:
        return RunEvent(run_id, RunState.QUEUED.value)
    if run.progress is None:
        return RunEvent(run_id, run.state.value)
    return RunEvent(run_id, run.state.value, run.progress.done, run.progress.total, run.progress.text)
