"""What is to become of each line of a CSV file: which stay, in which order, which go, and why.

The rule for rows that say different things of the same bar or deal: the first in the file stays, since it was stored
when the bar had closed; the others go to the side file. (While a terminal is connected, the collection of market data
asks it which one is right, before this comes to it.) Rows that say the same with other signs (``1.10`` and ``1.1``) are
repeated, as those of the same bytes are.

Whatever is told of single lines are arrays of numbers: a file of three million rows may have a million that go.
"""

from __future__ import annotations

import mmap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from workers.maintenance import csv_bars, csv_trades
from workers.maintenance.csv_bars import Index
from workers.maintenance.csv_survey import BAD, GOOD, Survey

COPY: Final = 4 * 2**20
#: Lines here and there are read in windows of this size.
_WINDOW: Final = 2**18
#: With more pieces of lines in a row than this share of all lines, they are gathered line by line.
_SCATTERED: Final = 8
#: So many lines are held as text at once.
GATHERED: Final = 100_000

Numbers = npt.NDArray[np.uint32]
#: In place of the line that stays: the line is no row.
NO_ROW: Final = 2**32 - 1


def _none() -> Numbers:
    return np.zeros(0, dtype=np.uint32)


@dataclass(slots=True)
class Plan:
    """What is to become of the lines of a file; lines are counted from 0, below the header.

    Attributes:
        kept: Lines that stay, in their new order.
        rejected: Lines that go to the side file, rising.
        stays: For each of them the line that stays in its place, or ``NO_ROW``.
        repeated: Lines that are dropped since the same row stays.
        moved: Rows that stood after a later one.
    """

    kept: Numbers
    rejected: Numbers = field(default_factory=_none)
    stays: Numbers = field(default_factory=_none)
    repeated: Numbers = field(default_factory=_none)
    moved: int = 0


