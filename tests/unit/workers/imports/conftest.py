"""The bench of the imports."""

from __future__ import annotations

from pathlib import Path

import pytest
from import_bench import ImportBench

from app.clock import FakeClock
from app.paths import Paths
from app.settings_model import Settings
from app.storage import Storage


@pytest.fixture
def imports(paths: Paths, fake_clock: FakeClock, tmp_path: Path) -> ImportBench:
    """A home to import into."""
    folder = tmp_path / "exports"
    folder.mkdir()
    return ImportBench(paths, Storage(paths, fake_clock), fake_clock, folder, Settings())
