"""What a preview found, as lines of two lists: the conditions of each direction, and what follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from ui import words
from ui.words import Look

if TYPE_CHECKING:
    from workers.strategy.evaluate import ConditionView, SideView
    from workers.strategy.preview import Preview

AnyIndex = QModelIndex | QPersistentModelIndex
LOOK_ROLE = Qt.ItemDataRole.UserRole + 2
HEAD_ROLE = Qt.ItemDataRole.UserRole + 3
INK_ROLE = Qt.ItemDataRole.UserRole + 7
#: Groups whose conditions speak for an idea; the others speak against it when they hold.
FOR = ("entry", "strong")


@dataclass(frozen=True, slots=True)
class Line:
    """One line: a text for each column, and a mark that is shown instead of that of its column. A head stands over
    those that follow."""

    parts: tuple[str, ...]
    look: Look | None = None
    head: bool = False


class PreviewLines(QAbstractTableModel):
    """Lines of texts with a mark in one column; a line without a mark may have a text there.

    Args:
        titles: Of the columns.
        marked: The column of the mark.
    """

    def __init__(self, titles: Sequence[str], marked: int, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._titles = tuple(titles)
        self._marked = marked
        self._lines: list[Line] = []

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Show these lines."""
        if list(lines) == self._lines:
            return
        self.beginResetModel()
        self._lines = list(lines)
        self.endResetModel()

    @property
    def lines(self) -> tuple[Line, ...]:
        """What is shown."""
        return tuple(self._lines)

    def rowCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._lines)

    def columnCount(self, parent: AnyIndex = QModelIndex()) -> int:  # noqa: B008 - Qt's signature
        return 0 if parent.isValid() else len(self._titles)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return self._titles[section]
        return self._align(section) if role == Qt.ItemDataRole.TextAlignmentRole else None

    def data(self, index: AnyIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if not index.isValid() or index.row() >= len(self._lines):
            return None
        line, column = self._lines[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return line.parts[column] if column < len(line.parts) else ""
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole):
            return "\n".join(part for part in line.parts if part)
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return self._align(column)
        if role == LOOK_ROLE:
            return line.look if column == self._marked else None
        if role == HEAD_ROLE:
            return line.head
        return ("text" if column == self._strong else "dim") if role == INK_ROLE else None

    @property
    def _strong(self) -> int:
        return 0 if self._marked else 1

    def _align(self, column: int) -> Qt.AlignmentFlag:
        side = Qt.AlignmentFlag.AlignRight if column and column == self._marked else Qt.AlignmentFlag.AlignLeft
        return side | Qt.AlignmentFlag.AlignVCenter


def mark(group: str, holds: bool | None) -> Look:
    """How a condition is marked: what holds helps in one group and hinders in another."""
    if holds is None:
        return Look("skipped", "warning", words.tr("no value"))
    if not holds:
        return Look("close", "idle", words.tr("no"))
    return Look("check", "ok", words.tr("holds")) if group in FOR else Look("warning", "warning", words.tr("holds"))


def condition_lines(preview: Preview) -> list[Line]:
    """The conditions of each direction, that of the decision first."""
    found: list[Line] = []
    for side in sorted(preview.sides, key=lambda side: not side.chosen):
        found.append(Line((_side_words(side),), head=True))
        found += [_condition(condition) for condition in side.conditions]
    return found


def _side_words(side: SideView) -> str:
    title = words.tr(side.side.capitalize())
    score = words.tr("score {n}").format(n=f"{side.score.value:g}") if side.score else ""
    return words.joined(title, score, words.tr("decided by this") if side.chosen else "")


def _condition(found: ConditionView) -> Line:
    look = mark(found.group, found.holds)
    return Line((look.word, found.name, found.detail, words.tr(found.group)), look)


def result_lines(preview: Preview) -> list[Line]:
    """The arithmetic of the score, the gates, and the levels of the idea."""
    found: list[Line] = []
    chosen = next((side for side in preview.sides if side.chosen and side.score is not None), None)
    if chosen is not None and chosen.score is not None:
        found.append(Line((words.tr("Score of {side}").format(side=chosen.side),), head=True))
        for line in chosen.score.lines:
            found.append(Line((line.text, f"{line.points:+g}")))
        found.append(Line((words.tr("score"), f"{chosen.score.value:g}")))
    if preview.result.gates:
        found.append(Line((words.tr("Gates"),), head=True))
        for gate in preview.result.gates:
            look = mark("entry", gate.holds)
            found.append(Line((words.joined(gate.name, gate.text), look.word), look))
    found += _levels(preview)
    if readings := preview.result.evaluation.readings:
        found.append(Line((words.tr("Values on the bar"),), head=True))
        found += [Line((name, f"{value:.10g}")) for name, value in readings]
    return found


def _levels(preview: Preview) -> list[Line]:
    plan, size = preview.result.evaluation.plan, preview.result.size
    if plan is None:
        return []
    lots = words.DASH if size is None or size.volume is None else f"{size.volume:g}"
    prices = (("entry", plan.entry), ("stop", plan.stop), ("target", plan.target))
    places = max(len(f"{price:.10g}".partition(".")[2]) for _name, price in prices)
    rows = [(name, f"{price:.{places}f}") for name, price in prices]
    rows += [("reward/risk", f"{plan.reward_risk:.2f}"), ("lots", lots)]
    levels = [Line((words.tr(name), value)) for name, value in rows]
    return [Line((words.tr("Levels"),), head=True), *levels]
