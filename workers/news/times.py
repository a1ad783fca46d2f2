"""When an article was published: what feeds write, in UTC, and how far it can be believed."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

#: Names of zones in minutes east of UTC: those of RFC 822, section 5, and others that mean one clock only. IST (India,
#: Israel, Ireland), AST, SST and their like are left out: they mean several.
ZONES: Final = {
    "Z": 0, "UT": 0, "UTC": 0, "GMT": 0, "EST": -300, "EDT": -240, "CST": -360, "CDT": -300, "MST": -420, "MDT": -360,
    "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600, "NST": -210, "NDT": -150,
    "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120, "EEST": 180,
    "MSK": 180, "SAST": 120, "HKT": 480, "SGT": 480, "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630,
    "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780, "BRT": -180, "PKT": 300,
}  # fmt: skip
#: Names of a clock in winter and in summer.
_CLOCKS: Final = {
    "ET": "America/New_York", "CT": "America/Chicago", "MT": "America/Denver", "PT": "America/Los_Angeles",
}  # fmt: skip

#: Clocks of publishers are not ours: this far in the future a time is still believed.
TOLERANCE: Final = timedelta(minutes=10)
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_CLOCK: Final = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,]\d+)?)?"
    r"(?:\s*(?P<half>[AaPp])\.?[Mm]\.?)?"
)
_ZONE: Final = r"\s*(?P<zone>\S.{0,60})?"
#: RFC 822, RFC 3339, and the C library's form, which puts the year last.
_FORMS: Final = tuple(
    re.compile(form)
    for form in (
        rf"(?:[A-Za-z]+\.?,?\s+)?(?P<day>\d{{1,2}})[ -](?P<month>[A-Za-z]{{3}})[a-z]*\.?[ -](?P<year>\d{{4}}|\d\d),?\s+"
        rf"{_CLOCK}{_ZONE}",
        rf"(?P<year>\d{{4}})-(?P<month>\d\d)-(?P<day>\d\d)[Tt ]\s*{_CLOCK}{_ZONE}",
        rf"(?:[A-Za-z]{{3}}\s+)?(?P<month>[A-Za-z]{{3}})\s+(?P<day>\d{{1,2}})\s+{_CLOCK}\s*(?P<zone>\S{{1,40}})?\s+"
        r"(?P<year>\d{4})",
        rf"(?P<month>[A-Za-z]{{3}})[a-z]*\.?\s+(?P<day>\d{{1,2}}),\s*(?P<year>\d{{4}}),?\s+{_CLOCK}{_ZONE}",
    )
)
_OFFSET: Final = re.compile(
    r"(?:GMT|UTC?)?\s*(?P<sign>[+-])(?P<hours>\d{1,2})(?::?(?P<minutes>\d\d))?\s*(?:\(.*)?", re.I
)
_TAIL: Final = re.compile(r"(\S+)$")
_MAX_OFFSET: Final = 15 * 60


def published(text: str, parsed: Sequence[int] | None, now: datetime) -> tuple[datetime, str]:
    """The time of an article and its kind (see ``Article.time_kind``).

    Args:
        text: As the feed writes it.
        parsed: The same as feedparser understands it: year to second, in UTC unless it did not know the zone's name.
        now: Aware UTC: the time of first sight.
    """
    text = text.strip()[:120]
    found = _read(text)
    if found is not None:
        return checked(*found, now)
    moment = _moment(parsed)
    if moment is None:
        return now, "first_seen"
    tail = _TAIL.search(text)
    known = tail is not None and bool(_OFFSET.fullmatch(tail[1]) or tail[1].upper().endswith("Z"))
    return checked(moment, "published" if known else "assumed_utc", now)


def _read(text: str) -> tuple[datetime, str] | None:
    """A time in one of the usual forms, in UTC, and its kind; None when it is in another form or there is no such time.

    feedparser drops the clock of a date with a name behind it, and takes every name that it does not know for UTC.
    """
    form = next((form for pattern in _FORMS if (form := pattern.fullmatch(text))), None)
    if form is None:
        return None
    month, year = form["month"].lower(), int(form["year"])
    hour = int(form["hour"])
    if half := form["half"]:
        hour = hour % 12 + (12 if half in "Pp" else 0)
    try:
        number = int(month) if month.isdigit() else _MONTHS.index(month) + 1
        second = min(int(form["second"] or 0), 59)  # a leap second
        local = datetime(
            year if year > 99 else year + 2000, number, int(form["day"]), hour, int(form["minute"]), second, tzinfo=UTC
        )
        offset = _offset(form["zone"] or "", local)
        return local - (offset or timedelta(0)), "assumed_utc" if offset is None else "published"
    except (ValueError, OverflowError):
        return None


def _offset(zone: str, local: datetime) -> timedelta | None:
    """How far a zone is ahead of UTC at a time of its clock; None when it is not named, unknown or ambiguous."""
    zone = zone.strip()
    if stated := _OFFSET.fullmatch(zone):
        minutes = int(stated["hours"]) * 60 + int(stated["minutes"] or 0)
        if minutes > _MAX_OFFSET:
            return None
        return timedelta(minutes=minutes if stated["sign"] == "+" else -minutes)
    name = zone.strip("()[]").upper()
    if name in ZONES:
        return timedelta(minutes=ZONES[name])
    named = _CLOCKS.get(name) or (zone if "/" in zone else "")
    if not named:
        return None
    try:
        return local.replace(tzinfo=ZoneInfo(named)).utcoffset()
    except (KeyError, ValueError, OSError):
        return None


def checked(moment: datetime, kind: str, now: datetime) -> tuple[datetime, str]:
    """``moment`` unless it lies in the future or before there were feeds: then ``now``, as first seen."""
    if not _EARLIEST <= moment <= now + TOLERANCE:
        return now, "first_seen"
    return moment, kind


def written(text: object, now: datetime) -> tuple[datetime, str]:
    """The time of a JSON Feed item (RFC 3339) and its kind."""
    if not isinstance(text, str):
        return now, "first_seen"
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return now, "first_seen"
    if moment.tzinfo is None:
        return checked(moment.replace(tzinfo=UTC), "assumed_utc", now)
    try:
        return checked(moment.astimezone(UTC), "published", now)
    except OverflowError:
        return now, "first_seen"


def _moment(parsed: Sequence[int] | None) -> datetime | None:
    if parsed is None:
        return None
    try:
        return datetime.fromtimestamp(calendar.timegm((*tuple(parsed)[:6], 0, 1, 0)), UTC)
    except (ValueError, OverflowError, OSError, TypeError):
        return None
