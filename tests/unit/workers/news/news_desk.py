"""A home with feeds on a loopback server, runs over them without a process of their own, and hand-made articles."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

from pytest_httpserver import HTTPServer

from app.errors import Cancelled
from app.paths import Paths
from workers.news import opml
from workers.news.collect import Collected, Order, collect
from workers.news.values import Article, Feed

NOW = datetime(2025, 6, 3, 12, 0, tzinfo=UTC)


@dataclass
class Report:
    """What the run says; it can be asked to stop."""

    stop: bool = False
    seen: list[tuple[int, int, str]] = field(default_factory=list)

    def progress(self, done: int, total: int, text: str = "") -> None:
        self.seen.append((done, total, text))
        self.check_cancelled()

    def check_cancelled(self) -> None:
        if self.stop:
            raise Cancelled("Stopped on request.")


@dataclass
class Desk:
    """A home with feeds; each ``run`` is a run of the task at ``now``."""

    paths: Paths
    server: HTTPServer
    now: datetime = NOW
    report: Report = field(default_factory=Report)

    def url(self, name: str) -> str:
        return self.server.url_for(f"/{name}")

    def feeds(self, *names: str) -> None:
        """The feed list: names of the server's paths, or whole addresses."""
        entries = [Feed(name if "://" in name else self.url(name), name.rpartition("/")[2]) for name in names]
        opml.save(self.paths.feeds_file, entries)

    def serve(self, name: str, *items: str, **headers: str) -> None:
        """Serve an RSS feed of these items at ``/name``."""
        self.server.expect_request(f"/{name}").respond_with_data(
            rss(*items), headers=headers, content_type="application/rss+xml"
        )

    def run(self, source: str = "", **options: Any) -> Collected:
        order = Order(self.paths.home, self.now, **({"timeout_s": 5.0, "source": source} | options))
        return collect(self.report, order)

    def articles(self) -> tuple[Article, ...]:
        from app.clock import FakeClock
        from app.storage import Storage
        from workers.news import store

        return store.load(Storage(self.paths, FakeClock(self.now)))

    def titles(self) -> list[str]:
        return [article.title for article in self.articles()]


def rss(*items: str) -> bytes:
    """An RSS 2.0 document."""
    return f'<rss version="2.0"><channel><title>A feed</title>{"".join(items)}</channel></rss>'.encode()


def item(title: str, link: str = "", *, guid: str = "", minutes: float = 10, text: str = "", date: str = "") -> str:
    """An item of an RSS feed, some minutes old."""
    when = date or format_datetime(NOW - timedelta(minutes=minutes))
    parts = {"title": title, "link": link, "guid": guid, "pubDate": when, "description": text}
    return "<item>" + "".join(f"<{name}>{value}</{name}>" for name, value in parts.items() if value) + "</item>"


def article(title: str, link: str = "", **more: Any) -> Article:
    """An article of the feed ``https://a.example/rss``."""
    values: dict[str, Any] = {
        "summary": "",
        "published": NOW,
        "time_kind": "published",
        "first_seen": NOW,
        "source": "A",
        "feed": "https://a.example/rss",
    }
    return Article(title, link, **(values | more))
