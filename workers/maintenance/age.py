"""How old a file is: by the date in its name where it has one, else by its modification time; always in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

_DATE: Final = re.compile(r"(?<!\d)(\d{4})([-_.]?)(\d{2})\2(\d{2})(?!\d)")
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_DAY_S: Final = 86_400
_EPOCH: Final = date(1970, 1, 1)

#: A file may be dated so far ahead, for clocks that differ a little and days that begin earlier elsewhere.
_AHEAD: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Dated:
    """When a file is from.

    Attributes:
        at_s: UTC epoch seconds; for a date in the name its midnight.
        named: The name told the date.
    """

    at_s: float
    named: bool

    def older_than(self, days: int, now_s: float) -> bool:
        """Whether it is older than ``days`` at ``now_s`` (UTC epoch seconds).

        A date counts in whole days, so that all that was written on it is at least ``days`` old.
        """
        if self.named:
            return now_s // _DAY_S - self.at_s // _DAY_S > days
        return now_s - self.at_s > days * _DAY_S

    def ahead(self, now_s: float) -> bool:
        """Whether it is from the future."""
        return self.at_s > now_s + _AHEAD.total_seconds()

    def __str__(self) -> str:
        try:
            moment = datetime.fromtimestamp(self.at_s, UTC)
        except (OverflowError, OSError, ValueError):
            return "a time that no calendar has"
        return f"{moment:%Y-%m-%d}" if self.named else f"{moment:%Y-%m-%d %H:%M} UTC"


def dated(name: str, modified_ns: int) -> Dated:
    """When a file of this name is from.

    Args:
        modified_ns: Its modification time, UTC epoch nanoseconds.
    """
    found = date_in(name)
    if found is None:
        return Dated(modified_ns / 1e9, named=False)
    return Dated(float((found - _EPOCH).days * _DAY_S), named=True)


def date_in(name: str) -> date | None:
    """The last date in a name (``20250603``, ``2025-06-03``); None when it has none that the calendar knows."""
    found = None
    for match in _DATE.finditer(name):
        year, month, day = int(match[1]), int(match[3]), int(match[4])
        if _FIRST_YEAR <= year < _LAST_YEAR:
            try:
                found = date(year, month, day)
            except ValueError:
                continue
    return found
