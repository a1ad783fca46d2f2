"""The settings of one home: read from a file that people edit, changed by key, watched by listeners."""

from __future__ import annotations

import copy
import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from app import settings_file
from app.clock import Clock, SystemClock
from app.errors import UserAction
from app.files import StorageError, atomic_write_text, guarding, quarantine
from app.settings_keys import Option, Place, extra, fields, join, locate, nearest, refusal
from app.settings_model import Settings

log = logging.getLogger(__name__)

Listener = Callable[[frozenset[str], Settings], None]

_DEFAULTS: Final = Settings()
_EMPTY: Final = frozenset({"", "none", "null"})


class SettingsStore:
    """Settings from a TOML file, with overrides of this process on top that are never written.

    Args:
        path: The file; it need not exist and is first written by ``set``.
        overrides: Keys and texts of ``--set``.
        schema: The layout to read and write; tests give others.
        guest: Another process works with the file: a damaged one is left where it is.

    Thread: any. ``current`` takes no lock; listeners are called by the thread that made the change, without a lock.
    """

    def __init__(
        self,
        path: Path,
        overrides: Mapping[str, str] | None = None,
        *,
        clock: Clock | None = None,
        schema: settings_file.Schema | None = None,
        guest: bool = False,
    ) -> None:
        self.path = path
        self._overrides = dict(overrides or {})
        self._clock = clock or SystemClock()
        self._schema = schema or settings_file.Schema()
        self._guest = guest
        self._lock = threading.RLock()
        self._listeners: list[Listener] = []
        self._current: Settings | None = None
        self._problems: tuple[str, ...] = ()
        self._text = ""

    @property
    def current(self) -> Settings:
        """The settings as they are now; read from the file at the first use."""
        return self._current or self.load()

    @property
    def problems(self) -> tuple[str, ...]:
        """What was wrong with the file at the last reading, each with its remedy; empty when all is well."""
        return self._problems

    def load(self) -> Settings:
        """Read the file. Whatever is missing or not allowed has its default, and ``problems`` says so.

        Raises:
            UserAction: the file is of a newer schema, or an override is not allowed.
        """
        with self._lock:
            problems: list[str] = []
            try:
                text = self._upgraded(settings_file.read_text(self.path), problems)
                data = settings_file.parse(self.path, text)
            except settings_file.Damaged as damage:
                text, data = "", {}
                problems.append(self._put_aside(damage))
            except StorageError as error:
                text, data = "", {}
                problems.append(f"{error.message} The defaults apply. {error.advice}")
            for problem in problems:
                log.warning("%s", problem)
            return self._adopt(text, data, problems)

    def use_defaults(self) -> Settings:
        """Go on without the file until ``load`` succeeds: it was refused, and a window has to tell so."""
        with self._lock:
            return self._adopt("", {}, [])

    def reload(self) -> frozenset[str]:
        """Read the file again, as somebody may have edited it.

        A file that cannot be understood now (half-way through an edit, say) changes nothing: it stays where it is,
        the settings stay as they are, and ``problems`` names the line.

        Returns:
            The keys whose value changed; listeners have been told.
        """
        with self._lock:
            before = self.current
            try:
                text = settings_file.read_text(self.path)
                if text == self._text:
                    return frozenset()
                problems: list[str] = []
                text = self._upgraded(text, problems)
                self._adopt(text, settings_file.parse(self.path, text), problems)
            except UserAction as error:
                self._problems = (f"{error} The settings in use stay as they were.",)
                log.warning("%s", self._problems[0])
                return frozenset()
        return self._tell(before)

    def get(self, key: str) -> Any:
        """The value of ``key``; a group comes as a dict, a missing entry of a mapping as None.

        Raises:
            UserAction: nothing is named so; the advice names the nearest key.
        """
        value = _dig(self.current, locate(key).path)
        return value.model_dump() if isinstance(value, BaseModel) else value

    def set(self, key: str, value: object) -> frozenset[str]:
        """Set ``key`` and write the file.

        Args:
            value: A value of the right type, or text that is read as one; None or an empty text goes back to
                "not set" where that is allowed.

        Returns:
            The keys whose value changed (none when ``--set`` rules the key).

        Raises:
            UserAction: no such key, or a value that is not allowed (the message names what is).
            StorageError: the file cannot be written.
        """
        place = locate(key)
        if place.kind.type == "group":
            raise UserAction(f"{key} is a group of settings.", advice=f"Name one of them, such as {_first_in(place)}.")
        return self._change(place, _read(place, value))

    def unset(self, key: str) -> frozenset[str]:
        """Remove ``key`` (or a group, or an entry) from the file, so that its default applies.

        Raises:
            UserAction: no such key.
            StorageError: the file cannot be written.
        """
        return self._change(locate(key), None)

    def subscribe(self, callback: Listener) -> Callable[[], None]:
        """Be told of changes with the changed keys and the new settings. Returns the function that ends it."""
        self._listeners.append(callback)

        def unsubscribe() -> None:
            if callback in self._listeners:
                self._listeners.remove(callback)

        return unsubscribe

    def describe(self) -> tuple[Option, ...]:
        """Every setting with its value; entries of mappings that exist follow their pattern (``tasks.<task>...``)."""
        current = self.current
        ruled = {locate(key).path for key in self._overrides}
        return tuple(
            _option(place, current, overridden=place.path in ruled)
            for pattern in fields()
            for place in _with_entries(pattern, current)
        )

    def _change(self, place: Place, value: object) -> frozenset[str]:
        with self._lock:
            before = self.current
            text = settings_file.read_text(self.path)
            problems: list[str] = []
            text = self._upgraded(text, problems)
            data, _ = _cleaned(settings_file.parse(self.path, text))
            plain = None if value is None else _plain_value(_with_value(data, place, value), place)
            if plain is not None or text:
                new_text = settings_file.edited(self.path, text, place.path, plain, self._schema)
                self._write(text, new_text)
                text = new_text
            self._adopt(text, settings_file.parse(self.path, text), problems)
        return self._tell(before)

    def _write(self, text: str, new_text: str) -> None:
        if new_text != text:
            with guarding(self.path.parent, "create"):
                self.path.parent.mkdir(parents=True, exist_ok=True)
            atomic_write_text(self.path, new_text)

    def _upgraded(self, text: str, problems: list[str]) -> str:
        """The text in the present schema; an older file is backed up, then rewritten.

        Raises:
            UserAction: the file is of a newer schema.
            Damaged: it is not TOML.
        """
        version = settings_file.version_of(self.path, settings_file.parse(self.path, text), self._schema)
        if version == self._schema.version:
            return text
        new_text = settings_file.migrated(self.path, text, version, self._schema)
        try:
            backup = settings_file.keep_backup(self.path, text, version)
            atomic_write_text(self.path, new_text)
        except StorageError as error:
            problems.append(
                f"{error.message} The settings were brought to the present schema in memory only. {error.advice}"
            )
        else:
            log.info("Settings migrated from=%d to=%d backup=%s", version, self._schema.version, backup.name)
        return new_text

    def _adopt(self, text: str, data: dict[str, Any], problems: list[str]) -> Settings:
        data, found = _cleaned(data, lambda way: self._where(text, way))
        for problem in found:
            log.warning("%s", problem)
        for key, override in self._overrides.items():
            place = locate(key)
            data = _with_value(data, place, _read(place, override))
        settings = Settings.model_validate(data)
        self._text, self._problems, self._current = text, (*problems, *found), settings
        return settings

    def _where(self, text: str, way: tuple[str, ...]) -> str:
        line = settings_file.line_of(text, way)
        return f"{self.path}, line {line}" if line else f"{self.path}"

    def _put_aside(self, damage: settings_file.Damaged) -> str:
        if self._guest:
            return f"{damage.message} The defaults apply to this command. {damage.advice}"
        try:
            aside = quarantine(self.path, self._clock)
        except StorageError as error:
            return f"{damage.message} The defaults apply. It could not be moved aside: {error}"
        return (
            f"{damage.message} The defaults apply. The file was kept as {aside.name}: "
            f"mend it there and rename it to {self.path.name}, or set the values anew."
        )

    def _tell(self, before: Settings) -> frozenset[str]:
        after = self.current
        old, new = dict(_leaves(before.model_dump())), dict(_leaves(after.model_dump()))
        changed = frozenset(join(way) for way in old.keys() | new.keys() if old.get(way) != new.get(way))
        if changed:
            for listener in tuple(self._listeners):
                listener(changed, after)
        return changed


