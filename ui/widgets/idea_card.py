"""One trade idea beside the list: its chart, the arithmetic of its score, its evidence, and what can be decided."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QButtonGroup, QFrame, QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from ui import words
from ui.models.idea_table import state_look
from ui.models.line_table import LOOK_ROLE, LineTable
from ui.theme import Theme
from ui.widgets.cells import Cell, StateCell
from ui.widgets.idea_chart import IdeaChart
from ui.widgets.idea_figures import IdeaFigures
from ui.widgets.labels import button, label, row
from ui.widgets.state_badge import Chip, StateBadge
from ui.widgets.tables import Table
from ui.words import Look
from workers.strategy.idea_life import State

if TYPE_CHECKING:
    from workers.strategy.idea_card import EvidenceRow, IdeaCard
    from workers.strategy.idea_files import IdeaRow

FIGURES = 204
LINE = 26
#: Below this width the figures are a part of their own, not beside the arithmetic.
_ROOMY = 500
_ACTION_LOOKS: Final = {
    "open_or_scale": ("succeeded", "ok"),
    "pending_only": ("queued", "running"),
    "wait_rr": ("warning", "warning"),
}


class IdeaCardView(QFrame):
    """Signals:
    approve_asked, reject_asked, edit_asked: a button was pressed.
    """

    approve_asked = Signal()
    reject_asked = Signal()
    edit_asked = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self._theme = theme
        self._row: IdeaRow | None = None
        self._card: IdeaCard | None = None
        self.chart = IdeaChart(theme)
        self.chart.setMinimumSize(240, 120)
        self._pointed = label("", "small")
        self._pointed.setMinimumWidth(1)
        self._pointed.setAccessibleName(self.tr("Bar under the pointer"))
        self.chart.pointed.connect(self._on_pointed)
        self.figures = IdeaFigures(theme)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(15, 11, 15, 11)
        layout.setSpacing(6)
        layout.addLayout(self._make_head())
        layout.addLayout(row(self.score_chip, self.calibration_chip, self.badge, None))
        layout.addWidget(self.chart, 1)
        layout.addLayout(self._make_switch())
        layout.addWidget(self._make_bottom(), 1)

    def _make_head(self) -> QHBoxLayout:
        self.title = label("", "sectionTitle")
        self.score_chip, self.calibration_chip = Chip(self._theme), Chip(self._theme)
        for chip in (self.score_chip, self.calibration_chip):
            chip.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.badge = StateBadge(self._theme)
        self.reject = button(
            self.tr("Reject\N{HORIZONTAL ELLIPSIS}"),
            self.reject_asked.emit,
            tip=self.tr("Reject the idea with a reason, or withdraw its approval (R)"),
        )
        self.edit = button(
            self.tr("Edit\N{HORIZONTAL ELLIPSIS}"),
            self.edit_asked.emit,
            tip=self.tr("Change entry, stop, target or volume (E)"),
        )
        self.approve = button(
            self.tr("Approve"),
            self.approve_asked.emit,
            style="primary",
            tip=self.tr("Note that you take the idea; no order is sent (A)"),
        )
        for part, key in ((self.reject, "R"), (self.edit, "E"), (self.approve, "A")):
            part.setShortcut(key)
        return row(self.title, None, self.reject, self.edit, self.approve)

    def _make_switch(self) -> QHBoxLayout:
        """What is shown under the chart; beside it the bar under the pointer in words."""
        group = QButtonGroup(self)
        strip = QHBoxLayout()
        strip.setSpacing(2)
        self._switch: list[QPushButton] = []
        names = ((self.tr("Score"), "S"), (self.tr("Evidence"), "V"), (self.tr("Figures"), "G"))
        for place, (name, key) in enumerate(names):
            part = button(name, partial(self.show_part, place), style="quiet", tip=f"{name} (Alt+{key})")
            part.setCheckable(True)
            part.setProperty("switch", True)
            part.setMinimumWidth(62)
            QShortcut(QKeySequence(f"Alt+{key}"), self).activated.connect(partial(self.show_part, place))
            group.addButton(part)
            strip.addWidget(part)
            self._switch.append(part)
        self._switch[0].setChecked(True)
        self._pointed.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        strip.addSpacing(8)
        strip.addWidget(self._pointed, 1)
        return strip

    def _make_bottom(self) -> QWidget:
        self.score = LineTable(("", "", ""), self, strong=(0, 2), right=(2,))
        self.evidence = LineTable(("", "", ""), self)
        self.score_table = self._table(self.tr("Score"), self.score, {0: 114, 2: 58}, 1)
        self.evidence_table = self._table(self.tr("Evidence"), self.evidence, {0: 76, 2: 76}, 1)
        self.evidence_table.setItemDelegateForColumn(2, StateCell(self._theme, LOOK_ROLE, self.evidence_table))
        self._stack = QStackedWidget()
        self._stack.addWidget(self.score_table)
        self._stack.addWidget(self.evidence_table)
        bottom = QWidget()
        bottom.setMaximumHeight(LINE * 8 + 4)
        self._columns = QHBoxLayout(bottom)
        self._columns.setContentsMargins(0, 0, 0, 0)
        self._columns.setSpacing(18)
        self._columns.addWidget(self._stack, 1)
        self._give_figures_room(True)
        return bottom

    def _give_figures_room(self, beside: bool) -> None:
        """Show the figures beside the arithmetic, or as a third part under the chart."""
        if beside:
            self._columns.addWidget(self.figures)
            self.figures.setFixedWidth(FIGURES)
            self.figures.show()
        else:
            self.figures.setMinimumWidth(0)
            self.figures.setMaximumWidth(FIGURES * 2)
            self._stack.addWidget(self.figures)
        self._switch[2].setVisible(not beside)
        self._pointed.setVisible(beside)
        if beside and self._stack.currentIndex() != int(self._switch[1].isChecked()):
            self.show_part(0)

    def _table(self, name: str, model: LineTable, widths: dict[int, int], stretch: int) -> Table:
        table = Table(name, row_height=LINE)
        table.setModel(model)
        table.setItemDelegate(Cell(self._theme, table))
        table.horizontalHeader().hide()
        table.setMinimumHeight(LINE * 2)
        table.set_widths(widths, stretch, least=80)
        return table

    # -- what is shown ---------------------------------------------------------------------------------------------

    @property
    def row(self) -> IdeaRow | None:
        """The idea shown; None when there is none."""
        return self._row

    @property
    def card(self) -> IdeaCard | None:
        """All about it; None while it is read."""
        return self._card

    def show_part(self, place: int) -> None:
        """Show the score (0), the evidence (1), or the figures (2) under the chart where there is no room beside."""
        if place >= self._stack.count():
            return
        self._stack.setCurrentIndex(place)
        self._switch[place].setChecked(True)

    def show_row(self, idea: IdeaRow, now: datetime) -> None:
        """Show what the list knows of an idea; ``show_card`` brings the rest."""
        if self._row is None or self._row.facts.file != idea.facts.file:
            self._card = None
        self._row = idea
        facts = idea.facts
        self.title.setText(title_of(idea))
        icon, role = _ACTION_LOOKS.get(facts.action, ("info", "idle"))
        self.score_chip.show_parts(icon, role, f"{facts.score:g}", facts.action)
        self.score_chip.setToolTip(facts.strategy_name or facts.strategy)
        self._show_calibration(idea)
        pending = idea.state is State.PENDING
        self.badge.setVisible(not pending)
        self.badge.set_look(state_look(idea.state))
        open_still = pending or (idea.state is State.APPROVED and now < idea.ends)
        self.reject.setEnabled(open_still)
        self.approve.setEnabled(pending)
        self.edit.setEnabled(pending and self._card is not None and self._card.basis is not None)
        self.figures.show_idea(idea, self._card, now)

    def _show_calibration(self, idea: IdeaRow) -> None:
        """How often signals of such a score reached their target first, green where the whole interval is above what
        it takes to win, a warning where it is below."""
        found = idea.calibration
        no_probability = self.tr("The score is the share of what the rule can earn, no probability.")
        if found is None or not found.calibrated or found.low is None or found.high is None:
            self.calibration_chip.show_parts("info", "idle", self.tr("not calibrated"))
            edited = self.tr("Its prices were edited; a calibration speaks of the prices of the rule.")
            unknown = self.tr("How often ideas of such a score reach their target before their stop is not known.")
            why = found.text if found else edited if idea.facts.calibration else unknown
            self.calibration_chip.setToolTip(f"{no_probability}\n{why}")
            return
        icon, role = ("info", "idle")
        if found.low > found.break_even:
            icon, role = ("check", "ok")
        elif found.high < found.break_even:
            icon, role = ("warning", "warning")
        self.calibration_chip.show_parts(icon, role, found.measured, found.needed)
        self.calibration_chip.setToolTip(f"{no_probability}\n{found.text}.")

    def show_card(self, card: IdeaCard, idea: IdeaRow, now: datetime) -> None:
        """Show everything about the idea."""
        from app.terminal.timeframes import TIMEFRAMES

        self._card = card
        self.chart.show_idea(card, TIMEFRAMES[card.chart.timeframe].seconds)
        if not self.chart.underMouse():
            self._on_pointed("")
        self.score.set_lines([(line.title, line.text, line.points) for line in card.score])
        self.evidence.set_lines([(line.group, _told(line), _holding(line.holds)) for line in card.evidence])
        self.show_row(idea, now)

    def tick(self, now: datetime) -> None:
        """The time moved."""
        if self._row is not None:
            self.figures.show_end(self._row, now)

    def _on_pointed(self, text: str) -> None:
        trouble = self._card.trouble if self._card is not None else ""
        self._pointed.setText(text or trouble or self.chart.newest_words())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = self.width() >= _ROOMY
        if beside == (self._stack.indexOf(self.figures) >= 0):
            self._give_figures_room(beside)


def title_of(idea: IdeaRow) -> str:
    """``EURUSD M5 long``."""
    return f"{idea.facts.symbol} {idea.facts.timeframe} {idea.facts.direction}"


def _told(line: EvidenceRow) -> str:
    if line.text.startswith(line.name):
        return line.text
    # Of a condition the values matter most; a gate reads better with its name first.
    condition = line.holds is not None and line.group != "Gate"
    return f"{line.text} ({line.name})" if condition else f"{line.name}: {line.text}"


def _holding(holds: bool | None) -> str | Look:
    if holds is None:
        return ""
    return Look("check", "ok", words.tr("holds")) if holds else Look("close", "idle", words.tr("no"))
