"""Parameters of a task as texts, from the command line and forms."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from app.errors import UserAction


def params_from_texts(model: type[BaseModel], texts: Mapping[str, str]) -> dict[str, Any]:
    """The values that ``model`` validates: lists split at commas, JSON read, the rest left to the model.

    An empty text means "none given" where the parameter may be none. Unknown names are kept for the model to refuse.

    Raises:
        UserAction: a value that should be JSON is not.
    """
    values: dict[str, Any] = {}
    for name, text in texts.items():
        field = model.model_fields.get(name)
        kinds = kinds_of(field.annotation) if field else set()
        stripped = text.strip()
        if type(None) in kinds and stripped.lower() in ("", "none", "null"):
            values[name] = None
        elif kinds & {list, tuple, set, frozenset, Sequence} and not stripped.startswith("["):
            values[name] = [part.strip() for part in text.split(",") if part.strip()]
        elif kinds & {list, tuple, set, frozenset, Sequence, dict, Mapping}:
            try:
                values[name] = json.loads(text)
            except ValueError:
                raise UserAction(f"The value of {name} is not JSON: {text}", advice="Write it as JSON.") from None
        else:
            values[name] = text
    return values


def kinds_of(annotation: object) -> set[object]:
    """The classes that an annotation allows, without their parameters: ``list[str] | None`` gives list and NoneType."""
    origin = typing.get_origin(annotation)
    if origin is typing.Annotated:
        return kinds_of(typing.get_args(annotation)[0])
    if origin in (typing.Union, types.UnionType):
        return {kind for part in typing.get_args(annotation) for kind in kinds_of(part)}
    return {origin or annotation}
