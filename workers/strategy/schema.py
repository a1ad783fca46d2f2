"""The strategy file: its format as typed models, the reader, and the published JSON Schema made from them.

Fractions everywhere: ``max_risk_pct`` of 0.01 is one percent. Names of conditions are checked by ``facts``.
"""

from __future__ import annotations

import difflib
import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from app.errors import UserAction
from app.settings_model import Timeframe

#: The newest layout of a strategy file that this version understands. Files without a number are of layout 1.
SCHEMA_VERSION: Final = 1

Direction = Literal["long", "short", "both"]
SessionName = Literal["London", "NewYork", "Tokyo", "Sydney"]


class StrategyFileError(UserAction):
    """A strategy file that cannot be used; the message names the file, the place in it and the remedy."""


def _none_is_empty(value: object) -> object:
    return () if value is None else value


def _without_repetitions(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(names))


ConditionName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=200,
        description="A named fact.",
        examples=["ema_fast_gt_slow", "price_above_ema_fast", "rsi_lt_30", "rsi_between_40_60"],
    ),
]
_Names = Annotated[tuple[ConditionName, ...], BeforeValidator(_none_is_empty), AfterValidator(_without_repetitions)]
_Sessions = Annotated[tuple[SessionName, ...], BeforeValidator(_none_is_empty), AfterValidator(_without_repetitions)]


class _Part(BaseModel):
    """Base of every part: frozen, unknown names refused (a mistyped name must not switch a rule off)."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EmaSettings(_Part):
    """Two exponential moving averages of the close."""

    fast: int = Field(default=20, ge=1, le=500, description="Period of the fast average, in bars.")
    slow: int = Field(default=50, ge=2, le=500, description="Period of the slow average, in bars.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fast >= self.slow:
            msg = f"fast ({self.fast}) must be smaller than slow ({self.slow})"
            raise ValueError(msg)
        return self


class RsiSettings(_Part):
    """The relative strength index of the close."""

    period: int = Field(default=14, ge=2, le=100, description="Period, in bars.")
    overbought: float = Field(default=70, ge=50, le=100, description="rsi_gt_70 holds above this level.")
    oversold: float = Field(default=30, ge=0, le=50, description="rsi_lt_30 holds below this level.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.oversold >= self.overbought:
            msg = f"oversold ({self.oversold:g}) must be smaller than overbought ({self.overbought:g})"
            raise ValueError(msg)
        return self


class MacdSettings(_Part):
    """Moving average convergence and divergence of the close."""

    fast: int = Field(default=12, ge=1, le=500, description="Period of the fast average, in bars.")
    slow: int = Field(default=26, ge=2, le=500, description="Period of the slow average, in bars.")
    signal: int = Field(default=9, ge=1, le=500, description="Period of the signal line, in bars.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fast >= self.slow:
            msg = f"fast ({self.fast}) must be smaller than slow ({self.slow})"
            raise ValueError(msg)
        return self


class AtrSettings(_Part):
    """Average true range: the yardstick of the stop."""

    period: int = Field(default=14, ge=1, le=100, description="Period, in bars.")
    multiplier: float = Field(default=1.5, ge=0.1, le=10, description="Distance of the stop from the entry, in ATR.")


class Indicators(_Part):
    """Settings of the indicators; what a file leaves out has the usual value shown here."""

    ema: EmaSettings = Field(default_factory=EmaSettings)
    rsi: RsiSettings = Field(default_factory=RsiSettings)
    macd: MacdSettings = Field(default_factory=MacdSettings)
    atr: AtrSettings = Field(default_factory=AtrSettings)


class Conditions(_Part):
    """The rule: entry needs all, exit any, strong all, weak any."""

    entry: _Names = Field(min_length=1, description="All must hold for an idea.")
    exit: _Names = Field(default=(), description="Any one takes 40 from the score.")
    strong: _Names = Field(default=(), description="All together earn 25.")
    weak: _Names = Field(default=(), description="Any one takes 15 from the score.")


class ShortConditions(Conditions):
    """The short side in its own words, for a strategy of both directions; otherwise it is mirrored."""

    invalidations: _Names = Field(default=(), description="Any one means: no short idea.")


class Plan(_Part):
    """How an entry is traded."""

    direction: Direction = Field(description="With 'both', the short side mirrors the long conditions.")
    min_rr: float = Field(
        default=2.0,
        ge=0.5,
        le=20,
        description="Least reward for one unit of risk: the target is so many stop distances away.",
    )
    news_embargo_minutes: int = Field(default=30, ge=0, le=1440, description="Minutes to stay away from news.")
    invalidations: _Names = Field(default=(), description="Any one means: no idea.")
    max_risk_pct: float = Field(
        default=0.01, gt=0, le=0.1, description="Most to lose with one idea, as a fraction of the account: 0.01 is 1 %."
    )


class Strategy(_Part):
    """One rule file: which symbol and timeframe, which conditions, which plan."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, title="Metronome strategy", populate_by_name=True
    )

    schema_: str | None = Field(default=None, alias="$schema", description="Address of this schema, for editors.")
    schema_version: int = Field(
        default=SCHEMA_VERSION, ge=1, alias="schema", description="Version of the file's layout."
    )
    id: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.\-]*$",
        max_length=100,
        description="Unique name; the file's name when left out.",
    )
    name: str = Field(default="", max_length=100, description="What people call it.")
    description: str = Field(default="", max_length=2000, description="What it does, in words.")
    enabled: bool = Field(default=True, description="Whether it is evaluated.")
    symbol: str = Field(min_length=1, max_length=64, description="Exactly as the broker names it.")
    timeframe: Timeframe = Field(description="The bars that it looks at.")
    sessions: _Sessions = Field(default=(), description="Trading sessions that it suits; empty: all hours.")
    indicators: Indicators = Field(default_factory=Indicators)
    conditions: Conditions
    short_conditions: ShortConditions | None = Field(default=None, description="Only with direction 'both'.")
    strategy: Plan
    created_at: datetime | None = Field(default=None, description="ISO 8601.")
    updated_at: datetime | None = Field(default=None, description="ISO 8601.")
    created_by: str = Field(default="user", max_length=100)

    @model_validator(mode="after")
    def _short_side_fits(self) -> Self:
        if self.short_conditions is not None and self.strategy.direction != "both":
            msg = "short_conditions need strategy.direction 'both'"
            raise ValueError(msg)
        return self


