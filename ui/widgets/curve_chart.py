"""Curves over time: equity, balance, and the drawdown under them; or the equity of several tests over each other.

Painted by ourselves, as the candles are: documents hold at most 1,500 points of a curve.
"""

from __future__ import annotations

import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from PySide6.QtCore import QEvent, QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPixmap, QPolygonF
from PySide6.QtWidgets import QWidget

from ui import words
from ui.theme import Theme
from ui.widgets.candle_chart import price_step

RIGHT, BOTTOM, TOP = 74.0, 22.0, 22.0
_FALL_SHARE: Final = 0.24
_DAY: Final = 86_400
#: Curves over each other differ in colour and in line.
ROLES: Final = ("accent", "warning", "ok", "error", "dim")
_STYLES: Final = (Qt.PenStyle.SolidLine, Qt.PenStyle.DashLine, Qt.PenStyle.DashDotLine, Qt.PenStyle.DotLine)


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One curve: a value at each instant (UTC epoch seconds, ascending).

    Attributes:
        lowest: The worst value up to each instant since the one before it; empty: that of the curve.
        role: Its colour.
    """

    name: str
    times: Sequence[float]
    values: Sequence[float]
    role: str = "accent"
    style: Qt.PenStyle = Qt.PenStyle.SolidLine
    lowest: Sequence[float] = field(default=())
    width: float = 1.6


def style_of(place: int) -> tuple[str, Qt.PenStyle]:
    """Colour and line of the curve at a place among several."""
    return ROLES[place % len(ROLES)], _STYLES[place % len(_STYLES)]


def scale_mark(value: float, step: float) -> str:
    """A value beside a line of the scale; zero never has a sign, though steps of floats may pass it by a hair."""
    return f"{value:z,.{0 if step >= 1 else 2}f}".replace("-", "\N{MINUS SIGN}")


def falls(values: Sequence[float], lowest: Sequence[float]) -> list[float]:
    """How far each value lies below the highest before it, in percent of that; 0 or less.

    The worst value of an interval is held against the highest before the interval: which of the two came first inside
    of it, the curve does not tell.
    """
    found, peak = [], 0.0
    for place, value in enumerate(values):
        before, peak = peak or value, max(peak, value)
        shares = [value / peak - 1.0] if peak > 0 else [0.0]
        if place < len(lowest) and before > 0:
            shares.append(lowest[place] / before - 1.0)
        found.append(100.0 * min(0.0, *shares))
    return found


class CurveChart(QWidget):
    """Curves with a scale, a legend and a crosshair; arrows move the crosshair.

    Args:
        drawdown: Whether the drawdown of the first curve is drawn under all of them.
    """

    def __init__(self, theme: Theme, name: str, *, drawdown: bool = False, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._name = name
        self._drawdown = drawdown
        self._curves: tuple[Curve, ...] = ()
        self._falls: list[float] = []
        self._base: float | None = None
        self._at: float | None = None  # the instant under the crosshair
        self._picture: QPixmap | None = None
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMinimumSize(220, 100)
        self.setAccessibleName(name)
        theme.changed.connect(self._redraw)

    def show_curves(self, curves: Sequence[Curve], base: float | None = None) -> None:
        """Show these, and a line at ``base``: the deposit."""
        self._curves = tuple(curve for curve in curves if len(curve.times) and len(curve.times) == len(curve.values))
        self._base, self._at = base, None
        first = self._curves[0] if self._curves else None
        self._falls = falls(first.values, first.lowest) if first is not None and self._drawdown else []
        self.setAccessibleDescription(
            words.joined(*(f"{c.name} {c.values[0]:,.0f} \N{EN DASH} {c.values[-1]:,.0f}" for c in self._curves), "")
        )
        self._redraw()

    @property
    def curves(self) -> tuple[Curve, ...]:
        """What is shown."""
        return self._curves

    @property
    def deepest(self) -> float:
        """The deepest drawdown that is drawn, in percent, 0 or less."""
        return min(self._falls, default=0.0)

    def words_at(self, instant: float) -> str:
        """All curves at an instant, in words."""
        parts = []
        for curve in self._curves:
            place = bisect.bisect_right(curve.times, instant) - 1
            if place >= 0:
                parts.append(f"{curve.name}{words.GAP}{curve.values[place]:,.2f}")
        if self._falls:
            place = max(0, bisect.bisect_right(self._curves[0].times, instant) - 1)
            fall = f"{self._falls[place]:z.1f}".replace("-", "\N{MINUS SIGN}")
            parts.append(self.tr("drawdown") + f"{words.GAP}{fall}{words.GAP}%")
        return "  ".join((f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%d %H:%M}", *parts))

    # -- geometry --------------------------------------------------------------------------------------------------

    def _plot(self) -> QRectF:
        return QRectF(0, TOP, max(10.0, self.width() - RIGHT), max(10.0, self.height() - TOP - BOTTOM))

    def _parts(self) -> tuple[QRectF, QRectF]:
        """Room of the curves and room of the drawdown under them, which may have no height."""
        plot = self._plot()
        under = plot.height() * _FALL_SHARE if self._falls else 0.0
        upper = plot.adjusted(0, 0, 0, -under - (8 if under else 0))
        return upper, QRectF(plot.left(), plot.bottom() - under, plot.width(), under)

    def _span(self) -> tuple[float, float]:
        first = min(curve.times[0] for curve in self._curves)
        last = max(curve.times[-1] for curve in self._curves)
        return first, max(last, first + 1)

    def _x(self, instant: float) -> float:
        first, last = self._span()
        return self._plot().width() * (instant - first) / (last - first)

    def _instant(self, x: float) -> float:
        first, last = self._span()
        return min(last, max(first, first + (last - first) * x / self._plot().width()))

    # -- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        if not self._curves:
            painter.setFont(self._theme.font())
            painter.setPen(self._theme.ink("dim"))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.tr("There is no curve"))
            return
        ratio = self.devicePixelRatioF()
        if self._picture is None or self._picture.deviceIndependentSize().toSize() != self.size():
            # The crosshair moves with the mouse; the curves under it take milliseconds and stay.
            self._picture = QPixmap(self.size() * ratio)
            self._picture.setDevicePixelRatio(ratio)
            self._picture.fill(Qt.GlobalColor.transparent)
            self._paint_curves(QPainter(self._picture))
        painter.drawPixmap(0, 0, self._picture)
        self._paint_legend(painter)

    def _paint_curves(self, painter: QPainter) -> None:
        upper, under = self._parts()
        low = min(min(curve.values) for curve in self._curves)
        high = max(max(curve.values) for curve in self._curves)
        if self._base is not None:
            low, high = min(low, self._base), max(high, self._base)
        room = (high - low) * 0.05 or max(abs(high) * 0.01, 1e-6)
        self._paint_scale(painter, upper, low - room, high + room)
        self._paint_times(painter)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for curve in reversed(self._curves):
            self._paint_curve(painter, upper, curve, low - room, high + room)
        if self._falls:
            self._paint_falls(painter, under)
        painter.end()

    def _redraw(self) -> None:
        """The colours or the curves are others."""
        self._picture = None
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.DevicePixelRatioChange, QEvent.Type.FontChange):
            self._redraw()

    def _paint_scale(self, painter: QPainter, plot: QRectF, low: float, high: float) -> None:
        painter.setFont(self._theme.font(11))
        step = price_step(high - low, plot.height() / 32)
        value = -(-low // step) * step
        while value < high:
            at = round(plot.bottom() - (value - low) / (high - low) * plot.height()) + 0.5
            painter.setPen(QPen(self._theme.tint("line", 0.55), 1.0))
            painter.drawLine(QLineF(plot.left(), at, plot.right(), at))
            painter.setPen(self._theme.ink("muted"))
            text = scale_mark(value, step)
            painter.drawText(QRectF(plot.right() + 8, at - 8, RIGHT - 8, 16), int(Qt.AlignmentFlag.AlignVCenter), text)
            value += step
        if self._base is not None:
            at = round(plot.bottom() - (self._base - low) / (high - low) * plot.height()) + 0.5
            painter.setPen(QPen(self._theme.color("faint"), 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(plot.left(), at, plot.right(), at))

    def _paint_times(self, painter: QPainter) -> None:
        plot, (first, last) = self._plot(), self._span()
        painter.setFont(self._theme.font(11))
        painter.setPen(self._theme.ink("muted"))
        marks = max(2, int(plot.width() / 110))
        for number in range(marks + 1):
            instant = first + (last - first) * number / marks
            moment = datetime.fromtimestamp(instant, UTC)
            text = f"{moment:%b} {moment.day}" if last - first < 400 * _DAY else f"{moment:%b %Y}"
            if last - first < 3 * _DAY:
                text = f"{moment:%H:%M}"
            side = Qt.AlignmentFlag.AlignHCenter
            box = QRectF(self._x(instant) - 50, plot.bottom() + 4, 100, 16)
            if number == 0:
                side, box = Qt.AlignmentFlag.AlignLeft, box.translated(50, 0)
            elif number == marks:
                side, box = Qt.AlignmentFlag.AlignRight, box.translated(-50, 0)
            painter.drawText(box, int(side), text)

    def _paint_curve(self, painter: QPainter, plot: QRectF, curve: Curve, low: float, high: float) -> None:
        scale = plot.height() / (high - low)
        first, last = self._span()
        wide = plot.width() / (last - first)
        points = [
            QPointF((time - first) * wide, plot.bottom() - (value - low) * scale)
            for time, value in zip(curve.times, curve.values, strict=True)
        ]
        painter.setPen(QPen(self._theme.color(curve.role), curve.width, curve.style))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPolyline(QPolygonF(points))

    def _paint_falls(self, painter: QPainter, plot: QRectF) -> None:
        deepest = min(self.deepest, -0.01)
        curve = self._curves[0]
        points = [QPointF(self._x(curve.times[0]), plot.top())]
        points += [
            QPointF(self._x(time), plot.top() + fall / deepest * (plot.height() - 2))
            for time, fall in zip(curve.times, self._falls, strict=True)
        ]
        points.append(QPointF(self._x(curve.times[-1]), plot.top()))
        shade = QColor(self._theme.color("error"))
        shade.setAlphaF(0.30)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(shade)
        painter.drawPolygon(QPolygonF(points))
        painter.setFont(self._theme.font(11))
        painter.setPen(self._theme.ink("muted"))
        for at, text in ((plot.top(), "0"), (plot.bottom(), f"\N{MINUS SIGN}{-deepest:.1f}{words.GAP}%")):
            box = QRectF(plot.right() + 8, at - 8, RIGHT - 8, 16)
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), text)

    def _paint_legend(self, painter: QPainter) -> None:
        painter.setFont(self._theme.font(11))
        if self._at is not None:
            upper, under = self._parts()
            across = round(self._x(self._at)) + 0.5
            painter.setPen(QPen(self._theme.color("dim"), 1.0, Qt.PenStyle.DashLine))
            painter.drawLine(QLineF(across, upper.top(), across, under.bottom()))
            painter.setPen(self._theme.ink("text"))
            painter.drawText(QRectF(0, 0, self.width(), 16), 0, self.words_at(self._at))
            return
        left = 0.0
        names = [(curve.name, curve.role, curve.style) for curve in self._curves]
        if self._falls:
            names.append((self.tr("drawdown"), "error", Qt.PenStyle.SolidLine))
        for name, role, style in names:
            painter.setPen(QPen(self._theme.color(role), 2.0, style))
            painter.drawLine(QLineF(left, 8, left + 18, 8))
            painter.setPen(self._theme.ink("dim"))
            wide = self._theme.metrics(11).horizontalAdvance(name)
            painter.drawText(QRectF(left + 24, 0, wide + 4, 16), int(Qt.AlignmentFlag.AlignVCenter), name)
            left += wide + 44

    # -- mouse and keys --------------------------------------------------------------------------------------------

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        inside = bool(self._curves) and event.position().x() <= self._plot().right()
        self._point(self._instant(event.position().x()) if inside else None)

    def leaveEvent(self, event: object) -> None:
        self._point(None)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if not self._curves or Qt.Key(event.key()) not in steps:
            super().keyPressEvent(event)
            return
        times = self._curves[0].times
        place = bisect.bisect_right(times, self._at) - 1 if self._at is not None else len(times)
        stride = max(1, len(times) // 100) * steps[Qt.Key(event.key())]
        self._point(times[min(len(times) - 1, max(0, place + stride))])

    def _point(self, instant: float | None) -> None:
        if instant != self._at:
            self._at = instant
            self.update()
