"""The task as the runner starts it, the command ``feeds``, and what the window reads."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hand_terminal import Bench
from news_desk import NOW, Desk, article, item

from app.errors import UserAction
from app.params import params_from_texts
from app.paths import Paths
from workers.news import command, opml, reading, store
from workers.news.task import COLLECT_RSS_NEWS, NewsParams, NewsResult, collect_rss_news
from workers.news.values import Feed


@pytest.mark.allow_warnings("does not exist (404)")
def test_the_task_works_in_a_process_of_its_own(bench: Bench, desk: Desk) -> None:
    desk.serve("one", item("Gold jumps again today", "https://one.example/1"))
    desk.server.expect_request("/gone").respond_with_data("", 404)
    desk.feeds("one", "gone")
    ctx = bench.context("collect_rss_news")
    result = collect_rss_news(ctx, NewsParams())
    assert (result.new, result.failed, result.sources[0].recognised_as) == (1, 1, "RSS 2.0")
    assert result.summary() == "1 new article from 1 of 2 feeds, 1 failed"
    assert len(ctx.warnings) == 1
    assert "does not exist (404)" in ctx.warnings[0]
    assert "data/cache/rss_news.json" in ctx.files
    assert desk.titles() == ["Gold jumps again today"]


def test_an_error_of_the_process_keeps_its_class(bench: Bench, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    page.write_text("<html></html>", encoding="utf-8")
    with pytest.raises(UserAction, match="is an HTML page") as failed:
        collect_rss_news(bench.context("collect_rss_news"), NewsParams(source=str(page)))
    result = NewsResult.model_validate(dict(failed.value.findings))  # what a good run would have
    assert (result.failed, result.sources[0].recognised_as) == (1, "HTML page")


def test_parameters_come_as_texts() -> None:
    values = params_from_texts(NewsParams, {"source": "feeds.opml", "anew": "true"})
    assert NewsParams.model_validate(values) == NewsParams(source="feeds.opml", anew=True)
    assert COLLECT_RSS_NEWS.hard_limit_s > COLLECT_RSS_NEWS.soft_limit_s


def test_summaries() -> None:
    zero = dict.fromkeys(NewsResult.model_fields, 0) | {"sources": ()}
    assert NewsResult(**(zero | {"feeds": 3, "unchanged": 3})).summary() == "no new articles from 3 feeds"
    some = {"feeds": 3, "read": 2, "waiting": 1, "new": 1_204, "refused": 2}
    assert NewsResult(**(zero | some)).summary() == "1,204 new articles from 2 of 3 feeds, 1 waiting, 2 items refused"
    old = {"feeds": 1, "read": 1, "too_old": 2}
    assert NewsResult(**(zero | old)).summary() == "no new articles from 1 feed, 2 articles older than what is kept"


# -- the command ---------------------------------------------------------------------------------------------------


def test_the_list_of_feeds_is_changed_by_commands(paths: Paths, tmp_path: Path) -> None:
    default = opml.load(opml.DEFAULT)
    assert [feed["address"] for feed in command.feeds(paths, "list", [])["feeds"]] == [one.address for one in default]
    assert not paths.feeds_file.exists()
    command.feeds(paths, "add", ["https://a.example/rss", "My", "feed"])
    answer = command.feeds(paths, "disable", ["my feed", "MarketWatch"])
    assert answer["message"] == "MarketWatch, My feed: disabled."
    off = [feed["title"] for feed in answer["feeds"] if not feed["enabled"]]
    assert off == ["MarketWatch", "My feed"]
    command.feeds(paths, "enable", ["https://a.example/rss"])
    file = tmp_path / "out.opml"
    command.feeds(paths, "export", [str(file)])
    assert opml.load(file)[-1] == Feed("https://a.example/rss", "My feed")
    command.feeds(paths, "remove", ["my f"])
    assert len(opml.load(paths.feeds_file)) == len(default)
    assert command.feeds(paths, "import", [str(file)])["message"] == (
        f"1 feed imported from out.opml; {len(default)} feeds were in the list already."
    )


@pytest.mark.parametrize(
    ("action", "values", "reason"),
    [
        ("add", [], "needs the address"),
        ("add", ["javascript:1"], "not an address of the web"),
        ("add", ["https://www.ecb.europa.eu/rss/press.html"], "in the list already"),
        ("enable", [], "needs the address or the title"),
        ("disable", ["nobody"], "No feed is named nobody"),
        ("disable", ["investing"], "fits 3 feeds"),
        ("import", [], "needs one file"),
        ("import", ["none.opml"], "There is no file"),
        ("export", ["/no/such/folder/x.opml"], "There is no folder"),
    ],
)
def test_commands_say_what_is_wrong(paths: Paths, action: str, values: list[str], reason: str) -> None:
    with pytest.raises(UserAction) as refusal:
        command.feeds(paths, action, values)
    assert reason in refusal.value.message
    assert refusal.value.advice


def test_a_list_that_holds_no_feed_is_not_imported(paths: Paths, tmp_path: Path) -> None:
    empty = tmp_path / "empty.opml"
    empty.write_bytes(opml.written([]))
    with pytest.raises(UserAction, match="holds no feed"):
        command.feeds(paths, "import", [str(empty)])


# -- what the window reads -----------------------------------------------------------------------------------------


def test_the_window_reads_what_was_stored(bench: Bench) -> None:
    kept = store.newest_first(
        [
            article(f'Title {n} with "quotes" \\ and ] }}', id=f"{n:016x}", published=NOW - timedelta(n))
            for n in range(5)
        ]
    )
    store.save(bench.storage, kept, NOW)
    reading.keep_read(bench.storage, ["0" * 16, "gone"])
    opml.save(bench.paths.feeds_file, [Feed("https://a.example/", "A"), Feed("https://b.example/", "B", enabled=False)])
    view = reading.view(bench.storage)
    assert view.articles == tuple(replace(one, guid="") for one in kept)
    assert (view.read, view.updated_at) == (frozenset({"0" * 16}), NOW)
    assert [(feed.title, state) for feed, state in view.feeds] == [("A", None)]
    assert reading.unread_count(bench.storage) == 4


def test_the_window_reads_another_layout_and_nothing_at_all(bench: Bench) -> None:
    assert reading.view(bench.storage).articles == ()
    kept = (article("A title", id="1" * 16),)
    store.save(bench.storage, kept, NOW)
    file = store.news_file(bench.paths.cache)
    file.write_text(json.dumps(json.loads(file.read_bytes())), encoding="utf-8")
    assert reading.view(bench.storage).articles == kept


@pytest.mark.allow_warnings("is damaged")
def test_a_damaged_store_is_moved_aside_and_shown_empty(bench: Bench) -> None:
    file = store.news_file(bench.paths.cache)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b'{"schema": 1,\n "articles": [{"id": "x"')
    assert reading.view(bench.storage).articles == ()
    assert list(bench.paths.cache.glob("rss_news.json.damaged-*"))


def test_a_newer_store_is_left_alone(bench: Bench) -> None:
    file = store.news_file(bench.paths.cache)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text('{"schema": 9, "articles": []}', encoding="utf-8")
    with pytest.raises(UserAction, match="schema 9"):
        reading.view(bench.storage)


def test_entries_that_are_no_articles_are_left_out() -> None:
    good = {"id": "1", "title": "t", "published": "2025-06-03T12:00:00Z", "first_seen": "2025-06-03T12:00:00Z"}
    texts = {"summary": "", "time_kind": "published", "source": "s", "feed": "f", "guid": ""}
    entries = [good | texts | {"link": "javascript:1"}, {**good, **texts, "published": "never"}, 5, {}, good]
    (kept,) = store.articles_of({"articles": entries})
    assert (kept.title, kept.link) == ("t", "")
