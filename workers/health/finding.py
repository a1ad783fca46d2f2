"""What a check finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from app.tasks import TaskContext


class Verdict(StrEnum):
    """What a check found."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        value: For people.
        rule: When it is a warning or an error, with its thresholds.
        advice: What to do; empty when it is ok.
        figures: What was measured, by name with its unit at the end, for plots and trends.
    """

    verdict: Verdict
    value: str
    rule: str
    advice: str = ""
    figures: Mapping[str, float] = field(default_factory=dict)


#: Facts of the engine (``Engine.facts``), and the ``trend`` of the checks before.
Facts = Mapping[str, Any]
CheckFunction = Callable[[TaskContext, Facts], Finding]
