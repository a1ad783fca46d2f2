"""Symbol and timeframe out of a file's name."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from app.terminal.timeframes import TIMEFRAMES

_FRAME: Final = re.compile(r"(?:M(?:1|2|3|4|5|6|10|12|15|20|30)|H(?:1|2|3|4|6|8|12)|D1|W1|MN1)", re.IGNORECASE)
#: The words of MetaTrader's export and of other writers.
_WORDS: Final = {"daily": "D1", "weekly": "W1", "monthly": "MN1", "hourly": "H1", "hour": "H1", "minute": "M1"}
#: Parts of a name that are no symbol.
_NOISE: Final = re.compile(
    r"(?i)(?:DAT|ASCII|HISTDATA|COM|MT|NT|XLSX|CSV|BID|ASK|QUOTE|TRADE|TICKS?|BARS?|RATES|DATA|EXPORT|TRUEFX|FULLYEAR|"
    r"COPYRATES|IDX|TAB|HISTORY|\d{4}(?:H\d|Q\d)?|\d{6,14}|\d+K|\d{1,3})$"
)
#: ``XAUUSDh1`` and ``EURUSD_M12018`` have no separator between symbol, timeframe and year.
_GLUED: Final = re.compile(r"(?P<symbol>[A-Za-z]{6})(?P<frame>[mhdw]\d{1,2}|M1(?=\d{4}$))(?:\d{4})?$", re.IGNORECASE)
#: MetaTrader names its exports ``SYMBOL_PERIOD_from_to``; the symbol may hold underscores and blanks itself.
_EXPORT: Final = re.compile(
    rf"(?P<symbol>.+?)[_ ](?P<frame>{_FRAME.pattern}|Daily|Weekly|Monthly)(?:[_ ].*)?$", re.IGNORECASE
)
_SUFFIXED: Final = re.compile(r"[A-Za-z]{6}[._\-]?[A-Za-z]{0,6}")
#: ``EURUSD_ticks``: what the file holds stands where a broker's suffix may stand too.
_WITH_CONTENT: Final = re.compile(
    r"(?P<symbol>[A-Za-z]{6}[A-Za-z0-9.]*)[_\- ](?:ticks?|bars?|rates|quotes?|data|history)", re.IGNORECASE
)
_CURRENCIES: Final = frozenset(
    "AUD BRL CAD CHF CNH CNY CZK DKK EUR GBP HKD HUF ILS INR JPY KRW MXN NOK NZD PLN RUB SEK SGD THB TRY TWD USD ZAR "
    "XAU XAG XPT XPD BTC ETH LTC XRP SPX NSX WTI BCO UDX".split()
)


@dataclass(frozen=True, slots=True)
class Named:
    """What a name says; empty where it says nothing.

    Attributes:
        note: How the symbol was told, when that is not plain.
    """

    symbol: str = ""
    timeframe: str = ""
    note: str = ""


def named(name: str) -> Named:
    """Read a file's name, such as ``EURUSD.r_M5_202501020000_202512310000.csv``."""
    stem = re.sub(r"(?i)\.(csv|txt|tsv|prn|gz|zip)$", "", re.sub(r"(?i)\.(gz|zip)$", "", name))
    export = _EXPORT.fullmatch(stem)
    if export and not any(_NOISE.match(part) for part in re.split(r"[_ ]", export["symbol"])[:1]):
        frame = export["frame"]
        return _with_case(export["symbol"], _WORDS.get(frame.lower(), frame.upper()))
    told = _WITH_CONTENT.fullmatch(stem)
    if told and _is_pair(told["symbol"]):
        found = _with_case(told["symbol"], "")
        note = f"The name has {stem}; taken as {found.symbol} (--symbol chooses another one)."
        return Named(found.symbol, "", note)
    if _SUFFIXED.fullmatch(stem) and _is_pair(stem) and not _GLUED.fullmatch(stem):
        return _with_case(stem, "")
    frame, symbol, last = "", "", ""
    for part in re.split(r"[\s_\-]+", stem):
        glued = _GLUED.fullmatch(part)
        if glued and not symbol and _is_pair(glued["symbol"]):
            symbol, frame = glued["symbol"], frame or glued["frame"].upper()
        elif _FRAME.fullmatch(part) or part.lower() in _WORDS:
            frame = frame or _WORDS.get(part.lower(), part.upper())
        elif re.fullmatch(r"(?i)M1\d{4}", part):
            frame = frame or "M1"
        elif part and not _NOISE.match(part):
            last = last or part
            if not symbol and _is_pair(part):
                symbol = part
    return _with_case(symbol or last, frame if frame in TIMEFRAMES else "")


def _with_case(symbol: str, frame: str) -> Named:
    """Names of symbols keep their case, but a pair all in small letters is no broker's spelling."""
    if symbol.islower() and _is_pair(symbol):
        upper = symbol.upper()
        return Named(upper, frame, f"The name has {symbol}; taken as {upper} (--symbol chooses another one).")
    return Named(symbol, frame)


def _is_pair(text: str) -> bool:
    """Whether a text begins with two currencies: ``EURUSD``, ``eurusd``, ``XAUUSD.r``."""
    head = text[:6].upper()
    return head[:3] in _CURRENCIES and head[3:] in _CURRENCIES
