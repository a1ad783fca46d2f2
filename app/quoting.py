"""How messages quote what a file holds."""

from __future__ import annotations

from typing import Final

BINARY: Final = "binary data"
_LETTERS: Final = 40


def quoted(text: str) -> str:
    """The beginning of a text in quotation marks; ``binary data`` where a quarter of it or more cannot be read."""
    begun = text.strip()[:_LETTERS]
    unreadable = sum(letter == "\N{REPLACEMENT CHARACTER}" or not letter.isprintable() for letter in begun)
    return BINARY if unreadable * 4 >= max(1, len(begun)) else repr(begun)
