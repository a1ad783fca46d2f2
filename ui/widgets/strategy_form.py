"""The form of a strategy: shows what stands in its file, and tells each change by its place in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QLineEdit, QScrollArea, QVBoxLayout, QWidget

from ui.models import strategy_fields as fields
from ui.models.strategy_fields import MISSING, Field, Group, Kind, Path
from ui.theme import Theme
from ui.widgets.choice import Choice, Tick
from ui.widgets.completion import Completion
from ui.widgets.condition_list import ConditionList
from ui.widgets.labels import label

if TYPE_CHECKING:
    from workers.strategy.findings import Finding

CAPTION = 84
MOST = 760
TOLD = 3
SHORT = "Short side"


class StrategyForm(QScrollArea):
    """Signals:
    edited: place in the file and its new value; ``MISSING`` takes it away.
    undo_asked, redo_asked: the keys of undo and redo were pressed in a line; the text of the file undoes.
    own_short_asked: the short side is to be written in its own words, or mirrored again.
    """

    edited = Signal(object, object)
    undo_asked = Signal()
    redo_asked = Signal()
    own_short_asked = Signal(bool)

    def __init__(self, theme: Theme, completion: Completion, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._completion = completion
        self._lines: dict[Path, QLineEdit] = {}
        self._choices: dict[Path, Choice] = {}
        self._lists: dict[Path, ConditionList] = {}
        self._sessions: dict[str, Tick] = {}
        self._wrong: dict[Path, QLabel] = {}
        self._document: Mapping[str, Any] = {}
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setAccessibleName(self.tr("Form"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.content = QWidget()
        self.content.setObjectName("clear")
        self.content.setMaximumWidth(MOST)
        layout = QVBoxLayout(self.content)
        layout.setContentsMargins(2, 2, 10, 8)
        layout.setSpacing(6)
        self.general = label("", "problem", wrap=True, selectable=True)
        self.general.hide()
        layout.addWidget(self.general)
        self._short = QWidget()
        for group in fields.GROUPS:
            layout.addWidget(self._make_group(group))
        layout.addStretch(1)
        self.setWidget(self.content)

    # -- making ----------------------------------------------------------------------------------------------------

    def _make_group(self, group: Group) -> QWidget:
        holder = QWidget()
        layout = QVBoxLayout(holder)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        if group.side:
            layout.addWidget(self._side_by_side(group))
            return holder
        if group.title == SHORT:
            self._own_short = Tick(self.tr("Short side in its own words, not mirrored"))
            self._own_short.clicked.connect(self.own_short_asked)
            layout.addWidget(self._own_short)
            self._short_part = holder
            inner = QVBoxLayout(self._short)
            inner.setContentsMargins(0, 0, 0, 0)
            layout.addWidget(self._short)
            layout = inner
        elif group.title:
            layout.addSpacing(4)
            layout.addWidget(label(self.tr(group.title), "strong"))
        if group.remark:
            layout.addWidget(label(self.tr(group.remark), "small", wrap=True))
        for field in group.fields:
            if field.kind is Kind.CONDITIONS:
                layout.addWidget(label(self.tr(field.title), "small"))
                layout.addWidget(self._input(field))
                layout.addWidget(self._problem(field))
            else:
                layout.addWidget(self._captioned(field))
        return holder

    def _captioned(self, field: Field) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(2)
        caption = label(self.tr(field.title), "dim")
        caption.setFixedWidth(CAPTION)
        widget = self._input(field)
        caption.setBuddy(widget)
        grid.addWidget(caption, 0, 0)
        grid.addWidget(widget, 0, 1)
        grid.addWidget(self._problem(field), 1, 1)
        grid.setColumnStretch(1, 1)
        return holder

    def _side_by_side(self, group: Group) -> QWidget:
        """Short numbers in a row, each under its caption."""
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(1)
        title = label(self.tr(group.title), "dim")
        title.setFixedWidth(CAPTION)
        grid.addWidget(title, 1, 0)
        for column, field in enumerate(group.fields, start=1):
            grid.addWidget(label(self.tr(field.title), "muted"), 0, column)
            grid.addWidget(self._input(field, f"{group.title} {field.title}"), 1, column)
            grid.addWidget(self._problem(field), 2 + column, 1, 1, len(group.fields))
            grid.setColumnStretch(column, 1)
        return holder

    def _problem(self, field: Field) -> QLabel:
        wrong = label("", "problem", wrap=True, selectable=True)
        wrong.hide()
        self._wrong[field.path] = wrong
        return wrong

    def _input(self, field: Field, name: str = "") -> QWidget:
        default, about = fields.facts_of(field)
        widget: QWidget
        if field.kind is Kind.CONDITIONS:
            found = ConditionList(self._theme, field.path, self.tr(field.title), self._completion, self)
            found.edited.connect(self.edited)
            self._lists[field.path] = found
            widget = found
        elif field.kind is Kind.SESSIONS:
            widget = self._make_sessions()
        elif field.kind is Kind.CHOICE:
            choice = Choice(name or self.tr(field.title))
            choice.activated.connect(partial(self._on_chosen, field))
            self._choices[field.path] = choice
            choice.setSizeAdjustPolicy(Choice.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            choice.setMinimumContentsLength(4)
            widget = choice
        else:
            line = QLineEdit()
            line.setPlaceholderText(default)
            line.setMinimumWidth(40)
            line.textEdited.connect(partial(self._on_typed, field))
            line.installEventFilter(self)
            self._lines[field.path] = line
            widget = line
        widget.setToolTip(about)
        widget.setAccessibleDescription(about)
        if not widget.accessibleName():
            widget.setAccessibleName(name or self.tr(field.title))
        return widget

    def _make_sessions(self) -> QWidget:
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 2, 0, 2)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(4)
        for place, name in enumerate(fields.SESSIONS):
            tick = Tick({"NewYork": "New York"}.get(name, name))
            tick.clicked.connect(self._on_sessions)
            self._sessions[name] = tick
            grid.addWidget(tick, place // 2, place % 2)
        grid.setColumnStretch(2, 1)
        return holder

    # -- showing ---------------------------------------------------------------------------------------------------

    def show_document(self, document: Mapping[str, Any], findings: Sequence[Finding]) -> None:
        """Show what stands in the file and what is wrong with it; what is shown already is left alone."""
        self._document = document
        self.content.setEnabled(True)
        for field in fields.FIELDS:
            self._show(field, fields.value_at(document, field.path))
        both = fields.value_at(document, ("strategy", "direction")) == "both"
        own = fields.value_at(document, ("short_conditions",)) not in (MISSING, None)
        self._short_part.setVisible(both or own)
        self._own_short.setChecked(own)
        self._short.setVisible(own)
        self._tell(findings)

    def show_unreadable(self, sentence: str) -> None:
        """The text is no JSON: show the last values, not to be changed, and why."""
        self._tell(())
        self.general.setText(sentence)
        self.general.show()
        self.content.setEnabled(False)
        self.general.setEnabled(True)

    def bring(self, path: Path) -> None:
        """Bring the field of a place in the file into sight."""
        owner = self._owner(path)
        if owner is not None:
            self.ensureWidgetVisible(self._lists.get(owner) or self._wrong[owner], 0, 60)

    @property
    def usable(self) -> bool:
        """Whether the form can be used."""
        return self.content.isEnabled()

    def line(self, *path: str | int) -> QLineEdit:
        """The line of a place in the file."""
        return self._lines[path]

    def choice(self, *path: str | int) -> Choice:
        """The choice of a place in the file."""
        return self._choices[path]

    def conditions(self, *path: str | int) -> ConditionList:
        """The conditions at a place in the file."""
        return self._lists[path]

    def session(self, name: str) -> Tick:
        """The box of a session."""
        return self._sessions[name]

    def problem(self, *path: str | int) -> str:
        """What is said to be wrong at a place in the file."""
        return self._wrong[path].text()

    def _show(self, field: Field, value: Any) -> None:
        if field.path in self._lines:
            line = self._lines[field.path]
            text = fields.shown(value, number=field.kind is Kind.NUMBER)
            line.setEnabled(text is not None)
            typed = fields.meant(line.text(), number=field.kind is Kind.NUMBER)
            same = type(typed) is type(value) and typed == value
            if not same and line.text() != (text or ""):
                line.setText(text or "")
                line.setCursorPosition(0)
        elif field.path in self._choices:
            self._show_choice(self._choices[field.path], field, value)
        elif field.path in self._lists:
            found = fields.lines(value)
            self._lists[field.path].setEnabled(found is not None)
            self._lists[field.path].show_values(found or ())
        else:
            listed = value if isinstance(value, list) else []
            for name, tick in self._sessions.items():
                tick.setChecked(name in listed)
                tick.setEnabled(isinstance(value, list) or value in (MISSING, None))

    def _show_choice(self, choice: Choice, field: Field, value: Any) -> None:
        known = [value] if isinstance(value, str) and value not in field.choices else []
        wanted = ["" if value is MISSING else None] if not isinstance(value, str) else []
        entries = [*wanted, *field.choices, *known]
        if [choice.itemData(place) for place in range(choice.count())] != entries:
            choice.clear()
            default = fields.facts_of(field)[0]
            for entry in entries:
                choice.addItem(entry or (self.tr("{v} (usual)").format(v=default) if default else "?"), entry)
        choice.setCurrentIndex(entries.index(value) if isinstance(value, str) else 0)

    def _tell(self, findings: Sequence[Finding]) -> None:
        """Each finding at its field; one without a field above the form."""
        found: dict[Path, list[str]] = {path: [] for path in self._wrong}
        rows: dict[Path, dict[int, str]] = {}
        general = []
        for finding in findings:
            owner = self._owner(finding.path)
            last = finding.path[-1] if finding.path else ""
            if owner is None:
                general.append(finding.text)
            elif owner in self._lists and len(finding.path) == len(owner) + 1 and isinstance(last, int):
                rows.setdefault(owner, {})[last] = finding.text
            else:
                found[owner].append(finding.text)
        for path, wrong in self._wrong.items():
            wrong.setText(" ".join(found[path][:TOLD]))
            wrong.setVisible(bool(found[path]))
            if path in self._lists:
                self._lists[path].tell(rows.get(path, {}))
            elif (line := self._lines.get(path)) is not None and bool(line.property("wrong")) != bool(found[path]):
                line.setProperty("wrong", bool(found[path]))
                line.style().polish(line)
        self.general.setText(" ".join(general[:TOLD]))
        self.general.setVisible(bool(general))

    def _owner(self, path: Path) -> Path | None:
        """The field that a place in the file belongs to, or the first one of the part that it names."""
        for known in self._wrong:
            if path[: len(known)] == known:
                return known
        if path and path[0] != "short_conditions":
            for known in self._wrong:
                if len(path) > 1 and known[: len(path)] == path:
                    return known
        return None

    # -- changes ---------------------------------------------------------------------------------------------------

    def _on_typed(self, field: Field, text: str) -> None:
        value = fields.meant(text, number=field.kind is Kind.NUMBER)
        self.edited.emit(field.path, value)

    def _on_chosen(self, field: Field, place: int) -> None:
        value = self._choices[field.path].itemData(place)
        if isinstance(value, str):
            self.edited.emit(field.path, value or MISSING)

    def _on_sessions(self, _checked: bool) -> None:
        listed = fields.value_at(self._document, ("sessions",))
        others = [name for name in listed if name not in fields.SESSIONS] if isinstance(listed, list) else []
        chosen = [name for name, tick in self._sessions.items() if tick.isChecked()]
        self.edited.emit(("sessions",), [*chosen, *others])

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.matches(QKeySequence.StandardKey.Undo):
                self.undo_asked.emit()
                return True
            if event.matches(QKeySequence.StandardKey.Redo):
                self.redo_asked.emit()
                return True
        return super().eventFilter(watched, event)
