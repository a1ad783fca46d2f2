"""One setting: what it is called and does, its input, and what is to know about its value."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFont, QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QWidget

from ui.models.setting_groups import as_text, choice_word, is_pattern, title_of
from ui.theme import Theme
from ui.widgets.elided import ElidedLabel
from ui.widgets.labels import icon_button, label, row
from ui.widgets.setting_input import make_input

if TYPE_CHECKING:
    from app.settings import Option

INPUT_WIDTH = 250


class SettingRow(QWidget):
    """Signals:
    change_asked: the key shall have this value.
    reset_asked: the key shall have its default again.
    """

    change_asked = Signal(str, object)
    reset_asked = Signal(str)

    def __init__(self, theme: Theme, option: Option, group: str, *, lined: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._lined = lined
        self.option = option
        self.key = option.key
        self.input = make_input(option)
        name = title_of(option)
        title = ElidedLabel(text=name)
        title.setFont(theme.font(weight=QFont.Weight.Medium))
        title.setToolTip(option.key)
        title.setBuddy(self.input.widget)
        self._marker = label("", "small")
        self._marker.setMinimumWidth(1)  # a long word in another language must not push the inputs out of sight
        self._remark = label("", "small", wrap=True)
        self._note = label("", "small", wrap=True, selectable=True)
        self._note.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._reset = icon_button(theme, "refresh", self.tr("Reset {title}").format(title=name), self._on_reset)
        keep = self._reset.sizePolicy()
        keep.setRetainSizeWhenHidden(True)
        self._reset.setSizePolicy(keep)
        self.input.widget.setAccessibleName(f"{group}: {name}")
        self.input.widget.setAccessibleDescription(f"{option.description} {option.allowed}".strip())
        self.input.widget.setToolTip(self.tr("Allowed: {what}").format(what=option.allowed))
        self.input.widget.setObjectName(f"setting_{option.key}")
        self._lay_out(title)
        self.input.committed.connect(self._on_committed)
        self.input.edited.connect(lambda: self.show_error(""))

    def _lay_out(self, title: QWidget) -> None:
        layout = QGridLayout(self)
        layout.setContentsMargins(0, 9, 0, 9)
        layout.setHorizontalSpacing(20)
        layout.setVerticalSpacing(2)
        layout.setColumnStretch(0, 1)
        heading = QWidget()
        heading.setLayout(row(title, self._marker, None))
        unit = "" if self.option.unit == "file" else self.option.unit
        wide = self.option.type == "list" or is_pattern(self.option)
        parts: list[QWidget | None] = [self.input.widget]
        if unit:
            parts.append(label(unit, "dim"))
        if not wide and (unit or self.input.widget.maximumWidth() < INPUT_WIDTH or self.option.type == "bool"):
            parts.append(None)
        side = QWidget()
        side.setLayout(row(*parts, self._reset))
        layout.addWidget(heading, 0, 0)
        layout.addWidget(self._remark, 1, 0)
        if wide:  # several names need the whole line
            layout.addWidget(side, 2, 0, 1, 2)
        else:
            side.setFixedWidth(INPUT_WIDTH + 34)
            layout.addWidget(side, 0, 1, 2, 1, Qt.AlignmentFlag.AlignVCenter)
        layout.addWidget(self._note, 3, 0, 1, 2)

    def show_option(self, option: Option, *, waits: bool) -> None:
        """Show the setting as it is now; ``waits``: its value was changed and counts from the next start on."""
        self.option = option
        if not self.input.editing:
            self.input.show_value(option.value)
            self.show_error("")
        self.input.widget.setEnabled(not option.overridden)
        given = not is_pattern(option) and option.value != option.default
        self._reset.setVisible(given and not option.overridden)
        default = choice_word(as_text(option.default)) if option.choices else as_text(option.default)
        tip = self.tr("Back to the default: {value}").format(value=default or self.tr("empty"))
        self._reset.setToolTip(tip)
        self._remark.setText(option.description)
        if option.overridden:
            self._mark("running", self.tr("set by --set until Metronome ends"))
            self._marker.setToolTip(self.tr("The command line rules it; the value in the file counts without --set."))
        elif option.restart_needed and waits:
            self._mark("warning", self.tr("changed, counts from the next start"))
        elif option.restart_needed:
            self._mark("muted", self.tr("counts from the next start"))
        else:
            self._marker.hide()

    def _mark(self, role: str, text: str) -> None:
        self._marker.setText(text)
        self._marker.setStyleSheet(f"color: {self._theme.ink(role).name()};")
        self._marker.setToolTip("")
        self._marker.show()

    def show_error(self, text: str) -> None:
        """Say why the value was not taken; nothing takes the words away."""
        self._note.setText(text)
        self._note.setVisible(bool(text))
        self._note.setStyleSheet(f"color: {self._theme.ink('error').name()};" if text else "")
        self._note.setAccessibleName(self.tr("Not saved: {why}").format(why=text) if text else "")
        self.input.mark(wrong=bool(text))

    @property
    def marker(self) -> str:
        """What is special about the value: that it waits for the next start, or that ``--set`` rules it."""
        return "" if self._marker.isHidden() else self._marker.text()

    @property
    def error(self) -> str:
        """Why the last value was not taken; empty when it was."""
        return self._note.text()

    def restore(self) -> bool:
        """Forget what was typed; returns whether there was anything."""
        if not self.input.editing:
            return False
        self.input.show_value(self.option.value)
        self.show_error("")
        return True

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._lined:
            QPainter(self).fillRect(0, 0, self.width(), 1, self._theme.color("line"))

    def _on_committed(self, value: object) -> None:
        key = self.key
        if is_pattern(self.option):
            entry, mark, value = (part.strip() for part in str(value).partition("="))
            if not (entry and mark and value):
                self.show_error(self.tr("Type a name, an equals sign and a file, as in EURUSD = bars.csv"))
                return
            key = f"{key.rpartition('.')[0]}.{entry}"
        self.change_asked.emit(key, value)

    def _on_reset(self) -> None:
        self.reset_asked.emit(self.key)
