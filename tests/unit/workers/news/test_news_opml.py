from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import UserAction
from app.files import StorageError
from workers.news import opml
from workers.news.values import Feed

LIST = b"""<?xml version="1.0"?><opml version="1.0"><head><title>x</title></head><body>
<outline text="Banks"><outline text="ECB" type="rss" xmlUrl="https://ecb.example/rss" htmlUrl="https://ecb.example"/>
<outline title="Fed &amp;amp; co" xmlUrl="https://fed.example/rss" isComment="true"/></outline>
<outline text="Off" isComment="true"><outline text="Sub" xmlurl="http://sub.example/"/></outline>
<outline text="No address"/><outline text="Bad" xmlUrl="javascript:alert(1)"/>
<outline text="Twice" xmlUrl="https://ecb.example/rss"/></body></opml>"""


def test_a_list_of_another_reader() -> None:
    assert opml.read(LIST, "list") == (
        Feed("https://ecb.example/rss", "ECB", "Banks"),
        Feed("https://fed.example/rss", "Fed & co", "Banks", enabled=False),
        Feed("http://sub.example/", "Sub", "Off", enabled=False),
    )


def test_the_shipped_list_has_addresses_of_the_web_only() -> None:
    feeds = opml.load(opml.DEFAULT)
    assert len(feeds) >= 12
    assert all(feed.enabled and feed.address.startswith("https://") and feed.group for feed in feeds)
    assert len({feed.title for feed in feeds}) == len(feeds)


TITLES = st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), exclude_characters="<&"), min_size=1, max_size=30)


@given(st.lists(st.tuples(TITLES, st.sampled_from(["", "Banks", 'A "group" & more']), st.booleans()), max_size=12))
@settings(deadline=None)
def test_what_is_written_is_read_again(entries: list[tuple[str, str, bool]]) -> None:
    from workers.news.clean import plain_text

    feeds = [
        Feed(f"https://a.example/{number}?a=1&b=2", plain_text(title, 100) or "x", group, enabled)
        for number, (title, group, enabled) in enumerate(entries)
    ]
    assert set(opml.read(opml.written(feeds), "list")) == set(feeds)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no element found"),
        (b"<rss/>", "not an OPML"),
        (b"<opml><body>", "line 1"),
        (b"rubbish", "line 1"),
        (b'<!DOCTYPE opml [<!ENTITY a "x">]><opml/>', "declares the entity a"),
        (b'<!DOCTYPE opml [<!ENTITY a SYSTEM "file:///etc/passwd">]><opml><body text="&a;"/></opml>', "entity a"),
        (b'<?xml version="1.0" encoding="nonsense"?><opml/>', "encoding"),
        (b"<opml>" + b"<outline>" * 200, "nested too deeply"),
    ],
)
def test_what_is_no_list_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UserAction) as refusal:
        opml.read(content, "feeds.opml")
    assert "feeds.opml" in refusal.value.message
    assert reason in refusal.value.message


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "config" / "feeds.opml"
    assert opml.ensure(path)
    assert not opml.ensure(path)
    assert opml.load(path) == opml.load(opml.DEFAULT)
    with pytest.raises(StorageError):
        opml.load(tmp_path / "none.opml")
    huge = tmp_path / "huge.opml"
    huge.write_bytes(b" " * 5_000_001)
    with pytest.raises(UserAction, match="5,000,001 bytes"):
        opml.load(huge)
