"""The strategies of a home as a list: what each trades, whether it is on, and what came of it last."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.errors import UserAction
from app.files import guarding
from app.storage import Storage
from workers.strategy.heights import doubts
from workers.strategy.library import Profiles, RuleFile, load, load_profiles
from workers.strategy.rules import prepare

#: So much of the end of a day's evaluations is looked at, in bytes: some thousand outcomes.
_TAIL: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class LastOutcome:
    """What came of a strategy in the last run that evaluated it; ``time`` is when, as the file has it."""

    time: datetime
    outcome: str
    reason: str
    score: float | None
    action: str
    direction: str
    idea: str


@dataclass(frozen=True, slots=True)
class Row:
    """One rule file.

    Attributes:
        enabled: None when the file cannot be read so far.
        problem: Why it cannot be evaluated, or can never come to a trade; empty when it can.
        sha256: Of the file's bytes; empty when the file cannot be used.
    """

    file_name: str
    id: str = ""
    name: str = ""
    description: str = ""
    symbol: str = ""
    timeframe: str = ""
    direction: str = ""
    enabled: bool | None = None
    problem: str = ""
    last: LastOutcome | None = None
    sha256: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """All of them by name, with the profiles that hold for them."""

    rows: tuple[Row, ...]
    profiles: Profiles


def overview(storage: Storage, now: datetime) -> Overview:
    """The strategies of a home.

    Raises:
        StorageError: a folder cannot be read.
    """
    paths = storage.paths
    found, profiles = load(paths.strategies), load_profiles(paths.profiles)
    last = last_outcomes(paths.evaluations, now, {rule.strategy.id for rule in found.rules})
    rows = [_row(rule, profiles, last.get(rule.strategy.id)) for rule in found.rules]
    rows += [Row(bad.file_name, name=bad.file_name, problem=str(bad.error)) for bad in found.bad]
    rows.sort(key=lambda row: (row.name.casefold(), row.file_name))
    return Overview(tuple(rows), profiles)


def _row(rule: RuleFile, profiles: Profiles, last: LastOutcome | None) -> Row:
    strategy = rule.strategy
    problem = ""
    try:
        profile = profiles.of(strategy.symbol)
        known = profile.profile if profile else None
        problem = " ".join(prepare(strategy, known).problems or doubts(strategy, known))
    except UserAction as error:
        problem = str(error)
    return Row(
        rule.file_name,
        strategy.id,
        strategy.name,
        strategy.description,
        strategy.symbol,
        strategy.timeframe,
        strategy.strategy.direction,
        strategy.enabled,
        problem,
        last,
        rule.sha256,
    )


def last_outcomes(folder: Path, now: datetime, wanted: set[str]) -> dict[str, LastOutcome]:
    """The newest outcome of each of these strategies, of today or yesterday.

    Raises:
        StorageError: a file is there but cannot be read.
    """
    found: dict[str, LastOutcome] = {}
    for day in (now, now - timedelta(days=1)):
        for entry in _newest_first(folder / f"evaluation_{day:%Y%m%d}.json"):
            for item in _outcomes(entry):
                id = str(item.get("strategy"))
                if id in wanted and id not in found and (last := _last(entry, item)) is not None:
                    found[id] = last
            if len(found) == len(wanted):
                return found
    return found


def _newest_first(path: Path) -> Iterator[dict[str, Any]]:
    """The entries at the end of a day's file, each on a line of its own, the newest first."""
    with guarding(path, "read"):
        try:
            with path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - _TAIL, 0))
                data = file.read()
        except FileNotFoundError:
            return
    for line in reversed(data.splitlines()):
        try:
            entry = json.loads(line.strip().removeprefix(b","))
        except (ValueError, RecursionError):
            continue  # the beginning or the end of the document, or the piece of an entry
        if isinstance(entry, dict):
            yield entry


def _outcomes(entry: dict[str, Any]) -> list[dict[str, Any]]:
    listed = entry.get("outcomes")
    return [item for item in listed if isinstance(item, dict)] if isinstance(listed, list) else []


def _last(entry: dict[str, Any], item: dict[str, Any]) -> LastOutcome | None:
    try:
        time = datetime.fromisoformat(str(entry["time"]))
        score = item.get("score")
        return LastOutcome(
            time,
            str(item["outcome"]),
            str(item.get("reason") or ""),
            float(score) if score is not None else None,
            str(item.get("action") or ""),
            str(item.get("direction") or ""),
            str(item.get("idea") or ""),
        )
    except (KeyError, TypeError, ValueError):
        return None
