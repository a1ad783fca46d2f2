"""The panel beside the task table: one task, its schedule, its last runs and what can be done with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QRectF, Qt, Signal, SignalInstance
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from app.runs import Run, RunState
from ui import words
from ui.engine_link import EngineLink
from ui.models.run_table import LOOK_ROLE, Column, RunTable
from ui.models.task_table import TaskRow
from ui.theme import Theme
from ui.widgets.cells import Cell, StateCell
from ui.widgets.labels import button, icon_button, label, row
from ui.widgets.run_details import RunDetails
from ui.widgets.sparkline import paint_sparkline
from ui.widgets.tables import Table

if TYPE_CHECKING:
    from app.tasks import TaskSpec

WIDTH = 372
SHOWN_RUNS = 20
ROW = 27


class _Bars(QWidget):
    """The sparkline of the panel, wider than the one of the table."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self.bars: tuple[tuple[float, RunState], ...] = ()
        self.setFixedHeight(26)

    def paintEvent(self, event: QPaintEvent) -> None:
        paint_sparkline(QPainter(self), QRectF(self.rect()).adjusted(0, 2, 0, 0), self.bars, self._theme)


class TaskDetails(QFrame):
    """Signals:
    closed: the panel shall go.
    run_asked, cancel_asked: the task shall run, its run shall stop.
    parameters_asked, schedule_asked: the dialogs of the task shall open.
    enable_asked: the schedule of the task shall be on or off.
    log_asked, repeat_asked: see RunDetails.
    """

    closed = Signal()
    run_asked = Signal(str)
    cancel_asked = Signal(str)
    parameters_asked = Signal(str)
    schedule_asked = Signal(str)
    enable_asked = Signal(str, bool)
    log_asked = Signal(str, str)
    repeat_asked = Signal(str, object)

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setFixedWidth(WIDTH)
        self._theme = theme
        self._link = link
        self._row: TaskRow | None = None
        self._title = label("", "sectionTitle")
        self._description = label("", "small", wrap=True)
        self._why = label("", "small", wrap=True)
        self._bars = _Bars(theme)
        self._facts: dict[str, QLabel] = {}
        self.run_button = button(self.tr("Run now"), self._on_run, style="primary", tip=self.tr("F5"))
        self.parameters_button = button(
            self.tr("Run with parameters\N{HORIZONTAL ELLIPSIS}"), self._ask(self.parameters_asked)
        )
        self.parameters_button.setToolTip(self.tr("Ctrl+R"))
        self.schedule_button = button(self.tr("Edit schedule\N{HORIZONTAL ELLIPSIS}"), self._ask(self.schedule_asked))
        self.enable_button = button(self.tr("Switch off"), self._on_enable)
        self.details = RunDetails(theme)
        self.details.log_asked.connect(self.log_asked)
        self.details.repeat_asked.connect(self.repeat_asked)
        self.runs = RunTable(self, limit=200)
        self._table = self._make_table()
        self._lay_out()

    def _make_table(self) -> Table:
        table = Table(self.tr("Last runs"), row_height=ROW)
        table.setModel(self.runs)
        table.horizontalHeader().hide()
        table.verticalScrollBar().setSingleStep(ROW)
        for column in (Column.TASK, Column.RESULT, Column.TRIGGER, Column.LATENESS):
            table.setColumnHidden(column, True)
        table.setItemDelegate(Cell(self._theme, table))
        table.setItemDelegateForColumn(Column.STATE, StateCell(self._theme, LOOK_ROLE, table))
        table.set_widths({Column.STATE: 128, Column.DURATION: 66}, Column.TIME)
        table.selectionModel().currentChanged.connect(self._on_run_chosen)
        table.setFixedHeight(6 * ROW + 2)
        return table

    def _lay_out(self) -> None:
        close = icon_button(self._theme, "close", self.tr("Close the details (Esc)"), self.closed.emit)
        grid = QGridLayout()
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setHorizontalSpacing(14)
        grid.setVerticalSpacing(3)
        grid.setColumnStretch(1, 1)
        captions = {
            "schedule": self.tr("Schedule"),
            "next": self.tr("Next run"),
            "queue": self.tr("Queue"),
            "usual": self.tr("Usually takes"),
        }
        for place, (name, caption) in enumerate(captions.items()):
            grid.addWidget(label(caption, "small"), place, 0)
            self._facts[name] = label("")
            grid.addWidget(self._facts[name], place, 1)
        body = QWidget()
        body.setObjectName("clear")
        inner = QVBoxLayout(body)
        inner.setContentsMargins(0, 0, 0, 0)
        inner.setSpacing(8)
        inner.addWidget(self._description)
        inner.addLayout(row(self.run_button, self.parameters_button, None))
        inner.addLayout(row(self.schedule_button, self.enable_button, None))
        inner.addWidget(self._why)
        inner.addSpacing(2)
        inner.addLayout(grid)
        inner.addWidget(self._bars)
        inner.addWidget(label(self.tr("Last runs"), "muted"))
        inner.addWidget(self._table)
        inner.addSpacing(4)
        inner.addWidget(self.details)
        inner.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidget(body)
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.viewport().setAutoFillBackground(False)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(16, 12, 12, 14)
        layout.setSpacing(6)
        layout.addLayout(row(self._title, None, close))
        layout.addWidget(scroll, 1)

    @property
    def task_id(self) -> str:
        """The task shown; empty when none is."""
        return self._row.id if self._row else ""

    def show_task(self, task: TaskRow, spec: TaskSpec | None, now: datetime) -> None:
        """Show another task and fetch its last runs."""
        self._row = task
        self._title.setText(task.title)
        self.setAccessibleName(self.tr("Details of {task}").format(task=task.title))
        self._description.setText(task.description)
        self.parameters_button.setVisible(bool(spec and spec.params.model_fields))
        self.runs.clear()
        self.runs.now = now
        self.details.show_run(None, now)
        self.refresh(now)
        task_id = task.id
        self._link.query(self, lambda engine: (task_id, engine.history.recent(task_id, SHOWN_RUNS)), self._on_runs)

    def refresh(self, now: datetime) -> None:
        """The task changed: its buttons, facts and sparkline follow."""
        task = self._row
        if task is None:
            return
        self.run_button.setText(self.tr("Cancel run") if task.active else self.tr("Run now"))
        self.enable_button.setText(self.tr("Switch off") if task.enabled else self.tr("Switch on"))
        timing = task.timing
        scheduled = timing is not None and (timing.next_run is not None or not timing.enabled or not task.manual)
        self.enable_button.setVisible(scheduled)
        why = timing.why_not if timing is not None else ""
        self._why.setText(why)
        self._why.setVisible(bool(why) and not (task.manual and task.enabled))
        if timing is not None:
            zone = "" if not scheduled else f" ({timing.timezone})"
            self._facts["schedule"].setText(f"{timing.description}{zone}")
            self._facts["schedule"].setToolTip(timing.schedule_text)
        self._facts["queue"].setText(words.queue_title(task.group))
        worked = sorted(seconds for seconds, state in task.bars if state.is_success)
        self._facts["usual"].setText(words.duration(worked[len(worked) // 2]) if worked else words.DASH)
        self._bars.bars = task.bars
        self._bars.setVisible(bool(task.bars))
        self._bars.update()
        self.tick(now)

    def tick(self, now: datetime) -> None:
        """The time moved."""
        timing = self._row.timing if self._row else None
        self.runs.now = now
        target = self._facts["next"]
        if timing is None or timing.next_run is None:
            target.setText(words.DASH)
            return
        when = f"{timing.next_run.astimezone():%a %H:%M}"
        target.setText(self.tr("in {left} ({when})").format(left=words.countdown(timing.next_run - now), when=when))
        target.setToolTip(words.both_times(timing.next_run))

    def apply_runs(self, runs: tuple[Run, ...], now: datetime) -> None:
        """Live runs of this task."""
        mine = [run for run in runs if run.task == self.task_id]
        if not mine:
            return
        at_newest = self._table.currentIndex().row() in (-1, 0)
        self.runs.apply(mine)
        for run in mine:
            if run.run_id == self.details.run_id:
                self.details.show_run(run, now)
        if at_newest and self.runs.rowCount():
            self._table.selectRow(0)

    def _on_runs(self, answer: tuple[str, tuple[Run, ...]]) -> None:
        task_id, runs = answer
        if task_id != self.task_id:
            return
        self.runs.append(runs)
        if self._row and self._row.active:
            self.runs.apply([self._row.active])
        if self.runs.rowCount():
            self._table.selectRow(0)

    def _on_run_chosen(self, current: QModelIndex, _previous: QModelIndex) -> None:
        self.details.show_run(self.runs.run_at(current), self._link.now())

    def _on_run(self) -> None:
        if self._row is None:
            return
        if self._row.active:
            self.cancel_asked.emit(self._row.active.run_id)
        else:
            self.run_asked.emit(self._row.id)

    def _on_enable(self) -> None:
        if self._row is not None:
            self.enable_asked.emit(self._row.id, not self._row.enabled)

    def _ask(self, signal: SignalInstance) -> Callable[[], None]:
        return lambda: signal.emit(self.task_id)
