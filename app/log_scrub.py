"""Secrets do not get into the log: what looks like one, and what is known to be one, becomes ``***``."""

from __future__ import annotations

import re
from typing import Final

MASK: Final = "***"

#: Most lines hold none of these; they are looked for first, since that costs a tenth of the patterns.
_WORDS: Final = (
    "passw",
    "passphrase",
    "pwd",
    "token",
    "secret",
    "key",
    "credential",
    "auth",
    "bearer",
    "basic",
    "cookie",
    "://",
    "sig=",
    "sid=",
    ":aa",
)

_VALUE: Final = r"""(?:"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|(?:(?:bearer|basic|digest)\s+)?[^\s,;&)\]}'"]+)"""
_PATTERNS: Final = (
    # Authorization: Basic abc   'Cookie': 'a=b'
    (re.compile(r"""((?:authorization|cookie)["']?\s*[:=]\s*["']?)[^\r\n"'}]+""", re.IGNORECASE), rf"\1{MASK}"),
    # password=abc   "api_key": "abc"   X-Api-Token: abc
    (
        re.compile(
            r"((?:passw(?:or)?[dt]|passphrase|pwd|token|secret|credentials?|(?:api|access|auth|private)[_-]?key)"
            rf"[\w-]{{0,20}}[\"']?\s*[=:]\s*){_VALUE}",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(r"\b(bearer\s+)[\w.~+/=-]{6,}", re.IGNORECASE), rf"\1{MASK}"),
    # Basic dXNlcjpwYXNz
    (re.compile(r"\b(basic\s+)(?=\S*[\d=])[\w+/-]{8,}={0,2}", re.IGNORECASE), rf"\1{MASK}"),
    # https://user:password@host
    (re.compile(r"""(\b[a-z][a-z0-9+.-]{0,20}://)[^/\s'"?#]{1,256}@""", re.IGNORECASE), rf"\1{MASK}@"),
    # 123456789:AA..., the token of a Telegram bot, which needs no word before it: core.telegram.org/bots/api
    (re.compile(r"(?<!\d)\d{6,12}:AA[\w-]{33}(?![\w-])"), MASK),
    # ?key=abc&sig=abc
    (re.compile(r"""([?&](?:key|auth|sig|signature|sid|session|code)=)[^&\s"'#]+""", re.IGNORECASE), rf"\1{MASK}"),
)

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
    return text
