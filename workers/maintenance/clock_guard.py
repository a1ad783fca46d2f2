"""Nothing is deleted because of a clock: a memory of each task's looks, and when a clean-up stops and asks.

The memory (``data/maintenance/{task}.json``) holds no file, only the course of time: what the wall clock said at the
last look, and its *leaps*: the spans that it passed over from one look to the next without anybody seeing that they
passed. A span counts as seen when this process lived through it, or when it is short: up to half of the days that
files are kept, eight days at most. The age of a file is the time since its date without the leaps in it. So, whatever
the clock does,

* set ahead by a year, or by a week: what is there keeps the age that it had, and is kept;
* set back by a year: nothing at all is deleted while the clock is behind the time that it had;
* put right again: files written meanwhile carry wrong dates, so those of that span are kept.

A computer that was off for weeks looks like a clock set ahead. Its files wait, and need no word from the user: after
as many days of looks as files are kept, whatever was there at the leap has reached that age by itself, and the leap is
forgotten. Each look counts for as much of this as a plausible step, however far apart looks are.

The other guard needs no memory: a run that would delete more than 20 files and more than the usual share of all
stops and asks. Usual is three times the middle one of the last shares, a quarter at least; half, while there are few.
"""

from __future__ import annotations

import secrets
import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.clock import Clock
from app.paths import Paths
from app.runs import iso
from app.storage import Storage

DAY_S: Final = 86_400.0
#: No step is plausible beyond this: a week away, or somebody who is here at weekends only.
GAP_S: Final = 8 * DAY_S
#: A night: the least that is plausible, and for how long a computer may sleep while a process lives.
NIGHT_S: Final = 16 * 3600.0
#: Clocks may be corrected by so much without a word.
SLACK_S: Final = DAY_S
_LATE_S: Final = 3600.0
#: So many files are no question.
FEW: Final = 20
FIRST_SHARE: Final = 0.5
LEAST_SHARE: Final = 0.25
_SHARES: Final = 30
_ENOUGH: Final = 5
_SPANS: Final = 20

Span = tuple[float, float]
#: What tells this process from the ones before; seconds that pass are counted anew in each.
_PROCESS: Final = secrets.token_hex(8)


def gap_s(days: int) -> float:
    """The longest step between two looks that is plausible for files kept ``days`` days.

    Always less than those days, so that no clock makes a new file old at one blow.
    """
    return min(GAP_S, max(NIGHT_S, days * DAY_S / 2 + _LATE_S))


@dataclass(frozen=True, slots=True)
class Leap:
    """A span of the wall clock that nobody saw pass; ``seen`` is what the memory had seen by its end."""

    begin: float
    end: float
    seen: float


