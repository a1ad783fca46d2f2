"""A sweep: many rules that differ in some numbers, tried on all processors, and judged by what they had not seen."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from app.errors import NothingToDo
from app.files import guarding
from app.tasks import TaskContext
from app.workpool import run_jobs
from workers.backtest import folds, space, sweep_report, told
from workers.backtest.keeping import keep_trials
from workers.backtest.params import SweepParams, SweepResult
from workers.backtest.report_json import plain
from workers.backtest.request import Request, Voice
from workers.backtest.run import Gatherer
from workers.backtest.space import Axis, Point
from workers.backtest.sweep_case import SweepCase
from workers.backtest.sweep_judge import tried
from workers.backtest.work import opened
from workers.strategy.evidence import canonical
from workers.wording import count

FOLDER: Final = "sweeps"
#: Points that a process takes at once.
_CHUNK: Final = 4
_BLOCK: Final = 1 << 20
_SCHEMA: Final = 1


def sweep(ctx: TaskContext, params: SweepParams, limit_s: float) -> SweepResult:
    """Try all points that are not known yet, and judge all of them.

    Raises:
        UserAction: strategy, fields, bars or another parameter cannot be used.
        NothingToDo: not one point is a rule.
        StorageError: a result or the report cannot be written.
        WorkerCrashed: the processes took longer than ``limit_s``, or died again and again.
        Cancelled: the run was asked to stop; the next one goes on.
    """
    axes = space.axes(params.vary, at_random=params.random is not None)
    points = space.points(axes, params.random, params.seed)
    folds.check(params.walk_forward)
    asks_news = any(axis.path == "strategy.news_embargo_minutes" for axis in axes)
    request = Gatherer(ctx, params, calibrate=asks_news).request()
    request = replace(request, calibrate=False, walk_forward=params.walk_forward)
    results = Results(request.folder / FOLDER, _key(request, params), axes, request)
    known = results.read(len(points))
    jobs = _jobs([place for place in range(len(points)) if place not in known])
    with_points = [(job, [points[place] for place in job]) for job in jobs]
    done = _Told(ctx, results, len(points), known)
    if with_points:
        run_jobs(
            ctx, start, (request, axes), with_points, done,
            processes=min(params.processes or os.cpu_count() or 1, len(with_points)), limit_s=limit_s,
        )  # fmt: skip
    rows = [done.rows[place] for place in range(len(points))]
    good = [row for row in rows if "invalid" not in row]
    if not good:
        raise NothingToDo(
            f"Not one of {count(len(rows), 'point')} is a rule. The first: {rows[0]['invalid']}.",
            advice="Vary the fields within what the rule file takes.",
        )
    keep_trials(ctx, request, [(row["trial"], row["figures"]["sharpe_daily"]) for row in good])
    ctx.check_cancelled()
    return _reported(ctx, params, request, axes, good, results.path, known=len(known), invalid=len(rows) - len(good))


def _reported(
    ctx: TaskContext,
    params: SweepParams,
    request: Request,
    axes: Sequence[Axis],
    good: Sequence[Mapping[str, Any]],
    results: Path,
    *,
    known: int,
    invalid: int,
) -> SweepResult:
    """Judge the points that are rules, and write what came of it."""
    head = {**request.about, **good[0]["head"], "currency": request.market.currency}
    bars = dict(head["bars"])
    warnings = [*request.warnings, *bars.pop("warnings")]
    head |= {
        "bars": bars,
        "terms": told.terms_of(request.terms),
        "costs": told.costs_of(request.costs),
        "vary": params.vary,
    }
    head |= {"random": params.random, "seed": params.seed, "asked_folds": params.walk_forward}
    found = sweep_report.document(
        head, axes, [tried(row) for row in good], request.trials, params.objective, params.least_trades
    )
    found |= {"known": known, "invalid": invalid, "warnings": warnings}
    paths = sweep_report.write(found, request.folder / FOLDER, request.stem)
    for path in (results, *paths):
        ctx.wrote(path)
    for warning in warnings:
        ctx.warn(warning)
    document, table, page = map(str, paths)
    return SweepResult(
        strategy=head["strategy"],
        symbol=head["symbol"],
        timeframe=head["timeframe"],
        currency=head["currency"],
        objective=params.objective,
        points=len(good) + invalid,
        known=known,
        invalid=invalid,
        trials=found["trials"],
        walk_forward=found["walk_forward"],
        top=tuple(found["top"]),
        results=str(results),
        report_json=document,
        points_csv=table,
        report_html=page,
    )


def start(report: Voice, request: Request, axes: Sequence[Axis]) -> Callable[[Any], list[dict[str, Any]]]:
    """Make a process ready: bars are read once, and averages are shared by all points that it takes."""
    case, grade = opened(_Quiet(report), request, SweepCase)
    trial, strategy = case.sweep(request.walk_forward), request.strategy
    head = {"bars": case.bars_told(grade), "folds": case.fold_spans(request.walk_forward)}

    def work(job: tuple[Sequence[int], Sequence[Point]]) -> list[dict[str, Any]]:
        rows = []
        for place, point in zip(*job, strict=True):
            row: dict[str, Any] = {"point": place, "values": list(point)}
            rule = space.applied(strategy, axes, point)
            found = rule if isinstance(rule, str) else trial(rule)
            rows.append(row | ({"invalid": found} if isinstance(found, str) else {**found, "head": head}))
        return rows

    return work


class _Quiet:
    """A process that reads its bars has nothing to tell that the run does not tell better."""

    def __init__(self, voice: Voice) -> None:
        self._voice = voice

    def progress(self, done: int, total: int, text: str = "") -> None:
        self.check_cancelled()

    def check_cancelled(self) -> None:
        self._voice.check_cancelled()


def _jobs(places: Sequence[int]) -> list[list[int]]:
    return [list(places[begin : begin + _CHUNK]) for begin in range(0, len(places), _CHUNK)]


class _Told:
    """Keeps what comes and tells the run how far it is."""

    def __init__(self, ctx: TaskContext, results: Results, total: int, known: Mapping[int, dict[str, Any]]) -> None:
        self._ctx, self._results, self._total = ctx, results, total
        self.rows: dict[int, dict[str, Any]] = dict(known)
        self._tell()

    def __call__(self, rows: Sequence[dict[str, Any]]) -> None:
        self._results.add(rows)
        self.rows |= {row["point"]: row for row in rows}
        self._tell()

    def _tell(self) -> None:
        self._ctx.progress(len(self.rows), self._total, f"{len(self.rows):,} of {count(self._total, 'point')}")


class Results:
    """What the points brought, a line each as they come: ``data/backtests/sweeps/{...}_{key}.jsonl``.

    The first line says what is varied. A line that a kill tore is cut off, and its point is tried again.
    """

    def __init__(self, folder: Path, key: str, axes: Sequence[Axis], request: Request) -> None:
        strategy = request.strategy
        name = "_".join(request.stem.split("_")[:-3])
        self.path = folder / f"{name}_{key[:12]}.jsonl"
        self._head = {
            "schema": _SCHEMA, "key": key, "strategy": strategy.id, "axes": [asdict(axis) for axis in axes],
        }  # fmt: skip
        self._shared: dict[str, Any] | None = None
        self._begun = False

    def read(self, total: int) -> dict[int, dict[str, Any]]:
        """The lines that are there, by their points; the file is cut to them.

        Raises:
            StorageError: it cannot be read or written.
        """
        with guarding(self.path, "read"):
            data = self.path.read_bytes() if self.path.exists() else b""
        lines = data[: data.rfind(b"\n") + 1].splitlines(keepends=True)
        head = _object(lines[0]) if lines else None
        found: dict[int, dict[str, Any]] = {}
        kept = 0
        if head is not None and head.get("key") == self._head["key"]:
            kept = len(lines[0])
            for line in lines[1:]:
                row = _object(line)
                if row is None or not 0 <= row.get("point", -1) < total:
                    break
                if "shared" in row:
                    self._shared = row.pop("shared")
                if "invalid" not in row and self._shared is None:
                    break
                kept += len(line)
                if "invalid" not in row:
                    row["head"] = self._shared
                found[row["point"]] = row
        self._begun = kept > 0
        if 0 < kept < len(data):
            with guarding(self.path), self.path.open("r+b") as file:
                file.truncate(kept)
        return found

    def add(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Append lines. What all points share stands in the first line of a process's run only.

        Raises:
            StorageError: they cannot be written.
        """
        lines = [] if self._begun else [_line(self._head)]
        for row in rows:
            kept = {name: item for name, item in row.items() if name != "head"}
            if "head" in row and self._shared is None:
                kept["shared"] = self._shared = row["head"]
            lines.append(_line(kept))
        with guarding(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab" if self._begun else "wb") as file:
                file.write(b"".join(lines))
        self._begun = True


def _line(row: Mapping[str, Any]) -> bytes:
    return json.dumps(plain(row), separators=(",", ":"), allow_nan=False).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _key(request: Request, params: SweepParams) -> str:
    """Names a sweep by all that its points follow from: the same one goes on where it was interrupted."""
    parts = {
        "engine": told.ENGINE_VERSION,
        "rule": request.strategy.model_dump(mode="json"),
        "profile": request.about["profile"],
        "market": repr(request.market),
        "terms": told.terms_of(request.terms) | {"start": request.terms.start, "end": request.terms.end},
        "costs": told.costs_of(request.costs),
        "days": request.days,
        "news": _digest_news(request),
        "bars": [_of_file(request.path), _of_history(request), _of_file(request.finer), repr(request.asked)],
        "vary": params.vary,
        "random": params.random,
        "seed": params.seed,
        "folds": params.walk_forward,
        "force": params.force,
    }
    return hashlib.sha256(canonical(parts)).hexdigest()


def _digest_news(request: Request) -> str:
    if request.news is None:
        return ""
    return hashlib.sha256(request.news.times.tobytes() + request.news.high.tobytes()).hexdigest()


def _of_history(request: Request) -> str:
    return hashlib.sha256(request.history.rates.tobytes()).hexdigest() if request.history is not None else ""


def _of_file(path: Path | None) -> str:
    if path is None or not path.is_file():
        return ""
    digest = hashlib.sha256()
    with guarding(path, "read"), path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
