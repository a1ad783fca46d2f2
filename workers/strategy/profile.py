"""The profile of a symbol: when and how it is best traded, whatever strategy trades it.

Written by hand, one JSON file for each symbol. A symbol without one is traded by its strategy files alone.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from app.errors import UserAction
from app.settings_model import Timeframe
from workers.strategy.documents import SCHEMA_VERSION, Part, read_document, without_repetitions
from workers.strategy.schema import Names, Sessions

Bias = Literal["long", "short", "both"]


class ProfileFileError(UserAction):
    """A profile that cannot be used; the message names the file, the place in it and the remedy."""


_BIASES = {"bullish": "long", "bearish": "short", "neutral": "both", "none": "both", "": "both"}


def _bias(value: object) -> object:
    """Old files also say bullish, bearish and neutral."""
    if value is None:
        return "both"
    return _BIASES.get(value.strip().lower(), value.strip().lower()) if isinstance(value, str) else value


_Timeframes = Annotated[tuple[Timeframe, ...], AfterValidator(without_repetitions)]
_Drivers = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=100)], ...],
    Field(max_length=50),
    AfterValidator(without_repetitions),
]


class Style(Part):
    """How the symbol is traded."""

    bias: Annotated[Bias, BeforeValidator(_bias)] = Field(
        default="both", description="Direction that suits the symbol now; ideas of the other one are not aligned."
    )
    rrTarget: float | None = Field(
        default=None,
        ge=0.5,
        le=20,
        description="Distance of the target in stop distances; when left out, the least reward of the strategy.",
    )
    maxRiskPct: float | None = Field(
        default=None,
        gt=0,
        le=0.1,
        description="Most to lose with one idea of this symbol, as a fraction of the account: 0.01 is 1 %. The "
        "smaller of this and the strategy's own counts.",
    )


class Management(Part):
    """How an open position is looked after; reward is counted in stop distances (RR)."""

    breakevenAfterRR: float | None = Field(
        default=None, gt=0, le=20, description="Move the stop to the entry after this much reward; null: never."
    )
    partialAtRR: float | None = Field(
        default=None, gt=0, le=20, description="Close half of the position after this much reward; null: never."
    )
    trailUsingATR: bool = Field(default=False, description="Whether the stop follows the price by the ATR.")
    atrMultiplier: float | None = Field(
        default=None,
        ge=0.1,
        le=10,
        description="Distance of the trailing stop in ATR; also of the first stop, for a strategy whose file has no "
        "multiplier of its own.",
    )


class Profile(Part):
    """One profile."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, title="Metronome symbol profile", populate_by_name=True
    )

    schema_: str | None = Field(default=None, alias="$schema", description="Address of this schema, for editors.")
    schema_version: int = Field(
        default=SCHEMA_VERSION, ge=1, alias="schema", description="Version of the file's layout."
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


def parse_profile(text: str | bytes, file_name: str) -> Profile:
    """Read one profile.

    Args:
        text: The content, UTF-8 with or without byte order mark.
        file_name: For messages.

    Raises:
        ProfileFileError: naming the file, the place, what is allowed there and what to do.
    """
    return read_document(text, f"Profile {file_name}", Profile, ProfileFileError, "resources/schema/profile.json")
