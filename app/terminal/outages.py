"""The log of times without a terminal: kept in a file of the home, so that it outlives a restart."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from app.errors import MetronomeError
from app.storage import Storage
from app.terminal.values import SessionState, SessionStatus

log = logging.getLogger(__name__)

#: So many are remembered; the file holds at most twice as many before it is written anew.
KEPT: Final = 200
CUT_SHORT: Final = "Metronome ended before it was over."
#: States that say nothing new: an outage goes on through them, and none begins.
_SILENT: Final = frozenset({SessionState.CONNECTING})


@dataclass(frozen=True, slots=True)
class Outage:
    """A time in which nothing could be asked of the terminal.

    Attributes:
        state: ``disconnected``, ``not_answering`` or ``wrong_account``.
        began: When it began, aware UTC.
        ended: When it ended, aware UTC; None while it goes on, or when Metronome ended first (see ``reason``).
        reason: Why, as a sentence.
    """

    state: SessionState
    began: datetime
    ended: datetime | None
    reason: str

    @property
    def open(self) -> bool:
        """Whether it goes on."""
        return self.ended is None and not self.reason.endswith(CUT_SHORT)

    def as_json(self) -> dict[str, Any]:
        """Plain values for the file."""
        ended = self.ended.isoformat() if self.ended else None
        return {"state": self.state.value, "began": self.began.isoformat(), "ended": ended, "reason": self.reason}

    @classmethod
    def from_json(cls, item: Mapping[str, Any]) -> Outage:
        """The outage in an entry of the file.

        Raises:
            ValueError, KeyError, TypeError: It is none.
        """
        began, ended = datetime.fromisoformat(item["began"]), item.get("ended")
        ended = datetime.fromisoformat(ended) if ended else None
        if began.tzinfo is None or (ended is not None and ended.tzinfo is None):
            msg = "a time without a zone"
            raise ValueError(msg)
        return cls(SessionState(item["state"]), began, ended, str(item["reason"]))


class OutageLog:
    """Outages, oldest first. One is written when it begins and again when it ends: the later entry counts.

    Args:
        storage, path: Where to keep them; without, they are only remembered.

    Thread: any.
    """

    def __init__(self, storage: Storage | None = None, path: Path | None = None) -> None:
        self._storage = storage
        self._path = path
        self._lock = threading.Lock()
        self._kept: deque[Outage] | None = None
        self._open: Outage | None = None
        self._entries = 0

    def all(self) -> tuple[Outage, ...]:
        """The last outages, oldest first; the last one may still go on."""
        with self._lock:
            return (*self._past(), *((self._open,) if self._open else ()))

    def follow(self, status: SessionStatus, now: datetime) -> None:
        """Take a new status of the session into account."""
        with self._lock:
            current = self._open
            if status.state in _SILENT or (current is not None and current.state is status.state):
                return
            self._end(now)
            if not status.connected:
                self._open = Outage(status.state, status.since, None, status.reason)
                self._write(self._open)

    def close(self, now: datetime) -> None:
        """The session ends; nobody looks any more."""
        with self._lock:
            self._end(now)

    def _end(self, now: datetime) -> None:
        if self._open is not None:
            ended = replace(self._open, ended=max(now, self._open.began))
            self._past().append(ended)
            self._write(ended)
            self._open = None

    def _past(self) -> deque[Outage]:
        if self._kept is None:
            self._kept = deque(self._read(), maxlen=KEPT)
        return self._kept

    def _read(self) -> list[Outage]:
        if self._storage is None or self._path is None:
            return []
        try:
            document = self._storage.read_json(self._path) or {}
        except MetronomeError as error:
            log.warning("the log of outages cannot be read: %s", error)
            return []
        entries = document.get("entries")
        found: dict[tuple[datetime, SessionState], Outage] = {}
        for item in entries if isinstance(entries, list) else []:
            self._entries += 1
            try:
                outage = Outage.from_json(item)
            except (ValueError, KeyError, TypeError, AttributeError):
                continue  # an entry that somebody edited; the others are good
            found[(outage.began, outage.state)] = outage
        return [
            outage if outage.ended else replace(outage, reason=f"{outage.reason} {CUT_SHORT}".strip())
            for outage in found.values()
        ]

    def _write(self, outage: Outage) -> None:
        if self._storage is None or self._path is None:
            return
        past = self._past()
        try:
            if self._entries >= 2 * KEPT:
                rest = (*past, outage) if outage.ended is None else tuple(past)
                self._storage.write_json(self._path, {"entries": [item.as_json() for item in rest]})
                self._entries = len(rest)
            else:
                self._storage.append_json_item(self._path, outage.as_json())
                self._entries += 1
        except MetronomeError as error:
            log.warning("the log of outages cannot be written: %s", error)
