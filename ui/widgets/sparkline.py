"""A bar for each recent run: height is its duration, colour its outcome."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter

from app.runs import RunState
from ui.theme import Theme

_ROLES = {
    RunState.SUCCEEDED_WITH_WARNINGS: "warning",
    RunState.INTERRUPTED: "warning",
    RunState.FAILED: "error",
    RunState.TIMED_OUT: "error",
}
_ORDINARY = "faint"


def paint_sparkline(
    painter: QPainter, rect: QRectF, bars: Sequence[tuple[float, RunState]], theme: Theme, *, slots: int = 50
) -> None:
    """Paint the bars into ``rect``: the newest run is the rightmost, and troubles stand out in height too.

    A run that never worked (skipped, missed, cancelled) is a dot on the base line.
    """
    if not bars:
        return
    # Whole device pixels: bars of unequal width would look like data.
    ratio = painter.device().devicePixelRatioF()
    pitch = max(2.0, int(rect.width() * ratio / slots)) / ratio
    width = max(1.0, int(pitch * ratio * 0.6)) / ratio
    longest = max((seconds for seconds, _ in bars), default=0.0) or 1.0
    painter.save()
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    count = min(len(bars), slots, int(rect.width() / pitch))  # the newest that fit
    for place, (seconds, state) in enumerate(reversed(bars[-count:])):
        role = _ROLES.get(state, _ORDINARY)
        # The square root keeps an everyday run visible beside one that took twenty times as long.
        share = (seconds / longest) ** 0.5 if state.is_success else 0.0
        height = max(2.0, share * rect.height())
        if role != _ORDINARY:
            height = max(height, rect.height() * 0.75)
        left = rect.left() + (count - place - 1) * pitch
        painter.fillRect(QRectF(left, rect.bottom() - height, width, height), theme.color(role))
    painter.restore()
