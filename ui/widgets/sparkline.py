"""A bar for each recent run: height is its duration, colour its outcome."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF
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
    pitch = max(2, int(rect.width() * ratio / slots))
    width = max(1, int(pitch * 0.6))
    left, bottom, tall = round(rect.left() * ratio), round(rect.bottom() * ratio), rect.height() * ratio
    longest = max((seconds for seconds, _ in bars), default=0.0) or 1.0
    colors = {role: theme.color(role) for role in (_ORDINARY, *_ROLES.values())}
    painter.save()
    painter.scale(1 / ratio, 1 / ratio)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
    count = min(len(bars), slots, int(rect.width() * ratio / pitch))  # the newest that fit
    for place, (seconds, state) in enumerate(bars[-count:]):
        role = _ROLES.get(state, _ORDINARY)
        # The square root keeps an everyday run visible beside one that took twenty times as long.
        share = (seconds / longest) ** 0.5 if state.is_success else 0.0
        height = max(2.0 * ratio, share * tall)
        if role != _ORDINARY:
            height = max(height, tall * 0.75)
        painter.fillRect(left + place * pitch, bottom - round(height), width, round(height), colors[role])
    painter.restore()
