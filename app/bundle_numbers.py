"""Numbers that may be an account, a bank account or a telephone: they are masked in what is given away.

Looks alone decide, so what a report of trouble needs must be known: named numbers (``ticket=123456``,
``"rows": 1234567``), numbers after or before a word that says what they count, dates, decimals, parts of names.
"""

from __future__ import annotations

import re
from typing import Final

from app.log_scrub import MASK

#: ISO 13616: country, two check digits, up to 30 letters and digits, often in groups of four.
_IBAN: Final = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_IBAN_DIGITS: Final = 10
#: ITU-T E.123: +49 171 1234567; and as people write them at home: 0171 1234567, (030) 2345 678, 555-123-4567.
_PHONES: Final = (
    re.compile(r"(?<![\w.,])\+\d[\d ()/-]{7,20}\d(?![\w.,:]?\d)"),
    re.compile(r"(?<![\w.,:/+(-])(?:\(0\d{1,5}\)|0\d{1,5})[ /-]\d{3,8}(?:[ -]\d{2,8}){0,3}(?![\w.,:]?\d)"),
    re.compile(r"(?<![\w.,:/+-])(?:\(\d{3}\) ?|\d{3}-)\d{3}-\d{4}(?![\w.,:-]?\d)"),
)
#: An account of MetaTrader has six to ten digits. One with a name and ``=`` or ``:`` before it is not of this shape.
_LOGIN: Final = re.compile(r"(?<![\w.,/+=-])#?(?<!\d)(\d{6,10})(?![\w/]|[.,:-]\d)")
_DATE: Final = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_NAMED: Final = re.compile(r"""[\w-]["'\\]{0,3}\s?[:=]\s?["'\\]{0,3}$""")
#: What says before a number that it is none of an account.
_BEFORE: Final = re.compile(
    r"\b(?:ticket|order|deal|position|magic|pid|process|thread|handle|build|version|line|row|rows|at|epoch|port|bytes"
    r"|size|free|used|read|wrote|written|took|elapsed|of|in|than|up to|least|most|volume|seed|count|total|run)"
    r"s?[\s(#:]{1,3}$",
    re.IGNORECASE,
)
#: What follows a number that counts or measures.
_AFTER: Final = re.compile(
    r"\s?(?:bytes?|[kKMGT]?i?B|rows?|bars?|ticks?|files?|lines?|runs?|events?|articles?|items?|values?|samples?|points?"
    r"|characters?|calls?|times|trades?|deals?|orders?|ms|us|µs|ns|s|seconds?|minutes?|hours?|days?|Hz|%)\b"
)
_LOOK: Final = 16


def mask_numbers(text: str) -> str:
    """``text`` without what looks like a login, an IBAN or a telephone number."""
    text = _IBAN.sub(_iban, text)
    for pattern in _PHONES:
        text = pattern.sub(MASK, text)
    return _LOGIN.sub(_login, text)


def _iban(found: re.Match[str]) -> str:
    return MASK if sum(one.isdigit() for one in found[0]) >= _IBAN_DIGITS else found[0]


def _login(found: re.Match[str]) -> str:
    begin, end = found.span()
    before = found.string[max(0, begin - _LOOK) : begin + (found[0][0] == "#")]
    harmless = (
        _DATE.fullmatch(found[1])
        or _NAMED.search(before)
        or _BEFORE.search(before)
        or _AFTER.match(found.string, end, end + _LOOK)
    )
    return found[0] if harmless else MASK
