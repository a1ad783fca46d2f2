"""All feeds at once: fetched by one asyncio loop, read by a thread beside it, each one's trouble its own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from app.errors import MetronomeError, Retryable
from app.http import Answer
from app.http_answers import MAX_BYTES
from app.http_many import Ask, HttpMany, Told
from workers.news import opml
from workers.news.parse import parse
from workers.news.recognise import NotAFeed, Recognised, recognise, unpacked
from workers.news.values import Feed, FeedState, Lookup, ParsedFeed
from workers.wording import count

ACCEPT: Final = (
    "application/rss+xml, application/atom+xml, application/feed+json, application/rdf+xml;q=0.9, "
    "application/xml;q=0.8, text/xml;q=0.8, application/json;q=0.7, */*;q=0.5"
)

#: Reading one feed takes milliseconds; one made to take for ever is left behind after this long.
PARSE_LIMIT_S: Final = 15.0
_LEFT_BEHIND: Final = 3
_LOOK_S: Final = 0.1


class Reporting(Protocol):
    """What the work may say to its run; ``app.workprocess.Report`` is one."""

    def progress(self, done: int, total: int, text: str = "") -> None: ...
    def check_cancelled(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """How bodies are read: at which time, and what is done with the articles at once."""

    now: datetime
    prepare: Callable[[ParsedFeed], ParsedFeed]


def gather(
    report: Reporting,
    feeds: Sequence[Feed],
    states: Mapping[str, FeedState],
    now: datetime,
    *,
    timeout_s: float,
    passed_s: float = 0.0,
    prepare: Callable[[ParsedFeed], ParsedFeed] = lambda parsed: parsed,
    client: Callable[[], HttpMany] | None = None,
) -> tuple[Lookup, ...]:
    """What came of each feed, in the order of ``feeds``.

    Args:
        states: Validators of the last answers; leave them out to fetch everything anew.
        timeout_s: For each feed: connecting, redirects and reading.
        passed_s: Seconds of that wait that have passed already.
        prepare: What can be done with the articles of one feed alone, while others are waited for.
        client: Makes another client, for tests.

    Raises:
        Cancelled: the run was asked to stop; nothing goes on.
    """
    make = client or (lambda: HttpMany(timeout_s=timeout_s, passed_s=passed_s, accept=ACCEPT, now=lambda: now))
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_gather(report, feeds, states, Reading(now, prepare), make))
    finally:
        # Not asyncio.run: it waits at its end for look-ups of names, which may hang for minutes.
        loop.run_until_complete(loop.shutdown_asyncgens())
        loop.close()


async def _gather(
    report: Reporting,
    feeds: Sequence[Feed],
    states: Mapping[str, FeedState],
    reading: Reading,
    make: Callable[[], HttpMany],
) -> tuple[Lookup, ...]:
    readers = Readers()
    try:
        async with make() as http:
            tasks = [
                asyncio.create_task(_one(http, readers, feed, states.get(feed.address), reading)) for feed in feeds
            ]
            try:
                await _watched(report, tasks)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
            return tuple(task.result() for task in tasks)
    finally:
        readers.stop()


async def _watched(report: Reporting, tasks: Sequence[asyncio.Task[Lookup]]) -> None:
    """Wait for all, telling how far it has come and looking whether to stop."""
    waiting = set(tasks)
    while waiting:
        done, waiting = await asyncio.wait(waiting, timeout=_LOOK_S)
        if done:
            report.progress(len(tasks) - len(waiting), len(tasks), "Fetching news feeds")
        else:
            report.check_cancelled()


async def _one(http: HttpMany, readers: Readers, feed: Feed, state: FeedState | None, reading: Reading) -> Lookup:
    told = await http.get(Ask(feed.address, state.etag if state else "", state.modified if state else ""))
    if told.answer is None:
        return _failed(feed, told)
    answer = told.answer
    common = Lookup(
        feed, "not_modified", status=answer.status, retry_after_s=told.retry_after_s, moved_to=told.moved_to
    )
    if answer.not_modified:
        return common
    try:
        found = await readers.read(lambda: _read(answer, feed, reading))
    except MetronomeError as error:
        kind = error.kind if isinstance(error, NotAFeed) else ""
        problem = f"{feed.title} {error.message}." if isinstance(error, NotAFeed) else error.message
        passing = isinstance(error, Retryable)
        return replace(common, outcome="failed", kind=kind, problem=problem, advice=error.advice, passing=passing)
    finally:
        http.release(answer)
    return replace(
        found,
        status=answer.status,
        retry_after_s=told.retry_after_s,
        moved_to=told.moved_to,
        etag=answer.etag[:1000],
        modified=answer.modified[:200],
    )


def _failed(feed: Feed, told: Told) -> Lookup:
    error = told.error or Retryable(f"{feed.address} gave no answer.")
    return Lookup(
        feed,
        "failed",
        status=told.status,
        problem=f"{feed.title}: {error.message}",
        advice=error.advice,
        offline=told.offline,
        passing=isinstance(error, Retryable),
        retry_after_s=told.retry_after_s,
        moved_to=told.moved_to,
    )


def _read(answer: Answer, feed: Feed, reading: Reading) -> Lookup:
    found = read_body(answer.content, feed, reading.now, content_type=answer.content_type, base=answer.url)
    return replace(found, parsed=reading.prepare(found.parsed)) if found.parsed is not None else found


def read_body(content: bytes, feed: Feed, now: datetime, *, content_type: str = "", base: str = "") -> Lookup:
    """Recognise and read a body: its articles, or the feeds of a feed list (``inner``).

    Args:
        base: What relative links count from; the feed's own address when empty.

    Raises:
        NotAFeed: it is something else.
    """
    found: Recognised = recognise(unpacked(content, MAX_BYTES), base or feed.address, content_type)
    if found.family == "opml":
        return Lookup(feed, "read", kind=found.kind, inner=opml.read(found.content, feed.title))
    return Lookup(feed, "read", kind=found.kind, parsed=parse(found, feed, now, base=base))


class Readers:
    """Reads bodies beside the loop, one at a time; one that takes for ever is left behind with its thread."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LEFT_BEHIND + 1, thread_name_prefix="feed-reader")
        self._turn = asyncio.Semaphore(1)

    async def read(self, work: Callable[[], Lookup]) -> Lookup:
        """Run ``work`` on a thread.

        Raises:
            Retryable: it took longer than the limit.
            NotAFeed: what ``work`` raised.
        """
        async with self._turn:
            try:
                async with asyncio.timeout(PARSE_LIMIT_S):
                    return await asyncio.get_running_loop().run_in_executor(self._threads, work)
            except TimeoutError:
                raise Retryable(
                    f"Its content takes longer than {PARSE_LIMIT_S:g} s to read and was left out.",
                    advice="Remove the feed if this happens again.",
                ) from None

    def stop(self) -> None:
        """No more work; idle threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def due(state: FeedState | None, now: datetime) -> bool:
    """Whether a feed may be fetched again. A clock that was set back does not make it wait for ever."""
    if state is None or state.next_try is None or state.next_try <= now:
        return True
    return state.last_try is not None and state.last_try > now + timedelta(minutes=1)


def may_be_asked(state: FeedState | None, now: datetime) -> bool:
    """Whether a feed may be fetched when its user asks for it by address: unless its server asked to be left alone."""
    return state is None or state.paused_until is None or due(replace(state, next_try=state.paused_until), now)


def waiting(feed: Feed, state: FeedState) -> Lookup:
    """What to say of a feed that is not due."""
    until = f"{state.next_try:%H:%M} UTC" if state.next_try else "later"
    why = f"after {count(state.failures, 'failure')}" if state.failures else "because its server asks for it"
    problem = f"{state.problem} It waits until {until} {why}." if state.problem else ""
    return Lookup(feed, "waiting", state.kind, status=state.status, problem=problem, advice=state.advice, passing=True)
