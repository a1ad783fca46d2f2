"""One run over the feeds, in a spawned process: fetch, read, join with what is known, keep, and tell of each feed.

The process that shows the window has nothing to do meanwhile: connections, feedparser and a JSON document of some
megabytes would hold its interpreter lock, and their memory would stay with it.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

from app.clock import RehearsalClock
from app.errors import Blocked, MetronomeError, NothingToDo, Retryable, UserAction
from app.files import guarding
from app.http_answers import MAX_BYTES
from app.http_many import HttpMany
from app.paths import Paths
from app.storage import Storage
from workers.news import opml, state, store, tags
from workers.news.clean import plain_text, safe_link
from workers.news.dedupe import item_key, merge
from workers.news.gather import Reporting, due, gather, may_be_asked, read_body, waiting
from workers.news.recognise import NotAFeed
from workers.news.titles import signature
from workers.news.values import Article, Feed, FeedState, Lookup, ParsedFeed
from workers.wording import count

KEYWORDS_FILE: Final = "news_keywords.json"

#: Sources listed in a result one by one; of more, only those with something to say.
_LISTED: Final = 60
_NAMED: Final = 3

#: So many times more articles than are kept are looked at: some tell the same news.
_ROOM: Final = 1.5

_Content = TypeVar("_Content")


@dataclass(frozen=True, slots=True)
class Order:
    """What to do, for the process that does it.

    Attributes:
        now: The engine's time, aware UTC.
        timeout_s: Longest wait for one feed.
        source: An address or a file to read instead of the list of feeds; empty: the list.
        anew: Fetch also feeds that wait after failures.
        asked_at: Reading of the monotonic clock, which all processes share, when the run began: the wait for feeds
            counts from then, so that starting this process costs the run nothing.
    """

    home: Path
    now: datetime
    timeout_s: float = 10.0
    keep_days: int = 30
    keep_articles: int = 2_000
    source: str = ""
    anew: bool = False
    asked_at: float | None = None


@dataclass(slots=True)
class Collected:
    """What came of it. ``sources`` are plain values for the result."""

    counts: dict[str, int] = field(default_factory=dict)
    sources: list[dict[str, Any]] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)


def collect(report: Reporting, order: Order, client: Callable[[], HttpMany] | None = None) -> Collected:
    """Do all of it.

    Args:
        client: Makes another client, for tests.

    Raises:
        NothingToDo: no feed is enabled.
        Blocked: all feeds wait, or there is no network.
        Retryable, UserAction: no feed at all could be read; known articles stay.
        Cancelled: the run was asked to stop.
    """
    run = _Run(report, order, client)
    run.look_up()
    run.keep()
    run.refuse_if_all_failed()
    return run.result


class _Run:
    """The steps of a run, and what they share."""

    def __init__(self, report: Reporting, order: Order, client: Callable[[], HttpMany] | None) -> None:
        self._report = report
        self._order = order
        self._client = client
        self._storage = Storage(Paths(order.home), RehearsalClock(order.now))
        self._known: tuple[Article, ...] = ()
        self._tagged: tuple[Article, ...] = ()
        self._states: dict[str, FeedState] = {}
        self._keywords = tags.Keywords({}, frozenset())
        self._known_is_ready = False
        self._lookups: tuple[Lookup, ...] = ()
        self._listed: frozenset[str] = frozenset()
        self.result = Collected()

    @property
    def _config(self) -> Path:
        return self._storage.paths.config

    # -- looking up ------------------------------------------------------------------------------------------------

    def look_up(self) -> None:
        """Fetch and read every feed that is due."""
        cache = self._storage.paths.cache
        self._known = self._load("articles", store.news_file(cache), store.load)
        self._states = self._load("states of the feeds", state.states_file(cache), state.load)
        self._keywords = self._load_keywords()
        if self._order.source:
            self._lookups = self._from_source(self._order.source)
            return
        if opml.ensure(self._storage.paths.feeds_file):
            self.result.files.append(self._storage.paths.feeds_file)
        feeds = opml.load(self._storage.paths.feeds_file)
        self._listed = frozenset(feed.address for feed in feeds)
        enabled = [feed for feed in feeds if feed.enabled]
        if not enabled:
            raise NothingToDo(
                "No news feed is enabled.",
                advice="Add one (python main.py feeds add URL) or enable one (python main.py feeds enable NAME).",
            )
        self._lookups = self._fetched(enabled)

    def _load(self, what: str, path: Path, load: Callable[[Storage], _Content]) -> _Content:
        """Read a file of ours; the run tells its user when a damaged one was moved aside."""
        there = path.exists()
        found = load(self._storage)
        if there and not path.exists():
            name = self._storage.relative(path)
            self.result.warnings.append(f"The file {name} was damaged; it was kept aside and the {what} begin anew.")
        return found

    def _fetched(self, feeds: Sequence[Feed]) -> tuple[Lookup, ...]:
        now, states = self._order.now, self._states
        may = may_be_asked if self._order.source else due
        ready = [feed for feed in feeds if self._order.anew or may(states.get(feed.address), now)]
        # Without its articles, "not modified" would leave a feed empty for good.
        validators = states if self._known and not self._order.source else {}
        found = gather(
            self._report,
            ready,
            validators,
            now,
            timeout_s=self._order.timeout_s,
            passed_s=self._passed_s(),
            prepare=self._prepared,
            client=self._client,
        )
        by_feed = {lookup.feed.address: lookup for lookup in found}
        return tuple(by_feed.get(feed.address) or waiting(feed, states[feed.address]) for feed in feeds)

    def _passed_s(self) -> float:
        """Seconds since the run began, as far as that can be: a clock of tests is not shared."""
        passed = time.monotonic() - self._order.asked_at if self._order.asked_at is not None else 0.0
        return passed if 0 <= passed <= self._order.timeout_s / 4 else 0.0

    def _prepared(self, parsed: ParsedFeed) -> ParsedFeed:
        """Tag the articles and take their titles apart, while other feeds are waited for."""
        self._prepare_known()
        for article in parsed.articles:
            signature(article.title)
        return replace(parsed, articles=tags.tagged(parsed.articles, self._keywords))

    def _prepare_known(self) -> None:
        """The same for what is known: the table of keywords may be another one by now."""
        if self._known_is_ready:
            return
        self._known_is_ready = True
        self._tagged = tags.tagged(self._known, self._keywords)
        for article in self._known:
            signature(article.title)

    def _from_source(self, source: str) -> tuple[Lookup, ...]:
        """What an address or a file holds: articles, or a list of feeds that are fetched then.

        Raises:
            UserAction: there is no such file, or it is something else.
        """
        lookups = self._fetched([self._address(source)]) if "://" in source else (self._file(source),)
        for lookup in lookups:
            if lookup.kind == "OPML":
                inner = [feed for feed in lookup.inner if feed.enabled]
                if not inner:
                    raise NothingToDo(f"The feed list {source} has no enabled feed.", advice="Enable or add one in it.")
                self.result.sources.append(_source(lookup, 0))
                return self._fetched(inner)
        return lookups

    @staticmethod
    def _address(source: str) -> Feed:
        address = safe_link(source)
        if not address:
            raise UserAction(
                f"{plain_text(source, 200)} is not an address of the web.",
                advice="Use one that begins with https:// or http://, or name a file.",
            )
        return Feed(address, address)

    def _file(self, source: str) -> Lookup:
        path = Path(source).expanduser().absolute()  # a message then tells from where it counts
        with guarding(path, "read"):
            if not path.exists():
                raise UserAction(f"There is no file {path}.", advice="Name a file, or an address with https://.")
            if path.is_dir():
                raise UserAction(f"{path} is a folder.", advice="Name a file with a feed or a feed list in it.")
            with path.open("rb") as file:
                content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise UserAction(f"{path.name} is larger than {MAX_BYTES / 1e6:g} MB.", advice="No feed is that large.")
        name = plain_text(path.name.encode("utf-8", "replace").decode(), 120)
        feed = Feed(name, name)
        try:
            found = read_body(content, feed, self._order.now)
        except NotAFeed as error:
            return Lookup(feed, "failed", error.kind, problem=f"{name} {error.message}.", advice=error.advice)
        return replace(found, parsed=self._prepared(found.parsed)) if found.parsed is not None else found

    # -- keeping ---------------------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Join with what is known, tag, drop the old, write; and note how each feed fared."""
        order = self._order
        seen = [article for lookup in self._lookups if lookup.parsed for article in lookup.parsed.articles]
        fresh = self._young(seen)
        self._prepare_known()
        merged = merge(self._tagged, fresh)
        kept = store.pruned(merged.articles, order.now, days=order.keep_days, most=order.keep_articles)
        before = {article.id for article in self._known}
        new = Counter(article.feed for article in kept if article.id not in before)
        if kept != self._known and (kept or self._known):
            self.result.files.append(store.save(self._storage, kept, order.now))
        self._keep_states()
        outcomes = Counter(lookup.outcome for lookup in self._lookups)
        self.result.counts = {
            "feeds": len(self._lookups),
            "read": outcomes["read"],
            "unchanged": outcomes["not_modified"],
            "waiting": outcomes["waiting"],
            "failed": outcomes["failed"],
            "articles": len(seen),
            "refused": sum(len(lookup.parsed.refused) for lookup in self._lookups if lookup.parsed),
            "new": sum(new.values()),
            "updated": merged.updated,
            "duplicates": merged.duplicates,
            "too_old": len(seen) - len(fresh) + merged.added - sum(new.values()),
            "known": merged.unchanged,
            "kept": len(kept),
        }
        self._tell(new)

    def _young(self, articles: Sequence[Article]) -> list[Article]:
        """Those that would be kept: others would come as new with every run and go again at once."""
        order = self._order
        oldest = order.now - timedelta(days=order.keep_days)
        if len(self._known) >= order.keep_articles:
            oldest = max(oldest, self._known[-1].published)
        surplus = sorted((article.published for article in articles), reverse=True)[int(order.keep_articles * _ROOM) :]
        if surplus:
            oldest = max(oldest, surplus[0])
        known = {article.id for article in self._known}
        gone = {key for one in self._states.values() for key in one.undated} - known
        return [
            article
            for article in articles
            if article.published >= oldest and not (article.time_kind == "first_seen" and item_key(article) in gone)
        ]

    def _load_keywords(self) -> tags.Keywords:
        path = self._config / KEYWORDS_FILE
        try:
            if tags.ensure(path):
                self.result.files.append(path)
            return tags.load(path)
        except UserAction as error:
            self.result.warnings.append(f"{error} The table that comes with Metronome was used.")
            return tags.load(tags.DEFAULT)

    def _keep_states(self) -> None:
        if self._order.source:
            self._keep_pauses()
            return
        # When nothing at all could be reached, the trouble is likely ours: no feed is made to wait for it.
        own = any(lookup.outcome in ("read", "not_modified") for lookup in self._lookups)
        states = {
            address: one
            for address, one in self._states.items()
            if address in self._listed or not may_be_asked(one, self._order.now)
        }
        for lookup in self._lookups:
            failure_counts = own or not (lookup.passing or lookup.offline)
            address = lookup.feed.address
            states[address] = state.after(states.get(address), lookup, self._order.now, count_failure=failure_counts)
        self.result.files.append(state.save(self._storage, states.values(), self._order.now))

    def _keep_pauses(self) -> None:
        """Remember which servers asked to be left alone, so that the next run does so, too."""
        now = self._order.now
        asked = (state.paused(self._states.get(one.feed.address), one, now) for one in self._lookups)
        pauses = {one.address: one for one in asked if one is not None}
        if pauses:
            self._states |= pauses
            self.result.files.append(state.save(self._storage, self._states.values(), now))

    def _tell(self, new: Mapping[str, int]) -> None:
        many = len(self._lookups) > _LISTED
        for lookup in self._lookups:
            parsed = lookup.parsed
            name = parsed.title if parsed and lookup.feed.title == lookup.feed.address else lookup.feed.title
            if lookup.problem:
                self.result.warnings.append(_line(lookup))
            if parsed and parsed.refused:
                first = parsed.refused[0]
                items = count(len(parsed.refused), "item")
                self.result.warnings.append(f"{name}: {items} left out; item {first.place}: {first.reason}.")
            if parsed:
                self.result.warnings += [f"{name}: {note}." for note in parsed.notes if "damaged" in note]
            if lookup.moved_to:
                self.result.warnings.append(f"{name} has moved for good to {lookup.moved_to}; change its address.")
            if not many or lookup.problem:
                self.result.sources.append(_source(lookup, new.get(lookup.feed.address, 0)))
        del self.result.sources[_LISTED * 2 :]

    # -- when nothing came -----------------------------------------------------------------------------------------

    def refuse_if_all_failed(self) -> None:
        """Say why no feed could be read, as the error that decides the reaction.

        Raises:
            Blocked, Retryable, UserAction: see ``collect``.
        """
        lookups = self._lookups
        if any(lookup.outcome in ("read", "not_modified") for lookup in lookups):
            return
        failed = [lookup for lookup in lookups if lookup.outcome == "failed"]
        if not failed:
            until = min((one.next_try for one in map(self._state_of, lookups) if one and one.next_try), default=None)
            which = "the first is" if len(lookups) > 1 else "it is"
            when = f"; {which} tried again at {until:%H:%M} UTC" if until and not self._order.source else ""
            one_waits = "The source waits" if self._order.source else "The one enabled feed waits"
            all_wait = f"All {len(lookups):,} feeds wait" if len(lookups) > 1 else one_waits
            raise Blocked(
                f"{all_wait}{when}. {lookups[0].problem}".rstrip(),
                advice="" if self._order.source else "To try at once: python main.py run collect_rss_news anew=true",
                until=until,
            )
        hosts = {urlsplit(lookup.feed.address).hostname for lookup in failed}
        if len(hosts) > 1 and all(lookup.offline for lookup in failed) and not self._order.source:
            raise Blocked(
                f"No network: none of {count(len(failed), 'news feed')} can be reached from this computer.",
                advice="It is tried again with the next run.",
            )
        raise self._failure(failed)

    def _failure(self, failed: Sequence[Lookup]) -> MetronomeError:
        """The error of a run whose every source failed; what each was recognised as stays with it."""
        advice = next((one.advice for one in failed if one.advice), "")
        error: MetronomeError
        if any(lookup.passing and not lookup.retry_after_s for lookup in failed):
            error = Retryable(_all_failed(failed), advice=advice)
        else:
            # A server that says when to come back is not asked again at once.
            asked = min((one.retry_after_s for one in failed if one.passing and one.retry_after_s), default=None)
            if asked is not None:
                until = self._order.now + timedelta(seconds=asked)
                advice = f"Its server asks to be left alone until {until:%H:%M} UTC: try again then."
            error = UserAction(_all_failed(failed), advice=advice)
        error.findings = {**self.result.counts, "sources": self.result.sources}
        return error

    def _state_of(self, lookup: Lookup) -> FeedState | None:
        return self._states.get(lookup.feed.address)


def _all_failed(failed: Sequence[Lookup]) -> str:
    if len(failed) == 1:
        return failed[0].problem
    named = " ".join(lookup.problem for lookup in failed[:_NAMED])
    more = f" (and {len(failed) - _NAMED} more)" if len(failed) > _NAMED else ""
    return f"None of {count(len(failed), 'feed')} could be read: {named}{more}"


def _line(lookup: Lookup) -> str:
    advice = "" if lookup.passing or not lookup.advice else f" {lookup.advice}"
    return f"{lookup.problem}{advice}"


def _source(lookup: Lookup, new: int) -> dict[str, Any]:
    parsed = lookup.parsed
    title = parsed.title if parsed and lookup.feed.title == lookup.feed.address else lookup.feed.title
    return {
        "source": lookup.feed.address,
        "title": title,
        "outcome": lookup.outcome,
        "recognised_as": lookup.kind,
        "articles": len(parsed.articles) if parsed else 0,
        "refused": len(parsed.refused) if parsed else 0,
        "new": new,
        "status": lookup.status,
        "problem": lookup.problem,
        "notes": list(parsed.notes) if parsed else [],
    }
