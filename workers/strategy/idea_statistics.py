"""What the decisions about ideas add up to, and all ideas as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Final

from app.files import atomic_write_bytes
from app.runs import iso
from workers.strategy.decision_book import Decision, Kind
from workers.strategy.idea_files import IdeaRow
from workers.strategy.idea_life import State

#: With fewer ideas than this, shares and means say next to nothing; whoever shows them says so.
FEW: Final = 30

COLUMNS: Final = (
    "id", "time", "symbol", "timeframe", "direction", "strategy", "score", "action", "state", "entry_price",
    "stop_loss", "take_profit", "volume", "rr_ratio", "edited", "expires", "decided", "decided_by", "reason", "file",
    "calibrated", "probability", "probability_low", "probability_high", "signals", "reached", "break_even",
    "calibration_text",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Tally:
    """Ideas by what became of them.

    Attributes:
        mean_approved, mean_rejected: Mean score of those; None when there is none.
        edited: How many of all were edited.
    """

    name: str
    pending: int
    approved: int
    rejected: int
    expired: int
    edited: int
    mean_approved: float | None
    mean_rejected: float | None

    @property
    def ideas(self) -> int:
        """All of them."""
        return self.pending + self.approved + self.rejected + self.expired


@dataclass(frozen=True, slots=True)
class Statistics:
    """All ideas together, and each strategy by itself, those with most ideas first."""

    total: Tally
    by_strategy: tuple[Tally, ...]


def statistics(rows: Iterable[IdeaRow]) -> Statistics:
    """Count ideas; each once, by its state now."""
    every = list(rows)
    groups: dict[str, list[IdeaRow]] = {}
    for row in every:
        groups.setdefault(row.facts.strategy, []).append(row)
    tallies = [tally(name, found) for name, found in groups.items()]
    return Statistics(tally("", every), tuple(sorted(tallies, key=lambda one: (-one.ideas, one.name))))


def tally(name: str, rows: Sequence[IdeaRow]) -> Tally:
    """Count some ideas."""

    def scores(state: State) -> list[float]:
        return [row.facts.score for row in rows if row.state is state]

    approved, rejected = scores(State.APPROVED), scores(State.REJECTED)
    return Tally(
        name,
        len(scores(State.PENDING)),
        len(approved),
        len(rejected),
        len(scores(State.EXPIRED)),
        sum(row.figures is not None for row in rows),
        fmean(approved) if approved else None,
        fmean(rejected) if rejected else None,
    )


def last_decision(row: IdeaRow) -> Decision | None:
    """The decision that made the state of an idea; None while it is pending or its end is not recorded yet."""
    found = [item for item in row.decisions if item.kind is not Kind.EDIT]
    return found[-1] if found and row.state is not State.PENDING else None


def write_csv(file: Path, rows: Iterable[IdeaRow]) -> int:
    """Write ideas with their states to a CSV file; how many. It appears whole or not at all.

    Raises:
        StorageError: it cannot be written.
    """
    buffer, lines = io.StringIO(), [[_cell(value) for value in _values(row)] for row in rows]
    writer = csv.writer(buffer, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(lines)
    atomic_write_bytes(file, buffer.getvalue().encode("utf-8", "backslashreplace"))
    return len(lines)


def _values(row: IdeaRow) -> tuple[object, ...]:
    facts, terms, last = row.facts, row.terms, last_decision(row)
    decided: datetime | None = last.time if last else row.ends if row.state is State.EXPIRED else None
    return (
        facts.id,
        iso(facts.time),
        facts.symbol,
        facts.timeframe,
        facts.direction,
        facts.strategy,
        facts.score,
        facts.action,
        row.state.value,
        terms.entry,
        terms.stop,
        terms.target,
        terms.volume,
        round(row.reward_risk, 2),
        "yes" if row.figures else "no",
        iso(row.ends),
        iso(decided),
        last.by if last else "",
        last.reason if last else "",
        facts.file,
        *_worth(row),
    )


def _worth(row: IdeaRow) -> tuple[object, ...]:
    """What the score is worth; nothing stands where it is not known."""
    found = row.calibration
    if found is None:
        return ("no", None, None, None, None, None, None, row.calibration_text)
    return (
        "yes" if found.calibrated else "no",
        found.probability,
        found.low,
        found.high,
        found.signals,
        found.reached,
        found.break_even,
        row.calibration_text,
    )


def _cell(value: object) -> object:
    # A spreadsheet takes a text that begins like this for a formula.
    return f"'{value}" if isinstance(value, str) and value[:1] in ("=", "+", "-", "@") else value
