"""Reader of bar files: MetaTrader exports, ``copy_rates`` dumps, HistData and their like.

Known layouts: ``<DATE> <TIME> <OPEN> ...`` with and without ``<TIME>``; columns named time, date, timestamp or
datetime with open, high, low, close and volumes, in any order and beside others; and files without a header
(date, [time,] open, high, low, close[, volume]), among them HistData's M1. UTF-8 or UTF-16, any line end, tab, comma
or semicolon, plain, ``.gz`` or in a zip archive. A damaged row is an error that names its line, or it is left out and
told: a market with silent holes is worse than none.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt

from app.quoting import quoted
from app.terminal.bars_layout import Layout, detect_layout
from app.terminal.bars_pack import unpack
from app.terminal.bars_rows import BadBarsFile as BadBarsFile
from app.terminal.bars_rows import Sieve, bad_line, count_faults, in_order, price_faults, unreadable
from app.terminal.bars_times import BadTime, parse_times, read_times
from app.terminal.outliers import outliers
from app.terminal.server_time import ServerTimeRule
from app.terminal.timeframes import DAY, MONTH, TIMEFRAMES
from app.terminal.values import RATES_DTYPE, Rates

# A year of M1 bars has some 25 MB; beyond this a file is not one of bars (or a bomb).
MAX_BYTES = 512 * 1024 * 1024
_EXPORT = "Export it anew from MetaTrader (History, Export Bars)."
# HistData's clocks: New York's, or its winter time all year; weeks open at 17:00 or 18:00 in New York.
NEW_YORK_WALL = "America/New_York"
_WEEKEND_S, _SUMMER_S, _OPENING_S = 30 * 3600, 4 * 3600, 17 * 3600
# So many lines at either end may be no bars before a file is given up.
_ENDS = 1000
_SORTED = "The rows of {} were not in the order of time and have been sorted."
_Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class BarFile:
    """What was in a bar file.

    Attributes:
        rates: Records of ``RATES_DTYPE``, strictly ascending; ``time`` as in the file, read as if it were UTC.
        seconds: The timeframe of the bars in seconds.
        digits: Decimals of the prices.
        utc: The file itself says that its times are UTC (they end in ``Z``); else they are the broker's, or those of
            ``clock``.
        clock: Name of the ServerTimeRule of its times where the file tells it: ``UTC``, ``EST`` or
            ``America/New_York``; else empty.
        left_out: Rows that are no bars.
        notes: What is to be said of rows that were left out or moved, in sentences.
    """

    path: Path
    rates: Rates
    seconds: int
    digits: int
    utc: bool
    clock: str = ""
    left_out: int = 0
    notes: tuple[str, ...] = ()


def read_bars(path: Path, *, leave_out: bool = False) -> BarFile:
    """Read all bars of a file.

    Args:
        leave_out: Do without rows that are no bars, that come twice (the first one is kept) or stand off the grid of
            the most usual step, and sort those that are not in the order of time. Without it any such row is an error.

    Raises:
        BadBarsFile: The file is missing, unreadable or damaged; names the file, the line and the remedy. With
            ``leave_out``: more than a fifth of its rows are no bars.
    """
    lines = _read_lines(path)
    layout = _layout(path, lines)
    numbers = _line_numbers(lines, layout.header_lines)
    rows = [lines[number] for number in numbers]
    if layout.decimal_comma:
        rows = [row.replace(",", ".") for row in rows]
    sieve = Sieve(path, not leave_out, len(rows))
    rows, places, table = _table(rows, np.array(numbers, dtype=np.int64), layout, sieve)
    rates, good, utc = _rates(table, places, layout, sieve)
    rates, rows, places = rates[good], [rows[int(i)] for i in np.flatnonzero(good)], places[good]
    if leave_out:
        off = _off_grid(rates["time"])
        sieve.drop(off, places, "its time is off the grid of the others")
        rates, places = rates[~off], places[~off]
    order, moved = in_order(rates, places, sieve)
    rates, places = rates[order], places[order]
    rates = _without_outliers(rates, places, sieve)
    notes = (sieve.told(), _SORTED.format(path.name) if moved else "")
    return BarFile(
        path,
        rates,
        _seconds(path, rates),
        _digits(rows, layout),
        utc,
        _clock(rates, utc, layout),
        sieve.count,
        tuple(note for note in notes if note),
    )


def _without_outliers(rates: Rates, places: _Numbers, sieve: Sieve) -> Rates:
    """The bars whose prices can be; the others are noted."""
    good = np.ones(len(rates), dtype=np.bool_)
    step = int(np.diff(rates["time"]).min()) if len(rates) > 1 else 0
    for wrong, what in outliers(rates, step):
        sieve.drop(wrong, places, what)
        good &= ~wrong
    return rates[good]


def read_span(path: Path) -> tuple[int, int]:
    """Times of the first and the last bar of a file, as in the file, without reading all of its numbers.

    Raises:
        BadBarsFile: As ``read_bars``, as far as those two lines show it.
    """
    lines = _read_lines(path)
    layout = _layout(path, lines)
    numbers = _line_numbers(lines, layout.header_lines)
    ends = [_first_time(path, lines, some, layout) for some in (numbers[:_ENDS], numbers[: -_ENDS - 1 : -1])]
    return min(ends), max(ends)


def _first_time(path: Path, lines: Sequence[str], numbers: Sequence[int], layout: Layout) -> int:
    """The time of the first of these lines that has one."""
    for number in numbers:
        try:
            return int(_times([lines[number].split(layout.delimiter)], layout)[0][0])
        except (BadTime, IndexError, UnicodeError):
            continue
    raise bad_line(path, numbers[0], "the time cannot be read")


def _read_lines(path: Path) -> list[str]:
    try:
        data = path.read_bytes() if path.stat().st_size <= MAX_BYTES else b"\0" * (MAX_BYTES + 1)
    except FileNotFoundError as error:
        msg = f"The bar file {path} does not exist."
        raise BadBarsFile(msg, advice="Check the path in terminal.simulated.replay.") from error
    except OSError as error:
        msg = f"The bar file {path} cannot be read: {error.strerror or error}."
        raise BadBarsFile(msg, advice="Check that it is a file and that you may read it.") from error
    try:
        data = unpack(data, MAX_BYTES)
    except ValueError as error:
        msg = f"The bar file {path} is damaged: {error}."
        raise BadBarsFile(msg, advice="Fetch or pack it anew.") from error
    if len(data) > MAX_BYTES:
        msg = f"The bar file {path} is larger than {MAX_BYTES // 2**20} MB."
        raise BadBarsFile(msg, advice="Split it by years.")
    text = _decode(path, data)
    if "\0" in text:
        msg = f"The bar file {path} is not a text file."
        raise BadBarsFile(msg, advice=_EXPORT)
    return text.splitlines()


def _decode(path: Path, data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif data[1:2] == b"\0":
        encoding = "utf-16-le"
    else:
        encoding = "utf-8-sig"
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        msg = f"The bar file {path} is not text in {encoding.upper()} (line {line})."
        raise BadBarsFile(msg, advice=_EXPORT) from error


def _layout(path: Path, lines: Sequence[str]) -> Layout:
    try:
        return detect_layout(lines)
    except ValueError as error:
        msg = f"The bar file {path} cannot be used: {error}."
        raise BadBarsFile(msg, advice=_EXPORT) from error


def _line_numbers(lines: Sequence[str], start: int) -> list[int]:
    return [number for number in range(start, len(lines)) if lines[number] and not lines[number].isspace()]


def _load(rows: Sequence[str], layout: Layout) -> npt.NDArray[np.void]:
    """All wanted columns: dates and times as bytes, the rest as numbers."""
    return np.loadtxt(
        rows,
        dtype=layout.dtype,
        delimiter=layout.delimiter,
        usecols=layout.columns,
        comments=None,
        quotechar='"',
        encoding=None,
        ndmin=1,
    )


def _table(
    rows: list[str], numbers: _Numbers, layout: Layout, sieve: Sieve
) -> tuple[list[str], _Numbers, npt.NDArray[np.void]]:
    """The rows that can be read, their lines, and their columns."""
    try:
        table = _load(rows, layout)
    except ValueError:
        table = None
    if table is not None and len(table) == len(rows):
        return rows, numbers, table
    found = unreadable(rows, layout)
    wrong = np.zeros(len(rows), dtype=np.bool_)
    wrong[list(found)] = True
    sieve.drop(wrong, numbers, lambda row: found[row])
    rows = [row for number, row in enumerate(rows) if number not in found]
    try:
        table = _load(rows, layout)
    except ValueError as error:
        raise BadBarsFile(f"The bar file {sieve.path} cannot be read as a table.", advice=_EXPORT) from error
    return rows, numbers[~wrong], table


def _rates(
    table: npt.NDArray[np.void], numbers: _Numbers, layout: Layout, sieve: Sieve
) -> tuple[Rates, npt.NDArray[np.bool_], bool]:
    """Records of the rows, which of them are bars, and whether their times are UTC."""
    fields = [np.char.strip(table[name]) for name in ("date", "clock") if name in layout.names]
    times, utc, wrong = read_times(fields)

    def unread(row: int) -> str:
        text = b" ".join(bytes(field[row]) for field in fields).decode("utf-8", "replace")
        return f"the time {quoted(text)} cannot be read"

    sieve.drop(wrong, numbers, unread)
    good = ~wrong
    for faulty, what in (*count_faults(table, layout), *price_faults(table)):
        sieve.drop(good & faulty, numbers, what)
        good &= ~faulty
    rates = np.zeros(len(table), dtype=RATES_DTYPE)
    rates["time"] = times
    for name in ("open", "high", "low", "close", "tick_volume", "spread", "real_volume"):
        if name in layout.names:
            rates[name] = np.where(good, table[name], 0)
    return rates, good, utc


def _times(cells: Sequence[Sequence[str]], layout: Layout) -> tuple[npt.NDArray[np.int64], bool]:
    fields = []
    for name in ("date", "clock"):
        if name in layout.names:
            column = layout.columns[layout.names.index(name)]
            fields.append(np.array([row[column].strip().strip('"').encode() for row in cells]))
    return parse_times(fields)


def _off_grid(times: _Numbers) -> npt.NDArray[np.bool_]:
    """Which times are none of the most usual step between them; from a day on there is no such grid."""
    steps, counts = np.unique(np.diff(np.unique(times)), return_counts=True)
    step = int(steps[np.argmax(counts)]) if len(steps) else DAY
    return times % step != 0 if step < DAY else np.zeros(len(times), dtype=np.bool_)


def _seconds(path: Path, rates: Rates) -> int:
    """The timeframe: the smallest step between bars."""
    if len(rates) < 2:
        msg = f"The bar file {path} has a single bar, so its timeframe cannot be told."
        raise BadBarsFile(msg, advice="Use a file with more bars.")
    step = int(np.diff(rates["time"]).min())
    if 28 * 86_400 <= step <= 31 * 86_400:
        return MONTH
    if step not in {frame.seconds for frame in TIMEFRAMES.values()} - {MONTH}:
        first = datetime.fromtimestamp(int(rates["time"][int(np.argmin(np.diff(rates["time"])))]), UTC)
        msg = f"The bar file {path} has bars {step} s apart ({first:%Y-%m-%d %H:%M}), which is no timeframe."
        raise BadBarsFile(msg, advice=_EXPORT)
    if step <= 86_400 and np.any(rates["time"] % step):
        odd = datetime.fromtimestamp(int(rates["time"][int(np.argmax(rates["time"] % step != 0))]), UTC)
        msg = f"The bar file {path} has a bar at {odd:%Y-%m-%d %H:%M:%S} that is off the grid of {step} s."
        raise BadBarsFile(msg, advice=_EXPORT)
    return step


def _clock(rates: Rates, utc: bool, layout: Layout) -> str:
    """The clock of the times, where it can be told.

    HistData says of its M1 files "Eastern Standard Time (EST) time-zone WITHOUT Day Light Savings adjustments"
    (histdata.com, Data Files - Detailed Specification). Their files of 2018 are on New York's clock nevertheless: in
    summer too the week opens at 17:00, and the American employment figures come at 8:30. So the bars decide: what opens
    at 17:00 in New York opens an hour earlier on a clock without summer time.
    """
    if utc:
        return "UTC"
    if not layout.histdata:
        return ""
    times = rates["time"]
    openings = times[1:][np.diff(times) > _WEEKEND_S]
    new_york = ServerTimeRule(NEW_YORK_WALL)
    summer = openings[new_york.times_to_utc(openings) - openings == _SUMMER_S]
    early = np.count_nonzero(summer % DAY < _OPENING_S)
    return "EST" if 2 * early > len(summer) else NEW_YORK_WALL


def _digits(rows: Sequence[str], layout: Layout) -> int:
    """Decimals of most of the last closes: some writers drop trailing zeros, others add the noise of floats."""
    column = layout.columns[layout.names.index("close")]
    closes = (row.split(layout.delimiter)[column].strip().strip('"') for row in rows[-500:])
    decimals = [close.partition(".")[2] for close in closes]
    if layout.histdata:
        return max(1, *(len(text.rstrip("0")) for text in decimals))
    return min(8, Counter(len(text) for text in decimals).most_common(1)[0][0])
