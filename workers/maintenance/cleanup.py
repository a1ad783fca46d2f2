"""Deleting what is old: first a look at everything, then the guards, then file by file.

The two passes read the folder anew instead of keeping a list, so a million files need no memory. Each file is judged
again right before it is deleted.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from app.errors import NothingToDo, UserAction
from app.tasks import TaskContext
from workers.maintenance import clock_guard
from workers.maintenance.age import Dated, dated
from workers.maintenance.clock_guard import FEW, Memory
from workers.maintenance.first_look import first_memory
from workers.maintenance.listing import Listing
from workers.maintenance.rules import Rule
from workers.maintenance.scan import Found, reason, scan
from workers.wording import count, seconds, size

_EVERY: Final = 1_000
#: So many skipped files have a line in the log each.
_LOGGED: Final = 100
_CLOCK: Final = "it looks old only since the clock was changed, or Metronome was away for long"
_AHEAD: Final = "its date is in the future"
_DOUBT: Final = "it is dated in a time when the clock was set back"


@dataclass(frozen=True, slots=True)
class Order:
    """What a run is to do: files of ``rule`` older than ``days``."""

    rule: Rule
    days: int
    dry_run: bool
    confirm: bool


@dataclass(slots=True)
class Survey:
    """What there is: files that the rule covers, those to delete, and those held back by the guard of the clock."""

    files: int = 0
    old: int = 0
    old_bytes: int = 0
    held: int = 0
    held_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What a run did, or would do."""

    survey: Survey
    listing: Listing
    question: str


class Waits(UserAction):
    """The run deletes nothing before the user says that it is right; ``findings`` lists what is concerned."""

    def __init__(self, message: str, findings: Mapping[str, Any], *, advice: str) -> None:
        super().__init__(message, advice=advice)
        self.findings = findings


class Judge:
    """Says of a file whether it is old, at the time of one look."""

    def __init__(self, order: Order, memory: Memory, now_s: float) -> None:
        self._days, self._memory, self._now_s = order.days, memory, now_s
        self._trusted = order.confirm

    def of(self, found: Found) -> tuple[Dated, str]:
        """Its date, and ``old``, ``young``, or the reason why it is left alone although it may look old."""
        at = dated(found.name, found.modified_ns)
        if at.ahead(self._now_s):
            return at, _AHEAD
        if not at.older_than(self._days, self._now_s):
            return at, "young"
        if self._trusted:
            return at, "old"
        if self._memory.doubts(at.at_s, named=at.named):
            return at, _DOUBT
        seen_s = self._now_s - self._memory.unseen_s(at.at_s)
        return at, "old" if at.older_than(self._days, seen_s) else _CLOCK


def clean(ctx: TaskContext, order: Order) -> Cleaned:
    """Delete the files of a rule that are older than so many days.

    Raises:
        NothingToDo: no file is old enough.
        Waits: a guard wants the word of the user first.
        UserAction: not one of the old files could be deleted.
        Cancelled: the run was asked to stop; what was deleted so far is gone.
        StorageError: the memory of the task cannot be read or written.
    """
    now = ctx.clock.now()
    now_s = now.timestamp()
    before = clock_guard.recall(ctx.storage, ctx.task_id) or first_memory(ctx.storage.paths, now_s, order.days)
    memory = before.look_of(ctx.clock, order.days)
    if order.confirm:
        memory = memory.confirmed(now_s)
    judge, listing = Judge(order, memory, now_s), Listing()
    survey = _survey(ctx, order.rule, judge, listing)
    question, stops = ("", False) if order.confirm else _question(survey, memory, order)
    if question:
        memory = memory.with_question(question, survey.old or survey.held, survey.old_bytes or survey.held_bytes, now)
    if order.dry_run:
        return _pretend(ctx, order, judge, Cleaned(survey, listing, question))
    if stops:
        clock_guard.remember(ctx.storage, ctx.task_id, memory)
        _pass(ctx, order, judge, listing, survey, pretend="would be deleted")
        raise Waits(question, found_so_far(survey, listing, order), advice=_ADVICE.format(task=ctx.task_id))
    if not survey.old:
        clock_guard.remember(ctx.storage, ctx.task_id, memory.with_share(0, survey.files))
        raise _nothing(survey, listing, order)
    try:
        _pass(ctx, order, judge, listing, survey, pretend="")
    finally:
        # Also after a cancelled run: the look was made.
        share = memory if question else memory.with_share(listing.done, survey.files)
        clock_guard.remember(ctx.storage, ctx.task_id, share)
    if not listing.done:
        raise _none_deleted(survey, listing, order)
    return Cleaned(survey, listing, question)


def _pretend(ctx: TaskContext, order: Order, judge: Judge, found: Cleaned) -> Cleaned:
    if not found.survey.old and not found.question:
        raise _nothing(found.survey, found.listing, order)
    _pass(ctx, order, judge, found.listing, found.survey, pretend="would be deleted")
    return found


