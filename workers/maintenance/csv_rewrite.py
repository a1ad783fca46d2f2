"""A CSV file written anew beside the old one: sorted, without duplicates and lines that are no rows; and proved.

The rule for rows that say different things of the same bar or deal: the first in the file stays, since it was stored
when the bar had closed; the others go to the side file. (While a terminal is connected, the collection of market data
asks it which one is right, before this comes to it.)
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, pairwise
from pathlib import Path
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from app.files import guarding, write_all
from workers.journal.trades import HEADER as TRADE_HEADER
from workers.maintenance import csv_bars, csv_trades
from workers.maintenance.csv_bars import Index
from workers.maintenance.csv_survey import BAD, GOOD, Survey, survey
from workers.market.bar_history import HEADER as BAR_HEADER
from workers.wording import count

_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)
_COPY: Final = 4 * 2**20
#: With more pieces of lines in a row than this share of all lines, they are gathered line by line.
_SCATTERED: Final = 8
_GATHERED: Final = 100_000


class Unproved(Exception):
    """What was written does not hold what it should: the old file stays."""


@dataclass(slots=True)
class Plan:
    """What is to become of the lines of a file.

    Attributes:
        kept: Lines that stay, in their new order.
        rejected: Line (from 0, below the header), and why it goes.
        repeated: Lines that are dropped since the same bytes stay.
        moved: Rows that stood after a later one.
    """

    kept: npt.NDArray[np.uint32]
    rejected: list[tuple[int, str]] = field(default_factory=list)
    repeated: list[int] = field(default_factory=list)
    moved: int = 0


@dataclass(frozen=True, slots=True)
class Written:
    """The new file, whole and proved, and the lines for the side file; the old file is untouched."""

    temporary: Path
    rows: int
    size: int
    block: bytes
    rejected: int
    repeated: int
    moved: int


class Lines:
    """Lines of a file by their number below the header."""

    def __init__(self, found: Survey) -> None:
        self._path, self._found = found.path, found

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

    def of(self, file: IO[bytes], number: int) -> bytes:
        """One line without its end."""
        begin, end = int(self.offsets[number]), int(self.offsets[number + 1])
        file.seek(begin)
        return file.read(end - begin).rstrip(b"\r\n")

    def pieces(self, file: IO[bytes], kept: npt.NDArray[np.uint32]) -> Iterator[bytes]:
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
            reach = int(np.searchsorted(self.offsets, self.offsets[first] + _COPY, side="right")) - 1
            until = min(last, max(reach, first + 1))
            file.seek(int(self.offsets[first]))
            data = file.read(int(self.offsets[until] - self.offsets[first]))
            yield data.replace(b"\r\n", b"\n")
            first = until

    def _scattered(self, kept: npt.NDArray[np.uint32]) -> Iterator[bytes]:
        for begin in range(0, len(kept), _GATHERED):
            part = kept[begin : begin + _GATHERED].astype(np.int64)
            # Mapped anew for each part, so that the pages of the part before are given back.
            with self._path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
                spans = zip(self.offsets[part].tolist(), self.offsets[part + 1].tolist(), strict=True)
                yield b"".join([view[start:end] for start, end in spans]).replace(b"\r\n", b"\n")


def planned(found: Survey) -> tuple[Plan, Lines]:
    """Decide what becomes of each line."""
    lines = Lines(found)
    with found.path.open("rb") as file:
        plan = _bars(found, lines, file) if found.bars else _trades(found, lines, file)
        last = len(found.states) - 1
        for number in np.flatnonzero(found.states == BAD).tolist():
            text = lines.of(file, number)
            reason = csv_bars.parsed(text) if found.bars else csv_trades.parsed(text)
            torn = found.torn and number == last
            plan.rejected.append((number, "it has no end" if torn or not isinstance(reason, str) else reason))
    plan.rejected.sort()
    return plan, lines


def _bars(found: Survey, lines: Lines, file: IO[bytes]) -> Plan:
    order, later, moved = _order(found)
    plan = Plan(order[~later], moved=moved)
    stays = 0
    for at in np.flatnonzero(later).tolist():
        if not later[at - 1]:
            stays = int(order[at - 1])
        number = int(order[at])
        if lines.of(file, number) == lines.of(file, stays):
            plan.repeated.append(number)
        else:
            plan.rejected.append((number, f"line {_shown(found, stays)} tells another bar of this time, and stays"))
    return plan


def _order(found: Survey) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.bool_], int]:
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
    plan = Plan(np.zeros(0, dtype=np.uint32))
    known: dict[csv_trades.Key, tuple[int, bytes]] = {}
    kept: list[tuple[float, int]] = []
    latest = -np.inf
    for number in np.flatnonzero(found.states == GOOD).tolist():
        text = lines.of(file, number)
        read = csv_trades.parsed(text)
        if isinstance(read, str):  # the file was changed meanwhile: its stamp will tell
            continue
        time_s, key = read
        stays = known.setdefault(key, (number, text))
        if stays[0] == number:
            kept.append((time_s, number))
            plan.moved += time_s < latest
            latest = max(latest, time_s)
        elif stays[1] == text:
            plan.repeated.append(number)
        else:
            plan.rejected.append((number, f"line {_shown(found, stays[0])} tells otherwise of this deal, and stays"))
    plan.kept = np.array([number for _, number in sorted(kept)], dtype=np.uint32)
    return plan


def _shown(found: Survey, number: int) -> int:
    """The number of a line in the file, from 1."""
    return number + (1 if found.headless else 2)


def written(found: Survey, temporary: Path) -> Written | None:
    """Write the file anew as ``temporary``; None when nothing would change.

    Raises:
        StorageError: it cannot be read or written; ``temporary`` is gone again.
        Unproved: what was written does not hold what it should; so is it then.
    """
    tidy = not found.untidy and found.in_order
    if tidy and found.bars:
        return None
    plan, lines = planned(found)
    if tidy and not plan.repeated and not plan.rejected:
        return None
    block = _block(found, lines, plan) if plan.rejected else b""
    wanted = found.counts - _counts_of(found, lines, plan)
    bars, size = found.bars, 0
    found.times, found.states = found.times[:0].copy(), found.states[:0].copy()
    try:
        digest = hashlib.sha256()
        with guarding(temporary), found.path.open("rb") as file:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o666)
            try:
                for piece in chain((_head(bars),), lines.pieces(file, plan.kept)):
                    write_all(descriptor, piece)
                    digest.update(piece)
                    size += len(piece)
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        rows = len(plan.kept)
        result = Written(temporary, rows, size, block, len(plan.rejected), len(plan.repeated), plan.moved)
        del plan, lines
        _prove(temporary, bars, rows, size, digest.digest(), wanted)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return result


def _head(bars: bool) -> bytes:
    return ",".join(BAR_HEADER if bars else TRADE_HEADER).encode() + b"\n"


def _counts_of(found: Survey, lines: Lines, plan: Plan) -> Index:
    """The bytes of the good lines that do not stay."""
    total = np.zeros(256, dtype=np.int64)
    gone = [*plan.repeated, *(number for number, _ in plan.rejected if found.states[number] == GOOD)]
    with found.path.open("rb") as file:
        for number in gone:
            total += np.bincount(np.frombuffer(lines.of(file, number), dtype=np.uint8), minlength=256)
    return total


def _prove(path: Path, bars: bool, rows: int, size: int, digest: bytes, wanted: Index) -> None:
    """Read the new file back: the bytes that were meant, every row a row, in order, and the bytes of the old rows."""
    told = hashlib.sha256()
    with guarding(path, "read"), path.open("rb") as file:
        while piece := file.read(_COPY):
            told.update(piece)
    again = survey(path, bars=bars)
    if told.digest() != digest or again.stamp[0] != size:
        raise Unproved("it reads back otherwise")
    if again.foreign or again.untidy or not again.in_order or again.rows != rows:
        raise Unproved("its rows are not in order")
    if not np.array_equal(again.counts, wanted):
        raise Unproved("a row is missing")


def _block(found: Survey, lines: Lines, plan: Plan) -> bytes:
    """The lines for the side file: a heading that names the state of the file, then number, reason and line.

    The heading tells a block that is there already, after a kill between the side file and the file itself.
    """
    digest = hashlib.sha256()
    rows: list[bytes] = []
    with found.path.open("rb") as file:
        while piece := file.read(_COPY):
            digest.update(piece)
        for number, reason in plan.rejected:
            text = lines.of(file, number)
            rows.append(b'%d,"%s","%s"\n' % (_shown(found, number), _quoted(reason.encode()), _quoted(text)))
    name = found.path.name.encode("utf-8", "backslashreplace")
    heading = b"# %s of %s as it was with SHA-256 %s: line, reason, text\n" % (
        count(len(rows), "line").encode(),
        name,
        digest.hexdigest().encode(),
    )
    return heading + b"".join(rows)


def _quoted(text: bytes) -> bytes:
    return text.replace(b'"', b'""')
