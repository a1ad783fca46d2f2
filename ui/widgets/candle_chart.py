"""Candles with a crosshair, calendar events and trade ideas; wheel zooms, dragging and arrows move.

Painted by ourselves: pyqtgraph costs 261 ms and some 30 MB at its first import, and two thousand candles on a
QPainter take a few milliseconds. Only what is in sight is painted.
"""

from __future__ import annotations

import bisect
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
from PySide6.QtCore import QLineF, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QWheelEvent
from PySide6.QtWidgets import QWidget

from ui import words
from ui.theme import Theme

if TYPE_CHECKING:
    from workers.market.view import Chart, EventMark, IdeaMark

RIGHT, BOTTOM, TOP = 68.0, 24.0, 10.0
_VOLUME_SHARE: Final = 0.14
_LEAST, _MOST = 20.0, 1_200.0
#: Bars of empty room behind the newest one, for events that are still to come.
_AHEAD: Final = 8.0
_STEPS: Final = (1.0, 2.0, 2.5, 5.0)
_IMPACT: Final = {"high": "error", "medium": "warning"}
_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_TIME_STEPS: Final = (
    5 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE, _HOUR, 2 * _HOUR, 4 * _HOUR, 6 * _HOUR, 12 * _HOUR,
    _DAY, 2 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 60 * _DAY, 90 * _DAY, 180 * _DAY, 365 * _DAY,
)  # fmt: skip


