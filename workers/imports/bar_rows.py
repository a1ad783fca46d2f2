"""Bars out of a table: every row that is a bar, and of every other one why it is none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from app.quoting import quoted
from app.terminal.outliers import outliers
from app.terminal.timeframes import DAY, MONTH, TIMEFRAMES
from app.terminal.values import RATES_DTYPE, Rates
from workers.imports.columns import Block, Cells, Index, Mask, Numbers, numbers, split
from workers.imports.errors import BadImport
from workers.imports.layouts import Table
from workers.imports.refusals import NAMED, Refusals
from workers.imports.sources import Source
from workers.imports.spool import CHUNK, Spool
from workers.imports.stamps import Stamps, stamps
from workers.wording import count

PRICES: Final = ("open", "high", "low", "close")
_COUNTS: Final = ("tick_volume", "spread", "real_volume")
#: Above this share of refused rows the table is not what it seems: columns are swapped, or it is damaged throughout.
MOST_REFUSED: Final = 0.2
#: Why a bar is refused that differs from another one of the same time.
TWICE: Final = "its time comes twice (the first one was kept)"
_MAX_DIGITS: Final = 8
#: So many bars around a piece of a file are looked at with it.
_BESIDE: Final = 500
#: Prices in points come with noise of this size from programs that divided and multiplied again.
_NOISE: Final = 1e-4


@dataclass(slots=True)
class BarTable:
    """The bars of a table while it is read.

    Attributes:
        zoned: All times say themselves that they are UTC.
        dated: All times are dates without a time of day.
        decimals: How many prices are written with how many decimals (index).
        whole: Every price is a whole number.
    """

    spool: Spool
    refusals: Refusals = field(default_factory=Refusals)
    rows: int = 0
    zoned: bool = True
    dated: bool = True
    unzoned: bool = True
    decimals: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(32, dtype=np.int64))
    whole: bool = True
    least: float = np.inf
    fractional_volumes: bool = False
    refused_lines: list[bytes] = field(default_factory=list)

    @property
    def digits(self) -> int:
        """Decimals of the prices: those of 99.5 of 100, since some writers add the noise of binary fractions."""
        total = int(self.decimals.sum())
        if not total:
            return 0
        shares = np.cumsum(self.decimals) / total
        return min(_MAX_DIGITS, int(np.argmax(shares >= 0.995)))


def read_bars(source: Source, table: Table, spool: Spool, *, keep_refused: bool = False) -> BarTable:
    """Read all rows of a table into ``spool``, with times as written.

    Args:
        keep_refused: Remember the refused lines themselves, for whoever must not lose them.

    Raises:
        BadImport: the file is damaged as a whole.
    """
    found = BarTable(spool)
    for text, line in source.blocks():
        block = split(text, line, table.delimiter)
        _take(found, block, table, keep_refused=keep_refused)
    spool.finish()
    found.rows = len(spool)
    return found


def _take(found: BarTable, block: Block, table: Table, *, keep_refused: bool) -> None:
    rows = np.flatnonzero(block.numbers > table.skip)
    short = block.counts[rows] <= max(table.columns.values())
    faults = _Faults(found, block, keep_refused)
    if short.any():
        need = max(table.columns.values()) + 1
        faults.refuse(rows[short], "it has too few columns", lambda row: f" ({block.counts[row]} of {need})")
        rows = rows[~short]
    if not len(rows):
        return
    times = _times(block, table, rows)
    wanted: list[str] = [name for name in (*PRICES, *_COUNTS) if name in table.columns]
    cells = {name: block.column(table.columns[name], rows) for name in wanted}
    read = {name: numbers(cell, comma=table.comma) for name, cell in cells.items()}
    good = times.good.copy()
    faults.refuse(rows[~times.good], "the time cannot be read", _shown(block.column(table.columns["date"], rows), rows))
    for name in PRICES:
        wrong = good & ~read[name].good
        faults.refuse(rows[wrong], f"the {name} is not a number", _shown(cells[name], rows))
        good &= read[name].good
    good &= _sound(faults, rows, read, good)
    good &= _counted(faults, rows, read, cells, good)
    good &= _same_zone(found, faults, rows, times, good)
    _store(found, block, table, rows, times, read, good)


class _Faults:
    """Notes what is wrong with rows of one block."""

    def __init__(self, found: BarTable, block: Block, keep: bool) -> None:
        self._found, self._block, self._keep = found, block, keep

    def refuse(self, rows: Index, kind: str, more: Callable[[int], str] | None = None) -> None:
        """Refuse these rows; ``more(row)`` says what was there instead."""
        if not len(rows):
            return
        refusals = self._found.refusals
        if self._keep:
            self._found.refused_lines += [self._block.line(int(row)) for row in rows]
        for place, row in enumerate(rows.tolist()):
            if refusals.full:
                refusals.add_many(kind, len(rows) - place)
                return
            said = more(row) if more else ""
            refusals.add(int(self._block.numbers[row]), f"{kind}{said}", kind)


def _shown(cells: Cells, rows: Index) -> Callable[[int], str]:
    """Says what is in the cell of a row."""
    return lambda row: f": {quoted(cells.text(int(np.searchsorted(rows, row))))}"


def _times(block: Block, table: Table, rows: Index) -> Stamps:
    date = block.column(table.columns["date"], rows)
    if table.day < 0:
        return stamps(date, block.column(table.columns["clock"], rows) if "clock" in table.columns else None)
    read = numbers(date)
    msc = np.where(read.good, read.values, 0).astype(np.int64)
    good = read.good & (msc >= 0) & (msc < DAY * 1000) & (read.decimals == 0)
    no = np.zeros(len(rows), dtype=np.bool_)
    return Stamps(table.day * 1000 + msc, no, no, good)


def _sound(faults: _Faults, rows: Index, read: dict[str, Numbers], good: Mask) -> Mask:
    opened, high, low, close = (read[name].values for name in PRICES)
    positive = (opened > 0) & (high > 0) & (low > 0) & (close > 0)
    faults.refuse(rows[good & ~positive], "a price is zero or negative")
    inside = (high >= np.maximum(opened, close)) & (low <= np.minimum(opened, close))
    faults.refuse(rows[good & positive & ~inside], "open or close lies outside of low and high")
    ok: Mask = positive & inside
    return ok


def _counted(faults: _Faults, rows: Index, read: dict[str, Numbers], cells: dict[str, Cells], good: Mask) -> Mask:
    """Volumes and spreads are numbers from 0 on; an empty cell counts as 0."""
    ok = np.ones(len(rows), dtype=np.bool_)
    for name in _COUNTS:
        if name not in read:
            continue
        values = read[name].values
        empty = cells[name].start >= cells[name].end
        top = 2**31 if name == "spread" else 2**53
        fine = empty | (read[name].good & (values >= 0) & (values < top))
        said = f"the {name.replace('_', ' ')} is not a number from 0 on"
        faults.refuse(rows[good & ok & ~fine], said, _shown(cells[name], rows))
        ok &= fine
    return ok


def _same_zone(found: BarTable, faults: _Faults, rows: Index, times: Stamps, good: Mask) -> Mask:
    """Either all times of a file say their distance from UTC, or none does: the first row decides."""
    if not good.any():
        return good
    first = bool(times.zoned[int(np.argmax(good))]) if found.zoned and found.unzoned else found.zoned
    found.zoned, found.unzoned = first, not first
    other = good & (times.zoned != first)
    faults.refuse(rows[other], "its time has a zone and others have none" if not first else "its time has no zone")
    same: Mask = ~other
    return same


def _store(
    found: BarTable,
    block: Block,
    table: Table,
    rows: Index,
    times: Stamps,
    read: dict[str, Numbers],
    good: Mask,
) -> None:
    # Nearly always every row is kept: a slice of all of them copies nothing.
    kept = slice(None) if good.all() else np.flatnonzero(good)
    lines = block.numbers[rows[kept]]
    if not len(lines):
        return
    rates: Rates = np.zeros(len(lines), dtype=RATES_DTYPE)
    rates["time"] = times.msc[kept] // 1000
    found.dated &= bool(times.dates[kept].all())
    for name in PRICES:
        rates[name] = read[name].values[kept]
        found.decimals += np.bincount(np.minimum(read[name].decimals[kept], 31), minlength=32)
    found.whole &= all(bool((np.abs(rates[name] - np.rint(rates[name])) < _NOISE).all()) for name in PRICES)
    found.least = min(found.least, float(rates["low"].min()))
    for name in _COUNTS:
        if name in read:
            values = np.nan_to_num(read[name].values[kept])
            found.fractional_volumes |= bool((values != np.floor(values)).any())
            rates[name] = values
    if "ask_close" in table.columns:
        ask = numbers(block.column(table.columns["ask_close"], rows[kept])).values
        gap = np.nan_to_num((ask - rates["close"]) * 10.0 ** min(found.digits, _MAX_DIGITS))
        rates["spread"] = np.clip(np.rint(gap), 0, 2**31 - 1)
    found.spool.add(rates, lines)


def settle(found: BarTable, name: str, wanted: str) -> tuple[str, list[str]]:
    """Sort the bars, refuse those that come twice or stand off the grid, and tell their timeframe.

    Args:
        wanted: The timeframe that somebody named; empty to tell it from the bars.

    Returns:
        The timeframe and what is to be said about it.

    Raises:
        BadImport: it cannot be told, or the bars are of another one.
    """
    spool, notes = found.spool, list[str]()
    if not spool.ascending:
        order = np.argsort(spool.times, kind="stable")
        moved = not bool((np.diff(spool.times) >= 0).all())
        spool.keep(order)
        if moved:
            notes.append("The rows were not in the order of time and have been sorted.")
        if repeated := spool.drop_repeated():
            verb = "repeats" if repeated == 1 else "repeat"
            notes.append(f"{count(repeated, 'row')} {verb} another one value for value; each bar was taken once.")
        twice = np.flatnonzero(np.diff(spool.times) == 0) + 1
        if len(twice):
            _refuse_places(found, twice, TWICE)
    frame = wanted or _timeframe(found, name)
    off = _off_grid(spool.times, frame)
    if wanted and len(off) > MOST_REFUSED * max(1, len(spool)):
        raise BadImport(
            f"The bars of {name} do not fit {wanted}: {len(off):,} of {len(spool):,} open at other times.",
            advice="Leave --timeframe out, or name the right one.",
        )
    if len(off):
        _refuse_places(found, off, f"its time is off the grid of {frame}")
    _refuse_outliers(found, TIMEFRAMES[frame].seconds)
    if frame == "MN1" and found.dated:
        starts = spool.times.astype("datetime64[s]").astype("datetime64[M]").astype("datetime64[s]").astype(np.int64)
        if (starts != spool.times).any():
            spool.move_times(starts)
            notes.append("The months are stamped with their last days; they are stored with their first days.")
    found.rows = len(spool)
    return frame, notes


def _refuse_outliers(found: BarTable, seconds: int) -> None:
    spool, count = found.spool, len(found.spool)
    masks: dict[str, Mask] = {}
    for begin in range(0, count, CHUNK):
        # What stands apart shows beside its neighbours, so each piece is looked at with some of those around it.
        first, end = max(0, begin - _BESIDE), min(count, begin + CHUNK)
        for mask, why in outliers(spool.read(first, min(count, end + _BESIDE)), seconds):
            if mask.any():
                whole = masks.setdefault(why, np.zeros(count, dtype=np.bool_))
                whole[begin:end] = mask[begin - first : end - first]
    kept = np.ones(count if masks else 0, dtype=np.bool_)
    for why, mask in masks.items():
        _refuse_places(found, np.flatnonzero(mask[kept]), why)
        kept &= ~mask


def _refuse_places(found: BarTable, places: Index, kind: str) -> None:
    spool = found.spool
    named = places[: max(0, NAMED - len(found.refusals.named))]
    for place in named.tolist():
        moment = str(spool.times[place].astype("datetime64[s]")).replace("T", " ")
        found.refusals.add(int(spool.lines[place]), f"{kind}: {moment}", kind)
    found.refusals.add_many(kind, len(places) - len(named))
    spool.keep(np.delete(np.arange(len(spool)), places))


def _timeframe(found: BarTable, name: str) -> str:
    """The timeframe: the most usual step between bars."""
    times = found.spool.times
    if len(times) < 2:
        if not len(times):
            raise BadImport(f"{name} has no usable bar.", advice="Export it anew.")
        raise BadImport(
            f"{name} has a single usable bar, so its timeframe cannot be told.",
            advice="Name it with --timeframe, for example --timeframe M5.",
        )
    steps, counts = np.unique(np.diff(times[:200_000]), return_counts=True)
    step = int(steps[np.argmax(counts)])
    if 28 * DAY <= step <= 31 * DAY:
        return "MN1"
    frame = next((frame for frame, value in TIMEFRAMES.items() if value.seconds == step and step != MONTH), "")
    if not frame:
        raise BadImport(
            f"The bars of {name} are mostly {step:,} s apart, which is no timeframe.",
            advice="Name the timeframe with --timeframe, for example --timeframe M5.",
        )
    return frame


def _off_grid(times: Index, frame: str) -> Index:
    seconds = TIMEFRAMES[frame].seconds
    if seconds > DAY:
        return np.zeros(0, dtype=np.int64)
    if seconds == DAY:  # some providers let their days begin at another hour than midnight
        return np.zeros(0, dtype=np.int64)
    # The clock of a broker may put bars of hours on another grid than ours: hours and minutes it cannot shift.
    return np.flatnonzero(times % min(seconds, 3600))
