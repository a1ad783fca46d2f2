"""A CSV file written anew beside the old one: sorted, without duplicates and lines that are no rows; and proved.

The lines for the side file are written beside it too, a piece at a time: of a million that go none is held for long.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import IO, Final

import numpy as np

from app.files import guarding, write_all
from workers.journal.trades import HEADER as TRADE_HEADER
from workers.maintenance.csv_bars import Index
from workers.maintenance.csv_jobs import Unproved, Written
from workers.maintenance.csv_plan import COPY, GATHERED, Lines, Plan, planned, reason_of, shown
from workers.maintenance.csv_survey import GOOD, Survey, byte_counts, survey
from workers.market.bar_history import HEADER as BAR_HEADER
from workers.wording import count

#: Lines of the side file that are written at once.
_AT_ONCE: Final = 10_000
_O_BINARY: Final[int] = getattr(os, "O_BINARY", 0)


def written(found: Survey, temporary: Path, block: Path) -> Written | None:
    """Write the file anew as ``temporary``, and what goes to the side file as ``block``; None if nothing would change.

    Raises:
        StorageError: it cannot be read or written; both are gone again.
        Unproved: what was written does not hold what it should; so is it then.
    """
    tidy = not found.untidy and found.in_order
    if tidy and found.bars:
        return None
    plan, lines = planned(found)
    if tidy and not len(plan.repeated) and not len(plan.rejected):
        return None
    wanted = found.counts - _counts_of(found, lines, plan)
    bars = found.bars
    found.times, found.states = found.times[:0].copy(), found.states[:0].copy()
    try:
        if len(plan.rejected):
            _write(block, _block(found, lines, plan))
        with guarding(temporary), found.path.open("rb") as file:
            size, digest = _write(temporary, chain((_head(bars),), lines.pieces(file, plan.kept)))
        rows = len(plan.kept)
        result = Written(rows, size, len(plan.rejected), len(plan.repeated), plan.moved)
        del plan, lines
        _prove(temporary, bars, rows, size, digest, wanted)
    except BaseException:
        temporary.unlink(missing_ok=True)
        block.unlink(missing_ok=True)
        raise
    return result


def _write(path: Path, pieces: Iterable[bytes]) -> tuple[int, bytes]:
    """Write a new file to the disk; its size and SHA-256."""
    digest, size = hashlib.sha256(), 0
    with guarding(path):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _O_BINARY, 0o666)
        try:
            for piece in pieces:
                write_all(descriptor, piece)
                digest.update(piece)
                size += len(piece)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    return size, digest.digest()


def _head(bars: bool) -> bytes:
    return ",".join(BAR_HEADER if bars else TRADE_HEADER).encode() + b"\n"


def _counts_of(found: Survey, lines: Lines, plan: Plan) -> Index:
    """The bytes of the good lines that do not stay."""
    total = np.zeros(256, dtype=np.int64)
    rejected = plan.rejected[found.states[plan.rejected] == GOOD]
    with guarding(found.path, "read"), found.path.open("rb") as file:
        for gone in (plan.repeated, rejected):
            for begin in range(0, len(gone), GATHERED):
                texts = lines.texts(file, gone[begin : begin + GATHERED])
                total += byte_counts(np.frombuffer(b"".join(texts), dtype=np.uint8))
    return total


def _prove(path: Path, bars: bool, rows: int, size: int, digest: bytes, wanted: Index) -> None:
    """Read the new file back: the bytes that were meant, every row a row, in order, and the bytes of the old rows."""
    told = hashlib.sha256()
    with guarding(path, "read"), path.open("rb") as file:
        while piece := file.read(COPY):
            told.update(piece)
    again = survey(path, bars=bars)
    if told.digest() != digest or again.stamp[0] != size:
        raise Unproved("it reads back otherwise")
    if again.foreign or again.untidy or not again.in_order or again.rows != rows:
        raise Unproved("its rows are not in order")
    if not np.array_equal(again.counts, wanted):
        raise Unproved("a row is missing")


def _block(found: Survey, lines: Lines, plan: Plan) -> Iterator[bytes]:
    """The lines for the side file: a heading that names the state of the file, then number, reason and line.

    The heading tells a block that is there already, after a kill between the side file and the file itself.
    """
    digest = hashlib.sha256()
    with found.path.open("rb") as file:
        while piece := file.read(COPY):
            digest.update(piece)
        yield b"# %s of %s as it was with SHA-256 %s: line, reason, text\n" % (
            count(len(plan.rejected), "line").encode(),
            found.path.name.encode("utf-8", "backslashreplace"),
            digest.hexdigest().encode(),
        )
        for begin in range(0, len(plan.rejected), _AT_ONCE):
            yield _rows(found, lines, plan, file, slice(begin, begin + _AT_ONCE))


def _rows(found: Survey, lines: Lines, plan: Plan, file: IO[bytes], part: slice) -> bytes:
    numbers = plan.rejected[part]
    rows = []
    for number, stays, text in zip(
        numbers.tolist(), plan.stays[part].tolist(), lines.texts(file, numbers), strict=True
    ):
        reason = _quoted(reason_of(found, text, number, stays).encode())
        rows.append(b'%d,"%s","%s"\n' % (shown(found, number), reason, _quoted(text)))
    return b"".join(rows)


def _quoted(text: bytes) -> bytes:
    return text.replace(b'"', b'""')
