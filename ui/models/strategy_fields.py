"""What the form of a strategy holds, and how each value of the file reads in it and back.

A form changes nothing that its user did not touch: what a field shows, read back, is what stands in the file.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Final

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.terminal.timeframes import TIMEFRAMES
from workers.strategy.schema import Strategy

Path = tuple[str | int, ...]
SESSIONS: Final = ("London", "NewYork", "Tokyo", "Sydney")

_WHOLE: Final = re.compile(r"-?(0|[1-9]\d{0,14})")
_DECIMAL: Final = re.compile(r"-?(0|[1-9]\d{0,14})\.\d{1,17}|-?\d(\.\d{1,17})?e[+-]\d{2}")


class Missing(Enum):
    """The file does not have it."""

    MISSING = auto()


MISSING: Final = Missing.MISSING


class Kind(Enum):
    """Kinds of inputs."""

    TEXT = auto()
    LONG = auto()
    SYMBOL = auto()
    NUMBER = auto()
    CHOICE = auto()
    SESSIONS = auto()
    CONDITIONS = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """One input: its place in the file, its title, and what may be chosen."""

    path: Path
    title: str
    kind: Kind
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Group:
    """Inputs under one heading; ``side`` by side when they are short numbers."""

    title: str
    fields: tuple[Field, ...]
    remark: str = ""
    side: bool = False


def _numbers(head: str, *names: str) -> tuple[Field, ...]:
    return tuple(Field(("indicators", head, name), name.replace("_", " ").capitalize(), Kind.NUMBER) for name in names)


def _conditions(head: str) -> tuple[Field, ...]:
    titles = {"entry": "Entry: all must hold", "strong": "Strong: all, +25", "weak": "Weak: any, -15"}
    titles["exit"] = "Exit: any, -40"
    return tuple(Field((head, name), titles[name], Kind.CONDITIONS) for name in ("entry", "strong", "weak", "exit"))


GROUPS: Final = (
    Group(
        "",
        (
            Field(("name",), "Name", Kind.TEXT),
            Field(("description",), "Description", Kind.LONG),
            Field(("symbol",), "Symbol", Kind.SYMBOL),
            Field(("timeframe",), "Timeframe", Kind.CHOICE, tuple(TIMEFRAMES)),
            Field(("strategy", "direction"), "Direction", Kind.CHOICE, ("long", "short", "both")),
            Field(("sessions",), "Sessions", Kind.SESSIONS, SESSIONS),
        ),
    ),
    Group(
        "Conditions",
        (
            *_conditions("conditions"),
            Field(("strategy", "invalidations"), "Invalidations: any, no idea", Kind.CONDITIONS),
        ),
        "A named fact or an expression each; Ctrl+Space shows what there is.",
    ),
    Group(
        "Short side",
        (
            *_conditions("short_conditions"),
            Field(("short_conditions", "invalidations"), "Invalidations: any, no idea", Kind.CONDITIONS),
        ),
    ),
    Group(
        "Plan",
        (
            Field(("strategy", "min_rr"), "Reward/risk", Kind.NUMBER),
            Field(("strategy", "max_risk_pct"), "Most risk", Kind.NUMBER),
            Field(("strategy", "news_embargo_minutes"), "News, min", Kind.NUMBER),
        ),
        side=True,
    ),
    Group("EMA", _numbers("ema", "fast", "slow"), side=True),
    Group("RSI", _numbers("rsi", "period", "overbought", "oversold"), side=True),
    Group(
        "MACD",
        (
            *_numbers("macd", "fast", "slow", "signal"),
            Field(("indicators", "macd", "signal_average"), "Signal average", Kind.CHOICE, ("simple", "exponential")),
        ),
        side=True,
    ),
    Group("ATR", _numbers("atr", "period", "multiplier"), side=True),
)

FIELDS: Final = tuple(field for group in GROUPS for field in group.fields)


def value_at(document: Mapping[str, Any], path: Path) -> Any:
    """The value at a place of the file; ``MISSING`` when there is none."""
    value: Any = document
    for step in path:
        if isinstance(step, str) and isinstance(value, Mapping) and step in value:
            value = value[step]
        elif isinstance(step, int) and isinstance(value, Sequence) and not isinstance(value, str) and step < len(value):
            value = value[step]
        else:
            return MISSING
    return value


def shown(value: Any, *, number: bool) -> str | None:
    """A value as the text of a line; None when no line can hold it, so that it is left to the JSON."""
    if value is MISSING:
        return ""
    if isinstance(value, str):
        single = "\n" not in value and "\r" not in value and value != ""
        kept = single and (not number or meant(value, number=True) == value)
        return value if kept or (value == "" and not number) else None
    if number and isinstance(value, int | float) and not isinstance(value, bool):
        text = repr(value)
        return text if meant(text, number=True) == value else None
    return None


def meant(text: str, *, number: bool) -> Any:
    """What a line says: a number where one is asked for and readable, else the text; an empty number is ``MISSING``."""
    if not number:
        return text
    if not text.strip():
        return MISSING
    plain = text.strip()
    if _WHOLE.fullmatch(plain):
        return int(plain)
    if _DECIMAL.fullmatch(plain) and math.isfinite(float(plain)):
        return float(plain)
    return text


def lines(value: Any) -> tuple[str, ...] | None:
    """A list of conditions as lines; None when it holds something else, so that it is left to the JSON."""
    if value is MISSING or value is None:
        return ()
    if not isinstance(value, list):
        return None
    if any(not isinstance(item, str) or not item or "\n" in item or "\r" in item for item in value):
        return None
    return tuple(value)


def facts_of(field: Field) -> tuple[str, str]:
    """What the format says of a field: the value when it is left out, and its description with its limits."""
    model: type[BaseModel] | None = Strategy
    info: FieldInfo | None = None
    for step in field.path:
        info = model.model_fields.get(str(step)) if model is not None else None
        if info is None:
            return "", ""
        model = _model_in(info.annotation)
    if info is None:
        return "", ""
    limits = [
        f"{word} {getattr(found, name):g}" for found in info.metadata for name, word in _LIMITS if hasattr(found, name)
    ]
    about = " ".join(
        part for part in (info.description or "", f"Allowed: {' and '.join(limits)}." if limits else "") if part
    )
    plain = info.default if isinstance(info.default, str | int | float) and not isinstance(info.default, bool) else ""
    return str(plain), about


_LIMITS: Final = (("ge", "at least"), ("gt", "more than"), ("le", "at most"), ("lt", "less than"))


def _model_in(annotation: Any) -> type[BaseModel] | None:
    for found in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(found, type) and issubclass(found, BaseModel):
            return found
    return None
