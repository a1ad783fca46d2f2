"""One table of bars or ticks from its text to our files: clock, unit and name are told or asked for, never guessed."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

import numpy as np

from app.clock import Clock
from app.files import atomic_write_pieces, guarding
from app.paths import safe_name
from app.settings_model import Settings
from app.storage import Storage
from app.terminal.timeframes import TIMEFRAMES, Times
from workers.imports import merge, ticks, units, zones
from workers.imports.bar_rows import MOST_REFUSED, TWICE, BarTable, read_bars, settle
from workers.imports.errors import BadImport, Unknown
from workers.imports.layouts import KNOWN, Table
from workers.imports.naming import Named, named
from workers.imports.outcome import Options, Outcome
from workers.imports.refusals import Refusals
from workers.imports.sources import Source
from workers.imports.spool import Spool
from workers.imports.zones import Zone
from workers.market import bar_history
from workers.market.bar_source import Source as Market

#: Kinds of tables whose times are on the broker's clock.
EXPORTS: Final = ("mt5_bars", "mt5_ticks", "mt5_copy_rates")
_MIXED: Final = "Two series may be mixed in the file, for example of two symbols or timeframes: export each by itself."
_HISTDATA: Final = "HistData calls its times EST without summer time"


class Importer:
    """Imports tables into one home.

    Args:
        settings: For the clock of the broker, where the user has set it.
    """

    def __init__(self, storage: Storage, clock: Clock, settings: Settings, options: Options) -> None:
        self._storage = storage
        self._clock = clock
        self._options = options
        self._server_time = settings.terminal.server_time

    def bars(self, source: Source, table: Table, outcome: Outcome) -> None:
        """Import a table of bars; ``outcome`` is filled as far as it comes.

        Raises:
            BadImport: nothing of it can be stored; ``outcome`` says what is known.
            StorageError: a file of ours cannot be written.
        """
        name = self._named(source, outcome)
        with Spool() as spool:
            found = read_bars(source, table, spool)
            outcome.refusals, outcome.rows = found.refusals, found.rows
            self._refuse_bad(source, table, found, outcome)
            frame, notes = settle(found, source.name, self._options.timeframe)
            self._refuse_bad(source, table, found, outcome)
            outcome.timeframe, outcome.rows = frame, found.rows
            outcome.notes += notes
            if name.timeframe and not self._options.timeframe and name.timeframe != frame:
                outcome.notes.append(f"The name says {name.timeframe}, but the bars are {frame}: taken as {frame}.")
            seconds = TIMEFRAMES[frame].seconds
            zone = self._zone(table, found.zoned, found.spool.times, seconds, outcome)
            to_utc(found, zone)
            outcome.rows = found.rows
            if found.rows:
                outcome.spans(int(spool.times[0]), int(spool.times[-1]))
            digits = self._unit(found, outcome, source)
            if found.fractional_volumes:
                outcome.notes.append("Volumes have fractions; they are stored without them.")
            self._require_symbol(outcome, source)
            self._store(source, table, found, digits, outcome)

    def ticks(self, source: Source, table: Table, outcome: Outcome) -> None:
        """Import a table of ticks.

        Raises:
            BadImport: nothing of it can be stored.
            StorageError: a file of ours cannot be written.
        """
        self._named(source, outcome)
        zoned, gaps = ticks.look(source, table)
        self._require_symbol(outcome, source)
        zone = self._zone(table, zoned, gaps, 60, outcome)
        found = ticks.TickTable(outcome.refusals, point=self._options.point)
        stem = f"{safe_name(outcome.symbol)}_ticks.{_mark(source)}"
        path = self._storage.paths.imports / "ticks" / f"{stem}.csv"

        def checked() -> Iterator[bytes]:
            yield from ticks.lines(source, table, None if zoned else zone, found)
            outcome.rows = found.rows
            if not found.rows or found.refusals.count > MOST_REFUSED * (found.rows + found.refusals.count):
                raise _too_many(source.name, found.rows, found.refusals, "tick")
            outcome.spans(found.first // 1000, found.last // 1000)
            # Known only now that all are read: what was written so far is thrown away.
            if self._options.point:
                outcome.notes.append(units.point_note(self._options.point))
            else:
                units.told_unit(source.name, outcome.symbol, found.least, whole=found.whole, notes=outcome.notes)

        with guarding(path.parent, "create"):
            path.parent.mkdir(parents=True, exist_ok=True)
        with self._storage.alone_with(path):
            atomic_write_pieces(path, checked())
        outcome.added, outcome.stored = found.rows, self._storage.relative(path)
        if found.moved:
            outcome.notes.append(f"{found.moved:,} ticks are earlier than the one before them; their order was kept.")
        if found.crossed:
            outcome.notes.append(f"{found.crossed:,} ticks have a bid above their ask; they were kept as they are.")

    def _named(self, source: Source, outcome: Outcome) -> Named:
        inner, outer = named(source.hint), named(source.outer)
        symbol, note = (inner.symbol, inner.note) if inner.symbol else (outer.symbol, outer.note)
        found = Named(symbol, inner.timeframe or outer.timeframe, note)
        outcome.symbol = self._options.symbol or found.symbol
        if found.note and not self._options.symbol:
            outcome.notes.append(found.note)
        return found

    def _require_symbol(self, outcome: Outcome, source: Source) -> None:
        if not outcome.symbol:
            raise BadImport(
                f"The symbol of {source.name} is neither in the file nor in its name.",
                advice="Name it with --symbol, exactly as your broker does.",
            )

    def _refuse_bad(self, source: Source, table: Table, found: BarTable, outcome: Outcome) -> None:
        total = found.rows + found.refusals.count
        if not found.rows and table.kind == "bars_csv" and not table.skip:
            outcome.kind = ""
            raise Unknown(
                f"{source.name} is nothing that can be imported: its first line is neither a header nor a bar.",
                advice=KNOWN,
            )
        if not found.rows or found.refusals.count > MOST_REFUSED * total:
            raise _too_many(source.name, found.rows, found.refusals, "bar")

    def _zone(self, table: Table, zoned: bool, times: Times, seconds: int, outcome: Outcome) -> Zone:
        """The clock of a file, from the surest evidence that there is.

        Raises:
            BadImport: nothing tells it.
        """
        zone, doubt = told_zone(table, zoned, times, seconds, self._options.time_zone, self._server_time, outcome.notes)
        if zone is None:
            if len(times):
                outcome.first, outcome.last = _as_written(int(times[0])), _as_written(int(times[-1]))
            whose = "the broker's clock, which the file does not name" if table.kind in EXPORTS else "no clock it names"
            raise BadImport(
                f"The times are on {whose}, and it cannot be told from them: {doubt}. Nothing was stored.",
                advice=zones.HELP,
            )
        outcome.time_zone = zone.name
        outcome.notes.append(f"Time zone {zone.name}: {zone.evidence}.")
        return zone

    def _unit(self, found: BarTable, outcome: Outcome, source: Source) -> int:
        """Decimals of the prices, once they are prices and not points.

        Raises:
            BadImport: they may be points, and nobody said of what size.
        """
        if point := self._options.point:
            outcome.notes.append(units.point_note(point))
            return units.scale_bars(found, point)
        units.told_unit(source.name, outcome.symbol, found.least, whole=found.whole, notes=outcome.notes)
        noisy = int(found.decimals[found.digits + 1 :].sum())
        if noisy:
            outcome.notes.append(f"{noisy:,} prices had more than {found.digits} decimals and were rounded.")
        return found.digits

    def _store(self, source: Source, table: Table, found: BarTable, digits: int, outcome: Outcome) -> None:
        paths = self._storage.paths
        path = bar_history.bars_file(paths.bars, outcome.symbol, outcome.timeframe)
        beside = paths.imports / "bars" / f"{path.stem}.{_mark(source)}.csv"
        market = Market(imported=source.path.name, kind=table.kind)
        stored = merge.store(
            self._storage, self._clock, path, beside, found, digits, market, replace=self._options.replace
        )
        outcome.added, outcome.stored = stored.added, self._storage.relative(stored.path)
        outcome.notes += stored.notes
        if table.kind in EXPORTS:
            outcome.notes.append("The last bar may have been forming when the file was written.")


def told_zone(
    table: Table, zoned: bool, times: Times, seconds: int, asked: str, server_time: str, notes: list[str]
) -> tuple[Zone | None, str]:
    """The clock of a table of bars, from the surest evidence that there is; None with the reason when nothing tells it.

    Args:
        zoned: All times say themselves how far they are from UTC.
        asked: The zone that the user named; empty when they named none.
        server_time: The clock of the broker as the settings have it.
        notes: Takes what is to be said about it.

    Raises:
        BadImport: there is no such zone as the one named.
    """
    if zoned:
        if asked:
            notes.append("--time-zone was not used: the times of the file have a zone of their own.")
        return Zone(None, "UTC", "every time in the file says how far it is from UTC"), ""
    shown, doubt = zones.by_weekends(times, seconds)
    if asked:
        zone = zones.given(asked, "given with --time-zone")
        if shown is not None and not np.array_equal(shown.to_utc(times), zone.to_utc(times)):
            notes.append(f"Its weekends fit {shown.name} better ({shown.evidence}); check --time-zone.")
        return zone, ""
    if table.zone:
        return zones.given(table.zone, table.zone_why), ""
    if shown is not None:
        if table.kind == "histdata_bars" and shown.name not in ("UTC-5", "EST"):
            notes.append(
                f"{_HISTDATA}, but the weekends of this file fit {shown.name}; --time-zone EST takes their word."
            )
        return shown, ""
    if table.kind == "histdata_bars":
        return zones.given("EST", f"{_HISTDATA}; the file shows nothing else ({doubt})"), ""
    set_by_user = server_time.strip().lower() not in ("", "auto")
    if table.kind in EXPORTS and set_by_user:
        return zones.given(server_time, "the clock of your broker as set in terminal.server_time"), ""
    return None, doubt


def _too_many(name: str, rows: int, refusals: Refusals, what: str) -> BadImport:
    total = rows + refusals.count
    if not total:
        return BadImport(f"{name} has no rows.", advice="Export it anew.")
    line, reason = refusals.named[0]
    usual = max(refusals.by_reason, key=lambda kind: refusals.by_reason[kind])
    return BadImport(
        f"{refusals.count:,} of {total:,} rows of {name} are no {what}s (mostly: {usual}; line {line}: {reason}). "
        "Nothing was stored.",
        advice=_MIXED if usual == TWICE else "The columns may be swapped or the file damaged: export it anew.",
    )


def to_utc(found: BarTable, zone: Zone) -> None:
    """Move the times to UTC. Of the hour that a clock goes through twice only the first pass can be kept."""
    spool = found.spool
    if zone.rule is None:
        return
    spool.move_times(zone.to_utc(spool.times))
    if not spool.ascending:
        kept = np.unique(spool.times, return_index=True)[1].astype(np.int64)
        lost = len(spool) - len(kept)
        spool.keep(kept)
        if lost:
            found.refusals.add_many("its time does not exist once the clock change is taken into account", lost)
    found.rows = len(spool)


def _as_written(moment: int) -> str:
    """A time of the file on a clock that is not known: without a zone."""
    return str(np.datetime64(moment, "s"))


def _mark(source: Source) -> str:
    """A short mark of a file's name, so that two files do not take each other's place."""
    stem = safe_name(source.path.name.partition(".")[0])[:60]
    return f"{stem}-{zlib.crc32(source.name.encode('utf-8', 'backslashreplace')):08x}"
