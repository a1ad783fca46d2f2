"""What a body is, from its content alone: servers and file names say all kinds of things."""

from __future__ import annotations

import codecs
import json
import re
import zlib
from dataclasses import dataclass
from typing import Final

from app.errors import UserAction
from workers.news import charset
from workers.news.clean import safe_link

_LOOKED_AT: Final = 65_536
_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_ROOT: Final = re.compile(r"<([A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)([^<>]{0,4000})")
_DOCTYPE: Final = re.compile(r"<!DOCTYPE\s+(\w+)", re.IGNORECASE)
_REFERENCE: Final = re.compile(r"&#([xX][0-9A-Fa-f]{1,500}|[0-9]{1,500});?", re.ASCII)
_BARE: Final = re.compile(r"&(?!#|[A-Za-z_][\w.-]{0,60};)")
_VERSION: Final = re.compile(r"\bversion\s*=\s*[\"']([\d.]{1,8})[\"']")
_ENTITY: Final = re.compile(r"<!ENTITY\s+(%?)\s*([^\s>]*)([^>]{0,400})>?", re.IGNORECASE)
_CHARACTER: Final = re.compile(r"(\"(?:&#\w+;|[^\"&<%])*\"|'(?:&#\w+;|[^'&<%])*')")
_ALTERNATE: Final = re.compile(
    r"<link\b[^>]{0,500}type\s*=\s*[\"']application/(?:rss|atom|feed)\+(?:xml|json)[\"'][^>]{0,500}>", re.IGNORECASE
)
_HREF: Final = re.compile(r"href\s*=\s*[\"']([^\"']{1,500})[\"']", re.IGNORECASE)

#: Some publishers serve their feed wrapped into a page; inside a page's own text it would be written with &lt;.
_INNER_FEED: Final = re.compile(
    r"<(?:(feed)\s[^<>]{0,500}http://www\.w3\.org/2005/Atom|rss\s[^<>]{0,500}version\s*=)", re.IGNORECASE
)

#: Longest text that a declared entity may stand for: enough for a character or two, too little for a bomb.
_ENTITY_LENGTH: Final = 16


