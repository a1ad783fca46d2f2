"""The strategy file: its format as typed models, the reader, and the published JSON Schema made from them.

Fractions everywhere: ``max_risk_pct`` of 0.01 is one percent. Conditions are read by ``rules``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic.config import JsonDict

from app.errors import UserAction
from app.settings_model import Timeframe
from workers.strategy.documents import (
    SCHEMA_VERSION,
    MaybeWhole,
    Moment,
    Part,
    Real,
    Switch,
    Whole,
    read_document,
    without_repetitions,
)
from workers.strategy.language.tokens import LONGEST

Direction = Literal["long", "short", "both"]
SessionName = Literal["London", "NewYork", "Tokyo", "Sydney"]


class StrategyFileError(UserAction):
    """A strategy file that cannot be used; the message names the file, the place in it and the remedy."""


ConditionName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=LONGEST,
        description="A named fact or an expression; docs/strategy.md lists both.",
        examples=["ema_fast_gt_slow", "rsi_lt_30", "ema(20) crosses above ema(50)", "close > highest(high, 20)[1]"],
    ),
]
Names = Annotated[
    tuple[ConditionName, ...],
    Field(max_length=50),
    AfterValidator(without_repetitions),
]
Sessions = Annotated[tuple[SessionName, ...], AfterValidator(without_repetitions)]

#: The average that is not written is the usual one.
_WITHOUT_SLOW: Final[JsonDict] = {"not": {"properties": {"slow": {"type": "number"}}, "required": ["slow"]}}
_WITHOUT_FAST: Final[JsonDict] = {"not": {"properties": {"fast": {"type": "number"}}, "required": ["fast"]}}


class EmaSettings(Part):
    """Two exponential moving averages of the close."""

    model_config = ConfigDict(
        json_schema_extra={
            "$comment": "fast is smaller than slow; of two that are both written JSON Schema cannot say so.",
            "allOf": [
                {"if": _WITHOUT_SLOW, "then": {"properties": {"fast": {"exclusiveMaximum": 50}}}},
                {"if": _WITHOUT_FAST, "then": {"properties": {"slow": {"exclusiveMinimum": 20}}}},
            ],
        }
    )

    fast: Whole = Field(default=20, ge=1, le=500, description="Period of the fast average, in bars.")
    slow: Whole = Field(default=50, ge=2, le=500, description="Period of the slow average, in bars.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fast >= self.slow:
            msg = f"fast ({self.fast}) must be smaller than slow ({self.slow})"
            raise ValueError(msg)
        return self


class RsiSettings(Part):
    """The relative strength index of the close."""

    model_config = ConfigDict(
        json_schema_extra={
            "not": {
                "properties": {"oversold": {"const": 50}, "overbought": {"const": 50}},
                "required": ["oversold", "overbought"],
            }
        }
    )

    period: Whole = Field(default=14, ge=2, le=100, description="Period, in bars.")
    overbought: Real = Field(default=70, ge=50, le=100, description="rsi_gt_70 holds above this level.")
    oversold: Real = Field(default=30, ge=0, le=50, description="rsi_lt_30 holds below this level.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.oversold >= self.overbought:
            msg = f"oversold ({self.oversold:g}) must be smaller than overbought ({self.overbought:g})"
            raise ValueError(msg)
        return self


class MacdSettings(Part):
    """Moving average convergence and divergence of the close."""

    model_config = ConfigDict(
        json_schema_extra={
            "$comment": "fast is smaller than slow; of two that are both written JSON Schema cannot say so.",
            "allOf": [
                {"if": _WITHOUT_SLOW, "then": {"properties": {"fast": {"exclusiveMaximum": 26}}}},
                {"if": _WITHOUT_FAST, "then": {"properties": {"slow": {"exclusiveMinimum": 12}}}},
            ],
        }
    )

    fast: Whole = Field(default=12, ge=1, le=500, description="Period of the fast average, in bars.")
    slow: Whole = Field(default=26, ge=2, le=500, description="Period of the slow average, in bars.")
    signal: Whole = Field(default=9, ge=1, le=500, description="Period of the signal line, in bars.")
    signal_average: Literal["simple", "exponential"] = Field(
        default="simple",
        description="How the signal line is averaged: simple as MetaTrader 5 draws it, or exponential.",
    )

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.fast >= self.slow:
            msg = f"fast ({self.fast}) must be smaller than slow ({self.slow})"
            raise ValueError(msg)
        return self


class AtrSettings(Part):
    """Average true range: the yardstick of the stop."""

    period: Whole = Field(default=14, ge=1, le=100, description="Period, in bars.")
    multiplier: Real = Field(default=1.5, ge=0.1, le=10, description="Distance of the stop from the entry, in ATR.")


class Indicators(Part):
    """Settings of the indicators; what a file leaves out has the usual value shown here."""

    ema: EmaSettings = Field(default_factory=EmaSettings)
    rsi: RsiSettings = Field(default_factory=RsiSettings)
    macd: MacdSettings = Field(default_factory=MacdSettings)
    atr: AtrSettings = Field(default_factory=AtrSettings)


class Conditions(Part):
    """The rule: entry needs all, exit any, strong all, weak any."""

    entry: Names = Field(min_length=1, description="All must hold for an idea.")
    exit: Names = Field(default=(), description="Any one takes 40 from the score.")
    strong: Names = Field(default=(), description="All together earn 25.")
    weak: Names = Field(default=(), description="Any one takes 15 from the score.")


class ShortConditions(Conditions):
    """The short side in its own words, for a strategy of both directions; otherwise it is mirrored."""

    invalidations: Names = Field(default=(), description="Any one means: no short idea.")


class Plan(Part):
    """How an entry is traded."""

    direction: Direction = Field(description="With 'both', the short side mirrors the long conditions.")
    min_rr: Real = Field(
        default=2.0,
        ge=0.5,
        le=20,
        description="Least reward for one unit of risk: the target is so many stop distances away.",
    )
    news_embargo_minutes: Whole = Field(default=30, ge=0, le=1440, description="Minutes to stay away from news.")
    invalidations: Names = Field(default=(), description="Any one means: no idea.")
    max_risk_pct: Real = Field(
        default=0.01, gt=0, le=0.1, description="Most to lose with one idea, as a fraction of the account: 0.01 is 1 %."
    )


class Strategy(Part):
    """One rule file: which symbol and timeframe, which conditions, which plan."""

    model_config = ConfigDict(
        title="Metronome strategy",
        json_schema_extra={
            "if": {"properties": {"short_conditions": {"type": "object"}}, "required": ["short_conditions"]},
            "then": {"properties": {"strategy": {"properties": {"direction": {"const": "both"}}}}},
        },
    )

    schema_: str | None = Field(default=None, alias="$schema", description="Address of this schema, for editors.")
    schema_version: Whole = Field(
        default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION, alias="schema", description="Version of the file's layout."
    )
    other_version: MaybeWhole = Field(
        default=None,
        ge=1,
        le=SCHEMA_VERSION,
        alias="schema_version",
        exclude=True,
        description="The same, as some files call it.",
    )
    id: str = Field(
        default="",
        pattern=r"^[A-Za-z0-9_.\-]*$",
        max_length=100,
        description="Unique name; the file's name when left out.",
    )
    name: str = Field(default="", max_length=100, description="What people call it.")
    description: str = Field(default="", max_length=2000, description="What it does, in words.")
    enabled: Switch = Field(default=True, description="Whether it is evaluated.")
    symbol: str = Field(min_length=1, max_length=64, description="Exactly as the broker names it.")
    timeframe: Timeframe = Field(description="The bars that it looks at.")
    sessions: Sessions | None = Field(
        default=None,
        description="Trading sessions that it suits; empty: all hours; left out: those of the symbol's profile.",
    )
    indicators: Indicators = Field(default_factory=Indicators)
    conditions: Conditions
    short_conditions: ShortConditions | None = Field(default=None, description="Only with direction 'both'.")
    strategy: Plan
    created_at: Moment = Field(default=None, description="ISO 8601.")
    updated_at: Moment = Field(default=None, description="ISO 8601.")
    created_by: str = Field(default="user", max_length=100)

    @model_validator(mode="after")
    def _short_side_fits(self) -> Self:
        if self.short_conditions is not None and self.strategy.direction != "both":
            msg = "short_conditions need strategy.direction 'both'"
            raise ValueError(msg)
        return self


def parse_strategy(text: str | bytes, file_name: str, *, earlier: bool = False) -> Strategy:
    """Read one strategy file.

    Args:
        text: The content, UTF-8 with or without byte order mark.
        file_name: For messages, and for the id when the file has none.
        earlier: As ``read_document``.

    Raises:
        StrategyFileError: naming the file, the place, what is allowed there and what to do.
    """
    label = f"Strategy file {file_name}"
    strategy = read_document(
        text, label, Strategy, StrategyFileError, "resources/schema/strategy.json", earlier=earlier
    )
    stem = Path(file_name).stem
    return strategy.model_copy(update={"id": strategy.id or stem, "name": strategy.name or strategy.id or stem})
