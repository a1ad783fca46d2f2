"""Which rows of a bar file are bars, and what becomes of those that are none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.errors import UserAction
from app.quoting import quoted
from app.terminal.bars_layout import Layout
from app.terminal.values import Rates

Mask = npt.NDArray[np.bool_]
#: Above this share of rows that are no bars, a file is not what it seems: columns are swapped, or it is damaged
#: throughout. Imports hold to the same.
MOST_LEFT_OUT: Final = 0.2
HINT: Final = "Mend or remove that line, or export the file anew."
#: So many lines that were left out are named.
_NAMED: Final = 8
_OUTSIDE: Final = "open or close lies outside of low and high"
_PRICES: Final = ("open", "high", "low", "close")


class BadBarsFile(UserAction):
    """A bar file that cannot be used as it is."""


def bad_line(path: Path, index: int, what: str, advice: str = HINT) -> BadBarsFile:
    """The error for a line that is no bar; ``index`` counts from 0."""
    return BadBarsFile(f"The bar file {path} is damaged in line {index + 1}: {what}.", advice=advice)


@dataclass(slots=True)
class Sieve:
    """Takes note of rows that are no bars, or refuses the file for the first of them.

    Attributes:
        strict: Refuse the file.
        total: Rows of the file.
        count: Rows that were left out so far.
        line: The first of them in the file, from 1; 0 while there is none.
        lines: Some more of them, as they were found.
    """

    path: Path
    strict: bool
    total: int
    count: int = 0
    line: int = 0
    reason: str = ""
    lines: list[int] = field(default_factory=list)

    def drop(self, wrong: Mask, numbers: npt.NDArray[np.int64], what: str | Callable[[int], str]) -> None:
        """Note these rows.

        Args:
            numbers: The line of each row, from 0.
            what: What is wrong, or a function that says it of a row.

        Raises:
            BadBarsFile: It is strict and there is one; or more of the file's rows are no bars than ``MOST_LEFT_OUT``.
        """
        if not wrong.any():
            return
        rows = np.flatnonzero(wrong)
        first = int(rows[np.argmin(numbers[rows])])
        number = int(numbers[first])
        reason = what if isinstance(what, str) else what(first)
        if self.strict:
            raise bad_line(self.path, number, reason)
        self.count += len(rows)
        self.lines += (numbers[rows[:_NAMED]] + 1).tolist()
        if not self.line or number < self.line - 1:
            self.line, self.reason = number + 1, reason
        if self.count > MOST_LEFT_OUT * self.total:
            raise BadBarsFile(
                f"The bar file {self.path} is broken: at least {self.count:,} of its {self.total:,} rows are no bars, "
                f"which is more than a fifth; the first is line {self.line}: {self.reason}.",
                advice="Check that it is a file of bars, or export it anew.",
            )

    def told(self) -> str:
        """How many rows were left out and why the first was; empty when all are bars."""
        if not self.count:
            return ""
        if self.count == 1:
            return f"1 row of {self.path.name} was left out: line {self.line}: {self.reason}."
        lines = sorted(set(self.lines) - {self.line})[: _NAMED - 1]
        more = f"; also line{'s' if len(lines) > 1 else ''} {', '.join(map(str, lines))}" if lines else ""
        rest = " and so on" if self.count > len(lines) + 1 else ""
        return (
            f"{self.count:,} rows of {self.path.name} were left out, the first in line {self.line}: {self.reason}"
            f"{more}{rest}."
        )


def unreadable(rows: Sequence[str], layout: Layout) -> dict[int, str]:
    """What is wrong with the rows that the fast reader cannot take."""
    found = {}
    for number, row in enumerate(rows):
        if said := _unreadable(row, layout):
            found[number] = said
    return found


def _unreadable(row: str, layout: Layout) -> str:
    cells = row.split(layout.delimiter)
    if any(cell.count('"') % 2 for cell in cells):
        return "a quotation mark is not closed"
    if len(cells) <= max(layout.columns):
        return f"it has {len(cells)} columns where {max(layout.columns) + 1} are needed"
    for name, column in zip(layout.names, layout.columns, strict=True):
        cell = cells[column].strip().strip('"')
        if name in ("date", "clock"):
            if not cell.isascii():
                return f"the time {quoted(cell)} cannot be read"
            continue
        if not _is_number(cell):
            return f"{quoted(cells[column])} is not a number ({name})"
    return ""


def _is_number(cell: str) -> bool:
    """Whether the fast reader takes it for a number: unlike Python, it allows neither underscores nor other figures."""
    try:
        float(cell)
    except ValueError:
        return False
    return "_" not in cell and cell.isascii()


def price_faults(table: npt.NDArray[np.void]) -> list[tuple[Mask, str]]:
    """Rows whose prices are those of no bar, each under its first reason."""
    opened, high, low, close = (table[name] for name in _PRICES)
    with np.errstate(all="ignore"):
        positive = np.isfinite(opened + high + low + close) & (low > 0)
        inside = (high >= np.maximum(opened, close)) & (low <= np.minimum(opened, close))
    return [(~positive, "a price is not a positive number"), (positive & ~inside, _OUTSIDE)]


def count_faults(table: npt.NDArray[np.void], layout: Layout) -> list[tuple[Mask, str]]:
    """Rows whose volumes or spreads cannot be stored."""
    found: list[tuple[Mask, str]] = []
    for name in ("tick_volume", "spread", "real_volume"):
        if name in layout.names:
            column: npt.NDArray[Any] = table[name]
            most = 2**31 if name == "spread" else 2**63
            usable = np.isfinite(column) & (column >= 0) & (column < most)
            found.append((~usable, f"the {name} is not a usable number"))
    return found


def in_order(rates: Rates, numbers: npt.NDArray[np.int64], sieve: Sieve) -> tuple[npt.NDArray[np.int64], bool]:
    """The places of the bars in the order of time, the first of each time; and whether they had to be sorted.

    Raises:
        BadBarsFile: As ``Sieve.drop``.
    """
    times = rates["time"]
    steps = np.diff(times, prepend=np.int64(-(2**40)))
    if sieve.strict:
        sieve.drop(steps <= 0, numbers, "its time is not later than that of the line before")
    if not (steps <= 0).any():
        return np.arange(len(times)), False
    order = np.argsort(times, kind="stable")
    twice = np.diff(times[order], prepend=np.int64(-(2**40))) == 0
    sieve.drop(twice, numbers[order], "its time has come before")
    kept = order[~twice]
    return kept, bool((np.diff(kept) < 0).any())
