"""The character set of a document that calls itself UTF-8, or nothing, and is something else; or that names one
Japanese set and is in another, which mostly can be read all the same, as half-width katakana without a meaning.

Told by the language that the document names, else by its letters: in Western text few letters have an accent, in
Cyrillic and Greek hardly any is ASCII, and of two sets for one script the right one gives the usual letters.
"""

from __future__ import annotations

import codecs
import re
from typing import Final

_LOOKED_AT: Final = 200_000
_LANGUAGE: Final = re.compile(
    rb"(?:xml:lang\s*=\s*[\"']|<language>\s*|<dc:language>\s*)([A-Za-z]{2})(?![A-Za-z])", re.IGNORECASE
)
_DECLARED: Final = re.compile(rb"^[^<>]{0,8}<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([\w.:-]{1,40})[\"']")
_CHARSET: Final = re.compile(r"charset\s*=\s*[\"']?([\w.:-]{1,40})", re.IGNORECASE)
_SAYS_NOTHING: Final = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})

_CYRILLIC: Final = ("cp1251", "koi8-r", "iso8859-5", "cp866")
_BY_LANGUAGE: Final = {
    **dict.fromkeys(("ru", "uk", "be", "bg", "sr", "mk"), _CYRILLIC),
    **dict.fromkeys(("pl", "cs", "sk", "hu", "ro", "hr", "sl"), ("cp1250", "iso8859-2")),
    "el": ("cp1253",),
    "tr": ("cp1254",),
    "he": ("cp1255",),
    "ar": ("cp1256",),
    "ja": ("cp932", "euc_jp"),
    "zh": ("gb18030", "big5"),
    "ko": ("cp949",),
    "th": ("cp874",),
}
#: The usual letters of scripts that share the upper half of a byte; what is theirs in one set is odd in the other.
_USUAL: Final = frozenset(
    "\u043e\u0435\u0430\u0438\u043d\u0442\u0441\u0440\u0432\u043b\u043a\u043c\u0434\u043f\u0443"  # Russian
    "\u03b1\u03bf\u03b9\u03b5\u03c4\u03c3\u03bd\u03b7\u03c5\u03c1\u03c0\u03ba\u03bc\u03bb"
    "\u03c2\u03ac\u03ad\u03af\u03cc"  # Greek
)
#: Above this share of letters beyond ASCII, a text is of another script.
_OTHER_SCRIPT: Final = 0.4
#: Of the usual letters: below this share a guess is none.
_SURE: Final = 0.55
_MOSTLY: Final = 0.9
_SOME_KANA: Final = 0.1
#: Of the characters beyond ASCII: no text has more half-width katakana.
_MOST_HALF_WIDTH: Final = 0.3
_JAPANESE: Final = {
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "cp932", "windows-31j", "ms_kanji"), "cp932"),
    **dict.fromkeys(("euc-jp", "euc_jp", "x-euc-jp", "eucjp"), "euc_jp"),
    **dict.fromkeys(("iso-2022-jp", "iso2022_jp", "iso2022jp", "csiso2022jp"), "iso2022_jp"),
}
_LETTER: Final = re.compile(rb"[A-Za-z]")
_SHIFTED: Final = re.compile(rb"\x1b\$[@B]")
_MARKUP: Final = re.compile(rb"<[^<>]{0,2000}>")


def misdeclared(content: bytes, content_type: str) -> bool:
    """Whether a document that is no UTF-8 names no other character set."""
    return _SAYS_NOTHING.issuperset(_stated(content, content_type))


def _stated(content: bytes, content_type: str) -> list[str]:
    """The sets that the server and the document name, in small letters."""
    stated = [found[1].lower() for found in (_CHARSET.search(content_type),) if found]
    return stated + [found[1].decode("ascii").lower() for found in (_DECLARED.match(content[:400]),) if found]


