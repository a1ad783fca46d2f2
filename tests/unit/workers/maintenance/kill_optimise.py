"""A process that puts the CSV files of a home in order and dies at its n-th step: ``kill_optimise.py HOME N``."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[4]))

from kill_archive import context

from app.tasks import TaskContext
from workers.maintenance.optimize_csv import optimise


class Report:
    """A worker's report that nobody reads."""

    def progress(self, done: int, total: int, text: str = "") -> None: ...


def here(_ctx: Any, work: Callable[..., Any], *arguments: Any, limit_s: float) -> Any:
    """The work of the spawned process in this one."""
    return work(Report(), *arguments)


def main() -> None:
    home, left = Path(sys.argv[1]), [int(sys.argv[2])]
    TaskContext.compute = here  # type: ignore[method-assign,assignment]

    def dying(function: Callable[..., Any], *, writes: bool = False) -> Callable[..., Any]:
        def step(*arguments: Any, **options: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                if writes:
                    function(arguments[0], arguments[1][: len(arguments[1]) // 2])
                os._exit(9)
            return function(*arguments, **options)

        return step

    ctx = context(home)
    import pandas  # noqa: F401 - what it opens while it is imported is no step

    os.open, os.fsync, os.write = dying(os.open), dying(os.fsync), dying(os.write, writes=True)
    Path.replace, Path.chmod = dying(Path.replace), dying(Path.chmod)  # type: ignore[method-assign]
    optimise(ctx)


if __name__ == "__main__":
    main()
