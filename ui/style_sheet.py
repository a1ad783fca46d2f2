"""The style sheet of the window, filled in with the colours of the theme."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ui.theme import Theme

_SHEET = """
QWidget { color: @text; }
QLabel { background: transparent; }
QMainWindow, QDialog, #page, #body { background: @bg; }
QToolTip { background: @raised; color: @text; border: 1px solid @line; padding: 4px 6px; }
#header, #footer, #sidebar { background: @panel; }
#header { border-bottom: 1px solid @line; }
#footer { border-top: 1px solid @line; }
#sidebar { border-right: 1px solid @line; }
#brand { font-size: 15px; font-weight: 600; }
#pageTitle { font-size: 17px; font-weight: 600; }
#sectionTitle { font-size: 15px; font-weight: 600; }
#dim { color: @dim_ink; }
#small { color: @dim_ink; font-size: 12px; }
#muted { color: @muted_ink; font-size: 12px; }
#problem { color: @error_ink; font-size: 12px; }
#strong { font-weight: 600; }
#value { font-size: 16px; font-weight: 500; }
#mono { font-family: "@mono"; font-size: 12px; }
#chip { border: 1px solid @line; border-radius: 12px; background: transparent; }
#chip:hover, #chip:focus { border-color: @faint; }
#card { background: @panel; border: 1px solid @line; border-radius: 10px; }
#card[current="true"] { border-color: @accent; }

QPushButton {
    background: @raised; border: 1px solid @line; border-radius: 6px; padding: 4px 11px; min-height: 16px;
}
QPushButton:hover { border-color: @faint; }
QPushButton:pressed { background: @line; }
QPushButton:disabled { color: @faint; }
QPushButton:focus { border-color: @accent; }
QPushButton[primary="true"] { background: @accent; border-color: @accent; color: @on_accent; font-weight: 500; }
QPushButton[primary="true"]:hover { background: @accent_hover; }
QPushButton[primary="true"]:focus { border-color: @text; }
QPushButton[primary="true"]:disabled { background: @line; border-color: @line; color: @muted_ink; }
QPushButton[quiet="true"] { background: transparent; border-color: transparent; padding: 3px 6px; }
QPushButton[switch="true"] { padding: 3px 2px; color: @dim_ink; }
QPushButton[switch="true"]:checked { background: @selected; color: @accent_ink; }
QPushButton[switch="true"]:disabled { color: @faint; }
QPushButton#dim { color: @dim_ink; }
QPushButton[quiet="true"]:hover { background: @line; }
QPushButton[quiet="true"]:focus { border-color: @accent; }
QPushButton[link="true"] { background: transparent; border: none; padding: 0; color: @accent_ink; text-align: left; }
QPushButton[link="true"]:hover, QPushButton[link="true"]:focus { text-decoration: underline; }

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QDateTimeEdit, QPlainTextEdit {
    background: @field; border: 1px solid @line; border-radius: 6px; padding: 4px 8px; min-height: 16px;
    selection-background-color: @accent; selection-color: @on_accent;
}
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QDateTimeEdit:focus, QPlainTextEdit:focus {
    border-color: @accent;
}
QAbstractSpinBox QLineEdit, QComboBox QLineEdit {
    background: transparent; border: none; padding: 0; min-height: 0;
}
QAbstractSpinBox QLineEdit { padding: 0 8px; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { width: 0; border: none; }
QLineEdit[wrong="true"], QSpinBox[wrong="true"] { border-color: @error; }
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled { color: @muted_ink; background: transparent; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: none; width: 0; height: 0; }
QComboBox QAbstractItemView { background: @raised; border: 1px solid @line; selection-background-color: @selected;
    selection-color: @text; outline: 0; padding: 4px; }
QCheckBox { spacing: 8px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid @faint; border-radius: 3px; background: @field; }
QCheckBox::indicator:checked { background: @selected; border-color: @accent; }
QCheckBox:focus { color: @accent_ink; }

QTableView, QListView { background: @panel; border: none; outline: 0; gridline-color: transparent;
    selection-background-color: @selected; selection-color: @text; }
#completions { background: @raised; border: 1px solid @line; padding: 4px; }
#completions::item { padding: 3px 6px; border-radius: 4px; }
#framed { background: @panel; border: 1px solid @line; border-radius: 10px; }
QHeaderView { background: transparent; border: none; }
QHeaderView::section {
    background: transparent; color: @muted_ink; border: none; border-bottom: 1px solid @line; padding: 0 8px;
    font-size: 11px; font-weight: 400;
}
QScrollArea, #clear { background: transparent; border: none; }
QAbstractScrollArea::corner { background: transparent; border: none; }
QScrollBar:vertical { background: transparent; width: 10px; margin: 2px; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 2px; }
QScrollBar::handle { background: @line; border-radius: 3px; min-height: 28px; min-width: 28px; }
QScrollBar::handle:hover { background: @faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: @raised; border: 1px solid @line; padding: 4px; }
QMenu::item { padding: 5px 18px; border-radius: 4px; }
QMenu::item:selected { background: @selected; }
QMenu::item:disabled { color: @faint; }
QMenu::separator { height: 1px; background: @line; margin: 4px 6px; }
QSplitter::handle { background: transparent; }
"""


def style_sheet(theme: Theme) -> str:
    """The whole sheet in the colours of ``theme``."""
    tokens = theme.tokens
    values = {name: str(getattr(tokens, name)) for name in tokens.__slots__}
    values["field"] = tokens.bg if theme.dark else tokens.panel
    values["on_accent"] = theme.on_accent()
    values["accent_hover"] = theme.color("accent").lighter(108).name()
    values["dim_ink"] = theme.ink("dim").name()
    values["muted_ink"] = theme.ink("muted").name()
    values["error_ink"] = theme.ink("error").name()
    values["accent_ink"] = theme.ink("accent").name()
    values["mono"] = theme.mono_family
    sheet = _SHEET
    for name in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"@{name}", values[name])
    return sheet
