"""What tasks write below the home: JSON documents and CSV files that are whole at every instant."""

from __future__ import annotations

import csv
import io
import json
import logging
import os
import shutil
import threading
import zlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from typing import Any, Final, NamedTuple

from app import entries
from app.clock import Clock
from app.errors import UserAction
from app.files import StorageError, atomic_write_bytes, atomic_write_pieces, guarding, quarantine, write_all
from app.paths import Paths

log = logging.getLogger(__name__)

#: The schema of every JSON file written today.
JSON_SCHEMA: Final = 1

#: The last entry is looked for in the end of its file of this size first.
_LAST_BYTES: Final = 128 * 1024
_REMEMBERED: Final = 4096
_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)

_Stamp = tuple[int, int, int]


#: Whom to tell of damaged files that are met: the run that is at work on this thread.
_listener: ContextVar[Callable[[str], None] | None] = ContextVar("damage_listener", default=None)
#: Damage that only the window met is told by the next run at that file; at most so many wait.
_MAX_UNTOLD: Final = 100


class damage_told_to:
    """Inside, whatever damaged file any ``Storage`` puts aside on this thread is told to ``tell``, as a sentence.

    A class, since a generator would cost a tenth of what the fastest run does.
    """

    __slots__ = ("_tell", "_token")

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell

    def __enter__(self) -> None:
        self._token = _listener.set(self._tell)

    def __exit__(self, *_error: object) -> None:
        _listener.reset(self._token)


class _Known(NamedTuple):
    """A document with entries as this process left it: its stamp, and where its last entry ends."""

    stamp: _Stamp
    end: int


