"""Imported bars into a history: nothing that is there is lost or changed, and two markets are never mixed.

The rule. Where both have a bar of the same time, the one that is there stays. Bars are added to a history when both
are surely of one market: they share at least 20 bars and 98 of 100 of those agree, or the history was begun by an
import of the same kind and they do not contradict one another. In every other case the history is left alone and the
import is kept beside it, in ``data/imports/bars``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from app.clock import Clock
from app.files import atomic_write_pieces, guarding
from app.storage import Storage
from app.terminal.values import Rates
from workers.imports.bar_rows import PRICES, BarTable, read_bars
from workers.imports.errors import BadImport
from workers.imports.layouts import recognise
from workers.imports.sources import sources
from workers.imports.spool import CHUNK, Spool
from workers.market import bar_source
from workers.market.bar_source import Source
from workers.market.bar_text import encoded

_ENOUGH: Final = 20
_AGREE: Final = 0.98
Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of the bars of an import.

    Attributes:
        path: Where they are now.
        added: Bars that are new there.
        known: Bars that were there already.
        kept: Of those, bars that differ: the ones that were there stay.
        notes: What the user should know.
    """

    path: Path
    added: int
    known: int = 0
    kept: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Overlap:
    """Two series compared: for each new bar whether the history has its time, and how many of those agree."""

    common: npt.NDArray[np.bool_]
    agree: int

    @property
    def count(self) -> int:
        return int(self.common.sum())

    @property
    def contradicts(self) -> bool:
        return self.agree < _AGREE * self.count

    @property
    def proves(self) -> bool:
        return self.count >= _ENOUGH and not self.contradicts


def store(
    storage: Storage,
    clock: Clock,
    path: Path,
    beside: Path,
    new: BarTable,
    digits: int,
    source: Source,
    *,
    replace: bool,
) -> Stored:
    """Put bars (UTC, ascending) into the history ``path``, or ``beside`` it.

    Args:
        replace: Move a history of another market aside and begin anew.

    Raises:
        StorageError: a file cannot be read, moved or written; what was there is untouched.
        BadImport: the history that is there is damaged.
    """
    with guarding(path.parent, "create"):
        path.parent.mkdir(parents=True, exist_ok=True)
    with storage.alone_with(path), Spool() as spool:
        if not path.exists():
            return _begin(storage, path, new, digits, source)
        known = bar_source.read(storage, path)
        old = _existing(path, spool)
        overlap = _compare(old, new, min(digits, old.digits))
        same_kind = known is not None and bool(known.imported) and not known.differs(source)
        if overlap.proves or (same_kind and not overlap.contradicts):
            note = () if overlap.proves else (f"Added to {path.name}, which other files of this kind began.",)
            return _merge(path, old, new, max(digits, old.digits), overlap, note)
        whose = str(known) if known is not None else "a source that nobody has noted"
        why = (
            f"of {overlap.count:,} bars that both have only {overlap.agree:,} agree"
            if overlap.count
            else "they share no bar that could prove that it is the same market"
        )
        if replace:
            aside = bar_source.move_aside(path, known or Source(), clock)
            begun = _begin(storage, path, new, digits, source)
            return Stored(path, begun.added, notes=(f"The bars of {whose} were kept as {aside.name}.",))
    return _keep_beside(storage, path, beside, new, digits, source, f"{path.name} holds bars of {whose}, and {why}")


def _begin(storage: Storage, path: Path, new: BarTable, digits: int, source: Source) -> Stored:
    # The source first: a history without one would be taken for one of whatever comes next.
    bar_source.note(storage, path, source)
    atomic_write_pieces(path, encoded(new.spool.chunks(), digits))
    return Stored(path, len(new.spool))


