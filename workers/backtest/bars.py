"""The bars of a backtest, from a file that ``import`` reads or a stored history, and what is to be said of it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from app.errors import UserAction
from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import DAY, TIMEFRAMES
from app.terminal.values import Rates
from workers.backtest.memory import keep_freed
from workers.backtest.model import Index
from workers.imports.bar_rows import BarTable, read_bars, settle
from workers.imports.bars import to_utc, told_zone
from workers.imports.errors import BadImport
from workers.imports.layouts import recognise
from workers.imports.sources import Source, sources
from workers.imports.spool import Spool
from workers.imports.units import may_be_points, scale_bars
from workers.market.bar_history import is_sound
from workers.market.gaps import find_gaps
from workers.market.grade import Grade, grade
from workers.wording import count

_PRICES: Final = ("open", "high", "low", "close")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the user said about the bars; empty where they said nothing.

    Attributes:
        timeframe: Of the rule; bars of another one are refused.
        point: Prices are in points of this size; 0: in prices.
        server_time: The clock of the broker, as the settings have it.
        lenient: Rows that cannot be used are left out; else they are an error.
    """

    timeframe: str
    time_zone: str = ""
    point: float = 0.0
    server_time: str = ""
    lenient: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class History:
    """Closed bars, and where they come from.

    Attributes:
        rates: Records of ``RATES_DTYPE``, ascending, times in UTC.
        rows: Of each bar, its place among the rows of the file, from 0.
        left_out: Rows that were no usable bars.
        source: In words.
        notes: What was assumed.
        warnings: What makes results doubtful.
    """

    rates: Rates
    rows: Index
    source: str
    left_out: int = 0
    digits: int = 5
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def part(self, begin: int, end: int) -> History:
        """The bars from ``begin`` to before ``end``."""
        return replace(self, rates=self.rates[begin:end], rows=self.rows[begin:end])

    def digest(self) -> str:
        """SHA-256 of the bars, whatever file they came from."""
        return hashlib.sha256(self.rates.tobytes()).hexdigest()


