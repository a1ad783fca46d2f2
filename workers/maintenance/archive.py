"""Trade logs into the archive: each is copied, checked on the disk, named in the manifest, and only then removed.

The order of steps for one file: a temporary file in the archive, written and flushed; read back and compared by
SHA-256; given its name; a line in ``logs/archive/manifest.jsonl``; the source removed. Killed at any of them, the next
run finds the source still there, and what was done already is recognised by its content. Copying works across file
systems; nothing in the archive is ever overwritten.
"""

from __future__ import annotations

import itertools
import json
import os
import re
import stat
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import IO, Any, Final

from app.errors import NothingToDo, UserAction
from app.files import StorageError, guarding, storage_error
from app.runs import iso
from app.tasks import TaskContext
from workers.maintenance.age import Dated, dated
from workers.maintenance.archive_content import CHUNK, Content, content_of, own_file, packed, pieces, stored, unpacked
from workers.maintenance.archive_ops import Steps, identity
from workers.maintenance.listing import LISTED, Listing
from workers.maintenance.rules import TRADES
from workers.maintenance.scan import Folder, IsALink, is_link, reason, scan, shown
from workers.wording import count

MANIFEST: Final = "manifest.jsonl"
_TEMPORARY: Final = re.compile(r"\.archiving-\d+-.+\.tmp")
_IN_USE: Final = "it was written to meanwhile"
#: A trade log is some kB: no more than this of one is looked at, whatever a packed file grows to.
_MOST: Final = 256 * 2**20


@dataclass(slots=True)
class Archived:
    """What a run did: files looked at, of those archived how many were there already or got another name."""

    listing: Listing
    looked_at: int = 0
    same: int = 0
    renamed: int = 0
    stored_bytes: int = 0


class NotArchived(UserAction):
    """Not one file could be archived."""


def archive(ctx: TaskContext, days: int, *, pack: bool, dry_run: bool, steps: Steps | None = None) -> Archived:
    """Move the trade logs older than ``days`` into ``logs/archive``.

    Raises:
        NothingToDo: none is old enough.
        NotArchived: not one of the old ones could be moved.
        UserAction: the archive or its manifest is a link.
        StorageError: the disk is full, or the archive cannot be written; what was archived so far is safe.
        Cancelled: the run was asked to stop.
    """
    mover = Mover(ctx, steps or Steps(), pack=pack, dry_run=dry_run)
    now_s, found, done = ctx.clock.now().timestamp(), [], Archived(Listing())
    for file in scan(ctx.storage.paths.home, TRADES, done.listing.skip):
        done.looked_at += 1
        at = dated(file.name, file.modified_ns)
        if at.ahead(now_s):
            done.listing.skip(file.shown, "its date is in the future")
        elif at.older_than(days, now_s):
            found.append((file.name, at))
    if not found:
        left = f" One was left: {done.listing.first_reason()}." if done.listing.skipped else ""
        what = f"None of {count(done.looked_at, TRADES.what)} is" if done.looked_at else "There is no trade log"
        raise NothingToDo(f"{what} older than {count(days, 'day')}.{left}", advice="Nothing needs to be done.")
    mover.prepare()
    for number, (name, at) in enumerate(sorted(found, key=itemgetter(0))):
        ctx.progress(number, len(found), shown(name))
        _one(mover, done, name, at)
    ctx.progress(len(found), len(found))
    if not done.listing.done:
        raise NotArchived(
            f"None of {count(len(found), 'old trade log')} could be archived; {done.listing.first_trouble}.",
            advice="Close the programs that have them open; the next run tries again.",
        )
    return done


def _one(mover: Mover, done: Archived, name: str, at: Dated) -> None:
    file = shown(f"logs/{name}")
    try:
        moved = mover.move(name)
    except StorageError:
        raise
    except OSError as error:
        done.listing.skip(file, reason(error), trouble=True)
        return
    if moved is None:
        done.listing.skip(file, _IN_USE, trouble=True)
        return
    done.same += moved.known
    done.renamed += not moved.known and not moved.first_name
    done.stored_bytes += moved.stored
    outcome = mover.outcomes[moved.known]
    done.listing.add(file, moved.content.size, at, outcome, to=shown(f"logs/archive/{moved.name}"))