def _read(place: Place, value: object) -> object:
    """Text from a person as what the field takes; empty text is None where None is allowed."""
    if isinstance(value, str) and place.kind.optional and value.strip().lower() in _EMPTY:
        return None
    if isinstance(value, str) and place.kind.type not in ("text", "list"):
        return value.strip()
    return value


def _with_value(data: dict[str, Any], place: Place, value: object) -> dict[str, Any]:
    """A copy of valid ``data`` with one more value.

    Raises:
        UserAction: the value is not allowed there.
    """
    data = copy.deepcopy(data)
    branch = data
    for name in place.path[:-1]:
        branch = branch.setdefault(name, {})
    branch[place.path[-1]] = value
    try:
        Settings.model_validate(data)
    except ValidationError as error:
        raise UserAction(refusal(place, value, _note(error.errors()[0]))) from error
    return data


def _first_in(group: Place) -> str:
    inside = (place.key for place in fields() if place.path[: len(group.path)] == group.path)
    return next(inside, f"{group.key}.enabled")


def _plain_value(data: dict[str, Any], place: Place) -> object:
    """The value as the tree holds it, in types that TOML has."""
    return _plain(_dig(Settings.model_validate(data), place.path))


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(exclude_none=True))
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {name: _plain(item) for name, item in value.items()}
    return value