class Storage:
    """The files of one home.

    Thread: any. Two threads that write the same file wait for one another; different files do not.
    """

    def __init__(self, paths: Paths, clock: Clock) -> None:
        self.paths = paths
        self._clock = clock
        self._home = paths.home.resolve()
        self._checked: OrderedDict[Path, _Known] = OrderedDict()
        self._untold: dict[Path, str] = {}
        # Many files share a lock, so whoever is alone with one file must be able to write another.
        self._locks = tuple(threading.RLock() for _ in range(16))

    def relative(self, path: Path) -> str:
        """``path`` from the home, with forward slashes; one outside of it stays whole."""
        for base, name in ((self.paths.home, path), (self._home, path.resolve())):
            if name.is_relative_to(base):
                return name.relative_to(base).as_posix()
        return path.as_posix()

    def write_json(self, path: Path, document: Mapping[str, Any]) -> None:
        """Write a JSON document whole; ``"schema": 1`` is put first unless it has a schema.

        Raises:
            StorageError: it cannot be written; what was there before is untouched.
            ValueError: it holds a number that JSON has not (NaN, infinity).
        """
        whole = document if "schema" in document else {"schema": JSON_SCHEMA, **document}
        data = json.dumps(whole, ensure_ascii=False, indent=2, allow_nan=False).encode("utf-8", "backslashreplace")
        with self._lock(path):
            _make_folder(path)
            atomic_write_bytes(path, data + b"\n")

    def read_json(self, path: Path, *, schema: int = JSON_SCHEMA) -> dict[str, Any] | None:
        """The document in ``path``; None when there is none, or it was damaged and was moved aside (the run warns).

        Args:
            schema: The newest schema that the caller understands.

        Raises:
            StorageError: it is there but cannot be read.
            UserAction: it was written by a newer Metronome; it is left alone.
        """
        with self._lock(path):
            self._tell_late(path)
            data = _read(path)
            if data is None:
                return None
            document = _parsed(data)
            if isinstance(document, str):
                self.put_aside(path, document)
                return None
        refuse_newer(path, document, schema)
        return document

    def last_json_item(self, path: Path) -> dict[str, Any] | None:
        """The last entry that ``append_json_item`` wrote; None when there is none.

        Only the end of the file is read, so a long document does not hold the interpreter up.

        Raises:
            StorageError: the file is there but cannot be read.
            UserAction: it was written by a newer Metronome.
        """
        line, size, reach = None, 1, 0
        while line is None and reach < size:
            reach = max(_LAST_BYTES, reach * 4)
            with guarding(path, "read"):
                try:
                    with path.open("rb") as file:
                        size = file.seek(0, os.SEEK_END)
                        file.seek(max(size - reach, 0))
                        line = entries.last_line(file.read())
                except FileNotFoundError:
                    return None
        item = _parsed(line or b"")
        if isinstance(item, dict):
            return item
        # An empty list, another layout or damage: look at all of it.
        document = self.read_json(path)
        found = document.get("entries") if document else None
        return found[-1] if isinstance(found, list) and found and isinstance(found[-1], dict) else None

    def append_json_item(
        self, path: Path, item: Mapping[str, Any], head: Mapping[str, Any] | None = None, *, durable: bool = True
    ) -> None:
        """Append one entry to the array ``entries`` of a JSON document that is valid at every instant.

        The entry is written into a gap that the document keeps before its end (see ``app.entries``), at the same cost
        however long it is. It is fully checked when this process first sees it or somebody else has changed it, and
        known by size and time afterwards. A damaged document is moved aside with a warning of the run that met it;
        a new one is begun.

        Args:
            item: The entry; plain JSON values.
            head: Names beside ``entries``, written when the document is begun; ``"schema": 1`` comes by itself.
            durable: Wait until the disk has it. Without, a power cut may cost the entries of the last half minute; a
                kill costs none.

        Raises:
            StorageError: it cannot be written; what was there before is untouched.
            UserAction: the document was written by a newer Metronome; it is left alone.
            ValueError: the entry holds a number that JSON has not (NaN, infinity).
        """
        entry = entries.encoded(item)
        with self._lock(path):
            self._tell_late(path)
            known = self._checked.get(path)
            if known is not None and known.stamp == _stamp(path):
                found = entries.place(known.end, known.stamp[0], entry)
                if found is not None:
                    at, line = found
                    _write_at(path, at, line, durable=durable)
                    self._remember(path, at + len(line))
                    return
                document: entries.Document | None = entries.extended(_read(path) or b"", known.end, entry)
            elif (document := self._document(path)) is not None:
                document = entries.extended(b"".join(document.pieces), document.end, entry)
            if document is None:
                _make_folder(path)
                document = entries.begun({"schema": JSON_SCHEMA, **(head or {})}, (entry,))
            atomic_write_pieces(path, document.pieces, durable=durable)
            self._remember(path, document.end)

    def append_csv(self, path: Path, header: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
        """Append rows to a CSV file; a new one begins with ``header``.

        A last line without its end was torn by a kill: it goes to ``{name}.rejected.csv`` first, so that nothing is
        lost and no row is glued to it. A line break inside a value becomes a blank: one row is one line.

        Returns:
            How many rows were written.

        Raises:
            StorageError: not everything could be written; then nothing of it is in the file.
            UserAction: the file has other columns.
        """
        lines = [_csv_line(row) for row in rows]
        with self._lock(path):
            self._tell_late(path)
            _make_folder(path)
            with guarding(path):
                descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | _O_BINARY, 0o666)
            try:
                size = self._healed(path, descriptor)
                if size:
                    _check_header(path, descriptor, header)
                else:
                    lines.insert(0, _csv_line(header))
                if lines:
                    _append(path, descriptor, size, "".join(lines).encode("utf-8", "backslashreplace"))
            finally:
                os.close(descriptor)
        return len(lines) - (0 if size else 1)

    def replace_file(self, path: Path, size: int, pieces: Iterable[bytes]) -> bool:
        """Replace a file that still has ``size`` bytes by ``pieces``; False when somebody has written to it since.

        Raises:
            StorageError: it cannot be read or written; what was there before is untouched.
        """
        with self._lock(path):
            found = _stamp(path)
            if found is None or found[0] != size:
                return False
            atomic_write_pieces(path, pieces)
            return True

    def free_bytes(self) -> int:
        """Bytes free on the disk of the home.

        Raises:
            StorageError: the disk does not answer.
        """
        with guarding(self.paths.home, "read"):
            return shutil.disk_usage(self.paths.home).free

    def folder_size(self, path: Path) -> int:
        """Bytes of all files below ``path``, links not followed; 0 when there is no such folder."""
        total, folders = 0, [path]
        while folders:
            with suppress(OSError), os.scandir(folders.pop()) as entries:
                for entry in entries:
                    with suppress(OSError):  # files come and go while we count
                        if entry.is_dir(follow_symlinks=False):
                            folders.append(Path(entry.path))
                        else:
                            total += entry.stat(follow_symlinks=False).st_size
        return total

    @contextmanager
    def alone_with(self, path: Path) -> Iterator[None]:
        """Nobody else writes ``path`` through this object meanwhile: for a file that is read, changed and replaced.

        Thread: the same thread may call the methods above inside.
        """
        with self._lock(path):
            yield

    def _lock(self, path: Path) -> AbstractContextManager[object]:
        return self._locks[zlib.crc32(os.fsencode(path)) % len(self._locks)]

    def _remember(self, path: Path, end: int) -> None:
        stamp = _stamp(path)
        if stamp is None:
            self._checked.pop(path, None)
            return
        self._checked[path] = _Known(stamp, end)
        self._checked.move_to_end(path)
        if len(self._checked) > _REMEMBERED:
            with suppress(KeyError):
                self._checked.popitem(last=False)

    def _document(self, path: Path) -> entries.Document | None:
        """The document in our layout, fully checked; None when there is none, or it was damaged and is now aside."""
        data = _read(path)
        if data is None:
            return None
        if (head := entries.head_of(data)) is not None:
            refuse_newer(path, head, JSON_SCHEMA)
        if (known := entries.in_our_layout(data)) is not None:
            return known
        document = _parsed(data)
        if isinstance(document, dict):
            refuse_newer(path, document, JSON_SCHEMA)
            if not isinstance(document.get("entries"), list):
                document = "it has no list named entries"
        if isinstance(document, str):
            self.put_aside(path, document)
            return None
        # Valid, but laid out by another program: bring it back to one entry a line.
        items = [entries.encoded(item) for item in document.pop("entries")]
        return entries.begun({"schema": JSON_SCHEMA, **document}, items)

    def put_aside(self, path: Path, reason: str) -> None:
        """Keep a damaged file under another name; the run at work, or else the next one that comes to it, warns.

        Raises:
            StorageError: it cannot be moved.
        """
        aside = quarantine(path, self._clock)
        name = self.relative(path)
        self._tell(path, f"The file {name} is damaged ({reason}); it was kept as {aside.name} and a new one is begun.")

    def _tell(self, path: Path, sentence: str) -> None:
        """Tell the run at work of a damaged file; where there is none, the next run that comes to the file."""
        tell = _listener.get()
        if tell is not None:
            tell(sentence)
            return
        log.warning("%s", sentence)
        self._untold[path] = sentence
        if len(self._untold) > _MAX_UNTOLD:
            with suppress(KeyError, StopIteration):
                del self._untold[next(iter(self._untold))]

    def _tell_late(self, path: Path) -> None:
        """Tell the run at work what the window met before it."""
        if self._untold and (tell := _listener.get()) is not None:
            sentence = self._untold.pop(path, "")
            if sentence:
                tell(sentence)

    def _healed(self, path: Path, descriptor: int) -> int:
        """Bytes of the file after a torn last line has been moved to the side file."""
        with guarding(path):
            size = os.fstat(descriptor).st_size
            if not size or _tail(descriptor, size, 1) == b"\n":
                return size
            reach = 4096
            while b"\n" not in (block := _tail(descriptor, size, reach)) and reach < size:
                reach *= 8
        torn = block[block.rfind(b"\n") + 1 :]
        side = path.with_name(f"{path.stem}.rejected.csv")
        with guarding(side):
            side_descriptor = os.open(side, os.O_WRONLY | os.O_CREAT | os.O_APPEND | _O_BINARY, 0o666)
            try:
                write_all(side_descriptor, torn + b"\n")
                os.fsync(side_descriptor)
            finally:
                os.close(side_descriptor)
        with guarding(path):
            os.ftruncate(descriptor, size - len(torn))
        name = self.relative(path)
        self._tell(path, f"The last line of {name} was torn by an interrupted write; it was moved to {side.name}.")
        return size - len(torn)