def _keep_beside(
    storage: Storage, path: Path, beside: Path, new: BarTable, digits: int, source: Source, why: str
) -> Stored:
    with guarding(beside.parent, "create"):
        beside.parent.mkdir(parents=True, exist_ok=True)
    with storage.alone_with(beside):
        bar_source.note(storage, beside, source)
        atomic_write_pieces(beside, encoded(new.spool.chunks(), digits))
    note = (
        f"{why}. So {path.name} was left as it is and the import was kept in {storage.relative(beside)}. "
        "To use the import instead, add --replace: the present history is then moved aside."
    )
    return Stored(beside, len(new.spool), notes=(note,))


def _existing(path: Path, spool: Spool) -> BarTable:
    """The history as it is.

    Raises:
        BadImport: it is not one of ours.
    """
    found, _ = sources(path)
    table = recognise(found[0])
    if table.kind != "metronome_bars" and found[0].head.count(b"\n") > 1:
        raise BadImport(f"{path} is not a history of ours.", advice="Move it away and import again.")
    old = read_bars(found[0], table, spool, keep_refused=True)
    if not spool.ascending:
        _, first = np.unique(spool.times, return_index=True)
        spool.keep(first.astype(np.int64))
    return old


def _compare(old: BarTable, new: BarTable, digits: int) -> _Overlap:
    """Which new bars the history has, and whether their prices are the same to half a unit of the coarser one."""
    places = np.searchsorted(old.spool.times, new.spool.times)
    inside = np.minimum(places, max(0, len(old.spool) - 1))
    common = np.zeros(len(new.spool), dtype=np.bool_)
    if len(old.spool):
        common = old.spool.times[inside] == new.spool.times
    agree = 0
    for begin in range(0, len(new.spool), CHUNK):
        mine = common[begin : begin + CHUNK]
        if mine.any():
            theirs = places[begin : begin + CHUNK][mine]
            first = int(theirs[0])
            present = old.spool.read(first, int(theirs[-1]) + 1)[theirs - first]
            agree += int(_equal(present, new.spool.read(begin, begin + CHUNK)[mine], digits).sum())
    return _Overlap(common, agree)


def _equal(first: Rates, second: Rates, digits: int) -> npt.NDArray[np.bool_]:
    near = np.ones(len(first), dtype=np.bool_)
    for name in PRICES:
        near &= np.abs(first[name] - second[name]) < 0.51 * 10.0**-digits
    return near


def _merge(path: Path, old: BarTable, new: BarTable, digits: int, overlap: _Overlap, notes: tuple[str, ...]) -> Stored:
    fresh = np.flatnonzero(~overlap.common)
    differ = overlap.count - overlap.agree
    said = list(notes)
    if differ:
        said.append(f"{differ:,} bars differ from those in {path.name}; the ones that were there stay.")
    if not len(fresh):
        said.append(f"All bars were in {path.name} already; it was not changed.")
        return Stored(path, 0, overlap.count, differ, tuple(said))
    if old.refused_lines:
        side = path.with_name(f"{path.stem}.rejected.csv")
        with guarding(side), side.open("ab") as file:
            file.write(b"".join(line + b"\n" for line in old.refused_lines))
        said.append(f"{len(old.refused_lines):,} lines of {path.name} were no bars; they were moved to {side.name}.")
    atomic_write_pieces(path, encoded(_woven(old.spool, new.spool, fresh), digits))
    return Stored(path, len(fresh), overlap.count, differ, tuple(said))


def _woven(old: Spool, new: Spool, fresh: Places) -> Iterator[Rates]:
    """The bars of both in the order of time; of ``new`` only those at ``fresh``."""
    times = np.concatenate((old.times, new.times[fresh]))
    order = np.argsort(times, kind="stable")
    for begin in range(0, len(order), CHUNK):
        part = order[begin : begin + CHUNK]
        mine = part < len(old)
        rates = np.empty(len(part), dtype=old.read(0, 0).dtype)
        for spool, chosen, places in (
            (old, mine, part[mine]),
            (new, ~mine, fresh[part[~mine] - len(old)]),
        ):
            if len(places):
                first = int(places[0])
                rates[chosen] = spool.read(first, int(places[-1]) + 1)[places - first]
        yield rates
