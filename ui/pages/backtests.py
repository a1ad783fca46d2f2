"""The backtests: a list of what was tested, one of them in full, several beside each other, and new ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMenu, QPushButton, QWidget

from app.errors import MetronomeError
from app.runs import Run
from ui import words
from ui.engine_link import EngineLink
from ui.models import backtest_work as work
from ui.models.backtest_list import BacktestList
from ui.pages.files_page import FilesPage
from ui.theme import Theme
from ui.widgets.backtest_compare import MOST
from ui.widgets.backtest_details import BacktestDetails
from ui.widgets.backtest_strip import BacktestStrip
from ui.widgets.backtest_table import BacktestTable
from ui.widgets.labels import button, card, label
from ui.widgets.question_bar import Answer
from ui.widgets.tables import framed
from workers.backtest.shelf import Binned, Result

if TYPE_CHECKING:
    from app.engine import Engine
    from ui.widgets.backtest_dialog import BacktestDialog
    from ui.widgets.backtest_trades_view import Done, Failed
    from ui.widgets.sweep_dialog import SweepDialog

LEAST_LIST, MOST_LIST, LIST_SHARE = 240, 520, 0.45
LEAST_PAGE = 684
"""The least width of a page; of what it has more, the list takes its share."""
SHOWN_IN_BIN = 15
LOOK_S = 15.0
"""Another program may write results; the page looks again this often while it is in sight."""


class BacktestsPage(FilesPage):
    """Results of this home.

    Signals:
        told: something was done that is worth a word.
        import_asked: files of tester reports.
    """

    told = Signal(str)
    import_asked = Signal(list)

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Backtests"), theme, link, parent)
        self._loaded: work.Loaded | None = None
        self._looked: datetime | None = None
        self._wanted = ""
        self._opening: tuple[str, ...] = ()
        self._runs: dict[str, Run] = {}
        self.dialog: BacktestDialog | None = None
        self.sweeps: SweepDialog | None = None
        self.open_url: Callable[[QUrl], object] = QDesktopServices.openUrl
        # A selection of many changes many times; it is opened once it rests.
        self._choice: QTimer = QTimer(self)
        self._choice.setSingleShot(True)
        self._choice.setInterval(0)
        self._choice.timeout.connect(self._open_chosen)
        self.strip = BacktestStrip(theme)
        self.strip.cancel_asked.connect(link.cancel)
        self.model = BacktestList(self)
        self.table = BacktestTable(theme, self.model)
        self.table.selectionModel().selectionChanged.connect(lambda *_changed: self._choice.start())
        self.table.opened.connect(self._on_opened)
        self.table.delete_asked.connect(self.delete)
        self.main = self.table
        self.details = BacktestDetails(theme, self._fetch_bars)
        self.details.asked.connect(self._on_asked)
        self.details.note_kept.connect(self._keep_note)
        self.details.import_asked.connect(self.import_asked.emit)
        self._empty, inner = card()
        self._empty_text = label(self.tr("Not loaded yet"), "dim", wrap=True)
        inner.addWidget(self._empty_text)
        inner.addStretch(1)
        self._list = framed(self.table)
        self._make_head()
        columns = QHBoxLayout()
        columns.setSpacing(12)
        for part, stretch in ((self._list, 0), (self.details, 1), (self._empty, 1)):
            columns.addWidget(part, stretch)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.strip)
        self.body.addLayout(columns, 1)
        self.subtitle.setText(self.tr("Not loaded yet"))
        self.details.hide()
        for key, act in (("Ctrl+N", self.new), ("Ctrl+E", self._open_export_menu)):
            shortcut = QShortcut(QKeySequence(key), self)
            shortcut.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
            shortcut.activated.connect(act)
        link.runs_changed.connect(self._on_runs)
        link.attached.connect(self.entered)

    def _make_head(self) -> None:
        self.bin_button = button(
            self.tr("Deleted"), self._open_bin_menu, style="quiet", tip=self.tr("Take a deleted backtest back")
        )
        self.delete_button = button(self.tr("Delete"), self.delete, tip=self.tr("Move to the bin (Del in the list)"))
        self.new_button: QPushButton = button(
            self.tr("New\N{HORIZONTAL ELLIPSIS}"), self.new, style="primary", tip=self.tr("Test a strategy (Ctrl+N)")
        )
        self.sweeps_button = button(
            self.tr("Sweeps"), self.show_sweeps, style="quiet", tip=self.tr("Which values of a rule were proved best")
        )
        for part in (self.sweeps_button, self.bin_button, self.delete_button, self.new_button):
            self.head.addWidget(part)
        self.sweeps_button.hide()
        self.bin_button.hide()
        self._menu = QMenu(self)

    # -- loading ---------------------------------------------------------------------------------------------------

    def entered(self) -> None:
        if self._link.ready:
            self._link.query(self, _at_work, self._on_runs)
        self.reload()

    def tick(self, now: datetime) -> None:
        if self._looked is None or (now - self._looked).total_seconds() >= LOOK_S:
            self.reload()

    def reload(self) -> None:
        """Look at the shelf anew, beside the window."""
        if self._link.ready:
            self._looked = self._link.now()
            known = {row.stem: row for row in self.model.rows}
            self._link.query(self, partial(work.load, known, self._changes), self._on_loaded, self._on_not_loaded)

    @property
    def built(self) -> bool:
        if self._loaded is None or self._loaded.more or self._opening or self._choice.isActive():
            return False
        return not self.model.rows or not self.details.isHidden() or bool(self._empty_text.text())

    def _on_loaded(self, loaded: work.Loaded) -> None:
        if loaded.after != self._changes:
            self.reload()  # something was written while it was read
            return
        self._loaded = loaded
        self.model.show_rows(loaded.entries)
        self.bin_button.setVisible(bool(loaded.binned))
        self.sweeps_button.setVisible(bool(loaded.sweeps))
        if loaded.reports or "tester" in self.details.__dict__:
            self.details.tester.show_reports(loaded.reports)
        self._tell()
        if loaded.more:
            self.reload()
        place = self.model.place_of(self._wanted) if self._wanted else -1
        if place >= 0:
            self._wanted = ""
        if place >= 0 or (self.model.rowCount() and not self.table.selectionModel().hasSelection()):
            self.table.selectRow(max(place, 0))
        elif not self.model.rowCount():
            self._show_nothing()

    def _on_not_loaded(self, error: MetronomeError) -> None:
        self._empty_text.setText(f"{error.message} {error.advice}".strip())
        self.subtitle.setText(self.tr("The backtests cannot be read"))

    def _tell(self) -> None:
        rows = self.model.rows
        damaged = sum(bool(row.problem) for row in rows)
        self.subtitle.setText(
            words.joined(
                words.plural(len(rows), "backtest", "backtests"),
                words.plural(len({row.strategy for row in rows if row.strategy}), "strategy", "strategies"),
                self.tr("{n} damaged").format(n=damaged) if damaged else "",
                self.tr("choose several to compare") if len(rows) > 1 else "",
            )
            if rows
            else self.tr("None yet")
        )
        self.delete_button.setEnabled(bool(rows))

    def _show_nothing(self) -> None:
        reports = bool(self._loaded and self._loaded.reports)
        self._empty_text.setText(
            self.tr(
                "There is no backtest yet. New tests a strategy on stored bars, a file or the terminal's history, and "
                "shows here what would have come of it."
            )
        )
        self.details.setVisible(reports)
        self._empty.setVisible(not reports)
        if reports:
            self.details.show_result(None)

    # -- the chosen ------------------------------------------------------------------------------------------------

    def choose(self, *stems: str) -> None:
        """Choose one backtest, or several to compare them."""
        selection = self.table.selectionModel()
        places = [place for stem in stems if (place := self.model.place_of(stem)) >= 0]
        for number, place in enumerate(places):
            if number == 0:
                self.table.selectRow(place)
            else:
                flags = selection.SelectionFlag.Select | selection.SelectionFlag.Rows
                selection.select(self.model.index(place, 0), flags)

    @property
    def shown(self) -> Result | None:
        """The backtest that is shown in full; None while several or none are."""
        return None if self.details.isHidden() or self.details.comparing else self.details.result

    def _open_chosen(self) -> None:
        stems = self.table.chosen()
        broken = next((row for row in self.model.rows if row.stem in stems and row.problem), None)
        if not stems:
            return
        if len(stems) == 1 and broken is not None:
            self._opening = ()
            self._refuse(broken.problem, self.tr("Delete moves it to the bin; run the test again."))
            return
        whole = {row.stem for row in self.model.rows if not row.problem}
        stems = [stem for stem in stems if stem in whole][: MOST + 1]
        self._opening = tuple(stems)
        self._link.query(
            self,
            partial(work.open_all, self._opening),
            partial(self._on_results, self._opening),
            partial(self._on_not_opened, self._opening),
        )

    def _on_results(self, asked: tuple[str, ...], results: tuple[Result, ...]) -> None:
        if asked != self._opening:
            return  # others were chosen meanwhile
        self._opening = ()
        self._empty.hide()
        self.details.show()
        if len(results) == 1:
            self.details.show_result(results[0])
        elif results:
            self.details.show_comparison(results)

    def _on_not_opened(self, asked: tuple[str, ...], error: MetronomeError) -> None:
        if asked == self._opening:
            self._opening = ()
            self._refuse(error.message, error.advice)

    def _refuse(self, message: str, advice: str) -> None:
        self._empty_text.setText(f"{message} {advice}".strip())
        self.details.hide()
        self._empty.show()

    def _fetch_bars(self, result: Result, done: Done, failed: Failed) -> None:
        self._link.query(self, partial(work.bars, result), done, failed)

    # -- doing -----------------------------------------------------------------------------------------------------

    def new(self, values: Mapping[str, Any] | None = None) -> None:
        """Ask what to test; ``values`` are filled in already."""
        from ui.widgets.backtest_dialog import BacktestDialog

        spec = self._link.spec(work.TASK)
        if spec is None or not self._link.ready:
            return
        strategies = self._loaded.strategies if self._loaded else ()
        self.dialog = BacktestDialog(self._theme, self._link, spec, strategies, values, self)
        self.dialog.open()

    def again(self) -> None:
        """Ask what to test, filled in as the shown backtest was."""
        from ui.widgets.backtest_dialog import asked_again

        result = self.shown
        if result is not None and self._link.ready:
            self.new(asked_again(result, str(self._link.engine.storage.paths.bars)))

    def show_sweeps(self) -> None:
        """Show the stored sweeps."""
        from ui.widgets.sweep_dialog import SweepDialog

        if self._loaded is not None and self._loaded.sweeps:
            self.sweeps = SweepDialog(self._theme, self._link, self._loaded.sweeps, self)
            self.sweeps.show()

    def delete(self) -> None:
        """Move the chosen backtests to the bin."""
        stems = self.table.chosen()
        if not stems:
            return
        places = [self.model.place_of(stem) for stem in stems]
        rest = [row.stem for row in self.model.rows if row.stem not in stems]
        after = rest[min(min(places), len(rest) - 1)] if rest else ""
        name = self.model.rows[places[0]].name
        if self.details.result is not None and self.shown is not None:
            self.details.notes.save()

        def delete(engine: Engine) -> list[Binned]:
            shelf = work.shelf(engine)
            return [shelf.delete(stem) for stem in stems]

        def done(binned: list[Binned]) -> None:
            self._wanted = after
            text = self.tr("{name} was deleted.").format(name=name)
            if len(binned) > 1:
                text = self.tr("{n} backtests were deleted.").format(n=len(binned))
            self.bar.ask(
                text,
                self.tr("It lies in the bin; Deleted takes it back later too."),
                Answer(self.tr("Undo"), partial(self.restore, *binned)),
            )

        self._write(delete, done)

    def restore(self, *binned: Binned) -> None:
        """Take deleted backtests back."""

        def restore(engine: Engine) -> list[str]:
            shelf = work.shelf(engine)
            return [shelf.restore(one) for one in binned]

        def done(stems: list[str]) -> None:
            self._wanted = stems[0]

        self._write(restore, done)

    def _keep_note(self, stem: str, text: str) -> None:
        notes = self.details.notes

        def done(_nothing: object) -> None:
            notes.show_saved()
            self.reload()

        def failed(error: MetronomeError) -> None:
            notes.show_saved(f"{error.message} {error.advice}".strip())

        self._link.query(self, lambda engine: work.shelf(engine).keep_note(stem, text), done, failed)

    def export(self, ending: str, target: Path) -> None:
        """Copy a file of the shown backtest to ``target``."""
        result = self.shown
        if result is None:
            return

        def done(_nothing: object) -> None:
            self.told.emit(self.tr("Exported to {file}.").format(file=target))

        self._link.query(self, lambda engine: work.shelf(engine).export(result.stem, ending, target), done)

    # -- runs ------------------------------------------------------------------------------------------------------

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            if run.task == "import_files" and run.state.is_success:
                self.reload()
            if run.task != work.TASK:
                continue
            if not run.state.is_final:
                self._runs[run.run_id] = run
                continue
            self._runs.pop(run.run_id, None)
            self._on_ended(run)
        waiting = sorted(self._runs.values(), key=lambda run: (run.started_at is None, run.run_id))
        if waiting:
            self.strip.show_run(waiting[0], len(waiting) - 1)
        else:
            self.strip.show_nothing()

    def _on_ended(self, run: Run) -> None:
        if run.state.is_success:
            self._wanted = Path(str(run.result.get("report_json") or "")).stem
            self._changed()
        elif self.isVisible():
            name = run.params.get("strategy", "")
            self.bar.ask(
                self.tr("{name}: {why}").format(name=name, why=words.sentence(run)),
                run.advice,
                Answer(self.tr("Try again"), partial(self.new, dict(run.params))),
            )

    # -- menus and elsewhere ---------------------------------------------------------------------------------------

    def _on_opened(self, _index: QModelIndex) -> None:
        self._on_asked("report")

    def _on_asked(self, what: str) -> None:
        result = self.shown
        if result is None:
            return
        if what == "again":
            self.again()
        elif what == "export":
            self._open_export_menu()
        elif what == "folder":
            self.open_url(QUrl.fromLocalFile(str(self._link.engine.storage.paths.backtests)))
        else:
            self._link.query(
                self, lambda engine: work.shelf(engine).path(result.stem, ".html"), self._open_file, self._on_no_file
            )

    def _open_file(self, path: Path) -> None:
        self.open_url(QUrl.fromLocalFile(str(path)))

    def _on_no_file(self, error: MetronomeError) -> None:
        self.bar.ask(error.message, error.advice)

    def _open_bin_menu(self) -> None:
        self._menu.clear()
        for binned in (self._loaded.binned if self._loaded else ())[:SHOWN_IN_BIN]:
            self._menu.addAction(binned.stem, partial(self.restore, binned))
        self._pop_up(self.bin_button)

    def _open_export_menu(self) -> None:
        if self.shown is None:
            return
        self._menu.clear()
        for ending, title in (
            ("_trades.csv", self.tr("Trades as CSV\N{HORIZONTAL ELLIPSIS}")),
            (".json", self.tr("Everything as JSON\N{HORIZONTAL ELLIPSIS}")),
            (".html", self.tr("Report as HTML\N{HORIZONTAL ELLIPSIS}")),
        ):
            self._menu.addAction(title, partial(self._ask_target, ending))
        self._pop_up(self.details.export_button)

    def _ask_target(self, ending: str) -> None:
        result = self.shown
        if result is None:
            return
        dialog = QFileDialog(self, self.tr("Export the backtest"), f"{result.stem}{ending}")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.selectFile(f"{result.stem}{ending}")
        dialog.fileSelected.connect(lambda chosen: self.export(ending, Path(chosen)))
        dialog.open()

    def _pop_up(self, under: QWidget) -> None:
        self._menu.popup(under.mapToGlobal(QPoint(0, under.height() + 2)))

    def escape(self) -> bool:
        if not self.bar.text:
            return False
        self.bar.dismiss()
        return True

    def may_leave(self, then: Callable[[], object]) -> bool:
        if "notes" in self.details.__dict__:
            self.details.notes.save()
        return True

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        more = max(0, self.width() - LEAST_PAGE)
        self._list.setFixedWidth(min(MOST_LIST, LEAST_LIST + int(more * LIST_SHARE)))


def _at_work(engine: Engine) -> tuple[Run, ...]:
    snapshot = engine.runner.snapshot()
    return (*snapshot.running, *snapshot.queued)
