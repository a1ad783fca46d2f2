"""The described settings in the groups of their tree, as the settings page shows them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.settings import Option, Settings

_NAMES = {"metatrader5": "MetaTrader 5"}


@dataclass(frozen=True, slots=True)
class Group:
    """A branch of the tree: its name in keys, its title, what it is about, and its values."""

    name: str
    title: str
    remark: str
    options: tuple[Option, ...]


def grouped(options: Iterable[Option]) -> tuple[Group, ...]:
    """The options by branch, in the order of the tree; what belongs to single tasks is left out."""
    found: dict[str, list[Option]] = {}
    for option in options:
        if not option.key.startswith("tasks."):
            found.setdefault(_branch(option.key), []).append(option)
    return tuple(Group(name, *_about(name), tuple(inside)) for name, inside in found.items())


def _branch(key: str) -> str:
    # An entry of a mapping may have dots in its name, so the way is followed in the tree and not counted.
    from pydantic import BaseModel

    from app.settings import Settings

    model: type[BaseModel] = Settings
    way = []
    for name in key.split("."):
        kind = model.model_fields[name].annotation
        if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
            break
        model = kind
        way.append(name)
    return ".".join(way)


def _about(branch: str) -> tuple[str, str]:
    from app.settings import Settings

    model: Any = Settings
    title = ""
    for name in branch.split("."):
        field = model.model_fields[name]
        title, model = str(field.title or name), field.annotation
    return title, str(model.__doc__ or "").split("\n")[0]


def matches(option: Option, group: Group, needle: str) -> bool:
    """Whether every word typed is found in the title, the description, the key or the group of a setting."""
    text = f"{option.title} {option.description} {option.key} {group.title}".casefold()
    return all(word in text for word in needle.casefold().split())


def title_of(option: Option) -> str:
    """What a row calls the setting; entries of a mapping are told apart by their name."""
    _, mark, entry = option.key.partition(".replay.")
    return f"{option.title}: {entry}" if mark and not is_pattern(option) else option.title


def is_pattern(option: Option) -> bool:
    """Whether it stands for entries that can be added, as ``terminal.simulated.replay.<symbol>`` does."""
    return option.key.endswith(">")


def as_text(value: object) -> str:
    """A value as a person types it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value))
    return value.isoformat() if isinstance(value, datetime) else str(value)


def choice_word(value: str) -> str:
    """What a form calls one of several allowed values."""
    if value in _NAMES:
        return _NAMES[value]
    return value if value.isupper() else value.replace("_", " ").capitalize()


def value_in(settings: Settings, key: str) -> object:
    """The value of ``key`` in a tree of settings; None for an entry that is not there."""
    here: Any = settings
    parts = key.split(".")
    for at, name in enumerate(parts):
        if isinstance(here, Mapping):
            return here.get(".".join(parts[at:]))
        here = getattr(here, name, None)
    return here
