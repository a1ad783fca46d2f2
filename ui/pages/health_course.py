"""How Metronome fared over time, on the health page: six plots and the times when it or the terminal was away."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QGridLayout, QPushButton, QVBoxLayout, QWidget

from ui import words
from ui.engine_link import EngineLink
from ui.theme import Theme
from ui.widgets.labels import button, label, row
from ui.widgets.outage_strip import OutageStrip
from ui.widgets.trend_card import Figure, TrendCard

if TYPE_CHECKING:
    from app.engine import Engine
    from app.terminal.outages import Outage
    from workers.health.series import Course, Down

#: What a plot is divided into: more than can be seen in most of them.
BUCKETS: Final = 360
SHOWN: Final = 6
#: First the page is painted: while another thread computes, each call from Qt into Python has to wait for it.
PAINTED_MS: Final = 150
#: Between two plots that are made, so that each turn of the event loop is a short one.
_BREATH_MS: Final = 20
_CARD_WIDTH, _MOST_COLUMNS = 300, 3


@dataclass(frozen=True, slots=True)
class Span:
    """A span that can be chosen: its words, its length, and how often it is read anew, seconds."""

    words: str
    length: timedelta
    again_s: float


SPANS: Final = (
    Span("1 h", timedelta(hours=1), 20.0),
    Span("24 h", timedelta(hours=24), 60.0),
    Span("30 d", timedelta(days=30), 600.0),
)


def _said_ms(value: float) -> str:
    return f"{value:,.0f}{words.GAP}ms"


FIGURES: Final = (
    Figure(
        "ping_ms",
        "Terminal ping",
        _said_ms,
        "No ping in this time: one comes each half minute while a terminal is connected.",
        "running",
    ),
    Figure(
        "lateness_ms",
        "Lateness of scheduled runs",
        lambda value: words.lateness(value / 1000),
        "No run was due in this time. The next one on the timetable makes the first point.",
        "ok",
        fresh=False,
    ),
    Figure(
        "queued", "Queue depth", lambda value: f"{value:.0f}", "The first sample comes within half a minute.", "accent"
    ),
    Figure(
        "memory_mb",
        "Memory",
        lambda value: f"{value:,.0f}{words.GAP}MB",
        "The first sample comes within half a minute.",
        "idle",
        from_zero=False,
    ),
    Figure(
        "lag_ms", "Window held", _said_ms, "Measured while the window is in sight, twice a minute at least.", "warning"
    ),
    Figure(
        "free_gb",
        "Free disk space, with forecast",
        lambda value: f"{value:,.1f}{words.GAP}GB",
        "The first sample comes within half a minute.",
        "dim",
        from_zero=False,
    ),
)


@dataclass(frozen=True, slots=True)
class _Read:
    span: Span
    course: Course
    outages: tuple[Outage, ...]
    now: datetime


class CourseSection(QWidget):
    """The choice of a span, the plots, and the card of outages."""

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("clear")
        self._theme = theme
        self._link = link
        self.span = SPANS[0]
        self._read_at: datetime | None = None
        self._reading = False
        self._asked = self._loaded = False
        self._fills_gb_day: float | None = None
        self._remark = ""
        self._columns = 0
        self._newest: _Read | None = None
        self.cards = {figure.name: TrendCard(theme, figure) for figure in FIGURES}
        self.choices: dict[str, QPushButton] = {}
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(10)
        self.outages = OutageCard(theme)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addLayout(row(label(self.tr("Course"), "strong"), None, *self._make_choices(), spacing=2))
        layout.addLayout(self._grid)
        layout.addWidget(self.outages)
        self._arrange()

    def _make_choices(self) -> list[QPushButton]:
        group = QButtonGroup(self)
        for number, span in enumerate(SPANS, start=1):
            choice = button(span.words, partial(self.choose, span), style="quiet")
            choice.setCheckable(True)
            choice.setProperty("switch", True)
            choice.setChecked(span is self.span)
            choice.setAccessibleName(self.tr("The last {span}").format(span=span.words))
            choice.setToolTip(self.tr("Show the last {span} (Alt+{n})").format(span=span.words, n=number))
            QShortcut(QKeySequence(f"Alt+{number}"), self).activated.connect(partial(self.choose, span))
            group.addButton(choice)
            self.choices[span.words] = choice
        return list(self.choices.values())

    @property
    def complete(self) -> bool:
        """Whether all plots are there and show something, or say why not."""
        return self._newest is not None and all(card.plot is not None for card in self.cards.values())

    # -- reading ---------------------------------------------------------------------------------------------------

    def choose(self, span: Span) -> None:
        """Show another span."""
        self.span = span
        self.choices[span.words].setChecked(True)
        self.refresh()

    def refresh(self) -> None:
        """Read the samples of the span, on the pool; the first time the plots are loaded there before."""
        if not self._link.ready or self._reading or not self.isVisible():
            return
        if not self._asked:
            self._asked = True
            QTimer.singleShot(PAINTED_MS, self, self._load)
        if not self._loaded:
            return
        self._reading = True
        self._link.query(self, partial(_read, self.span), self._on_read, self._on_refused)

    def tick(self, now: datetime) -> None:
        """A second has passed."""
        if self._read_at is None or not 0 <= (now - self._read_at).total_seconds() < self.span.again_s:
            self.refresh()

    def show_pace(self, fills_bytes_day: float | None, days_left: float | None) -> None:
        """Take over what the newest check says about the disk."""
        self._fills_gb_day = None if fills_bytes_day is None else fills_bytes_day / 1e9
        self._remark = "" if days_left is None else words.plural(round(days_left), "day left", "days left")
        if self._newest is not None:
            self._show("free_gb", self._newest)

    def _load(self) -> None:
        self._link.query(self, _load_plots, lambda _module: self._put_next_plot())

    def _put_next_plot(self) -> None:
        """One plot in each turn of the event loop: each takes some 10 ms."""
        from ui.widgets.trend_plot import TrendPlot

        card = next((card for card in self.cards.values() if card.plot is None), None)
        if card is None:
            self._loaded = True
            self.refresh()
            return
        figure = card.figure
        card.put_plot(TrendPlot(self._theme, figure.role, from_zero=figure.from_zero, dotted=not figure.fresh))
        QTimer.singleShot(_BREATH_MS, self, self._put_next_plot)

    def _on_refused(self, error: Any) -> None:
        self._reading = False
        self._read_at = self._link.now()
        self._link.troubled.emit(error.message, error.advice)

    def _on_read(self, found: _Read) -> None:
        self._reading = False
        if found.span is not self.span:
            self.refresh()  # another one was chosen meanwhile
            return
        self._read_at, self._newest = found.now, found
        for name in self.cards:
            self._show(name, found)
        self.outages.show_course(found.course, found.outages, found.span, found.now)

    def _show(self, name: str, found: _Read) -> None:
        line, course = found.course.lines[name], found.course
        ahead, remark = None, ""
        if name == "free_gb" and line.last is not None:
            from ui.widgets.trend_plot import AHEAD
            from workers.health.series import forecast

            ahead = forecast(line.last, float(line.times[-1]), (course.end - course.begin) * AHEAD, self._fills_gb_day)
            remark = self._remark
        self.cards[name].show_line(line, course.begin, course.end, found.span.words, ahead, remark)

    # -- lay-out ---------------------------------------------------------------------------------------------------

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._arrange()

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        self.refresh()

    def _arrange(self) -> None:
        columns = max(1, min(_MOST_COLUMNS, (self.width() + 10) // (_CARD_WIDTH + 10)))
        if columns == self._columns:
            return
        self._columns = columns
        for place, card in enumerate(self.cards.values()):
            self._grid.addWidget(card, place // columns, place % columns)
        for column in range(_MOST_COLUMNS):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)


class OutageCard(QFrame):
    """When the terminal and when Metronome itself was away, as strips; those of Metronome in words."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.title = label("", "dim")
        self.watched = label("", "muted")
        self.watched.setMinimumWidth(1)
        self.terminal, self.metronome = OutageStrip(theme), OutageStrip(theme)
        self.list = QGridLayout()
        self.list.setHorizontalSpacing(14)
        self.list.setVerticalSpacing(3)
        self.list.setColumnStretch(2, 1)
        strips = QGridLayout()
        strips.setHorizontalSpacing(14)
        strips.setColumnStretch(1, 1)
        for line, (name, strip) in enumerate(
            ((self.tr("Terminal"), self.terminal), (self.tr("Metronome"), self.metronome))
        ):
            strips.addWidget(label(name, "small"), line, 0)
            strips.addWidget(strip, line, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(15, 12, 15, 12)
        layout.setSpacing(6)
        layout.addLayout(row(self.title, None, self.watched))
        layout.addLayout(strips)
        layout.addLayout(self.list)

    def show_course(self, course: Course, outages: tuple[Outage, ...], span: Span, now: datetime) -> None:
        """Show the outages of a span."""
        from ui.terminal_words import outage_role

        self.title.setText(self.tr("Outages, last {span}").format(span=span.words))
        since = course.watched_since
        self.watched.setText(
            self.tr("Nothing recorded yet: Metronome notes every 20 s that it is there.")
            if since is None
            else self.tr("recorded since {t}").format(t=words.local_time(since, now))
        )
        ended = [(one.began, one.ended or (now if one.open else one.began), outage_role(one)) for one in outages]
        self.terminal.show_spans(ended, now, span.length)
        self.metronome.show_spans([(one.began, one.ended, _role(one)) for one in course.downs], now, span.length)
        for strip, name in ((self.terminal, self.tr("Terminal")), (self.metronome, self.tr("Metronome"))):
            count = words.plural(len(strip.spans_in_sight()), "outage", "outages")
            strip.setAccessibleName(f"{name}: {count}")
            strip.setToolTip(f"{name}: {count}")
        self._show_list(course.downs[::-1][:SHOWN], now)
        self.setAccessibleName(
            words.joined(self.title.text(), self.terminal.accessibleName(), self.metronome.accessibleName())
        )

    def _show_list(self, downs: tuple[Down, ...], now: datetime) -> None:
        while (item := self.list.takeAt(0)) is not None:
            if (widget := item.widget()) is not None:
                widget.deleteLater()
        for line, down in enumerate(downs):
            when = label(
                f"{words.local_time(down.began, now)} \N{EN DASH} {words.local_time(down.ended, now)}", "small"
            )
            when.setToolTip(words.both_times(down.began))
            length = label(words.duration((down.ended - down.began).total_seconds()), "small")
            why = self.tr("Metronome was not running.") if down.restarted else self.tr("Asleep, or held up.")
            for column, part in enumerate((when, length, label(why, "small", wrap=True, selectable=True))):
                self.list.addWidget(part, line, column)


def _role(down: Down) -> str:
    return "error" if down.restarted else "warning"


def _load_plots(_engine: Engine) -> None:
    """Import pyqtgraph where nobody waits for it."""
    import ui.widgets.trend_plot  # noqa: F401 - and with it pyqtgraph


def _read(span: Span, engine: Engine) -> _Read:
    from workers.health.series import course

    now = engine.clock.now()
    records = engine.sampler.read(now - span.length, now)
    found = course(records, (now - span.length).timestamp(), now.timestamp(), BUCKETS)
    return _Read(span, found, engine.terminal.outages(), now)