class _Kept(Spool):
    """Bars that stay in memory as they were read: all of them are needed at once in the end."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[Rates] = []

    def add(self, rates: Rates, lines: Index) -> None:
        """Take bars and the lines they came from."""
        self._parts.append(rates)
        self._times.append(np.ascontiguousarray(rates["time"]))
        self._lines.append(lines.astype(np.uint32))

    def _records(self, first: int, count: int) -> Rates:
        if len(self._parts) != 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0][first : first + count]

    def whole(self) -> Rates:
        """All bars, in their order, with their times and prices as they are now."""
        rates = self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts)
        self._parts = []
        if self.order is not None:
            rates = rates[self.order]
        rates["time"] = self.times
        if self._scale is not None:
            for name in _PRICES:
                rates[name] = np.round(np.rint(rates[name]) * self._scale[0], self._scale[1])
        return rates


def of_rates(rates: Rates, source: str, digits: int) -> History:
    """Bars that a terminal gave.

    Raises:
        UserAction: they cannot be used.
    """
    good = is_sound(rates)
    if not good.all():
        place = int(np.argmin(good))
        raise UserAction(
            f"{count(int((~good).sum()), 'bar')} of {source} cannot be used, the first of {_moment(rates, place)}: its "
            "high and low do not hold its open and close.",
            advice="Load the history anew in the terminal.",
        )
    return History(rates, np.arange(len(rates)), source, digits=digits)


def read_file(path: Path, asked: Asked) -> History:
    """Read a file of bars.

    Raises:
        UserAction: it cannot be used, or not as it is; the message says why and what to do.
    """
    keep_freed()
    return read(path, asked)


def read(path: Path, asked: Asked) -> History:
    """Read a file of bars as ``read_file`` does, in a process that goes on with other things afterwards."""
    source = _only_source(path)
    table = recognise(source)
    if table.ticks:
        raise BadImport(f"{path.name} holds ticks, a backtest needs bars.", advice="Export bars from MetaTrader.")
    notes, warnings = list(table.notes), list[str]()
    with _Kept() as spool:
        found = read_bars(source, table, spool)
        ordered = bool((np.diff(spool.times) > 0).all())
        if not found.rows or (not asked.lenient and found.refusals.count):
            raise _refused(path.name, found)
        if not ordered and not asked.lenient:
            raise _disordered(path.name, spool.times, spool.lines.astype(np.int64))
        _unit(path.name, found, asked)
        frame, said = settle(found, source.name, "")
        notes += said
        if frame != asked.timeframe:
            raise UserAction(
                f"The bars of {path.name} are {frame}, the strategy trades {asked.timeframe}.",
                advice=f"Give it bars of {asked.timeframe}, or name timeframe={frame}.",
            )
        if found.refusals.count:
            if not asked.lenient:
                raise _refused(path.name, found)
            warnings += found.refusals.summary()
        seconds = TIMEFRAMES[frame].seconds
        zone, doubt = told_zone(table, found.zoned, spool.times, seconds, asked.time_zone, asked.server_time, notes)
        if zone is None:
            warnings.append(
                f"The clock of {path.name} cannot be told ({doubt}): its times are taken as UTC. Sessions, nights and "
                "the figures by hour depend on it; time_zone= names it."
            )
        else:
            notes.append(f"Time zone {zone.name}: {zone.evidence}.")
            before = found.rows
            to_utc(found, zone)
            if found.rows != before and not asked.lenient:
                raise _refused(path.name, found)
        rates = spool.whole()
        rows = spool.lines.astype(np.int64) - (table.skip + 1)
    return History(rates, rows, path.name, found.refusals.count, found.digits, tuple(notes), tuple(warnings))


def _only_source(path: Path) -> Source:
    found, workbook = sources(path)
    if workbook is not None:
        raise BadImport(f"{path.name} is a workbook, not a table of bars.", advice="Export bars as CSV.")
    if len(found) != 1:
        raise BadImport(
            f"{path.name} holds {len(found)} tables; a backtest takes one.", advice="Unpack it and name one of them."
        )
    return found[0]


def _unit(name: str, found: BarTable, asked: Asked) -> None:
    if asked.point:
        scale_bars(found, asked.point)
    elif may_be_points(found.least, whole=found.whole):
        raise UserAction(
            f"All prices of {name} are whole numbers from {found.least:,.0f} on: they may be points, not prices.",
            advice="Give the size of a point, for example point=0.001; point=1 takes them as prices.",
        )


def _refused(name: str, found: BarTable) -> UserAction:
    if not found.rows and not found.refusals.count:
        return BadImport(f"{name} has no rows.", advice="Export it anew.")
    return BadImport(
        f"{name} holds rows that are no usable bars. {' '.join(found.refusals.summary())}",
        advice="Mend or import the file, or leave those rows out with force=true.",
    )


def _disordered(name: str, times: Index, lines: Index) -> UserAction:
    steps = np.diff(times)
    place = int(np.argmax(steps <= 0)) + 1
    twice, moment = int(steps[place - 1]) == 0, str(times[place].astype("datetime64[s]")).replace("T", " ")
    what = "has the same time as the one before it" if twice else "is earlier than the one before it"
    return BadImport(
        f"The bars of {name} are not in the order of time: line {int(lines[place]):,} ({moment}) {what}.",
        advice="Import the file, which sorts it, or have it sorted here with force=true.",
    )


def graded(history: History, seconds: int, rule: ServerTimeRule) -> Grade:
    """The grade of the bars; rows that were left out count as broken."""
    gaps = find_gaps(history.rates["time"], seconds, rule)
    return grade(history.rates, history.left_out, gaps, seconds, stale=False)


def period(times: Index, seconds: int, start: int | None, end: int | None, days: float | None) -> tuple[int, int]:
    """The instants between which is traded; ``days`` count back from the end, the end from the newest bar.

    Raises:
        UserAction: no bar lies between them.
    """
    last = int(times[-1]) + seconds
    until = last if end is None else min(end, last)
    since = int(times[0]) if start is None else start
    if days is not None and start is None:
        since = max(since, int(until - days * DAY))
    inside = int(np.count_nonzero((times >= since) & (times + seconds <= until)))
    if not inside:
        span = f"{_moment_of(int(times[0]))} to {_moment_of(last)}"
        raise UserAction(
            f"There are no bars from {_moment_of(since)} to {_moment_of(until)}; there are those of {span}.",
            advice="Name another start= or end=, or import more history.",
        )
    return since, until


def _moment(rates: Rates, place: int) -> str:
    return _moment_of(int(rates["time"][place]))


def _moment_of(seconds: int) -> str:
    return f"{np.datetime64(seconds, 's')}".replace("T", " ")[:16] + " UTC"
