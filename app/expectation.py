"""What the runner asks about a run that succeeded: is it what this task usually does?

The engine knows no statistics; whoever knows them comes with the registry of tasks.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from app.execution import Outcome
from app.runs import RunState
from app.tasks import TaskContext

if TYPE_CHECKING:
    from app.history import RunHistory
    from app.settings_store import SettingsStore
    from app.storage import Storage

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ended:
    """What a successful run did.

    Attributes:
        params, result: As plain JSON values.
        seconds: Duration of the work.
        files: How many files it wrote.
        at: When it ended, aware UTC.
    """

    task: str
    params: Mapping[str, Any]
    result: Mapping[str, Any]
    seconds: float
    files: int
    at: datetime


class Expectation(Protocol):
    """Knows what is usual. Thread: called by every lane; the runs of one task one after the other."""

    def wants(self, task: str, now: float, seconds: float) -> bool:
        """Whether to compare a run that counted nothing.

        Args:
            now: The end of the run on the monotonic clock.
            seconds: Its duration.
        """
        ...

    def judge(self, ended: Ended) -> str:
        """The sentence that says what is out of character; empty when nothing is. The run is learned from."""
        ...


#: Makes the expectation of a home.
Maker = Callable[["RunHistory", "SettingsStore", "Storage"], Expectation]


def compared(expectation: Expectation, ctx: TaskContext, outcome: Outcome, ended: Ended) -> Outcome:
    """The outcome, with a warning when a success is out of character. Never raises: it costs no run."""
    try:
        sentence = expectation.judge(ended)
    except Exception:  # noqa: BLE001 - part of the runner's border: a bug in the statistics must not end the lane
        _log.exception("Whether this run of %s is as usual could not be found out.", ended.task)
        return outcome
    if not sentence:
        return outcome
    ctx.warn(sentence)
    if outcome.state is RunState.SUCCEEDED:
        return replace(outcome, state=RunState.SUCCEEDED_WITH_WARNINGS, reason=sentence)
    return replace(outcome, reason=f"{outcome.reason} {sentence}")
