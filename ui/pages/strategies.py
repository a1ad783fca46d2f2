"""The strategies: a list with switches, an editor, and what would come of one now."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPoint, Qt, QUrl
from PySide6.QtGui import QDesktopServices, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QWidget

from app.errors import MetronomeError
from app.runs import Run
from ui import words
from ui.engine_link import EngineLink
from ui.models import strategy_work as work
from ui.models.strategy_list import StrategyList, last_words
from ui.pages.files_page import FilesPage
from ui.theme import Theme
from ui.widgets.labels import button, card, label
from ui.widgets.question_bar import Answer
from ui.widgets.strategy_editor import StrategyEditor
from ui.widgets.strategy_table import StrategyTable
from ui.widgets.tables import framed
from workers.strategy import findings
from workers.strategy.editing import Binned, ChangedOnDisk, Opened
from workers.strategy.library import Profiles

if TYPE_CHECKING:
    from workers.strategy.preview import Preview

TASKS = ("evaluate_all_strategies", "evaluate_single_symbol")
LEAST_LIST, MOST_LIST, LIST_SHARE = 214, 400, 0.27
LOOK_S = 15.0
"""Another program may write the files; the page looks again this often while it is in sight."""
SHOWN_IN_BIN = 15


class StrategiesPage(FilesPage):
    """Rule files of this home."""

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Strategies"), theme, link, parent)
        self._loaded: work.Loaded | None = None
        self._looked: datetime | None = None
        self._wanted = ""
        self._file = ""
        self._saving = False
        self._previewing = False
        self.open_url: Callable[[QUrl], object] = QDesktopServices.openUrl
        self.model = StrategyList(self)
        self.model.switched.connect(self.set_enabled)
        self.table = StrategyTable(theme, self.model)
        self.table.selectionModel().currentChanged.connect(self._on_current_changed)
        self.table.delete_asked.connect(self.delete)
        self.table.opened.connect(lambda _index: self.editor.form.line("name").setFocus())
        self.main = self.table
        self.editor: StrategyEditor = StrategyEditor(theme, findings.words(), self._look)
        self.editor.save_asked.connect(self.save)
        self.editor.revert_asked.connect(self.revert)
        self.editor.profile_asked.connect(self._open_profile)
        self._empty, inner = card()
        self._empty_text = label(self.tr("Not loaded yet"), "dim", wrap=True)
        inner.addWidget(self._empty_text)
        inner.addStretch(1)
        self._list = framed(self.table)
        self._make_head()
        columns = QHBoxLayout()
        columns.setSpacing(12)
        columns.addWidget(self._list)
        columns.addWidget(self.editor, 1)
        columns.addWidget(self._empty, 1)
        self.body.addWidget(self.bar)
        self.body.addLayout(columns, 1)
        self.subtitle.setText(self.tr("Not loaded yet"))
        self._show_file()
        for key, act in (
            (QKeySequence.StandardKey.Save, self.save),
            (QKeySequence(self.tr("Ctrl+N")), self._open_new_menu),
            (QKeySequence(self.tr("Ctrl+D")), self.duplicate),
        ):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        link.runs_changed.connect(self._on_runs)
        link.attached.connect(self.entered)

    # -- making ----------------------------------------------------------------------------------------------------

    def _make_head(self) -> None:
        self.new_button = button(self.tr("New"), self._open_new_menu, tip=self.tr("Make a strategy (Ctrl+N)"))
        self.bin_button = button(
            self.tr("Deleted"), self._open_bin_menu, style="quiet", tip=self.tr("Take a deleted strategy back")
        )
        self.duplicate_button = button(
            self.tr("Duplicate"), self.duplicate, tip=self.tr("Make a copy, switched off (Ctrl+D)")
        )
        self.delete_button = button(self.tr("Delete"), self.delete, tip=self.tr("Move to the bin (Del in the list)"))
        self.evaluate_button: QPushButton = button(
            self.tr("Evaluate now"), self.evaluate, style="primary", tip=self.tr("On the last closed bars (F5)")
        )
        for part in (
            self.bin_button,
            self.new_button,
            self.duplicate_button,
            self.delete_button,
            self.evaluate_button,
        ):
            self.head.addWidget(part)
        self.bin_button.hide()
        self._menu = QMenu(self)
        self._menu.setToolTipsVisible(True)

    # -- loading ---------------------------------------------------------------------------------------------------

    def entered(self) -> None:
        self.reload()

    def tick(self, now: datetime) -> None:
        self.model.tick(now)
        if self._looked is None or (now - self._looked).total_seconds() >= LOOK_S:
            self.reload()

    def reload(self) -> None:
        """Read the folder anew, beside the window."""
        if self._link.ready:
            self._looked = self._link.now()
            self._link.query(self, partial(work.load, self._changes), self._on_loaded, self._on_not_loaded)

    @property
    def built(self) -> bool:
        return self._loaded is not None and (not self._file or (self.editor.opened is not None and self.editor.settled))

    def _on_loaded(self, loaded: work.Loaded) -> None:
        if loaded.after != self._changes:
            self.reload()  # something was written while it was read
            return
        profiles = self._loaded.overview.profiles if self._loaded else None
        self._loaded = loaded
        self.model.show_rows(loaded.overview.rows)
        self.bin_button.setVisible(bool(loaded.binned))
        self._tell()
        place = self.model.place_of(self._wanted or self._file)
        self._wanted = ""
        if place < 0 and self.editor.dirty:
            return  # its file was removed; saving says so and offers a copy
        if place < 0 and self._file:
            self._close()
        if self.model.rowCount() and (place < 0 or place != self.table.currentIndex().row()):
            self.table.selectRow(max(place, 0))
        self._follow_disk()
        if profiles is not None and profiles != loaded.overview.profiles:
            self.editor.look_again()

    def _on_not_loaded(self, error: MetronomeError) -> None:
        self._empty_text.setText(str(error))
        self.subtitle.setText(self.tr("The strategies cannot be read"))

    def _follow_disk(self) -> None:
        """Show what another program wrote to the open file, unless something here is not saved."""
        row, opened = self.model.row_of(self._file), self.editor.opened
        if row is None or opened is None or self.editor.dirty or self._saving:
            return
        if row.sha256 and row.sha256 != opened.sha256:
            self._open(self._file)

    def _tell(self) -> None:
        rows = self.model.rows
        on = sum(row.enabled is True for row in rows)
        wrong = sum(bool(row.problem) for row in rows)
        bad = self._loaded.overview.profiles.bad if self._loaded else {}
        self.subtitle.setToolTip("\n".join(str(error) for error in bad.values()))
        self.subtitle.setText(
            words.joined(
                words.plural(len(rows), "strategy", "strategies"),
                self.tr("{n} switched on").format(n=on),
                self.tr("{n} with a problem").format(n=wrong) if wrong else "",
                words.plural(len(bad), "unusable profile", "unusable profiles") if bad else "",
            )
            if rows
            else self.tr("None yet")
        )
        self._empty_text.setText(
            self.tr("Choose a strategy.")
            if rows
            else self.tr("There is no strategy yet. New makes one, plain or from an example.")
        )

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        if any(run.task in TASKS and run.state.is_final for run in runs) and self.isVisible():
            self.reload()

    # -- the open file ---------------------------------------------------------------------------------------------

    def choose(self, file_name: str) -> None:
        """Show the strategy of a file."""
        place = self.model.place_of(file_name)
        if place >= 0:
            self.table.selectRow(place)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        row = self.model.row_at(current)
        if row is None or row.file_name == self._file:
            return
        if not self.may_leave(partial(self.choose, row.file_name)):
            self._reselect()
            return
        self._open(row.file_name)

    def _reselect(self) -> None:
        """The list shows the file that is open."""
        selection = self.table.selectionModel()
        selection.blockSignals(True)
        self.table.selectRow(self.model.place_of(self._file))
        selection.blockSignals(False)
        self.table.viewport().update()

    def _open(self, file_name: str) -> None:
        self._file = file_name
        self._link.query(
            self, partial(work.open_file, file_name), self._on_opened, partial(self._on_not_opened, file_name)
        )

    def _on_opened(self, opened: Opened) -> None:
        if opened.file_name != self._file:
            return  # another one was chosen meanwhile
        row = self.model.row_of(opened.file_name)
        if why := self.editor.open(opened, row.name if row else ""):
            self.bar.ask(why, self.tr("Open it in another program."), Answer(self.tr("Open file"), self._open_outside))
        if row is not None and row.last is not None:
            when = words.local_time(row.last.time, self._link.now())
            self.editor.preview.show_nothing(
                self.tr("Last run, {when}: {what}").format(when=when, what=last_words(row.last))
            )
        self._show_file()

    def _on_not_opened(self, file_name: str, error: MetronomeError) -> None:
        if file_name == self._file:
            self.editor.opened = None
            self._empty_text.setText(str(error))
            self._show_file()

    def _close(self) -> None:
        self._file = ""
        self.editor.opened = None
        self._show_file()

    def _show_file(self) -> None:
        there = self.editor.opened is not None
        self.editor.setVisible(there)
        self._empty.setVisible(not there)
        for part in (self.duplicate_button, self.evaluate_button):
            part.setEnabled(there)
        self.delete_button.setEnabled(bool(self._file))

    def _look(self, text: str, done: Callable[[Any], None], failed: Callable[[MetronomeError], None]) -> None:
        profiles = self._loaded.overview.profiles if self._loaded else Profiles()
        owners = {row.id: row.file_name for row in self.model.rows if row.id and row.file_name != self._file}
        name = self._file
        self._link.query(self, lambda _engine: findings.look(text, name, profiles, owners), done, failed)

    # -- leaving ---------------------------------------------------------------------------------------------------

    def may_leave(self, then: Callable[[], object]) -> bool:
        if not self.editor.dirty:
            return True
        self.bar.ask(
            self.tr("{name} has changes that are not saved.").format(name=self.editor.title.text()),
            "",
            Answer(self.tr("Save"), lambda: self.save(then)),
            Answer(self.tr("Discard"), lambda: self._discard(then)),
            Answer(self.tr("Stay"), self.table.setFocus),
            focus=True,
        )
        return False

    def _discard(self, then: Callable[[], object]) -> None:
        self.editor.json.document().setModified(False)
        left = self._file
        then()
        if self._file == left and self.editor.opened is not None:
            self._open(left)

    def escape(self) -> bool:
        if not self.bar.text:
            return False
        self.bar.dismiss()
        return True

    def revert(self) -> None:
        """Back to what is in the file."""
        if self.editor.opened is not None:
            self.editor.json.become(self.editor.opened.text)
            self.editor.json.document().setModified(False)

    # -- changes of files ------------------------------------------------------------------------------------------

    def save(self, then: Callable[[], object] | None = None) -> None:
        """Write the open file."""
        opened = self.editor.opened
        if opened is None or not self.editor.dirty or self._saving:
            return
        text, self._saving = self.editor.text(), True

        def done(saved: Opened) -> None:
            self._saving = False
            self.editor.saved(saved, text)
            self._changed()
            if then is not None:
                then()

        self._link.query(
            self,
            lambda engine: work.files(engine).save(opened.file_name, text, opened.sha256),
            done,
            self._on_not_saved,
        )

    def _on_not_saved(self, error: MetronomeError) -> None:
        self._saving = False
        copy = Answer(self.tr("Save as copy"), self.save_copy)
        again = Answer(self.tr("Load again"), partial(self._open, self._file))
        if isinstance(error, ChangedOnDisk):
            self.bar.ask(error.message, error.advice, *((copy,) if error.gone else (again, copy)), focus=True)
        else:
            self.bar.ask(error.message, error.advice, Answer(self.tr("Try again"), self.save))

    def save_copy(self) -> None:
        """Write what is open to a new file, and go on with that."""
        text, name = self.editor.text(), self._file
        self.editor.json.document().setModified(False)
        self._write(lambda engine: work.files(engine).save_copy(name, text), self._on_made)

    def set_enabled(self, file_name: str, enabled: bool) -> None:
        """Switch a strategy on or off; while its file has unsaved changes, this becomes one of them."""
        if file_name == self._file and self.editor.dirty:
            self.editor.change(("enabled",), enabled)
            return

        def done(saved: Opened) -> None:
            if file_name == self._file:
                self.editor.saved(saved, self.editor.text())

        self._write(lambda engine: work.files(engine).set_enabled(file_name, enabled), done)

    def make(self, example: str = "") -> None:
        """Make a strategy, plain or like an example."""
        if self.may_leave(partial(self.make, example)):
            self._write(lambda engine: work.files(engine).create("", example), self._on_made)

    def duplicate(self) -> None:
        """Make a copy of the chosen strategy."""
        name = self._file
        if name and self.may_leave(self.duplicate):
            self._write(lambda engine: work.files(engine).duplicate(name), self._on_made)

    def delete(self) -> None:
        """Move the chosen strategy to the bin."""
        name = self._file
        if not name or not self.may_leave(self.delete):
            return
        row, place = self.model.row_of(name), self.model.place_of(name)
        after = self.model.row_at(self.model.index(place + 1, 0)) or self.model.row_at(self.model.index(place - 1, 0))

        def done(binned: Binned) -> None:
            self._wanted = after.file_name if after else ""
            self._close()
            title = row.name if row else name
            self.bar.ask(
                self.tr("{name} was deleted.").format(name=title),
                self.tr("It lies in the bin; Deleted takes it back later too."),
                Answer(self.tr("Undo"), partial(self.restore, binned)),
            )

        self._write(lambda engine: work.files(engine).delete(name), done)

    def restore(self, binned: Binned) -> None:
        """Take a deleted strategy back."""

        def done(name: str) -> None:
            self._wanted = name

        if self.may_leave(partial(self.restore, binned)):
            self._write(lambda engine: work.files(engine).restore(binned), done)

    def _on_made(self, opened: Opened) -> None:
        self._wanted = opened.file_name

    # -- menus -----------------------------------------------------------------------------------------------------

    def _open_new_menu(self) -> None:
        self._menu.clear()
        self._menu.addAction(self.tr("Plain"), self.make)
        self._menu.addSeparator()
        for name in self._loaded.examples if self._loaded else ():
            title = self.tr("Like {example}").format(example=name.removesuffix(".json").replace("_", " "))
            self._menu.addAction(title, partial(self.make, name))
        self._pop_up(self.new_button)

    def _open_bin_menu(self) -> None:
        self._menu.clear()
        for binned in (self._loaded.binned if self._loaded else ())[:SHOWN_IN_BIN]:
            self._menu.addAction(f"{binned.file_name}   {work.when_deleted(binned)}", partial(self.restore, binned))
        self._pop_up(self.bin_button)

    def _pop_up(self, under: QWidget) -> None:
        self._menu.popup(under.mapToGlobal(QPoint(0, under.height() + 2)))

    # -- now -------------------------------------------------------------------------------------------------------

    def evaluate(self) -> None:
        """Look what would come of the open strategy, saved or not, on the bars of now."""
        if self.editor.opened is None or self._previewing or not self._link.ready:
            return
        name, text, saved = self._file, self.editor.text(), not self.editor.dirty
        self._previewing = True
        self.evaluate_button.setEnabled(False)
        self.editor.show_view("preview")
        self.editor.preview.show_working()

        def done(found: Preview) -> None:
            self._end_preview()
            if name == self._file:
                self.editor.preview.show_preview(found, self._link.now(), saved=saved)

        def failed(error: MetronomeError) -> None:
            self._end_preview()
            if name == self._file:
                self.editor.preview.show_refusal(error.message, error.advice)

        self._link.query(self, partial(work.look_now, text, name), done, failed)

    def _end_preview(self) -> None:
        self._previewing = False
        self.evaluate_button.setEnabled(self.editor.opened is not None)

    # -- elsewhere -------------------------------------------------------------------------------------------------

    def _open_outside(self) -> None:
        self.open_url(QUrl.fromLocalFile(str(self._link.engine.storage.paths.strategies / self._file)))

    def _open_profile(self, file_name: str) -> None:
        self.open_url(QUrl.fromLocalFile(str(self._link.engine.storage.paths.profiles / file_name)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._list.setFixedWidth(min(MOST_LIST, max(LEAST_LIST, int(self.width() * LIST_SHARE))))
