"""The check of the history of runs: readable, writable, intact, and not lost without a word."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from app.tasks import TaskContext
from workers.health.finding import Facts, Finding, Remedy, Verdict
from workers.health.trend import Trend, rested
from workers.wording import count, seconds, size

#: For so long after a history was lost the check warns, unless the user did away with the damaged file before.
_TOLD: Final = timedelta(days=7)


def history(ctx: TaskContext, facts: Facts) -> Finding:
    """Whether the history of runs can be read and written, is intact, and was not begun anew within the last days."""
    found, trend = facts["history"], facts.get("trend") or Trend()
    rule = (
        "error when the file could not be opened, read or written the last time, or was damaged at the daily look; "
        f"warning for {_TOLD.days} days after it was lost to damage"
    )
    value = f"{count(found['rows'], 'run')}, {size(found['bytes'])}"
    figures = {"history_bytes": float(found["bytes"]), "history_rows": float(found["rows"])}
    of_this_file = trend.integrity_file == found.get("file_id", "")
    problem = "" if found["ok"] else found.get("problem") or "it could not be read or written"
    if not problem and of_this_file and trend.integrity:
        problem = f"it is damaged ({trend.integrity})"
    elif of_this_file and trend.integrity_at is not None:
        ago = max(0.0, (ctx.clock.now() - trend.integrity_at).total_seconds())
        value += f", intact {seconds(ago)} ago"
    if problem:
        advice = "Free some space if the disk is full, then restart Metronome: a damaged file is kept aside."
        return Finding(Verdict.ERROR, f"{value}: {problem}", rule, advice, figures)
    return _with_lost(ctx, Finding(Verdict.OK, value, rule, figures=figures), found.get("aside") or [])


def _with_lost(ctx: TaskContext, found: Finding, aside: list[Mapping[str, Any]]) -> Finding:
    """The finding with what is told of damaged files of before; those of long ago are only mentioned.

    Args:
        aside: ``file`` and ``at`` (ISO 8601) of each, the newest first.
    """
    if not aside:
        return found
    at = datetime.fromisoformat(aside[0]["at"])
    name, more = aside[0]["file"], len(aside) - 1
    others = f" (and {count(more, 'other')} before)" if more else ""
    if ctx.clock.now() - at >= _TOLD:
        return replace(found, value=f"{found.value}; {name}{others} still lies beside it")
    value = f"damaged on {at:%Y-%m-%d %H:%M} UTC and moved to {name}{others}; a new one was begun: {found.value}"
    advice = (
        f"The runs of before are in {ctx.storage.paths.data / name}. Keep that file elsewhere if you want to have them "
        "looked at, or delete it: then this warning goes. If it happens again, have the disk checked."
    )
    return replace(found, verdict=Verdict.WARNING, value=value, advice=advice, remedies=(Remedy.OPEN_HOME,))


def look_through_history(ctx: TaskContext, facts: Facts, trend: Trend) -> Trend:
    """Let the history database be looked through once a day and when it is another file; the trend with the outcome."""
    known = facts.get("history", {})
    check, file_id = known.get("check_integrity"), known.get("file_id", "")
    if check is None or not rested(trend, ctx.clock.now(), file_id):
        return trend
    try:
        problem = check()
    except (OSError, sqlite3.Error) as error:
        ctx.log.warning("The history of runs could not be looked through (%s); the next check tries again.", error)
        return trend
    return replace(trend, integrity_at=ctx.clock.now(), integrity=problem, integrity_file=file_id)
