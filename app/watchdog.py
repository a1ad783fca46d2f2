"""Notices that a thread with an event loop, the window's, does not answer, and says where it is stuck.

Every two seconds the watchdog asks and the loop answers; the time between is how late the window is. Without an answer
for five seconds the stacks of all threads are taken. When native code holds the interpreter, no Python runs, this
thread neither: then a thread of C (``faulthandler``) writes the stacks to ``logs/stall.trace`` after ten seconds, and
the watchdog tells of them when it gets to run again, or the next start does.
"""

from __future__ import annotations

import faulthandler
import logging
import sys
import threading
import traceback
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO, Final

from app.clock import Clock
from app.recorder import Stall

_log = logging.getLogger(__name__)

TRACE_FILE: Final = "stall.trace"
BEAT_S: Final = 2.0
STALL_S: Final = 5.0
#: No Python has run for so long: the stacks are written by C.
HARD_S: Final = 10.0
#: A longer silence of the whole process is the sleep of the computer.
SLEEP_S: Final = 300.0
_DEPTH: Final = 60


class Watchdog:
    """Asks a loop whether it is alive.

    Args:
        ask: Posts a question to the loop; called on the watchdog's thread.
        on_lag: Told in milliseconds how late an answer was, on the thread that answers.
        on_stall: Told once of each stall, on the watchdog's thread, which it may keep for as long as it needs.
        folder: Where the trace file belongs.

    Thread: made and started on the watched thread, which calls ``answer``.
    """

    def __init__(
        self,
        ask: Callable[[], None],
        on_lag: Callable[[float], None],
        on_stall: Callable[[Stall], None],
        clock: Clock,
        folder: Path,
    ) -> None:
        self._ask = ask
        self._on_lag = on_lag
        self._on_stall = on_stall
        self._clock = clock
        self._file = folder / TRACE_FILE
        self._trace: IO[str] | None = None
        self._watched = threading.get_ident()
        self._asked: float | None = None
        self._told = False
        self._looked: float | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="watchdog", daemon=True)

    def start(self) -> None:
        """Watch from now on."""
        self._watched = threading.get_ident()
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            left = self._file.read_text(encoding="utf-8", errors="replace") if self._file.exists() else ""
            self._file.unlink(missing_ok=True)
            self._trace = self._file.open("a+", encoding="utf-8", errors="replace")
        except OSError as error:
            left = ""
            _log.warning("What holds the window cannot be recorded in %s: %s.", self._file, error)
        if left.strip():
            _log.error("Metronome stood still the last time and did not come back:\n%s", left.strip())
        self._thread.start()

    def stop(self) -> None:
        """Watch no longer; returns when the watchdog's thread has ended."""
        self._ending.set()
        if self._thread.ident is not None:
            self._thread.join()
        if self._trace is not None:
            self._trace.close()
            self._trace = None

    def answer(self) -> None:
        """The loop answers."""
        asked = self._asked
        if asked is None:
            return
        seconds = self._clock.monotonic() - asked
        self._asked = None
        self._on_lag(seconds * 1000)
        if self._told:
            self._told = False
            _log.warning("The window answers again after %.1f s.", seconds)

    def look(self) -> None:
        """One round: is there an answer? Then the next question."""
        now = self._clock.monotonic()
        before, self._looked = self._looked, now
        silent = now - before if before is not None else 0.0
        if silent > BEAT_S + STALL_S:
            # Not even this thread could run. What was asked before says nothing about the window.
            self._asked, self._told = None, False
            self._tell_of_silence(silent)
        asked = self._asked
        if asked is None:
            self._asked = now
            self._ask()
        elif now - asked >= STALL_S and not self._told:
            self._told = True
            self._tell(self._stall(now - asked))

    def _loop(self) -> None:
        try:
            while True:
                if self._trace is not None:
                    faulthandler.dump_traceback_later(HARD_S, file=self._trace)
                self.look()
                if self._ending.wait(BEAT_S):
                    return
        finally:
            faulthandler.cancel_dump_traceback_later()

    def _tell(self, stall: Stall) -> None:
        _log.error("The window has not answered for %.1f s. %s", stall.seconds, stall.cause)
        self._on_stall(stall)

    def _stall(self, seconds: float) -> Stall:
        frames = sys._current_frames()
        names = {thread.ident: thread.name for thread in threading.enumerate()}
        stacks = {}
        for ident, frame in frames.items():
            if ident == threading.get_ident():
                continue
            name = "window" if ident == self._watched else f"{names.get(ident, 'thread')} ({ident})"
            stacks[name] = "".join(traceback.format_stack(frame, _DEPTH))
        return Stall(self._clock.now(), seconds, stacks, _cause(frames.get(self._watched)))

    def _tell_of_silence(self, seconds: float) -> None:
        """The whole process stood still: by native code, which left a trace, or since the computer slept."""
        trace = ""
        if self._trace is not None:
            self._trace.seek(0)
            trace = self._trace.read().strip()
            self._trace.truncate(0)
        if not trace or seconds > SLEEP_S:
            _log.info("Nothing ran for %.1f s: the computer slept or was overloaded.", seconds)
            return
        cause = "Native code held the interpreter, so that nothing of Python ran."
        self._tell(Stall(self._clock.now(), seconds, {"all threads": trace}, cause))


def _cause(frame: FrameType | None) -> str:
    if frame is None:
        return "Its thread has ended."
    code = frame.f_code
    return f"It is in {code.co_qualname}, {Path(code.co_filename).name} line {frame.f_lineno}."
