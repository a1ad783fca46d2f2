"""Fixtures of the tests of news."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from news_desk import Desk
from pytest_httpserver import HTTPServer

from app.paths import Paths


@pytest.fixture
def desk(paths: Paths, httpserver: HTTPServer) -> Desk:
    """A home, a server and the time 2025-06-03 12:00 UTC."""
    return Desk(paths, httpserver)


@pytest.fixture
def rss_files(shared: Path) -> Sequence[Path]:
    """The real feeds beside the checkout."""
    return sorted(path for path in (shared / "data" / "rss").glob("*/*") if path.is_file())
