"""A run on its way through the runner: the mutable thing behind the frozen ``Run``."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from app.execution import Outcome
from app.lanes import LaneWorker
from app.runs import Progress, Run, RunState, Trigger, one_line, shortened
from app.tasks import CancelFlag, TaskContext, TaskParams, TaskSpec

#: What a row keeps of a sentence, and of a traceback, in characters: an exception may carry a whole response.
_SENTENCE: Final = 2_000
_TRACEBACK: Final = 50_000
_MAX_WARNINGS: Final = 1_000


@dataclass(slots=True, eq=False)
class Entry:
    """One run from its request to its row in the history.

    Thread: changed by its pool thread and by whoever holds the runner's lock, never by both at once.
    """

    run_id: str
    spec: TaskSpec
    params: TaskParams
    params_json: Mapping[str, Any]
    trigger: Trigger
    queued_at: datetime
    queued_mono: float
    due_at: datetime | None
    attempt: int
    on_done: Callable[[Run], None] | None
    slot: int
    soft_limit_s: float
    hard_limit_s: float
    cancel: CancelFlag = field(default_factory=CancelFlag)
    stop_state: RunState | None = None  # what it becomes if it heeds the request to stop
    stop_reason: str = ""
    started_at: datetime | None = None
    started_mono: float = 0.0
    not_before: float = 0.0  # monotonic; a next try waits for it
    progress: Progress | None = None
    ctx: TaskContext | None = None
    worker: LaneWorker[Entry] | None = None
    returned: bool = False  # the task's function came back
    final: Run | None = None

    def ask_to_stop(self, state: RunState, reason: str) -> None:
        """Ask the task to stop; the first reason counts."""
        if not self.cancel.is_set():
            self.stop_state, self.stop_reason = state, reason
            self.cancel.set()

    def lateness_s(self) -> float | None:
        """Start minus due, in seconds; None for a run without a due time."""
        if self.due_at is None or self.started_at is None:
            return None
        return (self.started_at - self.due_at).total_seconds()

    def view(self) -> Run:
        """The unfinished run as others may see it."""
        return Run(
            run_id=self.run_id,
            task=self.spec.id,
            state=RunState.RUNNING if self.started_at else RunState.QUEUED,
            trigger=self.trigger,
            queued_at=self.queued_at,
            reason=self.stop_reason,
            started_at=self.started_at,
            due_at=self.due_at,
            lateness_s=self.lateness_s(),
            attempt=self.attempt,
            params=self.params_json,
            cancelling=self.cancel.is_set(),
            progress=self.progress,
        )

    def finish(self, outcome: Outcome, finished_at: datetime, finished_mono: float, note: str = "") -> Run:
        """Fix the outcome; ``note`` is added to the reason."""
        state, reason = outcome.state, outcome.reason
        if outcome.stopped and self.stop_state is not None:
            state, reason = self.stop_state, self.stop_reason
        ctx = self.ctx
        self.final = Run(
            self.run_id,
            self.spec.id,
            state,
            self.trigger,
            self.queued_at,
            f"{_sentence(reason)} {note}" if note else _sentence(reason),
            _sentence(outcome.advice),
            self.started_at,
            finished_at,
            self.due_at,
            finished_mono - self.started_mono if self.started_at else None,
            self.lateness_s(),
            self.attempt,
            self.params_json,
            outcome.result,
            _sentence(outcome.summary),
            _few(ctx.warnings) if ctx and ctx.warnings else (),
            tuple(ctx.files) if ctx and ctx.files else (),
            shortened(outcome.error, _TRACEBACK),
        )
        return self.final


def _sentence(text: str) -> str:
    return one_line(shortened(text, _SENTENCE))


def _few(warnings: Sequence[str]) -> tuple[str, ...]:
    """The warnings of a row: not too long, and not too many."""
    kept = tuple(_sentence(sentence) for sentence in warnings[:_MAX_WARNINGS])
    left = len(warnings) - len(kept)
    return (*kept, f"{left:,} more warnings are in the log.") if left else kept