class Lines:
    """Lines of a file by their number below the header."""

    def __init__(self, found: Survey) -> None:
        self._path, self._found, self._endless = found.path, found, found.endless

    @cached_property
    def offsets(self) -> Index:
        """Where each line begins, and the end; made when first asked for, after the sorting, which needs the room."""
        lengths = self._found.lengths
        offsets = np.empty(len(lengths) + 1, dtype=np.int64)
        offsets[0] = 0
        np.cumsum(lengths, out=offsets[1:])
        offsets += self._found.lead
        self._found.lengths = lengths[:0].copy()
        return offsets

    def texts(self, file: IO[bytes], numbers: Numbers) -> list[bytes]:
        """These lines without their ends; fastest where the numbers rise."""
        found: list[bytes] = []
        starts, ends = self.offsets[numbers], self.offsets[numbers.astype(np.int64) + 1]
        turns = np.flatnonzero(np.diff(starts // _WINDOW)) + 1
        for begin, end in pairwise([0, *turns.tolist(), len(numbers)]):
            first = int(starts[begin:end].min(initial=self.offsets[-1]))
            file.seek(first)
            data = file.read(int(ends[begin:end].max(initial=first)) - first)
            spans = zip((starts[begin:end] - first).tolist(), (ends[begin:end] - first).tolist(), strict=True)
            found += [data[start:stop].rstrip(b"\r\n") for start, stop in spans]
        return found

    def pieces(self, file: IO[bytes], kept: Numbers) -> Iterator[bytes]:
        """These lines in this order, each with a plain line end."""
        breaks = np.flatnonzero(np.diff(kept.astype(np.int64)) != 1) + 1
        if len(breaks) > len(kept) // _SCATTERED + 1_000:
            yield from self._scattered(kept)
            return
        bounds = [0, *breaks.tolist(), len(kept)]
        for begin, end in pairwise(bounds):
            if end > begin:
                yield from self._run(file, int(kept[begin]), int(kept[end - 1]) + 1)

    def _run(self, file: IO[bytes], first: int, last: int) -> Iterator[bytes]:
        """Lines that follow one another, cut where lines end."""
        while first < last:
            reach = int(np.searchsorted(self.offsets, self.offsets[first] + COPY, side="right")) - 1
            until = min(last, max(reach, first + 1))
            file.seek(int(self.offsets[first]))
            data = file.read(int(self.offsets[until] - self.offsets[first]))
            if self._endless and until == len(self.offsets) - 1:
                data = data.rstrip(b"\r") + b"\n"
            yield data.replace(b"\r\n", b"\n")
            first = until

    def _scattered(self, kept: Numbers) -> Iterator[bytes]:
        for begin in range(0, len(kept), GATHERED):
            part = kept[begin : begin + GATHERED].astype(np.int64)
            # Mapped anew for each part, so that the pages of the part before are given back.
            with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                spans = zip(self.offsets[part].tolist(), self.offsets[part + 1].tolist(), strict=True)
                found = [view[start:end] for start, end in spans]
            if self._endless:
                found = [text.rstrip(b"\r\n") + b"\n" for text in found]
            yield b"".join(found).replace(b"\r\n", b"\n")


def planned(found: Survey) -> tuple[Plan, Lines]:
    """Decide what becomes of each line."""
    lines = Lines(found)
    bad = np.flatnonzero(found.states == BAD).astype(np.uint32)
    with found.path.open("rb") as file:
        plan = _bars(found, lines, file) if found.bars else _trades(found, lines, file)
    numbers = np.concatenate((plan.rejected, bad))
    order = np.argsort(numbers, kind="stable")
    stays = np.concatenate((plan.stays, np.full(len(bad), NO_ROW, dtype=np.uint32)))
    plan.rejected, plan.stays = numbers[order], stays[order]
    return plan, lines


def reason_of(found: Survey, text: bytes, number: int, stays: int) -> str:
    """Why a line goes to the side file."""
    if stays != NO_ROW:
        what = "another bar of this time" if found.bars else "otherwise of this deal"
        return f"line {shown(found, stays)} tells {what}, and stays"
    reason = csv_bars.parsed(text) if found.bars else csv_trades.parsed(text)
    torn = found.endless and number == found.last
    return "it has no end" if torn or not isinstance(reason, str) else reason


def shown(found: Survey, number: int) -> int:
    """The number of a line in the file, from 1."""
    return number + (1 if found.headless else 2)


def _bars(found: Survey, lines: Lines, file: IO[bytes]) -> Plan:
    order, later, moved = _order(found)
    at = np.flatnonzero(later)
    numbers, plan = order[at], Plan(order[~later], moved=moved)
    del order, later
    # The k-th that goes has at[k] - k that stay before it, of which the last is of its time.
    stays = plan.kept[at - np.arange(len(at)) - 1]
    rising = np.argsort(numbers)
    numbers, stays = numbers[rising], stays[rising]
    same = np.zeros(len(numbers), dtype=np.bool_)
    for begin in range(0, len(numbers), GATHERED):
        part = slice(begin, begin + GATHERED)
        same[part] = csv_bars.tell_the_same(lines.texts(file, numbers[part]), _unsorted(lines, file, stays[part]))
    plan.repeated, plan.rejected, plan.stays = numbers[same], numbers[~same], stays[~same]
    return plan


def _unsorted(lines: Lines, file: IO[bytes], numbers: Numbers) -> list[bytes]:
    """Lines in any order, read in the order of the file."""
    order = np.argsort(numbers)
    found: list[bytes] = [b""] * len(numbers)
    for place, text in zip(order.tolist(), lines.texts(file, numbers[order]), strict=True):
        found[place] = text
    return found


def _order(found: Survey) -> tuple[Numbers, npt.NDArray[np.bool_], int]:
    """The good lines in the order of time; which have the time of the one before; how many stood after a later one.

    Arrays of ten million lines are some 40 MB each: they are given up as soon as may be, that of the survey too.
    """
    good = np.flatnonzero(found.states == GOOD).astype(np.uint32)
    times = found.times if len(good) == len(found.states) else found.times[good]
    found.times = found.times[:0].copy()
    ascending = times[1:] > times[:-1]
    if ascending.all():
        return good, np.zeros(len(good), dtype=np.bool_), 0
    moved = int((times < np.maximum.accumulate(times)).sum())
    order = np.argsort(times, kind="stable").astype(np.uint32)
    times = times[order]
    later = np.concatenate((np.zeros(1, dtype=np.bool_), times[1:] == times[:-1]))
    return good[order], later, moved


def _trades(found: Survey, lines: Lines, file: IO[bytes]) -> Plan:
    known: dict[csv_trades.Key, tuple[int, bytes]] = {}
    kept: list[tuple[float, int]] = []
    repeated: list[int] = []
    rejected: list[tuple[int, int]] = []
    latest, moved = -np.inf, 0
    for number, text in _good(found, lines, file):
        read = csv_trades.parsed(text)
        if isinstance(read, str):  # the file was changed meanwhile: its stamp will tell
            continue
        time_s, key = read
        stays = known.setdefault(key, (number, text))
        if stays[0] == number:
            kept.append((time_s, number))
            moved += time_s < latest
            latest = max(latest, time_s)
        elif csv_trades.tell_the_same(stays[1], text):
            repeated.append(number)
        else:
            rejected.append((number, stays[0]))
    pairs = np.array(rejected, dtype=np.uint32).reshape(-1, 2)
    rising = np.array([number for _, number in sorted(kept)], dtype=np.uint32)
    return Plan(rising, pairs[:, 0], pairs[:, 1], np.array(repeated, dtype=np.uint32), moved)


def _good(found: Survey, lines: Lines, file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    numbers = np.flatnonzero(found.states == GOOD).astype(np.uint32)
    for begin in range(0, len(numbers), GATHERED):
        part = numbers[begin : begin + GATHERED]
        yield from zip(part.tolist(), lines.texts(file, part), strict=True)
