"""Files that survive: whole or not at all, damaged ones kept aside, one owner per folder.

A kill at any instant leaves the old content or the new one, never a mixture: content goes to a temporary file in the
same folder, is flushed to the disk, and takes the place of the old file in one step.
"""

from __future__ import annotations

import errno
import itertools
import json
import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from app.clock import Clock
from app.errors import UserAction

log = logging.getLogger(__name__)

_WINDOWS: Final = os.name == "nt"
_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_TEMPORARY: Final = re.compile(r"^\..+\.(\d+)-\d+\.tmp$")
_serial = itertools.count(1)

#: Pauses between the tries to replace a file that another program holds open (Windows): 1.3 s in all.
_REPLACE_PAUSES_S: Final = (0.01, 0.02, 0.04, 0.08, 0.15, 0.25, 0.35, 0.4)

#: A temporary file older than this belongs to nobody, whatever process has its number today.
_TEMPORARY_EXPIRES_S: Final = 3600.0

#: Where the lock byte lies: far behind the text, since a locked range cannot be read by others on Windows.
_LOCK_OFFSET: Final = 1 << 20

_FULL: Final = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
#: A disk with so much room is not full; who is refused a file there has used up a quota.
_ROOM: Final = 1_000_000_000
_REFUSED: Final = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


class StorageError(UserAction):
    """A file cannot be read or written: the disk is full, the folder is read-only, and the like.

    Attributes:
        path: The file (or folder) in question.
        free_bytes: Space left on its disk, when that could be found out.
        full: The disk has no room for this user, so that no other file can be written either.
    """

    def __init__(
        self, message: str, *, path: Path, free_bytes: int | None = None, full: bool = False, advice: str = ""
    ) -> None:
        super().__init__(message, advice=advice)
        self.path = path
        self.free_bytes = free_bytes
        self.full = full


class AlreadyOwned(UserAction):
    """Another process holds the folder. ``pid`` is its number, None when it could not be read."""

    def __init__(self, folder: Path, pid: int | None) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            f"The folder {folder} is in use by {who}.",
            advice="Close that Metronome, or choose another folder with --home.",
        )
        self.folder = folder
        self.pid = pid


def storage_error(path: Path, error: OSError, doing: str = "write") -> StorageError:
    """Say in words why ``path`` could not be used.

    Args:
        doing: The verb: ``write``, ``read``, ``move``, ``create``.
    """
    free = free_bytes(path)
    space = "" if free is None else f" ({_megabytes(free)} free)"
    if error.errno in _FULL and free is not None and free >= _ROOM:
        message = f"Cannot {doing} {path}: the disk is full for this user{space}."
        advice = (
            "A quota is used up: free some of your own files there, or ask for more; the next run goes on by itself."
        )
    elif error.errno in _FULL:
        message = f"Cannot {doing} {path}: the disk is full{space}."
        advice = "Free some space on that disk; the next run goes on by itself."
    elif error.errno == errno.EFBIG:
        message = f"Cannot {doing} {path}: the file would be larger than is allowed here{space}."
        advice = (
            "Raise the limit for the size of a file (ulimit -f), or choose another --home: FAT32 disks have files of "
            "at most 4 GB."
        )
    elif error.errno in _REFUSED:
        message = f"Cannot {doing} {path}: permission is refused or the folder is read-only{space}."
        advice = f"Allow Metronome to {doing} there, close programs that hold the file, or choose another --home."
    else:
        message = f"Cannot {doing} {path}: {error.strerror or error}{space}."
        advice = "Check that the disk is connected and the path is right."
    return StorageError(message, path=path, free_bytes=free, full=error.errno in _FULL, advice=advice)


@contextmanager
def guarding(path: Path, doing: str = "write") -> Iterator[None]:
    """Turn an ``OSError`` of the body into a ``StorageError`` that names ``path``."""
    try:
        yield
    except OSError as error:
        raise storage_error(path, error, doing) from error


def free_bytes(path: Path) -> int | None:
    """Bytes free on the disk of ``path`` (or of its nearest folder that exists); None when nobody can tell."""
    for place in (path, *path.parents):
        try:
            return shutil.disk_usage(place).free
        except FileNotFoundError:
            continue
        except OSError:
            return None
    return None


def _megabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1_000_000_000 else f"{count / 1e6:.1f} MB"


def atomic_write_text(path: Path, text: str) -> None:
    """As ``atomic_write_bytes``, in UTF-8, line ends as given."""
    atomic_write_bytes(path, text.encode("utf-8"))


def atomic_write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Replace the content of ``path``, or create it: afterwards it is whole, whatever happens meanwhile.

    A symbolic link stays one: the file that it points to is replaced. Permissions are kept.

    Args:
        durable: Wait until the disk has it. Without, only a power cut in the next half minute can harm it.

    Raises:
        StorageError: it could not be written; what was there before is untouched.
    """
    atomic_write_pieces(path, (data,), durable=durable)


def atomic_write_pieces(path: Path, pieces: Iterable[bytes | memoryview], *, durable: bool = True) -> None:
    """As ``atomic_write_bytes``, from pieces that are made while it is written; what they raise is passed on."""
    target = path.resolve() if path.is_symlink() else path
    temporary = target.with_name(f".{target.name}.{os.getpid()}-{next(_serial)}.tmp")
    with guarding(path):
        try:
            _write_new(temporary, pieces, durable=durable)
            with suppress(FileNotFoundError):
                shutil.copymode(target, temporary)
            replace(temporary, target)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise


def _write_new(path: Path, pieces: Iterable[bytes | memoryview], *, durable: bool) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o666)
    try:
        for piece in pieces:
            write_all(descriptor, piece)
        if durable:
            os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_all(descriptor: int, data: bytes | memoryview) -> None:
    """Write every byte: one call may take only a part of a large block."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace(source: Path, target: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
    """``os.replace`` with patience: on Windows a scanner or an editor may hold the file for a moment.

    Raises:
        OSError: it did not work, on Windows not within 1.3 s either.
    """
    for pause in _REPLACE_PAUSES_S if _WINDOWS else ():
        try:
            source.replace(target)
        except PermissionError:
            sleep(pause)
        else:
            return
    source.replace(target)


