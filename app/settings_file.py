"""The file settings.toml: read it, find a key's line, change one value and keep every comment."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.errors import UserAction
from app.files import atomic_write_text, storage_error
from app.settings_model import SCHEMA_VERSION

HEADER: Final = "# Metronome settings. All keys, with units and bounds: python main.py settings\nschema_version = {}\n"

_AT: Final = re.compile(r"\(at (?:line (\d+), column \d+|end of document)\)")

#: A step of a migration: changes the document of one schema into that of the next, in place.
Step = Callable[[MutableMapping[str, Any]], None]


@dataclass(frozen=True, slots=True)
class Schema:
    """The layout this program writes, and the steps that lead there: ``steps[1]`` makes schema 2 of schema 1."""

    version: int = SCHEMA_VERSION
    steps: Mapping[int, Step] = field(default_factory=dict)


class Damaged(UserAction):
    """The file is not TOML. ``line`` counts from 1; None when the trouble has no line."""

    def __init__(self, path: Path, reason: str, line: int | None) -> None:
        where = f"{path}, line {line}" if line else f"{path}"
        super().__init__(
            f"The settings file {where} cannot be understood: {reason}.",
            advice="Mend that line, or remove the file to go back to the defaults.",
        )
        self.line = line


def read_text(path: Path) -> str:
    """The text of the file; empty when there is none.

    Raises:
        StorageError: it is there but cannot be read.
        Damaged: it is not UTF-8.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise storage_error(path, error, "read") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Damaged(path, "it is not UTF-8 text", line) from error


def parse(path: Path, text: str) -> dict[str, Any]:
    """The values in ``text``.

    Raises:
        Damaged: it is not TOML; the line is named.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _AT.search(str(error))
        line = (int(found[1]) if found[1] else text.count("\n") + 1) if found else None
        raise Damaged(path, _AT.sub("", str(error)).strip().rstrip("."), line) from error
    except RecursionError as error:
        raise Damaged(path, "its values are nested too deeply", None) from error


def version_of(path: Path, data: Mapping[str, Any], schema: Schema) -> int:
    """The schema of the file; one without a version is taken for the present one.

    Raises:
        UserAction: it was written by a newer Metronome, so it is left as it is.
    """
    found = data.get("schema_version", schema.version)
    if not isinstance(found, int) or isinstance(found, bool) or found < 1:
        return schema.version
    if found > schema.version:
        raise UserAction(
            f"The settings file {path} has schema {found}; this Metronome knows up to {schema.version}.",
            advice="Start the newer Metronome that wrote it, or move the file away to begin with the defaults. "
            "It was not touched.",
        )
    return found


def migrated(path: Path, text: str, found: int, schema: Schema) -> str:
    """The text in the present schema; comments stay.

    Raises:
        UserAction: a step that is needed does not exist.
    """
    import tomlkit

    document = tomlkit.parse(text)
    for version in range(found, schema.version):
        step = schema.steps.get(version)
        if step is None:
            raise UserAction(
                f"The settings file {path} has schema {found}, which this Metronome no longer understands.",
                advice="Move the file away to begin with the defaults, or start an older Metronome once.",
            )
        step(document)
    document["schema_version"] = schema.version
    return tomlkit.dumps(document)


def edited(path: Path, text: str, way: tuple[str, ...], value: object, schema: Schema) -> str:
    """``text`` with one value changed, comments and order kept.

    Args:
        way: The key, part by part.
        value: What TOML can hold; None removes the key.

    Raises:
        UserAction: the layout of the file does not let it be edited; the advice says what to write by hand.
    """
    import tomlkit
    from tomlkit.exceptions import TOMLKitError

    expected = tomllib.loads(text)
    _put(expected, way, value, dict)
    try:
        document = tomlkit.parse(text or HEADER.format(schema.version))
        _put(document, way, value, tomlkit.table)
        result = tomlkit.dumps(document)
        found = tomllib.loads(result)
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise _by_hand(path, way, value) from error
    if not text:
        expected["schema_version"] = schema.version
    if found != expected:
        raise _by_hand(path, way, value)
    return result


def _by_hand(path: Path, way: tuple[str, ...], value: object) -> UserAction:
    what = f"remove {'.'.join(way)}" if value is None else f"set {'.'.join(way)} to {value!r}"
    return UserAction(
        f"The layout of {path} does not let {'.'.join(way)} be changed.", advice=f"Open the file and {what} by hand."
    )


def _put(tree: MutableMapping[str, Any], way: tuple[str, ...], value: object, table: Callable[[], Any]) -> None:
    """Set or remove one value in nested mappings, making the tables on the way."""
    for name in way[:-1]:
        if name not in tree:
            if value is None:
                return
            tree[name] = table()
        tree = tree[name]
    if value is None:
        tree.pop(way[-1], None)
    else:
        tree[way[-1]] = value


def line_of(text: str, way: tuple[str, ...]) -> int | None:
    """The line (from 1) where the file speaks of ``way`` or the nearest table above it; None when it does not."""
    best, best_line = 0, None
    table: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[+(.+?)\]+\s*(#.*)?$", line)
        entry = None if header else re.match(r"\s*([^#=]+?)\s*=", line)
        if header:
            table = here = _parts(header[1])
        elif entry:
            here = (*table, *_parts(entry[1]))
        else:
            continue
        shared = min(len(here), len(way))
        if shared > best and here[:shared] == way[:shared]:
            best, best_line = shared, number
    return best_line


def _parts(dotted: str) -> tuple[str, ...]:
    """The parts of a TOML key, quotes removed; empty when it is no key."""
    try:
        tree: Any = tomllib.loads(f"{dotted} = 0")
    except tomllib.TOMLDecodeError:
        return ()
    parts: list[str] = []
    while isinstance(tree, dict) and len(tree) == 1:
        name, tree = next(iter(tree.items()))
        parts.append(name)
    return tuple(parts)


def keep_backup(path: Path, text: str, version: int) -> Path:
    """Copy the file of an older schema to ``{name}.bak-{version}``.

    Raises:
        StorageError: it could not be written.
    """
    backup = path.with_name(f"{path.name}.bak-{version}")
    if not backup.exists():
        atomic_write_text(backup, text)
    return backup
