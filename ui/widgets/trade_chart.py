"""One trade of a backtest on its bars: entry, exit, stop and target, while it was open."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPen, QPolygonF

from ui.models.backtest_trades import told
from ui.widgets.candle_chart import CandleChart

if TYPE_CHECKING:
    from workers.backtest.trade_rows import BarsSeen, TradeRow
    from workers.market.view import IdeaMark

#: Bars beside the trade that are in sight at least, and those that are handed to the chart.
_BESIDE: Final = 24
_AROUND: Final = 600
_LABEL: Final = 16.0


class TradeChart(CandleChart):
    """The bars around a trade."""

    _trade: TradeRow | None = None

    def show_trade(self, trade: TradeRow, bars: BarsSeen, symbol: str, timeframe: str, seconds: int) -> None:
        """Show a trade on the bars of its test, which are ``seconds`` long."""
        from workers.market.view import Chart, IdeaMark

        self._trade = trade
        times = bars.rates["time"]
        first, last = (int(times.searchsorted(stamp)) for stamp in (trade.opened, trade.closed))
        part = bars.rates[max(0, first - _AROUND) : last + _AROUND]
        mark = IdeaMark(
            datetime.fromtimestamp(trade.opened, UTC),
            self.tr("long") if trade.long else self.tr("short"),
            trade.entry,
            trade.stop,
            trade.target,
            "",
            timeframe,
        )
        self._chart = None  # each trade has a view of its own
        self.show_chart(replace(Chart(symbol, timeframe, part, bars.digits), ideas=(mark,)), seconds)
        wanted = max(60.0, (last - first + 1) * 1.25 + 2 * _BESIDE)
        self.zoom(wanted / self.visible_bars)
        self.shift(self._place(trade.closed) + (self.visible_bars - (last - first)) / 2 - self.right_edge)
        self.setAccessibleDescription(told(trade, bars.digits))

    @property
    def trade(self) -> TradeRow | None:
        """The trade that is shown."""
        return self._trade

    def clear(self) -> None:
        """Show no trade."""
        self._trade, self._chart, self._times = None, None, []
        self.update()

    def places(self) -> tuple[float, float]:
        """Where entry and exit lie, in pixels from the left."""
        if self._trade is None:
            return 0.0, 0.0
        return self._x(self._place(self._trade.opened)), self._x(self._place(self._trade.closed))

    def _place(self, stamp: int) -> int:
        return max(0, bisect.bisect_right(self._times, stamp) - 1)

    # -- geometry --------------------------------------------------------------------------------------------------

    def _ideas_in_sight(self) -> list[IdeaMark]:
        return list(self._chart.ideas) if self._chart is not None else []

    def _scale(self, first: int, last: int) -> tuple[float, float]:
        low, high = super()._scale(first, last)
        if self._trade is None:
            return low, high
        prices = (self._trade.entry, self._trade.exit)
        return min(low, *prices), max(high, *prices)

    def _labels_price(self, at: float, y: Callable[[float], float]) -> bool:
        trade = self._trade
        return trade is None or all(abs(at - y(price)) > _LABEL for price in (trade.entry, trade.stop, trade.target))

    # -- painting --------------------------------------------------------------------------------------------------

    def _paint_back(self, painter: QPainter, plot: QRectF, y: Callable[[float], float]) -> None:
        trade = self._trade
        if trade is None:
            return
        left, right = self.places()
        half = self._pitch() / 2
        for price, role in ((trade.target, "ok"), (trade.stop, "error")):
            if price <= 0:
                continue
            shade = QColor(self._theme.color(role))
            shade.setAlphaF(0.11 if self._theme.dark else 0.09)
            top, bottom = sorted((y(trade.entry), y(price)))
            painter.fillRect(QRectF(left - half, top, max(2.0, right - left + 2 * half), bottom - top), shade)

    def _paint_idea(self, painter: QPainter, plot: QRectF, idea: IdeaMark, y: Callable[[float], float]) -> None:
        trade = self._trade
        if trade is None or self._chart is None:
            return
        left, right = self.places()
        levels = (
            (trade.target, "ok", self.tr("target"), Qt.PenStyle.DashLine),
            (trade.stop, "error", self.tr("stop"), Qt.PenStyle.DashLine),
            (trade.entry, "accent", idea.direction, Qt.PenStyle.SolidLine),
        )
        half = self._pitch() / 2
        painter.setFont(self._theme.font(11))
        for price, role, name, style in levels:
            at = y(price)
            if price <= 0 or not plot.top() <= at <= plot.bottom():
                continue
            painter.setPen(QPen(self._theme.color(role), 1.0, style))
            line = round(at) + 0.5
            begin, end = max(plot.left(), left - half), min(plot.right(), max(right, left) + half)
            if begin < end:
                painter.drawLine(QLineF(begin, line, end, line))
            ink = self._theme.on_accent() if role == "accent" else self._theme.tokens.panel
            self._paint_tag(painter, plot, at, f"{price:.{self._chart.digits}f}", self._theme.color(role), ink)
            self._paint_name(painter, plot, QPointF(begin, at), name, role)
        self._paint_way(painter, plot, QPointF(left, y(trade.entry)), QPointF(right, y(trade.exit)))

    def _paint_name(self, painter: QPainter, plot: QRectF, at: QPointF, name: str, role: str) -> None:
        """The name of a level on the far side of its line, where no bar of the trade can be."""
        trade = self._trade
        if trade is None or role == "accent":
            return  # the triangle tells the entry and its direction
        above = (role == "ok") is trade.long
        top = at.y() - _LABEL - 1 if above else at.y() + 1
        if plot.top() - _LABEL <= top <= plot.bottom() - _LABEL:
            painter.setPen(self._theme.ink(role))
            painter.drawText(QRectF(at.x(), top, 80, _LABEL), int(Qt.AlignmentFlag.AlignVCenter), name)

    def _paint_way(self, painter: QPainter, plot: QRectF, start: QPointF, end: QPointF) -> None:
        """From the entry, a triangle in its direction, to the exit, a circle in the colour of what it brought."""
        trade = self._trade
        if trade is None:
            return
        painter.save()
        painter.setClipRect(plot)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        role = "ok" if trade.profit >= 0 else "error"
        painter.setPen(QPen(self._theme.color("text"), 1.2, Qt.PenStyle.DotLine))
        painter.drawLine(start, end)
        painter.setPen(QPen(self._theme.color("panel"), 1.0))
        painter.setBrush(self._theme.color("accent"))
        up = -1.0 if trade.long else 1.0
        corners = ((0.0, 6.0 * up), (-5.5, -4.0 * up), (5.5, -4.0 * up))
        painter.drawPolygon(QPolygonF([QPointF(start.x() + x, start.y() + y_) for x, y_ in corners]))
        painter.setBrush(self._theme.color(role))
        painter.drawEllipse(end, 5.0, 5.0)
        painter.restore()

    def _paint_last(self, painter: QPainter, plot: QRectF, y: Callable[[float], float]) -> None:
        """The last price has nothing to say here."""
