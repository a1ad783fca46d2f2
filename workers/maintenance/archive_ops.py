"""The single steps on files that an archive takes, so that a test can stop the program between any two of them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO, Any, Final

from app import files

_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_O_NOFOLLOW: Final[int] = getattr(os, "O_NOFOLLOW", 0)


def opened(path: Path) -> IO[bytes]:
    """Open a file to be read; a link is refused where the system can tell."""
    return os.fdopen(os.open(path, os.O_RDONLY | _O_BINARY | _O_NOFOLLOW), "rb")


class Steps:
    """Each method is one step that the disk has done, or not, after a power cut."""

    def open_source(self, path: Path) -> IO[bytes]:
        """Open a file to be read; a link is refused."""
        return opened(path)

    def create(self, path: Path) -> int:
        """Begin a file that is not there yet; its descriptor."""
        return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o666)

    def write(self, descriptor: int, data: bytes) -> None:
        """Write all of it."""
        files.write_all(descriptor, data)

    def flush(self, descriptor: int) -> None:
        """Wait until the disk has it."""
        os.fsync(descriptor)

    def stamp(self, path: Path, modified_ns: int) -> None:
        """Give a file the modification time of another."""
        os.utime(path, ns=(modified_ns, modified_ns))

    def publish(self, temporary: Path, target: Path) -> None:
        """Give a whole file its name, which is free. Nobody else writes to the archive: the home has one owner."""
        if os.path.lexists(target):
            raise FileExistsError(f"{target} is there already")
        files.replace(temporary, target)

    def settle(self, folder: Path) -> None:
        """Wait until the disk has the names of a folder; Windows has no such call and needs none."""
        if os.name == "nt":
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        except OSError:
            pass  # some network file systems refuse; the files themselves are on the disk
        finally:
            os.close(descriptor)

    def cut(self, path: Path, size: int) -> None:
        """Shorten a file to ``size`` bytes."""
        os.truncate(path, size)

    def append(self, path: Path, data: bytes) -> None:
        """Append to a file and wait until the disk has it; a link is refused."""
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _O_BINARY | _O_NOFOLLOW, 0o666)
        try:
            self.write(descriptor, data)
            self.flush(descriptor)
        finally:
            os.close(descriptor)

    def remove(self, path: Path) -> None:
        """Remove a file."""
        path.unlink()


def identity(status: os.stat_result) -> tuple[Any, ...]:
    """What tells that a file was changed."""
    return status.st_size, status.st_mtime_ns, status.st_ino
