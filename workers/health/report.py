"""All checks of one run as a report, with since when each verdict stands, and its place in the day's file."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.errors import UserAction
from app.runs import iso
from app.storage import Storage
from app.tasks import TaskContext, TaskResult
from workers.health import trend
from workers.health.checks import CHECKS, Finding, Verdict, look
from workers.health.history_check import look_through_history
from workers.health.own_checks import process_start
from workers.wording import count


class Check(BaseModel):
    """One check as it is stored and shown."""

    model_config = ConfigDict(frozen=True)

    name: str
    title: str
    verdict: Verdict
    value: str = Field(description="What was found, for people.")
    rule: str = Field(description="When it is a warning or an error, with the thresholds of the settings.")
    since: str = Field(description="Since when the verdict is this one; ISO 8601, UTC.")
    advice: str = Field(default="", description="What to do; empty when all is well.")
    figures: dict[str, float] = Field(default_factory=dict, description="What was measured, units in the names.")
    remedies: tuple[str, ...] = Field(default=(), description="What the window can do at once: names of Remedy.")
    judged: bool = Field(default=True, description="False when there was nothing to judge; the verdict is ok then.")


class HealthReport(TaskResult):
    """The verdict on everything: healthy, warning or unhealthy, and the checks that lead to it."""

    overall: str = Field(description="healthy, warning (at least one warning) or unhealthy (at least one error).")
    ok: int = Field(description="Checks that found all well.")
    not_judged: int = Field(default=0, description="Checks that had nothing to judge; their verdict is ok, too.")
    warnings: int = Field(description="Checks with a warning.")
    errors: int = Field(description="Checks with an error.")
    checks: tuple[Check, ...] = Field(description="Each check.")

    def summary(self) -> str:
        if self.overall == "healthy":
            unjudged = f", {self.not_judged} not judged yet" if self.not_judged else ""
            return f"Healthy: {count(self.ok, 'check')} ok{unjudged}"
        notable = [check for check in self.checks if check.verdict is not Verdict.OK]
        worst = sorted(notable, key=lambda check: check.verdict is not Verdict.ERROR)
        told = [f"{check.title.lower()} {check.value}" for check in worst]
        told += [f"{count(self.not_judged, 'check')} not judged yet"] if self.not_judged else []
        return f"{self.overall.capitalize()}: {'; '.join(told)}"


def make_report(ctx: TaskContext) -> HealthReport:
    """Make all checks.

    Raises:
        Cancelled: the run was asked to stop.
        StorageError: the report of before is there but cannot be read.
    """
    now = ctx.clock.now()
    before = _previous(ctx.storage)
    facts = ctx.engine_facts
    try:
        past, newer = trend.load(ctx.storage), False
    except UserAction as error:  # of a newer version: left alone, and the checks do without
        ctx.warn(str(error))
        past, newer = trend.Trend(), True
    known = look_through_history(ctx, facts, past)
    facts = {**facts, "trend": known}
    checks = []
    for number, (name, title, function) in enumerate(CHECKS):
        ctx.progress(number, len(CHECKS), title)
        checks.append(_check(name, title, look(function, ctx, facts), before.get(name), now))
    ctx.progress(len(CHECKS), len(CHECKS))
    figures = {name: value for check in checks for name, value in check.figures.items() if "." not in name}
    if not newer:
        trend.store(ctx.storage.paths, known.with_point(trend.Point(now.timestamp(), _began(now), figures)))
    tally = {verdict: sum(check.verdict is verdict and check.judged for check in checks) for verdict in Verdict}
    overall = "unhealthy" if tally[Verdict.ERROR] else "warning" if tally[Verdict.WARNING] else "healthy"
    return HealthReport(
        overall=overall,
        ok=tally[Verdict.OK],
        not_judged=sum(not check.judged for check in checks),
        warnings=tally[Verdict.WARNING],
        errors=tally[Verdict.ERROR],
        checks=tuple(checks),
    )


def _began(now: datetime) -> float:
    """When this process began (UTC epoch seconds); where the system does not tell, each check stands by itself."""
    try:
        return process_start()
    except OSError:
        return now.timestamp()


def store_report(ctx: TaskContext, report: HealthReport) -> None:
    """Append the report to the file of the day.

    Raises:
        StorageError: the file cannot be written.
    """
    now = ctx.clock.now()
    path = ctx.storage.paths.health_checks / f"health_{now:%Y%m%d}.json"
    entry = {"time": iso(now), "run_id": ctx.run_id, **report.model_dump(mode="json")}
    ctx.storage.append_json_item(path, entry, head={"date": f"{now:%Y-%m-%d}"})
    ctx.wrote(path)


def _check(name: str, title: str, found: Finding, before: Check | None, now: datetime) -> Check:
    same = before is not None and before.verdict is found.verdict and before.judged == found.judged
    since = before.since if before is not None and same else iso(now) or ""
    return Check(
        name=name,
        title=title,
        verdict=found.verdict,
        value=found.value,
        rule=found.rule,
        since=since,
        advice=found.advice,
        figures=dict(found.figures),
        remedies=tuple(remedy.value for remedy in found.remedies),
        judged=found.judged,
    )


def _previous(storage: Storage) -> Mapping[str, Check]:
    """The checks of the newest stored report by name; none when there is no report yet."""
    folder = storage.paths.health_checks
    for path in sorted(folder.glob("health_????????.json"), reverse=True):
        entry = storage.last_json_item(path)
        if entry is not None:
            return _checks_of(entry)
    return {}


def _checks_of(entry: Any) -> Mapping[str, Check]:
    """The checks of a stored report; those that do not read as checks are left out, they only cost their since."""
    found: dict[str, Check] = {}
    listed = entry.get("checks") if isinstance(entry, dict) else None
    for item in listed if isinstance(listed, list) else []:
        try:
            check = Check.model_validate(item)
        except ValidationError:
            continue
        found[check.name] = check
    return found
