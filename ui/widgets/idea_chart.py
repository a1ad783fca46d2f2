"""The chart of one trade idea: its levels, the decided bar, the sessions of its rule, and what came since."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import TYPE_CHECKING, Final, NamedTuple

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from ui.widgets.candle_chart import CandleChart
from ui.widgets.chart_labels import free_place, spread

if TYPE_CHECKING:
    from workers.market.view import IdeaMark
    from workers.strategy.idea_card import IdeaCard

#: Room for so many bars behind the decided one at first: what came since, or the names of the levels.
_SINCE: Final = 36
_LABEL_HEIGHT: Final = 16.0
#: Of a price on the scale, with the gap to the next one.
_TAG_HEIGHT: Final = 19.0
#: How far the line to a level that its label is not at reaches.
_LEADER: Final = 14.0


class _Level(NamedTuple):
    """A level in sight: where its line is, and the middle of its label."""

    price: float
    role: str
    name: str
    at: float
    middle: float


class IdeaChart(CandleChart):
    """A candle chart around the bar that an idea was decided on; the levels are always in sight."""

    _card: IdeaCard | None = None

    def show_idea(self, card: IdeaCard, seconds: int) -> None:
        """Show an idea whose bars are ``seconds`` long; the view stays where it is while it is the same idea."""
        same = self._card is not None and self._card.file == card.file
        end = self.right_edge
        self._card = card
        self.show_chart(card.chart, seconds)
        if same:
            self.shift(end - self.right_edge)  # new bars do not push the decided one away
        else:
            self.zoom(120.0 / self.visible_bars)
            self.to_decision()

    def to_decision(self) -> None:
        """Move to the decided bar."""
        self.to_newest()
        place = self._decided_place()
        if place >= 0:
            self.shift(place + _SINCE - self.right_edge)

    def _decided_place(self) -> int:
        """The number of the decided bar; -1 when it is not among the bars."""
        decided = self._card.decided if self._card is not None else 0
        place = bisect.bisect_left(self._times, decided)
        return place if decided and place < len(self._times) and self._times[place] == decided else -1

    def _describe(self) -> str:
        base = super()._describe()
        ideas = self._chart.ideas if self._chart is not None else ()
        if not ideas or self._chart is None:
            return base
        idea, digits = ideas[0], self._chart.digits
        return self.tr("{chart}; {side}, entry {entry}, stop {stop}, target {target}").format(
            chart=base,
            side=idea.direction,
            entry=f"{idea.entry:.{digits}f}",
            stop=f"{idea.stop:.{digits}f}",
            target=f"{idea.target:.{digits}f}",
        )

    # -- geometry --------------------------------------------------------------------------------------------------

    def _ideas_in_sight(self) -> list[IdeaMark]:
        return list(self._chart.ideas) if self._chart is not None else []

    def _scale(self, first: int, last: int) -> tuple[float, float]:
        low, high = super()._scale(first, last)
        room = (high - low) * 0.05
        for idea in self._ideas_in_sight():
            prices = (idea.entry, idea.stop, idea.target)
            low, high = min(low, min(prices) - room), max(high, max(prices) + room)
        return low, high

    def _labels_price(self, at: float, y: Callable[[float], float]) -> bool:
        plot = self._plot()
        labels = (label.middle for idea in self._ideas_in_sight() for label in self._levels(idea, plot, y))
        return all(abs(at - middle) > _LABEL_HEIGHT for middle in labels)

    def _levels(self, idea: IdeaMark, plot: QRectF, y: Callable[[float], float]) -> list[_Level]:
        """The levels in sight with the places of their labels; where not all have room, the target goes without."""
        found = [
            _Level(price, role, name, y(price), 0.0)
            for price, role, name in (
                (idea.stop, "error", self.tr("stop")),
                (idea.entry, "accent", self.tr("entry")),
                (idea.target, "ok", self.tr("target")),
            )
            if plot.top() <= y(price) <= plot.bottom()
        ][: max(1, int((plot.height() + _TAG_HEIGHT) // _TAG_HEIGHT))]
        half = _TAG_HEIGHT / 2
        middles = spread([level.at for level in found], _TAG_HEIGHT, plot.top() - half, plot.bottom() + half)
        return [level._replace(middle=middle) for level, middle in zip(found, middles, strict=True)]

    # -- painting --------------------------------------------------------------------------------------------------

    def _paint_back(self, painter: QPainter, plot: QRectF, y: Callable[[float], float]) -> None:
        self._paint_sessions(painter, plot)
        place = self._decided_place()
        for idea in self._ideas_in_sight():
            left = max(plot.left(), self._x(place) if place >= 0 else plot.left())
            for price, role in ((idea.target, "ok"), (idea.stop, "error")):
                top, bottom = sorted((y(idea.entry), y(price)))
                shade = QColor(self._theme.color(role))
                shade.setAlphaF(0.07 if self._theme.dark else 0.06)
                painter.fillRect(QRectF(left, top, plot.right() - left, bottom - top), shade)
        if place >= 0:
            self._paint_decided(painter, plot, place)

    def _paint_sessions(self, painter: QPainter, plot: QRectF) -> None:
        shade = QColor(self._theme.color("accent"))
        shade.setAlphaF(0.06 if self._theme.dark else 0.05)
        for _name, left, right in self._bands_in_sight(plot):
            painter.fillRect(QRectF(left, plot.top(), right - left, plot.height()), shade)

    def _paint_session_names(self, painter: QPainter, plot: QRectF) -> None:
        """In front of the bars; sessions overlap, so each has a line of its own."""
        painter.setFont(self._theme.font(10.5))
        painter.setPen(self._theme.ink("dim"))
        metrics, found = QFontMetricsF(painter.font()), self._bands_in_sight(plot)
        names = list(dict.fromkeys(name for name, _left, _right in found))
        for name, left, right in found:
            if right - left > metrics.horizontalAdvance(name) + 12:
                painter.drawText(QPointF(left + 6, plot.bottom() - 5 - 14 * names.index(name)), name)

    def _bands_in_sight(self, plot: QRectF) -> list[tuple[str, float, float]]:
        """Sessions by name, with left and right edge."""
        half, found = self._pitch() / 2, []
        for band in self._card.bands if self._card is not None else ():
            first, last = (bisect.bisect_left(self._times, stamp) for stamp in (band.first, band.last))
            left, right = max(plot.left(), self._x(first) - half), min(plot.right(), self._x(last) + half)
            if left < right:
                found.append((band.name, left, right))
        return found

    def _paint_decided(self, painter: QPainter, plot: QRectF, place: int) -> None:
        middle, width = self._x(place), max(3.0, self._pitch())
        band = QColor(self._theme.color("text"))
        band.setAlphaF(0.10)
        painter.fillRect(QRectF(middle - width / 2, plot.top() + 14, width, plot.height() - 14), band)

    def _paint_decided_name(
        self, painter: QPainter, plot: QRectF, y: Callable[[float], float], names: list[QRectF]
    ) -> None:
        """The word beside the decided bar, where it hides neither bars nor levels; nowhere when there is no room."""
        place = self._decided_place()
        if place < 0 or not plot.left() <= self._x(place) <= plot.right():
            return
        painter.setFont(self._theme.font(10.5))
        text, metrics = self.tr("decided"), QFontMetricsF(painter.font())
        wide, high = metrics.horizontalAdvance(text) + 4, metrics.height()
        middle, half = self._x(place), max(3.0, self._pitch()) / 2
        lefts = (middle - wide / 2, middle + half + 2, middle - half - 2 - wide)
        rows = [plot.top() + 1 + high * number for number in range(max(int((plot.height() - 18) // high), 0))]
        boxes = (
            QRectF(left, top, wide, high)
            for left in lefts
            for top in rows
            if plot.left() <= left and left + wide <= plot.right()
        )
        box = free_place(
            boxes, [*names, *self._bars_around(middle, wide + half + 4, y), *self._lines_of_levels(plot, y)]
        )
        if box is not None:
            painter.setPen(self._theme.ink("dim"))
            painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), text)

    def _bars_around(self, middle: float, reach: float, y: Callable[[float], float]) -> list[QRectF]:
        """The boxes of bars so near to a place, from high to low."""
        if self._chart is None:
            return []
        half, rates = self._pitch() / 2, self._chart.rates
        first, last = self._in_sight()
        found = []
        for place in range(first, min(last, len(rates))):
            if abs(self._x(place) - middle) <= reach + half:
                top, bottom = y(float(rates["high"][place])), y(float(rates["low"][place]))
                found.append(QRectF(self._x(place) - half, top - 1, 2 * half, bottom - top + 2))
        return found

    def _lines_of_levels(self, plot: QRectF, y: Callable[[float], float]) -> list[QRectF]:
        prices = [price for idea in self._ideas_in_sight() for price in (idea.entry, idea.stop, idea.target)]
        return [QRectF(plot.left(), y(price) - 1, plot.width(), 2) for price in prices]

    def _paint_idea(self, painter: QPainter, plot: QRectF, idea: IdeaMark, y: Callable[[float], float]) -> None:
        if self._chart is None:
            return
        self._paint_session_names(painter, plot)
        levels = self._levels(idea, plot, y)
        for price in (idea.target, idea.stop, idea.entry):
            at, role = y(price), {idea.target: "ok", idea.stop: "error"}.get(price, "accent")
            if plot.top() <= at <= plot.bottom():
                style = Qt.PenStyle.SolidLine if role == "accent" else Qt.PenStyle.DashLine
                painter.setPen(QPen(self._theme.color(role), 1.0, style))
                painter.drawLine(QLineF(plot.left(), round(at) + 0.5, plot.right(), round(at) + 0.5))
        names = []
        for level in levels:
            names.append(self._paint_level_name(painter, plot, level))
            ink = self._theme.on_accent() if level.role == "accent" else self._theme.tokens.panel
            text = f"{level.price:.{self._chart.digits}f}"
            self._paint_tag(painter, plot, level.middle, text, self._theme.color(level.role), ink)
        self._paint_decided_name(painter, plot, y, names)

    def _paint_level_name(self, painter: QPainter, plot: QRectF, level: _Level) -> QRectF:
        """The name beside its price, on a ground that keeps candles from it; a line leads to a level that is elsewhere.

        Returns:
            Where it is.
        """
        painter.setFont(self._theme.font(11))
        wide = QFontMetricsF(painter.font()).horizontalAdvance(level.name)
        box = QRectF(plot.right() - wide - 10, level.middle - _LABEL_HEIGHT / 2, wide + 8, _LABEL_HEIGHT)
        painter.fillRect(box, self._theme.color("panel"))
        if abs(level.middle - level.at) > 1:
            painter.setPen(QPen(self._theme.color(level.role), 1.0))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.drawLine(QLineF(box.left(), level.middle, box.left() - _LEADER, level.at))
            painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setPen(self._theme.ink(level.role))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), level.name)
        return box

    def _paint_last(self, painter: QPainter, plot: QRectF, y: Callable[[float], float]) -> None:
        """The last price would hide the levels; the newest bar is told in words above the chart."""
