"""What kind of table a text is, and what follows from that for its times and prices."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Final

from app.quoting import BINARY
from app.terminal.bars_layout import detect_layout
from workers.imports.errors import BadImport, Unknown
from workers.imports.sources import Source

_DELIMITERS: Final = ("\t", ";", ",")
_LEAN_NAME: Final = re.compile(r"(?P<day>\d{8})_(?P<symbol>[a-z0-9]+)_(?P<what>minute|second|tick)_quote\.csv")
_HISTDATA_ROW: Final = re.compile(r"\d{8} \d{6};[\d.]+;[\d.]+;[\d.]+;[\d.]+;\d+")
_QUOTE_BARS_ROW: Final = re.compile(r"\d{8} \d\d:\d\d(,[\d.]+){10}")
_COPY_RATES: Final = ("time", "open", "high", "low", "close", "tick_volume", "spread", "real_volume")
_PRICES: Final = ("open", "high", "low", "close")
KNOWN: Final = (
    "Known are MetaTrader's exports of bars and ticks, its reports and tester settings, and tables with the columns "
    "time, open, high, low and close."
)
#: Names of the columns of ticks.
_TICK_NAMES: Final = {
    "date": "date",
    "time": "clock",
    "timestamp": "date",
    "datetime": "date",
    "date time": "date",
    "gmt time": "date",
    "time_msc": "msc",
    "bid": "bid",
    "bid price": "bid",
    "ask": "ask",
    "ask price": "ask",
    "last": "last",
    "volume": "volume",
    "flags": "flags",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table that can be read.

    Attributes:
        kind: What the report calls it.
        columns: Number of each column by its name: date, clock, open ... real_volume; bid, ask, last.
        skip: Lines before the first row.
        comma: Prices have a comma for a point.
        zone: The clock that the format prescribes; empty when it prescribes none.
        zone_why: Where that is written.
        day: Times are milliseconds since this midnight (seconds since 1970); -1 when they are whole times.
        notes: What else was assumed.
    """

    kind: str
    delimiter: str
    columns: dict[str, int]
    skip: int = 0
    comma: bool = False
    zone: str = ""
    zone_why: str = ""
    day: int = -1
    notes: tuple[str, ...] = ()

    @property
    def ticks(self) -> bool:
        """Whether its rows are ticks, not bars."""
        return "open" not in self.columns


def recognise(source: Source) -> Table:
    """Tell the kind of a table from its first lines and its name.

    Raises:
        Unknown: it is nothing that we know.
        BadImport: it is, but cannot be used.
    """
    # A run of zeros within a table is a damaged row; at its beginning or all over it is no text at all.
    if b"\0" in source.head[:512] or source.head.count(b"\0") > len(source.head) // 100:
        raise Unknown(f"{source.name} holds {BINARY}: it is no text file, and no archive that we know.", advice=KNOWN)
    lines = re.split(r"\r\n|\n|\r", source.head.decode("utf-8", "replace"))
    filled = [line for line in lines[:50] if line.strip()]
    if not filled:
        raise Unknown(f"{source.name} has no lines.", advice="Export it anew.")
    first = filled[0].strip()
    table = _by_format(source, first.replace('"', "")) or _ticks(lines, first)
    if table is not None:
        return table
    return _bars(source, lines, first)


