"""From a task's function to an outcome: the one place where every exception of a task is caught and judged."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from app.errors import Blocked, Cancelled, MetronomeError, NothingToDo, Retryable, WorkerCrashed
from app.runs import RunState
from app.tasks import TaskContext, TaskParams, TaskResult, TaskSpec


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a task's function ended, before time limits and requests to stop are weighed.

    Attributes:
        retry: The trouble may pass: another try is worth it.
        stopped: The task noticed a request to stop.
    """

    state: RunState
    reason: str = ""
    advice: str = ""
    result: Mapping[str, Any] = field(default_factory=dict)
    summary: str = ""
    error: str = ""
    retry: bool = False
    stopped: bool = False


def execute(spec: TaskSpec, ctx: TaskContext, params: TaskParams) -> Outcome:
    """Ask the gates, run the task, judge the result. Never raises."""
    try:
        for gate in spec.gates:
            answer = gate.check(ctx)
            if answer.blocked:
                return Outcome(RunState.SKIPPED, answer.reason, answer.advice)
        ctx.check_cancelled()  # the gates may have taken their time; a task may look for the first time at its end
        result = spec.run(ctx, params)
        if not isinstance(result, spec.result):
            return _wrong_result(spec, result)
        return _success(ctx, result)
    except Cancelled as error:
        return Outcome(RunState.CANCELLED, error.message, error.advice, stopped=True)
    except (Blocked, NothingToDo) as error:
        return Outcome(RunState.SKIPPED, error.message, error.advice)
    except Retryable as error:
        return Outcome(RunState.FAILED, error.message, error.advice, dict(error.findings), retry=True)
    except WorkerCrashed as error:
        return Outcome(RunState.FAILED, error.message, error.advice, error=error.details)
    except MetronomeError as error:
        return Outcome(RunState.FAILED, error.message, error.advice, dict(error.findings))
    except BaseException as error:  # noqa: BLE001 - the runner's border: a bug in a task must not end the lane
        return _bug(ctx, error)


def _success(ctx: TaskContext, result: TaskResult) -> Outcome:
    state, reason = RunState.SUCCEEDED, ""
    if ctx.warnings:
        state, reason = RunState.SUCCEEDED_WITH_WARNINGS, ctx.warnings[0]
        if len(ctx.warnings) > 1:
            reason += f" (and {len(ctx.warnings) - 1} more)"
    # A model without fields dumps to nothing; the call would cost more than the run.
    told = result.model_dump(mode="json") if _has_fields(type(result)) else {}
    return Outcome(state, reason, result=told, summary=result.summary())


@cache
def _has_fields(model: type[TaskResult]) -> bool:
    """Whether a model has any; kept, because pydantic looks at each question whether the attribute is deprecated."""
    return bool(model.model_fields)


def _wrong_result(spec: TaskSpec, result: object) -> Outcome:
    return Outcome(
        RunState.FAILED,
        f"{spec.title} returned {type(result).__name__} instead of its {spec.result.__name__}.",
        "This is a fault in Metronome: please report it with the support details.",
    )


def _bug(ctx: TaskContext, error: BaseException) -> Outcome:
    ctx.log.error("The task failed by a fault in Metronome.", exc_info=error)
    text = _said(error)
    return Outcome(
        RunState.FAILED,
        f"{type(error).__name__}: {text}" if text else type(error).__name__,
        "This is a fault in Metronome, not in your setup: the traceback is in the run's details. The next run starts "
        "as planned.",
        error="".join(traceback.format_exception(error)),
    )


def _said(error: BaseException) -> str:
    """What an exception says of itself; nothing when that fails too."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - the border again: an exception class may do anything
        return ""
