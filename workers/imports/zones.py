"""Which clock the times of a file are on: what the file says, what its format says, and what its weekends show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from app.errors import UserAction
from app.terminal.server_time import NEW_YORK, ServerTimeRule
from app.terminal.timeframes import Times
from app.terminal.weekend_clock import clock_of
from workers.imports.errors import BadImport

HELP: Final = f"Give it with --time-zone, for example --time-zone {NEW_YORK!r}, UTC, UTC+3 or Europe/Athens."


@dataclass(frozen=True, slots=True)
class Zone:
    """A clock and why we take it to be the one.

    Attributes:
        rule: None: the times are UTC already.
        name: As the report says it.
    """

    rule: ServerTimeRule | None
    name: str
    evidence: str

    def to_utc(self, times: Times) -> Times:
        """Times of the file (seconds) as UTC."""
        return times if self.rule is None else self.rule.times_to_utc(times)


def given(name: str, why: str) -> Zone:
    """The clock that somebody named.

    Raises:
        BadImport: there is no such clock.
    """
    try:
        return Zone(ServerTimeRule(name), name, why)
    except UserAction as error:
        raise BadImport(f"There is no time zone {name!r}.", advice=HELP) from error


def by_weekends(times: Times, seconds: int) -> tuple[Zone | None, str]:
    """The clock that the weekends of a file show, or None with the reason why it cannot be told; see ``clock_of``."""
    rule, why = clock_of(times, seconds)
    return (None, why) if rule is None else (Zone(rule, rule.name, why), "")