@dataclass(frozen=True, slots=True)
class Memory:
    """The course of time as one task saw it; all in UTC epoch seconds.

    Attributes:
        wall: The wall clock at the last look.
        highest: The highest trusted time ever.
        seen: Seconds of plausible steps, of all looks.
        leaps: Those that may still make a file look older than it is.
        back: What was ``seen`` when the clock was last behind.
        days: For how many days files are kept; while there are doubts, the most of all runs since.
        wrong: Spans of the wall clock in which it was set back: files dated there may be younger.
        shares: Of the last runs: files deleted for each file there.
        asked: When the user was asked, why, and about how many files; empty without a question.
        process: The process that looked last, and its count of seconds then.
    """

    wall: float
    highest: float
    seen: float = 0.0
    leaps: tuple[Leap, ...] = ()
    back: float = 0.0
    days: int = 0
    wrong: tuple[Span, ...] = ()
    shares: tuple[float, ...] = ()
    asked: Mapping[str, Any] | None = None
    process: tuple[str, float] = ("", 0.0)

    @classmethod
    def begun(cls, at_s: float) -> Memory:
        """Of a task that never looked before."""
        return cls(at_s, at_s)

    def look(self, now_s: float, days: int, elapsed_s: float | None = None) -> Memory:
        """The memory after a look at ``now_s`` of a task that keeps files ``days`` days.

        Args:
            elapsed_s: Seconds since the last look, as this process counted them; None: another process looked.
        """
        proved = 0.0 if elapsed_s is None else max(elapsed_s, 0.0)
        plausible = proved + (gap_s(days) if elapsed_s is None else NIGHT_S)
        if self.leaps or self.wrong or self.set_back_s:
            days = max(days, self.days)  # a run that keeps less must not end the doubts of the others
        passed = now_s - self.wall
        after = self.put_right(now_s) if passed < 0 else self
        after = replace(after, seen=self.seen + min(max(passed, 0.0), plausible))
        # Put right after it was behind, the clock passes only over what lies beyond its best time.
        begin = max(self.wall, self.highest)
        leaps = after.leaps
        if now_s - begin > plausible:
            leaps = (*leaps, Leap(begin + proved, now_s, after.seen))
        wrong = self._spans(now_s, passed)
        behind = now_s < self.highest - SLACK_S
        back = self.back
        if passed < -SLACK_S or (self.set_back_s and not behind):
            back = after.seen
        highest = self.highest
        if (wrong or behind) and after.seen - back >= days * DAY_S:
            wrong, highest = (), now_s
        leaps = _bounded(tuple(leap for leap in leaps if after.seen - leap.seen < days * DAY_S))
        found = replace(after, wall=now_s, highest=highest, leaps=leaps, back=back, days=days, wrong=wrong)
        return replace(found, highest=max(highest, found.trusted))

    def put_right(self, now_s: float) -> Memory:
        """The memory after a look before the last one: no leap reaches further than now."""
        leaps = tuple(replace(leap, end=min(leap.end, now_s)) for leap in self.leaps if leap.begin < now_s)
        return replace(self, wall=now_s, leaps=leaps)

    def look_of(self, clock: Clock, days: int) -> Memory:
        """As ``look``, at the time of a clock; what this process counted since its last look is used."""
        name, counted = self.process
        elapsed = clock.monotonic() - counted if name == _PROCESS else None
        return replace(self.look(clock.now().timestamp(), days, elapsed), process=(_PROCESS, clock.monotonic()))

    @property
    def trusted(self) -> float:
        """The wall clock at the last look without the leaps."""
        return self.wall - self.ahead_s

    def unseen_s(self, at_s: float) -> float:
        """How much of the time from ``at_s`` to the last look nobody saw pass."""
        return sum(max(0.0, leap.end - max(leap.begin, at_s)) for leap in self.leaps)

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
        return replace(self, wall=now_s, highest=now_s, leaps=(), wrong=(), asked=None)

    @property
    def set_back_s(self) -> float:
        """By how many seconds the clock is behind the trusted time; 0 when it is not."""
        behind = self.highest - self.wall
        return behind if behind > SLACK_S else 0.0

    @property
    def ahead_s(self) -> float:
        """How many seconds of leaps the clock passed over."""
        return sum(leap.end - leap.begin for leap in self.leaps)

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


def _bounded(leaps: tuple[Leap, ...]) -> tuple[Leap, ...]:
    """The last leaps; the oldest of too many become one that covers them."""
    found = list(leaps)
    while len(found) > _SPANS:
        found[:2] = [Leap(found[0].begin, found[1].end, found[1].seen)]
    return tuple(found)


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
        "seen_s": round(memory.seen, 3),
        "leaps": [[leap.begin, leap.end, leap.seen] for leap in memory.leaps],
        "back_s": round(memory.back, 3),
        "process": list(memory.process),
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
        # Before leaps were kept, the trusted time stood still at the last one.
        leaps = document.get("leaps", [(trusted, wall, 0.0)] if trusted < wall else [])
        process, counted = document.get("process", ("", 0.0))
        return Memory(
            wall,
            highest,
            float(document.get("seen_s", 0.0)),
            tuple(Leap(float(begin), float(end), float(seen)) for begin, end, seen in leaps),
            float(document.get("back_s", 0.0)),
            int(document["days"]),
            tuple((float(begin), float(end)) for begin, end in document["wrong"]),
            tuple(float(share) for share in document["shares"]),
            asked if isinstance(asked, dict) else None,
            (str(process), float(counted)),
        )
    except (KeyError, TypeError, ValueError, OverflowError):
        return None
