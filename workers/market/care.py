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
from app.terminal.timeframes import Times
from app.terminal.values import RATES_DTYPE, TIMEFRAMES
from workers.market import bar_history
from workers.market.bar_window import Window, first_after, pieces_around, read_window
from workers.market.gaps import Gap, find_gaps, kept_gaps
from workers.market.grade import Grade, grade
from workers.market.hours import hours_of
from workers.market.missed import bars_between
from workers.market.tidy import disputed, needs_tidying, tidied

FILE_NAME: Final = "data_grades.json"
_LIST: Final = "grades"
#: With more symbols than this, the others are looked at in later passes, those of the longest wait first.
_PER_PASS: Final = 100
#: What the terminal has not got is asked for again after this time: its history loads in the background.
_ASK_AGAIN: Final = timedelta(hours=20)
_LISTED: Final = 20
#: No look goes deeper than so many bars (some 80 MB of lines).
_DEEPEST: Final = 300_000
#: So often is a history looked at while bars are filled in.
_LOOKS: Final = 3
#: Gaps within so many bars are asked for together.
_NEAR: Final = 20_000
#: So many doubtful pauses are remembered as closed, the newest of them: some years of holidays.
_CLOSED_KEPT: Final = 200


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
        lost: Gaps that the terminal cannot fill either; also those known from before that no look reaches any more.
        begins: Where the terminal's own history begins, when it is shorter than the settings ask for.
        until: Open time of the newest bar looked at, UTC epoch seconds; 0 when there is none.
        closed: Doubtful pauses that the terminal was asked about and has no bars of.
    """

    job: Job
    grade: Grade
    healed: int
    lost: tuple[Gap, ...]
    begins: datetime | None
    until: int
    closed: tuple[Gap, ...] = ()


class Caretaker:
    """Looks after the histories of one pass. Thread: one run, one thread."""

    def __init__(self, ctx: TaskContext) -> None:
        self._ctx = ctx
        self._path = ctx.storage.paths.cache / FILE_NAME
        self._kept: dict[tuple[str, str], dict[str, Any]] = {}
        found = read_list(self._path, _LIST)
        if found is None and self._path.exists():
            ctx.storage.put_aside(self._path, "it is no list of grades")
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
        depth, entry = ctx.settings.market.history_bars, self._kept.get(job.key, {})
        lines = self._lines_to_read(entry, depth, seconds)
        window, healed, begins = _read_orderable(path, lines), 0, None
        closed = kept_gaps(entry, "closed")
        if needs_tidying(window) and window.reaches_back:
            window = self._tidied(path, window, job)
        if not window.spoiled and window.in_order:
            window, healed, begins, asked = self._healed(path, window, job, entry)
            closed = [*closed, *asked]
        gaps = self._gaps(job, np.unique(window.times))
        known = {gap.span for gap in closed}
        closed += [gap for gap in gaps if gap.doubtful and gap.span not in known and _within(gap, closed)]
        skipped = self._skipped(path, window, entry, job)
        lost = (*_lost_before(window, entry), *skipped, *(gap for gap in gaps if not gap.closed))
        recent = window.rates[-depth:]
        begin = int(recent["time"].min()) if len(recent) else 0
        graded = grade(
            recent,
            len(window.spoiled),
            [gap for gap in lost if gap.last > begin],
            seconds,
            stale=job.stale,
            earlier=[gap for gap in lost if gap.last <= begin],
            held=window.held,
        )
        until = int(window.times.max()) if len(window.times) else 0
        return Cared(job, graded, healed, lost, begins, until, _still(closed, gaps, window))

    def _healed(
        self, path: Path, window: Window, job: Job, entry: Mapping[str, Any]
    ) -> tuple[Window, int, datetime | None, list[Gap]]:
        """Fill in what the terminal has: the window then, how many bars it was, and the rest of ``_what_is_missing``.

        With the bars that are filled in it is known better when the symbol trades, so that there is another look: what
        is still missing then has been asked for.
        """
        healed, begins, asked = 0, _moment(entry.get("begins")), []
        for _ in range(_LOOKS):
            found, begins, answered = self._what_is_missing(job, window, {**entry, "begins": iso(begins)})
            asked += answered
            if not len(found) or not self._ctx.storage.replace_file(
                path, window.size, pieces_around(path, window, _merged(window, found, job.digits))
            ):
                break
            self._ctx.wrote(path)
            healed += len(found)
            window = read_window(path, len(window.times) + len(found))
        return window, healed, begins, asked

    def _lines_to_read(self, entry: Mapping[str, Any], depth: int, seconds: int) -> int:
        """How deep to look: the bars in view, all that came since the last look, once a day back to what is lost."""
        oldest = entry.get("until")
        if self._rested(entry):
            oldest = min((gap.first for gap in kept_gaps(entry, "lost")), default=oldest)
        if not isinstance(oldest, int):
            return depth
        return max(depth, min(int(self._ctx.clock.now().timestamp() - oldest) // seconds + 2, _DEEPEST))

    def _skipped(self, path: Path, window: Window, entry: Mapping[str, Any], job: Job) -> list[Gap]:
        """The gap right after the last look, when more bars came since than a look reaches back."""
        until = entry.get("until")
        if not isinstance(until, int) or window.before is None or not (window.first or 0) < until < window.before:
            return []
        after = first_after(path, until)
        if after is None or after > window.before:
            return []
        times = np.concatenate((np.array([until, after], dtype=np.int64), np.unique(window.times)))
        gaps = self._gaps(job, times)
        return [gap for gap in gaps if not gap.closed and gap.last < after]

    def _gaps(self, job: Job, times: Times) -> list[Gap]:
        seconds = TIMEFRAMES[job.timeframe].seconds
        return find_gaps(times, seconds, self._ctx.terminal.server_rule, hours_of(job.symbol))

    def _tidied(self, path: Path, window: Window, job: Job) -> Window:
        """Put the window in order; what is taken out goes to the side file, and its place can be filled again."""
        times = disputed(window)
        confirmed = window.rates[:0]
        if len(times):
            found = self._ask(job, int(times[0]), int(times[-1]))
            confirmed = found[np.isin(found["time"], times)] if found is not None else confirmed
        tidy = tidied(window, confirmed, job.digits)
        side = bar_history.set_aside(path, tidy.dropped) if tidy.dropped else None
        if not self._ctx.storage.replace_file(path, window.size, pieces_around(path, window, tidy.lines)):
            return window  # somebody else wrote to it meanwhile: the next pass looks again
        self._ctx.wrote(path)
        aside = (
            f" What was taken out went to {side.name}; what the terminal still has of it is filled in." if side else ""
        )
        self._ctx.warn(f"{path.name} was put in order: {tidy}.{aside}")
        return read_window(path, len(window.lines) + len(window.spoiled))

    def _ask(self, job: Job, first: int, last: int) -> np.ndarray[Any, Any] | None:
        """Sound closed bars of the terminal between two open times, as many as it has; None when it fails."""
        since, until = (datetime.fromtimestamp(at, UTC) for at in (first, last))
        try:
            pieces = bars_between(self._ctx, job.broker_name, job.timeframe, since, until)
        except (StorageError, Blocked, Cancelled):
            raise
        except MetronomeError as error:
            self._ctx.log.info("gaps of %s %s are not healed now: %s", job.symbol, job.timeframe, error)
            return None
        rates = [bars.closed().rates for bars in pieces]
        whole = np.concatenate(rates) if rates else np.zeros(0, RATES_DTYPE)
        return bar_history.sound(bar_history.newer_than(whole, None))

    def _what_is_missing(
        self, job: Job, window: Window, entry: Mapping[str, Any]
    ) -> tuple[np.ndarray[Any, Any], datetime | None, list[Gap]]:
        """Bars of the terminal that the history lacks; where the terminal's begins, if that is too late; and the
        doubtful pauses that it answered about.
        """
        depth, seconds = self._ctx.settings.market.history_bars, TIMEFRAMES[job.timeframe].seconds
        begins = _moment(entry.get("begins"))
        rested = self._rested(entry)
        gaps = self._gaps(job, window.times)
        known = {gap.span for gap in kept_gaps(entry, "lost")}
        answered = {gap.span for gap in kept_gaps(entry, "closed")}
        doubtful = [gap for gap in gaps if gap.doubtful and gap.span not in answered]
        new = [gap for gap in gaps if not gap.closed and (rested or gap.span not in known)]
        wanted = sorted((*new, *doubtful), key=lambda gap: gap.first)
        short = window.whole and len(window.times) < depth and (rested or begins is None)
        if not len(window.times) or not (wanted or short):
            return window.rates[:0], begins, []
        if short:
            rates = self._newest(job, depth)
            if rates is None:
                return window.rates[:0], begins, []
            begins = datetime.fromtimestamp(int(rates["time"][0]), UTC) if 0 < len(rates) < depth else None
            oldest = int(rates["time"][0]) if len(rates) else None
            asked = [gap for gap in wanted if oldest is not None and gap.first >= oldest]
            if len(asked) < len(wanted):
                # What begins before the newest bars was not in this question.
                earlier, told = self._inside(job, [gap for gap in wanted if gap not in asked], seconds)
                rates, asked = bar_history.newer_than(np.concatenate((earlier, rates)), None), [*told, *asked]
        else:
            rates, asked = self._inside(job, wanted, seconds)
        missing = ~np.isin(rates["time"], window.times)
        missing &= rates["time"] < window.times[-1]
        if not window.whole:
            missing &= rates["time"] > window.times[0]
        return rates[missing], begins, [gap for gap in asked if gap.doubtful]

    def _newest(self, job: Job, depth: int) -> np.ndarray[Any, Any] | None:
        """The newest closed bars of the terminal; None when it fails."""
        try:
            bars = self._ctx.terminal.rates(job.broker_name, job.timeframe, depth + 1)
        except (StorageError, Blocked, Cancelled):
            raise
        except MetronomeError as error:
            self._ctx.log.info("gaps of %s %s are not healed now: %s", job.symbol, job.timeframe, error)
            return None
        return bar_history.sound(bar_history.newer_than(bars.closed().rates, None))

    def _inside(self, job: Job, gaps: list[Gap], seconds: int) -> tuple[np.ndarray[Any, Any], list[Gap]]:
        """The terminal's bars of these gaps, and those that it answered about: one question when they are near."""
        if gaps[-1].last - gaps[0].first <= _NEAR * seconds:
            rates = self._ask(job, gaps[0].first, gaps[-1].last)
            return (rates, gaps) if rates is not None else (np.zeros(0, RATES_DTYPE), [])
        found, asked = [np.zeros(0, RATES_DTYPE)], []
        for gap in sorted(gaps, key=lambda gap: gap.missing)[-_LISTED:]:
            rates = self._ask(job, gap.first, gap.last)
            if rates is not None:
                found.append(rates)
                asked.append(gap)
        return bar_history.newer_than(np.concatenate(found), None), asked

    def _entry(self, cared: Cared) -> dict[str, Any]:
        job, graded, before = cared.job, cared.grade, self._kept.get(cared.job.key, {})
        lost = [[gap.first, gap.last, gap.missing] for gap in cared.lost]
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
            "closed": [[gap.first, gap.last, gap.missing] for gap in cared.closed],
            "until": cared.until,
            "file": self._stamp(job.symbol, job.timeframe),
            "begins": iso(cared.begins),
            "asked": before.get("asked", now) if same and not self._rested(before) else now,
        }

    def _rested(self, entry: Mapping[str, Any]) -> bool:
        asked = _moment(entry.get("asked"))
        return asked is None or self._ctx.clock.now() - asked >= _ASK_AGAIN


