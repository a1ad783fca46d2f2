"""Many new files at once, each whole or not there, and all on the disk when it is said so.

To wait for the disk once for each of a thousand small files takes seconds; waited for side by side, the system writes
them together.
"""

from __future__ import annotations

import itertools
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Final

from app.files import guarding, replace, write_all

_WAITING_TOGETHER: Final = 16
_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_serial = itertools.count(1)


class Batch:
    """Files that are written under other names first, and get theirs all together.

    Thread: one at a time.
    """

    def __init__(self) -> None:
        self._waiting: dict[Path, Path] = {}

    def __contains__(self, path: Path) -> bool:
        return path in self._waiting

    def add(self, path: Path, content: bytes) -> None:
        """Write a file that is there only after ``settle``.

        Raises:
            StorageError: it cannot be written.
        """
        temporary = path.with_name(f".{path.name}.{os.getpid()}-{next(_serial)}.tmp")
        with guarding(path):
            self._waiting[path] = temporary
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o666)
            try:
                write_all(descriptor, content)
            finally:
                os.close(descriptor)

    def settle(self) -> None:
        """``reach_disk`` and ``publish``. Raises as they do."""
        self.reach_disk()
        self.publish()

    def reach_disk(self) -> None:
        """Wait until the disk has them all.

        Raises:
            StorageError: it has not; then all are given up.
        """
        try:
            if self._waiting:
                with ThreadPoolExecutor(min(_WAITING_TOGETHER, len(self._waiting)), "evidence") as pool:
                    list(pool.map(_on_disk, self._waiting.items()))
        except BaseException:
            self.give_up()
            raise

    def publish(self) -> None:
        """Give them their names, in the order in which they were added.

        Raises:
            StorageError: one cannot be named; it and those behind it are given up.
        """
        try:
            for path in list(self._waiting):
                with guarding(path):
                    replace(self._waiting[path], path)
                del self._waiting[path]
        finally:
            self.give_up()

    def give_up(self) -> None:
        """Forget what was not settled."""
        for temporary in self._waiting.values():
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
        self._waiting.clear()


def _on_disk(item: tuple[Path, Path]) -> None:
    path, temporary = item
    with guarding(path):
        descriptor = os.open(temporary, os.O_RDWR | _O_BINARY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
