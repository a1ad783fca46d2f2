"""Every run that was: by task, state and time; any one in full; and all that match as CSV."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from app.runs import Run, RunState, iso
from ui import words
from ui.engine_link import EngineLink
from ui.models.run_table import LOOK_ROLE, Column, RunTable
from ui.pages.page import Page
from ui.theme import Theme
from ui.widgets.cells import Cell, StateCell
from ui.widgets.choice import Choice
from ui.widgets.labels import button, card, icon_button, label, row, set_icon
from ui.widgets.run_details import RunDetails
from ui.widgets.tables import Table, framed

if TYPE_CHECKING:
    from app.engine import Engine
    from app.history import RunFilter

PAGE = 200
WIDTHS = {
    Column.TIME: 146,
    Column.TASK: 186,
    Column.STATE: 132,
    Column.TRIGGER: 132,
    Column.LATENESS: 76,
    Column.DURATION: 84,
}
#: Of the details; the narrower one in a page of less than ``NARROW_PAGE``.
PANEL_WIDTHS = (334, 350)
NARROW_PAGE = 900
BESIDE_PANEL = (Column.TRIGGER, Column.LATENESS, Column.DURATION)
"""Columns that step back while the panel repeats them."""
EXPORT_PAGE = 2_000
_TROUBLES = (RunState.FAILED, RunState.TIMED_OUT, RunState.INTERRUPTED, RunState.MISSED)
_SPANS = (("Last 24 hours", 1), ("Last 7 days", 7), ("Last 30 days", 30), ("All time", 0))


class HistoryPage(Page):
    """Signals:
    log_asked: the log of this run (id, task) shall be shown.
    exported: a file was written: what to tell the user.
    """

    log_asked = Signal(str, str)
    exported = Signal(str)

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("History"), parent)
        self._link = link
        self._asked = 0
        self._loading = False
        self._complete = False
        self._total = 0
        self._task = Choice(self.tr("Task"))
        self._state = Choice(self.tr("State"))
        self._span = Choice(self.tr("Time"))
        self._fill_choices()
        self._export = button(self.tr("Export CSV\N{HORIZONTAL ELLIPSIS}"), self._on_export)
        set_icon(self._export, theme, "export", "text")
        for part in (self._task, self._state, self._span, self._export):
            self.head.addWidget(part)
        self.model = RunTable(self)
        self.table = self._make_table(theme)
        self.main = self.table
        self.details = RunDetails(theme)
        self.details.log_asked.connect(self.log_asked)
        self.details.repeat_asked.connect(link.submit)
        self._panel, inner = card()
        self._panel.setFixedWidth(PANEL_WIDTHS[1])
        self._name = label("", "sectionTitle")
        inner.addLayout(
            row(self._name, None, icon_button(theme, "close", self.tr("Close the details (Esc)"), self.escape))
        )
        inner.addSpacing(6)
        inner.addWidget(self.details)
        inner.addStretch(1)
        self._panel.hide()
        self._empty = label(self.tr("No run matches. Choose another task, state or time."), "dim")
        self._empty.hide()
        columns = QHBoxLayout()
        columns.setSpacing(12)
        left = QVBoxLayout()
        left.addWidget(framed(self.table))
        left.addWidget(self._empty)
        columns.addLayout(left, 1)
        columns.addWidget(self._panel)
        self.body.addLayout(columns, 1)
        link.runs_changed.connect(self._on_runs)
        link.attached.connect(self.entered)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._panel.setFixedWidth(PANEL_WIDTHS[self.width() >= NARROW_PAGE])
        self._fit_columns()

    def _fit_columns(self) -> None:
        """Beside the open panel a narrow page shows when, what and how it ended; the panel tells the rest."""
        widths = WIDTHS
        if self._panel.isVisibleTo(self) and self.width() < NARROW_PAGE:
            widths = {**WIDTHS, Column.TIME: 92, Column.STATE: 112, Column.RESULT: 100}
            del widths[Column.TASK]
            self._set_widths(widths, Column.TASK, (*BESIDE_PANEL, Column.RESULT))
        else:
            self._set_widths(widths, Column.RESULT, BESIDE_PANEL)

    def _set_widths(self, widths: Mapping[Column, int], stretch: Column, yielding: Sequence[Column]) -> None:
        self.table.set_widths({int(k): width for k, width in widths.items()}, stretch, yielding=yielding)

    def _make_table(self, theme: Theme) -> Table:
        table = Table(self.tr("Runs"))
        table.setModel(self.model)
        table.setItemDelegate(Cell(theme, table))
        table.setItemDelegateForColumn(Column.STATE, StateCell(theme, LOOK_ROLE, table))
        table.setItemDelegateForColumn(Column.TASK, Cell(theme, table, strong=True))
        table.verticalScrollBar().valueChanged.connect(self._on_scrolled)
        table.clicked.connect(self._open)
        table.opened.connect(self._open)
        table.selectionModel().currentChanged.connect(self._on_current_changed)
        return table

    def _fill_choices(self) -> None:
        self._task.addItem(self.tr("All tasks"), "")
        self._state.addItem(self.tr("All states"), ())
        self._state.addItem(self.tr("Troubles"), _TROUBLES)
        for state in RunState:
            if state.is_final:
                self._state.addItem(words.state_look(state).word, (state,))
        for title, days in _SPANS:
            self._span.addItem(self.tr(title), days)
        self._span.setCurrentIndex(1)
        for box in (self._task, self._state, self._span):
            box.currentIndexChanged.connect(self.reload)

    # -- loading ---------------------------------------------------------------------------------------------------

    def entered(self) -> None:
        if not self._link.ready or self._task.count() > 1:
            return
        blocked = self._task.blockSignals(True)
        for spec in self._link.specs:
            self._task.addItem(spec.title, spec.id)
        self._task.blockSignals(blocked)
        self.model.set_titles({spec.id: spec.title for spec in self._link.specs})
        self.reload()

    def reload(self, *_index: int) -> None:
        """Ask for the first page of what the choices say."""
        if not self._link.ready:
            return
        self._asked += 1
        self._loading, self._complete = True, False
        self.model.now = self._link.now()
        number, wanted = self._asked, self._wanted()

        def first(engine: Engine) -> tuple[int, tuple[Run, ...], int]:
            chosen = _filter(*wanted)
            return number, engine.history.page(chosen, PAGE), engine.history.count(chosen)

        self._link.query(self, first, self._on_first)

    def _wanted(self) -> tuple[str, tuple[RunState, ...], datetime | None]:
        days = int(self._span.currentData())
        since = self._link.now() - timedelta(days=days) if days else None
        return str(self._task.currentData()), tuple(self._state.currentData()), since

    def _on_first(self, answer: tuple[int, tuple[Run, ...], int]) -> None:
        number, runs, total = answer
        if number != self._asked:
            return
        self._total = total
        self.model.clear()
        self._add(runs)
        self._tell()

    def _on_more(self, answer: tuple[int, tuple[Run, ...]]) -> None:
        number, runs = answer
        if number == self._asked:
            self._add(runs)

    def _add(self, runs: tuple[Run, ...]) -> None:
        self._loading = False
        self._complete = len(runs) < PAGE
        self.model.append(runs)

    def _on_scrolled(self, value: int) -> None:
        bar = self.table.verticalScrollBar()
        oldest = self.model.oldest()
        if self._loading or self._complete or oldest is None or value < bar.maximum() - 20 * 33:
            return
        self._loading = True
        number, wanted = self._asked, self._wanted()
        self._link.query(
            self, lambda engine: (number, engine.history.page(_filter(*wanted), PAGE, oldest)), self._on_more
        )

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        task, states, _since = self._wanted()
        fitting = [
            run for run in runs if run.state.is_final and task in ("", run.task) and (not states or run.state in states)
        ]
        if fitting:
            self._total += sum(self.model.place_of(run.run_id) < 0 for run in fitting)
            self.model.now = self._link.now()
            self.model.apply(fitting)
            self._tell()

    def _tell(self) -> None:
        self.subtitle.setText(words.plural(self._total, "run", "runs"))
        self._empty.setVisible(self.model.rowCount() == 0)

    # -- one run ---------------------------------------------------------------------------------------------------

    def show_run(self, index: QModelIndex) -> None:
        """Show a run in full."""
        run = self.model.run_at(index)
        if run is None:
            return
        self._name.setText(self._link.title(run.task))
        self.details.show_run(run, self._link.now())
        self._panel.show()
        self._fit_columns()
        self.table.yield_all(True)

    def escape(self) -> bool:
        if self._panel.isHidden():
            return False
        self._panel.hide()
        self._fit_columns()
        self.table.yield_all(False)
        self.table.setFocus()
        return True

    def _open(self, index: QModelIndex) -> None:
        self.show_run(index)

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if self._panel.isVisible():
            self.show_run(current)

    # -- export ----------------------------------------------------------------------------------------------------

    def _on_export(self) -> None:
        if not self._link.ready:
            return
        name = f"metronome_runs_{self._link.now().astimezone():%Y%m%d}.csv"
        dialog = QFileDialog(self, self.tr("Export runs"), name, self.tr("CSV files (*.csv)"))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("csv")
        dialog.selectFile(name)
        dialog.fileSelected.connect(lambda chosen: self.export(Path(chosen)))
        dialog.open()

    def export(self, file: Path) -> None:
        """Write all runs that match the choices to ``file``."""
        wanted = self._wanted()

        def work(engine: Engine) -> int:
            return write_csv(engine, _filter(*wanted), file)

        def done(count: int) -> None:
            runs = words.plural(count, "run", "runs")
            self.exported.emit(self.tr("{runs} exported to {file}.").format(runs=runs, file=file))

        self._link.query(self, work, done)


def write_csv(engine: Engine, wanted: RunFilter, file: Path) -> int:
    """Write the matching runs, newest first, to a CSV file; the file appears whole or not at all.

    Returns:
        How many rows were written.

    Raises:
        UserAction: the file cannot be written.
    """
    from app.errors import UserAction

    part = file.with_name(f"{file.name}.part")
    columns = (
        "run_id",
        "task",
        "state",
        "trigger",
        "queued_at",
        "started_at",
        "finished_at",
        "duration_s",
        "lateness_s",
    )
    rest = ("attempt", "summary", "reason", "advice", "warnings", "files")
    count = 0
    try:
        with part.open("w", newline="", encoding="utf-8") as stream:
            writer = csv.writer(stream)
            writer.writerow((*columns, *rest))
            before: Run | None = None
            while runs := engine.history.page(wanted, EXPORT_PAGE, before):
                writer.writerows(_csv_row(run) for run in runs)
                count += len(runs)
                before = runs[-1]
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise UserAction(
            f"The runs could not be exported to {file}: {error.strerror}.", advice="Choose another folder."
        ) from error
    return count


def _csv_row(run: Run) -> tuple[Any, ...]:
    times = (iso(run.queued_at), iso(run.started_at), iso(run.finished_at))
    head = (
        run.run_id,
        run.task,
        run.state.value,
        run.trigger.value,
        *times,
        run.duration_s,
        run.lateness_s,
        run.attempt,
    )
    texts = (run.summary, run.reason, run.advice, "; ".join(run.warnings), "; ".join(run.files))
    # A spreadsheet takes a text that begins like this for a formula.
    return (*head, *(f"'{text}" if text[:1] in "=+-@" and text else text for text in texts))


def _filter(task: str, states: tuple[RunState, ...], since: datetime | None) -> RunFilter:
    from app.history import RunFilter

    return RunFilter(task=task, states=states, since=since)
