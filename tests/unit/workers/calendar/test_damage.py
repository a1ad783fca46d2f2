"""A calendar that was damaged is not one that never was."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.clock import FakeClock
from app.paths import Paths
from app.storage import Storage
from workers.calendar import store
from workers.calendar.values import Calendar, SourceState

pytestmark = pytest.mark.allow_warnings("is damaged", "cannot be used")

NOW = datetime(2025, 6, 3, 12, tzinfo=UTC)


@pytest.fixture
def storage(paths: Paths, fake_clock: FakeClock) -> Storage:
    paths.cache.mkdir(parents=True, exist_ok=True)
    return Storage(paths, fake_clock)


def whole(succeeded: datetime | None = NOW) -> Calendar:
    return Calendar((), (SourceState("feed", succeeded=succeeded, attempted=NOW),))


def test_what_never_was_is_not_damaged(storage: Storage) -> None:
    assert store.load(storage).damage == ""
    store.save(storage, whole(), NOW)
    assert store.load(storage).damage == ""


def test_damage_is_remembered_until_an_update_succeeds(storage: Storage) -> None:
    path = store.path_of(storage.paths)
    path.write_text('{"schema": 1, "events": [', encoding="utf-8")
    for _time in range(2):  # the file is aside after the first
        assert store.load(storage).damage.startswith(
            "The economic calendar is damaged: it was kept as economic_calendar"
        )
    store.save(storage, whole(succeeded=None), NOW)  # an update that failed
    assert "damaged" in store.load(storage).damage
    store.save(storage, whole(), NOW + timedelta(hours=1))
    assert store.load(storage).damage == ""


@pytest.mark.parametrize("broken", [{"events": {}}, {"events": [{"title": 3}]}, {"sources": "x"}, {"sources": [1]}])
def test_lost_entries_are_damage(storage: Storage, broken: dict[str, object]) -> None:
    path = store.path_of(storage.paths)
    store.save(storage, whole(), NOW)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | broken), encoding="utf-8")
    found = store.load(storage)
    assert found.damage == "The economic calendar is damaged: 1 entry of it cannot be used."


def test_lost_changes_are_none(storage: Storage) -> None:
    path = store.path_of(storage.paths)
    store.save(storage, whole(), NOW)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | {"changes": [1]}), encoding="utf-8")
    assert store.load(storage).damage == ""