def _by_format(source: Source, first: str) -> Table | None:
    """Formats that are told by a name or by the shape of a row."""
    lean = _LEAN_NAME.fullmatch(source.hint)
    bid = {"open": 1, "high": 2, "low": 3, "close": 4, "ask_close": 9}
    said = "the Lean format keeps quotes of this provider in UTC"
    bid_note = "Prices are the bid's, as MetaTrader's; the spread is taken at the close of each bar."
    if lean and re.fullmatch(r"\d+(,[\d.]+){2}" if lean["what"] == "tick" else r"\d+(,[\d.]+){10}", first):
        try:
            day = int(datetime.strptime(lean["day"], "%Y%m%d").replace(tzinfo=UTC).timestamp())
        except ValueError:
            raise BadImport(f"The name {source.hint} does not begin with a date.") from None
        since = f"Times count from midnight of {lean['day']}, the day in the name."
        if lean["what"] == "tick":
            return Table("lean_ticks", ",", {"date": 0, "bid": 1, "ask": 2}, 0, False, "UTC", said, day, (since,))
        return Table("lean_quote_bars", ",", {"date": 0, **bid}, 0, False, "UTC", said, day, (since, bid_note))
    if _QUOTE_BARS_ROW.fullmatch(first):
        return Table("lean_quote_bars", ",", {"date": 0, **bid}, 0, False, "UTC", said, notes=(bid_note,))
    if _HISTDATA_ROW.fullmatch(first):
        columns = {"date": 0, "open": 1, "high": 2, "low": 3, "close": 4, "tick_volume": 5}
        return Table("histdata_bars", ";", columns)
    return None


def _ticks(lines: Sequence[str], first: str) -> Table | None:
    delimiter = max(_DELIMITERS, key=first.count)
    cells = [cell.strip().strip('"<>').strip().casefold() for cell in first.split(delimiter)]
    if "open" in cells or not {"bid", "bid price"} & set(cells):
        return None
    columns: dict[str, int] = {}
    for number, cell in enumerate(cells):
        if cell in _TICK_NAMES:
            columns.setdefault(_TICK_NAMES[cell], number)
    if "msc" in columns:
        columns["date"] = columns.pop("msc")
        columns.pop("clock", None)
    elif "clock" in columns and "date" not in columns:
        columns["date"] = columns.pop("clock")
    if "date" not in columns or "ask" not in columns:
        return None
    kind = "mt5_ticks" if first.lstrip('"').startswith("<") else "ticks_csv"
    zone = ("UTC", "its header says Gmt time") if "gmt time" in cells else ("", "")
    skip = next(i for i, line in enumerate(lines) if line.strip()) + 1
    return Table(kind, delimiter, columns, skip, delimiter != ",", *zone)


def _bars(source: Source, lines: Sequence[str], first: str) -> Table:
    try:
        layout = detect_layout(lines)
    except (ValueError, IndexError) as error:
        raise Unknown(
            f"{source.name} is nothing that can be imported: {error}.",
            advice=KNOWN,
        ) from None
    columns = dict(zip(layout.names, layout.columns, strict=True))
    cells = [cell.strip().strip('"<>').strip().casefold() for cell in first.split(layout.delimiter)]
    notes: list[str] = []
    if layout.header_lines == 0 or "open" not in cells:
        kind = "bars_csv"
        notes.append("No header: columns taken as date, time, open, high, low, close, tick volume, in this order.")
        if len(cells) > len(columns) and len(cells) - len(columns) <= 2 and "clock" in columns:
            # An export without its header: the same columns as with it.
            columns.update({n: c for n, c in (("real_volume", 7), ("spread", 8)) if c < len(cells)})
            kind = "mt5_bars"
    elif first.lstrip('"').startswith("<"):
        kind = "mt5_bars"
    elif cells == ["time", *_PRICES, "tick_volume", "spread", "real_volume"] and _has_z(lines):
        kind = "metronome_bars"
    elif set(_COPY_RATES) <= set(cells):
        kind = "mt5_copy_rates"
    else:
        kind = "bars_csv"
        if "tick_volume" not in cells and "tickvol" not in cells and "tick_volume" in columns:
            notes.append("The column of volumes is stored as the tick volume.")
    table = Table(kind, layout.delimiter, columns, layout.header_lines, layout.decimal_comma, notes=tuple(notes))
    if "gmt time" in cells:
        return replace(table, zone="UTC", zone_why="its header says Gmt time")
    return table


def _has_z(lines: Sequence[str]) -> bool:
    filled = [line for line in lines[:5] if line.strip()]
    return len(filled) > 1 and filled[1].split(",")[0].endswith("Z")
