from __future__ import annotations

import gzip
import json

import pytest

from workers.news.recognise import NotAFeed, recognise, unpacked

ATOM = b'<feed xmlns="http://www.w3.org/2005/Atom"><title>t</title></feed>'


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b'<rss version="2.0"><channel/></rss>', "RSS 2.0"),
        (b'\n\n<?xml version="1.0"?><!-- <html> --><rss version="0.91"></rss>', "RSS 0.91"),
        (b'<!DOCTYPE rss PUBLIC "-//Netscape//DTD RSS 0.91//EN" "x.dtd"><rss version="0.91"></rss>', "RSS 0.91"),
        (b"<rss></rss>", "RSS"),
        (ATOM, "Atom 1.0"),
        (b'<feed version="0.3" xmlns="http://purl.org/atom/ns#"></feed>', "Atom 0.3"),
        (b'<rdf:RDF xmlns:rdf="x" xmlns="http://purl.org/rss/1.0/"></rdf:RDF>', "RSS 1.0 (RDF)"),
        (b'<rdf:RDF xmlns="http://my.netscape.com/rdf/simple/0.9/"></rdf:RDF>', "RSS 0.90 (RDF)"),
        ('<?xml version="1.0" encoding="utf-16"?><rss version="2.0"/>'.encode("utf-16"), "RSS 2.0"),
        (b"\xef\xbb\xbf" + ATOM, "Atom 1.0"),
        (b"<html><body>" + ATOM + b"</body></html>", "Atom 1.0 inside an HTML page"),
        (b'{"version": "https://jsonfeed.org/version/1", "items": []}', "JSON Feed 1"),
        (b' {"version": "https://jsonfeed.org/version/1.1", "items": []}', "JSON Feed 1.1"),
        (b'<opml version="2.0"><body/></opml>', "OPML"),
    ],
)
def test_feeds_are_recognised_from_their_content(content: bytes, kind: str) -> None:
    assert recognise(content).kind == kind


@pytest.mark.parametrize(
    ("content", "kind", "reason"),
    [
        (b"", "nothing", "is empty"),
        (b"  \n ", "nothing", "is empty"),
        (b"<!DOCTYPE html><html><head></head></html>", "HTML page", "is an HTML page"),
        (b"<!doctype HTML><div>x</div>", "HTML page", "is an HTML page"),
        (b"<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><url/></urlset>", "sitemap", "is a sitemap"),
        (b"<sitemapindex><sitemap/></sitemapindex>", "sitemap", "is a sitemap"),
        (b"<note><to/></note>", "XML of another kind", "<note>"),
        (b'{"events": []}', "JSON of another kind", "JSON document of another kind"),
        (b"[1, 2]", "JSON of another kind", "JSON document of another kind"),
        (b'{"version": ', "damaged JSON", "cannot be read"),
        (b"[" * 100_000, "damaged JSON", "nested too deeply"),
        (b"just words", "plain text", "holds plain text"),
        (bytes(range(256)) * 20, "binary data", "holds binary data"),
        (bytes(range(1, 32)) + b"<b attribute>" + bytes(200), "binary data", "holds binary data"),
        (b"\x89PNG\r\n\x1a\n" + b"\0\1\2" * 500, "binary data", "holds binary data"),
    ],
)
def test_other_content_is_refused_with_what_it_is(content: bytes, kind: str, reason: str) -> None:
    with pytest.raises(NotAFeed) as refusal:
        recognise(content)
    assert refusal.value.kind == kind
    assert reason in refusal.value.message


def test_a_page_that_names_its_feed_gives_the_address() -> None:
    page = b'<html><head><link rel="alternate" type="application/rss+xml" href="/rss.xml"></head></html>'
    with pytest.raises(NotAFeed) as refusal:
        recognise(page, "https://a.example/news/")
    assert "https://a.example/rss.xml" in refusal.value.advice


BOMB = '<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'


@pytest.mark.parametrize(
    "declarations",
    [
        BOMB,
        f'<!ENTITY big "{"x" * 100}">',
        '<!ENTITY f SYSTEM "file:///etc/passwd">',
        '<!ENTITY f PUBLIC "x" "http://evil.example/">',
        '<!ENTITY % p SYSTEM "http://evil.example/x.dtd"> %p;',
        '<!ENTITY t "]>"><!ENTITY b "&t;&t;">',
        '<!ENTITY t "<b>"><!ENTITY b "&t;&t;">',
        "<!ENTITY a 'x'><!entity b '&a;&a;&a;&a;'>",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-7"])
def test_entities_that_unfold_or_read_files_are_refused(declarations: str, encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?><!-- <b> --><!DOCTYPE rss [{declarations}]><rss version="2.0"/>'
    with pytest.raises(NotAFeed) as refusal:
        recognise(text.encode(encoding))
    assert refusal.value.kind in ("XML with entity declarations", "plain text", "XML of another kind")


def test_an_entity_that_names_a_character_is_fine() -> None:
    found = recognise(b'<!DOCTYPE rss [<!ENTITY nbsp "&#160;"><!ENTITY euro "EUR">]><rss version="2.0"/>')
    assert found.kind == "RSS 2.0"
    assert b'<!ENTITY nbsp "&#160;">' in found.content


def test_a_prolog_made_to_be_slow_is_left_out() -> None:
    found = recognise(b"\n" * 2_000_000 + b'<rss version="2.0"/>')
    assert found.content == b'<rss version="2.0"/>'


@pytest.mark.parametrize(
    ("declared", "used", "header", "ok"),
    [
        ("utf-8", "utf-8", "text/xml; charset=iso-8859-1", True),
        ("windows-1252", "utf-8", "", True),
        ("windows-1252", "windows-1252", "", True),
        ("windows-1251", "windows-1251", "text/xml", True),
        ("koi8-r", "koi8-r", "", True),
        ("nonsense", "utf-8", "", True),
        ("utf-8", "utf-16", "", True),
    ],
)
def test_wrong_encodings_are_read_right(declared: str, used: str, header: str, ok: bool) -> None:
    word = "привет" if used in ("windows-1251", "koi8-r") else "caf\u00e9 \u20ac"
    text = (
        f'<?xml version="1.0" encoding="{declared}"?><rss version="2.0"><channel><title>{word}</title></channel></rss>'
    )
    assert (word in recognise(text.encode(used), "", header).content.decode()) is ok


def test_gzip_that_nobody_mentioned_is_unpacked_within_bounds() -> None:
    assert unpacked(gzip.compress(ATOM), 1000) == ATOM
    assert unpacked(ATOM, 10) == ATOM
    with pytest.raises(NotAFeed, match="unfolds to more than"):
        unpacked(gzip.compress(b"\0" * 10_000_000), 1_000_000)
    with pytest.raises(NotAFeed, match="damaged gzip"):
        unpacked(b"\x1f\x8b\x08rubbish that is no gzip", 1000)


def test_json_feed_in_utf_16() -> None:
    document = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": []})
    assert recognise(document.encode("utf-16-le")).kind == "JSON Feed 1.1"
