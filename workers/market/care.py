"""Care of the bar histories: gaps healed from the terminal's history, and a grade for each.

What was found is kept in ``data/cache/data_grades.json``, one line for each symbol and timeframe.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np

from app.errors import Blocked, Cancelled, MetronomeError
from app.files import StorageError
from app.json_list import read_list, write_list
from app.runs import iso
from app.tasks import TaskContext
from app.terminal.values import TIMEFRAMES
from workers.market import bar_history
from workers.market.bar_window import Window, pieces_around, read_window
from workers.market.gaps import Gap, find_gaps
from workers.market.grade import Grade, grade
from workers.wording import count

FILE_NAME: Final = "data_grades.json"
_LIST: Final = "grades"
#: With more symbols than this, the others are looked at in later passes, those of the longest wait first.
_PER_PASS: Final = 100
#: What the terminal has not got is asked for again after this time: its history loads in the background.
_ASK_AGAIN: Final = timedelta(hours=20)
_LISTED: Final = 20


@dataclass(frozen=True, slots=True)
class Job:
    """A history that was written to in this pass, or has no grade yet.

    Attributes:
        symbol, broker_name: The user's name and the broker's.
        digits: Decimals of a price.
        stale: The newest quote is old.
    """

    symbol: str
    broker_name: str
    timeframe: str
    digits: int
    stale: bool

    @property
    def key(self) -> tuple[str, str]:
        """What the grade is kept under."""
        return self.symbol, self.timeframe


@dataclass(frozen=True, slots=True)
class Cared:
    """What came of the care of one history.

    Attributes:
        healed: Bars that were missing inside the history or before it, and are there now.
        lost: Gaps that the terminal cannot fill either.
        begins: Where the terminal's own history begins, when it is shorter than the settings ask for.
    """

    job: Job
    grade: Grade
    healed: int
    lost: tuple[Gap, ...]
    begins: datetime | None


class Caretaker:
    """Looks after the histories of one pass. Thread: one run, one thread."""

    def __init__(self, ctx: TaskContext) -> None:
        self._ctx = ctx
        self._path = ctx.storage.paths.cache / FILE_NAME
        self._kept: dict[tuple[str, str], dict[str, Any]] = {}
        found = read_list(self._path, _LIST)
        for item in found[1] if found else ():
            self._kept[str(item.get("symbol")), str(item.get("timeframe"))] = item

    def known(self, symbol: str, timeframe: str) -> bool:
        """Whether there is a grade already, and nobody else has changed the file since."""
        entry = self._kept.get((symbol, timeframe))
        return entry is not None and entry.get("file") == self._stamp(symbol, timeframe)

    def _stamp(self, symbol: str, timeframe: str) -> list[int]:
        """Length (bytes) and time of change (ns) of a history; empty when it cannot be read."""
        try:
            found = bar_history.bars_file(self._ctx.storage.paths.bars, symbol, timeframe).stat()
        except OSError:
            return []
        return [found.st_size, found.st_mtime_ns]

    def letter(self, symbol: str, timeframe: str) -> str:
        """The grade that is kept; empty when there is none."""
        return str(self._kept.get((symbol, timeframe), {}).get("grade", ""))

    def care(self, jobs: list[Job]) -> list[Cared]:
        """Heal and grade these histories, and keep the grades.

        Raises:
            StorageError: a file cannot be read or written.
            Blocked: the terminal went away.
            Cancelled: the run was asked to stop.
        """
        jobs = sorted(jobs, key=lambda job: str(self._kept.get(job.key, {}).get("graded", "")))[:_PER_PASS]
        done: list[Cared] = []
        try:
            for job in jobs:
                self._ctx.check_cancelled()
                done.append(self._one(job))
        finally:
            if done:
                for cared in done:
                    self._kept[cared.job.key] = self._entry(cared)
                head = {"updated": iso(self._ctx.clock.now())}
                write_list(self._path, head, _LIST, (self._kept[key] for key in sorted(self._kept)))
        if done:
            self._ctx.wrote(self._path)
        return done

    def _one(self, job: Job) -> Cared:
        ctx, seconds = self._ctx, TIMEFRAMES[job.timeframe].seconds
        path = bar_history.bars_file(ctx.storage.paths.bars, job.symbol, job.timeframe)
        depth = ctx.settings.market.history_bars
        window, healed, begins = read_window(path, depth), 0, None
        if window.spoiled:
            window = self._without_spoiled(path, window, depth)
        # A history out of order is left to the task that optimizes it.
        if not window.spoiled and (np.diff(window.times) > 0).all():
            entry = self._kept.get(job.key, {})
            found, begins = self._what_is_missing(job, window, entry, depth, seconds)
            if len(found) and ctx.storage.replace_file(
                path, window.size, pieces_around(path, window, _merged(window, found, job.digits))
            ):
                ctx.wrote(path)
                healed = len(found)
                window = read_window(path, depth)
        gaps = find_gaps(np.unique(window.times), seconds, ctx.terminal.server_rule)
        graded = grade(window.rates, len(window.spoiled), gaps, seconds, stale=job.stale)
        return Cared(job, graded, healed, tuple(gap for gap in gaps if not gap.closed), begins)

    def _without_spoiled(self, path: Path, window: Window, depth: int) -> Window:
        """Move lines that hold no bar to the side file, so that their place can be filled again."""
        side = bar_history.set_aside(path, window.spoiled)
        if not self._ctx.storage.replace_file(path, window.size, pieces_around(path, window, window.lines)):
            return window  # somebody else wrote to it meanwhile: the next pass looks again
        self._ctx.warn(
            f"{count(len(window.spoiled), 'line')} of {path.name} held no bar and went to {side.name}. "
            "What the terminal still has of that time is filled in."
        )
        return read_window(path, depth)

    def _what_is_missing(
        self, job: Job, window: Window, entry: Mapping[str, Any], depth: int, seconds: int
    ) -> tuple[np.ndarray[Any, Any], datetime | None]:
        """Bars of the terminal that the history lacks; and where the terminal's begins, if that is too late."""
        begins = _moment(entry.get("begins"))
        asked = _moment(entry.get("asked"))
        rested = asked is None or self._ctx.clock.now() - asked >= _ASK_AGAIN
        gaps = [gap for gap in find_gaps(window.times, seconds, self._ctx.terminal.server_rule) if not gap.closed]
        known = {tuple(pair) for pair in entry.get("lost", ()) if isinstance(pair, list)}
        new = [gap for gap in gaps if rested or (gap.first, gap.last) not in known]
        short = window.whole and len(window.times) < depth and (rested or begins is None)
        if not len(window.times) or not (new or short):
            return window.rates[:0], begins
        try:
            if short:
                bars = self._ctx.terminal.rates(job.broker_name, job.timeframe, depth + 1)
            else:
                first, last = (datetime.fromtimestamp(at, UTC) for at in (new[0].first, new[-1].last))
                bars = self._ctx.terminal.rates_range(job.broker_name, job.timeframe, first, last)
        except (StorageError, Blocked, Cancelled):
            raise
        except MetronomeError as error:
            self._ctx.log.info("gaps of %s %s are not healed now: %s", job.symbol, job.timeframe, error)
            return window.rates[:0], begins
        rates = bar_history.sound(bar_history.newer_than(bars.closed().rates, None))
        if short:
            begins = None
            if 0 < len(rates) < depth:
                begins = datetime.fromtimestamp(int(rates["time"][0]), UTC)
        missing = ~np.isin(rates["time"], window.times)
        missing &= rates["time"] < window.times[-1]
        if not window.whole:
            missing &= rates["time"] > window.times[0]
        return rates[missing], begins

    def _entry(self, cared: Cared) -> dict[str, Any]:
        job, graded, before = cared.job, cared.grade, self._kept.get(cared.job.key, {})
        lost = [[gap.first, gap.last] for gap in cared.lost]
        now = iso(self._ctx.clock.now())
        same = lost == before.get("lost") and not cared.healed
        return {
            "symbol": job.symbol,
            "timeframe": job.timeframe,
            "grade": graded.letter,
            "reasons": list(graded.reasons),
            "bars": graded.bars,
            "missing": graded.missing,
            "repeated": graded.repeated,
            "broken": graded.broken,
            "outliers": graded.outliers,
            "stale": graded.stale,
            "graded": now,
            "lost": lost,
            "file": self._stamp(job.symbol, job.timeframe),
            "begins": iso(cared.begins),
            "asked": before.get("asked", now) if same and not self._rested(before) else now,
        }

    def _rested(self, entry: Mapping[str, Any]) -> bool:
        asked = _moment(entry.get("asked"))
        return asked is None or self._ctx.clock.now() - asked >= _ASK_AGAIN


def lost_texts(cared: list[Cared]) -> tuple[str, ...]:
    """The first gaps that cannot be healed, in words."""
    texts = []
    for item in cared:
        name = f"{item.job.symbol} {item.job.timeframe}"
        if item.begins is not None:
            texts.append(f"{name}: the terminal's history begins {item.begins:%Y-%m-%d %H:%M} UTC")
        texts += [f"{name}: {gap.missing} bars from {gap}" for gap in item.lost]
    return tuple(texts[:_LISTED])


def _merged(window: Window, found: np.ndarray[Any, Any], digits: int) -> list[bytes]:
    """The lines of the window with those of the found bars, in the order of time."""
    rows = [",".join(row).encode() for row in bar_history.rows_of(found, digits)]
    times = np.concatenate((window.times, found["time"]))
    lines = [*window.lines, *rows]
    return [lines[at] for at in np.argsort(times, kind="stable")]


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
