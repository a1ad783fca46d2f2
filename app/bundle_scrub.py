"""What leaves this computer in a support bundle: no secret, no account, no name of the user.

Stricter than the log (``app.log_scrub``), since a bundle is given away: beside what looks like a secret or is known to
be one, the values of all queries of addresses, parts of addresses that look made up, keys in their usual shapes,
logins, e-mail addresses and the user's name go. Texts are scrubbed first and cut afterwards: half a secret looks like
none.
"""

from __future__ import annotations

import getpass
import platform
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from app.bundle_numbers import mask_numbers
from app.log_scrub import ADDRESS, MASK, known, scrub

#: Names under which nothing but a secret, an account or a person is kept.
_SECRET_NAME: Final = re.compile(
    r"passw|passphrase|passcode|kennwort|pwd|^pass$|^pw$|secret|token|credential|cookie|private|signature|bearer|webhook|otp$|^pin$"
    r"|^(?:x-)?auth$|authori[sz]ation|(?:api|access|auth|signing|encryption)[_ -]?key|session[_ -]?id",
    re.IGNORECASE,
)
_PERSONAL_NAME: Final = re.compile(
    r"^(?:login|account|account_?(?:name|number|id|login)|user_?(?:name|id)?|client_?id|owner|holder|e?mail"
    r"|phone|telephone|mobile|iban|investor)$",
    re.IGNORECASE,
)
#: The other half of {"name": "password", "value": "..."}.
_NAMING: Final = frozenset({"name", "key", "header", "field", "parameter", "option"})
_VALUED: Final = frozenset({"value", "content", "text", "data"})

_OPENS: Final = re.compile(r"(?=\D{0,256}\d)[\w~+/=-]{8,4096}")

