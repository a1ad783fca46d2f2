"""The task that imports files: its specification and thin function. The work is in ``workers.imports``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from app.errors import NothingToDo, UserAction
from app.settings_model import Timeframe
from app.tasks import Overlap, Queue, TaskContext, TaskParams, TaskResult, TaskSpec
from workers.wording import count


class ImportParams(TaskParams):
    """Which files to import, and what only the user knows about them."""

    files: tuple[str, ...] = Field(
        default=(), title="Files", description="Full paths of exports, reports or tester settings."
    )
    time_zone: str = Field(
        default="",
        max_length=64,
        title="Time zone",
        description="Clock of the times in the files, for example GMT+2/+3 New York, UTC+3 or Europe/Athens; "
        "empty: told from the files, or asked for.",
    )
    symbol: str = Field(
        default="", max_length=64, title="Symbol", description="Symbol of the files; empty: told from their names."
    )
    timeframe: Timeframe | None = Field(
        default=None, title="Timeframe", description="Timeframe of the bars; empty: told from their times."
    )
    point: float = Field(
        default=0.0, ge=0, le=1_000_000, title="Point", description="Prices are in points of this size; 0: in prices."
    )
    replace: bool = Field(
        default=False,
        title="Replace",
        description="A bar history of another market gives way: it is moved aside and the import takes its place.",
    )


class ImportResult(TaskResult):
    """What came of the files."""

    files: tuple[dict[str, Any], ...] = Field(default=(), description="Each file: kind, rows, refused, notes, error.")
    rows: int = Field(default=0, description="Rows read and accepted.")
    refused: int = Field(default=0, description="Rows that were refused.")
    added: int = Field(default=0, description="Rows that are new in our files.")
    failed: int = Field(default=0, description="Files of which nothing was stored.")

    def summary(self) -> str:
        parts = [count(len(self.files), "file"), f"{self.rows:,} rows read", f"{self.added:,} new"]
        if self.refused:
            parts.append(f"{self.refused:,} refused")
        if self.failed:
            parts.append(f"{self.failed} not imported")
        return ", ".join(parts)


class NothingImported(UserAction):
    """Not one file could be imported; ``findings`` says of each why."""

    def __init__(self, message: str, advice: str, findings: Mapping[str, Any]) -> None:
        super().__init__(message, advice=advice)
        self.findings = findings


def import_files(ctx: TaskContext, params: ImportParams) -> ImportResult:
    """Import files of MetaTrader and of other programs."""
    if not params.files:
        raise NothingToDo("No file was named.", advice="Drop files on the window, or: python main.py import FILE...")
    from workers.imports import run
    from workers.imports.outcome import Options

    options = Options(params.time_zone, params.symbol, params.timeframe or "", params.point, params.replace)
    paths = [Path(file) for file in dict.fromkeys(params.files)]
    outcomes = run.import_files(ctx.storage, ctx.clock, ctx.settings, paths, options, ctx.progress)
    bad = [outcome for outcome in outcomes if outcome.error]
    result = ImportResult(
        files=tuple(outcome.as_json() for outcome in outcomes),
        rows=sum(outcome.rows for outcome in outcomes),
        refused=sum(outcome.refusals.count for outcome in outcomes),
        added=sum(outcome.added for outcome in outcomes),
        failed=len(bad),
    )
    if len(bad) == len(outcomes):
        more = f" (and {len(bad) - 1} more)" if len(bad) > 1 else ""
        raise NothingImported(f"{bad[0].error}{more}", bad[0].advice, result.model_dump(mode="json"))
    for outcome in outcomes:
        if outcome.error:
            ctx.warn(f"{Path(outcome.file).name} was not imported: {outcome.error} {outcome.advice}")
        elif outcome.refusals.count or outcome.missing:
            told = [*outcome.missing, *outcome.refusals.summary()]
            more = " Save it anew for the rest." if outcome.missing else ""
            ctx.warn(f"{Path(outcome.file).name}: {' '.join(told)}{more}")
        for doubt in outcome.doubts:
            ctx.warn(f"{Path(outcome.file).name}: {doubt}")
        if outcome.stored:
            ctx.wrote(ctx.storage.paths.home / outcome.stored)
    return result


SPECS: Final = (
    TaskSpec(
        id="import_files",
        title="Import files",
        description="Bars, ticks, tester and history reports that MetaTrader and other programs exported.",
        queue=Queue.DATA_COLLECTION,
        run=import_files,
        params=ImportParams,
        result=ImportResult,
        soft_limit_s=3600.0,
        hard_limit_s=3900.0,
        overlap=Overlap.QUEUE_ONE,
    ),
)
