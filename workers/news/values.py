"""What news is made of: feeds, articles, and how each feed fares. Frozen, so that they may cross threads."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

#: An article as it comes out of a feed, before anybody asked whether it is known.
UNKNOWN_ID: Final = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """An entry of the feed list.

    Attributes:
        address: http or https.
        title: What the user calls it; shown as the source of its articles.
        group: The folder of the list that it stands in; may be empty.
        enabled: Whether it is fetched.
    """

    address: str
    title: str
    group: str = ""
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class Article:
    """One piece of news.

    Attributes:
        id: 16 hexadecimal digits, the same in every run.
        link: http or https; empty when the feed gives none that is safe to open.
        summary: Plain text; may be empty.
        published: UTC. Where the feed says nothing usable, the time it was first seen.
        time_kind: ``published``, ``assumed_utc`` (the feed names no zone that is known) or ``first_seen``.
        first_seen: UTC.
        source: Title of the feed that brought it first.
        feed: Address of that feed.
        guid: The feed's own identifier; may be empty.
        also: Titles of other feeds that brought the same news.
    """

    title: str
    link: str
    summary: str
    published: datetime
    time_kind: str
    first_seen: datetime
    source: str
    feed: str
    guid: str = ""
    id: str = UNKNOWN_ID
    currencies: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FeedState:
    """How a feed fares, kept over restarts.

    Attributes:
        status: The last HTTP status; None when no server answered.
        kind: What it was recognised as, for example ``RSS 2.0``.
        items: Articles in it at the last reading.
        failures: Failed fetches in a row.
        next_try: Not before this; None: with the next run.
        paused_until: Not before this even when its user asks for it by its address: its server said so.
        problem: Why the last fetch failed; empty when it did not.
        etag, modified: Given back with the next request.
        undated: Keys of the articles without a time in the last reading: they must not come back as news of today
            after they were dropped for their age.
    """

    address: str
    title: str
    last_try: datetime | None = None
    last_success: datetime | None = None
    status: int | None = None
    kind: str = ""
    items: int = 0
    failures: int = 0
    next_try: datetime | None = None
    paused_until: datetime | None = None
    problem: str = ""
    advice: str = ""
    etag: str = ""
    modified: str = ""
    undated: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """An item of a feed that cannot be an article: its place (1 is the first) and why."""

    place: int
    reason: str


@dataclass(frozen=True, slots=True)
class ParsedFeed:
    """What was read from the bytes of one feed.

    Attributes:
        kind: What it was recognised as.
        title: What the feed calls itself.
        notes: What a user should know, in sentences: damage, left-out items, times without a zone.
    """

    kind: str
    title: str
    articles: tuple[Article, ...]
    refused: tuple[Refusal, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """What came of one source in one run; ``problem`` is empty when it was read.

    Attributes:
        outcome: ``read``, ``not_modified``, ``waiting`` or ``failed``.
        offline: The name of its host could not be looked up, or there is no network at all.
        passing: Another try may work (as opposed to: the user must act).
        retry_after_s: What the server asked for, seconds.
    """

    feed: Feed
    outcome: str
    kind: str = ""
    parsed: ParsedFeed | None = None
    status: int | None = None
    problem: str = ""
    advice: str = ""
    offline: bool = False
    passing: bool = False
    retry_after_s: float | None = None
    etag: str = ""
    modified: str = ""
    moved_to: str = ""
    inner: tuple[Feed, ...] = field(default=())


def to_text(moment: datetime | None) -> str | None:
    """A time as ISO 8601 in UTC with ``Z``."""
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def from_text(text: Any) -> datetime | None:
    """The aware time written in ``text``, or None when there is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else None
