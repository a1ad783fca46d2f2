"""Text and links from strangers, made safe: plain text without markup, addresses of the web only."""

from __future__ import annotations

import html
import re
from typing import Final
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

#: Characters kept of a title and of a summary.
TITLE_LENGTH: Final = 300
SUMMARY_LENGTH: Final = 1_000

#: Characters looked at: an article's whole text may be a book.
_LOOKED_AT: Final = 40_000
_LINK_LENGTH: Final = 2_000
_ROUNDS: Final = 3

_SILENT: Final = frozenset({"script", "style", "head", "title", "template", "noscript", "iframe", "object", "svg"})
_INLINE: Final = frozenset(
    {"a", "abbr", "b", "bdi", "big", "cite", "code", "em", "font", "i", "mark", "q", "s", "small", "span", "strong",
     "sub", "sup", "tt", "u", "wbr"}
)  # fmt: skip
_NAME: Final = re.compile(r"/?([A-Za-z][A-Za-z0-9:-]*)")
_TAG_LIKE: Final = re.compile(r"<(?=[A-Za-z/!?])")
_ENTITY: Final = re.compile(r"&(?:#\w+|\w+);")
_TRACKING: Final = re.compile(
    r"^(utm_\w+|at_(medium|campaign|link_\w+|ptr_\w+|custom\d*)|mc_[ce]id|(fb|g|dc|y|tw)clid|gbraid|wbraid|msclkid|igshid|"
    r"_hs(enc|mi)|mkt_tok|cmpid|ncid|ocid|s_cid|ref_?src|rss(_?id)?|ftag|smid|guccounter|guce_\w+|spm|__twitter_impression)$",
    re.IGNORECASE,
)
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


def plain_text(markup: str, limit: int) -> str:
    """``markup`` as one line of plain text of at most ``limit`` characters.

    Markup that was escaped once or twice too often, as feeds do, is removed too; what still looks like a tag loses its
    angle bracket's reach, so that no program that guesses takes the text for HTML.
    """
    text = markup[:_LOOKED_AT]
    for _ in range(_ROUNDS):
        if "<" in text:
            text = _without_tags(text)
        if _ENTITY.search(text) is None:
            break
        # A name without its semicolon is text: AT&T, and the &copy of an address.
        text = _ENTITY.sub(lambda found: html.unescape(found[0]), text)
    return _shortened(_TAG_LIKE.sub("< ", _one_line(text)), limit)


def _without_tags(text: str) -> str:
    """One pass over the text, so that no input takes long: each ``<`` is looked at once."""
    kept: list[str] = []
    low = text.lower()
    position = 0
    while (start := text.find("<", position)) >= 0:
        kept.append(text[position:start])
        if text.startswith("<!--", start):
            position = _after(text, "-->", start + 4)
            continue
        if text.startswith("<![CDATA[", start):
            position = start + 9
            continue
        named = _NAME.match(text, start + 1)
        if named is None and text[start + 1 : start + 2] not in ("!", "?"):
            kept.append("<")
            position = start + 1
            continue
        end = text.find(">", start)
        if end < 0:  # a text that was cut inside a tag, or a sign for "less than": keep it readable
            kept.append("< ")
            position = start + 1
            if named is not None and named[1].lower() not in _SILENT | _INLINE:
                continue
            break
        name = named[1].lower() if named is not None else ""
        if name not in _INLINE:
            kept.append(" ")
        position = end + 1
        if name in _SILENT and text[start + 1] != "/" and text[end - 1] != "/":
            position = _after(text, ">", _after(low, f"</{name}", position))
    kept.append(text[position:] if position < len(text) else "")
    return "".join(kept)


def _after(text: str, what: str, position: int) -> int:
    """The place behind the next ``what``; the end when there is none."""
    found = text.find(what, position)
    return len(text) if found < 0 else found + len(what)


def _one_line(text: str) -> str:
    """Without control and direction characters, white space joined."""
    joined = " ".join(text.split())
    if joined.isprintable():
        return joined
    # Not printable: controls, direction overrides and the like, halves of characters, code points that nobody owns.
    return " ".join("".join(c if c.isprintable() or c.isspace() else "" for c in joined).split())


def _shortened(text: str, limit: int) -> str:
    if len(text) <= limit:
        return text
    cut = text[: limit - 1]
    space = cut.rfind(" ")
    return (cut[:space] if space > limit // 2 else cut).rstrip(" ,;:") + "\N{HORIZONTAL ELLIPSIS}"


def safe_link(link: str, base: str = "") -> str:
    """``link`` as an absolute http or https address without tracking parameters; empty when it is none.

    Args:
        base: The address of the feed, which relative links count from.
    """
    text = "".join(character for character in link.strip() if character.isprintable()).replace(" ", "%20")
    if not text or len(text) > _LINK_LENGTH or "\\" in text:
        return ""
    try:
        given = urlsplit(text)
        if given.scheme and not given.netloc:  # urljoin would take the place of the base
            return ""
        parts = urlsplit(urljoin(base, text))
        port = parts.port
        host = parts.hostname or ""
    except ValueError:
        return ""
    if parts.scheme.lower() not in _DEFAULT_PORTS or not host or "@" in parts.netloc:
        return ""
    place = host if port is None or port == _DEFAULT_PORTS[parts.scheme.lower()] else f"{host}:{port}"
    place = f"[{host}]{place.removeprefix(host)}" if ":" in host else place
    quoted = quote(parts.path, safe="/%:@!$&'()*+,;=~-._")
    return urlunsplit((parts.scheme.lower(), place, quoted, _query(parts.query), parts.fragment))


def _query(query: str) -> str:
    """The query without parameters that only say where the reader came from; otherwise as it was."""
    if not query or not any(_TRACKING.match(part.partition("=")[0]) for part in query.split("&")):
        return query
    return "&".join(part for part in query.split("&") if not _TRACKING.match(part.partition("=")[0]))


def link_key(link: str) -> str:
    """What two links to the same page have in common: scheme, ``www.``, order of parameters and fragment left out.

    Args:
        link: As ``safe_link`` gives it.
    """
    if not link:
        return ""
    place, _, query = link.partition("://")[2].partition("#")[0].partition("?")
    host, _, path = place.partition("/")
    host = host.lower().removeprefix("www.").removeprefix("m.").removeprefix("amp.")
    path = path.rstrip("/").removesuffix("/amp")
    return f"{host}/{path}?{'&'.join(sorted(query.split('&')))}" if query else f"{host}/{path}"
