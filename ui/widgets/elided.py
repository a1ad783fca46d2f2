"""A line of text that is cut with an ellipsis where there is no room for it, and tells the rest in its tip."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QRect, QSize, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QLabel, QSizePolicy, QStyle, QStyleOption, QToolTip

#: So much of it stays in sight, however narrow its place is.
_LEAST_PX = 60


class ElidedLabel(QLabel):
    """A plain text in one line; ``text()`` is all of it, whatever is in sight."""

    def __init__(self, style: str = "", text: str = "") -> None:
        super().__init__(text)
        self.setTextFormat(Qt.TextFormat.PlainText)
        if style:
            self.setObjectName(style)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(min(_LEAST_PX, hint.width()), hint.height())

    @property
    def shown(self) -> str:
        """The text as it fits in."""
        return self.fontMetrics().elidedText(self._line(), Qt.TextElideMode.ElideRight, self._room().width())

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent) and self.shown != self._line():
            tip = "\n".join(part for part in (self.text(), self.toolTip()) if part)
            QToolTip.showText(event.globalPos(), tip, self)
            return True
        return super().event(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawPrimitive(QStyle.PrimitiveElement.PE_Widget, option, painter, self)
        align = self.alignment().value
        self.style().drawItemText(
            painter, self._room(), align, self.palette(), self.isEnabled(), self.shown, self.foregroundRole()
        )

    def _line(self) -> str:
        return " ".join(self.text().split())

    def _room(self) -> QRect:
        return self.contentsRect()
