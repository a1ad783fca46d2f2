"""Labels and small layout helpers, so that pages read as what they show."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget
from shiboken6 import isValid

from ui.icons import icon
from ui.theme import Theme


def label(text: str = "", style: str = "", *, wrap: bool = False, selectable: bool = False) -> QLabel:
    """A label in one of the named styles of the style sheet (dim, small, muted, strong, value, pageTitle)."""
    result = QLabel(text)
    result.setTextFormat(Qt.TextFormat.PlainText)
    if style:
        result.setObjectName(style)
    if wrap:
        result.setWordWrap(True)
        # Qt's own least height of a wrapped label is that of one word a line, which makes dialogs far too tall.
        result.setMinimumSize(1, 1)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        result.setSizePolicy(policy)
    if selectable:
        result.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
    return result


def button(text: str, pressed: Callable[[], object], *, style: str = "", tip: str = "") -> QPushButton:
    """A button; ``style`` is primary, quiet, link or empty."""
    result = QPushButton(text)
    if style:
        result.setProperty(style, True)
    if style == "link":
        result.setCursor(Qt.CursorShape.PointingHandCursor)
    if tip:
        result.setToolTip(tip)
    result.setAccessibleName(text or tip)
    result.setAutoDefault(False)
    result.clicked.connect(lambda _checked=False: pressed())
    return result


def icon_button(theme: Theme, name: str, tip: str, pressed: Callable[[], object]) -> QPushButton:
    """A quiet button that shows only an icon; its tip is its accessible name."""
    result = button("", pressed, style="quiet", tip=tip)
    result.setIconSize(QSize(14, 14))
    set_icon(result, theme, name)
    return result


def set_icon(target: QPushButton, theme: Theme, name: str, role: str = "dim") -> None:
    """Give a button an icon that follows the theme."""

    def refresh() -> None:
        if isValid(target):  # the theme may outlive the button
            target.setIcon(icon(name, theme.ink(role)))

    refresh()
    theme.changed.connect(refresh)


def card(parent: QWidget | None = None) -> tuple[QFrame, QVBoxLayout]:
    """A card and the layout for its content."""
    frame = QFrame(parent)
    frame.setObjectName("card")
    layout = QVBoxLayout(frame)
    layout.setContentsMargins(15, 13, 15, 13)
    layout.setSpacing(4)
    return frame, layout


def row(*parts: QWidget | int | None, spacing: int = 8) -> QHBoxLayout:
    """Widgets side by side; None is a stretch, a number is that many pixels."""
    layout = QHBoxLayout()
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(spacing)
    for part in parts:
        if part is None:
            layout.addStretch(1)
        elif isinstance(part, int):
            layout.addSpacing(part)
        else:
            layout.addWidget(part)
    return layout


def fill(layout: QVBoxLayout | QHBoxLayout, *parts: QWidget | QHBoxLayout | QVBoxLayout) -> None:
    """Add widgets and layouts in order."""
    for part in parts:
        if isinstance(part, QWidget):
            layout.addWidget(part)
        else:
            layout.addLayout(part)
