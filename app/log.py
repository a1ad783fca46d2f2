"""Logging: one file that rotates, every record bound to its task and run, no secret in it.

A line of the file is ``2025-06-03T12:00:00.123Z LEVEL logger task=... run=... message``; further lines of a record
(a traceback) are indented. The last records are also kept in ``ring`` for the window.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from typing import Final, TextIO

from app.log_file import RotatingFile
from app.log_read import INDENT, LogLine, lines_of_run, log_files, parse_line, read_tail
from app.log_scrub import hide, scrub
from app.paths import Paths
from app.runs import shortened
from app.settings_model import Settings

__all__ = [
    "LogLine",
    "Logs",
    "Ring",
    "active",
    "bind",
    "hide",
    "lines_of_run",
    "log_files",
    "parse_line",
    "read_tail",
    "ring",
    "scrub",
    "setup",
    "shutdown",
]

#: These tell at INFO what nobody asked for, and addresses with keys in them.
_CHATTY: Final = ("httpx", "httpcore", "apscheduler", "asyncio", "keyring", "urllib3")

#: What the log keeps of one record, in characters: an exception may carry a whole response.
_MOST: Final = 200_000
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029]")

_bound: ContextVar[tuple[str, str]] = ContextVar("metronome_log", default=("", ""))


class bind:
    """Every record written inside belongs to this task and run; a context manager of the run's thread."""

    __slots__ = ("_pair", "_token")

    def __init__(self, task: str, run_id: str) -> None:
        self._pair = (task, run_id)
        self._token: Token[tuple[str, str]] | None = None

    def __enter__(self) -> None:
        self._token = _bound.set(self._pair)

    def __exit__(self, *_: object) -> None:
        if self._token is not None:
            _bound.reset(self._token)
            self._token = None


class Ring:
    """The last records in memory, and those who want to hear of new ones.

    Thread: any. A callback is called by the thread that logs, without a lock held; it must be quick and not raise
    (a Qt signal emission is right). One that raises RuntimeError, as a deleted Qt object does, is dropped.
    """

    def __init__(self, limit: int = 5000) -> None:
        self._lines: deque[LogLine] = deque(maxlen=limit)
        self._callbacks: tuple[Callable[[LogLine], None], ...] = ()
        self._lock = threading.Lock()

    def lines(self) -> tuple[LogLine, ...]:
        """The records kept, oldest first."""
        with self._lock:
            return tuple(self._lines)

    def subscribe(self, callback: Callable[[LogLine], None]) -> Callable[[], None]:
        """Be told of each new record. Returns the function that ends it."""
        with self._lock:
            self._callbacks = (*self._callbacks, callback)
        return lambda: self._drop(callback)

    def add(self, line: LogLine) -> None:
        """Keep a record and tell of it."""
        with self._lock:
            self._lines.append(line)
            callbacks = self._callbacks
        for callback in callbacks:
            try:
                callback(line)
            except RuntimeError:
                self._drop(callback)

    def _drop(self, callback: Callable[[LogLine], None]) -> None:
        with self._lock:
            self._callbacks = tuple(other for other in self._callbacks if other is not callback)


#: The ring of this process: there before ``setup`` and after ``shutdown``, so that a window may come at any time.
ring: Final = Ring()


class Logs(logging.Handler):
    """Where all records go: the file, the ring and, when there is one, the console.

    Args:
        file: The rotating file; None for a process that must not write one.
        console: A text stream (stderr); None without one, as in a windowed program.
    """

    def __init__(self, file: RotatingFile | None, console: TextIO | None, to: Ring) -> None:
        super().__init__(logging.NOTSET)
        self.file = file
        self._console = console
        self._ring = to
        self._formatter = logging.Formatter()
        self._second = (-1, "")

    def handle(self, record: logging.LogRecord) -> bool:
        """As of every handler, but without its lock: a listener may log, and waits for nobody."""
        passed = self.filter(record)
        if passed:
            self.emit(record)
        return bool(passed)

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record. Never raises because of a file, a stream or a badly formed call."""
        line = self._line(record)
        text = self._text(line, record)
        if self.file is not None:
            self.file.write(text)
        if self._console is not None:
            with suppress(OSError, ValueError):  # a closed pipe costs no record: the file has it
                self._console.write(text)
        self._ring.add(line)

    def apply(self, settings: Settings) -> None:
        """Take over changed settings at once."""
        logging.getLogger().setLevel(settings.logging.level)
        if self.file is not None:
            self.file.max_bytes = settings.logging.max_bytes
            self.file.backups = settings.logging.backups

    def close(self) -> None:
        """Take the handler off and close the file."""
        logging.getLogger().removeHandler(self)
        if self.file is not None:
            self.file.close()
        super().close()

    def _line(self, record: logging.LogRecord) -> LogLine:
        try:
            text = record.getMessage()
        except (TypeError, ValueError, KeyError, IndexError, AttributeError) as error:
            text = f"{record.msg!s} {record.args!r} (badly formed log call: {error})"
        if record.exc_info and record.exc_info[0] is not None:
            text = f"{text}\n{self._formatter.formatException(record.exc_info)}"
        if record.stack_info:
            text = f"{text}\n{record.stack_info}"
        text = scrub(shortened(text, _MOST))
        if not text.isprintable():
            text = _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n"))
        task, run = _bound.get()
        moment = datetime.fromtimestamp(record.created, UTC)
        return LogLine(moment, record.levelname, record.name, task, run, text)

    def _text(self, line: LogLine, record: logging.LogRecord) -> str:
        second = int(record.created)
        known, stamp = self._second
        if second != known:
            stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, stamp)
        text = line.text.replace("\n", f"\n{INDENT}") if "\n" in line.text else line.text
        logger = line.logger.replace(" ", "_")
        millis = int((record.created - second) * 1000)
        return f"{stamp}.{millis:03d}Z {line.level} {logger} task={line.task or '-'} run={line.run or '-'} {text}\n"


_active: Logs | None = None


def setup(paths: Paths, settings: Settings, console: TextIO | None) -> Logs:
    """Send all records of this process to ``logs/metronome.log``, to ``ring`` and to ``console``.

    A second call takes the place of the first. Give changed settings to ``Logs.apply``.
    """
    global _active
    shutdown()
    file = RotatingFile(paths.log_file, settings.logging.max_bytes, settings.logging.backups)
    logs = Logs(file, console, ring)
    logs.apply(settings)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger().addHandler(logs)
    _active = logs
    return logs


def active() -> Logs | None:
    """What ``setup`` made; None before it and after ``shutdown``."""
    return _active


def shutdown() -> None:
    """End logging: the file is complete and closed afterwards."""
    global _active
    logs, _active = _active, None
    if logs is not None:
        logs.close()
