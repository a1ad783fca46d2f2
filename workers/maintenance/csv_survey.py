"""A CSV file looked through once, in pieces: what each line is, and whether anything has to be done."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from app.files import guarding
from workers.journal.trades import HEADER as TRADE_HEADER
from workers.maintenance import csv_bars, csv_trades
from workers.maintenance.csv_bars import Bytes, Index, Mask
from workers.market.bar_history import HEADER as BAR_HEADER
from workers.wording import count

#: Read at once: some 70,000 bars.
PIECE: Final = 4 * 2**20
#: A line that does not end within this is none.
LONGEST: Final = 2**20
GOOD, BAD, BLANK = 0, 1, 2
#: Above this share of lines that are none (and these few), a file is not what it seems.
MOST_BAD: Final = 0.2
FEW_BAD: Final = 5
_NEWLINE, _RETURN = 10, 13

TRADES_AT_MOST: Final = 64 * 2**20

Times = npt.NDArray[Any]


@dataclass(slots=True)
class Survey:
    """What is in a file.

    Attributes:
        path: The file.
        bars: It is a bar history, else a trade log.
        stamp: Size, modification time (ns) and file number when it was opened.
        lead: Bytes before the first row: mark of the encoding and header.
        headless: The header is missing.
        returns: Lines end in CR LF somewhere.
        lines: How many there are below the header.
        times: Of each line below the header; UTC epoch seconds, 0 for those that are none.
        lengths: Bytes of each line with its end.
        states: ``GOOD``, ``BAD`` or ``BLANK``.
        endless: The last line has no end; it is a row when it reads as one.
        counts: How often each byte occurs in the good lines, without line ends.
        foreign: Why the file is none of ours; empty when it is.
    """

    path: Path
    bars: bool
    stamp: tuple[int, int, int]
    lead: int = 0
    headless: bool = False
    returns: bool = False
    endless: bool = False
    foreign: str = ""
    lines: int = 0
    times: Times = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    lengths: npt.NDArray[np.uint32] = field(default_factory=lambda: np.zeros(0, dtype=np.uint32))
    states: Bytes = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))
    counts: Index = field(default_factory=lambda: np.zeros(256, dtype=np.int64))

    @property
    def rows(self) -> int:
        """Lines that are not blank."""
        return int((self.states != BLANK).sum())

    @property
    def last(self) -> int:
        """The last line."""
        return self.lines - 1

    @property
    def bad(self) -> int:
        """Lines that are no rows."""
        return int((self.states == BAD).sum())

    @property
    def untidy(self) -> bool:
        """Something other than the order of its rows has to be mended."""
        return self.headless or self.returns or self.endless or bool((self.states != GOOD).any())

    @property
    def in_order(self) -> bool:
        """Whether no good row is earlier than the one before; bars have to be later."""
        times = self.times if not self.untidy else self.times[self.states == GOOD]
        return bool((times[1:] > times[:-1]).all() if self.bars else (times[1:] >= times[:-1]).all())


def survey(path: Path, *, bars: bool) -> Survey:
    """Look through a file.

    Raises:
        StorageError: it cannot be read.
    """
    with guarding(path, "read"), path.open("rb") as file:
        status = os.fstat(file.fileno())
        found = Survey(path, bars, (status.st_size, status.st_mtime_ns, status.st_ino))
        if not bars and status.st_size > TRADES_AT_MOST:
            found.foreign = f"it is larger than {TRADES_AT_MOST // 2**20} MB, which no trade log of a day is"
            return found
        head = file.readline(LONGEST)
        _header(found, head)
        if found.foreign:
            return found
        file.seek(found.lead)
        gathered = _Gathered(found)
        rest = b""
        while piece := file.read(PIECE):
            piece = rest + piece
            cut = piece.rfind(b"\n") + 1
            if not cut and len(piece) > LONGEST:
                found.foreign = "it has a line without an end: it is no text file"
                return found
            gathered.take(piece[:cut])
            rest = piece[cut:]
        gathered.finish(rest)
    return found


def _header(found: Survey, head: bytes) -> None:
    mark = 3 if head.startswith(b"\xef\xbb\xbf") else 0
    wanted = ",".join(BAR_HEADER if found.bars else TRADE_HEADER).encode()
    line = head[mark:].rstrip(b"\r\n")
    if not found.stamp[0]:
        found.foreign = "it is empty"
    elif line == wanted:
        found.lead = len(head)
        found.returns = mark > 0 or not head.endswith(b"\n") or head.endswith(b"\r\n")
    elif not isinstance(csv_bars.parsed(line) if found.bars else csv_trades.parsed(line), str):
        found.headless, found.lead = True, mark
    else:
        cells = line[:200].decode("utf-8", "replace").split(",")
        found.foreign = f"its columns are {', '.join(cells)[:120]!r}, not {wanted.decode()}"


class _Gathered:
    """Takes whole lines and adds what they are to a survey."""

    def __init__(self, found: Survey) -> None:
        self._found = found
        self._times = _Growing(np.uint32 if found.bars else np.float64)
        self._lengths = _Growing(np.uint32)
        self._states = _Growing(np.uint8)

    def take(self, text: bytes) -> None:
        if not text:
            return
        data = np.frombuffer(text, dtype=np.uint8)
        stops = np.flatnonzero(data == _NEWLINE)
        starts = np.concatenate((np.zeros(1, dtype=np.int64), stops[:-1] + 1))
        returns = (stops > starts) & (data[np.maximum(stops - 1, 0)] == _RETURN)
        self._found.returns |= bool(returns.any())
        ends = stops - returns
        blank = ends == starts
        times, good = self._judge(data, starts, ends)
        states = np.where(good, GOOD, np.where(blank, BLANK, BAD)).astype(np.uint8)
        self._add(times, stops - starts + 1, states)
        self._count(data, starts, stops, good)

    def _judge(self, data: Bytes, starts: Index, ends: Index) -> tuple[Times, Mask]:
        if self._found.bars:
            return csv_bars.judge(data, starts, ends)
        times = np.zeros(len(starts), dtype=np.float64)
        good = np.zeros(len(starts), dtype=np.bool_)
        for row, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
            found = csv_trades.parsed(bytes(data[start : min(end, start + csv_trades.MAX_LINE + 1)]))
            if not isinstance(found, str):
                times[row], good[row] = found[0], True
        return times, good

    def _count(self, data: Bytes, starts: Index, stops: Index, good: Mask) -> None:
        self._found.counts += byte_counts(data)
        bad = ~good
        if bad.any():
            left = [data[start : stop + 1] for start, stop in zip(starts[bad], stops[bad], strict=True)]
            self._found.counts -= byte_counts(np.concatenate(left))

    def _add(self, times: Times, lengths: Index, states: Bytes) -> None:
        expected = self._found.stamp[0] // max(1, int(lengths.mean())) if len(lengths) else 0
        self._times.add(times, expected)
        self._lengths.add(lengths, expected)
        self._states.add(states, expected)

    def finish(self, rest: bytes) -> None:
        """The end of the file; ``rest`` is a last line without its end. One that reads as a row is taken for whole."""
        found = self._found
        if rest:
            data = np.frombuffer(rest, dtype=np.uint8)
            stop = np.array([len(rest)])
            end = np.array([len(rest.rstrip(b"\r"))])
            times, good = self._judge(data, np.zeros(1, dtype=np.int64), end)
            found.endless = bool(rest.strip())
            state = GOOD if good[0] else BAD if found.endless else BLANK
            self._add(times, stop, np.array([state], dtype=np.uint8))
            self._count(data, np.zeros(1, dtype=np.int64), stop, good)
        found.times, found.lengths, found.states = self._times.done(), self._lengths.done(), self._states.done()
        found.lines = len(found.states)
        found.counts[[_NEWLINE, _RETURN]] = 0
        if found.bad > MOST_BAD * found.rows + FEW_BAD:
            found.foreign = f"{found.bad:,} of its {count(found.rows, 'row')} are none, which is more than a fifth"


class _Growing:
    """A column that grows in place: a list of pieces, put together in the end, would take twice the memory."""

    def __init__(self, kind: Any) -> None:
        self._values = np.empty(0, dtype=kind)
        self._used = 0

    def add(self, values: npt.NDArray[Any], expected: int) -> None:
        """Append; ``expected`` is how many there may be in all."""
        end = self._used + len(values)
        if end > len(self._values):
            self._values.resize(max(end + end // 8, expected + expected // 50 + 1_000), refcheck=False)
        self._values[self._used : end] = values
        self._used = end

    def done(self) -> Any:
        """All values."""
        self._values.resize(self._used, refcheck=False)
        return self._values


def byte_counts(data: Bytes) -> Index:
    """How often each byte occurs."""
    total = np.zeros(256, dtype=np.int64)
    for begin in range(0, len(data), 2**20):  # numpy makes eight bytes of each while it counts
        total += np.bincount(data[begin : begin + 2**20], minlength=256)
    return total
