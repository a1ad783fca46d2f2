"""What the points of a sweep are worth: proved and not only fitted, and as good as their neighbours."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from workers.backtest.folds import Part, added
from workers.backtest.honesty import Trial, above, best_of_worthless
from workers.backtest.space import Axis, Point

#: Points on the list of the best.
TOP: Final = 20
#: Values of a field that a heat map has room for; more of them are put together.
MOST_CELLS: Final = 24
#: Pairs of fields that heat maps are drawn of.
_MOST_MAPS: Final = 6


@dataclass(frozen=True, slots=True, eq=False)
class Tried:
    """One point that was tried.

    Attributes:
        point: The values of the fields.
        figures: Of the whole test.
        folds: What it brought in each fold: where is chosen, and where the choice is proved.
        trial: Names the test.
    """

    point: Point
    figures: Mapping[str, Any]
    folds: tuple[tuple[Part, Part], ...]
    trial: str


def tried(row: Mapping[str, Any]) -> Tried:
    """A point out of a line of the results."""
    parts = tuple((Part(*learn), Part(*prove)) for learn, prove in row["folds"])
    return Tried(tuple(row["values"]), row["figures"], parts, str(row["trial"]))


def value(part: Part, objective: str, least: int) -> float | None:
    """What a part is worth by the objective; None with fewer trades than ``least``."""
    if part.trades < least:
        return None
    if objective == "profit_factor" and part.gross_loss == 0:
        return math.inf if part.gross_profit > 0 else None
    found: float | None = getattr(part, objective)
    return found


def proved(one: Tried) -> Part:
    """All parts to prove it on together."""
    return added(prove for _, prove in one.folds)


def best(points: Sequence[Tried], part_of: Any, objective: str, least: int) -> Tried | None:
    """The best point by one of its parts, the first of equal ones; None when none has trades enough."""
    worth = [(value(part_of(one), objective, least), one) for one in points]
    known = [(found, one) for found, one in worth if found is not None]
    return max(known, key=lambda pair: pair[0])[1] if known else None


def walk_forward(
    points: Sequence[Tried], axes: Sequence[Axis], spans: Sequence[Mapping[str, str]], objective: str, least: int
) -> dict[str, Any]:
    """In each fold the best point of the part to choose in, and what it brought in the part after it.

    That is what somebody would have got who searched again and again: the honest figure of the search. A fold in which
    no point had trades enough chooses none.
    """
    folds, parts, before = [], [], []
    for number, span in enumerate(spans):
        chosen = best(points, lambda one, number=number: one.folds[number][0], objective, least)
        learn, prove = chosen.folds[number] if chosen else (Part(), Part())
        parts.append(prove)
        before.append(learn)
        folds.append(
            {**span, "values": named(axes, chosen.point) if chosen else None}
            | {"train": learn.figures(), "test": prove.figures()}
        )
    whole, first = added(parts), added(before)
    efficient = first.r_mean is not None and first.r_mean > 0 and whole.r_mean is not None
    return {
        "folds": folds,
        "out_of_sample": whole.figures(),
        "profitable_folds": sum(part.net_profit > 0 for part in parts),
        "efficiency": (whole.r_mean or 0.0) / (first.r_mean or 1.0) if efficient else None,
    }


def named(axes: Sequence[Axis], point: Point) -> dict[str, float]:
    """The values of a point by their paths."""
    return {axis.path: int(at) if axis.whole else at for axis, at in zip(axes, point, strict=True)}


def neighbours(points: Sequence[Point], axes: Sequence[Axis], *, grid: bool) -> list[list[int]]:
    """For each point, the places of those next to it.

    In a grid those at most one value away in every field; of points at random the twice as many nearest ones as there
    are fields, with each field scaled to its span.
    """
    if not grid:
        return _nearest(points, axes)
    places = {point: place for place, point in enumerate(points)}
    steps = [{at: number for number, at in enumerate(axis.values)} for axis in axes]
    found = []
    for point in points:
        middles = [step[at] for step, at in zip(steps, point, strict=True)]
        around = itertools.product(
            *(axis.values[max(middle - 1, 0) : middle + 2] for axis, middle in zip(axes, middles, strict=True))
        )
        found.append([places[one] for one in around if one != point and one in places])
    return found


def _nearest(points: Sequence[Point], axes: Sequence[Axis]) -> list[list[int]]:
    spans = np.array([max(axis.high - axis.low, 1e-300) for axis in axes])
    scaled = np.array(points) / spans
    wanted = min(2 * len(axes), len(points) - 1)
    found = []
    for place in range(len(points)):
        away = np.abs(scaled - scaled[place]).max(axis=1)
        away[place] = np.inf
        found.append(np.argsort(away, kind="stable")[:wanted].tolist())
    return found


def robustness(worth: Sequence[float | None], near: Sequence[Sequence[int]]) -> list[dict[str, Any]]:
    """What each point is worth beside its neighbours.

    ``ratio`` is the mean of the neighbours over the point's own worth, where that is above 0: about 1 on a plateau,
    near 0 or below on a peak that stands alone.
    """
    found = []
    for own, places in zip(worth, near, strict=True):
        around = [other for other in (worth[place] for place in places) if other is not None and math.isfinite(other)]
        mean = sum(around) / len(around) if around else None
        sound = own is not None and math.isfinite(own) and own > 0 and mean is not None
        found.append(
            {
                "neighbours": len(around),
                "neighbours_mean": mean,
                "neighbours_worst": min(around) if around else None,
                "ratio": (mean or 0.0) / (own or 1.0) if sound else None,
            }
        )
    return found


def deflate(points: Sequence[Tried], earlier: Sequence[Trial]) -> tuple[int, list[float | None]]:
    """How many trials there were in all, and the deflated Sharpe ratio of each point: every point is a trial."""
    sharpes = {trial.key: trial.sharpe for trial in earlier}
    sharpes |= {one.trial: one.figures["sharpe_daily"] for one in points}
    known = [found for found in sharpes.values() if found is not None]
    threshold = best_of_worthless(float(np.std(known, ddof=1)), len(sharpes)) if len(known) > 1 else 0.0
    found: list[float | None] = []
    for one in points:
        own = one.figures["sharpe_daily"]
        shape = (one.figures.get("skewness"), one.figures.get("kurtosis"))
        if own is None or shape[0] is None or shape[1] is None:
            found.append(None)
        else:
            found.append(above(own, threshold, int(one.figures["days"]), float(shape[0]), float(shape[1])))
    return len(sharpes), found


def heat_maps(points: Sequence[Tried], axes: Sequence[Axis], worth: Sequence[float | None]) -> list[dict[str, Any]]:
    """The mean worth over all other fields, for each pair of fields; of one field alone a single row."""
    columns = [_column(axis, [one.point[place] for one in points]) for place, axis in enumerate(axes)]
    pairs: list[tuple[int, int | None]] = [(x, y) for x in range(len(axes)) for y in range(x + 1, len(axes))]
    pairs = pairs[:_MOST_MAPS] or [(0, None)]
    found = []
    for x, y in pairs:
        labels, across = columns[x]
        rows, down = columns[y] if y is not None else ([""], [0] * len(points))
        sums, counts = np.zeros((len(rows), len(labels))), np.zeros((len(rows), len(labels)), dtype=np.int64)
        for own, column, line in zip(worth, across, down, strict=True):
            if own is not None and math.isfinite(own):
                sums[line, column] += own
                counts[line, column] += 1
        cells = [
            [float(total) / int(many) if many else None for total, many in zip(*pair, strict=True)]
            for pair in zip(sums, counts, strict=True)
        ]
        found.append(
            {"x": axes[x].path, "y": axes[y].path if y is not None else "", "x_values": labels, "y_values": rows,
             "cells": cells}
        )  # fmt: skip
    return found


def _column(axis: Axis, values: Sequence[float]) -> tuple[list[str], list[int]]:
    """The labels of a field's cells, and in which of them each value lies."""
    own = sorted(set(values))
    if len(own) <= MOST_CELLS:
        places = {at: number for number, at in enumerate(own)}
        return [f"{at:g}" for at in own], [places[at] for at in values]
    borders = np.linspace(axis.low, axis.high, MOST_CELLS // 2 + 1)
    cells = np.clip(np.searchsorted(borders, values, side="right") - 1, 0, MOST_CELLS // 2 - 1)
    return [f"{low:.4g}-{high:.4g}" for low, high in itertools.pairwise(borders)], cells.tolist()
