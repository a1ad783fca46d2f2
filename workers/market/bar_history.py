"""The bar history ``data/bars/{symbol}_{timeframe}.csv``: closed bars only, in the order of time, UTC, append-only."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from app.errors import UserAction
from app.files import guarding
from app.paths import safe_name
from app.terminal.timeframes import DAY, MONTH

HEADER: Final = ("time", "open", "high", "low", "close", "tick_volume", "spread", "real_volume")

#: The first line of every history that we began.
_BEGINNING: Final = ",".join(HEADER).encode()

_HOUR: Final = 3600
#: This computer's clock may be so far behind the server's.
_CLOCK_ERROR_S: Final = 60

#: The end of the file that surely holds its newest bar: some 900 lines.
_TAIL_BYTES: Final = 1 << 16


class DamagedHistory(UserAction):
    """The end of a bar history holds no bar. ``ours`` when the file begins as we begin one."""

    def __init__(self, path: Path, *, ours: bool) -> None:
        super().__init__(
            f"No line at the end of {path} is a bar.",
            advice="Move the file away: a new one is begun and filled from the terminal's history.",
        )
        self.ours = ours


def bars_file(folder: Path, symbol: str, timeframe: str) -> Path:
    """The file of one symbol and timeframe."""
    return folder / f"{safe_name(symbol)}_{timeframe}.csv"


def last_stored(path: Path) -> datetime | None:
    """The opening of the newest stored bar; None when there is none.

    A torn last line (a kill in the middle of a write) does not count: its bar is fetched again.

    Raises:
        StorageError: the file cannot be read.
        DamagedHistory: the end of the file holds no bar at all.
    """
    with guarding(path, "read"):
        if not path.exists():
            return None
        with path.open("rb") as file:
            ours = file.readline(len(_BEGINNING) + 2).rstrip(b"\r\n") == _BEGINNING
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - _TAIL_BYTES))
            tail = file.read()
    whole = tail[: tail.rfind(b"\n") + 1].splitlines()
    if size > _TAIL_BYTES or (whole and whole[0].startswith(b"time,")):
        whole = whole[1:]  # the header; or a line that may begin in the middle
    if not whole:
        return None
    # Not simply the last line: a history that somebody else wrote to may be out of order. Our own lines sort as times.
    found = _time_of(max(whole)) or max(filter(None, map(_time_of, whole)), default=None)
    if found is not None:
        return found
    raise DamagedHistory(path, ours=ours)


def first_stored(path: Path) -> datetime | None:
    """The opening of the oldest stored bar; None when the first line after the header is none.

    Raises:
        StorageError: the file cannot be read.
    """
    with guarding(path, "read"), path.open("rb") as file:
        head = file.read(_TAIL_BYTES)
    lines = head.splitlines()[1:2]
    return _time_of(lines[0]) if lines else None


def rows_of(rates: NDArray[Any], digits: int) -> list[tuple[str, ...]]:
    """Closed bars as lines of the file.

    Args:
        rates: Structured array, time in UTC epoch seconds.
        digits: Decimals of a price.
    """
    times = np.datetime_as_string(rates["time"].astype("datetime64[s]"), unit="s")
    columns = [[f"{value:.{digits}f}" for value in rates[name].tolist()] for name in ("open", "high", "low", "close")]
    counts = [[str(int(value)) for value in rates[name].tolist()] for name in ("tick_volume", "spread", "real_volume")]
    return list(zip([f"{time}Z" for time in times.tolist()], *columns, *counts, strict=True))


def set_aside(path: Path, lines: Sequence[bytes]) -> Path:
    """Append lines that are no bars to ``{name}.rejected.csv`` beside the history; returns that file.

    Raises:
        StorageError: they cannot be written.
    """
    side = path.with_name(f"{path.stem}.rejected.csv")
    with guarding(side), side.open("ab") as file:
        file.write(b"".join(line.rstrip(b"\r") + b"\n" for line in lines))
        file.flush()
        os.fsync(file.fileno())
    return side


def newer_than(rates: NDArray[Any], last: datetime | None) -> NDArray[Any]:
    """The bars after ``last`` (all of them when it is None), in the order of time, each time once."""
    kept = rates if last is None else rates[rates["time"] > int(last.timestamp())]
    _, first = np.unique(kept["time"], return_index=True)
    ordered: NDArray[Any] = kept[first]
    return ordered


def closed_by(rates: NDArray[Any], seconds: int, now: datetime) -> tuple[NDArray[Any], int]:
    """The bars that have closed by ``now``, and how many close later by more than clocks differ.

    A day of a clock change has 23 hours and the shortest month 28 days.
    """
    shortest = 28 * DAY - _HOUR if seconds == MONTH else seconds - _HOUR if seconds >= DAY else seconds
    ends = rates["time"] + shortest
    kept: NDArray[Any] = rates[ends <= now.timestamp()]
    return kept, int((ends > now.timestamp() + _CLOCK_ERROR_S).sum())


def sound(rates: NDArray[Any]) -> NDArray[Any]:
    """The bars whose prices are prices and whose high and low hold their open and close."""
    kept: NDArray[Any] = rates[is_sound(rates)]
    return kept


def is_sound(rates: NDArray[Any]) -> NDArray[np.bool_]:
    """Which of the bars ``sound`` keeps."""
    begin, high, low, end = (rates[name] for name in ("open", "high", "low", "close"))
    # Whatever lies between a low above 0 and a finite high is a price; no comparison holds for what is none.
    good: NDArray[np.bool_] = (low > 0) & np.isfinite(high) & (low <= high)
    good &= (low <= begin) & (begin <= high) & (low <= end) & (end <= high)
    return good


def may_have_closed(last: datetime, bar_seconds: int, now: datetime) -> bool:
    """Whether a bar newer than ``last`` can have closed by now; saves asking the terminal when none can."""
    return now >= last + timedelta(seconds=2 * bar_seconds)


def _time_of(line: bytes) -> datetime | None:
    fields = line.decode("utf-8", "replace").split(",")
    if len(fields) != len(HEADER):
        return None
    try:
        time = datetime.fromisoformat(fields[0])
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
