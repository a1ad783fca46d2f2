"""From samples to the lines of plots: envelopes that lose no extreme, gaps that stay gaps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.samples import FIGURES, GAP_S, Records

Floats = NDArray[np.float64]
#: Metronome did nothing for so long: it was not there.
DOWN_S: Final = 90.0
#: Figures that exist only when something happens: between two of them nothing is missing.
EVENTS: Final = frozenset({"lateness_ms"})


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a plot.

    Attributes:
        times: UTC epoch seconds, ascending; NaN stands between two pieces.
        values: In the unit of the figure; NaN where ``times`` is.
        last: The newest value; None when there is none.
        low, high: Of all samples in sight, not only of those that are painted; None without samples.
    """

    times: Floats
    values: Floats
    last: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Down:
    """A time in which Metronome did not work.

    Attributes:
        ended: None never: it works now.
        restarted: Another process began afterwards; else the computer slept or the process was held up.
    """

    began: datetime
    ended: datetime
    restarted: bool


NOTHING: Final = Line(np.empty(0), np.empty(0))


def line(records: Records, name: str, begin: float, end: float, buckets: int) -> Line:
    """One figure of the samples as the line of a plot.

    Args:
        begin, end: The span of the plot, UTC epoch seconds.
        buckets: Into how many parts the span is divided; the least and the greatest sample of each are in the line.
    """
    inside = records[(records["at"] >= begin) & (records["at"] <= end)]
    values = inside[name].astype(np.float64)
    known = np.isfinite(values)
    if not known.any():
        return NOTHING
    width = (end - begin) / buckets
    pieces = _pieces(inside["at"], known, width, apart=name not in EVENTS)
    times, values = inside["at"][known], values[known]
    painted = envelope(times, values, pieces, begin, width)
    parted_times, parted_values = _parted(times[painted], values[painted], pieces[painted])
    return Line(parted_times, parted_values, float(values[-1]), float(values.min()), float(values.max()))


def _pieces(times: Floats, known: NDArray[np.bool_], width: float, *, apart: bool) -> NDArray[np.int64]:
    """To which piece of the line each known sample belongs.

    A gap that is narrower than a bucket cannot be seen, and would make as many pieces as there are samples.

    Args:
        apart: A sample without a value parts the line.
    """
    gaps = np.concatenate(([False], np.diff(times) > max(GAP_S, width)))
    number = np.cumsum(gaps)[known]
    if not apart or number.size == 0:
        return number.astype(np.int64)
    unknown = np.cumsum(~known)[known]
    wide = np.diff(times[known]) > width
    breaks = (np.diff(number) > 0) | ((np.diff(unknown) > 0) & wide)
    return np.concatenate(([0], np.cumsum(breaks))).astype(np.int64)


def envelope(times: Floats, values: Floats, pieces: NDArray[np.int64], begin: float, width: float) -> NDArray[np.int64]:
    """Which samples to paint: of each bucket of each piece the least and the greatest, of each piece both ends.

    Every value painted is one that was measured. At most two for each bucket and four more for each piece.

    Args:
        times: Ascending.
        pieces: Ascending numbers.
        width: Of a bucket, seconds.

    Returns:
        Ascending places.
    """
    if times.size == 0:
        return np.empty(0, dtype=np.int64)
    bucket = np.floor((times - begin) / width).astype(np.int64)
    first = np.flatnonzero(np.concatenate(([True], (np.diff(bucket) != 0) | (np.diff(pieces) != 0))))
    least = _first_places(values, np.minimum.reduceat(values, first), first)
    most = _first_places(values, np.maximum.reduceat(values, first), first)
    edges = np.flatnonzero(np.diff(pieces) != 0)
    ends = np.concatenate(([0], edges, edges + 1, [times.size - 1]))
    return np.unique(np.concatenate((least, most, ends)))


def _first_places(values: Floats, wanted: Floats, first: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in each group, which begin at ``first``, the wanted value stands for the first time."""
    lengths = np.diff(first, append=values.size)
    hits = np.flatnonzero(values == np.repeat(wanted, lengths))
    return np.asarray(hits[np.searchsorted(hits, first)], dtype=np.int64)


def _parted(times: Floats, values: Floats, pieces: NDArray[np.int64]) -> tuple[Floats, Floats]:
    """The same with NaN between two pieces."""
    breaks = np.flatnonzero(np.diff(pieces) != 0) + 1
    return np.insert(times, breaks, np.nan), np.insert(values, breaks, np.nan)


def alone(found: Line) -> tuple[Floats, Floats]:
    """The samples of a line that have no neighbour: no stroke shows them, so they want a dot."""
    known = np.isfinite(found.times)
    before = np.concatenate(([False], known[:-1]))
    after = np.concatenate((known[1:], [False]))
    single = known & ~before & ~after
    return found.times[single], found.values[single]


def downs(records: Records, begin: float, end: float) -> tuple[Down, ...]:
    """When Metronome did not work, as the gaps between its samples tell; oldest first.

    Args:
        records: With the last one before ``begin``, if there is any.
        begin, end: Only what reaches into this span counts.
    """
    times, process = records["at"], records["process"]
    found = []
    for place in np.flatnonzero(np.diff(times) > DOWN_S):
        began, ended = float(times[place]), float(times[place + 1])
        if ended > begin and began < end:
            restarted = bool(abs(process[place + 1] - process[place]) >= 1.0)
            found.append(Down(datetime.fromtimestamp(began, UTC), datetime.fromtimestamp(ended, UTC), restarted))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Course:
    """How the program fared over a span of time.

    Attributes:
        begin, end: The span, UTC epoch seconds.
        lines: By figure, see ``app.samples.FIGURES``.
        downs: When Metronome did not work.
        watched_since: The oldest sample within the span, or its begin; None without samples.
    """

    begin: float
    end: float
    lines: Mapping[str, Line]
    downs: tuple[Down, ...] = ()
    watched_since: datetime | None = None


def course(records: Records, begin: float, end: float, buckets: int) -> Course:
    """All figures of the samples over a span.

    Args:
        records: Of the span, with the last one before it, as ``Sampler.read`` gives them.
        buckets: See ``line``.
    """
    lines = {name: line(records, name, begin, end, buckets) for name in FIGURES}
    since = datetime.fromtimestamp(max(begin, float(records["at"][0])), UTC) if records.size else None
    return Course(begin, end, lines, downs(records, begin, end), since)


def nearest(found: Line, time: float) -> int | None:
    """The place of the painted sample nearest to a time; None without samples."""
    if not np.isfinite(found.times).any():
        return None
    return int(np.nanargmin(np.abs(found.times - time)))


def forecast(last: float, end: float, span: float, per_day: float | None) -> tuple[Floats, Floats] | None:
    """A straight line on from the newest value at a pace, down to zero at most; None without a pace.

    Args:
        last: The newest value.
        end: When that is, UTC epoch seconds.
        span: How far to look ahead, seconds.
        per_day: What is lost a day, in the unit of the value.
    """
    if per_day is None:
        return None
    if per_day > 0:
        span = min(span, last / per_day * 86_400.0)
    return np.array([end, end + span]), np.array([last, max(0.0, last - per_day * span / 86_400.0)])