@dataclass(frozen=True, slots=True)
class Moved:
    """One file that is in the archive now, or would be.

    Attributes:
        name: Its name there.
        stored: Its bytes there.
        known: The same content was there already.
        first_name: It kept its name.
    """

    name: str
    content: Content
    stored: int
    known: bool
    first_name: bool


class Mover:
    """Moves files into the archive of one home. A dry run goes the same way, and writes nothing.

    Thread: one run, one thread.
    """

    def __init__(self, ctx: TaskContext, steps: Steps, *, pack: bool, dry_run: bool) -> None:
        self._ctx, self._steps, self._pack, self._dry_run = ctx, steps, pack, dry_run
        self._from, self._to = ctx.storage.paths.logs, ctx.storage.paths.archive
        self._listed: set[str] = set()
        #: What a dry run would have put there: name, content and bytes.
        self._foreseen: dict[str, tuple[Content, int]] = {}
        self._serial = itertools.count(1)

    @property
    def outcomes(self) -> tuple[str, str]:
        """What became of a file that was not in the archive yet, and of one that was."""
        if self._dry_run:
            return "would be archived", "is in the archive already"
        return "archived", "was in the archive already"

    def prepare(self) -> None:
        """Make the archive if need be, clear away what a killed run left, read the manifest.

        Raises:
            UserAction: the archive or its manifest is a link.
            StorageError: it cannot be made or read.
        """
        left = self._left_over()
        self._refuse_linked_manifest()
        if self._dry_run:
            return
        with guarding(self._to, "create"):
            self._to.mkdir(parents=True, exist_ok=True)
        for name in left:
            with suppress(OSError):
                self._steps.remove(self._to / name)
        self._listed = self._manifest()

    def _left_over(self) -> list[str]:
        """Temporary files of a killed run."""
        try:
            with closing(Folder(self._ctx.storage.paths.home, ("logs", "archive"))) as folder:
                return [entry.name for entry in folder.entries() if _TEMPORARY.fullmatch(entry.name)]
        except FileNotFoundError:
            return []
        except IsALink:
            raise _is_a_link(
                self._to, "The archive", "Make it a folder: trade logs would leave the home otherwise."
            ) from None
        except OSError as error:
            raise storage_error(self._to, error, "read") from error

    def _refuse_linked_manifest(self) -> None:
        path = self._to / MANIFEST
        with guarding(path, "read"), suppress(FileNotFoundError):
            if is_link(path.lstat()):
                raise _is_a_link(path, "The manifest", "Make it a file: its lines would leave the home otherwise.")

    def move(self, name: str) -> Moved | None:
        """Move one file, or say what that would do; None when it is not the file any more that was looked at.

        Raises:
            StorageError: the archive cannot be written; the file is where it was.
            OSError: the file cannot be read or removed.
        """
        source = self._from / name
        if is_link(source.lstat()):
            raise OSError("it is a link, and links are not followed")
        with self._ctx.storage.alone_with(source), self._steps.open_source(source) as file:
            before = os.fstat(file.fileno())
            if not stat.S_ISREG(before.st_mode):
                raise OSError("it is no ordinary file")
            content = content_of(file)
            place, known = self._place(name, content, before)
            file.seek(0)
            if self._dry_run:
                return self._foresee(file, name, place, content, known=known)
            if not known:
                self._copy(file, place, content, before.st_mtime_ns)
            size = place.lstat().st_size
            if place.name not in self._listed:
                self._note(place, name, content, size)
            file.close()
            if identity(source.lstat()) != identity(before):
                return None
            self._steps.remove(source)
            self._steps.settle(self._from)
        if len(self._ctx.files) < LISTED:
            self._ctx.wrote(place)
        return Moved(place.name, content, size, known, _keeps(name, place))

    def _foresee(self, file: IO[bytes], name: str, place: Path, content: Content, *, known: bool) -> Moved:
        if place.name in self._foreseen:
            size = self._foreseen[place.name][1]
        elif known:
            size = place.lstat().st_size
        else:
            # Packed to nowhere: only that tells how small it gets.
            size = sum(map(len, packed(file))) if self._pack else content.size
            self._foreseen[place.name] = content, size
        return Moved(place.name, content, size, known, _keeps(name, place))

    def _place(self, name: str, content: Content, source: os.stat_result) -> tuple[Path, bool]:
        """Where to put a file, and whether the same content is there already, in a file of its own."""
        stem, dot, ending = name.partition(".")
        for number in itertools.count(1):
            base = name if number == 1 else f"{stem}-{number}{dot}{ending}"
            taken = [place for place in (self._to / base, self._to / f"{base}.gz") if self._taken(place)]
            for place in taken:
                if self._held(place, source) == content:
                    return place, True
            if not taken:
                break
        return self._to / (f"{base}.gz" if self._pack else base), False

    def _taken(self, place: Path) -> bool:
        return place.name in self._foreseen or os.path.lexists(place)

    def _held(self, place: Path, source: os.stat_result) -> Content | None:
        if place.name in self._foreseen:
            return self._foreseen[place.name][0]
        return stored(place, source, packed=place.suffix == ".gz")

    def _copy(self, file: IO[bytes], place: Path, content: Content, modified_ns: int) -> None:
        temporary = self._to / f".archiving-{os.getpid()}-{next(self._serial)}.tmp"
        with guarding(place):
            try:
                descriptor = self._steps.create(temporary)
                try:
                    for piece in packed(file) if self._pack else pieces(file):
                        self._steps.write(descriptor, piece)
                    self._steps.flush(descriptor)
                finally:
                    os.close(descriptor)
                self._steps.stamp(temporary, modified_ns)
                _compare(place, stored(temporary, None, packed=self._pack), content)
                self._steps.publish(temporary, place)
                self._steps.settle(self._to)
            except BaseException:
                with suppress(OSError):
                    temporary.unlink(missing_ok=True)
                raise

    def _note(self, place: Path, name: str, content: Content, stored: int) -> None:
        line = _line(place.name, name, content, stored, self._ctx.clock.now())
        with guarding(self._to / MANIFEST):
            self._steps.append(self._to / MANIFEST, line)
        self._listed.add(place.name)

    def _manifest(self) -> set[str]:
        """The names that the manifest has; a last line that a kill tore is cut off, its file gets a new one."""
        path, names = self._to / MANIFEST, set()
        with guarding(path, "read"):
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                return set()
            whole = data.rfind(b"\n") + 1
            if whole < len(data):
                self._steps.cut(path, whole)
        for line in data[:whole].splitlines():
            with suppress(ValueError, TypeError, KeyError):
                names.add(str(json.loads(line)["file"]))
        return names


