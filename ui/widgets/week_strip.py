"""Seven days side by side with how much is due on each; one of them is chosen by mouse or arrow keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui import words
from ui.icons import paint_icon
from ui.theme import Theme

HEIGHT = 62
GAP = 8
_PARTS = (("impact_high", "error"), ("impact_medium", "warning"), ("impact_low", "idle"))


class WeekStrip(QWidget):
    """Signals:
    day_chosen: the day that shall be looked at.
    """

    day_chosen = Signal(date)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._start = date(2000, 1, 2)
        self._today = self._start
        self._counts: tuple[tuple[int, int, int], ...] = ((0, 0, 0),) * 7
        self._chosen = -1
        self._hot = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(self.tr("Days of the week"))
        theme.changed.connect(self.update)

    def sizeHint(self) -> QSize:
        return QSize(700, HEIGHT)

    def show_week(self, start: date, today: date, counts: Sequence[tuple[int, int, int]]) -> None:
        """Show the week from ``start`` on, with the events of high, medium and other impact of each day."""
        if start != self._start:
            self._chosen = -1
        self._start, self._today, self._counts = start, today, tuple(counts)
        self._tell()
        self.update()

    @property
    def chosen(self) -> date | None:
        """The chosen day."""
        return self._start + timedelta(days=self._chosen) if self._chosen >= 0 else None

    def choose(self, day: date) -> None:
        """Mark a day of this week, without a signal."""
        place = (day - self._start).days
        self._chosen = place if 0 <= place < 7 else -1
        self._tell()
        self.update()

    def _tell(self) -> None:
        if self._chosen < 0:
            self.setAccessibleDescription("")
            return
        day = self._start + timedelta(days=self._chosen)
        high, medium, other = self._counts[self._chosen]
        text = self.tr("{day}: {high} of high, {medium} of medium, {other} of other impact")
        self.setAccessibleDescription(
            text.format(day=f"{day:%A} {day.day} {day:%B}", high=high, medium=medium, other=other)
        )

    def _pick(self, place: int) -> None:
        self._chosen = min(6, max(0, place))
        self._tell()
        self.update()
        self.day_chosen.emit(self._start + timedelta(days=self._chosen))

    def cell(self, place: int) -> QRectF:
        """Where the day number ``place`` (0 to 6) is painted."""
        width = (self.width() - 6 * GAP) / 7
        return QRectF(place * (width + GAP), 0, width, self.height())

    def _at(self, x: float) -> int:
        return next((place for place in range(7) if self.cell(place).left() <= x <= self.cell(place).right()), -1)

    # -- events ----------------------------------------------------------------------------------------------------

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position().x())
        if place >= 0 and event.button() == Qt.MouseButton.LeftButton:
            self._pick(place)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = self._at(event.position().x())
        if place != self._hot:
            self._hot = place
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hot = -1
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1}
        if event.key() in steps:
            self._pick(self._chosen + steps[Qt.Key(event.key())])
        elif event.key() == Qt.Key.Key_Home:
            self._pick(0)
        elif event.key() == Qt.Key.Key_End:
            self._pick(6)
        else:
            super().keyPressEvent(event)

    # -- painting --------------------------------------------------------------------------------------------------

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        for place in range(7):
            self._paint_day(painter, place)

    def _paint_day(self, painter: QPainter, place: int) -> None:
        theme, rect = self._theme, self.cell(place).adjusted(0.5, 0.5, -0.5, -0.5)
        day = self._start + timedelta(days=place)
        chosen = place == self._chosen
        border = "accent" if chosen and self.hasFocus() else "faint" if place == self._hot else "line"
        if day == self._today and border == "line":
            border = "accent"
        painter.setPen(QPen(theme.color(border), 1.0))
        painter.setBrush(theme.color("selected" if chosen else "panel"))
        painter.drawRoundedRect(rect, 10, 10)
        inner = rect.adjusted(12, 9, -10, -9)
        today = day == self._today
        past = day < self._today
        left = int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        font = theme.font(12.5, QFont.Weight.DemiBold if today else QFont.Weight.Medium)
        painter.setFont(font)
        painter.setPen(theme.ink("dim" if past else "text"))
        title = f"{day:%a} {day.day}"
        painter.drawText(inner, left, title)
        beside = inner.adjusted(QFontMetricsF(font).horizontalAdvance(title) + 7, 0.5, 4, 0)
        if today and QFontMetricsF(theme.font(11.5)).horizontalAdvance(words.tr("today")) <= beside.width():
            painter.setFont(theme.font(11.5))
            painter.setPen(theme.ink("accent"))
            painter.drawText(beside, left, words.tr("today"))
        self._paint_counts(painter, inner, self._counts[place])

    def _paint_counts(self, painter: QPainter, inner: QRectF, counts: tuple[int, int, int]) -> None:
        theme = self._theme
        font = theme.font(11.5)
        painter.setFont(font)
        top = inner.bottom() - 14
        if not any(counts):
            painter.setPen(theme.ink("muted"))
            painter.drawText(QRectF(inner.left(), top, inner.width(), 14), words.DASH)
            return
        x = inner.left()
        for (icon, role), number in zip(_PARTS, counts, strict=True):
            if not number:
                continue
            text = str(number)
            width = 15 + QFontMetricsF(font).horizontalAdvance(text)
            if x + width > inner.right() + 6:
                return
            paint_icon(painter, icon, QRectF(x, top + 1, 11.5, 11.5), theme.ink(role))
            painter.setPen(theme.ink("dim"))
            painter.drawText(QRectF(x + 15, top, 40, 14), int(Qt.AlignmentFlag.AlignVCenter), text)
            x += width + 10
