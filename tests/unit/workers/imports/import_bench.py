"""A home to import into, and files to import."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.clock import FakeClock
from app.paths import Paths
from app.settings_model import Settings
from app.storage import Storage
from workers.imports.outcome import Options, Outcome
from workers.imports.run import import_files

HEADER = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"


@dataclass
class ImportBench:
    """One home and a folder for files."""

    paths: Paths
    storage: Storage
    clock: FakeClock
    folder: Path
    settings: Settings

    def write(self, name: str, text: str | bytes, encoding: str = "utf-8") -> Path:
        """A file to import."""
        path = self.folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode(encoding))
        return path

    def run(self, *files: Path, **options: Any) -> list[Outcome]:
        """Import files."""
        return import_files(
            self.storage, self.clock, self.settings, files, Options(**options), lambda _done, _total, _text: None
        )

    def one(self, name: str, text: str | bytes, encoding: str = "utf-8", **options: Any) -> Outcome:
        """Import one file made of ``text``."""
        (outcome,) = self.run(self.write(name, text, encoding), **options)
        return outcome

    def history(self, name: str) -> list[str]:
        """Lines of a bar history without its header."""
        return (self.paths.bars / f"{name}.csv").read_text(encoding="utf-8").splitlines()[1:]


def export(count: int, *, start: int = 0, price: float = 1.1, step: float = 0.0) -> list[str]:
    """Rows of an export of M5 bars from 2025-06-03 (a Tuesday) on."""
    rows = []
    for place in range(start, start + count):
        minutes = place * 5
        close = price + step * place
        stamp = f"2025.06.{3 + minutes // 1440:02d}\t{minutes // 60 % 24:02d}:{minutes % 60:02d}:00"
        rows.append(f"{stamp}\t{close:.5f}\t{close + 0.001:.5f}\t{close - 0.001:.5f}\t{close:.5f}\t10\t0\t3")
    return rows


def text_of(rows: Sequence[str], header: str = HEADER) -> str:
    """A whole export."""
    return "\r\n".join([*([header] if header else []), *rows, ""])
