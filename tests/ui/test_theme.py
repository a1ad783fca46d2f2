"""Text can be read on every surface, in both themes; icons can be painted."""

import pytest
from PySide6.QtCore import QRectF
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication

from ui import theme as theme_module
from ui.icons import ICON_FOLDER, paint_icon
from ui.theme import READABLE, SURFACES, TEXT_ROLES, Theme, contrast


@pytest.mark.parametrize("choice", ["dark", "light"])
@pytest.mark.parametrize("role", TEXT_ROLES)
def test_text_has_enough_contrast_on_every_surface(qapp: QApplication, choice: str, role: str) -> None:
    theme = Theme(choice)
    for surface in SURFACES:
        assert contrast(theme.ink(role).name(), getattr(theme.tokens, surface)) >= READABLE


@pytest.mark.parametrize("choice", ["dark", "light"])
def test_text_on_the_accent_can_be_read(qapp: QApplication, choice: str) -> None:
    theme = Theme(choice)
    assert contrast(theme.on_accent(), theme.tokens.accent) >= READABLE


def test_contrast_of_black_and_white_is_21() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21.0)


def test_style_sheet_has_no_token_left(qapp: QApplication) -> None:
    assert "@" not in theme_module.style_sheet(Theme("light"))


def test_changing_the_choice_changes_the_colours_and_tells(qapp: QApplication, qtbot) -> None:
    theme = Theme("dark")
    with qtbot.waitSignal(theme.changed):
        theme.set_choice("light")
    assert theme.color("bg") == QColor("#f5f6f8")


@pytest.mark.parametrize("name", sorted(path.stem for path in ICON_FOLDER.glob("*.svg") if path.stem != "metronome"))
def test_every_icon_paints_something_inside_its_grid(qapp: QApplication, name: str) -> None:
    image = QImage(20, 20, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    paint_icon(painter, name, QRectF(2, 2, 16, 16), QColor("#ffffff"))
    painter.end()
    inked = [(x, y) for x in range(20) for y in range(20) if image.pixelColor(x, y).alpha() > 40]
    assert len(inked) > 10
    assert all(1 <= x <= 18 and 1 <= y <= 18 for x, y in inked)
