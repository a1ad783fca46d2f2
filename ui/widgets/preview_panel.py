"""What would come of a strategy on the bars of now: which condition holds, the score, the gates, the levels."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRectF, Qt
from PySide6.QtGui import QFont, QFontMetricsF, QPainter, QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QFrame, QStyleOptionViewItem, QVBoxLayout, QWidget

from ui import words
from ui.models.preview_lines import HEAD_ROLE, LOOK_ROLE, PreviewLines, condition_lines, result_lines
from ui.models.strategy_list import outcome_look
from ui.theme import Theme
from ui.widgets.cells import PADDING, Cell, paint_look
from ui.widgets.labels import label, row
from ui.widgets.state_badge import StateBadge
from ui.widgets.tables import Table

if TYPE_CHECKING:
    from workers.strategy.preview import Preview

AnyIndex = QModelIndex | QPersistentModelIndex
ROW, TWO_ROWS = 25, 37
MARK, CONDITION, VALUES, GROUP = range(4)
SIZE = 12.0
#: Narrower than this, the second list stands under the first.
SIDE_BY_SIDE = 620
#: Narrower than this, the values of conditions stand under them.
ONE_LINE = 680


class _Cell(Cell):
    """Text, or a mark with its word; the head of a part stands over all columns.

    Attributes:
        two_lines: The values of a condition stand under it, for want of room beside it.
    """

    two_lines = False

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: AnyIndex) -> None:
        if not index.data(HEAD_ROLE):
            super().paint(painter, option, index)
            return
        if index.column() == 0:
            painter.setFont(self.theme.font(weight=QFont.Weight.Medium))
            painter.setPen(self.theme.ink("text"))
            rect = QRectF(option.rect).adjusted(PADDING, 0, 0, 0)
            painter.drawText(rect, int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter), str(index.data()))

    def paint_content(self, painter: QPainter, rect: QRectF, index: AnyIndex) -> None:
        look = index.data(LOOK_ROLE)
        if isinstance(look, words.Look):
            paint_look(painter, rect, look, self.theme, SIZE)
            return
        if self.two_lines and index.column() == CONDITION:
            middle = rect.center().y()
            under = QRectF(rect.left(), middle, rect.width(), 16)
            values = index.model().index(index.row(), VALUES)
            super().paint_text(painter, under, values, str(values.data() or ""))
            rect = QRectF(rect.left(), middle - 17, rect.width(), 17)
        super().paint_content(painter, rect, index)

    def font(self) -> QFont:
        return self.theme.font(SIZE)

    def metrics(self) -> QFontMetricsF:
        return self.theme.metrics(SIZE)


class _List(Table):
    """One of the two lists; heads span all columns."""

    def __init__(self, theme: Theme, name: str, model: PreviewLines) -> None:
        super().__init__(name, row_height=ROW)
        self._lines = model
        self._cell = _Cell(theme, self)
        self.setModel(model)
        self.setItemDelegate(self._cell)
        self.horizontalHeader().hide()
        self.setMinimumHeight(60)
        model.modelReset.connect(self._span)

    def set_two_lines(self, two: bool) -> None:
        """Show the values of conditions under them, or beside them."""
        if two != self._cell.two_lines:
            self._cell.two_lines = two
            self._span()

    def _span(self) -> None:
        self.clearSpans()
        for place, line in enumerate(self._lines.lines):
            self.setRowHeight(place, TWO_ROWS if self._cell.two_lines and not line.head else ROW)
            if line.head:
                self.setSpan(place, 0, 1, self._lines.columnCount())


class PreviewPanel(QFrame):
    """Shows one preview. Nothing here evaluates."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("card")
        self.setAccessibleName(self.tr("Preview"))
        self.badge = StateBadge(theme)
        self._when = label("", "small")
        self.headline = label("", wrap=True, selectable=True)
        self.advice = label("", "dim", wrap=True, selectable=True)
        self.advice.hide()
        self.worth = label("", wrap=True, selectable=True)
        self.worth.hide()
        titles = (self.tr("Holds"), self.tr("Condition"), self.tr("Values"), self.tr("Group"))
        self.conditions = PreviewLines(titles, 0, self)
        self.results = PreviewLines((self.tr("What"), ""), 1, self)
        self.condition_table = _List(theme, self.tr("Conditions"), self.conditions)
        self.result_table = _List(theme, self.tr("Score, gates and levels"), self.results)
        self.result_table.set_widths({1: 74}, 0, least=60)
        self._lists = QWidget()
        self._columns = QBoxLayout(QBoxLayout.Direction.LeftToRight, self._lists)
        self._columns.setContentsMargins(0, 0, 0, 0)
        self._columns.setSpacing(12)
        self._columns.addWidget(self.condition_table, 15)
        self._columns.addWidget(self.result_table, 8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 9, 8, 8)
        layout.setSpacing(4)
        strip = row(label(self.tr("Now"), "strong"), self.badge, None, self._when)
        strip.setContentsMargins(PADDING, 0, PADDING, 0)
        layout.addLayout(strip)
        for part in (self.headline, self.worth, self.advice):
            line = QVBoxLayout()
            line.setContentsMargins(PADDING, 0, PADDING, 0)
            line.addWidget(part)
            layout.addLayout(line)
        layout.addWidget(self._lists, 1)
        self._rest = QWidget()
        layout.addWidget(self._rest, 1)
        self.show_nothing()

    def show_nothing(self, last: str = "") -> None:
        """Nothing was evaluated here yet; ``last`` is what came of the strategy in a run."""
        hint = self.tr("Evaluate now shows which condition holds on the last closed bars. Nothing is written.")
        self._say(last or hint, hint if last else "")

    def show_working(self) -> None:
        """A preview is being made."""
        self._say(self.tr("Looking at the last closed bars"), "")

    def show_refusal(self, message: str, advice: str) -> None:
        """It cannot be made."""
        self._say(message, advice)
        self.badge.set_look(words.Look("failed", "error", self.tr("not evaluated")))

    def show_preview(self, preview: Preview, now: datetime, *, saved: bool) -> None:
        """Show what was found; ``saved`` tells whether it is what the file says too."""
        found = preview.result.evaluation
        word, role = outcome_look(found.outcome.value)
        icon = {"ok": "succeeded", "warning": "warning", "error": "failed"}.get(role, "skipped")
        self.badge.set_look(words.Look(icon, role if role != "dim" else "idle", word))
        self.headline.setText(preview.headline)
        self.advice.hide()
        self._say_worth(preview.calibration_text)
        bar = self.tr("bar until {t} UTC").format(t=f"{found.bar_close:%H:%M}") if found.bar_close else ""
        draft = "" if saved else self.tr("with unsaved changes")
        self._when.setText(words.joined(bar, draft, words.local_time(now, now)))
        self.conditions.show_lines(condition_lines(preview))
        self.results.show_lines(result_lines(preview))
        self._lists.show()
        self._rest.hide()

    def _say(self, text: str, advice: str) -> None:
        self.badge.set_look(None)
        self._when.setText("")
        self.headline.setText(text)
        self.advice.setText(advice)
        self.advice.setVisible(bool(advice))
        self._say_worth("")
        self.conditions.show_lines(())
        self.results.show_lines(())
        self._lists.hide()
        self._rest.show()

    def _say_worth(self, text: str) -> None:
        self.worth.setText(f"{text[:1].upper()}{text[1:]}." if text else "")
        self.worth.setVisible(bool(text))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        wide = self.width() >= SIDE_BY_SIDE
        way = QBoxLayout.Direction.LeftToRight if wide else QBoxLayout.Direction.TopToBottom
        if self._columns.direction() != way:
            self._columns.setDirection(way)
        room = self.width() * (0.64 if wide else 1.0)
        self._fit(two_lines=room < ONE_LINE)

    def _fit(self, *, two_lines: bool) -> None:
        table = self.condition_table
        if two_lines:
            table.set_widths({MARK: 76, GROUP: 84}, CONDITION, yielding=(GROUP,), least=270)
        else:
            table.set_widths({MARK: 76, CONDITION: 240, GROUP: 96}, VALUES, yielding=(GROUP,), least=240)
        table.setColumnHidden(VALUES, two_lines)
        table.set_two_lines(two_lines)
