"""What callers hand to the session's thread, and the record of how long calls took."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.terminal.call_words import asked_for

# A call that holds the genuine module this long has frozen the window for as long.
LONG_CALL_S = 0.25
_KEPT = 20


class Request:
    """One piece of work for the session's thread, and its answer.

    A bare lock is the cheapest way to wake one waiting thread: an Event or a Future costs several times as much.
    """

    __slots__ = ("_done", "abandoned", "answer", "args", "error", "kwargs", "label", "limit_s", "name", "started")

    def __init__(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any], limit_s: float) -> None:
        self.name = name
        self.args = args
        self.kwargs = kwargs
        self.limit_s = limit_s
        self.started: float | None = None
        self.answer: Any = None
        self.error: BaseException | None = None
        # The caller no longer waits: a call that has not begun is not made at all.
        self.abandoned = False
        self._done = threading.Lock()
        self._done.acquire()

    def finish(self) -> None:
        """Wake the caller. Called once, by the session's thread."""
        self._done.release()

    def wait(self, timeout_s: float) -> bool:
        """Wait for ``finish``; False when it did not come in time."""
        return self._done.acquire(timeout=max(0.0, timeout_s))

    def result(self) -> Any:
        """The answer, or the error raised in the caller's thread. Given once.

        Whoever asked is then the only one who holds it. Thousands of structs that are let go at once would hold the
        interpreter for 80 ms.
        """
        if self.error is not None:
            raise self.error
        answer, self.answer = self.answer, None
        return answer

    def describe(self) -> str:
        """What the terminal is asked for, as a user may read it."""
        return asked_for(self.name, self.args)


@dataclass(frozen=True, slots=True)
class CallTiming:
    """How long a function of the module took so far, in milliseconds."""

    name: str
    count: int
    mean_ms: float
    max_ms: float
    last_ms: float


@dataclass(frozen=True, slots=True)
class LongCall:
    """A call that took longer than ``LONG_CALL_S``.

    Attributes:
        at: When it ended, aware UTC.
        held: It held the interpreter lock all the while, so that the window stood still.
    """

    name: str
    seconds: float
    at: datetime
    held: bool = False


class CallRecord:
    """Durations by function. Thread: written by the session's thread, read by any.

    Attributes:
        on_call: Told of every call: its function, seconds and outcome (``ok``, ``none``, or the class of its error).
    """

    def __init__(self) -> None:
        self.on_call: Callable[[str, float, str], None] | None = None
        self._by_name: dict[str, tuple[int, float, float, float]] = {}
        self._long: deque[LongCall] = deque(maxlen=_KEPT)

    def add(self, name: str, seconds: float, outcome: str = "ok") -> bool:
        """Record a call; return whether it was a long one."""
        if self.on_call is not None:
            self.on_call(name, seconds, outcome)
        count, total, most, _ = self._by_name.get(name, (0, 0.0, 0.0, 0.0))
        self._by_name[name] = (count + 1, total + seconds, max(most, seconds), seconds)
        return seconds > LONG_CALL_S

    def add_long(self, call: LongCall) -> None:
        """Keep a long call for the health panel."""
        self._long.append(call)

    def timings(self) -> tuple[CallTiming, ...]:
        """One row per function, slowest first."""
        rows = [
            CallTiming(name, count, total / count * 1000, most * 1000, last * 1000)
            for name, (count, total, most, last) in self._by_name.copy().items()
        ]
        return tuple(sorted(rows, key=lambda row: -row.max_ms))

    def long_calls(self) -> tuple[LongCall, ...]:
        """The last long calls, oldest first."""
        return tuple(self._long.copy())
