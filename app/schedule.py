"""When a task is due: schedules as text, and the exact instants they mean on every day of the year.

A schedule is a frozen value made from one line of text and a time zone::

    manual                  never by itself
    every 30 s              also min, h, d; due on whole multiples since 1970-01-01 00:00 UTC
    daily 02:00             once each day at that local time
    weekly sun 05:00        once each week
    */15 * * * *            cron: minute hour day-of-month month day-of-week (0 and 7 are Sunday)

On days when the clock changes, a due time of the local clock happens exactly once: a time that does not exist
is taken as much later as the clock went forward, and of a time that happens twice the first counts. Schedules
that name every hour (``*`` in the hour field) follow elapsed time instead, so they run in both of the two hours.
Where both the day of the month and the day of the week are restricted, either may match, as in Vixie cron.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from app.clock import require_aware
from app.errors import UserAction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {"s": 1, "sec": 1, "min": 60, "m": 60, "h": 3600, "d": 86400}
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_EVERY = re.compile(r"every\s+(\d{1,7})\s*(s|sec|min|m|h|d)", re.IGNORECASE)
_DAILY = re.compile(r"daily\s+(\d{1,2}):(\d{2})", re.IGNORECASE)
_WEEKLY = re.compile(r"weekly\s+([a-z]{3})[a-z]*\s+(\d{1,2}):(\d{2})", re.IGNORECASE)
_FORMS = 'Write "every 5 min", "daily 02:00", "weekly sun 05:00", a cron line such as "*/15 * * * *", or "manual".'
#: No calendar rule of five fields leaves a gap longer than this (29 February, skipped in 2100).
_HORIZON_DAYS = 8 * 366 + 1
#: A leap day can be eight years away; a search backwards looks in windows that grow up to this.
_WINDOWS = (timedelta(hours=2), timedelta(days=2), timedelta(days=8), timedelta(days=40), timedelta(days=400))


class ScheduleError(UserAction):
    """A schedule or a time zone that cannot be understood."""


@dataclass(frozen=True, slots=True)
class _Calendar:
    """The local minutes at which something is due: the meaning of cron, daily and weekly alike."""

    minutes: tuple[int, ...]
    hours: tuple[int, ...]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]  # Monday is 0
    either_day: bool  # day of month or day of week, when both are restricted

    def matches(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        by_month, by_week = day.day in self.days, day.weekday() in self.weekdays
        return (by_month or by_week) if self.either_day else (by_month and by_week)


@dataclass(frozen=True, slots=True)
class Schedule:
    """A parsed schedule. Make one with ``parse``.

    Attributes:
        text: As written.
        zone: IANA name of the time zone in which local times are meant.
        interval_s: Seconds between due times, for ``every``; 0 for all others.
    """

    text: str
    zone: str = "UTC"
    interval_s: int = 0
    calendar: _Calendar | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, text: str, zone: str = "UTC") -> Schedule:
        """Understand ``text``.

        Raises:
            ScheduleError: the text or the zone means nothing; the advice shows the forms.
        """
        return _parse(" ".join(text.split()), zone)

    @property
    def is_manual(self) -> bool:
        """Whether the task only runs when somebody asks."""
        return not self.interval_s and self.calendar is None

    def next_after(self, moment: datetime) -> datetime | None:
        """The first due time strictly after ``moment``, in UTC; None when there is none."""
        moment = require_aware(moment)
        if self.interval_s:
            elapsed = (moment - _EPOCH) // timedelta(seconds=1)
            return _EPOCH + timedelta(seconds=(elapsed // self.interval_s + 1) * self.interval_s)
        if self.calendar is None:
            return None
        zone = _zone(self.zone)
        if len(self.calendar.hours) == 24:
            return _next_elapsed(self.calendar, zone, moment)
        return _next_local(self.calendar, zone, moment)

    def upcoming(self, moment: datetime, count: int = 5) -> tuple[datetime, ...]:
        """The next ``count`` due times after ``moment``."""
        found: list[datetime] = []
        for due in self._after(moment):
            found.append(due)
            if len(found) == count:
                break
        return tuple(found)

    def latest_until(self, moment: datetime) -> datetime | None:
        """The last due time at or before ``moment``; None when there was none in the last 400 days."""
        moment = require_aware(moment)
        if self.interval_s:
            elapsed = (moment - _EPOCH) // timedelta(seconds=1)
            return _EPOCH + timedelta(seconds=elapsed // self.interval_s * self.interval_s)
        for window in _WINDOWS:
            latest = None
            for due in self._after(moment - window):
                if due > moment:
                    break
                latest = due
            if latest is not None:
                return latest
        return None

    def count_between(self, since: datetime, until: datetime, limit: int = 20_000) -> int:
        """How many due times lie in ``(since, until]``; counting calendar rules stops at ``limit``."""
        since, until = require_aware(since), require_aware(until)
        if until <= since:
            return 0
        if self.interval_s:
            step = timedelta(seconds=self.interval_s)
            return (until - _EPOCH) // step - (since - _EPOCH) // step
        count = 0
        for due in self._after(since):
            if due > until or count == limit:
                break
            count += 1
        return count

    def period_s(self, around: datetime) -> float:
        """Seconds between the two due times after ``around``; 0 for manual."""
        two = self.upcoming(around, 2)
        return (two[1] - two[0]).total_seconds() if len(two) == 2 else 0.0

    def describe(self) -> str:
        """The schedule in words, for example ``every 15 min`` or ``daily 02:00``."""
        if self.is_manual:
            return "manual"
        if self.interval_s:
            return _describe_interval(self.interval_s)
        return _describe_calendar(self)

    def _after(self, moment: datetime) -> Iterator[datetime]:
        due = self.next_after(moment)
        while due is not None:
            yield due
            due = self.next_after(due)


def known_zones() -> list[str]:
    """The names that may be used as time zone of a task, sorted."""
    from zoneinfo import available_timezones

    return sorted(available_timezones())


@lru_cache(maxsize=512)
def _parse(text: str, zone: str) -> Schedule:
    _zone(zone)
    if text.lower() in ("manual", "never"):
        return Schedule("manual", zone)
    if found := _EVERY.fullmatch(text):
        seconds = int(found[1]) * _UNITS[found[2].lower()]
        if not 1 <= seconds <= 366 * 86400:
            raise ScheduleError(f"The interval {text!r} is not between 1 s and 366 days.", advice=_FORMS)
        return Schedule(text, zone, interval_s=seconds)
    if found := _DAILY.fullmatch(text):
        return Schedule(text, zone, calendar=_at(found[1], found[2], frozenset(range(7)), text))
    if found := _WEEKLY.fullmatch(text):
        day = found[1].lower()
        if day not in _DAYS:
            raise ScheduleError(f"{found[1]!r} in {text!r} is no day of the week.", advice=f"Use {', '.join(_DAYS)}.")
        return Schedule(text, zone, calendar=_at(found[2], found[3], frozenset({_DAYS.index(day)}), text))
    return Schedule(text, zone, calendar=_cron(text))


@lru_cache(maxsize=128)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ScheduleError(
            f"There is no time zone named {name!r}.", advice='Use an IANA name such as "Europe/Berlin" or "UTC".'
        ) from None


def _at(hour: str, minute: str, weekdays: frozenset[int], text: str) -> _Calendar:
    if int(hour) > 23 or int(minute) > 59:
        raise ScheduleError(f"{hour}:{minute} in {text!r} is no time of day.", advice="Use 00:00 to 23:59.")
    return _Calendar(
        (int(minute),), (int(hour),), frozenset(range(1, 32)), frozenset(range(1, 13)), weekdays, either_day=False
    )


def _cron(text: str) -> _Calendar:
    fields = text.split(" ")
    if len(fields) != 5:
        raise ScheduleError(f"The schedule {text!r} cannot be understood.", advice=_FORMS)
    minutes = _values(fields[0], 0, 59, (), text)
    hours = _values(fields[1], 0, 23, (), text)
    days = _values(fields[2], 1, 31, (), text)
    months = _values(fields[3], 1, 12, _MONTHS, text)
    # In cron Sunday is 0 or 7; Python's Monday is 0.
    weekdays = frozenset((day - 1) % 7 for day in _values(fields[4], 0, 7, ("sun", *_DAYS[:-1]), text))
    calendar = _Calendar(
        tuple(sorted(minutes)),
        tuple(sorted(hours)),
        days,
        months,
        weekdays,
        either_day=not fields[2].startswith("*") and not fields[4].startswith("*"),
    )
    probe = date(2024, 1, 1)
    if not any(calendar.matches(probe + timedelta(days=n)) for n in range(4 * 366)):
        raise ScheduleError(f"The schedule {text!r} never comes due.", advice="No month has the day that it names.")
    return calendar


def _values(text: str, low: int, high: int, names: tuple[str, ...], whole: str) -> frozenset[int]:
    """One cron field: ``*``, numbers, names, ranges ``a-b``, steps ``/n``, lists with commas."""
    found: set[int] = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = _number(step_text, 1, high, (), part, whole) if "/" in part else 1
        if span == "*":
            first, last = low, high
        else:
            start, dash, end = span.partition("-")
            first = _number(start, low, high, names, part, whole)
            last = _number(end, low, high, names, part, whole) if dash else (high if "/" in part else first)
        if first > last:
            raise ScheduleError(f"{part!r} in {whole!r} runs backwards.", advice=_FORMS)
        found.update(range(first, last + 1, step))
    return frozenset(found)


def _number(text: str, low: int, high: int, names: tuple[str, ...], part: str, whole: str) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + (low if names is _MONTHS else 0)
    if not (text.isascii() and text.isdigit()) or not low <= int(text) <= high:
        raise ScheduleError(f"{part!r} in {whole!r} is not between {low} and {high}.", advice=_FORMS)
    return int(text)


def _next_elapsed(rule: _Calendar, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """Every hour is named: walk real time, so that both of two equal local hours count."""
    at = moment.replace(second=0, microsecond=0) + timedelta(minutes=1)
    end = moment + timedelta(days=_HORIZON_DAYS)
    while at <= end:
        local = at.astimezone(zone)
        if not rule.matches(local.date()):
            at = _instant(local.date() + timedelta(days=1), 0, 0, zone)
            continue
        if local.minute in rule.minutes:
            return at
        later = next((minute for minute in rule.minutes if minute > local.minute), 60)
        at += timedelta(minutes=later - local.minute)
    return None


def _next_local(rule: _Calendar, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """Certain hours are named: each local time of each day happens exactly once."""
    # A time that the clock skipped is moved into the next hour and may cross midnight: begin a day early.
    day = moment.astimezone(zone).date() - timedelta(days=1)
    for _ in range(_HORIZON_DAYS):
        if rule.matches(day):
            best = None
            for hour in rule.hours:
                for minute in rule.minutes:
                    at = _instant(day, hour, minute, zone)
                    if at > moment and (best is None or at < best):
                        best = at
                # Instants rise with the hour but for a changing clock, which moves them by less than 3 hours.
                if best is not None and _instant(day, hour, 0, zone) > best + timedelta(hours=3):
                    break
            if best is not None:
                return best
        day += timedelta(days=1)
    return None


def _instant(day: date, hour: int, minute: int, zone: ZoneInfo) -> datetime:
    # fold=0: of a repeated time the first; a skipped time is read with the offset before the change, that is, later.
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC)


def _describe_interval(seconds: int) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds % size == 0:
            return f"every {seconds // size} {unit}"
    return f"every {seconds} s"


def _describe_calendar(schedule: Schedule) -> str:
    rule = schedule.calendar
    if rule is None:
        return schedule.text
    all_days = len(rule.months) == 12 and len(rule.days) == 31
    every_day = all_days and len(rule.weekdays) == 7
    if every_day and len(rule.hours) == 24:
        step = 60 // len(rule.minutes)
        if rule.minutes == (0,):
            return "hourly"
        if len(rule.minutes) == 60:
            return "every minute"
        if rule.minutes == tuple(range(0, 60, step)):
            return f"every {step} min"
        if len(rule.minutes) == 1:
            return f"hourly at :{rule.minutes[0]:02d}"
    if len(rule.hours) == 1 and len(rule.minutes) == 1:
        time = f"{rule.hours[0]:02d}:{rule.minutes[0]:02d}"
        if every_day:
            return f"daily {time}"
        if all_days and not rule.either_day and len(rule.weekdays) == 1:
            return f"{_DAYS[next(iter(rule.weekdays))].capitalize()} {time}"
    return schedule.text
