"""Months in the life of the tasks: how long they take and what they count, by hour and weekday, with all that varies.

The numbers follow what the tasks report on real homes: counts that breathe with the trading day, fall to almost nothing
at weekends and on holidays, burst now and then; durations with a heavy tail; a computer that is off at times.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.expectation import Ended

#: 2025 has Easter on 20 April; the summer time of the United States begins on 9 March, that of Europe on 30 March.
BEGIN = datetime(2025, 2, 3, tzinfo=UTC)
_NEW_YORK = ZoneInfo("America/New_York")


def quiet(at: datetime) -> bool:
    """Whether the currency market is closed: from Friday to Sunday 17:00 in New York, at Christmas and New Year."""
    there = at.astimezone(_NEW_YORK)
    day = (there + timedelta(hours=7)).date()  # a trading day begins at 17:00
    return day.weekday() >= 5 or (day.month, day.day) in {(12, 25), (1, 1)}


def pulse(at: datetime) -> float:
    """How busy a market day is at that hour, 0.25 to 1."""
    return 0.25 + 0.75 * max(0.0, math.sin(math.pi * ((at.hour + at.minute / 60) - 5) / 17)) ** 1.5


class Dice(random.Random):
    """Chance with the shapes that counts and durations have."""

    def some(self, mean: float, spread: float = 0.25) -> int:
        """A count around ``mean`` that varies by itself and by chance of few."""
        if mean <= 0:
            return 0
        mean *= math.exp(self.gauss(0, spread))
        return self.few(mean) if mean < 50 else max(0, round(self.gauss(mean, math.sqrt(mean))))

    def few(self, mean: float) -> int:
        """Poisson: product of uniform numbers (Knuth, The Art of Computer Programming, vol. 2, 3.4.1)."""
        limit, product, count = math.exp(-mean), self.random(), 0
        while product > limit:
            product *= self.random()
            count += 1
        return count

    def took(self, usual: float, spread: float = 0.3, tail: float = 0.01) -> float:
        """A duration: log-normal, and now and then several times longer."""
        long = self.paretovariate(1.8) if self.random() < tail else 1.0
        return usual * math.exp(self.gauss(0, spread)) * long


Make = Callable[[Dice, datetime], tuple[float, dict[str, Any], int]]


@dataclass(frozen=True)
class Kind:
    """One task: every how many minutes, at which minute of the day a daily one, and what a run of it brings."""

    task: str
    minutes: int
    make: Make
    offset: int = 0


def news(dice: Dice, at: datetime) -> tuple[float, dict[str, Any], int]:
    new = dice.some(4 if quiet(at) else 60 * pulse(at), 0.3)
    if dice.random() < 0.002:
        new *= 4  # a day of decisions
    return dice.took(4.0, 0.35, 0.03), {"articles": new, "feeds": 12, "failed": int(dice.random() < 0.1)}, 1


def quotes(dice: Dice, at: datetime) -> tuple[float, dict[str, Any], int]:
    stale = 23 if quiet(at) else dice.few(0.4)
    bars = 0 if quiet(at) else dice.some(28, 0.1)
    result = {"symbols": 23, "collected": 23, "fresh": 23 - min(stale, 23), "stale": stale, "bars_appended": bars}
    return dice.took(0.8), {**result, "bars_healed": dice.few(0.02)}, 23


def calendar(dice: Dice, at: datetime) -> tuple[float, dict[str, Any], int]:
    events = 94 + int(at.timestamp() // 604_800 * 37 % 19)
    return dice.took(0.8, 0.4, 0.03), {"events": events, "moved": dice.few(0.5), "new": dice.few(0.3)}, 1


def symbols(dice: Dice, _at: datetime) -> tuple[float, dict[str, Any], int]:
    changed = dice.some(40, 0.5) if dice.random() < 0.04 else dice.few(1.0)
    return dice.took(1.2), {"symbols": 1204 + dice.few(0.2), "changed": changed, "new": dice.few(0.1)}, 1


def health(dice: Dice, _at: datetime) -> tuple[float, dict[str, Any], int]:
    bad = dice.few(0.3)
    return dice.took(0.04, 0.4), {"ok": 14 - bad, "warnings": bad, "errors": 0, "checks": [{}] * 14}, 1


def evaluation(dice: Dice, at: datetime) -> tuple[float, dict[str, Any], int]:
    ideas = 0 if quiet(at) else dice.few(0.6 * pulse(at))
    return dice.took(30.0, 0.15), {"symbols": 8, "evaluated": 48, "ideas": ideas}, 1 + ideas


def trades(dice: Dice, at: datetime) -> tuple[float, dict[str, Any], int]:
    deals = 0 if quiet(at) else dice.few(3 * pulse(at)) * dice.choice((1, 1, 1, 6))
    return dice.took(0.3), {"deals": deals, "trades": deals, "login": 5000001}, int(deals > 0)


def logs(dice: Dice, at: datetime) -> tuple[float, dict[str, Any], int]:
    return dice.took(0.5), {"files": dice.few(2), "bytes": dice.some(9e6, 0.6)}, 0


def cache(dice: Dice, at: datetime) -> tuple[float, dict[str, Any], int]:
    return dice.took(0.7), {"files": dice.some(23 if not quiet(at) else 20, 0.05), "bytes": dice.some(4e7, 0.3)}, 0


def csv(dice: Dice, at: datetime) -> tuple[float, dict[str, Any], int]:
    rows = 4_000_000 + int((at - BEGIN).days * 30_000)
    return dice.took(rows / 3e5), {"files": 46, "rows": rows, "duplicates": dice.few(2)}, dice.few(3)


KINDS = (
    Kind("collect_rss_news", 10, news),
    Kind("collect_market_data", 5, quotes),
    Kind("update_economic_calendar", 60, calendar),
    Kind("update_symbol_info", 1440, symbols, 20),
    Kind("system_health_check", 30, health),
    Kind("evaluate_all_strategies", 15, evaluation),
    Kind("record_trades", 60, trades),
    Kind("cleanup_old_logs", 1440, logs, 120),
    Kind("cleanup_cache", 1440, cache, 180),
    Kind("optimize_csv_files", 10080, csv, 6 * 1440 + 300),
)


def runs(kind: Kind, dice: Dice, days: int, *, off: bool = False) -> Iterator[Ended]:
    """The runs of one task. With ``off`` the computer is off for some nights, and one run makes up for it."""
    at = BEGIN + timedelta(minutes=kind.offset)
    end = BEGIN + timedelta(days=days)
    asleep = False
    while at < end:
        night = off and at.toordinal() * 7919 % 5 == 0 and at.hour < 6
        if not night:
            seconds, result, files = kind.make(dice, at)
            if asleep:
                result = {name: value * 8 if isinstance(value, int) else value for name, value in result.items()}
                seconds *= 3
            asleep = False
            yield Ended(kind.task, {}, result, seconds, files, at + timedelta(seconds=2 + seconds))
        else:
            asleep = True
        at += timedelta(minutes=kind.minutes)
