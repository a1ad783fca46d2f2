"""How the calendar's sources fare, from the head of its file: thousands of events behind it are not read."""

from __future__ import annotations

import json
from typing import Final

from app.files import guarding
from app.storage import JSON_SCHEMA, Storage
from workers.calendar import store
from workers.calendar.values import SourceState

#: Characters in which the sources of any usual calendar end; of another one the whole file is read.
_HEAD: Final = 256_000
_LIST: Final = '"sources": '


def sources(storage: Storage) -> tuple[SourceState, ...]:
    """What is remembered of each source; none before the first fetch.

    Raises:
        StorageError: the file is there but cannot be read.
        UserAction: it was written by a newer Metronome.
    """
    path = store.path_of(storage.paths)
    with guarding(path, "read"):
        try:
            with path.open(encoding="utf-8", errors="replace") as file:
                text = file.read(_HEAD)
        except FileNotFoundError:
            return ()
    found = _from_head(text)
    return store.load(storage).sources if found is None else found


def _from_head(text: str) -> tuple[SourceState, ...] | None:
    """The sources; None when the file is not laid out as the store writes it, is damaged or of a newer schema."""
    begin = text.find(_LIST)
    if begin < 0:
        return None
    try:
        head = json.loads(text[:begin].rstrip().rstrip(",") + "}")
        listed, _end = json.JSONDecoder().raw_decode(text, begin + len(_LIST))
        if head.get("schema") != JSON_SCHEMA:
            return None
        return tuple(SourceState.from_json(item) for item in listed)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError):
        return None
