"""Keys such as ``terminal.simulated.replay.EURUSD.a``: find them, describe them, say what they allow."""

from __future__ import annotations

import re
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from pydantic import AwareDatetime, BaseModel
from pydantic.fields import FieldInfo

from app import likeness
from app.errors import UserAction
from app.settings_model import Settings

_PART: Final = re.compile(r'"([^"]*)"|([^."]+)')
_WORDS: Final[Mapping[object, str]] = {bool: "bool", int: "int", float: "float", str: "text", AwareDatetime: "time"}
_ALLOWED: Final[Mapping[str, str]] = {
    "bool": "true or false",
    "int": "a whole number",
    "float": "a number",
    "text": "text",
    "time": "a time with its zone, such as 2025-06-03T12:00:00Z",
    "list": "names separated by commas",
    "mapping": "entries, each set by its own key",
}


@dataclass(frozen=True, slots=True)
class Kind:
    """What values a field takes.

    Attributes:
        type: bool, int, float, text, time, choice, list or mapping.
        choices: The allowed values of a choice, or of the elements of a list; empty when free.
        optional: Whether it may be empty.
        bounds: Lowest and highest value, inclusive; None when there is no such bound.
    """

    type: str
    choices: tuple[str, ...] = ()
    optional: bool = False
    bounds: tuple[float | None, float | None] = (None, None)


