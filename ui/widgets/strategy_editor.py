"""The editor of one rule file: a form and the JSON side by side, kept in agreement, looked at while it is typed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QSplitter, QVBoxLayout

from app.errors import MetronomeError
from ui import words
from ui.models.strategy_fields import MISSING, Path
from ui.theme import Theme
from ui.widgets.completion import Completion
from ui.widgets.json_editor import JsonEditor
from ui.widgets.labels import button, icon_button, label
from ui.widgets.preview_panel import PreviewPanel
from ui.widgets.state_badge import StateBadge
from ui.widgets.strategy_form import StrategyForm

if TYPE_CHECKING:
    from workers.strategy.editing import Opened
    from workers.strategy.findings import Findings

TYPING_MS = 150
"""A text is looked at this long after the last key."""
FORM_LIMIT = 20_000
"""The form takes no longer text, in characters: each of its changes looks at all of it."""
TEXT_LIMIT, LINES_LIMIT, LINE_LIMIT = 200_000, 3_000, 5_000
"""Longer texts, and texts with more or longer lines, are not opened: Qt would lay them out for too long (10 ms for
3,000 lines)."""
WIDE, TALL = 620, 520
"""With less room, in pixels, one part makes room for another."""

Look = Callable[[str, Callable[["Findings"], None], Callable[[MetronomeError], None]], None]


class StrategyEditor(QFrame):
    """One file at a time.

    Args:
        look: ``look(text, done, failed)`` finds out, beside the window's thread, what is wrong with a text.

    Signals:
        save_asked, revert_asked: the buttons and keys.
        changed: the text or what is known of it changed.
        profile_asked: the file of the symbol's profile is to be opened.
    """

    save_asked = Signal()
    revert_asked = Signal()
    changed = Signal()
    profile_asked = Signal(str)

    def __init__(self, theme: Theme, words_of: Sequence[tuple[str, str]], look: Look) -> None:
        super().__init__()
        self.setObjectName("card")
        self._look = look
        self._looking = False
        self._stale = False
        self.opened: Opened | None = None
        self.findings: Findings | None = None
        self._profile_file = ""
        self._wished = ["preview", "json", "form"]  # the latest wish last
        self.form = StrategyForm(theme, Completion(words_of, self))
        self.json = JsonEditor(theme)
        self.preview = PreviewPanel(theme)
        self._typing = QTimer(self)
        self._typing.setSingleShot(True)
        self._typing.setInterval(TYPING_MS)
        self._typing.timeout.connect(self._begin_look)
        self._lay_out(theme)
        self.form.edited.connect(self.change)
        self.form.undo_asked.connect(self.undo)
        self.form.redo_asked.connect(self.redo)
        self.form.own_short_asked.connect(self._on_own_short)
        self.json.textChanged.connect(self._on_text)
        self.json.undoAvailable.connect(self.undo_button.setEnabled)
        self.json.redoAvailable.connect(self.redo_button.setEnabled)
        self.json.modificationChanged.connect(lambda _changed: self._show_state())

    # -- making ----------------------------------------------------------------------------------------------------

    def _lay_out(self, theme: Theme) -> None:
        self.title = label("", "sectionTitle")
        self.title.setMinimumWidth(1)
        self.badge = StateBadge(theme)
        self.undo_button = icon_button(theme, "undo", self.tr("Undo (Ctrl+Z)"), self.undo)
        self.redo_button = icon_button(theme, "redo", self.tr("Redo (Ctrl+Y)"), self.redo)
        self.revert_button = button(self.tr("Revert"), self.revert_asked.emit, tip=self.tr("Back to the file"))
        self.save_button = button(self.tr("Save"), self.save_asked.emit, tip=self.tr("Save (Ctrl+S)"))
        head = QHBoxLayout()
        head.setSpacing(6)
        head.addWidget(self.title, 1)
        for part in (self.undo_button, self.redo_button, self.revert_button, self.save_button):
            part.setEnabled(False)
            head.addWidget(part)
        self.views: dict[str, QPushButton] = {}
        strip = QHBoxLayout()
        strip.setSpacing(2)
        self._group = QButtonGroup(self)
        self._group.setExclusive(False)
        titles = {"form": self.tr("Form"), "json": self.tr("JSON"), "preview": self.tr("Preview")}
        for number, (name, title) in enumerate(titles.items(), start=1):
            view = button(title, partial(self._on_view, name), style="quiet")
            view.setCheckable(True)
            view.setChecked(True)
            view.setProperty("switch", True)
            view.setMinimumWidth(56)
            view.setToolTip(self.tr("Show or hide (Alt+{n})").format(n=number))
            QShortcut(QKeySequence(f"Alt+{number}"), self).activated.connect(view.click)
            self._group.addButton(view)
            self.views[name] = view
            strip.addWidget(view)
        strip.addStretch(1)
        strip.addWidget(self.badge)
        QShortcut(QKeySequence("F8"), self).activated.connect(self.next_problem)
        self._profile = label("", "small", wrap=True)
        self._open_profile = button(self.tr("Open file"), self._on_profile, style="link")
        profile = QHBoxLayout()
        profile.setSpacing(8)
        profile.addWidget(self._profile, 1)
        profile.addWidget(self._open_profile)
        self.problem = label("", "problem", wrap=True, selectable=True)
        self.problem.hide()
        self._sides = QSplitter(Qt.Orientation.Horizontal)
        self._sides.setChildrenCollapsible(False)
        self._sides.setHandleWidth(10)
        for view_of in (self.form, self.json, self.preview):
            view_of.hide()  # a splitter shows, and so dresses, what it is given; ``_make_room`` does when it is time
        self.form.setMinimumWidth(200)
        self.json.setMinimumWidth(140)
        self._sides.addWidget(self.form)
        self._sides.addWidget(self.json)
        self._sides.setSizes([360, 330])
        self._body = QSplitter(Qt.Orientation.Vertical)
        self._body.setChildrenCollapsible(False)
        self._body.setHandleWidth(8)
        self._body.addWidget(self._sides)
        self._body.addWidget(self.preview)
        self._body.setSizes([300, 250])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(13, 11, 13, 11)
        layout.setSpacing(7)
        layout.addLayout(head)
        layout.addLayout(strip)
        layout.addLayout(profile)
        layout.addWidget(self.problem)
        layout.addWidget(self._body, 1)

    # -- the file --------------------------------------------------------------------------------------------------

    @property
    def dirty(self) -> bool:
        """Whether something is not saved."""
        return self.opened is not None and self.json.document().isModified()

    def text(self) -> str:
        """The text as it is now; of a file that cannot be shown, that of the file."""
        return self.opened.text if self.opened is not None and self.json.isReadOnly() else self.json.text()

    def open(self, opened: Opened, name: str) -> str:
        """Show a file; returns why it cannot be shown, empty when it is."""
        why = ""
        lines = opened.text.split("\n")
        if len(opened.text) > TEXT_LIMIT or len(lines) > LINES_LIMIT or max(map(len, lines)) > LINE_LIMIT:
            why = self.tr("{file} is too long for this editor.").format(file=opened.file_name)
        elif not self.json.keeps(opened.text):
            why = self.tr("{file} holds characters that this editor would change.").format(file=opened.file_name)
        self.opened, self.findings = opened, None
        self.title.setText(name or opened.file_name)
        self.json.load("" if why else opened.text)
        self.json.setReadOnly(bool(why))
        self.preview.show_nothing()
        if why:
            self.form.show_unreadable(why)
            self._show_state()
        else:
            self._begin_look()
        return why

    def saved(self, opened: Opened, sent: str) -> None:
        """The text that was ``sent`` is in the file now; what was typed since stays unsaved."""
        if self.opened is None or self.opened.file_name != opened.file_name:
            return
        since = self.text()
        self.opened = opened
        if since == sent:
            self.json.become(opened.text)
            self.json.document().setModified(False)
        self._show_state()

    def change(self, path: Path, value: Any) -> None:
        """Change one value of the file, as one step to undo; ``MISSING`` takes it away."""
        from workers.strategy import json_text

        text = self.text()
        if len(text) > FORM_LIMIT or self.json.isReadOnly():
            return
        try:
            edit = json_text.removed(text, path) if value is MISSING else json_text.put(text, path, value)
        except json_text.NotJson:
            return  # the form is about to be told
        if edit.applied(text) != text:
            self.json.replace(edit.start, edit.end, edit.text)

    def undo(self) -> None:
        """Take the last change back, made in the form or in the text."""
        self.json.undo()

    def redo(self) -> None:
        """Make it again."""
        self.json.redo()

    # -- looking at it ---------------------------------------------------------------------------------------------

    @property
    def settled(self) -> bool:
        """Whether the text that is shown was looked at."""
        return not (self._looking or self._stale or self._typing.isActive())

    def _on_text(self) -> None:
        if self.opened is not None and not self.json.isReadOnly():
            self._typing.start()
            self.changed.emit()

    def _begin_look(self) -> None:
        if self.opened is None:
            return
        if self._looking:
            self._stale = True
            return
        self._looking = True
        text = self.text()
        self._look(text, lambda found: self._on_look(text, found), self._on_look_failed)

    def look_again(self) -> None:
        """Look at the text again: profiles or other files changed."""
        if self.opened is not None and not self.json.isReadOnly():
            self._begin_look()

    def _on_look(self, text: str, found: Findings) -> None:
        self._looking = False
        if self._stale or text != self.text():
            self._stale = False
            if not self._typing.isActive():
                self._begin_look()
            return
        self.findings = found
        self.json.mark([(item.line, item.start, item.end, item.text) for item in found.findings])
        if len(text) > FORM_LIMIT:
            self.form.show_unreadable(self.tr("This file is too long for the form; change its text."))
        elif found.document is None:
            self.form.show_unreadable(" ".join(item.text for item in found.findings))
        else:
            self.form.show_document(found.document, found.findings)
        self._show_profile(found)
        self._show_state()

    def _on_look_failed(self, error: MetronomeError) -> None:
        self._looking = self._stale = False
        self.form.show_unreadable(str(error))
        self._show_state()

    def _show_state(self) -> None:
        wrong = len(self.findings.findings) if self.findings else 0
        if wrong:
            look = words.Look("warning", "error", words.plural(wrong, "problem", "problems"))
        elif self.dirty:
            look = words.Look("moved", "warning", self.tr("not saved"))
        else:
            look = words.Look("succeeded", "ok", self.tr("saved"))
        shown = self.opened is not None and not self.json.isReadOnly() and (self.findings is not None or self.dirty)
        self.badge.set_look(look if shown else None)
        self.badge.setToolTip("\n".join(item.text for item in self.findings.findings) if self.findings else "")
        self._show_problem()
        self.save_button.setEnabled(self.dirty)
        self.revert_button.setEnabled(self.dirty)
        self.changed.emit()

    def _show_problem(self) -> None:
        """The first thing that is wrong, with its line; F8 goes from one to the next."""
        found = self.findings.findings if self.findings is not None else ()
        text = ""
        # The form says itself why it waits.
        waits = self.findings is not None and self.findings.document is None and not self.form.isHidden()
        if found and not waits:
            text = (
                found[0].text
                if not found[0].path
                else self.tr("Line {n}: {what}").format(n=found[0].line, what=found[0].text)
            )
            if len(found) > 1:
                text = self.tr("{text} And {n} more; F8 goes to the next.").format(text=text, n=len(found) - 1)
        self.problem.setText(text)
        self.problem.setVisible(bool(text))
        self._profile.setVisible(not text or not self._open_profile.isHidden())

    def next_problem(self) -> None:
        """Bring the next thing that is wrong into sight, in the text and in the form."""
        found = self.findings.findings if self.findings is not None else ()
        if found:
            here = self.json.textCursor().blockNumber() + 1
            after = [item for item in found if item.line > here]
            item = after[0] if after else found[0]
            self.json.show_line(item.line)
            self.form.bring(item.path)

    def _show_profile(self, found: Findings) -> None:
        symbol = found.strategy.symbol if found.strategy else ""
        self._profile_file = found.profile.file_name if found.profile else ""
        self._open_profile.setVisible(found.profile is not None)
        if found.profile is None:
            self._profile.setText(self.tr("{symbol} has no profile").format(symbol=symbol) if symbol else "")
            self._profile.setToolTip("")
            return
        profile = found.profile.profile
        parts = [self.tr("Profile of {symbol}").format(symbol=symbol), self.tr("bias {b}").format(b=profile.style.bias)]
        if profile.style.rrTarget is not None:
            parts.append(self.tr("target {n}").format(n=f"{profile.style.rrTarget:g}"))
        if profile.style.maxRiskPct is not None:
            parts.append(self.tr("risk {n} at most").format(n=f"{profile.style.maxRiskPct:.2%}"))
        if profile.invalidations:
            parts.append(words.plural(len(profile.invalidations), "invalidation", "invalidations"))
        self._profile.setText(words.joined(*parts))
        self._profile.setToolTip("\n".join(profile.invalidations))

    def _on_profile(self) -> None:
        if self._profile_file:
            self.profile_asked.emit(self._profile_file)

    def _on_own_short(self, own: bool) -> None:
        if not own:
            self.change(("short_conditions",), MISSING)
            return
        mirrored: dict[str, list[str]] = {"entry": []}
        if self.findings is not None and self.findings.strategy is not None:
            from workers.strategy.rules import GROUPS, prepare

            rules = prepare(self.findings.strategy).rules
            if len(rules) == 2:
                mirrored = {name: [term.name for term in rules[1].group(name)] for name in GROUPS}
        self.change(("short_conditions",), mirrored)

    # -- room ------------------------------------------------------------------------------------------------------

    def show_view(self, name: str) -> None:
        """Bring form, json or preview into sight."""
        self._wished = [*(wish for wish in self._wished if wish != name), name]
        self._make_room()

    def _on_view(self, name: str) -> None:
        if self.views[name].isChecked():
            self.show_view(name)
            return
        rest = [wish for wish in self._wished if wish != name]
        self._wished = rest or [name]
        self._make_room()

    def _make_room(self) -> None:
        """Show what is wished for, the latest wish first, as far as there is room; one part is always there."""
        shown: list[str] = []
        for name in reversed(self._wished):
            editing = any(other != "preview" for other in shown)
            stacked = editing if name == "preview" else "preview" in shown
            beside = editing and name != "preview"
            if not (stacked and self.height() < TALL) and not (beside and self.width() < WIDE):
                shown.append(name)
        for name, view in self.views.items():
            view.setChecked(name in shown)
        self.form.setVisible("form" in shown)
        self.json.setVisible("json" in shown)
        self._sides.setVisible("form" in shown or "json" in shown)
        self.preview.setVisible("preview" in shown)
        self._show_problem()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()
