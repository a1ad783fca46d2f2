"""The rule files and profiles of this home: reading all of them, and the examples that a newcomer starts with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from app.errors import UserAction
from app.files import atomic_write_bytes, atomic_write_text, guarding
from app.paths import safe_name
from workers.strategy.profile import Profile, ProfileFileError, parse_profile
from workers.strategy.schema import Strategy, StrategyFileError, parse_strategy

#: Examples that come with the program.
_RESOURCES: Final = Path(__file__).resolve().parent.parent.parent / "resources"
EXAMPLES: Final = _RESOURCES / "strategies"
PROFILE_EXAMPLES: Final = _RESOURCES / "profiles"

#: Says that the examples were put there once, so that deleted ones stay deleted.
_MARK: Final = ".examples"

#: Where a profile says of which symbol it is.
_SYMBOL: Final = re.compile(r'"symbol"\s*:\s*"([^"\\]{1,64})"', re.IGNORECASE)

#: A rule file is a page of text; anything larger is not one.
LARGEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class RuleFile:
    """A strategy with the file that it came from, named printably; ``sha256`` is that of ``content``, its bytes."""

    strategy: Strategy
    file_name: str
    sha256: str
    content: bytes = field(default=b"", repr=False)


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
    for name in _names(folder):
        try:
            rule = read_rule(folder / name)
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


@dataclass(frozen=True, slots=True)
class ProfileFile:
    """A profile with the file that it came from; ``sha256`` is that of ``content``, its bytes."""

    profile: Profile
    file_name: str
    sha256: str
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Profiles:
    """All profiles of a folder.

    Attributes:
        by_symbol: Those that can be used.
        bad: Why the others cannot be used, by the names of their files.
        stops: Symbols that may not be traded as if they had no profile, in small letters, each with the reason.
    """

    by_symbol: Mapping[str, ProfileFile] = field(default_factory=dict)
    bad: Mapping[str, UserAction] = field(default_factory=dict)
    stops: Mapping[str, UserAction] = field(default_factory=dict)

    def of(self, symbol: str) -> ProfileFile | None:
        """The profile of a symbol; None when there is none.

        Raises:
            UserAction: there is one, but it cannot be used, or it is not certain whether it is meant. Trading the
                symbol as if it had none would drop what its profile forbids.
        """
        if error := self.stops.get(symbol.casefold()) or self.stops.get(safe_name(symbol).casefold()):
            raise error
        found = self.by_symbol.get(symbol)
        for other in self.by_symbol.values() if found is None else ():
            if other.profile.symbol.strip().casefold() == symbol.casefold():
                raise ProfileFileError(
                    f"Profile {other.file_name} is of {other.profile.symbol!r}, the strategy trades {symbol!r}.",
                    advice="Write the symbol in both as the broker does.",
                )
        return found


def load_profiles(folder: Path) -> Profiles:
    """Read every ``*.json`` of the folder of profiles; a bad one never costs the others.

    One that cannot be used stops the symbol that it names, as far as that can be read, and that of its file's name.

    Raises:
        StorageError: the folder cannot be read.
    """
    found: dict[str, ProfileFile] = {}
    bad: dict[str, UserAction] = {}
    stops: dict[str, UserAction] = {}
    misnamed: list[tuple[str, ProfileFile]] = []
    for name in _names(folder):
        shown, content, stem = printable(name), b"", Path(name).stem.casefold()
        try:
            content = _content(folder / name, f"Profile {shown}", ProfileFileError)
            item = ProfileFile(parse_profile(content, shown), shown, hashlib.sha256(content).hexdigest(), content)
        except UserAction as error:
            bad[shown] = _printable_error(error)
            stops |= dict.fromkeys((stem, *symbols_named(content)), bad[shown])
            continue
        symbol = item.profile.symbol.strip().casefold()
        if (other := found.setdefault(symbol, item)) is not item:
            bad[shown] = stops[symbol] = ProfileFileError(
                f"Profiles {other.file_name} and {shown} are both of {other.profile.symbol}: which counts?",
                advice="Keep one of them.",
            )
        if stem != safe_name(item.profile.symbol).casefold():
            misnamed.append((stem, item))
    named = {safe_name(symbol).casefold() for symbol in found}
    for stem, item in misnamed:
        if stem not in named:  # whoever trades what the file is called after would look for the profile here
            stops.setdefault(
                stem,
                ProfileFileError(
                    f"Profile {item.file_name} is of {item.profile.symbol}: its name or its symbol is wrong.",
                    advice=f"Call it {safe_name(item.profile.symbol)}.json, or correct its symbol.",
                ),
            )
    by_symbol = {item.profile.symbol: item for symbol, item in found.items() if symbol not in stops}
    return Profiles(by_symbol, bad, stops)


def symbols_named(content: bytes) -> set[str]:
    """The symbols that the text of a profile names, in small letters, even when it is no JSON or is wrong elsewhere."""
    text = content.decode("utf-8", "replace")
    return {name.strip().casefold() for name in _SYMBOL.findall(text) if name.strip()}


def ensure_examples(folder: Path, examples: Path = EXAMPLES) -> tuple[str, ...]:
    """Copy the examples into a folder that never had a file of their kind; the names of the files put there.

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
    atomic_write_text(mark, "The examples were put here once. Delete this file to get them again.\n")
    return tuple(copied)


def _names(folder: Path) -> list[str]:
    with guarding(folder, "read"):
        return sorted(item.name for item in folder.glob("*.json") if item.is_file()) if folder.is_dir() else []


def _content(path: Path, label: str, refuse: type[UserAction]) -> bytes:
    with guarding(path, "read"):
        size = path.stat().st_size
        if size > LARGEST:
            raise refuse(
                f"{label} has {size:,} bytes; such a file has a few thousand.",
                advice="Move it out of the folder.",
            )
        return path.read_bytes()


def read_rule(path: Path) -> RuleFile:
    """One rule file.

    Raises:
        StrategyFileError: it cannot be used; the message names the place in it and the remedy.
        StorageError: it cannot be read.
    """
    name, place = printable(path.name), printable(str(path))
    content = _content(path, f"Strategy file {place}", StrategyFileError)
    return RuleFile(parse_strategy(content, place), name, hashlib.sha256(content).hexdigest(), content)


def printable(text: str) -> str:
    """``text`` with what no encoding can hold (undecodable bytes of a file name) written as an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _printable_error(error: UserAction) -> UserAction:
    message, advice = printable(error.message), printable(error.advice)
    return error if (message, advice) == (error.message, error.advice) else UserAction(message, advice=advice)
