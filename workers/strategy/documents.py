"""Rule files and profiles as text: JSON objects that must fit a model, with errors that name the place in the file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from app.errors import UserAction
from app.likeness import nearest

#: The newest layout of both kinds of files that this version understands. Files without a number are of layout 1.
SCHEMA_VERSION: Final = 1

#: The settings say schema_version, and some who write rule files do so too.
_VERSION_NAMES: Final = ("schema", "schema_version")

_Model = TypeVar("_Model", bound=BaseModel)

_MEND: Final = "Mend the file; the next run reads it again."


class Part(BaseModel):
    """Base of every part: frozen, unknown names refused (a mistyped name must not switch a rule off)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def none_is_empty(value: object) -> object:
    """``null`` in a file stands for an empty list."""
    return () if value is None else value


def without_repetitions(names: tuple[str, ...]) -> tuple[str, ...]:
    """The names in order, each once."""
    return tuple(dict.fromkeys(names))


def read_document(text: str | bytes, label: str, model: type[_Model], refuse: type[UserAction], schema: str) -> _Model:
    """Read one file.

    Args:
        text: The content, UTF-8 with or without byte order mark.
        label: What messages call it: ``Strategy file a.json``.
        model: What its object must fit.
        refuse: The class of the error.
        schema: Where the format is published, for the advice.

    Raises:
        UserAction: of class ``refuse``: naming the file, the place, what is allowed there and what to do.
    """
    document = read_object(text, label, refuse, schema)
    refuse_newer(document, label, refuse)
    try:
        return model.model_validate(document)
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
    """The version that a value means, as lenient as the models are; 0 for what is none: the model names its fault."""
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
        document = json.loads(content)
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
            f"{label} holds a {type(document).__name__}, not one object.",
            advice=f"The file is one JSON object: see {schema}.",
        )
    return document


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
        given = item.get("input")
        shown = f", not {given!r}" if isinstance(given, (str, int, float, bool)) and item["loc"] else ""
        hint = " (a fraction: 0.01 is 1 %)" if path.lower().endswith(("max_risk_pct", "maxriskpct")) else ""
        found.append((item["loc"], f"{path}: {message[:1].lower()}{message[1:]}{shown}{hint}.{_nearest(item)}"))
    return found


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
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def publish(model: type[BaseModel], path: Path) -> None:
    """Write the JSON Schema to ``path``; run after a change of the format."""
    text = json.dumps(json_schema(model), indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