def parse_strategy(text: str | bytes, file_name: str) -> Strategy:
    """Read one strategy file.

    Args:
        text: The content, UTF-8 with or without byte order mark.
        file_name: For messages, and for the id when the file has none.

    Raises:
        StrategyFileError: naming the file, the place, what is allowed there and what to do.
    """
    try:
        content = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
        document = json.loads(content)
    except UnicodeDecodeError as error:
        raise StrategyFileError(
            f"Strategy file {file_name} is not UTF-8 text (byte {error.start}).", advice="Save it again as UTF-8."
        ) from error
    except json.JSONDecodeError as error:
        raise StrategyFileError(
            f"Strategy file {file_name} is not valid JSON: line {error.lineno}, column {error.colno}: {error.msg}.",
            advice="Mend that line or restore the file from a copy.",
        ) from error
    except RecursionError as error:
        raise StrategyFileError(
            f"Strategy file {file_name} is nested too deeply.", advice="Restore the file from a copy."
        ) from error
    except ValueError as error:  # a number of thousands of digits
        raise StrategyFileError(
            f"Strategy file {file_name} holds a number that cannot be read: {error}.",
            advice="Mend that number or restore the file from a copy.",
        ) from error
    if not isinstance(document, dict):
        raise StrategyFileError(
            f"Strategy file {file_name} holds a {type(document).__name__}, not one strategy.",
            advice="A strategy file is one JSON object: see resources/schema/strategy.json.",
        )
    _refuse_newer(document, file_name)
    try:
        strategy = Strategy.model_validate(document)
    except ValidationError as error:
        raise StrategyFileError(
            f"Strategy file {file_name} cannot be used: {describe_errors(error)}",
            advice="Mend the file; the next run reads it again.",
        ) from error
    stem = Path(file_name).stem
    return strategy.model_copy(update={"id": strategy.id or stem, "name": strategy.name or strategy.id or stem})


def _refuse_newer(document: dict[str, Any], file_name: str) -> None:
    version = document.get("schema")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise StrategyFileError(
            f"Strategy file {file_name} is of layout {version}; this version knows layout {SCHEMA_VERSION}.",
            advice="Update Metronome; the file was left as it is.",
        )


def describe_errors(error: ValidationError) -> str:
    """All errors of a validation as one sentence each: path in the file, what is wrong, what is allowed."""
    parts = []
    for item in error.errors(include_url=False):
        path = ".".join(str(step) for step in item["loc"]) or "the file"
        if item["type"] == "extra_forbidden":
            parts.append(_unknown_name(item["loc"]))
            continue
        message = item["msg"].removeprefix("Value error, ")
        given = item.get("input")
        shown = f", not {given!r}" if isinstance(given, (str, int, float, bool)) and item["loc"] else ""
        hint = " (a fraction: 0.01 is 1 %)" if path.endswith("max_risk_pct") else ""
        parts.append(f"{path}: {message[:1].lower()}{message[1:]}{shown}{hint}.")
    return " ".join(parts)


def _unknown_name(location: tuple[int | str, ...]) -> str:
    """A name that the format does not have, with the nearest that it has."""
    model: Any = Strategy
    for step in location[:-1]:
        field = model.model_fields.get(step) if isinstance(step, str) else None
        model = _model_of(field.annotation) if field is not None else None
        if model is None:
            break
    name = str(location[-1])
    known = [field.alias or key for key, field in model.model_fields.items()] if model is not None else []
    near = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {near[0]!r}?" if near else f" Allowed: {', '.join(known)}." if known else ""
    return f"{'.'.join(str(step) for step in location)}: there is no such name.{hint}"


def _model_of(annotation: Any) -> type[BaseModel] | None:
    """The model inside an annotation such as ``ShortConditions | None``."""
    for candidate in (annotation, *getattr(annotation, "__args__", ())):
        if isinstance(candidate, type) and issubclass(candidate, BaseModel):
            return candidate
    return None


def published_schema() -> dict[str, Any]:
    """The JSON Schema of a strategy file, as published in resources/schema/strategy.json."""
    schema = Strategy.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def publish(path: Path) -> None:
    """Write the JSON Schema to ``path``; run after a change of the format."""
    text = json.dumps(published_schema(), indent=2, ensure_ascii=False) + "\n"
    path.write_text(text, encoding="utf-8", newline="\n")