@dataclass(frozen=True, slots=True)
class Option:
    """One setting, as forms, docs and the command line show it.

    Attributes:
        key: For example ``market.watch_list``; an entry not made yet has its name in angle brackets, as in
            ``tasks.<task>.schedule``.
        unit: Unit of the value, for example ``s``; empty when it has none.
        overridden: Whether ``--set`` rules it in this process, whatever the file says.
        restart_needed: Whether a change takes effect at the next start only.
    """

    key: str
    title: str
    description: str
    default: object
    value: object
    type: str
    unit: str = ""
    bounds: tuple[float | None, float | None] = (None, None)
    choices: tuple[str, ...] = ()
    optional: bool = False
    restart_needed: bool = False
    overridden: bool = False

    @property
    def allowed(self) -> str:
        """The allowed values in words, for example ``1 to 16 tasks``."""
        return allowed(Kind(self.type, self.choices, self.optional, self.bounds), self.unit)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a key points: the way through the tree, and the field at its end (None for an entry or a group)."""

    path: tuple[str, ...]
    field: FieldInfo | None
    kind: Kind

    @property
    def key(self) -> str:
        """The key as text."""
        return join(self.path)

    @property
    def unit(self) -> str:
        """Unit of the value, or nothing."""
        return str(extra(self.field, "unit"))


def join(path: tuple[str, ...]) -> str:
    """A path as a key."""
    return ".".join(path)


def extra(field: FieldInfo | None, name: str) -> Any:
    """A value from the description of a field; an empty text when there is none."""
    more = field.json_schema_extra if field is not None else None
    return more.get(name, "") if isinstance(more, dict) else ""


def locate(key: str) -> Place:
    """Find what ``key`` names: a value, an entry of a mapping, or a whole group (kind ``group``).

    Raises:
        UserAction: nothing is named so; the advice names the nearest key.
    """
    parts = [quoted or plain for quoted, plain in _PART.findall(key)]
    model: type[BaseModel] = Settings
    for at, name in enumerate(parts):
        field = model.model_fields.get(name)
        if field is None or name == "schema_version":
            raise unknown_key(key)
        path, rest = tuple(parts[: at + 1]), parts[at + 1 :]
        branch = _model_of(field)
        if branch is not None:
            model = branch
        elif rest and kind_of(field).type == "mapping":
            return _entry(key, path, field, rest)
        elif rest:
            raise unknown_key(key)
        else:
            return Place(path, field, kind_of(field))
    if not parts:
        raise unknown_key(key)
    return Place(tuple(parts), None, Kind("group"))


def _entry(key: str, path: tuple[str, ...], field: FieldInfo, rest: list[str]) -> Place:
    """A place in a mapping, whose entry names may contain dots: ``replay.EURUSD.a``, ``tasks.backup.schedule``."""
    model = entry_model(field)
    if model is None:
        return Place((*path, ".".join(rest)), field, Kind("text"))
    if len(rest) == 1:
        return Place((*path, rest[0]), None, Kind("group"))
    inner = model.model_fields.get(rest[-1])
    if inner is None:
        raise unknown_key(key)
    return Place((*path, ".".join(rest[:-1]), rest[-1]), inner, kind_of(inner))


def unknown_key(key: str) -> UserAction:
    """The error for a key that names nothing, with the nearest one that does."""
    near = nearest(key)
    hint = f"Did you mean {near}? " if near else ""
    return UserAction(
        f"There is no setting named {key!r}.", advice=f"{hint}The command settings lists every key that there is."
    )


def nearest(key: str) -> str:
    """The known key that resembles ``key`` most; empty when none does. Names of entries are taken over."""
    entry = re.match(r"tasks\.(.+)\.[^.]+$", key)
    names = {name.replace("<task>", entry[1] if entry else "TASK"): name for name in _all_keys()}
    found = likeness.nearest(key, names)
    if not found:
        tails = {name.rpartition(".")[2]: name for name in names}
        found = [tails[tail] for tail in likeness.nearest(key.rpartition(".")[2], tails, cutoff=0.75)]
    return found[0] if found else ""


def _all_keys() -> Iterator[str]:
    for place in fields():
        yield place.key


def fields() -> Iterator[Place]:
    """Every value there is, in the order of the tree; entries of mappings as ``<symbol>``, ``<task>``."""
    yield from _fields(Settings, ())


def _fields(model: type[BaseModel], above: tuple[str, ...]) -> Iterator[Place]:
    for name, field in model.model_fields.items():
        if name == "schema_version":
            continue  # the file's own mark: nobody sets it
        path = (*above, name)
        branch = _model_of(field)
        entry = f"<{extra(field, 'entry')}>"
        if branch is not None:
            yield from _fields(branch, path)
        elif kind_of(field).type != "mapping":
            yield Place(path, field, kind_of(field))
        elif (inner := entry_model(field)) is not None:
            yield from _fields(inner, (*path, entry))
        else:
            yield Place((*path, entry), field, Kind("text"))


def _model_of(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def entry_model(field: FieldInfo) -> type[BaseModel] | None:
    """The model of the entries of a mapping; None when its entries are plain text."""
    inner = get_args(field.annotation)[1]
    return inner if isinstance(inner, type) and issubclass(inner, BaseModel) else None


def kind_of(field: FieldInfo) -> Kind:
    """What values ``field`` takes, read from its annotation and bounds."""
    annotation, optional = _without_none(field.annotation)
    low = next((limit.ge for limit in field.metadata if hasattr(limit, "ge")), None)
    high = next((limit.le for limit in field.metadata if hasattr(limit, "le")), None)
    origin = get_origin(annotation)
    if origin is Literal:
        return Kind("choice", tuple(map(str, get_args(annotation))), optional)
    if origin is tuple:
        element = _bare(get_args(annotation)[0])
        choices = tuple(map(str, get_args(element))) if get_origin(element) is Literal else ()
        return Kind("list", choices)
    if origin is not None:
        return Kind("mapping")
    return Kind(_WORDS[annotation], (), optional, (low, high))


def _without_none(annotation: Any) -> tuple[Any, bool]:
    if get_origin(annotation) in (Union, types.UnionType):
        rest = [_bare(part) for part in get_args(annotation) if part is not type(None)]
        return rest[0], True
    return _bare(annotation), False


def _bare(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def allowed(kind: Kind, unit: str) -> str:
    """The allowed values in words."""
    if kind.choices:
        words = ", ".join(kind.choices) + (" (several, separated by commas)" if kind.type == "list" else "")
    else:
        low, high = kind.bounds
        if low is not None and high is not None:
            words = f"{low:g} to {high:g}" if abs(high) < 1e6 else f"{low:g} to {high:.0f}"
        else:
            words = _ALLOWED.get(kind.type, kind.type)
        words = f"{words} {unit}" if unit and unit != "file" else words
    return f"{words}, or empty" if kind.optional else words


def refusal(place: Place, given: object, note: str = "") -> str:
    """Why a value was not taken: the key, what was given, what is allowed."""
    shown = given.isoformat() if isinstance(given, datetime) else given
    reason = note or f"Allowed: {allowed(place.kind, place.unit)}."
    return f"{place.key} cannot be {shown!r}. {reason}"
