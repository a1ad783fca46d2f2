"""The stored sweeps of a home, as the window shows them: heat maps, and the points that were proved best."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.errors import UserAction
from app.files import guarding
from app.paths import Paths
from workers.backtest.values import number

LARGEST: Final = 64 * 2**20
_MOST: Final = 200
_FOLDER: Final = "sweeps"
_MOST_CELLS: Final = 64


@dataclass(frozen=True, slots=True)
class HeatMap:
    """What the objective was on average for each pair of values of two fields.

    Attributes:
        x, y: Paths of the fields; ``y`` is empty when only one was varied.
        cells: A row for each value of ``y``, a cell for each of ``x``; None where nothing was tried.
    """

    x: str
    y: str
    x_values: tuple[str, ...]
    y_values: tuple[str, ...]
    cells: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class TopPoint:
    """One of the best points by what it brought in the parts to prove it on.

    Attributes:
        ratio: The mean of its neighbours over its own: about 1 on a plateau, near 0 on a peak that stands alone.
    """

    values: str
    objective: float | None
    trades: int | None
    ratio: float | None
    deflated: float | None


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """One finished sweep."""

    stem: str
    name: str
    symbol: str
    timeframe: str
    created: str
    objective: str
    points: int
    trials: int | None
    proved: Mapping[str, Any]
    maps: tuple[HeatMap, ...]
    top: tuple[TopPoint, ...]

    @property
    def middle(self) -> float:
        """The value of the objective at which nothing is won and nothing lost."""
        return 1.0 if self.objective == "profit_factor" else 0.0


def sweeps(paths: Paths) -> tuple[str, ...]:
    """Stems of the finished sweeps, the newest first.

    Raises:
        StorageError: the folder cannot be read.
    """
    folder = paths.backtests / _FOLDER
    with guarding(folder, "read"):
        files = [(path.stat().st_mtime_ns, path.stem) for path in folder.glob("*.json")] if folder.is_dir() else []
    return tuple(stem for _time, stem in sorted(files, reverse=True)[:_MOST])


def open_sweep(paths: Paths, stem: str) -> Sweep:
    """One sweep.

    Raises:
        UserAction: it is not there any more, or damaged.
        StorageError: it cannot be read.
    """
    path = paths.backtests / _FOLDER / f"{stem}.json"
    found = _document(path)
    walked, top, maps = found.get("walk_forward"), found.get("top"), found.get("heat_maps")
    proved = walked.get("out_of_sample") if isinstance(walked, dict) else None
    points, trials = found.get("points"), number(found.get("trials"))
    return Sweep(
        stem,
        str(found.get("name") or stem),
        str(found.get("symbol") or ""),
        str(found.get("timeframe") or ""),
        str(found.get("created") or ""),
        str(found.get("objective") or ""),
        len(points) if isinstance(points, list) else 0,
        None if trials is None else int(trials),
        proved if isinstance(proved, dict) else {},
        tuple(one for item in (maps if isinstance(maps, list) else []) if (one := _heat_map(item)) is not None),
        tuple(_top(item) for item in (top if isinstance(top, list) else []) if isinstance(item, dict)),
    )


def _document(path: Path) -> dict[str, Any]:
    with guarding(path, "read"):
        try:
            large = path.stat().st_size > LARGEST
            content = b"" if large else path.read_bytes()
        except FileNotFoundError:
            raise UserAction(f"{path.name} is not there any more.", advice="Choose another sweep.") from None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not isinstance(found.get("heat_maps"), list):
        raise UserAction(f"{path.name} is damaged, or no sweep.", advice="Delete it, and run the sweep again.")
    return found


def _heat_map(found: object) -> HeatMap | None:
    """A map whose rows and columns fit its cells; None else."""
    if not isinstance(found, dict):
        return None
    across, down, cells = (found.get(name) for name in ("x_values", "y_values", "cells"))
    if not (isinstance(across, list) and isinstance(down, list) and isinstance(cells, list)):
        return None
    if not 0 < len(across) <= _MOST_CELLS or not 0 < len(down) <= _MOST_CELLS or len(cells) != len(down):
        return None
    if any(not isinstance(row, list) or len(row) != len(across) for row in cells):
        return None
    return HeatMap(
        str(found.get("x") or ""),
        str(found.get("y") or ""),
        tuple(map(str, across)),
        tuple(map(str, down)),
        tuple(tuple(number(cell) for cell in row) for row in cells),
    )


def _top(found: Mapping[str, Any]) -> TopPoint:
    values, proved, near = (found.get(name) for name in ("values", "proved", "robustness"))
    named = values.items() if isinstance(values, dict) else ()
    told = ", ".join(f"{name} {value:g}" for name, value in named if number(value) is not None)
    trades = number(proved.get("trades")) if isinstance(proved, dict) else None
    return TopPoint(
        told,
        number(found.get("objective")),
        None if trades is None else int(trades),
        number(near.get("ratio")) if isinstance(near, dict) else None,
        number(found.get("deflated_sharpe_ratio")),
    )
