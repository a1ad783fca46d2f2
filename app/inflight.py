"""The journal of runs that are queued or running: what a kill leaves behind for the next start to tell.

A memory-mapped file of fixed slots. A run takes a slot when it is queued and gives it back when its row is in the
history. Writing to the map costs a microsecond, and the operating system keeps what was written when the process
is killed. A slot is: one byte of state, two bytes of length (little endian), the record as UTF-8 JSON.
"""

from __future__ import annotations

import json
import mmap
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from app.runs import Trigger

_SLOTS: Final = 512
_SLOT_BYTES: Final = 512
_FREE: Final = 0
_QUEUED: Final = 1
_RUNNING: Final = 2


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A run that was queued or running when the last process ended.

    Attributes:
        started: Whether it had begun.
    """

    run_id: str
    task: str
    trigger: Trigger
    queued_at: datetime
    due_at: datetime | None
    attempt: int
    params: dict[str, Any]
    started: bool


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
        self._map[start + 1 : start + 3 + len(data)] = len(data).to_bytes(2, "little") + data
        self._map[start] = _QUEUED  # last: a record that is half written does not count
        return slot

    def started(self, slot: int) -> None:
        """The run in ``slot`` begins."""
        self._map[slot * _SLOT_BYTES] = _RUNNING

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
    if len(head) + 4 * len(params) > _SLOT_BYTES - 8 and len((head + params).encode()) > _SLOT_BYTES - 8:
        params = "{}"
    return f"{head}{params}]"


def _read(path: Path) -> tuple[Unfinished, ...]:
    try:
        data = path.read_bytes()
    except OSError:
        return ()
    found = []
    for start in range(0, len(data) - _SLOT_BYTES + 1, _SLOT_BYTES):
        state = data[start]
        if state not in (_QUEUED, _RUNNING):
            continue
        length = int.from_bytes(data[start + 1 : start + 3], "little")
        try:
            run_id, task, trigger, queued, due, attempt, params = json.loads(data[start + 3 : start + 3 + length])
            found.append(
                Unfinished(
                    run_id=str(run_id),
                    task=str(task),
                    trigger=Trigger(trigger),
                    queued_at=datetime.fromtimestamp(queued, UTC),
                    due_at=None if due is None else datetime.fromtimestamp(due, UTC),
                    attempt=int(attempt),
                    params=dict(params),
                    started=state == _RUNNING,
                )
            )
        except (ValueError, TypeError, OverflowError, OSError):
            continue  # a slot torn by a power cut: what it said is unknowable
    return tuple(sorted({run.run_id: run for run in found}.values(), key=lambda run: run.run_id))
