"""The figures of the last checks, and how fast they grow.

``data/health_checks/trend.json``: the last 400 checks (eight days of one every half hour), a line each with the time,
the process (its start) and the figures; and when the history database was last looked through.
"""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.json_list import read_list, write_list
from app.paths import Paths
from app.runs import iso
from app.storage import Storage

POINTS: Final = 400
_LIST: Final = "points"
#: A slope is that of the middle pair; of more points than this only some are taken, evenly.
_PAIRED: Final = 48
HOUR_S: Final = 3_600.0
DAY_S: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Point:
    """The figures of one check; ``process`` is when the process began (UTC epoch seconds)."""

    at_s: float
    process: float
    figures: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Trend:
    """The checks before this one, in the order of time.

    Attributes:
        integrity_at: When the history database was last looked through; None when never.
        integrity: What was wrong with it then; empty when it was intact.
        integrity_file: The id of the file that was looked through: of another one nothing is known.
    """

    points: tuple[Point, ...] = ()
    integrity_at: datetime | None = None
    integrity: str = ""
    integrity_file: str = ""

    def slope(
        self, name: str, now_s: float, reach_s: float, least_s: float, process: float | None = None
    ) -> float | None:
        """Growth of a figure in units a second: the middle one of the slopes between all pairs (Theil and Sen).

        One jump (a large file deleted, a cache filled) does not bend it.

        Args:
            reach_s: Only the last so many seconds count.
            least_s: None when the points span less.
            process: Only checks of the process that began then.
        """
        found = [
            (point.at_s, point.figures[name])
            for point in self.points
            if name in point.figures
            and 0 <= now_s - point.at_s <= reach_s
            and (process is None or abs(point.process - process) < 1)
        ]
        if len(found) < 4 or found[-1][0] - found[0][0] < least_s:
            return None
        step = max(1, len(found) // _PAIRED)
        some = found[::step]
        slopes = [
            (value - before) / (at - begin)
            for number, (at, value) in enumerate(some)
            for begin, before in some[:number]
            if at > begin
        ]
        return statistics.median(slopes) if slopes else None

    def with_point(self, point: Point) -> Trend:
        """The trend with one check more."""
        return replace(self, points=(*self.points, point)[-POINTS:])


def trend_file(paths: Paths) -> Path:
    """Where the trend is."""
    return paths.health_checks / "trend.json"


def load(storage: Storage) -> Trend:
    """The trend so far; strange lines are left out, they only cost their figures. A damaged file is moved aside.

    Raises:
        StorageError: it is there but cannot be read.
        UserAction: it was written by a newer Metronome.
    """
    path = trend_file(storage.paths)
    found = read_list(path, _LIST)
    if found is None:
        if path.exists():
            storage.put_aside(path, "it is no list of checks")
        return Trend()
    head, items = found
    points = [point for item in items if (point := _point(item)) is not None]
    points.sort(key=lambda point: point.at_s)
    integrity, file_id = (str(head.get(name) or "") for name in ("integrity", "integrity_file"))
    return Trend(tuple(points[-POINTS:]), _moment(head.get("integrity_at")), integrity, file_id)


def store(paths: Paths, trend: Trend) -> None:
    """Write the trend, without waiting for the disk: a power cut may cost it, the checks themselves are kept.

    Raises:
        StorageError: it cannot be written.
    """
    head = {
        "integrity_at": iso(trend.integrity_at),
        "integrity": trend.integrity,
        "integrity_file": trend.integrity_file,
    }
    write_list(trend_file(paths), head, _LIST, (_item(point) for point in trend.points), durable=False)


def _item(point: Point) -> dict[str, Any]:
    at, process = (iso(datetime.fromtimestamp(value, UTC)) for value in (point.at_s, point.process))
    return {"time": at, "process": process, **point.figures}


def _point(item: Mapping[str, Any]) -> Point | None:
    at, process = _moment(item.get("time")), _moment(item.get("process"))
    if at is None or process is None:
        return None
    figures = {
        name: float(value)
        for name, value in item.items()
        if isinstance(value, int | float) and not isinstance(value, bool)
    }
    return Point(at.timestamp(), process.timestamp(), figures)


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found.astimezone(UTC) if found.tzinfo else None


def rested(trend: Trend, now: datetime, file_id: str) -> bool:
    """Whether the history database of that id was not looked through for a day, or never."""
    last = trend.integrity_at if trend.integrity_file == file_id else None
    return last is None or not timedelta(0) <= now - last < timedelta(days=1)
