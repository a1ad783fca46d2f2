"""What a window shows of the news: articles, feeds and what was read. Made for a thread beside a live window.

A JSON document of a megabyte, parsed in one call, holds the interpreter for tens of milliseconds; here it is taken
apart article by article. What was read is in ``data/config/news_read.json``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.errors import UserAction
from app.files import guarding
from app.storage import Storage
from workers.news import opml, state, store
from workers.news.values import Article, Feed, FeedState, from_text

READ_FILE: Final = "news_read.json"

_LIST: Final = '"articles": ['


@dataclass(frozen=True, slots=True)
class NewsView:
    """Everything to show.

    Attributes:
        articles: Newest first.
        read: Ids of articles that the user has seen.
        feeds: The enabled feeds with how each fares (None: not fetched yet), in the order of the list.
        problem: Why the list of feeds cannot be read; empty when it can.
        updated_at: When the articles last changed.
    """

    articles: tuple[Article, ...]
    read: frozenset[str]
    feeds: tuple[tuple[Feed, FeedState | None], ...]
    problem: str = ""
    updated_at: datetime | None = None


def view(storage: Storage) -> NewsView:
    """Read everything.

    Raises:
        StorageError, UserAction: the articles cannot be read, or are of a newer Metronome.
    """
    articles, updated_at = _articles(storage)
    known = {article.id for article in articles}
    problem = ""
    feeds: tuple[Feed, ...] = ()
    try:
        path = storage.paths.feeds_file
        feeds = opml.load(path if path.exists() else opml.DEFAULT)
    except UserAction as error:
        problem = str(error)
    states = state.load(storage)
    enabled = tuple((feed, states.get(feed.address)) for feed in feeds if feed.enabled)
    return NewsView(articles, read_ids(storage) & known, enabled, problem, updated_at)


def unread_count(storage: Storage) -> int:
    """How many articles nobody has seen."""
    found = view(storage)
    return len(found.articles) - len(found.read)


def read_ids(storage: Storage) -> frozenset[str]:
    """Ids of the articles that were read.

    Raises:
        StorageError, UserAction: the file cannot be read, or is of a newer Metronome.
    """
    document = storage.read_json(storage.paths.config / READ_FILE)
    ids = document.get("read") if document else None
    return frozenset(one for one in ids if isinstance(one, str)) if isinstance(ids, list) else frozenset()


def keep_read(storage: Storage, ids: Iterable[str]) -> None:
    """Remember which articles were read.

    Raises:
        StorageError: it cannot be written.
    """
    storage.write_json(storage.paths.config / READ_FILE, {"read": sorted(ids)})


def _articles(storage: Storage) -> tuple[tuple[Article, ...], datetime | None]:
    path = store.news_file(storage.paths.cache)
    with guarding(path, "read"):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except FileNotFoundError:
            return (), None
    found = _piecewise(text)
    if found is None:  # another layout, a newer schema or damage: what the store says of it counts
        document = storage.read_json(path)
        return store.articles_of(document), from_text(document.get("updated_at")) if document else None
    return found


def _piecewise(text: str) -> tuple[tuple[Article, ...], datetime | None] | None:
    """The articles, taken out one by one, and when they changed; None when it is not laid out as the store writes it.

    Names of sources come thousands of times and are kept once; identifiers of feeds are of no use to a window.
    """
    decoder = json.JSONDecoder()
    articles: list[Article] = []
    begin = text.find(_LIST) + len(_LIST)
    try:
        head = json.loads(f"{text[:begin]}]}}")
        if head.get("schema") != 1:
            return None
        position = _skip(text, begin)
        while text[position : position + 1] == "{":
            entry, position = decoder.raw_decode(text, position)
            article = store.article_of(entry)
            if article is not None:
                shared: dict[str, Any] = {
                    name: sys.intern(getattr(article, name)) for name in ("source", "feed", "time_kind")
                }
                articles.append(replace(article, guid="", **shared))
            position = _skip(text, position)
        if text[position:].split() != ["]", "}"]:
            return None
    except (ValueError, RecursionError, AttributeError):
        return None
    unique = {article.id: article for article in articles}
    return store.newest_first(unique.values()), from_text(head.get("updated_at"))


def _skip(text: str, position: int) -> int:
    """Past white space and commas."""
    while position < len(text) and text[position] in " \n\r\t,":
        position += 1
    return position
