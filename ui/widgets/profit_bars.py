"""Distribution of the profits of trades, and a reliability plot: two small charts of counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QLineF, QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QToolTip, QWidget

from ui import words
from ui.models.backtest_list import money
from ui.theme import Theme

if TYPE_CHECKING:
    from ui.models.backtest_words import Group

_BOTTOM: Final = 20.0
_TOP: Final = 6.0


class ProfitBars(QWidget):
    """A bar for each bin, losses in the colour of errors."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._borders: tuple[float, ...] = ()
        self._counts: tuple[int, ...] = ()
        self.setMinimumSize(180, 90)
        self.setMouseTracking(True)
        self.setAccessibleName(self.tr("Distribution of the profits of trades"))
        theme.changed.connect(self.update)

    def show_bins(self, borders: Sequence[float], counts: Sequence[int]) -> None:
        """Show these bins; there is one border more than counts."""
        whole = len(borders) == len(counts) + 1
        self._borders, self._counts = (tuple(borders), tuple(counts)) if whole else ((), ())
        self.setAccessibleDescription(
            words.joined(*(self.words_of(place) for place, count in enumerate(self._counts) if count), "")
        )
        self.update()

    def words_of(self, place: int) -> str:
        """A bin in words."""
        count = words.plural(self._counts[place], "trade", "trades")
        return f"{count}: {money(self._borders[place])} \N{HORIZONTAL ELLIPSIS} {money(self._borders[place + 1])}"

    def bin_at(self, x: float) -> int:
        """The bin at a place, -1 when there is none."""
        if not self._counts:
            return -1
        place = int(x / max(1, self.width()) * len(self._counts))
        return place if 0 <= place < len(self._counts) else -1

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self.bin_at(event.position().x())
        QToolTip.showText(event.globalPosition().toPoint(), self.words_of(place) if place >= 0 else "", self)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setFont(self._theme.font(11))
        painter.setPen(self._theme.ink("muted"))
        if not self._counts:
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignCenter), self.tr("No trades"))
            return
        plot = QRectF(0, _TOP, self.width(), self.height() - _TOP - _BOTTOM)
        pitch, most = plot.width() / len(self._counts), max(self._counts) or 1
        for place, count in enumerate(self._counts):
            middle = (self._borders[place] + self._borders[place + 1]) / 2
            height = max(2.0, count / most * plot.height()) if count else 0.0
            color = QColor(self._theme.color("ok" if middle >= 0 else "error"))
            color.setAlphaF(0.8)
            bar = QRectF(plot.left() + place * pitch + 1, plot.bottom() - height, max(1.0, pitch - 2), height)
            painter.fillRect(bar, color)
        painter.setPen(QPen(self._theme.color("line"), 1.0))
        painter.drawLine(QLineF(plot.left(), plot.bottom() + 0.5, plot.right(), plot.bottom() + 0.5))
        low, high = self._borders[0], self._borders[-1]
        painter.setPen(self._theme.ink("muted"))
        under = QRectF(plot.left(), plot.bottom() + 3, plot.width(), 16)
        painter.drawText(under, int(Qt.AlignmentFlag.AlignLeft), money(low))
        painter.drawText(under, int(Qt.AlignmentFlag.AlignRight), money(high))
        if low < 0 < high:
            zero = plot.left() + plot.width() * -low / (high - low)
            if 70 < zero < plot.width() - 70:
                painter.drawText(QRectF(zero - 20, under.top(), 40, 16), int(Qt.AlignmentFlag.AlignHCenter), "0")
            painter.setPen(QPen(self._theme.color("faint"), 1.0, Qt.PenStyle.DotLine))
            painter.drawLine(QLineF(zero, plot.top(), zero, plot.bottom()))


class ReliabilityPlot(QWidget):
    """What was predicted against what came true: points on the diagonal are well calibrated."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._groups: tuple[Group, ...] = ()
        self.setMinimumSize(160, 150)
        self.setAccessibleName(self.tr("Reliability of the score"))
        theme.changed.connect(self.update)

    def show_groups(self, groups: Sequence[Group]) -> None:
        """Show these groups of signals."""
        self._groups = tuple(groups)
        told = (
            f"{group.foretold:.0%} {self.tr('foretold')}, {group.came:.0%} {self.tr('came')}, n={group.signals:,}"
            for group in self._groups
        )
        self.setAccessibleDescription("; ".join(told))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        side = min(self.width() - 58.0, self.height() - _TOP - 34.0)
        plot = QRectF(40, _TOP, max(10.0, side), max(10.0, side))
        painter.setFont(self._theme.font(11))
        for share in (0.0, 0.5, 1.0):
            at = plot.bottom() - share * plot.height()
            painter.setPen(QPen(self._theme.tint("line", 0.7), 1.0))
            painter.drawLine(QLineF(plot.left(), at, plot.right(), at))
            painter.setPen(self._theme.ink("muted"))
            middle = int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
            painter.drawText(QRectF(0, at - 8, 35, 16), middle, f"{share:.0%}")
            across = plot.left() + share * plot.width()
            text = f"{share:.0%}"
            painter.drawText(QRectF(across - 20, plot.bottom() + 3, 40, 16), int(Qt.AlignmentFlag.AlignHCenter), text)
        under = QRectF(plot.left(), plot.bottom() + 17, plot.width(), 16)
        painter.drawText(under, int(Qt.AlignmentFlag.AlignHCenter), self.tr("foretold"))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("faint"), 1.0, Qt.PenStyle.DashLine))
        painter.drawLine(plot.bottomLeft(), plot.topRight())
        most = max((group.signals for group in self._groups), default=1) or 1
        color = QColor(self._theme.color("accent"))
        shade = QColor(color)
        shade.setAlphaF(0.45)
        painter.setBrush(shade)
        for group in self._groups:
            across = plot.left() + group.foretold * plot.width()
            low, came, high = (plot.bottom() - share * plot.height() for share in (group.low, group.came, group.high))
            painter.setPen(QPen(color, 1.2))
            painter.drawLine(QLineF(across, low, across, high))
            radius = 2.5 + 3.5 * (group.signals / most) ** 0.5
            painter.drawEllipse(QPointF(across, came), radius, radius)