def _keeps(name: str, place: Path) -> bool:
    return place.name in (name, f"{name}.gz")


def _is_a_link(path: Path, what: str, advice: str) -> UserAction:
    return UserAction(f"{what} {path} is a link, and links are not followed.", advice=advice)


def _compare(place: Path, written: Content | None, content: Content) -> None:
    if written != content:
        raise StorageError(
            f"What was written to {place} reads back otherwise.",
            path=place,
            advice="Check the disk. The trade log was left where it is.",
        )


def archived_files(folder: Path, name: str) -> Iterator[bytes]:
    """The contents of all files of the archive that were archived as ``name``, packed ones unpacked; links are none.

    Raises:
        StorageError: one of them cannot be read.
    """
    stem, dot, ending = name.partition(".")
    for number in itertools.count(1):
        base = name if number == 1 else f"{stem}-{number}{dot}{ending}"
        found = False
        for place in (folder / base, folder / f"{base}.gz"):
            with guarding(place, "read"):
                try:
                    file = own_file(place)
                except FileNotFoundError:
                    continue
                found = True
                if file is not None:
                    with closing(file):
                        yield _whole(file, place)
        if not found and number > 1:
            return


def _whole(file: IO[bytes], place: Path) -> bytes:
    try:
        whole = b"".join(itertools.islice(unpacked(file) if place.suffix == ".gz" else pieces(file), _MOST // CHUNK))
    except zlib.error as error:
        raise StorageError(
            f"The archived trade log {place} is damaged: {error}.",
            path=place,
            advice="Restore it from a backup, or move it away: its deals are then recorded anew.",
        ) from error
    return whole


def _line(place: str, name: str, content: Content, stored: int, now: datetime) -> bytes:
    line: dict[str, Any] = {
        "file": shown(place),
        "from": shown(f"logs/{name}"),
        "bytes": content.size,
        "sha256": content.sha256,
        "stored_bytes": stored,
        "archived": iso(now),
    }
    return json.dumps(line, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
