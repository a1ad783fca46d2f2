"""Who saw the chain of ideas: evaluations of the days, runs of the history, decisions. What they saw must be there.

A chain proves that nothing within it was changed. That its end was cut off shows only where something else remembers
it: each run notes the head of the chain in the evaluation of the day and in its result, and a decision names the file
that it is about.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.clock import SystemClock
from app.errors import MetronomeError
from app.paths import Paths
from workers.strategy.chain import BEGINNING, Link
from workers.strategy.decision_book import DecisionBook, Kind
from workers.strategy.evidence import EvidenceLost, EvidenceStore

#: An evaluation of a day is larger with many strategies; a file beyond this is none.
_LARGEST: Final = 500_000_000
_TASKS: Final = ("evaluate_all_strategies", "evaluate_single_symbol")


@dataclass(frozen=True, slots=True)
class Testimony:
    """What the witnesses say.

    Attributes:
        witnesses: How many saw a head of the chain or an idea in it.
        faults: What they saw and is there no more, a sentence each; of one file of evaluations only the first.
        notes: What could not be asked.
    """

    witnesses: int
    faults: tuple[str, ...]
    notes: tuple[str, ...]


def heard(paths: Paths, links: Sequence[Link]) -> Testimony:
    """Ask all of them.

    Args:
        links: All lines of the chain.
    """
    hearing = _Hearing(links)
    hearing.evaluations(paths)
    hearing.runs(paths.database)
    hearing.decisions(paths)
    return Testimony(hearing.witnesses, tuple(dict.fromkeys(hearing.faults)), tuple(hearing.notes))


class _Hearing:
    def __init__(self, links: Sequence[Link]) -> None:
        self._heads = {link.hash for link in links} | {BEGINNING}
        self._files = {link.file: link.sha256 for link in links}
        self.witnesses = 0
        self.faults: list[str] = []
        self.notes: list[str] = []

    def evaluations(self, paths: Paths) -> None:
        for path in sorted(paths.evaluations.glob("evaluation_*.json")) if paths.evaluations.is_dir() else ():
            entries = _document(path).get("entries")
            for entry in entries if isinstance(entries, list) else ():
                head = entry.get("chain") if isinstance(entry, dict) else None
                if not isinstance(head, dict):
                    continue
                who = f"The evaluation of {entry.get('time')} in {path.name}"
                if not self._saw_head(who, head.get("number"), head.get("hash")):
                    break

    def runs(self, path: Path) -> None:
        """The results of the runs; read-only, for another process may be writing."""
        if not path.is_file():
            return
        marks = ",".join("?" * len(_TASKS))
        try:
            with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, timeout=5.0)) as history:
                rows = history.execute(
                    f"SELECT id, result FROM runs WHERE task IN ({marks}) ORDER BY id",  # noqa: S608 - question marks
                    _TASKS,
                )
                for id, result in rows:
                    self._run(f"{id:014x}", result)
        except (sqlite3.Error, OSError, TypeError, ValueError) as error:
            self.notes.append(f"The history of runs could not be asked ({error}).")

    def _run(self, id: str, result: str) -> None:
        found = _parsed(result)
        self._saw_head(f"The run {id}", found.get("chain_number"), found.get("chain_head"))
        outcomes = found.get("outcomes")
        for outcome in outcomes if isinstance(outcomes, list) else ():
            file = outcome.get("idea_file") if isinstance(outcome, dict) else None
            if isinstance(file, str) and file:
                self._saw_file(f"The run {id} wrote", file.replace("\\", "/").rpartition("/")[2])

    def decisions(self, paths: Paths) -> None:
        try:
            made = DecisionBook(paths, SystemClock()).read()
        except MetronomeError as error:
            self.notes.append(f"The decisions could not be asked: {error.message}")
            return
        for decision in made:
            # Others may be rejected, or end: they were never trusted.
            if decision.kind in (Kind.APPROVE, Kind.EDIT) and decision.file:
                what = "approved" if decision.kind is Kind.APPROVE else "edited"
                self._saw_file(f"On {decision.time:%Y-%m-%d %H:%M} UTC was {what}", decision.file, decision.sha256)

    def _saw_head(self, who: str, number: object, head: object) -> bool:
        """Note a head that somebody saw; False when it is there no more."""
        if not number or not isinstance(head, str):
            return True
        self.witnesses += 1
        if head in self._heads:
            return True
        self.faults.append(
            f"{who} saw line {number} of the chain, which is there no more: the end of the chain was cut off or "
            "written anew."
        )
        return False

    def _saw_file(self, who: str, file: str, sha256: str = "") -> None:
        self.witnesses += 1
        if file not in self._files:
            self.faults.append(f"{who} the idea of {file}, which no line of the chain names: its line was removed.")
        elif sha256 and self._files[file] != sha256:
            self.faults.append(f"{who} the idea of {file}, but another content than the chain names.")


def orphans(folder: Path, named: set[str], evidence: EvidenceStore) -> int:
    """How many ideas there is evidence of that no line of the chain names.

    Args:
        folder: Of the evidence.
        named: The pieces that the chain leads to.
    """
    found = 0
    for path in folder.glob("??/*.z"):
        if path.stem in named:
            continue
        try:
            root = evidence.document(path.stem)
        except EvidenceLost:
            continue  # bars, a rule file, or nothing that can be read
        found += {"engine", "now", "bars", "symbol"} <= set(root)
    return found


def _parsed(text: str) -> Mapping[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _document(path: Path) -> Mapping[str, Any]:
    try:
        return _parsed(path.read_text(encoding="utf-8")) if path.stat().st_size <= _LARGEST else {}
    except (OSError, ValueError):
        return {}