class NotAFeed(UserAction):
    """The content is something else; ``kind`` says what."""

    def __init__(self, kind: str, message: str, *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.kind = kind


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a body is.

    Attributes:
        kind: For people, for example ``RSS 2.0``, ``Atom 1.0``, ``JSON Feed 1.1`` or ``OPML``.
        family: ``xml`` for feedparser, ``json``, or ``opml``.
        content: The body to read: XML in UTF-8, JSON and OPML as they came.
        note: What was assumed about it; empty when nothing was.
    """

    kind: str
    family: str
    content: bytes
    note: str = ""


def unpacked(content: bytes, most: int) -> bytes:
    """``content`` without a gzip wrapping that the server did not mention.

    Raises:
        NotAFeed: it unfolds to more than ``most`` bytes, or is damaged.
    """
    if not content.startswith(b"\x1f\x8b"):
        return content
    try:
        plain = zlib.decompressobj(zlib.MAX_WBITS | 32).decompress(content, most + 1)
    except zlib.error as error:
        raise NotAFeed("damaged gzip", f"is a damaged gzip file ({error})") from error
    if len(plain) > most:
        raise NotAFeed("gzip", f"unfolds to more than {most / 1e6:g} MB", advice="Use a feed with less content.")
    return plain


def recognise(content: bytes, address: str = "", content_type: str = "") -> Recognised:
    """Say what ``content`` is.

    Args:
        address: Where it came from, for the links of an HTML page.
        content_type: What the server calls it; only its character set is used, and only if it can be right.

    Raises:
        NotAFeed: it is no feed and no feed list. The message completes a sentence that begins with the source.
    """
    if not content.strip():
        raise NotAFeed("nothing", "is empty", advice="Try again later, or correct the address.")
    if content.lstrip(b"\xef\xbb\xbf\xff\xfe\0 \t\r\n")[:1] in (b"{", b"["):
        return _json(content)
    binary = _binary(content)
    text, note = _decoded(content, content_type, binary=binary)
    root = _root(text) if not binary else None
    if root is None:
        kind = "binary data" if binary else "plain text"
        raise NotAFeed(kind, f"holds {kind}, not a feed", advice="Use the address of an RSS, Atom or JSON feed.")
    kind = _kind_of_xml(root, text, address)
    if kind == "OPML":
        return Recognised(kind, "opml", content)
    # Looked at in the very text that the parser gets: another encoding cannot hide anything from this.
    prolog = text[: root.start()]
    declared = _entities(prolog)
    body = text[root.start() :]
    body = _REFERENCE.sub(_possible, body) if "&#" in body else body
    body = _with_bare_ampersands(body) if "&" in body else body
    whole = f"<!DOCTYPE feed [\n{declared}]>\n{body}" if declared else body
    return Recognised(kind, "xml", whole.encode(), note)


def _decoded(content: bytes, content_type: str, *, binary: bool) -> tuple[str, str]:
    """The text of a document, and what was assumed about its characters."""
    text = note = ""
    if not binary and not content.isascii() and not content.startswith(_MARKS) and b"\0" not in content[:1024]:
        try:
            content.decode("utf-8")
        except UnicodeDecodeError:
            if charset.misdeclared(content, content_type):
                text, name = charset.guess(content)
                return text, f"it is not the UTF-8 that it should be; it was read as {name}"
            text, note = charset.japanese(content, content_type)
    elif not binary and b"\x1b" in content:
        text, note = charset.japanese(content, content_type)
    return text or _in_utf8(content, content_type).decode("utf-8", "replace"), note


def _in_utf8(content: bytes, content_type: str) -> bytes:
    """``content`` in UTF-8, its encoding found as feedparser does, except that valid UTF-8 is believed to be UTF-8.

    Servers and declarations often name another encoding than the one used; other text is hardly ever valid UTF-8.
    """
    from feedparser.encodings import convert_to_utf8

    headers = {"content-type": content_type}
    if not content.isascii() and not content.startswith(_MARKS):
        try:
            content.decode("utf-8")
            headers = {"content-type": "application/xml; charset=utf-8"}
        except UnicodeDecodeError:
            pass
    converted: bytes = convert_to_utf8(headers, content, {})
    return converted


def _binary(content: bytes) -> bool:
    """Whether the beginning holds control characters as no text does; UTF-16 is known by its own beginning."""
    if content.startswith(_MARKS) or content[:2] in (b"<\0", b"\0<"):
        return False
    head = content[:1024]
    odd = sum(byte < 9 or 13 < byte < 32 for byte in head)
    return odd * 20 > len(head)


def _root(text: str) -> re.Match[str] | None:
    """The first element, past declaration, comments, instructions and document type."""
    position = 0
    while (start := text.find("<", position)) >= 0:
        if text.startswith("<!--", start):
            end = text.find("-->", start)
        elif text.startswith("<?", start):
            end = text.find("?>", start)
        elif text.startswith("<!", start):
            end = _end_of_doctype(text, start)
        elif found := _ROOT.match(text, start):
            return found
        else:
            end = start
        if end < 0:
            return None
        position = end + 1
    return None


def _end_of_doctype(text: str, start: int) -> int:
    inside, close = text.find("[", start), text.find(">", start)
    if 0 <= inside < close:
        subset = text.find("]", inside)
        return text.find(">", subset) if subset >= 0 else -1
    return close


def _kind_of_xml(root: re.Match[str], text: str, address: str) -> str:
    name, attributes = root[2].lower(), root[3]
    if name == "opml":
        return "OPML"
    if name == "rss":
        version = _VERSION.search(attributes)
        return f"RSS {version[1]}" if version else "RSS"
    if name == "feed":
        old = _VERSION.search(attributes)
        return f"Atom {old[1]}" if old and "purl.org/atom" in attributes else "Atom 1.0"
    if name == "rdf":
        return _rdf(text[:_LOOKED_AT])
    if name == "channel":
        return "RSS without its outer element"
    doctype = _DOCTYPE.search(text[: root.start()])
    if found := _INNER_FEED.search(text, 0, _LOOKED_AT):
        return "Atom 1.0 inside an HTML page" if found[1] == "feed" else "RSS inside an HTML page"
    if name in ("html", "head", "body") or (doctype is not None and doctype[1].lower() == "html"):
        raise NotAFeed("HTML page", "is an HTML page, not a feed", advice=_feed_in(text[:_LOOKED_AT], address))
    if name in ("urlset", "sitemapindex"):
        raise NotAFeed(
            "sitemap",
            "is a sitemap (a list of pages for search engines), not a feed",
            advice="Look for RSS or Atom on that site.",
        )
    raise NotAFeed(
        "XML of another kind",
        f"is an XML document of another kind (<{root[2][:60]}>), not a feed",
        advice="Use the address of an RSS, Atom or JSON feed.",
    )


def _rdf(text: str) -> str:
    """RSS 1.0 and 0.90 are told apart by their namespace (RSS 1.0 specification, section 5.1)."""
    if "http://my.netscape.com/rdf/simple/0.9/" in text or "http://channel.netscape.com/rdf/simple/0.9/" in text:
        return "RSS 0.90 (RDF)"
    return "RSS 1.0 (RDF)" if "purl.org/rss/1.0" in text else "RDF"


def _feed_in(page: str, address: str) -> str:
    """Advice that names the feed which the page points to, if it does."""
    for link in _ALTERNATE.findall(page):
        href = _HREF.search(link)
        found = safe_link(href[1], address) if href else ""
        if found:
            return f"The page names a feed of its own: {found}"
    return "Open it in a browser and look for its RSS or Atom address."


def _with_bare_ampersands(body: str) -> str:
    """An ampersand that begins no reference, as in ``AT&T`` or ``?x=1&copy=2``, written as XML wants it.

    feedparser would end the name that follows with a semicolon, or take it for a character.
    """
    kept: list[str] = []
    position = 0
    while (start := body.find("<![CDATA[", position)) >= 0:
        end = body.find("]]>", start)
        end = len(body) if end < 0 else end
        kept += [_BARE.sub("&amp;", body[position:start]), body[start:end]]
        position = end
    kept.append(_BARE.sub("&amp;", body[position:]))
    return "".join(kept)


def _possible(reference: re.Match[str]) -> str:
    """A character reference if XML has such a character (section 2.2), else one that says that something is wrong.

    One impossible reference would make feedparser give up the whole feed.
    """
    code = int(reference[1][1:], 16) if reference[1][0] in "xX" else int(reference[1])
    fine = code in (9, 10, 13) or 0x20 <= code < 0xD800 or 0xE000 <= code < 0xFFFE or 0x10000 <= code <= 0x10FFFF
    return reference[0] if fine else "&#xFFFD;"


def _entities(prolog: str) -> str:
    """The declared entities, one a line. They may name a character, nothing more.

    Nested or long ones unfold without end, external ones read files. The rest of the prolog is left out: nobody needs
    it, and patterns that feedparser looks for in it take very long on a prolog made for that.

    Raises:
        NotAFeed: the document declares others.
    """
    lines: list[str] = []
    for parameter, name, value in _ENTITY.findall(prolog):
        text = value.strip()
        if parameter or len(text) > _ENTITY_LENGTH + 2 or len(lines) > 300 or _CHARACTER.fullmatch(text) is None:
            raise NotAFeed(
                "XML with entity declarations",
                f"declares the entity {name[:40]}, which could unfold without end or read files, and was not read",
                advice="No honest feed needs that. Remove the feed, or tell its publisher.",
            )
        lines.append(f"<!ENTITY {name} {text}>\n")
    return "".join(lines)


def _json(content: bytes) -> Recognised:
    document = json_document(content)
    version = document.get("version") if isinstance(document, dict) else None
    if isinstance(version, str) and "jsonfeed.org/version/" in version:
        return Recognised(f"JSON Feed {version.rstrip('/').rpartition('/')[2][:8]}", "json", content)
    raise NotAFeed(
        "JSON of another kind", "is a JSON document of another kind, not a JSON Feed",
        advice="A JSON Feed names its version, such as https://jsonfeed.org/version/1.1.",
    )  # fmt: skip


def json_document(content: bytes) -> object:
    """The document.

    Raises:
        NotAFeed: it is not JSON, or nested without end.
    """
    try:
        return json.loads(content.decode(json.detect_encoding(content), "replace").lstrip("\ufeff"))
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else str(error)[:120]
        raise NotAFeed(
            "damaged JSON", f"begins like JSON but cannot be read ({reason})",
            advice="Try again later, or tell its publisher.",
        ) from error  # fmt: skip
