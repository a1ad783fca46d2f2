"""What every reader makes of a document: rows of named cells, whatever the format was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from workers.calendar.values import MAX_LISTED, Refusal

#: Most rows looked at in one document.
MAX_ROWS: Final = 60_000


@dataclass(frozen=True, slots=True)
class Row:
    """One row: cells by canonical name (see ``vocabulary.FIELDS``), as the document has them."""

    place: str
    cells: Mapping[str, Any]


@dataclass(slots=True)
class Table:
    """All rows of a document.

    Attributes:
        kind: ``json``, ``xml`` or ``csv``.
        columns: The names as the document writes them, each once; what a layout is recognised by.
        shape: What else a layout is recognised by: the root element, or the key that holds the events.
        zone: A zone that the name of a column states (``Time (UTC)``); empty when none does.
        refusals: Rows that could not even be read; ``refused`` counts all of them.
        broken: Why the document ends early; empty when it is whole.
    """

    kind: str
    columns: tuple[str, ...] = ()
    shape: str = ""
    rows: list[Row] = field(default_factory=list)
    zone: str = ""
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)
    broken: str = ""
    notes: list[str] = field(default_factory=list)

    def refuse(self, place: str, reason: str) -> None:
        """Count a row that cannot be read, and list it while there is room."""
        self.refused += 1
        if len(self.refusals) < MAX_LISTED:
            self.refusals.append(Refusal(place, reason))

    @property
    def full(self) -> bool:
        """Whether the limit of rows is reached; the rest of the document is then left."""
        if len(self.rows) < MAX_ROWS:
            return False
        self.broken = f"only its first {MAX_ROWS:,} rows were read"
        return True
