"""Rows that were not taken: how many, and of the first ones which line and why."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

#: So many are named; of the rest there is a count.
NAMED: Final = 100


@dataclass(slots=True)
class Refusals:
    """The refused rows of one file."""

    count: int = 0
    named: list[tuple[int, str]] = field(default_factory=list)
    by_reason: dict[str, int] = field(default_factory=dict)

    def add(self, line: int, reason: str, kind: str) -> None:
        """One row, with its line in the file; ``kind`` is the reason without the values of the row."""
        self.add_many(kind, 1)
        if len(self.named) < NAMED:
            self.named.append((line, reason))

    def add_many(self, kind: str, count: int) -> None:
        """Rows that are counted and not named."""
        self.count += count
        self.by_reason[kind] = self.by_reason.get(kind, 0) + count

    @property
    def full(self) -> bool:
        """Whether no more rows are named."""
        return len(self.named) >= NAMED

    def summary(self) -> list[str]:
        """One sentence for each reason, and the first line that it holds for."""
        sentences = []
        for kind, count in sorted(self.by_reason.items(), key=lambda item: -item[1]):
            rows = "1 row was" if count == 1 else f"{count:,} rows were"
            first = next((line for line, reason in self.named if reason.startswith(kind)), 0)
            where = f" (first in line {first:,})" if first else ""
            sentences.append(f"{rows} refused: {kind}{where}.")
        return sentences
