from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workers.news.clean import link_key, plain_text, safe_link

MARKUP = st.lists(
    st.sampled_from(
        ["<", ">", "&lt;", "&amp;lt;", "script", "<script>", "</script>", "<b", "alert(1)", "&#60;", "<!--", "-->",
         "<![CDATA[", "]]>", "\u202e", "\x00", "\n", " ", "gold", '"', "onload=", "&amp;amp;", "<img src=x>", "\ud800"]
    ),
    max_size=40,
).map("".join)  # fmt: skip


@pytest.mark.parametrize(
    ("markup", "text"),
    [
        ("Plain words", "Plain words"),
        ("<p>Rates <b>rise</b></p><p>again</p>", "Rates rise again"),
        ("AT&amp;T &#8211; up", "AT&T \u2013 up"),
        ("&lt;b&gt;Bold&lt;/b&gt; news", "Bold news"),
        ("&amp;lt;i&amp;gt;Twice&amp;lt;/i&amp;gt;", "Twice"),
        ("Hi<script>alert('x')</script> there", "Hi there"),
        ("Hi<script>alert('x')", "Hi"),
        ("<!-- not this -->this", "this"),
        ("<![CDATA[kept]]>", "kept]]>"),
        ("Gold < 2000 and > 1900", "Gold < 2000 and > 1900"),
        ("EUR<USD today", "EUR< USD today"),
        ("un<em>break</em>able", "unbreakable"),
        ("one<br/>two<br>three", "one two three"),
        ("  a\n\tb\u00a0c  ", "a b c"),
        ("evil\u202etxt\u0000 zero\u200bwidth", "eviltxt zerowidth"),
        ('<img src=x onerror="alert(1)">picture', "picture"),
        ("", ""),
    ],
)
def test_markup_becomes_plain_text(markup: str, text: str) -> None:
    assert plain_text(markup, 300) == text


def test_long_text_ends_at_a_word_with_an_ellipsis() -> None:
    text = plain_text("word " * 100, 50)
    assert len(text) <= 50
    assert text.endswith("word\N{HORIZONTAL ELLIPSIS}")


@given(st.one_of(st.text(), MARKUP), st.integers(10, 300))
@settings(deadline=None, max_examples=400)
def test_whatever_comes_nothing_looks_like_markup(markup: str, limit: int) -> None:
    text = plain_text(markup, limit)
    assert not re.search(r"<[A-Za-z/!?]", text)
    assert len(text) <= limit
    assert text == " ".join(text.split())
    assert text.isprintable()
    text.encode()


@pytest.mark.parametrize("hostile", ["<" * 40_000, "<a" * 20_000, "<!--" * 10_000, "&lt;" * 10_000, "<script>" * 5_000])
def test_text_made_to_be_slow_is_not(hostile: str) -> None:
    assert len(plain_text(hostile, 300)) <= 300  # the time limit of the test is the assertion


@pytest.mark.parametrize(
    ("link", "safe"),
    [
        ("https://a.example/x?utm_source=feed&id=7&fbclid=z", "https://a.example/x?id=7"),
        ("HTTP://A.Example:80/x#part", "http://a.example/x#part"),
        ("https://a.example:8443/x", "https://a.example:8443/x"),
        ("/news/1", "https://base.example/news/1"),
        ("../up", "https://base.example/up"),
        (" https://a.example/a b ", "https://a.example/a%20b"),
        ("https://[::1]:81/x", "https://[::1]:81/x"),
        ("javascript:alert(1)", ""),
        ("JaVaScRiPt:alert(1)", ""),
        ("java\nscript:alert(1)", ""),
        ("data:text/html,<script>", ""),
        ("file:///etc/passwd", ""),
        ("https://user:secret@a.example/", ""),
        ("https://a.example\\@evil.example/", ""),
        ("https://", ""),
        ("http://[::1", ""),
        ("https://a.example/" + "x" * 3000, ""),
        ("", ""),
    ],
)
def test_only_safe_links_pass(link: str, safe: str) -> None:
    assert safe_link(link, "https://base.example/rss/feed") == safe


@given(
    st.one_of(st.text(), st.from_regex(r"(https?|javascript|data|file|//)[:/a-z@\\\[\]%?#. ]{0,40}", fullmatch=True))
)
@settings(deadline=None, max_examples=400)
def test_a_link_is_an_address_of_the_web_or_nothing(link: str) -> None:
    safe = safe_link(link, "https://base.example/")
    assert safe == "" or re.match(r"https?://[^/@\s]+(/|\?|#|$)", safe)
    assert safe.isprintable()
    assert safe_link(safe) == safe


def test_links_to_one_page_have_one_key() -> None:
    same = ["https://www.a.example/x/?b=2&a=1", "http://a.example/x?a=1&b=2#top", "https://m.a.example/x/amp?a=1&b=2"]
    assert len({link_key(safe_link(link)) for link in same}) == 1
    assert link_key("https://a.example/x?id=1") != link_key("https://a.example/x?id=2")
    assert link_key("") == ""
