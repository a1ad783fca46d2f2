"""Which currencies and symbols an article is about, by a table of words that users can edit."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from app.errors import UserAction
from app.files import atomic_write_bytes, guarding
from workers.news.values import Article

#: The table that comes with the program.
DEFAULT: Final = Path(__file__).resolve().parent.parent.parent / "resources" / "news" / "keywords.json"

_LARGEST: Final = 1_000_000
_WORD: Final = re.compile(r"[^\W_]+(?:[&'\N{RIGHT SINGLE QUOTATION MARK}.](?=\w)[^\W_]+)*")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_PAIR: Final = re.compile(r"\b([A-Z]{3})\s?[/\-]?\s?([A-Z]{3})\b")
_GROUPS: Final = ("currencies", "symbols")

_Phrase = tuple[tuple[str, ...], str, str, str]


@dataclass(frozen=True, slots=True)
class Keywords:
    """The table, ready for use.

    Attributes:
        phrases: First word (case folded) to the phrases that begin with it, the longest first: (all words folded, the
            phrase as written, group, tag).
        currencies: Codes that make a pair when two of them stand together (EUR/USD).
    """

    phrases: Mapping[str, tuple[_Phrase, ...]]
    currencies: frozenset[str]

    def tags(self, *texts: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Currencies and symbols that title, summary and name of the source speak of, each in alphabetical order."""
        found: dict[str, set[str]] = {"currencies": set(), "symbols": set()}
        for text in texts:
            self._pairs(text, found)
            words = tuple(_bare(word) for word in _WORD.findall(text))
            folded = tuple(word.casefold() for word in words)
            place = 0
            while place < len(folded):
                place += self._matches(words, folded, place, found)
        return tuple(sorted(found["currencies"])), tuple(sorted(found["symbols"]))

    def _matches(self, words: tuple[str, ...], folded: tuple[str, ...], place: int, found: dict[str, set[str]]) -> int:
        """Note what the longest phrases at ``place`` stand for; how many words to go on by.

        What a longer phrase covers is spent: an "Australian dollar" is no dollar.
        """
        length = 0
        for phrase, written, group, tag in self.phrases.get(folded[place], ()):
            end = place + len(phrase)
            if len(phrase) < length:
                break
            if folded[place:end] == phrase and _capitals_fit(written, " ".join(words[place:end])):
                found[group].add(tag)
                length = len(phrase)
        return length or 1

    def _pairs(self, text: str, found: dict[str, set[str]]) -> None:
        for first, second in _PAIR.findall(text):
            if first != second and first in self.currencies and second in self.currencies:
                found["symbols"].add(first + second)
                found["currencies"].update((first, second))


def tagged(articles: Iterable[Article], keywords: Keywords) -> tuple[Article, ...]:
    """The articles with the tags of this table; those of another table are gone."""
    result = []
    for article in articles:
        currencies, symbols = keywords.tags(article.title, article.summary, article.source)
        same = (currencies, symbols) == (article.currencies, article.symbols)
        result.append(article if same else replace(article, currencies=currencies, symbols=symbols))
    return tuple(result)


def load(path: Path) -> Keywords:
    """The user's table.

    Raises:
        UserAction: it breaks a rule; the message names the file and the entry.
        StorageError: it cannot be read.
    """
    with guarding(path, "read"):
        size = path.stat().st_size
        content = path.read_bytes() if size <= _LARGEST else b""
    if size > _LARGEST:
        raise _bad(path.name, f"it has {size:,} bytes, a table of keywords a few thousand")
    return read(content, path.name)


def ensure(path: Path) -> bool:
    """Put the table that comes with the program in place if there is none; whether that was done.

    Raises:
        StorageError: it cannot be written.
    """
    if path.exists():
        return False
    with guarding(DEFAULT, "read"):
        content = DEFAULT.read_bytes()
    with guarding(path.parent, "create"):
        path.parent.mkdir(parents=True, exist_ok=True)
    atomic_write_bytes(path, content)
    return True


def read(content: bytes, name: str) -> Keywords:
    """The table in ``content``; ``name`` is what messages call it.

    Raises:
        UserAction: it breaks a rule.
    """
    try:
        document = json.loads(content)
    except ValueError as error:
        where = (
            f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "it is not UTF-8 text"
        )
        raise _bad(name, where) from error
    except RecursionError as error:
        raise _bad(name, "it is nested too deeply") from error
    if not isinstance(document, dict):
        raise _bad(name, "it is not a JSON object")
    if document.get("schema") != 1:
        raise _bad(name, f"its schema is {document.get('schema')!r}; this Metronome knows 1")
    if unknown := sorted(set(document) - {"schema", "about", *_GROUPS}):
        raise _bad(name, f"it has an unknown name {unknown[0]!r}; allowed are {', '.join(_GROUPS)}")
    phrases: dict[str, list[_Phrase]] = {}
    for group in _GROUPS:
        for tag, words in _entries(document, group, name):
            for text in words:
                phrase = tuple(_bare(word) for word in _WORD.findall(text))
                if not phrase:
                    raise _bad(name, f"{group}.{tag} has a keyword without letters: {text!r}")
                folded = tuple(word.casefold() for word in phrase)
                phrases.setdefault(folded[0], []).append((folded, " ".join(phrase), group, tag))
    codes = frozenset(tag for tag, _words in _entries(document, "currencies", name))
    longest_first = {word: tuple(sorted(found, key=lambda one: -len(one[0]))) for word, found in phrases.items()}
    return Keywords(longest_first, codes)


def _entries(document: Mapping[str, object], group: str, name: str) -> list[tuple[str, list[str]]]:
    table = document.get(group, {})
    if not isinstance(table, dict):
        raise _bad(name, f"{group} is not an object of lists")
    for tag, words in table.items():
        if group == "currencies" and _CURRENCY.fullmatch(tag) is None:
            raise _bad(name, f"currencies.{tag} is not a code of three capital letters")
        if not tag.strip() or len(tag) > 64:
            raise _bad(name, f"{group} has the name {tag[:70]!r}; a symbol has 1 to 64 characters")
        if not isinstance(words, list) or not all(isinstance(word, str) and 0 < len(word) <= 100 for word in words):
            raise _bad(name, f"{group}.{tag} is not a list of words of 1 to 100 characters")
    return [(tag, list(words)) for tag, words in table.items()]


def _capitals_fit(written: str, text: str) -> bool:
    """A capital of the table must be one in the text: the Fed is a bank, fed is not; gold and Gold are both gold."""
    return all(not ours.isupper() or theirs.isupper() for ours, theirs in zip(written, text, strict=False))


def _bare(word: str) -> str:
    """``word`` without the genitive: Fed's is about the Fed, U.S. about the US."""
    word = word.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").removesuffix("'s")
    return word.replace(".", "")


def _bad(name: str, reason: str) -> UserAction:
    return UserAction(
        f"The table of keywords {name} cannot be used: {reason}.",
        advice="Mend it, or delete it to get the one that comes with Metronome.",
    )
