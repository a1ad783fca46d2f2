"""Icons from ``resources/icons``: small SVG files drawn for Metronome, painted here in the colour of a token.

QtSvg would cost memory for what sixteen lines of path data need, so the few shapes that our files use
(path with M L H V C Z, line, polyline, circle, rect) are read here.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPainterPath, QPen, QPixmap

GRID = 16
"""Icons are drawn on a grid of this many pixels."""

ICON_FOLDER = Path(__file__).resolve().parent.parent / "resources" / "icons"

_SHAPE = re.compile(r"<(path|line|polyline|circle|rect)\b([^>]*?)/?>")
_ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
_TOKEN = re.compile(r"[MLHVCZ]|-?\d*\.?\d+")


class Shape:
    """One shape of an icon: its outline and whether it is filled (else stroked)."""

    __slots__ = ("filled", "path", "width")

    def __init__(self, path: QPainterPath, filled: bool, width: float) -> None:
        self.path = path
        self.filled = filled
        self.width = width


@cache
def shapes(name: str) -> tuple[Shape, ...]:
    """The shapes of the icon ``name``.

    Raises:
        FileNotFoundError: there is no such icon.
    """
    text = (ICON_FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    found = []
    for kind, raw in _SHAPE.findall(text):
        attributes = dict(_ATTRIBUTE.findall(raw))
        filled = attributes.get("fill", "none") != "none"
        width = 0.0 if attributes.get("stroke") == "none" else float(attributes.get("stroke-width", "1.5"))
        found.append(Shape(_outline(kind, attributes), filled, width))
    return tuple(found)


def paint_icon(painter: QPainter, name: str, rect: QRectF, color: QColor) -> None:
    """Paint an icon into ``rect`` (logical pixels) in one colour."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.translate(rect.topLeft())
    painter.scale(rect.width() / GRID, rect.height() / GRID)
    for shape in shapes(name):
        painter.setBrush(color if shape.filled else Qt.BrushStyle.NoBrush)
        if shape.filled and shape.width == 0.0:
            painter.setPen(Qt.PenStyle.NoPen)
        else:
            pen = QPen(color, shape.width or 1.5)
            pen.setCapStyle(Qt.PenCapStyle.RoundCap)
            pen.setJoinStyle(Qt.PenJoinStyle.RoundJoin)
            painter.setPen(pen)
        painter.drawPath(shape.path)
    painter.restore()


class _Engine(QIconEngine):
    """Paints an icon at whatever size and scale it is asked for."""

    def __init__(self, name: str, color: QColor) -> None:
        super().__init__()
        self._name = name
        self._color = color

    def paint(self, painter: QPainter, rect, mode: QIcon.Mode, state: QIcon.State) -> None:  # type: ignore[no-untyped-def]
        color = QColor(self._color)
        if mode == QIcon.Mode.Disabled:
            color.setAlphaF(0.45)
        paint_icon(painter, self._name, QRectF(rect), color)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        pixmap = QPixmap(size)
        pixmap.fill(Qt.GlobalColor.transparent)
        painter = QPainter(pixmap)
        self.paint(painter, pixmap.rect(), mode, state)
        painter.end()
        return pixmap

    def clone(self) -> QIconEngine:
        return _Engine(self._name, self._color)


def icon(name: str, color: QColor) -> QIcon:
    """The icon ``name`` in one colour, sharp at every scale."""
    return QIcon(_Engine(name, color))


def app_icon() -> QIcon:
    """The icon of the program, from its picture files."""
    result = QIcon()
    for size in (16, 32, 48, 64, 256):
        result.addFile(str(ICON_FOLDER / f"metronome-{size}.png"), QSize(size, size))
    return result


def _outline(kind: str, attributes: dict[str, str]) -> QPainterPath:
    def number(key: str) -> float:
        return float(attributes.get(key, "0"))

    path = QPainterPath()
    if kind == "circle":
        path.addEllipse(QPointF(number("cx"), number("cy")), number("r"), number("r"))
    elif kind == "rect":
        rect = QRectF(number("x"), number("y"), number("width"), number("height"))
        path.addRoundedRect(rect, number("rx"), number("rx"))
    elif kind == "line":
        path.moveTo(number("x1"), number("y1"))
        path.lineTo(number("x2"), number("y2"))
    elif kind == "polyline":
        values = [float(v) for v in re.findall(r"-?\d*\.?\d+", attributes["points"])]
        points = [QPointF(x, y) for x, y in zip(values[::2], values[1::2], strict=True)]
        path.moveTo(points[0])
        for point in points[1:]:
            path.lineTo(point)
    else:
        _draw(path, _TOKEN.findall(attributes["d"]))
    return path


def _draw(path: QPainterPath, tokens: list[str]) -> None:
    """Follow path data of absolute commands."""
    position = 0
    command = "M"

    def take(count: int) -> list[float]:
        nonlocal position
        values = [float(token) for token in tokens[position : position + count]]
        position += count
        return values

    while position < len(tokens):
        if tokens[position].isalpha():
            command = tokens[position]
            position += 1
        here = path.currentPosition()
        if command == "M":
            path.moveTo(*take(2))
            command = "L"
        elif command == "L":
            path.lineTo(*take(2))
        elif command == "H":
            path.lineTo(take(1)[0], here.y())
        elif command == "V":
            path.lineTo(here.x(), take(1)[0])
        elif command == "C":
            path.cubicTo(*take(6))
        else:
            path.closeSubpath()
