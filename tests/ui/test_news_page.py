"""The news page: what it lists, how it searches, what counts as read, and what it opens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from fake_engine import NOW, FakeEngine, make_run
from PySide6.QtCore import QModelIndex, Qt, QUrl
from pytestqt.qtbot import QtBot

from app.runs import RunState
from ui.main_window import MainWindow
from ui.models.feed_list import FeedList, feed_look, feed_tip
from ui.models.news_table import Column, NewsTable, short_time
from ui.pages.news import NewsPage
from workers.news import opml, reading, state, store
from workers.news.values import Article, Feed, FeedState


def article(number: int, title: str = "", **more: object) -> Article:
    values: dict[str, object] = {
        "title": title or f"Title {number}",
        "link": f"https://a.example/{number}",
        "summary": f"Text of {number}",
        "published": NOW - timedelta(minutes=number),
        "time_kind": "published",
        "first_seen": NOW,
        "source": "ECB",
        "feed": "https://a.example/rss",
        "id": f"{number:016x}",
    }
    return Article(**(values | more))  # type: ignore[arg-type]


ARTICLES = (
    article(1, "Euro rises", currencies=("EUR",), symbols=("EURUSD",)),
    article(2, "Gold jumps", symbols=("XAUUSD",), also=("FXStreet",)),
    article(3, "Minister <b>speaks", link=""),
    article(4, "Yen slides", currencies=("JPY",), time_kind="first_seen"),
)


@pytest.fixture
def table(qtmodeltester) -> NewsTable:
    table = NewsTable()
    table.now = NOW
    qtmodeltester.check(table)
    table.modelReset.connect(lambda: pytest.fail("the model was reset"))
    table.set_articles(ARTICLES, [])
    return table


def titles(table: NewsTable) -> list[str]:
    return [str(table.index(row, Column.TITLE).data()) for row in range(table.rowCount())]


# -- models --------------------------------------------------------------------------------------------------------


def test_rows_come_and_go_one_by_one(table: NewsTable) -> None:
    inserted: list[tuple[int, int]] = []
    removed: list[tuple[int, int]] = []
    table.rowsInserted.connect(lambda _parent, first, last: inserted.append((first, last)))
    table.rowsRemoved.connect(lambda _parent, first, last: removed.append((first, last)))
    table.set_articles((article(0, "News"), *ARTICLES[:3]), [])
    assert (inserted, removed) == ([(0, 0)], [(3, 3)])
    moved = replace(ARTICLES[2], published=NOW)
    table.set_articles((moved, ARTICLES[0], ARTICLES[1]), [])
    assert titles(table) == ["Minister <b>speaks", "Euro rises", "Gold jumps"]


def test_a_filter_looks_at_every_word_a_tag_and_what_was_read(table: NewsTable) -> None:
    table.set_filter("gold TEXT", "", unread_only=False)
    assert titles(table) == ["Gold jumps"]
    table.set_filter("xauusd", "", unread_only=False)
    assert titles(table) == ["Gold jumps"]
    table.set_filter("", "EUR", unread_only=False)
    assert titles(table) == ["Euro rises"]
    table.set_read([ARTICLES[0].id])
    table.set_filter("", "", unread_only=True)
    assert titles(table) == ["Gold jumps", "Minister <b>speaks", "Yen slides"]
    table.set_read([ARTICLES[1].id], staying=ARTICLES[1].id)  # the one that is being read stays in sight
    assert titles(table)[0] == "Gold jumps"
    table.set_read([ARTICLES[3].id], staying=ARTICLES[3].id)
    assert titles(table) == ["Minister <b>speaks", "Yen slides"]
    assert table.unread() == 1


def test_unread_is_told_to_screen_readers_too(table: NewsTable) -> None:
    role = Qt.ItemDataRole.AccessibleTextRole
    assert table.index(0, Column.TITLE).data(role) == "Euro rises, unread"
    table.set_read([ARTICLES[0].id])
    assert table.index(0, Column.TITLE).data(role) == "Euro rises"
    assert "first seen" in table.index(3, Column.TIME).data(Qt.ItemDataRole.ToolTipRole)
    assert "first seen" in table.index(3, Column.TIME).data(role)
    assert "seen" not in table.index(0, Column.TIME).data(role)
    assert table.index(1, Column.SOURCE).data(Qt.ItemDataRole.ToolTipRole) == "ECB, also FXStreet"
    assert table.tags() == ("EUR", "JPY", "EURUSD", "XAUUSD")


def test_a_time_of_first_sight_does_not_look_like_one_of_the_feed(table: NewsTable) -> None:
    shown = [table.index(place, Column.TIME).data() for place in (2, 3)]
    assert shown == [short_time(ARTICLES[2].published, NOW), f"seen {short_time(ARTICLES[3].published, NOW)}"]


def test_times_are_short() -> None:
    local = NOW.astimezone()
    assert short_time(NOW, NOW) == f"{local:%H:%M}"
    assert short_time(NOW - timedelta(days=2), NOW) == f"{local - timedelta(days=2):%a %H:%M}"
    assert short_time(NOW - timedelta(days=20), NOW) == f"{local - timedelta(days=20):%d %b}"


def test_feeds_in_trouble_come_first_and_say_why(qtmodeltester) -> None:
    good = FeedState("https://a/", "A", last_try=NOW, last_success=NOW, status=200, kind="RSS 2.0", items=12)
    bad = FeedState(
        "https://b/", "B", last_try=NOW, failures=2, problem="It is gone.", next_try=NOW + timedelta(minutes=5)
    )
    away = replace(bad, failures=0)
    model = FeedList()
    qtmodeltester.check(model)
    model.now = NOW
    model.set_feeds([(Feed("https://a/", "A"), good), (Feed("https://b/", "B"), bad), (Feed("https://c/", "C"), None)])
    assert [model.index(row, 0).data() for row in range(3)] == ["B", "A", "C"]
    assert [model.index(row, 1).data() for row in range(3)] == ["Failing", "12 articles", "Not read yet"]
    assert model.failing() == 1
    assert feed_look(away).word == "Not reached"
    assert model.not_reached() == 0
    tip = feed_tip(Feed("https://b/", "B"), bad, NOW)
    assert "It is gone." in tip
    assert "2 failures in a row" in tip
    model.set_feeds([(Feed("https://a/", "A"), good)])
    assert model.rowCount() == 1


# -- page ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def stored(engine: FakeEngine) -> FakeEngine:
    """An engine whose home has news, one of them read, and two feeds."""
    storage = engine.storage
    store.save(storage, ARTICLES, NOW)
    reading.keep_read(storage, [ARTICLES[3].id])
    opml.save(storage.paths.feeds_file, [Feed("https://a.example/rss", "ECB"), Feed("https://b.example/", "FXStreet")])
    bad = FeedState("https://b.example/", "FXStreet", last_try=NOW, failures=1, problem="It did not answer.")
    state.save(storage, [bad], NOW)
    return engine


@pytest.fixture
def page(qtbot: QtBot, stored: FakeEngine, window: MainWindow) -> NewsPage:
    """The page with its news loaded, in sight."""
    window.show_page("news")
    page = window._pages["news"]
    assert isinstance(page, NewsPage)
    qtbot.waitUntil(lambda: page.model.rowCount() == 4)
    return page


@pytest.fixture
def opened(page: NewsPage) -> list[QUrl]:
    """Addresses that were given to the browser."""
    urls: list[QUrl] = []
    page.open_url = urls.append
    return urls


def test_the_page_tells_what_there_is(page: NewsPage, window: MainWindow) -> None:
    assert "4 articles" in page.subtitle.text()
    assert "3 unread" in page.subtitle.text()
    assert page.feeds_chip.accessibleName() == "1 of 2 feeds failing"
    assert window.nav.model().counts["news"][0] == 3
    assert [page._tag.itemText(place) for place in range(page._tag.count())] == [
        "All tags", "EUR", "JPY", "EURUSD", "XAUUSD",
    ]  # fmt: skip


def test_choosing_an_article_shows_it_and_counts_it_as_read(qtbot: QtBot, page: NewsPage, stored: FakeEngine) -> None:
    page.table.selectRow(0)
    assert page.details.isVisible()
    assert page.model.unread() == 2
    qtbot.waitUntil(lambda: ARTICLES[0].id in reading.read_ids(stored.storage))
    qtbot.keyClick(page.table, Qt.Key.Key_Down)
    qtbot.waitUntil(lambda: ARTICLES[1].id in reading.read_ids(stored.storage))
    assert page.escape()
    assert not page.details.isVisible()
    assert not page.escape()


def test_what_was_read_is_still_read_after_a_restart(qtbot: QtBot, page: NewsPage, stored: FakeEngine) -> None:
    page.mark_all.click()
    qtbot.waitUntil(lambda: len(reading.read_ids(stored.storage)) == 4)
    assert reading.unread_count(stored.storage) == 0
    assert not page.mark_all.isEnabled()


def test_enter_and_double_click_and_the_button_open_the_browser(
    qtbot: QtBot, page: NewsPage, opened: list[QUrl]
) -> None:
    page.table.selectRow(0)
    qtbot.keyClick(page.table, Qt.Key.Key_Return)
    page.table.doubleClicked.emit(page.model.index(1, 0))
    page.details.open.click()
    assert [url.toString() for url in opened] == [ARTICLES[0].link, ARTICLES[1].link, ARTICLES[0].link]


@pytest.mark.parametrize("address", ["", "javascript:alert(1)", "file:///etc/passwd", "not an address"])
def test_only_addresses_of_the_web_are_opened(page: NewsPage, opened: list[QUrl], address: str) -> None:
    page.model.set_articles([article(9, link=address)], [])
    page.open_in_browser(page.model.index(0, 0))
    page.open_in_browser(QModelIndex())
    assert opened == []


def test_an_article_without_a_link_says_so(page: NewsPage) -> None:
    page.table.selectRow(2)
    assert not page.details.open.isEnabled()
    assert "no link that is safe" in page.details._link.text()
    assert page.details._title.textFormat() is Qt.TextFormat.PlainText


def test_searching_and_finding_nothing(qtbot: QtBot, page: NewsPage, window: MainWindow) -> None:
    qtbot.keyClick(window, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    qtbot.waitUntil(lambda: page._search.hasFocus())
    qtbot.keyClicks(page._search, "gold")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    qtbot.keyClicks(page._search, "en eye")
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    assert "No article matches" in page._empty.text()
    assert page.escape()
    qtbot.waitUntil(lambda: page.model.rowCount() == 4)


def test_fetching_again_and_new_articles_coming_in(qtbot: QtBot, page: NewsPage, stored: FakeEngine) -> None:
    page.fetch.click()
    qtbot.waitUntil(lambda: bool(stored.runner.submitted))
    assert stored.runner.submitted[-1] == ("collect_rss_news", {"anew": True})
    stored.runner.tell(make_run(10**6, "collect_rss_news", RunState.RUNNING, NOW))
    qtbot.waitUntil(lambda: not page.fetch.isEnabled())
    store.save(stored.storage, (article(0, "Just in"), *ARTICLES), NOW)
    stored.runner.tell(make_run(10**6, "collect_rss_news", RunState.SUCCEEDED, NOW, text="1 new article"))
    qtbot.waitUntil(lambda: page.model.rowCount() == 5)
    assert page.fetch.isEnabled()
    assert page.model.index(0, Column.TITLE).data() == "Just in"


def test_the_chip_shows_and_hides_the_feeds(page: NewsPage) -> None:
    page.feeds_chip.click()
    assert page.feed_table.isVisible()
    assert page.feeds.index(0, 0).data() == "FXStreet"
    page.table.selectRow(1)
    assert not page.feed_table.isVisible()
    page.feeds_chip.click()
    page.feeds_chip.click()
    assert not page.feed_table.isVisible()


def test_before_the_first_fetch_the_chip_claims_nothing(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    storage = engine.storage
    ecb, bank = Feed("https://a.example/rss", "ECB"), Feed("https://b.example/", "Bank")
    opml.save(storage.paths.feeds_file, [ecb, bank])
    window.show_page("news")
    page = window._pages["news"]
    assert isinstance(page, NewsPage)
    qtbot.waitUntil(page.feeds_chip.isVisible)
    assert page.feeds_chip._parts[:3] == ("skipped", "idle", "2 feeds, none fetched yet")
    assert page.feeds_chip.accessibleName() == "2 feeds, none fetched yet"
    state.save(storage, [FeedState(ecb.address, "ECB", last_try=NOW, last_success=NOW, status=200)], NOW)
    page.reload()
    qtbot.waitUntil(lambda: page.feeds_chip.accessibleName() == "2 feeds")
    assert page.feeds_chip._parts[:2] == ("succeeded", "ok")


def test_without_news_the_page_gives_the_honest_reason(qtbot: QtBot, window: MainWindow, engine: FakeEngine) -> None:
    reason = "No network: none of 15 news feeds can be reached from this computer."
    run = make_run(10**7, "collect_rss_news", RunState.SKIPPED, NOW, text=reason, advice="Known news stay.")
    engine.history.runs.insert(0, run)
    window.show_page("news")
    page = window._pages["news"]
    assert isinstance(page, NewsPage)
    qtbot.waitUntil(lambda: "No network" in page._empty.text())
    assert page._empty.isVisible()
    assert not page.table.isVisible()


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_the_page_can_be_painted_in_both_themes(page: NewsPage, window: MainWindow, choice: str) -> None:
    page._theme.set_choice(choice)  # type: ignore[arg-type]
    page.table.selectRow(0)
    assert not window.grab().isNull()
