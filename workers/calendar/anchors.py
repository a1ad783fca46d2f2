"""In which zone a calendar's times are, told by releases that always come at the same local time.

A scrape often does not say its zone. But US jobless claims come out at 08:30 in New York whatever the website of the
scrape was set to, so a file that has them at 13:30 in June is in London's time. That is evidence, not a guess: it is
used only when many such releases agree, and the result names it.

Times of release: the statistical offices and central banks publish them (BLS and Census 08:30 ET, ISM 10:00 ET, FOMC
14:00 ET, ONS 07:00 London since April 2020, ECB 14:15 Frankfurt since July 2022, Destatis 08:00, ABS 11:30 Sydney,
Stats NZ 10:45, Cabinet Office of Japan 08:50, FSO of Switzerland 08:30, NBS of China 09:30); every file of the
reference data whose zone is known was checked against them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

#: Evidence needs this many releases, of this many different kinds, and this share of agreement.
LEAST_RELEASES: Final = 3
LEAST_KINDS: Final = 2
#: More than this many are sampled.
MOST_RELEASES: Final = 1_000
LEAST_SHARE: Final = 0.8
#: Sources put placeholder minutes on some releases (12:02 for 12:00).
_TOLERANCE_S: Final = 240
_STEP_S: Final = 900

_NY, _LONDON, _BERLIN = "America/New_York", "Europe/London", "Europe/Berlin"
_TOKYO, _SYDNEY, _AUCKLAND, _ZURICH, _SHANGHAI = (
    "Asia/Tokyo", "Australia/Sydney", "Pacific/Auckland", "Europe/Zurich", "Asia/Shanghai",
)  # fmt: skip

#: currency, zone of the release, local time, first year that holds for (months do not matter), pattern of the title
_RELEASES: Final[tuple[tuple[str, str, str, int, str], ...]] = (
    ("USD", _NY, "08:30", 1990,
     r"(?<!adp )\bnon[ -]?farm (payrolls|employment)|\bunemployment (rate|claims)|jobless claims|"
     r"^(?!.*(cleveland|median|real|tipp)).*\bcpi\b|^(us )?(core )?retail sales|^(?!.*gdpnow).*\bgdp\b|"
     r"housing starts|empire state|^(core )?ppi\b|philly fed|philadelphia fed manufacturing|\btrade balance"),
    ("USD", _NY, "10:00", 1990,
     r"\bism\b|jolts|(existing|new|pending) home sales|\bcb consumer confidence|\b(uom|michigan) consumer sentiment"),
    ("USD", _NY, "14:00", 2013, r"fomc (policy )?statement|federal funds rate|fed interest rate decision"),
    ("CAD", _NY, "08:30", 1990, r"^(?!.*ivey).*\bcpi\b|employment change|retail sales|^gdp\b|unemployment rate"),
    ("GBP", _LONDON, "07:00", 2021,
     r"^(uk )?(core )?cpi\b|^(uk )?gdp\b|^(prelim )?gdp|^uk retail sales|"
     r"^(uk )?(core )?retail sales (m/m|\()|claimant count|public sector net borrowing|^(uk )?rpi\b"),
    ("GBP", _LONDON, "00:01", 1990, r"rightmove|\bgfk\b|\brics\b|\bbrc retail"),
    ("EUR", _BERLIN, "08:00", 1990,
     r"^german (factory orders|industrial production|trade balance|ppi|producer price)"),
    ("EUR", _BERLIN, "11:00", 1990, r"german zew|^zew economic"),
    ("EUR", _BERLIN, "10:00", 1990, r"german ifo"),
    ("EUR", _BERLIN, "14:15", 2023, r"main refinancing rate|ecb (interest )?rate decision"),
    ("JPY", _TOKYO, "08:50", 1990,
     r"\btankan|^(prelim |final )?gdp\b|^trade balance|^bank lending|^current account|summary of opinions"),
    ("JPY", _TOKYO, "08:30", 1990, r"(national|tokyo) core cpi|household spending|national cpi"),
    ("AUD", _SYDNEY, "11:30", 1990,
     r"^employment change|^unemployment rate|^retail sales|^cpi\b|^trade balance|^gdp\b|^wage price|"
     r"^building approvals|nab business"),
    ("AUD", _SYDNEY, "14:30", 1990, r"^(rba )?cash rate|rba interest rate decision|rba rate statement"),
    ("NZD", _AUCKLAND, "10:45", 1990,
     r"^cpi\b|^gdp\b|^(core )?retail sales q|^trade balance|^building consents|^employment change|^unemployment rate"),
    ("NZD", _AUCKLAND, "14:00", 1990, r"^official cash rate|rbnz (rate|interest)"),
    ("CHF", _ZURICH, "08:30", 1990, r"^cpi\b|^ppi\b"),
    ("CHF", _ZURICH, "09:30", 1990, r"snb (policy|monetary)"),
    ("CNY", _SHANGHAI, "09:30", 1990, r"^(chinese )?cpi\b|^(chinese )?ppi\b|^(chinese )?manufacturing pmi"),
)  # fmt: skip

#: Zones that calendars are published and kept in; the first that fits is named.
_ZONES: Final = (
    "UTC", _NY, _LONDON, _BERLIN, "Europe/Athens", "Europe/Moscow", "America/Chicago", "America/Denver",
    "America/Los_Angeles", "America/Sao_Paulo", "Asia/Dubai", "Asia/Karachi", "Asia/Kolkata", "Asia/Dhaka",
    "Asia/Bangkok", _SHANGHAI, _TOKYO, _SYDNEY, "Australia/Brisbane", _AUCKLAND, "Africa/Cairo", "Africa/Johannesburg",
    "Asia/Tehran", "Asia/Jerusalem",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Zone:
    """A rule that gives the offset of a local time: a named zone, moved by ``shift``.

    ``America/New_York`` moved by seven hours is the clock of most MetaTrader servers.
    """

    name: str
    shift: timedelta = timedelta(0)

    def __str__(self) -> str:
        if not self.shift:
            return self.name
        minutes = round(self.shift.total_seconds() / 60)
        sign, hours = "+" if minutes > 0 else "-", abs(minutes) // 60
        return f"{self.name}{sign}{hours:02d}:{abs(minutes) % 60:02d}"

    def utc(self, local: datetime) -> datetime | None:
        """A naive local time as UTC; None when a clock change makes it none or two."""
        zone = _zone(self.name)
        moment = (local - self.shift).replace(tzinfo=zone)
        early, late = (moment.replace(fold=fold).utcoffset() for fold in (0, 1))
        if early != late:
            return None
        return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the releases of a document say.

    Attributes:
        zones: Every rule that fits best; they may differ on days without a release.
        releases: How many releases fit, of ``seen``.
        examples: Some of them, as text.
    """

    zones: tuple[Zone, ...]
    releases: int
    seen: int
    examples: tuple[str, ...]

    def utc(self, local: datetime) -> datetime | None:
        """A naive local time as UTC; None when the zones that fit do not agree on it."""
        times = {zone.utc(local) for zone in self.zones}
        return times.pop() if len(times) == 1 else None

    def unanimous(self, local: datetime) -> bool:
        """Whether the zones that fit say the same of a local time, be it that a clock change makes it none or two."""
        return len({zone.utc(local) for zone in self.zones}) == 1

    def fits(self, zone: Zone) -> bool:
        """Whether ``zone`` is among the zones that fit."""
        return zone in self.zones

    def words(self) -> str:
        """The evidence as part of a sentence."""
        return f"{self.releases} of {self.seen} releases at known times agree ({'; '.join(self.examples)})"