def _make_folder(path: Path) -> None:
    with guarding(path.parent, "create"):
        path.parent.mkdir(parents=True, exist_ok=True)


def _read(path: Path) -> bytes | None:
    with guarding(path, "read"):
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None


def _parsed(data: bytes) -> dict[str, Any] | str:
    """The document, or why it is none."""
    try:
        document = json.loads(data)
    except json.JSONDecodeError as error:
        return f"line {error.lineno}, column {error.colno}: {error.msg}"
    except (UnicodeDecodeError, RecursionError) as error:
        return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "it is nested too deeply"
    return document if isinstance(document, dict) else "it is not a JSON object"


def refuse_newer(path: Path, document: Mapping[str, Any], schema: int = JSON_SCHEMA) -> None:
    """Refuse a document of a later schema than the caller understands.

    Raises:
        UserAction: it was written by a newer Metronome.
    """
    found = document.get("schema")
    if isinstance(found, int) and found > schema:
        raise UserAction(
            f"The file {path} has schema {found}; this Metronome knows up to {schema}.",
            advice="Use the newer Metronome that wrote it, or move the file away. It was not touched.",
        )


def _write_at(path: Path, at: int, line: bytes, *, durable: bool) -> None:
    """Write over blanks inside of an existing file: all of ``line``, or nothing of it."""
    with guarding(path):
        descriptor = os.open(path, os.O_WRONLY | _O_BINARY)
        try:
            os.lseek(descriptor, at, os.SEEK_SET)
            write_all(descriptor, line)
            if durable:
                os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.lseek(descriptor, at, os.SEEK_SET)
                write_all(descriptor, b" " * len(line))
            raise
        finally:
            os.close(descriptor)


