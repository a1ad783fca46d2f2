"""An engine's core (runner, history, timetable) in a temporary folder, with tasks made for measuring."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.clock import SystemClock
from app.history import RunHistory
from app.inflight import Inflight
from app.interpreter import share_fairly
from app.paths import Paths
from app.recorder import Recorder
from app.runner import Runner
from app.settings import Settings
from app.settings_store import SettingsStore
from app.storage import Storage
from app.tasks import Queue, Registry, TaskContext, TaskParams, TaskResult, TaskSpec
from workers.health.normal import Normal


@dataclass
class Lent:
    """Services as far as measuring tasks use them."""

    clock: SystemClock = field(default_factory=SystemClock)
    settings: Settings = field(default_factory=Settings)
    storage: Any = None
    terminal: Any = None
    http: Any = None
    engine_facts: Callable[[], dict[str, Any]] = dict


class House:
    """The core of an engine."""

    def __init__(self, folder: Path) -> None:
        self.clock = SystemClock()
        self.registry = Registry()
        self.store = SettingsStore(folder / "settings.toml")
        self.store.load()
        self.history = RunHistory(folder / "metronome.db", self.clock)
        self.inflight = Inflight(folder / "metronome.inflight")
        self.runner = Runner(
            self.registry, Lent(), self.history, self.inflight, self.clock, {queue: 2 for queue in Queue}
        )
        # As in the engine: both are on the way of every run.
        self.runner.subscribe(Recorder(self.clock).run_ended)
        self.runner.expectation = Normal(self.history, self.store, Storage(Paths(folder), self.clock))

    def add(
        self,
        task: str,
        run: Callable[[TaskContext, TaskParams], TaskResult],
        queue: Queue = Queue.MONITORING,
        schedule: str = "manual",
    ) -> None:
        """Register a task."""
        limit = 3600.0
        self.registry.add(
            TaskSpec(task, task, "", queue, run, schedule=schedule, soft_limit_s=limit, hard_limit_s=limit)
        )


@contextmanager
def house() -> Iterator[House]:
    """A house that is closed and removed afterwards."""
    share_fairly()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        made = House(Path(folder))
        try:
            yield made
        finally:
            made.runner.stop(5)
            made.history.close()
            made.inflight.close()
