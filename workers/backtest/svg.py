"""Small charts as SVG, drawn by hand so that a report needs nothing but itself. All text is escaped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape
from typing import Final

import numpy as np

from workers.strategy.averages import Array

_WIDTH: Final = 960
_LEFT, _RIGHT, _TOP, _BOTTOM = 84, 12, 10, 26


class Frame:
    """A chart's area: values to places, with lines and labels at round values.

    Args:
        labels: What stands under the chart: places of 0..1 and their texts.
    """

    def __init__(self, height: int, low: float, high: float, labels: Sequence[tuple[float, str]], title: str) -> None:
        if high <= low:
            low, high = low - 1.0, high + 1.0
        room = (high - low) * 0.04
        self._low, self._high, self._height = low - room, high + room, height
        self._labels, self._title = labels, title
        self._parts: list[str] = []

    def x(self, share: float) -> float:
        """The place of a share of the width."""
        return _LEFT + share * (_WIDTH - _LEFT - _RIGHT)

    def y(self, value: float) -> float:
        """The place of a value."""
        share = (value - self._low) / (self._high - self._low)
        return self._height - _BOTTOM - share * (self._height - _TOP - _BOTTOM)

    def line(self, values: Array, kind: str) -> None:
        """A line through values at even distances."""
        if len(values):
            self._parts.append(f'<polyline class="{kind}" points="{self._points(values)}"/>')

    def area(self, values: Array, kind: str, base: float = 0.0) -> None:
        """The area between values and a base."""
        if len(values):
            first, last, ground = self.x(0), self.x(1), self.y(base)
            around = f"{first:.1f},{ground:.1f} {self._points(values)} {last:.1f},{ground:.1f}"
            self._parts.append(f'<polygon class="{kind}" points="{around}"/>')

    def bar(self, begin: float, end: float, value: float, kind: str, told: str) -> None:
        """A bar from 0 to a value, between two shares of the width; ``told`` is shown over it."""
        left, right = self.x(begin) + 1, self.x(end) - 1
        top, bottom = sorted((self.y(value), self.y(0.0)))
        self._parts.append(
            f'<rect class="{kind}" x="{left:.1f}" y="{top:.1f}" width="{max(right - left, 1):.1f}" '
            f'height="{max(bottom - top, 0.5):.1f}"><title>{escape(told)}</title></rect>'
        )

    def svg(self) -> str:
        """The chart."""
        lines = []
        for value in ticks(self._low, self._high):
            place = self.y(value)
            lines.append(f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{place:.1f}" y2="{place:.1f}"/>')
            lines.append(f'<text x="{_LEFT - 8}" y="{place + 4:.1f}" text-anchor="end">{escape(short(value))}</text>')
        for share, label in self._labels:
            anchor = "start" if share < 0.05 else "end" if share > 0.95 else "middle"
            at = f'x="{self.x(share):.1f}" y="{self._height - 8}"'
            lines.append(f'<text {at} text-anchor="{anchor}">{escape(label)}</text>')
        inside = "".join((*lines, *self._parts))
        title = escape(self._title)
        return (
            f'<svg viewBox="0 0 {_WIDTH} {self._height}" role="img" aria-label="{title}"><title>{title}</title>'
            f"{inside}</svg>"
        )

    def _points(self, values: Array) -> str:
        places = np.linspace(self.x(0), self.x(1), len(values)).tolist()
        return " ".join(f"{x:.1f},{self.y(value):.1f}" for x, value in zip(places, values.tolist(), strict=True))


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values between two, some five of them."""
    span = high - low
    if not math.isfinite(span) or span <= 0:
        return []
    raw = span / about
    size = 10.0 ** math.floor(math.log10(raw))
    step = next(size * factor for factor in (1, 2, 2.5, 5, 10) if size * factor >= raw)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]


def short(value: float) -> str:
    """A number as a label has it."""
    if value == 0:
        return "0"
    decimals = 0 if abs(value) >= 100 else 2 if abs(value) >= 1 else 4
    shown = f"{value:,.{decimals}f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown
