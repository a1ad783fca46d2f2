"""CSV files put in order: looked through and written anew in a spawned process, put in place by this one.

The process writes each file that needs it beside the old one and proves it. This side then takes the lock under which
collections and imports write, looks whether the file is still the one that was read, sets aside what is no row, and
puts the new file in the place of the old one in one step. One that was written to meanwhile is looked at again.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any, Final, Protocol

from app.errors import NothingToDo, UserAction
from app.files import StorageError, atomic_write_pieces, guarding, replace
from app.tasks import TaskContext
from workers.maintenance.csv_jobs import Job, Looked, Unproved
from workers.maintenance.listing import LISTED
from workers.maintenance.rules import BARS, TRADE_TABLES
from workers.maintenance.scan import scan, shown
from workers.wording import count

_ROUNDS: Final = 3
#: Of a side file that is read at once.
_PIECE: Final = 2**20
_LIMIT_S: Final = 3300.0
_serial = itertools.count(1)


@dataclass(slots=True)
class Optimised:
    """What a run did."""

    files: int = 0
    changed: int = 0
    left: int = 0
    rows_before: int = 0
    rows: int = 0
    bytes_before: int = 0
    bytes: int = 0
    rejected: int = 0
    repeated: int = 0
    moved: int = 0
    listed: list[dict[str, Any]] = field(default_factory=list)
    not_listed: int = 0

    def findings(self) -> dict[str, Any]:
        """The fields of a result."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__} | {"listed": tuple(self.listed)}


class Reports(Protocol):
    """The part of a worker's report that this needs."""

    def progress(self, done: int, total: int, text: str = "") -> None: ...


class NotOptimised(UserAction):
    """Not one file could be looked through."""


def optimise(ctx: TaskContext) -> Optimised:
    """Put every bar history and trade log in order.

    Raises:
        NothingToDo: there is none.
        NotOptimised: not one of them could be looked through or written.
        Cancelled: the run was asked to stop; each file is the old or the new one.
    """
    done, jobs = Optimised(), _jobs(ctx)
    if not jobs:
        raise NothingToDo(
            "There is no bar history and no trade log yet.", advice="They come with the collection of market data."
        )
    todo: Sequence[Job] = jobs
    try:
        for number in range(_ROUNDS):
            again = []
            for looked in ctx.compute(look_through, todo, limit_s=_LIMIT_S):
                if not _settled(ctx, done, looked, last=number == _ROUNDS - 1):
                    again.append(looked.job)
            todo = again
            if not todo:
                break
    finally:
        for job in jobs:
            _clear(job)
    if done.left == done.files:
        error = NotOptimised(
            f"None of {count(done.files, 'file')} could be put in order; {done.listed[0]['file']}: "
            f"{done.listed[0]['reason']}.",
            advice="The list says why of each; they were left as they are.",
        )
        error.findings = done.findings()
        raise error
    return done


def look_through(report: Reports, jobs: Sequence[Job]) -> list[Looked]:
    """Look through files and write anew those that need it; runs in the spawned process."""
    found: list[Looked] = []
    for number, job in enumerate(jobs):
        report.progress(number, len(jobs), shown(job.path.name))
        found.append(_looked(job))
        if found[-1].full:
            found += [Looked(other, left="the disk is full") for other in jobs[number + 1 :]]
            break
    report.progress(len(jobs), len(jobs))
    return found


def _looked(job: Job) -> Looked:
    # Here, since they bring numpy and pandas, which the window's process has no need of.
    from workers.maintenance.csv_rewrite import written
    from workers.maintenance.csv_survey import survey

    _clear(job)  # of a round before
    try:
        seen = survey(job.path, bars=job.bars)
        rows, stamp = seen.rows, seen.stamp
        if seen.foreign:
            return Looked(job, stamp, rows, seen.foreign)
        new = written(seen, job.temporary, job.block)
    except StorageError as error:
        return Looked(job, left=error.message.rstrip("."), full=error.full)
    except Unproved as error:
        return Looked(job, left=f"what was written anew did not hold what it should: {error}")
    return Looked(job, stamp, rows, new=new)


def _clear(job: Job) -> None:
    for path in (job.temporary, job.block):
        with suppress(OSError):
            path.unlink(missing_ok=True)


