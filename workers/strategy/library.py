"""The rule files of this home: reading all of them, and the examples that a newcomer starts with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.errors import UserAction
from app.files import atomic_write_bytes, atomic_write_text, guarding
from workers.strategy.schema import Strategy, StrategyFileError, parse_strategy

#: Examples that come with the program.
EXAMPLES: Final = Path(__file__).resolve().parent.parent.parent / "resources" / "strategies"

#: Says that the examples were put there once, so that deleted ones stay deleted.
_MARK: Final = ".examples"

#: A rule file is a page of text; anything larger is not one.
_LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A strategy with the file that it came from, named printably; ``sha256`` is that of the file's bytes."""

    strategy: Strategy
    file_name: str
    sha256: str


@dataclass(frozen=True, slots=True)
class BadRuleFile:
    """A file that cannot be used, and why."""

    file_name: str
    error: UserAction


@dataclass(frozen=True, slots=True)
class Library:
    """All rule files of a folder, by name of the file."""

    rules: tuple[RuleFile, ...]
    bad: tuple[BadRuleFile, ...]

    @property
    def enabled(self) -> tuple[RuleFile, ...]:
        """Those that are to be evaluated."""
        return tuple(rule for rule in self.rules if rule.strategy.enabled)


def load(folder: Path) -> Library:
    """Read every ``*.json`` of the folder; a bad one never costs the others.

    Raises:
        StorageError: the folder cannot be read.
    """
    rules: list[RuleFile] = []
    bad: list[BadRuleFile] = []
    owners: dict[str, str] = {}
    with guarding(folder, "read"):
        names = sorted(item.name for item in folder.glob("*.json") if item.is_file()) if folder.is_dir() else []
    for name in names:
        try:
            rule = _read(folder / name)
            if first := owners.get(rule.strategy.id):
                raise StrategyFileError(
                    f"Strategy files {first} and {rule.file_name} both have the id {rule.strategy.id!r}.",
                    advice=f"Give {rule.file_name} an id of its own.",
                )
        except UserAction as error:
            bad.append(BadRuleFile(printable(name), _printable_error(error)))
            continue
        owners[rule.strategy.id] = rule.file_name
        rules.append(rule)
    return Library(tuple(rules), tuple(bad))


def ensure_examples(folder: Path, examples: Path = EXAMPLES) -> tuple[str, ...]:
    """Copy the examples into a folder that never had any strategy; the names of the files that were put there.

    Done once in the life of a folder: what the user deletes does not come back.

    Raises:
        StorageError: the folder cannot be written.
    """
    mark = folder / _MARK
    if mark.exists():
        return ()
    copied: list[str] = []
    if not any(folder.glob("*.json")):
        for source in sorted(examples.glob("*.json")):
            with guarding(source, "read"):
                content = source.read_bytes()
            atomic_write_bytes(folder / source.name, content)
            copied.append(source.name)
    atomic_write_text(mark, "The example strategies were put here once. Delete this file to get them again.\n")
    return tuple(copied)


def _read(path: Path) -> RuleFile:
    with guarding(path, "read"):
        size = path.stat().st_size
        if size > _LARGEST:
            raise StrategyFileError(
                f"Strategy file {path.name} has {size:,} bytes; a rule file has a few thousand.",
                advice="Move it out of the folder of strategies.",
            )
        content = path.read_bytes()
    name = printable(path.name)
    return RuleFile(parse_strategy(content, name), name, hashlib.sha256(content).hexdigest())


def printable(text: str) -> str:
    """``text`` with what no encoding can hold (undecodable bytes of a file name) written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _printable_error(error: UserAction) -> UserAction:
    message, advice = printable(error.message), printable(error.advice)
    return error if (message, advice) == (error.message, error.advice) else UserAction(message, advice=advice)
