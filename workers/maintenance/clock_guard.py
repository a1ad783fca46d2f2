"""Nothing is deleted because of a clock: a memory of each task's looks, and when a clean-up stops and asks.

The memory (``data/maintenance/{task}.json``) holds no file, only the course of time: what the wall clock said at the
last look, and the *trusted time*, which follows it in steps of up to eight days and stands still when it leaps further
at once. A file is old when it is old by both. So, whatever the clock does,

* set ahead by a year: what is there keeps the age that it had, and is kept;
* set back by a year: nothing at all is deleted while the clock is behind the trusted time;
* put right again: files written meanwhile carry wrong dates, so those of that span are kept.

A computer that was off for weeks looks like a clock set ahead. Its files wait, and need no word from the user: after
as many days of steady looks as files are kept, whatever was there at the leap has reached that age by itself, and the
trusted time joins the wall clock again.

The other guard needs no memory: a run that would delete more than 20 files and more than the usual share of all
stops and asks. Usual is three times the middle one of the last shares, a quarter at least; half, while there are few.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.paths import Paths
from app.runs import iso
from app.storage import Storage
from workers.maintenance.age import date_in

DAY_S: Final = 86_400.0
#: The trusted time follows steps up to this: a week away, or somebody who is here at weekends only.
GAP_S: Final = 8 * DAY_S
#: Clocks may be corrected by so much without a word.
SLACK_S: Final = DAY_S
#: So many files are no question.
FEW: Final = 20
FIRST_SHARE: Final = 0.5
LEAST_SHARE: Final = 0.25
_SHARES: Final = 30
_ENOUGH: Final = 5
_SPANS: Final = 20

Span = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Memory:
    """The course of time as one task saw it; all in UTC epoch seconds.

    Attributes:
        wall: The wall clock at the last look.
        trusted: The trusted time then.
        highest: The highest trusted time ever.
        steady: Seconds of steady looks since the last leap.
        days: For how many days files are kept; while there are doubts, the most of all runs since.
        wrong: Spans of the wall clock in which it was set back: files dated there may be younger.
        shares: Of the last runs: files deleted for each file there.
        asked: When the user was asked, why, and about how many files; empty without a question.
    """

    wall: float
    trusted: float
    highest: float
    steady: float = 0.0
    days: int = 0
    wrong: tuple[Span, ...] = ()
    shares: tuple[float, ...] = ()
    asked: Mapping[str, Any] | None = None

    @classmethod
    def begun(cls, at_s: float) -> Memory:
        """Of a task that never looked before."""
        return cls(at_s, at_s, at_s)

    def look(self, now_s: float, days: int) -> Memory:
        """The memory after a look at ``now_s`` of a task that keeps files ``days`` days."""
        if self.wrong or self.set_back_s or self.ahead_s:
            days = max(days, self.days)  # a run that keeps less must not end the doubts of the others
        passed = now_s - self.wall
        step = max(passed, 0.0) if passed <= GAP_S else 0.0
        steady = self.steady + step if -SLACK_S <= passed <= GAP_S else 0.0
        wrong = self._spans(now_s, passed)
        if now_s < self.highest - SLACK_S:
            trusted, highest = now_s, self.highest
        else:
            trusted = now_s if now_s <= self.highest + GAP_S else self.highest + step
            highest = max(self.highest, trusted)
        behind = now_s < highest - SLACK_S
        if steady >= days * DAY_S and (wrong or behind or trusted < now_s):
            trusted = highest = now_s
            wrong = ()
        return replace(self, wall=now_s, trusted=trusted, highest=highest, steady=steady, days=days, wrong=wrong)

    def _spans(self, now_s: float, passed: float) -> tuple[Span, ...]:
        """The spans of a clock set back, with this look."""
        spans = list(self.wrong)
        was_behind = self.wall < self.highest - SLACK_S
        if passed < -SLACK_S:
            spans.append((now_s - GAP_S, now_s + GAP_S))
        elif was_behind and spans:
            # While it stays behind up to now, once put right up to somewhat after the last look.
            still = now_s < self.highest - SLACK_S
            spans[-1] = (spans[-1][0], (now_s if still else self.wall) + GAP_S)
        while len(spans) > _SPANS:
            spans[:2] = [(min(spans[0][0], spans[1][0]), max(spans[0][1], spans[1][1]))]
        return tuple(spans)

    def confirmed(self, now_s: float) -> Memory:
        """The user says that the clock is right."""
        return replace(self, wall=now_s, trusted=now_s, highest=now_s, wrong=(), asked=None)

    @property
    def set_back_s(self) -> float:
        """By how many seconds the clock is behind the trusted time; 0 when it is not."""
        behind = self.highest - self.wall
        return behind if behind > SLACK_S else 0.0

    @property
    def ahead_s(self) -> float:
        """By how many seconds the clock is ahead of the trusted time."""
        return max(0.0, self.wall - self.trusted)

    def doubts(self, at_s: float, *, named: bool) -> bool:
        """Whether a file of this date may come from a span in which the clock was wrong."""
        reach = DAY_S if named else 0.0
        return any(begin - reach <= at_s <= end + reach for begin, end in self.wrong)

    def usual_share(self) -> float:
        """The largest share of its files that a run may delete without asking."""
        if len(self.shares) < _ENOUGH:
            return FIRST_SHARE
        return max(LEAST_SHARE, 3 * statistics.median(self.shares))

    def with_share(self, deleted: int, files: int) -> Memory:
        """The memory after a run that deleted something, or found nothing to delete."""
        shares = (*self.shares, deleted / files if files else 0.0)
        return replace(self, shares=shares[-_SHARES:], asked=None)

    def with_question(self, reason: str, files: int, size: int, now: datetime) -> Memory:
        """The memory after a run that asks; a question that stands keeps its beginning."""
        since = self.asked.get("since") if self.asked else None
        return replace(
            self, asked={"since": since or iso(now), "reason": reason, "files": files, "bytes": size}
        )  # fmt: skip


def memory_file(paths: Paths, task: str) -> Path:
    """Where the memory of a task is."""
    return paths.data / "maintenance" / f"{task}.json"


def remember(storage: Storage, task: str, memory: Memory) -> None:
    """Write the memory of a task.

    Raises:
        StorageError: it cannot be written.
    """
    times = {name: iso(datetime.fromtimestamp(getattr(memory, name), UTC)) for name in ("wall", "trusted", "highest")}
    document = {
        **times,
        "steady_s": round(memory.steady, 3),
        "days": memory.days,
        "wrong": [list(span) for span in memory.wrong],
        "shares": [round(share, 6) for share in memory.shares],
        "asked": dict(memory.asked) if memory.asked else None,
    }
    storage.write_json(memory_file(storage.paths, task), document)


def recall(storage: Storage, task: str) -> Memory | None:
    """The memory of a task; None when it has none, or it does not read as one.

    Raises:
        StorageError: it is there but cannot be read.
        UserAction: it was written by a newer Metronome.
    """
    document = storage.read_json(memory_file(storage.paths, task))
    if document is None:
        return None
    try:
        wall, trusted, highest = (
            datetime.fromisoformat(document[name]).timestamp() for name in ("wall", "trusted", "highest")
        )
        asked = document.get("asked")
        return Memory(
            wall,
            trusted,
            highest,
            float(document["steady_s"]),
            int(document["days"]),
            tuple((float(begin), float(end)) for begin, end in document["wrong"]),
            tuple(float(share) for share in document["shares"]),
            asked if isinstance(asked, dict) else None,
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def first_memory(paths: Paths, now_s: float) -> Memory:
    """The memory of a task that looks for the first time: the days of health checks tell when the home was last in use.

    Without them there is nothing to doubt the clock by.
    """
    today = now_s // DAY_S
    try:
        days = {
            (found - datetime(1970, 1, 1, tzinfo=UTC).date()).days
            for path in paths.health_checks.glob("health_????????.json")
            if (found := date_in(path.name)) is not None
        }
    except OSError:
        days = set()
    others = sorted(day for day in days if day != today)
    if not others:
        return Memory.begun(now_s)
    return Memory.begun(min((others[-1] + 1) * DAY_S, now_s) if others[-1] < today else others[-1] * DAY_S)
