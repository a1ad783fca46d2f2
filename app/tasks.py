"""What a task is: a frozen specification and a function; and what the function gets to work with."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import BaseModel, ConfigDict

from app.errors import Cancelled, UserAction
from app.likeness import nearest
from app.runs import Progress

if TYPE_CHECKING:
    import logging

    from app.clock import Clock
    from app.expectation import Maker
    from app.http import Http
    from app.settings import Settings
    from app.storage import Storage
    from app.terminal.session import Session


class Queue(StrEnum):
    """The four lanes. Each is a thread pool of its own, so that none waits for another."""

    AI_EVALUATION = "ai_evaluation"
    DATA_COLLECTION = "data_collection"
    MAINTENANCE = "maintenance"
    MONITORING = "monitoring"


class Overlap(StrEnum):
    """What happens to a run that is asked for while the task is still running."""

    SKIP = "skip"  # the new one is recorded as skipped
    QUEUE_ONE = "queue_one"  # one waits, further ones are skipped
    REPLACE = "replace"  # the running one is asked to stop, the new one follows it


class CatchUp(StrEnum):
    """What happens at start-up and after sleep to due times that went by unattended."""

    SKIP = "skip"  # recorded as missed
    RUN_ONCE = "run_once"  # one run makes up for all of them
    LATEST_ONLY = "latest_only"  # the latest is run if it is younger than one period; older ones are missed


class TaskParams(BaseModel):
    """Base of all parameter models. Frozen; unknown names are refused; units are in the descriptions."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TaskResult(BaseModel):
    """Base of all result models: counts and findings, never a success flag."""

    model_config = ConfigDict(frozen=True)

    def summary(self) -> str:
        """The result as one human sentence with its counts; each task overrides it."""
        return ""


class NoParams(TaskParams):
    """For tasks that take none."""


@dataclass(frozen=True, slots=True)
class Retries:
    """Bounded exponential back-off: pause before try n+1 is ``base_s * 2**(n-1)``, at most ``max_s``."""

    attempts: int = 1
    base_s: float = 2.0
    max_s: float = 60.0

    def pause_after(self, attempt: int) -> float:
        """Seconds to wait after the failed try number ``attempt`` (1 is the first)."""
        return float(min(self.base_s * 2 ** (attempt - 1), self.max_s))


@dataclass(frozen=True, slots=True)
class GateAnswer:
    """Whether a precondition holds; when not, the reason and when to expect it to."""

    blocked: bool
    reason: str = ""
    until: datetime | None = None
    advice: str = ""


OPEN = GateAnswer(blocked=False)


class Gate(Protocol):
    """A precondition of a task, asked right before each run on the run's own thread."""

    def check(self, ctx: TaskContext) -> GateAnswer: ...


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """The definition of a task as data. Forms, table rows, menu entries and commands are made from it.

    Attributes:
        id: The name in settings, files and commands, for example ``collect_market_data``.
        title: What the window calls it, for example ``Collect market data``.
        run: ``run(ctx, params) -> result``; called on a worker thread of the task's queue.
        schedule: The default schedule as text (see ``app.schedule``), for example ``*/5 * * * *``,
            ``every 30 s``, ``daily 02:00``, ``weekly sun 05:00`` or ``manual``.
        soft_limit_s: After this long the run is asked to stop (``ctx.check_cancelled()`` raises).
        hard_limit_s: After this long the run is ``timed_out`` whether it stopped or not.
        on_start: Runs once when the window opens, so that a newcomer sees results at once.
        terminal: The task talks to the terminal; shown as such, and checked by the gates.
    """

    id: str
    title: str
    description: str
    queue: Queue
    run: Callable[[TaskContext, Any], TaskResult]
    params: type[TaskParams] = NoParams
    result: type[TaskResult] = TaskResult
    schedule: str = "manual"
    soft_limit_s: float = 60.0
    hard_limit_s: float = 120.0
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.SKIP
    retries: Retries = Retries()
    gates: Sequence[Gate] = ()
    on_start: bool = False
    terminal: bool = False


Question = Callable[["Services", Mapping[str, Any]], dict[str, Any]]


