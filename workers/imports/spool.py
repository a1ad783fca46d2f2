"""Many bars without much memory: records go to a temporary file once they are many."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from types import TracebackType
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from app.terminal.values import RATES_DTYPE, Rates

#: Up to this many bytes stay in memory: a million bars.
_IN_MEMORY: Final = 64 * 2**20
#: Bars handed out at once.
CHUNK: Final = 65_536


class Spool:
    """Bars in the order of their arrival, each with its line; the order of time is worked out at the end.

    Only times and line numbers (12 bytes a bar) stay in memory, the records themselves do not beyond 64 MB.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)
        self._times: list[npt.NDArray[np.int64]] = []
        self._lines: list[npt.NDArray[np.uint32]] = []
        self.order: npt.NDArray[np.int64] | None = None
        self.times = np.zeros(0, dtype=np.int64)
        self.lines = np.zeros(0, dtype=np.uint32)
        self._scale: tuple[float, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type[BaseException] | None, _error: object, _trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Give the temporary file back."""
        self._file.close()

    def add(self, rates: Rates, lines: npt.NDArray[np.int64]) -> None:
        """Take bars (records of ``RATES_DTYPE``) and the lines they came from."""
        self._file.write(rates.tobytes())
        self._times.append(np.ascontiguousarray(rates["time"]))
        self._lines.append(lines.astype(np.uint32))

    def __len__(self) -> int:
        return len(self.times)

    def finish(self) -> None:
        """All bars are there: make ``times`` and ``lines``, as they arrived."""
        self.times = np.concatenate(self._times) if self._times else self.times
        self.lines = np.concatenate(self._lines) if self._lines else self.lines
        self._times, self._lines = [], []

    @property
    def ascending(self) -> bool:
        """Whether every bar is later than the one before."""
        return bool((np.diff(self.times) > 0).all())

    def keep(self, order: npt.NDArray[np.int64]) -> None:
        """From now on there are only these bars, in this order (places of bars as they stand now)."""
        places = order if self.order is None else self.order[order]
        self.order = None if len(places) == len(self.times) and (np.diff(places) == 1).all() else places
        self.times, self.lines = self.times[order], self.lines[order]

    def drop_repeated(self) -> int:
        """Leave out each bar that is the same, value for value, as the one before it; how many there were."""
        again = np.zeros(len(self.times), dtype=np.bool_)
        candidates = np.flatnonzero(np.diff(self.times) == 0) + 1
        for begin in np.unique(candidates // CHUNK) * CHUNK:
            first = max(0, int(begin) - 1)
            found = self.read(first, int(begin) + CHUNK)
            again[first + 1 : first + len(found)] = found[1:] == found[:-1]
        if again.any():
            self.keep(np.flatnonzero(~again))
        return int(again.sum())

    def move_times(self, times: npt.NDArray[np.int64]) -> None:
        """Give the bars other times, one for each."""
        self.times = times

    def scale(self, factor: float, digits: int) -> None:
        """Multiply the prices by ``factor`` and round them to ``digits`` when they are read."""
        self._scale = factor, digits

    def read(self, begin: int, end: int) -> Rates:
        """The bars from ``begin`` to before ``end``, with the times as they are now."""
        end = min(end, len(self.times))
        if end <= begin:
            return np.zeros(0, dtype=RATES_DTYPE)
        if self.order is None:
            found = self._records(begin, end - begin)
        else:
            places = self.order[begin:end]
            low, high = int(places.min()), int(places.max())
            if high - low < 4 * CHUNK:
                found = self._records(low, high - low + 1)[places - low]
            else:  # far from its place: one by one is slow, but a file that is out of order throughout is rare
                found = np.concatenate([self._records(int(place), 1) for place in places])
        found = found.copy()
        found["time"] = self.times[begin:end]
        if self._scale is not None:
            for name in ("open", "high", "low", "close"):
                found[name] = np.round(np.rint(found[name]) * self._scale[0], self._scale[1])
        return found

    def chunks(self) -> Iterator[Rates]:
        """All bars, some at a time."""
        for begin in range(0, len(self.times), CHUNK):
            yield self.read(begin, begin + CHUNK)

    def _records(self, first: int, count: int) -> Rates:
        size = RATES_DTYPE.itemsize
        self._file.seek(first * size)
        return np.frombuffer(self._file.read(count * size), dtype=RATES_DTYPE)