_ADVICE: Final = (
    "Nothing was deleted. Look at the clock of this computer and at the list of files; when all is right, run the task "
    "with Confirm: python main.py run {task} confirm=true"
)


def _none_deleted(survey: Survey, listing: Listing, order: Order) -> Waits:
    return Waits(
        f"None of {count(survey.old, f'old {order.rule.what}')} could be deleted; {listing.first_trouble}.",
        found_so_far(survey, listing, order),
        advice="Close the programs that have them open; the next run tries again.",
    )


def found_so_far(survey: Survey, listing: Listing, order: Order) -> dict[str, Any]:
    """The fields of a result."""
    return {
        "dry_run": order.dry_run,
        "looked_at": survey.files,
        "files": listing.done,
        "bytes": listing.bytes,
        "held": survey.held,
        "oldest": str(listing.oldest or ""),
        "newest": str(listing.newest or ""),
        "skipped": listing.skipped,
        "reasons": dict(listing.reasons),
        "listed": listing.entries(),
    }


def _survey(ctx: TaskContext, rule: Rule, judge: Judge, listing: Listing) -> Survey:
    survey = Survey()
    for found in scan(ctx.storage.paths.home, rule, listing.skip):
        survey.files += 1
        if survey.files % _EVERY == 0:
            ctx.progress(0, survey.files, "looking")
        _, verdict = judge.of(found)
        if verdict == "old":
            survey.old += 1
            survey.old_bytes += found.size
        elif verdict != "young":
            listing.skip(found.shown, verdict)
            if verdict != _AHEAD:
                survey.held += 1
                survey.held_bytes += found.size
    return survey


def _pass(ctx: TaskContext, order: Order, judge: Judge, listing: Listing, survey: Survey, *, pretend: str) -> None:
    """Go through the old files once more and delete them, or only list them as what they ``pretend`` to be."""
    seen = 0
    # What can be told of folders was told by the survey.
    for found in scan(ctx.storage.paths.home, order.rule, lambda _file, _why, _trouble: None):
        at, verdict = judge.of(found)
        if verdict != "old":
            continue
        seen += 1
        if seen % _EVERY == 0:
            ctx.progress(min(seen, survey.old), survey.old, "deleting" if not pretend else "listing")
        if pretend:
            listing.add(found.shown, found.size, at, pretend)
            continue
        try:
            found.folder.unlink(found.name)
        except FileNotFoundError:
            continue  # somebody else was faster
        except OSError as error:
            _skipped(ctx, listing, found, reason(error))
        else:
            listing.add(found.shown, found.size, at, "deleted")
    ctx.progress(survey.old, survey.old)


def _skipped(ctx: TaskContext, listing: Listing, found: Found, why: str) -> None:
    listing.skip(found.shown, why, trouble=True)
    if listing.skipped <= _LOGGED:
        ctx.log.info("%s was left: %s", found.shown, why)


def _question(survey: Survey, memory: Memory, order: Order) -> tuple[str, bool]:
    """What the user has to be asked, and whether the run stops for it."""
    old = count(survey.old, f"{order.rule.what}")
    if memory.set_back_s and survey.old:
        back = seconds(memory.set_back_s)
        return (
            f"The clock of this computer is {back} behind the last clean-up, so {old} may be younger than told.",
            True,
        )
    if survey.old > FEW and survey.old > memory.usual_share() * survey.files:
        share = f"{survey.old / survey.files:.0%}"
        return (
            f"{old} ({size(survey.old_bytes)}) of {survey.files:,} are older than {count(order.days, 'day')}: {share}, "
            f"more than the usual share of {memory.usual_share():.0%}."
        ), True
    if survey.held:
        held = count(survey.held, order.rule.what)
        return (
            f"{held} ({size(survey.held_bytes)}) would be older than {count(order.days, 'day')} only if the clock of "
            f"this computer is right: {_leap(memory)}."
        ), not survey.old
    return "", False


def _leap(memory: Memory) -> str:
    if memory.ahead_s:
        return f"it leapt ahead by {seconds(memory.ahead_s)} since the clean-up before, or nobody was here"
    return "it was set back for a while"


def _nothing(survey: Survey, listing: Listing, order: Order) -> NothingToDo:
    left = f" {count(listing.skipped, 'file')} left alone; {listing.first_reason()}." if listing.skipped else ""
    told = f"None of {count(survey.files, order.rule.what)} is older than {count(order.days, 'day')}."
    if not survey.files:
        told = f"There is no {order.rule.what} that could be deleted."
    return NothingToDo(told + left, advice="Nothing needs to be done.")


__all__ = ["Cleaned", "Order", "Waits", "clean", "found_so_far"]
