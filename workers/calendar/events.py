"""Rows to events: every cell read, every time put into UTC by a rule that is named, every refusal with its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, Final

from workers.calendar.anchors import Evidence, Zone, evidence
from workers.calendar.layouts import Layout
from workers.calendar.readings import FIGURES, unnamed, unreadable
from workers.calendar.rows import Row, Table
from workers.calendar.times import (
    AnyDate,
    Clock,
    Kind,
    Numeric,
    TimeProblem,
    Yearless,
    date_order,
    read_clock,
    read_date,
    read_epoch,
    split,
    year_of,
)
from workers.calendar.values import MAX_EVENTS, MAX_LISTED, Event, Impact, Options, Parsed, Refusal
from workers.calendar.vocabulary import MAX_TITLE, currency_of, figure, impact_of, plain, title_key

ASK_ZONE: Final = "Set calendar.time_zone (or time_zone=... for one run) to the zone of its times, for example UTC."
ASK_ORDER: Final = "Set calendar.date_order to month_first or day_first."
_WHEN: Final = ("date", "datetime", "epoch")
_EASTERN: Final = Zone("America/New_York")


@dataclass(slots=True)
class _Draft:
    """A row whose cells are read and whose time may still lack a year, an order or a zone."""

    place: str
    title: str
    currency: str
    impact: Impact
    values: dict[str, Any]  # texts, by the names of an event's fields
    own_id: str
    unread: frozenset[str] = frozenset()
    unnamed: frozenset[str] = frozenset()
    exact: datetime | None = None
    date: AnyDate | None = None
    clock: Clock | Kind | None = None


class Builder:
    """Makes the events of one document."""

    def __init__(self, table: Table, layout: Layout, options: Options) -> None:
        self._table = table
        self._layout = layout
        self._options = options
        self._notes = list(table.notes)
        self._warnings: list[str] = []
        self._refused = table.refused
        self._refusals = list(table.refusals)
        self._refused_titles: set[str] = set()
        self._untitled = table.refused > 0
        self._unread: dict[int, frozenset[str]] = {}
        self._unnamed: dict[int, frozenset[str]] = {}
        self.advice = ""

    def build(self) -> Parsed:
        """Read all rows."""
        drafts = self._drafts()
        self._resolve_dates(drafts)
        words, zones = self._zones(drafts)
        events = self._events(drafts, zones)
        if len(events) > MAX_EVENTS:
            self._table.broken = f"only its first {MAX_EVENTS:,} events were taken"
            del events[MAX_EVENTS:]
        if self._table.broken:
            self._warnings.append(f"the document is not whole: {self._table.broken}")
        return Parsed(
            layout=self._layout.id,
            provider=self._layout.provider,
            recognised=self._layout.title,
            time_zone=words,
            events=tuple(events),
            refused=self._refused,
            refusals=tuple(self._refusals),
            refused_titles=frozenset(self._refused_titles),
            untitled=self._untitled,
            complete=not self._table.broken,
            notes=tuple(self._notes),
            warnings=tuple(self._warnings),
            week=self._layout.week,
            unread={place: names for place, names in self._unread.items() if names},
            unnamed={place: names for place, names in self._unnamed.items() if names},
        )

    def _refuse(self, place: str, reason: str, title: str = "") -> None:
        self._refused += 1
        if len(self._refusals) < MAX_LISTED:
            self._refusals.append(Refusal(place, reason, title))
        if title:
            self._refused_titles.add(title_key(title))
        else:
            self._untitled = True

    # -- cells ---------------------------------------------------------------------------------------------------

    def _drafts(self) -> list[_Draft]:
        drafts: list[_Draft] = []
        last_day: dict[str, Any] = {}
        last_clock: Clock | Kind | None = None
        inherited = undated = 0
        for row in self._table.rows:
            if self._layout.above and last_day and not any(row.cells.get(name) for name in _WHEN):
                row = Row(row.place, {**row.cells, **last_day})
                undated += 1
            title = plain(row.cells.get("title"), MAX_TITLE)
            try:
                draft = self._draft(row, title)
            except TimeProblem as problem:
                self._refuse(row.place, str(problem), title)
                last_day, last_clock = {}, None  # nothing may be taken over from a row that is not understood
                continue
            day = {name: row.cells[name] for name in ("date", "year") if row.cells.get(name)}
            if self._layout.above and draft.exact is None and draft.clock is None:
                if day == last_day and last_clock is not None:
                    draft.clock = last_clock
                    inherited += 1
            last_day, last_clock = day, draft.clock
            drafts.append(draft)
        if undated:
            self._notes.append(f"{undated} rows without a date have that of the row above them, as the page shows it")
        if inherited:
            self._notes.append(f"{inherited} rows without a time have that of the row above them, as the page shows it")
        return drafts

    def _draft(self, row: Row, title: str) -> _Draft:
        cells = row.cells
        if not title:
            raise TimeProblem("it has no title")
        currency = currency_of(cells.get("currency"), cells.get("country"))
        if not currency:
            named = plain(cells.get("currency") or cells.get("country"), 40)
            raise TimeProblem(f"{named!r} is no currency and no country" if named else "it has no currency")
        impact = impact_of(cells.get("impact"))
        if impact is None:
            raise TimeProblem(f"the impact {plain(cells['impact'], 40)!r} is not understood")
        unit = cells.get("unit")
        values = {name: figure(cells.get(name), unit) for name in FIGURES}
        unread = unreadable(cells, null=self._layout.empty)
        own_id = plain(cells.get("id"), 64)
        draft = _Draft(row.place, title, currency, impact, values, own_id, unread, unnamed(cells))
        self._read_time(draft, cells)
        return draft

    def _read_time(self, draft: _Draft, cells: Mapping[str, Any]) -> None:
        """Fill in what the row says of its time.

        Raises:
            TimeProblem: that is nothing, or nonsense.
        """
        texts = {name: plain(cells.get(name), 80) for name in ("datetime", "date", "time")}
        label = _kind(texts["time"])
        for name in ("epoch", "datetime", "date", "time"):
            draft.exact = read_epoch(cells.get(name))
            if draft.exact is not None:
                draft.clock = label
                return
        whole = texts["datetime"]
        day_text, clock_text = split(whole) if whole else ("", "")
        if not day_text and texts["date"]:
            day_text, inner = split(texts["date"])
            clock_text = clock_text or inner
        if texts["time"]:
            inner_day, inner = ("", texts["time"]) if label is not None else split(texts["time"])
            if inner:
                clock_text, day_text = inner, day_text or inner_day
            elif not day_text or inner_day != day_text:
                clock_text = texts["time"]
        if year := plain(cells.get("year"), 8):
            day_text = f"{day_text} {year}" if year not in day_text else day_text
        draft.date = read_date(day_text)
        if draft.date is None:
            raise TimeProblem("it has no date")
        stated = plain(cells.get("zone"), 20)
        if stated and _states_nothing(clock_text):
            clock_text = f"{clock_text} {stated}"
        draft.clock = read_clock(clock_text)

    # -- dates ---------------------------------------------------------------------------------------------------

    def _resolve_dates(self, drafts: list[_Draft]) -> None:
        """Give every date its year and its order, or refuse the row."""
        numeric = [draft.date for draft in drafts if isinstance(draft.date, Numeric)]
        order, why = self._order(numeric) if numeric else ("", "")
        if why:
            self._notes.append(why)
        years = {draft.exact.year for draft in drafts if draft.exact is not None}
        known = years.pop() if len(years) == 1 else None
        yearless = 0
        for draft in tuple(drafts):
            try:
                if isinstance(draft.date, Numeric):
                    draft.date = self._ordered(draft.date, order)
                elif isinstance(draft.date, Yearless):
                    draft.date = year_of(draft.date, known, self._options.now)
                    yearless += 1
            except TimeProblem as problem:
                self._refuse(draft.place, str(problem), draft.title)
                drafts.remove(draft)
        if yearless:
            how = "other rows tell it" if known is not None else "the weekdays fit no other year near the present"
            self._notes.append(f"{yearless} dates have no year: {how}")

    def _order(self, numeric: list[Numeric]) -> tuple[str, str]:
        order, why = "", ""
        try:
            order, why = date_order(numeric)
        except TimeProblem:
            pass  # some date fits neither order; it is refused by itself
        stated = self._options.date_order or self._layout.date_order
        if not order:
            return stated, f"dates are read {stated.replace('_', ' ')}, as set" if self._options.date_order else ""
        if self._options.date_order and order != stated:
            self._warnings.append(f"calendar.date_order says {stated}, but {why}")
        return order, "" if order == self._layout.date_order else why

    def _ordered(self, found: Numeric, order: str) -> date:
        if order:
            return found.read(order)
        if found.first == found.second:
            return found.read("month_first")
        self.advice = ASK_ORDER
        raise TimeProblem(f"{found.first:02d}/{found.second:02d}/{found.year} may be month or day first")

    # -- zones ---------------------------------------------------------------------------------------------------

    def _zones(self, drafts: list[_Draft]) -> tuple[str, Zone | Evidence | None]:
        """In words and as a rule: the zone of the times that do not state one."""
        stated = sum(_states(draft) for draft in drafts)
        naive = [draft for draft in drafts if _is_naive(draft)]
        if not naive:
            if not stated:
                return "no event has a clock time", None
            return "every time states its offset from UTC", None
        found = evidence((draft.currency, draft.title, _local(draft)) for draft in naive)
        words, zone = self._zone(found)
        if stated:
            words += f"; {stated} times state it themselves"
        return words, zone

    def _zone(self, found: Evidence | None) -> tuple[str, Zone | Evidence | None]:
        if self._options.time_zone:
            zone = Zone(self._options.time_zone)
            if found is not None and not found.fits(zone) and not _same_offsets(found, zone):
                self._warnings.append(f"the zone is set to {zone}, but {found.words()} on {found.zones[0]}")
            return f"{zone}, as set", zone
        if self._table.zone:
            return f"{self._table.zone}, as the name of a column says", Zone(self._table.zone)
        if self._layout.zone:
            zone = Zone(self._layout.zone)
            if found is None or found.fits(zone):
                checked = f"; {found.words()}" if found is not None else ""
                return f"{zone}: {self._layout.why}{checked}", zone
            self._warnings.append(f"{self._layout.why}, but here {found.words()} on {found.zones[0]}, which was taken")
        if found is not None:
            return f"{found.zones[0]}, told by its content: {found.words()}", found
        self.advice = ASK_ZONE
        return "not known: the document does not say it, and too few releases at known times tell it", None

    # -- events --------------------------------------------------------------------------------------------------

    def _events(self, drafts: list[_Draft], zones: Zone | Evidence | None) -> list[Event]:
        events: list[Event] = []
        seen: Counter[tuple[Any, ...]] = Counter()
        for draft in drafts:
            try:
                moment = self._moment(draft, zones)
            except TimeProblem as problem:
                self._refuse(draft.place, str(problem), draft.title)
                continue
            event = Event(
                id="",
                time=moment,
                currency=draft.currency,
                impact=draft.impact,
                title=draft.title,
                all_day=draft.clock is Kind.ALL_DAY,
                tentative=draft.clock is Kind.TENTATIVE or (draft.exact is None and draft.clock is None),
                provider=self._layout.provider,
                own_id=draft.own_id,
                **draft.values,
            )
            same = (event.time, event.currency, event.title, event.impact, *draft.values.values(), event.own_id)
            seen[same] += 1
            if seen[same] > 1:
                self._refuse(draft.place, "it repeats another row word for word", draft.title)
                continue
            timeless = draft.exact is None and draft.clock is None
            self._unread[len(events)] = draft.unread | ({"time"} if timeless else frozenset())
            self._unnamed[len(events)] = draft.unnamed
            events.append(event)
        return events

    def _moment(self, draft: _Draft, zones: Zone | Evidence | None) -> datetime:
        if draft.exact is not None:
            return draft.exact
        if not isinstance(draft.date, date):
            raise TimeProblem("it has no date")
        if not isinstance(draft.clock, Clock):
            return datetime.combine(draft.date, time(0, 0), UTC)
        local = datetime.combine(draft.date, draft.clock.time)
        if draft.clock.zone is not None:
            return local.replace(tzinfo=draft.clock.zone).astimezone(UTC)
        rule: Zone | Evidence | None = _EASTERN if draft.clock.eastern else zones
        if rule is None:
            raise TimeProblem("its time zone is not known")
        found = rule.utc(local)
        if found is None:
            at = f"{local:%Y-%m-%d %H:%M}"
            if isinstance(rule, Evidence) and not rule.unanimous(local):
                self.advice = ASK_ZONE
                raise TimeProblem(f"the zones that fit the document differ on {at}")
            raise TimeProblem(f"{at} does not exist or comes twice in {_named(rule)}: the clocks are changed then")
        return found


def _named(rule: Zone | Evidence) -> str:
    return str(rule.zones[0] if isinstance(rule, Evidence) else rule)


def _kind(text: str) -> Kind | None:
    try:
        found = read_clock(text)
    except TimeProblem:
        return None
    return found if isinstance(found, Kind) else None


def _states_nothing(text: str) -> bool:
    """Whether a text is a clock time that names no zone."""
    try:
        found = read_clock(text)
    except TimeProblem:
        return False
    return isinstance(found, Clock) and found.zone is None and not found.eastern


def _states(draft: _Draft) -> bool:
    if draft.exact is not None:
        return True
    return isinstance(draft.clock, Clock) and (draft.clock.zone is not None or draft.clock.eastern)


def _is_naive(draft: _Draft) -> bool:
    return isinstance(draft.clock, Clock) and not _states(draft) and isinstance(draft.date, date)


def _local(draft: _Draft) -> datetime:
    if not isinstance(draft.date, date) or not isinstance(draft.clock, Clock):
        raise TimeProblem("it has no clock time")
    return datetime.combine(draft.date, draft.clock.time)


def _same_offsets(found: Evidence, zone: Zone) -> bool:
    """Whether a zone that is not on our list keeps the same clock as one that fits, in winter and in summer."""
    samples = [datetime.combine(date(2025, month, 15), time(12)) for month in (1, 7)]
    return any(all(other.utc(day) == zone.utc(day) for day in samples) for other in found.zones)
