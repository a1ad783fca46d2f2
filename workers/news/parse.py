"""From the bytes of a feed to its articles: what can be read is read, what cannot is refused with its place."""

from __future__ import annotations

import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from workers.news.clean import SUMMARY_LENGTH, TITLE_LENGTH, plain_text, safe_link
from workers.news.recognise import NotAFeed, Recognised, json_document
from workers.news.times import published, written
from workers.news.values import Article, Feed, ParsedFeed, Refusal
from workers.wording import count

#: Articles taken of one feed in one run; what comes after is older.
MAX_ITEMS: Final = 1_000
_REFUSALS_KEPT: Final = 100

#: feedparser has no errors of its own: on content made to break it, these come out of it.
_FEEDPARSER_ERRORS: Final = (ValueError, TypeError, LookupError, AttributeError, RecursionError, AssertionError)
_DERIVED_TITLE: Final = 90
_FIRST_SENTENCE: Final = re.compile(r"^(.{20,90}?[.!?])\s")


@dataclass(frozen=True, slots=True)
class _Raw:
    """An item as the feed has it, before it is cleaned."""

    title: str
    link: str
    summary: str
    guid: str
    when: tuple[datetime, str]


def parse(found: Recognised, feed: Feed, now: datetime, *, base: str = "") -> ParsedFeed:
    """Read the articles of a recognised feed.

    Args:
        feed: The entry of the list; its title is the source, or the feed's own one when it has but an address.
        now: Aware UTC, for items without a time.
        base: What relative links count from; the feed's address when empty.

    Raises:
        NotAFeed: nothing can be read after all.
    """
    base = base or feed.address
    if found.family == "json":
        title, raws, notes, damaged = _from_json(found, now)
    else:
        title, raws, notes, damaged = _from_xml(found, base, now)
    if found.note:
        notes.append(found.note)
    title = plain_text(title, TITLE_LENGTH)
    source = title if title and feed.title == feed.address else feed.title
    articles: list[Article] = []
    refused: list[Refusal] = []
    shared = _shared_guids(raws)
    for place, raw in enumerate(raws[:MAX_ITEMS], 1):
        if raw is None:
            refused.append(Refusal(place, "it is not an object with the fields of an article"))
        elif article := _article(raw, replace(feed, title=source), base, shared, now):
            articles.append(article)
        else:
            refused.append(Refusal(place, "it has neither a title, nor a text, nor a link"))
    if damaged and not articles:
        raise NotAFeed(
            f"damaged {found.kind}", f"is a damaged {found.kind} feed without a readable article ({damaged})"
        )
    if damaged:
        notes.append(f"it is damaged ({damaged}); {count(len(articles), 'article')} could be read")
    if len(raws) > MAX_ITEMS:
        notes.append(f"it has {count(len(raws), 'article')}; the first {MAX_ITEMS:,} were read")
    if any(article.time_kind == "assumed_utc" for article in articles):
        notes.append("its times name no zone, or none that means one clock only, and were read as UTC")
    return ParsedFeed(found.kind, title, tuple(articles), tuple(refused[:_REFUSALS_KEPT]), tuple(notes))


def _article(raw: _Raw, feed: Feed, base: str, shared: frozenset[str], now: datetime) -> Article | None:
    """The clean article; None when there is nothing to show."""
    title = plain_text(raw.title, TITLE_LENGTH)
    summary = plain_text(raw.summary, SUMMARY_LENGTH)
    link = safe_link(raw.link, base)
    if not title:
        title = _title_of(summary) or link
    if not title:
        return None
    if summary == title:
        summary = ""
    moment, kind = raw.when
    guid = "" if raw.guid in shared else raw.guid[:500]
    return Article(title, link, summary, moment, kind, now, feed.title, feed.address, guid)


def _title_of(summary: str) -> str:
    """The first sentence of a text, for items that have no title (RSS 0.92 allows that)."""
    sentence = _FIRST_SENTENCE.match(summary)
    return sentence[1] if sentence else plain_text(summary.replace("<", " "), _DERIVED_TITLE)


def _shared_guids(raws: list[_Raw | None]) -> frozenset[str]:
    """Identifiers that a careless publisher gave to several items with different links: they identify nothing."""
    pairs = {(raw.guid, raw.link) for raw in raws if raw is not None and raw.guid}
    return frozenset(guid for guid, times in Counter(guid for guid, _link in pairs).items() if times > 1)


def _from_xml(found: Recognised, base: str, now: datetime) -> tuple[str, list[_Raw | None], list[str], str]:
    import feedparser

    try:
        document = feedparser.parse(
            io.BytesIO(found.content),  # bytes in a stream: feedparser opens texts that look like addresses or files
            response_headers={"content-type": "application/xml; charset=utf-8", "content-location": base},
            sanitize_html=False,  # all becomes plain text here, and its cleaning costs more than its reading
            resolve_relative_uris=False,
        )
    except _FEEDPARSER_ERRORS as error:
        reason = f"{type(error).__name__}: {error}"[:200]
        raise NotAFeed(
            f"damaged {found.kind}", f"is a damaged {found.kind} feed that cannot be read ({reason})"
        ) from error
    raws: list[_Raw | None] = [_xml_item(entry, now) for entry in document.entries]
    damaged = _damage(document.get("bozo_exception")) if document.bozo else ""
    if found.kind == "RDF" and not raws:
        raise NotAFeed("RDF", "is an RDF document without a news item")
    return _text(document.feed, "title"), raws, [], damaged


def _xml_item(entry: dict[str, Any], now: datetime) -> _Raw:
    # dict.get: feedparser's own get answers for other names too, with a warning.
    parsed = {name: dict.get(entry, f"{name}_parsed") for name in ("published", "updated", "created")}
    stamp = next((name for name, value in parsed.items() if value), "")
    stamp = stamp or next((name for name in parsed if _text(entry, name)), "")
    when = published(_text(entry, stamp), parsed[stamp], now) if stamp else (now, "first_seen")
    summary = _text(entry, "summary")
    contents = dict.get(entry, "content")
    if not summary and isinstance(contents, list) and contents:
        summary = _text(contents[0], "value")
    return _Raw(_text(entry, "title"), _text(entry, "link"), summary, _text(entry, "id"), when)


def _text(entry: Any, name: str) -> str:
    value = dict.get(entry, name) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else ""


def _damage(error: object) -> str:
    """What the XML parser said; empty for a mere disagreement about encodings, which feedparser settles."""
    from xml.sax import SAXParseException

    if isinstance(error, SAXParseException):
        return f"line {error.getLineNumber()}: {error.getMessage()}"
    return ""


def _from_json(found: Recognised, now: datetime) -> tuple[str, list[_Raw | None], list[str], str]:
    """JSON Feed 1.0 and 1.1 (jsonfeed.org/version/1.1)."""
    document = json_document(found.content)
    items = document.get("items") if isinstance(document, dict) else None
    if not isinstance(items, list):
        raise NotAFeed(found.kind, "is a JSON Feed without its list of items", advice="Tell its publisher.")
    return _text(document, "title"), [_json_item(item, now) for item in items], [], ""


def _json_item(item: object, now: datetime) -> _Raw | None:
    if not isinstance(item, dict):
        return None
    guid = item.get("id")
    number = isinstance(guid, (int, float)) and not isinstance(guid, bool)
    summary = _text(item, "summary") or _text(item, "content_text") or _text(item, "content_html")
    return _Raw(
        _text(item, "title"),
        _text(item, "url") or _text(item, "external_url"),
        summary,
        str(guid) if isinstance(guid, str) or number else "",
        written(item.get("date_published") or item.get("date_modified"), now),
    )
