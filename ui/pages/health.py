"""What the last health check found: verdict, value, rule, since when, and what to do."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QSizePolicy, QVBoxLayout, QWidget

from app.runs import Run, RunState
from ui import words
from ui.engine_link import EngineLink
from ui.pages.health_course import PAINTED_MS, CourseSection
from ui.pages.health_remedies import WORDS, Remedies
from ui.pages.health_tasks import TasksSection
from ui.pages.page import Page
from ui.pages.terminal_section import TerminalSection
from ui.theme import Theme
from ui.widgets.cards import NOT_JUDGED, CheckCard
from ui.widgets.labels import button, label
from ui.widgets.question_bar import QuestionBar
from ui.widgets.state_badge import Chip

if TYPE_CHECKING:
    from app.engine import Engine

TASK = "system_health_check"
CARD_WIDTH = 244
_ORDER = {"error": 0, "warning": 1, "ok": 2, NOT_JUDGED: 3}


class HealthPage(Page):
    """Cards of the newest check, the worst first, and a button that checks again.

    Signals:
        support_asked: the user wants a support bundle.
    """

    support_asked = Signal()

    def __init__(self, theme: Theme, link: EngineLink, parent: QWidget | None = None) -> None:
        super().__init__(self.tr("Health"), parent)
        self._theme = theme
        self._link = link
        self._run: Run | None = None
        self._cards: dict[str, CheckCard] = {}
        self._order: list[str] = []
        self._columns = 0
        self._stale = False
        self.subtitle.setText(self.tr("Not checked yet"))
        self.verdict = Chip(theme)
        self.verdict.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.verdict.hide()
        self.head.insertSpacing(1, 12)
        self.verdict.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.head.insertWidget(2, self.verdict)
        self.check_now = button(self.tr("Check now"), lambda: link.submit(TASK), style="primary")
        self.support = button(self.tr("Support bundle…"), self.support_asked.emit)
        self.support.setToolTip(self.tr("Saves what is needed to find a fault, without secrets, in one file"))
        self.head.addWidget(self.support)
        self.head.addWidget(self.check_now)
        self._grid = QGridLayout()
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(10)
        self._note = label(self.tr("The first check has not finished yet."), "dim")
        self.question = QuestionBar(theme)
        self.remedies = Remedies(link, self.question, self)
        content = QWidget()
        content.setObjectName("clear")
        inner = QVBoxLayout(content)
        inner.setContentsMargins(0, 0, 4, 0)
        inner.addWidget(self._note)
        inner.addLayout(self._grid)
        inner.addSpacing(10)
        self.terminal = TerminalSection(theme, link)
        inner.addWidget(self.terminal)
        inner.addSpacing(10)
        self.course = CourseSection(theme, link)
        inner.addWidget(self.course)
        inner.addSpacing(10)
        self.tasks = TasksSection(theme, link)
        inner.addWidget(self.tasks)
        inner.addStretch(1)
        self._area = QScrollArea()
        self._area.setWidget(content)
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.viewport().setAutoFillBackground(False)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._area.setAccessibleName(self.tr("Checks"))
        self.main = self._area
        self.body.addWidget(self.question)
        self.body.addWidget(self._area, 1)
        link.runs_changed.connect(self._on_runs)
        link.attached.connect(self.entered)

    def entered(self) -> None:
        if self._link.ready:
            self.check_now.setEnabled(self._link.spec(TASK) is not None)
            self._link.query(self, _newest_check, self._on_newest)
            self.terminal.refresh()
            self.course.refresh()
            QTimer.singleShot(PAINTED_MS, self, self.tasks.refresh)

    @property
    def built(self) -> bool:
        return not self._link.ready or self.course.complete

    @property
    def cards(self) -> list[CheckCard]:
        """The cards as shown."""
        return [self._cards[name] for name in self._order]

    def tick(self, now: datetime) -> None:
        self.terminal.tick(now)
        self.course.tick(now)
        self.tasks.tick(now)
        run = self._run
        if run is None or run.finished_at is None:
            return
        text = self.tr("Checked {age}, took {t}").format(
            age=words.age(run.finished_at, now), t=words.duration(run.duration_s)
        )
        if self.subtitle.text() != text:
            self.subtitle.setText(text)
            self.subtitle.setToolTip(words.both_times(run.finished_at))

    def showEvent(self, event: Any) -> None:
        super().showEvent(event)
        if self._stale:
            self.entered()

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _on_runs(self, runs: tuple[Run, ...]) -> None:
        for run in runs:
            if run.task != TASK:
                continue
            busy = not run.state.is_final
            self.check_now.setEnabled(not busy)
            self.check_now.setText(self.tr("Checking") if busy else self.tr("Check now"))
            if run.state.is_success and not self.isVisible():
                self._stale = True  # nobody looks: sixteen cards cost the window nothing
            elif run.state.is_success:
                self._on_newest(run)
            elif run.state in (RunState.FAILED, RunState.TIMED_OUT):
                self._note.setText(
                    words.joined(self.tr("The last check did not finish"), words.sentence(run), run.advice)
                )
                self._note.show()

    def _on_newest(self, run: Run | None) -> None:
        if run is None:
            if self._link.timetable.paused:
                self._note.setText(self.tr("All tasks are paused, so there is no check yet: press Check now."))
            return
        self._run, self._stale = run, False
        checks = [check for check in run.result.get("checks", ()) if isinstance(check, Mapping)]
        self._note.setVisible(not checks)
        now = self._link.now()
        found = {}
        for place, check in enumerate(checks):
            name = str(check.get("id") or check.get("name") or place)
            card = self._cards.get(name) or CheckCard(self._theme)
            card.show_check(check, now)
            names = [name for name in check.get("remedies", ()) if name in WORDS]
            card.offer([(name, words.tr(WORDS[name])) for name in names], self.remedies.apply)
            found[name] = card
        for name, card in self._cards.items():
            if name not in found:
                card.deleteLater()
        self._cards = found
        worst_first = sorted(found, key=lambda name: _ORDER.get(found[name].verdict, 4))
        if worst_first != self._order:
            self._order, self._columns = worst_first, 0
            self._arrange()
        self._show_verdict([card.verdict for card in found.values()])
        disk = next((check.get("figures") or {} for check in checks if check.get("name") == "disk"), {})
        self.course.show_pace(disk.get("fills_bytes_day"), disk.get("days_left"))
        self.tick(now)

    def _show_verdict(self, verdicts: list[str]) -> None:
        errors, warnings, unjudged = (verdicts.count(name) for name in ("error", "warning", NOT_JUDGED))
        icon, role = "succeeded", "ok"
        if errors:
            icon, role = "failed", "error"
            text = self.tr("Unhealthy: {n}").format(n=words.plural(errors, "check failed", "checks failed"))
            if warnings:
                text += f", {words.plural(warnings, 'warning', 'warnings')}"
        elif warnings:
            icon = role = "warning"
            text = self.tr("Healthy with {n}").format(n=words.plural(warnings, "warning", "warnings"))
        elif unjudged:
            text = self.tr("Healthy: {n}").format(n=words.plural(verdicts.count("ok"), "check ok", "checks ok"))
        else:
            text = self.tr("Healthy")
        if unjudged:
            text += self.tr(", {n} not judged yet").format(n=f"{unjudged:,}")
        self.verdict.show_parts(icon, role, text)
        self.verdict.setVisible(bool(verdicts))

    def _arrange(self) -> None:
        columns = max(1, min(4, (self._area.viewport().width() + 10) // (CARD_WIDTH + 10)))
        if columns == self._columns:
            return
        self._columns = columns
        for place, name in enumerate(self._order):
            self._grid.addWidget(self._cards[name], place // columns, place % columns)
        for column in range(4):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)


def _newest_check(engine: Engine) -> Run | None:
    """The newest run that has findings."""
    return next((run for run in engine.history.recent(TASK, 20) if run.result.get("checks")), None)
