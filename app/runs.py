"""What a run is: one execution of one task, from the moment it was asked for to its outcome."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class RunState(StrEnum):
    """Where a run stands. Every state but the three of success and work carries a reason."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    SUCCEEDED_WITH_WARNINGS = "succeeded_with_warnings"
    FAILED = "failed"
    CANCELLED = "cancelled"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    MISSED = "missed"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the run has ended and nothing about it will change any more."""
        return self not in (RunState.QUEUED, RunState.RUNNING)

    @property
    def is_success(self) -> bool:
        """Whether the task did its work."""
        return self in (RunState.SUCCEEDED, RunState.SUCCEEDED_WITH_WARNINGS)


class Trigger(StrEnum):
    """Who or what asked for a run."""

    SCHEDULE = "schedule"
    MANUAL = "manual"
    CATCH_UP = "catch_up"
    RETRY = "retry"
    REST = "rest"
    CLI = "cli"
    STARTUP = "startup"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a running task has come: ``done`` of ``total`` steps, and what it is busy with."""

    done: int
    total: int
    text: str = ""


def besides_warnings(reason: str, warnings: Sequence[str]) -> str:
    """The reason of a run where its warnings are told, too: empty when it only names the first of them."""
    return "" if warnings and reason.startswith(warnings[0]) else reason


@dataclass(frozen=True, slots=True)
class Run:
    """A snapshot of one run. Frozen: a change of state is a new value, so it may cross threads.

    Attributes:
        run_id: Unique, and sorts by the time of its creation.
        queued_at, started_at, finished_at, due_at: Aware UTC; None while (or when) there is none.
        duration_s: Elapsed seconds of the work itself.
        lateness_s: Seconds between the due time and the start of a scheduled run.
        attempt: 1 for the first try, 2 and up for its retries.
        params: The parameters as plain JSON values.
        result: The result model as plain JSON values; empty when the task returned none.
        summary: The result as one human sentence.
        warnings: What went wrong without costing the run.
        files: Paths written, relative to the home folder, with forward slashes.
        error: The traceback of a bug; empty otherwise.
        cancelling: Somebody asked the run to stop and it has not stopped yet.
    """

    run_id: str
    task: str
    state: RunState
    trigger: Trigger
    queued_at: datetime
    reason: str = ""
    advice: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    due_at: datetime | None = None
    duration_s: float | None = None
    lateness_s: float | None = None
    attempt: int = 1
    params: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    warnings: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    error: str = ""
    cancelling: bool = False
    progress: Progress | None = None

    def as_json(self) -> dict[str, Any]:
        """The run as the command line and the REST interface print it."""
        return {
            "run_id": self.run_id,
            "task": self.task,
            "state": self.state.value,
            "trigger": self.trigger.value,
            "reason": self.reason,
            "advice": self.advice,
            "queued_at": iso(self.queued_at),
            "started_at": iso(self.started_at),
            "finished_at": iso(self.finished_at),
            "due_at": iso(self.due_at),
            "duration_s": self.duration_s,
            "lateness_s": self.lateness_s,
            "attempt": self.attempt,
            "params": dict(self.params),
            "result": dict(self.result),
            "summary": self.summary,
            "warnings": list(self.warnings),
            "files": list(self.files),
            "error": self.error,
        }


def iso(moment: datetime | None) -> str | None:
    """An aware UTC time as ISO 8601 with milliseconds and ``Z``; None stays None."""
    if moment is None:
        return None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def shortened(text: str, most: int) -> str:
    """``text`` with at most ``most`` characters: of a longer one the middle is left out, and it says how much."""
    if len(text) <= most:
        return text
    note = f" [... {len(text) - most:,} more characters ...] "
    kept = max(most - len(note), 0)
    return f"{text[: kept - kept // 3]}{note}{text[len(text) - kept // 3 :]}"


def one_line(text: str) -> str:
    """``text`` without line breaks and control characters: in tables and on a terminal it is one harmless line."""
    if text.isprintable():
        return text
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def compact_json(value: object) -> str:
    """JSON without spaces, as stored in the history."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
