"""The host ``child``: the module in a spawned process that can be ended when it hangs."""

from __future__ import annotations

import logging
import multiprocessing
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from app.clock import Clock
from app.terminal.call_words import asked_for
from app.terminal.child import Answer, Piece, Question, main
from app.terminal.errors import HostDied, HostHung
from app.terminal.host import NO_ERROR, not_open
from app.terminal.loaders import Loader
from app.terminal.structs import joined
from app.terminal.transport import Channel, receive, send

log = logging.getLogger(__name__)

#: Python, numpy and the module have to be there within this time; on a cold disk with a virus scanner it takes a while.
START_S: Final = 30.0
_END_S: Final = 1.0


class ChildHost:
    """The module in a process of its own; see ``Host``.

    Spawned, never forked, with the interpreter (or packaged program) of this one: a window program has no console and
    neither has its child. The process is made when the terminal is first there, and made anew after it was ended.

    Args:
        loader: Gives the module in the child.
        clock: The time that the child follows.
    """

    kind = "child"
    holds_window = False

    def __init__(self, loader: Loader, clock: Clock) -> None:
        self._loader = loader
        self._clock = clock
        self._process: Any = None
        self._channel: Channel[Any, Any] | None = None
        self._faults: dict[str, Any] = {}
        self._untold: dict[str, Any] = {}
        self._lock = threading.Lock()
        self.simulated = loader.simulated
        self.last_error = NO_ERROR
        self.starts = 0

    @property
    def pid(self) -> int | None:
        """Number of the process; None while there is none."""
        process = self._process
        return process.pid if process is not None else None

    def open(self) -> None:
        self._loader.look()
        if self._process is not None and not self._process.is_alive():
            self._discard()
        if self._process is None:
            self._start()

    def call(
        self, name: str, args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None, limit_s: float = 60.0
    ) -> Any:
        answer = self._ask(Question("call", name, tuple(args), dict(kwargs or {}), limit_s))
        if answer.error is not None:
            self.last_error = answer.error
        return answer.value

    def note(self) -> str:
        return str(self._ask(Question("note")).value) if self._process is not None else ""

    def set_faults(self, faults: Mapping[str, Any]) -> None:
        self._loader.check_faults(faults)
        with self._lock:
            self._faults |= faults
            self._untold |= faults

    def close(self) -> None:
        if self._channel is not None:
            self._channel.close()  # the child ends when it sees that
            self._channel = None
        if self._process is not None:
            self._process.join(_END_S)
        self._discard()

    def abort(self) -> None:
        with self._lock:
            if self._process is not None:
                self._process.kill()

    def _start(self) -> None:
        spawn = multiprocessing.get_context("spawn")
        ours, theirs = spawn.Pipe()
        process = spawn.Process(target=main, args=(theirs, self._loader), name="metronome-terminal", daemon=True)
        process.start()
        theirs.close()
        with self._lock:
            self._process, self._channel = process, ours
            self._untold = dict(self._faults)
        self.starts += 1
        self.last_error = NO_ERROR
        try:
            # The first question loads the module, so that its trouble shows here.
            self._ask(Question("open", limit_s=START_S))
        except BaseException:
            self._discard()
            raise
        log.info("terminal process started pid=%s", process.pid)

    def _ask(self, question: Question) -> Answer:
        channel = self._channel
        if channel is None:
            raise not_open(question.name)
        deadline = time.monotonic() + question.limit_s
        pieces: list[Sequence[Any]] = []
        try:
            send(channel, replace(question, now=self._clock.now(), faults=self._news()))
            while True:
                if not channel.poll(max(0.0, deadline - time.monotonic())):
                    raise self._hung(question)
                answer: Answer | Piece = receive(channel)
                if isinstance(answer, Answer):
                    break
                pieces.append(answer.items)
        except (EOFError, OSError) as error:
            raise self._died(question) from error
        for warning in answer.warnings:
            log.warning("%s", warning)
        if answer.raised is not None:
            raise answer.raised
        return Answer(joined((*pieces, answer.value)), answer.error) if pieces else answer

    def _news(self) -> dict[str, Any]:
        with self._lock:
            untold, self._untold = self._untold, {}
        return untold

    def _hung(self, question: Question) -> HostHung:
        log.warning("terminal process hangs, ending it pid=%s call=%s", self.pid, question.name or question.op)
        self._discard()
        asked = asked_for(question.name, question.args) if question.op == "call" else "a connection"
        return HostHung(
            f"The terminal did not answer within {question.limit_s:g} s when it was asked for {asked}; the process "
            "that waited for it was ended.",
            advice="Metronome starts another and connects by itself; look whether a dialog is open in the terminal.",
        )

    def _died(self, question: Question) -> HostDied:
        process = self._process
        if process is not None:
            process.join(_END_S)
        code = process.exitcode if process is not None else None
        self._discard()
        during = f" while it asked for {asked_for(question.name, question.args)}" if question.name else ""
        return HostDied(
            f"The process that talks to the terminal ended{during} (exit code {code}).",
            advice="Metronome starts another one and connects by itself.",
        )

    def _discard(self) -> None:
        """End the process, if there is one, for good."""
        with self._lock:
            process, self._process = self._process, None
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if process is None:
            return
        if process.is_alive():
            process.kill()
        process.join(START_S)
        if process.exitcode is None:
            log.error("terminal process cannot be ended pid=%s", process.pid)
        else:
            process.close()
