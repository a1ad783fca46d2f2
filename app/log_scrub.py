"""Secrets do not get into the log: what looks like one, and what is known to be one, becomes ``***``."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "***"

#: Most lines hold none of these; they are looked for first, since that costs a tenth of the patterns.
_WORDS: Final = (
    "pass",
    "pw",
    "kennwort",
    "token",
    "secret",
    "key",
    "credential",
    "auth",
    "bearer",
    "basic",
    "cookie",
    "hook",
    "://",
    "sig=",
    "sid=",
    ":aa",
)

#: What a value after one of these is. Every repetition here and below is bounded or cannot be split in two ways, so
#: that a text takes time in proportion to its length, whatever it holds.
_NAMES: Final = (
    r"passw(?:or)?[dt]|passphrase|kennwort|pwd|token|secret|credentials?|(?:api|access|auth|private|signing)[ _-]?key"
)
#: A quote, as it is or within a text of JSON.
_QUOTE: Final = r"\\{0,3}[\"']"
_IS: Final = r"\s{0,20}(?:=>|:=|[=:])\s{0,20}"
_VALUE: Final = (
    r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|\\{1,3}"[^"\\\n]*\\{0,3}"?|\\{1,3}'[^'\\\n]*\\{0,3}'?"""
    r"""|(?:(?:bearer|basic|digest)\s+)?[^\s,;&)\]}'"]+)"""
)
#: A word with a digit in it, which is hardly one of a sentence; no date.
_MADE_UP: Final = r"(?!\d{4}-\d\d)(?=[\w.~+/!$%&#@^*-]{0,64}?\d)[\w.~+/!$%&#@^*-]"
_PATTERNS: Final = (
    # Authorization: Basic abc   'Cookie': 'a=b'
    (re.compile(r"""((?:authorization|cookie)["']?\s*[:=]\s*["']?)[^\r\n"'}]+""", re.IGNORECASE), rf"\1{MASK}"),
    # password=abc   "api_key": "abc"   X-Api-Token: abc   'password' => 'abc'
    (re.compile(rf"((?:{_NAMES})[\w-]{{0,20}}(?:{_QUOTE})?{_IS}){_VALUE}", re.IGNORECASE), rf"\1{MASK}"),
    # "pass": "abc"   pw=abc   X-Auth: abc   "auth": "abc"
    (
        re.compile(
            rf"({_QUOTE}(?:pass|pw|passcode|auth){_QUOTE}{_IS}|(?<![\w-])(?:pass|pw)\s{{0,5}}=>?\s{{0,5}}"
            rf"|(?<![\w-])x-[\w-]{{0,30}}auth[\w-]{{0,30}}(?:{_QUOTE})?{_IS}){_VALUE}",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # "key": "abc123def"   key=abc123def: the name alone says little, so the value must look made up
    (
        re.compile(rf"((?<!\w)key(?:{_QUOTE})?{_IS}(?:{_QUOTE})?)(?![\w-]*\.){_MADE_UP}{{8,256}}", re.IGNORECASE),
        rf"\1{MASK}",
    ),
    # token abc123   the password is abc123
    (
        re.compile(
            rf"(?<!\w)((?:{_NAMES})\s{{1,5}}(?:(?:is|was|ist|war|lautet)\s{{1,5}})?){_MADE_UP}{{6,256}}", re.IGNORECASE
        ),
        rf"\1{MASK}",
    ),
    # <password>abc</password>
    (
        re.compile(
            rf"(<(?:[\w.-]{{0,30}}[:_-])?(?:{_NAMES}|pass|pw)[\w-]{{0,20}}(?:\s[^<>]{{0,200}})?>)[^<]{{1,1000}}(?=<)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # --password abc   --pass "two words"   -token=abc
    (
        re.compile(
            r"((?<![\w-])--?[\w-]{0,30}(?:passw\w{0,10}|pass|pw|pwd|token|secret|key)(?:\s{1,5}|=))"
            r"(?!-)(?:\"[^\"\n]*\"|'[^'\n]*'|\S+)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(bearer\s+)[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1{MASK}"),
    # Basic dXNlcjpwYXNz
    (re.compile(r"\b(basic\s+)(?=\S*[\d=])[\w+/-]{8,}={0,2}", re.IGNORECASE), rf"\1{MASK}"),
    # https://user:password@host
    (re.compile(r"""(\b[a-z][a-z0-9+.-]{0,20}://)[^/\s'"?#]{1,256}@""", re.IGNORECASE), rf"\1{MASK}@"),
    # hooks.slack.com/services/...: who has the address may write there
    (re.compile(r"""((?<![\w-])(?:web)?hooks?\.[\w.-]{1,100}/)[^\s"'<>]+""", re.IGNORECASE), rf"\1{MASK}"),
    # 123456789:AA..., the token of a Telegram bot, which needs no word before it: core.telegram.org/bots/api
    (re.compile(r"(?<!\d)\d{6,12}:AA[\w-]{33}(?![\w-])"), MASK),
    # ?key=abc&sig=abc
    (re.compile(r"""([?&](?:key|auth|sig|signature|sid|session|code)=)[^&\s"'#]+""", re.IGNORECASE), rf"\1{MASK}"),
)

#: https://discord.com/api/webhooks/...: looked for in addresses only, since files lie in folders of that name, too.
ADDRESS: Final = re.compile(r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'<>]{1,4000}", re.IGNORECASE)
_HOOK: Final = re.compile(r"(/(?:web)?hooks?/).+", re.IGNORECASE)

_known: frozenset[str] = frozenset()


def hide(value: str) -> None:
    """Remember ``value`` as a secret: no later line shows it. Values under six characters would blank innocent text."""
    global _known
    if len(value) >= 6:
        _known = _known | {value}


def known() -> frozenset[str]:
    """The values that ``hide`` was told."""
    return _known


def scrub(text: str) -> str:
    """``text`` with every secret in it replaced by ``***``. Text may have many lines (a traceback)."""
    for value in _known:
        if value in text:
            text = text.replace(value, MASK)
    low = text.lower()
    if any(word in low for word in _WORDS):
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
    if "hook" in low:
        text = ADDRESS.sub(lambda found: _HOOK.sub(rf"\1{MASK}", found[0]), text)
    return text