def folder_of_its_own(inside: Path, clock: Clock) -> Path:
    """Make a new folder named by the time, so that a file keeps its name there and nothing is overwritten.

    Raises:
        StorageError: it cannot be made.
    """
    stem = f"{clock.now():%Y%m%dT%H%M%SZ}"
    with guarding(inside, "create"):
        inside.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            place = inside / (stem if number == 1 else f"{stem}-{number}")
            try:
                place.mkdir()
            except FileExistsError:
                continue
            break
    return place


def quarantine(path: Path, clock: Clock) -> Path:
    """Move a damaged file to ``{name}.damaged-{time}`` beside it, so that nothing is lost.

    Returns:
        The new path. A file of that name is never overwritten: a number is appended.

    Raises:
        StorageError: it could not be moved.
    """
    stem = f"{path.name}.damaged-{clock.now():%Y%m%dT%H%M%SZ}"
    for number in itertools.count(1):
        aside = path.with_name(stem if number == 1 else f"{stem}-{number}")
        if not aside.exists():
            break
    with guarding(path, "move"):
        replace(path, aside)
    return aside


def damaged_copies(path: Path) -> list[tuple[str, datetime]]:
    """Damaged files that ``quarantine`` moved away from ``path``: names and when, the newest first.

    Raises:
        StorageError: the folder cannot be read.
    """
    begin, found = f"{path.name}.damaged-", []
    with guarding(path.parent, "read"):
        names = [file.name for file in path.parent.iterdir() if file.name.startswith(begin)]
    for name in names:
        with suppress(ValueError):  # a copy that somebody named
            moment = datetime.strptime(name[len(begin) :][:16], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
            found.append((name, moment))
    return sorted(found, key=lambda item: (item[1], item[0]), reverse=True)


def clean_leftovers(folder: Path) -> int:
    """Remove temporary files that a killed process left below ``folder``.

    Call it at start, once the folder is owned. Files of living processes are spared.

    Returns:
        How many were removed.
    """
    removed = 0
    for name in _temporaries(folder):
        found = _TEMPORARY.match(name.name)
        if found is None:
            continue
        with suppress(OSError):
            if _expired(name, int(found[1])):
                name.unlink()
                removed += 1
    if removed:
        log.info("Removed temporary files of an interrupted write count=%d folder=%s", removed, folder)
    return removed


def _temporaries(folder: Path) -> Iterator[Path]:
    """Files below ``folder`` that look temporary, links not followed; folders are read as streams, however large."""
    folders = [folder]
    while folders:
        with suppress(OSError), os.scandir(folders.pop()) as found:
            for entry in found:
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif entry.name.startswith(".") and entry.name.endswith(".tmp"):
                    yield Path(entry.path)


def _expired(path: Path, pid: int) -> bool:
    # Windows refuses to delete a file that is still open, so trying is the test there.
    if pid == os.getpid():
        return False
    age_s = time.time() - path.stat().st_mtime
    return _WINDOWS or age_s > _TEMPORARY_EXPIRES_S or not _alive(pid)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


class FolderLock:
    """The right to be the only engine of a folder, held until ``release`` or the end of the process.

    The operating system lets go of it when the process dies, however it dies; a left-over lock file means nothing.

    Thread: not shared; the engine takes it before it starts anything.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    @property
    def held(self) -> bool:
        """Whether this object holds the lock."""
        return self._descriptor is not None

    def acquire(self) -> None:
        """Take the lock and write the number of this process into the file.

        Raises:
            AlreadyOwned: another process (or another lock of this one) holds it.
            StorageError: the lock file cannot be created.
        """
        if self.held:
            return
        with guarding(self.path, "create"):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | _O_BINARY, 0o644)
        try:
            self._claim(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        self._descriptor = descriptor

    def _claim(self, descriptor: int) -> None:
        if not _lock(descriptor):
            raise AlreadyOwned(self.path.parent, self.owner())
        with guarding(self.path):
            os.ftruncate(descriptor, 0)
            os.lseek(descriptor, 0, os.SEEK_SET)
            write_all(descriptor, json.dumps({"pid": os.getpid()}).encode())

    def release(self) -> None:
        """Give the lock back. Without it, nothing happens."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.ftruncate(descriptor, 0)
            os.close(descriptor)

    def owner(self) -> int | None:
        """The number of the process that wrote the lock file; None when there is none."""
        try:
            found = json.loads(self.path.read_bytes())
        except (OSError, ValueError):
            return None
        pid = found.get("pid") if isinstance(found, dict) else None
        return pid if isinstance(pid, int) else None

    def __enter__(self) -> FolderLock:
        self.acquire()
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> bool:
        """Lock without waiting; False when somebody else holds it. Closing the descriptor unlocks."""
        os.lseek(descriptor, _LOCK_OFFSET, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock(descriptor: int) -> bool:
        """Lock without waiting; False when somebody else holds it. Closing the descriptor unlocks."""
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
