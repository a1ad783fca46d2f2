"""What the window remembers about itself: size, place, page, dismissed hints. Nothing of this is the engine's truth.

And where it opens: as it was, or in its first size, but always whole on a screen that is there.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PySide6.QtCore import QByteArray, QPoint, QRect, QSettings, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

FIRST_SIZE: Final = QSize(1280, 800)
#: All pages fit from here on; a screen with less gets a window of its own size.
LEAST_SIZE: Final = QSize(900, 560)
#: What the window system draws above the window. Nobody can tell before it is shown; too much does no harm.
TITLE_BAR: Final = 36


class WindowState:
    """A small INI file in the configuration folder; without a file nothing is remembered."""

    def __init__(self, file: Path | None) -> None:
        self._settings = QSettings(str(file), QSettings.Format.IniFormat) if file is not None else None

    def geometry(self) -> QByteArray:
        """The last size and place; empty when none is known."""
        value = self._settings.value("window/geometry") if self._settings else None
        return value if isinstance(value, QByteArray) else QByteArray()

    def set_geometry(self, value: QByteArray) -> None:
        """Remember size and place."""
        self._set("window/geometry", value)

    def text(self, key: str, default: str = "") -> str:
        """A remembered word."""
        return str(self._settings.value(key, default)) if self._settings else default

    def set_text(self, key: str, value: str) -> None:
        """Remember a word."""
        self._set(key, value)

    def save(self) -> None:
        """Write what is remembered; a folder that cannot be written costs only the memory of the window's place."""
        if self._settings is not None:
            self._settings.sync()

    def _set(self, key: str, value: object) -> None:
        if self._settings is not None:
            self._settings.setValue(key, value)


def areas_in_sight() -> tuple[QRect, ...]:
    """Where windows may be: each screen without its task bar, the primary one first, in device-independent pixels.

    Empty without real screens, as for a picture of a page.
    """
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return ()
    primary = QGuiApplication.primaryScreen()
    screens = sorted(QGuiApplication.screens(), key=lambda screen: screen is not primary)
    return tuple(screen.availableGeometry() for screen in screens)


def fitted(wanted: QRect | None, areas: Sequence[QRect]) -> QRect:
    """A place for the window that is whole on one of ``areas``.

    Args:
        wanted: Its content where it was; None opens it in its first size, in the middle of the first area.
    """
    rooms = [area.adjusted(0, TITLE_BAR, 0, 0) for area in areas]
    if wanted is None:
        size = FIRST_SIZE.boundedTo(rooms[0].size())
        middle = rooms[0].center() - QPoint(size.width() // 2, size.height() // 2)
        wanted, room = QRect(middle, size), rooms[0]
    else:
        room = max(rooms, key=lambda found: _common(found, wanted))  # the first one when it was on none of them
    size = wanted.size().boundedTo(room.size())
    left = min(max(wanted.left(), room.left()), room.left() + room.width() - size.width())
    top = min(max(wanted.top(), room.top()), room.top() + room.height() - size.height())
    return QRect(QPoint(left, top), size)


def _common(one: QRect, other: QRect) -> int:
    both = one.intersected(other)
    return both.width() * both.height() if both.isValid() else 0


def open_at(window: QWidget, geometry: QByteArray, areas: Sequence[QRect]) -> None:
    """Give a window that is not shown yet its size and place: as remembered in ``geometry``, fitted to ``areas``."""
    least = LEAST_SIZE
    for area in areas:
        least = least.boundedTo(area.adjusted(0, TITLE_BAR, 0, 0).size())
    window.setMinimumSize(least)
    known = not geometry.isEmpty() and window.restoreGeometry(geometry)
    if not areas:
        if not known:
            window.resize(FIRST_SIZE)
    elif not (known and (window.isMaximized() or window.isFullScreen())):  # those are fitted by the window system
        window.setGeometry(fitted(window.geometry() if known else None, areas))


def keep_in_sight(window: QWidget, areas: Sequence[QRect]) -> None:
    """Bring a window back that is on no screen any more, as when a monitor was taken away while it was hidden."""
    if areas and not any(area.intersects(window.geometry()) for area in areas):
        window.setGeometry(fitted(window.geometry(), areas))
