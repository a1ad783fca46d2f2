"""What a sweep tries: numeric fields of a rule file by their dotted paths, and the points between their ends."""

from __future__ import annotations

import difflib
import itertools
import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from app.errors import UserAction
from app.params import kinds_of
from workers.strategy.schema import Strategy

#: More points than this are refused; a search at random takes as many of them as are wanted.
MOST_POINTS: Final = 100_000
_MOST_AXES: Final = 8
_RANGE: Final = re.compile(r"(?P<low>[-+.\deE]+?)\.\.(?P<high>[-+.\deE]+)(?:/(?P<step>[-+.\deE]+))?")
_HOW: Final = "Write vary=indicators.ema.fast=10..50/5; indicators.atr.multiplier=1,1.5,2"
#: Steps of a range are counted with this much room for what fractions cannot hold.
_ROOM: Final = 1e-9
#: Points of larger grids are drawn field by field.
_COUNTABLE: Final = 10**15

Point = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Axis:
    """One field that is varied.

    Attributes:
        path: Its place in the rule file.
        values: What it is set to, ascending; empty for anything between ``low`` and ``high``, at random.
        whole: It takes whole numbers only.
    """

    path: str
    values: tuple[float, ...]
    low: float
    high: float
    whole: bool


def axes(text: str, *, at_random: bool) -> tuple[Axis, ...]:
    """The fields that are varied, as the parameter ``vary`` names them.

    Raises:
        UserAction: a field is unknown or no number, or its values cannot be read.
    """
    found: list[Axis] = []
    known = fields()
    for part in (part.strip() for part in text.split(";")):
        if not part:
            continue
        path, _equals, values = (piece.strip() for piece in part.partition("="))
        if path not in known:
            near = difflib.get_close_matches(path, known, n=1, cutoff=0.4)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise UserAction(
                f"The rule file has no numeric field {path!r}.", advice=f"{hint}There are: {', '.join(known)}."
            )
        if any(axis.path == path for axis in found):
            raise UserAction(f"{path} is varied twice.", advice="Name each field once.")
        found.append(_axis(path, values, known[path], at_random=at_random))
    if not 0 < len(found) <= _MOST_AXES:
        raise UserAction(f"A sweep varies 1 to {_MOST_AXES} fields, not {len(found)}.", advice=f"{_HOW}.")
    return tuple(found)


def _axis(path: str, text: str, whole: bool, *, at_random: bool) -> Axis:
    match = _RANGE.fullmatch(text.replace(" ", ""))
    try:
        if match is None:
            values = sorted({float(value) for value in text.split(",")})
            low, high, step = values[0], values[-1], 0.0
        else:
            low, high = float(match["low"]), float(match["high"])
            step = float(match["step"]) if match["step"] else 1.0 if whole else 0.0
            values = _steps(low, high, step)
    except ValueError:
        raise UserAction(f"The values of {path} cannot be read: {text!r}.", advice=f"{_HOW}.") from None
    sound = all(map(math.isfinite, (low, high, step))) and low <= high and step >= 0
    if not sound or (whole and any(value != int(value) for value in (*values, low, high))):
        kind = "whole numbers" if whole else "numbers, the smaller one first"
        raise UserAction(f"{path} takes {kind}, not {text!r}.", advice=f"{_HOW}.")
    if not values and not at_random:
        raise UserAction(
            f"{path} has no step: {text!r}.",
            advice=f"Write {text}/0.1, name the values, or ask for points at random with random=200.",
        )
    return Axis(path, tuple(values), low, high, whole)


def _steps(low: float, high: float, step: float) -> list[float]:
    if not (step > 0 and low <= high and all(map(math.isfinite, (low, high, step)))):
        return []
    count = min(int((high - low) / step + _ROOM), MOST_POINTS)
    return [round(low + place * step, 10) for place in range(count + 1)]


def points(found: Sequence[Axis], count: int | None, seed: int) -> list[Point]:
    """The points that are tried, in a fixed order; each once.

    Args:
        count: None: every one of the grid; else so many at random, of the grid where all fields have values.

    Raises:
        UserAction: they are too many.
    """
    discrete = all(axis.values for axis in found)
    size = math.prod(len(axis.values) for axis in found) if discrete else 0
    if count is None or (discrete and size <= count):
        if size > MOST_POINTS:
            raise UserAction(
                f"The grid has {size:,} points; at most {MOST_POINTS:,} are tried.",
                advice="Take wider steps, or ask for points at random with random=1000.",
            )
        return list(itertools.product(*(axis.values for axis in found)))
    dice = random.Random(seed)  # noqa: S311 - a search, no secret
    if discrete and size <= _COUNTABLE:
        chosen = sorted(dice.sample(range(size), count))
        return [_of_number(found, number) for number in chosen]
    drawn: dict[Point, None] = {}
    for _ in range(count * 20):  # whole numbers may be drawn again
        drawn[tuple(_drawn(axis, dice) for axis in found)] = None
        if len(drawn) == count:
            break
    return list(drawn)


def _of_number(found: Sequence[Axis], number: int) -> Point:
    values = []
    for axis in reversed(found):
        number, place = divmod(number, len(axis.values))
        values.append(axis.values[place])
    return tuple(reversed(values))


def _drawn(axis: Axis, dice: random.Random) -> float:
    if axis.values:
        return dice.choice(axis.values)
    return round(dice.uniform(axis.low, axis.high), 6)


def applied(strategy: Strategy, found: Sequence[Axis], point: Point) -> Strategy | str:
    """The rule with the values of a point, or in words why there is none."""
    document = strategy.model_dump(mode="json", exclude_unset=True, by_alias=True)
    for axis, value in zip(found, point, strict=True):
        inside = document
        *parents, name = axis.path.split(".")
        for parent in parents:
            inside = inside.setdefault(parent, {})
        inside[name] = int(value) if axis.whole else value
    try:
        return Strategy.model_validate(document)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def fields() -> dict[str, bool]:
    """Every numeric field of the rule file by its path, and whether it takes whole numbers only."""
    return dict(_fields(Strategy, ""))


def _fields(model: type[BaseModel], before: str) -> Iterator[tuple[str, bool]]:
    for name, field in model.model_fields.items():
        path = f"{before}{name}"
        kinds = kinds_of(field.annotation)
        inner: list[Any] = [kind for kind in (field.annotation, *get_args(field.annotation)) if _is_model(kind)]
        if inner:
            yield from _fields(inner[0], f"{path}.")
        elif kinds & {int, float} and name != "schema_version":
            yield path, float not in kinds


def _is_model(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
