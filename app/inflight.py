"""The journal of runs whose row is not in the history yet: what a kill leaves behind for the next start to tell.

A memory-mapped file of fixed slots. A run takes a slot when it is queued and gives it back when its row is in the
history. Writing to the map costs a microsecond, and the operating system keeps what was written when the process
is killed. A slot is: one byte of state; when the run began, as seconds since the epoch (a double); the record and,
when it ended without a row (a full disk), its outcome, each as two bytes of length and UTF-8 JSON; all little endian.
"""

from __future__ import annotations

import json
import mmap
import struct
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.runs import Run, RunState, Trigger

_SLOTS: Final = 512
_SLOT_BYTES: Final = 512
_FREE: Final = 0
_QUEUED: Final = 1
_RUNNING: Final = 2
_ENDED: Final = 3
_RECORD_AT: Final = 9
#: What a record leaves for an outcome.
_OUTCOME_BYTES: Final = 160


@dataclass(frozen=True, slots=True)
class Ended:
    """How a run ended whose row could not be stored; long words are cut."""

    state: RunState
    finished_at: datetime
    duration_s: float | None
    reason: str
    summary: str


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run without a row when the last process ended.

    Attributes:
        started_at: When it began; None while it waited.
        ended: Its outcome, when it had one.
    """

    run_id: str
    task: str
    trigger: Trigger
    queued_at: datetime
    due_at: datetime | None
    attempt: int
    params: dict[str, Any]
    started_at: datetime | None
    ended: Ended | None = None


class Inflight:
    """The journal file of one engine.

    Thread: ``take`` and ``give_back`` may be called from any thread (list operations are atomic);
    a slot belongs to one run.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # What was left behind is kept until it is in the history, over several kills: see forget_left_behind().
        self._kept = path.with_name(path.name + ".last")
        self.left_behind = _read(self._kept)
        #: Why there is no journal in a file; empty when all is well.
        self.problem = ""
        self._map: mmap.mmap | bytearray = bytearray()
        try:
            if _read(path):
                with path.open("rb") as last, self._kept.open("ab") as kept:
                    kept.write(last.read())
                self.left_behind = _read(self._kept)
            # Real zeros, not a hole: writing to the map must never need space that a full disk has not.
            path.write_bytes(bytes(_SLOTS * _SLOT_BYTES))
            with path.open("r+b") as file:
                self._map = mmap.mmap(file.fileno(), _SLOTS * _SLOT_BYTES)
        except OSError as error:
            self._map = bytearray(_SLOTS * _SLOT_BYTES)
            self.problem = (
                f"The journal {path.name} of unfinished runs cannot be written ({error.strerror or error}): "
                "after a kill nobody could tell which runs were at work. Free some space or make the folder writable."
            )
        self._free = list(range(_SLOTS - 1, -1, -1))

    def forget_left_behind(self) -> None:
        """The history has them now."""
        with suppress(OSError):  # told again at the next start, where the history knows them already
            self._kept.unlink(missing_ok=True)

    def take(self, record: str) -> int:
        """Write ``record`` (JSON text made by ``record_of``) as queued; returns its slot, -1 when all are taken."""
        try:
            slot = self._free.pop()
        except IndexError:
            return -1
        data = record.encode()
        start = slot * _SLOT_BYTES
        self._write(start + _RECORD_AT, data)
        self._map[start] = _QUEUED  # last: a record that is half written does not count
        return slot

    def started(self, slot: int, at: float) -> None:
        """The run in ``slot`` begins at ``at`` (seconds since the epoch)."""
        start = slot * _SLOT_BYTES
        struct.pack_into("<d", self._map, start + 1, at)
        self._map[start] = _RUNNING

    def ended(self, slot: int, run: Run) -> None:
        """The run in ``slot`` has ended, and its row cannot be stored for the time being."""
        start = slot * _SLOT_BYTES
        at = start + _RECORD_AT
        at += 2 + int.from_bytes(self._map[at : at + 2], "little")
        self._write(at, _outcome(run, start + _SLOT_BYTES - at - 2))
        self._map[start] = _ENDED

    def _write(self, at: int, data: bytes) -> None:
        self._map[at : at + 2 + len(data)] = len(data).to_bytes(2, "little") + data

    def give_back(self, slot: int) -> None:
        """The run in ``slot`` is in the history."""
        self._map[slot * _SLOT_BYTES] = _FREE
        self._free.append(slot)

    def close(self) -> None:
        """Unmap; remove the file when nothing is in flight."""
        if isinstance(self._map, bytearray):
            return
        self._map.close()
        if len(self._free) == _SLOTS:
            with suppress(OSError):  # an empty journal that stays tells nothing
                self._path.unlink(missing_ok=True)


def record_of(
    run_id: str, task: str, trigger: str, queued_at: float, due_at: float | None, attempt: int, params: str
) -> str:
    """The journal's text of a run; ``params`` is JSON and left out when it does not fit."""
    due = "null" if due_at is None else f"{due_at:.6f}"
    head = f'["{run_id}","{task}","{trigger}",{queued_at:.6f},{due},{attempt},'
    room = _SLOT_BYTES - _RECORD_AT - _OUTCOME_BYTES
    if len(head) + 4 * len(params) > room and len((head + params).encode()) > room:
        params = "{}"
    return f"{head}{params}]"


def _outcome(run: Run, room: int) -> bytes:
    """The journal's text of how a run ended, in at most ``room`` bytes."""
    finished = run.finished_at.timestamp() if run.finished_at else 0.0
    reason, summary = run.reason, run.summary
    while True:
        data = json.dumps([run.state.value, finished, run.duration_s, reason, summary]).encode()
        if len(data) <= room or not (reason or summary):
            return data
        longest = max(len(reason), len(summary)) - max(1, (len(data) - room) // 6)
        reason, summary = reason[: max(longest, 0)], summary[: max(longest, 0)]


def _text(data: bytes, at: int) -> tuple[bytes, int]:
    """The text at ``at`` and where it ends."""
    end = at + 2 + int.from_bytes(data[at : at + 2], "little")
    return data[at + 2 : end], end


def _ended(data: bytes) -> Ended:
    state, finished, duration, reason, summary = json.loads(data)
    return Ended(RunState(state), datetime.fromtimestamp(finished, UTC), duration, str(reason), str(summary))


def _read(path: Path) -> tuple[Unfinished, ...]:
    try:
        data = path.read_bytes()
    except OSError:
        return ()
    found = []
    for start in range(0, len(data) - _SLOT_BYTES + 1, _SLOT_BYTES):
        state = data[start]
        if state not in (_QUEUED, _RUNNING, _ENDED):
            continue
        try:
            record, after = _text(data, start + _RECORD_AT)
            run_id, task, trigger, queued, due, attempt, params = json.loads(record)
            began = struct.unpack_from("<d", data, start + 1)[0]
            found.append(
                Unfinished(
                    run_id=str(run_id),
                    task=str(task),
                    trigger=Trigger(trigger),
                    queued_at=datetime.fromtimestamp(queued, UTC),
                    due_at=None if due is None else datetime.fromtimestamp(due, UTC),
                    attempt=int(attempt),
                    params=dict(params),
                    started_at=datetime.fromtimestamp(began, UTC) if state != _QUEUED and began else None,
                    ended=_ended(_text(data, after)[0]) if state == _ENDED else None,
                )
            )
        except (ValueError, TypeError, OverflowError, OSError, struct.error):
            continue  # a slot torn by a power cut: what it said is unknowable
    return tuple(sorted({run.run_id: run for run in found}.values(), key=lambda run: run.run_id))
