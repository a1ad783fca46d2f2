"""Rule files and profiles as text: JSON objects that must fit a model, with errors that name the place in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from app.errors import UserAction
from app.likeness import nearest
from workers.strategy import json_text

#: The newest layout of both kinds of files that this version understands. Files without a number are of layout 1.
SCHEMA_VERSION: Final = 1

#: The settings say schema_version, and some who write rule files do so too.
_VERSION_NAMES: Final = ("schema", "schema_version")

_Model = TypeVar("_Model", bound=BaseModel)

_MEND: Final = "Mend the file; the next run reads it again."


class Part(BaseModel):
    """Base of every part: frozen, unknown names refused (a mistyped name must not switch a rule off)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _null_is_left_out(cls, value: object) -> object:
        """``null`` says of every name what leaving it out says."""
        if not isinstance(value, dict):
            return value
        known = {field.alias or name for name, field in cls.model_fields.items()}
        return {name: one for name, one in value.items() if one is not None or name not in known}


def _whole(value: object, info: ValidationInfo) -> object:
    if _lenient(info) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise PydanticCustomError("int_type", "this should be a whole number")


def _real(value: object, info: ValidationInfo) -> object:
    if _lenient(info) or (isinstance(value, (int, float)) and not isinstance(value, bool)):
        return value
    raise PydanticCustomError("float_type", "this should be a number")


def _switch(value: object, info: ValidationInfo) -> object:
    if _lenient(info) or isinstance(value, bool):
        return value
    raise PydanticCustomError("bool_type", "this should be true or false")


def _moment(value: object, info: ValidationInfo) -> object:
    if value == "":
        return None  # an empty text stands for nothing, as null does
    if value is None or _lenient(info) or (isinstance(value, str) and re.fullmatch(_MOMENT, value)):
        return value
    raise PydanticCustomError("datetime_type", "this should be a date and a time as in 2025-06-03T12:00:00Z")


def _lenient(info: ValidationInfo) -> bool:
    return bool(info.context and info.context.get("earlier"))


#: Days of February 29 are the one thing that this lets pass in years that have none.
_MOMENT: Final = (
    r"[1-9]\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\d|30)|02-(?:0[1-9]|[12]\d))"
    r"(?:[T ](?:[01]\d|2[0-3]):[0-5]\d(?::[0-5]\d(?:\.\d{1,6})?)?(?:Z|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?"
)

#: Values as JSON has them: a number is no text, and a switch is neither.
Whole = Annotated[int, BeforeValidator(_whole)]
Real = Annotated[float, BeforeValidator(_real)]
MaybeWhole = Annotated[int | None, BeforeValidator(_whole)]
MaybeReal = Annotated[float | None, BeforeValidator(_real)]
Switch = Annotated[bool, BeforeValidator(_switch)]
Moment = Annotated[
    datetime | None,
    BeforeValidator(_moment),
    WithJsonSchema({
        "type": "string",
        "pattern": f"^({_MOMENT})?$",
        "$comment": "A day that its year does not have (February 29) is refused too; a pattern cannot say so.",
    }),
]  # fmt: skip


