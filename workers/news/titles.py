"""What titles are compared by: their significant words, or pairs of characters where a script has no blanks."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

_WORD: Final = re.compile(r"\w+(?:[.,]\d+)*")
_LEAD: Final = re.compile(
    r"^(?:update|refile|rpt|wrapup|corrected|breaking|exclusive|urgent|flash)\b\s*\d*\s*[-:\u2013]\s*"
)
_FILLERS: Final = frozenset(
    "a an the of in on at to for by as and or is are was were be been its it s after before with from amid over"
    " says say said how what why this that will".split()
)
_POLAR: Final = frozenset("not no never without deny denies denied unlikely won t didn doesn isn against".split())
#: Chinese, Japanese, Thai, Lao, Burmese and Khmer are written without blanks between words.
_UNSPACED: Final = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_RUN: Final = re.compile(rf"[{_UNSPACED}]+|[^\W{_UNSPACED}]+(?:[.,]\d+)*")
_IS_UNSPACED: Final = re.compile(rf"[{_UNSPACED}]")
_DENIALS: Final = re.compile(
    "[\u4e0d\u6ca1\u672a\u65e0\u7121\u975e\u5426]|\u306a\u3044|\u305b\u305a|\u307e\u305b\u3093|\u0e44\u0e21\u0e48"
)
#: A title of such words alone is the name of a column: every publisher has its own "Market wrap".
_GENERIC: Final = frozenset(
    "market markets wrap daily weekly monthly morning evening midday briefing brief news newsletter summary update"
    " updates outlook preview review roundup report live blog podcast video podcasts videos analysis commentary comment"
    " opinion forex fx stocks stock today open opening close closing top stories headlines calendar economic week ahead"
    " day speech speeches press release interview statement correction notice charts chart data".split()
)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a title is compared by: its significant words, those among them with a digit, those that deny."""

    words: frozenset[str]
    numbers: frozenset[str]
    polar: frozenset[str]


@lru_cache(maxsize=32_768)
def signature(title: str) -> Signature:
    """The words of a title without case, punctuation, inflection, fillers and agency prefixes."""
    text = _LEAD.sub("", _folded(title))
    words = _WORD.findall(text)
    polar = {word for word in words if word in _POLAR}
    if _IS_UNSPACED.search(text):
        words = [piece for word in words for piece in _pieces(word)]
        polar.update(_DENIALS.findall(text))
    significant = frozenset(_stem(word) for word in words if word not in _FILLERS)
    numbers = frozenset(word for word in significant if any(c.isdigit() for c in word))
    return Signature(significant, numbers, frozenset(polar))


@lru_cache(maxsize=32_768)
def normal(title: str) -> str:
    """A title without case, punctuation and forms of characters that mean the same; may be empty."""
    return " ".join(_WORD.findall(_folded(title)))


def is_generic(name: str) -> bool:
    """Whether a title, as ``normal`` gives it, names a column rather than a piece of news."""
    return all(word in _GENERIC or word.isdigit() for word in name.split())


def _folded(title: str) -> str:
    return (title if title.isascii() else unicodedata.normalize("NFKC", title)).casefold()


def _pieces(word: str) -> list[str]:
    """A word as it is, but each run of a script without blanks as its pairs of characters."""
    found: list[str] = []
    for run in _RUN.findall(word):
        if len(run) > 1 and _IS_UNSPACED.match(run):
            found += [run[at : at + 2] for at in range(len(run) - 1)]
        else:
            found.append(run)
    return found


def _stem(word: str) -> str:
    """Without the endings of English plurals and verbs: rises, rising and rise are one word here."""
    if not word.isalpha() or len(word) < 4:
        return word
    for ending in ("ing", "ed", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3 and not word.endswith("ss"):
            word = word[: -len(ending)]
            break
    return word[:-1] if word.endswith("e") else word
