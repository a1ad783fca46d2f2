"""The card of one plot: what it shows, its newest value, and the plot or why there is none yet."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from ui import words
from ui.theme import Theme
from ui.widgets.labels import label, row

if TYPE_CHECKING:
    from ui.widgets.trend_plot import TrendPlot
    from workers.health.series import Floats, Line

_HEIGHT = 158
#: Keys that move the mark by so many samples.
_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_PageUp: -10, Qt.Key.Key_PageDown: 10}


@dataclass(frozen=True, slots=True)
class Figure:
    """What a plot is about.

    Attributes:
        name: Of the figure in the samples.
        said: How a value reads.
        empty: Why there may be nothing to see, and when there will be.
        role: Colour of the line.
        from_zero: Whether the scale begins at zero.
        fresh: Whether the newest sample is the present value; else the samples are events, painted as dots.
    """

    name: str
    title: str
    said: Callable[[float], str]
    empty: str
    role: str
    from_zero: bool = True
    fresh: bool = True


class TrendCard(QFrame):
    """A plot with its words. Pointer and arrow keys read single samples."""

    def __init__(self, theme: Theme, figure: Figure, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.figure = figure
        self._theme = theme
        self._line: Line | None = None
        self._place: int | None = None
        self._range = ""
        self._resting = ""
        self.plot: TrendPlot | None = None
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setFixedHeight(_HEIGHT)
        self.title = label(words.tr(figure.title), "dim")
        self.title.setMinimumWidth(1)
        self.value = label("", "strong")
        self.note = label(words.tr("Reading"), "muted", wrap=True)
        self.note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._inner = QVBoxLayout(self)
        self._inner.setContentsMargins(15, 10, 12, 6)
        self._inner.setSpacing(4)
        self._inner.addLayout(row(self.title, None, self.value))
        self._inner.addWidget(self.note, 1)
        self.setAccessibleName(words.tr(figure.title))

    def put_plot(self, plot: TrendPlot) -> None:
        """Take the plot; it is shown once there is a line."""
        self.plot = plot
        plot.hide()
        plot.pointed.connect(self._on_pointed)
        self._inner.addWidget(plot, 1)

    def show_line(
        self,
        found: Line,
        begin: float,
        end: float,
        range_words: str,
        forecast: tuple[Floats, Floats] | None = None,
        remark: str = "",
    ) -> None:
        """Show a line.

        Args:
            range_words: How the span reads, for example ``24 h``.
            remark: What is said beside the newest value.
        """
        self._line, self._range, self._place = found, range_words, None
        shown = found.last is not None and self.plot is not None
        self.note.setVisible(not shown)
        self.note.setText(words.tr(self.figure.empty))
        if self.plot is not None:
            self.plot.setVisible(shown)
            self.plot.show_line(found, begin, end, forecast)
            self.plot.point_at(None)
        self._resting = self._newest(found, end, remark)
        self.value.setText(self._resting)
        self._describe()

    def _newest(self, found: Line, end: float, remark: str) -> str:
        from workers.health.series import DOWN_S

        if found.last is None:
            return words.DASH
        if self.figure.fresh and end - float(found.times[-1]) > DOWN_S:
            return words.DASH
        return words.joined(self.figure.said(found.last), remark)

    def _describe(self) -> None:
        title, found = words.tr(self.figure.title), self._line
        if found is None or found.low is None or found.high is None:
            self.setAccessibleName(f"{title}: {words.tr(self.figure.empty)}")
            return
        between = words.tr("{title}, {span}: {now}, between {low} and {high}").format(
            title=title,
            span=self._range,
            now=self._resting,
            low=self.figure.said(found.low),
            high=self.figure.said(found.high),
        )
        self.setAccessibleName(between)
        self.setToolTip(between)

    # -- reading single samples ------------------------------------------------------------------------------------

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = _STEPS.get(Qt.Key(event.key()))
        if step is None or self._line is None or self._line.last is None:
            if event.key() == Qt.Key.Key_Escape and self._place is not None:
                self._read(None)
                return
            super().keyPressEvent(event)
            return
        count = self._line.times.size
        place = (count if self._place is None else self._place) + step
        place = min(max(place, 0), count - 1)
        if math.isnan(float(self._line.times[place])):  # the gap between two pieces
            place = min(max(place + (1 if step > 0 else -1), 0), count - 1)
        self._read(place)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._read(None)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self._mark_focus(True)

    def _mark_focus(self, current: bool) -> None:
        self.setProperty("current", current)
        self.style().unpolish(self)
        self.style().polish(self)

    def _on_pointed(self, time: float) -> None:
        if self._line is None or self._line.last is None or math.isnan(time):
            self._read(None)
            return
        from workers.health.series import nearest

        self._read(nearest(self._line, time))

    def _read(self, place: int | None) -> None:
        self._place = place
        found, plot = self._line, self.plot
        if place is None or found is None or plot is None:
            self.value.setText(self._resting)
            if plot is not None:
                plot.point_at(None)
            if not self.hasFocus():
                self._mark_focus(False)
            return
        at, value = float(found.times[place]), float(found.values[place])
        when = datetime.fromtimestamp(at, UTC)
        self.value.setText(f"{when.astimezone():%d %b %H:%M}{words.DOT}{self.figure.said(value)}")
        self.value.setAccessibleName(self.value.text())
        plot.point_at(at)