def _jobs(ctx: TaskContext) -> list[Job]:
    home = ctx.storage.paths.home
    jobs = []
    for rule in (BARS, TRADE_TABLES):
        for found in scan(home, rule, lambda file, why, _trouble: ctx.log.info("%s was left: %s", file, why)):
            # By the path as the collections write it: locks go by that.
            path = home.joinpath(*found.folder.parts, found.name)
            temporary, block = (path.with_name(f".{path.name}.{os.getpid()}-{next(_serial)}.tmp") for _ in range(2))
            jobs.append(Job(path, rule is BARS, temporary, block))
    return sorted(jobs, key=lambda job: str(job.path))


def _settled(ctx: TaskContext, done: Optimised, looked: Looked, *, last: bool) -> bool:
    """Put a new file in place and count it; False when it was written to meanwhile and should be looked at again."""
    left = looked.left
    if looked.new is not None:
        try:
            if not _put_in_place(ctx, looked):
                if not last:
                    return False
                left = "it is written to all the time"
        except StorageError as error:
            left = error.message.rstrip(".")
    _count(ctx, done, looked, left)
    return True


def _put_in_place(ctx: TaskContext, looked: Looked) -> bool:
    """Under the lock of the file: the side file first, so that a kill in between loses nothing, then the file."""
    path = looked.job.path
    with ctx.storage.alone_with(path), guarding(path):
        try:
            status = path.stat()
        except FileNotFoundError:
            return False
        if (status.st_size, status.st_mtime_ns, status.st_ino) != looked.stamp:
            return False
        if looked.new is not None and looked.new.rejected:
            _set_aside(path.with_name(f"{path.stem}.rejected.csv"), looked.job.block)
        with suppress(OSError):
            looked.job.temporary.chmod(status.st_mode & 0o777)
        replace(looked.job.temporary, path)
    ctx.wrote(path)
    return True


def _set_aside(side: Path, block: Path) -> None:
    """Append a block to a side file, whole or not at all, unless it is there already."""
    with guarding(side, "read"):
        with block.open("rb") as new:
            heading = new.readline()
        if not _holds(side, heading):
            atomic_write_pieces(side, chain(_ended(side), _pieces(block)))


def _holds(path: Path, heading: bytes) -> bool:
    """Whether a file has this text."""
    rest = b""
    for piece in _pieces(path):
        if heading in rest + piece:
            return True
        rest = (rest + piece)[1 - len(heading) :]
    return False


def _ended(path: Path) -> Iterator[bytes]:
    """A whole file with an end of its last line; nothing when there is none."""
    last = b"\n"
    for piece in _pieces(path):
        yield piece
        last = piece[-1:]
    if last != b"\n":
        yield b"\n"


def _pieces(path: Path) -> Iterator[bytes]:
    """A file, closed when it was read: on Windows it can be replaced only then."""
    with suppress(FileNotFoundError), path.open("rb") as file:
        while piece := file.read(_PIECE):
            yield piece


def _count(ctx: TaskContext, done: Optimised, looked: Looked, left: str) -> None:
    size = looked.stamp[0]
    rows, size_now = looked.rows, size
    file = shown(ctx.storage.relative(looked.job.path))
    entry: dict[str, Any] = {"file": file, "outcome": "in order", "rows_before": rows, "rows": rows}
    done.files += 1
    if left:
        done.left += 1
        entry |= {"outcome": "left", "reason": left}
        ctx.warn(f"{file} was left as it is: {left}.")
    elif looked.new is not None:
        rows, size_now, rejected = looked.new.rows, looked.new.size, looked.new.rejected
        repeated, moved = looked.new.repeated, looked.new.moved
        done.changed += 1
        done.rejected += rejected
        done.repeated += repeated
        done.moved += moved
        entry |= {"outcome": "put in order", "rows": rows, "rejected": rejected, "repeated": repeated, "moved": moved}
        if rejected:
            side = f"{looked.job.path.stem}.rejected.csv"
            ctx.warn(f"{count(rejected, 'line')} of {file} went to {shown(side)}, each with its number and the reason.")
    done.rows_before += looked.rows
    done.rows += rows
    done.bytes_before += size
    done.bytes += size_now
    if len(done.listed) < LISTED:
        done.listed.append(entry | {"bytes_before": size, "bytes": size_now})
    else:
        done.not_listed += 1
