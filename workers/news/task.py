"""The task ``collect_rss_news``: its parameters, its result, and the order to the process that does the work."""

from __future__ import annotations

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from app.tasks import Queue, Retries, TaskContext, TaskParams, TaskResult, TaskSpec
from workers.wording import count

#: Seconds beside the wait for feeds: starting the process, reading what came last, joining and writing.
_ROOM_S: Final = 45.0


class NewsParams(TaskParams):
    """What to fetch."""

    source: str = Field(
        default="",
        title="Source",
        description="An address, a file or a feed list (OPML) to read instead of the feeds of data/config/feeds.opml.",
        max_length=2_000,
    )
    anew: bool = Field(default=False, title="At once", description="Fetch also feeds that wait after failures.")


class SourceResult(BaseModel):
    """What came of one feed."""

    model_config = ConfigDict(frozen=True)

    source: str = Field(description="Address, or name of the file.")
    title: str = Field(description="What the feed is called.")
    outcome: str = Field(description="read, not_modified, waiting or failed.")
    recognised_as: str = Field(
        description="What its content is, for example RSS 2.0, Atom 1.0, JSON Feed 1.1, sitemap."
    )
    articles: int = Field(description="Articles in it.")
    refused: int = Field(description="Items that cannot be articles.")
    new: int = Field(description="Articles that were not known.")
    status: int | None = Field(description="HTTP status; none when no server answered, or for a file.")
    problem: str = Field(description="Why it could not be read; empty when it was.")
    notes: tuple[str, ...] = Field(description="What else is to be known: damage, left-out items, times without zone.")


class NewsResult(TaskResult):
    """What a run over the feeds brought."""

    feeds: int = Field(description="Feeds asked for.")
    read: int = Field(description="Feeds whose content was read.")
    unchanged: int = Field(description="Feeds that have nothing new since the last fetch.")
    waiting: int = Field(description="Feeds that wait after failures, or because their server asked for it.")
    failed: int = Field(description="Feeds that could not be read.")
    articles: int = Field(description="Articles in the feeds that were read.")
    refused: int = Field(description="Items of them that cannot be articles.")
    new: int = Field(description="Articles that were not known and are kept.")
    updated: int = Field(description="Known articles that their feed changed.")
    duplicates: int = Field(description="Items that told of known news again.")
    too_old: int = Field(description="Articles older than what is kept.")
    known: int = Field(
        description="Known articles that came again unchanged. articles = new + updated + duplicates + too_old + known."
    )
    kept: int = Field(description="Articles kept in all.")
    sources: tuple[SourceResult, ...] = Field(
        default=(), description="What came of each source; of many, of those with a problem."
    )

    def summary(self) -> str:
        good, feeds = self.read + self.unchanged, count(self.feeds, "feed")
        news = count(self.new, "new article") if self.new else "no new articles"
        parts = [f"{news} from {feeds if good == self.feeds else f'{good:,} of {feeds}'}"]
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.waiting:
            parts.append(f"{self.waiting:,} waiting")
        if self.too_old and not self.new:
            parts.append(f"{count(self.too_old, 'article')} older than what is kept")
        if self.refused:
            parts.append(f"{count(self.refused, 'item')} refused")
        return ", ".join(parts)


def collect_rss_news(ctx: TaskContext, params: NewsParams) -> NewsResult:
    """Collect the news of all enabled feeds, or of the source asked for."""
    from workers.news.collect import Order, collect

    settings = ctx.settings.news
    order = Order(
        home=ctx.storage.paths.home,
        now=ctx.clock.now(),
        timeout_s=settings.feed_timeout_s,
        keep_days=settings.keep_days,
        keep_articles=settings.keep_articles,
        source=params.source.strip(),
        anew=params.anew,
        asked_at=ctx.clock.monotonic(),
    )
    # A list named by source is fetched after it was fetched itself.
    waits = settings.feed_timeout_s * (2 if order.source else 1)
    found: Any = ctx.compute(collect, order, limit_s=waits + _ROOM_S)
    for warning in found.warnings:
        ctx.warn(warning)
    for file in found.files:
        ctx.wrote(file)
    return NewsResult(**found.counts, sources=tuple(SourceResult(**source) for source in found.sources))


COLLECT_RSS_NEWS: Final = TaskSpec(
    id="collect_rss_news",
    title="Collect RSS news",
    description="Articles of all enabled news feeds, de-duplicated and tagged by currency and symbol.",
    queue=Queue.DATA_COLLECTION,
    run=collect_rss_news,
    params=NewsParams,
    result=NewsResult,
    schedule="*/10 * * * *",
    soft_limit_s=150.0,
    hard_limit_s=200.0,
    retries=Retries(attempts=2, base_s=5.0),
)
