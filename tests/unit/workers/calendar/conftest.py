"""Fixtures of the tests of the calendar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from workers.calendar.parse import parse
from workers.calendar.values import Options, Parsed

NOW = datetime(2026, 8, 12, 12, 0, tzinfo=UTC)
Read = Callable[..., Parsed]


@pytest.fixture
def files(shared: Path) -> Path:
    """The real calendars."""
    folder = shared / "data" / "calendar"
    if not folder.is_dir():
        pytest.skip(f"there are no calendars in {shared}")
    return folder


@pytest.fixture
def read() -> Read:
    """Reads a document given as text or bytes."""

    def reader(document: str | bytes, *, now: datetime = NOW, zone: str = "", order: str = "") -> Parsed:
        data = document.encode() if isinstance(document, str) else document
        return parse(data, Options(now=now, time_zone=zone, date_order=order))

    return reader
