"""One week of the economic calendar as rows: a heading for each day, its events, and what changed about them."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ui import words
from ui.models.calendar_changes import changes_look
from ui.words import Look
from workers.calendar.values import EVERY_CURRENCY, Calendar, Change, Event, Impact

AnyIndex = QModelIndex | QPersistentModelIndex

CHANGES_SHOWN = timedelta(hours=24)
"""Changes are highlighted this long after they were noticed."""
STRONG = (Impact.HIGH, Impact.MEDIUM)
DAYS = 7


class Column(IntEnum):
    """The columns, from left to right."""

    TIME = 0
    CURRENCY = 1
    IMPACT = 2
    EVENT = 3
    CHANGE = 4
    ACTUAL = 5
    FORECAST = 6
    PREVIOUS = 7


TITLES = ("Time", "Currency", "Impact", "Event", "Changed", "Actual", "Forecast", "Previous")
RIGHT = (Column.ACTUAL, Column.FORECAST, Column.PREVIOUS)
LOOK_ROLE = Qt.ItemDataRole.UserRole + 2
GROUP_ROLE = Qt.ItemDataRole.UserRole + 6
INK_ROLE = Qt.ItemDataRole.UserRole + 7
NEXT_ROLE = Qt.ItemDataRole.UserRole + 8

_IMPACTS = {
    Impact.HIGH: ("impact_high", "error", "High"),
    Impact.MEDIUM: ("impact_medium", "warning", "Medium"),
    Impact.LOW: ("impact_low", "idle", "Low"),
    Impact.HOLIDAY: ("off", "idle", "Holiday"),
    Impact.NONE: ("skipped", "idle", "None"),
    Impact.UNKNOWN: ("skipped", "idle", "Not known"),
}


@dataclass(frozen=True, slots=True)
class DayRow:
    """The heading of a day."""

    day: date


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event with what changed about it; ``removed`` when its source took it away."""

    event: Event
    changes: tuple[Change, ...] = ()
    removed: bool = False


AnyRow = DayRow | EventRow


@dataclass(frozen=True, slots=True)
class Filter:
    """What is shown: currencies (empty: all) and impacts."""

    currencies: frozenset[str] = frozenset()
    impacts: frozenset[Impact] = frozenset(Impact)

    def takes(self, event: Event) -> bool:
        """Whether the event is shown."""
        return self.concerns(event) and event.impact in self.impacts

    def concerns(self, event: Event) -> bool:
        """Whether its currency is among those that are shown."""
        return not self.currencies or event.currency in self.currencies or event.currency == EVERY_CURRENCY


def local_day(event: Event) -> date:
    """The day that an event stands under: the user's own, or the one that the source names."""
    return event.time.astimezone().date() if event.timed else event.time.date()


def week_start(day: date) -> date:
    """The Sunday on or before ``day``: the market opens on a Sunday."""
    return day - timedelta(days=(day.weekday() + 1) % DAYS)


def fresh_changes(calendar: Calendar, now: datetime) -> Mapping[str, tuple[Change, ...]]:
    """What changed lately, by event, oldest first."""
    found: defaultdict[str, list[Change]] = defaultdict(list)
    for change in calendar.changes:
        if change.at >= now - CHANGES_SHOWN:
            found[change.id].append(change)
    return {identity: tuple(reversed(changes)) for identity, changes in found.items()}


def week_rows(calendar: Calendar, start: date, wanted: Filter, now: datetime) -> list[AnyRow]:
    """The rows of the seven days from ``start`` on; days without an event have no heading."""
    changes = fresh_changes(calendar, now)
    events = _near(calendar.events, start)
    rows = [EventRow(event, changes.get(event.id, ())) for event in events]
    rows += [_removed(found) for found in changes.values() if found[-1].kind == "removed"]
    days: defaultdict[date, list[EventRow]] = defaultdict(list)
    for row in rows:
        day = local_day(row.event)
        # Of a removed event the impact is not kept.
        shown = wanted.concerns(row.event) if row.removed else wanted.takes(row.event)
        if shown and start <= day < start + timedelta(days=DAYS):
            days[day].append(row)
    ordered: list[AnyRow] = []
    for day in sorted(days):
        of_day = sorted(days[day], key=_order)
        ordered += [DayRow(day), *of_day]
    return ordered


