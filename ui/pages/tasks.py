"""All tasks: what each is doing, did last and does next; and the panel of the chosen one."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QFont, QFontMetricsF, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget
from shiboken6 import isValid

from app.runs import Run, RunState
from ui import words
from ui.engine_link import EngineLink
from ui.models.task_table import RECENT, Column, Role, TaskTable
from ui.pages.page import Page
from ui.pages.task_details import TaskDetails
from ui.theme import Theme
from ui.widgets.cells import ActionCell, Cell, GroupCell, ResultCell, SparklineCell, StateCell
from ui.widgets.picture_table import PictureTable
from ui.widgets.skeleton import Skeleton
from ui.widgets.tables import framed

if TYPE_CHECKING:
    from app.engine import Engine
    from app.tasks import TaskSpec

ROW = 36
GROUP_ROW = 27
COUNT_EVERY_S = 60
COUNT_PAUSE_MS = 500
"""From the end of a run to the new counts; runs that end in quick succession are counted together."""
RECENT_ALL, RECENT_FEW = 117, 84
"""Width of the bars of recent runs, pixels: all fifty where there is room, the newest thirty where there is not."""
WIDE_PAGE = 1_240
CARD_BESIDE_PANEL = 1_000


class TaskView(PictureTable):
    """The table; Space and Delete do what the row's button does. Signals: key_pressed: one of our keys."""

    key_pressed = Signal(int)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Delete) and self.currentIndex().isValid():
            self.key_pressed.emit(event.key())
            return
        super().keyPressEvent(event)


