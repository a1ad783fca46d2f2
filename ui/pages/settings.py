"""Every setting, as the store describes it: group by group, searched by words, changed in place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QScrollArea, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.errors import MetronomeError
from ui import words
from ui.engine_link import EngineLink
from ui.models.setting_groups import Group, grouped, is_pattern, matches, value_in
from ui.pages.page import Page
from ui.theme import Theme
from ui.widgets.labels import button, card, label, row
from ui.widgets.nav_list import NavList
from ui.widgets.setting_row import SettingRow

if TYPE_CHECKING:
    from app.engine import Engine
    from app.settings import Option

GROUPS_WIDTH = 190

#: What the store says of itself: the settings, its file, and what was wrong with it.
Described = tuple[tuple["Option", ...], Path, tuple[str, ...]]


class SettingsPage(Page):
    """Signals:
    tasks_asked: the page of the tasks shall be shown.
    """

    tasks_asked = Signal()

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Settings"), parent)
        self._theme = theme
        self._link = link
        self._groups: tuple[Group, ...] = ()
        self._cards: dict[str, QWidget] = {}
        self._unbuilt: list[Group] = []
        self._wanted = ""
        self._file: Path | None = None
        self.rows: dict[str, SettingRow] = {}
        self.nav: NavList | None = None
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Find a setting"))
        self.search.setAccessibleName(self.tr("Find a setting"))
        self.search.setClearButtonEnabled(True)
        self.search.setFixedWidth(190)
        self.search.textChanged.connect(self._filter)
        self.main = self.search
        self.folder = button(self.tr("Open folder"), self._open_folder)
        self.folder.setEnabled(False)
        self.head.addWidget(self.search)
        self.head.addWidget(self.folder)
        self.subtitle.setText(self.tr("Waits for the engine"))
        self._lay_out()
        link.attached.connect(self.entered)
        link.settings_changed.connect(self._on_changed)

    def _lay_out(self) -> None:
        self._problems = label("", wrap=True, selectable=True)
        self._problems.hide()
        self._none = label(self.tr("No setting has these words."), "dim")
        self._none.hide()
        self._list = QVBoxLayout()
        self._list.setContentsMargins(0, 0, 6, 0)
        self._list.setSpacing(12)
        self._list.addWidget(self._none)
        self._list.addStretch(1)
        content = QWidget()
        content.setObjectName("clear")
        content.setLayout(self._list)
        self._area = QScrollArea()
        self._area.setWidget(content)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._area.viewport().setAutoFillBackground(False)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._columns = QHBoxLayout()
        self._columns.setSpacing(12)
        self._columns.addWidget(self._area, 1)
        self.body.addWidget(self._problems)
        self.body.addLayout(self._columns, 1)

    # -- what the store says ---------------------------------------------------------------------------------------

    def entered(self) -> None:
        if self._link.ready:
            self._link.query(self, _described, self._on_described)

    def _on_changed(self, _changed: frozenset[str], _settings: object) -> None:
        if self.isVisible():
            self.entered()

    def _on_described(self, described: Described) -> None:
        options, self._file, problems = described
        self.folder.setEnabled(True)
        self._problems.setText("\n".join(problems))
        self._problems.setStyleSheet(f"color: {self._theme.ink('warning').name()};")
        self._problems.setVisible(bool(problems))
        groups = grouped(options)
        if [o.key for g in groups for o in g.options] != [o.key for g in self._groups for o in g.options]:
            self._rebuild(groups)
        self._groups = groups
        for group in groups:
            for option in group.options:
                self._refresh(option)
        self._tell()

    def _refresh(self, option: Option) -> None:
        shown = self.rows.get(option.key)
        if shown is not None:
            shown.show_option(option, waits=self._waits(option))

    def _waits(self, option: Option) -> bool:
        """Whether the value in force is still the one of the start."""
        start = self._link.settings_at_start
        if start is None or not option.restart_needed or option.overridden or is_pattern(option):
            return False
        return value_in(start, option.key) != option.value

    def _tell(self) -> None:
        options = [option for group in self._groups for option in group.options if not is_pattern(option)]
        changed = sum(option.value != option.default and not option.overridden for option in options)
        ruled = sum(option.overridden for option in options)
        waiting = sum(map(self._waits, options))
        parts = [str(self._file), self.tr("{n} changed").format(n=changed) if changed else self.tr("all at defaults")]
        if ruled:
            parts.append(self.tr("{n} set by --set").format(n=ruled))
        if waiting:
            parts.append(words.plural(waiting, "change waits for the next start", "changes wait for the next start"))
        self.subtitle.setText(words.joined(*parts))

    # -- building, a group in each turn of the event loop so that no turn is long ----------------------------------

    def _rebuild(self, groups: tuple[Group, ...]) -> None:
        for old in self._cards.values():
            old.hide()
            old.deleteLater()
        self._cards.clear()
        self.rows.clear()
        self._unbuilt = list(groups)
        self._area.widget().hide()  # half a page is no sight
        if self.nav is None:
            self.nav = self._make_nav(groups)
        QTimer.singleShot(0, self, self._build_next)

    def _make_nav(self, groups: tuple[Group, ...]) -> NavList:
        entries = [(group.name, group.title, "") for group in groups]
        nav = NavList(self._theme, [*entries, ("tasks", self.tr("Tasks"), "")], name=self.tr("Groups of settings"))
        nav.setFixedWidth(GROUPS_WIDTH)
        nav.chosen.connect(self._scroll_to)
        self._columns.insertWidget(0, nav)
        return nav

    def _build_next(self) -> None:
        if not self._unbuilt:
            self._add_card("tasks", self._tasks_card())
            self._filter()
            self._area.widget().show()
            self._go_where_wanted()
            return
        group = self._unbuilt.pop(0)
        frame, inside = card()
        frame.setAccessibleName(group.title)
        inside.setSpacing(0)
        inside.addWidget(label(group.title, "sectionTitle"))
        if group.remark:
            inside.addSpacing(3)
            inside.addWidget(label(group.remark, "dim", wrap=True))
        inside.addSpacing(7)
        for place, option in enumerate(group.options):
            line = SettingRow(self._theme, option, group.title, lined=place > 0)
            line.change_asked.connect(self._change)
            line.reset_asked.connect(self._reset)
            self.rows[option.key] = line
            inside.addWidget(line)
            self._refresh(option)
        self._add_card(group.name, frame)
        QTimer.singleShot(0, self, self._build_next)

    def _add_card(self, name: str, frame: QWidget) -> None:
        self._cards[name] = frame
        self._list.insertWidget(self._list.count() - 1, frame)

    def _tasks_card(self) -> QWidget:
        frame, inside = card()
        inside.addWidget(label(self.tr("Tasks"), "sectionTitle"))
        text = self.tr("When each task runs, and whether it does, is set where the tasks are.")
        inside.addWidget(label(text, "dim", wrap=True))
        inside.addLayout(row(button(self.tr("Show the tasks"), self.tasks_asked.emit, style="link"), None))
        return frame

    @property
    def built(self) -> bool:
        return "tasks" in self._cards

    # -- what the user does ----------------------------------------------------------------------------------------

    def show_key(self, key: str) -> None:
        """Bring the setting into sight and put the cursor into it."""
        self._wanted = key
        self.search.clear()
        self._go_where_wanted()

    def focus_search(self) -> None:
        """Go to the line to search in."""
        self.search.setFocus()
        self.search.selectAll()

    def escape(self) -> bool:
        if any(line.restore() for line in self.rows.values()):
            return True
        if self.search.text():
            self.search.clear()
            return True
        return False

    def _go_where_wanted(self) -> None:
        line = self.rows.get(self._wanted)
        if line is None or not self.built:
            return
        self._wanted = ""
        if self.nav is not None:
            self.nav.choose(next(g.name for g in self._groups if line.option in g.options))
        line.input.widget.setFocus(Qt.FocusReason.ShortcutFocusReason)
        QTimer.singleShot(0, line, lambda: self._area.ensureWidgetVisible(line))

    def _scroll_to(self, name: str) -> None:
        frame = self._cards.get(name)
        if frame is not None:
            self._area.widget().layout().activate()
            self._area.verticalScrollBar().setValue(frame.y())

    def _filter(self, *_change: object) -> None:
        needle = self.search.text().strip()
        total = 0
        for group in self._groups:
            fitting = {option.key for option in group.options if matches(option, group, needle)}
            total += len(fitting)
            for option in group.options:
                if option.key in self.rows:
                    self.rows[option.key].setVisible(option.key in fitting)
            if group.name in self._cards:
                self._cards[group.name].setVisible(bool(fitting))
            if self.nav is not None:
                count = len(fitting) if needle else 0
                self.nav.set_count(group.name, count, words.plural(count, "match", "matches"))
        if "tasks" in self._cards:
            self._cards["tasks"].setVisible(not needle)
        self._none.setVisible(bool(needle) and not total)

    def _change(self, key: str, value: object) -> None:
        self._write(key, lambda engine: engine.settings.set(key, value))

    def _reset(self, key: str) -> None:
        line = self.rows.get(key)
        if line is not None:
            line.restore()
            line.input.widget.setFocus()  # the button is about to go
        self._write(key, lambda engine: engine.settings.unset(key))

    def _write(self, key: str, work: Callable[[Engine], object]) -> None:
        origin = self.sender()
        line = origin if isinstance(origin, SettingRow) else self.rows.get(key)

        def write(engine: Engine) -> Described:
            work(engine)
            return _described(engine)

        def done(described: Described) -> None:
            if line is not None and isValid(line):  # the news of the change may have built the rows anew
                line.input.show_value(None if is_pattern(line.option) else line.option.value)
            self._on_described(described)

        def failed(error: MetronomeError) -> None:
            if line is not None and isValid(line):
                line.show_error(f"{error.message} {error.advice}".strip())
                self._area.ensureWidgetVisible(line)

        self._link.query(self, write, done, failed)

    def _open_folder(self) -> None:
        if self._file is None:
            return
        folder = self._file.parent
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            advice = self.tr("Open it in your file manager.")
            self._link.troubled.emit(self.tr("The folder {path} could not be opened.").format(path=folder), advice)


def _described(engine: Engine) -> Described:
    settings = engine.settings
    return tuple(settings.describe()), settings.path, settings.problems
