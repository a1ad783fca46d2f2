"""Reading feeds: the real ones with their counts, hostile ones, and whatever hypothesis makes up."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from news_desk import NOW, item, rss

from workers.news import opml
from workers.news.parse import MAX_ITEMS, parse
from workers.news.recognise import NotAFeed, recognise
from workers.news.values import Feed, ParsedFeed

FEED = Feed("https://feed.example/news/rss", "A source")

#: File: what it is recognised as, articles, articles with a time of their own, articles with a link.
REAL = {
    "feedjira/DuplicateContentAtomFeed.xml": ("Atom 1.0 inside an HTML page", 10, 10, 10),
    "feedjira/HuffPostCanada.xml": ("RSS 2.0", 2, 2, 2),
    "feedjira/SamRuby.xml": ("Atom 1.0", 20, 20, 20),
    "feedjira/TechCrunch.xml": ("RSS 2.0", 20, 20, 20),
    "feedjira/TypePadNews.xml": ("Atom 1.0", 10, 10, 10),
    "finance/ecb_press.xml": ("RSS 2.0", 2, 2, 2),
    "finance/fed_press_monetary.xml": ("RSS 2.0", 2, 2, 2),
    "miniflux/enc_invalid-prolog.xml": ("Atom 1.0", 1, 0, 0),
    "miniflux/enc_koi8r.xml": ("RSS 2.0", 2, 2, 2),
    "miniflux/enc_windows-1252.xml": ("RSS 2.0", 0, 0, 0),
    "miniflux/encoding_WINDOWS-1251.xml": ("RSS 2.0", 50, 50, 50),
    "miniflux/large_rss.xml": ("RSS 2.0", 25, 25, 25),
    "miniflux/rdf_UTF8.xml": ("RSS 0.90 (RDF)", 60, 0, 60),
    "miniflux/small_atom.xml": ("Atom 1.0", 20, 20, 20),
    "rome/rss_1.0_DC_multi.xml": ("RSS 1.0 (RDF)", 2, 2, 2),
    "rome/slashdot.xml": ("RSS 1.0 (RDF)", 10, 10, 10),
    "rss-parser/content-encoded.rss": ("RSS 2.0", 7, 7, 7),
    "rss-parser/craigslist.rss": ("RSS 1.0 (RDF)", 25, 25, 25),
    "rss-parser/guardian.rss": ("RSS 2.0", 55, 55, 55),
    "rss-parser/heise.atom": ("Atom 1.0", 15, 15, 15),
    "rss-parser/reddit-atom.rss": ("RSS 2.0", 24, 24, 24),
    "rss-parser/rss-1.rss": ("RSS 1.0 (RDF)", 69, 69, 69),
    "rust-rss/rss090.xml": ("RSS 0.90 (RDF)", 5, 0, 5),
    "rust-rss/rss092.xml": ("RSS 0.92", 22, 0, 0),
}
LATER = datetime(2026, 11, 23, tzinfo=UTC)


def read(content: bytes, now: datetime = NOW) -> ParsedFeed:
    return parse(recognise(content, FEED.address), FEED, now)


def one(content: bytes) -> tuple[str, str, str, str]:
    article = read(content).articles[0]
    return article.title, article.link, article.summary, article.published.isoformat()


@pytest.mark.shared
def test_every_real_file_is_known_here(rss_files: Sequence[Path]) -> None:
    assert {f"{path.parent.name}/{path.name}" for path in rss_files} == set(REAL)


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_real_feeds_are_read_in_full(shared: Path, name: str) -> None:
    content = (shared / "data" / "rss" / name).read_bytes()
    kind, articles, dated, linked = REAL[name]
    parsed = read(content, LATER)
    assert (parsed.kind, len(parsed.articles), parsed.refused) == (kind, articles, ())
    # Counted by another way: the opening tags of items and entries.
    assert len(re.findall(rb"<(?:item|entry)[\s>]", content)) == articles
    assert sum(one.time_kind == "published" for one in parsed.articles) == dated
    assert sum(bool(one.link) for one in parsed.articles) == linked
    assert all(one.title and one.source == FEED.title for one in parsed.articles)
    assert all(one.published <= LATER for one in parsed.articles)


@pytest.mark.shared
def test_real_letters_survive_their_encodings(shared: Path) -> None:
    folder = shared / "data" / "rss"
    assert read((folder / "miniflux/enc_koi8r.xml").read_bytes()).articles[0].title == "Первая новость"
    assert read((folder / "miniflux/enc_windows-1252.xml").read_bytes()).title == "Euro €"
    assert read((folder / "miniflux/encoding_WINDOWS-1251.xml").read_bytes()).articles[0].title == "Цитата #17703"
    assert read((folder / "miniflux/enc_invalid-prolog.xml").read_bytes()).articles[0].title == "Café"


@pytest.mark.shared
@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
def test_a_truncated_feed_gives_what_is_there_and_says_so(shared: Path, share: float) -> None:
    content = (shared / "data" / "rss" / "rss-parser" / "guardian.rss").read_bytes()
    parsed = read(content[: int(len(content) * share)], LATER)
    assert 0 < len(parsed.articles) <= 55
    assert any("damaged" in note for note in parsed.notes)


@pytest.mark.shared
@pytest.mark.parametrize("name", REAL)
def test_damaged_real_feeds_never_break_the_reader(shared: Path, name: str) -> None:
    content = (shared / "data" / "rss" / name).read_bytes()
    for damaged in (
        content[: len(content) // 2],
        content.replace(b"<title>", b"<title>\xff\xfe\0"),
        content.decode("latin-1").encode("utf-16"),
        content.replace(b"</", b"<"),
        content[::-1],
        content + content,
    ):
        try:
            parsed = read(damaged, LATER)
        except NotAFeed:
            continue
        else:
            assert len(parsed.articles) <= MAX_ITEMS


def test_a_plain_article() -> None:
    content = rss(item("Fed &amp; ECB", "/2025/1", guid="1", text="&lt;p&gt;Both &lt;b&gt;wait&lt;/b&gt;.&lt;/p&gt;"))
    assert one(content) == ("Fed & ECB", "https://feed.example/2025/1", "Both wait.", "2025-06-03T11:50:00+00:00")


def test_hostile_titles_and_links_become_harmless() -> None:
    content = rss(
        item(
            "&lt;script&gt;alert(1)&lt;/script&gt;Rates &lt;img src=x onerror=alert(1)&gt;rise", "javascript:alert(1)"
        ),
        item("Data link", "data:text/html,x"),
    )
    first, second = read(content).articles
    assert (first.title, first.link, second.link) == ("Rates rise", "", "")


def test_an_item_without_title_is_named_by_its_text_or_link() -> None:
    content = rss(
        item("", text="The first sentence is the name. The second is not."),
        item("", "https://a.example/page"),
        item(""),
    )
    parsed = read(content)
    assert [article.title for article in parsed.articles] == [
        "The first sentence is the name.",
        "https://a.example/page",
    ]
    assert [(refusal.place, refusal.reason) for refusal in parsed.refused] == [
        (3, "it has neither a title, nor a text, nor a link")
    ]


@pytest.mark.parametrize(
    ("date", "published", "kind"),
    [
        ("Tue, 03 Jun 2025 12:00:00 +0200", "2025-06-03T10:00:00", "published"),
        ("Tue, 03 Jun 2025 10:00:00 GMT", "2025-06-03T10:00:00", "published"),
        ("Tue, 03 Jun 2025 04:00:00 EDT", "2025-06-03T08:00:00", "published"),
        ("Tue, 03 Jun 2025 11:00:00 CEST", "2025-06-03T09:00:00", "published"),
        ("Tue, 03 Jun 2025 11:00:00 BST", "2025-06-03T10:00:00", "published"),
        ("Tue, 03 Jun 2025 11:00:00 JST", "2025-06-03T02:00:00", "published"),
        ("2025-06-03T08:00:00Z", "2025-06-03T08:00:00", "published"),
        ("Tue, 03 Jun 2025 08:00:00 IST", "2025-06-03T08:00:00", "assumed_utc"),
        ("Tue, 03 Jun 2025 08:00:00 XYZ", "2025-06-03T08:00:00", "assumed_utc"),
        ("Tue, 03 Jun 2025 08:00:00 Nowhere/Land", "2025-06-03T08:00:00", "assumed_utc"),
        ("Tue Jun  3 08:00:00 IST 2025", "2025-06-03T08:00:00", "assumed_utc"),
        ("Tue, 03 Jun 2025 07:00:00 EST", "2025-06-03T12:00:00", "published"),
        ("Tue, 03 Jun 2025 04:00:00 PDT", "2025-06-03T11:00:00", "published"),
        ("Tue, 03 Jun 2025 08:00:00 CET", "2025-06-03T07:00:00", "published"),
        ("Tue, 03 Jun 2025 08:00:00 +0100 (CET)", "2025-06-03T07:00:00", "published"),
        ("Tue, 03 Jun 2025 08:00:00 GMT+2", "2025-06-03T06:00:00", "published"),
        ("Tue, 03 Jun 2025 08:00:00 UTC+0200", "2025-06-03T06:00:00", "published"),
        ("Tue, 03 Jun 2025 08:00:00 Europe/Berlin", "2025-06-03T06:00:00", "published"),
        ("Tue, 03 Jun 2025 08:00:00 ET", "2025-06-03T12:00:00", "published"),
        ("2025-06-03 07:00:00 EST", "2025-06-03T12:00:00", "published"),
        ("2025-06-03T08:00:00.123+02:00", "2025-06-03T06:00:00", "published"),
        ("June 3, 2025 08:00 AM EDT", "2025-06-03T12:00:00", "published"),
        ("3 Jun 25 11:30 am UT", "2025-06-03T11:30:00", "published"),
        ("Tue Jun  3 07:00:00 EST 2025", "2025-06-03T12:00:00", "published"),
        ("2025-06-03 08:00:00", "2025-06-03T08:00:00", "assumed_utc"),
        ("Tue, 31 Feb 2025 12:00:00 GMT", "2025-06-03T12:00:00", "first_seen"),
        ("some day", "2025-06-03T12:00:00", "first_seen"),
        ("Wed, 03 Jun 2099 12:00:00 GMT", "2025-06-03T12:00:00", "first_seen"),
        ("Thu, 01 Jan 1970 00:00:00 GMT", "2025-06-03T12:00:00", "first_seen"),
        ("Tue, 03 Jun 2025 12:05:00 GMT", "2025-06-03T12:05:00", "published"),
    ],
)
def test_times_are_utc_or_the_time_of_first_sight(date: str, published: str, kind: str) -> None:
    article = read(rss(item("A title", date=date))).articles[0]
    assert (article.published.isoformat(), article.time_kind) == (f"{published}+00:00", kind)


RAW = """<?xml version="1.0" encoding="utf-8"?><rss version="2.0"><channel><title>T</title>%s
<item><title>%s</title><link>https://a.example/p?x=1&y=2&copy=3</link><description>%s</description></item>
</channel></rss>"""


@pytest.mark.parametrize("broken", ["", "<p>"], ids=["well-formed but for it", "damaged too"])
def test_an_ampersand_that_begins_no_reference_is_text(broken: str) -> None:
    title = "S&P 500 falls, AT&T up &amp; R&D &#8211; caf&eacute; &lt"
    found = read((RAW % (broken, title, "<![CDATA[<b>P&G</b> &copy 2025 &amp; x&y]]>")).encode())
    (article,) = found.articles
    assert article.title == "S&P 500 falls, AT&T up & R&D \u2013 caf\u00e9 &lt"
    assert article.link == "https://a.example/p?x=1&y=2&copy=3"
    assert article.summary == "P&G &copy 2025 & x&y"


RUSSIAN = "Центральный банк сохранил ключевую ставку на уровне двадцати процентов"
GREEK = "\u0397 Ευρωπαϊκή Κεντρική Τράπεζα διατήρησε τα επιτόκια αμετάβλητα"


@pytest.mark.parametrize(
    ("encoding", "language", "text", "shown"),
    [
        ("cp1251", "", RUSSIAN, "windows-1251"),
        ("cp1251", "<language>ru-RU</language>", RUSSIAN, "windows-1251"),
        ("koi8-r", "", RUSSIAN, "KOI8-R"),
        ("koi8-r", "<language>ru</language>", RUSSIAN, "KOI8-R"),
        ("cp1253", "", GREEK, "windows-1253"),
        ("cp1250", "<language>pl</language>", "Złoty słabnie, stopy bez zmian. Rząd zwiększa dług", "windows-1250"),
        ("cp1252", "", "La Réserve fédérale maintient ses taux à l\u2019équilibre", "windows-1252"),
        ("cp932", "", "日本銀行は金融政策決定会合で政策金利を据え置くことを決めた", "CP932"),
        ("gb18030", "<language>zh-cn</language>", "中国人民银行下调贷款市场报价利率", "GB18030"),
    ],
)
def test_a_wrong_declaration_is_told_and_the_letters_decide(
    encoding: str, language: str, text: str, shown: str
) -> None:
    found = read((RAW % (language, text, text + ".")).encode(encoding))
    assert found.articles[0].title == text
    assert found.notes == (f"it is not the UTF-8 that it should be; it was read as {shown}",)


JAPANESE = "日本銀行は金融政策決定会合で政策金利を据え置くことを決めた"
DECLARED = RAW.replace("utf-8", "%s", 1)


@pytest.mark.parametrize("title", [JAPANESE, "日銀、利上げ", "ドル円は続伸、1ドル=155円台"])
@pytest.mark.parametrize("said", ["shift_jis", "Shift_JIS", "x-sjis", "euc-jp", "iso-2022-jp", "utf-8"])
@pytest.mark.parametrize("encoding", ["cp932", "euc_jp", "iso2022_jp"])
def test_japanese_in_another_set_than_it_says(encoding: str, said: str, title: str) -> None:
    found = read((DECLARED % (said, "<language>ja</language>", title, title + "。")).encode(encoding))
    assert found.articles[0].title == title
    known = {"shift_jis": "cp932", "x-sjis": "cp932", "euc-jp": "euc_jp", "iso-2022-jp": "iso2022_jp"}
    note = f"it is not the {said.upper()} that it should be; it was read as {encoding.upper()}"
    assert found.notes == (() if known.get(said.lower()) == encoding else (note,))


@pytest.mark.parametrize("title", ["日銀会合", "ﾆｭｰｽ: 円安が続く、日銀は金利を据え置き", "Nikkei 225"])
def test_what_is_in_the_set_that_it_says_is_read_in_silence(title: str) -> None:
    found = read((DECLARED % ("shift_jis", "", title, title)).encode("cp932"))
    assert (found.articles[0].title, found.notes) == (title, ())


def test_what_is_no_japanese_in_any_set_is_told() -> None:
    data = (DECLARED % ("shift_jis", "", "x", "x")).encode().replace(b"<title>x", b"<title>" + b"\xb1\xc4\xfd\xff" * 9)
    assert "it makes no sense in the SHIFT_JIS that it says" in read(data).notes[0]


def test_a_damaged_character_of_japanese_costs_the_others_nothing() -> None:
    data = (DECLARED % ("shift_jis", "", JAPANESE, JAPANESE + "x")).encode("cp932").replace(b"x</desc", b"\x85 </desc")
    found = read(data)
    assert found.articles[0].title == JAPANESE
    assert found.notes == ("it was read as SHIFT_JIS with damaged characters",)


def test_a_few_damaged_characters_cost_the_others_nothing() -> None:
    data = (RAW % ("", RUSSIAN, "x")).encode().replace("ставку".encode(), "ставк".encode() + b"\xd1")
    found = read(data)
    assert found.articles[0].title == RUSSIAN.replace("ставку", "ставк\ufffd")
    assert "UTF-8 with damaged characters" in found.notes[0]


def test_times_without_a_zone_are_told() -> None:
    assert "name no zone, or" in " ".join(read(rss(item("A title", date="2025-06-03 08:00:00"))).notes)


def test_json_feed() -> None:
    items = [
        {"id": 1, "url": "https://a.example/1", "title": "One", "content_html": "<p>Text <b>here</b></p>",
         "date_published": "2025-06-03T12:00:00+02:00"},
        {"id": "two", "external_url": "/2", "content_text": "No title, but text.",
         "date_published": "2025-06-03T09:00"},
        {"id": "3", "title": "Undated", "date_published": "9999-99-99"},
        "no object",
        {"id": "5"},
    ]  # fmt: skip
    document = {"version": "https://jsonfeed.org/version/1.1", "title": "JSON", "items": items}
    parsed = read(json.dumps(document).encode())
    assert (parsed.kind, parsed.title) == ("JSON Feed 1.1", "JSON")
    found = [(one.title, one.link, one.published.hour, one.time_kind, one.guid) for one in parsed.articles]
    assert found == [
        ("One", "https://a.example/1", 10, "published", "1"),
        ("No title, but text.", "https://feed.example/2", 9, "assumed_utc", "two"),
        ("Undated", "", 12, "first_seen", "3"),
    ]
    assert [refusal.place for refusal in parsed.refused] == [4, 5]
    with pytest.raises(NotAFeed, match="without its list"):
        read(b'{"version": "https://jsonfeed.org/version/1.1", "items": {}}')


def test_only_so_many_articles_are_taken() -> None:
    parsed = read(rss(*(item(f"Title {number}") for number in range(MAX_ITEMS + 5))))
    assert len(parsed.articles) == MAX_ITEMS
    assert "the first 1,000 were read" in " ".join(parsed.notes)


def test_an_identifier_that_many_share_identifies_nobody() -> None:
    content = rss(item("One", "https://a.example/1", guid="0"), item("Two", "https://a.example/2", guid="0"))
    assert [article.guid for article in read(content).articles] == ["", ""]


def test_a_feed_that_has_but_an_address_is_named_by_its_own_title() -> None:
    feed = Feed("https://a.example/rss", "https://a.example/rss")
    assert parse(recognise(rss(item("One"))), feed, NOW).articles[0].source == "A feed"


def test_feedparser_is_never_given_an_address_or_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret.xml"
    secret.write_bytes(rss(item("secret")))
    for content in (str(secret).encode(), b"https://a.example/feed.xml", b"file:///etc/passwd"):
        with pytest.raises(NotAFeed):
            read(content)


PIECES = st.sampled_from(
    [b"<rss version='2.0'>", b"<channel>", b"<item>", b"</item>", b"<title>", b"</title>", b"<entry>", b"</entry>",
     b"<feed xmlns='http://www.w3.org/2005/Atom'>", b"<link href='x'/>", b"<link>javascript:1</link>", b"<pubDate>",
     b"2025-13-45", b"</pubDate>", b"<![CDATA[", b"]]>", b"<!ENTITY x 'y'>", b"<!DOCTYPE rss [", b"]>", b"&x;", b"&#0;",
     b"&#xD800;", b"\xff", b"\0", b"<rdf:RDF xmlns='http://purl.org/rss/1.0/'>", b"<content type='xhtml'><div>",
     b"<content type='application/octet-stream' mode='base64'>", b"<guid>1</guid>", b"<georss:point>x</georss:point>",
     b"<media:content url='x'/>", b"<enclosure length='-1'/>", b"<dc:date>x</dc:date>", b"text", b"<", b">", b"'"]
)  # fmt: skip


@given(st.one_of(st.binary(max_size=300), st.lists(PIECES, max_size=40).map(b"".join)))
@settings(deadline=None, max_examples=500, suppress_health_check=[HealthCheck.too_slow])
def test_whatever_comes_is_read_or_refused(content: bytes) -> None:
    try:
        parsed = read(content)
    except NotAFeed:
        return
    for article in parsed.articles:
        assert article.title
        assert article.link == "" or article.link.startswith(("http://", "https://"))
        assert article.published.tzinfo is UTC
        assert article.published <= NOW + timedelta(minutes=10)


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(
            st.sampled_from(["id", "title", "url", "items", "content_html", "date_published", "summary", "x"]), inner
        ),
    ),
    max_leaves=20,
)


@given(JSON)
@settings(deadline=None, max_examples=200)
def test_whatever_a_json_feed_holds_is_read_or_refused(items: object) -> None:
    document = {"version": "https://jsonfeed.org/version/1.1", "items": items}
    try:
        parsed = read(json.dumps(document).encode())
    except NotAFeed:
        return
    assert isinstance(items, list)
    assert len(parsed.articles) + len(parsed.refused) == len(items)


@given(st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=20).map(b"".join)))
@settings(deadline=None, max_examples=200)
def test_whatever_a_feed_list_holds_is_read_or_refused(content: bytes) -> None:
    from app.errors import UserAction

    try:
        feeds = opml.read(b"<opml><body><outline xmlUrl='https://a.example/1' text='" + content, "list")
    except UserAction:
        return
    else:
        assert all(feed.address for feed in feeds)
