"""What the window remembers about itself: size, place, page, dismissed hints. Nothing of this is the engine's truth."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings


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
