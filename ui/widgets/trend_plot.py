"""One plot of the Health page, on pyqtgraph.

pyqtgraph takes 0.3 s and 30 MB at its first import: who imports this module has let a thread of the pool do that.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pyqtgraph as pg
from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QMouseEvent, QWheelEvent
from PySide6.QtWidgets import QWidget

from ui.theme import Theme
from ui.widgets.trend_scale import bounds, time_marks, value_marks
from workers.health.series import NOTHING, Line, alone

if TYPE_CHECKING:
    from workers.health.series import Floats

_AXIS_WIDTH, _AXIS_HEIGHT = 46, 20
#: A part of the span that is added on the right when there is a forecast.
AHEAD = 0.25


class TrendPlot(pg.PlotWidget):  # type: ignore[misc]
    """A line over time with its gaps, samples without neighbours as dots, and a dashed forecast.

    A dotted plot is of events: between two of them there was nothing that a stroke could stand for.

    Signals:
        pointed: over which time the pointer is (UTC epoch seconds); NaN when it left.
    """

    pointed = Signal(float)

    def __init__(
        self, theme: Theme, role: str, *, from_zero: bool, dotted: bool = False, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent, background=None)
        self._theme = theme
        self._role = role
        self._from_zero = from_zero
        self._dotted = dotted
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setMinimumHeight(96)
        self.setMouseTracking(True)
        self.setStyleSheet("background: transparent; border: none;")
        self.setMenuEnabled(False)
        self.setMouseEnabled(False, False)
        self.hideButtons()
        self.line = pg.PlotCurveItem(connect="finite", antialias=True)
        self.forecast = pg.PlotCurveItem(connect="finite", antialias=True)
        self.dots = pg.ScatterPlotItem(size=4, pen=None)
        self.cursor = pg.InfiniteLine(angle=90)
        self.cursor.hide()
        for item in (self.line, self.forecast, self.dots, self.cursor):
            self.addItem(item, ignoreBounds=True)
        self.getAxis("left").setWidth(_AXIS_WIDTH)
        self.getAxis("bottom").setHeight(_AXIS_HEIGHT)
        for name in ("left", "bottom"):
            self.getAxis(name).setStyle(tickLength=0, tickTextOffset=5)
        self._take_colors()
        theme.changed.connect(self._take_colors)

    def show_line(self, found: Line, begin: float, end: float, forecast: tuple[Floats, Floats] | None = None) -> None:
        """Show a line over the span from ``begin`` to ``end`` (UTC epoch seconds)."""
        stroke = NOTHING if self._dotted else found
        self.line.setData(stroke.times, stroke.values)
        known = np.isfinite(found.times)
        self.dots.setData(*((found.times[known], found.values[known]) if self._dotted else alone(found)))
        ahead = forecast if forecast is not None else (NOTHING.times, NOTHING.values)
        self.forecast.setData(*ahead)
        right = max(end, float(ahead[0][-1])) if ahead[0].size else end
        lows = [value for value in (found.low, *ahead[1]) if value is not None]
        highs = [value for value in (found.high, *ahead[1]) if value is not None]
        low, high = bounds(min(lows, default=0.0), max(highs, default=0.0), from_zero=self._from_zero)
        self.setXRange(begin, right, padding=0)
        self.setYRange(low, high, padding=0)
        self.getAxis("left").setTicks([value_marks(low, high)])
        self.getAxis("bottom").setTicks([time_marks(begin, right)])

    def point_at(self, time: float | None) -> None:
        """Mark a time; None takes the mark away."""
        self.cursor.setVisible(time is not None)
        if time is not None:
            self.cursor.setValue(time)

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the page scrolls

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self.getPlotItem().vb.mapSceneToView(event.position())
        self.pointed.emit(float(place.x()))

    def leaveEvent(self, event: Any) -> None:
        super().leaveEvent(event)
        self.pointed.emit(float(np.nan))

    def _take_colors(self) -> None:
        color = self._theme.color(self._role)
        self.line.setPen(pg.mkPen(color, width=1))  # a wider one takes twice the time to paint
        self.dots.setBrush(pg.mkBrush(color))
        self.forecast.setPen(pg.mkPen(self._theme.ink("muted"), width=1, style=Qt.PenStyle.DashLine))
        self.cursor.setPen(pg.mkPen(self._theme.color("faint"), width=1))
        for name in ("left", "bottom"):
            axis = self.getAxis(name)
            axis.setPen(pg.mkPen(self._theme.color("line")))
            axis.setTextPen(pg.mkPen(self._theme.ink("muted")))
            axis.setTickFont(self._theme.font(11))