def japanese(content: bytes, content_type: str) -> tuple[str, str]:
    """The text of a document that says that it is in a Japanese set, or is in one of seven bits; and what to tell.

    Returns:
        The text, read in another set when only that makes sense, and what was assumed or is doubtful, empty when
        nothing is; no text when it is no such document.
    """
    stated = _stated(content, content_type)
    said = next((name for name in stated if name in _JAPANESE), "")
    named = _JAPANESE.get(said, "")
    if content.isascii():
        # The escapes of ISO-2022-JP are in no other text.
        name = "iso2022_jp" if _SHIFTED.search(content) else ""
    else:
        name = _best_japanese(content[:_LOOKED_AT], named) if named else ""
    if not name:
        return "", ""
    text = content.decode(name, "replace")
    if name != named:
        should = (said or next(iter(stated), "utf-8")).upper()
        return text, f"it is not the {should} that it should be; it was read as {_shown(name)}"
    return text, _doubt(text, said.upper())


def _best_japanese(head: bytes, named: str) -> str:
    """The named set, unless only another one gives Japanese."""
    if (_score(head, named) or 0.0) >= _SURE:
        return named
    other = _best(head, tuple(sorted({*_JAPANESE.values()} - {named})))
    return other if other and (_score(head, other) or 0.0) >= _SURE else named


def _doubt(text: str, said: str) -> str:
    """What to tell of a text that was read in the set that it names; empty when nothing is wrong."""
    beyond = [char for char in text if char > "\x7f"]
    odd = sum("\uff61" <= char <= "\uff9f" or char == "\ufffd" for char in beyond)
    if odd > _MOST_HALF_WIDTH * len(beyond):
        return f"it makes no sense in the {said} that it says, nor in another Japanese set"
    return f"it was read as {said} with damaged characters" if "\ufffd" in beyond else ""


def guess(content: bytes) -> tuple[str, str]:
    """The text of a document that is no UTF-8, and which set it was read in, in words."""
    if _utf8_share(content) >= _MOSTLY:
        return content.decode("utf-8", "replace"), "UTF-8 with damaged characters"
    head = content[:_LOOKED_AT]
    named = _LANGUAGE.search(head)
    language = named[1].decode("ascii").lower() if named else ""
    candidates = _BY_LANGUAGE.get(language, ())
    name = _best(head, candidates)
    if not name and not candidates:
        name = _by_letters(head)
    name = name or "cp1252"
    return content.decode(name, "replace"), _shown(name)


def _utf8_share(content: bytes) -> float:
    """Of the characters beyond ASCII, how many are right in UTF-8."""
    text = content.decode("utf-8", "replace")
    beyond = sum(1 for char in text if char > "\x7f")
    return 1 - text.count("\ufffd") / beyond if beyond else 0.0


def _best(head: bytes, names: tuple[str, ...]) -> str:
    """Of the sets that may be, the one that reads the text best; empty when none reads it."""
    found = [(score, -place, name) for place, name in enumerate(names) if (score := _score(head, name)) is not None]
    return max(found)[2] if found else ""


def _score(head: bytes, name: str) -> float | None:
    try:
        text = codecs.getincrementaldecoder(name)().decode(head)  # it may end inside a character
    except UnicodeDecodeError:
        return None
    letters = [char for char in text if char > "\x7f" and char.isalpha()]
    if not letters:
        return None
    odd = sum(char > "\x7f" and not char.isalpha() for char in text)
    kana = sum("\u3040" <= char <= "\u30ff" for char in letters)
    # Where there is kana, Chinese characters are usual too.
    chinese = sum("\u4e00" <= char <= "\u9fff" for char in letters) if kana > _SOME_KANA * len(letters) else 0
    return (sum(char in _USUAL for char in letters) + kana + chinese) / (len(letters) + odd)


def _by_letters(head: bytes) -> str:
    plain = _MARKUP.sub(b" ", head)
    beyond = sum(byte > 0x7F for byte in plain)
    if beyond <= _OTHER_SCRIPT * (beyond + len(_LETTER.findall(plain))):
        return ""
    names = (*_CYRILLIC, "cp1253", "cp932", "euc_jp")
    name = _best(plain, names)
    return name if name and (_score(plain, name) or 0.0) >= _SURE else ""


def _shown(name: str) -> str:
    return name.replace("cp125", "windows-125") if name.startswith("cp125") else name.upper()
