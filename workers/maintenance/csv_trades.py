"""Lines of a trade log judged: which are deals, and of every other one why it is none."""

from __future__ import annotations

import csv
import math
from datetime import datetime
from typing import Final

from workers.journal.trades import HEADER
from workers.wording import count

_WHOLE: Final = ("login", "ticket", "time", "type", "entry")
_NUMBERS: Final = ("volume", "price", "commission", "swap", "profit", "fee")
_AT: Final = {name: place for place, name in enumerate(HEADER)}
MAX_LINE: Final = 65_536

#: Server, account and ticket: what a deal is known by.
Key = tuple[str, str, str]


def parsed(line: bytes) -> tuple[float, Key] | str:
    """When a deal was (UTC epoch seconds) and what it is known by, or why the line is no deal."""
    if len(line) > MAX_LINE:
        return "it is too long"
    if b"\r" in line:
        return "it holds a line break"
    try:
        cells = next(csv.reader([line.decode("utf-8", "replace")], strict=True), [])
    except csv.Error as error:
        return f"it is no line of a table ({error})"
    if len(cells) != len(HEADER):
        return f"it has {count(len(cells), 'column')} instead of {len(HEADER)}"
    try:
        moment = datetime.fromisoformat(cells[0])
    except ValueError:
        return "its time cannot be read"
    if moment.tzinfo is None:
        return "its time has no zone"
    for name in (*_WHOLE, *_NUMBERS):
        try:
            number = int(cells[_AT[name]]) if name in _WHOLE else float(cells[_AT[name]])
        except ValueError:
            return f"the {name} is not a {'whole ' if name in _WHOLE else ''}number"
        if not math.isfinite(number):
            return f"the {name} is not a number"
    return moment.timestamp(), (cells[1], cells[2], str(int(cells[_AT["ticket"]])))


def tell_the_same(line: bytes, other: bytes) -> bool:
    """Whether two lines, both deals, tell the same: ``1.10`` is ``1.1``."""
    return line == other or _values(line) == _values(other)


def _values(line: bytes) -> list[object]:
    values: list[object] = list(next(csv.reader([line.decode("utf-8", "surrogateescape")], strict=True)))
    values[0] = datetime.fromisoformat(str(values[0]))
    for name in (*_WHOLE, *_NUMBERS):
        at = _AT[name]
        values[at] = int(str(values[at])) if name in _WHOLE else float(str(values[at]))
    return values
