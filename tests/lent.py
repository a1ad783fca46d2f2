"""Services that a task gets from the engine, for tests of what needs none of them but the clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from app.clock import SystemClock
from app.settings import Settings


@dataclass
class Lent:
    """The clock and the settings are real; asking for anything else fails."""

    clock: SystemClock = field(default_factory=SystemClock)
    settings: Settings = field(default_factory=Settings)
    storage: Any = None
    terminal: Any = None
    http: Any = None
    engine_facts: Callable[[], dict[str, Any]] = dict
