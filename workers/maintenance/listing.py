"""What became of files: exact counts, and the first thousand by name."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

from workers.maintenance.age import Dated

#: A result names so many files at most; the counts are of all.
LISTED: Final = 1_000


@dataclass(slots=True)
class Listing:
    """Files of one run. ``done`` and ``skipped`` count all of them, ``entries`` holds the first ones.

    Skipped files take half of the list at most.
    """

    done: int = 0
    bytes: int = 0
    skipped: int = 0
    troubles: int = 0
    first_trouble: str = ""
    oldest: Dated | None = None
    newest: Dated | None = None
    reasons: dict[str, int] = field(default_factory=dict)
    _done: list[dict[str, Any]] = field(default_factory=list)
    _skipped: list[dict[str, Any]] = field(default_factory=list)

    def add(self, file: str, size: int, dated: Dated, outcome: str, **more: Any) -> None:
        """Something was done to a file of ``size`` bytes, or would be."""
        self.done += 1
        self.bytes += size
        if self.oldest is None or dated.at_s < self.oldest.at_s:
            self.oldest = dated
        if self.newest is None or dated.at_s > self.newest.at_s:
            self.newest = dated
        if len(self._done) < LISTED:
            self._done.append({"file": file, "bytes": size, "dated": str(dated), "outcome": outcome, **more})

    def skip(self, file: str, why: str, trouble: bool = False) -> None:
        """A file or folder was left alone; a ``trouble`` is something that the user may mend."""
        self.skipped += 1
        if trouble:
            self.troubles += 1
            self.first_trouble = self.first_trouble or f"{file}: {why}"
        self.reasons[why] = self.reasons.get(why, 0) + 1
        if len(self._skipped) < LISTED // 2:
            self._skipped.append({"file": file, "outcome": "skipped", "reason": why})

    def entries(self) -> tuple[dict[str, Any], ...]:
        """The files that are listed: those that were skipped first, then the others by name."""
        done = self._done[: LISTED - len(self._skipped)]
        return (*self._skipped, *sorted(done, key=lambda item: str(item["file"])))

    def first_reason(self) -> str:
        """A file that was skipped, and why; empty when none was."""
        return f"{self._skipped[0]['file']}: {self._skipped[0]['reason']}" if self._skipped else ""