class CandleChart(QWidget):
    """A chart of one symbol.

    Signals:
        pointed: what is under the crosshair, in words; empty when there is nothing.
    """

    pointed = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._chart: Chart | None = None
        self._times: list[int] = []
        self._seconds = 60
        self._span = 120.0  # bars in sight
        self._end = 0.0  # the bar number at the right edge
        self._pointer: QPointF | None = None
        self._drag: tuple[float, float] | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(320, 200)
        self.setAccessibleName(self.tr("Chart"))
        theme.changed.connect(self.update)

    # -- content ---------------------------------------------------------------------------------------------------

    def show_chart(self, chart: Chart, seconds: int) -> None:
        """Show these bars, ``seconds`` long; the view stays where it is while symbol and timeframe are the same."""
        old = self._chart
        same = old is not None and (old.symbol, old.timeframe) == (chart.symbol, chart.timeframe)
        follows = not same or self._end >= len(self._times)
        self._chart = chart
        self._seconds = seconds
        self._times = chart.rates["time"].tolist()
        if not same:
            self._span = 120.0
        if follows:
            self.to_newest()
        self._clamp()
        self.setAccessibleDescription(self._describe())
        self.update()

    @property
    def visible_bars(self) -> float:
        """How many bars are in sight."""
        return self._span

    @property
    def right_edge(self) -> float:
        """The number of the bar at the right edge, counted from the oldest."""
        return self._end

    def to_newest(self) -> None:
        """Move to the newest bars."""
        self._end = len(self._times) + _AHEAD * self._span / 120
        self.update()

    def zoom(self, factor: float, share: float = 1.0) -> None:
        """Show ``factor`` times as many bars; what is at ``share`` of the width stays there."""
        old = self._span
        self._span = min(_MOST, max(_LEAST, old * factor))
        self._end += (self._span - old) * (1 - share)
        self._clamp()
        self.update()

    def shift(self, bars: float) -> None:
        """Move by so many bars, to newer ones when positive."""
        self._end += bars
        self._clamp()
        self.update()

    def bar_at(self, x: float) -> int:
        """The number of the bar at a place, -1 when there is none."""
        if x > self._plot().right():
            return -1
        place = int(np.floor(self._end - (self._plot().right() - x) / self._pitch()))
        return place if 0 <= place < len(self._times) else -1

    def words_at(self, place: int) -> str:
        """A bar in words: time, open, high, low, close, volume."""
        if self._chart is None or not 0 <= place < len(self._times):
            return ""
        row, d = self._chart.rates[place], self._chart.digits
        moment = datetime.fromtimestamp(int(row["time"]), UTC).astimezone()
        stamp = f"{moment:%a %Y-%m-%d}" if self._seconds >= _DAY else f"{moment:%Y-%m-%d %H:%M}"
        prices = "  ".join(
            f"{name}{words.GAP}{row[field]:.{d}f}"
            for name, field in (("O", "open"), ("H", "high"), ("L", "low"), ("C", "close"))
        )
        return f"{stamp}  {prices}  V{words.GAP}{int(row['tick_volume'])}"

    def newest_words(self) -> str:
        """The newest bar in words; empty when there is none."""
        return self.words_at(len(self._times) - 1)

    def _describe(self) -> str:
        if self._chart is None or not self._times:
            return self.tr("No bars")
        return self.tr("{symbol} {frame}, {n} bars, the newest: {bar}").format(
            symbol=self._chart.symbol,
            frame=self._chart.timeframe,
            n=len(self._times),
            bar=self.words_at(len(self._times) - 1),
        )

    # -- geometry --------------------------------------------------------------------------------------------------

    def _plot(self) -> QRectF:
        return QRectF(0, TOP, max(10.0, self.width() - RIGHT), max(10.0, self.height() - TOP - BOTTOM))

    def _pitch(self) -> float:
        return self._plot().width() / self._span

    def _clamp(self) -> None:
        count = len(self._times)
        self._end = min(max(self._end, min(count, _LEAST)), count + self._span * 0.5)

    def _x(self, place: float) -> float:
        """The middle of a bar."""
        return self._plot().right() - (self._end - place - 0.5) * self._pitch()

    def _x_of(self, moment: datetime) -> float:
        """Where an instant lies; behind the newest bar the bars to come are counted."""
        stamp = moment.timestamp()
        place = bisect.bisect_right(self._times, stamp) - 1
        if place == len(self._times) - 1 and self._times:
            place += int((stamp - self._times[-1]) // self._seconds)
        return self._x(place)

    def _in_sight(self) -> tuple[int, int]:
        first = max(0, int(self._end - self._span) - 1)
        return first, min(len(self._times), int(self._end) + 2)

    def _scale(self, first: int, last: int) -> tuple[float, float]:
        rates = self._chart.rates[first:last] if self._chart is not None else None
        if rates is None or not len(rates):
            return 0.0, 1.0
        low, high = float(rates["low"].min()), float(rates["high"].max())
        for idea in self._ideas_in_sight():
            reach = (high - low) * 0.8  # an idea far away must not press the bars flat
            for price in (idea.entry, idea.stop, idea.target):
                if low - reach <= price <= high + reach:
                    low, high = min(low, price), max(high, price)
        room = (high - low) * 0.06 or max(abs(high) * 0.0005, 1e-8)
        return low - room - (high - low) * _VOLUME_SHARE, high + room

    def _ideas_in_sight(self) -> list[IdeaMark]:
        if self._chart is None:
            return []
        left, right = 0.0, self._plot().right()
        return [idea for idea in self._chart.ideas if left <= self._x_of(idea.time) <= right][-3:]

    # -- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._chart is None or not self._times:
            painter.setFont(self._theme.font())
            painter.setPen(self._theme.ink("dim"))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.tr("No bars are stored yet"))
            return
        first, last = self._in_sight()
        low, high = self._scale(first, last)
        plot = self._plot()

        def y(price: float) -> float:
            return plot.bottom() - (price - low) / (high - low) * plot.height()

        self._paint_grid(painter, plot, low, high, y)
        painter.save()
        painter.setClipRect(plot)
        self._paint_back(painter, plot, y)
        self._paint_volumes(painter, plot, first, last)
        self._paint_events(painter, plot)
        self._paint_candles(painter, first, last, y)
        painter.restore()
        for idea in self._ideas_in_sight():
            self._paint_idea(painter, plot, idea, y)
        self._paint_last(painter, plot, y)
        self._paint_crosshair(painter, plot, low, high)

    def _paint_back(self, painter: QPainter, plot: QRectF, y: Callable[[float], float]) -> None:
        """Whatever lies behind the candles; here nothing."""

    def _labels_price(self, at: float, y: Callable[[float], float]) -> bool:
        """Whether the line of the grid at that height is labelled with its price."""
        return True

    def _paint_grid(
        self, painter: QPainter, plot: QRectF, low: float, high: float, y: Callable[[float], float]
    ) -> None:
        digits = self._chart.digits if self._chart else 5
        painter.setFont(self._theme.font(11))
        line = QPen(self._theme.tint("line", 0.55), 1.0)
        step = price_step(high - low, plot.height() / 56)
        price = np.ceil(low / step) * step
        while price < high:
            at = plot.bottom() - (price - low) / (high - low) * plot.height()
            painter.setPen(line)
            painter.drawLine(QLineF(plot.left(), round(at) + 0.5, plot.right(), round(at) + 0.5))
            if self._labels_price(at, y):
                painter.setPen(self._theme.ink("muted"))
                room = QRectF(plot.right() + 8, at - 8, RIGHT - 8, 16)
                painter.drawText(room, int(Qt.AlignmentFlag.AlignVCenter), f"{price:.{digits}f}")
            price += step
        for place, text in self._time_marks(plot):
            painter.setPen(line)
            at = round(self._x(place)) + 0.5
            painter.drawLine(QLineF(at, plot.top(), at, plot.bottom()))
            painter.setPen(self._theme.ink("muted"))
            painter.drawText(QRectF(at - 60, plot.bottom() + 5, 120, 16), int(Qt.AlignmentFlag.AlignHCenter), text)

    def _time_marks(self, plot: QRectF) -> list[tuple[int, str]]:
        """Bars at which a round time begins, far enough from one another."""
        first, last = self._in_sight()
        apart = 96 / self._pitch()
        wanted = apart * self._seconds
        step = next((step for step in _TIME_STEPS if step >= wanted), _TIME_STEPS[-1])
        marks: list[tuple[int, str]] = []
        before: int | None = None
        previous_day: object = None
        for place in range(first, last):
            moment = datetime.fromtimestamp(self._times[place], UTC).astimezone()
            ahead = moment.utcoffset() or timedelta()
            bucket = int(self._times[place] + ahead.total_seconds()) // step
            if before is not None and bucket != before and (not marks or place - marks[-1][0] >= apart * 0.8):
                if plot.left() + 20 < self._x(place) < plot.right() - 20:
                    new_day = moment.date() != previous_day
                    text = f"{moment:%b} {moment.day}" if new_day or step >= _DAY else f"{moment:%H:%M}"
                    marks.append((place, text if step < 180 * _DAY else f"{moment:%b %Y}"))
                    previous_day = moment.date()
            before = bucket
        return marks

    def _paint_volumes(self, painter: QPainter, plot: QRectF, first: int, last: int) -> None:
        if self._chart is None or last <= first:
            return
        volumes = self._chart.rates["tick_volume"][first:last].tolist()
        most = max(volumes) or 1
        width = max(1.0, self._pitch() * 0.62)
        color = self._theme.tint("faint", 0.28)
        for place, volume in enumerate(volumes, start=first):
            height = volume / most * plot.height() * _VOLUME_SHARE * 0.9
            painter.fillRect(QRectF(self._x(place) - width / 2, plot.bottom() - height, width, height), color)

    def _paint_candles(self, painter: QPainter, first: int, last: int, y: Callable[[float], float]) -> None:
        if self._chart is None:
            return
        rates = self._chart.rates[first:last]
        pitch = self._pitch()
        width = max(1.0, min(14.0, round(pitch * 0.64)))
        wicks: dict[bool, list[QLineF]] = {True: [], False: []}
        bodies: dict[bool, list[QRectF]] = {True: [], False: []}
        columns = [rates[name].tolist() for name in ("open", "high", "low", "close")]
        for place, (opened, high, low, close) in enumerate(zip(*columns, strict=True), start=first):
            rises = close >= opened
            middle = round(self._x(place)) + 0.5
            wicks[rises].append(QLineF(middle, y(high), middle, y(low)))
            top, bottom = y(max(opened, close)), y(min(opened, close))
            bodies[rises].append(QRectF(middle - width / 2, top, width, max(1.0, bottom - top)))
        for rises, role in ((True, "ok"), (False, "error")):
            color = self._theme.color(role)
            painter.setPen(QPen(color, 1.0))
            painter.drawLines(wicks[rises])
            if pitch >= 2.5:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(color)
                painter.drawRects(bodies[rises])

    def _events_in_sight(self, plot: QRectF) -> list[tuple[float, list[EventMark]]]:
        """Events by their place; those of one place share a mark."""
        groups: dict[int, list[EventMark]] = {}
        for mark in self._chart.events if self._chart else ():
            at = self._x_of(mark.time)
            if plot.left() <= at <= plot.right():
                groups.setdefault(round(at), []).append(mark)
        return [(float(at), marks) for at, marks in sorted(groups.items())]

    def _paint_events(self, painter: QPainter, plot: QRectF) -> None:
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for at, marks in self._events_in_sight(plot):
            roles = [_IMPACT.get(mark.impact.lower(), "idle") for mark in marks]
            role = next((role for role in ("error", "warning") if role in roles), "idle")
            color = self._theme.color(role)
            faint = QColor(color)
            faint.setAlphaF(0.35)
            painter.setPen(QPen(faint, 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(at + 0.5, plot.top() + 8, at + 0.5, plot.bottom()))
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(color)
            # The shape tells the impact too: a diamond is high, a circle is not.
            if role == "error":
                corners = ((0, -4.5), (4.5, 0), (0, 4.5), (-4.5, 0))
                painter.drawPolygon([QPointF(at + 0.5 + x, plot.top() + 4 + y) for x, y in corners])
            else:
                painter.drawEllipse(QPointF(at + 0.5, plot.top() + 4), 3.5, 3.5)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_idea(self, painter: QPainter, plot: QRectF, idea: IdeaMark, y: Callable[[float], float]) -> None:
        if self._chart is None:
            return
        left = max(plot.left(), self._x_of(idea.time))
        painter.setFont(self._theme.font(11))
        for price, role, name in (
            (idea.target, "ok", self.tr("target")),
            (idea.entry, "accent", f"{idea.direction} {self.tr('entry')}"),
            (idea.stop, "error", self.tr("stop")),
        ):
            at = y(price)
            if not plot.top() <= at <= plot.bottom():
                continue
            style = Qt.PenStyle.SolidLine if role == "accent" else Qt.PenStyle.DashLine
            painter.setPen(QPen(self._theme.color(role), 1.0, style))
            painter.drawLine(QLineF(left, at, plot.right(), at))
            text = f"{name} {price:.{self._chart.digits}f}"
            wide = QFontMetricsF(painter.font()).horizontalAdvance(text)
            painter.setPen(self._theme.ink(role))
            painter.drawText(QPointF(plot.right() - wide - 8, at - 4), text)

    def _paint_last(self, painter: QPainter, plot: QRectF, y: Callable[[float], float]) -> None:
        if self._chart is None:
            return
        price = float(self._chart.rates["close"][-1])
        at = y(price)
        if plot.top() <= at <= plot.bottom():
            color = self._theme.color("accent")
            painter.setPen(QPen(color, 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(plot.left(), at, plot.right(), at))
            self._paint_tag(painter, plot, at, f"{price:.{self._chart.digits}f}", color, self._theme.on_accent())

    def _paint_tag(self, painter: QPainter, plot: QRectF, at: float, text: str, back: QColor, ink: str) -> None:
        painter.setFont(self._theme.font(11))
        box = QRectF(plot.right() + 3, at - 9, RIGHT - 4, 18)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(back)
        painter.drawRoundedRect(box, 3, 3)
        painter.setPen(QColor(ink))
        painter.drawText(box.adjusted(5, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), text)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)

    def _paint_crosshair(self, painter: QPainter, plot: QRectF, low: float, high: float) -> None:
        if self._pointer is None or self._drag is not None or not plot.contains(self._pointer) or self._chart is None:
            return
        painter.setPen(QPen(self._theme.color("dim"), 1.0, Qt.PenStyle.DashLine))
        place = self.bar_at(self._pointer.x())
        across = self._x(place) if place >= 0 else self._pointer.x()
        painter.drawLine(QLineF(across, plot.top(), across, plot.bottom()))
        painter.drawLine(QLineF(plot.left(), self._pointer.y(), plot.right(), self._pointer.y()))
        price = low + (plot.bottom() - self._pointer.y()) / plot.height() * (high - low)
        text = f"{price:.{self._chart.digits}f}"
        back, ink = self._theme.color("line"), self._theme.ink("text").name()
        self._paint_tag(painter, plot, self._pointer.y(), text, back, ink)

    # -- mouse and keys --------------------------------------------------------------------------------------------

    def wheelEvent(self, event: QWheelEvent) -> None:
        turns = event.angleDelta().y() / 120
        sideways = event.angleDelta().x() / 120
        if sideways and not turns:
            self.shift(-sideways * self._span / 12)
        elif turns:
            self.zoom(0.85**turns, min(1.0, max(0.0, event.position().x() / self._plot().width())))
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._drag = (event.position().x(), self._end)
            self.setCursor(Qt.CursorShape.ClosedHandCursor)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._pointer = event.position()
        if self._drag is not None:
            start, end = self._drag
            self._end = end - (event.position().x() - start) / self._pitch()
            self._clamp()
        self.pointed.emit(self._pointed_words())
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._drag = None
        self.unsetCursor()
        self.update()

    def leaveEvent(self, event: object) -> None:
        self._pointer = None
        self.pointed.emit("")
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = max(1.0, self._span / 12)
        actions: dict[Qt.Key, Callable[[], None]] = {
            Qt.Key.Key_Left: lambda: self.shift(-step),
            Qt.Key.Key_Right: lambda: self.shift(step),
            Qt.Key.Key_Plus: lambda: self.zoom(0.8),
            Qt.Key.Key_Equal: lambda: self.zoom(0.8),
            Qt.Key.Key_Minus: lambda: self.zoom(1.25),
            Qt.Key.Key_End: self.to_newest,
            Qt.Key.Key_Home: lambda: self.shift(-len(self._times)),
        }
        action = actions.get(Qt.Key(event.key()))
        if action is None:
            super().keyPressEvent(event)
            return
        action()

    def _pointed_words(self) -> str:
        if self._pointer is None:
            return ""
        for at, marks in self._events_in_sight(self._plot()):
            if abs(at - self._pointer.x()) <= 5 and self._pointer.y() < TOP + 16:
                return words.DOT.join(
                    f"{mark.time.astimezone():%H:%M} {mark.currency} {mark.title} ({mark.impact})" for mark in marks[:3]
                )
        return self.words_at(self.bar_at(self._pointer.x()))


def price_step(span: float, lines: float) -> float:
    """A round step so that some ``lines`` lines fit into ``span``."""
    rough = span / max(2.0, lines)
    power = 10.0 ** np.floor(np.log10(rough))
    return float(next((step * power for step in _STEPS if step * power >= rough), 10 * power))
