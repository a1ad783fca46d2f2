"""How the threads of this process share the interpreter and its memory."""

from __future__ import annotations

import ctypes
import gc
import sys
from typing import Final

#: How long a thread that computes keeps the interpreter when others wait. Python's 5 ms make a click wait 5 ms for
#: each change of thread; with 0.1 ms a run has its row after 0.5 ms while another task computes.
SWITCH_INTERVAL_S: Final = 0.0001

#: ``M_ARENA_MAX`` of glibc's ``mallopt``.
_ARENA_MAX: Final = -8

#: Collections of the middle generation between two of all objects; Python's own choice is 10. With all tasks at work
#: without pause a full one comes every few minutes, and holds the window for 20 ms; in an ordinary day it comes rarely.
FULL_COLLECTION_EVERY: Final = 1_000


def share_fairly() -> None:
    """Let no computing thread keep the window or a starting run waiting."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)


def spare_reading_sources() -> None:
    """Keep PySide from reading the source of every module that is imported after it; call before its first import.

    WORKAROUND: it looks for its own name in each to tell whether an option of its (``snake_case``) may apply there,
    which nobody here switches on. That costs 55 ms of the start and leaves 13 MB of text in ``linecache``. A packaged
    application has no sources, so PySide always gets the answer that it is given here.
    """
    import shiboken6  # noqa: F401 - loads the module below

    feature = sys.modules.get("shibokensupport.feature")
    if hasattr(feature, "_mod_uses_pyside"):
        feature._mod_uses_pyside = lambda _module: False  # type: ignore[union-attr]


def keep_what_is_loaded() -> None:
    """Leave all objects that are there now out of garbage collections.

    A full collection walks through every object of the process and holds the interpreter meanwhile: 30 ms with the
    window and its libraries loaded, in which no timer fires. Called when starting has settled; costs no time. Full
    collections of what comes later are made a hundred times rarer than is usual.
    """
    gc.freeze()
    gc.set_threshold(*gc.get_threshold()[:2], FULL_COLLECTION_EVERY)


def share_one_heap() -> None:
    """Let all threads take memory from one heap; call before they start. Only glibc makes one for each thread.

    What a thread of a lane leaves free in a heap of its own serves no other; with ten threads that is 3 MB. The threads
    hold the interpreter when they ask for memory, so they would not ask at once anyway.
    """
    library = _glibc()
    if library is not None:
        library.mallopt(_ARENA_MAX, 1)


def give_back_free_memory() -> None:
    """Return what starting took and no longer needs (some 2 MB) to the system, where the C library keeps it (glibc)."""
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    if not sys.platform.startswith("linux"):
        return None
    library = ctypes.CDLL(None)
    return library if hasattr(library, "gnu_get_libc_version") else None