#: Texts are scrubbed in pieces of whole lines of about so many characters: a pattern then costs little however odd the
#: text is, and holds the interpreter, which the window waits for, only shortly. No longer line is shown.
_PIECE: Final = 8_000
_LONGEST: Final = 20_000
_KEY_BEGINS: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_KEY_ENDS: Final = re.compile(r"-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----")
_BASE64: Final = re.compile(r"[ \t]*[A-Za-z0-9+/]+={0,2}[ \t\r]*")
_SHORTEST_KEY_LINE: Final = 60
_PATTERNS: Final = (
    # JSON Web Token (RFC 7519): three parts in base64url, the first one begins with '{"'.
    (re.compile(r"\beyJ[\w-]{6,}\.[\w-]{4,}(?:\.[\w-]*)?"), MASK),
    # Keys in the shapes that their givers document: OpenAI, GitHub, GitLab, Slack, AWS, Google, Stripe, Telegram.
    (
        re.compile(
            r"\b(?:sk-[\w-]{16,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}"
            r"|A[KS]IA[A-Z0-9]{16}|AIza[\w-]{30,}|[rsp]k_(?:live|test)_\w{16,})|(?<!\d)\d{6,12}:[\w-]{30,}"
        ),
        MASK,
    ),
    # pass: hunter2   mysql -phunter2   password "two words"   password is hunter2
    (re.compile(r"((?<![\w-])(?:pass|pw):\s{0,5})[^\s\"',;]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"((?<!\S)-p)(?!ort|ath|ython|rofile|id|age)(?=[^\s-]{0,64}?\d)[^\s-]\S{5,256}"), rf"\1{MASK}"),
    (
        re.compile(
            r"\b((?:pass(?:word|wd|phrase|wort)|pwd|secret|token|api[ _-]?key)\s+(?:(?:is|was)\s+)?)"
            r"(?:\"[^\"\n]*\"|'[^'\n]*')",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            r"\b((?:password|passphrase|pwd|secret|token|api[ _-]?key)\s+(?:is|was)\s+)"
            r"(?!(?:refused|wrong|expired|missing|invalid|empty|not|no|too|set|unset|required|in|kept|known|unknown"
            r"|accepted|rejected|read|stored|sent|asked|needed)\b)\S+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # Addresses: user and password, every value of the query.
    (re.compile(r"([?&;][\w.%\[\]-]{1,80}=)[^&\s\"'<>#;]*"), rf"\1{MASK}"),
    # Logins: login=5000001, account 5000001, account #5000001
    (
        re.compile(
            r"(\b(?:login|account|konto|(?:user|client|customer|account)[_ -]?(?:id|no|number))\b[\"']?"
            r"(?:\s*[=:#]\s*|\s+)(?:no\.?\s*|number\s+|#)?[\"']?)\d{3,}",
            re.I,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), MASK),
    # The name of the user in paths of the three systems, with either kind of slash and doubled ones.
    (
        re.compile(
            r"((?:[A-Za-z]:)?[\\/]{1,4}(?:Users|Documents and Settings)[\\/]{1,4})[^\\/\"'<>|:*?\n]{1,64}(?=[\\/])",
            re.I,
        ),
        rf"\1{MASK}",
    ),
    (
        re.compile(
            r"((?:[A-Za-z]:)?[\\/]{1,4}(?:Users|Documents and Settings)[\\/]{1,4})(?!\*\*\*)[^\\/\s\"'<>|:*?]{1,64}",
            re.I,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"(/home/)[^/\s\"'<>:]{1,64}"), rf"\1{MASK}"),
)
#: Parts of an address that nobody has named: keys of feeds and of web hooks.
_FRAGMENT: Final = re.compile(r"#.+")
_MADE_UP: Final = re.compile(r"(?<=/)(?=[\w~.+=-]*\d)(?=[\w~.+=-]*[A-Za-z])[\w~+=-]{20,}(?=[/?#]|$)")
#: Names of users that are words of everyday texts.
_EVERYDAY: Final = frozenset({"root", "user", "admin", "administrator", "home", "test", "guest", "public", "default"})


class Scrubber:
    """Makes texts and plain values fit to be given away.

    Args:
        home: The home folder of Metronome; its place on the disk becomes ``<home>``.
        personal: Further texts to mask: logins, names of accounts. Those below four characters are not looked for.
    """

    def __init__(self, home: Path, personal: Iterable[str] = ()) -> None:
        self._words = _words_of((*personal, *_people()))
        self._homes = _spellings(home, "<home>") + _spellings(_user_folder(), "~")

    def text(self, text: str, limit: int | None = None) -> str:
        """``text`` without what must not leave; cut to ``limit`` characters afterwards."""
        for value in known():
            for spelling in {value, quote(value, safe=""), quote(value)}:
                text = text.replace(spelling, MASK)
        text = "\n".join(self._piece(piece) for piece in _pieces(text))
        return text if limit is None or len(text) <= limit else text[: limit - 1] + "…"

    def _piece(self, text: str) -> str:
        for place, short in self._homes:
            text = text.replace(place, short)
        text = scrub(text)
        text = ADDRESS.sub(lambda found: _FRAGMENT.sub(rf"#{MASK}", _MADE_UP.sub(MASK, found[0])), text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        text = mask_numbers(text)
        return text if self._words is None else self._words.sub(MASK, text)

    def value(self, value: Any, limit: int | None = None) -> Any:
        """Plain JSON values with every text and name in them scrubbed; what a name gives away is masked whole."""
        if isinstance(value, str):
            return self.text(value, limit)
        if isinstance(value, Mapping):
            return self._mapping(value, limit)
        if isinstance(value, Sequence):
            return self._listed(value, limit)
        if value is None or isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return MASK if self._words is not None and self._words.fullmatch(str(value)) else value
        return self.text(str(value), limit)

    def _mapping(self, value: Mapping[Any, Any], limit: int | None) -> dict[str, Any]:
        named = any(isinstance(value.get(key), str) and gives_away(value[key]) for key in _NAMING)
        found: dict[str, Any] = {}
        for key, item in value.items():
            name = str(key)
            hidden = (
                (gives_away(name) or _is_key(name, item)) and not isinstance(item, bool) and item not in (None, "", 0)
            )
            if hidden and not isinstance(item, Mapping):
                found[self.text(name)] = MASK
            elif named and name.lower() in _VALUED:
                found[self.text(name)] = MASK
            else:
                found[self.text(name)] = self.value(item, limit)
        return found

    def _listed(self, value: Sequence[Any], limit: int | None) -> list[Any]:
        """In ["--password", "hunter2"] the first gives the second away."""
        found: list[Any] = []
        before = ""
        for item in value:
            told = before.startswith("-") and "=" not in before and bool(_SECRET_NAME.search(before))
            found.append(MASK if told and isinstance(item, str) else self.value(item, limit))
            before = item if isinstance(item, str) else ""
        return found


def _pieces(text: str) -> Iterator[str]:
    """Whole lines, some thousand characters at a time, without private keys and lines that are too long."""
    held: list[str] = []
    size = 0
    for line in _without_keys(text.split("\n")):
        held.append(line if len(line) <= _LONGEST else f"(a line of {len(line)} characters)")
        size += len(held[-1])
        if size >= _PIECE:
            yield "\n".join(held)
            held, size = [], 0
    if held:
        yield "\n".join(held)


def _without_keys(lines: Iterable[str]) -> Iterator[str]:
    """The lines; what lies between the marks of a private key is masked, also where one of the marks was cut off."""
    inside = False
    before: str | None = None  # a line of base64 is part of a key when the end of one follows
    for line in lines:
        ends = _KEY_ENDS.search(line)
        if before is not None:
            yield MASK if ends else before
            before = None
        begins = _KEY_BEGINS.search(line)
        if begins is not None:
            inside = _KEY_ENDS.search(line, begins.end()) is None
            yield line[: begins.start()] + MASK
        elif inside or ends is not None:
            inside = ends is None
            yield MASK
        elif _BASE64.fullmatch(line):
            if len(line.strip()) >= _SHORTEST_KEY_LINE:
                yield MASK
            else:
                before = line
        else:
            yield line
    if before is not None:
        yield before


def gives_away(name: str) -> bool:
    """Whether a value of that name is a secret or personal."""
    return bool(_SECRET_NAME.search(name) or _PERSONAL_NAME.match(name))


def _is_key(name: str, value: object) -> bool:
    """Whether a value that is only called a key is one that opens something, and not the name of a setting."""
    return name.lower() == "key" and isinstance(value, str) and bool(_OPENS.fullmatch(value))


def _people() -> tuple[str, ...]:
    """The user's name and that of the computer."""
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # no name in the environment and none in the user database
        user = ""
    return tuple(word for word in (user, _user_folder().name, platform.node()) if word.lower() not in _EVERYDAY)


def _user_folder() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # nobody knows
        return Path()


def _words_of(texts: Iterable[str]) -> re.Pattern[str] | None:
    wanted = sorted({text for text in texts if len(text) >= 4 and not text.isspace()}, key=len, reverse=True)
    if not wanted:
        return None
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, wanted))})(?!\w)", re.IGNORECASE)


def _spellings(folder: Path, short: str) -> tuple[tuple[str, str], ...]:
    """A folder as texts spell it: as it is, with slashes, and with backslashes doubled (repr, JSON)."""
    text = str(folder)
    if len(folder.parts) < 2:
        return ()
    return tuple((spelling, short) for spelling in dict.fromkeys((text.replace("\\", "\\\\"), text, folder.as_posix())))
