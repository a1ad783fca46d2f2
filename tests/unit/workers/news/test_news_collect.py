"""Runs over feeds on a real server: what is kept, what is told, and which error says that nothing could be read."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from pathlib import Path

import pytest
from news_desk import Desk, item, rss
from werkzeug import Request, Response

from app.errors import Blocked, Cancelled, NothingToDo, Retryable, UserAction
from app.storage import Storage
from workers.news import opml, state, store
from workers.news.values import Feed, FeedState


def states(desk: Desk) -> dict[str, FeedState]:
    """How the feeds fare, by the last part of their address."""
    from app.clock import FakeClock

    found = state.load(Storage(desk.paths, FakeClock(desk.now)))
    return {address.rpartition("/")[2]: one for address, one in found.items()}


def test_all_feeds_in_one_run(desk: Desk) -> None:
    desk.serve("one", item("Fed holds rates steady, signals cuts", "https://one.example/1", guid="1"))
    desk.serve(
        "two",
        item("Fed holds rates steady; signals cuts - Agency", "https://two.example/9", guid="9", minutes=5),
        item("Gold jumps", "https://two.example/10?utm_source=x", minutes=1),
    )
    desk.feeds("one", "two")
    done = desk.run()
    counts = {name: done.counts[name] for name in ("feeds", "read", "articles", "new", "duplicates", "kept")}
    assert counts == {"feeds": 2, "read": 2, "articles": 3, "new": 2, "duplicates": 1, "kept": 2}
    gold, fed = desk.articles()
    assert (gold.title, gold.link, gold.symbols) == ("Gold jumps", "https://two.example/10", ("XAUUSD",))
    assert (fed.source, fed.also, fed.currencies) == ("one", ("two",), ("USD",))
    assert [source["recognised_as"] for source in done.sources] == ["RSS 2.0", "RSS 2.0"]
    assert done.warnings == []
    assert {path.name for path in done.files} == {"news_keywords.json", "rss_news.json", "feed_states.json"}
    assert json.loads(store.news_file(desk.paths.cache).read_bytes())["schema"] == 1


def test_a_second_run_brings_nothing_and_writes_no_article(desk: Desk) -> None:
    desk.serve("one", item("A title of news", "https://one.example/1"))
    desk.feeds("one")
    desk.run()
    before = store.news_file(desk.paths.cache).stat().st_mtime_ns
    desk.now += timedelta(minutes=10)
    again = desk.run()
    assert (again.counts["new"], again.counts["updated"], again.counts["kept"]) == (0, 0, 1)
    assert store.news_file(desk.paths.cache).stat().st_mtime_ns == before


def test_one_broken_feed_costs_no_other(desk: Desk) -> None:
    desk.serve("good", item("A title of news", "https://one.example/1"))
    desk.server.expect_request("/page").respond_with_data("<html><body>Moved</body></html>")
    desk.server.expect_request("/map").respond_with_data("<urlset/>")
    desk.server.expect_request("/busy").respond_with_data("", 503)
    desk.server.expect_request("/noise").respond_with_data(bytes(range(256)) * 50)
    desk.server.expect_request("/bomb").respond_with_data(
        gzip.compress(b"\0" * 20_000_000), headers={"Content-Encoding": "gzip"}
    )
    desk.server.expect_request("/hidden").respond_with_data(gzip.compress(b" " * 20_000_000))
    desk.server.expect_request("/round").respond_with_data("", 302, {"Location": "/round"})
    desk.server.expect_request("/empty").respond_with_data("")
    desk.feeds("good", "page", "map", "busy", "noise", "bomb", "hidden", "round", "empty")
    done = desk.run()
    assert (done.counts["read"], done.counts["failed"], done.counts["kept"]) == (1, 8, 1)
    told = " ".join(done.warnings)
    assert len(done.warnings) == 8
    for part in (
        "page is an HTML page",
        "map is a sitemap",
        "answered 503",
        "noise holds binary data",
        "larger than 5 MB",
        "hidden unfolds to more than 5 MB",
        "redirects more than 5 times",
        "empty is empty",
    ):
        assert part in told
    fares = states(desk)
    assert (fares["good"].failures, fares["good"].items, fares["good"].status) == (0, 1, 200)
    assert (fares["busy"].failures, fares["busy"].status) == (1, 503)
    assert fares["map"].kind == "sitemap"


def test_a_hanging_feed_ends_at_its_limit(desk: Desk) -> None:
    import socket

    desk.serve("good", item("A title of news", "https://one.example/1"))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        desk.feeds("good", f"http://127.0.0.1:{silent.getsockname()[1]}/silent")
        done = desk.run(timeout_s=0.5)
    assert (done.counts["read"], done.counts["failed"]) == (1, 1)
    assert "did not answer within 0.5 s" in done.warnings[0]


def test_unchanged_feeds_are_not_sent_again(desk: Desk) -> None:
    asked: list[str | None] = []

    def answer(request: Request) -> Response:
        asked.append(request.headers.get("If-None-Match"))
        if asked[-1] == '"v1"':
            return Response(status=304)
        return Response(rss(item("A title of news", "https://one.example/1")), headers={"ETag": '"v1"'})

    desk.server.expect_request("/one").respond_with_handler(answer)
    desk.feeds("one")
    desk.run()
    again = desk.run()
    assert (again.counts["unchanged"], again.counts["kept"], again.warnings) == (1, 1, [])
    # Without its articles, "not modified" would leave the feed empty for good.
    store.news_file(desk.paths.cache).unlink()
    assert desk.run().counts["new"] == 1
    assert asked == [None, '"v1"', None]


def test_a_failing_feed_waits_longer_each_time_and_comes_back(desk: Desk) -> None:
    desk.serve("good", item("A title of news", "https://one.example/1"))
    desk.server.expect_request("/bad").respond_with_data("", 500)
    desk.feeds("good", "bad")
    waits = []
    for _ in range(3):
        desk.run()
        bad = states(desk)["bad"]
        assert bad.next_try is not None
        waits.append(bad.next_try - desk.now)
        desk.now = bad.next_try
    assert waits == [timedelta(minutes=5), timedelta(minutes=10), timedelta(minutes=20)]
    desk.now -= timedelta(minutes=1)
    early = desk.run()
    assert (early.counts["waiting"], early.counts["failed"]) == (1, 0)
    assert "waits until" in early.warnings[0]
    assert "answered 500" in early.warnings[0]
    assert desk.run(anew=True).counts["failed"] == 1
    desk.server.clear()
    desk.serve("good")
    desk.serve("bad", item("It is back with news", "https://bad.example/1"))
    back = desk.run(anew=True)
    assert (back.counts["new"], back.warnings) == (1, [])
    assert (states(desk)["bad"].failures, states(desk)["bad"].problem) == (0, "")


def test_a_server_that_asks_to_wait_is_obeyed(desk: Desk) -> None:
    desk.serve("good", item("A title of news", "https://one.example/1"))
    desk.server.expect_request("/busy").respond_with_data("", 429, headers={"Retry-After": "3600"})
    desk.feeds("good", "busy")
    desk.run()
    assert states(desk)["busy"].next_try == desk.now + timedelta(hours=1)


def test_a_source_that_asks_to_wait_is_obeyed_within_a_run_and_over_runs(desk: Desk) -> None:
    desk.server.expect_request("/busy").respond_with_data("", 429, headers={"Retry-After": "3600"})
    with pytest.raises(UserAction, match="429") as refused:  # not Retryable: the runner does not ask again
        desk.run(desk.url("busy"))
    assert refused.value.advice == "Its server asks to be left alone until 13:00 UTC: try again then."
    desk.now += timedelta(minutes=59)
    with pytest.raises(Blocked, match=r"The source waits\. .* 13:00 UTC.*because its server asks for it"):
        desk.run(desk.url("busy"))
    assert len(desk.server.log) == 1
    desk.serve("good", item("A title of news", "https://one.example/1"))
    desk.feeds("good")
    desk.run()  # a run over the list keeps what is remembered of a source
    with pytest.raises(Blocked):
        desk.run(desk.url("busy"))
    assert list(states(desk)) == ["busy", "good"]
    desk.now += timedelta(minutes=2)
    desk.run()
    assert list(states(desk)) == ["good"]
    desk.server.clear()
    desk.serve("busy", item("It is back with news", "https://one.example/2"))
    assert desk.run(desk.url("busy")).counts["new"] == 1


def test_a_source_is_not_held_back_by_our_own_waits(desk: Desk) -> None:
    desk.serve("good", item("A title of news", "https://one.example/1"))
    desk.server.expect_request("/bad").respond_with_data("", 500)
    desk.feeds("good", "bad")
    desk.run()
    assert states(desk)["bad"].next_try is not None
    desk.server.clear()
    desk.serve("bad", item("It is back with news", "https://one.example/2"))
    assert desk.run(desk.url("bad")).counts["new"] == 1


def test_a_list_as_source_obeys_each_server(desk: Desk, tmp_path: Path) -> None:
    desk.serve("good", item("A title of news", "https://one.example/1"))
    desk.server.expect_request("/busy").respond_with_data("", 429, headers={"Retry-After": "3600"})
    listed = tmp_path / "list.opml"
    opml.save(listed, [Feed(desk.url("good"), "good"), Feed(desk.url("busy"), "busy")])
    assert desk.run(str(listed)).counts["failed"] == 1
    again = desk.run(str(listed))
    assert (again.counts["waiting"], again.counts["failed"]) == (1, 0)
    assert sum(request.path == "/busy" for request, _ in desk.server.log) == 1


def test_a_failed_run_says_what_each_source_was_recognised_as(desk: Desk) -> None:
    desk.server.expect_request("/map").respond_with_data("<urlset/>")
    desk.server.expect_request("/busy").respond_with_data("", 503)
    desk.feeds("map", "busy")
    with pytest.raises(Retryable) as failed:
        desk.run()
    findings = failed.value.findings
    assert (findings["feeds"], findings["failed"]) == (2, 2)
    assert [(one["title"], one["recognised_as"], one["status"]) for one in findings["sources"]] == [
        ("map", "sitemap", 200),
        ("busy", "", 503),
    ]


def test_a_lasting_move_is_told(desk: Desk) -> None:
    desk.serve("new", item("A title of news", "https://one.example/1"))
    desk.server.expect_request("/old").respond_with_data("", 301, {"Location": "/new"})
    desk.feeds("old")
    assert "has moved for good to" in desk.run().warnings[0]


def test_no_enabled_feed_is_nothing_to_do(desk: Desk) -> None:
    opml.save(desk.paths.feeds_file, [Feed("https://a.example/", "A", enabled=False)])
    with pytest.raises(NothingToDo, match="No news feed is enabled") as nothing:
        desk.run()
    assert "feeds add" in nothing.value.advice


def test_a_damaged_feed_list_is_refused_and_left_alone(desk: Desk) -> None:
    desk.paths.feeds_file.write_text("<opml><body>", encoding="utf-8")
    with pytest.raises(UserAction, match="line 1"):
        desk.run()
    assert desk.paths.feeds_file.read_text(encoding="utf-8") == "<opml><body>"


def test_all_feeds_broken_fails_as_fits_and_loses_nothing(desk: Desk) -> None:
    desk.serve("one", item("A title of news", "https://one.example/1"))
    desk.feeds("one")
    desk.run()
    desk.server.clear()
    desk.server.expect_request("/one").respond_with_data("", 503)
    with pytest.raises(Retryable, match="answered 503"):
        desk.run()
    assert desk.titles() == ["A title of news"]
    assert states(desk)["one"].next_try is None  # the trouble may be ours: another try is not held back
    desk.server.clear()
    desk.server.expect_request("/one").respond_with_data("", 404)
    with pytest.raises(UserAction, match="does not exist"):
        desk.run()
    with pytest.raises(Blocked, match="The one enabled feed waits"):
        desk.run()
    assert desk.titles() == ["A title of news"]


def test_without_network_the_run_says_so(desk: Desk) -> None:
    desk.feeds("http://one.invalid/rss", "http://two.invalid/rss")
    with pytest.raises(Blocked, match="No network: none of 2 news feeds"):
        desk.run()
    desk.feeds("http://one.invalid/rss")
    with pytest.raises(Retryable, match="cannot be reached"):
        desk.run()


@pytest.mark.allow_warnings("is damaged")
def test_a_damaged_store_is_kept_aside_and_told(desk: Desk) -> None:
    desk.serve("one", item("A title of news", "https://one.example/1"))
    desk.feeds("one")
    desk.run()
    store.news_file(desk.paths.cache).write_bytes(b'{"schema": 1, "arti')
    done = desk.run()
    assert "was damaged" in done.warnings[0]
    assert done.counts["new"] == 1
    assert list(desk.paths.cache.glob("rss_news.json.damaged-*"))


def test_a_bad_table_of_keywords_costs_no_news(desk: Desk) -> None:
    desk.serve("one", item("Gold jumps again today", "https://one.example/1"))
    desk.feeds("one")
    (desk.paths.config / "news_keywords.json").write_text('{"schema": 1, "symbols": 5}', encoding="utf-8")
    done = desk.run()
    assert "symbols is not an object" in done.warnings[0]
    assert desk.articles()[0].symbols == ("XAUUSD",)
    (desk.paths.config / "news_keywords.json").write_text('{"schema": 1, "symbols": {"G": ["gold"]}}', encoding="utf-8")
    desk.run()
    assert desk.articles()[0].symbols == ("G",)


def test_articles_are_kept_by_age_and_number(desk: Desk) -> None:
    desk.serve("one", *(item(f"Unique title {n} of {n * 7}", f"https://o.example/{n}", minutes=n) for n in range(20)))
    desk.serve("old", item("An old title", "https://old.example/1", minutes=60 * 24 * 31))
    desk.feeds("one", "old")
    done = desk.run(keep_articles=10)
    assert (done.counts["kept"], done.counts["new"], done.counts["too_old"]) == (10, 10, 11)
    again = desk.run(keep_articles=10)
    assert (again.counts["new"], again.counts["too_old"]) == (0, 11)
    desk.now += timedelta(days=31)
    desk.server.clear()
    desk.serve("one")
    desk.serve("old")
    assert desk.run(keep_articles=10).counts["kept"] == 0


def test_every_article_is_accounted_for(desk: Desk, shared: Path) -> None:
    def balanced(counts: dict[str, int]) -> bool:
        parts = ("new", "updated", "duplicates", "too_old", "known")
        return counts["articles"] == sum(counts[name] for name in parts)

    real = str(next((shared / "data" / "rss").rglob("rss092.xml")))
    first = desk.run(real).counts
    assert (first["articles"], first["new"], first["duplicates"]) == (22, 21, 1)
    again = desk.run(real).counts
    assert (again["new"], again["known"], again["duplicates"]) == (0, 21, 1)
    desk.serve("many", *(item(f"News number {n}", f"https://one.example/{n}", minutes=n) for n in range(80)))
    desk.serve("old", item("Long ago", "https://one.example/old", date="Mon, 06 Jan 2020 10:00:00 GMT"))
    desk.feeds("many", "old")
    crowded = desk.run(keep_articles=50).counts
    assert (crowded["new"] < 80, crowded["too_old"] > 1) == (True, True)
    assert all(map(balanced, (first, again, crowded, desk.run(keep_articles=50).counts)))


def test_undated_articles_do_not_come_back_when_they_were_dropped(desk: Desk) -> None:
    undated = "<item><title>Undated but real news</title><link>https://one.example/1</link></item>"
    desk.serve("one", undated)
    desk.feeds("one")
    assert desk.run().counts["new"] == 1
    assert desk.articles()[0].time_kind == "first_seen"
    desk.now += timedelta(days=31)
    for _ in range(2):
        done = desk.run()
        assert (done.counts["new"], done.counts["kept"]) == (0, 0)


def test_a_refused_item_is_told_with_its_place(desk: Desk) -> None:
    desk.serve("one", item("A title of news", "https://one.example/1"), "<item></item>")
    desk.feeds("one")
    done = desk.run()
    assert done.counts["refused"] == 1
    assert "item 2" in done.warnings[0]


def test_a_stopped_run_leaves_everything_as_it_was(desk: Desk) -> None:
    desk.serve("one", item("A title of news", "https://one.example/1"))
    desk.feeds("one")
    desk.run()
    before = store.news_file(desk.paths.cache).read_bytes()
    desk.report.stop = True
    desk.now += timedelta(hours=1)
    with pytest.raises(Cancelled):
        desk.run()
    assert store.news_file(desk.paths.cache).read_bytes() == before
    assert states(desk)["one"].last_try == desk.now - timedelta(hours=1)


@pytest.mark.parametrize("as_file", [True, False])
def test_a_source_is_a_feed_or_a_list_of_feeds(desk: Desk, tmp_path: Path, as_file: bool) -> None:
    desk.serve("one", item("A title of news", "https://one.example/1"))
    desk.serve("two", item("Some other news here", "https://two.example/1"))
    content = opml.written(
        [Feed(desk.url("one"), "One"), Feed(desk.url("two"), "Two"), Feed("https://x/", "X", "", False)]
    )
    desk.server.expect_request("/list").respond_with_data(content)
    (tmp_path / "list.opml").write_bytes(content)
    (tmp_path / "feed.xml").write_bytes(rss(item("News from a file", "https://file.example/1")))
    listed = desk.run(str(tmp_path / "list.opml") if as_file else desk.url("list"))
    assert (listed.counts["articles"], listed.counts["feeds"]) == (2, 2)
    assert [source["recognised_as"] for source in listed.sources] == ["OPML", "RSS 2.0", "RSS 2.0"]
    single = desk.run(str(tmp_path / "feed.xml") if as_file else desk.url("one"))
    assert (single.counts["articles"], single.counts["refused"]) == (1, 0)
    assert single.sources[0]["title"] == "A feed"
    assert not state.states_file(desk.paths.cache).exists()
    assert not desk.paths.feeds_file.exists()


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("page.html", "is an HTML page"),
        ("none.xml", "There is no file"),
        (".", "is a folder"),
        ("ftp://a.example/x", "not an address of the web"),
        ("empty.opml", "no enabled feed"),
        ("huge.xml", "larger than 5 MB"),
    ],
)
def test_a_source_that_is_something_else_is_refused(desk: Desk, tmp_path: Path, source: str, reason: str) -> None:
    (tmp_path / "page.html").write_text("<html></html>", encoding="utf-8")
    (tmp_path / "empty.opml").write_bytes(opml.written([]))
    (tmp_path / "huge.xml").write_bytes(b"<rss>" + b" " * 5_000_000)
    with pytest.raises((UserAction, NothingToDo)) as refusal:
        desk.run(source if "://" in source else str(tmp_path / source))
    assert reason in refusal.value.message


def test_a_body_that_takes_for_ever_to_read_is_left_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    import threading

    from workers.news import gather

    let_go = threading.Event()
    real = gather.read_body

    def slow(content: bytes, feed: Feed, *rest: object, **more: object) -> object:
        if feed.title == "slow":
            let_go.wait(10)
        return real(content, feed, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(gather, "PARSE_LIMIT_S", 0.2)
    monkeypatch.setattr(gather, "read_body", slow)
    desk.serve("slow", item("Never read in this test", "https://slow.example/1"))
    desk.serve("good", item("A title of news", "https://one.example/1"))
    desk.feeds("slow", "good")
    try:
        done = desk.run()
    finally:
        let_go.set()
    assert (done.counts["read"], done.counts["failed"]) == (1, 1)
    assert "takes longer than 0.2 s to read" in done.warnings[0]


def test_many_sources_are_listed_only_where_something_is_to_say(desk: Desk) -> None:
    for number in range(70):
        desk.serve(f"f{number}", item(f"Title {number} of feed", f"https://f{number}.example/"))
    desk.feeds(*(f"f{number}" for number in range(70)), "gone")
    done = desk.run()
    assert done.counts["read"] == 70
    assert [source["title"] for source in done.sources] == ["gone"]
    assert desk.report.seen[-1][:2] == (71, 71)


def test_a_clock_that_was_set_back_holds_no_feed_back() -> None:
    from news_desk import NOW

    from workers.news.gather import due

    later = NOW + timedelta(days=300)
    tried = FeedState("https://a.example/", "A", last_try=later, next_try=later + timedelta(hours=1))
    assert due(tried, NOW)
    assert not due(tried, later)
    assert due(None, NOW)
