"""Parameters and results of the tasks that clean up, archive and optimise."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from app.tasks import TaskParams, TaskResult
from workers.wording import count, size


def _days(default: int, what: str) -> Any:
    return Field(
        default=default,
        ge=1,
        le=3650,
        title="Days to keep",
        description=f"{what} older than this are concerned, in days (UTC).",
    )


_DRY_RUN: Any = Field(default=False, title="Dry run", description="Only tell what would happen; nothing is changed.")
_CONFIRM: Any = Field(
    default=False,
    title="Confirm",
    description="The clock of this computer is right and so is the list: delete although a run has asked.",
)


class LogsParams(TaskParams):
    """Which log files to delete."""

    days_to_keep: int = _days(30, "Log files")
    dry_run: bool = _DRY_RUN
    confirm: bool = _CONFIRM


class CacheParams(TaskParams):
    """Which cache files to delete."""

    days_to_keep: int = _days(7, "Cache files")
    dry_run: bool = _DRY_RUN
    confirm: bool = _CONFIRM


class ArchiveParams(TaskParams):
    """Which trade logs to archive, and how."""

    days_to_keep: int = _days(90, "Trade logs")
    dry_run: bool = _DRY_RUN
    compress: bool = Field(default=False, title="Compress", description="Pack archived files with gzip.")


class _Files(TaskResult):
    dry_run: bool = Field(description="Nothing was changed: the counts are of what would happen.")
    looked_at: int = Field(description="Files that the task is for.")
    files: int = Field(description="Files deleted or archived, or that would be.")
    bytes: int = Field(description="Their size.")
    oldest: str = Field(default="", description="Date of the oldest of them (UTC).")
    newest: str = Field(default="", description="Date of the newest of them (UTC).")
    skipped: int = Field(default=0, description="Files and folders that were left alone.")
    reasons: dict[str, int] = Field(default_factory=dict, description="Why, and how many each.")
    listed: tuple[dict[str, Any], ...] = Field(
        default=(), description="The first 1,000 files with size, date, and what became of them or why not."
    )

    def _told(self, done: str) -> str:
        span = self.oldest if self.oldest == self.newest else f"{self.oldest} to {self.newest}"
        parts = [
            f"{count(self.files, 'file')} ({size(self.bytes)}, {span}) {done}" if self.files else f"nothing {done}"
        ]
        if self.skipped:
            parts.append(f"{self.skipped:,} left alone")
        return ", ".join(parts) + ("; nothing was changed" if self.dry_run else "")


class CleanupResult(_Files):
    """What a clean-up deleted."""

    held: int = Field(default=0, description="Files kept because the clock of this computer is in doubt.")

    def summary(self) -> str:
        return self._told("would be deleted" if self.dry_run else "deleted")


class ArchiveResult(_Files):
    """What was archived."""

    same: int = Field(default=0, description="Of these, files whose content was in the archive already.")
    renamed: int = Field(
        default=0, description="Of these, files kept under a numbered name: the archive has another of their name."
    )
    stored_bytes: int = Field(default=0, description="What they take in the archive.")

    def summary(self) -> str:
        told = self._told("would be archived" if self.dry_run else "archived")
        more = [
            f"{number:,} {text}"
            for number, text in ((self.same, "there already"), (self.renamed, "under another name"))
            if number
        ]
        return ", ".join([told, *more])


class OptimizeResult(TaskResult):
    """What became of the CSV files."""

    files: int = Field(description="Bar histories and trade logs that were looked through.")
    changed: int = Field(description="Of these, files that were written anew.")
    left: int = Field(default=0, description="Of these, files that were left as they are, since something is wrong.")
    rows_before: int = Field(description="Lines below the headers before.")
    rows: int = Field(description="Rows now.")
    bytes_before: int = Field(description="Size of all files before.")
    bytes: int = Field(description="Their size now.")
    rejected: int = Field(default=0, description="Lines that went to side files, with number and reason.")
    repeated: int = Field(default=0, description="Lines that stood there twice and were dropped.")
    moved: int = Field(default=0, description="Rows that stood after a later one.")
    listed: tuple[dict[str, Any], ...] = Field(default=(), description="The first 1,000 files with these counts.")
    not_listed: int = Field(default=0, description="Files beyond these.")

    def summary(self) -> str:
        parts = [f"{count(self.files, 'file')} with {count(self.rows, 'row')}"]
        if self.changed:
            told = [
                f"{number:,} {text}"
                for number, text in (
                    (self.repeated, "repeated"),
                    (self.rejected, "rejected"),
                    (self.moved, "out of order"),
                )
                if number
            ]
            saved = f"{size(self.bytes_before)} to {size(self.bytes)}"
            parts.append(f"{self.changed:,} put in order ({', '.join([*told, saved])})")
        if self.left:
            parts.append(f"{self.left:,} left as they are")
        if self.files - self.changed - self.left:
            parts.append(f"{self.files - self.changed - self.left:,} in order already")
        return ", ".join(parts)
