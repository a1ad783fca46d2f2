"""The flight recorder: what happened within the last ten minutes, kept in memory for a support bundle.

Each kind of event has a ring of its own, so that a burst of runs cannot push out the terminal calls that explain it.
A ring is bounded by its number of entries; what is older than ten minutes is left out when it is read. An event is one
tuple and one append to a deque, which takes no lock in CPython. What a secret may hide in is made harmless when it is
read (``app.bundle_scrub``); arguments of terminal calls are never kept.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from app.clock import Clock
from app.runs import Run, iso

if TYPE_CHECKING:  # the window imports this module before its first paint
    from app.lanes import LaneStatus
    from app.terminal.values import SessionStatus

KEPT_S: Final = 600.0
MAX_CALLS: Final = 20_000
MAX_RUNS: Final = 5_000
MAX_SAMPLES: Final = 1_000
MAX_STALLS: Final = 10
#: A longer reason is not kept, only its length: cut in two, a secret in it would not be recognised any more.
MAX_TEXT: Final = 2_000
#: Queue depths are noted at most this often, seconds.
SAMPLE_S: Final = 5.0


@dataclass(frozen=True, slots=True)
class Stall:
    """The window did not answer.

    Attributes:
        at: When it was noticed, aware UTC.
        seconds: For how long it had not answered by then.
        stacks: Where each thread was, by its name; source lines only, no values.
        cause: What held it, as far as is known.
    """

    at: datetime
    seconds: float
    stacks: dict[str, str]
    cause: str = ""


class Recorder:
    """The rings.

    Thread: every method may be called from any thread; none waits.
    """

    def __init__(self, clock: Clock, kept_s: float = KEPT_S) -> None:
        self._now = clock.now
        self._monotonic = clock.monotonic
        self._kept = timedelta(seconds=kept_s)
        self._calls: deque[tuple[datetime, str, float, str]] = deque(maxlen=MAX_CALLS)
        self._runs: deque[tuple[datetime, str, str, str, str, float | None, str]] = deque(maxlen=MAX_RUNS)
        self._terminal: deque[tuple[datetime, str, str]] = deque(maxlen=MAX_SAMPLES)
        self._queues: deque[tuple[datetime, tuple[tuple[str, int, int, float, int], ...]]] = deque(maxlen=MAX_SAMPLES)
        self._lags: deque[tuple[datetime, float]] = deque(maxlen=MAX_SAMPLES)
        self._stalls: deque[Stall] = deque(maxlen=MAX_STALLS)
        self._next_sample = -math.inf

    # -- what happens ----------------------------------------------------------------------------------------------

    def call_ended(self, name: str, seconds: float, outcome: str) -> None:
        """A terminal call: the function's name, its duration, and ``ok``, ``none`` or the class of its error."""
        self._calls.append((self._now(), name, seconds, outcome))

    def run_ended(self, run: Run) -> None:
        """A run has ended."""
        at = run.finished_at or self._now()
        self._runs.append((at, run.run_id, run.task, run.state, run.trigger, run.duration_s, _kept(run.reason)))

    def terminal_changed(self, status: SessionStatus) -> None:
        """The state of the terminal session changed."""
        self._terminal.append((self._now(), status.state.value, _kept(status.reason)))

    @property
    def wants_queues(self) -> bool:
        """Whether it is time for the next look at the queues."""
        return self._monotonic() >= self._next_sample

    def queues(self, lanes: Sequence[LaneStatus]) -> None:
        """How much waits in each queue."""
        self._next_sample = self._monotonic() + SAMPLE_S
        depths = tuple(
            (lane.queue.value, lane.running, lane.queued, lane.oldest_wait_s, len(lane.stuck)) for lane in lanes
        )
        self._queues.append((self._now(), depths))

    def lag(self, milliseconds: float) -> None:
        """How late the window answered."""
        self._lags.append((self._now(), milliseconds))

    def stalled(self, stall: Stall) -> None:
        """The window stood still."""
        self._stalls.append(stall)

    # -- what is read ----------------------------------------------------------------------------------------------

    def read(self) -> dict[str, Any]:
        """The last ten minutes as plain JSON values, oldest first; texts are not scrubbed yet.

        Stalls are kept longer: all of this process, up to ten. Durations of calls and lags are in milliseconds,
        waits and durations of runs in seconds.
        """
        since = self._now() - self._kept
        return {
            "since": iso(since),
            "until": iso(self._now()),
            "calls": [
                {"at": iso(at), "call": name, "ms": round(seconds * 1000, 3), "outcome": outcome}
                for at, name, seconds, outcome in self._calls.copy()
                if at >= since
            ],
            "runs": [
                {
                    "at": iso(at),
                    "run_id": run_id,
                    "task": task,
                    "state": str(state),
                    "trigger": str(trigger),
                    "duration_s": duration,
                    "reason": reason,
                }
                for at, run_id, task, state, trigger, duration, reason in self._runs.copy()
                if at >= since
            ],
            "terminal": [
                {"at": iso(at), "state": state, "reason": reason}
                for at, state, reason in self._terminal.copy()
                if at >= since
            ],
            "queues": [
                {
                    "at": iso(at),
                    "lanes": [
                        {"queue": queue, "running": running, "queued": queued, "oldest_wait_s": wait, "stuck": stuck}
                        for queue, running, queued, wait, stuck in lanes
                    ],
                }
                for at, lanes in self._queues.copy()
                if at >= since
            ],
            "window_lag": [{"at": iso(at), "ms": round(ms, 1)} for at, ms in self._lags.copy() if at >= since],
            "stalls": [
                {"at": iso(one.at), "seconds": round(one.seconds, 1), "cause": one.cause, "stacks": dict(one.stacks)}
                for one in self._stalls.copy()
            ],
        }


def _kept(reason: str) -> str:
    return reason if len(reason) <= MAX_TEXT else f"(a reason of {len(reason)} characters)"
