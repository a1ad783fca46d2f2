"""What was learned of the clocks of trade servers, kept in ``data/config/server_time.json``::

    {"schema": 1, "servers": {"Broker-Live": {"rule": "GMT+2/+3 New York", "confidence": 0.95,
     "evidence": "...", "learned": "2025-06-03T12:00:00.000Z", "checked": "2025-06-03T12:00:00.000Z"}}}

A server that was met before has its rule from the first quote on; another one starts with the usual assumption.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from app.errors import MetronomeError
from app.runs import iso
from app.storage import Storage
from app.terminal.server_time import AUTO, ServerTimeRule

log = logging.getLogger(__name__)

FILE_NAME: Final = "server_time.json"
#: Confidence in a rule for which nothing speaks yet.
ASSUMED: Final = 0.1

#: From here on bars are stored by a rule; below, several rules explain what was seen.
SURE: Final = 0.5


@dataclass(frozen=True, slots=True)
class Learned:
    """The clock of one server.

    Attributes:
        rule: Its name, see ``ServerTimeRule``.
        confidence: 0 to 1.
        evidence: Why, in a sentence.
        learned: When this rule was first found, aware UTC.
        checked: When the bars were last asked.
    """

    rule: str
    confidence: float
    evidence: str
    learned: datetime
    checked: datetime

    @property
    def assumed(self) -> bool:
        """Whether nothing speaks for the rule but that it is the usual one."""
        return self.confidence <= ASSUMED

    @property
    def sure(self) -> bool:
        """Whether it is good enough to store bars by: several weekends in the bars speak for it, or live quotes do."""
        return self.confidence >= SURE

    def as_document(self) -> dict[str, Any]:
        """As it is stored."""
        return {
            "rule": self.rule,
            "confidence": self.confidence,
            "evidence": self.evidence,
            "learned": iso(self.learned),
            "checked": iso(self.checked),
        }

    @classmethod
    def of(cls, entry: object) -> Learned | None:
        """From the file; None when somebody made it something else."""
        if not isinstance(entry, dict):
            return None
        try:
            rule, evidence = str(entry["rule"]), str(entry["evidence"])
            ServerTimeRule(rule)
            learned, checked = (datetime.fromisoformat(entry[name]) for name in ("learned", "checked"))
            confidence = float(entry["confidence"])
        except (KeyError, TypeError, ValueError, MetronomeError):
            return None
        if learned.tzinfo is None or checked.tzinfo is None:
            return None
        return cls(rule, min(max(confidence, 0.0), 1.0), evidence, learned, checked)


class ServerMemory:
    """The file. Thread: any."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._path = storage.paths.config / FILE_NAME

    def of(self, server: str) -> Learned | None:
        """What is known of a server's clock; None when nothing is.

        Raises:
            StorageError: the file is there but cannot be read.
            UserAction: it was written by a newer Metronome.
        """
        return Learned.of(self._servers().get(server))

    def keep(self, server: str, learned: Learned) -> None:
        """Remember it.

        Raises:
            StorageError: the file cannot be written.
        """
        self._storage.write_json(self._path, {"servers": {**self._servers(), server: learned.as_document()}})

    def _servers(self) -> dict[str, Any]:
        document = self._storage.read_json(self._path)
        servers = document.get("servers") if document else None
        return dict(servers) if isinstance(servers, dict) else {}


def recalling(memory: ServerMemory) -> Callable[[str], str]:
    """Gives the known rule of a server, or ``auto`` when too little speaks for it; for ``Session.known_rule``."""

    def known_rule(server: str) -> str:
        try:
            known = memory.of(server)
        except MetronomeError as error:
            log.warning("The clock of %s is not recalled: %s", server, error)
            known = None
        return known.rule if known and known.sure else AUTO

    return known_rule
