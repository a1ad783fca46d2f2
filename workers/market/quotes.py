"""A quote with its age and its quality: what may be trusted as the present price, and what may not."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from app.runs import iso
from app.terminal.values import DayFigures, Snapshot

#: A tick this far ahead of our clock means that one of the two clocks is wrong.
_AHEAD_S: Final = 60.0


class Quality(StrEnum):
    """Whether a quote is the present price; anything but fresh is kept as a record only."""

    FRESH = "fresh"
    STALE = "stale"  # older than the limit: the market is closed, or the feed stands still
    ZERO = "zero"  # no bid or no ask
    CROSSED = "crossed"  # bid above ask
    AHEAD = "ahead"  # from the future: the server's or the computer's clock is wrong


@dataclass(frozen=True, slots=True)
class Quote:
    """A tick with what follows from it.

    Attributes:
        time: Of the tick; None when the terminal has had none yet.
        age_s: Seconds from the tick to ``taken``; negative when the tick is ahead of our clock, None without a tick.
        spread: Ask less bid, in price; None for a quote without both.
        spread_points: The same in points of the symbol.
        day: The trading day so far, as the terminal tells it.
        day_ticks: Number of its quotes, where the broker tells no volume.
        clock_known: Whether anything speaks for the server's clock; else ``time`` and ``age_s`` may be hours off.
    """

    symbol: str
    taken: datetime
    time: datetime | None
    age_s: float | None
    bid: float
    ask: float
    spread: float | None
    spread_points: float | None
    volume: float
    quality: Quality
    day: DayFigures
    day_ticks: int | None = None
    clock_known: bool = True

    @property
    def fresh(self) -> bool:
        """Whether this is the present price."""
        return self.quality is Quality.FRESH and self.clock_known

    def as_entry(self) -> dict[str, Any]:
        """The quote as it is stored."""
        entry = {
            "time": iso(self.taken),
            "tick_time": iso(self.time),
            "age_s": None if self.age_s is None else round(self.age_s, 3),
            "bid": self.bid,
            "ask": self.ask,
            "spread": self.spread,
            "spread_points": self.spread_points,
            "volume": self.volume,
            "day_high": self.day.high,
            "day_low": self.day.low,
            "day_volume": self.day.volume,
            "day_ticks": self.day_ticks,
            "day_change_percent": self.day.change_percent,
            "fresh": self.fresh,
            "quality": self.quality.value,
        }
        return entry if self.clock_known else entry | {"clock": "assumed"}


def quote_of(symbol: str, found: Snapshot, now: datetime, max_age_s: float, day_ticks: int | None = None) -> Quote:
    """Judge a tick.

    Args:
        symbol: The user's name.
        found: As the terminal gave it, its time in UTC.
        now: The time of the collection.
        max_age_s: A tick older than this is stale.
        day_ticks: Quotes of the day so far.
    """
    tick, info = found.tick, found.info
    if tick is None:
        nothing = (None, None, 0.0, 0.0, None, None, 0.0)
        return Quote(symbol, now, *nothing, Quality.ZERO, _finite(found.day), day_ticks)
    age = (now - tick.time).total_seconds()
    both = _is_price(tick.bid) and _is_price(tick.ask)
    spread = round(tick.ask - tick.bid, info.digits + 1) if both else None
    points = round(spread / info.point, 1) if spread is not None and info.point > 0 else None
    if not both:
        quality = Quality.ZERO
    elif tick.bid > tick.ask:
        quality = Quality.CROSSED
    elif age > max_age_s:
        quality = Quality.STALE
    elif age < -_AHEAD_S:
        quality = Quality.AHEAD
    else:
        quality = Quality.FRESH
    # JSON has no NaN: a price that is none is stored as 0, marked by the quality.
    bid, ask = (price if math.isfinite(price) else 0.0 for price in (tick.bid, tick.ask))
    return Quote(
        symbol,
        now,
        tick.time,
        age,
        bid,
        ask,
        spread,
        points,
        float(tick.volume),
        quality,
        _finite(found.day),
        day_ticks,
    )


def _finite(day: DayFigures) -> DayFigures:
    """The figures without those that are no numbers: JSON has no NaN."""
    values = {name: value for name in day.__slots__ if (value := getattr(day, name)) is None or math.isfinite(value)}
    return DayFigures(**values)


def _is_price(value: float) -> bool:
    return math.isfinite(value) and value > 0
