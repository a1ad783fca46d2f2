"""The profile of a symbol: when and how it is best traded, whatever strategy trades it.

Written by hand, one JSON file for each symbol. A symbol without one is traded by its strategy files alone.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from app.errors import UserAction
from app.settings_model import Timeframe
from workers.strategy.documents import (
    SCHEMA_VERSION,
    MaybeReal,
    MaybeWhole,
    Part,
    Switch,
    Whole,
    read_document,
    without_repetitions,
)
from workers.strategy.schema import Names, Sessions

Bias = Literal["long", "short", "both"]


class ProfileFileError(UserAction):
    """A profile that cannot be used; the message names the file, the place in it and the remedy."""


#: Old files also say bullish, bearish and neutral.
_BIASES: Final = {
    written: meant
    for word, meant in (
        ("long", "long"), ("short", "short"), ("both", "both"), ("bullish", "long"), ("bearish", "short"),
        ("neutral", "both"), ("none", "both"), ("", "both"),
    )
    for written in (word, word.capitalize(), word.upper())
}  # fmt: skip


def _bias(value: object, info: ValidationInfo) -> object:
    if not isinstance(value, str):
        return value
    earlier = info.context and info.context.get("earlier")
    return _BIASES.get(value.strip().lower() if earlier else value, value)


_Timeframes = Annotated[tuple[Timeframe, ...], AfterValidator(without_repetitions)]
_Drivers = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=100)], ...],
    Field(max_length=50),
    AfterValidator(without_repetitions),
]


class Style(Part):
    """How the symbol is traded."""

    bias: Annotated[Bias, BeforeValidator(_bias), WithJsonSchema({"type": "string", "enum": list(_BIASES)})] = Field(
        default="both", description="Direction that suits the symbol now; ideas of the other one are not aligned."
    )
    rrTarget: MaybeReal = Field(
        default=None,
        ge=0.5,
        le=20,
        description="Distance of the target in stop distances; when left out, the least reward of the strategy.",
    )
    maxRiskPct: MaybeReal = Field(
        default=None,
        gt=0,
        le=0.1,
        description="Most to lose with one idea of this symbol, as a fraction of the account: 0.01 is 1 %. The "
        "smaller of this and the strategy's own counts.",
    )


class Management(Part):
    """How an open position is looked after; reward is counted in stop distances (RR)."""

    breakevenAfterRR: MaybeReal = Field(
        default=None, gt=0, le=20, description="Move the stop to the entry after this much reward; null: never."
    )
    partialAtRR: MaybeReal = Field(
        default=None, gt=0, le=20, description="Close half of the position after this much reward; null: never."
    )
    trailUsingATR: Switch = Field(default=False, description="Whether the stop follows the price by the ATR.")
    atrMultiplier: MaybeReal = Field(
        default=None,
        ge=0.1,
        le=10,
        description="Distance of the trailing stop in ATR; also of the first stop, for a strategy whose file has no "
        "multiplier of its own.",
    )


class Profile(Part):
    """One profile."""

    model_config = ConfigDict(title="Metronome symbol profile")

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
    symbol: str = Field(min_length=1, max_length=64, description="Exactly as the broker names it.")
    bestSessions: Sessions = Field(
        default=(),
        description="Sessions that suit the symbol, for strategies whose file has no sessions; empty: all hours.",
    )
    bestTimeframes: _Timeframes = Field(default=(), description="Timeframes that suit the symbol; empty: all.")
    externalDrivers: _Drivers = Field(default=(), description="What moves the symbol, for people to read.")
    style: Style = Field(default_factory=Style)
    management: Management = Field(default_factory=Management)
    invalidations: Names = Field(
        default=(), description="Conditions of which any one means: no idea in either direction, by any strategy."
    )


def parse_profile(text: str | bytes, file_name: str, *, earlier: bool = False) -> Profile:
    """Read one profile.

    Args:
        text: The content, UTF-8 with or without byte order mark.
        file_name: For messages.
        earlier: As ``read_document``.

    Raises:
        ProfileFileError: naming the file, the place, what is allowed there and what to do.
    """
    return read_document(
        text, f"Profile {file_name}", Profile, ProfileFileError, "resources/schema/profile.json", earlier=earlier
    )
