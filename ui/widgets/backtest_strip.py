"""A backtest at work: how far it is, the balance so far as a small curve, and a way to stop it."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.runs import Run
from ui import words
from ui.theme import Theme
from ui.widgets.cells import paint_progress
from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import button

_WIDE: Final = 132.0


class Course(QWidget):
    """Share that is done, and the balances told until now."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self.share = 0.0
        self.points: list[tuple[float, float]] = []
        self.setFixedSize(int(_WIDE), 34)
        self.setAccessibleName(self.tr("Progress"))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        paint_progress(painter, QRectF(0, self.height() - 5.0, self.width(), 4.0), self.share, self._theme)
        if len(self.points) < 2:
            return
        values = [value for _share, value in self.points]
        low, high = min(values), max(values)
        room = self.height() - 10.0
        scale = room / (high - low) if high > low else 0.0
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.color("accent"), 1.4))
        line = [QPointF(share * self.width(), 1 + room - (value - low) * scale) for share, value in self.points]
        painter.drawPolyline(QPolygonF(line))


class BacktestStrip(QFrame):
    """Signals:
    cancel_asked: the run is to stop.
    """

    cancel_asked = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.run_id = ""
        self.course = Course(theme)
        self.title = ElidedLabel("strong")
        self.text = ElidedLabel("dim")
        self.cancel: QWidget = button(self.tr("Cancel"), self._on_cancel, tip=self.tr("Stop this backtest"))
        texts = QVBoxLayout()
        texts.setSpacing(1)
        texts.addWidget(self.title)
        texts.addWidget(self.text)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(13, 8, 10, 8)
        layout.setSpacing(12)
        layout.addLayout(texts, 1)
        layout.addWidget(self.course)
        layout.addWidget(self.cancel, 0, Qt.AlignmentFlag.AlignVCenter)
        self.hide()

    def show_run(self, run: Run, others: int) -> None:
        """Show a run that waits or works; ``others`` wait or work too."""
        from workers.backtest.told import balance_in

        if run.run_id != self.run_id:
            self.run_id = run.run_id
            self.course.points = []
            self.course.share = 0.0
        more = self.tr("{n} more wait").format(n=others) if others else ""
        self.title.setText(
            words.joined(self.tr("Testing {name}").format(name=run.params.get("strategy", "")), more, "")
        )
        self.text.setText(self.tr("Stopping") if run.cancelling else words.sentence(run))
        self.cancel.setEnabled(not run.cancelling)
        progress = run.progress
        if progress is not None and progress.total > 0:
            self.course.share = progress.done / progress.total
            balance = balance_in(progress.text)
            if balance is not None and (not self.course.points or self.course.points[-1][0] < self.course.share):
                self.course.points.append((self.course.share, balance))
        self.course.setAccessibleDescription(f"{self.course.share:.0%}")
        self.course.update()
        self.show()

    def show_nothing(self) -> None:
        """Nothing is at work."""
        self.run_id = ""
        self.hide()

    def _on_cancel(self) -> None:
        if self.run_id:
            self.cancel_asked.emit(self.run_id)