class Registry:
    """All tasks by id, in the order in which they are shown.

    Args:
        questions: What can be asked of a running engine without a run, by name: plain values in, plain values out.

    Attributes:
        expects: Makes what knows how successful runs usually are; None: nobody compares them.
    """

    def __init__(
        self,
        specs: Sequence[TaskSpec] = (),
        questions: Mapping[str, Question] | None = None,
        expects: Maker | None = None,
    ) -> None:
        self.expects = expects
        self._specs: dict[str, TaskSpec] = {}
        self.questions: Mapping[str, Question] = questions or {}
        for spec in specs:
            self.add(spec)

    def add(self, spec: TaskSpec) -> None:
        """Add a task.

        Raises:
            ValueError: a task of that id is there already.
        """
        if spec.id in self._specs:
            msg = f"Two tasks are named {spec.id}"
            raise ValueError(msg)
        self._specs[spec.id] = spec

    def get(self, task_id: str) -> TaskSpec:
        """The task of that id.

        Raises:
            UserAction: there is none; the advice names the nearest and all known ones.
        """
        try:
            return self._specs[task_id]
        except KeyError:
            near = nearest(task_id, self._specs)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise UserAction(
                f"There is no task named {task_id!r}.", advice=f"{hint}Known tasks: {', '.join(self._specs)}."
            ) from None

    def __iter__(self) -> Iterator[TaskSpec]:
        return iter(self._specs.values())

    def __len__(self) -> int:
        return len(self._specs)

    def __contains__(self, task_id: object) -> bool:
        return task_id in self._specs


class Services(Protocol):
    """What the engine lends to tasks; the same for every run."""

    @property
    def clock(self) -> Clock: ...
    @property
    def storage(self) -> Storage: ...
    @property
    def terminal(self) -> Session: ...
    @property
    def http(self) -> Http: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def engine_facts(self) -> Callable[[], dict[str, Any]]: ...


class TaskContext:
    """All that a task may touch during one run: nothing is global.

    Thread: used by the run's own thread; ``progress`` and ``warn`` may be called from helpers of the run too.
    """

    __slots__ = (
        "_cancel",
        "_publish",
        "_services",
        "files",
        "log",
        "run_id",
        "task_id",
        "warnings",
    )

    #: Reason given when the runner asks a task to stop.
    STOPPED: ClassVar[str] = "Stopped on request."

    def __init__(
        self,
        run_id: str,
        task_id: str,
        services: Services,
        log: logging.Logger | logging.LoggerAdapter[Any],
        cancel: threading.Event | CancelFlag,
        publish: Callable[[Progress], None],
    ) -> None:
        self.run_id = run_id
        self.task_id = task_id
        self.log = log
        self.warnings: list[str] = []
        self.files: list[str] = []
        self._services = services
        self._cancel = cancel
        self._publish = publish

    @property
    def clock(self) -> Clock:
        """The injected clock."""
        return self._services.clock

    @property
    def settings(self) -> Settings:
        """The settings as they were when asked for: a frozen tree."""
        return self._services.settings

    @property
    def terminal(self) -> Session:
        """The one owner of the terminal connection."""
        return self._services.terminal

    @property
    def storage(self) -> Storage:
        """Files inside the home folder."""
        return self._services.storage

    @property
    def http(self) -> Http:
        """The network, with caps and time limits."""
        return self._services.http

    @property
    def engine_facts(self) -> dict[str, Any]:
        """Facts of the running engine for the health check (lanes, timetable, history)."""
        return self._services.engine_facts()

    def progress(self, done: int, total: int, text: str = "") -> None:
        """Tell how far the run has come; also a place where a cancelled run stops.

        Raises:
            Cancelled: the run was asked to stop.
        """
        self.check_cancelled()
        self._publish(Progress(done, total, text))

    def check_cancelled(self) -> None:
        """Stop here if the run was asked to.

        Raises:
            Cancelled: the run was asked to stop.
        """
        if self._cancel.is_set():
            raise Cancelled(self.STOPPED)

    @property
    def cancelled(self) -> bool:
        """Whether the run was asked to stop."""
        return self._cancel.is_set()

    def warn(self, sentence: str) -> None:
        """Note a trouble that does not cost the run: it becomes ``succeeded_with_warnings``."""
        self.warnings.append(sentence)
        self.log.warning("%s", sentence)

    def compute(
        self, work: Callable[..., Any], *args: Any, limit_s: float = 3600.0, grace_s: float | None = None
    ) -> Any:
        """Run ``work(report, *args)`` in a spawned process; see ``app.workprocess.run_in_process``."""
        from app.workprocess import run_in_process

        return run_in_process(self, work, *args, limit_s=limit_s, grace_s=grace_s)

    def wrote(self, path: Path) -> None:
        """Note a file that this run wrote."""
        name = self.storage.relative(path)
        if name not in self.files:
            self.files.append(name)


class CancelFlag:
    """A flag that one thread sets and another looks at; cheaper than an Event, which nobody waits on here."""

    __slots__ = ("_set",)

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        """Ask to stop."""
        self._set = True

    def is_set(self) -> bool:
        """Whether somebody asked."""
        return self._set
