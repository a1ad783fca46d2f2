"""The tasks, grouped by queue: what each is doing, did last and does next. Rows change one by one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QObject, Qt

from app.runs import Run, RunState
from ui import words
from ui.models.row_model import AnyIndex, RowModel

if TYPE_CHECKING:
    from app.tasks import TaskSpec

RECENT = 50
"""Runs in a sparkline."""


class Column(IntEnum):
    """The columns, from left to right."""

    TASK = 0
    STATE = 1
    RESULT = 2
    RECENT = 3
    DURATION = 4
    SCHEDULE = 5
    NEXT = 6
    ACTION = 7


RIGHT = (Column.DURATION, Column.NEXT)


class Role(IntEnum):
    """What delegates ask for beyond the text."""

    TASK_ID = Qt.ItemDataRole.UserRole + 1
    LOOK = Qt.ItemDataRole.UserRole + 2
    BARS = Qt.ItemDataRole.UserRole + 3
    ACTION = Qt.ItemDataRole.UserRole + 4
    PROGRESS = Qt.ItemDataRole.UserRole + 5
    IS_GROUP = Qt.ItemDataRole.UserRole + 6
    INK = Qt.ItemDataRole.UserRole + 7
    SHORT = Qt.ItemDataRole.UserRole + 8
    FACE = Qt.ItemDataRole.UserRole + 9


@dataclass(slots=True)
class TaskRow:
    """One task of the table.

    Attributes:
        active: The run that is queued or running, newest first to end; None while there is none.
        last: The newest finished run.
        timing: Its row of the timetable snapshot.
        recent: (seconds, state) of the recent finished runs by run id, oldest first.
        faces: What each cell shows, by column; a cell is repainted only when its face changes.
    """

    id: str
    title: str
    description: str
    group: str
    manual: bool
    active: Run | None = None
    last: Run | None = None
    timing: Any = None
    recent: dict[str, tuple[float, RunState]] = field(default_factory=dict)
    faces: dict[Column, tuple[Any, ...]] = field(default_factory=dict)

    @property
    def run(self) -> Run | None:
        """What to show: the run at work, else the last one."""
        return self.active or self.last

    @property
    def bars(self) -> tuple[tuple[float, RunState], ...]:
        """What the sparkline shows, oldest first."""
        return tuple(self.recent.values())

    @property
    def enabled(self) -> bool:
        """Whether its schedule is on."""
        return self.timing is None or bool(self.timing.enabled)


class TaskTable(RowModel):
    """Group rows (a title over all columns) and task rows."""

    TITLES = ("Task", "State", "Last result", "Recent runs", "Duration", "Schedule", "Next run", "")
    RIGHT = RIGHT

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: list[TaskRow | str] = []
        self._places: dict[str, int] = {}
        # Made once: making an index lets go of the interpreter, and getting it back takes 0.3 ms while tasks compute.
        self._cells: dict[tuple[str, Column], QModelIndex] = {}
        self._now = datetime.now(UTC)
        self._paused = False

    # -- filling ---------------------------------------------------------------------------------------------------

    def set_tasks(self, specs: Iterable[TaskSpec], now: datetime) -> None:
        """Fill the empty table with the tasks; done once, when the engine is there."""
        self._now = now
        groups: dict[str, list[TaskSpec]] = {}
        for spec in specs:
            groups.setdefault(str(spec.queue), []).append(spec)
        rows: list[TaskRow | str] = []
        for queue, members in groups.items():
            rows.append(words.queue_title(queue))
            for spec in members:
                rows.append(TaskRow(spec.id, spec.title, spec.description, queue, spec.schedule == "manual"))
        self.beginInsertRows(QModelIndex(), 0, len(rows) - 1)
        self._rows = rows
        self._places = {row.id: place for place, row in enumerate(rows) if isinstance(row, TaskRow)}
        self.endInsertRows()
        places = self._places.items()
        self._cells = {(task, column): self.index(place, column) for task, place in places for column in Column}

    def set_recent(self, recent: Mapping[str, tuple[Run, ...]]) -> None:
        """The stored runs of each task, newest first, from the history."""
        for task, runs in recent.items():
            row = self.row_of(task)
            if row is None or not runs:
                continue
            stored = {run.run_id: (run.duration_s or 0.0, run.state) for run in reversed(runs)}
            row.recent = dict(sorted((row.recent | stored).items())[-RECENT:])  # ids rise with every run
            if row.active is not None and row.active.run_id in stored:
                row.active = None  # it ended before its news came
            if row.last is None or row.last.run_id < runs[0].run_id:
                row.last = runs[0]
            self._row_changed(task)

    def apply_runs(self, runs: Iterable[Run]) -> None:
        """Show the newest values of these runs."""
        changed: dict[str, None] = {}
        for run in runs:
            row = self.row_of(run.task)
            if row is None:
                continue
            changed[run.task] = None
            if not run.state.is_final:
                # A waiting run does not hide the one at work.
                waits_behind = (
                    run.state is RunState.QUEUED
                    and row.active is not None
                    and row.active.state is RunState.RUNNING
                    and row.active.run_id != run.run_id
                )
                if not waits_behind:
                    row.active = run
            else:
                if row.active is not None and row.active.run_id == run.run_id:
                    row.active = None
                if row.last is None or row.last.run_id <= run.run_id:
                    row.last = run
                row.recent[run.run_id] = (run.duration_s or 0.0, run.state)
                while len(row.recent) > RECENT:
                    del row.recent[next(iter(row.recent))]
        for task in changed:
            self._row_changed(task)

    def apply_timetable(self, snapshot: Any) -> None:
        """Show new schedules, next runs and reasons; only rows that differ change."""
        paused_changed = snapshot.paused != self._paused
        self._paused = snapshot.paused
        for task, timing in snapshot.tasks.items():
            row = self.row_of(task)
            if row is not None and (paused_changed or row.timing != timing):
                row.timing = timing
                self._row_changed(task)

    def tick(self, now: datetime) -> None:
        """The time moved: countdowns and ages change, and nothing else."""
        self._now = now
        for row in self.task_rows():
            self._refresh(row, (Column.RESULT, Column.NEXT))

    # -- looking ---------------------------------------------------------------------------------------------------

    def row_of(self, task_id: str) -> TaskRow | None:
        """The row of a task, or None."""
        place = self._places.get(task_id)
        row = self._rows[place] if place is not None else None
        return row if isinstance(row, TaskRow) else None

    def place_of(self, task_id: str) -> int:
        """The row number of a task, -1 when there is none."""
        return self._places.get(task_id, -1)

    def task_rows(self) -> list[TaskRow]:
        """All tasks in the order shown."""
        return [row for row in self._rows if isinstance(row, TaskRow)]

    def task_at(self, index: AnyIndex) -> TaskRow | None:
        """The task of a row; None for a group row."""
        row = self._rows[index.row()] if index.isValid() else None
        return row if isinstance(row, TaskRow) else None

    def group_places(self) -> list[int]:
        """Row numbers of the group titles."""
        return [place for place, row in enumerate(self._rows) if isinstance(row, str)]

    # -- QAbstractTableModel ---------------------------------------------------------------------------------------

    def items(self) -> Sized:
        return self._rows

    def flags(self, index: AnyIndex) -> Qt.ItemFlag:
        if self.task_at(index) is None:
            return Qt.ItemFlag.NoItemFlags
        return Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid():
            return None
        row = self._rows[index.row()]
        if isinstance(row, str):
            if role == Role.IS_GROUP:
                return True
            if role == Role.FACE:
                return row
            shows = role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.AccessibleTextRole)
            return row if shows and index.column() == 0 else None
        column = Column(index.column())
        if role == Role.FACE:
            return row.faces.get(column) or self._face(row, column)
        if role == Qt.ItemDataRole.DisplayRole:
            return self._text(row, column)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return self._accessible(row, column)
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._tooltip(row, column)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignRight if column in RIGHT else Qt.AlignmentFlag.AlignLeft
            return side | Qt.AlignmentFlag.AlignVCenter
        return self._special(row, column, role)

    # -- cells -----------------------------------------------------------------------------------------------------

    def _special(self, row: TaskRow, column: Column, role: int) -> Any:
        if role == Role.TASK_ID:
            return row.id
        if role == Role.LOOK and column is Column.STATE:
            return self._look(row)
        if role == Role.BARS and column is Column.RECENT:
            return row.bars
        if role == Role.ACTION and column is Column.ACTION:
            return "cancel" if row.active else "run"
        if role == Role.PROGRESS and column is Column.RESULT:
            progress = row.active.progress if row.active else None
            return (progress.done / progress.total) if progress and progress.total > 0 else None
        if role == Role.SHORT and column is Column.RESULT and row.run is not None:
            return words.sentence(row.run)
        if role == Role.INK:
            return self._ink(row, column)
        return None

    def _text(self, row: TaskRow, column: Column) -> str:
        if column is Column.TASK:
            return row.title
        if column is Column.STATE:
            return self._look(row).word
        if column is Column.RESULT:
            return self._result_text(row)
        if column is Column.DURATION:
            return words.duration(row.last.duration_s if row.last else None)
        if column is Column.SCHEDULE:
            return str(row.timing.description) if row.timing else ""
        if column is Column.NEXT:
            return self._next_text(row)
        return ""

    def _look(self, row: TaskRow) -> words.Look:
        if row.active is not None:
            return words.run_look(row.active)
        if not row.enabled:
            return words.OFF
        if row.last is not None:
            return words.run_look(row.last)
        return words.ON_DEMAND if row.manual else words.NEVER_RUN

    def _result_text(self, row: TaskRow) -> str:
        run = row.run
        if run is None:
            return words.tr("Waits for you to run it") if row.manual else words.tr("No run yet")
        text = words.sentence(run)
        if run.state is RunState.RUNNING and run.progress and run.progress.total > 0:
            share = round(100 * run.progress.done / run.progress.total)
            return words.joined(text, f"{share}{words.GAP}%")
        if run.state.is_success and run.finished_at is not None:
            return words.joined(text, words.age(run.finished_at, self._now))
        return text

    def _next_text(self, row: TaskRow) -> str:
        if row.active is not None:
            return words.tr("now")
        timing = row.timing
        if timing is None or not timing.enabled:
            return words.DASH
        if self._paused and not row.manual:
            return words.tr("paused")
        return words.countdown(timing.next_run - self._now) if timing.next_run else words.DASH

    def _ink(self, row: TaskRow, column: Column) -> str:
        """The colour role of a cell's text."""
        if column is Column.TASK:
            return "text" if row.enabled else "dim"
        if column is Column.NEXT:
            waits = row.timing is not None and row.timing.next_run is not None and not self._paused
            return "text" if row.active or waits else "dim"
        return "dim"

    def _tooltip(self, row: TaskRow, column: Column) -> str:
        timing = row.timing
        if column is Column.TASK:
            return row.description
        if column in (Column.RESULT, Column.STATE) and row.run is not None:
            parts = (self._result_text(row), row.run.advice, *row.run.warnings[:8])
            return "\n".join(part for part in parts if part)
        if column is Column.NEXT and timing is not None:
            return timing.why_not or words.both_times(timing.next_run)
        if column is Column.SCHEDULE and timing is not None:
            return f"{timing.schedule_text} ({timing.timezone})"
        if column is Column.RECENT and row.bars:
            slowest = max(seconds for seconds, _ in row.bars)
            bad = sum(not state.is_success for _, state in row.bars)
            return words.tr("Last {n} runs: longest {d}, {bad} without success").format(
                n=len(row.bars), d=words.duration(slowest), bad=bad
            )
        if column is Column.ACTION:
            return self._accessible(row, column)
        return ""

    def _accessible(self, row: TaskRow, column: Column) -> str:
        if column is Column.ACTION:
            return (
                words.tr("Cancel {task}").format(task=row.title)
                if row.active
                else words.tr("Run {task} now").format(task=row.title)
            )
        if column is Column.RECENT:
            return self._tooltip(row, column) or words.tr("No runs yet")
        return self._text(row, column)

    def _row_changed(self, task: str) -> None:
        row = self.row_of(task)
        if row is not None:
            self._refresh(row, tuple(Column))

    def _refresh(self, row: TaskRow, columns: Iterable[Column]) -> None:
        """Tell the view which of these cells show something else than before."""
        changed = []
        for column in columns:
            face = self._face(row, column)
            if row.faces.get(column) != face:
                row.faces[column] = face
                changed.append(column)
        if changed:  # one signal for all: each costs a wait for the interpreter while tasks compute
            self.dataChanged.emit(self._cells[row.id, changed[0]], self._cells[row.id, changed[-1]])

    def _face(self, row: TaskRow, column: Column) -> tuple[Any, ...]:
        """Everything that the painted cell depends on."""
        special = {
            Column.STATE: Role.LOOK,
            Column.RECENT: Role.BARS,
            Column.ACTION: Role.ACTION,
            Column.RESULT: Role.PROGRESS,
        }.get(column)
        shown = self._special(row, column, special) if special is not None else None
        return (self._text(row, column), self._ink(row, column), shown)
