"""What the tests of maintenance share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from hand_terminal import Bench

from app.paths import Paths
from workers.maintenance.results import ArchiveParams, CacheParams, LogsParams
from workers.maintenance_tasks import archive_old_trades, cleanup_cache, cleanup_old_logs


def put(path: Path, content: bytes | str = "x\n", at: datetime | None = None) -> Path:
    """Write a file, with a modification time if one is given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if at is not None:
        os.utime(path, (at.timestamp(), at.timestamp()))
    return path


def used(paths: Paths, at: datetime) -> Path:
    """A home whose database was written then."""
    return put(paths.database, b"", at)


def logs_of_days(bench: Bench, first: int, last: int) -> list[Path]:
    """A rotated log for each age in days."""
    now = bench.clock.now()
    return [put(bench.paths.logs / f"metronome.log.{day}", f"{day}\n", now - timedelta(days=day, hours=1))
            for day in range(first, last + 1)]  # fmt: skip


def clean_logs(bench: Bench, **params: Any) -> Any:
    return cleanup_old_logs(bench.context("cleanup_old_logs"), LogsParams(**params))


def clean_cache(bench: Bench, **params: Any) -> Any:
    return cleanup_cache(bench.context("cleanup_cache"), CacheParams(**params))


def archive_trades(bench: Bench, **params: Any) -> Any:
    return archive_old_trades(bench.context("archive_old_trades"), ArchiveParams(**params))


def tree(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, links not followed."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in _files(folder)}


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
