"""The chart of one trade idea: its levels, the decided bar, the sessions of its rule, and what came since."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetricsF, QPainter, QPen

from ui.widgets.candle_chart import CandleChart

if TYPE_CHECKING:
    from workers.market.view import IdeaMark
    from workers.strategy.idea_card import IdeaCard

#: Room for so many bars behind the decided one at first: what came since, or the names of the levels.
_SINCE: Final = 36
_LABEL_HEIGHT: Final = 16.0


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
        levels = (y(price) for idea in self._ideas_in_sight() for price in (idea.entry, idea.stop, idea.target))
        return all(abs(at - level) > _LABEL_HEIGHT for level in levels)

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
        painter.setFont(self._theme.font(10.5))
        text = self.tr("decided")
        wide = QFontMetricsF(painter.font()).horizontalAdvance(text)
        left = min(max(middle - wide / 2, plot.left() + 2), plot.right() - wide - 2)
        painter.setPen(self._theme.ink("dim"))
        painter.drawText(QPointF(left, plot.top() + 24), text)

    def _paint_idea(self, painter: QPainter, plot: QRectF, idea: IdeaMark, y: Callable[[float], float]) -> None:
        if self._chart is None:
            return
        self._paint_session_names(painter, plot)
        levels = (
            (idea.target, "ok", self.tr("target")),
            (idea.entry, "accent", self.tr("entry")),
            (idea.stop, "error", self.tr("stop")),
        )
        for price, role, name in levels:
            at = y(price)
            if not plot.top() <= at <= plot.bottom():
                continue
            style = Qt.PenStyle.SolidLine if role == "accent" else Qt.PenStyle.DashLine
            painter.setPen(QPen(self._theme.color(role), 1.0, style))
            painter.drawLine(QLineF(plot.left(), round(at) + 0.5, plot.right(), round(at) + 0.5))
            self._paint_level_name(painter, plot, at, name, role)
            ink = self._theme.on_accent() if role == "accent" else self._theme.tokens.panel
            self._paint_tag(painter, plot, at, f"{price:.{self._chart.digits}f}", self._theme.color(role), ink)

    def _paint_level_name(self, painter: QPainter, plot: QRectF, at: float, name: str, role: str) -> None:
        """The name over the right end of its line, on a ground that keeps candles from it."""
        painter.setFont(self._theme.font(11))
        wide = QFontMetricsF(painter.font()).horizontalAdvance(name)
        above = at - _LABEL_HEIGHT - 1
        box = QRectF(plot.right() - wide - 12, above if above > plot.top() else at + 2, wide + 8, _LABEL_HEIGHT)
        painter.fillRect(box, self._theme.color("panel"))
        painter.setPen(self._theme.ink(role))
        painter.drawText(box, int(Qt.AlignmentFlag.AlignCenter), name)

    def _paint_last(self, painter: QPainter, plot: QRectF, y: Callable[[float], float]) -> None:
        """The last price would hide the levels; the newest bar is told in words above the chart."""
