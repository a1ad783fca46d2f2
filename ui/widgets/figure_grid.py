"""Figures with their names, in as many columns as there is room for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFont, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from ui.theme import Theme

_WIDE: Final = 138
_TALL: Final = 38


class FigureGrid(QWidget):
    """Name over value; one widget instead of two labels for each figure."""

    def __init__(self, theme: Theme, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._figures: tuple[tuple[str, str, str], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setMinimumWidth(_WIDE)
        self.setAccessibleName(name)
        theme.changed.connect(self.update)

    def show_figures(self, figures: Sequence[tuple[str, str, str]]) -> None:
        """Show these: name, value and ink."""
        self._figures = tuple(figures)
        self.setAccessibleDescription("; ".join(f"{caption} {value}" for caption, value, _ink in self._figures))
        self._fit()
        self.update()

    @property
    def figures(self) -> tuple[tuple[str, str, str], ...]:
        """What is shown."""
        return self._figures

    def columns(self, width: int) -> int:
        """How many figures stand beside each other; rows are filled evenly where that is possible."""
        count = len(self._figures) or 1
        fit = max(1, min(count, width // _WIDE))
        rows = -(-count // fit)
        return -(-count // rows)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """As high as the rows that there is no way around at this width."""
        self.setFixedHeight(-(-(len(self._figures) or 1) // self.columns(self.width())) * _TALL)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        columns = self.columns(self.width())
        wide = self.width() / columns
        for place, (caption, value, ink) in enumerate(self._figures):
            left, top = place % columns * wide, place // columns * _TALL
            painter.setFont(self._theme.font(10.5))
            painter.setPen(self._theme.ink("muted"))
            shown = self._theme.metrics(10.5).elidedText(caption, Qt.TextElideMode.ElideRight, wide - 4)
            painter.drawText(QRectF(left, top, wide - 8, 16), int(Qt.AlignmentFlag.AlignVCenter), shown)
            painter.setFont(self._theme.font(14, QFont.Weight.Medium))
            painter.setPen(self._theme.ink(ink))
            painter.drawText(QRectF(left, top + 15, wide - 8, 20), int(Qt.AlignmentFlag.AlignVCenter), value)
