"""The life of the process that owns the module in the ``child`` host.

It imports the module, numpy and little else: no Qt, no pandas. It ends when its parent does, however that ends.
"""

from __future__ import annotations

import faulthandler
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, Final, TextIO

from app.terminal.host import ask
from app.terminal.loaders import Loader, note_of, set_faults
from app.terminal.protocol import TerminalModule
from app.terminal.structs import Structs
from app.terminal.transport import Channel, receive, send

#: Structs of a long answer come in pieces of so many, so that the window's process unpacks each in about a
#: millisecond and never stands still for thousands of them at once.
PIECE: Final = 32
#: The child ends itself this long after the limit of a call, in case nobody is left to end it.
GRACE_S: Final = 5.0
LOST: Final = 3


@dataclass(frozen=True, slots=True)
class Question:
    """What the parent asks.

    Attributes:
        op: ``call`` a function, ``note``, or only ``open`` the module.
        now: The parent's time, aware UTC: the simulated market stands there.
        faults: To be set before, in a simulated module.
    """

    op: str
    name: str = ""
    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)
    limit_s: float = 60.0
    now: datetime = datetime.fromtimestamp(0, UTC)  # noqa: RUF009 - a constant
    faults: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Piece:
    """Some elements of a long answer, in order; more follow."""

    items: tuple[Any, ...] | Structs


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a question; after pieces, ``value`` is their last one.

    Attributes:
        warnings: What the module had to say meanwhile, for the parent's log.
    """

    value: Any = None
    error: tuple[int, str] | None = None
    raised: BaseException | None = None
    warnings: tuple[str, ...] = ()


class Warnings(logging.Handler):
    """Keeps log warnings until an answer takes them along: nobody reads the log of this process."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._kept: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._kept.append(record.getMessage())

    def take(self) -> tuple[str, ...]:
        """Those since the last time."""
        kept, self._kept = tuple(self._kept), []
        return kept


class FollowedClock:
    """The parent's clock as told with each question: both processes see the same instant, whatever clock it is."""

    def __init__(self) -> None:
        self._now = datetime.fromtimestamp(0, UTC)

    def follow(self, now: datetime) -> None:
        """From now on it is ``now``."""
        self._now = now

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return time.monotonic()


def main(channel: Channel[Any, Any], loader: Loader) -> None:
    """Answer questions until the parent closes the channel or ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C in a console is the parent's to answer
    _end_with_parent()
    # The watchdog writes its traces here: nobody reads them, and a program without console has no stderr.
    warnings = Warnings()
    logging.getLogger().addHandler(warnings)
    with Path(os.devnull).open("w", encoding="ascii") as nowhere:
        _serve(channel, loader, nowhere, warnings)


def _serve(channel: Channel[Any, Any], loader: Loader, nowhere: TextIO, warnings: Warnings) -> None:
    clock = FollowedClock()
    module: TerminalModule | None = None
    while True:
        try:
            question: Question = receive(channel)
        except (EOFError, OSError):
            return
        clock.follow(question.now)
        # A thread of C ends the process when the module holds the interpreter lock for good and the parent is gone.
        faulthandler.dump_traceback_later(question.limit_s + GRACE_S, exit=True, file=nowhere)
        try:
            if module is None:
                module = loader.load(clock)
            answer = _answer(module, question)
        except Exception as error:  # noqa: BLE001 - carried over to the parent, where it is raised
            answer = Answer(raised=portable(error))
        faulthandler.cancel_dump_traceback_later()
        try:
            _send(channel, replace(answer, warnings=warnings.take()))
        except OSError:
            return


def _answer(module: TerminalModule, question: Question) -> Answer:
    set_faults(module, question.faults)
    if question.op == "open":
        return Answer()
    if question.op == "note":
        return Answer(note_of(module))
    value, error = ask(module, question.name, question.args, question.kwargs)
    return Answer(value, error)


def _send(channel: Channel[Any, Any], answer: Answer) -> None:
    value = answer.value
    if isinstance(value, tuple | Structs) and len(value) > PIECE:
        starts = range(0, len(value), PIECE)
        for start in starts[:-1]:
            send(channel, Piece(value[start : start + PIECE]))
        answer = replace(answer, value=value[starts[-1] :])
    send(channel, answer)


def portable(error: BaseException) -> BaseException:
    """The error as it can travel: itself, or its words when it cannot be pickled and unpickled."""
    import pickle

    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - made in this line
    except Exception as why:  # noqa: BLE001 - an exception class may do anything
        return RuntimeError(f"{type(error).__name__}: {error} (could not be carried over: {why})")
    return error


def _end_with_parent(end: Callable[[int], object] = os._exit) -> None:
    """Do not outlive a parent that was killed, not even in the middle of a call."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        wait([parent.sentinel])
        end(LOST)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
