"""The kept articles, in ``data/cache/rss_news.json``, newest first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from app.storage import Storage
from workers.news.clean import safe_link
from workers.news.values import Article, from_text, to_text

FILE: Final = "rss_news.json"

_TEXTS: Final = ("id", "title", "summary", "time_kind", "source", "feed", "guid")
_LISTS: Final = ("currencies", "symbols", "also")


def news_file(cache: Path) -> Path:
    """Where the articles are, given the cache folder."""
    return cache / FILE


def load(storage: Storage) -> tuple[Article, ...]:
    """The kept articles, newest first; none when there is no file, or it was damaged and moved aside (logged).

    An entry that is no article (somebody edited the file) is left out.

    Raises:
        StorageError, UserAction: the file cannot be read, or is of a newer Metronome.
    """
    return articles_of(storage.read_json(news_file(storage.paths.cache)))


def articles_of(document: Mapping[str, Any] | None) -> tuple[Article, ...]:
    """The articles of a document as it lies in the file."""
    entries = document.get("articles") if document else None
    found = (article_of(entry) for entry in entries) if isinstance(entries, list) else ()
    unique = {article.id: article for article in found if article is not None}
    return newest_first(unique.values())


def save(storage: Storage, articles: Iterable[Article], now: datetime) -> Path:
    """Write the articles whole; returns the file.

    Raises:
        StorageError: it cannot be written; what was there before is untouched.
    """
    path = news_file(storage.paths.cache)
    storage.write_json(path, {"updated_at": to_text(now), "articles": [_document(one) for one in articles]})
    return path


def newest_first(articles: Iterable[Article]) -> tuple[Article, ...]:
    """By time of publication, then of first sight, then id."""
    return tuple(sorted(articles, key=lambda one: (one.published, one.first_seen, one.id), reverse=True))


def pruned(articles: Iterable[Article], now: datetime, *, days: int, most: int) -> tuple[Article, ...]:
    """The newest ``most`` articles that are younger than ``days``, newest first."""
    oldest = now - timedelta(days=days)
    return newest_first(one for one in articles if one.published >= oldest)[:most]


def _document(article: Article) -> dict[str, Any]:
    return {
        "id": article.id,
        "title": article.title,
        "link": article.link,
        "published": to_text(article.published),
        "time_kind": article.time_kind,
        "first_seen": to_text(article.first_seen),
        "source": article.source,
        "currencies": list(article.currencies),
        "symbols": list(article.symbols),
        "summary": article.summary,
        "feed": article.feed,
        "guid": article.guid,
        "also": list(article.also),
    }


def article_of(entry: Any) -> Article | None:
    """The article of an entry of the file; None when it is none."""
    if not isinstance(entry, Mapping):
        return None
    published, first_seen = from_text(entry.get("published")), from_text(entry.get("first_seen"))
    texts: dict[str, Any] = {name: entry.get(name) for name in _TEXTS}
    if published is None or first_seen is None or not all(isinstance(text, str) for text in texts.values()):
        return None
    if not texts["id"] or not texts["title"]:
        return None
    lists: dict[str, Any] = {
        name: tuple(item for item in entry[name] if isinstance(item, str))
        for name in _LISTS
        if isinstance(entry.get(name), list)
    }
    link = entry.get("link")
    # The file may have been edited: a link is opened in a browser, so it is checked again.
    safe = safe_link(link) if isinstance(link, str) else ""
    return Article(link=safe, published=published, first_seen=first_seen, **texts, **lists)
