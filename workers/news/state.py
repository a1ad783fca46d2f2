"""How each feed fares, in ``data/cache/feed_states.json``: kept over restarts, read by the page and by Health."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.storage import Storage
from workers.news.dedupe import item_key
from workers.news.values import FeedState, Lookup, from_text, to_text

FILE: Final = "feed_states.json"

#: A feed that failed waits this long, doubled with each further failure up to the longest.
FIRST_WAIT: Final = timedelta(minutes=5)
LONGEST_WAIT: Final = timedelta(hours=6)

_TEXTS: Final = ("title", "kind", "problem", "advice", "etag", "modified")
_NUMBERS: Final = ("items", "failures")
_TIMES: Final = ("last_try", "last_success", "next_try", "paused_until")


def states_file(cache: Path) -> Path:
    """Where the states are, given the cache folder."""
    return cache / FILE


def load(storage: Storage) -> dict[str, FeedState]:
    """All states by address; a damaged file was moved aside and none is known.

    Raises:
        StorageError, UserAction: the file cannot be read, or is of a newer Metronome.
    """
    document = storage.read_json(states_file(storage.paths.cache))
    entries = document.get("feeds") if document else None
    found = (_state(entry) for entry in entries) if isinstance(entries, list) else ()
    return {state.address: state for state in found if state is not None}


def save(storage: Storage, states: Iterable[FeedState], now: datetime) -> Path:
    """Write all states; returns the file.

    Raises:
        StorageError: it cannot be written.
    """
    path = states_file(storage.paths.cache)
    ordered = sorted(states, key=lambda state: state.address)
    storage.write_json(path, {"updated_at": to_text(now), "feeds": [_document(state) for state in ordered]})
    return path


def after(old: FeedState | None, found: Lookup, now: datetime, *, count_failure: bool = True) -> FeedState:
    """The state of a feed after a fetch.

    Args:
        count_failure: Whether a failure is the feed's own; when nothing at all can be reached, it is not.
    """
    state = replace(old or FeedState(found.feed.address, found.feed.title), title=found.feed.title)
    if found.outcome == "waiting":
        return state
    asked = now + timedelta(seconds=found.retry_after_s) if found.retry_after_s else None
    state = replace(state, last_try=now, status=found.status, paused_until=asked)
    if found.outcome == "failed":
        failures = state.failures + count_failure
        wait = min(FIRST_WAIT * 2 ** min(failures - 1, 10), LONGEST_WAIT) if count_failure else timedelta(0)
        if asked is not None:
            wait = max(wait, asked - now)
        return replace(
            state,
            kind=found.kind or state.kind,
            failures=failures,
            next_try=now + wait if wait else state.next_try,
            problem=found.problem,
            advice=found.advice,
        )
    state = replace(state, last_success=now, failures=0, next_try=asked, problem="", advice="")
    if found.outcome == "not_modified" or found.parsed is None:
        return state
    articles = found.parsed.articles
    return replace(
        state,
        kind=found.kind,
        items=len(articles),
        etag=found.etag,
        modified=found.modified,
        undated=tuple(item_key(article) for article in articles if article.time_kind == "first_seen"),
    )


def paused(old: FeedState | None, found: Lookup, now: datetime) -> FeedState | None:
    """The state after a fetch that somebody asked for by address: only what its server says of the next one counts.

    Returns None when the server said nothing of it.
    """
    if found.outcome == "waiting" or not found.retry_after_s:
        return None
    until = now + timedelta(seconds=found.retry_after_s)
    if old is not None:
        return replace(old, next_try=max(until, old.next_try or until), paused_until=until)
    return replace(after(None, found, now, count_failure=False), etag="", modified="", undated=())


def _document(state: FeedState) -> dict[str, Any]:
    return {
        "address": state.address,
        "status": state.status,
        **{name: getattr(state, name) for name in (*_TEXTS, *_NUMBERS)},
        **{name: to_text(getattr(state, name)) for name in _TIMES},
        "undated": list(state.undated),
    }


def _state(entry: Any) -> FeedState | None:
    if not isinstance(entry, Mapping) or not isinstance(entry.get("address"), str):
        return None
    texts = {name: entry[name] for name in _TEXTS if isinstance(entry.get(name), str)}
    numbers = {name: max(0, entry[name]) for name in _NUMBERS if isinstance(entry.get(name), int)}
    status = entry.get("status") if isinstance(entry.get("status"), int) else None
    times: dict[str, Any] = {name: from_text(entry.get(name)) for name in _TIMES}
    title = texts.pop("title", entry["address"])
    undated = entry.get("undated")
    keys = tuple(key for key in undated if isinstance(key, str)) if isinstance(undated, list) else ()
    return FeedState(entry["address"], title, status=status, undated=keys, **texts, **numbers, **times)
