"""The known name that a mistyped one was meant to be."""

from __future__ import annotations

from collections.abc import Iterable

#: How alike two names must be, from 0 (nothing in common) to 1 (the same).
CUTOFF = 0.6


def nearest(name: str, known: Iterable[str], most: int = 1, cutoff: float = CUTOFF) -> list[str]:
    """Up to ``most`` of the ``known`` names that resemble ``name``, best first."""
    import difflib  # seldom needed, and a window that stays open all week keeps what it loads

    return difflib.get_close_matches(name, list(known), n=most, cutoff=cutoff)