def _stamp(path: Path) -> _Stamp | None:
    """What tells that a file was changed; None when it is not there."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns, found.st_ino


def _csv_line(row: Sequence[object]) -> str:
    buffer = io.StringIO()
    values = (" ".join(value.splitlines()) if isinstance(value, str) else value for value in row)
    csv.writer(buffer, lineterminator="\n").writerow(values)
    return buffer.getvalue()


def _tail(descriptor: int, size: int, count: int) -> bytes:
    os.lseek(descriptor, max(0, size - count), os.SEEK_SET)
    return os.read(descriptor, count)


def _check_header(path: Path, descriptor: int, header: Sequence[str]) -> None:
    with guarding(path, "read"):
        os.lseek(descriptor, 0, os.SEEK_SET)
        first = os.read(descriptor, 65_536).partition(b"\n")[0].decode("utf-8-sig", "replace")
    found = next(csv.reader([first.rstrip("\r")]), [])
    if found != list(header):
        raise UserAction(
            f"The file {path} has the columns {', '.join(found)}; expected are {', '.join(header)}.",
            advice="Move the file away (a new one is begun) or give it the expected columns.",
        )


def _append(path: Path, descriptor: int, size: int, data: bytes) -> None:
    """All of ``data``, or nothing of it."""
    with guarding(path):
        try:
            write_all(descriptor, data)
            os.fsync(descriptor)
        except OSError:
            with suppress(OSError):
                os.ftruncate(descriptor, size)
            raise


__all__ = ["JSON_SCHEMA", "Storage", "StorageError"]
