"""Colours, type and sizes of the window, dark and light, as tokens; nothing else in ``ui`` names a colour."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontMetricsF, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from ui.style_sheet import style_sheet

Choice = Literal["system", "light", "dark"]

READABLE = 4.5
"""Least contrast of text on its background (WCAG AA)."""

_FAMILIES = ("Segoe UI Variable Text", "Segoe UI Variable", "Inter", "SF Pro Text", "Segoe UI")
_MONO_FAMILIES = ("Cascadia Mono", "JetBrains Mono", "SF Mono", "Consolas", "DejaVu Sans Mono", "Liberation Mono")


@dataclass(frozen=True, slots=True)
class Tokens:
    """One theme: colours as ``#rrggbb``. ``faint`` is for ornaments only, text that means something uses ``muted``."""

    bg: str
    panel: str
    raised: str
    line: str
    text: str
    dim: str
    faint: str
    accent: str
    ok: str
    warning: str
    error: str
    running: str
    idle: str
    selected: str


DARK = Tokens(
    bg="#0f1318",
    panel="#161b22",
    raised="#1c232c",
    line="#28303b",
    text="#e6eaf0",
    dim="#98a3b3",
    faint="#667080",
    accent="#4c9aff",
    ok="#2bb38a",
    warning="#e6a23c",
    error="#ef6a4c",
    running="#5aa7e8",
    idle="#7d8896",
    selected="#1e2c40",
)

LIGHT = Tokens(
    bg="#f5f6f8",
    panel="#ffffff",
    raised="#ffffff",
    line="#dfe3e9",
    text="#1a2129",
    dim="#5b6675",
    faint="#8a94a3",
    accent="#1f6feb",
    ok="#0b8a63",
    warning="#a86400",
    error="#c43e1c",
    running="#0b6bcb",
    idle="#6b7583",
    selected="#e5effc",
)

TEXT_ROLES = ("text", "dim", "muted", "ok", "warning", "error", "running", "idle", "accent")
SURFACES = ("bg", "panel", "raised", "selected")


def luminance(color: str) -> float:
    """Relative luminance of a colour, 0 (black) to 1 (white), as WCAG defines it."""
    q = QColor(color)

    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else float(((channel + 0.055) / 1.055) ** 2.4)

    return 0.2126 * linear(q.redF()) + 0.7152 * linear(q.greenF()) + 0.0722 * linear(q.blueF())