def changed_count(rows: Sequence[AnyRow]) -> int:
    """How many of the rows have changed lately."""
    return sum(isinstance(row, EventRow) and bool(row.changes) for row in rows)


def next_event(calendar: Calendar, wanted: Filter, now: datetime) -> Event | None:
    """The next event with a clock time that is shown."""
    first = bisect_left(calendar.events, now, key=lambda event: event.time)
    coming = (calendar.events[place] for place in range(first, len(calendar.events)))
    return next((event for event in coming if event.timed and wanted.takes(event)), None)


def strengths(calendar: Calendar, start: date, wanted: Filter) -> tuple[tuple[int, int, int], ...]:
    """For each day of the week: how many events of high, of medium and of other impact there are."""
    found = [[0, 0, 0] for _ in range(DAYS)]
    for event in _near(calendar.events, start):
        place = (local_day(event) - start).days
        if 0 <= place < DAYS and wanted.takes(event):
            found[place][STRONG.index(event.impact) if event.impact in STRONG else 2] += 1
    return tuple((high, medium, other) for high, medium, other in found)


def _near(events: Sequence[Event], start: date) -> Sequence[Event]:
    first = datetime.combine(start, time(0, 0), UTC) - timedelta(days=1)
    since = bisect_left(events, first, key=lambda event: event.time)
    until = bisect_left(events, first + timedelta(days=DAYS + 2), key=lambda event: event.time)
    return events[since:until]


def _removed(changes: tuple[Change, ...]) -> EventRow:
    last = changes[-1]
    event = Event(last.id, last.time, last.currency, Impact.UNKNOWN, last.title)
    return EventRow(event, changes, removed=True)


def _order(row: EventRow) -> tuple[bool, datetime, str, str]:
    return row.event.timed, row.event.time, row.event.currency, row.event.title


def impact_look(impact: Impact) -> Look:
    """Icon, colour and word of an impact."""
    icon, role, word = _IMPACTS[impact]
    return Look(icon, role, words.tr(word))


def change_look(row: EventRow) -> Look | None:
    """All that changed about an event; None when nothing did."""
    return changes_look(row.changes, row.event.time, removed=row.removed)


