"""The policy tree: the class of an error decides how the runner reacts to it.

========================  ==================================================================
``Retryable``             bounded exponential back-off, then the run is ``failed``
``Blocked``               a precondition does not hold: the run is ``skipped`` with the reason
``NothingToDo``           there was no work: the run is ``skipped``, never ``succeeded``
``UserAction``            only the user can mend it: ``failed``, with the advice shown
``Cancelled``             the task noticed a request to stop: ``cancelled``
anything else             a bug: ``failed`` with its traceback, the application lives on
========================  ==================================================================

Every message says what happened and to what; ``advice`` says what the user can do.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any


class MetronomeError(Exception):
    """Base of every error that Metronome raises on purpose.

    Args:
        message: What happened, and to what. One sentence that a user understands.
        advice: What the user can do about it; empty when nothing needs doing.

    Attributes:
        findings: What was found out before, for the result of the failed run.
    """

    findings: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def __str__(self) -> str:
        return f"{self.message} {self.advice}".rstrip()


class Retryable(MetronomeError):
    """A passing trouble (network, terminal busy): worth another try after a pause.

    Args:
        retry_after: What a server said about when, as in the header of that name; empty when it said nothing.
    """

    def __init__(self, message: str, *, advice: str = "", retry_after: str = "") -> None:
        super().__init__(message, advice=advice)
        self.retry_after = retry_after


class Blocked(MetronomeError):
    """A precondition does not hold; ``until`` is when to expect it to, if anyone knows."""

    def __init__(self, message: str, *, advice: str = "", until: datetime | None = None) -> None:
        super().__init__(message, advice=advice)
        self.until = until


class NothingToDo(MetronomeError):
    """The task looked and found no work: an empty watch list, no file old enough."""


class UserAction(MetronomeError):
    """Only the user can mend this: a wrong password, an unknown symbol, a bad rule file."""


class Cancelled(MetronomeError):
    """The task saw that it was asked to stop and stopped."""


class WorkerCrashed(MetronomeError):
    """A spawned worker process ended without a result, or by a fault; ``details`` is its traceback, if it had one."""

    def __init__(self, message: str, *, advice: str = "", details: str = "") -> None:
        super().__init__(message, advice=advice)
        self.details = details
