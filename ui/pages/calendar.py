"""The economic calendar: a week of events with what changed about them, the next one counted down, and its age."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QFont, QPainter
from PySide6.QtWidgets import QAbstractItemView, QHBoxLayout, QSizePolicy, QStyleOptionViewItem, QWidget

from app.runs import Run, RunState
from ui import words
from ui.engine_link import EngineLink
from ui.models.calendar_week import (
    DAYS,
    GROUP_ROLE,
    LOOK_ROLE,
    NEXT_ROLE,
    STRONG,
    Column,
    Filter,
    WeekTable,
    changed_count,
    countdown_words,
    next_event,
    strengths,
    time_words,
    watched_currencies,
    week_rows,
    week_start,
)
from ui.pages.page import Page
from ui.theme import Theme
from ui.widgets.cells import PADDING, Cell, paint_look
from ui.widgets.choice import Choice
from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import button, icon_button, label, row
from ui.widgets.state_badge import Chip, StateBadge
from ui.widgets.tables import ROW, Table, framed
from ui.widgets.week_strip import WeekStrip
from workers.calendar import store
from workers.calendar.query import MAX_AGE
from workers.calendar.values import Calendar, Event, Impact

if TYPE_CHECKING:
    from app.engine import Engine

TASK = "update_economic_calendar"
DAY_ROW = 30
AnyIndex = QModelIndex | QPersistentModelIndex
_WATCHED = "watched"


class EventCell(Cell):
    """A cell of an event, or the heading of a day over all columns."""

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        if not index.data(GROUP_ROLE):
            super().paint(painter, option, index)
            return
        rect = QRectF(option.rect)
        painter.fillRect(rect, self.theme.tint("line", 0.35))
        painter.fillRect(QRectF(rect.left(), rect.bottom() - 1, rect.width(), 1.0), self.theme.color("line"))
        painter.setFont(self.theme.font(11.5, QFont.Weight.Medium))
        painter.setPen(self.theme.ink("dim"))
        painter.drawText(rect.adjusted(PADDING, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), str(index.data() or ""))

    def paint_row(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        super().paint_row(painter, option, index)
        if index.column() == 0 and index.data(NEXT_ROLE):
            rect = QRectF(option.rect)
            painter.fillRect(QRectF(rect.left(), rect.top() + 6, 3.0, rect.height() - 13), self.theme.color("accent"))

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        look = index.data(LOOK_ROLE)
        if isinstance(look, words.Look):
            paint_look(painter, rect, look, self.theme)
        else:
            super().paint_content(painter, rect, index)


class CalendarPage(Page):
    """A week of the stored calendar. It is read on the window's pool, again after each update that ends."""

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Calendar"), parent)
        self._link = link
        self._calendar = Calendar()
        self._currencies: list[str] = []
        self._read_once = False
        self._next: Event | None = None
        self._start = week_start(link.now().astimezone().date())
        self._today = link.now().astimezone().date()
        self.subtitle.setText(self.tr("Reading the stored calendar"))
        self.upcoming = Chip(theme)
        self.upcoming.hide()
        self.upcoming.clicked.connect(self.show_next)
        self.upcoming.setToolTip(self.tr("Show the next event in the list"))
        self._currency = Choice(self.tr("Currency"))
        self._impact = Choice(self.tr("Impact"))
        self._fill_choices()
        self.fetch = button(self.tr("Fetch now"), lambda: link.submit(TASK), style="primary")
        for part in (self._currency, self._impact, self.fetch):
            self.head.addWidget(part)
        self.body.addLayout(self._week_bar(theme))
        self.strip = WeekStrip(theme)
        self.strip.day_chosen.connect(self.show_day)
        self.body.addWidget(self.strip)
        self._trouble = self._trouble_line(theme)
        self.body.addWidget(self._trouble)
        self.model = WeekTable(self)
        self.table = self._make_table(theme)
        self.main = self.table
        self._empty = label("", "dim", wrap=True)
        self._empty.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self._empty.hide()
        self.body.addWidget(self._empty)
        self._frame = framed(self.table)
        self.body.addWidget(self._frame, 1)
        link.runs_changed.connect(self._on_runs)
        link.attached.connect(self.entered)

    def _week_bar(self, theme: Theme) -> QHBoxLayout:
        self._week = label("", "strong")
        self._summary = ElidedLabel("small")
        self._summary.setToolTip(self.tr("Changes of the last 24 hours are marked in the list"))
        self.today_button = button(self.tr("Today"), self.show_today, tip=self.tr("Show this week (T)"))
        self.today_button.setShortcut("T")
        self.earlier = icon_button(theme, "previous", self.tr("The week before"), lambda: self.turn(-1))
        self.later = icon_button(theme, "next", self.tr("The week after"), lambda: self.turn(1))
        # In a narrow window the summary is cut first; the strip below says nearly the same.
        self._summary.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        bar = row(self.earlier, self.later, self._week, self._summary, self.upcoming, 4, self.today_button, spacing=6)
        bar.setStretchFactor(self._summary, 1)
        return bar

    def _trouble_line(self, theme: Theme) -> QWidget:
        self._badge = StateBadge(theme)
        self._problem = label("", "small", wrap=True, selectable=True)
        line = QWidget()
        layout = row(self._badge, self._problem)
        layout.setStretch(1, 1)
        line.setLayout(layout)
        line.hide()
        return line

    def _make_table(self, theme: Theme) -> Table:
        table = Table(self.tr("Events"))
        table.setModel(self.model)
        table.setItemDelegate(EventCell(theme, table))
        table.setItemDelegateForColumn(Column.EVENT, EventCell(theme, table, strong=True))
        widths = {
            Column.TIME: 78,
            Column.CURRENCY: 70,
            Column.IMPACT: 92,
            Column.CHANGE: 256,
            Column.ACTUAL: 78,
            Column.FORECAST: 78,
            Column.PREVIOUS: 78,
        }
        spare = (Column.PREVIOUS, Column.FORECAST)  # the tip of a row has them too
        table.set_widths(
            {int(k): width for k, width in widths.items()},
            Column.EVENT,
            yielding=spare,
            least=200,
            shrinking={int(Column.CHANGE): 120},
        )
        return table

    def _fill_choices(self) -> None:
        self._currency.addItem(self.tr("All currencies"), "")
        self._currency.addItem(self.tr("My symbols"), _WATCHED)
        self._impact.addItem(self.tr("All impacts"), frozenset(Impact))
        self._impact.addItem(self.tr("Medium and high"), frozenset(STRONG))
        self._impact.addItem(self.tr("High only"), frozenset({Impact.HIGH}))
        for box in (self._currency, self._impact):
            box.currentIndexChanged.connect(self._on_filter)

    # -- what the engine says --------------------------------------------------------------------------------------

    def entered(self) -> None:
        if self._link.ready:
            self.fetch.setEnabled(self._link.spec(TASK) is not None)
            self._link.query(self, _read, self._on_calendar)

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            if run.task != TASK:
                continue
            busy = not run.state.is_final
            self.fetch.setEnabled(not busy)
            self.fetch.setText(self.tr("Fetching") if busy else self.tr("Fetch now"))
            if run.state.is_final:
                self._say(run)
                self._link.query(self, _read, self._on_calendar)

    def _say(self, run: Run) -> None:
        """What the last run says when it brought no calendar; a later good one takes it away."""
        if run.state.is_success:
            self._trouble.hide()
        elif run.state in (RunState.FAILED, RunState.TIMED_OUT, RunState.SKIPPED):
            self._show_trouble(words.state_look(run.state), words.joined(words.sentence(run), run.advice))

    def _show_trouble(self, look: words.Look, text: str) -> None:
        self._badge.set_look(look)
        self._problem.setText(text)
        self._trouble.setVisible(bool(text))

    def _on_calendar(self, answer: tuple[Calendar, list[str]]) -> None:
        calendar, self._currencies = answer
        self._calendar = calendar
        self._offer_currencies()
        now = self._link.now()
        if not self._read_once:
            self._read_once = True
            self._start = week_start(now.astimezone().date())
        problem = calendar.sources[0].problem if calendar.sources else ""  # of the source that was asked last
        if problem and self._trouble.isHidden():
            self._show_trouble(words.state_look(RunState.FAILED), problem)
        self._show_rows(now)
        self.tick(now)
        if self.table.verticalScrollBar().value() == 0:
            self.show_next(choose=False)

    def _offer_currencies(self) -> None:
        known = self._currencies
        offered = [self._currency.itemData(place) for place in range(2, self._currency.count())]
        if offered == known:
            return
        chosen = self._currency.currentData()
        blocked = self._currency.blockSignals(True)
        while self._currency.count() > 2:
            self._currency.removeItem(2)
        for currency in known:
            self._currency.addItem(currency, currency)
        self._currency.setCurrentIndex(max(self._currency.findData(chosen), 0))
        self._currency.blockSignals(blocked)

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def wanted(self) -> Filter:
        """What the choices say."""
        chosen = str(self._currency.currentData())
        currencies = frozenset({chosen}) if chosen else frozenset()
        if chosen == _WATCHED:
            symbols = self._link.engine.settings.current.market.watch_list if self._link.ready else ()
            currencies = watched_currencies(symbols, self._currencies)
        return Filter(currencies, self._impact.currentData())

    def _on_filter(self, _place: int) -> None:
        self._show_rows(self._link.now())

    def turn(self, weeks: int) -> None:
        """Show an earlier or a later week."""
        self._start += timedelta(days=DAYS * weeks)
        self._show_rows(self._link.now())
        self.table.scrollToTop()

    def show_today(self) -> None:
        """Show this week, at today."""
        now = self._link.now()
        self._start = week_start(now.astimezone().date())
        self._show_rows(now)
        self.show_day(now.astimezone().date())

    def show_day(self, day: date) -> None:
        """Bring a day of the week into sight."""
        self.strip.choose(day)
        place = self.model.place_of_day(day)
        if place >= 0:
            self.table.scrollTo(self.model.index(place, 0), QAbstractItemView.ScrollHint.PositionAtTop)

    def show_next(self, *, choose: bool = True) -> None:
        """Bring the next event into sight."""
        if self._next is None:
            return
        if choose:
            self._start = week_start(self._next.time.astimezone().date())
            self._show_rows(self._link.now())
        place = self.model.place_of_event(self._next.id)
        if place >= 0:
            if choose:
                self.table.selectRow(place)
            self.strip.choose(self._next.time.astimezone().date())
            self.table.scrollTo(self.model.index(place, 0), QAbstractItemView.ScrollHint.PositionAtCenter)

    def _show_rows(self, now: datetime) -> None:
        wanted = self.wanted
        self._next = next_event(self._calendar, wanted, now)
        rows = week_rows(self._calendar, self._start, wanted, now)
        others = self.model.show(rows, now, self._next.id if self._next else "")
        if others:
            self._dress_rows()
        counts = strengths(self._calendar, self._start, wanted)
        self._today = now.astimezone().date()
        self.strip.show_week(self._start, self._today, counts)
        self._week.setText(_week_words(self._start))
        self._summary.setText(self._counted(counts, changed_count(rows)))
        self._frame.setVisible(bool(rows))
        self._empty.setVisible(not rows)
        if not rows:
            self._empty.setText(self._empty_words())

    def _dress_rows(self) -> None:
        self.table.clearSpans()
        groups = set(self.model.group_places())
        for place in range(self.model.rowCount()):
            self.table.setRowHeight(place, DAY_ROW if place in groups else ROW)
        for place in groups:
            self.table.setSpan(place, 0, 1, len(Column))

    def _counted(self, counts: tuple[tuple[int, int, int], ...], changed: int) -> str:
        total = sum(sum(day) for day in counts)
        if not total:
            return ""
        high = sum(day[0] for day in counts)
        return words.joined(
            words.plural(total, "event", "events"),
            self.tr("{n} of high impact").format(n=high),
            self.tr("{n} changed").format(n=changed) if changed else "",
        )

    def _empty_words(self) -> str:
        if not self._calendar.events:
            return self.tr("There is no calendar yet. Fetch it now, or name another source under Settings, Calendar.")
        if self.wanted != Filter():
            return self.tr("No event of this week matches. Choose another currency or impact, or another week.")
        return self.tr("The calendar holds no event of this week.")

    def tick(self, now: datetime) -> None:
        if not self._read_once:
            return
        if (self._next is not None and self._next.time < now) or now.astimezone().date() != self._today:
            self._show_rows(now)
        self.model.set_now(now, self._next.id if self._next else "")
        self._count_down(now)
        text, tip = self._age(now)
        if self.subtitle.text() != text:
            self.subtitle.setText(text)
            self.subtitle.setToolTip(tip)

    def _count_down(self, now: datetime) -> None:
        event = self._next
        self.upcoming.setVisible(event is not None)
        if event is None:
            return
        left = countdown_words(event.time - now)
        icon, role = {
            Impact.HIGH: ("impact_high", "error"),
            Impact.MEDIUM: ("impact_medium", "warning"),
        }.get(event.impact, ("impact_low", "idle"))
        remark = self.tr("in {left}").format(left=left)
        self.upcoming.show_parts(icon, role, f"{event.currency} {_short(event.title)}", remark)
        self.upcoming.setAccessibleName(
            self.tr("Next: {event} at {time}").format(event=f"{event.currency} {event.title}", time=time_words(event))
        )

    def _age(self, now: datetime) -> tuple[str, str]:
        """How old the calendar is and where it is from, and the exact times."""
        fetched = self._calendar.fetched
        if fetched is None:
            return self.tr("Not fetched yet"), ""
        age = words.age(fetched, now)
        text = self.tr("Fetched {age}").format(age=age)
        if now - fetched > MAX_AGE:
            text = self.tr("Fetched {age}, too old to rely on").format(age=age)
        newest = max(self._calendar.sources, key=lambda state: state.succeeded.timestamp() if state.succeeded else 0.0)
        tip = "\n".join(part for part in (words.both_times(fetched), newest.source, newest.time_zone) if part)
        return words.joined(text, newest.recognised), tip


def _read(engine: Engine) -> tuple[Calendar, list[str]]:
    """The stored calendar and the currencies of its events; on the window's pool."""
    calendar = store.load(engine.storage)
    return calendar, sorted({event.currency for event in calendar.events})


def _short(title: str) -> str:
    return title if len(title) <= 34 else title[:33] + "\N{HORIZONTAL ELLIPSIS}"


def _week_words(start: date) -> str:
    end = start + timedelta(days=DAYS - 1)
    first = f"{start.day}" if start.month == end.month else f"{start.day} {start:%B}"
    return f"{first} \N{EN DASH} {end.day} {end:%B %Y}"
