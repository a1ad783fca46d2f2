"""How reliable the tasks were, on the health page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QVBoxLayout, QWidget

from ui import words
from ui.engine_link import EngineLink
from ui.models.reliability_table import Column, ReliabilityTable
from ui.theme import Theme
from ui.widgets.cells import Cell
from ui.widgets.labels import label
from ui.widgets.tables import ROW, Table, framed

if TYPE_CHECKING:
    from app.engine import Engine
    from workers.health.reliability import Reliability

#: So often the history is asked again while the page is in sight, seconds.
AGAIN_S: Final = 120.0
_HEAD = 30


@dataclass(frozen=True, slots=True)
class _Read:
    rows: tuple[Reliability, ...]
    reasons: dict[str, str]
    now: datetime


class TasksSection(QWidget):
    """A table of success rates and durations, worked out on the pool."""

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("clear")
        self._link = link
        self._read_at: datetime | None = None
        self._reading = False
        self.model = ReliabilityTable(self)
        self.table = Table(self.tr("Reliability of the tasks"))
        self.table.setModel(self.model)
        self.table.setItemDelegate(Cell(theme, self.table))
        self.table.setItemDelegateForColumn(Column.TASK, Cell(theme, self.table, strong=True))
        self.table.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        widths = {
            Column.TASK: 196,
            Column.DAY: 64,
            Column.WEEK: 64,
            Column.RUNS: 64,
            Column.P50: 92,
            Column.P95: 92,
        }
        self.table.set_widths(
            {int(column): width for column, width in widths.items()},
            Column.FAILURE,
            yielding=(int(Column.P50), int(Column.RUNS)),
            least=150,
        )
        self.note = label(self.tr("The first run of a task makes the first line."), "dim")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(10)
        layout.addWidget(label(self.tr("Reliability of the tasks"), "strong"))
        layout.addWidget(self.note)
        self._frame = framed(self.table)
        self._frame.hide()
        layout.addWidget(self._frame)

    def refresh(self) -> None:
        """Ask the history."""
        if self._link.ready and not self._reading and self.isVisible():
            self._reading = True
            self._link.query(self, _read, self._on_read, self._on_refused)

    def tick(self, now: datetime) -> None:
        """A second has passed."""
        if self._read_at is None or not 0 <= (now - self._read_at).total_seconds() < AGAIN_S:
            self.refresh()

    def _on_refused(self, error: Any) -> None:
        self._reading, self._read_at = False, self._link.now()
        self._link.troubled.emit(error.message, error.advice)

    def _on_read(self, found: _Read) -> None:
        self._reading, self._read_at = False, found.now
        titles = {row.task: self._link.title(row.task) for row in found.rows}
        self.model.show_rows(found.rows, titles, found.reasons, found.now)
        self.note.setVisible(not found.rows)
        self._frame.setVisible(bool(found.rows))
        # All rows are in sight: the page scrolls, not the table.
        self.table.setFixedHeight(_HEAD + ROW * len(found.rows) + 2)


def _read(engine: Engine) -> _Read:
    from workers.health.reliability import WEEK, reliability

    now = engine.clock.now()
    rows = reliability(engine.history.outcomes(now - WEEK), (spec.id for spec in engine.registry), now)
    reasons = {}
    for row in rows:
        run = engine.history.get(f"{row.last_failure_id:014x}") if row.last_failure_id is not None else None
        if run is not None:
            reasons[row.task] = words.sentence(run)
    return _Read(rows, reasons, now)
