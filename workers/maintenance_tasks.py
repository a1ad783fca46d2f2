"""The tasks that look after the installation: their specifications and thin functions."""

from __future__ import annotations

from typing import Final

from app.tasks import CatchUp, NoParams, Queue, TaskContext, TaskSpec
from workers.health.report import HealthReport, make_report, store_report
from workers.maintenance.archive import archive
from workers.maintenance.cleanup import Order, clean, found_so_far
from workers.maintenance.optimize_csv import optimise
from workers.maintenance.results import (
    ArchiveParams,
    ArchiveResult,
    CacheParams,
    CleanupResult,
    LogsParams,
    OptimizeResult,
)
from workers.maintenance.rules import CACHE, LOGS, Rule
from workers.wording import count


def cleanup_old_logs(ctx: TaskContext, params: LogsParams) -> CleanupResult:
    """Delete log files of long ago; never the live one."""
    return _clean(ctx, LOGS, params)


def cleanup_cache(ctx: TaskContext, params: CacheParams) -> CleanupResult:
    """Delete cache files of long ago; never the current documents."""
    return _clean(ctx, CACHE, params)


def _clean(ctx: TaskContext, rule: Rule, params: LogsParams | CacheParams) -> CleanupResult:
    order = Order(rule, params.days_to_keep, params.dry_run, params.confirm)
    found = clean(ctx, order)
    if found.question:
        stays = "A run would ask first." if params.dry_run else "They were kept."
        ctx.warn(f"{found.question} {stays} When the clock is right, run the task with Confirm (confirm=true).")
    if found.listing.troubles:
        ctx.warn(f"{count(found.listing.troubles, 'file')} could not be deleted; {found.listing.first_trouble}.")
    return CleanupResult(**found_so_far(found.survey, found.listing, order))


def archive_old_trades(ctx: TaskContext, params: ArchiveParams) -> ArchiveResult:
    """Move trade logs of long ago into the archive."""
    found = archive(ctx, params.days_to_keep, pack=params.compress, dry_run=params.dry_run)
    listing = found.listing
    if listing.troubles:
        ctx.warn(f"{count(listing.troubles, 'file')} could not be archived; {listing.first_trouble}.")
    return ArchiveResult(
        dry_run=params.dry_run,
        looked_at=found.looked_at,
        files=listing.done,
        bytes=listing.bytes,
        oldest=str(listing.oldest or ""),
        newest=str(listing.newest or ""),
        skipped=listing.skipped,
        reasons=listing.reasons,
        listed=listing.entries(),
        same=found.same,
        renamed=found.renamed,
        stored_bytes=found.stored_bytes,
    )


def optimize_csv_files(ctx: TaskContext, _params: NoParams) -> OptimizeResult:
    """Put bar histories and trade logs in order."""
    return OptimizeResult(**optimise(ctx).findings())


def system_health_check(ctx: TaskContext, _params: NoParams) -> HealthReport:
    """Look at everything; trouble that is found is the result, not a failure of the run."""
    report = make_report(ctx)
    store_report(ctx, report)
    return report


SPECS: Final = (
    TaskSpec(
        id="cleanup_old_logs",
        title="Clean up old logs",
        description="Deletes log files older than 30 days; never the live log or trade logs.",
        queue=Queue.MAINTENANCE,
        run=cleanup_old_logs,
        params=LogsParams,
        result=CleanupResult,
        schedule="daily 02:00",
        soft_limit_s=600.0,
        hard_limit_s=900.0,
        catch_up=CatchUp.RUN_ONCE,
    ),
    TaskSpec(
        id="cleanup_cache",
        title="Clean up the cache",
        description="Deletes cache files older than 7 days; never bar history or current documents.",
        queue=Queue.MAINTENANCE,
        run=cleanup_cache,
        params=CacheParams,
        result=CleanupResult,
        schedule="daily 03:00",
        soft_limit_s=600.0,
        hard_limit_s=900.0,
        catch_up=CatchUp.RUN_ONCE,
    ),
    TaskSpec(
        id="archive_old_trades",
        title="Archive old trades",
        description="Moves trade logs older than 90 days to logs/archive, checked and never overwriting.",
        queue=Queue.MAINTENANCE,
        run=archive_old_trades,
        params=ArchiveParams,
        result=ArchiveResult,
        schedule="daily 04:00",
        soft_limit_s=600.0,
        hard_limit_s=900.0,
        catch_up=CatchUp.RUN_ONCE,
    ),
    TaskSpec(
        id="optimize_csv_files",
        title="Optimise CSV files",
        description="Bar histories and trade logs: sorted, without duplicates; what is no row is set aside.",
        queue=Queue.MAINTENANCE,
        run=optimize_csv_files,
        result=OptimizeResult,
        schedule="weekly sun 05:00",
        soft_limit_s=3600.0,
        hard_limit_s=3900.0,
        catch_up=CatchUp.RUN_ONCE,
    ),
    TaskSpec(
        id="system_health_check",
        title="System health check",
        description="Terminal, disk, logs, cache, timetable, queues: a verdict for each, with what to do.",
        queue=Queue.MONITORING,
        run=system_health_check,
        result=HealthReport,
        schedule="*/30 * * * *",
        soft_limit_s=30.0,
        hard_limit_s=60.0,
        on_start=True,
    ),
)
