"""One run in full: what it did, what it wrote, why it failed, and the way to its log."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QPlainTextEdit, QVBoxLayout, QWidget

from app.runs import Run
from ui import words
from ui.theme import Theme
from ui.widgets.labels import button, label, row
from ui.widgets.state_badge import StateBadge


class RunDetails(QWidget):
    """Signals:
    log_asked: the log of this run (its id and task) shall be shown.
    repeat_asked: the task shall run again with the same parameters.
    """

    log_asked = Signal(str, str)
    repeat_asked = Signal(str, object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._run: Run | None = None
        self._badge = StateBadge(theme)
        self._when = label("", "small")
        self._sentence = label("", wrap=True, selectable=True)
        self._advice = label("", "dim", wrap=True, selectable=True)
        self._notes = label("", "small", wrap=True, selectable=True)
        self._facts = label("", "small", wrap=True, selectable=True)
        self._trace = QPlainTextEdit()
        self._trace.setReadOnly(True)
        self._trace.setFont(theme.mono(11))
        self._trace.setFixedHeight(120)
        self._trace.setTabChangesFocus(True)
        self._trace.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._trace.setAccessibleName(self.tr("Traceback"))
        self.open_log = button(self.tr("Open log of this run"), self._on_log)
        self.repeat = button(self.tr("Repeat"), self._on_repeat, tip=self.tr("Run again with the same parameters"))
        self._copy = button(self.tr("Copy"), self._on_copy, style="quiet", tip=self.tr("Copy this run as JSON"))
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(row(self._badge, None, self._when))
        for part in (self._sentence, self._advice, self._notes, self._facts, self._trace):
            layout.addWidget(part)
        layout.addLayout(row(self.open_log, self.repeat, self._copy, None))
        self.setVisible(False)

    @property
    def run_id(self) -> str:
        """The run shown; empty when none is."""
        return self._run.run_id if self._run else ""

    def show_run(self, run: Run | None, now: datetime) -> None:
        """Show another run, or nothing."""
        self._run = run
        self.setVisible(run is not None)
        if run is None:
            return
        self._badge.set_look(words.run_look(run))
        self._when.setText(words.local_time(run.started_at or run.queued_at, now))
        self._when.setToolTip(words.both_times(run.started_at or run.queued_at))
        _say(self._sentence, run.summary or words.sentence(run))
        _say(self._advice, run.advice)
        _say(self._notes, "\n".join(f"\N{BULLET} {warning}" for warning in run.warnings[:20]))
        _say(self._facts, "\n".join(_fact_lines(run)))
        self._trace.setVisible(bool(run.error))
        if run.error:
            self._trace.setPlainText(run.error)
            self._trace.moveCursor(self._trace.textCursor().MoveOperation.End)
        self.repeat.setVisible(run.state.is_final)

    def _on_log(self) -> None:
        if self._run is not None:
            self.log_asked.emit(self._run.run_id, self._run.task)

    def _on_repeat(self) -> None:
        if self._run is not None:
            self.repeat_asked.emit(self._run.task, dict(self._run.params))

    def _on_copy(self) -> None:
        if self._run is not None:
            import json

            QGuiApplication.clipboard().setText(json.dumps(self._run.as_json(), ensure_ascii=False, indent=2))


def _fact_lines(run: Run) -> list[str]:
    facts = [
        words.joined(words.tr("Ran {by}").format(by=words.trigger_words(run.trigger)), words.duration(run.duration_s))
    ]
    if run.lateness_s is not None:
        facts[0] = words.joined(facts[0], words.tr("{t} late").format(t=words.lateness(run.lateness_s)))
    if run.attempt > 1:
        facts.append(words.tr("Try number {n}").format(n=run.attempt))
    if given := _pairs(run.params):
        facts.append(words.tr("With {params}").format(params=given))
    shown = run.files[:6]
    facts += [words.tr("Wrote {file}").format(file=name) for name in shown]
    if len(run.files) > len(shown):
        facts.append(words.tr("and {n} more files").format(n=len(run.files) - len(shown)))
    return facts


def _pairs(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} = {value}" for name, value in values.items() if value not in (None, "", [], ()))


def _say(target: QLabel, text: str) -> None:
    target.setText(text)
    target.setVisible(bool(text))
