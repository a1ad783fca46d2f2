"""All decisions about trade ideas, by symbol, strategy, decision and time, with what they add up to."""

from __future__ import annotations

from datetime import datetime, timedelta

from PySide6.QtCore import QModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QVBoxLayout, QWidget

from ui import words
from ui.models.decision_lines import History, Wanted, kind_look, mean_words, summary_words, tally_lines
from ui.models.line_table import LOOK_ROLE, LineTable
from ui.theme import Theme
from ui.widgets.cells import Cell, StateCell
from ui.widgets.choice import Choice
from ui.widgets.labels import card, label, row
from ui.widgets.tables import Table, framed
from workers.strategy.decision_book import Kind

STATISTICS = 320
#: From this width on, the statistics stand beside the decisions, else below them and no higher than ``FLAT``.
ROOMY = 860
FLAT = 170
LEAST = 560
_UNBOUNDED = 16_777_215  # QWIDGETSIZE_MAX
_DECISION = 1


class DecisionHistory(QWidget):
    """Signals:
    wanted_changed: another choice was made.
    opened: the file of an idea that shall be shown.
    """

    wanted_changed = Signal()
    opened = Signal(str)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._files: tuple[str, ...] = ()
        self.symbol, self.strategy = Choice(self.tr("Symbol")), Choice(self.tr("Strategy"))
        self.kind, self.span = Choice(self.tr("Decision")), Choice(self.tr("Time"))
        self._fill()
        titles = [self.tr(text) for text in ("Time", "Decision", "Idea", "Strategy", "Score", "By", "What")]
        self.model = LineTable(titles, self, strong=(2,), right=(4,))
        self.table = Table(self.tr("Decisions"))
        self.table.setModel(self.model)
        self.table.setItemDelegate(Cell(theme, self.table))
        self.table.setItemDelegateForColumn(_DECISION, StateCell(theme, LOOK_ROLE, self.table))
        self.table.set_widths({0: 104, 1: 98, 2: 150, 3: 176, 4: 54, 5: 146}, 6, yielding=(5, 3), least=150)
        for signal in (self.table.opened, self.table.doubleClicked):
            signal.connect(self._on_opened)
        self.table.setToolTip(self.tr("Enter or a double click shows the idea"))
        self._empty = label("", "dim", wrap=True)
        self._empty.hide()
        left = QVBoxLayout()
        left.setSpacing(8)
        left.addLayout(row(self.symbol, self.strategy, self.kind, self.span, None))
        left.addWidget(framed(self.table), 1)
        left.addWidget(self._empty)
        self._parts = QBoxLayout(QBoxLayout.Direction.LeftToRight, self)
        self._parts.setContentsMargins(0, 0, 0, 0)
        self._parts.setSpacing(12)
        self._parts.addLayout(left, 1)
        self._statistics = self._make_statistics(theme)
        self._parts.addWidget(self._statistics)

    def minimumSizeHint(self) -> QSize:
        # What is below each other on a small window decides, not what is side by side now.
        return QSize(min(super().minimumSizeHint().width(), LEAST), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        roomy = self.width() >= ROOMY
        self._parts.setDirection(QBoxLayout.Direction.LeftToRight if roomy else QBoxLayout.Direction.TopToBottom)
        self._statistics.setFixedWidth(STATISTICS if roomy else self.width())
        self._statistics.setMaximumHeight(_UNBOUNDED if roomy else FLAT)

    def _fill(self) -> None:
        self.symbol.addItem(self.tr("All symbols"), "")
        self.strategy.addItem(self.tr("All strategies"), "")
        self.kind.addItem(self.tr("All decisions"), "")
        for kind in Kind:
            self.kind.addItem(kind_look(kind).word, kind.value)
        spans = ((self.tr("All time"), 0), (self.tr("Last 7 days"), 7), (self.tr("Last 30 days"), 30))
        for title, days in (*spans, (self.tr("Last 365 days"), 365)):
            self.span.addItem(title, days)
        for box in (self.symbol, self.strategy, self.kind, self.span):
            box.currentIndexChanged.connect(lambda _place: self.wanted_changed.emit())

    def _make_statistics(self, theme: Theme) -> QWidget:
        panel, inner = card()
        panel.setFixedWidth(STATISTICS)
        inner.setSpacing(6)
        inner.addWidget(label(self.tr("What became of the ideas"), "strong"))
        self.summary = label("", "small", wrap=True, selectable=True)
        inner.addWidget(self.summary)
        self.approved, self.rejected = label("", selectable=True), label("", selectable=True)
        inner.addLayout(row(label(self.tr("Mean score of approved"), "dim"), None, self.approved))
        inner.addLayout(row(label(self.tr("Mean score of rejected"), "dim"), None, self.rejected))
        self.remark = label("", "muted", wrap=True)
        inner.addWidget(self.remark)
        inner.addSpacing(4)
        titles = [self.tr(text) for text in ("Strategy", "n", "appr.", "rej.", "exp.")]
        self.tallies = LineTable(titles, self, strong=(0,), right=(1, 2, 3, 4))
        table = Table(self.tr("By strategy"), row_height=27)
        table.setModel(self.tallies)
        table.setItemDelegate(Cell(theme, table))
        table.set_widths(dict.fromkeys((1, 2, 3, 4), 46), 0, least=80)
        table.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        inner.addWidget(table, 1)
        return panel

    def wanted(self, now: datetime) -> Wanted:
        """What the choices say."""
        days = int(self.span.currentData())
        return Wanted(
            str(self.symbol.currentData()),
            str(self.strategy.currentData()),
            str(self.kind.currentData()),
            now - timedelta(days=days) if days else None,
        )

    def show_history(self, found: History) -> None:
        """Show what was found."""
        _offer(self.symbol, found.symbols)
        _offer(self.strategy, found.strategies)
        self._files = found.files
        self.model.set_lines(found.lines)
        self.tallies.set_lines(tally_lines(found.statistics))
        said, remark = summary_words(found.statistics)
        total = found.statistics.total
        self.summary.setText(said)
        self.remark.setText(remark)
        self.remark.setVisible(bool(remark))
        self.approved.setText(mean_words(total.mean_approved, total.approved))
        self.rejected.setText(mean_words(total.mean_rejected, total.rejected))
        chosen = any(box.currentIndex() > 0 for box in (self.symbol, self.strategy, self.kind, self.span))
        self._empty.setText(
            self.tr("No decision fits. Choose another symbol, strategy, decision or time.")
            if chosen
            else self.tr("Nothing was decided yet. Approve or reject a pending idea, and it is kept here.")
        )
        self._empty.setVisible(not found.lines)
        self.setAccessibleDescription(words.plural(len(found.lines), "decision", "decisions"))

    def _on_opened(self, index: QModelIndex) -> None:
        if 0 <= index.row() < len(self._files):
            self.opened.emit(self._files[index.row()])


def _offer(box: Choice, values: tuple[str, ...]) -> None:
    """Make the values what can be chosen, after the first entry; what is chosen stays so."""
    known = tuple(str(box.itemData(place)) for place in range(1, box.count()))
    chosen = str(box.currentData())
    wanted = values if chosen in ("", *values) else (*values, chosen)
    if wanted == known:
        return
    blocked = box.blockSignals(True)
    while box.count() > 1:
        box.removeItem(1)
    for value in wanted:
        box.addItem(value, value)
    box.setCurrentIndex(max(0, box.findData(chosen)))
    box.blockSignals(blocked)