@dataclass(frozen=True, slots=True)
class _Vote:
    local: datetime
    due: datetime
    kind: int
    title: str


def evidence(rows: Iterable[tuple[str, str, datetime]]) -> Evidence | None:
    """Which zones fit rows of currency, title and naive local time; None when there is too little to tell."""
    votes = [vote for currency, title, local in rows for vote in _votes(currency, title, local)]
    votes = votes[:: len(votes) // MOST_RELEASES + 1]  # spread over the whole document
    if len(votes) < LEAST_RELEASES or len({vote.kind for vote in votes}) < LEAST_KINDS:
        # Three of one kind may all be wrong alike, unless their titles differ.
        if len({vote.title.casefold() for vote in votes}) < LEAST_RELEASES:
            return None
    scores = {zone: sum(_agrees(zone, vote) for vote in votes) for zone in _candidates(votes)}
    best = max(scores.values(), default=0)
    if best < LEAST_RELEASES or best < LEAST_SHARE * len(votes):
        return None
    zones = tuple(zone for zone, score in scores.items() if score == best)
    fitting = [vote for vote in votes if _agrees(zones[0], vote)]
    examples = dict.fromkeys(f"{vote.title} at {vote.local:%H:%M}" for vote in fitting)
    return Evidence(zones, best, len(votes), tuple(list(examples)[:3]))


def _candidates(votes: Sequence[_Vote]) -> list[Zone]:
    offsets = Counter(_offset(vote) for vote in votes)
    fixed = [Zone("UTC", offset) for offset, _ in offsets.most_common(3) if offset]
    return [*(Zone(name) for name in _ZONES), Zone(_NY, timedelta(hours=7)), *fixed]


def _offset(vote: _Vote) -> timedelta:
    seconds = (vote.local - vote.due.replace(tzinfo=None)).total_seconds()
    return timedelta(seconds=round(seconds / _STEP_S) * _STEP_S)


def _agrees(zone: Zone, vote: _Vote) -> bool:
    found = zone.utc(vote.local)
    return found is not None and abs((found - vote.due).total_seconds()) <= _TOLERANCE_S


def _votes(currency: str, title: str, local: datetime) -> list[_Vote]:
    for kind, (zone, clock, since, pattern) in _of(currency):
        if local.year >= since and pattern.search(title):
            due = _due(local, zone, clock)
            return [_Vote(local, due, kind, title)] if due is not None else []
    return []


def _due(local: datetime, zone: str, clock: time) -> datetime | None:
    """The release that a local time of an unknown zone (UTC-10:00 to below UTC+14:00) must mean."""
    for days in (-1, 0, 1):
        day: date = local.date() + timedelta(days=days)
        due = datetime.combine(day, clock, _zone(zone)).astimezone(UTC)
        ahead = local - due.replace(tzinfo=None)
        if timedelta(hours=-10) <= ahead < timedelta(hours=14):
            return due
    return None


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@cache
def _of(currency: str) -> tuple[tuple[int, tuple[str, time, int, re.Pattern[str]]], ...]:
    return tuple(
        (kind, (zone, time.fromisoformat(clock), since, re.compile(pattern, re.IGNORECASE)))
        for kind, (known, zone, clock, since, pattern) in enumerate(_RELEASES)
        if known == currency
    )
