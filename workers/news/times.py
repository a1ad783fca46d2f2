"""When an article was published: what feeds write, in UTC, and how far it can be believed."""

from __future__ import annotations

import calendar
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

#: Names of zones that feeds use and RFC 822 does not know, in minutes east of UTC. Ambiguous ones (IST, CST in China)
#: are left out.
ZONES: Final = {
    "WET": 0, "WEST": 60, "BST": 60, "CET": 60, "CEST": 120, "MEZ": 60, "MESZ": 120, "EET": 120, "EEST": 180,
    "MSK": 180, "SAST": 120, "HKT": 480, "SGT": 480, "AWST": 480, "JST": 540, "KST": 540, "ACST": 570, "ACDT": 630,
    "AEST": 600, "AEDT": 660, "NZST": 720, "NZDT": 780,
}  # fmt: skip

#: Clocks of publishers are not ours: this far in the future a time is still believed.
TOLERANCE: Final = timedelta(minutes=10)
_EARLIEST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LAST_WORD: Final = re.compile(r"([A-Za-z]{1,5})\)?\s*$")
_OFFSET: Final = re.compile(r"([+-]\d{2}:?\d{2}|\dZ|\bZ)\s*(\([^)]*\)\s*)?$", re.IGNORECASE)


def published(text: str, parsed: Sequence[int] | None, now: datetime) -> tuple[datetime, str]:
    """The time of an article and its kind (see ``Article.time_kind``).

    Args:
        text: As the feed writes it.
        parsed: The same as feedparser understands it: year to second, in UTC unless it did not know the zone's name.
        now: Aware UTC: the time of first sight.
    """
    moment = _moment(parsed)
    if moment is None:
        return now, "first_seen"
    kind = "published"
    named = _LAST_WORD.search(text.strip())
    if named is not None and named[1].upper() in ZONES:
        moment -= timedelta(minutes=ZONES[named[1].upper()])
    elif named is None and _OFFSET.search(text.strip()) is None:
        kind = "assumed_utc"
    return checked(moment, kind, now)


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
