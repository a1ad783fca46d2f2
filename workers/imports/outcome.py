"""What came of one file: the answer of ``python main.py import``."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from app.runs import iso
from workers.imports.refusals import Refusals


@dataclass(frozen=True, slots=True)
class Options:
    """What the user said about the files; empty where they said nothing.

    Attributes:
        point: Prices are in points of this size; 0 when they were not said to be.
        replace: A history of another market gives way (it is moved aside, not lost).
    """

    time_zone: str = ""
    symbol: str = ""
    timeframe: str = ""
    point: float = 0.0
    replace: bool = False


@dataclass(slots=True)
class Outcome:
    """What a file was taken for and what became of its rows.

    Attributes:
        rows: Rows read and accepted.
        first, last: Of their times: UTC, or as written when ``time_zone`` says that they are the broker's.
        time_zone: The clock of the file and how it is known; empty when there are no times.
        added: Of the rows, those that are new in ``stored``.
        stored: Where the rows are now, relative to the home; empty when nothing was stored.
        missing: What a file that breaks off lacks, in sentences; then it was taken in part.
        notes: Everything that was assumed, and from what.
        doubts: Of the notes, those that a reader has to know before relying on the file.
        error, advice: Why nothing was stored, and what to do; empty when it was.
    """

    file: str
    kind: str = ""
    symbol: str = ""
    timeframe: str = ""
    rows: int = 0
    refusals: Refusals = field(default_factory=Refusals)
    first: str = ""
    last: str = ""
    time_zone: str = ""
    added: int = 0
    stored: str = ""
    missing: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    error: str = ""
    advice: str = ""
    tables: dict[str, int] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The answer for one file."""
        return {
            "file": self.file,
            "kind": self.kind or "unknown",
            "symbol": self.symbol or None,
            "timeframe": self.timeframe or None,
            "rows": self.rows,
            "refused": self.refusals.count,
            "first": self.first or None,
            "last": self.last or None,
            "time_zone": self.time_zone or None,
            "notes": [*self.missing, *self.refusals.summary(), *self.notes],
            "missing": list(self.missing),
            "refusals": [{"line": line, "reason": reason} for line, reason in self.refusals.named],
            "added": self.added,
            "stored": self.stored or None,
            "tables": self.tables,
            "error": self.error or None,
            "advice": self.advice or None,
        }

    def spans(self, first: int, last: int) -> None:
        """Take first and last time: UTC seconds."""
        self.first = iso(datetime.fromtimestamp(first, UTC)) or ""
        self.last = iso(datetime.fromtimestamp(last, UTC)) or ""