def _cleaned(
    data: Mapping[str, Any], where: Callable[[tuple[str, ...]], str] = join
) -> tuple[dict[str, Any], tuple[str, ...]]:
    """A copy of ``data`` without what is not allowed, and a problem for each thing left out."""
    clean = copy.deepcopy(dict(data))
    problems: list[str] = []
    while True:
        try:
            Settings.model_validate(clean)
        except ValidationError as error:
            for detail in error.errors():
                way = _drop(clean, detail["loc"])
                if way:
                    problems.append(f"{where(way)}: {_problem(way, detail)}")
        else:
            return clean, tuple(problems)


def _drop(data: dict[str, Any], loc: tuple[int | str, ...]) -> tuple[str, ...]:
    """Remove the deepest named value on the way ``loc``; nothing when it is gone already."""
    way: list[str] = []
    branch: Any = data
    for name in loc:
        if not isinstance(branch, dict) or name == "[key]" or not isinstance(name, str):
            break
        if name not in branch:
            return ()
        way.append(name)
        holder, branch = branch, branch[name]
    del holder[way[-1]]
    return tuple(way)


def _problem(way: tuple[str, ...], detail: Any) -> str:
    key = join(way)
    if detail["type"] == "extra_forbidden":
        near = nearest(key)
        hint = f"; did you mean {near}?" if near else "."
        return f"there is no setting named {key}{hint} It was left out."
    try:
        place = locate(key)
    except UserAction:
        note = _note(detail)
        reason = f"cannot be {detail['input']!r}. {note}" if note else "cannot be used there."
        return f"{key} {reason} It was left out."
    if place.kind.type == "group":
        return f"{key} should be a table of settings. The defaults apply."
    if isinstance(detail["input"], dict) and place.kind.type == "text":
        return f'{key} should be text. A name that contains a dot needs quotes, as in "EURUSD.a" = "bars.csv".'
    return f"{refusal(place, detail['input'], _note(detail))} The default applies."


def _note(detail: Any) -> str:
    """The words of our own checks; empty for those that the bounds and choices explain."""
    own = detail.get("ctx", {}).get("error")
    return f"It {own}." if isinstance(own, ValueError) else ""


def _dig(tree: Any, way: tuple[str, ...]) -> Any:
    for name in way:
        tree = tree.get(name) if isinstance(tree, Mapping) else getattr(tree, name, None)
    return tree


def _leaves(tree: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from _leaves(value, (*above, name))
        else:
            yield (*above, name), value


def _with_entries(pattern: Place, current: Settings) -> Iterator[Place]:
    yield pattern
    at = next((at for at, name in enumerate(pattern.path) if name.startswith("<")), None)
    if at is not None:
        for name in _dig(current, pattern.path[:at]):
            yield Place((*pattern.path[:at], name, *pattern.path[at + 1 :]), pattern.field, pattern.kind)


def _option(place: Place, current: Settings, *, overridden: bool) -> Option:
    field = place.field
    return Option(
        key=place.key,
        title=(field.title if field else None) or place.path[-1],
        description=(field.description if field else None) or "",
        default=_dig(_DEFAULTS, place.path),
        value=_dig(current, place.path),
        type=place.kind.type,
        unit=place.unit,
        bounds=place.kind.bounds,
        choices=place.kind.choices,
        optional=place.kind.optional,
        restart_needed=bool(extra(field, "restart")),
        overridden=overridden,
    )
