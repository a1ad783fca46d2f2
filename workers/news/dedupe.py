"""One article for one piece of news, within a feed and across feeds.

Three things tell that two items are the same: the identifier that the feed gives (its guid), the link without what
only says where the reader came from, and titles that are near-equal. Titles count as near-equal when their significant
words are the same apart from inflection, or one has a few words more ("UPDATE 1", "the", "- Reuters") and nothing less.
A replaced word, another number or a "not" makes another piece of news: "Fed raises" and "Fed cuts" stay apart. Where
a script has no blanks between words, pairs of characters take their place.

Titles of fewer words say too little for that. They are the same news when they are equal, of two feeds and of one day,
unless they name a column ("Market wrap"), as one that comes again in its own feed does.

Candidates come from an index of each title's rarest words (prefix filtering, Chaudhuri, Ganti and Kaushik 2006), so the
cost grows with the number of titles, not with its square.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from workers.news.clean import link_key
from workers.news.titles import Signature, is_generic, normal, signature
from workers.news.values import Article

#: Titles are compared within this span: a bank's "Monetary policy decisions" comes again every six weeks.
SPAN: Final = timedelta(hours=72)

#: Share of the longer title's words that the shorter one must have.
LIKENESS: Final = 0.75

#: Fewer significant words than this say too little to be compared; equal titles of them, within this span.
LEAST_WORDS: Final = 4
SHORT_SPAN: Final = timedelta(hours=24)

#: Newest candidates looked at for each word, which bounds the cost of a feed made to be slow.
_CANDIDATES: Final = 200
#: No longer title has fewer than four words.
_SHORT_TITLE: Final = 120


@dataclass(frozen=True, slots=True)
class Merged:
    """Everything known after a run.

    Attributes:
        articles: In no order.
        added: New pieces of news.
        updated: Known ones whose title or text the feed changed.
        duplicates: Items that told of known news again: from another feed, under another link, or twice in this run.
        unchanged: Known ones that came again as they were. Every item counts in exactly one of the four.
    """

    articles: tuple[Article, ...]
    added: int
    updated: int
    duplicates: int
    unchanged: int


def alike(first: Signature, second: Signature) -> bool:
    """Whether two titles are near-equal."""
    small, large = first.words, second.words
    if len(small) > len(large):
        small, large = large, small
    return (
        small <= large
        and len(small) >= LIKENESS * len(large)
        and first.numbers == second.numbers
        and first.polar == second.polar
    )


def merge(known: Sequence[Article], fresh: Iterable[Article]) -> Merged:
    """Join what a run brought to what is known.

    Args:
        known: Articles with their ids.
        fresh: Articles without ids, in the order of the feeds.
    """
    fresh = list(fresh)
    table = _Table(known, fresh)
    for article in fresh:
        table.take(article)
    return Merged(tuple(table.articles), table.added, table.updated, table.duplicates, table.unchanged)


class _Table:
    """All articles by place, and the three indexes that find a known one."""

    def __init__(self, known: Sequence[Article], fresh: Sequence[Article]) -> None:
        self.articles: list[Article] = []
        self.added = self.updated = self.duplicates = self.unchanged = 0
        self._came: set[int] = set()  # places of items that this run brought
        self._by_guid: dict[str, int] = {}
        self._by_link: dict[str, int] = {}
        self._by_name: dict[tuple[str, str], int] = {}
        self._by_word: dict[str, list[int]] = defaultdict(list)
        self._by_title: dict[str, list[int]] = defaultdict(list)
        self._columns = _columns((*known, *fresh))
        self._signatures: list[Signature] = []
        self._ids: set[str] = set()
        titles = {article.title for article in (*known, *fresh)}
        self._known_signatures = {title: signature(title) for title in titles}
        self._frequency = Counter(word for one in self._known_signatures.values() for word in one.words)
        for article in known:
            self._put(article)

    def take(self, article: Article) -> None:
        """Add the article, or what it says more to the one that is known."""
        place = self._known_place(article)
        if place is None:
            self._came.add(len(self.articles))
            self._put(replace(article, id=self._new_id(article)))
            self.added += 1
            return
        old = self.articles[place]
        same_item = old.feed == article.feed and _same_item(old, article)
        merged = _updated(old, article) if same_item else _told_again(old, article)
        if merged != old:
            self.articles[place] = merged
            if merged.title != old.title:
                self._index_title(place)
        self._index(place, article)
        if not same_item or place in self._came:
            self.duplicates += 1
            return
        self._came.add(place)
        self.updated += merged != old
        self.unchanged += merged == old

    def _known_place(self, article: Article) -> int | None:
        if article.guid and (place := self._by_guid.get(_guid_key(article))) is not None:
            return place
        if article.link and (place := self._by_link.get(link_key(article.link))) is not None:
            return place
        if not article.guid and not article.link and (place := self._by_name.get(_name(article))) is not None:
            return place
        return self._alike_place(article)

    def _alike_place(self, article: Article) -> int | None:
        ours = self._known_signatures[article.title]
        if len(ours.words) < LEAST_WORDS:
            return self._equal_place(article)
        seen: set[int] = set()
        for word in self._rarest(ours):
            for place in reversed(self._by_word[word][-_CANDIDATES:]):
                if place in seen:
                    continue
                seen.add(place)
                other = self.articles[place]
                if self._same_news(article, ours, other, self._signatures[place]):
                    return place
        return None

    def _equal_place(self, article: Article) -> int | None:
        name = normal(article.title)
        if not name or name in self._columns or is_generic(name):
            return None
        for place in reversed(self._by_title[name][-_CANDIDATES:]):
            other = self.articles[place]
            near = abs(other.published - article.published) <= SHORT_SPAN
            if near and other.feed != article.feed and normal(other.title) == name:
                return place
        return None

    @staticmethod
    def _same_news(article: Article, ours: Signature, other: Article, theirs: Signature) -> bool:
        if abs(other.published - article.published) > SPAN:
            return False
        if other.feed == article.feed and other.guid != article.guid:
            # A publisher who gives two identifiers means two items, unless the titles say the very same.
            return ours == theirs
        return alike(ours, theirs)

    def _rarest(self, one: Signature) -> list[str]:
        """Two titles that are alike share at least one of these."""
        ordered = sorted(one.words, key=lambda word: (self._frequency[word], word))
        most_missing = int(len(ordered) * (1 - LIKENESS))
        return ordered[: most_missing + 1]

    def _put(self, article: Article) -> None:
        place = len(self.articles)
        self.articles.append(article)
        self._signatures.append(self._known_signatures[article.title])
        self._ids.add(article.id)
        self._index_title(place)
        self._index(place, article)

    def _index_title(self, place: int) -> None:
        one = self._signatures[place] = self._known_signatures[self.articles[place].title]
        if len(one.words) >= LEAST_WORDS:
            for word in self._rarest(one):
                self._by_word[word].append(place)
        else:
            self._by_title[normal(self.articles[place].title)].append(place)

    def _index(self, place: int, article: Article) -> None:
        if article.guid:
            self._by_guid.setdefault(_guid_key(article), place)
        if article.link:
            self._by_link.setdefault(link_key(article.link), place)
        if not article.guid and not article.link:
            self._by_name.setdefault(_name(article), place)

    def _new_id(self, article: Article) -> str:
        """The key of the article; another one if careless publishers give the same key to two pieces of news."""
        found, number = item_key(article), 0
        while found in self._ids:
            number += 1
            found = item_key(article, number)
        return found


def item_key(article: Article, number: int = 0) -> str:
    """16 hexadecimal digits, the same in every run as long as the feed gives the same guid, or else link, or title."""
    base = _guid_key(article) if article.guid else link_key(article.link)
    base = base or f"{article.feed} {article.title}"
    return hashlib.sha256(f"{base} {number}".encode() if number else base.encode()).hexdigest()[:16]


def _columns(articles: Iterable[Article]) -> frozenset[str]:
    """Titles that come again in one feed for other items: names of its columns."""
    items: dict[tuple[str, str], set[str]] = defaultdict(set)
    for article in articles:
        if len(article.title) <= _SHORT_TITLE:
            items[article.feed, normal(article.title)].add(article.guid or link_key(article.link))
    return frozenset(name for (_feed, name), found in items.items() if len(found) > 1)


def _name(article: Article) -> tuple[str, str]:
    """All that an item without guid and link is known by (RSS 0.92 allows such)."""
    return article.feed, article.title


def _guid_key(article: Article) -> str:
    """A guid that is an address or a name of the world counts in every feed, another one only in its own."""
    guid = article.guid
    if guid.startswith(("http://", "https://")):
        return f"guid {link_key(guid)}"
    return f"guid {guid}" if guid.startswith(("tag:", "urn:")) else f"guid {article.feed} {guid}"


def _same_item(old: Article, new: Article) -> bool:
    """Whether two items of one feed are the same one, not two that tell the same news."""
    if old.guid or new.guid:
        return _guid_key(old) == _guid_key(new)
    return link_key(old.link) == link_key(new.link)


def _updated(old: Article, new: Article) -> Article:
    """The feed's own newer words win; the id, the first sight and a real time stay."""
    published, kind = _better_time(old, new)
    return replace(
        old,
        title=new.title,
        summary=new.summary or old.summary,
        link=new.link or old.link,
        published=published,
        time_kind=kind,
        source=new.source,
        currencies=new.currencies,
        symbols=new.symbols,
    )


def _told_again(old: Article, new: Article) -> Article:
    """The known article with what another telling of it adds: text, a link, tags, one more source."""
    also = old.also if new.source in (old.source, *old.also) else (*old.also, new.source)[:20]
    return replace(
        old,
        summary=old.summary or new.summary,
        link=old.link or new.link,
        also=also,
        currencies=tuple(sorted({*old.currencies, *new.currencies})),
        symbols=tuple(sorted({*old.symbols, *new.symbols})),
    )


def _better_time(old: Article, new: Article) -> tuple[datetime, str]:
    if new.time_kind == "first_seen":
        return old.published, old.time_kind
    return new.published, new.time_kind
