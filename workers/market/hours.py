"""Whether a symbol's market is open: what tells a quiet market from a feed that stands still.

The terminal does not tell sessions, so they are those of the kind of market (``app.terminal.simulated.hours``, with
holidays): currencies from Sunday to Friday 17:00 New York time, metals and indices with their daily breaks, crypto
currencies always. Of other symbols nothing is claimed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from app.terminal.server_time import ServerTimeRule
from app.terminal.simulated.hours import ALWAYS, EU_INDEX, FOREX, METALS, US_INDEX, Hours, is_open
from app.terminal.symbol_likeness import suggestions
from workers.market.quotes import Quality, Quote
from workers.market.server_clock import is_currency_pair
from workers.wording import count, seconds

_MARKETS: Final[tuple[tuple[Hours, tuple[str, ...]], ...]] = (
    (METALS, ("XAUUSD", "XAGUSD")),
    (ALWAYS, ("BTCUSD", "ETHUSD")),
    (US_INDEX, ("US30", "US500", "USTEC")),
    (EU_INDEX, ("GER40",)),
)
#: After an opening the first quotes may take so long; sessions are looked at in steps.
_SLOW_S, _STEP_S = 600.0, 300
_NAMED: Final = 5
ADVICE: Final = (
    "The feed stands still, or this computer's clock or the server's is not what it seems. Look whether quotes move in "
    "the terminal, then at its connection, this computer's clock and terminal.server_time."
)


def market_open(symbol: str, now: datetime, quiet_s: float) -> bool | None:
    """Whether the symbol should have been quoted within the last ``quiet_s`` seconds.

    Returns:
        False when its market is closed, or opened only just now; None when its hours are not known.
    """
    hours = hours_of(symbol)
    if hours is None:
        return None
    clock = ServerTimeRule(hours.clock)
    steps = range(0, int(quiet_s + _SLOW_S) + _STEP_S, _STEP_S)
    return all(is_open(int(clock.to_server(now - timedelta(seconds=step))), hours) for step in steps)


def standing_still(quotes: Sequence[Quote], quiet_s: float) -> list[Quote]:
    """The quotes that are older than ``quiet_s`` seconds although their markets are open."""
    return [
        quote
        for quote in quotes
        if quote.quality is Quality.STALE and quote.clock_known and market_open(quote.symbol, quote.taken, quiet_s)
    ]


def told_still(quotes: Sequence[Quote]) -> str:
    """In a sentence, with what to do."""
    names = ", ".join(quote.symbol for quote in quotes[:_NAMED])
    more = f" and {count(len(quotes) - _NAMED, 'other')}" if len(quotes) > _NAMED else ""
    age = seconds(min(quote.age_s for quote in quotes if quote.age_s is not None))
    if len(quotes) == 1:
        return f"The quote of {names} is {age} old although its market is open. {ADVICE}"
    return f"The quotes of {names}{more} are at least {age} old although their markets are open. {ADVICE}"


@lru_cache(maxsize=4096)
def hours_of(symbol: str) -> Hours | None:
    """The hours of the symbol's kind of market; None when its kind is not known."""
    for hours, names in _MARKETS:
        if any(symbol == name or suggestions(name, (symbol,)) for name in names):
            return hours
    return FOREX if is_currency_pair(symbol) else None