def contrast(first: str, second: str) -> float:
    """Contrast ratio of two colours, 1 to 21."""
    high, low = sorted((luminance(first), luminance(second)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def readable(color: str, surfaces: tuple[str, ...]) -> str:
    """``color``, moved away from the surfaces just as far as text on each of them needs to be read."""
    dark_surface = luminance(surfaces[0]) < 0.2
    current = QColor(color)
    for _ in range(60):
        if all(contrast(current.name(), surface) >= READABLE for surface in surfaces):
            return current.name()
        lightness = current.lightnessF()
        lightness = min(1.0, lightness + 0.01) if dark_surface else max(0.0, lightness - 0.01)
        current = QColor.fromHslF(max(0.0, current.hslHueF()), current.hslSaturationF(), lightness)
    return current.name()


class Theme(QObject):
    """The theme in force. Widgets ask it while they paint, so that a change shows at once.

    Signals:
        changed: the colours are others now; repaint.
    """

    changed = Signal()

    def __init__(self, choice: Choice = "system", parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice: Choice = choice
        self._dark = True
        self.tokens = DARK
        self._readable: dict[str, QColor] = {}
        # Kept, since cells ask whenever they are painted, and each new object of Qt lets go of the interpreter.
        self._colors: dict[str, QColor] = {}
        self._fonts: dict[tuple[float, QFont.Weight], QFont] = {}
        self._metrics: dict[tuple[float, QFont.Weight], QFontMetricsF] = {}
        self.family = _first_installed(_FAMILIES, QFontDatabase.SystemFont.GeneralFont)
        self.mono_family = _first_installed(_MONO_FAMILIES, QFontDatabase.SystemFont.FixedFont)
        self._choose()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_system_changed)

    @property
    def dark(self) -> bool:
        """Whether the dark colours are in force."""
        return self._dark

    @property
    def choice(self) -> Choice:
        """What the user chose: system, light or dark."""
        return self._choice

    def apply(self, app: QApplication) -> None:
        """Dress the application: Fusion, palette, font and style sheet."""
        app.setStyle("Fusion")
        app.setFont(self.font())
        app.setPalette(self.palette())
        app.setStyleSheet(style_sheet(self))

    def set_choice(self, choice: Choice) -> None:
        """Use the dark or the light colours, or those of the system."""
        if choice == self._choice:
            return
        self._choice = choice
        self._refresh()

    def color(self, role: str) -> QColor:
        """The colour of a token. It is the theme's own: copy it before changing it."""
        found = self._colors.get(role)
        if found is None:
            found = self._colors[role] = QColor(getattr(self.tokens, role))
        return found

    def ink(self, role: str) -> QColor:
        """The colour of a token for text: at least 4.5:1 on every surface, a selected row too."""
        return self._readable[role]

    def on_accent(self) -> str:
        """The colour of text on the accent."""
        return max(("#ffffff", DARK.bg), key=lambda c: contrast(c, self.tokens.accent))

    def tint(self, role: str, share: float) -> QColor:
        """A token mixed into the panel: ``share`` 0 is the panel, 1 the token."""
        top, base = self.color(role), self.color("panel")
        return QColor.fromRgbF(
            base.redF() + (top.redF() - base.redF()) * share,
            base.greenF() + (top.greenF() - base.greenF()) * share,
            base.blueF() + (top.blueF() - base.blueF()) * share,
        )

    def font(self, size_px: float = 12.5, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
        """The font of the window with figures of one width, so that numbers line up and countdowns stand still.

        It is the theme's own: copy it before changing it.
        """
        font = self._fonts.get((size_px, weight))
        if font is None:
            font = self._fonts[(size_px, weight)] = QFont(self.family)
            font.setPointSizeF(_points(size_px))
            font.setWeight(weight)
            font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def metrics(self, size_px: float = 12.5, weight: QFont.Weight = QFont.Weight.Normal) -> QFontMetricsF:
        """The measures of ``font`` with the same arguments."""
        found = self._metrics.get((size_px, weight))
        if found is None:
            found = self._metrics[(size_px, weight)] = QFontMetricsF(self.font(size_px, weight))
        return found

    def mono(self, size_px: float = 12) -> QFont:
        """The font of logs and files."""
        font = QFont(self.mono_family)
        font.setPointSizeF(_points(size_px))
        font.setStyleHint(QFont.StyleHint.Monospace)
        return font

    def palette(self) -> QPalette:
        """The colours for everything that the style sheet does not name."""
        roles = QPalette.ColorRole
        palette = QPalette()
        pairs = {
            roles.Window: "bg",
            roles.Base: "panel",
            roles.AlternateBase: "panel",
            roles.Button: "raised",
            roles.ToolTipBase: "raised",
            roles.Highlight: "selected",
            roles.Mid: "line",
            roles.Dark: "line",
            roles.Accent: "accent",
        }
        for role, token in pairs.items():
            palette.setColor(role, self.color(token))
        for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.ToolTipText, roles.HighlightedText):
            palette.setColor(role, self.color("text"))
        palette.setColor(roles.PlaceholderText, self.ink("muted"))
        palette.setColor(roles.Link, self.ink("accent"))
        for role in (roles.WindowText, roles.Text, roles.ButtonText):
            palette.setColor(QPalette.ColorGroup.Disabled, role, self.color("faint"))
        return palette

    def _choose(self) -> None:
        if self._choice == "system":
            self._dark = QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
        else:
            self._dark = self._choice == "dark"
        self.tokens = DARK if self._dark else LIGHT
        self._colors.clear()
        surfaces = tuple(str(getattr(self.tokens, name)) for name in SURFACES)
        named = {f.name: str(getattr(self.tokens, f.name)) for f in fields(self.tokens)}
        named["muted"] = self.tokens.faint
        self._readable = {role: QColor(readable(named[role], surfaces)) for role in TEXT_ROLES}

    def _refresh(self) -> None:
        self._choose()
        app = QApplication.instance()
        if isinstance(app, QApplication):
            self.apply(app)
        self.changed.emit()

    def _on_system_changed(self, _scheme: Qt.ColorScheme) -> None:
        if self._choice == "system":
            self._refresh()


def _points(size_px: float) -> float:
    """Points of a size in logical pixels; only points can be broken."""
    screen = QGuiApplication.primaryScreen()
    return size_px * 72.0 / (screen.logicalDotsPerInchY() if screen is not None else 96.0)


def _first_installed(families: tuple[str, ...], otherwise: QFontDatabase.SystemFont) -> str:
    """The first of the families that this machine has, else the system's own."""
    installed = set(QFontDatabase.families())
    found = next((family for family in families if family in installed), "")
    return found or QFontDatabase.systemFont(otherwise).family()
