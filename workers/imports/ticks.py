"""Ticks out of a table, written to a table of our own as they are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from app.terminal.timeframes import DAY
from workers.imports.columns import Block, Cells, Index, Mask, Numbers, numbers, split
from workers.imports.layouts import Table
from workers.imports.refusals import Refusals
from workers.imports.sources import Source
from workers.imports.stamps import Stamps, stamps
from workers.imports.units import decimals_of
from workers.imports.zones import Zone

HEADER: Final = ("time", "bid", "ask", "last", "volume", "flags")
#: A weekend, seen from the ticks.
_PAUSE_S: Final = 30 * 3600
_PRICES: Final = ("bid", "ask", "last")
_VALUES: Final = (*_PRICES, "volume")
#: As for bars: prices in points come with noise of this size.
_NOISE: Final = 1e-4


@dataclass(slots=True)
class TickTable:
    """What is known of the ticks of a table while it is read.

    Attributes:
        first, last: UTC milliseconds of the earliest and the latest tick.
        moved: Ticks that are earlier than the one before them.
        crossed: Ticks whose bid is above their ask; they are kept.
        decimals: The most decimals of a price.
        least: The lowest price above zero.
        whole: Every price is a whole number.
        point: Prices are in points of this size and are converted; with 0 and 1 they are written as they are.
    """

    refusals: Refusals = field(default_factory=Refusals)
    rows: int = 0
    first: int = 0
    last: int = 0
    moved: int = 0
    crossed: int = 0
    decimals: int = 0
    least: float = np.inf
    whole: bool = True
    point: float = 0.0
    _newest: int = -1


def look(source: Source, table: Table) -> tuple[bool, Index]:
    """What a first pass over the ticks shows.

    Returns:
        Whether times say themselves that they are UTC, and the times (seconds, as written) of the first and last tick
        and of those around every long pause, from which the clock can be told.

    Raises:
        BadImport: the file is damaged as a whole.
    """
    zoned, newest, found = False, -1, list[int]()
    for text, line in source.blocks():
        block = split(text, line, table.delimiter)
        times = _times(block, table, _whole(block, table))
        seconds = times.msc[times.good] // 1000
        if not len(seconds):
            continue
        if newest < 0:
            zoned = bool(times.zoned[int(np.argmax(times.good))])
            found.append(int(seconds[0]))
        whole = np.concatenate((np.array([newest], dtype=np.int64), seconds)) if newest >= 0 else seconds
        for place in np.flatnonzero(np.diff(whole) > _PAUSE_S).tolist():
            # As if they were bars of a minute: the market was open until the minute of the last tick was over.
            found += [int(whole[place]) // 60 * 60, int(whole[place + 1]) // 60 * 60]
        newest = int(seconds[-1])
    if newest >= 0:
        found.append(newest)
    return zoned, np.unique(np.array(found, dtype=np.int64))


def lines(source: Source, table: Table, zone: Zone | None, found: TickTable) -> Iterator[bytes]:
    """The ticks as lines of our table: UTC with milliseconds, values as written, an empty one where none was.

    Args:
        zone: The clock of the file; None when its times say themselves that they are UTC.
        found: Is filled as the lines are made.

    Raises:
        BadImport: the file is damaged as a whole.
    """
    yield (",".join(HEADER) + "\n").encode()
    for text, line in source.blocks():
        block = split(text, line, table.delimiter)
        yield _take(block, table, zone, found)


def _whole(block: Block, table: Table) -> Index:
    rows = np.flatnonzero(block.numbers > table.skip)
    return rows[block.counts[rows] > max(table.columns.values())]


def _times(block: Block, table: Table, rows: Index) -> Stamps:
    date = block.column(table.columns["date"], rows)
    if table.day < 0:
        return stamps(date, block.column(table.columns["clock"], rows) if "clock" in table.columns else None)
    read = numbers(date)
    msc = np.where(read.good, read.values, 0).astype(np.int64)
    no = np.zeros(len(rows), dtype=np.bool_)
    return Stamps(table.day * 1000 + msc, no, no, read.good & (msc >= 0) & (msc < DAY * 1000))


def _take(block: Block, table: Table, zone: Zone | None, found: TickTable) -> bytes:
    every = np.flatnonzero(block.numbers > table.skip)
    rows = _whole(block, table)
    _refuse(found, block, np.setdiff1d(every, rows), "it has too few columns")
    if not len(rows):
        return b""
    times = _times(block, table, rows)
    good = times.good.copy()
    _refuse(found, block, rows[~good], "the time cannot be read")
    other = good & (times.zoned != (zone is None))
    _refuse(found, block, rows[other], "its time says another zone than the first one")
    good &= ~other
    names: list[str] = [name for name in _VALUES if name in table.columns]
    cells = {name: block.column(table.columns[name], rows) for name in names}
    some = np.zeros(len(rows), dtype=np.bool_)
    values: dict[str, Numbers] = {}
    for name, column in cells.items():
        read = numbers(column, comma=table.comma)
        empty = column.start >= column.end
        wrong = good & ~empty & ~(read.good & (read.values >= 0))
        _refuse(found, block, rows[wrong], f"the {name} is not a number from 0 on")
        good &= ~wrong
        values[name] = read
        if name in _PRICES:
            some |= read.good & (read.values > 0)
            found.decimals = max(found.decimals, int(read.decimals[good & read.good].max(initial=0)))
    _refuse(found, block, rows[good & ~some], "it has neither bid nor ask nor last price")
    good &= some
    found.crossed += int((good & (values["bid"].values > values["ask"].values)).sum())
    _measure(found, values, good)
    return _written(block, table, rows, times, _texts(found, cells, values), good, zone, found)


def _measure(found: TickTable, read: Mapping[str, Numbers], good: Mask) -> None:
    """Note what tells prices from points; a price of zero is none."""
    for name in _PRICES:
        if name in read:
            prices = read[name].values[good & read[name].good & (read[name].values > 0)]
            found.least = min(found.least, float(prices.min(initial=np.inf)))
            found.whole &= bool((np.abs(prices - np.rint(prices)) < _NOISE).all())


def _texts(
    found: TickTable, cells: Mapping[str, Cells], read: Mapping[str, Numbers]
) -> dict[str, Callable[[int], str]]:
    """Of each column what is written for a row: as it stands there, or converted from points."""
    texts: dict[str, Callable[[int], str]] = {}
    for name, column in cells.items():
        if name in _PRICES and found.point not in (0, 1):
            texts[name] = _converted(read[name], found.point)
        else:
            texts[name] = _as_it_stands(column)
    return texts


def _as_it_stands(column: Cells) -> Callable[[int], str]:
    return lambda row: column.text(row).replace(",", ".")


def _converted(read: Numbers, point: float) -> Callable[[int], str]:
    digits = decimals_of(point)
    prices = np.rint(read.values) * point
    return lambda row: f"{prices[row]:.{digits}f}" if read.good[row] else ""


def _written(
    block: Block,
    table: Table,
    rows: Index,
    times: Stamps,
    texts: Mapping[str, Callable[[int], str]],
    good: Mask,
    zone: Zone | None,
    found: TickTable,
) -> bytes:
    kept = np.flatnonzero(good)
    if not len(kept):
        return b""
    msc = times.msc[kept]
    if zone is not None:
        msc = zone.to_utc(msc // 1000) * 1000 + msc % 1000
    found.moved += int((np.diff(msc, prepend=max(found._newest, int(msc[0]))) < 0).sum()) + (msc[0] < found._newest)
    found.first = int(msc.min()) if not found.rows else min(found.first, int(msc.min()))
    found.last = max(found.last, int(msc.max()))
    found._newest = int(msc[-1])
    found.rows += len(kept)
    stamped = np.datetime_as_string(msc.astype("datetime64[ms]"), unit="ms")
    flags = block.column(table.columns["flags"], rows) if "flags" in table.columns else None
    columns = [f"{time}Z" for time in stamped.tolist()]
    out = []
    names = [name for name in HEADER[1:] if name != "flags"]
    for place, row in enumerate(kept.tolist()):
        values = [texts[name](row) if name in texts else "" for name in names]
        values.append("".join(sign for sign in flags.text(row) if sign.isdigit()) if flags is not None else "")
        out.append(f"{columns[place]},{','.join(values)}\n")
    return "".join(out).encode()


def _refuse(found: TickTable, block: Block, rows: Index, kind: str) -> None:
    for place, row in enumerate(rows.tolist()):
        if found.refusals.full:
            found.refusals.add_many(kind, len(rows) - place)
            return
        found.refusals.add(int(block.numbers[row]), kind, kind)
