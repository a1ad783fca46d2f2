"""Dates and clock times as calendars write them. Nothing here guesses: what is ambiguous is said to be so."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final

from workers.calendar.vocabulary import plain

#: Events outside of these years are typing errors.
FIRST_YEAR: Final = 1990
LAST_YEAR: Final = 2100

_MONTHS: Final = {
    name: number
    for number, names in enumerate(
        ("jan january", "feb february", "mar march", "apr april", "may", "jun june", "jul july", "aug august",
         "sep sept september", "oct october", "nov november", "dec december"), 1)
    for name in names.split()
}  # fmt: skip
_WEEKDAYS: Final = {name: number for number, name in enumerate(("mon", "tue", "wed", "thu", "fri", "sat", "sun"))}
_DAY_NAMES: Final = frozenset(
    (
        "mon monday tue tues tuesday wed weds wednesday thu thur thurs thursday fri friday sat saturday sun sunday"
    ).split()
)
_CLOCK: Final = re.compile(
    r"(?<![\d:])(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s*([ap]\.?\s?m\b\.?)?"
    r"\s*(Z\b|UTC|GMT|ET\b|EST\b|EDT\b)?\s*([+-]\d{2}:?\d{2}\b|[+-]\d{1,2}\b)?",
    re.IGNORECASE,
)
_SHORT_CLOCK: Final = re.compile(r"^(\d{1,2})\s*([ap])\.?m\.?$", re.IGNORECASE)
_ISO_DATE: Final = re.compile(r"\b(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?!\d)")
_COMPACT_DATE: Final = re.compile(r"^(\d{4})(\d{2})(\d{2})$")
_NUMERIC_DATE: Final = re.compile(r"\b(\d{1,2})[-/.](\d{1,2})[-/.](\d{4})\b")
_WORD: Final = re.compile(r"[A-Za-z]+")
_NUMBER: Final = re.compile(r"\d+")
_ALL_DAY: Final = re.compile(
    r"^(all\s?-?day|day \d+|holiday|24\s?h|\d{1,2}(st|nd|rd|th)\s?[-\u2013]\s?\d{1,2}(st|nd|rd|th))$", re.IGNORECASE
)
_TENTATIVE: Final = re.compile(
    r"^(tentative|tba|tbd|tbc|[a-z]{3,9}\.? (\d{1,2}(st|nd|rd|th)?|data))$", re.IGNORECASE
)  # a date in place of a time is the period that figures are for; the clock time is open
_ZONES: Final = {
    **dict.fromkeys(("z", "utc", "gmt"), timedelta(0)),
    "est": timedelta(hours=-5),
    "edt": timedelta(hours=-4),
}
_OPEN: Final = ("tentative", "tba", "tbd", "tbc")


class Kind(StrEnum):
    """What stands in place of a clock time."""

    ALL_DAY = "all_day"
    TENTATIVE = "tentative"


class TimeProblem(ValueError):
    """A date or time that cannot be used; the text says why, as part of a sentence."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A clock time, perhaps with its zone.

    Attributes:
        zone: As an offset from UTC, or by its name ``ET``; None: the text does not say.
    """

    time: time
    zone: tzinfo | None = None
    eastern: bool = False


@dataclass(frozen=True, slots=True)
class Numeric:
    """A date such as 03/04/2025, whose order another row or the user must tell."""

    first: int
    second: int
    year: int

    def read(self, order: str) -> date:
        """The date, month first or day first.

        Raises:
            TimeProblem: there is no such day.
        """
        month, day = (self.first, self.second) if order == "month_first" else (self.second, self.first)
        return _day(self.year, month, day)


@dataclass(frozen=True, slots=True)
class Yearless:
    """A date without a year; ``weekday`` is 0 (Monday) to 6, or None when none is given."""

    month: int
    day: int
    weekday: int | None


AnyDate = date | Numeric | Yearless


def split(text: str) -> tuple[str, str]:
    """The date and the clock time in one text; each empty when it is not there."""
    found = _CLOCK.search(text)
    if found is None:
        return text, ""
    before, after = text[: found.start()], text[found.end() :]
    rest = before if re.search(r"\d", before) else f"{before} {after}"
    rest = re.sub(r"(?<=\d)T\s*$", "", rest)
    return rest.strip(" ,;|-"), found[0].strip()


def read_clock(text: str) -> Clock | Kind | None:
    """A clock time, what stands in its place, or None for an empty text.

    Raises:
        TimeProblem: it is none of them.
    """
    text = plain(text, 60)
    if not text:
        return None
    if _ALL_DAY.match(text):
        return Kind.ALL_DAY
    found = _CLOCK.fullmatch(text)
    if found is None:
        short = _SHORT_CLOCK.match(text)
        if short is not None:
            return Clock(_time(int(short[1]), 0, 0, short[2]))
        if _TENTATIVE.match(text) and _WORD.findall(text)[0].lower() in (*_OPEN, *_MONTHS):
            return Kind.TENTATIVE
        raise TimeProblem(f"the time {text!r} is not understood")
    hour, minute, second, half, name, offset = found.groups()
    clock = _time(int(hour), int(minute), int(second or 0), (half or "")[:1])
    if name and name.lower() == "et":
        return Clock(clock, eastern=True)
    if offset and not name and len(offset) < 5:
        raise TimeProblem(f"the time {text!r} is not understood")
    zone = timezone(_ZONES[(name or "z").lower()] + _offset(offset)) if name or offset else None
    return Clock(clock, zone)


def _offset(text: str | None) -> timedelta:
    if not text:
        return timedelta(0)
    sign = -1 if text[0] == "-" else 1
    figures = text[1:].replace(":", "")
    hours, minutes = (int(figures[:2]), int(figures[2:])) if len(figures) == 4 else (int(figures), 0)
    if hours > 14 or minutes > 59:
        raise TimeProblem(f"there is no offset {text}")
    return sign * timedelta(hours=hours, minutes=minutes)


def _time(hour: int, minute: int, second: int, half: str) -> time:
    if half:
        if not 1 <= hour <= 12:
            raise TimeProblem(f"there is no time {hour}:{minute:02d} {half}m")
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    try:
        return time(hour, minute, second)
    except ValueError:
        raise TimeProblem(f"there is no time {hour}:{minute:02d}") from None


def read_date(text: str) -> AnyDate | None:
    """A date in any of the usual ways to write one; None for an empty text.

    Raises:
        TimeProblem: it is none, or it names a weekday that the date was not.
    """
    text = plain(text, 80)
    if not text:
        return None
    if found := _ISO_DATE.search(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _COMPACT_DATE.match(text):
        return _day(int(found[1]), int(found[2]), int(found[3]))
    if found := _NUMERIC_DATE.search(text):
        return Numeric(int(found[1]), int(found[2]), int(found[3]))
    return _named(text)


def is_day_words(text: str) -> bool:
    """Whether a text is made of nothing but names of days and months, figures and their endings."""
    words = [word.lower() for word in _WORD.findall(text)]
    named = [word for word in words if word not in ("st", "nd", "rd", "th", "of")]
    return bool(named) and all(word in _MONTHS or word in _DAY_NAMES for word in named)


def _named(text: str) -> AnyDate:
    """``Sunday, September 21, 2025``, ``21 Sep 2025``, ``Sun Aug 2``."""
    words = [word.lower() for word in _WORD.findall(text)]
    months = [_MONTHS[word] for word in words if word in _MONTHS]
    days = [_WEEKDAYS[word[:3]] for word in words if word[:3] in _WEEKDAYS and word not in _MONTHS]
    numbers = [int(number) for number in _NUMBER.findall(text)]
    years = [number for number in numbers if number >= 1000]
    rest = [number for number in numbers if number < 1000]
    if len(months) != 1 or len(rest) != 1 or len(years) > 1 or len(days) > 1:
        raise TimeProblem(f"the date {text!r} is not understood")
    weekday = days[0] if days else None
    if not years:
        _day(2000, months[0], rest[0])  # a leap year: any day that a month can have
        return Yearless(months[0], rest[0], weekday)
    found = _day(years[0], months[0], rest[0])
    if weekday is not None and found.weekday() != weekday:
        raise TimeProblem(f"{text!r} is a day that never was: {found} is a {found:%A}")
    return found


def _day(year: int, month: int, day: int) -> date:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise TimeProblem(f"the year {year} cannot be meant")
    try:
        return date(year, month, day)
    except ValueError:
        raise TimeProblem(f"there is no day {year}-{month:02d}-{day:02d}") from None


def read_epoch(value: object) -> datetime | None:
    """Seconds or milliseconds since 1970 as a time; None when it is neither."""
    if isinstance(value, str) and value.strip().isdigit() and len(value.strip()) in (10, 13):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    seconds = value / 1000 if value > 1e11 else value
    if not 631_152_000 <= seconds < 4_102_444_800:  # 1990 to 2100
        return None
    return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0)


def year_of(found: Yearless, known: int | None, now: datetime) -> date:
    """The date of a day without a year.

    Args:
        known: The year that the document or its other rows tell.
        now: Otherwise: the only year within two of the present in which the day was that weekday.

    Raises:
        TimeProblem: nothing tells the year.
    """
    years = [known] if known is not None else list(range(now.year - 2, now.year + 3))
    matching = []
    for year in years:
        try:
            day = _day(year, found.month, found.day)
        except TimeProblem:
            continue  # 29 February
        if found.weekday is None or day.weekday() == found.weekday:
            matching.append(day)
    if len(matching) == 1 and (known is not None or found.weekday is not None):
        return matching[0]
    raise TimeProblem("the date has no year, and nothing in the document tells it")


def date_order(found: list[Numeric]) -> tuple[str, str]:
    """Whether such dates are written month or day first, and how that is known; both empty when nobody can tell.

    A figure above 12 decides. Otherwise the order that puts the dates within a few weeks of one another wins if the
    other one scatters them over months.
    """
    month_first = any(date.second > 12 for date in found)
    day_first = any(date.first > 12 for date in found)
    if month_first != day_first:
        order = "month_first" if month_first else "day_first"
        words = "month" if month_first else "day"
        return order, f"dates are written {words} first: other figures are above 12"
    if month_first or not found:
        return "", ""
    spans = {}
    for order in ("month_first", "day_first"):
        days = [numeric.read(order) for numeric in found]
        spans[order] = (max(days) - min(days)).days
    near, far = sorted(spans, key=lambda order: spans[order])
    if spans[near] <= 45 and spans[far] > 3 * max(spans[near], 10):
        words = near.replace("_", " ")
        return near, f"dates are read {words}: they then lie within {spans[near]} days, otherwise within {spans[far]}"
    return "", ""
