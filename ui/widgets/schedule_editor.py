"""Edit when a task runs: text and time zone, with the next five runs shown while one types."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QCompleter, QLineEdit, QVBoxLayout, QWidget

from app.errors import MetronomeError
from ui import words
from ui.engine_link import EngineLink
from ui.widgets.choice import Choice
from ui.widgets.dialogs import FormDialog
from ui.widgets.labels import button, label, row
from ui.words import tr

if TYPE_CHECKING:
    from app.engine import Engine

PREVIEW_MS = 150
RUNS = 5
EXAMPLES = ("every 30 s", "*/5 * * * *", "daily 02:00", "weekly sun 05:00")


class ScheduleEditor(FormDialog):
    """The schedule of one task."""

    def __init__(self, link: EngineLink, task_id: str, title: str, timing: Any, parent: QWidget | None = None) -> None:
        super().__init__(
            tr("Schedule of {task}").format(task=title),
            tr("Cron (minute hour day month weekday), an interval, a time of day or a day of the week."),
            tr("Save"),
            parent,
        )
        self._link = link
        self._task_id = task_id
        self._asked = 0
        self.text = QLineEdit(timing.schedule_text)
        self.text.setAccessibleName(tr("Schedule"))
        self.zone = Choice(tr("Time zone"))
        self.zone.setEditable(True)
        self.zone.setInsertPolicy(QComboBox.InsertPolicy.NoInsert)
        self.zone.setEditText(timing.timezone)
        self.preview = label("")
        self.preview.setTextFormat(Qt.TextFormat.PlainText)
        self.preview.setMinimumHeight(100)
        self.preview.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.preview.setAccessibleName(tr("Next runs"))
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._ask_preview)
        self.text.textChanged.connect(self._on_edited)
        self.zone.editTextChanged.connect(self._on_edited)
        self.finish(self._content())
        link.query(self, lambda _engine: _zones(), self._on_zones)
        self._ask_preview()

    def _content(self) -> QWidget:
        content = QWidget()
        layout = QVBoxLayout(content)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addWidget(self.text)
        examples = [button(text, partial(self.text.setText, text), style="link") for text in EXAMPLES]
        layout.addLayout(row(label(tr("Examples:"), "small"), *examples, None, spacing=12))
        layout.addSpacing(4)
        layout.addLayout(row(label(tr("Time zone")), self.zone, None))
        layout.addSpacing(4)
        layout.addWidget(label(tr("Next {n} runs, in local time").format(n=RUNS), "muted"))
        layout.addWidget(self.preview)
        return content

    def _on_zones(self, names: list[str]) -> None:
        current = self.zone.currentText()
        blocked = self.zone.blockSignals(True)
        self.zone.addItems(names)
        self.zone.setEditText(current)
        self.zone.blockSignals(blocked)
        completer = QCompleter(names, self.zone)
        completer.setFilterMode(Qt.MatchFlag.MatchContains)
        completer.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.zone.setCompleter(completer)

    def _on_edited(self, _text: str) -> None:
        self._timer.start(PREVIEW_MS)

    def _ask_preview(self) -> None:
        self._asked += 1
        number, text, zone = self._asked, self.text.text().strip(), self.zone.currentText().strip()
        self._link.query(
            self,
            lambda engine: engine.timetable.preview(text, zone, RUNS),
            lambda times: self._on_preview(number, times),
            lambda error: self._on_bad_schedule(number, error),
        )

    def _on_preview(self, number: int, times: tuple[datetime, ...]) -> None:
        if number != self._asked:  # an answer to what is no longer typed
            return
        self.refuse("")
        self.text.setProperty("wrong", False)
        self.text.style().polish(self.text)
        now = self._link.now()
        lines = [f"{t.astimezone():%a %Y-%m-%d  %H:%M:%S}   {tr('in')} {words.countdown(t - now)}" for t in times]
        self.preview.setText("\n".join(lines) or tr("It never runs by itself: start it by hand."))
        self.preview.setToolTip("\n\n".join(words.both_times(t) for t in times))

    def _on_bad_schedule(self, number: int, error: MetronomeError) -> None:
        if number != self._asked:
            return
        self.preview.setText("")
        self.refuse(error.message, error.advice)
        self.text.setProperty("wrong", True)
        self.text.style().polish(self.text)
        self.action.setEnabled(False)

    def on_action(self) -> None:
        text, zone = self.text.text().strip(), self.zone.currentText().strip()

        def save(engine: Engine) -> None:
            engine.timetable.set_schedule(self._task_id, text, zone)

        self._link.query(self, save, self.on_done, self.on_failed)


def _zones() -> list[str]:
    """Names of time zones, the plain ones first."""
    import zoneinfo

    names = sorted(
        name for name in zoneinfo.available_timezones() if "/" in name and not name.startswith(("Etc", "posix"))
    )
    return ["UTC", *names]
