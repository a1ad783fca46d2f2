"""Which of a broker's symbols may be the one that the user means: suffixes, prefixes and other names of one market.

Names are compared without regard to case and punctuation, but never changed: a broker's name is given back exactly
as the broker writes it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

#: Names by which brokers know the same market; collected from public symbol lists of brokers.
_SAME_MARKET: Final = (
    "XAUUSD GOLD GOLDUSD XAU",
    "XAGUSD SILVER SILVERUSD XAG",
    "XPTUSD PLATINUM",
    "XPDUSD PALLADIUM",
    "US30 DJ30 WS30 DJI30 DJIA DJI DOW30 DOW USA30 WALLSTREET30 DJIUSD US30USD",
    "US500 SPX500 SP500 SPX US500USD USA500 SPXUSD S&P500 SPX500USD",
    "USTEC NAS100 US100 NASDAQ100 NASDAQ NDX100 NDX USTECH USTECH100 USA100 NSXUSD NAS100USD US100USD",
    "US2000 RUSSELL2000 RUS2000 US2000USD",
    "GER40 DE40 DAX40 GER30 DE30 DAX30 DAX GDAXI GERMANY40 GRXEUR DE40EUR",
    "UK100 FTSE100 FTSE GB100 UKXGBP UK100GBP",
    "FRA40 FR40 CAC40 F40 FRXEUR",
    "EU50 EUSTX50 STOXX50 EUSTOXX50 ESTX50 STX50 EU50EUR ETXEUR",
    "ESP35 SPA35 ES35 IBEX35",
    "JP225 JPN225 JAP225 NIKKEI225 NIKKEI NI225 JPXJPY JP225USD",
    "AUS200 AU200 ASX200 AUXAUD",
    "HK50 HSI50 HKG50 HSI HANGSENG HKXHKD",
    "USOIL WTI XTIUSD USCRUDE CRUDEOIL CRUDE WTIUSD USOUSD WTICOUSD",
    "UKOIL BRENT XBRUSD BRENTUSD UKOUSD BCOUSD",
    "NATGAS NGAS XNGUSD",
    "BTCUSD BITCOIN XBTUSD",
    "ETHUSD ETHEREUM",
)
_WORDS: Final = frozenset(
    "pro ecn raw std mini micro cash stp vip prime zero spot cent nano plus crypto sb fx live stand var c m i x r z"
    "".split()
)
_SEPARATORS: Final = "._-#+!:/@$^~*&' "
_LONGEST_EXTRA: Final = 8
_MOST: Final = 5
_PLAIN: Final = re.compile(r"[^0-9a-z]+")


class _Likeness(NamedTuple):
    """How far a name is from the wanted one: smaller is nearer."""

    other_name: int
    kind: int
    extra: int


def suggestions(wanted: str, symbols: Mapping[str, Mapping[str, Any]] | Iterable[str]) -> tuple[str, ...]:
    """Up to five names that may be the market ``wanted``, the likeliest first; empty when none is.

    Args:
        wanted: The name that the user knows (``EURUSD``, ``XAUUSD``, ``US30``).
        symbols: The broker's names; as a mapping, to fields of their specification: symbols that cannot be traded
            come last, those of the Market Watch first.
    """
    fields = symbols if isinstance(symbols, Mapping) else {name: {} for name in symbols}
    found = []
    for name, known in fields.items():
        if name == wanted:
            continue
        likeness = _likeness(wanted, name)
        if likeness is not None:
            closed = known.get("trade_mode", 4) == 0
            found.append((closed, likeness, not known.get("select", True), len(name), name))
    return tuple(item[-1] for item in sorted(found)[:_MOST])


def _likeness(wanted: str, name: str) -> _Likeness | None:
    """How like the name is; None when it is another market."""
    best: _Likeness | None = None
    for number, alias in enumerate(_names_of(wanted)):
        found = _as_variant(alias, name)
        if found is not None:
            candidate = _Likeness(min(number, 1), *found)
            best = candidate if best is None else min(best, candidate)
    return best


def _as_variant(alias: str, name: str) -> tuple[int, int] | None:
    """Kind (0 case, 1 punctuation, 2 suffix, 3 prefix, 4 both) and length of what is added; None when it is none."""
    folded = name.casefold()
    if folded == alias:
        return 0, 0
    if _PLAIN.sub("", folded) == _PLAIN.sub("", alias):
        return 1, len(name)
    at = folded.find(alias)
    if at < 0 and len(alias) == 6 and alias.isalpha():
        # A pair with something between its currencies, and a suffix: EUR/USD.m
        at, alias = _split_pair(alias, folded)
    if at < 0:
        return None
    prefix, suffix = name[:at], name[at + len(alias) :]
    if not _may_be_prefix(prefix) or not _may_be_suffix(suffix, alias):
        return None
    return (2 if not prefix else 3 if not suffix else 4), len(prefix) + len(suffix)


def _split_pair(alias: str, folded: str) -> tuple[int, str]:
    for separator in "/._-":
        parted = f"{alias[:3]}{separator}{alias[3:]}"
        at = folded.find(parted)
        if at >= 0:
            return at, parted
    return -1, alias


def _may_be_prefix(prefix: str) -> bool:
    """Nothing, one small letter, or a few characters set off by punctuation: ``m``, ``#``, ``FX:``."""
    if not prefix:
        return True
    if len(prefix) > _LONGEST_EXTRA:
        return False
    return prefix[-1] in _SEPARATORS or (len(prefix) == 1 and prefix.islower())


def _may_be_suffix(suffix: str, alias: str) -> bool:
    """Nothing, something set off by punctuation, small letters, or a word that brokers use."""
    if not suffix:
        return True
    if len(suffix) > _LONGEST_EXTRA:
        return False
    if suffix[0] in _SEPARATORS:
        return True
    folded = suffix.casefold()
    core = folded.rstrip(_SEPARATORS)
    if core in ("t", "c") and alias.endswith("usd") and suffix.isupper():
        return False  # BTCUSDT and BTCUSDC are priced in tethers and dollar coins
    if core in _WORDS:
        return True
    return suffix[0].isalpha() and suffix.rstrip(_SEPARATORS).islower() and len(core) <= 6


@lru_cache(maxsize=1024)
def _names_of(wanted: str) -> tuple[str, ...]:
    """The wanted name and the others of its market, folded; the wanted one first."""
    folded = wanted.casefold()
    for line in _SAME_MARKET:
        names = line.casefold().split()
        if folded in names:
            return (folded, *(name for name in names if name != folded))
    return (folded,)
