"""Support bundles that nobody asked for: after a crash and during a stall; few, and never in the way."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.clock import Clock, SystemClock
from app.errors import MetronomeError
from app.paths import Paths
from app.recorder import Stall

if TYPE_CHECKING:  # the window imports this module before its first paint
    from app.bundle import Made
    from app.bundle_parts import Source
    from app.engine import Engine
    from app.settings import Settings

_log = logging.getLogger(__name__)

#: One fault often raises many errors: a bundle for the first of them has what is to be known.
GAP_S: Final = 600.0


class BundleKeeper:
    """Makes bundles for a program that may be in trouble.

    Args:
        engine: Gives the engine as far as there is one.
        clock: For the times of bundles; that of the engine counts when there is one.

    Thread: every method may be called from any thread.
    """

    def __init__(
        self,
        paths: Paths,
        settings: Callable[[], Settings],
        engine: Callable[[], Engine | None],
        clock: Clock | None = None,
    ) -> None:
        self._paths = paths
        self._settings = settings
        self._engine = engine
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._next = float("-inf")
        self._threads: list[threading.Thread] = []

    def stalled(self, stall: Stall) -> None:
        """The window stands still: keep it in the recorder and make a bundle, on this thread."""
        engine = self._engine()
        if engine is not None:
            engine.recorder.stalled(stall)
        if self._turn():
            stacks = "\n".join(f"thread {name}\n{stack}" for name, stack in stall.stacks.items())
            self._quietly("stall", f"The window did not answer for {stall.seconds:.1f} s. {stall.cause}\n{stacks}")

    def crashed(self, details: str) -> None:
        """An error that nobody caught: make a bundle on a thread of its own, for which the process waits at its end."""
        if not self._turn():
            return
        thread = threading.Thread(target=self._quietly, args=("crash", details), name="support-bundle")
        self._threads.append(thread)
        thread.start()

    def make(self, target: Path | None, *, replace: bool = False) -> Made:
        """Make a bundle because somebody wants one. Arguments and errors as of ``app.bundle.make``."""
        from app.bundle import make

        return make(self._source(asked=True), target, "request", replace=replace)

    def wait(self) -> None:
        """Wait for bundles that are being made after a crash."""
        for thread in self._threads:
            thread.join()
        self._threads.clear()

    def _turn(self) -> bool:
        now = self._clock.monotonic()
        with self._lock:
            if now < self._next:
                return False
            self._next = now + GAP_S
        return True

    def _quietly(self, reason: str, details: str) -> None:
        from app.bundle import make

        try:
            make(self._source(asked=False), None, reason, details)
        except MetronomeError as error:
            _log.error("No support bundle could be made of this %s: %s", reason, error)

    def _source(self, *, asked: bool) -> Source:
        from app.bundle_parts import Source

        engine = self._engine()
        now = (engine.clock if engine is not None else self._clock).now()
        return Source(self._paths, self._settings(), now, engine, asked)
