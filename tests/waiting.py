"""Waiting for what other threads do, without guessing how long they take."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE_S = 15.0


def until(condition: Callable[[], bool]) -> None:
    """Return as soon as the condition holds; a test whose condition does not hold in time fails."""
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"it did not happen within {PATIENCE_S:g} s"
        time.sleep(0.002)
