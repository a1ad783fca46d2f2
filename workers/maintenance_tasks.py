"""The tasks that look after the installation: their specifications and thin functions."""

from __future__ import annotations

from typing import Final

from app.tasks import NoParams, Queue, TaskContext, TaskSpec
from workers.health.report import HealthReport, make_report, store_report


def system_health_check(ctx: TaskContext, _params: NoParams) -> HealthReport:
    """Look at everything; trouble that is found is the result, not a failure of the run."""
    report = make_report(ctx)
    store_report(ctx, report)
    return report


SPECS: Final = (
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