class TasksPage(Page):
    """Signals:
    log_asked: the log of this run (id, task) shall be shown.
    """

    log_asked = Signal(str, str)

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Tasks"), parent)
        self._theme = theme
        self._link = link
        self._counted_at: datetime | None = None
        self._counts: dict[RunState, int] | None = None
        self._told_paused = False
        self._count_soon = QTimer(self)
        self._count_soon.setSingleShot(True)
        self._count_soon.setInterval(COUNT_PAUSE_MS)
        self._count_soon.timeout.connect(lambda: self._count(self._link.now()))
        self._card: QWidget | None = None
        self.subtitle.setText(self.tr("Starting the engine"))
        self.model = TaskTable(self)
        self.table = TaskView(theme, self.tr("Tasks"), row_height=ROW)
        self.table.setModel(self.model)
        self._action = ActionCell(theme, Role.ACTION, self._repaint_action, self.table)
        self._dress()
        self._skeleton = Skeleton(theme)
        self._frame = framed(self._skeleton)
        self._frame.layout().addWidget(self.table)
        self.table.hide()
        self.main = self.table
        self.details: TaskDetails | None = None
        self._columns = QHBoxLayout()
        self._columns.setSpacing(12)
        left = QVBoxLayout()
        left.setSpacing(12)
        left.addWidget(self._frame)
        left.addStretch(1)
        self._left = left
        self._columns.addLayout(left, 1)
        self.body.addLayout(self._columns, 1)
        self._connect()

    def _repaint_action(self, place: int) -> None:
        self.table.repaint_cell(place, Column.ACTION)

    def _dress(self) -> None:
        table, theme = self.table, self._theme
        table.setItemDelegate(Cell(theme, table))
        delegates = {
            Column.TASK: Cell(theme, table, strong=True),
            Column.STATE: StateCell(theme, Role.LOOK, table),
            Column.RESULT: ResultCell(theme, Role.PROGRESS, Role.SHORT, table),
            Column.RECENT: SparklineCell(theme, Role.BARS, table),
            Column.ACTION: self._action,
        }
        for column, delegate in delegates.items():
            table.setItemDelegateForColumn(column, delegate)
        self._group = GroupCell(theme, table)

    def _connect(self) -> None:
        link = self._link
        link.attached.connect(self._on_attached)
        link.runs_changed.connect(self._on_runs)
        link.timetable_changed.connect(self._on_timetable)
        self.table.clicked.connect(self._on_clicked)
        self.table.opened.connect(lambda _index: self.open_details())
        self.table.key_pressed.connect(self._on_key)
        self.table.left.connect(self._action.cool)
        self.table.selectionModel().currentChanged.connect(self._on_current_changed)
        self._action.pressed.connect(lambda index: self.run_or_cancel(str(index.data(Role.TASK_ID))))
        self._theme.changed.connect(self._fit_columns)

    # -- what the engine says --------------------------------------------------------------------------------------

    def _on_attached(self) -> None:
        # In steps, each a turn of the event loop: the window answers in between.
        self.model.set_tasks(self._link.specs, self._link.now())
        self.model.apply_timetable(self._link.timetable)
        snapshot = self._link.engine.runner.snapshot()
        self.model.apply_runs((*snapshot.queued, *snapshot.running))
        QTimer.singleShot(0, self, self._dress_rows)

    def _dress_rows(self) -> None:
        for place in range(self.model.rowCount()):
            self.table.setRowHeight(place, ROW)
        for place in self.model.group_places():
            self.table.setSpan(place, 0, 1, len(Column))
            self.table.setRowHeight(place, GROUP_ROW)
            self.table.setItemDelegateForRow(place, self._group)
        self._fit_columns()
        self._fit_height()
        QTimer.singleShot(0, self, self._show_rows)

    def _show_rows(self) -> None:
        self._skeleton.hide()
        self.table.show()
        if not self.current_task:
            self.table.selectRow(1)
            self.focus_main()
        QTimer.singleShot(0, self, self._ask_stored_runs)

    def _ask_stored_runs(self) -> None:
        self._link.query(self, _recent_of_all, self.model.set_recent)
        self._count(self._link.now())

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        self.model.apply_runs(runs)
        now = self._link.now()
        if self.details is not None and self.details.isVisible():
            self.details.apply_runs(runs, now)
            if any(run.task == self.details.task_id for run in runs):
                self.details.refresh(now)
        if any(run.state.is_final for run in runs) and not self._count_soon.isActive():
            self._count_soon.start()

    def _on_timetable(self, snapshot: Any) -> None:
        self.model.apply_timetable(snapshot)
        if self._counts is not None and snapshot.paused != self._told_paused:
            self._on_counted(self._counts)
        if self.details is not None and self.details.isVisible():
            self.details.refresh(self._link.now())

    def tick(self, now: datetime) -> None:
        self.model.tick(now)
        if self.details is not None and self.details.isVisible():
            self.details.tick(now)
        if self._counted_at and (now - self._counted_at).total_seconds() > COUNT_EVERY_S:
            self._count(now)

    def _count(self, now: datetime) -> None:
        self._counted_at = now
        since = now - timedelta(hours=24)
        self._link.query(self, lambda engine: _count_states(engine, since), self._on_counted)

    def _on_counted(self, counts: dict[RunState, int]) -> None:
        self._counts, self._told_paused = counts, self._link.timetable.paused
        total = sum(counts.values())
        rows = self.model.task_rows()
        late = sum(1 for row in rows if row.timing and row.timing.lateness_s and row.timing.lateness_s > 5)
        timed = sum(1 for row in rows if row.timing and row.timing.next_run)
        warned = counts.get(RunState.SUCCEEDED_WITH_WARNINGS, 0)
        failed = counts.get(RunState.FAILED, 0) + counts.get(RunState.TIMED_OUT, 0)
        on_time = self.tr("{n} on time").format(n=timed - late) if timed else self.tr("nothing scheduled")
        if self._told_paused:
            on_time = self.tr("all paused")
        elif late:
            on_time += self.tr(", {n} late").format(n=late)
        self.subtitle.setText(
            self.tr(
                "{on_time} \N{MIDDLE DOT} in the last 24 hours {runs}, {warned} with warnings, {failed} failed"
            ).format(
                on_time=on_time,
                runs=words.plural(total, "run", "runs"),
                warned=warned or self.tr("none"),
                failed=failed or self.tr("none"),
            )
        )

    @property
    def specs(self) -> tuple[TaskSpec, ...]:
        """All tasks."""
        return self._link.specs

    # -- what the user does ----------------------------------------------------------------------------------------

    @property
    def current_task(self) -> str:
        """The chosen task; empty when none is."""
        return str(self.table.currentIndex().data(Role.TASK_ID) or "")

    def choose(self, task_id: str) -> None:
        """Select a task and show its details."""
        place = self.model.place_of(task_id)
        if place >= 0:
            self.table.selectRow(place)
            self.table.scrollTo(self.model.index(place, 0))
            self.table.setFocus()
            self.open_details()

    def run_or_cancel(self, task_id: str) -> None:
        """What the button of a row does."""
        row = self.model.row_of(task_id)
        if row is None:
            return
        if row.active is not None:
            self._link.cancel(row.active.run_id)
            return
        spec = self._link.spec(task_id)
        if spec is not None and any(field.is_required() for field in spec.params.model_fields.values()):
            self.ask_parameters(task_id)
        else:
            self._link.submit(task_id)

    def run_current(self) -> None:
        """F5: run the chosen task; nothing happens while it is at work."""
        row = self.model.row_of(self.current_task)
        if row is not None and row.active is None:
            self.run_or_cancel(row.id)

    def ask_parameters(self, task_id: str, values: dict[str, Any] | None = None) -> None:
        """Open the form of the task's parameters."""
        from ui.widgets.dialogs import RunDialog

        spec = self._link.spec(task_id)
        if spec is not None and spec.params.model_fields:
            RunDialog(self._link, spec, values, self.window()).open()
        elif spec is not None:
            self.run_or_cancel(task_id)

    def edit_schedule(self, task_id: str) -> None:
        """Open the schedule editor of the task."""
        from ui.widgets.schedule_editor import ScheduleEditor

        row = self.model.row_of(task_id)
        if row is not None and row.timing is not None:
            ScheduleEditor(self._link, task_id, row.title, row.timing, self.window()).open()

    def open_details(self) -> None:
        """Show the panel of the chosen task."""
        row = self.model.task_at(self.table.currentIndex())
        if row is None:
            return
        if self.details is None:
            self.details = self._make_details()
        self.details.show()
        self._fit_columns()
        self._show_card()
        if self.details.task_id != row.id:
            self.details.show_task(row, self._link.spec(row.id), self._link.now())

    def escape(self) -> bool:
        if self.details is None or not self.details.isVisible():
            return False
        self.details.hide()
        self._fit_columns()
        self._show_card()
        self.table.setFocus()
        return True

    def add_card(self, card: QWidget) -> None:
        """Put a card under the table."""
        self._left.insertWidget(1, card)
        self._card = card
        self._show_card()

    def _show_card(self) -> None:
        """The first steps step back where the panel leaves them no room to be read."""
        narrow = self._panel_open and self.width() < CARD_BESIDE_PANEL
        if self._card is not None and isValid(self._card):
            self._card.setVisible(not narrow)

    def _make_details(self) -> TaskDetails:
        details = TaskDetails(self._theme, self._link)
        details.closed.connect(self.escape)
        details.run_asked.connect(self.run_or_cancel)
        details.cancel_asked.connect(self._link.cancel)
        details.parameters_asked.connect(self.ask_parameters)
        details.schedule_asked.connect(self.edit_schedule)
        details.enable_asked.connect(self._link.set_enabled)
        details.log_asked.connect(self.log_asked)
        details.repeat_asked.connect(self._link.submit)
        self._columns.addWidget(details)
        return details

    def _on_clicked(self, index: QModelIndex) -> None:
        if index.column() != Column.ACTION:
            self.open_details()

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        row = self.model.task_at(current)
        if row is not None and self.details is not None and self.details.isVisible():
            self.details.show_task(row, self._link.spec(row.id), self._link.now())

    def _on_key(self, key: int) -> None:
        row = self.model.row_of(self.current_task)
        if row is None:
            return
        if key == Qt.Key.Key_Space:
            self._link.set_enabled(row.id, not row.enabled)
        elif row.active is not None:
            self._link.cancel(row.active.run_id)

    # -- sizes -----------------------------------------------------------------------------------------------------

    @property
    def _panel_open(self) -> bool:
        return self.details is not None and not self.details.isHidden()

    def _fit_columns(self) -> None:
        """Give each column what its words need; beside the panel the columns that it repeats step back."""
        plain = QFontMetricsF(self._theme.font())

        strong = QFontMetricsF(self._theme.font(weight=QFont.Weight.Medium))

        def width(*texts: str, metrics: QFontMetricsF = plain) -> int:
            return round(max(metrics.horizontalAdvance(text) for text in texts)) + 18

        rows = self.model.task_rows()
        titles = width(*(row.title for row in rows), "Collect market data", metrics=strong)
        schedules = width(*(str(row.timing.description) for row in rows if row.timing), words.tr("Schedule"))
        widths = {
            Column.TASK: min(titles, 230),
            Column.STATE: width(words.tr("With warnings"), words.tr("Running") + " 10/10") + 16,
            Column.RECENT: RECENT_ALL if self.width() >= WIDE_PAGE else RECENT_FEW,
            Column.DURATION: width(words.tr("Duration"), "99.9 s"),
            Column.SCHEDULE: min(schedules, 170),
            Column.NEXT: width(words.tr("Next run"), words.tr("paused"), "119:59"),
            Column.ACTION: width(words.tr("Cancel")) + 20,
        }
        yielding = [Column.RECENT, Column.DURATION, Column.SCHEDULE]
        if self._panel_open and self.width() < CARD_BESIDE_PANEL:
            # The panel tells and does the rest.
            del widths[Column.TASK]
            widths |= {Column.RESULT: 100, Column.STATE: 118}
            yielding += [Column.NEXT, Column.ACTION, Column.RESULT]
            self.table.set_widths({int(k): v for k, v in widths.items()}, Column.TASK, yielding=yielding)
        else:
            self.table.set_widths({int(k): v for k, v in widths.items()}, Column.RESULT, yielding=yielding)
        self.table.yield_all(self._panel_open)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.model.rowCount():
            self._fit_columns()
            self._show_card()

    def _fit_height(self) -> None:
        """The card is as tall as its rows, and scrolls when the window is not."""
        rows = sum(self.table.rowHeight(place) for place in range(self.model.rowCount()))
        self.table.setMaximumHeight(rows + self.table.horizontalHeader().height() + 2)
        self.table.setMinimumHeight(120)
        self._frame.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self._frame.setMaximumHeight(self.table.maximumHeight() + 10)
        self._left.setStretch(0, 1000)


def _recent_of_all(engine: Engine) -> dict[str, tuple[Run, ...]]:
    return {spec.id: engine.history.recent(spec.id, RECENT) for spec in engine.registry}


def _count_states(engine: Engine, since: datetime) -> dict[RunState, int]:
    from app.history import RunFilter

    states = (RunState.SUCCEEDED_WITH_WARNINGS, RunState.FAILED, RunState.TIMED_OUT)
    counts = {state: engine.history.count(RunFilter(states=(state,), since=since)) for state in states}
    everything = engine.history.count(RunFilter(since=since))
    counts[RunState.SUCCEEDED] = everything - sum(counts.values())
    return counts
