"""A log file that rotates by size and never loses a record, also while another program holds it open."""

from __future__ import annotations

import os
import shutil
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.files import write_all

_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)

#: Records kept in memory while the file cannot be written (disk full, folder gone).
_PENDING: Final = 20_000
#: Pause before a failed write is tried again, and before a failed rotation is.
_RETRY_S: Final = 1.0
_ROTATE_RETRY_S: Final = 30.0


class RotatingFile:
    """Appends records to ``path``; at ``max_bytes`` it becomes ``path.1``, which becomes ``path.2``, and so on.

    On Windows a file that another program has open cannot be renamed: then its content is copied to ``path.1`` and
    the file emptied in place. When that fails too, writing goes on in the same file and rotation is tried later.
    A record that cannot be written waits in memory for the next one. Nothing here ever raises into a task.

    Thread: any.
    """

    def __init__(
        self, path: Path, max_bytes: int, backups: int, *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self.path = path
        self.max_bytes = max_bytes
        self.backups = backups
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._descriptor: int | None = None
        self._identity: tuple[int, int] | None = None
        self._size = 0
        self._pending: deque[bytes] = deque()
        self._lost = 0
        self._retry_at = 0.0
        self._look_at = 0.0
        self._rotate_at = 0.0

    @property
    def waiting(self) -> int:
        """Records that wait in memory because the file cannot be written."""
        return len(self._pending)

    @property
    def lost(self) -> int:
        """Records that were given up because too many waited."""
        return self._lost

    def write(self, text: str) -> None:
        """Append ``text``, which ends with a line end. It is in the hands of the system when this returns."""
        data = text.encode("utf-8", "backslashreplace")
        with self._lock:
            now = self._monotonic()
            if self._pending and now < self._retry_at:
                self._keep(data)
                return
            try:
                self._prepare(now, len(data))
                while self._pending:
                    self._append(self._pending[0])
                    self._pending.popleft()
                self._append(data)
            except OSError:
                self._retry_at = now + _RETRY_S
                self._close()
                self._keep(data)

    def close(self) -> None:
        """Write what waits, if that works now, and close the file. A later write opens it again."""
        with self._lock:
            with suppress(OSError):
                while self._pending:
                    self._prepare(self._monotonic(), 0)
                    self._append(self._pending[0])
                    self._pending.popleft()
            self._close()

    def _keep(self, data: bytes) -> None:
        if len(self._pending) >= _PENDING:
            self._pending.popleft()
            self._lost += 1
        self._pending.append(data)

    def _append(self, data: bytes) -> None:
        descriptor = self._descriptor
        if descriptor is None:
            descriptor = self._open()
        try:
            write_all(descriptor, data)
        except OSError:
            # A full disk takes a part of a record: take it back, the whole record is written later.
            with suppress(OSError):
                os.ftruncate(descriptor, self._size)
            raise
        self._size += len(data)

    def _prepare(self, now: float, coming: int) -> None:
        """Open the file, notice that somebody moved it away, rotate when it is full."""
        if self._descriptor is not None and now >= self._look_at:
            self._look_at = now + 1.0
            if self._identity != _identity(self.path):
                self._close()
        if self._descriptor is None:
            self._open()
        if self._size and self._size + coming > self.max_bytes and now >= self._rotate_at and not self._rotate():
            self._rotate_at = now + _ROTATE_RETRY_S

    def _open(self) -> int:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _O_BINARY, 0o644)
        found = os.fstat(descriptor)
        self._size = found.st_size
        self._identity = (found.st_dev, found.st_ino)
        self._descriptor = descriptor
        if self._size:
            # A kill may have torn the last record: the next one begins on its own line.
            os.lseek(descriptor, self._size - 1, os.SEEK_SET)
            if os.read(descriptor, 1) != b"\n":
                write_all(descriptor, b"\n")
                self._size += 1
        return descriptor

    def _close(self) -> None:
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):
                os.close(descriptor)

    def _rotate(self) -> bool:
        """Move the files on; False when another program does not let us. The file is open again afterwards."""
        self._close()
        first = self._numbered(1)
        try:
            for number in range(self.backups - 1, 0, -1):
                with suppress(FileNotFoundError):
                    self._numbered(number).replace(self._numbered(number + 1))
            self.path.replace(first)
            done = True
        except OSError:
            # Either .1 is held (then nothing more can be done now) or the log itself is (then it can be copied).
            done = (self.backups == 1 or not first.exists()) and self._copy_and_empty(first)
        self._open()
        return done

    def _copy_and_empty(self, target: Path) -> bool:
        partial = target.with_name(f"{target.name}.partial")
        try:
            shutil.copyfile(self.path, partial)
            partial.replace(target)
        except OSError:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
            return False
        try:
            os.truncate(self.path, 0)
        except OSError:
            # The records are in both files now; take the copy away so that they are told once.
            with suppress(OSError):
                target.unlink()
            return False
        return True

    def _numbered(self, number: int) -> Path:
        return self.path.with_name(f"{self.path.name}.{number}")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
