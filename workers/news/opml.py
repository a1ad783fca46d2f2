"""The list of feeds as OPML 2.0 (opml.org/spec2.opml), which every feed reader imports and exports."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final
from xml.parsers import expat

from app.errors import UserAction
from app.files import atomic_write_bytes, guarding
from workers.news.clean import plain_text, safe_link
from workers.news.values import Feed

#: The list that comes with the program.
DEFAULT: Final = Path(__file__).resolve().parent.parent.parent / "resources" / "news" / "feeds.opml"

MAX_FEEDS: Final = 2_000
_LARGEST: Final = 5_000_000
_TITLE: Final = 120


def load(path: Path) -> tuple[Feed, ...]:
    """The feeds of an OPML file, in its order.

    Raises:
        UserAction: it is no OPML, too large, or damaged; the message names the line.
        StorageError: it cannot be read.
    """
    with guarding(path, "read"):
        size = path.stat().st_size
        content = path.read_bytes() if size <= _LARGEST else b""
    if size > _LARGEST:
        raise _bad(path.name, f"it has {size:,} bytes, a feed list a few thousand")
    return read(content, path.name)


def read(content: bytes, name: str) -> tuple[Feed, ...]:
    """The feeds in ``content``; entries without a usable address are left out, repeated addresses come once.

    Raises:
        UserAction: it is no OPML, or damaged; ``name`` is what the message calls it.
    """
    reader = _Reader(name)
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.EntityDeclHandler = reader.entity
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise _bad(name, f"line {error.lineno}: {expat.ErrorString(error.code)}") from error
    except (ValueError, LookupError) as error:  # an encoding that nobody knows
        raise _bad(name, str(error)) from error
    if not reader.is_opml:
        raise _bad(name, "it is not an OPML document")
    return tuple(reader.feeds.values())


class _Reader:
    """Gathers the outlines with an address; folders around them are groups."""

    def __init__(self, name: str) -> None:
        self.feeds: dict[str, Feed] = {}
        self.is_opml = False
        self._name = name
        self._depth = 0
        self._groups: list[str] = []
        self._off: list[bool] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.lower()
        self._depth += 1
        if self._depth == 1:
            self.is_opml = tag == "opml"
        if self._depth > 100:
            raise _bad(self._name, "it is nested too deeply")
        if tag != "outline":
            return
        named = {key.lower(): text for key, text in attributes.items()}
        title = plain_text(named.get("text") or named.get("title") or "", _TITLE)
        # A commented outline comments everything below it.
        off = named.get("iscomment", "").strip().lower() == "true" or (bool(self._off) and self._off[-1])
        group = next((group for group in reversed(self._groups) if group), "")
        self._groups.append("" if named.get("xmlurl") else title)
        self._off.append(off)
        address = safe_link(named.get("xmlurl", ""))
        if address and address not in self.feeds and len(self.feeds) < MAX_FEEDS:
            self.feeds[address] = Feed(address, title or address, group, not off)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if tag.lower() == "outline":
            self._groups.pop()
            self._off.pop()

    def entity(self, name: str, *_rest: object) -> None:
        raise _bad(self._name, f"it declares the entity {name[:40]}, which a feed list has no use for")


def written(feeds: Sequence[Feed]) -> bytes:
    """The list as an OPML document. Feeds that are off are commented outlines, as the format has it."""
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', '<opml version="2.0">']
    lines += ["  <head>", "    <title>News feeds of Metronome</title>", "  </head>", "  <body>"]
    for group in dict.fromkeys(feed.group for feed in feeds):
        inner = [_outline(feed) for feed in feeds if feed.group == group]
        if group:
            lines.append(f"    <outline text={_quoted(group)}>")
            lines += [f"      {line}" for line in inner]
            lines.append("    </outline>")
        else:
            lines += [f"    {line}" for line in inner]
    lines += ["  </body>", "</opml>", ""]
    return "\n".join(lines).encode("utf-8", "xmlcharrefreplace")


def _outline(feed: Feed) -> str:
    off = "" if feed.enabled else ' isComment="true"'
    return f'<outline type="rss" text={_quoted(feed.title)} xmlUrl={_quoted(feed.address)}{off}/>'


def _quoted(text: str) -> str:
    # It comes with urllib.request and http.client, which a window that only reads the list has no use for.
    from xml.sax.saxutils import quoteattr

    return quoteattr(text)


def save(path: Path, feeds: Sequence[Feed]) -> None:
    """Write the list whole.

    Raises:
        StorageError: it cannot be written; what was there before is untouched.
    """
    with guarding(path.parent, "create"):
        path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(path, written(feeds))


def ensure(path: Path) -> bool:
    """Put the list that comes with the program in place if there is none; whether that was done.

    Raises:
        StorageError: it cannot be written.
    """
    if path.exists():
        return False
    save(path, load(DEFAULT))
    return True


def joined(known: Iterable[Feed], more: Iterable[Feed]) -> tuple[tuple[Feed, ...], int]:
    """Both lists, known addresses as they are; and how many came new."""
    result = {feed.address: feed for feed in known}
    before = len(result)
    for feed in more:
        result.setdefault(feed.address, feed)
    return tuple(result.values()), len(result) - before


def _bad(name: str, reason: str) -> UserAction:
    return UserAction(
        f"The feed list {name} cannot be read: {reason}.",
        advice="Mend it, import another one (python main.py feeds import FILE), or delete it to get the default list.",
    )
