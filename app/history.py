"""RunHistory: every finished run in one SQLite file (WAL), queryable and bounded.

A finished run is stored before anybody is told that it finished, so that a kill at any instant loses none: a
commit hands the row to the operating system, which keeps it when the process dies. (Only a power cut may lose the
last seconds: ``synchronous=NORMAL``.) Rows are written once and never changed; a run that is still at work lives in
the journal of ``app.inflight``.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.clock import Clock, SystemClock
from app.files import damaged_copies, guarding, quarantine
from app.history_pages import RunFilter, keys_of_page
from app.history_retention import CHUNK, forget
from app.history_rows import (
    COLUMNS,
    INSERT,
    SCHEMA_VERSION,
    check_columns,
    file_id,
    from_row,
    from_us,
    make_tables,
    place,
    storable,
    to_row,
    to_us,
)
from app.runs import Run, RunState

__all__ = ["HistoryFacts", "RunFilter", "RunHistory"]

_log = logging.getLogger(__name__)

#: The write-ahead log is folded back when it is larger than this; SQLite's own automatic way stalls a commit.
_WAL_BYTES: Final = 4 * 1024 * 1024
#: Rows that could not be written (disk full) wait in memory, at most so many.
_MAX_WAITING: Final = 100_000
_RETRY_S: Final = 5.0
#: Between two prunings at least so many runs or so much time pass.
_PRUNE_EVERY: Final = 2_000
_PRUNE_S: Final = 6 * 3600.0


@dataclass(frozen=True, slots=True)
class HistoryFacts:
    """What the health check wants to know.

    Attributes:
        rows: Number of stored runs.
        bytes: Size of the database with its write-ahead log.
        waiting: Rows that wait in memory because they could not be written.
        problem: Why not; empty when all is well.
        file_id: Of the present file; empty when it could not be opened. One that is begun anew has another one.
        aside: Damaged files of before that lie beside it and when they were moved there, the newest first.
    """

    rows: int
    bytes: int
    waiting: int
    problem: str
    file_id: str = ""
    aside: tuple[tuple[str, datetime], ...] = ()


class RunHistory:
    """The stored runs.

    Args:
        clock: The time that the engine lives at; a rehearsal has one of its own.
        wall: The computer's own clock. It makes the ids and measures age: see ``app.history_retention``.

    Thread: every method may be called from any thread.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        keep_days: int = 365,
        keep_rows: int = 1_000_000,
        wall: Clock | None = None,
    ) -> None:
        self.path = path
        self._clock = clock
        self._wall = wall or SystemClock()
        # Each request asks: by way of a datetime it would take a microsecond more.
        self._wall_us = _system_us if isinstance(self._wall, SystemClock) else lambda: to_us(self._wall.now())
        self.keep_days = keep_days
        self.keep_rows = keep_rows
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._pending: deque[tuple[Run, Callable[[Run], None] | None]] = deque()
        self._wake = threading.Event()
        self._closing = False
        self._problem = ""
        self._file_id = ""
        self._since_prune = 0
        self._pruned_at = time.monotonic()
        self._retry_at = 0.0
        self._waiting: tuple[Run, ...] = ()
        self.notices: list[str] = []
        #: Called with the runs that waited in memory for a disk with space, once they are stored.
        self.on_recovered: Callable[[Sequence[Run]], None] = lambda runs: None
        self._writer: sqlite3.Connection | None = None
        self._reader: sqlite3.Connection | None = None
        self._open()
        self._last_id = self._read_last_id()
        self._id_lock = threading.Lock()
        self._thread = threading.Thread(target=self._flush_loop, name="history", daemon=True)
        self._thread.start()

    # -- identity ------------------------------------------------------------------------------------------------

    def new_run_id(self) -> str:
        """A fresh run id: 14 hexadecimal digits that rise with every run, whatever the clock does.

        It is the time of the computer's own clock in microseconds, or the last id and one when that is later.
        """
        with self._id_lock:
            self._last_id = max(self._last_id + 1, self._wall_us())
            return f"{self._last_id:014x}"

    # -- writing -------------------------------------------------------------------------------------------------

    def add(self, run: Run, stored: Callable[[Run], None] | None = None, *, at_once: bool = True) -> None:
        """Store a finished run, then call ``stored(run)``.

        Args:
            at_once: Write on this thread unless another one is writing already. Else leave it to the history's own
                thread, which writes many rows in one go; the faster way while more work waits.

        ``stored`` is called even when the disk refuses the row: the row then waits in memory and is tried again.
        """
        self._pending.append((run, stored))
        if at_once:
            self._drain()
        else:
            self._wake.set()

    def _flush_loop(self) -> None:
        while True:
            self._wake.wait(_RETRY_S if self._waiting else _PRUNE_S)
            self._wake.clear()
            self._drain(force=True)
            if self._waiting:
                with self._write_lock:
                    self._write(())
            if self._since_prune >= _PRUNE_EVERY or time.monotonic() - self._pruned_at >= _PRUNE_S:
                self.prune()
            self._checkpoint()
            if self._closing and not self._pending:
                return

    def _drain(self, *, force: bool = False) -> None:
        # Whoever holds the lock writes for everybody; a row appended after its last look is seen by the owner of
        # that row, who finds the lock free.
        while self._pending:
            if not self._write_lock.acquire(blocking=force):
                self._wake.set()
                return
            try:
                batch = [self._pending.popleft() for _ in range(min(len(self._pending), 512))]
                self._write([run for run, _ in batch])
            finally:
                self._write_lock.release()
            for run, stored in batch:
                if stored is not None:
                    stored(run)

    def _write(self, runs: Sequence[Run]) -> None:
        if self._waiting:  # the disk refused rows before: they go first
            if time.monotonic() < self._retry_at and len(self._waiting) + len(runs) < _MAX_WAITING:
                self._waiting += tuple(runs)
                return
            runs = (*self._waiting, *runs)[-_MAX_WAITING:]
        try:
            self._insert(runs)
        except sqlite3.OperationalError as error:  # disk full, read-only, locked by a foreign program
            self._keep_waiting(runs, str(error))
        except sqlite3.DatabaseError as error:
            self._replace_damaged(error)
            try:
                self._insert(runs)
            except sqlite3.Error as second:
                self._keep_waiting(runs, str(second))
            else:
                self._waiting = ()
        else:
            recovered, self._waiting, self._problem = self._waiting, (), ""
            if recovered:
                _log.warning("The run history can be written again; %d runs that waited are stored.", len(recovered))
                self.on_recovered(recovered)
            self._since_prune += len(runs)
            if self._since_prune >= _PRUNE_EVERY:
                self._wake.set()

    def _insert(self, runs: Sequence[Run]) -> None:
        try:
            self._insert_rows([to_row(run) for run in runs])
        except (UnicodeEncodeError, TypeError, ValueError, OverflowError):
            # A value that cannot be stored as it is must not cost the rows beside it, nor the run itself.
            self._insert_rows([to_row(storable(run)) for run in runs])

    def _insert_rows(self, rows: Sequence[tuple[Any, ...]]) -> None:
        if self._writer is None:
            raise sqlite3.OperationalError("the database could not be opened")
        if len(rows) == 1:
            # One statement is a transaction of its own; each further one would give the interpreter lock away,
            # and under load a busy thread keeps it for a whole switch interval.
            self._writer.execute(INSERT, rows[0])
            return
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.executemany(INSERT, rows)
            self._writer.execute("COMMIT")
        except (sqlite3.Error, UnicodeEncodeError, TypeError, ValueError, OverflowError):
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def _keep_waiting(self, runs: Sequence[Run], why: str) -> None:
        if not self._problem:
            _log.error("The run history %s cannot be written (%s); runs wait in memory.", self.path.name, why)
        self._problem = why
        self._waiting = tuple(runs)
        self._retry_at = time.monotonic() + _RETRY_S
        self._wake.set()

    def prune_soon(self) -> None:
        """Let the history's own thread apply the retention now."""
        self._since_prune = _PRUNE_EVERY
        self._wake.set()

    def prune(self) -> None:
        """Forget runs that are too old or too many, in portions, so that nobody waits long for the lock."""
        self._since_prune, self._pruned_at = 0, time.monotonic()
        removed = CHUNK
        while removed >= CHUNK and not self._closing:
            with self._write_lock:
                try:
                    removed = self._prune()
                except sqlite3.Error as error:
                    self._problem = str(error)
                    _log.error("Old runs cannot be removed from the history (%s).", error)
                    return

    def _prune(self) -> int:
        if self._writer is None:
            return 0
        return forget(self._writer, self._wall.now(), self.keep_days, self.keep_rows)

    def _checkpoint(self) -> None:
        wal = self.path.with_name(self.path.name + "-wal")
        try:
            if wal.stat().st_size < _WAL_BYTES:
                return
        except FileNotFoundError:
            return
        with self._read_lock:
            if self._reader is not None:
                # PASSIVE waits for nobody and blocks nobody; the log then starts again from its beginning.
                self._reader.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def is_waiting(self, run_id: str) -> bool:
        """Whether the run's row waits in memory because the disk refused it."""
        return any(run.run_id == run_id for run in self._waiting)

    # -- marks of the timetable ------------------------------------------------------------------------------------

    def mark(self, schedules: Mapping[str, str], accounted_at: datetime) -> None:
        """Remember that all due times up to ``accounted_at`` are dealt with.

        Args:
            schedules: Task id -> the text of the schedule (with its zone) that the mark belongs to.
        """
        rows = [(task, schedule, to_us(accounted_at)) for task, schedule in schedules.items()]
        with self._write_lock:
            if self._writer is None or not rows:
                return
            try:
                self._writer.execute("BEGIN IMMEDIATE")
                self._writer.executemany("INSERT OR REPLACE INTO marks VALUES (?, ?, ?)", rows)
                self._writer.execute("COMMIT")
            except sqlite3.Error as error:
                if self._writer.in_transaction:
                    self._writer.execute("ROLLBACK")
                self._problem = str(error)
                _log.error("The timetable's marks cannot be written (%s).", error)

    def accounted(self, task: str, schedule: str) -> datetime | None:
        """Up to when the due times of ``task`` are dealt with; None when the task or its schedule is new."""
        rows = self._read("SELECT accounted_at FROM marks WHERE task=? AND schedule=?", (task, schedule))
        if not rows:
            return None
        # What lies in the future was written while the clock was wrong: it accounts for nothing.
        now = to_us(self._clock.now())
        newest = min(rows[0][0], now)
        for state in RunState:
            due = self._read(
                "SELECT max(due_at) FROM (SELECT due_at FROM runs WHERE task=? AND state=? AND queued_at <= ?"
                " ORDER BY queued_at DESC LIMIT 20) WHERE due_at <= ?",
                (task, state, now, now),
            )
            newest = max(newest, due[0][0] or 0) if due else newest
        return from_us(newest)

    # -- reading ---------------------------------------------------------------------------------------------------

    def get(self, run_id: str) -> Run | None:
        """The run of that id, or None."""
        try:
            number = int(run_id, 16)
        except ValueError:
            return None
        if number >= 2**63:
            return None
        for run in self._waiting:
            if run.run_id == run_id:
                return run
        rows = self._read(f"SELECT {COLUMNS} FROM runs WHERE id=?", (number,))  # noqa: S608 - constants
        return from_row(rows[0]) if rows else None

    def page(self, wanted: RunFilter | None = None, limit: int = 100, before: Run | None = None) -> tuple[Run, ...]:
        """Up to ``limit`` runs, newest first; with ``before``, those that come after it in that order."""
        wanted = wanted or RunFilter()
        cursor = place(before) if before else None
        keys = keys_of_page(self._read, wanted, limit, cursor, self._tasks)
        marks = ",".join("?" * len(keys))
        rows = self._read(f"SELECT {COLUMNS} FROM runs WHERE id IN ({marks})", keys)  # noqa: S608
        by_id = {row[0]: row for row in rows}
        stored = tuple(from_row(by_id[key]) for key in keys if key in by_id)
        unstored = [run for run in self._waiting if wanted.matches(run) and (cursor is None or place(run) < cursor)]
        if not unstored:
            return stored
        return tuple(sorted((*unstored, *stored), key=place, reverse=True)[:limit])

    def count(self, wanted: RunFilter | None = None) -> int:
        """How many stored runs match."""
        wanted = wanted or RunFilter()
        where, values = ["1=1"], []
        if wanted.task:
            where.append("task=?")
            values.append(wanted.task)
        if wanted.states:
            where.append(f"state IN ({','.join('?' * len(wanted.states))})")
            values.extend(wanted.states)
        bounds: list[Any] = list(values)
        for moment, sign in ((wanted.since, ">="), (wanted.until, "<=")):
            if moment:
                where.append(f"queued_at {sign} ?")
                bounds.append(to_us(moment))
        rows = self._read(f"SELECT count(*) FROM runs WHERE {' AND '.join(where)}", bounds)  # noqa: S608 - constants
        return (int(rows[0][0]) if rows else 0) + sum(wanted.matches(run) for run in self._waiting)

    def recent(self, task: str, limit: int = 50) -> tuple[Run, ...]:
        """The newest runs of one task, newest first."""
        return self.page(RunFilter(task=task), limit)

    def last(self, task: str) -> Run | None:
        """The newest run of one task, or None."""
        found = self.recent(task, 1)
        return found[0] if found else None

    def outcomes(self, since: datetime) -> Iterator[tuple[int, str, str, int, float | None]]:
        """Of each stored run queued since then: its id as a number, task, state, when it was queued (microseconds since
        1970-01-01 UTC) and duration (s, None when it never ran), in the order of time.

        One query on a connection of its own, read piece by piece: a million rows keep no other reader waiting.

        Raises:
            StorageError: the history cannot be read.
        """
        with guarding(self.path, "read"):
            try:
                with closing(self._new_connection()) as connection:
                    yield from connection.execute(
                        "SELECT id, task, state, queued_at, duration_s FROM runs WHERE queued_at >= ?"
                        " ORDER BY queued_at",
                        (to_us(since),),
                    )
            except sqlite3.Error as error:
                raise OSError(str(error)) from error

    def _tasks(self) -> list[str]:
        # A loose index scan: one seek per task instead of a walk over all rows.
        names: list[str] = []
        rows = self._read("SELECT task FROM runs ORDER BY task LIMIT 1", ())
        while rows:
            names.append(rows[0][0])
            rows = self._read("SELECT task FROM runs WHERE task > ? ORDER BY task LIMIT 1", (names[-1],))
        return names

    def facts(self) -> HistoryFacts:
        """Size and trouble, for the health check."""
        rows = self._read("SELECT count(*) FROM runs", ())
        size = 0
        for name in (self.path, self.path.with_name(self.path.name + "-wal")):
            try:
                size += name.stat().st_size
            except FileNotFoundError:
                continue
        count = int(rows[0][0]) if rows else 0
        return HistoryFacts(
            count, size, len(self._waiting), self._problem, self._file_id, tuple(damaged_copies(self.path))
        )

    def _read(self, sql: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        for _ in range(2):
            with self._read_lock:
                if self._reader is None:
                    return []
                try:
                    return self._reader.execute(sql, values).fetchall()
                except sqlite3.OperationalError as error:
                    self._problem = str(error)
                    _log.error("The run history cannot be read (%s).", error)
                    return []
                except sqlite3.DatabaseError as error:
                    damage = error
            with self._write_lock:
                self._replace_damaged(damage)
        return []

    # -- opening and closing ---------------------------------------------------------------------------------------

    def _open(self) -> None:
        try:
            self._connect()
        except sqlite3.OperationalError as error:
            self._problem = str(error)
            _log.error("The run history %s cannot be opened (%s).", self.path.name, error)
        except sqlite3.DatabaseError as error:
            self._replace_damaged(error)

    def _connect(self) -> None:
        writer = self._new_connection()
        try:
            version = writer.execute("PRAGMA user_version").fetchone()[0]
            if version > SCHEMA_VERSION:
                raise sqlite3.OperationalError(f"it was written by a newer Metronome (schema {version})")
            make_tables(writer)
            writer.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
            check_columns(writer)
            self._file_id = file_id(writer)
        except sqlite3.Error:
            writer.close()
            raise
        self._writer, self._reader = writer, self._new_connection()

    def _new_connection(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, timeout=2.0, check_same_thread=False, isolation_level=None)
        try:
            for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "wal_autocheckpoint=0", "cache_size=-1024"):
                connection.execute(f"PRAGMA {pragma}").fetchall()
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _replace_damaged(self, error: sqlite3.Error) -> None:
        """Move the damaged file aside and begin a new one. Called with the write lock held, or before threads run."""
        with self._read_lock:
            for connection in (self._writer, self._reader):
                if connection is not None:
                    connection.close()
            self._writer = self._reader = None
            self._file_id = ""
            aside = quarantine(self.path, self._clock)
            for suffix in ("-wal", "-shm"):
                self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)
            notice = (
                f"The run history {self.path.name} is damaged ({error}). It was moved to {aside.name}; a new, empty "
                "history was begun. Settings, bars and ideas are not affected."
            )
            self.notices.append(notice)
            _log.warning("%s", notice)
            try:
                self._connect()
            except sqlite3.Error as second:
                self._problem = str(second)

    def _read_last_id(self) -> int:
        rows = self._read("SELECT max(id) FROM runs", ())
        return int(rows[0][0] or 0) if rows else 0

    def limit_pages(self, pages: int) -> None:
        """Let the file grow to so many pages at most; beyond, SQLite answers as it does when the disk is full."""
        with self._write_lock:
            if self._writer is not None:
                self._writer.execute(f"PRAGMA max_page_count={int(pages)}")

    def retry_now(self) -> None:
        """Try to store what waits now, not only after the pause."""
        with self._write_lock:
            self._retry_at = 0.0
            if self._waiting:
                self._write(())

    def check_integrity(self) -> str:
        """Let SQLite check the whole file; empty when it is intact. Takes seconds per gigabyte."""
        with closing(self._new_connection()) as connection:
            try:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            except sqlite3.DatabaseError as error:
                return str(error)
        return "" if found == "ok" else str(found)

    def close(self) -> None:
        """Write what waits and close. Idempotent."""
        if self._closing:
            return
        self._closing = True
        self._wake.set()
        self._thread.join()
        with self._write_lock, self._read_lock:
            if self._waiting and self._writer is not None:
                try:
                    self._insert(self._waiting)
                except sqlite3.Error as error:
                    _log.error("%d finished runs could not be stored (%s).", len(self._waiting), error)
            if self._since_prune and self._writer is not None:
                # One portion, for those who never have a window open. A process that only read forgets nothing.
                try:
                    self._prune()
                except sqlite3.Error as error:
                    _log.error("Old runs cannot be removed from the history (%s).", error)
            for connection in (self._reader, self._writer):
                if connection is not None:
                    connection.close()
            self._reader = self._writer = None


def _system_us() -> int:
    return time.time_ns() // 1000
