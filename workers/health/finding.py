"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.tasks import TaskContext
from workers.wording import count


class Verdict(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


class Remedy(StrEnum):
    """What the window can do about a finding; the names stand in the data of a check."""

    RECONNECT = "reconnect"
    HOST_CHILD = "host_child"
    RESUME = "resume"
    OPEN_HOME = "open_home"
    OPEN_LOGS = "open_logs"
    OPEN_CACHE = "open_cache"
    CLEAN_LOGS = "clean_logs"
    CLEAN_CACHE = "clean_cache"
    CONFIRM_LOGS = "confirm_logs"
    CONFIRM_CACHE = "confirm_cache"
    FETCH_NEWS = "fetch_news"
    FETCH_CALENDAR = "fetch_calendar"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        value: For people.
        rule: When it is a warning or an error, with its thresholds.
        advice: What to do; empty when it is ok.
        figures: What was measured, by name with its unit at the end, for plots and trends.
        remedies: What can be done at once, the likeliest first.
        judged: Whether there was anything to judge. Without, the verdict is ok for want of trouble, and says so.
    """

    verdict: Verdict
    value: str
    rule: str
    advice: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)
    remedies: tuple[Remedy, ...] = ()
    judged: bool = True


def not_judged(why: str, rule: str) -> Finding:
    """What a check finds that had nothing to look at: no trouble, but nothing that is known to be well either."""
    return Finding(Verdict.OK, why, rule, judged=False)


def span(limit_s: float) -> str:
    """A limit as people say it: whole days and hours where it has them."""
    for unit, size_s in (("day", 86_400), ("hour", 3_600), ("minute", 60)):
        if limit_s >= size_s and limit_s % size_s == 0:
            return count(int(limit_s // size_s), unit)
    return f"{limit_s:g} s"


#: Facts of the engine (``Engine.facts``), and the ``trend`` of the checks before.
Facts = Mapping[str, Any]
CheckFunction = Callable[[TaskContext, Facts], Finding]