def _read_orderable(path: Path, lines: int) -> Window:
    """The end of a history, as deep as bars that stand there out of order belong."""
    window = read_window(path, lines)
    while not window.reaches_back and lines < _DEEPEST:
        lines = min(lines * 4, _DEEPEST)
        window = read_window(path, lines)
    return window


def _within(gap: Gap, asked: list[Gap]) -> bool:
    """Whether a pause is what is left of one that the terminal was asked about."""
    return any(other.first <= gap.first and gap.last <= other.last for other in asked)


def _still(closed: list[Gap], gaps: list[Gap], window: Window) -> tuple[Gap, ...]:
    """Of the pauses that are known to be closed: those that are there, and those before the bars looked at."""
    there = {gap.span for gap in gaps if gap.doubtful}
    begin = int(window.times.min()) if len(window.times) else 0
    return tuple({gap.span: gap for gap in closed if gap.span in there or gap.last < begin}.values())[-_CLOSED_KEPT:]


def _lost_before(window: Window, entry: Mapping[str, Any]) -> list[Gap]:
    """Known gaps inside the history that are out of reach of the window."""
    if window.whole or window.first is None or not len(window.times):
        return []
    begin = int(window.times.min())
    return [gap for gap in kept_gaps(entry, "lost") if window.first < gap.first and gap.last < begin]


def lost_texts(cared: list[Cared]) -> tuple[str, ...]:
    """The first gaps that cannot be healed, in words."""
    texts = []
    for item in cared:
        name = f"{item.job.symbol} {item.job.timeframe}"
        if item.begins is not None:
            texts.append(f"{name}: the terminal's history begins {item.begins:%Y-%m-%d %H:%M} UTC")
        texts += [f"{name}: {gap.counted} {'at' if gap.first == gap.last else 'from'} {gap}" for gap in item.lost]
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
