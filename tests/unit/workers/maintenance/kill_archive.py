"""A process that archives the trade logs of a home and dies at its n-th step: ``kill_archive.py HOME N PACK``."""

from __future__ import annotations

import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from app.clock import FakeClock
from app.paths import Paths
from app.storage import Storage
from app.tasks import CancelFlag, TaskContext
from workers.maintenance.archive import archive
from workers.maintenance.archive_ops import Steps

NOW = datetime(2025, 6, 3, 12, tzinfo=UTC)


class Services:
    """All that an archive asks for."""

    def __init__(self, home: Path) -> None:
        self.clock = FakeClock(NOW)
        self.storage = Storage(Paths(home), self.clock)


class DyingSteps(Steps):
    """Ends the process, without any clearing up, before its n-th step; half of what is written is on the disk then."""

    def __init__(self, left: int) -> None:
        self.left = left

    def __getattribute__(self, name: str) -> Any:
        found = super().__getattribute__(name)
        if name.startswith("_") or not callable(found):
            return found

        def step(*arguments: Any) -> Any:
            self.left -= 1
            if self.left < 0:
                if name == "write":
                    os.write(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os._exit(9)
            return found(*arguments)

        return step


def context(home: Path) -> TaskContext:
    services: Any = Services(home)
    return TaskContext("r", "archive_old_trades", services, logging.getLogger("x"), CancelFlag(), lambda _: None)


def main() -> None:
    home, left, pack = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "1"
    archive(context(home), 90, pack=pack, dry_run=False, steps=DyingSteps(left))


if __name__ == "__main__":
    main()