def without_repetitions(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names in order, each once."""
    return tuple(dict.fromkeys(names))


def read_document(
    text: str | bytes,
    label: str,
    model: type[_Model],
    refuse: type[UserAction],
    schema: str,
    *,
    earlier: bool = False,
) -> _Model:
    """Read one file.

    Args:
        text: The content, UTF-8 with or without byte order mark.
        label: What messages call it: ``Strategy file a.json``.
        model: What its object must fit.
        refuse: The class of the error.
        schema: Where the format is published, for the advice.
        earlier: The file was in use by an earlier version, which took numbers in quotation marks and the like.

    Raises:
        UserAction: of class ``refuse``: naming the file, the place, what is allowed there and what to do.
    """
    document = read_object(text, label, refuse, schema)
    refuse_newer(document, label, refuse)
    try:
        return model.model_validate(document, context={"earlier": earlier})
    except ValidationError as error:
        raise refuse(f"{label} cannot be used: {describe_errors(error, model)}", advice=_MEND) from error


def refuse_newer(document: Mapping[str, Any], label: str, refuse: type[UserAction]) -> None:
    """Leave a file of a newer version alone.

    Raises:
        UserAction: of class ``refuse``: its layout is not known yet.
    """
    version = max(_number(document.get(name)) for name in _VERSION_NAMES)
    if version > SCHEMA_VERSION:
        raise refuse(
            f"{label} is of layout {version:g}; this version knows layout {SCHEMA_VERSION}.",
            advice="Update Metronome; the file was left as it is.",
        )


def _number(value: object) -> float:
    """The version that a value means, in quotation marks too; 0 for what is none: the model names its fault."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return 0.0
    try:
        return float(value)
    except (ValueError, OverflowError):
        return 0.0


def read_object(text: str | bytes, label: str, refuse: type[UserAction], schema: str) -> dict[str, Any]:
    """The object that a file holds, whatever is in it. Arguments and errors as ``read_document``; an error of the
    JSON itself is caused by its ``json.JSONDecodeError``, which knows the line."""
    try:
        content = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        document = json.loads(content, object_pairs_hook=_each_once)
    except _Twice as error:
        where, cause = _place_of_second(content, error.name)
        raise refuse(
            f"{label} has the name {error.name!r} twice in one object{where}; nobody knows which one counts.",
            advice="Delete one of the two.",
        ) from cause
    except UnicodeDecodeError as error:
        raise refuse(f"{label} is not UTF-8 text (byte {error.start}).", advice="Save it again as UTF-8.") from error
    except json.JSONDecodeError as error:
        raise refuse(
            f"{label} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            advice="Mend that line or restore the file from a copy.",
        ) from error
    except RecursionError as error:
        raise refuse(f"{label} is nested too deeply.", advice="Restore the file from a copy.") from error
    except ValueError as error:  # a number of thousands of digits
        raise refuse(
            f"{label} holds a number that cannot be read: {error}.",
            advice="Mend that number or restore the file from a copy.",
        ) from error
    if not isinstance(document, dict):
        raise refuse(
            f"{label} holds {_KINDS[type(document)]}, not one object.",
            advice=f"The file is one JSON object: see {schema}.",
        )
    return document


class _Twice(Exception):
    """An object has a name twice."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _Twice(name)
        found[name] = value
    return found


def _place_of_second(content: str, name: str) -> tuple[str, json.JSONDecodeError | None]:
    """Where the second of two equal names stands: in words, and as an error that knows the line."""
    try:
        found = json_text.twice(content)
    except json_text.NotJson:
        found = None
    if found is None:
        return "", None
    error = json.JSONDecodeError(f"{found[0]!r} is there twice", content, found[1])
    return f" (line {error.lineno}, column {error.colno})", error


#: What JSON can hold, in plain words.
_KINDS: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    type(None): "nothing (null)",
}


def describe_errors(error: ValidationError, root: type[BaseModel]) -> str:
    """All errors of a validation as one sentence each: path in the file, what is wrong, what is allowed."""
    return " ".join(sentence for _path, sentence in errors_of(error, root))


def errors_of(error: ValidationError, root: type[BaseModel]) -> list[tuple[tuple[int | str, ...], str]]:
    """The errors of a validation: each with its place in the document, and as a sentence that begins with it."""
    found = []
    for item in error.errors(include_url=False):
        path = ".".join(str(step) for step in item["loc"]) or "the file"
        if item["type"] == "extra_forbidden":
            found.append((item["loc"], _unknown_name(item["loc"], root)))
            continue
        message = (
            item["msg"].removeprefix("Value error, ").replace("Tuple", "The list").replace(" after validation", "")
        )
        message = next((words for start, words in _PLAIN_WORDS if message.startswith(start)), message)
        shown = "" if not item["loc"] or item["type"] in _TELLING else f", not {_shown(item.get('input'))}"
        hint = " (a fraction: 0.01 is 1 %)" if path.lower().endswith(("max_risk_pct", "maxriskpct")) else ""
        found.append((item["loc"], f"{path}: {message[:1].lower()}{message[1:]}{shown}{hint}.{_nearest(item)}"))
    return found


#: Errors whose words say already what was found, or that nothing was.
_TELLING: Final = frozenset({"missing", "too_short", "too_long", "value_error"})

#: What pydantic says in words of Python, and what is meant.
_PLAIN_WORDS: Final = (
    ("Input should be a valid tuple", "this should be a list"),
    ("Input should be a valid dictionary", "this should be an object in braces"),
    ("Input should be a valid string", "this should be a text in quotation marks"),
    ("Input should be a valid boolean", "this should be true or false"),
    ("Input should be a valid integer", "this should be a whole number"),
    ("Input should be a valid number", "this should be a number"),
    ("Input should be a finite number", "this should be a finite number"),
    ("Input should be a valid datetime", "this should be a date and a time as in 2025-06-03T12:00:00Z"),
    ("Field required", "this is missing"),
)


def _shown(given: object) -> str:
    """What was found in the file, as JSON has it."""
    if isinstance(given, bool):
        return str(given).lower()
    if isinstance(given, (str, int, float)):
        return repr(given)
    return _KINDS.get(type(given), "this")


def _nearest(item: ErrorDetails) -> str:
    """The allowed value that was probably meant."""
    given = item.get("input")
    if item["type"] != "literal_error" or not isinstance(given, str):
        return ""
    allowed = {name.casefold(): name for name in re.findall(r"'([^']*)'", str(item.get("ctx", {}).get("expected")))}
    near = nearest(given.casefold(), allowed)
    return f" Did you mean {allowed[near[0]]!r}?" if near else ""


def _unknown_name(location: tuple[int | str, ...], root: type[BaseModel]) -> str:
    """A name that the format does not have, with the nearest that it has."""
    model: Any = root
    for step in location[:-1]:
        field = model.model_fields.get(step) if isinstance(step, str) else None
        model = _model_of(field.annotation) if field is not None else None
        if model is None:
            break
    name = str(location[-1])
    known = [field.alias or key for key, field in model.model_fields.items()] if model is not None else []
    near = nearest(name, known)
    hint = f" Did you mean {near[0]!r}?" if near else f" Allowed: {', '.join(known)}." if known else ""
    return f"{'.'.join(str(step) for step in location)}: there is no such name.{hint}"


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as ``ShortConditions | None``."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def json_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of a kind of files, as published under resources/schema."""
    schema = model.model_json_schema(by_alias=True)
    for part in (schema, *schema.get("$defs", {}).values()):
        properties, needed = part.get("properties", {}), part.get("required", ())
        part["properties"] = {name: item if name in needed else _or_null(item) for name, item in properties.items()}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _or_null(item: dict[str, Any]) -> dict[str, Any]:
    """``null`` says of every name what leaving it out says (``Part``)."""
    said = {key: value for key, value in item.items() if key in ("title", "description", "default")}
    rest = {key: value for key, value in item.items() if key not in said}
    if {"type": "null"} in rest.get("anyOf", ()):
        return item
    return {"anyOf": [rest, {"type": "null"}], **said}


def publish(model: type[BaseModel], path: Path) -> None:
    """Write the JSON Schema to ``path``; run after a change of the format."""
    text = json.dumps(json_schema(model), indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