class WeekTable(QAbstractTableModel):
    """The rows of one week. The same rows again change in place; others replace them."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[AnyRow] = []
        self._now = datetime.now(UTC)
        self._next = ""

    def show(self, rows: Sequence[AnyRow], now: datetime, upcoming: str) -> bool:
        """Show these rows; returns whether other rows than before are there.

        Args:
            upcoming: The identity of the next event.
        """
        same = [_key(row) for row in rows] == [_key(row) for row in self._rows]
        self._now, self._next = now, upcoming
        if same:
            self._rows = list(rows)
            self.refresh()
            return False
        if self._rows:
            self.beginRemoveRows(QModelIndex(), 0, len(self._rows) - 1)
            self._rows = []
            self.endRemoveRows()
        if rows:
            self.beginInsertRows(QModelIndex(), 0, len(rows) - 1)
            self._rows = list(rows)
            self.endInsertRows()
        return True

    def set_now(self, now: datetime, upcoming: str) -> None:
        """The time moved on; what is past and what is next is painted anew when it is something else."""
        if upcoming != self._next or (self._rows and _past(self._rows, now) != _past(self._rows, self._now)):
            self._now, self._next = now, upcoming
            self.refresh()
        self._now = now

    def refresh(self) -> None:
        """Paint all rows anew."""
        if self._rows:
            self.dataChanged.emit(self.index(0, 0), self.index(len(self._rows) - 1, len(Column) - 1))

    def row_at(self, index: AnyIndex) -> AnyRow | None:
        """The row under an index."""
        return self._rows[index.row()] if index.isValid() and index.row() < len(self._rows) else None

    def group_places(self) -> list[int]:
        """Row numbers of the headings."""
        return [place for place, row in enumerate(self._rows) if isinstance(row, DayRow)]

    def place_of_day(self, day: date) -> int:
        """The row number of the heading of a day, -1 when it has none."""
        return next((n for n, row in enumerate(self._rows) if isinstance(row, DayRow) and row.day == day), -1)

    def place_of_event(self, identity: str) -> int:
        """The row number of an event, -1 when it is not shown."""
        found = (n for n, row in enumerate(self._rows) if isinstance(row, EventRow) and row.event.id == identity)
        return next(found, -1)

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(Column)

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        if isinstance(self.row_at(index), DayRow):
            return Qt.ItemFlag.ItemIsEnabled
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is not Qt.Orientation.Horizontal or not 0 <= section < len(Column):
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return words.tr(TITLES[section])
        return _alignment(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        row = self.row_at(index)
        if row is None:
            return None
        if isinstance(row, DayRow):
            return self._day(row, index.column(), role)
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return _text(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{words.tr(TITLES[column])}: {_text(row, column) or words.tr('none')}"
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tip(row)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == LOOK_ROLE:
            return _look(row, column)
        if role == INK_ROLE:
            return self._ink(row, column)
        return row.event.id == self._next if role == NEXT_ROLE else None

    def _day(self, row: DayRow, column: int, role: int) -> Any:
        if role == GROUP_ROLE:
            return True
        if role not in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole) or column:
            return None
        text = f"{row.day:%A} {row.day.day} {row.day:%B}"
        return f"{text}{words.DOT}{words.tr('today')}" if row.day == self._now.astimezone().date() else text

    def _ink(self, row: EventRow, column: Column) -> str:
        event = row.event
        over = (
            row.removed or (event.timed and event.time < self._now) or local_day(event) < self._now.astimezone().date()
        )
        if column in (Column.EVENT, Column.TIME, Column.ACTUAL, Column.CURRENCY):
            return "dim" if over and column is not Column.ACTUAL else "text"
        return "dim"

    def _tip(self, row: EventRow) -> str:
        event = row.event
        lines = [event.title, words.both_times(event.time) if event.timed else f"{event.time:%a %Y-%m-%d}"]
        named = ((words.tr(TITLES[column]), _text(row, column)) for column in RIGHT)
        lines += [f"{name}: {text}" for name, text in named if text]
        lines += [
            words.tr("{field}: {before} \N{RIGHTWARDS ARROW} {after}").format(
                field=change.field, before=change.before or words.DASH, after=change.after or words.DASH
            )
            for change in row.changes
            if change.field
        ]
        if event.source:
            lines.append(words.tr("from {source}").format(source=event.source))
        return "\n".join(lines)


def _past(rows: Sequence[AnyRow], now: datetime) -> int:
    return sum(isinstance(row, EventRow) and row.event.time < now for row in rows)


def _key(row: AnyRow) -> tuple[str, str]:
    return ("day", str(row.day)) if isinstance(row, DayRow) else ("event", row.event.id)


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
    return side | Qt.AlignmentFlag.AlignVCenter


def _look(row: EventRow, column: Column) -> Look | None:
    if column is Column.IMPACT:
        return None if row.removed else impact_look(row.event.impact)
    return change_look(row) if column is Column.CHANGE else None


def countdown_words(left: timedelta) -> str:
    """Time until an event: minutes and seconds within the hour, hours and minutes within two days, then days."""
    minutes = int(left.total_seconds()) // 60
    if 60 <= minutes < 48 * 60:
        return f"{minutes // 60}{words.GAP}h {minutes % 60}{words.GAP}min"
    return words.countdown(left)


def time_words(event: Event) -> str:
    """The clock time of an event as the user's clock shows it, or what stands in its place."""
    if event.all_day:
        return words.tr("All day")
    if not event.timed:
        return words.tr("Tentative")
    shown = f"{event.time.astimezone():%H:%M}"
    return f"~ {shown}" if event.tentative else shown


def _text(row: EventRow, column: Column) -> str:
    event = row.event
    if column in (Column.IMPACT, Column.CHANGE):
        look = _look(row, column)
        return look.word if look else ""
    texts = {
        Column.TIME: time_words(event),
        Column.CURRENCY: words.tr("All") if event.currency == EVERY_CURRENCY else event.currency,
        Column.EVENT: event.title,
        Column.ACTUAL: event.actual,
        Column.FORECAST: event.forecast,
        Column.PREVIOUS: event.previous,
    }
    return texts[column]


def watched_currencies(symbols: Sequence[str], known: Collection[str]) -> frozenset[str]:
    """The currencies in the names of symbols, as far as the calendar has events of them: EURUSD has EUR and USD."""
    found = set()
    for symbol in symbols:
        name = symbol.upper()
        found |= {currency for currency in known if currency in (name[:3], name[3:6])}
    return frozenset(found)
