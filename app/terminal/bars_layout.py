"""Which column of a bar file holds what."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from app.quoting import quoted

_NAMES = {
    "date": "date",
    "time": "clock",
    "timestamp": "date",
    "datetime": "date",
    "date time": "date",
    "gmt time": "date",
    "open": "open",
    "high": "high",
    "low": "low",
    "close": "close",
    "tickvol": "tick_volume",
    "tick_volume": "tick_volume",
    "tick volume": "tick_volume",
    "volume": "volume",
    "vol": "volume",
    "real_volume": "real_volume",
    "spread": "spread",
}
_PRICES = ("open", "high", "low", "close")
_TEXT_WIDTH = 32
# 20180101 170000;1.200370;1.201000;1.200370;1.201000;0
_HISTDATA = re.compile(r"\d{8} \d{6};[^;]+;[^;]+;[^;]+;[^;]+;\d+\s*$")


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the columns are.

    Attributes:
        names: What is wanted: date, clock (only beside a date), open ... spread; in the order of ``columns``.
        columns: Index of each in a row.
        histdata: It is HistData's of M1 bars, whose prices have zeros at the end.
    """

    delimiter: str
    decimal_comma: bool
    header_lines: int
    names: tuple[str, ...]
    columns: tuple[int, ...]
    histdata: bool = False

    @property
    def dtype(self) -> np.dtype[np.void]:
        """Record of a row as read: dates as bytes, the rest as float64."""
        return np.dtype([(name, f"S{_TEXT_WIDTH}" if name in ("date", "clock") else "f8") for name in self.names])


def detect_layout(lines: Sequence[str]) -> Layout:
    """Tell the layout from the first lines.

    Raises:
        ValueError: There is none, in words that complete "the file cannot be used: ...".
    """
    filled = [i for i, line in enumerate(lines[:50]) if line.strip()]
    if not filled:
        msg = "it is empty"
        raise ValueError(msg)
    head = lines[filled[0]]
    has_header = bool(re.search(r"open", head, re.IGNORECASE))
    if has_header and len(filled) < 2:
        msg = "it has a header and no bars"
        raise ValueError(msg)
    delimiter = _delimiter(head)
    sample = lines[filled[1]] if has_header else head
    names, columns = _from_header(head.split(delimiter)) if has_header else _without_header(sample.split(delimiter))
    return Layout(
        delimiter=delimiter,
        decimal_comma=delimiter != "," and "," in sample,
        header_lines=filled[0] + 1 if has_header else filled[0],
        names=names,
        columns=columns,
        histdata=not has_header and _HISTDATA.match(head.replace('"', "")) is not None,
    )


def _delimiter(line: str) -> str:
    for delimiter in ("\t", ";", ","):
        if line.count(delimiter) >= 4:
            return delimiter
    msg = f"line 1 has no columns separated by tab, comma or semicolon: {quoted(line)}"
    raise ValueError(msg)


def _from_header(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    found: dict[str, int] = {}
    for column, cell in enumerate(cells):
        name = _NAMES.get(cell.strip().strip('"<>').strip().casefold())
        if name is not None:
            found.setdefault(name, column)
    if "clock" in found and "date" not in found:
        found["date"] = found.pop("clock")
    if found.get("date", -1) > found.get("clock", len(cells)):
        # A copy_rates dump with a readable date appended: its first column of time is the true one.
        found["date"] = found.pop("clock")
    if "date" not in found and not cells[0].strip():
        found["date"] = 0  # written by pandas with the time as its nameless index
    missing = [name for name in ("date", *_PRICES) if name not in found]
    if missing:
        msg = f"its header has no column for {', '.join(missing)}"
        raise ValueError(msg)
    if "volume" in found:
        # Beside the count of ticks it is the traded volume; alone it is the count of ticks.
        column = found.pop("volume")
        found.setdefault("real_volume" if "tick_volume" in found else "tick_volume", column)
    return tuple(found), tuple(found.values())


def _without_header(cells: Sequence[str]) -> tuple[tuple[str, ...], tuple[int, ...]]:
    names = ["date"]
    if re.fullmatch(r"\d{1,2}:\d{2}(:\d{2})?", cells[1].strip(' "')):
        names.append("clock")
    names += _PRICES
    if len(cells) > len(names):
        names.append("tick_volume")
    if len(cells) < len(names):
        msg = f"line 1 is neither a header nor a bar: {len(cells)} columns"
        raise ValueError(msg)
    return tuple(names), tuple(range(len(names)))
